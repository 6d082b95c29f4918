"""How the local identity provider lets users in, and how it keeps others out."""

from typing import Any

from deploy.local.identity import throttle
from deploy.local.identity.user_pool import CODE_TRIES, CODES_PER_HOUR
from tests.unit.auth.builders_auth import Hands
from tests.unit.auth.local_provider import CLIENT, EMAIL, PASSWORD, Provider, another_code


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
        assert await provider.confirm(another_code(provider.codes[-1])) == "CodeMismatchException"
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
