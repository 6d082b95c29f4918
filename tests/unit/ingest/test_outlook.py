"""How long the embedding of a document goes on, while others are embedded too."""

from collections.abc import Iterator

import pytest

from ingest_service.outlook import STORING_SECONDS, Embedding, Outlook

SIZE, AT_ONCE = 50, 2


class Model:
    """Embeds batches of documents one after the other, each in so many seconds, and notes what was said."""

    def __init__(self, *, is_limited: bool) -> None:
        self.now = 100.0
        self.outlook = Outlook(size=SIZE, at_once=AT_ONCE, is_limited=lambda: is_limited, clock=lambda: self.now)

    def embed(self, documents: Iterator[Embedding], *, seconds: float) -> dict[int, list[tuple[float, float]]]:
        said: dict[int, list[tuple[float, float]]] = {}
        for one in documents:
            self.now += seconds
            said.setdefault(one.total, []).append((self.now, self.outlook.came_back(one, min(SIZE, one.left))))
        return said


def in_turn(*documents: Embedding) -> Iterator[Embedding]:
    while any(one.left for one in documents):
        yield from (one for one in documents if one.left)


def ends(told: tuple[float, float], total: int) -> float:
    """When a document's embedding ends by what was said of it."""
    at, seconds = told
    return at + seconds - total * STORING_SECONDS


def test_alone_the_pace_goes_on() -> None:
    """A fifth of a thousand chunks at fifty a second: sixteen seconds, give or take the requests under way."""
    model = Model(is_limited=False)
    with model.outlook.embedding(1000) as one:
        said = model.embed(in_turn(one), seconds=1.0)[1000]

    assert all(ends(told, 1000) == pytest.approx(120, abs=20 * 0.3) for told in said[4:])


def test_the_first_of_two_requests_does_not_count_for_both() -> None:
    """Eight batches, two at once, a second each: when the first is back, the other nearly is."""
    model = Model(is_limited=False)
    with model.outlook.embedding(8 * SIZE) as one:
        model.now += 1.0
        left = model.outlook.came_back(one, SIZE)

    assert left - one.total * STORING_SECONDS < 5


def test_within_a_limit_what_others_have_left_is_waited_for() -> None:
    """Two share what is allowed until the small one ends; then the large one has all: neither says otherwise."""
    model = Model(is_limited=True)
    with model.outlook.embedding(1000) as large, model.outlook.embedding(300) as small:
        said = model.embed(in_turn(large, small), seconds=1.0)

    assert all(ends(told, 1000) == pytest.approx(126, abs=26 * 0.1) for told in said[1000][2:])
    assert all(ends(told, 300) == pytest.approx(112, abs=12 * 0.3) for told in said[300][2:])


def test_what_was_slow_before_a_rest_is_forgotten() -> None:
    """The pace of a document that has ended long ago says nothing about the next one."""
    model = Model(is_limited=True)
    with model.outlook.embedding(500) as one:
        model.embed(in_turn(one), seconds=9.0)
    with model.outlook.embedding(1000) as one:
        said = model.embed(in_turn(one), seconds=1.0)[1000]

    assert ends(said[3], 1000) == pytest.approx(model.now, abs=6)


def test_storing_takes_as_long_as_it_did() -> None:
    """Much text is counted and indexed once it is embedded: that is time left as well."""
    model = Model(is_limited=False)
    for _ in range(20):
        model.outlook.stored(1000, 5.0)
    with model.outlook.embedding(1000) as one:
        [*_, (_, last)] = model.embed(in_turn(one), seconds=1.0)[1000]

    assert last == pytest.approx(5.0, rel=0.01)
