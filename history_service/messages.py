"""Messages in PostgreSQL, for the owners of their sessions."""

from typing import Any
from uuid import UUID

import asyncpg

from history_service.cursors import MessageCursor, Order
from libs.db.errors import translated

COLUMNS = """
    message_id, position, role, content, status, failure, citations, model, usage, timings, digest,
    chat_messages.created_at, completed_at, rating, rating_reason, rated_at
"""

# The outer join tells an empty page (one row of nulls) from a session that is not the caller's (no row).
_LIST = f"""
    SELECT {COLUMNS} FROM chat_sessions
    LEFT JOIN chat_messages ON chat_messages.session_id = chat_sessions.session_id AND %s
    WHERE chat_sessions.session_id = $1 AND chat_sessions.user_id = $2 AND chat_sessions.deleted_at IS NULL
    ORDER BY %s
    LIMIT $4
"""  # noqa: S608 - nothing but constants
_LIST_IN: dict[Order, str] = {
    "oldest": _LIST % ("position > coalesce($3, 0)", "position"),
    "newest": _LIST % ("($3::integer IS NULL OR position < $3)", "position DESC"),
}

_READ = f"""
    SELECT {COLUMNS} FROM chat_messages
    JOIN chat_sessions USING (session_id)
    WHERE message_id = $1 AND session_id = $2 AND chat_sessions.user_id = $3 AND chat_sessions.deleted_at IS NULL
"""  # noqa: S608 - nothing but constants

Row = Any
"""A row of `COLUMNS`."""


class PostgresMessages:
    """What owners read of their sessions; None: there is none of theirs with this id.

    Args:
        pool: connections to the writer.
        reader: connections to a replica for lists, or the same pool; what it shows may be a moment old.
    """

    def __init__(self, pool: asyncpg.Pool, *, reader: asyncpg.Pool) -> None:
        self._pool = pool
        self._reader = reader

    async def list(
        self, session_id: UUID, user_id: UUID, *, order: Order, after: MessageCursor | None, limit: int
    ) -> list[Row] | None:
        """A page of the session's messages in the given order."""
        position = after and after.position
        with translated():
            rows = await self._reader.fetch(_LIST_IN[order], session_id, user_id, position, limit)
        if not rows:
            return None
        return [row for row in rows if row["message_id"] is not None]

    async def read(self, message_id: UUID, session_id: UUID, user_id: UUID) -> Row | None:
        """One message."""
        with translated():
            return await self._pool.fetchrow(_READ, message_id, session_id, user_id)
