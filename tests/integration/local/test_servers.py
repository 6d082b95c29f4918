"""The embedded servers start, keep what they acknowledged, and start again after the worst."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from deploy.local.postgres import PostgresServer
from deploy.local.program import free_port, running
from deploy.local.valkey import ValkeyServer


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="eloquent-servers-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


async def test_valkey_keeps_what_it_acknowledged_over_a_kill(folder: Path) -> None:
    """A kill -9 right after the reply loses nothing, and the server never forgets to make room."""
    server = ValkeyServer(folder, free_port(), "a-password")
    async with running(server) as process, Redis.from_url(server.url) as client:
        await client.xadd("stream", {"field": "value"})
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async with running(server), Redis.from_url(server.url) as client:
        assert await client.xlen("stream") == 1
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"
        assert (await client.config_get("appendfsync"))["appendfsync"] == "everysec"


async def test_valkey_refuses_whoever_does_not_know_the_password(folder: Path) -> None:
    """Another user of the machine reaches the port and nothing behind it; the password is in no process list."""
    server = ValkeyServer(folder, free_port(), "a-password")
    stranger = ValkeyServer(folder, server.port, "a-guess")
    async with running(server):
        assert await server.is_ready()
        assert not await stranger.is_ready()
    assert "a-password" not in " ".join(server.program().command)
    assert (folder / "valkey.conf").stat().st_mode & 0o077 == 0


async def test_postgres_starts_again_after_a_kill(folder: Path) -> None:
    """After a kill -9 of the server the same folder has the same rows, stale lock file or not."""
    server = PostgresServer(folder / "postgres", free_port(), "a-password")
    async with running(server) as process:
        connection = await asyncpg.connect(server.url)
        await connection.execute("CREATE TABLE kept (embedding vector(2))")
        await connection.execute("INSERT INTO kept VALUES ('[1,2]')")
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async with running(server):
        connection = await asyncpg.connect(server.url)
        assert await connection.fetchval("SELECT embedding <-> '[1,3]' FROM kept") == 1.0
        await connection.close()


async def test_postgres_is_not_kept_out_by_somebody_elses_process_id(folder: Path) -> None:
    """A lock file whose process id now belongs to another program does not stop the start."""
    server = PostgresServer(folder / "postgres", free_port(), "a-password")
    async with running(server):
        lock = (folder / "postgres" / "cluster" / "postmaster.pid").read_text()
    _pid, _, rest = lock.partition("\n")
    (folder / "postgres" / "cluster" / "postmaster.pid").write_text(f"{os.getppid()}\n{rest}")

    async with running(server):
        assert await server.is_ready()


async def test_a_postgres_that_was_left_behind_is_stopped_first(folder: Path) -> None:
    """A server that outlived its run does not keep the next run from its data."""
    left = PostgresServer(folder / "postgres", free_port(), "a-password")
    async with running(left) as process:
        successor = PostgresServer(folder / "postgres", free_port(), "a-password")
        async with running(successor):
            assert process.returncode is not None or await process.wait() == 0
            assert await successor.is_ready()


async def test_postgres_refuses_whoever_does_not_know_the_password(folder: Path) -> None:
    """Another user of the machine reaches the port and nothing behind it."""
    server = PostgresServer(folder / "postgres", free_port(), "a-password")
    async with running(server):
        assert not await PostgresServer(folder / "postgres", server.port, "a-guess").is_ready()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
async def test_root_runs_postgres_where_its_user_cannot_walk(folder: Path) -> None:
    """A checkout that only root may enter works, and its data go when the checkout's state goes."""
    folder.chmod(0o700)
    server = PostgresServer(folder / "postgres", free_port(), "a-password")
    try:
        async with running(server):
            connection = await asyncpg.connect(server.url)
            await connection.execute("CREATE TABLE kept ()")
            await connection.close()
        async with running(server):
            connection = await asyncpg.connect(server.url)
            assert await connection.fetchval("SELECT to_regclass('kept')") is not None
            await connection.close()
        server.folder.unlink()
        async with running(server):
            connection = await asyncpg.connect(server.url)
            assert await connection.fetchval("SELECT to_regclass('kept')") is None
            await connection.close()
    finally:
        server.remove()
    assert not (folder / "postgres").is_symlink()
