"""Events and values for tests, with everything filled in that a test does not care about."""

from typing import Any
from uuid import UUID, uuid4

from libs.clock import utc_now
from libs.contracts.events import AnswerWritten, ContextRetrieved, QuestionAsked, TurnOpened
from libs.contracts.values import Passage, Place, Principal, Turn


def a_principal(**given: Any) -> Principal:
    return Principal(**{"user_id": uuid4(), "is_guest": False, **given})


def a_turn(**given: Any) -> Turn:
    """A turn of a new session unless `session_id` is given."""
    return Turn(
        **{
            "session_id": uuid4(),
            "question_id": uuid4(),
            "answer_id": uuid4(),
            "principal": given.pop("principal", None) or a_principal(),
            "question": "How long does a transfer take?",
            "asked_at": utc_now(),
            **given,
        },
    )


def a_question(**given: Any) -> QuestionAsked:
    return QuestionAsked(turn=a_turn(**given))


def an_opened_turn(**given: Any) -> TurnOpened:
    return TurnOpened(turn=a_turn(**given))


def a_passage(text: str = "A standard transfer arrives within ten seconds.", **given: Any) -> Passage:
    return Passage(
        **{
            "chunk_id": uuid4(),
            "document_id": uuid4(),
            "version": 1,
            "title": "Transfer times",
            "media_type": "text/markdown",
            "place": Place(heading=("Transfer times",), start=0, end=len(text)),
            "text": text,
            "score": 0.8,
            **given,
        },
    )


def a_context(*passages: Passage, **given: Any) -> ContextRetrieved:
    turn = a_turn(**given)
    return ContextRetrieved(turn=turn, query=turn.question, passages=passages)


def an_answer(text: str = "Ten seconds [1].", *, turn: Turn | None = None, **given: Any) -> AnswerWritten:
    return AnswerWritten(**{"turn": turn or a_turn(), "status": "completed", "text": text, **given})


def a_session_id() -> UUID:
    return uuid4()
