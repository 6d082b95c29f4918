"""API keys: what one looks like, what is kept of it, and whose it is.

A key is `elq_` and 43 URL-safe characters, 256 bits of chance. Kept is its SHA-256 alone: of a secret that nobody can
guess, a hash needs neither salt nor slowness.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol

import asyncpg

from libs.contracts.values import KeyGrant, Principal
from libs.db.errors import translated
from libs.errors import RequestError

PREFIX = "elq_"
SECRET_BYTES = 32
HINT_CHARACTERS = len(PREFIX) + 6
"""Enough to tell one's keys apart, and of no use for guessing the rest."""

Scope = Literal["chat", "sessions:write", "documents:read", "documents:write"]
"""What a key may do of what its owner may: ask and read sessions, change sessions, read documents, change them."""

_FORM = re.compile(r"elq_[A-Za-z0-9_-]{43}")

# The contract with history, whose table it is: a row for a key that is neither revoked nor expired.
_FIND = "SELECT * FROM api_key_v1($1)"


class Tokens(Protocol):
    """Says whose token it is, as `libs.auth.cognito.TokenVerifier` does."""

    async def verify(self, token: str) -> Principal: ...


class Keys(Protocol):
    """Says whose key it is."""

    async def principal(self, secret: str) -> Principal:
        """The key's owner, with what the key allows.

        Raises:
            RequestError: 401 `invalid_key`.
            TransientError: nobody can say now.
        """
        ...


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `secret` is shown once and kept nowhere."""

    secret: str
    digest: bytes
    hint: str


def new_key() -> NewKey:
    """A key like no other."""
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    return NewKey(secret, digest_of(secret), secret[:HINT_CHARACTERS])


def digest_of(secret: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode()).digest()


def is_key(credential: str) -> bool:
    """Whether this is meant to be a key of ours: no token begins like one."""
    return credential.startswith(PREFIX)


def require_form(secret: str) -> None:
    """Returns when it could be a key, so that nobody is asked about what cannot.

    Raises:
        RequestError: 401 `invalid_key`.
    """
    if not _FORM.fullmatch(secret):
        refuse()


def refuse() -> NoReturn:
    """The same for what never was a key, was revoked, or has expired.

    Raises:
        RequestError: 401 `invalid_key`.
    """
    raise RequestError("The API key is not valid: it is wrong, revoked or expired.", status=401, code="invalid_key")


class Callers:
    """Says who calls, by a token or by a key.

    Args:
        tokens: says whose token it is.
        keys: says whose key it is.
    """

    def __init__(self, tokens: Tokens, keys: Keys) -> None:
        self._tokens = tokens
        self._keys = keys

    async def verify(self, token: str) -> Principal:
        """Who calls.

        Raises:
            RequestError: 401; the detail says what is wrong and what to do.
            TransientError: who could say does not answer.
        """
        if is_key(token):
            require_form(token)
            return await self._keys.principal(token)
        return await self._tokens.verify(token)


class PostgresKeys:
    """Keys, read from the writer at every call: one that was revoked before is refused.

    Args:
        pool: connections to the writer.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def principal(self, secret: str) -> Principal:
        """As in the port."""
        with translated():
            row = await self._pool.fetchrow(_FIND, digest_of(secret))
        if row is None:
            refuse()
        return Principal(user_id=row["user_id"], is_guest=False, key=grant_of(row))


def grant_of(row: Any) -> KeyGrant:
    """A row that has a key's columns, as the value that events carry."""
    return KeyGrant(
        key_id=row["key_id"],
        plan=row["plan"],
        scopes=tuple(row["scopes"]),
        budget_micro_usd=row["budget_micro_usd"],
        spent_micro_usd=row["spent_micro_usd"],
        month=row["month"],
    )
