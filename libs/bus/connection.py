"""Connections to Redis that live through restarts and failovers, of one server or of a cluster."""

from typing import Any, cast

import redis.asyncio
from redis.exceptions import RedisError

from libs.bus.cluster import ClusterClient, connect_cluster, is_cluster
from libs.bus.patience import AWAY, FOREVER, POLL_SECONDS, connection_options
from libs.errors import PermanentError, TransientError

Redis = redis.asyncio.Redis


def connect(url: str, *, max_connections: int = 64) -> Redis:
    """A client; it connects when it is first used.

    Args:
        url: `redis://`, `rediss://`, `unix://`, or of any node of a cluster `redis+cluster://`, `rediss+cluster://`.
        max_connections: callers beyond these wait for a free one; of a cluster, to each node.
    """
    if is_cluster(url):
        # The commands of both are the same, their classes have no base in common.
        return cast("Redis", connect_cluster(url, max_connections=max_connections))
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, max_connections=max_connections, timeout=5, **connection_options()
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


async def _memories(client: Redis) -> list[dict[str, Any]]:
    if not isinstance(client, ClusterClient):
        return [await client.info("memory")]
    await client.initialize()
    return [await client.info("memory", target_nodes=node) for node in client.get_primaries()]


__all__ = ["AWAY", "FOREVER", "POLL_SECONDS", "Redis", "RedisError", "check_eviction", "connect", "connection_options"]
