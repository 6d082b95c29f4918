"""What the gateway can be told."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.config import WEB_ADDRESS, Settings


class EdgeSettings(Settings):
    """Where the gateway's neighbours are, and whose pages may use it."""

    history_api_url: str = Field(pattern=WEB_ADDRESS, description="Address of the history api, without a path")
    ingest_api_url: str = Field(pattern=WEB_ADDRESS, description="Address of the ingest api, without a path")
    identity_endpoint: str | None = Field(
        None, description="Where clients sign in; the issuer of guest tokens unless given"
    )
    cognito_hosted_ui_url: str | None = Field(
        None,
        pattern=WEB_ADDRESS,
        description="Sign-in pages of the user pool: https://<domain>.auth.<region>.amazoncognito.com; none without it",
    )
    cognito_identity_providers: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Providers that can be chosen there, such as Google,SignInWithApple; its own page without any"
    )
    web_dir: Path | None = Field(
        None, description="Folder whose `current` leads to the built web page, which is then served at /"
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins of web pages that may use the API, separated by commas; the gateway's own always may"
    )

    @field_validator("allowed_origins", "cognito_identity_providers", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        if isinstance(given, str):
            return tuple(one.strip().rstrip("/") for one in given.split(",") if one.strip())
        return given


class GatewaySettings(Settings):
    """Limits on what a stranger can use up, or see."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="TCP port of /metrics, which PORT does not show; without it nothing does"
    )
    max_backlog: int = Field(
        2_000, ge=1, description="Waiting questions of a partition beyond which new ones are refused"
    )
    max_sockets: int = Field(12_000, ge=1, description="Sockets of a process")
    max_sockets_per_address: int = Field(200, ge=1, description="Sockets of one client address")
    max_requests_per_socket: int = Field(16, ge=1, description="Answers a socket reads at once")
    frames_per_second: float = Field(20.0, gt=0, description="Frames a socket may send, on average")
    frames_burst: int = Field(60, ge=1, description="Frames a socket may send at once")
    authentication_seconds: float = Field(10.0, gt=0, description="Time a socket has to send its first valid token")
    send_seconds: float = Field(20.0, gt=0, description="A socket that takes nothing for so long is dropped")
    untaken_seconds: float = Field(
        30.0, gt=0, description="A question that no worker has taken for so long is given back to its client"
    )
    forward_seconds: float = Field(60.0, gt=0, description="Silence of a forwarded request after which it is given up")
    drain_seconds: float = Field(
        5.0, ge=0, description="Time over which a stopping process closes its sockets, at most half of its grace"
    )
    trusted_proxies: int = Field(
        0, ge=0, le=8, description="Load balancers in front, each of which adds its caller to X-Forwarded-For"
    )
    user_questions_per_minute: int = Field(60, ge=1, description="Questions of a signed-in user")
    guest_questions_per_minute: int = Field(20, ge=1, description="Questions of a guest")
    user_requests_per_minute: int = Field(600, ge=1, description="HTTP requests and resumes of a signed-in user")
    guest_requests_per_minute: int = Field(300, ge=1, description="HTTP requests and resumes of a guest")
    address_requests_per_minute: int = Field(
        1_200, ge=1, description="Questions and requests of one client address, whoever sends them"
    )
    user_turns: int = Field(8, ge=1, le=1_000, description="Answers a signed-in user may have under way")
    guest_turns: int = Field(4, ge=1, le=1_000, description="Answers a guest may have under way")


class ApiGatewaySettings(Settings):
    """Clients that come by a WebSocket API of Amazon API Gateway; without both there are no callbacks."""

    model_config = SettingsConfigDict(env_prefix="API_GATEWAY_")

    secret: SecretStr | None = Field(
        None, min_length=32, description="What API Gateway shows with each callback, to prove that it is the caller"
    )
    connections_url: str | None = Field(
        None,
        pattern=WEB_ADDRESS,
        validate_default=True,
        description="Where answers are posted: https://<api>.execute-api.<region>.amazonaws.com/<stage>",
    )
    region: str = Field("us-east-1", min_length=1, description="Region of that API, which posts are signed for")

    @field_validator("connections_url")
    @classmethod
    def _is_whole(cls, url: str | None, info: ValidationInfo) -> str | None:
        if (url is None) != (info.data.get("secret") is None):
            raise ValueError("set both API_GATEWAY_SECRET and API_GATEWAY_CONNECTIONS_URL, or neither")
        return url
