"""Signing keys: rotation, outage and floods, against a real HTTP server."""

import asyncio
import json

import pytest

from libs.auth.cognito import TokenVerifier
from libs.errors import RequestError, TransientError
from tests.unit.auth.builders_auth import Hands, Issuer, a_guest_token, a_user_token, jwk, signed, user_claims


async def _refused(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except RequestError:
        return True
    return False


def _made_up(issuer: Issuer, number: int) -> str:
    return signed(user_claims(issuer), key="stranger", kid=f"made-up-{number}")


async def test_a_new_key_is_learnt_without_a_restart(issuer: Issuer, verifier: TokenVerifier) -> None:
    """Rotation: both keys at first, then the new one alone."""
    await verifier.verify(a_user_token(issuer))
    issuer.user_keys.append(jwk("user-2"))

    assert await verifier.verify(a_user_token(issuer, key="user-2"))
    assert await verifier.verify(a_user_token(issuer, jti="still"))
    assert issuer.count() == 2


async def test_a_flood_of_made_up_key_ids_is_one_fetch(issuer: Issuer, verifier: TokenVerifier, hands: Hands) -> None:
    """One fetch for all of them in five minutes, at once or one by one."""
    await verifier.verify(a_user_token(issuer))

    answers = await asyncio.gather(*(_refused(verifier, _made_up(issuer, number)) for number in range(50)))
    for number in range(50, 60):
        hands.turn(seconds=29)
        assert await _refused(verifier, _made_up(issuer, number))

    assert all(answers)
    assert issuer.count() == 2


async def test_a_rotation_during_a_flood_is_learnt_in_time(
    issuer: Issuer, verifier: TokenVerifier, hands: Hands
) -> None:
    """Five minutes after the last fetch for an unknown key, the next unknown key is worth one."""
    await verifier.verify(a_user_token(issuer))
    await _refused(verifier, _made_up(issuer, 1))
    issuer.user_keys[:] = [jwk("user-2")]
    assert await _refused(verifier, a_user_token(issuer, key="user-2"))

    hands.turn(minutes=5)

    assert await verifier.verify(a_user_token(issuer, key="user-2"))
    assert issuer.count() == 3


async def test_many_at_once_share_the_first_fetch(issuer: Issuer, verifier: TokenVerifier) -> None:
    """A cold start under load asks the issuer once."""
    issuer.answering.clear()
    waiting = [asyncio.create_task(verifier.verify(a_user_token(issuer, jti=str(n)))) for n in range(30)]
    async with asyncio.timeout(10):
        while not issuer.asked:
            await asyncio.sleep(0.01)
    issuer.answering.set()

    assert len(await asyncio.gather(*waiting)) == 30
    assert issuer.count() == 1


async def test_the_first_to_ask_may_go_away(issuer: Issuer, verifier: TokenVerifier) -> None:
    """The fetch it began is everybody's: those who wait for it get their keys, and nobody has to ask again."""
    issuer.answering.clear()
    first, *others = [asyncio.create_task(verifier.verify(a_user_token(issuer, jti=str(n)))) for n in range(5)]
    async with asyncio.timeout(10):
        while not issuer.asked:
            await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.wait([first])
    late = asyncio.create_task(verifier.verify(a_user_token(issuer, jti="late")))
    issuer.answering.set()

    assert len(await asyncio.gather(*others, late)) == 5
    assert first.cancelled()
    assert issuer.count() == 1


async def test_an_outage_keeps_the_keys(issuer: Issuer, verifier: TokenVerifier, hands: Hands) -> None:
    """Known keys go on when they cannot be renewed; for an unknown one nobody can say, so it may be tried again."""
    await verifier.verify(a_user_token(issuer))
    issuer.status = 500

    hands.turn(minutes=50)
    assert await verifier.verify(a_user_token(issuer, jti="2"))
    hands.turn(minutes=15)
    assert await verifier.verify(a_user_token(issuer, hands.now, jti="3"))
    with pytest.raises(TransientError):
        await verifier.verify(a_user_token(issuer, hands.now, key="user-2"))


async def test_an_outage_is_not_made_worse(issuer: Issuer, verifier: TokenVerifier, hands: Hands) -> None:
    """After a failed fetch there is a pause, with keys and without; then it works again."""
    issuer.status = 503
    for number in range(10):
        with pytest.raises(TransientError):
            await verifier.verify(_made_up(issuer, number))
    assert issuer.count() == 1

    issuer.status = 200
    hands.turn(seconds=1)

    assert await verifier.verify(a_user_token(issuer))
    assert issuer.count() == 2


async def test_old_keys_serve_while_one_caller_renews_them(
    issuer: Issuer, verifier: TokenVerifier, hands: Hands
) -> None:
    """A slow issuer holds up one caller an hour, not all."""
    await verifier.verify(a_user_token(issuer))
    hands.turn(hours=1)
    issuer.answering.clear()
    first = asyncio.create_task(verifier.verify(a_user_token(issuer, hands.now, jti="first")))
    async with asyncio.timeout(10):
        while issuer.count() < 2:
            await asyncio.sleep(0.01)

    hands.turn(seconds=2)
    assert await verifier.verify(a_user_token(issuer, hands.now, jti="second"))
    assert not first.done()

    issuer.answering.set()
    assert await first


async def test_a_fetch_outlives_who_began_it(issuer: Issuer, verifier: TokenVerifier) -> None:
    """Hanging up in the middle of it is no failure: the next one knows what it brought."""
    await verifier.verify(a_user_token(issuer))
    issuer.user_keys[:] = [jwk("user-2")]
    issuer.answering.clear()
    gone = asyncio.create_task(verifier.verify(_made_up(issuer, 1)))
    async with asyncio.timeout(10):
        while issuer.count() < 2:
            await asyncio.sleep(0.01)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    issuer.answering.set()

    assert await verifier.verify(a_user_token(issuer, key="user-2"))
    assert issuer.count() == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 7}',
        b'{"keys": [7]}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "kid": "user-1", "k": "c2VjcmV0"}]}',
        b'{"keys": [{"kty": "RSA", "kid": "user-1", "n": "?", "e": "AQAB"}]}',
        b"[" * 100_000,
        json.dumps({"keys": [jwk("user-1")]}).encode() + b" " * 300_000,
    ],
    ids=["empty", "list", "no keys", "number", "numbers", "none", "symmetric", "malformed", "nested", "large"],
)
async def test_a_broken_key_set_is_an_outage(body: bytes, issuer: Issuer, verifier: TokenVerifier) -> None:
    """Whatever the issuer sends instead of keys, it is not the caller's fault."""
    issuer.raw = body

    with pytest.raises(TransientError):
        await verifier.verify(a_user_token(issuer))


async def test_keys_for_another_use_are_not_ours(issuer: Issuer, verifier: TokenVerifier) -> None:
    """A key of another algorithm or for encryption verifies nothing."""
    issuer.user_keys[:] = [jwk("user-1", alg="RS512"), jwk("user-2", use="enc"), jwk("user-3")]

    assert await verifier.verify(a_user_token(issuer, key="user-3"))
    assert await _refused(verifier, a_user_token(issuer, key="user-1"))
    assert await _refused(verifier, a_user_token(issuer, key="user-2"))


async def test_a_redirect_is_not_followed(issuer: Issuer, verifier: TokenVerifier) -> None:
    """Keys come from the issuer's own address or not at all."""
    issuer.status = 302
    issuer.headers = {"Location": f"{issuer.url}/elsewhere"}

    with pytest.raises(TransientError):
        await verifier.verify(a_user_token(issuer))

    assert "/elsewhere" not in issuer.asked


async def test_readiness_is_keys_of_every_issuer(issuer: Issuer, verifier: TokenVerifier, hands: Hands) -> None:
    """Not ready before there are keys; ready with them, even while the issuer is away."""
    issuer.status = 500
    with pytest.raises(TransientError):
        await verifier.check()

    issuer.status = 200
    hands.turn(seconds=1)
    await verifier.check()
    issuer.status = 500
    await verifier.check()

    assert (await verifier.verify(a_guest_token(issuer))).is_guest
