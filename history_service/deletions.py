"""Sessions are deleted, restored and forgotten, in PostgreSQL.

A deleted session is hidden from everybody and everything: no event adds to it or ends an answer in it. Until it is
purged its owner can restore it; what stays for ever is a tombstone, so that no late event brings it back.
"""

from uuid import UUID

import asyncpg
import structlog

from history_service.sessions import SessionRow, session_row
from history_service.text import digest_of
from libs.db.errors import translated

log = structlog.get_logger()

PURGE_BATCH = 20
"""Sessions in one statement: each may have thousands of messages."""

_HIDE = """
    UPDATE chat_sessions SET deleted_at = now()
    WHERE session_id = $1 AND user_id = $2 AND deleted_at IS NULL
    RETURNING session_id
"""

# Nobody is to work on it any more, and nothing is to stand open if it is restored.
_CANCEL = """
    UPDATE chat_messages SET status = 'cancelled', digest = $2, completed_at = clock_timestamp()
    WHERE session_id = $1 AND status IN ('queued', 'opened')
"""

_RESTORE = """
    UPDATE chat_sessions SET deleted_at = NULL
    WHERE session_id = $1 AND user_id = $2 AND deleted_at > now() - make_interval(secs => $3) AND purged_at IS NULL
    RETURNING session_id, title, created_at, updated_at, deleted_at
"""

_OWN_DELETED = """
    SELECT session_id FROM chat_sessions
    WHERE session_id = $1 AND user_id = $2 AND deleted_at IS NOT NULL AND purged_at IS NULL
    FOR UPDATE
"""

_OVERDUE = """
    SELECT session_id FROM chat_sessions
    WHERE deleted_at < now() - make_interval(secs => $1) AND purged_at IS NULL
    ORDER BY deleted_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
"""

# The tombstone keeps nothing that anybody wrote.
_FORGET = "DELETE FROM chat_messages WHERE session_id = ANY($1)"
_UNSHARE = "DELETE FROM shares WHERE session_id = ANY($1)"
_BURY = "UPDATE chat_sessions SET purged_at = now(), title = '' WHERE session_id = ANY($1)"


class PostgresDeletions:
    """Deletes sessions; False or None: the user has none with this id.

    Args:
        pool: connections to the writer.
        undo_seconds: how long a deleted session can be restored.
    """

    def __init__(self, pool: asyncpg.Pool, *, undo_seconds: float) -> None:
        self._pool = pool
        self._undo_seconds = undo_seconds

    async def delete(self, session_id: UUID, user_id: UUID, *, for_good: bool = False) -> bool:
        """Afterwards the session is not there; answers under way end as failed, and count as cancelled if it returns.

        Args:
            session_id: whose.
            user_id: its owner.
            for_good: what was said in it is gone as well, also if it was deleted before.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                was_there = await connection.fetchval(_HIDE, session_id, user_id) is not None
                if was_there:
                    await connection.execute(_CANCEL, session_id, digest_of(""))
                if not for_good:
                    return was_there
                if await connection.fetchval(_OWN_DELETED, session_id, user_id) is None:
                    return False
                await _purge(connection, [session_id])
                return True

    async def restore(self, session_id: UUID, user_id: UUID) -> SessionRow | None:
        """The session as it was, if it was deleted and can still be restored."""
        with translated():
            row = await self._pool.fetchrow(_RESTORE, session_id, user_id, self._undo_seconds)
        return session_row(row) if row else None

    async def purge(self) -> None:
        """Afterwards nothing is left of what was said in sessions that can be restored no more.

        Raises:
            TransientError: the database does not answer; what is left is found again.
        """
        purged = PURGE_BATCH
        while purged == PURGE_BATCH:
            with translated():
                async with self._pool.acquire() as connection, connection.transaction():
                    overdue = await connection.fetch(_OVERDUE, self._undo_seconds, PURGE_BATCH)
                    purged = len(overdue)
                    if purged:
                        await _purge(connection, [row["session_id"] for row in overdue])
                        log.info("forgot deleted sessions", sessions=purged)


async def _purge(connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy, session_ids: list[UUID]) -> None:
    await connection.execute(_FORGET, session_ids)
    await connection.execute(_UNSHARE, session_ids)
    await connection.execute(_BURY, session_ids)
