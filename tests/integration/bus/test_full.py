"""A Redis without memory is a state that passes: nothing is lost, nothing is buried, nobody is restarted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.answers.writer import AnswerWriter
from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.bus.entry import Entry, dead_key, stream_key
from libs.bus.outcome import Outcome
from libs.config import RedisSettings
from libs.contracts.events import AnswerWritten, ContextRetrieved, QuestionAsked
from libs.contracts.frames import Delta
from libs.errors import TransientError
from tests.builders import a_context, a_question, an_answer
from tests.polling import eventually

CLAIM_SECONDS = 0.6
NEXT = stream_key(AnswerWritten.stream, 0)


@pytest.fixture
def settings(redis_url: str) -> RedisSettings:
    return RedisSettings(redis_url=redis_url, bus_claim_seconds=CLAIM_SECONDS, bus_max_attempts=2)


@pytest.fixture
async def client(settings: RedisSettings) -> AsyncIterator[Redis]:
    """As the services connect."""
    async with connect(settings.redis_url) as client:
        yield client


@asynccontextmanager
async def no_memory(redis: Redis) -> AsyncIterator[None]:
    """Writes that need memory are refused meanwhile."""
    await redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        await redis.config_set("maxmemory", 0)


def says(bus: Bus, reason: str | None) -> Any:
    """What `/readyz` says of Redis."""

    async def probe() -> bool:
        try:
            await bus.check()
        except TransientError as error:
            return str(error) == reason
        return reason is None

    return probe


@pytest.mark.parametrize("written_before", [False, True], ids=["before it begins", "in mid-text"])
async def test_an_answer_waits_for_memory(
    settings: RedisSettings, client: Redis, redis: Redis, *, written_before: bool
) -> None:
    """Longer than the claim time, and than its attempts would last; then it is written to its end, once."""
    reached, go, refused = asyncio.Event(), asyncio.Event(), asyncio.Event()
    deaths: list[bool] = []
    begun: list[int] = []
    bus, writer = Bus(settings, client, group="generation", on_death=lambda: deaths.append(True)), AnswerWriter(client)

    async def wait_here() -> None:
        reached.set()
        await go.wait()

    @bus.on(ContextRetrieved, concurrency=2)
    async def answer(context: ContextRetrieved, entry: Entry) -> Outcome:
        if not written_before:
            await wait_here()
        async with writer.attempt(entry, context.turn, model="fake") as attempt:
            begun.append(attempt.epoch)
            attempt.write(Delta(text="Ten "))
            if written_before:
                await wait_here()
            attempt.write(Delta(text="seconds."))
            if written_before:
                # The text is on its way, and is refused.
                await eventually(says(bus, "Redis is full"))
                refused.set()
            return attempt.finish(an_answer("Ten seconds.", turn=context.turn))

    async with writer, bus:
        await bus.publish(a_context())
        await reached.wait()
        async with no_memory(redis):
            go.set()
            if written_before:
                await refused.wait()
            else:
                await eventually(says(bus, "Redis is full"))
                await asyncio.sleep(3 * CLAIM_SECONDS)
                assert not begun
        await eventually(lambda: redis.xlen(NEXT))
        assert bus.alive()

    found: Any = await redis.xrange(NEXT)
    [(_, fields)] = found
    assert AnswerWritten.model_validate_json(fields[b"event"]).text == "Ten seconds."
    assert len(begun) == 1
    assert await redis.xlen(dead_key(0)) == 0
    assert not deaths


async def test_a_question_is_refused_whole(settings: RedisSettings, client: Redis, redis: Redis) -> None:
    """Nothing of it is accepted, and whoever asked may ask again."""
    bus = Bus(settings, client, group="gateway")
    async with bus, no_memory(redis):
        with pytest.raises(TransientError, match="cannot be used now"):
            await bus.publish(a_question())
        assert await redis.xlen(stream_key(QuestionAsked.stream, 0)) == 0


async def test_a_worker_that_starts_without_memory_waits_for_it(
    settings: RedisSettings, client: Redis, redis: Redis
) -> None:
    """To start again and again would change nothing."""
    handled = asyncio.Event()
    bus = Bus(settings, client, group="history", on_death=lambda: None)

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(_: QuestionAsked) -> None:
        handled.set()

    async def work() -> None:
        async with bus:
            await handled.wait()

    async with no_memory(redis):
        working = asyncio.create_task(work())
        await eventually(says(bus, "Redis is full"))
        assert not working.done()
    await Bus(settings, client, group="gateway").publish(a_question())
    await asyncio.wait_for(working, 10)
