"""Tokens of Amazon Cognito, verified: user-pool access tokens and guest tokens of the identity pool.

Claims as in Amazon's developer guide: "Verifying JSON web tokens" for the user pool, "Basic (classic) authflow" for the
OpenID token of the identity pool. What is accepted is fixed per issuer here; a token chooses nothing but its issuer
and its key id.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self
from uuid import NAMESPACE_URL, UUID, uuid5

import jwt

from libs.auth.jwks import KeySet
from libs.clock import Clock, utc_now
from libs.config import IdentitySettings
from libs.contracts.values import Principal
from libs.errors import RequestError

TOKEN_MAX_BYTES = 8 * 1024
"""A Cognito token is 1 to 2 KiB, with a hundred groups 4; a longer one is not parsed."""

LEEWAY_SECONDS = 10.0
"""How far the issuer's clock and ours may differ."""

REMEMBER_SECONDS = 300.0
"""A verified token is believed for at most this long before its signature is checked again."""

REMEMBERED_MAX = 20_000
"""Verified tokens remembered: about 16 MiB."""

_KEY_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c"})
_TIME_MAX = 1 << 53


class TokenVerifier:
    """Says whose token it is.

    Args:
        user_pool_issuer: `iss` of access tokens (RS256).
        user_pool_jwks_url: where its keys are.
        client_id: the app client that access tokens must name.
        identity_issuer: `iss` of guest tokens (RS512).
        identity_jwks_url: where its keys are.
        identity_pool_id: `aud` of guest tokens. The issuer signs for every pool in the world: this makes it ours.
        clock: what exp, nbf and iat are held against.
        remembered_max: how many verified tokens are remembered; the oldest makes room.
    """

    def __init__(
        self,
        *,
        user_pool_issuer: str,
        user_pool_jwks_url: str,
        client_id: str,
        identity_issuer: str,
        identity_jwks_url: str,
        identity_pool_id: str,
        clock: Clock = utc_now,
        remembered_max: int = REMEMBERED_MAX,
    ) -> None:
        self._clock = clock
        self._remembered_max = remembered_max
        self._issuers = {
            identity_issuer: _Issuer(
                algorithm="RS512",
                audience=identity_pool_id,
                keys=KeySet(identity_jwks_url, algorithm="RS512", clock=clock),
                principal=_guest,
            ),
            user_pool_issuer: _Issuer(
                algorithm="RS256",
                audience=None,
                keys=KeySet(user_pool_jwks_url, algorithm="RS256", clock=clock),
                principal=lambda claims: _user(claims, client_id=client_id),
            ),
        }
        self._remembered: OrderedDict[bytes, _Verified] = OrderedDict()

    @classmethod
    def from_settings(cls, settings: IdentitySettings, *, clock: Clock = utc_now) -> Self:
        """A verifier of these issuers; it fetches nothing yet."""
        return cls(
            user_pool_issuer=settings.cognito_user_pool_issuer,
            user_pool_jwks_url=settings.cognito_user_pool_jwks_url
            or f"{settings.cognito_user_pool_issuer}/.well-known/jwks.json",
            client_id=settings.cognito_client_id,
            identity_issuer=settings.cognito_identity_issuer,
            identity_jwks_url=settings.cognito_identity_jwks_url,
            identity_pool_id=settings.cognito_identity_pool_id,
            clock=clock,
        )

    async def verify(self, token: str) -> Principal:
        """Who the token speaks for; cheap for a token seen a moment ago, so ask for every frame.

        Raises:
            RequestError: 401, `token_expired` or `invalid_token`; the detail says what is wrong and what to do.
            TransientError: the issuer's keys cannot be had now.
        """
        if len(token) > TOKEN_MAX_BYTES:
            _refuse("it is too long")
        if not token.isascii():
            _refuse("it has characters that no token has")
        now = self._clock().timestamp()
        digest = hashlib.sha256(token.encode()).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None and now < remembered.until:
            return remembered.principal
        claims, principal = await self._verified(token)
        # Read again: waiting for keys may have taken seconds.
        now = self._clock().timestamp()
        _check_times(claims, now=now)
        verified = _Verified(principal, min(claims["exp"] + LEEWAY_SECONDS, now + REMEMBER_SECONDS))
        self._remember(digest, verified, now=now)
        return principal

    async def check(self) -> None:
        """Returns when the keys of every issuer are there; for `/readyz`.

        Raises:
            TransientError: some are not, and could not be fetched.
        """
        for issuer in self._issuers.values():
            await issuer.keys.ready()

    async def _verified(self, token: str) -> tuple[dict[str, Any], Principal]:
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            _refuse("it is not a signed JWT")
        header, name = unverified["header"], unverified["payload"].get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            _refuse("its issuer is not trusted here")
        if _KEY_HEADERS & header.keys():
            _refuse("it brings its own key")
        if header.get("alg") != issuer.algorithm:
            _refuse(f"its issuer signs with {issuer.algorithm} only")
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            _refuse("it names no key")
        key = await issuer.keys.key(kid)
        if key is None:
            _refuse("its issuer does not know the key it names")
        claims = _signed_claims(token, issuer, key=key, name=name)
        return claims, issuer.principal(claims)

    def _remember(self, digest: bytes, verified: "_Verified", *, now: float) -> None:
        self._remembered[digest] = verified
        self._remembered.move_to_end(digest)
        # Also those that are too old to be of use: a guest is seen for some minutes, and never again.
        while len(self._remembered) > self._remembered_max or next(iter(self._remembered.values())).until < now:
            self._remembered.popitem(last=False)


@dataclass(frozen=True)
class _Issuer:
    algorithm: str
    audience: str | None
    keys: KeySet
    principal: Callable[[Mapping[str, Any]], Principal]


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    until: float


def _signed_claims(token: str, issuer: _Issuer, *, key: jwt.PyJWK, name: str) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[issuer.algorithm],
            issuer=name,
            audience=issuer.audience,
            # The times are checked by our own clock, in `_check_times`.
            options={
                "require": ["exp", "iat", "iss", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "strict_aud": True,
                "enforce_minimum_key_length": True,
            },
        )
    except jwt.InvalidSignatureError as error:
        _refuse("its signature is wrong", cause=error)
    except jwt.InvalidAudienceError as error:
        _refuse("it was made for somebody else", cause=error)
    except jwt.PyJWTError as error:
        _refuse("a claim is missing or malformed", cause=error)


def _check_times(claims: Mapping[str, Any], *, now: float) -> None:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _TIME_MAX:
            _refuse(f"its {name} is not a time")
    if now >= claims["exp"] + LEEWAY_SECONDS:
        raise RequestError("The token has expired. Refresh it or sign in again.", status=401, code="token_expired")
    if now < max(claims["iat"], claims.get("nbf", 0)) - LEEWAY_SECONDS:
        _refuse("it is not valid yet")


def _user(claims: Mapping[str, Any], *, client_id: str) -> Principal:
    if claims.get("token_use") != "access":
        _refuse("it is not an access token")
    if claims.get("client_id") != client_id:
        _refuse("it was made for another client")
    groups = claims.get("cognito:groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        _refuse("its groups are malformed")
    return Principal(user_id=_user_id(claims), is_guest=False, groups=tuple(groups))


def _guest(claims: Mapping[str, Any]) -> Principal:
    methods = claims.get("amr")
    # An authenticated identity has a user-pool token too: that one is to be sent.
    if not isinstance(methods, list) or "unauthenticated" not in methods or "authenticated" in methods:
        _refuse("it is not a guest's; signed-in users send their access token")
    return Principal(user_id=_user_id(claims), is_guest=True)


def _user_id(claims: Mapping[str, Any]) -> UUID:
    subject = claims["sub"]
    if not subject or not subject.isascii():
        _refuse("its subject is malformed")
    return uuid5(NAMESPACE_URL, f"{claims['iss']}#{subject}")


def _refuse(reason: str, *, cause: Exception | None = None) -> NoReturn:
    detail = f"The token is not accepted: {reason}. Sign in again and send the new access token."
    raise RequestError(detail, status=401, code="invalid_token") from cause
