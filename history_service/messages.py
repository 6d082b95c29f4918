"""Messages in PostgreSQL, for the owners of their sessions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from history_service.cursors import MessageCursor, Order
from history_service.paths import SHOWN, path_to
from libs.db.errors import translated

COLUMNS = """
    message_id, position, role, content, status, failure, citations, model, usage, timings, digest,
    chat_messages.created_at, completed_at, rating, rating_reason, rated_at
"""

# Positions grow along a branch, so they are its order too. The outer join tells an empty page (one row of nulls) from a
# session that is not the caller's (no row).
_LIST = f"""
    WITH RECURSIVE {path_to(SHOWN)}
    SELECT {COLUMNS} FROM leaf LEFT JOIN LATERAL (
        SELECT page.* FROM path CROSS JOIN LATERAL (
            SELECT * FROM chat_messages
            WHERE session_id = $1 AND position >= first AND position <= last AND {{after}}
            ORDER BY {{order}} LIMIT $4
        ) AS page
        ORDER BY {{order}} LIMIT $4
    ) AS chat_messages ON true
    ORDER BY {{order}}
"""  # noqa: S608 - nothing but constants
_LIST_IN: dict[Order, str] = {
    "oldest": _LIST.format(after="position > coalesce($3, 0)", order="position"),
    "newest": _LIST.format(after="($3::integer IS NULL OR position < $3)", order="position DESC"),
}

_LIST_ALL = f"""
    SELECT {COLUMNS}, (
        SELECT before.message_id FROM chat_messages AS before
        WHERE before.session_id = $1 AND before.position = coalesce(chat_messages.after, chat_messages.position - 1)
    ) AS follows
    FROM chat_messages JOIN chat_sessions USING (session_id)
    WHERE session_id = $1 AND chat_sessions.user_id = $2 AND chat_sessions.deleted_at IS NULL AND position > $3
    ORDER BY position
    LIMIT $4
"""  # noqa: S608 - nothing but constants

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
        """A page of the branch that is shown, in the given order."""
        position = after and after.position
        with translated():
            rows = await self._reader.fetch(_LIST_IN[order], session_id, user_id, position, limit)
        if not rows:
            return None
        return [row for row in rows if row["message_id"] is not None]

    async def list_all(self, session_id: UUID, user_id: UUID, *, after: int, limit: int) -> Sequence[Row]:
        """The messages of all branches beyond a position, each with the id of the one that it `follows`."""
        with translated():
            return await self._reader.fetch(_LIST_ALL, session_id, user_id, after, limit)

    async def read(self, message_id: UUID, session_id: UUID, user_id: UUID) -> Row | None:
        """One message."""
        with translated():
            return await self._pool.fetchrow(_READ, message_id, session_id, user_id)
