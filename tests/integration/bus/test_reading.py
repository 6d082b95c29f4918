"""Several entries a read: none of them may be forgotten while it waits for a hand."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.entry import Entry, stream_key
from libs.config import RedisSettings
from libs.contracts.events import QuestionAsked
from tests.builders import a_question
from tests.polling import eventually

CLAIM_SECONDS = 0.6
HANDS = 16
"""An eighth of them is what a read may bring: two."""
KEY = stream_key(QuestionAsked.stream, 0)


async def test_what_waits_for_a_hand_is_kept_and_handed_back_untried(redis_url: str, redis: Redis) -> None:
    """An entry that was read with another but has no hand yet is renewed, and on stop waits on the stream as before."""
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=CLAIM_SECONDS, bus_max_attempts=3)
    begun: list[Entry] = []
    first_may_end = asyncio.Event()
    bus = Bus(settings, redis, group="history")

    @bus.on(QuestionAsked, concurrency=HANDS)
    async def handle(_: QuestionAsked, entry: Entry) -> None:
        begun.append(entry)
        await (first_may_end.wait() if entry is begun[0] else asyncio.sleep(60))

    async def all_hands_busy() -> bool:
        return len(begun) == HANDS

    async def held() -> int:
        return int((await redis.xpending(KEY, "history"))["pending"])

    async def one_waits() -> bool:
        return len(begun) == HANDS + 1 and await held() == HANDS + 1

    async with bus:
        for _ in range(HANDS):
            await bus.publish(a_question())
        await eventually(all_hands_busy)
        for _ in range(4):
            await bus.publish(a_question())
        first_may_end.set()
        # Sixteen work; the read that the free hand allowed brought two, so one of them waits.
        await eventually(one_waits)
        newest = (await _pending(redis))[-1]["message_id"]
        # Longer than a silent worker's entries stay where they are.
        await asyncio.sleep(CLAIM_SECONDS * 2)
        assert (await _pending(redis))[-1]["message_id"] == newest
        assert await held() == HANDS + 1

    left: Any = await redis.xrange(KEY)
    assert len(left) == HANDS + 3
    assert {fields[b"attempts"] for _, fields in left} == {b"0"}


async def _pending(redis: Redis) -> list[dict[str, Any]]:
    found: Any = await redis.xpending_range(KEY, "history", "-", "+", 100)
    return list(found)
