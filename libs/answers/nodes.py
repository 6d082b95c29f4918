"""Which server a channel is heard on: the one there is, or the node of a cluster that has the channel's slot."""

from typing import Any, Protocol

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError  # noqa: A004

from libs.bus.cluster import ClusterClient
from libs.bus.connection import Redis

OPTIONS: dict[str, Any] = {
    # A push of RESP3 would go through redis-py's own handlers.
    "protocol": 2,
    # The loop around the connection is the retry, and its pings are the timeout.
    "retry": Retry(NoBackoff(), 0),
    "retry_on_error": [],
    "socket_timeout": None,
}


class Nodes(Protocol):
    """The servers, by names."""

    def of(self, channel: bytes) -> str:
        """The node of this channel, as far as is known.

        Raises:
            ConnectionError: none is known.
        """
        ...

    def connection(self, node: str) -> Any:
        """A connection of its own, to be opened and closed by whoever asks.

        Raises:
            ConnectionError: the node is gone.
        """
        ...

    async def look_again(self) -> None:
        """Channels may live elsewhere now.

        Raises:
            ConnectionError: no node answers.
        """
        ...


def nodes_of(redis: Redis) -> Nodes:
    """The servers behind a client."""
    return _ClusterNodes(redis) if isinstance(redis, ClusterClient) else _OneServer(redis)


class _OneServer:
    def __init__(self, redis: Redis) -> None:
        self._pool = redis.connection_pool

    def of(self, channel: bytes) -> str:  # noqa: ARG002 - they are all there
        return ""

    def connection(self, node: str) -> Any:  # noqa: ARG002
        return self._pool.connection_class(**{**self._pool.connection_kwargs, **OPTIONS})

    async def look_again(self) -> None:
        pass


class _ClusterNodes:
    def __init__(self, client: ClusterClient) -> None:
        self._client = client

    def of(self, channel: bytes) -> str:
        return str(self._client.node_of(channel).name)

    def connection(self, node: str) -> Any:
        found = self._client.get_node(node_name=node)
        if found is None:
            raise ConnectionError(f"{node} has left the cluster")
        return found.connection_class(**{**found.connection_kwargs, **OPTIONS})

    async def look_again(self) -> None:
        await self._client.look_again()
