"""Requests to embed, played through: whose turn it is when, and what the endpoint allows (ADR 0038)."""

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count
from typing import NamedTuple


class Request(NamedTuple):
    """Chunks on their way to the model and into the vector store.

    Attributes:
        begun: when their hand was free.
        has_waited: for its turn since then, because as many as may be were under way.
    """

    begun: float
    chunks: int
    has_waited: bool


class Bucket:
    """Chunks that an endpoint allows: so many now, and so many more with each second."""

    def __init__(self, per_second: float, level: float, at: float) -> None:
        self._per_second = per_second
        self._level = level
        self._at = at

    def take(self, at: float, chunks: int) -> float:
        """When they may go, not before `at`."""
        at = max(at, self._at)
        level = self._level + (at - self._at) * self._per_second
        begins = at + max(0.0, chunks - level) / self._per_second
        self._at, self._level = begins, max(0.0, level - chunks)
        return begins


class Rules(NamedTuple):
    """How requests are made.

    Attributes:
        size: chunks in one.
        seconds: that one takes.
        of_document: at once, of one document.
        at_once: of all together.
        bucket: what the endpoint allows; None when it takes everything.
    """

    size: int
    seconds: float
    of_document: int
    at_once: int
    bucket: Bucket | None


class Played:
    """A document in the play.

    Attributes:
        waiting: chunks that no request has yet.
        hands: that make its requests, and are not done.
    """

    def __init__(self, waiting: int, hands: int) -> None:
        self.waiting = waiting
        self.hands = hands


class Play:
    """What goes on from now on, every hand taking the next chunks as soon as it is free.

    Args:
        queue: chunks of the documents that begin one by one, each when another has ended.
    """

    def __init__(self, now: float, rules: Rules, queue: Iterable[int]) -> None:
        self._now = now
        self._rules = rules
        self._queue = deque(queue)
        self._order = count()
        self._hands: list[tuple[float, int, Played, Request | None]] = []
        self._out: list[float] = []

    def add(self, waiting: int, under_way: Sequence[Request] = (), *, at: float | None = None) -> Played:
        """A document that has so many chunks beside those under way, and goes on at `at` or now."""
        document = Played(waiting, max(self._rules.of_document, len(under_way)))
        for request in under_way:
            heapq.heappush(self._hands, (request.begun, next(self._order), document, request))
        for _ in range(self._rules.of_document - len(under_way)):
            heapq.heappush(self._hands, (self._now if at is None else at, next(self._order), document, None))
        return document

    def end_of(self, document: Played) -> float:
        """When its last request comes back."""
        ends = self._now
        while document.hands:
            free_at, _, whose, request = heapq.heappop(self._hands)
            if request is None and not whose.waiting:
                whose.hands -= 1
                if not whose.hands and self._queue:
                    self.add(self._queue.popleft(), at=free_at)
                continue
            back = self._made(free_at, whose, request)
            heapq.heappush(self._hands, (back, next(self._order), whose, None))
            if whose is document:
                ends = max(ends, back)
        return ends

    def _made(self, begins: float, document: Played, request: Request | None) -> float:
        """A request; when it comes back."""
        rules = self._rules
        if request is None:
            chunks = min(rules.size, document.waiting)
            document.waiting -= chunks
        else:
            chunks = request.chunks
            if request.has_waited:
                # Nobody knows for how long: it may be half through.
                begins = max(begins, self._now - rules.seconds / 2)
        if len(self._out) >= rules.at_once:
            begins = max(begins, heapq.heappop(self._out))
        if rules.bucket is not None:
            begins = rules.bucket.take(max(begins, self._now), chunks)
        back = max(self._now, begins + rules.seconds)
        heapq.heappush(self._out, back)
        return back
