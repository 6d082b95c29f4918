"""Turns in PostgreSQL that nobody seems to work on: what the sweeper looks through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from history_service.ports import OldTurn, OpenedTurn
from history_service.turn_rows import TURN, turn_of
from history_service.turns import LOCK_SESSION, PostgresTurns
from libs.db.errors import translated

_LOCK = 0x7377_6565_7000_0001
"""The advisory lock of the one sweeper of a database. The first bytes say `sweep`."""

_ALONE = "SELECT pg_try_advisory_xact_lock($1)"

_WAITING = """
    SELECT DISTINCT session_id FROM chat_messages AS queued
    WHERE status = 'queued' AND NOT EXISTS (
        SELECT FROM chat_messages AS ahead WHERE ahead.session_id = queued.session_id AND ahead.status = 'opened'
    )
    LIMIT $1
"""

_OPENED_BEFORE = f"""
    {TURN}
    WHERE answer.status = 'opened' AND answer.opened_at < now() - make_interval(secs => $1)
    ORDER BY answer.opened_at
    LIMIT $2
"""

_REOPEN = """
    UPDATE chat_messages SET opened_at = clock_timestamp(), opened_by = NULL, reopened_count = reopened_count + 1
    WHERE message_id = $1 AND status = 'opened' AND opened_at = $2
    RETURNING message_id
"""


class PostgresUnfinishedTurns:
    """Fits `UnfinishedTurns`."""

    def __init__(self, pool: asyncpg.Pool, turns: PostgresTurns) -> None:
        self._pool = pool
        self._turns = turns

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                yield bool(await connection.fetchval(_ALONE, _LOCK))

    async def open_waiting(self, *, limit: int) -> list[OpenedTurn]:
        with translated():
            sessions = [row["session_id"] for row in await self._pool.fetch(_WAITING, limit)]
            opened = []
            for session_id in sessions:
                async with self._pool.acquire() as connection, connection.transaction():
                    # Looked at again under the lock: a worker may have opened it in the meantime.
                    if await connection.fetchval(LOCK_SESSION, session_id) is None:
                        continue
                    turn = await self._turns.open_next(connection, session_id, event_id=None)
                    if turn is not None:
                        opened.append(turn)
            return opened

    async def opened_before(self, *, seconds: float, limit: int) -> list[OldTurn]:
        with translated():
            rows = await self._pool.fetch(_OPENED_BEFORE, seconds, limit)
        return [OldTurn(turn_of(row), row["opened_at"], row["reopened_count"]) for row in rows]

    async def reopen(self, old: OldTurn) -> OpenedTurn | None:
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                if await connection.fetchval(_REOPEN, old.turn.answer_id, old.opened_at) is None:
                    return None
                return await self._turns.opened(connection, old.turn.answer_id)
