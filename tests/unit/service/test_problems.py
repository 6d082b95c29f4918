"""What many requests meet at once is said once."""

import httpx
import structlog
from fastapi import APIRouter

from libs.errors import TransientError
from libs.service.app import build_app
from libs.service.health import Health


async def test_a_dependency_that_is_away_is_a_line_and_not_one_a_request() -> None:
    """Every caller is told to try again; the log has the reason, once."""
    router = APIRouter()

    @router.get("/sessions")
    async def sessions() -> None:
        raise TransientError("the database does not answer")

    app = build_app("test", title="Test", health=Health(), routers=[router])
    with structlog.testing.capture_logs() as logs:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            answers = [await client.get("/sessions") for _ in range(50)]

    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "2")}
    assert [(line["event"], line["reason"]) for line in logs] == [("dependency away", "the database does not answer")]
