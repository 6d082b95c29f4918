"""As fast as an endpoint allows: requests of one process slow down together when it says 429, and speed up again."""

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
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


@dataclass(frozen=True, slots=True)
class Told:
    """What an endpoint says it allows, in the headers of an answer.

    Attributes:
        per_second: texts, as long as they are like those of the answer.
        level: texts that it would take at once.
    """

    per_second: float
    level: float


@dataclass(frozen=True, slots=True)
class Limit:
    """What an endpoint allows, by what it says and by its refusals. Moments are of `time.monotonic`.

    Attributes:
        refused_from: since when requests are put off.
        refused_at: when one was put off last; None when none was within the longest window of vendors.
        at_once: requests that go out at once.
        answer_seconds: that the latest answer took from when it was asked for; 0 before the first.
        not_before: nothing goes out until then.
        texts_per_second: that it says it allows; None when it says nothing.
        texts_now: that it says it would take at once.
    """

    refused_from: float
    refused_at: float | None
    at_once: int
    answer_seconds: float
    not_before: float
    texts_per_second: float | None
    texts_now: float


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
        self._answer_seconds = 0.0
        self._not_before = 0.0
        self._refused_from = self._refused_at = float("-inf")
        self._told: Told | None = None
        self._told_at = 0.0
        self._places = count()
        self._queue: list[int] = []
        self._moved = asyncio.Event()

    def limit(self) -> Limit:
        """What is allowed now."""
        now = time.monotonic()
        refused_at = self._refused_at if now - self._refused_at < LONGEST_TOLD_SECONDS else None
        told = self._told
        if told is None:
            return Limit(
                self._refused_from, refused_at, self._allowed, self._answer_seconds, self._not_before, None, 0.0
            )
        texts_now = told.level + (now - self._told_at) * told.per_second
        return Limit(
            self._refused_from,
            refused_at,
            self._allowed,
            self._answer_seconds,
            self._not_before,
            told.per_second,
            texts_now,
        )

    def told(self, told: Told | None) -> None:
        """An answer said what is allowed, or nothing of it."""
        self._told, self._told_at = told, time.monotonic()

    async def paced(self, request: Callable[[], Awaitable[T]]) -> T:
        """What the request answers, however often it is refused first.

        Raises:
            TransientError: it was refused for longer than our patience.
        """
        deadline = time.monotonic() + self._patience_seconds
        # Kept when it is refused: whoever came later does not overtake.
        place = next(self._places)
        while True:
            async with self._turn(place):
                sent_at = time.monotonic()
                try:
                    answer = await request()
                except OverLimitError as error:
                    RATE_LIMITED.inc()
                    self._refused(error, sent_at)
                    if self._not_before >= deadline:
                        raise
                else:
                    self._answered(time.monotonic() - sent_at)
                    return answer

    @asynccontextmanager
    async def _turn(self, place: int) -> AsyncIterator[None]:
        heapq.heappush(self._queue, place)
        try:
            while True:
                wait = self._not_before - time.monotonic()
                if self._queue[0] != place or self._under_way >= self._allowed:
                    await self._moved.wait()
                elif wait > 0:
                    await asyncio.sleep(wait)
                else:
                    break
            self._under_way += 1
        finally:
            self._queue.remove(place)
            heapq.heapify(self._queue)
            self._move()
        try:
            yield
        finally:
            self._under_way -= 1
            self._move()

    def _move(self) -> None:
        """Whoever waits looks again."""
        self._moved.set()
        self._moved = asyncio.Event()

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
        now = time.monotonic()
        if now - self._refused_at >= LONGEST_TOLD_SECONDS:
            self._refused_from = now
        self._refused_at = now
        self._not_before = max(self._not_before, now + told + TOLERANCE_SECONDS)

    def _answered(self, seconds: float) -> None:
        self._answer_seconds = seconds
        self._answers += 1
        if self._answers >= GROW_AFTER * self._allowed and self._allowed < self._most:
            self._answers = 0
            self._allowed += 1
