"""When a failed entry is tried again, and whether that failure counts."""

from dataclasses import dataclass

from libs.bus.connection import RedisAwayError
from libs.bus.entry import Entry
from libs.clock import Clock, utc_now
from libs.contracts.events import Event
from libs.errors import TransientError

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0
"""Between two tries of the same entry, where each failure counts."""
LONGEST_WAIT_SECONDS = 1.0
"""Between two tries of work that waits for a dependency: it goes on within about a second of its return."""


@dataclass(frozen=True, slots=True)
class NextTry:
    """The entry is put back with so many attempts behind it, after a pause."""

    attempts: int
    pause_seconds: float


def next_try(
    entry: Entry, event: Event, error: BaseException, *, patience_seconds: float, clock: Clock = utc_now
) -> NextTry | None:
    """How the entry goes on; None when it has failed often enough.

    Args:
        entry: as it was taken.
        event: what is in it.
        error: how this try ended.
        patience_seconds: while the event is younger than this, trouble that passes is no failure of the entry: five
            quick tries are over before a database has been promoted, and nobody's question is to blame for that.
            For Redis, without which there is no bus, patience has no end.
        clock: how old the event is.
    """
    age_seconds = (clock() - event.occurred_at).total_seconds()
    waits = isinstance(error, RedisAwayError) or (isinstance(error, TransientError) and age_seconds < patience_seconds)
    if not waits and entry.last_try:
        return None
    if waits:
        pause = min(max(FIRST_PAUSE_SECONDS, age_seconds / 4), LONGEST_WAIT_SECONDS)
    else:
        pause = min(FIRST_PAUSE_SECONDS * 2**entry.failures, LONGEST_PAUSE_SECONDS)
    if isinstance(error, TransientError) and error.retry_after_seconds is not None:
        pause = max(pause, min(error.retry_after_seconds, LONGEST_PAUSE_SECONDS))
    return NextTry(entry.attempts + (0 if waits else 1), pause)
