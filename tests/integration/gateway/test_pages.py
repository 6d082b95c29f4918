"""Pages of other places, and the document of the whole API."""

import httpx

from tests.integration.gateway.conftest import ALLOWED_ORIGIN

MEGABYTE = 1024 * 1024


async def test_an_invited_page_may_call(http: httpx.AsyncClient) -> None:
    """The browser asks first; the answer names what it may send and read."""
    preflight = {
        "origin": ALLOWED_ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,idempotency-key",
    }
    asked = await http.options("/v1/documents", headers=preflight)
    called = await http.get("/v1/sessions", headers={"origin": ALLOWED_ORIGIN})

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == ALLOWED_ORIGIN
    assert "idempotency-key" in asked.headers["access-control-allow-headers"].lower()
    assert called.headers["access-control-allow-origin"] == ALLOWED_ORIGIN
    assert "retry-after" in called.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in called.headers


async def test_a_foreign_page_may_not_read(http: httpx.AsyncClient) -> None:
    """Its browser is not told that it may."""
    foreign = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    asked = await http.options("/v1/documents", headers=foreign)
    called = await http.get("/v1/sessions", headers=foreign)

    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in called.headers


async def test_the_public_api_is_one_document(http: httpx.AsyncClient) -> None:
    """Sessions and documents are in it though others serve them, and what is not public is not."""
    paths = set((await http.get("/openapi.json")).json()["paths"])

    assert paths == {"/healthz", "/readyz", "/v1/config", "/v1/usage", "/v1/sessions"}
