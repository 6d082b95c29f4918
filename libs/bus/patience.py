"""How a command waits while Redis is away: what counts as away, how often and in what rhythm it is tried again."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError  # noqa: A004

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


def transport_retry(retries: int) -> TransportRetry:
    """Tries again so often while Redis is away, with a short back-off."""
    return TransportRetry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), retries, supported_errors=AWAY)


def connection_options(*, retries: int = REQUEST_RETRIES) -> dict[str, Any]:
    """Keyword arguments for any redis-py client of one server: errors of a failover are retried."""
    return {"retry": transport_retry(retries), "retry_on_error": list(AWAY), **TIMEOUTS}


TIMEOUTS: dict[str, Any] = {"socket_timeout": 5.0, "socket_connect_timeout": 2.0, "health_check_interval": 15}
