"""No path reaches what is not meant to be reached."""

import asyncio

import httpx
import pytest

from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.servers import Api

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sessions/../documents",
        "/v1/sessions/../../metrics",
        "/v1/sessions/./x",
        "/v1/sessions/%2e%2e/%2e%2e/metrics",
        "/v1/sessions/..%2f..%2fmetrics",
        "/v1/sessions/%2E%2E%2F%2E%2E%2Fmetrics",
        "/v1/sessions/..%5c..%5cmetrics",
        "/v1/sessions/..\\..\\metrics",
        "/v1/sessions%2Fs-1",
        "/v1/sessions//metrics",
        "/v1/sessions/",
        "/v1/sessions/s-1/",
        "//v1/sessions",
        "/v1//sessions",
        "/v1/sessions/a%3Fb",
        "/v1/sessions/a%00",
        "/v1/sessions/a%0d%0aX:1",
        "/v1/sessions/http://127.0.0.1/metrics",
        "/v1/sessions/@evil",
        "/v1/sessions;x",
        "/v1/sessionsX",
        "/v1/Sessions",
        "/v1/sessions/" + "a" * 5_000,
        "/v1/sessions/" + "/".join("a" * 50),
    ],
)
async def test_no_path_reaches_what_is_not_meant_to_be_reached(gateway: Gateway, api: Api, path: str) -> None:
    """Tricks with dots, slashes and percent signs end here."""
    place = httpx.URL(gateway.url)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    status = (await reader.readline()).decode()
    writer.close()

    assert status.split()[1] in {"404", "400"}
    assert not api.received
