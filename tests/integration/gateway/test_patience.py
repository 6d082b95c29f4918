"""Nobody holds a connection by sending next to nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from libs.service.app import HEAD_MAX_BYTES
from libs.service.protocols import HttpProtocol
from tests.integration.gateway.conftest import Gateway, Start
from tests.integration.gateway.people import kinds_of
from tests.integration.gateway.servers import Api, serving


class Impatient(HttpProtocol):
    """Waits for half a second, so that the tests need not wait for ten."""

    head_seconds = 0.5
    body_seconds = 0.5


@pytest.fixture
async def address(api: Api) -> AsyncIterator[httpx.URL]:
    config = uvicorn.Config(api, log_config=None, lifespan="off", http=Impatient)
    async with serving(uvicorn.Server(config)) as url:
        yield httpx.URL(url)


async def dripped(address: httpx.URL, *drops: bytes) -> bytes:
    """What the server says to these drops before it closes the connection."""
    reader, writer = await asyncio.open_connection(address.host, address.port)

    async def drip() -> None:
        while True:
            for drop in drops:
                writer.write(drop)
                await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        dripping.cancel()
        writer.transport.abort()


async def test_a_connection_that_says_nothing_is_closed(address: httpx.URL) -> None:
    """It has come for nothing."""
    assert await dripped(address, b"") == b""


async def test_a_head_that_drips_is_cut_off(address: httpx.URL, api: Api) -> None:
    """Every byte in time, the whole never."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n")

    async def drip() -> None:
        while True:
            writer.write(b"a: b\r\n")
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(10):
            assert await reader.read() == b""
    except ConnectionError:
        pass
    finally:
        dripping.cancel()
        writer.transport.abort()
    assert not api.received


async def test_the_head_of_a_further_request_may_not_drip_either(address: httpx.URL, api: Api) -> None:
    """One good request is no licence."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /readyz HTTP/1.1\r\n")
    try:
        async with asyncio.timeout(4):
            await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    assert len(api.received) == 1


async def test_a_slow_answer_is_not_taken_for_a_slow_client(address: httpx.URL, api: Api) -> None:
    """The limit is on the head alone."""

    async def slowly(_: object, send: object) -> None:
        await asyncio.sleep(2 * Impatient.head_seconds)
        await api._answer(api.received[-1], send)  # type: ignore[arg-type]

    api.answers["GET /readyz"] = slowly
    async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
        assert (await http.get("/readyz")).status_code == 200


async def test_a_silent_socket_is_not_taken_for_a_dripping_request(start: Start) -> None:
    """What began as a request may be silent for as long as it likes, once it is a socket."""
    async with start() as gateway:
        protocol: Any = gateway.server.config.http_protocol_class
        protocol.head_seconds, protocol.body_seconds = Impatient.head_seconds, Impatient.body_seconds
        async with gateway.client() as ann:
            await ann.reply(await ann.resume("s"))
            await asyncio.sleep(3 * Impatient.body_seconds)

            assert kinds_of(await ann.reply(await ann.resume("s"))) == ["no-active"]


async def test_a_head_without_end_is_refused(gateway: Gateway) -> None:
    """It is not collected."""
    place = httpx.URL(gateway.url)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\na: " + b"b" * (HEAD_MAX_BYTES + 1))
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.transport.abort()
