"""What the worker's use cases ask of Postgres and Redis."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from libs.contracts.events import AnswerWritten, Event, TurnOpened
from libs.contracts.frames import Ended
from libs.contracts.values import AnswerStatus, PastMessage, Turn

TurnStatus = Literal["queued", "opened"] | AnswerStatus
"""How an answer stands."""


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn as it stands after `TurnStore.open`.

    Attributes:
        asked_by: the event that stored it.
        opened_by: the event that opened it; None while it is queued, or when the sweeper opened it.
        history: the session's latest messages, when `opened_by` is the event at hand.
        ended: how it ended, if it did.
    """

    status: TurnStatus
    asked_by: UUID
    opened_by: UUID | None
    history: tuple[PastMessage, ...] = ()
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class AskedBefore:
    """The question has an answer of another id.

    Its asker was a guest then, whose sessions are an account's now; or it was sent as an edit, and says what it said.

    Attributes:
        answer_id: that answer; None for who may not read it.
    """

    answer_id: UUID | None


@dataclass(frozen=True, slots=True)
class TooManySiblings:
    """The place at which the question was asked has as many turns as it can have."""


@dataclass(frozen=True, slots=True)
class OpenedTurn:
    """A turn that was opened, and what its first event carries; the trace is of whoever asked."""

    turn: Turn
    history: tuple[PastMessage, ...]
    traceparent: str = ""

    def event(self) -> TurnOpened:
        """What tells retrieval about it."""
        return TurnOpened(turn=self.turn, history=self.history, traceparent=self.traceparent)


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What is stored after `TurnStore.record`.

    Attributes:
        ended: how the answer ended, as stored.
        is_first: this event ended it; otherwise it had ended before and nothing was changed.
        opens: the session's next turn, opened by this event.
    """

    ended: Ended
    is_first: bool
    opens: OpenedTurn | None = None


@dataclass(frozen=True, slots=True)
class OldTurn:
    """A turn that was opened a while ago and has not ended."""

    turn: Turn
    opened_at: datetime
    reopened_count: int


class TurnStore(Protocol):
    """Turns in the order of their sessions; each method is one transaction."""

    async def open(
        self, turn: Turn, *, event_id: UUID, title: str
    ) -> StoredTurn | AskedBefore | TooManySiblings | None:
        """The turn is stored, opened unless an earlier one of the session is unfinished; once, however often asked.

        What a guest asked before an account claimed its sessions is the account's. Where the turn hangs in its
        session's tree says `history_service.tree.follows`; its branch is the one that is shown from then on.

        Args:
            turn: its texts are storable.
            event_id: of the event at hand.
            title: the session's, if this turn is its first.

        Returns:
            how the turn stands; with `TooManySiblings`, and with None, nothing is stored: the session is somebody
            else's or was deleted.

        Raises:
            TransientError: the database does not answer.
        """
        ...

    async def record(self, written: AnswerWritten, *, digest: str) -> RecordedAnswer | None:
        """The answer is stored, unless it had ended before, and the session's next turn is opened.

        Args:
            written: its texts are storable; it has a failure exactly if it failed.
            digest: of its text.

        Returns:
            what is stored; None when there is no such turn, or its session was deleted.

        Raises:
            TransientError: the database does not answer.
        """
        ...


class UnfinishedTurns(Protocol):
    """What the sweeper looks through."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether nobody else sweeps, as long as the context lasts."""
        ...

    async def open_waiting(self, *, limit: int) -> list[OpenedTurn]:
        """Queued turns with nothing ahead of them, opened."""
        ...

    async def opened_before(self, *, seconds: float, limit: int) -> list[OldTurn]:
        """Turns that were last opened so long ago or longer, and have not ended; oldest first."""
        ...

    async def reopen(self, old: OldTurn) -> OpenedTurn | None:
        """The turn is opened once more, by nobody's event; None when it ended or was opened in the meantime."""
        ...


class LogActivity(Protocol):
    """When the answer logs last moved."""

    async def last_moved(self, answers: Sequence[tuple[UUID, UUID]]) -> dict[UUID, datetime]:
        """By answer id, since when the log stands where it stands, as far as this process has seen.

        Args:
            answers: pairs of session id and answer id.

        Raises:
            TransientError: Redis does not answer.
        """
        ...


class TurnQueues(Protocol):
    """The streams a turn travels on after it was opened."""

    async def oldest_entry(self, session_id: UUID) -> datetime | None:
        """Since when the oldest entry of the session's partition waits or is worked on; None when there is none.

        Raises:
            TransientError: Redis does not answer.
        """
        ...


class Publish(Protocol):
    """Puts an event on its stream."""

    async def __call__(self, event: Event) -> None: ...
