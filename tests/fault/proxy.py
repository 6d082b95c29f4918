"""A TCP proxy that cuts, delays, throttles and swallows."""

import asyncio
import re
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

PIECE_BYTES = 65_536
_COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Za-z]+)")
"""How one begins on the wire."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class Proxy:
    """Stands between a service and a server; what it does may be changed at any time.

    Attributes:
        target_port: the server's, on the loopback interface.
        delay_seconds: how late everything arrives, in both directions.
        bytes_per_second: how much gets through in each direction; None for all.
        swallows: nothing gets through and nobody is told.
        replies_to_cut: so many of the next replies end in their middle, and their connections with them.
        replies_cut: how many have.
        commands: what Redis was sent how often.
    """

    target_port: int
    delay_seconds: float = 0.0
    bytes_per_second: int | None = None
    swallows: bool = False
    replies_to_cut: int = 0
    replies_cut: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    port: int = 0
    connections: int = 0
    _writers: dict[asyncio.StreamWriter, int] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """It listens on `port`."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Nothing is left."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def heal(self) -> None:
        """From now on it is a good network; what was swallowed stays lost, so its connections are cut."""
        was_swallowing, self.swallows = self.swallows, False
        self.replies_to_cut = 0
        self.delay_seconds, self.bytes_per_second = 0.0, None
        if was_swallowing:
            self.cut()

    def cut(self, *, but_to: int | None = None) -> None:
        """Every connection is reset, but for those to this port."""
        for writer, port in self._writers.items():
            if port == but_to:
                continue
            connection = writer.get_extra_info("socket")
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            port = self.target_port
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        pair = (writer, far_writer)
        self._writers |= dict.fromkeys(pair, port)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_on(reader, far_writer))
                tasks.create_task(self._pass_on(far_reader, writer, are_replies=True))
        finally:
            for end in pair:
                del self._writers[end]
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, are_replies: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(self.bytes_per_second or PIECE_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if self.bytes_per_second:
                    await asyncio.sleep(len(data) / self.bytes_per_second)
                if not are_replies:
                    self.commands.update(name.decode() for name in _COMMAND.findall(data))
                if are_replies and self.replies_to_cut > 0:
                    self.replies_to_cut, self.replies_cut = self.replies_to_cut - 1, self.replies_cut + 1
                    writer.write(data[: len(data) // 2])
                    writer.transport.close()
                    return
                if not self.swallows:
                    writer.write(data)
                    await writer.drain()
        writer.transport.abort()
