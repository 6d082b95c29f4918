"""Connections to Redis that live through restarts and failovers, of one server or of a cluster."""

import asyncio
from typing import Any, cast

import redis.asyncio
from redis.exceptions import RedisError

from libs.bus.cluster import ClusterClient, connect_cluster, is_cluster
from libs.bus.outage import FULL, READ_ONLY, outage_of
from libs.bus.patience import AWAY, FOREVER, POLL_SECONDS, REQUEST_SECONDS, RedisAwayError, connection_options
from libs.errors import PermanentError, TransientError

Redis = redis.asyncio.Redis

CHECK_SECONDS = 0.7
"""Of the second that `/readyz` has."""


def connect(url: str, *, max_connections: int = 64, patience_seconds: float = REQUEST_SECONDS) -> Redis:
    """A client; it connects when it is first used.

    Args:
        url: `redis://`, `rediss://`, `unix://`, or of any node of a cluster `redis+cluster://`, `rediss+cluster://`.
        max_connections: callers beyond these wait for a free one; of a cluster, to each node.
        patience_seconds: how long each command is tried while Redis is away.
    """
    if is_cluster(url):
        # The commands of both are the same, their classes have no base in common.
        return cast("Redis", connect_cluster(url, max_connections=max_connections, patience_seconds=patience_seconds))
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=5,
        # Without the commands by which each connection would say which library it is of, and ask for notifications
        # that only one vendor's servers have.
        driver_info=None,
        protocol=2,
        **connection_options(url, patience_seconds=patience_seconds),
    )
    return redis.asyncio.Redis.from_pool(pool)


async def check_eviction(client: Redis) -> None:
    """Refuse a Redis that may throw away what it was given.

    Raises:
        PermanentError: `maxmemory-policy` is not `noeviction`, on any server.
    """
    try:
        memories = await _memories(client)
    except AWAY as error:
        raise TransientError("Redis does not answer") from error
    for memory in memories:
        policy = memory.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise PermanentError(
                f"Redis has maxmemory-policy {policy}: it could drop questions; set it to noeviction",
            )


async def check_usable(client: Redis, url: str) -> None:
    """Redis answers and takes what it is given, as far as this process knows.

    Raises:
        TransientError: what is wrong with it.
    """
    outage = outage_of(url)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            refusal = await _refusal(client)
    except (*AWAY, TimeoutError) as error:
        raise TransientError(outage.reason or "Redis does not answer") from error
    if reason := refusal or outage.reason:
        raise TransientError(reason)


async def _refusal(client: Redis) -> str | None:
    if isinstance(client, ClusterClient):
        # Which of its nodes take writes is the cluster's to know.
        await client.ping()
        return None
    facts: dict[str, Any] = await client.info("replication", "memory")
    if facts["role"] == "slave":
        return READ_ONLY
    counted = facts["used_memory"] - facts.get("mem_not_counted_for_evict", 0)
    return FULL if 0 < facts["maxmemory"] < counted else None


async def _memories(client: Redis) -> list[dict[str, Any]]:
    if not isinstance(client, ClusterClient):
        return [await client.info("memory")]
    await client.initialize()
    return [await client.info("memory", target_nodes=node) for node in client.get_primaries()]


__all__ = [
    "AWAY",
    "FOREVER",
    "POLL_SECONDS",
    "Redis",
    "RedisAwayError",
    "RedisError",
    "check_eviction",
    "check_usable",
    "connect",
    "connection_options",
]
