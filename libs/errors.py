"""Three families of errors, because there are three things to do about one.

`TransientError` is tried again, `PermanentError` is buried and ends the answer as failed, `RequestError` goes back to
the caller. Vendor errors are translated once, in the adapter that calls the vendor.
"""


class EloquentError(Exception):
    """Any error we raise on purpose; its message is safe to log and says what to do."""


class TransientError(EloquentError):
    """It may work in a moment: the same work is tried again.

    Args:
        message: what did not work; no user text.
        retry_after_seconds: how long the other side asked us to wait, when it did.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(EloquentError):
    """It will not work however often it is tried: the entry is buried with this reason."""


class RequestError(EloquentError):
    """The caller asked for something that cannot be had; it becomes an RFC 9457 problem.

    Args:
        detail: one sentence that says what to do; shown to the caller.
        status: the HTTP status, 4xx or 503.
        code: a stable snake_case name of the problem, for programs.
        retry_after_seconds: when it is worth asking again, for 429 and 503.
    """

    def __init__(self, detail: str, *, status: int, code: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.retry_after_seconds = retry_after_seconds


def not_found(what: str) -> RequestError:
    """The answer for what is not there and for what is somebody else's: nobody can tell the two apart."""
    return RequestError(f"There is no such {what}.", status=404, code=f"{what}_not_found")
