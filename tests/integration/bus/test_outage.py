"""While Redis refuses, a process asks it about once a second, however many of its tasks wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.bus.connection import AWAY, connect
from libs.bus.outage import outage_of
from tests.polling import eventually

NOBODY = ("127.0.0.1", 1)
WAITING = 50
LOOKED_AT_SECONDS = 1.5


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """As the services connect, with connections that stand."""
    async with connect(redis_url) as client:
        await asyncio.gather(*(client.set(f"key-{n}", n) for n in range(WAITING)))
        yield client


@asynccontextmanager
async def read_only(redis: Redis) -> AsyncIterator[None]:
    await redis.replicaof(*NOBODY)
    try:
        yield
    finally:
        await redis.replicaof("NO", "ONE")


async def refused(redis: Redis) -> int:
    facts: Any = await redis.info("commandstats")
    return int(facts["cmdstat_set"]["rejected_calls"])


async def write(client: Redis, n: int) -> None:
    """Whoever waits for Redis asks again when its patience is over."""
    while True:
        try:
            await client.set(f"key-{n}", "written")
        except AWAY:
            continue
        return


async def test_those_who_wait_ask_as_one(redis_url: str, client: Redis, redis: Redis) -> None:
    """Fifty are refused once each; then one of them tries for all, until all go on."""
    async with asyncio.TaskGroup() as tasks:
        async with read_only(redis):
            writing = [tasks.create_task(write(client, n)) for n in range(WAITING)]

            async def is_known() -> bool:
                return outage_of(redis_url).reason is not None

            await eventually(is_known)
            # Those who were on their way are refused too.
            await asyncio.sleep(LOOKED_AT_SECONDS)
            before = await refused(redis)
            await asyncio.sleep(LOOKED_AT_SECONDS)
            assert 1 <= await refused(redis) - before <= 2 * LOOKED_AT_SECONDS
        await asyncio.wait(writing, timeout=10)
        assert all(task.done() for task in writing)
    assert outage_of(redis_url).reason is None


async def test_a_read_is_no_sign_that_writes_are_taken(redis_url: str, client: Redis, redis: Redis) -> None:
    """A replica answers reads; the process goes on waiting with what it has to write."""
    async with read_only(redis):
        writing = asyncio.create_task(write(client, 0))

        async def is_refused() -> bool:
            return outage_of(redis_url).reason == "Redis takes no writes"

        await eventually(is_refused)
        await client.get("key-0")
        assert await is_refused()
        assert not writing.done()
    await asyncio.wait_for(writing, 10)
