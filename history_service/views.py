"""What the API shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from history_service import branches
from history_service.ports import TurnStatus
from history_service.sessions import SessionRow
from history_service.text import folded
from libs.contracts.values import ShownCitation, Timings, Usage

TITLE_LIMIT = 200
"""What `chat_sessions.title` holds."""


class Session(BaseModel):
    """A chat between the caller and the assistant; `updated_at` is when a turn was last asked or ended.

    The last two are those of a deleted session.
    """

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    restorable_until: datetime | None = None


class SessionPage(BaseModel):
    """Sessions, latest first; `next_cursor` is null on the last page."""

    items: list[Session]
    next_cursor: str | None


class Feedback(BaseModel):
    """What the session's owner thinks of an answer."""

    rating: Literal["up", "down"]
    reason: str | None
    rated_at: datetime


class Siblings(BaseModel):
    """A message among those that could stand in its stead, in the order in which they were asked for.

    Of a question, one message for each other wording; of an answer, all answers to the same words. `index`, from 0, is
    the message's own place in `ids`; `PUT /v1/sessions/{id}/branch` shows another one.
    """

    ids: list[UUID]
    index: int
    count: int


class Message(BaseModel):
    """One utterance.

    Everything from `status` to `feedback` belongs to the assistant's messages; `digest` is the hex SHA-256 of `content`
    in UTF-8, `failure` a stable name of the reason when `status` is `failed`. `siblings` is null when there are none.
    `follows` is the message before this one on its branch; it is said where branches stand side by side, in the export
    of everything.
    """

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime
    status: TurnStatus | None = None
    failure: str | None = None
    citations: list[ShownCitation] = []
    model: str | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    digest: str | None = None
    completed_at: datetime | None = None
    feedback: Feedback | None = None
    siblings: Siblings | None = None
    follows: UUID | None = None


class MessagePage(BaseModel):
    """Messages in the order that was asked for; `next_cursor` is null on the last page."""

    items: list[Message]
    next_cursor: str | None


class Active(BaseModel):
    """The session's earliest answer that has not ended."""

    answer_id: UUID
    question_id: UUID
    status: Literal["queued", "opened"]


def _visible(title: str) -> str:
    folded_title = folded(title)
    if not folded_title:
        raise ValueError("a title has at least one visible character")
    return folded_title


class Rename(BaseModel):
    """A session's new title."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=TITLE_LIMIT), AfterValidator(_visible)]


def session_of(row: SessionRow, *, undo_seconds: float = 0.0) -> Session:
    """A session as the API shows it; a deleted one can be restored for so long."""
    until = row.deleted_at and row.deleted_at + timedelta(seconds=undo_seconds)
    return Session(
        id=row.session_id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
        restorable_until=until,
    )


_NO_COLUMNS = {"id", "citations", "feedback", "siblings", "follows"}


def message_of(
    row: Any,
    citations: Mapping[UUID, Sequence[ShownCitation]],
    siblings: Mapping[UUID, branches.Siblings] | None = None,
) -> Message:
    """A row of `history_service.messages` as the API shows it, with citations and siblings by message id."""
    fields = {name: row[name] for name in Message.model_fields if name not in _NO_COLUMNS}
    message_id = row["message_id"]
    shown = {
        "id": message_id,
        "citations": list(citations.get(message_id, ())),
        "feedback": feedback_of(row),
        "siblings": _siblings_of((siblings or {}).get(message_id)),
        "follows": row.get("follows"),
    }
    return Message.model_validate({**shown, **fields})


def _siblings_of(found: branches.Siblings | None) -> Siblings | None:
    return Siblings(ids=list(found.ids), index=found.index, count=len(found.ids)) if found else None


def feedback_of(row: Any | None) -> Feedback | None:
    """A row's rating as the API shows it."""
    if row is None or row["rating"] is None:
        return None
    return Feedback(rating=row["rating"], reason=row["rating_reason"], rated_at=row["rated_at"])
