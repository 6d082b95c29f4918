"""Metrics of a process that strangers reach are for others than strangers."""

import httpx
from fastapi import APIRouter

from deploy.local.program import free_port
from libs.service.app import build_app
from libs.service.health import Health
from libs.service.metrics import metrics_at


async def test_what_strangers_reach_shows_no_metrics() -> None:
    """Only the port that is not theirs does, as long as the process runs."""
    app = build_app("test", title="Test", health=Health(), routers=[APIRouter()], is_public=True)
    address = f"http://127.0.0.1:{(port := free_port())}/metrics"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as stranger:
        refused = await stranger.get("/metrics")
    with metrics_at("127.0.0.1", port):
        async with httpx.AsyncClient(trust_env=False) as inside:
            shown = await inside.get(address)

    assert refused.status_code == 404
    assert "process_cpu_seconds_total" in shown.text
    # Given back: whoever is started next may have it.
    with metrics_at("127.0.0.1", port):
        pass
