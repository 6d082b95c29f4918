"""Tokens for a password or a refresh token, and their end."""

import hashlib
import secrets
from typing import Any
from uuid import uuid4

from deploy.local.identity import calls
from deploy.local.identity.errors import refusal, wrong_credentials
from deploy.local.identity.store import SignIn, User
from deploy.local.identity.tokens import TOKEN_SECONDS
from deploy.local.identity.user_pool import UserPool
from libs.errors import RequestError

REFRESH_SECONDS = 30 * 24 * 3600.0
"""Cognito's default."""


def initiate_auth(call: calls.InitiateAuth, *, pool: UserPool) -> dict[str, Any]:
    """Fresh access and id tokens; with a password also a refresh token, the start of a new sign-in."""
    pool.expect_client(call.client_id)
    if call.auth_flow == "USER_PASSWORD_AUTH":
        user = _by_password(_parameter(call, "USERNAME"), _parameter(call, "PASSWORD"), pool=pool)
        refresh_token = secrets.token_urlsafe(48)
        now = pool.clock().timestamp()
        sign_in = SignIn(str(uuid4()), user.sub, signed_in_at=now, expires_at=now + REFRESH_SECONDS)
        pool.store.add_sign_in(sign_in, _digest(refresh_token))
        return _result(user, sign_in, pool=pool, RefreshToken=refresh_token)
    user, sign_in = _by_refresh_token(_parameter(call, "REFRESH_TOKEN"), pool=pool)
    return _result(user, sign_in, pool=pool)


def get_user(call: calls.AccessTokenCall, *, pool: UserPool) -> dict[str, Any]:
    """The user's attributes."""
    user = _by_access_token(call.access_token, pool=pool)
    attributes = {"sub": user.sub, "email": user.email, "email_verified": str(user.is_confirmed).lower()}
    return {
        "Username": user.sub,
        "UserAttributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
    }


def global_sign_out(call: calls.AccessTokenCall, *, pool: UserPool) -> dict[str, Any]:
    """No refresh token of the user works any more; access tokens elsewhere last until they expire, as Cognito's do."""
    user = _by_access_token(call.access_token, pool=pool)
    pool.store.end_sign_ins(user.sub)
    return {}


def revoke_token(call: calls.RevokeToken, *, pool: UserPool) -> dict[str, Any]:
    """This refresh token does not work any more; an unknown one never did."""
    pool.expect_client(call.client_id)
    sign_in = pool.store.sign_in_by_refresh_token(_digest(call.token))
    if sign_in is not None:
        pool.store.end_sign_in(sign_in.origin_jti)
    return {}


def _by_password(username: str, password: str, *, pool: UserPool) -> User:
    name = username.lower()
    with pool.lockout.attempt(name):
        user = pool.store.user_by_email(name)
        if not pool.passwords.match(password, None if user is None else user.password_hash) or user is None:
            raise wrong_credentials()
    if not user.is_confirmed:
        raise refusal("UserNotConfirmedException", "User is not confirmed.")
    return user


def _by_refresh_token(token: str, *, pool: UserPool) -> tuple[User, SignIn]:
    sign_in = pool.store.sign_in_by_refresh_token(_digest(token))
    if sign_in is None:
        raise refusal("NotAuthorizedException", "Invalid Refresh Token")
    if sign_in.expires_at <= pool.clock().timestamp():
        raise refusal("NotAuthorizedException", "Refresh Token has expired")
    return _user_of(sign_in, pool=pool), sign_in


def _by_access_token(token: str, *, pool: UserPool) -> User:
    sign_in = pool.store.sign_in(pool.tokens.origin(token))
    if sign_in is None:
        raise _revoked()
    return _user_of(sign_in, pool=pool)


def _user_of(sign_in: SignIn, *, pool: UserPool) -> User:
    user = pool.store.user_by_sub(sign_in.sub)
    if user is None:
        raise _revoked()
    return user


def _revoked() -> RequestError:
    return refusal("NotAuthorizedException", "Access Token has been revoked")


def _result(user: User, sign_in: SignIn, *, pool: UserPool, **more: str) -> dict[str, Any]:
    tokens = {
        "AccessToken": pool.tokens.access_token(user, sign_in),
        "IdToken": pool.tokens.id_token(user, sign_in),
        "TokenType": "Bearer",
        "ExpiresIn": TOKEN_SECONDS,
    }
    return {"ChallengeParameters": {}, "AuthenticationResult": {**tokens, **more}}


def _parameter(call: calls.InitiateAuth, name: str) -> str:
    value = call.auth_parameters.get(name)
    if not value:
        raise refusal("InvalidParameterException", f"Missing required parameter {name}")
    return value


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()
