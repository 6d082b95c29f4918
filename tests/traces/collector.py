"""A collector as processes see it: takes spans by OTLP over HTTP and keeps them."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True, slots=True)
class Seen:
    """A span that was sent."""

    service: str
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    attributes: dict[str, Any]
    is_failure: bool
    started_at: int
    ended_at: int


@dataclass(frozen=True, slots=True)
class Trace:
    """All spans of one trace that have come so far."""

    spans: list[Seen] = field(default_factory=list)

    @property
    def roots(self) -> list[Seen]:
        """Those below nobody."""
        return [span for span in self.spans if not span.parent_id]

    @property
    def orphans(self) -> list[Seen]:
        """Those below somebody who is not there."""
        known = {span.span_id for span in self.spans}
        return [span for span in self.spans if span.parent_id and span.parent_id not in known]

    @property
    def services(self) -> set[str]:
        """The processes that took part."""
        return {span.service for span in self.spans}

    def named(self, name: str) -> list[Seen]:
        """The spans of this name, in the order in which they began."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.started_at)


class Collector:
    """What has come; requests are only read when somebody looks."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self._read = 0
        self._traces: defaultdict[str, Trace] = defaultdict(Trace)

    def traces(self) -> dict[str, Trace]:
        """By their ids."""
        while self._read < len(self.bodies):
            for span in _spans(self.bodies[self._read]):
                self._traces[span.trace_id].spans.append(span)
            self._read += 1
        return self._traces

    def trace_with(self, attribute: str, value: str) -> Trace | None:
        """The trace whose root says so."""
        for trace in self.traces().values():
            if any(root.attributes.get(attribute) == value for root in trace.roots):
                return trace
        return None


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a loopback port, in a thread of its own."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()


def _spans(body: bytes) -> Iterator[Seen]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {pair.key: _value(pair.value) for pair in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    service=str(about["service.name"]),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    name=span.name,
                    kind=ProtoSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    attributes={pair.key: _value(pair.value) for pair in span.attributes},
                    is_failure=span.status.code == Status.STATUS_CODE_ERROR,
                    started_at=span.start_time_unix_nano,
                    ended_at=span.end_time_unix_nano,
                )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, str(kind))
