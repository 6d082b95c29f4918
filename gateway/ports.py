"""What the gateway asks for."""

import hashlib
from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel

from libs.answers.reader import LogEntry
from libs.contracts.events import Event
from libs.contracts.frames import Ended
from libs.contracts.values import AnswerStatus, Principal, ShownCitation, Timings, Usage


class Verifier(Protocol):
    """Says whose token it is."""

    async def verify(self, token: str) -> Principal: ...


class Questions(Protocol):
    """Takes questions."""

    async def publish(self, event: Event) -> None: ...

    async def backlog(self, event: Event) -> int: ...


class Frames(Protocol):
    """An answer as it is written."""

    def batches(self) -> AsyncIterator[list[LogEntry]]:
        """Entries in order, none twice, none left out, to the last; an empty batch is a second of silence."""
        ...


class Memory(Protocol):
    """Knows for a while what was asked."""

    async def remember(self, session_id: UUID, user_id: UUID, answer_id: UUID) -> None: ...

    async def recall(self, session_id: UUID, user_id: UUID) -> UUID | None:
        """The answer that was asked for last, unless it has ended.

        Raises:
            TransientError: the memory does not answer.
        """
        ...


class StoredAnswer(BaseModel):
    """An answer as Postgres has it."""

    content: str
    status: AnswerStatus
    citations: tuple[ShownCitation, ...] = ()
    failure: str | None = None
    model: str | None = None
    usage: Usage | None = None
    timings: Timings | None = None

    def ended(self) -> Ended:
        """The frame that says so."""
        return Ended(
            status=self.status,
            digest=hashlib.sha256(self.content.encode()).hexdigest(),
            failure=self.failure,
            model=self.model,
            usage=self.usage or Usage(),
            timings=self.timings or Timings(),
        )


class StoredAnswers(Protocol):
    """What history has stored, read with the caller's own token."""

    async def active(self, session_id: UUID, *, authorization: str) -> UUID | None:
        """The session's earliest answer that has not ended.

        Raises:
            TransientError: history does not answer.
        """
        ...

    async def read(self, session_id: UUID, answer_id: UUID, *, authorization: str) -> StoredAnswer | None:
        """An answer that has ended; None when there is none that the caller may read.

        Raises:
            TransientError: history does not answer.
        """
        ...


class GoneError(ConnectionResetError):
    """The client is not there any more."""


class Connection(Protocol):
    """One client's way in, whatever carries it.

    Attributes:
        address: of the client, as it is counted.
    """

    address: str

    def frames(self) -> AsyncIterator[str]:
        """What the client says, until it is gone; what is no text comes as an empty one."""
        ...

    async def send(self, text: str) -> None:
        """The client is sent this, behind all that it was sent before.

        Raises:
            GoneError: it is not there any more.
        """
        ...

    async def close(self, code: int, reason: str) -> None:
        """The client is shown out, as far as it is still there."""
        ...
