"""A server that says goodbye to its sockets one by one, so that their clients do not all come to another at once."""

import asyncio
import random
import socket
from collections.abc import Callable, Iterator

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

GOODBYES_PER_SECOND = 100
"""With few sockets there is nothing to spread: they are gone in a moment."""


class DrainingServer(uvicorn.Server):
    """Uvicorn's, which would close all sockets at once; a socket that waits for its turn is served until then.

    Args:
        config: as for uvicorn; what is left of its grace after the goodbyes is what running requests have.
        drain_seconds: over which sockets are closed, with 1012.
    """

    def __init__(self, config: uvicorn.Config, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn's call: the process was told to stop."""
        # Nobody new comes in while the others go.
        for server in self.servers:
            server.close()
        open_sockets = [one for one in self.server_state.connections if isinstance(one, WebSocketsSansIOProtocol)]
        random.shuffle(open_sockets)
        for one, pause in zip(open_sockets, pauses(len(open_sockets), self._drain_seconds), strict=True):
            await asyncio.sleep(pause)
            if self.force_exit:
                break
            one.shutdown()
        await super().shutdown(sockets)


def pauses(
    count: int, most_seconds: float, *, uniform: Callable[[float, float], float] = random.uniform
) -> Iterator[float]:
    """Seconds before each of so many goodbyes, in all at most `most_seconds`.

    Each falls somewhere in its own share of the time, so that gateways that stop together do not keep step.
    """
    share = min(most_seconds, count / GOODBYES_PER_SECOND) / max(count, 1)
    at = 0.0
    for number in range(count):
        then = uniform(number * share, (number + 1) * share)
        yield then - at
        at = then
