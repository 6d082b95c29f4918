"""W3C trace context, carried from the client through every event; recording spans is a later matter."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.types import EventDict

_PROPAGATOR = TraceContextTextMapPropagator()


def current_traceparent() -> str:
    """The `traceparent` to send on: this context's trace with a new span id, or a new trace."""
    parent = trace.get_current_span().get_span_context()
    trace_id = parent.trace_id if parent.is_valid else secrets.randbits(128) or 1
    return f"00-{trace_id:032x}-{secrets.randbits(64) or 1:016x}-{parent.trace_flags & 1:02x}"


@contextmanager
def continue_trace(traceparent: str | None) -> Iterator[None]:
    """What happens inside belongs to the trace of `traceparent`, or to a new one when it is missing or malformed."""
    carrier = {"traceparent": traceparent or ""}
    extracted = _PROPAGATOR.extract(carrier)
    if not trace.get_current_span(extracted).get_span_context().is_valid:
        extracted = _PROPAGATOR.extract({"traceparent": current_traceparent()}, context=context.Context())
    token = context.attach(extracted)
    try:
        yield
    finally:
        context.detach(token)


def add_trace_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the line carries its trace id."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
    return event
