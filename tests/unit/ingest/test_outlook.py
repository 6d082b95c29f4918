"""How long a document goes on, held against what it takes: several hands, several documents, an endpoint's limits."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle
from uuid import uuid4

import pytest

from ingest_service.index import TELL_SECONDS
from ingest_service.outlook import BYTES_A_CHUNK, STORING_SECONDS, Outlook, Upcoming
from ingest_service.play import Request
from ingest_service.work import Backlog, Begun, Queued
from libs.llm.pacing import Limit

SIZE, HANDS = 50, 2
REQUEST_SECONDS = 1.0
STEP = 0.01
TEXT = "text/markdown"


@dataclass
class Endpoint:
    """A model with a bucket of chunks, which it may tell of; requests go out in the order in which they began."""

    per_second: float = 0.0
    level: float = 0.0
    is_told: bool = False
    at_once: int = 16
    refused_from: float = 0.0
    refused_at: float | None = None
    not_before: float = 0.0

    def limit(self) -> Limit:
        told = self.per_second if self.is_told else None
        return Limit(
            self.refused_from, self.refused_at, self.at_once, REQUEST_SECONDS, self.not_before, told, self.level
        )


@dataclass
class Work:
    """A document at a worker, what was said of it, and when it ended."""

    outlook: Outlook
    upcoming: Upcoming
    out: list[tuple[Request, float | None]] = field(default_factory=list)
    told: list[tuple[float, float, float]] = field(default_factory=list)
    ended: float = 0.0


class World:
    """Embeds documents step by step; those in the queue begin when others have ended, at the workers in turn."""

    def __init__(self, endpoint: Endpoint, *, places: int = 4, workers: int = 1) -> None:
        self.now = 100.0
        self.endpoint = endpoint
        self.outlooks = [
            Outlook(size=SIZE, at_once=HANDS, limit=endpoint.limit, clock=lambda: self.now) for _ in range(workers)
        ]
        self._hears_at = self.now
        self._turn = cycle(self.outlooks)
        self._places = places
        self._blocks: dict[int, ExitStack] = {}

    def embed(self, *chunks: int) -> list[Work]:
        """All of them, to the end; in the order given."""
        queue = list(chunks)
        under_way: list[Work] = []
        ended: list[Work] = []
        while queue or under_way:
            while queue and len(under_way) < self._places:
                under_way.append(self._begun(queue.pop(0)))
            if self.now >= self._hears_at:
                self._hears_at = self.now + TELL_SECONDS
                for outlook in self.outlooks:
                    outlook.heard(_backlog(queue, under_way))
            self.now += STEP
            self.endpoint.level += STEP * self.endpoint.per_second
            for one in self._step(under_way):
                under_way.remove(one)
                ended.append(one)
        return ended

    def _begun(self, chunks: int) -> Work:
        block = ExitStack()
        outlook = next(self._turn)
        one = Work(outlook, block.enter_context(outlook.document(uuid4(), TEXT, round(chunks * BYTES_A_CHUNK))))
        self._blocks[id(one)] = block
        outlook.was_read(one.upcoming, TEXT, round(chunks * BYTES_A_CHUNK), found=chunks, new=chunks)
        return one

    def _step(self, under_way: Sequence[Work]) -> Iterator[Work]:
        for one in under_way:
            left = one.upcoming.left - sum(request.chunks for request, _ in one.out)
            while left and len(one.out) < HANDS:
                chunks = min(SIZE, left)
                one.out.append((one.outlook.goes_out(one.upcoming, chunks), None))
                left -= chunks
        self._let_through(under_way)
        for one in under_way:
            for request, through in list(one.out):
                if through is not None and self.now >= through + REQUEST_SECONDS:
                    one.out.remove((request, through))
                    one.outlook.came_back(one.upcoming, request)
                    if one.upcoming.left:
                        self._tell(one)
            if not one.upcoming.left:
                self.now += one.upcoming.total * STORING_SECONDS
                one.ended = self.now
                self._blocks.pop(id(one)).close()
                yield one

    def _let_through(self, under_way: Sequence[Work]) -> None:
        out = [through for one in under_way for _, through in one.out if through is not None]
        waiting = sorted(
            ((request, one) for one in under_way for request, through in one.out if through is None),
            key=lambda pair: pair[0].begun,
        )
        for request, one in waiting[: self.endpoint.at_once - len(out)]:
            if self.endpoint.per_second:
                if self.endpoint.level < request.chunks:
                    if self.endpoint.refused_at is None:
                        self.endpoint.refused_from = self.now
                    self.endpoint.refused_at = self.now
                    missing = request.chunks - self.endpoint.level
                    self.endpoint.not_before = self.now + missing / self.endpoint.per_second
                    return
                self.endpoint.level -= request.chunks
            one.out[one.out.index((request, None))] = (request, self.now)

    def _tell(self, one: Work) -> None:
        left = one.outlook.seconds_left(one.upcoming)
        assert left is not None
        one.told.append((one.upcoming.done / one.upcoming.total, self.now, left))


def _backlog(queue: Sequence[int], under_way: Sequence[Work]) -> Backlog:
    waiting = [Queued(TEXT, len(queue), round(sum(queue) * BYTES_A_CHUNK))] if queue else []
    upcoming = [one.upcoming for one in under_way]
    return Backlog(waiting, [Begun(each.document_id, TEXT, 0, each.done, each.total) for each in upcoming])


def errors(one: Work) -> list[float]:
    """Of what was said after a fifth, as a share of what was left then; at the end a request more or less is much."""
    told = [(left, one.ended - at) for share, at, left in one.told if share >= 0.2]
    return [left / true - 1 for left, true in told if true > 3 * REQUEST_SECONDS]


@pytest.mark.parametrize(
    ("endpoint", "chunks"),
    [
        pytest.param(Endpoint, (1000,), id="alone"),
        pytest.param(Endpoint, (400,) * 8, id="several, and several in the queue"),
        pytest.param(lambda: Endpoint(at_once=4), (400,) * 4, id="fewer requests at once than hands"),
        pytest.param(lambda: Endpoint(per_second=30, level=50), (1000,), id="at a limit, alone"),
        pytest.param(lambda: Endpoint(per_second=30, level=50), (400,) * 4, id="at a limit, several"),
        pytest.param(lambda: Endpoint(per_second=30, level=50), (1000, *(60,) * 20), id="a large one and a queue"),
        pytest.param(
            lambda: Endpoint(per_second=20, level=1000, is_told=True), (2000,), id="the limit comes later, and was told"
        ),
    ],
)
def test_after_a_fifth_the_time_left_is_true(endpoint: Callable[[], Endpoint], chunks: tuple[int, ...]) -> None:
    """Within 30 % at every word, be it of the first document or the last."""
    ended = World(endpoint()).embed(*chunks)

    assert len(ended) == len(chunks)
    assert all(errors(one) for one in ended if one.upcoming.total > 2 * HANDS * SIZE)
    assert [error for one in ended for error in errors(one) if abs(error) > 0.3] == []


@pytest.mark.parametrize(
    ("endpoint", "chunks"),
    [
        pytest.param(Endpoint, (400,) * 12, id="no limit"),
        pytest.param(lambda: Endpoint(per_second=30, level=50), (1000, *(100,) * 30), id="at a limit"),
        pytest.param(
            lambda: Endpoint(per_second=20, level=1000, is_told=True), (1000, *(100,) * 20), id="a limit that was told"
        ),
    ],
)
def test_several_workers_share_the_queue_and_the_limit(
    endpoint: Callable[[], Endpoint], chunks: tuple[int, ...]
) -> None:
    """None counts all of what waits, or of what is allowed, for itself."""
    ended = World(endpoint(), workers=2).embed(*chunks)

    assert len(ended) == len(chunks)
    large = [one for one in ended if one.upcoming.total > 2 * HANDS * SIZE]
    assert large
    assert [error for one in large for error in errors(one) if abs(error) > 0.3] == []


def test_the_first_of_two_requests_does_not_count_for_both() -> None:
    """Eight requests, two at once, a second each: when the first is back, the other nearly is."""
    [one] = World(Endpoint()).embed(8 * SIZE)

    _, at, left = one.told[0]
    assert at + left == pytest.approx(one.ended, abs=0.2)


def test_nothing_is_said_before_anything_was_seen() -> None:
    """Neither an answer nor a refusal: nobody can know."""
    [outlook] = World(Endpoint()).outlooks
    with outlook.document(uuid4(), TEXT, 10_000) as one:
        outlook.goes_out(one, SIZE)

        assert outlook.seconds_left(one) is None


def test_what_was_slow_before_a_rest_is_forgotten() -> None:
    """A limit of a moment ago says nothing about the next document, unless it is put off itself."""
    world = World(Endpoint(per_second=10, level=50))
    world.embed(400)
    world.endpoint.per_second = 0
    world.now += 5

    [one] = world.embed(1000)

    assert max(map(abs, errors(one))) < 0.3


def test_storing_takes_as_long_as_it_did() -> None:
    """Much text is counted and indexed once it is embedded: that is time left as well."""
    world = World(Endpoint())
    world.outlooks[0].stored(1000, 5.0)

    [one] = world.embed(1000)

    _, at, left = one.told[-1]
    assert at + left == pytest.approx(one.ended + 5.0 - 1000 * STORING_SECONDS, abs=0.5)
