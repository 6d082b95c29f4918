"""Connections to Redis that live through restarts and failovers."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, RedisError, TimeoutError  # noqa: A004

from libs.errors import PermanentError, TransientError

Redis = redis.asyncio.Redis
T = TypeVar("T")

FOREVER = -1
REQUEST_RETRIES = 8
"""About two seconds with the back-off below: longer than a restart, shorter than a user's patience."""

POLL_SECONDS = 1.0
"""How long one blocking read waits; below the socket timeout, or redis-py raises."""

AWAY = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)


class TransportRetry(Retry):
    """Knows a lost connection also by what uvloop says of it.

    Writing to a transport that was reset a moment ago raises a bare RuntimeError there, which redis-py passes on as it
    is: nobody would try again, and whoever waits for `AWAY` would not be told.
    """

    async def call_with_retry(
        self, do: Callable[[], Awaitable[T]], fail: Callable[..., Any], *args: Any, **options: Any
    ) -> T:
        """As in redis-py."""

        async def translated() -> T:
            try:
                return await do()
            except RuntimeError as error:
                if type(error) is not RuntimeError:
                    raise
                raise ConnectionError(f"the transport is closed: {error}") from error

        return await super().call_with_retry(translated, fail, *args, **options)


def connection_options(*, retries: int = REQUEST_RETRIES) -> dict[str, Any]:
    """Keyword arguments for any redis-py client: short back-off, errors of a failover retried."""
    return {
        "retry": TransportRetry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), retries),
        "retry_on_error": list(AWAY),
        "socket_timeout": 5.0,
        "socket_connect_timeout": 2.0,
        "health_check_interval": 15,
    }


def connect(url: str, *, max_connections: int = 64) -> Redis:
    """A client; it connects when it is first used.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        max_connections: callers beyond these wait for a free one.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, max_connections=max_connections, timeout=5, **connection_options()
    )
    return redis.asyncio.Redis.from_pool(pool)


async def check_eviction(client: Redis) -> None:
    """Refuse a Redis that may throw away what it was given.

    Raises:
        PermanentError: `maxmemory-policy` is not `noeviction`.
    """
    try:
        memory: dict[str, Any] = await client.info("memory")
    except AWAY as error:
        raise TransientError("Redis does not answer") from error
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise PermanentError(
            f"Redis has maxmemory-policy {policy}: it could drop questions; set it to noeviction",
        )


__all__ = ["AWAY", "FOREVER", "POLL_SECONDS", "Redis", "RedisError", "check_eviction", "connect", "connection_options"]
