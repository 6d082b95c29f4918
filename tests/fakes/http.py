"""As much HTTP/1.1 as a fake needs, straight on asyncio's transports: its cost must not drown what is measured."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import msgspec


@dataclass(frozen=True)
class Request:
    """One request, read to its end; `headers` are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object."""
        return cast("dict[str, Any]", msgspec.json.decode(self.body)) if self.body else {}


class Connection(asyncio.Protocol):
    """One client; its requests are handled one after the other.

    Args:
        handle: called with each request; it answers at once or later.
    """

    def __init__(self, handle: Callable[["Connection", Request], None]) -> None:
        self._handle = handle
        self._buffer = b""
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's call."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's call: whoever streams to this client hears of it."""
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        """Asyncio's call: collects until a request is whole."""
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, path, _ = first.split(" ", 2)
        self._handle(self, Request(method, path.partition("?")[0], headers, rest[:length]))

    def reply(self, body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer with JSON."""
        content = msgspec.json.encode(body)
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "content-type: application/json"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines += [f"content-length: {len(content)}", "", ""]
        self.transport.write("\r\n".join(lines).encode() + content)

    def begin_events(self) -> None:
        """The head of an event stream; the chunked body follows."""
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
        )
