"""Where clients sign in, from what the services are told about issuers."""

from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from gateway.settings import EdgeSettings
from libs.config import IdentitySettings

COGNITO_GUESTS = "https://cognito-identity.amazonaws.com"
"""The issuer of every identity pool's tokens; pools are asked for them in their own region."""


class HostedUi(BaseModel):
    """The user pool's own sign-in pages, for the authorization code grant with PKCE."""

    url: str
    providers: tuple[str, ...] = Field(description="By Cognito's names; without any its own page asks")


class Identity(BaseModel):
    """Where clients get their tokens, in Amazon Cognito's terms."""

    endpoint: str
    user_pool_endpoint: str
    identity_pool_endpoint: str
    identity_pool_id: str
    user_pool_client_id: str
    hosted_ui: HostedUi | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Whom a page calls to sign somebody in."""
        hosted = () if self.hosted_ui is None else (self.hosted_ui.url,)
        return (self.user_pool_endpoint, self.identity_pool_endpoint, *hosted)


def identity_of(edge: EdgeSettings, identity: IdentitySettings) -> Identity:
    """The endpoint that was given serves both pools; without one, Amazon's of the pools' regions do."""
    issuer = urlsplit(identity.cognito_user_pool_issuer)
    guests = identity.cognito_identity_issuer
    if guests == COGNITO_GUESTS:
        region = identity.cognito_identity_pool_id.partition(":")[0]
        guests = f"https://cognito-identity.{region}.amazonaws.com"
    hosted = None
    if edge.cognito_hosted_ui_url is not None:
        hosted = HostedUi(url=edge.cognito_hosted_ui_url.rstrip("/"), providers=edge.cognito_identity_providers)
    return Identity(
        endpoint=edge.identity_endpoint or identity.cognito_identity_issuer,
        user_pool_endpoint=edge.identity_endpoint or f"{issuer.scheme}://{issuer.netloc}",
        identity_pool_endpoint=edge.identity_endpoint or guests,
        identity_pool_id=identity.cognito_identity_pool_id,
        user_pool_client_id=identity.cognito_client_id,
        hosted_ui=hosted,
    )
