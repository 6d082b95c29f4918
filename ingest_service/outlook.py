"""How long a document will go on until it is searchable, by all that is before this process and the others (ADR 0038).

The requests that are still to be made are played through: whose turn it is, how long one takes, and what the endpoint
allows. So a document that is slow beside others is not said to stay slow when they have ended.
"""

import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from ingest_service.play import Bucket, Play, Request, Rules
from ingest_service.ports import Limit
from ingest_service.work import Backlog, Begun, Queued

Monotonic = Callable[[], float]

WINDOW_SECONDS = 15.0
"""What is allowed now is what was allowed lately."""
FEWEST = 3
"""Requests, before a rate is told from them."""
STORING_SECONDS = 0.0003
"""Of a chunk, before one was stored: its words are counted and indexed."""
BYTES_A_CHUNK = 800.0
"""Of a format none of which was read yet: a chunk of 200 tokens as plain text."""
_LATEST_SHARE = 0.3


class Upcoming:
    """One document's work.

    Attributes:
        document_id: whose.
        total: chunks to embed; what its size suggests until it is known.
        done: of them.
        under_way: requests that have not come back.
    """

    def __init__(self, document_id: UUID, total: int) -> None:
        self.document_id = document_id
        self.total = total
        self.done = 0
        self.under_way: list[Request] = []

    @property
    def left(self) -> int:
        """Chunks whose vectors are not stored."""
        return self.total - self.done


class Outlook:
    """What a process embeds, and how fast.

    Args:
        size: chunks in a request.
        at_once: requests for one document.
        limit: of the endpoint, now.
        clock: seconds; the limit's too.
    """

    def __init__(
        self, *, size: int, at_once: int, limit: Callable[[], Limit], clock: Monotonic = time.monotonic
    ) -> None:
        self._size = size
        self._at_once = at_once
        self._limit = limit
        self._clock = clock
        self._documents: list[Upcoming] = []
        self._busy_from = clock()
        self._refused_from: float | None = None
        self._request_seconds: float | None = None
        self._came_back: deque[tuple[float, int]] = deque()
        self._storing_seconds: float | None = None
        self._bytes_a_chunk: dict[str, float] = {}
        self._queued: Sequence[Queued] = ()
        self._elsewhere: Mapping[UUID, Begun] | None = None
        self._heard_at = 0.0

    @contextmanager
    def document(self, document_id: UUID, media_type: str, size_bytes: int) -> Iterator[Upcoming]:
        """A document that is read, embedded and stored within the block."""
        if not self._documents:
            # What comes after a rest says nothing about what was before.
            self._busy_from = self._clock()
            self._came_back.clear()
            self._request_seconds = self._refused_from = self._elsewhere = None
            self._queued = ()
        one = Upcoming(document_id, self._expected(media_type, size_bytes))
        self._documents.append(one)
        try:
            yield one
        finally:
            self._documents.remove(one)

    def was_read(self, one: Upcoming, media_type: str, size_bytes: int, *, found: int, new: int) -> None:
        """It has `found` chunks, `new` of which are to be embedded."""
        self._bytes_a_chunk[media_type] = size_bytes / max(1, found)
        one.total = new

    def goes_out(self, one: Upcoming, chunks: int) -> Request:
        """So many of its chunks are to be embedded next."""
        others = sum(len(document.under_way) for document in self._documents)
        request = Request(self._clock(), chunks, others >= self._limit().at_once)
        one.under_way.append(request)
        return request

    def came_back(self, one: Upcoming, request: Request) -> None:
        """Their vectors are stored."""
        now = self._clock()
        one.under_way.remove(request)
        one.done += request.chunks
        self._note_back(request.chunks, at=now)
        self._note(self._limit())
        is_whole = 2 * request.chunks >= self._size
        if self._request_seconds is None or (self._refused_from is None and is_whole):
            # While requests are put off it would be the waiting that is seen, and of a few chunks the round trip.
            seconds = self._limit().answer_seconds if request.has_waited else now - request.begun
            self._request_seconds = _followed(self._request_seconds, seconds)

    def heard(self, backlog: Backlog) -> None:
        """What is before all workers together, now."""
        own = {document.document_id for document in self._documents}
        elsewhere = {begun.document_id: begun for begun in backlog.begun if begun.document_id not in own}
        if self._elsewhere is not None and (chunks := _came_back_elsewhere(self._elsewhere, elsewhere)):
            # Some time since then: at its beginning, so that nothing counts that was let through before a refusal.
            self._note_back(chunks, at=self._heard_at)
        self._queued = backlog.queued
        self._elsewhere = elsewhere
        self._heard_at = self._clock()

    def stored(self, chunks: int, seconds: float) -> None:
        """So many chunks were made searchable in so many seconds."""
        if chunks >= self._size:
            self._storing_seconds = _followed(self._storing_seconds, seconds / chunks)

    def seconds_left(self, one: Upcoming) -> float | None:
        """Until it is searchable; None while nothing was seen that this could be told from."""
        now = self._clock()
        limit = self._limit()
        self._note(limit)
        bucket: Bucket | None = None
        if self._refused_from is not None:
            bucket, request_seconds = self._refilled(limit, self._refused_from, now), 0.0
        elif self._request_seconds is None:
            return None
        else:
            if limit.texts_per_second is not None:
                bucket = Bucket(limit.texts_per_second, limit.texts_now, now)
            request_seconds = self._request_seconds
        elsewhere = [] if self._elsewhere is None else list(self._elsewhere.values())
        # Other workers send as this one does.
        at_once = limit.at_once + round(limit.at_once * len(elsewhere) / len(self._documents))
        rules = Rules(self._size, request_seconds, self._at_once, at_once, bucket)
        play = Play(now, rules, self._queue())
        # What they have under way was asked for before what is asked for here next.
        for begun in elsewhere:
            known = None if begun.total is None else begun.total - begun.done
            play.add(self._expected(begun.media_type, begun.size_bytes) if known is None else known)
        played = {
            id(document): play.add(document.left - _chunks(document.under_way), document.under_way)
            for document in self._documents
        }
        ends = play.end_of(played[id(one)])
        return ends - now + one.total * (self._storing_seconds or STORING_SECONDS)

    def _queue(self) -> Iterator[int]:
        """Chunks of the documents that begin when others have ended."""
        for queued in self._queued:
            for _ in range(queued.documents):
                yield self._expected(queued.media_type, queued.size_bytes / queued.documents)

    def _expected(self, media_type: str, size_bytes: float) -> int:
        return max(1, round(size_bytes / self._bytes_a_chunk.get(media_type, BYTES_A_CHUNK)))

    def _note_back(self, chunks: int, *, at: float) -> None:
        insort(self._came_back, (at, chunks))
        while self._clock() - self._came_back[0][0] > WINDOW_SECONDS and len(self._came_back) > FEWEST:
            self._came_back.popleft()

    def _note(self, limit: Limit) -> None:
        """Since when requests are put off, of those that were made since the last rest."""
        if limit.refused_at is None or limit.refused_at < self._busy_from:
            self._refused_from = None
        elif self._refused_from is None:
            began_now = limit.refused_from >= self._busy_from
            self._refused_from = limit.refused_from if began_now else limit.refused_at

    def _refilled(self, limit: Limit, refused_from: float, now: float) -> Bucket:
        """What is allowed, while it is the refusals that say so: chunks come back as fast as they are let through."""
        # Those that were let through before the first refusal come back until then.
        request_seconds = self._request_seconds or 0.0
        begun = refused_from + request_seconds
        seen = [(at, chunks) for at, chunks in self._came_back if at > begun + request_seconds / 2]
        chunks = sum(chunks for _, chunks in seen)
        last = seen[-1][0] if seen else begun
        if len(seen) >= FEWEST:
            first, of_first = seen[0]
            rate = min((chunks - of_first) / max(last - first, 1e-3), chunks / max(now - first, 1e-3))
        elif limit.texts_per_second is not None:
            return Bucket(limit.texts_per_second, limit.texts_now, now)
        elif limit.not_before > now:
            # One more, once the time is over that the endpoint asked for.
            rate = (chunks + self._size) / max(limit.not_before - refused_from, 1e-3)
        else:
            rate = max(chunks, self._size) / max(now - begun, 1e-3)
        return Bucket(rate, min(self._size, max(0.0, now - last) * rate), now)


def _came_back_elsewhere(before: Mapping[UUID, Begun], after: Mapping[UUID, Begun]) -> int:
    """Chunks that other workers embedded meanwhile: what is no longer begun has ended."""
    ended = sum((begun.total or 0) - begun.done for id_, begun in before.items() if id_ not in after)
    went_on = sum(begun.done - (before[id_].done if id_ in before else 0) for id_, begun in after.items())
    return max(0, ended + went_on)


def _chunks(requests: list[Request]) -> int:
    return sum(request.chunks for request in requests)


def _followed(mean: float | None, latest: float) -> float:
    return latest if mean is None else mean + _LATEST_SHARE * (latest - mean)
