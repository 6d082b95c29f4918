"""Joins the provider's parts."""

import asyncio
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from deploy.local.identity import calls, guests, sign_in, sign_up
from deploy.local.identity.api import Operation, router
from deploy.local.identity.keys import SigningKey
from deploy.local.identity.passwords import Passwords
from deploy.local.identity.settings import LocalIdentitySettings
from deploy.local.identity.store import Store
from deploy.local.identity.throttle import Lockout, Quota
from deploy.local.identity.tokens import GuestTokens, UserTokens
from deploy.local.identity.user_pool import CODES_PER_HOUR, SIGN_UPS_PER_MINUTE, UserPool
from libs.clock import Clock, utc_now
from libs.config import ProcessSettings
from libs.service.app import build_app
from libs.service.health import Health

_USERS = "AWSCognitoIdentityProviderService"
_GUESTS = "AWSCognitoIdentityService"


def build(settings: LocalIdentitySettings, process: ProcessSettings, *, clock: Clock = utc_now) -> FastAPI:
    """The provider as an app; its folder and its keys exist afterwards."""
    settings.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    user_key = SigningKey.load_or_create(settings.dir / "user-pool-key.pem", algorithm="RS256")
    guest_key = SigningKey.load_or_create(settings.dir / "identity-pool-key.pem", algorithm="RS512")
    address = settings.public_url or f"http://{process.host}:{process.port}"
    store = Store(settings.dir / "identity.sqlite3")
    user_pool = UserPool(
        client_id=settings.client_id,
        store=store,
        tokens=UserTokens(
            user_key, issuer=f"{address}/{settings.user_pool_id}", client_id=settings.client_id, clock=clock
        ),
        passwords=Passwords(),
        lockout=Lockout(clock),
        codes_sent=Quota(CODES_PER_HOUR, per_seconds=3600.0, clock=clock),
        sign_ups=Quota(SIGN_UPS_PER_MINUTE, per_seconds=60.0, clock=clock),
        clock=clock,
    )
    identity_pool = guests.IdentityPool(
        pool_id=settings.pool_id,
        tokens=GuestTokens(guest_key, issuer=address, pool_id=settings.pool_id, clock=clock),
        secret=guest_key.secret,
    )
    if settings.editor_email and settings.editor_password:
        sign_up.keep_editor(settings.editor_email, settings.editor_password.get_secret_value(), pool=user_pool)

    app = build_app(
        "identity",
        title="Eloquent local identity provider",
        health=Health(checks={"store": lambda: asyncio.to_thread(store.user_by_sub, "")}),
        resources=[store],
        routers=[
            router(
                _operations(user_pool, identity_pool),
                user_pool_id=settings.user_pool_id,
                user_keys=user_key.key_set,
                guest_keys=guest_key.key_set,
            )
        ],
    )
    # As Cognito's own endpoints: any page may call; nothing here looks at cookies.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["x-amzn-requestid", "x-amzn-errortype"],
    )
    return app


def _operations(user_pool: UserPool, identity_pool: guests.IdentityPool) -> dict[str, Operation[Any]]:
    users: dict[str, Operation[Any]] = {
        "SignUp": Operation(calls.SignUp, partial(sign_up.sign_up, pool=user_pool)),
        "ConfirmSignUp": Operation(calls.ConfirmSignUp, partial(sign_up.confirm_sign_up, pool=user_pool)),
        "ResendConfirmationCode": Operation(calls.UserCall, partial(sign_up.resend_confirmation_code, pool=user_pool)),
        "ForgotPassword": Operation(calls.UserCall, partial(sign_up.forgot_password, pool=user_pool)),
        "ConfirmForgotPassword": Operation(
            calls.ConfirmForgotPassword, partial(sign_up.confirm_forgot_password, pool=user_pool)
        ),
        "InitiateAuth": Operation(calls.InitiateAuth, partial(sign_in.initiate_auth, pool=user_pool)),
        "GetUser": Operation(calls.AccessTokenCall, partial(sign_in.get_user, pool=user_pool)),
        "GlobalSignOut": Operation(calls.AccessTokenCall, partial(sign_in.global_sign_out, pool=user_pool)),
        "RevokeToken": Operation(calls.RevokeToken, partial(sign_in.revoke_token, pool=user_pool)),
    }
    visitors: dict[str, Operation[Any]] = {
        "GetId": Operation(calls.GetId, partial(guests.get_id, pool=identity_pool)),
        "GetOpenIdToken": Operation(calls.GetOpenIdToken, partial(guests.get_open_id_token, pool=identity_pool)),
    }
    return {f"{_USERS}.{name}": operation for name, operation in users.items()} | {
        f"{_GUESTS}.{name}": operation for name, operation in visitors.items()
    }
