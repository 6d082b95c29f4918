"""A client of a Redis Cluster that waits and fails as one of a single server does.

redis-py's own tries again at once, as often as it is told and without a pause, and has errors of its own for a cluster
that is away.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

from redis._parsers.commands import AsyncCommandsParser
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterError,
    ConnectionError,  # noqa: A004
    RedisClusterException,
    ResponseError,
    SlotNotCoveredError,
)

from libs.bus.patience import AWAY, REQUEST_SECONDS, TIMEOUTS, transport_retry

SCHEME = "+cluster://"
MAP_SECONDS = 0.25
"""A map of the slots costs milliseconds to make: while a node is away, not every command that misses it makes one."""


def is_cluster(url: str) -> bool:
    """Whether the address is a cluster's: `redis+cluster://` or `rediss+cluster://`."""
    return SCHEME in url


class ClusterClient(RedisCluster):
    """Every command goes to the node that has its key now; all keys of a command share a slot.

    Made by `connect_cluster`.

    Args:
        name: what all clients of this cluster in the process call it.
        patience_seconds: how long each command is tried while its node is away.
        options: as redis-py has them.
    """

    def __init__(self, *, name: str, patience_seconds: float, **options: Any) -> None:
        self._patience = transport_retry(name, patience_seconds)
        self._mapped_at = float("-inf")
        self._address = (str(options["host"]), int(options.get("port", 6379)))
        super().__init__(
            **options,
            # The patience above is the retry.
            retry=Retry(NoBackoff(), 0),
            # Of a move only the slot is learnt: a whole new map would close connections that others wait at.
            reinitialize_steps=0,
            # What is left of a cluster goes on.
            require_full_coverage=False,
            # In RESP3 each connection would ask for notifications that only one vendor's servers have.
            protocol=2,
            **TIMEOUTS,
        )
        self.commands_parser = _Keys()

    async def initialize(
        self,
        additional_startup_nodes_info: list[tuple[str, int]] | None = None,
        last_failed_node_name: str | None = None,
    ) -> Self:
        """The nodes and their slots are known.

        Raises:
            ConnectionError: no node answers.
        """
        if self.nodes_manager.default_node and time.monotonic() - self._mapped_at < MAP_SECONDS:
            self._initialize = False
            return self
        try:
            # The given address too: it may be a name that stands for whichever nodes there are now.
            await super().initialize([*(additional_startup_nodes_info or ()), self._address], last_failed_node_name)
        except RedisClusterException as error:
            raise ConnectionError(str(error)) from error
        self._mapped_at = time.monotonic()
        return self

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """As in redis-py, with the pauses and errors of a single server's client."""

        async def once() -> Any:
            with _away_as_elsewhere():
                try:
                    return await super(ClusterClient, self).execute_command(*args, **options)
                except ResponseError as error:
                    if not str(error).startswith("NOGROUP"):
                        raise
                # A stream on its way to another node is gone from here for a moment before it is there.
                await asyncio.sleep(MAP_SECONDS)
                return await super(ClusterClient, self).execute_command(*args, **options)

        return await self._patience.call_with_retry(once, _nothing)

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> ClusterPipeline:  # noqa: ARG002
        """As in redis-py; commands to one node stay in order."""
        return _Pipeline(self, transaction)  # type: ignore[abstract]  # so is redis-py's own, by its types alone

    def doubt_map(self) -> None:
        """Whoever is next looks where the slots are now."""
        self._initialize = True

    async def look_again(self) -> None:
        """It is known where the slots are now.

        Raises:
            ConnectionError: no node answers.
        """
        self.doubt_map()
        await self.initialize()

    def node_of(self, key: bytes) -> ClusterNode:
        """The node that has this key, as far as is known.

        Raises:
            ConnectionError: none is known.
        """
        with _away_as_elsewhere():
            return self.nodes_manager.get_node_from_slot(self.keyslot(key))


def connect_cluster(url: str, *, max_connections: int, patience_seconds: float = REQUEST_SECONDS) -> ClusterClient:
    """A client; it connects when it is first used.

    Args:
        url: of any node, or a name that stands for all of them; the others are found from there.
        max_connections: to each node; commands beyond these wait and try again.
        patience_seconds: how long each command is tried while its node is away.
    """
    node = url.replace(SCHEME, "://", 1)
    options = {"max_connections": max_connections, "name": url, "patience_seconds": patience_seconds}
    return cast("ClusterClient", ClusterClient.from_url(node, **options))


class _Pipeline(ClusterPipeline):
    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> ClusterPipeline:
        """Of one slot, as all our scripts are; redis-py forbids it for those that are not."""
        return self.execute_command("EVALSHA", sha, numkeys, *keys_and_args)

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:  # noqa: FBT001, FBT002
        client = cast("ClusterClient", self.cluster_client)
        try:
            with _away_as_elsewhere():
                replies = await super().execute(raise_on_error, allow_redirections)
        except AWAY:
            client.doubt_map()
            raise
        if any(isinstance(reply, (*AWAY, ClusterError)) for reply in replies):
            client.doubt_map()
        return list(replies)


class _Keys(AsyncCommandsParser):
    """Learns once where commands have their keys, and knows it of reads, for which Redis would be asked each time."""

    async def initialize(self, node: ClusterNode | None = None) -> None:
        if node is not None:
            self.node = node
        if not self.commands:
            await super().initialize(node)

    async def get_keys(self, *args: Any) -> tuple[Any, ...] | None:
        if args[0] == "XREADGROUP":
            return (args[args.index(b"STREAMS") + 1],)
        return await super().get_keys(*args)


@contextmanager
def _away_as_elsewhere() -> Iterator[None]:
    try:
        yield
    except (ClusterError, SlotNotCoveredError) as error:
        raise ConnectionError(f"the cluster does not serve this slot now: {error}") from error


async def _nothing(_: Exception) -> None:
    """Between two tries."""
