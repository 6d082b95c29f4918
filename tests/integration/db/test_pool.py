"""The pool: what it carries, and what it does when the server goes away."""

import asyncio

import asyncpg
import pytest

from libs.config import PostgresSettings
from libs.db.errors import translated
from libs.db.pool import create_pool
from libs.errors import PermanentError, TransientError


def a_pool(url: str, size: int = 3) -> asyncpg.Pool:
    settings = PostgresSettings(database_url=url, database_pool_size=size)
    return create_pool(settings, application_name="pool-test")


def test_a_pool_is_built_without_a_loop(database_url: str) -> None:
    """`wiring` builds it before there is an event loop, and it works in the loop that enters it."""
    pool = a_pool(database_url)

    async def use() -> object:
        async with pool:
            return await pool.fetchval("SELECT 1")

    with asyncio.Runner() as runner:
        assert runner.run(use()) == 1


async def test_jsonb_travels_as_values(database_url: str) -> None:
    """What goes in comes out, NaN as null."""
    value = {"a": [1, 2.5, None, True, "ü\N{SNOWMAN}"], "b": {}}
    async with a_pool(database_url) as pool:
        assert await pool.fetchval("SELECT $1::jsonb", value) == value
        assert await pool.fetchval("SELECT $1::jsonb ->> 'b'", {"b": float("nan")}) is None


async def test_the_server_knows_us_and_gives_up_in_time(database_url: str) -> None:
    """The statistics name the process; no statement runs for ever."""
    async with a_pool(database_url) as pool:
        assert await pool.fetchval("SELECT current_setting('application_name')") == "pool-test"
        assert await pool.fetchval("SELECT current_setting('statement_timeout')") == "10s"


async def test_a_connection_comes_back_clean(database_url: str) -> None:
    """A transaction that was left open is rolled back; what `SET LOCAL` set is gone."""
    async with a_pool(database_url, size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN; CREATE TABLE left_open (a integer); SET LOCAL work_mem = '1MB'")
        assert await pool.fetchval("SELECT to_regclass('left_open')") is None
        assert await pool.fetchval("SELECT current_setting('work_mem')") != "1MB"


async def test_terminated_connections_are_replaced(database_url: str) -> None:
    """After a restart of the server the errors are transient, and soon there are none."""
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pool-test'"
    async with a_pool(database_url) as pool:
        await asyncio.gather(*(pool.fetchval("SELECT 1") for _ in range(3)))
        other = await asyncpg.connect(database_url)
        await other.execute(terminate)
        await other.close()

        async with asyncio.timeout(5):
            while True:
                try:
                    with translated():
                        assert await asyncio.gather(*(pool.fetchval("SELECT 1") for _ in range(6))) == [1] * 6
                        break
                except TransientError:
                    continue


async def test_a_server_that_is_not_there_is_transient() -> None:
    """Whoever starts without a database is told that it may come."""
    with pytest.raises(TransientError), translated():
        await a_pool("postgresql://nobody:x@127.0.0.1:1/nothing").__aenter__()


@pytest.mark.parametrize(
    "statement",
    [
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'too_many_connections'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'admin_shutdown'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction'; END $$",
        "SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)",
    ],
)
async def test_what_may_work_in_a_moment_is_transient(pool: asyncpg.Pool, statement: str) -> None:
    """The work is tried again, not buried."""
    with pytest.raises(TransientError), translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(statement)


async def test_a_client_side_timeout_is_transient(pool: asyncpg.Pool) -> None:
    """A server that says nothing is a server that is away."""
    with pytest.raises(TransientError), translated():
        await pool.execute("SELECT pg_sleep(5)", timeout=0.01)


async def test_a_closed_pool_is_transient(database_url: str) -> None:
    """A handler that is caught by the end of its process has not failed."""
    async with a_pool(database_url) as closed:
        pass
    with pytest.raises(TransientError), translated():
        await closed.fetchval("SELECT 1")


@pytest.mark.parametrize("value", ["a\0b", 7])
async def test_a_value_that_cannot_be_stored_is_permanent(pool: asyncpg.Pool, value: object) -> None:
    """However often it is tried, it stays wrong."""
    with pytest.raises(PermanentError), translated():
        await pool.fetchval("SELECT $1::text", value)


async def test_a_violated_constraint_is_left_to_the_caller(pool: asyncpg.Pool) -> None:
    """Only the caller knows what a duplicate means."""
    with pytest.raises(asyncpg.UniqueViolationError), translated():
        await pool.execute("INSERT INTO schema_migrations SELECT * FROM schema_migrations LIMIT 1")
