"""Real servers for the whole session, clean before every test that asks for them."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import TypeVar

import asyncpg
import pytest
from redis.asyncio import Redis
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

from deploy.local.postgres import PostgresServer
from deploy.local.processes import Guardian
from deploy.local.program import Server, free_port, running
from deploy.local.valkey import ValkeyServer
from libs.config import PostgresSettings
from libs.db.migrate import migrate, service_folders
from libs.db.pool import create_pool
from tests.variants import REDIS_SERVER

S = TypeVar("S", bound=Server)

TOGETHER = frozenset({"e2e", "web"})
"""Folders whose tests share one running system, so that they run in one process."""

TRIES = 5
"""A port that was free may be taken before our server has it."""

# What a crash of the machine would lose, a test does not miss.
FAST_POSTGRES = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "300"}

_TABLES = """
    SELECT string_agg(format('%I.%I', schemaname, tablename), ', ')
    FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> ALL ($1)
"""
KEPT_TABLES = ["schema_migrations"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """With `-n 2` the tests of one file, or of one folder of `TOGETHER`, follow each other in one process."""
    return _ByServers(config, log)


class _ByServers(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    # Its own groups do nothing: the name it gives a test for them is one that this pytest does not let it change.
    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.split("::", maxsplit=1)[0])
        return next((part for part in file.parts if part in TOGETHER), str(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In such a process, begin with what takes longest: begun last, the other one would be idle meanwhile."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: TOGETHER.isdisjoint(item.path.parts))


@pytest.fixture(scope="session")
def guardian() -> Iterator[Guardian]:
    """Ends the servers of a session that was killed."""
    guardian = Guardian()
    yield guardian
    guardian.close()


@pytest.fixture(scope="session")
async def redis_url(guardian: Guardian) -> AsyncIterator[str]:
    """A Valkey of this session."""
    async with _serving(
        guardian, lambda folder, port: ValkeyServer(folder / "valkey", port, secrets.token_hex(16), binary=REDIS_SERVER)
    ) as server:
        yield server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Valkey; replies are bytes."""
    async with Redis.from_url(redis_url) as client:
        await client.flushall()
        await client.script_flush()
        yield client


@pytest.fixture(scope="session")
async def database_url(guardian: Guardian) -> AsyncIterator[str]:
    """A PostgreSQL with pgvector of this session, migrated."""
    async with _serving(
        guardian, lambda folder, port: PostgresServer(folder / "postgres", port, secrets.token_hex(16), FAST_POSTGRES)
    ) as server:
        await migrate(server.url, service_folders())
        yield server.url


@pytest.fixture(scope="session")
async def session_pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """The pool that all tests share: connecting for each would cost more than most tests do."""
    settings = PostgresSettings(database_url=database_url)
    async with create_pool(settings, application_name="tests") as pool:
        yield pool


@pytest.fixture
async def pool(session_pool: asyncpg.Pool) -> asyncpg.Pool:
    """A pool on a database with empty tables."""
    tables = await session_pool.fetchval(_TABLES, KEPT_TABLES)
    if tables:
        await session_pool.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    return session_pool


@asynccontextmanager
async def _serving(guardian: Guardian, make: Callable[[Path, int], S]) -> AsyncIterator[S]:
    # Not pytest's own folder: nobody but its owner may walk into that, and as root PostgreSQL is somebody else.
    folder = Path(tempfile.mkdtemp(prefix="eloquent-tests-"))
    folder.chmod(0o711)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for last in [False] * (TRIES - 1) + [True]:
            server = make(folder, free_port())
            try:
                await stack.enter_async_context(running(server, watch=guardian.watch))
            except RuntimeError:
                if last:
                    raise
            else:
                break
        yield server
