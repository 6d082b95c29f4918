"""API keys in PostgreSQL: made, listed and revoked by the account that they speak for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from libs.auth.keys import NewKey, Scope
from libs.db.errors import translated
from libs.errors import RequestError

REMEMBERED_DAYS = 31
"""A key that is no longer valid is shown, and counts, for so long: else a new key would be a new quota."""

_VALID = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
_SHOWN = "least(revoked_at, expires_at) IS NULL OR least(revoked_at, expires_at) > now() - make_interval(days => $2)"

# Locked, so that keys are counted one by one.
_USER = """
    INSERT INTO users (user_id, is_guest) VALUES ($1, false) ON CONFLICT (user_id) DO UPDATE SET is_guest = false
"""
_COUNT = f"SELECT count(*) FROM api_keys WHERE user_id = $1 AND ({_SHOWN})"  # noqa: S608 - constants
_ADD = """
    INSERT INTO api_keys (key_id, user_id, name, digest, hint, plan, scopes, budget_micro_usd, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(days => $9))
    RETURNING key_id
"""

_KEYS = """
    SELECT key_id, user_id, name, hint, plan, scopes, budget_micro_usd, created_at, expires_at, revoked_at,
           coalesce(answers, 0) AS answers, coalesce(input_tokens, 0) AS input_tokens,
           coalesce(output_tokens, 0) AS output_tokens, coalesce(cost_micro_usd, 0) AS cost_micro_usd,
           to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS month
    FROM api_keys
    LEFT JOIN (
        SELECT key_id, answers, input_tokens, output_tokens, cost_micro_usd FROM key_usage
        WHERE month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
    ) AS used USING (key_id)
"""
_LIST = f"{_KEYS} WHERE user_id = $1 AND ({_SHOWN}) ORDER BY created_at DESC, key_id DESC"
_READ = f"{_KEYS} WHERE user_id = $1 AND key_id = $2 AND {_VALID}"

# Revoked twice is revoked.
_REVOKE = """
    UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE key_id = $1 AND user_id = $2
    RETURNING key_id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new key shall be like.

    Attributes:
        budget_micro_usd: of a calendar month, in millionths of a US dollar; None: whatever.
        days: how long it is valid; None for ever.
    """

    name: str
    plan: str
    scopes: Sequence[Scope]
    budget_micro_usd: int | None
    days: int | None


class PostgresKeyRing:
    """An account's keys; None or False: there is none, or it is another's.

    Args:
        pool: connections to the writer: a replica does not know yet what was revoked a moment ago.
        most: keys of an account, those that were valid in the last 31 days included.
    """

    def __init__(self, pool: asyncpg.Pool, *, most: int) -> None:
        self._pool = pool
        self._most = most

    async def create(self, user_id: UUID, wanted: Wanted, key: NewKey) -> Any:
        """The row of the new key; its secret is not in it.

        Raises:
            RequestError: 409, the account has too many keys.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_USER, user_id)
                if await connection.fetchval(_COUNT, user_id, REMEMBERED_DAYS) >= self._most:
                    raise RequestError(
                        f"An account may have {self._most} keys, those revoked in the last {REMEMBERED_DAYS} days "
                        "included.",
                        status=409,
                        code="too_many_keys",
                    )
                key_id = await connection.fetchval(
                    *(_ADD, uuid7(), user_id, wanted.name, key.digest, key.hint, wanted.plan),
                    *(list(wanted.scopes), wanted.budget_micro_usd, wanted.days),
                )
                return await connection.fetchrow(_READ, user_id, key_id)

    async def list(self, user_id: UUID) -> "list[Any]":
        """The account's keys, latest first, those that were valid in the last 31 days included."""
        with translated():
            rows: list[Any] = await self._pool.fetch(_LIST, user_id, REMEMBERED_DAYS)
        return rows

    async def read(self, user_id: UUID, key_id: UUID) -> Any:
        """One key that is valid."""
        with translated():
            return await self._pool.fetchrow(_READ, user_id, key_id)

    async def revoke(self, user_id: UUID, key_id: UUID) -> bool:
        """Afterwards nobody is let in with it."""
        with translated():
            return await self._pool.fetchval(_REVOKE, key_id, user_id) is not None
