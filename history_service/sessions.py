"""Sessions in PostgreSQL, for their owners: whoever asks is part of every statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from history_service.cursors import SessionCursor
from history_service.paths import SHOWN, path_to
from libs.db.errors import translated

_LIST = """
    SELECT session_id, title, created_at, updated_at, deleted_at FROM chat_sessions
    WHERE user_id = $1 AND deleted_at IS NULL
      AND ($2::timestamptz IS NULL OR (updated_at, session_id) < ($2::timestamptz, $3::uuid))
    ORDER BY updated_at DESC, session_id DESC
    LIMIT $4
"""

_LIST_DELETED = """
    SELECT session_id, title, created_at, updated_at, deleted_at FROM chat_sessions
    WHERE user_id = $1 AND deleted_at > now() - make_interval(secs => $5) AND purged_at IS NULL
      AND ($2::timestamptz IS NULL OR (updated_at, session_id) < ($2::timestamptz, $3::uuid))
    ORDER BY updated_at DESC, session_id DESC
    LIMIT $4
"""

_READ = """
    SELECT session_id, title, created_at, updated_at, deleted_at FROM chat_sessions
    WHERE session_id = $1 AND user_id = $2 AND deleted_at IS NULL
"""

_RENAME = """
    UPDATE chat_sessions SET title = $3 WHERE session_id = $1 AND user_id = $2 AND deleted_at IS NULL
    RETURNING session_id, title, created_at, updated_at, deleted_at
"""

# What is not on the branch that is shown, nobody waits for.
_ACTIVE = f"""
    WITH RECURSIVE {path_to(SHOWN)}
    SELECT answer.message_id AS answer_id, question.message_id AS question_id, answer.status
    FROM path
    JOIN chat_messages AS answer ON answer.session_id = $1 AND answer.position >= first AND answer.position <= last
    JOIN chat_messages AS question
      ON question.session_id = answer.session_id AND question.position = answer.position - 1
    WHERE answer.status IN ('queued', 'opened')
    ORDER BY answer.position
    LIMIT 1
"""  # noqa: S608 - nothing but constants


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its owner sees it."""

    session_id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def cursor(self) -> SessionCursor:
        """Its place in the list."""
        return SessionCursor(self.updated_at, self.session_id)


@dataclass(frozen=True, slots=True)
class ActiveAnswer:
    """An answer that has not ended."""

    answer_id: UUID
    question_id: UUID
    status: str


class PostgresSessions:
    """What owners do with their sessions; None or False: there is none of theirs with this id.

    Args:
        pool: connections to the writer.
        reader: connections to a replica for lists, or the same pool; what it shows may be a moment old.
    """

    def __init__(self, pool: asyncpg.Pool, *, reader: asyncpg.Pool) -> None:
        self._pool = pool
        self._reader = reader

    async def list(
        self, user_id: UUID, *, after: SessionCursor | None, limit: int, deleted_within_seconds: float | None = None
    ) -> list[SessionRow]:
        """The user's sessions, latest first; or those that they deleted so lately."""
        place = (after.updated_at, after.session_id) if after else (None, None)
        with translated():
            if deleted_within_seconds is None:
                rows = await self._reader.fetch(_LIST, user_id, *place, limit)
            else:
                rows = await self._reader.fetch(_LIST_DELETED, user_id, *place, limit, deleted_within_seconds)
        return [session_row(row) for row in rows]

    async def read(self, session_id: UUID, user_id: UUID) -> SessionRow | None:
        """One session."""
        with translated():
            row = await self._pool.fetchrow(_READ, session_id, user_id)
        return session_row(row) if row else None

    async def rename(self, session_id: UUID, user_id: UUID, *, title: str) -> SessionRow | None:
        """The session with its new title."""
        with translated():
            row = await self._pool.fetchrow(_RENAME, session_id, user_id, title)
        return session_row(row) if row else None

    async def active(self, session_id: UUID, user_id: UUID) -> ActiveAnswer | None:
        """The earliest answer that has not ended of the branch that is shown."""
        with translated():
            row = await self._pool.fetchrow(_ACTIVE, session_id, user_id)
        return ActiveAnswer(**row) if row else None


def session_row(row: Any) -> SessionRow:
    """A row of the statements above."""
    return SessionRow(**row)
