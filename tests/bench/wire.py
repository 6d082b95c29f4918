"""As much of a WebSocket client as a load generator needs: its cost must not drown what is measured."""

import asyncio
import base64
import secrets
import struct
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_FIN, _MASKED = 0x80, 0x80
_ONE_BYTE, _TWO_BYTES = 126, 127
_NO_MASK = b"\0\0\0\0"
"""A mask of zeros is a mask: the server has the same work, we have none."""


class Wire(asyncio.Protocol):
    """One open socket; `on_text` gets every message, and None when the socket is gone."""

    def __init__(self, request: bytes) -> None:
        self.on_text: Callable[[bytes | None], None] = lambda _: None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._buffer = b""
        self._transport = cast("asyncio.Transport", None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's call."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's call."""
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("the server took no socket"))
        self.on_text(None)

    def data_received(self, data: bytes) -> None:
        """Asyncio's call: messages leave as soon as they are whole."""
        data = self._buffer + data
        if not self.opened.done():
            head, separator, rest = data.partition(b"\r\n\r\n")
            if not separator:
                self._buffer = data
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(head.partition(b"\r\n")[0].decode())
            self.opened.set_result(None)
            data = rest
        at = 0
        while (frame := _frame(data, at)) is not None:
            opcode, start, at = frame
            if opcode == _TEXT:
                self.on_text(data[start:at])
            elif opcode == _PING:
                self._send(_PONG, data[start:at])
            elif opcode == _CLOSE:
                self.close()
        self._buffer = data[at:]

    def send(self, text: bytes) -> None:
        """Send a message."""
        self._send(_TEXT, text)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _send(self, opcode: int, body: bytes) -> None:
        if len(body) < _ONE_BYTE:
            head = struct.pack("!BB", _FIN | opcode, _MASKED | len(body))
        else:
            head = struct.pack("!BBH", _FIN | opcode, _MASKED | _ONE_BYTE, len(body))
        self._transport.write(head + _NO_MASK + body)


def _frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Opcode, first byte and end of the frame that begins at `at`, if it is whole."""
    if len(data) < at + 2:
        return None
    length, start = data[at + 1], at + 2
    if length == _ONE_BYTE:
        if len(data) < at + 4:
            return None
        length, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
    elif length == _TWO_BYTES:
        if len(data) < at + 10:
            return None
        length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
    return (data[at] & 0x0F, start, start + length) if len(data) >= start + length else None


async def open_wire(url: str) -> Wire:
    """An open socket at a `ws://` address.

    Raises:
        OSError: nobody is there, or somebody who takes no sockets.
    """
    parts = urlsplit(url)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    request = "\r\n".join([*lines, "", ""]).encode()
    _, wire = await asyncio.get_running_loop().create_connection(
        lambda: Wire(request), parts.hostname or "", parts.port or 80
    )
    await wire.opened
    return wire
