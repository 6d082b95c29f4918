"""A timer wheel: what is due in the same millisecond shares one timer of the loop."""

import asyncio
import math
from collections.abc import Callable

SLOTS_PER_SECOND = 1000


class Wheel:
    """Runs callbacks at a time of the loop's clock, up to one millisecond late."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._slots: dict[int, list[Callable[[], None]]] = {}

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Run `act` when the loop's clock says `when`."""
        slot = math.ceil(when * SLOTS_PER_SECOND)
        due = self._slots.get(slot)
        if due is None:
            self._slots[slot] = [act]
            self._loop.call_at(slot / SLOTS_PER_SECOND, self._turn, slot)
        else:
            due.append(act)

    def _turn(self, slot: int) -> None:
        for act in self._slots.pop(slot):
            act()
