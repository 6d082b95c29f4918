"""The pool of connections to PostgreSQL that every service uses in the same way."""

import asyncio
from typing import Self, cast

import asyncpg
import msgspec

from libs.config import PostgresSettings
from libs.db.statements import trace_statements

CONNECT_TIMEOUT_SECONDS = 5.0
STATEMENT_TIMEOUT_SECONDS = 10.0
"""The server gives up on a statement, so that nothing runs on for a caller who has gone."""
COMMAND_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_SECONDS + 2.0
"""The client gives up on a server that says nothing, a little later than the server would."""
IDLE_IN_TRANSACTION_SECONDS = 30.0
"""A process stopped in mid-transaction loses its locks after this time."""
WARM_CONNECTIONS = 2
"""Kept open when nobody asks: connecting costs more than most of our transactions."""

_JSONB_VERSION = b"\x01"


class Pool(asyncpg.Pool):
    """A pool that belongs to the event loop that enters it; `wiring` builds it before there is one."""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await super().__aenter__()
        return self


def create_pool(settings: PostgresSettings, *, application_name: str) -> asyncpg.Pool:
    """A pool that connects when it is entered, and again by itself after the server was away.

    `jsonb` travels as Python values. Nothing session-wide is reset when a connection comes back, which saves a round
    trip per use: take `SET LOCAL` and `pg_advisory_xact_lock`, never their session-wide sisters.

    Args:
        settings: address and the most connections to hold.
        application_name: what the server's statistics call this process.
    """
    size = settings.database_pool_size
    warm = min(WARM_CONNECTIONS, size)
    return Pool(
        str(settings.database_url),
        # The loop is known when the pool is entered; without a placeholder asyncpg takes whatever loop it finds now.
        loop=cast("asyncio.AbstractEventLoop", object()),
        init_size=warm,
        min_size=warm,
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        init=_prepare,
        reset=_keep,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings={
            "application_name": application_name,
            "statement_timeout": str(int(STATEMENT_TIMEOUT_SECONDS * 1000)),
            "idle_in_transaction_session_timeout": str(int(IDLE_IN_TRANSACTION_SECONDS * 1000)),
        },
    )


async def _prepare(connection: asyncpg.Connection) -> None:
    trace_statements(connection)
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: _JSONB_VERSION + msgspec.json.encode(value),
        decoder=lambda raw: msgspec.json.decode(raw[1:]),
    )


async def _keep(_connection: asyncpg.Connection) -> None:
    """Open transactions are rolled back before this is called; there is nothing else to reset."""
