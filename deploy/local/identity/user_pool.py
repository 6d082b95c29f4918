"""What the operations of the user pool share."""

import secrets
from dataclasses import dataclass

import structlog

from deploy.local.identity.errors import refusal
from deploy.local.identity.passwords import Passwords
from deploy.local.identity.store import Purpose, Store, User
from deploy.local.identity.throttle import Lockout, Quota
from deploy.local.identity.tokens import UserTokens
from libs.clock import Clock

log = structlog.get_logger()

CODE_TRIES = 5
"""Guesses per code, of a million."""

CODE_SECONDS: dict[Purpose, float] = {"sign_up": 24 * 3600.0, "reset_password": 3600.0}
"""Cognito's."""

CODES_PER_HOUR = 5
"""Codes per address; with `CODE_TRIES`, 25 guesses an hour."""

SIGN_UPS_PER_MINUTE = 120
"""By anybody together: each costs 25 ms and a row."""


@dataclass(frozen=True)
class UserPool:
    """The pool's state and rules, handed to its operations."""

    client_id: str
    store: Store
    tokens: UserTokens
    passwords: Passwords
    lockout: Lockout
    codes_sent: Quota
    sign_ups: Quota
    clock: Clock

    def expect_client(self, client_id: str) -> None:
        """Returns when it is our one app client.

        Raises:
            RequestError: ResourceNotFoundException.
        """
        if client_id != self.client_id:
            raise refusal("ResourceNotFoundException", f"User pool client {client_id} does not exist.")

    def ration_codes(self, email: str) -> None:
        """One of this address's codes is spent, whether it has a user or not: the answer does not tell.

        Raises:
            RequestError: LimitExceededException.
        """
        if not self.codes_sent.take(email.lower()):
            raise refusal("LimitExceededException", "Attempt limit exceeded, please try after some time.")

    def send_code(self, user: User, purpose: Purpose) -> None:
        """A new code holds for this user, and the log says which."""
        code = f"{secrets.randbelow(1_000_000):06}"
        expires_at = self.clock().timestamp() + CODE_SECONDS[purpose]
        self.store.set_code(user.sub, purpose, code, expires_at=expires_at, tries=CODE_TRIES)
        # Nothing can send mail here, so the log is the mailbox. It is the one log with a secret and an address in it:
        # this provider serves one developer's machine, and nothing in production imports it.
        log.info("confirmation code", email=user.email, code=code, purpose=purpose)


def delivery(email: str) -> dict[str, str]:
    """`CodeDeliveryDetails`: where the code went, masked; the same for a user who does not exist."""
    name, _, domain = email.partition("@")
    return {
        "Destination": f"{name[:1]}***@{domain[:1]}***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
