"""As fast as an endpoint allows: requests of one process slow down together when it says 429, and speed up again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog

from libs.errors import TransientError
from libs.llm.endpoint import OverLimitError
from libs.llm.metrics import RATE_LIMITED

log = structlog.get_logger()

T = TypeVar("T")

UNTOLD_SECONDS = 1.0
"""Waited after a refusal that does not say how long."""
LONGEST_TOLD_SECONDS = 60.0
"""A minute is the longest window that vendors count in; who asks for more is asked again by then."""
FEWEST = 2
"""So that one is on its way while the answer of another is being read."""
TOLERANCE_SECONDS = 0.01
"""After the moment that was named: clocks and windows end a little late."""
GROW_AFTER = 4
"""So many answers in a row for each request under way, and there may be one more."""


class Pacer:
    """Shared by all requests that count against one limit.

    Whoever is refused makes everybody wait for as long as the endpoint asked, and then fewer go out at once. A
    refusal is no failure: the request goes out again.

    Args:
        most_at_once: requests under way when there is no trouble.
        patience_seconds: how long one request waits for its turn in all, before it has failed.
    """

    def __init__(self, *, most_at_once: int = 16, patience_seconds: float = 240.0) -> None:
        self._most = most_at_once
        self._patience_seconds = patience_seconds
        self._allowed = most_at_once
        self._under_way = 0
        self._answers = 0
        self._not_before = 0.0
        self._refused_at = float("-inf")
        self._door = asyncio.Lock()
        self._freed = asyncio.Event()

    def is_limited(self) -> bool:
        """Whether the endpoint has put a request off within the longest window that vendors count in."""
        return time.monotonic() - self._refused_at < LONGEST_TOLD_SECONDS

    async def paced(self, request: Callable[[], Awaitable[T]]) -> T:
        """What the request answers, however often it is refused first.

        Raises:
            TransientError: it was refused for longer than our patience.
        """
        deadline = time.monotonic() + self._patience_seconds
        while True:
            async with self._turn():
                sent_at = time.monotonic()
                try:
                    answer = await request()
                except OverLimitError as error:
                    RATE_LIMITED.inc()
                    self._refused(error, sent_at)
                    if self._not_before >= deadline:
                        raise
                else:
                    self._answered()
                    return answer

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        # Whoever is next keeps the door: the others queue behind, in order.
        async with self._door:
            while True:
                wait = self._not_before - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                elif self._under_way < self._allowed:
                    break
                else:
                    self._freed.clear()
                    await self._freed.wait()
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._freed.set()

    def _refused(self, error: TransientError, sent_at: float) -> None:
        if error.retry_after_seconds is None:
            told = UNTOLD_SECONDS
        else:
            told = min(error.retry_after_seconds, LONGEST_TOLD_SECONDS)
        if sent_at >= self._not_before:
            # One refusal of those that were sent together is news, the others say the same.
            log.debug("the model endpoint is at its limit", wait_seconds=told, at_once=self._allowed)
            self._allowed = max(FEWEST, self._allowed * 3 // 4)
        self._answers = 0
        self._refused_at = time.monotonic()
        self._not_before = max(self._not_before, time.monotonic() + told + TOLERANCE_SECONDS)

    def _answered(self) -> None:
        self._answers += 1
        if self._answers >= GROW_AFTER * self._allowed and self._allowed < self._most:
            self._answers = 0
            self._allowed += 1
