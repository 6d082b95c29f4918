"""Pinecone's errors in our own families."""

from collections.abc import Iterator
from contextlib import contextmanager

from libs.errors import PermanentError, TransientError


@contextmanager
def translated(*, missing_is_fine: bool = False) -> Iterator[None]:
    """What a call of the SDK raises, as what is to be done about it.

    Args:
        missing_is_fine: what is not there need not be deleted.

    Raises:
        PermanentError: Pinecone refuses the request.
        TransientError: it did not answer in time, is over its rate limit, or does not let us in.
    """
    from pinecone import errors

    try:
        yield
    except TimeoutError as error:  # asyncio.timeout's; the SDK's own is one too
        raise TransientError("Pinecone did not answer in time") from error
    except errors.RateLimitError as error:
        raise TransientError("Pinecone is over its rate limit", retry_after_seconds=error.retry_after) from error
    except (errors.PineconeConnectionError, errors.ServiceError, errors.ResponseParsingError) as error:
        raise TransientError(f"Pinecone did not answer ({type(error).__name__})") from error
    except (errors.UnauthorizedError, errors.ForbiddenError, errors.PaymentRequiredError) as error:
        # A rotated key or an unpaid bill: the work is not to blame.
        raise TransientError(f"Pinecone does not let us in ({type(error).__name__})") from error
    except errors.NotFoundError as error:
        # A namespace begins with its first vector: where nothing was written there is nothing to delete.
        if not missing_is_fine:
            raise PermanentError("Pinecone has no such index or namespace") from error
    except errors.PineconeError as error:
        raise PermanentError(f"Pinecone refused the request ({type(error).__name__})") from error
