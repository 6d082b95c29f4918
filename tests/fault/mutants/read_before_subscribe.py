"""A reader that looks into the log first and listens then: what is written in between it hears of too late."""

import asyncio
from collections.abc import AsyncIterator

from libs.answers.reader import LogEntry, Reading

BETWEEN_SECONDS = 0.05
"""A slow network, so that the flaw shows in seconds."""


def put_in() -> None:
    """The order of the two is swapped."""
    enter, from_log = Reading.__aenter__, Reading._from_log
    early: dict[int, list[list[LogEntry]]] = {}

    async def read_then_listen(self: Reading) -> Reading:
        early[id(self)] = [batch async for batch in from_log(self, "attach")]
        await asyncio.sleep(BETWEEN_SECONDS)
        await enter(self)
        await self._until_it_listens()
        self._behind = False
        return self

    async def without_looking_again(self: Reading, reason: str) -> AsyncIterator[list[LogEntry]]:
        if reason == "attach":
            for batch in early.pop(id(self)):
                yield batch
            return
        async for batch in from_log(self, reason):
            yield batch

    Reading.__aenter__ = read_then_listen  # type: ignore[method-assign, assignment]
    Reading._from_log = without_looking_again  # type: ignore[method-assign]
