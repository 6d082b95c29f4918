"""A primary that becomes a replica, and a Redis that goes and comes back: waited for, and gone on with."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.config import RedisSettings
from libs.contracts.events import Event, QuestionAsked
from libs.errors import TransientError
from tests.builders import a_question
from tests.polling import eventually

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
