"""A client of a Redis Cluster that waits and fails as one of a single server does.

redis-py's own tries again at once, as often as it is told and without a pause, and has errors of its own for a cluster
that is away.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Self, TypeVar, cast

from redis._parsers.commands import AsyncCommandsParser
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ConnectionError,  # noqa: A004
    RedisClusterException,
    ResponseError,
)

from libs.bus.cluster_errors import in_command, one_command
from libs.bus.cluster_pipeline import Pipeline
from libs.bus.patience import REQUEST_SECONDS, TIMEOUTS, transport_retry
from libs.tasks import end_tasks

SCHEME = "+cluster://"
T = TypeVar("T")

_PARTITION = re.compile(r"\{p\d+\}")
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
        # What is away is a node: those who wait for it must not keep others from theirs. What has no partition waits
        # together; its keys are without number.
        self._retry_in = cache(lambda partition: transport_retry(f"{name} {partition}".strip(), patience_seconds))
        self._mapped_at = float("-inf")
        self._mapping: asyncio.Task[None] | None = None
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
        # The given address too: it may be a name that stands for whichever nodes there are now.
        nodes = [*(additional_startup_nodes_info or ()), self._address]
        if self._mapping is None or self._mapping.done():
            self._mapping = asyncio.create_task(self._map(nodes, last_failed_node_name))
        # A caller that gives up must not cancel it: redis-py would close the connections that others wait at.
        await asyncio.shield(self._mapping)
        return self

    async def _map(self, nodes: list[tuple[str, int]], last_failed_node_name: str | None) -> None:
        try:
            await super().initialize(nodes, last_failed_node_name)
        except RedisClusterException as error:
            raise ConnectionError(str(error)) from error
        self._mapped_at = time.monotonic()

    async def aclose(self) -> None:
        """As in redis-py; but a command that finds the cluster down closes nothing, for others wait there."""
        if in_command.get():
            self.doubt_map()
            return
        await end_tasks(self._mapping)
        await super().aclose()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """As in redis-py, with the pauses and errors of a single server's client."""

        async def once() -> Any:
            with one_command():
                try:
                    return await super(ClusterClient, self).execute_command(*args, **options)
                except ResponseError as error:
                    if not str(error).startswith("NOGROUP"):
                        raise
                # A stream on its way to another node is gone from here for a moment before it is there.
                await asyncio.sleep(MAP_SECONDS)
                return await super(ClusterClient, self).execute_command(*args, **options)

        return await self.patiently(args, once)

    async def patiently(self, command: tuple[Any, ...], once: Callable[[], Awaitable[T]]) -> T:
        """What `once` returns, tried again while the node of this command is away."""
        return await self._retry_in(_partition_of(command)).call_with_retry(once, _nothing)

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> ClusterPipeline:  # noqa: ARG002
        """As in redis-py; commands to one node stay in order."""
        return Pipeline(self, transaction)  # type: ignore[abstract]  # so is redis-py's own, by its types alone

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
        with one_command():
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


class _Keys(AsyncCommandsParser):
    """Learns once where commands have their keys, and knows it of reads, for which Redis would be asked each time."""

    async def initialize(self, node: ClusterNode | None = None) -> None:
        if node is not None:
            self.node = node
        if not self.commands:
            await super().initialize(node)

    async def get_keys(self, *args: Any) -> tuple[Any, ...] | None:
        if args[0] == "XREADGROUP":
            return (_key_of(args),)
        return await super().get_keys(*args)


def _key_of(command: tuple[Any, ...]) -> Any:
    match command[0]:
        case "EVAL" | "EVALSHA":
            return command[3]
        case "XREADGROUP":
            return command[command.index(b"STREAMS") + 1]
        case _:
            return command[1] if len(command) > 1 else ""


def _partition_of(command: tuple[Any, ...]) -> str:
    found = _PARTITION.search(str(_key_of(command)))
    return found[0] if found else ""


async def _nothing(_: Exception) -> None:
    """Between two tries."""
