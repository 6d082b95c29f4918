"""A primary that becomes a replica, and a Redis that goes and comes back: waited for, and gone on with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.bus.entry import stream_key
from libs.config import RedisSettings
from libs.contracts.events import Event, QuestionAsked
from libs.errors import TransientError
from tests.builders import a_question
from tests.polling import eventually

KEY = stream_key(QuestionAsked.stream, 0)
NOBODY = ("127.0.0.1", 1)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """As the services connect."""
    async with connect(redis_url) as client:
        yield client


async def test_a_read_only_redis_is_waited_for(redis_url: str, client: Redis, redis: Redis) -> None:
    """Its `/readyz` says so; with the promotion the same process goes on, and what was asked meanwhile is handled."""
    handled: list[Event] = []
    deaths: list[bool] = []
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=1)
    bus = Bus(settings, client, group="history", on_death=lambda: deaths.append(True))

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(asked: QuestionAsked) -> None:
        handled.append(asked)

    async def is_refused() -> bool:
        with suppress(TransientError):
            await bus.check()
            return False
        return True

    async with bus:
        await redis.replicaof(*NOBODY)
        try:
            await eventually(is_refused)
            with pytest.raises(TransientError, match="takes no writes"):
                await bus.check()
        finally:
            await redis.replicaof("NO", "ONE")
        question = a_question()

        async def is_asked() -> bool:
            with suppress(TransientError):
                await bus.publish(question)
                return True
            return False

        await eventually(is_asked)

        async def is_handled() -> bool:
            return question in handled

        await eventually(is_handled)
        await bus.check()
        assert bus.alive()
    assert not deaths


async def test_nobody_is_taken_for_dead_who_could_not_say_that_they_live(redis_url: str, redis: Redis) -> None:
    """A failover that lasts longer than the claim time: those who hold entries go on with them afterwards."""
    claim_seconds = 0.5
    begun: list[Event] = []
    may_end = asyncio.Event()
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=claim_seconds)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            bus = Bus(settings, await stack.enter_async_context(connect(redis_url)), group="history")

            @bus.on(QuestionAsked, concurrency=1)
            async def handle(asked: QuestionAsked) -> None:
                begun.append(asked)
                await may_end.wait()

            await stack.enter_async_context(bus)
        await bus.publish(a_question())

        async def silent_for() -> float:
            pending: Any = await redis.xpending_range(KEY, "history", "-", "+", 1)
            return float(pending[0]["time_since_delivered"]) / 1000 if pending else 0.0

        async def was_renewed() -> bool:
            return bool(begun) and 0 < await silent_for() < claim_seconds / 2

        async def is_silent() -> bool:
            return await silent_for() > 2 * claim_seconds

        await eventually(was_renewed)
        await redis.replicaof(*NOBODY)
        try:
            await eventually(is_silent)
        finally:
            await redis.replicaof("NO", "ONE")
        await eventually(was_renewed)
        may_end.set()

        async def is_done() -> bool:
            return await redis.xlen(KEY) == 0

        await eventually(is_done)
    assert len(begun) == 1
