"""Tokens that get in, who they say it is, and how long they are believed."""

from datetime import timedelta

import pytest

from libs.auth.cognito import TokenVerifier
from libs.config import IdentitySettings
from libs.errors import RequestError
from tests.unit.auth.builders_auth import (
    CLIENT_ID,
    IDENTITY_ID,
    NOW,
    POOL_ID,
    Hands,
    Issuer,
    a_guest_token,
    a_user_token,
    a_verifier,
    in_groups,
    jwk,
)


async def test_an_access_token_names_its_user_and_groups(issuer: Issuer, verifier: TokenVerifier) -> None:
    """A user of the pool, with Cognito's groups in order."""
    principal = await verifier.verify(a_user_token(issuer, **in_groups("editors", "staff")))

    assert principal.groups == ("editors", "staff")
    assert not principal.is_guest


async def test_a_guest_token_names_a_guest(issuer: Issuer, verifier: TokenVerifier) -> None:
    """A guest is in no group, whatever the token claims."""
    principal = await verifier.verify(a_guest_token(issuer, **in_groups("editors")))

    assert principal.is_guest
    assert principal.groups == ()


async def test_a_user_keeps_the_id_and_shares_it_with_nobody(issuer: Issuer, verifier: TokenVerifier) -> None:
    """The same subject is the same user in every token; a guest with a user's subject is somebody else."""
    first = await verifier.verify(a_user_token(issuer, jti="1", sub=IDENTITY_ID))
    again = await verifier.verify(a_user_token(issuer, jti="2", sub=IDENTITY_ID))
    other = await verifier.verify(a_user_token(issuer, sub="another"))
    guest = await verifier.verify(a_guest_token(issuer, sub=IDENTITY_ID))

    assert first.user_id == again.user_id
    assert len({first.user_id, other.user_id, guest.user_id}) == 3


async def test_clocks_may_differ_by_seconds(issuer: Issuer, verifier: TokenVerifier, hands: Hands) -> None:
    """A token issued a moment in our future is good, and so is one that ended a moment ago."""
    token = a_user_token(issuer, NOW + timedelta(seconds=8))
    assert await verifier.verify(token)

    hands.turn(hours=1, seconds=16)
    assert await verifier.verify(token)


async def test_expiry_holds_for_a_token_just_verified(issuer: Issuer, verifier: TokenVerifier, hands: Hands) -> None:
    """What is remembered ends when the token does."""
    token = a_user_token(issuer, exp=(NOW + timedelta(seconds=60)).timestamp())
    await verifier.verify(token)
    hands.turn(seconds=69)
    await verifier.verify(token)

    hands.turn(seconds=2)
    with pytest.raises(RequestError) as refused:
        await verifier.verify(token)

    assert refused.value.code == "token_expired"


async def test_a_withdrawn_key_is_forgotten(issuer: Issuer, verifier: TokenVerifier, hands: Hands) -> None:
    """Within the hour the keys are read again, and a token of a key that is gone does not get in."""
    token = a_user_token(issuer, exp=(NOW + timedelta(hours=12)).timestamp())
    await verifier.verify(token)
    issuer.user_keys[:] = [jwk("user-2")]

    hands.turn(hours=1)
    with pytest.raises(RequestError) as refused:
        await verifier.verify(token)

    assert refused.value.code == "invalid_token"


async def test_memory_for_tokens_is_bounded(issuer: Issuer, hands: Hands) -> None:
    """The oldest makes room."""
    verifier = a_verifier(issuer, hands, remembered_max=3)
    for number in range(5):
        await verifier.verify(a_user_token(issuer, jti=str(number)))

    assert len(verifier._remembered) == 3


async def test_a_token_that_was_seen_long_ago_costs_nothing(issuer: Issuer, hands: Hands) -> None:
    """Guests come once: only those of the last minutes are remembered."""
    verifier = a_verifier(issuer, hands)
    exp = (NOW + timedelta(hours=12)).timestamp()
    for number in range(5):
        await verifier.verify(a_user_token(issuer, jti=str(number), exp=exp))
    hands.turn(hours=1)
    await verifier.verify(a_user_token(issuer, jti="last", exp=exp))

    assert len(verifier._remembered) == 1


async def test_the_settings_say_whom_to_trust(issuer: Issuer, hands: Hands) -> None:
    """The user pool's keys are looked for where Cognito has them: below the issuer."""
    settings = IdentitySettings(
        cognito_user_pool_issuer=issuer.pool,
        cognito_client_id=CLIENT_ID,
        cognito_identity_pool_id=POOL_ID,
        cognito_identity_issuer=issuer.url,
        cognito_identity_jwks_url=f"{issuer.url}/.well-known/jwks_uri",
    )
    verifier = TokenVerifier.from_settings(settings, clock=hands)

    assert await verifier.verify(a_user_token(issuer)) == await a_verifier(issuer, hands).verify(a_user_token(issuer))
    assert (await verifier.verify(a_guest_token(issuer))).is_guest
