"""What the gateway asks for."""

from typing import Protocol
from uuid import UUID

from pydantic import BaseModel

from libs.contracts.events import Event
from libs.contracts.values import AnswerStatus, Citation, Principal


class Verifier(Protocol):
    """Says whose token it is."""

    async def verify(self, token: str) -> Principal: ...


class Questions(Protocol):
    """Takes questions."""

    async def publish(self, event: Event) -> None: ...

    async def backlog(self, event: Event) -> int: ...


class StoredAnswer(BaseModel):
    """An answer as Postgres has it."""

    content: str
    status: AnswerStatus
    citations: list[Citation] = []


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
