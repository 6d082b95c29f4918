"""The tokens, claim by claim as Cognito makes them; see "Using tokens with user pools" in its developer guide."""

from typing import Any
from uuid import uuid4

import jwt

from deploy.local.identity.errors import refusal
from deploy.local.identity.keys import SigningKey
from deploy.local.identity.store import SignIn, User
from libs.clock import Clock

TOKEN_SECONDS = 3600
"""Cognito's default for access and id tokens."""

GUEST_TOKEN_SECONDS = 600
"""Cognito's, and not to be changed there: guests ask for a new one in time."""


class UserTokens:
    """Access and id tokens of the user pool, RS256.

    Args:
        issuer: `iss`: the provider's address and the pool's id.
        client_id: the one app client.
    """

    def __init__(self, key: SigningKey, *, issuer: str, client_id: str, clock: Clock) -> None:
        self._key = key
        self._issuer = issuer
        self._client_id = client_id
        self._clock = clock

    def access_token(self, user: User, sign_in: SignIn) -> str:
        """Says what the bearer may do: client, scope, groups."""
        claims = {"client_id": self._client_id, "scope": "aws.cognito.signin.user.admin", "username": user.sub}
        return self._signed("access", claims, user=user, sign_in=sign_in)

    def id_token(self, user: User, sign_in: SignIn) -> str:
        """Says who the user is, to the client; no service takes it."""
        claims = {
            "aud": self._client_id,
            "cognito:username": user.sub,
            "email": user.email,
            "email_verified": user.is_confirmed,
        }
        return self._signed("id", claims, user=user, sign_in=sign_in)

    def origin(self, access_token: str) -> str:
        """The `origin_jti` of an access token of ours that has not expired.

        Raises:
            RequestError: NotAuthorizedException.
        """
        try:
            claims = jwt.decode(
                access_token,
                self._key.private.public_key(),
                algorithms=[self._key.algorithm],
                issuer=self._issuer,
                options={
                    "require": ["exp", "origin_jti"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_aud": False,
                },
            )
        except jwt.PyJWTError as error:
            raise refusal("NotAuthorizedException", "Invalid Access Token") from error
        if claims.get("token_use") != "access":
            raise refusal("NotAuthorizedException", "Invalid Access Token")
        if claims["exp"] <= self._clock().timestamp():
            raise refusal("NotAuthorizedException", "Access Token has expired")
        return str(claims["origin_jti"])

    def _signed(self, token_use: str, claims: dict[str, Any], *, user: User, sign_in: SignIn) -> str:
        now = int(self._clock().timestamp())
        groups = {"cognito:groups": list(user.groups)} if user.groups else {}
        shared = {
            "sub": user.sub,
            "iss": self._issuer,
            "token_use": token_use,
            "origin_jti": sign_in.origin_jti,
            "jti": str(uuid4()),
            "event_id": str(uuid4()),
            "auth_time": int(sign_in.signed_in_at),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return _encode({**shared, **groups, **claims}, self._key)


class GuestTokens:
    """OpenID tokens of the identity pool, RS512.

    Args:
        issuer: `iss`: the provider's address.
        pool_id: `aud`.
    """

    def __init__(self, key: SigningKey, *, issuer: str, pool_id: str, clock: Clock) -> None:
        self._key = key
        self._issuer = issuer
        self._pool_id = pool_id
        self._clock = clock

    def token(self, identity_id: str) -> str:
        """Says that the bearer is this guest."""
        now = int(self._clock().timestamp())
        claims = {
            "sub": identity_id,
            "aud": self._pool_id,
            "amr": ["unauthenticated"],
            "iss": self._issuer,
            "iat": now,
            "exp": now + GUEST_TOKEN_SECONDS,
        }
        return _encode(claims, self._key)


def _encode(claims: dict[str, Any], key: SigningKey) -> str:
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})
