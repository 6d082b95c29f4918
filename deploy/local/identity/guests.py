"""Guests: identities without a user behind them.

An identity id authenticates itself, half of it being a MAC of the other half. So the provider knows its own ids again
without keeping any, and strangers who ask for millions fill no disk.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deploy.local.identity import calls
from deploy.local.identity.errors import refusal
from deploy.local.identity.tokens import GuestTokens

_HALF_BYTES = 8


@dataclass(frozen=True)
class IdentityPool:
    """The pool's id, its tokens, and the secret its identity ids are made with."""

    pool_id: str
    tokens: GuestTokens
    secret: bytes

    def new_identity(self) -> str:
        """An id in Cognito's form `region:uuid`."""
        return self._identity(secrets.token_bytes(_HALF_BYTES))

    def knows(self, identity_id: str) -> bool:
        """Whether this pool gave the id out."""
        try:
            half = UUID(identity_id.rpartition(":")[2]).bytes[:_HALF_BYTES]
        except ValueError:
            return False
        return hmac.compare_digest(identity_id, self._identity(half))

    def _identity(self, half: bytes) -> str:
        mac = hmac.digest(self.secret, self.pool_id.encode() + half, hashlib.sha256)
        region = self.pool_id.partition(":")[0]
        return f"{region}:{UUID(bytes=half + mac[:_HALF_BYTES])}"


def get_id(call: calls.GetId, *, pool: IdentityPool) -> dict[str, Any]:
    """A new guest's identity id."""
    if call.identity_pool_id != pool.pool_id:
        raise refusal("ResourceNotFoundException", f"IdentityPool '{call.identity_pool_id}' not found.")
    _expect_guest(call.logins)
    return {"IdentityId": pool.new_identity()}


def get_open_id_token(call: calls.GetOpenIdToken, *, pool: IdentityPool) -> dict[str, Any]:
    """A token for a guest whose id came from `get_id`; whoever knows the id is the guest, as with Cognito."""
    _expect_guest(call.logins)
    if not pool.knows(call.identity_id):
        raise refusal("ResourceNotFoundException", f"Identity '{call.identity_id}' not found.")
    return {"IdentityId": call.identity_id, "Token": pool.tokens.token(call.identity_id)}


def _expect_guest(logins: dict[str, str]) -> None:
    if logins:
        raise refusal("InvalidParameterException", "This pool has guests only: users send their access token.")
