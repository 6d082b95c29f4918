"""How many long responses are open in a process, in all and of each caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from libs.errors import RequestError

STREAMS_OF_ONE_MAX = 6
"""What browsers open to one host."""


class Streams:
    """Counts them while they last.

    Args:
        most: in this process; each holds one of the connections that the gateway has to it.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._of: dict[UUID, int] = {}

    def check(self, user_id: UUID) -> None:
        """Returns when the caller may open one more.

        Raises:
            RequestError: 429 `too_many_streams`.
        """
        if self._of.get(user_id, 0) >= STREAMS_OF_ONE_MAX or sum(self._of.values()) >= self._most:
            raise RequestError(
                "Too much is being sent to you at once: wait for the end of something.",
                status=429,
                code="too_many_streams",
                retry_after_seconds=5.0,
            )

    @contextmanager
    def counted(self, user_id: UUID) -> Iterator[None]:
        """The caller has one more until the block ends."""
        self._of[user_id] = self._of.get(user_id, 0) + 1
        try:
            yield
        finally:
            self._of[user_id] -= 1
            if not self._of[user_id]:
                del self._of[user_id]
