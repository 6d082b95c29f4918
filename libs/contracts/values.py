"""The values that events and frames carry."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

QUESTION_MAX_CHARACTERS = 8_000
"""What fits into the smallest context window we support beside the passages."""


class Value(BaseModel):
    """Immutable; unknown fields are ignored, so a newer writer does not stop an older reader."""

    # Only keys are kept to be used again: of a million short texts and ids hardly any comes twice.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null", cache_strings="keys")


class KeyGrant(Value):
    """What the API key allows that a program asks with.

    Attributes:
        plan: how often it may ask, by the plan's name.
        scopes: what it may do of what its owner may.
        budget_micro_usd: what its answers may cost in a calendar month, in millionths of a US dollar; None: whatever.
        spent_micro_usd: what they had cost in `month` when the key was looked up.
        month: of UTC, such as `2026-11`.
    """

    key_id: UUID
    plan: str
    scopes: tuple[str, ...] = ()
    budget_micro_usd: int | None = None
    spent_micro_usd: int = 0
    month: str = ""

    def spent_in(self, month: str) -> int:
        """What is known to be spent in this month, in millionths of a US dollar; it may be more by now."""
        return self.spent_micro_usd if month == self.month else 0


class Principal(Value):
    """Who is asking.

    Attributes:
        user_id: derived from the token's issuer and subject, so a user and a guest never share one.
        is_guest: an anonymous identity of the identity pool.
        groups: Cognito groups, in the token's order; of a key none.
        key: the key of the user's that a program asks with; None for the user.
    """

    user_id: UUID
    is_guest: bool
    groups: tuple[str, ...] = ()
    key: KeyGrant | None = None


def month_of(moment: datetime) -> str:
    """The calendar month of a UTC-aware time, such as `2026-11`."""
    return f"{moment:%Y-%m}"


PUBLIC_COLLECTION = "public"


def own_collection(user_id: UUID) -> str:
    """The name of the collection that only this user reads."""
    return f"user-{user_id}"


class Turn(Value):
    """A question and the answer it will get; carried by every event of the turn.

    Attributes:
        question_id: the user's message, `uuid5` of session, principal and the client's message id.
        answer_id: the assistant's message, derived in the same way; names the answer log.
        question: what the user wrote, at most `QUESTION_MAX_CHARACTERS` characters.
        client_message_id: the client's own id, by which a question is known again when its session has changed hands.
        replaces: a message of the session, by its id or its client's, in whose stead this is asked: the other one
            stays, on a branch of its own.
        in_place: `replaces` is the client's own id of this question too: with the same words it is that very question.
        seen: the last answer that its asker saw above it; None when nobody said.
    """

    session_id: UUID
    question_id: UUID
    answer_id: UUID
    principal: Principal
    question: Annotated[str, Field(min_length=1, max_length=QUESTION_MAX_CHARACTERS)]
    asked_at: datetime
    client_message_id: str | None = None
    replaces: str | None = None
    in_place: bool = False
    seen: UUID | None = None


class PastMessage(Value):
    """An earlier message of the session, oldest first wherever there are several."""

    role: Literal["user", "assistant"]
    text: str


class Place(Value):
    """Where in its document a passage stands. What its format does not have is None or empty.

    Attributes:
        page: where it begins, counted from 1.
        heading: the headings above it, outermost first.
        start: first character in the document's extracted text.
        end: one past the last character.
        page_starts: where in the document's text each further page begins that the passage reaches.
        slide: of a presentation, counted from 1.
        sheet: name of a workbook's sheet.
        rows: first and last row of a table, as its program counts them.
        table_header: the line of column names of the table that the passage goes on in; no part of the span.
    """

    page: int | None = None
    heading: tuple[str, ...] = ()
    start: int = Field(0, ge=0)
    end: int = Field(0, ge=0)
    page_starts: tuple[int, ...] = ()
    slide: int | None = None
    sheet: str | None = None
    rows: tuple[int, int] | None = None
    table_header: str = ""

    @property
    def last_page(self) -> int | None:
        """The page on which it ends."""
        return None if self.page is None else self.page + len(self.page_starts)

    def part(self, start: int, end: int) -> "Place":
        """The place of a span within this one: its own pages, and what else is true of the whole."""
        before = sum(begins <= start for begins in self.page_starts)
        return self.model_copy(
            update={
                "page": None if self.page is None else self.page + before,
                "start": start,
                "end": end,
                "page_starts": tuple(begins for begins in self.page_starts[before:] if begins < end),
            }
        )


class Passage(Value):
    """A chunk that was found for a query.

    Attributes:
        score: of the joined ranking (ADR 0026), 0 to 1; orders the passages of one answer, says nothing across answers.
        text: exactly the document's text from `place.start` to `place.end`.
    """

    chunk_id: UUID
    document_id: UUID
    version: int
    title: str
    media_type: str
    place: Place
    text: str
    score: float


class Citation(Value):
    """A `[n]` of an answer, resolved to the passage that was given under this number."""

    number: int = Field(ge=1)
    chunk_id: UUID
    document_id: UUID
    version: int
    title: str
    media_type: str
    place: Place
    quote: str


class ShownCitation(Citation):
    """A citation of a stored answer, as its reader may see it now.

    Attributes:
        availability: `replaced` when the document has another version since; `withheld` when it was deleted or the
            reader may read it no more, which nobody can tell apart: then title, place and quote are empty.
    """

    availability: Literal["available", "replaced", "withheld"] = "available"


class Usage(Value):
    """Tokens as the model's endpoint counted them."""

    input_tokens: int = 0
    output_tokens: int = 0


class Timings(Value):
    """Seconds a stage took, for the stages that ran."""

    retrieval_seconds: float | None = None
    first_token_seconds: float | None = None
    generation_seconds: float | None = None


AnswerStatus = Literal["completed", "cancelled", "failed"]
"""How an answer can end."""
