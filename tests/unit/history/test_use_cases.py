"""Opening and recording, with the twin of Postgres."""

import pytest

from history_service.memory import MemoryTurns
from history_service.open_turn import open_turn
from history_service.outcomes import Accepted, Finished
from history_service.past import PastLimits
from history_service.record_answer import record_answer
from history_service.text import digest_of
from history_service.worker import outcome_of
from libs.contracts.events import QuestionAsked, TurnOpened
from libs.contracts.values import Citation, Turn
from tests.builders import a_passage, a_principal, a_question, a_turn, an_answer


@pytest.fixture
def store() -> MemoryTurns:
    return MemoryTurns(past=PastLimits(turns=10, characters=1000))


def asked_after(first: QuestionAsked, **given: object) -> QuestionAsked:
    return a_question(session_id=first.turn.session_id, principal=first.turn.principal, **given)


async def opened(asked: QuestionAsked, store: MemoryTurns) -> Accepted:
    result = await open_turn(asked, store=store)
    assert isinstance(result, Accepted)
    return result


async def test_a_new_question_goes_on_to_retrieval(store: MemoryTurns) -> None:
    """Accepted, with the event that opens it; the session is called after it."""
    asked = a_question(question="How long?\nPlease.")

    result = await opened(asked, store)

    assert result.queued is False
    assert result.opens is not None
    assert (result.opens.turn, result.opens.history) == (asked.turn, ())
    assert store.sessions[asked.turn.session_id].title == "How long?"


async def test_a_question_behind_another_is_accepted_too(store: MemoryTurns) -> None:
    """Stored is accepted; nothing goes on yet."""
    first = a_question()
    await opened(first, store)
    second = asked_after(first)

    assert await opened(second, store) == Accepted(second.turn, queued=True)


async def test_a_redelivered_question_goes_on_again(store: MemoryTurns) -> None:
    """Its worker may have died before it could say so; the same is true of a queued one."""
    first = a_question()
    second = asked_after(first)
    for asked in (first, second):
        await opened(asked, store)

    again, queued_again = await opened(first, store), await opened(second, store)

    assert again.opens is not None
    assert again.opens.turn == first.turn
    assert queued_again == Accepted(second.turn, queued=True)


async def test_a_question_sent_twice_is_asked_once(store: MemoryTurns) -> None:
    """The second event is finished and nothing else, whether the turn is opened or queued."""
    first = a_question()
    second = asked_after(first)
    for asked in (first, second):
        await opened(asked, store)

    for asked in (first, second):
        assert await open_turn(QuestionAsked(turn=asked.turn), store=store) is None


async def test_a_redelivered_question_that_was_opened_by_an_end_is_not_announced(store: MemoryTurns) -> None:
    """To announce it would begin a new epoch in its log and stop the attempt under way."""
    first = a_question()
    second = asked_after(first)
    for asked in (first, second):
        await opened(asked, store)
    await record_answer(an_answer(turn=first.turn), store=store)

    assert await open_turn(second, store=store) is None


async def test_a_question_whose_answer_is_stored_gets_its_end(store: MemoryTurns) -> None:
    """Its log may have expired: the end tells the client to read the stored message."""
    asked = a_question()
    await opened(asked, store)
    ended = await record_answer(an_answer("Ten.", turn=asked.turn), store=store)

    for event in (asked, QuestionAsked(turn=asked.turn)):
        assert await open_turn(event, store=store) == Finished(asked.turn, ended.ended)


async def test_a_strangers_question_ends_as_not_found(store: MemoryTurns) -> None:
    """On their own log, as if the session were not there; nothing is stored."""
    owners = a_question()
    await opened(owners, store)
    strangers = a_question(session_id=owners.turn.session_id, principal=a_principal())

    result = await open_turn(strangers, store=store)

    assert isinstance(result, Finished)
    assert (result.ended.status, result.ended.failure) == ("failed", "session_not_found")
    assert (result.turn.answer_id, result.opens) == (strangers.turn.answer_id, None)
    assert len(store.sessions[owners.turn.session_id].rows) == 1


async def test_a_question_in_a_deleted_session_ends_in_the_same_way(store: MemoryTurns) -> None:
    """Deleted and never there look the same."""
    asked = a_question()
    await opened(asked, store)
    store.delete(asked.turn.session_id)

    result = await open_turn(asked_after(asked), store=store)

    assert isinstance(result, Finished)
    assert result.ended.failure == "session_not_found"


async def test_an_answer_in_a_deleted_session_ends_as_failed(store: MemoryTurns) -> None:
    """The client that still listens is told; nothing crashes."""
    asked = a_question()
    await opened(asked, store)
    store.delete(asked.turn.session_id)

    result = await record_answer(an_answer("Ten.", turn=asked.turn), store=store)

    assert (result.ended.status, result.ended.failure) == ("failed", "session_deleted")
    assert (result.ended.digest, result.opens) == (digest_of(""), None)


async def test_a_question_given_up_before_it_was_stored_keeps_its_reason(store: MemoryTurns) -> None:
    """The dead letter's reason reaches the client."""
    result = await record_answer(an_answer("", status="failed", failure="buried"), store=store)

    assert (result.ended.status, result.ended.failure) == ("failed", "buried")


async def test_an_end_opens_the_next_turn(store: MemoryTurns) -> None:
    """With the answer that just ended in its past."""
    first = a_question(question="1")
    second = asked_after(first)
    for asked in (first, second):
        await opened(asked, store)

    result = await record_answer(an_answer("one", turn=first.turn), store=store)

    assert isinstance(result.opens, TurnOpened)
    assert result.opens.turn == second.turn
    assert [message.text for message in result.opens.history] == ["1", "one"]


async def test_unstorable_characters_are_replaced_before_the_digest(store: MemoryTurns) -> None:
    """The digest is of what is stored, in text, model and failure; a question's are replaced as well."""
    asked = QuestionAsked(turn=a_turn().model_copy(update={"question": "a\0b"}))
    await opened(asked, store)
    passage = a_passage("x")
    citation = Citation(number=1, quote="q\0", **passage.model_dump(exclude={"text", "score"}))
    written = an_answer("c\0d", turn=asked.turn, status="failed", failure="e\0", model="m\0", citations=(citation,))

    result = await record_answer(written, store=store)

    assert result.ended.digest == digest_of("c\ufffdd")
    assert (result.ended.failure, result.ended.model) == ("e\ufffd", "m\ufffd")
    assert store.sessions[asked.turn.session_id].rows[0].turn.question == "a\ufffdb"


@pytest.mark.parametrize(("status", "failure", "stored"), [("failed", None, "unknown"), ("completed", "odd", None)])
async def test_a_failure_belongs_to_what_failed(
    store: MemoryTurns, status: str, failure: str | None, stored: str | None
) -> None:
    """A failed answer has a reason, others have none, whatever the writer said."""
    asked = a_question()
    await opened(asked, store)

    result = await record_answer(an_answer(turn=asked.turn, status=status, failure=failure), store=store)

    assert result.ended.failure == stored


def test_decisions_become_the_buses_outcomes() -> None:
    """Nothing, an announcement with what is next, an end with what it opens."""
    turn: Turn = a_turn()
    opens = TurnOpened(turn=turn)

    assert outcome_of(None) is None
    announced = outcome_of(Accepted(turn, queued=False, opens=opens))
    waiting = outcome_of(Accepted(turn, queued=True))

    assert announced is not None
    assert announced.next == opens
    assert waiting is not None
    assert waiting.next is None
    assert b'"queued":true' in waiting.step.args(0)[0]  # type: ignore[operator]  # the frame is bytes
