"""A real cluster of three servers that share the slots."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import MovedError, RedisError

from deploy.local.processes import Guardian
from deploy.local.program import running
from deploy.local.valkey import ValkeyServer
from tests.fault.ports import free_ports
from tests.polling import eventually
from tests.variants import REDIS_SERVER

SLOTS = 16_384
NODES = 3
JOIN_SECONDS = 20.0
BATCH = 100


@dataclass
class ValkeyCluster:
    """Nodes of which none has a replica.

    Attributes:
        servers: the nodes.
        clients: one for each of them; it follows no redirection.
    """

    servers: list[ValkeyServer]
    clients: list[Any]
    guardian: Guardian
    _running: list[AsyncExitStack] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address a service is given."""
        return self.servers[0].url.replace("redis://", "redis+cluster://")

    async def start(self) -> None:
        """The nodes know each other, and every slot has one of them."""
        for server in self.servers:
            self._running.append(await self._started(server))
        share = SLOTS // NODES + 1
        for n, client in enumerate(self.clients):
            await client.execute_command("CLUSTER ADDSLOTSRANGE", n * share, min((n + 1) * share, SLOTS) - 1)
        for server in self.servers[1:]:
            await self.clients[0].execute_command(
                "CLUSTER MEET", "127.0.0.1", server.port, server.settings["cluster-port"]
            )
        await self.whole()

    async def stop(self) -> None:
        """Nothing runs."""
        for client in self.clients:
            await client.aclose()
        for stack in self._running:
            await stack.aclose()

    async def whole(self) -> None:
        """Every node says that every slot is served."""

        async def all_say_so() -> bool:
            with suppress(RedisError):
                facts: list[Any] = [await client.execute_command("CLUSTER INFO") for client in self.clients]
                return all(
                    fact["cluster_state"] == "ok" and int(fact["cluster_known_nodes"]) == NODES for fact in facts
                )
            return False

        await eventually(all_say_so, within_seconds=JOIN_SECONDS)

    async def owner(self, key: str) -> int:
        """Which of the nodes has this key."""
        for n, client in enumerate(self.clients):
            with suppress(MovedError):
                await client.exists(key)
                return n
        raise AssertionError(f"nobody has {key}")

    async def restart(self, n: int) -> None:
        """The node has ended, and is there again with what it knew."""
        await self._running[n].aclose()
        self._running[n] = await self._started(self.servers[n])
        await self.whole()

    async def move(self, key: str) -> None:
        """The slot of this key, with all that is in it, belongs to the next node."""
        slot, source = key_slot(key.encode()), await self.owner(key)
        target = (source + 1) % NODES
        names = [str(await client.execute_command("CLUSTER MYID"), "ascii") for client in self.clients]
        old, new, address = self.clients[source], self.clients[target], self.servers[target]
        await new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", names[source])
        await old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", names[target])
        while keys := await old.execute_command("CLUSTER GETKEYSINSLOT", slot, BATCH):
            place = ("127.0.0.1", address.port, "", 0, 5_000)
            await old.execute_command("MIGRATE", *place, "AUTH", address.password, "KEYS", *keys)
        for client in (new, old, *self.clients):
            await client.execute_command("CLUSTER SETSLOT", slot, "NODE", names[target])

    async def _started(self, server: ValkeyServer) -> AsyncExitStack:
        stack = AsyncExitStack()
        await stack.enter_async_context(running(server, watch=self.guardian.watch))
        return stack


@asynccontextmanager
async def running_valkey_cluster(folder: Path, guardian: Guardian) -> AsyncIterator[ValkeyCluster]:
    """A whole and empty cluster; nothing of it runs after the block."""
    password = secrets.token_hex(16)
    servers = [
        ValkeyServer(folder / f"valkey-{port}", port, password, _settings(bus_port), REDIS_SERVER)
        for port, bus_port in zip(free_ports(NODES), free_ports(NODES), strict=True)
    ]
    cluster = ValkeyCluster(servers, [Redis.from_url(server.url) for server in servers], guardian)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()


def _settings(bus_port: int) -> dict[str, str]:
    return {
        "cluster-enabled": "yes",
        "cluster-port": str(bus_port),
        "cluster-announce-ip": "127.0.0.1",
        "cluster-node-timeout": "2000",
        # What is left goes on while a node is away.
        "cluster-require-full-coverage": "no",
    }
