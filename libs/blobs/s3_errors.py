"""What goes wrong with S3, as what is to be done about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from libs.errors import PermanentError, TransientError

_MISSING = {"404", "NoSuchKey", "NotFound"}
_CHANGED = {"412", "PreconditionFailed"}
_REFUSED = {"InvalidRequest", "EntityTooLarge", "NoSuchBucket"}


class MissingError(PermanentError):
    """There is no such object."""


class ChangedError(TransientError):
    """The object is not the one that was asked for."""


@contextmanager
def translated() -> Iterator[None]:
    """Whatever the SDK raises in the block is raised as one of our errors."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise MissingError("the blob is not there") from error
        if code in _CHANGED:
            raise ChangedError("another file waits there by now") from error
        if code in _REFUSED:
            raise PermanentError(f"S3 refused the request ({code})") from error
        # Everything else passes: throttling, an outage, a role that was not attached yet.
        raise TransientError(f"S3 did not answer as it should ({code})") from error
    except (BotoCoreError, Boto3Error, OSError) as error:
        raise TransientError(f"S3 did not answer ({type(error).__name__})") from error


class TranslatedBody:
    """The body of an object, whose errors are ours."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int) -> bytes:
        """So many bytes at most; none at its end."""
        with translated():
            piece: bytes = self._body.read(size)
            return piece
