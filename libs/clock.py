"""Time as a dependency, so that tests turn the hands."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is, in UTC."""

    def __call__(self) -> datetime: ...


def utc_now() -> datetime:
    """The system's time, UTC-aware."""
    return datetime.now(UTC)
