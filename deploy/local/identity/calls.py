"""What callers send, with Cognito's names and limits."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from deploy.local.identity.passwords import PASSWORD_MAX_CHARACTERS

Username = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^\S+$")]
Password = Annotated[str, Field(max_length=PASSWORD_MAX_CHARACTERS, pattern=r"^\S+$")]
Code = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^\S+$")]
Token = Annotated[str, Field(min_length=1, max_length=8192, pattern=r"^[A-Za-z0-9\-_=.]+$")]
IdentityId = Annotated[str, Field(min_length=1, max_length=55, pattern=r"^[\w-]+:[0-9a-f-]+$")]
Logins = Annotated[dict[str, str], Field(max_length=10)]
ENTRIES_MAX = 20


class Call(BaseModel):
    """The body of a call; what we do not know is ignored, as an SDK sends more than we need."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, extra="ignore")


class ClientCall(Call):
    """A call in the name of the app client."""

    client_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\w+]+$")]


class Attribute(Call):
    """A named fact about a user."""

    name: Annotated[str, Field(min_length=1, max_length=32)]
    value: Annotated[str, Field(max_length=2048)] = ""


class SignUp(ClientCall):
    """A stranger wants to be a user."""

    username: Username
    password: Password
    user_attributes: Annotated[tuple[Attribute, ...], Field(max_length=ENTRIES_MAX)] = ()


class UserCall(ClientCall):
    """ResendConfirmationCode, ForgotPassword: send this user a code."""

    username: Username


class ConfirmSignUp(UserCall):
    """The code proves the email."""

    confirmation_code: Code


class ConfirmForgotPassword(ConfirmSignUp):
    """The code permits a new password."""

    password: Password


class InitiateAuth(ClientCall):
    """Tokens for a password or for a refresh token; the parameters depend on the flow."""

    auth_flow: Literal["USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"]
    auth_parameters: Annotated[
        dict[str, Annotated[str, Field(max_length=4096)]],
        Field(max_length=ENTRIES_MAX),
    ]


class RevokeToken(ClientCall):
    """A client gives its refresh token up."""

    token: Token


class AccessTokenCall(Call):
    """GetUser, GlobalSignOut: the access token says for whom."""

    access_token: Token


class GetId(Call):
    """A guest wants an identity."""

    identity_pool_id: IdentityId
    logins: Logins = {}


class GetOpenIdToken(Call):
    """A guest wants a token for its identity."""

    identity_id: IdentityId
    logins: Logins = {}
