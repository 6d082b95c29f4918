"""A worker as a process of its own, for events of which some end it: `python -m … <redis url>`."""

import asyncio
import os
import sys

from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.bus.entry import Entry
from libs.config import RedisSettings
from libs.contracts.events import QuestionAsked, TurnOpened

CLAIM_SECONDS = 0.5
MAX_ATTEMPTS = 3
HANDS = 16
WORK_SECONDS = 0.1
DEADLY = "this question ends processes"


async def main(redis_url: str) -> None:
    """Works until it is ended."""
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=CLAIM_SECONDS, bus_max_attempts=MAX_ATTEMPTS)
    async with connect(redis_url) as redis:
        bus = Bus(settings, redis, group="history")

        @bus.on(QuestionAsked, concurrency=HANDS)
        async def handle(asked: QuestionAsked, entry: Entry) -> TurnOpened:
            if asked.turn.question == DEADLY:
                # In mid-work, with others beside it.
                await asyncio.sleep(WORK_SECONDS / 2)
                os._exit(entry.silences + 1)
            await asyncio.sleep(WORK_SECONDS)
            return TurnOpened(turn=asked.turn)

        async with bus:
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
