"""Who becomes a user of the local identity provider, and what it keeps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.local.identity.settings import LocalIdentitySettings
from deploy.local.identity.user_pool import SIGN_UPS_PER_MINUTE
from tests.unit.auth.builders_auth import Hands
from tests.unit.auth.local_provider import EMAIL, PASSWORD, Provider


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
