"""An entry that ends every process it comes to is found out, and is buried alone."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.company import Company
from libs.bus.dead_letters import DeadLetters
from libs.bus.entry import Address, dead_key, stream_key
from libs.bus.upkeep import JANITOR_BATCH, Upkeep
from libs.bus.worker import Subscription, Worker
from libs.config import RedisSettings
from libs.contracts.events import QuestionAsked, TurnOpened
from tests.builders import a_question
from tests.integration.bus import mortal
from tests.polling import eventually

ASKED, OPENED = (stream_key(event.stream, 0) for event in (QuestionAsked, TurnOpened))
NEIGHBOURS = 24


@asynccontextmanager
async def started_again_and_again(redis_url: str) -> AsyncIterator[list[int]]:
    """How its processes ended so far."""
    endings: list[int] = []

    async def supervise() -> None:
        while True:
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", mortal.__name__, redis_url)
            try:
                endings.append(await process.wait())
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    supervisor = asyncio.create_task(supervise())
    try:
        yield endings
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)


async def test_a_deadly_entry_is_buried_alone(redis_url: str, redis: Redis) -> None:
    """Its neighbours, of whom each died with it twice, are all answered; it is tried three times and no more."""
    settings = RedisSettings(redis_url=redis_url)
    bus = Bus(settings, redis, group="gateway")
    for n in range(NEIGHBOURS):
        await bus.publish(a_question())
        if n == NEIGHBOURS // 2:
            await bus.publish(a_question(question=mortal.DEADLY))

    async with started_again_and_again(redis_url) as endings:

        async def all_is_done() -> bool:
            return not await redis.xlen(ASKED)

        await eventually(all_is_done, within_seconds=40)

    opened: Any = await redis.xrange(OPENED)
    asked = {TurnOpened.model_validate_json(fields[b"event"]).turn.question for _, fields in opened}
    assert len(opened) == NEIGHBOURS
    assert mortal.DEADLY not in asked
    [letter] = [letter async for letter in DeadLetters(redis, partitions=1).all()]
    assert QuestionAsked.model_validate_json(letter.event).turn.question == mortal.DEADLY
    assert "at last with it alone" in letter.reason
    assert endings == [1, 2, 3]


async def taken(redis: Redis, *, entries: int, **fields: str) -> Upkeep:
    """So many entries are with a worker that says nothing; another one's upkeep."""
    for _ in range(entries):
        entry: dict[Any, Any] = {"event": a_question().model_dump_json(), "attempts": "0", **fields}
        await redis.xadd(ASKED, entry)
    await redis.xgroup_create(ASKED, "history", id="0")
    await redis.xreadgroup("history", "silent", {ASKED: ">"})

    async def handle(_: QuestionAsked) -> None:
        raise AssertionError("nothing is read here")

    worker = Worker(redis, Address(1), Subscription(QuestionAsked, handle, 1), max_attempts=3, company=Company())
    return Upkeep(
        redis, worker, key=ASKED, partition=0, group="history", consumer="me", claim_seconds=0.0, max_attempts=3
    )


async def test_who_only_waited_beside_the_dead_is_not_blamed(redis: Redis) -> None:
    """On its last try, read but not begun: it goes back to the stream as it was."""
    upkeep = await taken(redis, entries=1, silences="2")

    await upkeep.sweep()

    moved: Any = await redis.xrange(ASKED)
    [(_, fields)] = moved
    assert (fields[b"silences"], fields[b"attempts"]) == (b"2", b"0")
    assert await redis.xlen(dead_key(0)) == 0


async def test_all_that_a_dead_worker_held_is_taken_over_at_once(redis: Redis) -> None:
    """Also when it is more than one script may move: the last of hundreds do not wait for further looks."""
    entries = 2 * JANITOR_BATCH + 1
    upkeep = await taken(redis, entries=entries)

    await upkeep.sweep()

    moved: Any = await redis.xrange(ASKED)
    assert [fields[b"silences"] for _, fields in moved] == [b"1"] * entries
