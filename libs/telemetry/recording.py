"""Spans to a collector by OTLP over HTTP: OpenTelemetry's SDK samples, batches and sends what our light spans say.

Imported only by a process that has a collector.
"""

import logging
import threading
from collections.abc import Mapping, Sequence

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from libs.config import ProcessSettings
from libs.telemetry.spans import RecordedSpan
from libs.telemetry.tracing import Place, parsed
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

QUEUE_SPANS = 8192
"""Beyond it spans are dropped: a collector that is away must not cost memory."""
BATCH_SPANS = 512
DELAY_MILLISECONDS = 1000.0
SEND_SECONDS = 5.0
GOODBYE_SECONDS = 2.0
"""A collector that is away at the end keeps no process from stopping."""

XRAY_HEADER = "x-amzn-trace-id"
_SAMPLED, _SCOPE = TraceFlags(TraceFlags.SAMPLED), InstrumentationScope("eloquent")
_OK = Status()
_KINDS = {kind.name.lower(): kind for kind in SpanKind}


class OtlpRecorder:
    """Fits `Recorder`.

    Args:
        service: whose spans they are.
        settings: where they go, and how many of them.
        goodbye_seconds: how long `close` waits for a collector that is away.
    """

    def __init__(self, service: str, settings: ProcessSettings, *, goodbye_seconds: float = GOODBYE_SECONDS) -> None:
        self._goodbye_seconds = goodbye_seconds
        self.callers_decide = settings.tracing_callers_decide
        self._is_xray = settings.tracing_ids == "xray"
        self._ids: IdGenerator = AwsXRayIdGenerator() if self._is_xray else RandomIdGenerator()
        self._propagator = AwsXRayPropagator()
        self._sampler = TraceIdRatioBased(settings.tracing_sample_ratio)
        self._resource = _SameResource(
            {
                "service.name": service,
                "service.namespace": "eloquent",
                "deployment.environment.name": settings.environment,
            }
        )
        endpoint = f"{str(settings.otel_exporter_otlp_endpoint).rstrip('/')}/v1/traces"
        self._processor = BatchSpanProcessor(
            _Sending(OTLPSpanExporter(endpoint, timeout=SEND_SECONDS)),
            max_queue_size=QUEUE_SPANS,
            schedule_delay_millis=DELAY_MILLISECONDS,
            max_export_batch_size=BATCH_SPANS,
        )

    def new_trace_id(self) -> str:
        """With the time in front where X-Ray wants it."""
        return f"{self._ids.generate_trace_id():032x}"

    def samples(self, trace_id: str) -> bool:
        """By the id alone."""
        return self._sampler.should_sample(None, int(trace_id, 16), "").decision is Decision.RECORD_AND_SAMPLE

    def caller(self, headers: Mapping[str, str]) -> Place | None:
        """By W3C's header, by X-Ray's in its place where that names a segment, or the trace that a balancer began."""
        w3c = parsed(headers.get("traceparent"))
        amazon = headers.get(XRAY_HEADER) if self._is_xray else None
        if amazon is None:
            return w3c
        return self._segment(amazon) or w3c or self._begun(amazon)

    def record(self, span: RecordedSpan) -> None:
        """Sent with the next batch."""
        self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """What is recorded is sent, if the collector is there; may block."""
        # The SDK would wait for half a minute.
        closing = threading.Thread(target=self._processor.shutdown, daemon=True)
        closing.start()
        closing.join(self._goodbye_seconds)

    def _segment(self, header: str) -> Place | None:
        context = self._propagator.extract({"X-Amzn-Trace-Id": header})
        found = trace.get_current_span(context).get_span_context()
        if not found.is_valid:
            return None
        return Place(f"{found.trace_id:032x}", f"{found.span_id:016x}", is_sampled=found.trace_flags.sampled)

    def _begun(self, header: str) -> Place | None:
        # A load balancer is no segment: it gives a trace an id and nobody to be below of. For the propagator, which
        # refuses that, its span is made up.
        made_up = self._segment(f"{header};Parent={1:016x}")
        return None if made_up is None else made_up._replace(span_id="")

    def _readable(self, span: RecordedSpan) -> ReadableSpan:
        place = span.place
        trace_id = int(place.trace_id, 16)
        parent = SpanContext(trace_id, int(span.parent_id, 16), True, _SAMPLED) if span.parent_id else None
        if span.error_type:
            span.attributes["error.type"] = span.error_type
        return ReadableSpan(
            span.name,
            context=SpanContext(trace_id, int(place.span_id, 16), False, _SAMPLED),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS[span.kind],
            instrumentation_scope=_SCOPE,
            status=Status(StatusCode.ERROR, span.reason) if span.is_failure else _OK,
            start_time=span.started_at,
            end_time=span.ended_at,
        )


class _SameResource(Resource):
    """Known by itself: the SDK's own, to be hashed, is written as JSON anew for every span."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class _Sending(SpanExporter):
    """Says once, and not with every batch, that the collector is away."""

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self._exporter = exporter
        self._trouble = Trouble(log, begins="spans cannot be sent", ends="spans are sent again")
        # They say it of every batch and every try, with addresses.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """The SDK's call, in its thread."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._trouble.over()
        else:
            self._trouble.noticed(spans=len(spans))
        return result

    def shutdown(self) -> None:
        """The SDK's call."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # as the SDK has it
