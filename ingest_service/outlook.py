"""How long the embedding of a document will go on, by all that a process embeds (ADR 0038).

While the model takes what it is given, a document's own pace goes on. While it puts requests off, all documents share
what it allows: whoever has much left gets a larger share as soon as the others have ended.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Monotonic = Callable[[], float]

WINDOW_SECONDS = 15.0
"""What is allowed now is what was allowed lately."""
FEWEST = 3
"""Batches, before a pace is told from them."""
STORING_SECONDS = 0.001
"""Of a chunk, before one was stored: its words are counted and indexed."""
_LATEST_SHARE = 0.3


class Embedding:
    """One document's, under way.

    Attributes:
        total: chunks.
        done: of them.
        begun: when.
        batches: that have come back.
    """

    def __init__(self, total: int, begun: float) -> None:
        self.total = total
        self.done = 0
        self.begun = begun
        self.batches = 0

    @property
    def left(self) -> int:
        """Chunks."""
        return self.total - self.done


class Outlook:
    """What a process embeds, and how fast.

    Args:
        size: chunks in a request.
        at_once: requests for one document.
        is_limited: whether the model has put requests off lately.
        clock: seconds.
    """

    def __init__(
        self, *, size: int, at_once: int, is_limited: Callable[[], bool], clock: Monotonic = time.monotonic
    ) -> None:
        self._size = size
        self._at_once = at_once
        self._is_limited = is_limited
        self._clock = clock
        self._under_way: list[Embedding] = []
        self._batches: deque[tuple[float, int]] = deque()
        self._storing_seconds = STORING_SECONDS

    @contextmanager
    def embedding(self, chunks: int) -> Iterator[Embedding]:
        """A document whose chunks are being embedded until the block ends."""
        one = Embedding(chunks, self._clock())
        self._under_way.append(one)
        try:
            yield one
        finally:
            self._under_way.remove(one)
            if not self._under_way:
                # What comes after a rest says nothing about it.
                self._batches.clear()

    def came_back(self, one: Embedding, chunks: int) -> float:
        """So many more of its chunks are embedded; the seconds until it is searchable."""
        now = self._clock()
        one.done += chunks
        one.batches += 1
        self._batches.append((now, chunks))
        while now - self._batches[0][0] > WINDOW_SECONDS and len(self._batches) > FEWEST:
            self._batches.popleft()
        return self._embedding_left(one, now) + one.total * self._storing_seconds

    def stored(self, chunks: int, seconds: float) -> None:
        """So many chunks were made searchable in so many seconds."""
        if chunks >= self._size:
            # Of a few it is the round trip that is seen.
            self._storing_seconds += _LATEST_SHARE * (seconds / chunks - self._storing_seconds)

    def _embedding_left(self, one: Embedding, now: float) -> float:
        since = self._batches[0][0]
        if self._is_limited() and len(self._batches) >= FEWEST and now > since:
            rate = sum(chunks for _, chunks in list(self._batches)[1:]) / (now - since)
            return _ends_in(one, self._under_way, rate=rate, hands=self._hands)
        # The others under way are half through, one with another.
        counted = one.done + min(one.left, self._size * (self._at_once - 1) / 2)
        return (one.total - counted) * (now - one.begun) / counted

    def _hands(self, left: float) -> int:
        return min(self._at_once, -int(-left // self._size))


def _ends_in(one: Embedding, under_way: list[Embedding], *, rate: float, hands: Callable[[float], int]) -> float:
    """Seconds until it ends, when all get a share of what is allowed by the requests that they make at once."""
    left = {id(other): float(other.left) for other in under_way if other.left}
    seconds = 0.0
    while id(one) in left:
        together = sum(map(hands, left.values()))
        speeds = {key: rate * hands(chunks) / together for key, chunks in left.items()}
        step = min(chunks / speeds[key] for key, chunks in left.items())
        seconds += step
        left = {key: chunks - speeds[key] * step for key, chunks in left.items()}
        left = {key: chunks for key, chunks in left.items() if chunks > 1e-6}  # noqa: PLR2004 - of a chunk: rounding
    return seconds
