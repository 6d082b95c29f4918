"""Facts on the streams, in the past tense.

A field may be added with a default; anything else is a new version of the stream, both published for one release.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field
from uuid_utils.compat import uuid7

from libs.clock import utc_now
from libs.contracts.values import (
    AnswerStatus,
    Citation,
    Passage,
    PastMessage,
    Principal,
    Timings,
    Turn,
    Usage,
    Value,
)


class Event(Value):
    """What every event has. `event_id` stays the same when an entry changes hands.

    Attributes:
        onward: the streams that its work goes on to, until somebody has what they asked for.
    """

    stream: ClassVar[str]
    onward: ClassVar[tuple[str, ...]] = ()

    event_id: UUID = Field(default_factory=uuid7)
    occurred_at: datetime = Field(default_factory=utc_now)

    @property
    def partition_key(self) -> UUID:
        """Events with the same key share a partition, hence a Redis slot."""
        raise NotImplementedError

    @property
    def own_trace(self) -> str:
        """The `traceparent` that it belongs below, whatever its publisher works on; empty: below that."""
        return ""

    def buried(self, failure: str) -> "Event | None":  # noqa: ARG002 - only some events have somebody waiting
        """What to publish when this event is given up, so that nobody waits for ever."""
        return None


class TurnEvent(Event):
    """An event of a chat turn; its session decides the partition."""

    turn: Turn

    @property
    def partition_key(self) -> UUID:
        """The session, so that everything one script touches is on one slot."""
        return self.turn.session_id

    def buried(self, failure: str) -> "Event | None":
        """The answer ends as failed."""
        return AnswerWritten(turn=self.turn, status="failed", failure=failure)


class QuestionAsked(TurnEvent):
    """A client asked; nothing is stored yet."""

    stream: ClassVar[str] = "chat.asked.v1"
    onward: ClassVar[tuple[str, ...]] = ("chat.opened.v1", "chat.retrieved.v1", "chat.answered.v1")


class TurnOpened(TurnEvent):
    """Question and pending answer are stored; `history` holds the session's latest messages, oldest first.

    Attributes:
        traceparent: of whoever asked, where somebody else opens the turn.
    """

    stream: ClassVar[str] = "chat.opened.v1"

    history: tuple[PastMessage, ...] = ()
    traceparent: str = ""

    @property
    def own_trace(self) -> str:
        """That of its question."""
        return self.traceparent


class ContextRetrieved(TurnEvent):
    """The passages that can answer the question, best first; none when nothing relevant was found."""

    stream: ClassVar[str] = "chat.retrieved.v1"

    history: tuple[PastMessage, ...] = ()
    query: str
    passages: tuple[Passage, ...] = ()
    timings: Timings = Timings()


class AnswerWritten(TurnEvent):
    """An answer ended; `text` is what clients saw of its last attempt, to the letter.

    Attributes:
        failure: a stable snake_case reason when `status` is `failed`.
        cost_micro_usd: what its last attempt cost, in millionths of a US dollar; counted when a key asked.
    """

    stream: ClassVar[str] = "chat.answered.v1"

    status: AnswerStatus
    text: str = ""
    citations: tuple[Citation, ...] = ()
    model: str | None = None
    usage: Usage = Usage()
    timings: Timings = Timings()
    failure: str | None = None
    cost_micro_usd: int = 0

    def buried(self, failure: str) -> "Event | None":  # noqa: ARG002 - as in Event
        """Nothing: the turn stays open in Postgres, and the sweeper ends it."""
        return None


class DocumentUploaded(Event):
    """The bytes of a document version are in the blob store and its row says `uploaded`.

    Attributes:
        collection: where its vectors go.
        generation: which try of its owner's at this version, counted from 1; an event of an earlier one is void.
    """

    stream: ClassVar[str] = "ingest.uploaded.v1"

    document_id: UUID
    version: int
    owner: Principal
    collection: str = ""
    generation: int = 1

    @property
    def partition_key(self) -> UUID:
        """The document, so that its versions are indexed in order on one partition."""
        return self.document_id

    def buried(self, failure: str) -> "DocumentGivenUp":
        """The version ends as failed, and its owner's next one gets its place."""
        return DocumentGivenUp(
            document_id=self.document_id,
            version=self.version,
            owner=self.owner,
            generation=self.generation,
            failure=failure,
        )


class DocumentGivenUp(Event):
    """The entry of a document version was buried: whoever worked on it failed, or went silent, too often.

    Attributes:
        generation: of the try that was given up.
        failure: why, for operators.
    """

    stream: ClassVar[str] = "ingest.given_up.v1"

    document_id: UUID
    version: int
    owner: Principal
    generation: int = 1
    failure: str

    @property
    def partition_key(self) -> UUID:
        """The document, as for the event that it ends."""
        return self.document_id


ALL_EVENTS: tuple[type[Event], ...] = (
    *(QuestionAsked, TurnOpened, ContextRetrieved, AnswerWritten),
    *(DocumentUploaded, DocumentGivenUp),
)
