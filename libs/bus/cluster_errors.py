"""What goes wrong on a cluster, said as it is said of a single server."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from redis.exceptions import ClusterError, ConnectionError, SlotNotCoveredError  # noqa: A004

in_command = ContextVar("in_command", default=False)


@contextmanager
def one_command() -> Iterator[None]:
    """Inside, errors are those of a single server, and `in_command` is true."""
    token = in_command.set(True)
    try:
        yield
    except Exception as error:
        translated = as_elsewhere(error)
        if translated is error:
            raise
        raise translated from error
    finally:
        in_command.reset(token)


def as_elsewhere(error: Exception) -> Exception:
    """The error a single server's client would raise."""
    if isinstance(error, (ClusterError, SlotNotCoveredError)):
        return ConnectionError(f"the cluster does not serve this slot now: {error}")
    if isinstance(error, AttributeError) and error.obj is None:
        # redis-py closes the free connections to a lost node while somebody takes one and finds no writer in it.
        return ConnectionError("the connection was closed meanwhile")
    return error
