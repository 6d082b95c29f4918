"""How many entries a worker works on at once, and how many it may read at once."""

import asyncio

READ_MAX_ENTRIES = 8
"""Of one read: under load each read costs a turn of a busy loop, however few entries it brings."""
READ_SHARE = 8
"""A read brings at most this part of what a worker has hands for: the backlog is for all workers."""


class Hands:
    """A worker's hands; each works on one entry.

    Args:
        number: how many there are.
    """

    def __init__(self, number: int) -> None:
        self._free = asyncio.Semaphore(number)
        self._gathering = asyncio.Lock()
        self.at_once = max(1, min(READ_MAX_ENTRIES, number // READ_SHARE))

    async def take(self) -> None:
        """Wait for a free hand and use it."""
        await self._free.acquire()

    def give_back(self) -> None:
        """The hand is free again."""
        self._free.release()

    async def are_free_for_a_read(self) -> None:
        """Returns when there are hands for all that a read may bring: the rest is for another worker."""
        # One partition at a time, or two that hold half of the hands each would wait for the other's.
        async with self._gathering:
            for _ in range(self.at_once):
                await self.take()
            for _ in range(self.at_once):
                self.give_back()
