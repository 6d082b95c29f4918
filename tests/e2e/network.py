"""A network that can fail: a TCP relay between a client and the gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Network:
    """Passes bytes both ways, until it is cut.

    Args:
        port: the gateway's.

    Attributes:
        connections: how many there have been.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.connections = 0

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a client in."""
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pass_on(reader, far_writer))
                tasks.create_task(_pass_on(far_reader, writer))
        finally:
            self._writers -= pair
            for end in pair:
                end.transport.abort()

    def cut(self) -> None:
        """Every connection is gone, without a word to either side."""
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def network(gateway_url: str) -> AsyncIterator[Network]:
    """A relay to the gateway, on a port of its own; `url` takes the gateway's place."""
    relay = Network(int(gateway_url.rpartition(":")[2]))
    server = await asyncio.start_server(relay.connect, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        relay.cut()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
