"""Several entries a read: no more than there are hands for, and none forgotten while it waits for one."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.company import Company
from libs.bus.entry import Address, fields_of, stream_key
from libs.bus.upkeep import Upkeep
from libs.bus.worker import Subscription, Worker
from libs.config import RedisSettings
from libs.contracts.events import QuestionAsked
from tests.builders import a_question
from tests.polling import eventually

HANDS = 16
"""An eighth of them is what a read may bring: two."""
KEY = stream_key(QuestionAsked.stream, 0)


async def test_a_worker_holds_no_more_than_it_has_hands(redis_url: str, redis: Redis) -> None:
    """However many a read may bring: what nobody has a hand for stays for another worker."""
    begun: list[asyncio.Event] = []
    bus = Bus(RedisSettings(redis_url=redis_url), redis, group="history")

    @bus.on(QuestionAsked, concurrency=HANDS)
    async def handle(_: QuestionAsked) -> None:
        may_end = asyncio.Event()
        begun.append(may_end)
        await may_end.wait()

    async def held() -> int:
        return int((await redis.xpending(KEY, "history"))["pending"])

    async with bus:
        for _ in range(HANDS * 3):
            await bus.publish(a_question())
        for ended in range(HANDS * 3):

            async def next_has_begun(number: int = ended) -> bool:
                return len(begun) > number

            await eventually(next_has_begun)
            assert await held() <= HANDS
            begun[ended].set()

        async def all_done() -> bool:
            return await redis.xlen(KEY) == 0

        await eventually(all_done)


async def test_what_waits_for_a_hand_is_renewed_and_begun_in_its_turn(redis: Redis) -> None:
    """Two partitions read at once may bring more than there are hands; the heartbeat speaks for all of it."""
    begun: list[QuestionAsked] = []
    may_end = asyncio.Event()

    async def handle(asked: QuestionAsked) -> None:
        begun.append(asked)
        await may_end.wait()

    worker = Worker(redis, Address(1), Subscription(QuestionAsked, handle, 2), max_attempts=3, company=Company())
    upkeep = Upkeep(
        redis, worker, key=KEY, partition=0, group="history", consumer="me", claim_seconds=60, max_attempts=3
    )
    questions = [a_question() for _ in range(4)]
    for question in questions:
        await redis.xadd(KEY, {"event": question.model_dump_json(), "attempts": "0"})
    await redis.xgroup_create(KEY, "history", id="0")
    await redis.xreadgroup("history", "me", {KEY: ">"})
    stored: Any = await redis.xrange(KEY)
    entries = [worker.entry(KEY, 0, "history", "me", entry_id.decode(), fields) for entry_id, fields in stored]

    async with asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(worker.take(entries, tasks))

        async def two_begun() -> bool:
            return len(begun) == 2

        await eventually(two_begun)
        # As if they had been read long ago.
        await redis.xclaim(KEY, "history", "me", 0, [one.entry_id for one in entries], idle=50_000)
        await upkeep.beat()
        pending: Any = await redis.xpending_range(KEY, "history", "-", "+", 10)
        assert [one["time_since_delivered"] < 50_000 for one in pending] == [True] * 4
        assert not taking.done()
        may_end.set()
    assert begun == questions
    assert await redis.xlen(KEY) == 0


async def test_what_was_lost_on_its_way_to_an_idle_worker_is_taken_over(redis_url: str, redis: Redis) -> None:
    """Redis believes that the worker has it, which never got it: its heartbeat must not speak for it."""
    got: list[QuestionAsked] = []
    bus = Bus(RedisSettings(redis_url=redis_url, bus_claim_seconds=0.6), redis, group="history")

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(asked: QuestionAsked) -> None:
        got.append(asked)

    async def its_consumer() -> Any:
        return await redis.xinfo_consumers(KEY, "history")

    fields = fields_of(a_question())
    async with bus:
        [consumer] = await eventually(its_consumer)
        # Delivered in its name before its own read can have it.
        async with redis.pipeline(transaction=True) as delivery:
            delivery.xadd(KEY, dict(zip(fields[::2], fields[1::2], strict=True)))
            delivery.xreadgroup("history", consumer["name"], {KEY: ">"})
            await delivery.execute()
        assert got == []
        await eventually(lambda: asyncio.sleep(0, bool(got)))
