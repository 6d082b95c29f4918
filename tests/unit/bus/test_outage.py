"""What says that a Redis which took no writes takes them again."""

from redis.exceptions import ConnectionError, ReadOnlyError  # noqa: A004

from libs.bus.outage import READ_ONLY, REFUSED_STALE_SECONDS, Outage


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_connection_that_breaks_does_not_mend_what_is_read_only() -> None:
    """Nor does the next one that stands, or what a replica answers: only what it had refused."""
    outage = Outage(Clock())
    outage.failed(ReadOnlyError())
    assert outage.reason == READ_ONLY

    outage.failed(ConnectionError())
    outage.answered()
    outage.worked(again=False)
    assert outage.reason is not None

    outage.worked(again=True)
    assert outage.reason is None


def test_what_has_refused_nothing_for_long_is_taken_for_mended() -> None:
    """Reads in a row may be all that is asked for."""
    clock = Clock()
    outage = Outage(clock)
    outage.failed(ReadOnlyError())
    clock.now += REFUSED_STALE_SECONDS

    outage.worked(again=False)

    assert outage.reason is None
