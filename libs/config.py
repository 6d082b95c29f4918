"""Settings: read once from the environment or Parameter Store, frozen, handed down; bad ones are refused as a whole."""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Literal, TypeVar, overload

from pydantic import Field, PostgresDsn, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

WEB_ADDRESS = "^https?://."


_stored: ContextVar[Mapping[str, str]] = ContextVar("_stored", default=MappingProxyType({}))
"""By the name of the variable; only while settings are loaded."""


class _Variables(EnvSettingsSource):
    """Pydantic's, which would stop at the first text that is no JSON, without a word about the others."""

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:  # noqa: FBT001 - pydantic's signature
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            # Not what the field takes, so its validation says what is wrong.
            return value


class Settings(BaseSettings):
    """The base of every service's settings; fields are read from the environment by their own upper-case name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours takes its place
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Pydantic's call: behind the environment stands what Parameter Store had."""
        stored = _Variables(settings_cls)
        stored.env_vars = {name.lower(): value for name, value in _stored.get().items()}
        return init_settings, _Variables(settings_cls), stored, dotenv_settings, file_secret_settings


class SourceSettings(Settings):
    """Where settings are that the environment does not have."""

    settings_path: str | None = Field(
        None,
        pattern=r"^(/[\w.-]+)+$",
        description="A path of Parameter Store, such as /eloquent/dev/settings: for processes outside ECS, which puts "
        "such settings into the environment itself; a parameter is named like its variable, what is secret is a "
        "SecureString",
    )


class ProcessSettings(Settings):
    """What every process needs to be watched and stopped."""

    environment: str = Field("local", description="Where this runs: local, dev, staging or production")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe level logged")
    host: str = Field("127.0.0.1", description="Address the process listens on")
    port: int = Field(8000, ge=0, le=65535, description="TCP port of the process: its API and its probes")
    stop_grace_seconds: float = Field(20.0, gt=0, description="Time to finish or hand back work after SIGTERM")
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern=WEB_ADDRESS,
        description="Address of an OpenTelemetry collector that takes OTLP over HTTP; without one nothing is traced",
    )
    tracing_sample_ratio: float = Field(1.0, ge=0, le=1, description="Share of traces that are recorded")
    tracing_callers_decide: bool = Field(
        default=False,
        description="Whether an HTTP caller's own trace headers say if its request is recorded, and not the share",
    )
    tracing_ids: Literal["w3c", "xray"] = Field(
        "w3c", description="Ids of new traces, and the callers' headers that count: W3C's, or AWS X-Ray's too"
    )


class RedisSettings(Settings):
    """The Redis-compatible server that carries events and answers."""

    redis_url: str = Field(
        pattern=r"^(rediss?(\+cluster)?|unix)://.",
        description="redis://, rediss:// or unix:// address of Redis (7.0 or newer) or Valkey; of a cluster "
        "redis+cluster:// or rediss+cluster:// and any node, or the configuration endpoint",
        json_schema_extra={"format": "password"},
    )
    bus_partitions: int = Field(
        1,
        ge=1,
        le=1024,
        description="Partitions of every stream, on a cluster some for each node; the same everywhere, changed "
        "only while no question waits",
    )
    bus_claim_seconds: float = Field(15.0, ge=0.5, le=600, description="Silence after which work changes hands")
    bus_max_attempts: int = Field(5, ge=1, le=100, description="Failures after which an entry is a dead letter")


class PostgresSettings(Settings):
    """The database that holds the truth."""

    database_url: PostgresDsn = Field(description="postgresql:// address of the writer")
    database_pool_size: int = Field(10, ge=1, le=200, description="Connections a process holds at most")


class ModelSettings(Settings):
    """The OpenAI-compatible endpoint that embeds and writes."""

    openai_api_key: SecretStr = Field(description="Key of the model endpoint")
    openai_base_url: str = Field(
        "https://api.openai.com/v1", pattern=WEB_ADDRESS, description="Any OpenAI-compatible /v1 address"
    )


class KnowledgeSettings(Settings):
    """How knowledge is embedded and where its vectors are; the same wherever documents are indexed or searched."""

    embedding_model: str = Field("text-embedding-3-small", min_length=1, description="The model that embeds")
    embedding_dimensions: int = Field(1536, ge=1, le=4000, description="Length of the model's vectors")
    pinecone_api_key: SecretStr | None = Field(None, description="Key of Pinecone; without it pgvector is used")
    pinecone_index_host: str | None = Field(
        None, min_length=1, validate_default=True, description="Host of the Pinecone index"
    )

    @field_validator("pinecone_index_host")
    @classmethod
    def _pinecone_is_whole(cls, host: str | None, info: ValidationInfo) -> str | None:
        if (host is None) != (info.data.get("pinecone_api_key") is None):
            raise ValueError("set both PINECONE_API_KEY and PINECONE_INDEX_HOST, or neither")
        return host


class IdentitySettings(Settings):
    """The issuers whose tokens are accepted, in Amazon Cognito's terms."""

    cognito_user_pool_issuer: str = Field(
        description="iss of user tokens: https://cognito-idp.<region>.amazonaws.com/<pool id>",
    )
    cognito_client_id: str = Field(description="App client id that user tokens must carry")
    cognito_identity_pool_id: str = Field(description="Identity pool id, the aud of guest tokens")
    cognito_identity_issuer: str = Field(
        "https://cognito-identity.amazonaws.com",
        description="iss of guest tokens",
    )
    cognito_identity_jwks_url: str = Field(
        "https://cognito-identity.amazonaws.com/.well-known/jwks_uri",
        description="Where the keys of guest tokens are published",
    )
    cognito_user_pool_jwks_url: str | None = Field(
        None, description="Where the keys of user tokens are published; below the issuer unless given"
    )


A = TypeVar("A", bound=Settings)
B = TypeVar("B", bound=Settings)
C = TypeVar("C", bound=Settings)
D = TypeVar("D", bound=Settings)
E = TypeVar("E", bound=Settings)
F = TypeVar("F", bound=Settings)
G = TypeVar("G", bound=Settings)


# One overload per number of kinds: a type variable cannot say "an object of each of these".
@overload
def load(a: type[A], /) -> tuple[A]: ...
@overload
def load(a: type[A], b: type[B], /) -> tuple[A, B]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], /) -> tuple[A, B, C]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], d: type[D], /) -> tuple[A, B, C, D]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /) -> tuple[A, B, C, D, E]: ...
@overload
def load(a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], f: type[F], /) -> tuple[A, B, C, D, E, F]: ...
@overload
def load(
    a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], f: type[F], g: type[G], /
) -> tuple[A, B, C, D, E, F, G]: ...
@overload
def load(*kinds: type[Settings]) -> tuple[Settings, ...]: ...
def load(*kinds: type[Settings]) -> tuple[Any, ...]:
    """One frozen object per kind, from the environment, and from Parameter Store where `SETTINGS_PATH` says so.

    Raises:
        SystemExit: something is missing or wrong; its one message names every bad variable.
    """
    [source], problems = _read(SourceSettings)
    path = source.settings_path if isinstance(source, SourceSettings) else None
    token = _stored.set(_parameters(path) if path and not problems else {})
    try:
        loaded, others = _read(*kinds)
    finally:
        _stored.reset(token)
    problems |= others
    if problems:
        lines = "\n".join(f"  {name}: {what}" for name, what in sorted(problems.items()))
        where = "environment variables" if path is None else f"environment variables, or parameters below {path},"
        raise SystemExit(f"Cannot start, these {where} need attention:\n{lines}")
    return tuple(loaded)


def _read(*kinds: type[Settings]) -> tuple[list[Settings | None], dict[str, str]]:
    """One object per kind, None for a bad one, and what is wrong by the name of the variable."""
    read: list[Settings | None] = []
    problems: dict[str, str] = {}
    for kind in kinds:
        try:
            read.append(kind())
        except ValidationError as error:
            read.append(None)
            for problem in error.errors(include_url=False, include_input=False):
                name = variable_name(kind, str(problem["loc"][0]) if problem["loc"] else kind.__name__)
                problems.setdefault(name, "is missing" if problem["type"] == "missing" else problem["msg"])
    return read, problems


def _parameters(path: str) -> dict[str, str]:
    # Here, for hardly any process needs what it brings along.
    from libs.parameters import UnreadableError, read_parameters

    try:
        return read_parameters(path)
    except UnreadableError as error:
        raise SystemExit(f"Cannot start, the parameters below {path} cannot be read: {error}") from error


def variable_name(kind: type[Settings], field: str) -> str:
    """The environment variable behind a field."""
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()
