"""Real servers around the gateway: the app itself, an API behind it, and a wire that can be cut."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from tests.polling import eventually

SEND_BUFFER_BYTES = 32 * 1024
"""Of the servers' sockets: so a client that does not read is noticed before megabytes are on their way."""


@asynccontextmanager
async def serving(server: uvicorn.Server) -> AsyncIterator[str]:
    """The server's address while it runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually(lambda: _started(server, task))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def _started(server: uvicorn.Server, task: "asyncio.Task[None]") -> bool:
    if task.done():
        task.result()
    return server.started


@dataclass
class Received:
    """A request as the API got it."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    receive: Receive
    body_bytes: int = 0
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


Answer = Callable[[Received, Send], Awaitable[None]]

KEPT_BYTES = 64 * 1024


@dataclass
class Api:
    """An API behind the gateway: it has answers, and remembers what it was asked.

    Attributes:
        active: by session id, the answer under way.
        messages: by session and message id.
        answers: by method and path, something else to answer.
    """

    active: dict[str, str] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    ready: bool = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        path, query = scope["raw_path"].decode(), scope["query_string"].decode()
        request = Received(scope["method"], path, query, headers, receive)
        self.received.append(request)
        async for piece in _body(receive):
            request.body_bytes += len(piece)
            request.body = (request.body + piece)[:KEPT_BYTES]
        answer = self.answers.get(f"{request.method} {request.path}", self._answer)
        await answer(request, send)

    async def _answer(self, request: Received, send: Send) -> None:
        match request.path.split("/")[1:]:
            case ["readyz"]:
                await reply(send, 200 if self.ready else 503, {})
            case ["openapi.json"]:
                await reply(send, 200, {"paths": {"/v1/sessions": {}, "/metrics": {}}})
            case ["v1", "sessions", session, "active"] if session in self.active:
                await reply(send, 200, {"answer_id": self.active[session]})
            case ["v1", "sessions", _, "messages", message] if message in self.messages:
                await reply(send, 200, self.messages[message])
            case _:
                await reply(send, 404, {"code": "not_found"})


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def reply(
    send: Send, status: int, body: object, headers: list[tuple[bytes, bytes]] | None = None, *, more: bool = False
) -> None:
    """One piece of JSON as the answer, or as its beginning."""
    content = json.dumps(body).encode()
    own = [(b"content-type", b"application/json")] + ([] if more else [(b"content-length", b"%d" % len(content))])
    await send({"type": "http.response.start", "status": status, "headers": own + (headers or [])})
    await send({"type": "http.response.body", "body": content, "more_body": more})


class Wire:
    """A TCP relay that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._far_port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.whole = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far_port)
        self._writers |= {writer, far_writer}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pass_on(reader, far_writer))
            tasks.create_task(_pass_on(far_reader, writer))
        self._writers -= {writer, far_writer}

    def cut(self) -> None:
        self.whole = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self.whole = True


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[tuple[Wire, int]]:
    """The wire, and the port of its near end."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    try:
        yield wire, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        wire.cut()
