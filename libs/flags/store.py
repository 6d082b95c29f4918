"""Where flags come from: a file, or the AppConfig agent beside the task; looked at again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import httpx
import structlog
from pydantic import ValidationError

from libs.errors import TransientError
from libs.flags.provider import RolloutProvider
from libs.flags.rollout import Rollouts

log = structlog.get_logger()

AWAY_SECONDS = 60.0
"""So long what the store had last goes on; then defaults do: a trial that nobody can stop must end by itself."""
READ_SECONDS = 2.0
DOCUMENT_MAX_BYTES = 1024 * 1024
"""What AppConfig takes."""

Read = Callable[[], Awaitable[bytes]]
"""Gives the store's document, or raises TransientError."""


def from_file(path: Path) -> Read:
    """The document is this file."""

    async def read() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise TransientError(f"the file of flags cannot be read: {error.strerror}") from error

    return read


def from_agent(url: str) -> Read:
    """The document is what the AppConfig agent has at this address; it asks AWS by itself, at its own pace."""

    async def read() -> bytes:
        try:
            # A connection each time: seconds lie between two, and the agent is on this machine.
            async with httpx.AsyncClient(trust_env=False, timeout=READ_SECONDS) as http:
                response = await http.get(url)
        except httpx.HTTPError as error:
            raise TransientError(f"the AppConfig agent does not answer: {type(error).__name__}") from error
        if not response.is_success:
            raise TransientError(f"the AppConfig agent answers {response.status_code}")
        return response.content

    return read


class Watch:
    """Gives a provider what the store has.

    Args:
        read: the store.
        provider: is told.
        known: keys of the flags that are declared here; others are other services'.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        read: Read,
        provider: RolloutProvider,
        *,
        known: Collection[str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._provider = provider
        self._known = known
        self._now = now
        self._seen_at = float("-inf")
        self._document: bytes | None = None
        self._trouble = ""

    async def look(self) -> None:
        """The provider has what the store has; a store that is away, or has no document, is not believed for long."""
        try:
            rollouts = self._parsed(await self._read())
        except TransientError as error:
            self._say(str(error))
            if self._now() - self._seen_at > AWAY_SECONDS:
                self._provider.rollouts = self._document = None
            return
        self._say("")
        self._seen_at = self._now()
        if rollouts is not None:
            self._provider.rollouts = rollouts

    def _parsed(self, document: bytes) -> Rollouts | None:
        """None when nothing has changed."""
        if document == self._document:
            return None
        if len(document) > DOCUMENT_MAX_BYTES:
            raise TransientError("the document of flags is too large")
        try:
            rollouts = Rollouts.model_validate_json(document)
        except ValidationError as error:
            places = sorted({".".join(map(str, problem["loc"])) for problem in error.errors(include_url=False)})
            raise TransientError(
                f"the document of flags is wrong at {', '.join(places)[:200] or 'its root'}"
            ) from error
        self._document = document
        log.info("flags", set=sorted(set(rollouts.flags) & set(self._known)))
        return rollouts

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("flags cannot be read", reason=trouble)
        elif self._trouble and not trouble:
            log.info("flags can be read again")
        self._trouble = trouble
