"""Requests as spans: named by their route, judged by their status, probes left out."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter, HTTPException

from libs.service.app import build_app
from libs.service.health import Health
from libs.telemetry.tracing import current_traceparent
from tests.traces.kept import PARENT, SAMPLED, TRACE, Kept, keeping

router = APIRouter()


@router.get("/things/{thing}")
async def a_thing(thing: str) -> str:
    if thing == "broken":
        raise HTTPException(503)
    return current_traceparent()


@pytest.fixture
def kept() -> Iterator[Kept]:
    with keeping() as kept:
        yield kept


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = build_app("test", title="Test", health=Health(checks={}), routers=[router])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_request_is_a_span_below_its_caller(kept: Kept, client: httpx.AsyncClient) -> None:
    """Named by its route, as ids are without number; what it sends on names the span."""
    sent = (await client.get("/things/7", headers={"traceparent": SAMPLED})).json()
    [span] = kept.spans

    assert (span.name, span.kind, span.place.trace_id, span.parent_id) == (
        "GET /things/{thing}",
        "server",
        TRACE,
        PARENT,
    )
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/things/{thing}",
        "http.response.status_code": 200,
    }
    assert sent == span.place.traceparent


async def test_only_our_failures_are_failures(kept: Kept, client: httpx.AsyncClient) -> None:
    """Not what a caller got wrong; and no method that a stranger made up becomes a name."""
    for path, method in (("/things/broken", "GET"), ("/nowhere", "GET"), ("/nowhere", "MADE-UP")):
        await client.request(method, path)

    assert [(span.name, span.is_failure) for span in kept.spans] == [
        ("GET /things/{thing}", True),
        ("GET", False),
        ("_OTHER", False),
    ]


async def test_probes_are_no_spans(kept: Kept, client: httpx.AsyncClient) -> None:
    """Nobody waits for them, and they come every few seconds."""
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await client.get(path)).is_success

    assert kept.spans == []
