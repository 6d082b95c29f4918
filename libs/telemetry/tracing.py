"""Where work belongs: the trace of whoever asked, carried by context, by events and by headers."""

import os
import re
from contextvars import ContextVar
from typing import NamedTuple

from structlog.types import EventDict

_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.{0,99})?"
)
_FIRST_VERSION = "00"
_SAMPLED = 1


class Place(NamedTuple):
    """A span as others see it.

    Attributes:
        trace_id: 32 hex digits.
        span_id: 16 hex digits; none while a trace has no span yet.
        is_sampled: whether spans of the trace are recorded.
    """

    trace_id: str
    span_id: str
    is_sampled: bool

    @property
    def traceparent(self) -> str:
        """As W3C Trace Context has it."""
        return f"00-{self.trace_id}-{self.span_id}-0{self.is_sampled:d}"


HERE: ContextVar[Place | None] = ContextVar("place", default=None)
"""Set by spans alone."""


def here() -> Place | None:
    """The span that this code runs in."""
    return HERE.get()


def current_traceparent() -> str:
    """The `traceparent` to send on."""
    return (HERE.get() or new_place()).traceparent


def parsed(traceparent: str | None) -> Place | None:
    """Whom a `traceparent` names; None when it is missing or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or (match[1] == _FIRST_VERSION and match[5] is not None):
        return None
    return Place(match[2], match[3], is_sampled=bool(int(match[4], 16) & _SAMPLED))


def add_trace_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the line carries its trace id."""
    place = HERE.get()
    if place is not None:
        event["trace_id"] = place.trace_id
    return event


def new_place() -> Place:
    """A trace of its own that nobody records."""
    return Place(os.urandom(16).hex(), new_span_id(), is_sampled=False)


def new_span_id() -> str:
    """16 hex digits that nobody has had."""
    return os.urandom(8).hex()
