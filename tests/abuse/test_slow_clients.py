"""Who sends a little now and then holds nothing for long: a real server, real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Request, WebSocket

from libs.service.protocols import HttpProtocol, WebSocketProtocol
from tests.integration.gateway.servers import serving

PATIENCE_SECONDS = 15.0
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
HEAD = b"GET /v1/chat HTTP/1.1\r\nHost: x\r\n"
UPGRADE = HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n"


class ShortHead(HttpProtocol):
    """With little time for a head."""

    head_seconds = 0.4


class ShortBody(HttpProtocol):
    """With little time for each piece of a body."""

    body_seconds = 1.0


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.post("/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    @app.websocket("/v1/chat")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()

    return app


@asynccontextmanager
async def served(app: FastAPI, protocol: type[HttpProtocol]) -> AsyncIterator[Connect]:
    """Opens a connection to a server with this protocol."""
    config = uvicorn.Config(app, http=protocol, ws=WebSocketProtocol, log_config=None, lifespan="off")
    async with serving(uvicorn.Server(config)) as url:
        port = int(url.rsplit(":", 1)[1])
        yield lambda: asyncio.open_connection("127.0.0.1", port)


async def drip(connect: Connect, beginning: bytes, drop: bytes, *, drops: int = 1_000) -> bytes:
    """What the server says until it ends the connection, to one who sends a drop in every while."""
    reader, writer = await connect()

    async def pour() -> None:
        writer.write(beginning)
        for _ in range(drops):
            writer.write(drop)
            await asyncio.sleep(0.05)

    pouring = asyncio.create_task(pour())
    said = b""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while piece := await reader.read(65_536):
                said += piece
    except ConnectionError:
        pass
    finally:
        pouring.cancel()
        writer.transport.abort()
    return said


@pytest.mark.parametrize("beginning", [b"", HEAD + b"X-Slow: ", UPGRADE])
async def test_a_head_that_drips_is_cut_off(app: FastAPI, beginning: bytes) -> None:
    """Of a request or of a WebSocket's handshake: it has its time in all, however steadily it drips."""
    async with served(app, ShortHead) as connect:
        assert not await drip(connect, beginning, b"x")


async def test_a_body_that_drips_is_cut_off(app: FastAPI) -> None:
    """A byte in every while is not enough, on whatever route."""
    async with served(app, ShortBody) as connect:
        assert not await drip(connect, BODY, b"x")


async def test_a_body_on_a_slow_line_is_taken(app: FastAPI) -> None:
    """Slow is not a drip: what comes at a modem's pace has all the time it needs."""
    async with served(app, ShortBody) as connect:
        said = await drip(connect, BODY, b"x" * 2_500, drops=40)

    assert said.startswith(b"HTTP/1.1 200 OK")
    assert said.endswith(b"100000")
