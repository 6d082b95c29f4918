"""What a collector gets of our spans, in W3C's terms and in X-Ray's."""

import time
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.propagators.aws import AwsXRayPropagator

from libs.config import ProcessSettings
from libs.telemetry import spans
from libs.telemetry.recording import XRAY_HEADER, OtlpRecorder
from libs.telemetry.spans import arrival, span
from libs.telemetry.tracing import Place
from tests.traces.collector import Collector, collecting

TRACE, PARENT = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
XRAY = f"Root=1-{TRACE[:8]}-{TRACE[8:]}"
W3C = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def a_recorder(collector: Collector, **given: object) -> OtlpRecorder:
    settings = ProcessSettings.model_validate({"otel_exporter_otlp_endpoint": collector.url, **given})
    return OtlpRecorder("gateway", settings)


def test_a_span_arrives_as_it_was(collector: Collector) -> None:
    """Sent at the latest when the process ends."""
    recorder = a_recorder(collector)
    spans.install(recorder)
    try:
        with arrival("work", "consumer", None), span("part", "client") as part:
            part.say("gen_ai.response.finish_reasons", ("stop",))
            part.fail("retried")
    finally:
        spans.install(None)
    recorder.close()
    [found] = collector.traces().values()
    [root], [part_seen] = found.named("work"), found.named("part")

    assert (root.service, root.kind, root.parent_id, root.is_failure) == ("gateway", "consumer", "", False)
    assert (part_seen.parent_id, part_seen.is_failure) == (root.span_id, True)
    assert part_seen.attributes == {"gen_ai.response.finish_reasons": ["stop"], "error.type": "retried"}
    assert root.started_at <= part_seen.started_at <= part_seen.ended_at <= root.ended_at


def test_the_share_is_decided_by_the_id(collector: Collector) -> None:
    """So every process decides alike; none and all are what they say."""
    one, other = (a_recorder(collector, tracing_sample_ratio=0.25) for _ in range(2))
    ids = [one.new_trace_id() for _ in range(2000)]
    sampled = [trace_id for trace_id in ids if one.samples(trace_id)]

    assert sampled == [trace_id for trace_id in ids if other.samples(trace_id)]
    assert 350 < len(sampled) < 650
    assert not any(map(a_recorder(collector, tracing_sample_ratio=0).samples, ids))
    assert all(map(a_recorder(collector, tracing_sample_ratio=1).samples, ids))


def test_ids_for_xray_begin_with_the_time(collector: Collector) -> None:
    """It refuses what seems to be older than 30 days."""
    made = a_recorder(collector, tracing_ids="xray").new_trace_id()

    assert len(made) == 32
    assert abs(int(made[:8], 16) - time.time()) < 60


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({XRAY_HEADER: f"{XRAY};Parent={PARENT};Sampled=1"}, Place(TRACE, PARENT, is_sampled=True)),
        ({XRAY_HEADER: f"{XRAY};Parent={PARENT};Sampled=0"}, Place(TRACE, PARENT, is_sampled=False)),
        # A segment is nearer than whoever is behind it.
        ({XRAY_HEADER: f"{XRAY};Parent={PARENT}", "traceparent": W3C}, Place(TRACE, PARENT, is_sampled=False)),
        # A load balancer names a trace and nobody in it.
        ({XRAY_HEADER: XRAY}, Place(TRACE, "", is_sampled=False)),
        ({XRAY_HEADER: XRAY, "traceparent": W3C}, Place("a" * 32, "b" * 16, is_sampled=True)),
        ({XRAY_HEADER: "Root=nonsense"}, None),
        ({XRAY_HEADER: ";" * 100}, None),
        ({"traceparent": W3C}, Place("a" * 32, "b" * 16, is_sampled=True)),
        ({}, None),
    ],
)
def test_callers_at_the_edge_of_aws(headers: dict[str, str], expected: Place | None, collector: Collector) -> None:
    """API Gateway's segment, then W3C's, then the trace that a balancer began."""
    assert a_recorder(collector, tracing_ids="xray").caller(headers) == expected


def test_our_own_header_is_read_back_by_xrays_propagator(collector: Collector) -> None:
    """What it writes is what we read."""
    carrier: dict[str, str] = {}
    context = trace.SpanContext(int(TRACE, 16), int(PARENT, 16), is_remote=False, trace_flags=trace.TraceFlags(1))
    AwsXRayPropagator().inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(context)))
    header = {name.lower(): value for name, value in carrier.items()}

    assert a_recorder(collector, tracing_ids="xray").caller(header) == Place(TRACE, PARENT, is_sampled=True)


def test_elsewhere_xrays_header_is_nobodys(collector: Collector) -> None:
    """A stranger's, then."""
    assert a_recorder(collector).caller({XRAY_HEADER: f"{XRAY};Parent={PARENT};Sampled=1"}) is None


def test_a_collector_that_is_away_stops_nothing() -> None:
    """What was recorded is given up, soon."""
    settings = ProcessSettings(otel_exporter_otlp_endpoint="http://127.0.0.1:9")
    recorder = OtlpRecorder("gateway", settings, goodbye_seconds=0.05)
    spans.install(recorder)
    try:
        with arrival("work", "consumer", None):
            pass
    finally:
        spans.install(None)
    recorder.close()
