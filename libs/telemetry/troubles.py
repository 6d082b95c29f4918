"""What many notice again and again is said when it begins, now and then while it lasts, and at its end."""

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

SAY_AGAIN_SECONDS = 10.0


class Trouble:
    """What a process says of one thing that goes wrong, however many notice it.

    Args:
        log: who says it.
        begins: the line while it lasts.
        ends: the line when it is over.
        now: seconds of a clock that never goes back.
        say_again_seconds: between two lines; and what nobody has met for so long may be over.
    """

    def __init__(
        self,
        log: Any,
        *,
        begins: str,
        ends: str,
        now: Callable[[], float] = time.monotonic,
        say_again_seconds: float = SAY_AGAIN_SECONDS,
    ) -> None:
        self._log = log
        self._begins = begins
        self._ends = ends
        self._now = now
        self._say_again_seconds = say_again_seconds
        self._said_at = float("-inf")
        self._noticed_at = float("-inf")
        self._is_said = False
        self._unsaid = 0
        self._look_again_at: asyncio.TimerHandle | None = None
        self.lasts = False

    def noticed(self, **facts: object) -> None:
        """Somebody met it; `times` in the line is how often that was since the last one."""
        now = self._now()
        self.lasts, self._noticed_at = True, now
        self._unsaid += 1
        if now - self._said_at >= self._say_again_seconds:
            self._log.warning(self._begins, times=self._unsaid, **facts)
            self._said_at, self._is_said, self._unsaid = now, True, 0

    def noticed_in_passing(self, **facts: object) -> None:
        """As `noticed`, by those who cannot see the end of it: it is over when nobody has met it for some time."""
        self.noticed(**facts)
        if self._look_again_at is None:
            self._look_again_later()

    def over(self) -> None:
        """It works again; what nobody was told of needs no end."""
        if not self.lasts:
            return
        self.lasts = False
        if self._is_said:
            self._is_said = False
            self._log.info(self._ends)

    def over_if_quiet(self) -> None:
        """It is over when nobody has met it for some time."""
        if self.lasts and self._now() - self._noticed_at >= self._say_again_seconds:
            self.over()

    def _look_again_later(self) -> None:
        # Not in the context of whoever met it: the end is nobody's.
        loop, nobodys = asyncio.get_running_loop(), Context()
        self._look_again_at = loop.call_later(self._say_again_seconds, self._look_again, context=nobodys)

    def _look_again(self) -> None:
        self._look_again_at = None
        self.over_if_quiet()
        if self.lasts:
            self._look_again_later()
