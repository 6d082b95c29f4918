"""Spans: what is recorded of work in a trace that is sampled.

Light on purpose (docs/adr/0029-one-trace.md). Without a recorder (`libs.telemetry.recording`) two ids are passed on
and nothing is kept.
"""

import asyncio
import time
from collections.abc import Mapping
from contextvars import Token
from types import TracebackType
from typing import Literal, Protocol, Self

from libs.errors import EloquentError, RequestError
from libs.telemetry.tracing import HERE, Place, current_traceparent, new_place, new_span_id, parsed

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attribute = str | bool | int | float | tuple[str, ...]

_NO_FAILURE = (asyncio.CancelledError, RequestError, ConnectionResetError)
"""Work that was called off, refused with a reason, or left by its client did what it should."""


class Recorder(Protocol):
    """What is asked about traces that begin here, and gets the spans that have ended.

    Attributes:
        callers_decide: whether a caller's word counts on what is sampled.
    """

    callers_decide: bool

    def new_trace_id(self) -> str: ...

    def samples(self, trace_id: str) -> bool:
        """The same answer in every process."""
        ...

    def caller(self, headers: Mapping[str, str]) -> Place | None: ...

    def record(self, span: "RecordedSpan") -> None: ...

    def close(self) -> None:
        """Send what is recorded; may block for a moment."""
        ...


_recorder: Recorder | None = None


def install(recorder: Recorder | None) -> None:
    """From here on this process records what its traces sample; nothing when it is None."""
    global _recorder  # noqa: PLW0603 - one per process, as the registry of metrics is
    _recorder = recorder


def installed() -> Recorder | None:
    """Whoever records in this process."""
    return _recorder


def is_on() -> bool:
    """Whether this process records spans at all."""
    return _recorder is not None


def caller(headers: Mapping[str, str]) -> Place | None:
    """Who sent a request with these headers, by their lower-case names, if they say."""
    return parsed(headers.get("traceparent")) if _recorder is None else _recorder.caller(headers)


class Span:
    """A piece of work, as a context manager; of this one nothing is kept."""

    __slots__ = ()
    is_recorded = False

    def say(self, name: str, value: Attribute) -> None:
        """A fact about it, in OpenTelemetry's words; never what a user wrote."""

    def fail(self, error_type: str) -> None:
        """It came to nothing, though nothing is raised."""

    def end(self, error: BaseException | None = None) -> None:
        """It is over; for who cannot use `with`."""

    def headers(self) -> dict[str, str]:
        """What a request to somebody else carries; nothing where nothing is traced."""
        return {} if _recorder is None else {"traceparent": current_traceparent()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(error)


class _Stay(Span):
    """What runs inside belongs to a trace that is not recorded."""

    __slots__ = ("_place", "_token")
    _token: Token[Place | None]

    def __init__(self, place: Place) -> None:
        self._place = place

    def __enter__(self) -> Self:
        self._token = HERE.set(self._place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        HERE.reset(self._token)


class RecordedSpan(Span):
    """A piece of work that is recorded when it ends; what runs inside its `with` is below it.

    Attributes:
        parent_id: empty at a root.
        started_at: nanoseconds since 1970, as `ended_at`.
        error_type: empty when there was none.
        is_failure: whether somebody should look at it.
        reason: our own words for it.
    """

    __slots__ = (
        *("_recorder", "_token", "attributes", "ended_at", "error_type", "is_failure", "kind", "name", "parent_id"),
        *("place", "reason", "started_at"),
    )
    is_recorded = True
    _token: Token[Place | None]

    def __init__(self, recorder: Recorder, name: str, kind: Kind, above: Place) -> None:
        self._recorder = recorder
        self.started_at = time.time_ns()
        self.ended_at = 0
        self.name = name
        self.kind = kind
        self.parent_id = above.span_id
        self.place = Place(above.trace_id, new_span_id(), is_sampled=True)
        self.attributes: dict[str, Attribute] = {}
        self.error_type = ""
        self.is_failure = False
        self.reason = ""

    def say(self, name: str, value: Attribute) -> None:
        self.attributes[name] = value

    def fail(self, error_type: str) -> None:
        self.error_type, self.is_failure = error_type, True

    def end(self, error: BaseException | None = None) -> None:
        if self.ended_at:
            return
        self.ended_at = time.time_ns()
        if error is not None:
            self.error_type, self.is_failure = type(error).__name__, not isinstance(error, _NO_FAILURE)
            # A vendor's words may quote the user.
            self.reason = str(error) if isinstance(error, EloquentError) else ""
        self._recorder.record(self)

    def headers(self) -> dict[str, str]:
        return {"traceparent": self.place.traceparent}

    def __enter__(self) -> Self:
        self._token = HERE.set(self.place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        HERE.reset(self._token)
        self.end(error)


_UNRECORDED = Span()


def span(name: str, kind: Kind = "internal") -> Span:
    """A piece of the work that this code runs in; it begins no trace."""
    above = HERE.get()
    if _recorder is None or above is None or not above.is_sampled:
        return _UNRECORDED
    return RecordedSpan(_recorder, name, kind, above)


def arrival(name: str, kind: Kind, above: Place | None, *, trusted: bool = True) -> Span:
    """Work that somebody else asked for: below them, or the root of a trace of its own.

    Args:
        name: one of few; what there are many of is an attribute.
        kind: which side of a request or of an event.
        above: who asked.
        trusted: whether their word counts on what is sampled, and not only the share of all traces.
    """
    recorder = _recorder
    if recorder is None:
        return _Stay(above or new_place())
    if above is None:
        above = Place(recorder.new_trace_id(), "", is_sampled=False)
    is_asked = bool(above.span_id) and (trusted or recorder.callers_decide)
    if above.is_sampled if is_asked else recorder.samples(above.trace_id):
        return RecordedSpan(recorder, name, kind, above)
    return _Stay(Place(above.trace_id, above.span_id or new_span_id(), is_sampled=False))


def happened(name: str, kind: Kind, *, seconds: float) -> Span:
    """As `span`, for work that has just ended and took so long; the caller ends it once all is said of it."""
    past = span(name, kind)
    if isinstance(past, RecordedSpan):
        past.started_at -= int(seconds * 1e9)
    return past
