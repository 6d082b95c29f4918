"""The bus on a real Valkey: nothing lost, nothing doubled, whatever a handler does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.entry import Entry, dead_key, stream_key
from libs.config import RedisSettings
from libs.contracts.events import AnswerWritten, ContextRetrieved, Event, QuestionAsked, TurnOpened
from libs.errors import PermanentError, TransientError
from tests.builders import a_question
from tests.polling import eventually

CLAIM_SECONDS = 0.6


@pytest.fixture
def settings(redis_url: str) -> RedisSettings:
    return RedisSettings(redis_url=redis_url, bus_claim_seconds=CLAIM_SECONDS, bus_max_attempts=3)


@asynccontextmanager
async def a_bus(settings: RedisSettings, redis: Redis, group: str = "history") -> AsyncIterator[Bus]:
    yield Bus(settings, redis, group=group, on_death=lambda: None)


async def entries(redis: Redis, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = await redis.xrange(stream)
    return list(found)


def key(event: type[Event]) -> str:
    return stream_key(event.stream, 0)


async def test_an_event_published_before_the_first_worker_is_handled(settings: RedisSettings, redis: Redis) -> None:
    """A group begins at the first entry, and the next event appears as the one before disappears."""
    question = a_question()
    await Bus(settings, redis, group="gateway").publish(question)
    async with a_bus(settings, redis) as bus:

        @bus.on(QuestionAsked, concurrency=2)
        async def handle(asked: QuestionAsked) -> TurnOpened:
            return TurnOpened(turn=asked.turn)

        async with bus:
            await eventually(lambda: redis.xlen(key(TurnOpened)))
            assert await redis.xlen(key(QuestionAsked)) == 0
            [(_, fields)] = await entries(redis, key(TurnOpened))
            assert TurnOpened.model_validate_json(fields[b"event"]).turn == question.turn
            assert bus.alive()


async def test_what_fails_is_tried_again_and_then_buried_with_its_reason(settings: RedisSettings, redis: Redis) -> None:
    """Three attempts, then a dead letter, and the client is told: the answer ends as failed."""
    tries: list[int] = []
    bus = Bus(settings, redis, group="history")

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(_: QuestionAsked, entry: Entry) -> None:
        tries.append(entry.attempts)
        raise TransientError("the database is away")

    async with bus:
        await bus.publish(a_question())
        await eventually(lambda: redis.xlen(dead_key(0)))

    assert tries == [0, 1, 2]
    [(_, letter)] = await entries(redis, dead_key(0))
    assert letter[b"source"].decode() == key(QuestionAsked)
    assert letter[b"attempts"] == b"3"
    [(_, fields)] = await entries(redis, key(AnswerWritten))
    assert AnswerWritten.model_validate_json(fields[b"event"]).status == "failed"
    assert await redis.xlen(key(QuestionAsked)) == 0


@pytest.mark.parametrize("raised", [PermanentError("no"), asyncio.CancelledError(), KeyError("x"), None])
async def test_poison_harms_nobody_else(settings: RedisSettings, redis: Redis, raised: BaseException | None) -> None:
    """A handler that raises anything, or an entry that is no event, leaves its neighbours alone."""
    handled: list[Event] = []
    bus = Bus(settings, redis, group="history")
    poison = a_question()

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(asked: QuestionAsked) -> None:
        if raised is not None and asked.turn == poison.turn:
            raise raised
        handled.append(asked)

    async with bus:
        if raised is None:
            await redis.xadd(key(QuestionAsked), {"event": b"\xff{"})
        else:
            await bus.publish(poison)
        neighbour = a_question()
        await bus.publish(neighbour)
        await eventually(lambda: redis.xlen(dead_key(0)))

        async def neighbour_is_handled() -> bool:
            return handled == [neighbour]

        await eventually(neighbour_is_handled)
        assert bus.alive()


async def test_a_silent_workers_entry_is_taken_over(settings: RedisSettings, redis: Redis) -> None:
    """Read by a consumer that then said nothing: another worker has it within the claim time, one attempt higher."""
    question = a_question()
    await Bus(settings, redis, group="gateway").publish(question)
    await redis.xgroup_create(key(QuestionAsked), "history", id="0")
    await redis.xreadgroup("history", "dead", {key(QuestionAsked): ">"}, count=1)
    seen: list[int] = []
    bus = Bus(settings, redis, group="history")

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(_: QuestionAsked, entry: Entry) -> None:
        seen.append(entry.attempts)

    async with bus:

        async def handled() -> bool:
            return bool(seen)

        await eventually(handled)
    assert seen == [1]


async def test_long_work_is_not_taken_away(settings: RedisSettings, redis: Redis) -> None:
    """The heartbeat keeps an entry for three claim times although another worker's janitor looks for it."""
    started: list[str] = []

    def a_worker(name: str) -> Bus:
        bus = Bus(settings, redis, group="history")

        @bus.on(QuestionAsked, concurrency=1)
        async def handle(_: QuestionAsked) -> None:
            started.append(name)
            await asyncio.sleep(CLAIM_SECONDS * 3)

        return bus

    async with a_worker("one") as one, a_worker("two"):
        await one.publish(a_question())

        async def finished() -> bool:
            return bool(started) and await redis.xlen(key(QuestionAsked)) == 0

        await eventually(finished)
    assert len(started) == 1


async def test_the_slower_of_two_finishers_changes_nothing(settings: RedisSettings, redis: Redis) -> None:
    """An entry moved on while its first worker was frozen gives one successor."""
    bus = Bus(settings, redis, group="history")
    moved = asyncio.Event()

    @bus.on(QuestionAsked, concurrency=2)
    async def handle(asked: QuestionAsked, entry: Entry) -> TurnOpened:
        if entry.attempts == 0 and not moved.is_set():
            # What a janitor does to a frozen worker, while the heartbeat is between two beats.
            [(entry_id, fields)] = await entries(redis, key(QuestionAsked))
            await redis.xack(key(QuestionAsked), "history", entry_id)
            await redis.xdel(key(QuestionAsked), entry_id)
            moved_fields: Any = {**fields, b"attempts": b"1"}
            await redis.xadd(key(QuestionAsked), moved_fields)
            moved.set()
        return TurnOpened(turn=asked.turn)

    async with bus:
        await bus.publish(a_question())
        await eventually(lambda: redis.xlen(key(TurnOpened)))

        async def empty() -> bool:
            return await redis.xlen(key(QuestionAsked)) == 0

        await eventually(empty)
    assert await redis.xlen(key(TurnOpened)) == 1


async def test_a_stopping_worker_hands_back_at_once(settings: RedisSettings, redis: Redis) -> None:
    """A long answer goes back to the stream with its attempts unchanged, and the consumer is forgotten."""
    started = asyncio.Event()
    bus = Bus(settings, redis, group="generation")

    @bus.on(ContextRetrieved, concurrency=1)
    async def handle(_: ContextRetrieved) -> None:
        started.set()
        await asyncio.sleep(60)

    async with bus:
        question = a_question()
        await bus.publish(ContextRetrieved(turn=question.turn, query="?"))
        await bus.publish(ContextRetrieved(turn=a_question().turn, query="?"))
        await started.wait()

    waiting = await entries(redis, key(ContextRetrieved))
    assert [fields[b"attempts"] for _, fields in waiting] == [b"0", b"0"]
    assert (await redis.xpending(key(ContextRetrieved), "generation"))["pending"] == 0
    assert await redis.xinfo_consumers(key(ContextRetrieved), "generation") == []


async def test_a_worker_reads_no_more_than_it_has_hands(settings: RedisSettings, redis: Redis) -> None:
    """With four at once and twenty waiting, sixteen stay free for another worker."""
    let_go = asyncio.Event()
    running: list[Event] = []
    bus = Bus(settings, redis, group="history")

    @bus.on(QuestionAsked, concurrency=4)
    async def handle(asked: QuestionAsked) -> None:
        running.append(asked)
        await let_go.wait()

    async with bus:
        for _ in range(20):
            await bus.publish(a_question())

        async def four() -> bool:
            return len(running) == 4

        await eventually(four)
        await asyncio.sleep(0.1)
        pending = await redis.xpending(key(QuestionAsked), "history")
        let_go.set()
        assert pending["pending"] == 4

        async def all_done() -> bool:
            return len(running) == 20

        await eventually(all_done)


async def test_an_evicting_redis_is_refused(settings: RedisSettings, redis: Redis) -> None:
    """A Redis that may drop questions is no place for them; the reason says what to set."""
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(PermanentError, match="noeviction"):
            async with Bus(settings, redis, group="history"):
                pass
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
