"""Links to what a session was at a moment, in PostgreSQL.

Messages that have ended never change, and neither does the way to one, so a share is a position: the branch up to it is
the snapshot.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from history_service.cursors import ShareCursor
from history_service.messages import COLUMNS
from history_service.paths import SHOWN, path_to
from libs.db.errors import translated
from libs.errors import RequestError

SHARES_MAX = 50
"""Of one session: more are no use to people, and a loop of requests ends here."""
TOKEN_BYTES = 24
"""192 bits of chance."""

_SHARE = "share_id, session_id, token, shares.title, up_to, shares.created_at"

# Locked, so that no turn ends while the moment is chosen, and shares are counted one by one.
_SESSION = """
    SELECT title FROM chat_sessions WHERE session_id = $1 AND user_id = $2 AND deleted_at IS NULL FOR UPDATE
"""
_SAME = f"SELECT {_SHARE} FROM shares WHERE session_id = $1 AND idempotency_key = $2"  # noqa: S608 - constants
_COUNT = "SELECT count(*) FROM shares WHERE session_id = $1"
# On the branch that is shown, the turns that have ended, to the first that has not.
_UP_TO = f"""
    WITH RECURSIVE {path_to(SHOWN)}, answers AS (
        SELECT position, status FROM path
        JOIN chat_messages ON session_id = $1 AND position >= first AND position <= last AND role = 'assistant'
    )
    SELECT coalesce(max(position), 0) FROM answers
    WHERE NOT EXISTS (
        SELECT FROM answers AS under_way
        WHERE under_way.status IN ('queued', 'opened') AND under_way.position <= answers.position
    )
"""  # noqa: S608 - nothing but constants
_ADD = f"""
    INSERT INTO shares (share_id, session_id, token, title, up_to, idempotency_key) VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING {_SHARE}
"""  # noqa: S608 - nothing but constants

_LIST = f"""
    SELECT {_SHARE} FROM shares JOIN chat_sessions USING (session_id)
    WHERE chat_sessions.user_id = $1 AND chat_sessions.deleted_at IS NULL AND ($2::uuid IS NULL OR session_id = $2)
      AND ($3::timestamptz IS NULL OR (shares.created_at, share_id) < ($3::timestamptz, $4::uuid))
    ORDER BY shares.created_at DESC, share_id DESC
    LIMIT $5
"""  # noqa: S608 - nothing but constants

_REVOKE = """
    DELETE FROM shares USING chat_sessions
    WHERE share_id = $1 AND shares.session_id = $2 AND chat_sessions.session_id = $2
      AND chat_sessions.user_id = $3 AND chat_sessions.deleted_at IS NULL
    RETURNING share_id
"""

_OPEN = f"""
    SELECT {_SHARE} FROM shares JOIN chat_sessions USING (session_id)
    WHERE token = $1 AND chat_sessions.deleted_at IS NULL
"""  # noqa: S608 - nothing but constants

_MESSAGES = f"""
    WITH RECURSIVE {path_to("SELECT $3::integer")}
    SELECT {COLUMNS} FROM path CROSS JOIN LATERAL (
        SELECT * FROM chat_messages
        WHERE session_id = $1 AND position >= first AND position <= last AND position > $2
        ORDER BY position LIMIT $4
    ) AS chat_messages
    ORDER BY position LIMIT $4
"""  # noqa: S608 - nothing but constants


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share as its owner sees it."""

    share_id: UUID
    session_id: UUID
    token: str
    title: str
    up_to: int
    created_at: datetime

    @property
    def cursor(self) -> ShareCursor:
        """Its place in the list."""
        return ShareCursor(self.created_at, self.share_id)


class PostgresShares:
    """Shares; None or False: there is none, or it is another's.

    Args:
        pool: connections to the writer: a replica does not know yet what was revoked a moment ago.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def create(self, session_id: UUID, user_id: UUID, *, idempotency_key: str | None) -> ShareRow | None:
        """A link to what is shown of the session and has ended by now; the same one for the same key.

        Raises:
            RequestError: 409, no turn has ended yet, or there are too many links.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                title = await connection.fetchval(_SESSION, session_id, user_id)
                if title is None:
                    return None
                same = await connection.fetchrow(_SAME, session_id, idempotency_key)
                if same is not None:
                    return ShareRow(**same)
                if await connection.fetchval(_COUNT, session_id) >= SHARES_MAX:
                    raise RequestError("Revoke a link of this session first.", status=409, code="too_many_shares")
                up_to = await connection.fetchval(_UP_TO, session_id, user_id)
                if up_to == 0:
                    raise RequestError("No answer of this session has ended.", status=409, code="nothing_to_share")
                token = secrets.token_urlsafe(TOKEN_BYTES)
                [row] = await connection.fetch(_ADD, uuid7(), session_id, token, title, up_to, idempotency_key)
                return ShareRow(**row)

    async def list(
        self, user_id: UUID, *, session_id: UUID | None, after: ShareCursor | None, limit: int
    ) -> list[ShareRow]:
        """The user's links, latest first; of one session, if it is given."""
        place = (after.created_at, after.share_id) if after else (None, None)
        with translated():
            return [ShareRow(**row) for row in await self._pool.fetch(_LIST, user_id, session_id, *place, limit)]

    async def revoke(self, share_id: UUID, session_id: UUID, user_id: UUID) -> bool:
        """Afterwards nobody can open it."""
        with translated():
            return await self._pool.fetchval(_REVOKE, share_id, session_id, user_id) is not None

    async def open(self, token: str) -> ShareRow | None:
        """The share of this token, while its session is there."""
        with translated():
            row = await self._pool.fetchrow(_OPEN, token)
        return ShareRow(**row) if row else None

    async def messages(self, share: ShareRow, *, after: int, limit: int) -> "Rows":
        """The snapshot's messages beyond a position, oldest first."""
        with translated():
            return await self._pool.fetch(_MESSAGES, share.session_id, after, share.up_to, limit)


Rows = list[Any]
"""Rows of `messages.COLUMNS`."""
