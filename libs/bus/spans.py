"""What a trace shows of streams: an event on its way, and the work on an entry."""

from libs.bus.entry import Entry
from libs.contracts.events import Event
from libs.telemetry.spans import Span, arrival, span
from libs.telemetry.tracing import Place, here, parsed

_CAME_TO_NOTHING = frozenset({"retried", "buried"})


def sending(event: Event | None, source: str) -> Span:
    """An event goes onto its stream, where its entry names this span; without one an entry of `source` is finished."""
    if event is None:
        return _described(span(f"settle {source}", "client"), source, "settle")
    return _described(arrival(f"send {event.stream}", "producer", _above(event)), event.stream, "send")


def working(entry: Entry, stream: str) -> Span:
    """One worker's try at an entry; all tries are below the span that sent it."""
    tried = _described(arrival(f"process {stream}", "consumer", parsed(entry.traceparent)), stream, "process")
    if tried.is_recorded:
        tried.say("messaging.message.id", entry.entry_id)
        tried.say("messaging.consumer.group.name", entry.group)
        tried.say("messaging.destination.partition.id", str(entry.partition))
        tried.say("eloquent.attempt", entry.attempts + 1)
    return tried


def worked(tried: Span, ended: str) -> None:
    """How it ended, in the metrics' words."""
    if tried.is_recorded:
        tried.say("eloquent.outcome", ended)
        if ended in _CAME_TO_NOTHING:
            tried.fail(ended)


def _above(event: Event) -> Place | None:
    place = here()
    own = parsed(event.own_trace)
    return place if own is None or (place is not None and place.trace_id == own.trace_id) else own


def _described(one: Span, stream: str, operation: str) -> Span:
    if one.is_recorded:
        one.say("messaging.system", "redis")
        one.say("messaging.destination.name", stream)
        one.say("messaging.operation.type", operation)
    return one
