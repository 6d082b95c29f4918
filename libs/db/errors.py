"""What asyncpg and the network raise, said in our three families; once, here."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from libs.errors import PermanentError, TransientError

_AWAY = (
    OSError,  # refused, reset, no route, no such host; TimeoutError is one too
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # too many connections, out of memory, disk full
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement timeout
    asyncpg.TransactionRollbackError,  # deadlock, serialisation
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # in a failover the old writer is a reader for a moment
    asyncpg.InvalidAuthorizationSpecificationError,  # a rotated password: the work is not to blame
    asyncpg.InvalidCachedStatementError,  # a migration changed the table under a prepared statement
    asyncpg.InterfaceError,  # the connection or the pool closed under us
    asyncpg.InternalClientError,  # the connection broke in mid-message
)


@contextmanager
def translated() -> Iterator[None]:
    """Inside, the database's errors are ours; what a caller can decide on (a violated constraint) stays as it is.

    Raises:
        TransientError: the database is away, overloaded, or chose this transaction as a deadlock's victim.
        PermanentError: the database will never take this value, such as a NUL in a text.
    """
    try:
        yield
    except asyncpg.DataError as error:
        raise PermanentError(f"the database refused a value ({type(error).__name__})") from error
    except _AWAY as error:
        # asyncpg's own DataError, raised before anything is sent, is an InterfaceError and a ValueError.
        if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
            raise PermanentError(f"the database refused a value ({type(error).__name__})") from error
        raise TransientError(f"the database did not answer ({type(error).__name__})") from error
