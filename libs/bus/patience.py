"""How a command waits while Redis is away: what counts as away, how long and in what rhythm it is tried again."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self, TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,  # noqa: A004
)

from libs.bus.outage import Outage, outage_of
from libs.errors import TransientError

T = TypeVar("T")

FOREVER = math.inf
REQUEST_SECONDS = 2.0
"""Longer than a restart, shorter than a user's patience."""
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.1
"""Of a caller that fails while others do not; while all fail, the outage has its own rhythm."""

POLL_SECONDS = 1.0
"""How long one blocking read waits; below the socket timeout, or redis-py raises."""

_TRIED_AGAIN = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)
AWAY = (*_TRIED_AGAIN, OutOfMemoryError)
"""What passes, and is nobody's fault who asked."""

_REFUSES_WRITES = ("MISCONF", "NOREPLICAS", "UNBLOCKED")
"""No disk, no replica, a primary that became a replica under a blocking read: redis-py has no errors for them."""

_trying = ContextVar("trying", default=False)


class RedisAwayError(TransientError):
    """Redis is away or full: no failure of whoever asked, so the bus waits for it however old an entry is."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"Redis cannot be used now ({type(error).__name__})")


class TransportRetry(Retry):
    """Tries again while Redis is away, in one rhythm with all of the process; knows more of what that looks like.

    uvloop says that a transport was reset a moment ago with a bare RuntimeError, which redis-py passes on as it is:
    nobody would try again, and whoever waits for `AWAY` would not be told.

    Args:
        outage: what the process knows of this Redis.
        patience_seconds: how long a command is tried; for ever also what is refused for want of memory.
    """

    def __init__(self, outage: Outage, patience_seconds: float) -> None:
        errors = AWAY if patience_seconds == FOREVER else _TRIED_AGAIN
        super().__init__(NoBackoff(), -1, supported_errors=errors)
        self._outage = outage
        self._patience_seconds = patience_seconds

    def __deepcopy__(self, _: object) -> Self:
        # redis-py copies it for each connection; the outage is one for all.
        return self

    async def call_with_retry(
        self,
        do: Callable[[], Awaitable[T]],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,  # noqa: FBT001, FBT002 - redis-py's
    ) -> T:
        """As in redis-py."""
        connecting = _connecting(do)
        # What stands needs no turn; connecting in mid-command is a part of that command's try.
        once = _trying.get() or (connecting is not None and connecting.is_connected)
        until = time.monotonic() + self._patience_seconds
        failures = 0
        refused = False
        error: Exception = ConnectionError(f"{self._outage.reason}")
        while once or await self._outage.turn(until=until):
            try:
                with _one_try():
                    result = await _translated(do)
            except self._supported_errors as failure:
                if is_retryable is not None and not is_retryable(failure):
                    raise
                failures, error = failures + 1, failure
                refused |= isinstance(failure, ReadOnlyError)
                await (fail(failure, failures) if with_failure_count else fail(failure))
                if once:
                    raise
                self._outage.failed(failure)
                await asyncio.sleep(_pause(failures))
            except OutOfMemoryError as failure:
                self._outage.refused(failure)
                raise
            except ResponseError:
                self._outage.answered()
                raise
            else:
                if connecting is not None and not once:
                    # The command that it is for goes at once.
                    self._outage.answered()
                elif not once:
                    self._outage.worked(again=refused)
                return result
        raise error


def transport_retry(url: str, patience_seconds: float) -> TransportRetry:
    """Tries each command for so long while the Redis at this address is away."""
    return TransportRetry(outage_of(url), patience_seconds)


def connection_options(url: str, *, patience_seconds: float = REQUEST_SECONDS) -> dict[str, Any]:
    """Keyword arguments for any redis-py client of one server: errors of a failover are tried again."""
    return {"retry": transport_retry(url, patience_seconds), **TIMEOUTS}


TIMEOUTS: dict[str, Any] = {"socket_timeout": 5.0, "socket_connect_timeout": 2.0, "health_check_interval": 15}


def _connecting(do: Callable[[], object]) -> AbstractConnection | None:
    """The connection that is to be made, if that is what redis-py asks for: it does so before each command."""
    if not getattr(do, "__qualname__", "").startswith("AbstractConnection.connect"):
        return None
    held = (cell.cell_contents for cell in getattr(do, "__closure__", None) or ())
    return next((found for found in held if isinstance(found, AbstractConnection)), None)


async def _translated(do: Callable[[], Awaitable[T]]) -> T:
    try:
        return await do()
    except ResponseError as error:
        if str(error).startswith(_REFUSES_WRITES):
            raise ReadOnlyError(str(error)) from error
        raise
    except RuntimeError as error:
        if type(error) is not RuntimeError:
            raise
        raise ConnectionError(f"the transport is closed: {error}") from error


@contextmanager
def _one_try() -> Iterator[None]:
    token = _trying.set(True)
    try:
        yield
    finally:
        _trying.reset(token)


def _pause(failures: int) -> float:
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 8), LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311
