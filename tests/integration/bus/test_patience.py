"""A dependency that is away is no failure of whoever waits for it."""

from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.entry import Entry, dead_key, stream_key
from libs.config import RedisSettings
from libs.contracts.events import QuestionAsked
from libs.errors import TransientError
from tests.builders import a_question
from tests.polling import eventually

MORE_THAN_ALLOWED = 4


async def test_work_waits_for_a_dependency_beyond_its_attempts(redis_url: str, redis: Redis) -> None:
    """With two attempts allowed it is tried until it works, none of the tries counts, and nothing is buried."""
    tries: list[int] = []
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=1, bus_max_attempts=2)
    bus = Bus(settings, redis, group="history", on_death=lambda: None)

    @bus.on(QuestionAsked, concurrency=1, patience_seconds=60)
    async def handle(_: QuestionAsked, entry: Entry) -> None:
        tries.append(entry.attempts)
        if len(tries) <= MORE_THAN_ALLOWED:
            raise TransientError("the database is away")

    async with bus:
        await bus.publish(a_question())

        async def done() -> bool:
            return len(tries) > MORE_THAN_ALLOWED and not await redis.xlen(stream_key(QuestionAsked.stream, 0))

        await eventually(done)

    assert tries == [0] * (MORE_THAN_ALLOWED + 1)
    assert await redis.xlen(dead_key(0)) == 0


async def test_a_bug_is_not_waited_for(redis_url: str, redis: Redis) -> None:
    """Whatever is not known to pass counts, however young the event is."""
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=1, bus_max_attempts=2)
    bus = Bus(settings, redis, group="history", on_death=lambda: None)
    tries: list[int] = []

    @bus.on(QuestionAsked, concurrency=1, patience_seconds=60)
    async def handle(_: QuestionAsked, entry: Entry) -> None:
        tries.append(entry.attempts)
        raise KeyError("a bug")

    async with bus:
        await bus.publish(a_question())
        await eventually(lambda: redis.xlen(dead_key(0)))

    assert tries == [0, 1]
