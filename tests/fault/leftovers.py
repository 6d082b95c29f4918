"""What is left in Redis of chats that are over: nothing, when its time has come."""

import asyncio
import time
from collections import Counter

from redis.asyncio import Redis

from tests.fault.keys import count_mortal
from tests.fault.mutants.short_lived import LIVE_MILLISECONDS
from tests.fault.run import Run

CACHE_SECONDS = 5
SHORT_CACHES = {
    "RETRIEVAL_CACHE_VECTOR_TTL_SECONDS": str(CACHE_SECONDS),
    "RETRIEVAL_CACHE_RANKING_TTL_SECONDS": str(CACHE_SECONDS),
}
SLACK_SECONDS = 5.0


async def all_gone(run: Run) -> None:
    """Every key with a life has gone, within the longest of their lives."""
    # An end shortens the life of its log. What was cancelled before it was asked has none: it stays the longest.
    most_seconds = LIVE_MILLISECONDS / 1000 + SLACK_SECONDS
    began = time.monotonic()
    async with run.cluster.redis() as redis:
        run.figures["keys_at_the_end"] = (await _left(redis)).total()
        while left := await _left(redis):
            if time.monotonic() > began + most_seconds:
                run.violations.append(f"{most_seconds:.0f} s after the last answer there are still {dict(left)}")
                return
            await asyncio.sleep(0.2)
    run.figures["keys_gone_ms"] = round((time.monotonic() - began) * 1000)


async def _left(redis: Redis) -> Counter[str]:
    counts = await count_mortal(redis)
    # A minute is a minute: these go two minutes later, which every run sees to by their time to live.
    del counts["rates"]
    return counts
