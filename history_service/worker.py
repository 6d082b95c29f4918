"""The door to the streams: questions are stored and opened, answers are stored and ended."""

from typing import Protocol

from history_service.outcomes import Accepted, Finished
from libs.answers.hops import announce, end
from libs.bus.bus import Bus
from libs.bus.outcome import Outcome
from libs.contracts.events import AnswerWritten, QuestionAsked
from libs.contracts.frames import Opened

PATIENCE_SECONDS = 3600.0
"""What was asked, and what was answered, is kept while the database is away: both were paid for."""


class OpenTurn(Protocol):
    """`history_service.open_turn.open_turn` with its store."""

    async def __call__(self, asked: QuestionAsked) -> Accepted | Finished | None: ...


class RecordAnswer(Protocol):
    """`history_service.record_answer.record_answer` with its store."""

    async def __call__(self, written: AnswerWritten) -> Finished: ...


def register(bus: Bus, *, open_turn: OpenTurn, record_answer: RecordAnswer, concurrency: int) -> None:
    """The bus calls the use cases from now on."""

    @bus.on(QuestionAsked, concurrency=concurrency, patience_seconds=PATIENCE_SECONDS)
    async def on_question_asked(asked: QuestionAsked) -> Outcome | None:
        return outcome_of(await open_turn(asked))

    @bus.on(AnswerWritten, concurrency=concurrency, patience_seconds=PATIENCE_SECONDS)
    async def on_answer_written(written: AnswerWritten) -> Outcome | None:
        return outcome_of(await record_answer(written))


def outcome_of(decided: Accepted | Finished | None) -> Outcome | None:
    """What was decided, as the step that finishes the entry and tells the answer's readers."""
    match decided:
        case None:
            return None
        case Accepted(turn, queued, opens):
            opened = Opened(session_id=turn.session_id, question_id=turn.question_id, queued=queued)
            return announce(turn, opened, then=opens)
        case Finished(turn, ended, opens):
            return end(turn, ended, opens=opens)
