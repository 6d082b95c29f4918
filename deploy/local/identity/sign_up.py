"""From a stranger to a confirmed user, and to a new password when the old one is forgotten."""

import re
from typing import Any
from uuid import uuid4

from deploy.local.identity import calls
from deploy.local.identity.errors import refusal
from deploy.local.identity.passwords import policy_breach
from deploy.local.identity.store import Purpose, User
from deploy.local.identity.user_pool import CODE_SECONDS, UserPool, delivery
from libs.errors import RequestError

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def sign_up(call: calls.SignUp, *, pool: UserPool) -> dict[str, Any]:
    """The user exists, unconfirmed, and a code is in the log."""
    pool.expect_client(call.client_id)
    email = call.username.lower()
    if _EMAIL.fullmatch(email) is None:
        raise refusal("InvalidParameterException", "Username should be an email.")
    for attribute in call.user_attributes:
        if attribute.name != "email" or attribute.value.lower() != email:
            raise refusal("InvalidParameterException", "The one attribute here is email, the same as the username.")
    _expect_good_password(call.password)
    if not pool.sign_ups.take("anybody"):
        raise refusal("TooManyRequestsException", "Too many requests")
    now = pool.clock().timestamp()
    pool.store.forget_unconfirmed(before=now - CODE_SECONDS["sign_up"])
    if pool.store.user_by_email(email) is not None:
        raise _taken()
    pool.ration_codes(email)
    user = User(str(uuid4()), email, pool.passwords.hash(call.password), is_confirmed=False)
    if not pool.store.add_user(user, now=now):
        # Somebody was faster while we hashed.
        raise _taken()
    pool.send_code(user, "sign_up")
    return {"UserConfirmed": False, "UserSub": user.sub, "CodeDeliveryDetails": delivery(email)}


def resend_confirmation_code(call: calls.UserCall, *, pool: UserPool) -> dict[str, Any]:
    """A user who is still unconfirmed has a new code."""
    pool.expect_client(call.client_id)
    pool.ration_codes(call.username)
    user = pool.store.user_by_email(call.username)
    if user is not None and not user.is_confirmed:
        pool.send_code(user, "sign_up")
    return {"CodeDeliveryDetails": delivery(call.username)}


def confirm_sign_up(call: calls.ConfirmSignUp, *, pool: UserPool) -> dict[str, Any]:
    """The user may sign in."""
    pool.expect_client(call.client_id)
    user = pool.store.user_by_email(call.username)
    if user is not None and user.is_confirmed:
        raise refusal("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED")
    confirmed = _redeem(user, "sign_up", call.confirmation_code, pool=pool)
    pool.store.confirm_user(confirmed.sub)
    return {}


def forgot_password(call: calls.UserCall, *, pool: UserPool) -> dict[str, Any]:
    """A confirmed user has a code for a new password."""
    pool.expect_client(call.client_id)
    pool.ration_codes(call.username)
    user = pool.store.user_by_email(call.username)
    if user is not None and user.is_confirmed:
        pool.send_code(user, "reset_password")
    return {"CodeDeliveryDetails": delivery(call.username)}


def confirm_forgot_password(call: calls.ConfirmForgotPassword, *, pool: UserPool) -> dict[str, Any]:
    """The new password holds; whoever was signed in with the old one is signed out."""
    pool.expect_client(call.client_id)
    _expect_good_password(call.password)
    user = _redeem(pool.store.user_by_email(call.username), "reset_password", call.confirmation_code, pool=pool)
    pool.store.set_password(user.sub, pool.passwords.hash(call.password))
    return {}


def keep_editor(email: str, password: str, *, pool: UserPool) -> None:
    """A confirmed user in the group `editors` has this email and this password."""
    user = pool.store.user_by_email(email)
    if user is None:
        editor = User(
            str(uuid4()), email.lower(), pool.passwords.hash(password), is_confirmed=True, groups=("editors",)
        )
        pool.store.add_user(editor, now=pool.clock().timestamp())
        return
    if not user.is_confirmed:
        pool.store.confirm_user(user.sub)
    if "editors" not in user.groups:
        pool.store.set_groups(user.sub, (*user.groups, "editors"))
    if not pool.passwords.match(password, user.password_hash):
        pool.store.set_password(user.sub, pool.passwords.hash(password))


def _taken() -> RequestError:
    return refusal("UsernameExistsException", "User already exists")


def _expect_good_password(password: str) -> None:
    if breach := policy_breach(password):
        raise refusal("InvalidPasswordException", breach)


def _redeem(user: User | None, purpose: Purpose, code: str, *, pool: UserPool) -> User:
    found = "none" if user is None else pool.store.try_code(user.sub, purpose, code, now=pool.clock().timestamp())
    if user is not None and found == "right":
        return user
    # For a new password a code that is wrong, old or never was answers like an unknown user's: anybody may ask.
    if found == "wrong" or purpose == "reset_password":
        raise refusal("CodeMismatchException", "Invalid verification code provided, please try again.")
    raise refusal("ExpiredCodeException", "Invalid code provided, please request a code again.")
