"""What a process knows of its Redis being away: one of all who wait tries for all, and it is said once."""

import asyncio
import random
import time
from collections.abc import Callable
from functools import cache

import structlog
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError

from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
REFUSED_PAUSE_SECONDS = 0.7
"""Between two tries of a process; who refuses is connected to anew each time, for it may be another server by then."""
STALE_SECONDS = 1.0
"""What nobody has met for so long may be over."""
REFUSED_STALE_SECONDS = 2.5
"""The same of one that is read-only: some tries in a row may be reads, which it answers."""

FULL = "Redis is full"
READ_ONLY = "Redis takes no writes"


class Outage:
    """One Redis as one process sees it.

    Args:
        now: seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._reason: str | None = None
        self._began_at = self._next_at = 0.0
        self._read_only_at = self._refused_at = float("-inf")
        self._waiting: set[asyncio.Future[None]] = set()
        self._away = Trouble(log, begins="redis is away", ends="redis is back")
        self._full = Trouble(log, begins="redis is full", ends="redis has room again")

    @property
    def reason(self) -> str | None:
        """What is wrong, for people; None when nothing is."""
        if self._reason is None and self._now() - self._refused_at < STALE_SECONDS:
            return FULL
        return self._reason

    async def turn(self, *, until: float) -> bool:
        """Wait while Redis is away, until it is this caller's turn to try; False when it is too late by then."""
        while self._reason is not None:
            now = self._now()
            if now >= self._next_at:
                self._next_at = now + self._pause(now)
                return True
            if now >= until:
                return False
            mended = asyncio.get_running_loop().create_future()
            self._waiting.add(mended)
            try:
                await asyncio.wait({mended}, timeout=min(self._next_at, until) - now)
            finally:
                self._waiting.discard(mended)
        return True

    def failed(self, error: Exception) -> None:
        """Redis is away, as this error says; the first one is not told, for a connection may break by itself."""
        now = self._now()
        if isinstance(error, ReadOnlyError):
            self._read_only_at = now
        if self._reason is None:
            self._began_at = now
            self._next_at = now + self._pause(now)
        else:
            self._away.noticed(error=type(error).__name__)
        self._reason = _reason(error)

    @property
    def _refuses(self) -> bool:
        # Also when a connection broke since: that says nothing of whether the next one leads to a server that writes.
        return self._now() - self._read_only_at < REFUSED_STALE_SECONDS

    def _pause(self, now: float) -> float:
        growing = min(max(FIRST_PAUSE_SECONDS, (now - self._began_at) / 2), LONGEST_PAUSE_SECONDS)
        return (REFUSED_PAUSE_SECONDS if self._refuses else growing) * random.uniform(0.8, 1.0)  # noqa: S311 - jitter

    def refused(self, error: OutOfMemoryError) -> None:
        """This command was refused for want of memory; others, those that free some before all, are not."""
        self._refused_at = self._now()
        self._full.noticed(error=type(error).__name__)

    def answered(self) -> None:
        """It is there, and did not do what was asked; whoever asked may go on at once."""
        self._next_at = self._now()
        if not self._refuses:
            self.worked(again=False)

    def worked(self, *, again: bool) -> None:
        """A command was carried out; of one that is read-only, only what it has refused before is a sign.

        Args:
            again: whether it refused the same command before.
        """
        self._full.over_if_quiet()
        if self._reason is None or (self._refuses and not again):
            return
        self._reason = None
        self._read_only_at = float("-inf")
        self._away.over()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


@cache
def outage_of(url: str) -> Outage:  # noqa: ARG001 - one for each
    """Shared by all clients of this Redis in the process."""
    return Outage()


def _reason(error: Exception) -> str:
    if isinstance(error, ReadOnlyError):
        return READ_ONLY
    return "Redis is loading its data" if isinstance(error, BusyLoadingError) else "Redis does not answer"
