"""Spans of this process, kept for a test to look at."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from libs.telemetry import spans
from libs.telemetry.spans import RecordedSpan
from libs.telemetry.tracing import Place, parsed

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"


class Kept:
    """A recorder that keeps what it gets, and records every trace that nobody else has decided about, or none."""

    def __init__(self, *, share: bool = True, callers_decide: bool = False) -> None:
        self.callers_decide = callers_decide
        self.share = share
        self.spans: list[RecordedSpan] = []

    def new_trace_id(self) -> str:
        return "f" * 32

    def samples(self, trace_id: str) -> bool:
        return self.share

    def caller(self, headers: Mapping[str, str]) -> Place | None:
        return parsed(headers.get("traceparent"))

    def record(self, span: RecordedSpan) -> None:
        self.spans.append(span)

    def close(self) -> None:
        """Nothing to send."""


@contextmanager
def keeping() -> Iterator[Kept]:
    """Installed in the block."""
    kept = Kept()
    spans.install(kept)
    try:
        yield kept
    finally:
        spans.install(None)
