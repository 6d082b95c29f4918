"""What is forwarded arrives as it was sent, and nothing else arrives."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Send

from tests.integration.gateway.conftest import Start
from tests.integration.gateway.servers import Answer, Api, Received, reply
from tests.polling import eventually

MEGABYTE = 1024 * 1024


def answers(status: int, body: object, *headers: tuple[bytes, bytes]) -> Answer:
    async def answer(_: Received, send: Send) -> None:
        await reply(send, status, body, list(headers))

    return answer


async def test_method_query_and_body_arrive(http: httpx.AsyncClient, api: Api) -> None:
    """The query to the letter, also where it is odd."""
    query = "cursor=a%2Fb%3D%3D&limit=5&x=1&x=2&y=%F0%9F%98%80&plus=a+b&empty="
    await http.request("PATCH", f"/v1/sessions/s-1?{query}", json={"title": "New"})

    [request] = api.received
    assert (request.method, request.path, request.query) == ("PATCH", "/v1/sessions/s-1", query)
    assert request.body == b'{"title":"New"}'


async def test_headers_that_mean_something_pass_and_others_do_not(http: httpx.AsyncClient, api: Api) -> None:
    """No cookie, no hop-by-hop header, nothing that an API behind might trust by mistake."""
    await http.get(
        "/v1/sessions",
        headers={
            "authorization": "Bearer t",
            "idempotency-key": "k",
            "accept": "application/json",
            "if-match": '"e"',
            "cookie": "session=1",
            "x-forwarded-for": "1.2.3.4",
            "x-forwarded-user": "root",
            "te": "trailers",
            "upgrade-insecure-requests": "1",
            "forwarded": "for=1.2.3.4",
            "x-original-url": "/metrics",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )

    [request] = api.received
    names = {name for name, _ in request.headers}
    assert {"authorization", "idempotency-key", "accept", "if-match", "traceparent"} <= names
    assert names <= {
        *("authorization", "idempotency-key", "accept", "if-match", "traceparent"),
        *("host", "connection", "user-agent", "accept-encoding"),
    }
    assert request.header("authorization") == "Bearer t"
    assert "-0af7651916cd43dd8448eb211c80319c-" in (request.header("traceparent") or "")


async def test_two_tokens_arrive_as_two(http: httpx.AsyncClient, api: Api) -> None:
    """Which one counts is not for the gateway to choose: the API refuses both."""
    await http.get("/v1/sessions", headers=[("authorization", "Bearer a"), ("authorization", "Bearer b")])

    [request] = api.received
    assert [value for name, value in request.headers if name == "authorization"] == ["Bearer a", "Bearer b"]


async def test_status_headers_and_problems_pass_through(http: httpx.AsyncClient, api: Api) -> None:
    """What the API says is what the caller gets, but for what is between two servers."""
    api.answers["GET /v1/documents"] = answers(
        429,
        {"code": "slow_down"},
        (b"retry-after", b"7"),
        (b"etag", b'"e"'),
        (b"set-cookie", b"a=b"),
        (b"x-internal", b"10.0.0.1"),
        (b"access-control-allow-origin", b"*"),
    )
    response = await http.get("/v1/documents")

    assert (response.status_code, response.json()) == (429, {"code": "slow_down"})
    assert (response.headers["retry-after"], response.headers["etag"]) == ("7", '"e"')
    assert not {"set-cookie", "x-internal", "access-control-allow-origin"} & set(response.headers)


async def test_methods_that_no_api_has_are_refused(http: httpx.AsyncClient, api: Api) -> None:
    """They stop at the door."""
    for method in ("TRACE", "CONNECT", "PROPFIND"):
        assert (await http.request(method, "/v1/sessions")).status_code == 405
    assert not api.received


async def test_an_upload_streams_through(http: httpx.AsyncClient, api: Api) -> None:
    """20 MB pass in little memory, with or without a length."""
    piece = b"x" * (64 * 1024)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20 * 16):
            yield piece

    for headers in ({}, {"content-length": str(20 * MEGABYTE)}):
        tracemalloc.start()
        try:
            await http.post("/v1/documents", content=pieces(), headers=headers)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert api.received[-1].body_bytes == 20 * MEGABYTE
        assert peak < 6 * MEGABYTE


async def test_a_response_streams_through(http: httpx.AsyncClient, api: Api) -> None:
    """The caller has its beginning before there is an end."""
    rest = asyncio.Event()

    async def slowly(_: Received, send: Send) -> None:
        await reply(send, 200, "beginning", more=True)
        await rest.wait()
        await send({"type": "http.response.body", "body": b"end"})

    api.answers["GET /v1/documents/d-1"] = slowly
    async with http.stream("GET", "/v1/documents/d-1") as response:
        pieces = response.aiter_raw()
        assert await anext(pieces) == b'"beginning"'
        rest.set()
        assert b"".join([piece async for piece in pieces]) == b"end"


async def test_a_caller_that_goes_away_gives_its_connection_back(http: httpx.AsyncClient, api: Api) -> None:
    """The API sees that nobody listens any more; no connection is lost, however many callers go."""
    gone = []

    async def endless(request: Received, send: Send) -> None:
        await reply(send, 200, "more", more=True)
        gone.append((await request.receive())["type"])

    api.answers["GET /v1/documents/d-1"] = endless
    for _ in range(3):
        async with http.stream("GET", "/v1/documents/d-1") as response:
            assert response.status_code == 200

    async def all_gone() -> bool:
        return gone == ["http.disconnect"] * 3

    await eventually(all_gone)


@pytest.mark.parametrize("length", [{}, {"content-length": str(65 * 1024)}])
async def test_a_body_that_is_too_large_is_refused(http: httpx.AsyncClient, api: Api, length: dict[str, str]) -> None:
    """Whether it says so before or not."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b"x" * 1024

    response = await http.patch("/v1/sessions/s-1", content=pieces(), headers=length)

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert not api.received


async def test_a_body_that_stops_coming_is_given_up(start: Start, api: Api) -> None:
    """Before it has taken a connection to the API, and while it is streamed."""
    async with start(forward_seconds=0.3) as gateway:
        for path in ("/v1/sessions/s-1", "/v1/documents"):
            place = httpx.URL(gateway.url)
            reader, writer = await asyncio.open_connection(place.host, place.port)
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {60_000 if 's-1' in path else 100_000}\r\n\r\n"
            writer.write(head.encode() + b"x" * 100)
            status = (await reader.readline()).decode()
            writer.close()
            assert status.split()[1] == "408"
        assert not [request for request in api.received if request.path == "/v1/sessions/s-1"]


async def test_an_api_that_is_away_is_a_problem(start: Start) -> None:
    """503, when to come again, and nothing of what is behind."""
    nowhere = "http://127.0.0.1:9"
    async with (
        start(history=nowhere, ingest=nowhere) as gateway,
        httpx.AsyncClient(base_url=gateway.url, trust_env=False) as http,
    ):
        for path in ("/v1/sessions", "/v1/documents/d-1"):
            response = await http.get(path)
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert response.headers["retry-after"]
            assert "127.0.0.1" not in response.text
