"""Tokens that must not get in, each with the reason its bearer is told."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.auth.cognito import TokenVerifier
from libs.errors import RequestError
from tests.unit.auth.builders_auth import (
    NOW,
    Issuer,
    a_guest_token,
    a_user_token,
    guest_claims,
    in_groups,
    jwk,
    rsa_key,
    signed,
    user_claims,
)


def _segment(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(issuer: Issuer) -> str:
    return f"{_segment({'alg': 'none', 'kid': 'user-1'})}.{_segment(user_claims(issuer))}."


def _signed_with_the_public_key(issuer: Issuer) -> str:
    public = rsa_key("user-1").public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = f"{_segment({'alg': 'HS256', 'kid': 'user-1'})}.{_segment(user_claims(issuer))}"
    return f"{body}.{_segment(hmac.new(pem, body.encode(), hashlib.sha256).digest())}"


def _tampered(issuer: Issuer) -> str:
    header, _, signature = a_user_token(issuer).split(".")
    return f"{header}.{_segment(user_claims(issuer, **in_groups('editors')))}.{signature}"


def _truncated(issuer: Issuer) -> str:
    body, _, signature = a_user_token(issuer).rpartition(".")
    return f"{body}.{_segment(base64.urlsafe_b64decode(signature + '==')[:-8])}"


def _with_header(issuer: Issuer, **header: Any) -> str:
    """Signed by a stranger, who says where to find the key."""
    return signed(user_claims(issuer), key="stranger", **{"kid": "user-1", **header})


def _nested(issuer: Issuer) -> str:
    return f"{_segment({'alg': 'RS256', 'kid': 'user-1'})}.{_segment(b'[' * 3000)}.{_segment(b'x' * 256)}"


def _nested_header(issuer: Issuer) -> str:
    return f"{_segment(b'[' * 3000)}.{_segment(user_claims(issuer))}.{_segment(b'x' * 256)}"


def _detached(issuer: Issuer) -> str:
    header = {"alg": "RS256", "kid": "user-1", "b64": False, "crit": ["b64"]}
    return f"{_segment(header)}..{_segment(b'x' * 256)}"


def _without_kid(issuer: Issuer) -> str:
    return jwt.encode(user_claims(issuer), rsa_key("user-1"), algorithm="RS256")


_GROUPS_AS_TEXT: dict[str, Any] = {"cognito:groups": "editors"}

INVALID: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "empty": (lambda _: "", "not a signed JWT"),
    "not a JWT": (lambda _: "open sesame", "not a signed JWT"),
    "two segments": (lambda i: a_user_token(i).rpartition(".")[0], "not a signed JWT"),
    "NUL bytes": (lambda i: a_user_token(i) + "\0", "not a signed JWT"),
    "a second Bearer": (lambda i: f"Bearer {a_user_token(i)}", "not a signed JWT"),
    "not ASCII": (lambda i: a_user_token(i) + "é", "characters"),
    "a lone surrogate": (lambda i: a_user_token(i) + "\ud800", "characters"),
    "one megabyte": (lambda i: a_user_token(i) + "A" * 1_000_000, "too long"),
    "one megabyte, well signed": (lambda i: a_user_token(i, padding="x" * 1_000_000), "too long"),
    "nested JSON as payload": (_nested, "not a signed JWT"),
    "nested JSON as header": (_nested_header, "not a signed JWT"),
    "payload that is a list": (
        lambda _: f"{_segment({'alg': 'RS256'})}.{_segment([])}.{_segment(b'x')}",
        "not a signed JWT",
    ),
    "detached payload": (_detached, "not a signed JWT"),
    "alg none": (_unsigned, "signs with RS256 only"),
    "HS256 with the public key": (_signed_with_the_public_key, "signs with RS256 only"),
    "RS384 by the right key": (lambda i: signed(user_claims(i), alg="RS384"), "signs with RS256 only"),
    "PS256 by the right key": (lambda i: signed(user_claims(i), alg="PS256"), "signs with RS256 only"),
    "no kid": (_without_kid, "names no key"),
    "unknown kid": (lambda i: a_user_token(i, key="stranger"), "does not know the key"),
    "unknown critical header": (lambda i: signed(user_claims(i), crit=["exp"]), "not a signed JWT"),
    "jku header": (lambda i: _with_header(i, jku=f"{i.url}/stranger.json"), "brings its own key"),
    "x5u header": (lambda i: _with_header(i, x5u=f"{i.url}/stranger.pem"), "brings its own key"),
    "jwk header": (lambda i: _with_header(i, jwk=jwk("stranger")), "brings its own key"),
    "jku beside a good signature": (
        lambda i: signed(user_claims(i), jku=f"{i.pool}/.well-known/jwks.json"),
        "brings its own key",
    ),
    "a stranger's signature": (_with_header, "signature is wrong"),
    "tampered payload": (_tampered, "signature is wrong"),
    "truncated signature": (_truncated, "signature is wrong"),
    "no signature": (lambda i: a_user_token(i).rpartition(".")[0] + ".", "signature is wrong"),
    "wrong issuer": (lambda i: a_user_token(i, iss="https://evil.example/pool"), "issuer is not trusted"),
    "another pool": (lambda i: a_user_token(i, iss=f"{i.url}/other"), "issuer is not trusted"),
    "issuer that is a list": (lambda i: a_user_token(i) and _list_issuer(i), "issuer is not trusted"),
    "no issuer": (lambda i: a_user_token(i, iss=None), "issuer is not trusted"),
    "another client": (lambda i: a_user_token(i, client_id="somebodyelses"), "another client"),
    "no client": (lambda i: a_user_token(i, client_id=None), "another client"),
    "id token": (lambda i: a_user_token(i, token_use="id"), "not an access token"),
    "id token as Cognito makes it": (
        lambda i: a_user_token(i, token_use="id", client_id=None, aud="eloquenttest"),
        "somebody else",
    ),
    "bound to another API": (lambda i: a_user_token(i, aud="https://other.example"), "somebody else"),
    "not yet valid": (lambda i: a_user_token(i, nbf=(NOW + timedelta(minutes=1)).timestamp()), "not valid yet"),
    "issued in the future": (lambda i: a_user_token(i, iat=(NOW + timedelta(minutes=1)).timestamp()), "not valid yet"),
    "no exp": (lambda i: a_user_token(i, exp=None), "missing or malformed"),
    "no iat": (lambda i: a_user_token(i, iat=None), "missing or malformed"),
    "no sub": (lambda i: a_user_token(i, sub=None), "missing or malformed"),
    "sub that is a number": (lambda i: a_user_token(i, sub=7), "missing or malformed"),
    "empty sub": (lambda i: a_user_token(i, sub=""), "subject is malformed"),
    "exp that is text": (lambda i: a_user_token(i, exp="tomorrow"), "exp is not a time"),
    "exp that is true": (lambda i: a_user_token(i, exp=True), "exp is not a time"),
    "exp that is infinite": (lambda i: a_user_token(i, exp=float("inf")), "exp is not a time"),
    "exp that is not a number": (lambda i: a_user_token(i, exp=float("nan")), "exp is not a time"),
    "exp of a thousand digits": (lambda i: a_user_token(i, exp=10**1000), "exp is not a time"),
    "groups that are text": (lambda i: a_user_token(i, **_GROUPS_AS_TEXT), "groups are malformed"),
    "guest of another pool": (lambda i: a_guest_token(i, aud="local:other"), "somebody else"),
    "guest of several pools": (lambda i: a_guest_token(i, aud=[guest_claims(i)["aud"], "x"]), "somebody else"),
    "guest without a pool": (lambda i: a_guest_token(i, aud=None), "missing or malformed"),
    "guest who is authenticated": (lambda i: a_guest_token(i, amr=["authenticated", "pool"]), "not a guest"),
    "guest who is both": (lambda i: a_guest_token(i, amr=["unauthenticated", "authenticated"]), "not a guest"),
    "guest without amr": (lambda i: a_guest_token(i, amr=None), "not a guest"),
    "guest whose amr is text": (lambda i: a_guest_token(i, amr="unauthenticated"), "not a guest"),
    "guest in RS256": (lambda i: signed(guest_claims(i), key="guest-1"), "signs with RS512 only"),
    "guest by the user pool's key": (
        lambda i: signed(guest_claims(i), key="user-1", alg="RS512"),
        "does not know the key",
    ),
    "user by the guests' key": (lambda i: a_user_token(i, key="guest-1"), "does not know the key"),
    "user in RS512": (lambda i: signed(user_claims(i), alg="RS512"), "signs with RS256 only"),
}


def _list_issuer(issuer: Issuer) -> str:
    header = {"alg": "RS256", "kid": "user-1"}
    return f"{_segment(header)}.{_segment({**user_claims(issuer), 'iss': [issuer.pool]})}.{_segment(b'x' * 256)}"


@pytest.mark.parametrize("case", INVALID)
async def test_a_bad_token_is_refused_with_its_reason(case: str, issuer: Issuer, verifier: TokenVerifier) -> None:
    """A 401 that says what is wrong and what to do; nothing in the token makes us ask anybody else."""
    make, reason = INVALID[case]
    token = make(issuer)

    with pytest.raises(RequestError) as refused:
        await verifier.verify(token)

    assert (refused.value.status, refused.value.code) == (401, "invalid_token")
    assert reason in refused.value.detail
    assert "Sign in again" in refused.value.detail
    assert set(issuer.asked) <= {"/pool/.well-known/jwks.json", "/.well-known/jwks_uri"}


async def test_an_expired_token_is_named_so(issuer: Issuer, verifier: TokenVerifier) -> None:
    """Its own code, as a client's answer to it is another: refresh."""
    token = a_user_token(issuer, NOW - timedelta(hours=2))

    with pytest.raises(RequestError) as refused:
        await verifier.verify(token)

    assert (refused.value.status, refused.value.code) == (401, "token_expired")


async def test_what_can_be_refused_unseen_costs_no_fetch(issuer: Issuer, verifier: TokenVerifier) -> None:
    """Tokens of strangers never reach the issuer."""
    for case in ("one megabyte", "alg none", "wrong issuer", "jku header", "no kid", "guest in RS256"):
        with pytest.raises(RequestError):
            await verifier.verify(INVALID[case][0](issuer))

    assert issuer.asked == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku"]),
        st.sampled_from(["RS256", "user-1", "none", None, 1, [], {}, True, "\0"]),
    ),
    claims=st.dictionaries(
        st.sampled_from(["iss", "sub", "exp", "iat", "aud", "amr", "token_use"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(max_size=3))),
    ),
    noise=st.text(max_size=20),
)
async def test_no_token_makes_the_verifier_stumble(
    header: dict[str, Any], claims: dict[str, Any], noise: str, issuer: Issuer, verifier: TokenVerifier
) -> None:
    """Whatever is sent, the answer is a 401, never an error of ours."""
    claims = {"iss": issuer.pool, **claims}
    for token in (noise, f"{_segment(header)}.{_segment(claims)}.{_segment(b'x' * 256)}{noise}"):
        with pytest.raises(RequestError) as refused:
            await verifier.verify(token)
        assert refused.value.status == 401
