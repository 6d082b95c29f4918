"""What one client may use up."""

import pytest

from gateway.addresses import network_of
from gateway.api import origin_allowed
from gateway.limits import Recently, SocketCount, TokenBucket


class Watch:
    """Seconds that a test turns."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_sockets_are_bounded_by_address_and_in_all() -> None:
    """One address cannot take what all others need."""
    sockets = SocketCount(total=3, per_address=2)

    assert [sockets.enter("a"), sockets.enter("a"), sockets.enter("a")] == [True, True, False]
    assert [sockets.enter("b"), sockets.enter("c")] == [True, False]


def test_a_socket_that_left_makes_room() -> None:
    """In both counts, and nothing is remembered of an address without sockets."""
    sockets = SocketCount(total=1, per_address=1)
    for address in ("a", "a", "b"):
        assert sockets.enter(address)
        sockets.leave(address)

    assert sockets.open == 0
    assert not sockets._by_address


def test_a_refused_socket_does_not_count() -> None:
    """Or refusals would add up to a ban."""
    sockets = SocketCount(total=5, per_address=1)
    sockets.enter("a")
    for _ in range(10):
        assert not sockets.enter("a")

    assert sockets.open == 1


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    """So many at once, so many a second."""
    watch = Watch()
    bucket = TokenBucket(rate=2, burst=3, now=watch)

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    watch.seconds += 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    """However long nobody took."""
    watch = Watch()
    bucket = TokenBucket(rate=2, burst=3, now=watch)
    watch.seconds += 3_600

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_what_was_found_long_ago_is_dropped() -> None:
    """Or every stranger who ever came would stay in memory."""
    watch = Watch()
    recently: Recently[str, int] = Recently(now=watch)
    recently.put("early", 1, seconds=5)
    watch.seconds += 6
    recently.put("late", 2, seconds=5)

    assert (recently.get("early"), recently.get("late")) == (None, 2)
    assert list(recently._found) == ["late"]


def test_what_was_found_is_bounded() -> None:
    """The oldest makes room, though it is not too old."""
    recently: Recently[int, str] = Recently(now=Watch(), most=3)
    for number in range(5):
        recently.put(number, "found", seconds=5)

    assert list(recently._found) == [2, 3, 4]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("a'; DROP", "unknown"),
    ],
)
def test_a_household_is_one_address(address: str, network: str) -> None:
    """Who has an IPv6 network has 2^64 addresses in it."""
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "chat.example", True),
        ("https://chat.example", "chat.example", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("https://Chat.Example", "chat.example", True),
        ("https://app.example", "chat.example", True),
        ("https://app.example/", "chat.example", True),
        ("http://app.example", "chat.example", False),
        ("https://evil.example", "chat.example", False),
        ("https://chat.example.evil.example", "chat.example", False),
        ("https://chat.example:444", "chat.example", False),
        ("https://evil@chat.example", "chat.example", False),
        ("null", "chat.example", False),
        ("", "chat.example", False),
        ("file://", None, False),
        ("https://", "", False),
        ("http://[", "chat.example", False),
        ("chat.example", "chat.example", False),
    ],
)
def test_a_page_must_be_ours_or_invited(origin: str | None, host: str | None, allowed: bool) -> None:  # noqa: FBT001 - a table
    """Programs that are no browsers say no origin."""
    assert origin_allowed(origin, host, ("https://app.example",)) is allowed
