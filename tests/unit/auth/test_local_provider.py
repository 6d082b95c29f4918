"""The rules of the local identity provider, with a clock whose hands are turned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from pydantic import ValidationError
from structlog.testing import capture_logs

from deploy.local.identity import throttle
from deploy.local.identity.settings import LocalIdentitySettings
from deploy.local.identity.user_pool import CODE_TRIES, CODES_PER_HOUR, SIGN_UPS_PER_MINUTE
from deploy.local.identity.wiring import build
from libs.config import ProcessSettings
from tests.unit.auth.builders_auth import Hands

EMAIL, PASSWORD = "ann@example.com", "Correct-horse-7"
CLIENT = "eloquentlocal"


class Provider:
    """A provider in this process, called over its own protocol."""

    def __init__(self, folder: Path, hands: Hands, **settings: Any) -> None:
        app = build(LocalIdentitySettings(dir=folder, **settings), ProcessSettings(port=9000), clock=hands)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://identity")
        self.codes: list[str] = []

    async def post(self, target: str, body: dict[str, Any]) -> httpx.Response:
        with capture_logs() as lines:
            answer = await self._client.post("/", json=body, headers={"X-Amz-Target": target})
        self.codes += [line["code"] for line in lines if line["event"] == "confirmation code"]
        return answer

    async def call(self, operation: str, **body: Any) -> Any:
        """What the operation answers; a refusal's name when it is one."""
        answer = await self.post(f"AWSCognitoIdentityProviderService.{operation}", {"ClientId": CLIENT, **body})
        return answer.json().get("__type", answer.json())

    async def sign_up(self, email: str = EMAIL) -> Any:
        return await self.call("SignUp", Username=email, Password=PASSWORD)

    async def confirm(self, code: str, email: str = EMAIL) -> Any:
        return await self.call("ConfirmSignUp", Username=email, ConfirmationCode=code)

    async def sign_in(self, password: str = PASSWORD, email: str = EMAIL) -> Any:
        parameters = {"USERNAME": email, "PASSWORD": password}
        return await self.call("InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)

    async def refresh(self, token: str) -> Any:
        return await self.call("InitiateAuth", AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token})

    async def user(self) -> dict[str, Any]:
        """A confirmed user's tokens."""
        await self.sign_up()
        assert await self.confirm(self.codes[-1]) == {}
        return dict((await self.sign_in())["AuthenticationResult"])


@pytest.fixture
def make_provider(tmp_path: Path, hands: Hands) -> Callable[..., Provider]:
    structlog.reset_defaults()
    return lambda **settings: Provider(tmp_path / "identity", hands, **settings)


@pytest.fixture
def provider(make_provider: Callable[..., Provider]) -> Provider:
    return make_provider()


def _another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_wrong_passwords_lock_for_longer_and_longer(provider: Provider, hands: Hands) -> None:
    """From the fifth on, even the right password waits: one second, then two, at most 15 minutes."""
    await provider.user()
    for _ in range(throttle.FREE_FAILURES):
        assert await provider.sign_in("Wrong-horse-7") == "NotAuthorizedException"

    assert await provider.sign_in() == "NotAuthorizedException"
    hands.turn(seconds=1)
    assert await provider.sign_in("Wrong-horse-7") == "NotAuthorizedException"
    hands.turn(seconds=1)
    assert await provider.sign_in() == "NotAuthorizedException"
    hands.turn(seconds=1)
    assert "AuthenticationResult" in await provider.sign_in()
    assert await provider.sign_in("Wrong-horse-7") == "NotAuthorizedException"
    assert "AuthenticationResult" in await provider.sign_in()


async def test_a_lock_ends_after_fifteen_minutes_however_many_failures(provider: Provider, hands: Hands) -> None:
    """Nobody is locked out for good by a stranger."""
    await provider.user()
    for _ in range(throttle.FREE_FAILURES + 15):
        await provider.sign_in("Wrong-horse-7")
        hands.turn(seconds=throttle.LOCK_MAX_SECONDS)

    assert "AuthenticationResult" in await provider.sign_in()


async def test_an_unknown_user_looks_like_a_wrong_password(provider: Provider, hands: Hands) -> None:
    """Sign-in and forgotten passwords do not say who has an account, however often one asks."""
    await provider.user()

    async def answers(email: str) -> list[str]:
        parameters = {"USERNAME": email, "PASSWORD": "Wrong-horse-7"}
        reset = {"Username": email, "ConfirmationCode": "no", "Password": PASSWORD}
        calls: list[tuple[str, dict[str, Any]]] = [
            ("ConfirmForgotPassword", reset),
            *[("ForgotPassword", {"Username": email})] * (CODES_PER_HOUR + 1),
            *[("ConfirmForgotPassword", reset)] * (CODE_TRIES + 1),
            *[("InitiateAuth", {"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters})] * 6,
        ]
        return [
            (await provider.post(f"AWSCognitoIdentityProviderService.{name}", {"ClientId": CLIENT, **body})).text
            for name, body in calls
        ]

    # In another hour, as signing up has spent one of the address's codes.
    hands.turn(hours=1)
    known = await answers(EMAIL)
    unknown = await answers("anybody@example.com")

    assert known == unknown


async def test_a_code_has_few_tries(provider: Provider) -> None:
    """After them the right one does not help either: a new one must be sent."""
    await provider.sign_up()
    for _ in range(CODE_TRIES):
        assert await provider.confirm(_another(provider.codes[-1])) == "CodeMismatchException"
    assert await provider.confirm(provider.codes[-1]) == "ExpiredCodeException"

    await provider.call("ResendConfirmationCode", Username=EMAIL)

    assert await provider.confirm(provider.codes[-1]) == {}


async def test_a_code_ages_and_is_replaced(provider: Provider, hands: Hands) -> None:
    """A day for a sign-up; a newer code puts the older out of use; a used one is used."""
    await provider.sign_up()
    hands.turn(hours=25)
    assert await provider.confirm(provider.codes[-1]) == "ExpiredCodeException"
    await provider.call("ResendConfirmationCode", Username=EMAIL)
    await provider.call("ResendConfirmationCode", Username=EMAIL)
    *_, older, newest = provider.codes

    if older != newest:
        assert await provider.confirm(older) == "CodeMismatchException"
    assert await provider.confirm(newest) == {}
    assert await provider.confirm(newest) == "NotAuthorizedException"


async def test_codes_are_rationed(provider: Provider, hands: Hands) -> None:
    """Some an hour and user, or guessing would pay."""
    await provider.sign_up()
    for _ in range(CODES_PER_HOUR - 1):
        assert "CodeDeliveryDetails" in await provider.call("ResendConfirmationCode", Username=EMAIL)
    assert await provider.call("ResendConfirmationCode", Username=EMAIL) == "LimitExceededException"

    hands.turn(hours=1)

    assert "CodeDeliveryDetails" in await provider.call("ResendConfirmationCode", Username=EMAIL)


async def test_sign_ups_are_rationed(provider: Provider, hands: Hands) -> None:
    """So many a minute, by everybody together."""
    answers = [await provider.sign_up() for _ in range(SIGN_UPS_PER_MINUTE + 1)]
    assert answers[1:] == [*["UsernameExistsException"] * (SIGN_UPS_PER_MINUTE - 1), "TooManyRequestsException"]

    hands.turn(minutes=1)

    assert await provider.sign_up() == "UsernameExistsException"


async def test_an_address_is_free_again_when_it_was_never_confirmed(provider: Provider, hands: Hands) -> None:
    """A stranger cannot keep somebody else's address."""
    await provider.sign_up()
    assert await provider.sign_up(EMAIL.upper()) == "UsernameExistsException"

    hands.turn(hours=25)

    assert "UserSub" in await provider.sign_up()


async def test_an_unconfirmed_user_does_not_get_in(provider: Provider) -> None:
    """The right password says why; a wrong one does not."""
    await provider.sign_up()

    assert await provider.sign_in() == "UserNotConfirmedException"
    assert await provider.sign_in("Wrong-horse-7") == "NotAuthorizedException"


async def test_a_refresh_token_lasts_thirty_days(provider: Provider, hands: Hands) -> None:
    """And is not replaced by using it."""
    tokens = await provider.user()
    hands.turn(days=29)
    assert "RefreshToken" not in (await provider.refresh(tokens["RefreshToken"]))["AuthenticationResult"]

    hands.turn(days=1)

    assert await provider.refresh(tokens["RefreshToken"]) == "NotAuthorizedException"


async def test_signing_out_everywhere_ends_every_refresh_token(provider: Provider) -> None:
    """Also the one from another device; revoking ends one only."""
    first = await provider.user()
    second, third = [(await provider.sign_in())["AuthenticationResult"] for _ in range(2)]
    await provider.call("RevokeToken", Token=second["RefreshToken"])
    assert await provider.refresh(second["RefreshToken"]) == "NotAuthorizedException"
    assert "AuthenticationResult" in await provider.refresh(third["RefreshToken"])

    assert await provider.call("GlobalSignOut", AccessToken=first["AccessToken"]) == {}

    assert await provider.refresh(first["RefreshToken"]) == "NotAuthorizedException"
    assert await provider.refresh(third["RefreshToken"]) == "NotAuthorizedException"
    assert await provider.call("GetUser", AccessToken=third["AccessToken"]) == "NotAuthorizedException"


async def test_only_a_live_access_token_speaks_for_its_user(provider: Provider, hands: Hands) -> None:
    """Not an id token, not a changed one, not an old one."""
    tokens = await provider.user()
    assert await provider.call("GetUser", AccessToken=tokens["IdToken"]) == "NotAuthorizedException"
    assert await provider.call("GetUser", AccessToken=tokens["AccessToken"][:-6]) == "NotAuthorizedException"
    assert "Username" in await provider.call("GetUser", AccessToken=tokens["AccessToken"])

    hands.turn(hours=1)

    assert await provider.call("GetUser", AccessToken=tokens["AccessToken"]) == "NotAuthorizedException"


async def test_a_new_password_ends_what_the_old_one_began(provider: Provider) -> None:
    """After a reset the old password and the old sign-ins are void."""
    tokens = await provider.user()
    await provider.call("ForgotPassword", Username=EMAIL)
    reset = {"Username": EMAIL, "ConfirmationCode": provider.codes[-1]}
    assert await provider.call("ConfirmForgotPassword", **reset, Password="weak") == "InvalidPasswordException"

    assert await provider.call("ConfirmForgotPassword", **reset, Password="Another-horse-8") == {}

    assert await provider.sign_in() == "NotAuthorizedException"
    assert "AuthenticationResult" in await provider.sign_in("Another-horse-8")
    assert await provider.refresh(tokens["RefreshToken"]) == "NotAuthorizedException"


@pytest.mark.parametrize("password", ["Aa1!", "aaaaaaa1!", "AAAAAAA1!", "Aaaaaaaa!", "Aaaaaaaa1"])
async def test_a_weak_password_is_refused(provider: Provider, password: str) -> None:
    """Cognito's default policy: eight characters, of every kind."""
    assert await provider.call("SignUp", Username=EMAIL, Password=password) == "InvalidPasswordException"


@pytest.mark.parametrize(
    "changed",
    [
        {"Username": "ann"},
        {"Username": "a" * 120 + "@example.com"},
        {"Username": "ann@example.com\0 x"},
        {"Password": "Aa1!" * 100},
        {"Password": None},
        {"UserAttributes": [{"Name": "email", "Value": "eve@example.com"}]},
        {"UserAttributes": [{"Name": "custom:role", "Value": "editor"}]},
        {"UserAttributes": [{"Name": "email", "Value": EMAIL}] * 100},
    ],
    ids=["no email", "long", "NUL", "long password", "no password", "another email", "a role", "many"],
)
async def test_a_malformed_sign_up_is_refused(provider: Provider, changed: dict[str, Any]) -> None:
    """Nobody gets attributes they are not given."""
    body = {"Username": EMAIL, "Password": PASSWORD, **changed}

    assert await provider.call("SignUp", **body) == "InvalidParameterException"


async def test_the_editor_is_there_after_every_start(make_provider: Callable[..., Provider]) -> None:
    """Made on the first start, kept on the next, with the password that is configured now."""
    first = make_provider(editor_email="Ed@example.com", editor_password="Editor-pass-1")
    assert "AuthenticationResult" in await first.sign_in("Editor-pass-1", "ed@example.com")

    second = make_provider(editor_email="ed@example.com", editor_password="Editor-pass-2")

    assert "AuthenticationResult" in await second.sign_in("Editor-pass-2", "ed@example.com")
    assert await second.sign_in("Editor-pass-1", "ed@example.com") == "NotAuthorizedException"


@pytest.mark.parametrize(
    "settings",
    [
        {"editor_email": "ed@example.com"},
        {"editor_password": "Editor-pass-1"},
        {"editor_email": "ed@example.com", "editor_password": "weak"},
        {"public_url": "http://localhost:9000/"},
        {"pool_id": "no-uuid"},
    ],
)
def test_half_a_configuration_stops_the_start(settings: dict[str, Any], tmp_path: Path) -> None:
    """The message names the setting, and never the password."""
    with pytest.raises(ValidationError) as refused:
        LocalIdentitySettings(dir=tmp_path, **settings)

    assert refused.value.errors()[0]["loc"][0] in {"editor_password", "public_url", "pool_id"}


async def test_the_state_is_for_its_owner_only(provider: Provider, tmp_path: Path) -> None:
    """Nobody else on the machine reads keys, hashes or codes."""
    await provider.sign_up()
    folder = tmp_path / "identity"

    assert folder.stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077] == []
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in folder.iterdir())
