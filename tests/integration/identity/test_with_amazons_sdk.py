"""The local provider through boto3: what works here works with Cognito."""

import itertools
import signal
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from libs.auth.cognito import TokenVerifier
from libs.errors import RequestError
from tests.integration.identity.conftest import Process

PASSWORD = "Correct-horse-7"
_NUMBERS = itertools.count()


def _new_email() -> str:
    return f"user{next(_NUMBERS)}@example.com"


def _sign_in(identity: Process, email: str, password: str = PASSWORD) -> Any:
    return identity.sdk("cognito-idp").initiate_auth(
        ClientId=identity.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )["AuthenticationResult"]


def _refresh(identity: Process, token: str) -> Any:
    return identity.sdk("cognito-idp").initiate_auth(
        ClientId=identity.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token}
    )["AuthenticationResult"]


def _a_user(identity: Process) -> str:
    """The email of a new confirmed user."""
    email, users, client = _new_email(), identity.sdk("cognito-idp"), identity.client_id
    signed_up = users.sign_up(
        ClientId=client, Username=email, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": email}]
    )
    assert signed_up["CodeDeliveryDetails"]["Destination"] == "u***@e***"
    users.confirm_sign_up(ClientId=client, Username=email, ConfirmationCode=identity.code(email))
    return email


async def test_from_stranger_to_signed_out_user(identity: Process) -> None:
    """Sign up, confirm, sign in, be known to a service, refresh, sign out everywhere."""
    email = _a_user(identity)
    users, verifier = identity.sdk("cognito-idp"), TokenVerifier.from_settings(identity.settings)
    tokens = _sign_in(identity, email)

    principal = await verifier.verify(tokens["AccessToken"])
    attributes = users.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
    fresh = _refresh(identity, tokens["RefreshToken"])

    assert {"Name": "email", "Value": email} in attributes
    assert await verifier.verify(fresh["AccessToken"]) == principal
    with pytest.raises(RequestError):
        await verifier.verify(tokens["IdToken"])
    users.global_sign_out(AccessToken=fresh["AccessToken"])
    with pytest.raises(users.exceptions.NotAuthorizedException):
        _refresh(identity, tokens["RefreshToken"])


async def test_a_guest_is_known_to_a_service(identity: Process) -> None:
    """The same guest at every token; each GetId is another guest; readiness sees the keys of both pools."""
    guests, verifier = identity.sdk("cognito-identity"), TokenVerifier.from_settings(identity.settings)
    first, other = [guests.get_id(IdentityPoolId=identity.pool_id)["IdentityId"] for _ in range(2)]

    await verifier.check()
    principals = [
        await verifier.verify(guests.get_open_id_token(IdentityId=identity_id)["Token"])
        for identity_id in (first, first, other)
    ]

    assert all(principal.is_guest for principal in principals)
    assert principals[0] == principals[1] != principals[2]


async def test_everything_survives_being_killed(identity: Process) -> None:
    """Users, refresh tokens, guests and keys: a token from before is good afterwards, with no new keys to fetch."""
    email = _a_user(identity)
    tokens = _sign_in(identity, email)
    guest = identity.sdk("cognito-identity").get_id(IdentityPoolId=identity.pool_id)["IdentityId"]
    verifier = TokenVerifier.from_settings(identity.settings)
    principal = await verifier.verify(tokens["AccessToken"])

    identity.stop(signal.SIGKILL)
    identity.start()

    assert await verifier.verify(_sign_in(identity, email)["AccessToken"]) == principal
    assert await verifier.verify(_refresh(identity, tokens["RefreshToken"])["AccessToken"]) == principal
    assert identity.sdk("cognito-identity").get_open_id_token(IdentityId=guest)["IdentityId"] == guest


def test_a_forgotten_password_is_replaced(identity: Process) -> None:
    """By a code, as with Cognito."""
    email, users = _a_user(identity), identity.sdk("cognito-idp")
    users.forgot_password(ClientId=identity.client_id, Username=email)

    users.confirm_forgot_password(
        ClientId=identity.client_id,
        Username=email,
        ConfirmationCode=identity.code(email),
        Password="Another-horse-8",
    )

    assert _sign_in(identity, email, "Another-horse-8")["TokenType"] == "Bearer"


def test_refusals_are_the_sdks_own_exceptions(identity: Process) -> None:
    """So that a client's error handling written for Cognito works here."""
    email, users, client = _a_user(identity), identity.sdk("cognito-idp"), identity.client_id
    stranger = {"ClientId": client, "Username": _new_email(), "Password": PASSWORD}
    users.sign_up(**stranger)
    wrong = users.exceptions

    with pytest.raises(wrong.NotAuthorizedException, match=r"Incorrect username or password\."):
        _sign_in(identity, email, "Wrong-horse-7")
    with pytest.raises(wrong.UserNotConfirmedException):
        _sign_in(identity, stranger["Username"])
    with pytest.raises(wrong.UsernameExistsException):
        users.sign_up(ClientId=client, Username=email, Password=PASSWORD)
    with pytest.raises(wrong.InvalidPasswordException, match="not long enough"):
        users.sign_up(ClientId=client, Username=_new_email(), Password="Aa1!")
    with pytest.raises(wrong.CodeMismatchException):
        users.confirm_sign_up(ClientId=client, Username=stranger["Username"], ConfirmationCode="no")
    with pytest.raises(wrong.ResourceNotFoundException):
        users.sign_up(**{**stranger, "ClientId": "another"})
    with pytest.raises(wrong.InvalidParameterException):
        users.initiate_auth(ClientId=client, AuthFlow="USER_SRP_AUTH", AuthParameters={"USERNAME": email})


@pytest.mark.parametrize(
    "identity_id",
    ["local:00000000-0000-4000-8000-000000000000", "eu-west-1:00000000-0000-4000-8000-000000000000", "local:-"],
)
def test_nobody_makes_up_a_guest(identity: Process, identity_id: str) -> None:
    """Only an id that GetId gave out has tokens."""
    guests = identity.sdk("cognito-identity")

    with pytest.raises(guests.exceptions.ResourceNotFoundException):
        guests.get_open_id_token(IdentityId=identity_id)


def test_a_guest_of_another_pool_or_with_a_login_is_refused(identity: Process) -> None:
    """This provider has one pool, and guests only in it."""
    guests = identity.sdk("cognito-identity")

    with pytest.raises(guests.exceptions.ResourceNotFoundException):
        guests.get_id(IdentityPoolId="local:99999999-0000-4000-8000-000000000000")
    with pytest.raises(guests.exceptions.InvalidParameterException):
        guests.get_id(IdentityPoolId=identity.pool_id, Logins={"accounts.example": "token"})
    with pytest.raises(ClientError, match="UnknownOperationException"):
        guests.get_credentials_for_identity(IdentityId=identity.pool_id)


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b"{", 400, "SerializationException"),
        (b"[" * 20_000, 400, "SerializationException"),
        (b"", 400, "InvalidParameterException"),
        (b"[]", 400, "InvalidParameterException"),
        (b'{"ClientId": "eloquentlocal", "Username": "\\ud800@e.org", "Password": "x"}', 400, "SerializationException"),
        (b'{"Username": "' + b"x" * 40_000 + b'"}', 413, "RequestEntityTooLargeException"),
    ],
    ids=["cut", "nested", "empty", "list", "lone surrogate", "large"],
)
def test_nonsense_is_refused_in_cognitos_form(identity: Process, body: bytes, status: int, name: str) -> None:
    """Type in body and header, and never the values that were sent."""
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp"}

    answer = httpx.post(identity.url, content=body, headers=target, trust_env=False)

    assert (answer.status_code, answer.json()["__type"]) == (status, name)
    assert answer.headers["x-amzn-errortype"].startswith(name)
    assert "xxx" not in answer.text


def test_a_page_of_any_origin_may_call(identity: Process) -> None:
    """Browsers ask first; Amazon's endpoints say yes to all."""
    asked = {
        "Origin": "https://chat.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-amz-target,x-amz-user-agent",
    }

    answer = httpx.options(identity.url, headers=asked, trust_env=False)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-amz-target" in answer.headers["access-control-allow-headers"]
