"""What waits for an answer is counted wherever it waits, so that no stream grows without bound."""

import asyncio
from collections import Counter

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.entry import stream_key
from libs.config import RedisSettings
from libs.contracts.events import AnswerWritten, ContextRetrieved, Event, QuestionAsked, TurnOpened
from libs.contracts.ids import partition_of
from tests.builders import a_context, a_question, an_answer, an_opened_turn
from tests.polling import eventually

PATH: tuple[type[Event], ...] = (QuestionAsked, TurnOpened, ContextRetrieved, AnswerWritten)


@pytest.fixture
def bus(redis_url: str, redis: Redis) -> Bus:
    return Bus(RedisSettings(redis_url=redis_url), redis, group="gateway")


def test_the_path_of_a_question_is_named_in_its_event() -> None:
    """All its streams, in their order."""
    assert (QuestionAsked.stream, *QuestionAsked.onward) == tuple(event.stream for event in PATH)


async def test_nothing_waits_where_nothing_was_ever_published(bus: Bus) -> None:
    """There are no streams yet."""
    assert await bus.backlog(a_question()) == 0


async def test_questions_wait_on_every_stream_of_their_way(bus: Bus, redis: Redis) -> None:
    """Also behind a stage that is slow; those in the hands of a worker do not wait, though they are there."""
    await redis.xgroup_create(stream_key(ContextRetrieved.stream, 0), "generation", id="0", mkstream=True)
    for event in (a_question(), an_opened_turn(), a_context(), a_context(), a_context(), an_answer()):
        await bus.publish(event)
    await redis.xreadgroup("generation", "one", {stream_key(ContextRetrieved.stream, 0): ">"}, count=2)

    assert await bus.backlog(a_question()) == 4
    assert await bus.entries(a_context()) == 3


async def test_a_partition_has_its_own_backlog(redis_url: str, redis: Redis) -> None:
    """What waits in another one holds nobody up here."""
    bus = Bus(RedisSettings(redis_url=redis_url, bus_partitions=2), redis, group="gateway")
    questions = [a_question() for _ in range(12)]
    for question in questions:
        await bus.publish(question)

    partitions = Counter(partition_of(question.partition_key, 2) for question in questions)
    for question in questions:
        assert await bus.backlog(question) == partitions[partition_of(question.partition_key, 2)]


async def test_workers_say_how_much_waits(redis_url: str, redis: Redis) -> None:
    """What neither of a worker's two hands can take is what its metric says, and it says when that is done."""
    bus = Bus(RedisSettings(redis_url=redis_url, bus_claim_seconds=0.6), redis, group="history", on_death=lambda: None)
    go_on = asyncio.Event()

    @bus.on(QuestionAsked, concurrency=2)
    async def handle(_asked: QuestionAsked) -> None:
        await go_on.wait()

    for _ in range(5):
        await bus.publish(a_question())

    async def says(waiting: float) -> bool:
        labels = {"stream": QuestionAsked.stream, "partition": "0"}
        return REGISTRY.get_sample_value("messaging_entries_waiting", labels) == waiting

    async with bus:
        await eventually(lambda: says(3))
        go_on.set()
        await eventually(lambda: says(0))
