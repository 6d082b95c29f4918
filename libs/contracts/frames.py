"""The entries of an answer log: small typed facts that every reader of an answer gets, in order.

Stages write frames, the gateway turns them into the protocol of its clients; no stage knows a client's protocol.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, TypeAdapter

from libs.contracts.values import AnswerStatus, Citation, Place, Timings, Usage, Value


class Opened(Value):
    """The turn is stored: the client need not send its question again.

    Attributes:
        queued: an earlier turn of the session is unfinished; this one is opened when that one ends.
    """

    kind: Literal["opened"] = "opened"
    session_id: UUID
    question_id: UUID
    queued: bool = False


class Source(Value):
    """A passage that was given to the model, without its text."""

    chunk_id: UUID
    document_id: UUID
    title: str
    media_type: str
    place: Place
    score: float


class PassagesFound(Value):
    """Retrieval is done; the sources stand in the order of their numbers, from 1."""

    kind: Literal["passages"] = "passages"
    sources: tuple[Source, ...] = ()


class Started(Value):
    """A worker began to write: text of an earlier attempt is void."""

    kind: Literal["started"] = "started"
    model: str


class Delta(Value):
    """More text, to be appended to the attempt's text."""

    kind: Literal["delta"] = "delta"
    text: str


class Cited(Value):
    """The `[n]` that the text so far ends in or has passed is this citation; once per number and attempt."""

    kind: Literal["cited"] = "cited"
    citation: Citation


class Closed(Value):
    """Nothing more will be written to this attempt.

    Attributes:
        frames: how many frames the attempt has (seq 0 to frames - 1), or None when somebody else than the writer
            closed it.
    """

    kind: Literal["closed"] = "closed"
    status: AnswerStatus
    frames: int | None = None


class Ended(Value):
    """The answer is stored.

    Attributes:
        digest: hex SHA-256 of the stored text in UTF-8.
        failure: a stable snake_case reason when `status` is `failed`.
        instead: the answer that the question has under another id; this one was never begun.
    """

    kind: Literal["ended"] = "ended"
    status: AnswerStatus
    digest: str
    failure: str | None = None
    model: str | None = None
    usage: Usage = Usage()
    timings: Timings = Timings()
    instead: UUID | None = None


Frame = Annotated[
    Opened | PassagesFound | Started | Delta | Cited | Closed | Ended,
    Field(discriminator="kind"),
]

_FRAME: TypeAdapter[Frame] = TypeAdapter(Frame, config=ConfigDict(cache_strings="keys"))


def encode_frame(frame: Frame) -> bytes:
    """The frame as JSON."""
    return frame.model_dump_json(exclude_defaults=False).encode()


def decode_frame(raw: bytes) -> Frame:
    """The frame that `encode_frame` wrote.

    Raises:
        pydantic.ValidationError: these bytes are no frame.
    """
    return _FRAME.validate_json(raw)
