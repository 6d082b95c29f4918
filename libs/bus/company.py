"""Who may be worked on together: an entry that may be what ends processes takes fewer and fewer others with it."""

import asyncio
import math
from collections import Counter

from libs.bus.entry import Entry

ANY_NUMBER = math.inf


def most_together(entry: Entry, hands: int) -> float:
    """How many entries a process works on at most while this one is among them, itself included.

    The first silence of a worker changes nothing, for what ends processes is hardly ever an entry. From then on the
    number falls by the same factor each time, to one on the last try: whoever ends the process then was alone in it.

    Args:
        entry: with the silences it has been through.
        hands: how many entries of its kind a process has hands for.
    """
    if entry.silences + 1 >= entry.most_silences:
        return 1
    if entry.silences <= 1:
        return ANY_NUMBER
    left, of = entry.most_silences - 1 - entry.silences, entry.most_silences - 2
    return math.ceil(math.pow(hands, left / of))


class Company:
    """What one process works on at once, all its streams together."""

    def __init__(self) -> None:
        self._present: Counter[float] = Counter()
        # Held while waiting, too: nobody overtakes, or an entry that must be alone would wait for ever.
        self._door = asyncio.Lock()
        self._somebody_left = asyncio.Event()

    async def join(self, most: float) -> None:
        """Wait until there are few enough for this one and for all who are present; whoever joins must leave."""
        async with self._door:
            while not self._admits(most):
                self._somebody_left.clear()
                await self._somebody_left.wait()
            self._present[most] += 1

    def leave(self, most: float) -> None:
        """One that joined with this number is done."""
        self._present[most] -= 1
        if not self._present[most]:
            del self._present[most]
        self._somebody_left.set()

    def _admits(self, most: float) -> bool:
        return self._present.total() < min(most, *self._present, ANY_NUMBER)
