"""From a frame to a question on its stream."""

import json
from uuid import UUID, uuid4

import pytest

from gateway.admission import Admission, RateLimitedError
from gateway.ask import ask, session_of, turn_of
from gateway.client_frames import Send, parse
from libs.clock import utc_now
from libs.contracts.events import QuestionAsked
from libs.contracts.values import Turn
from libs.errors import RequestError, TransientError
from tests.builders import a_principal, a_turn
from tests.unit.gateway.builders import (
    MemoryOfAsked,
    MemoryPlaces,
    MemoryQuestions,
    MemoryRates,
    a_message,
    a_send,
    an_admission,
)

PRINCIPAL = a_principal()


def a_frame(**given: object) -> Send:
    frame = parse(json.dumps(a_send(**given)))
    assert isinstance(frame, Send)
    return frame


async def put(
    turn: Turn,
    questions: MemoryQuestions,
    *,
    asked: MemoryOfAsked | None = None,
    admission: Admission | None = None,
    max_backlog: int = 100,
) -> None:
    await ask(
        turn,
        address="203.0.113.7",
        questions=questions,
        asked=asked or MemoryOfAsked(),
        admission=admission or an_admission(),
        max_backlog=max_backlog,
    )


def the_turn(**given: object) -> Turn:
    return turn_of(a_frame(**given), PRINCIPAL, clock=utc_now)


def test_the_same_message_is_the_same_turn() -> None:
    """Whatever request and token it comes in: so a client may send it again."""
    first, second = the_turn(), the_turn(requestId="r-2", headers={"authorization": "Bearer other"})

    assert (first.session_id, first.question_id, first.answer_id) == (
        second.session_id,
        second.question_id,
        second.answer_id,
    )


def test_another_message_session_or_person_is_another_turn() -> None:
    """None of them reads the other's answer."""
    turns = [
        the_turn(),
        the_turn(messages=[a_message(id="m-2")]),
        the_turn(id="chat-2"),
        turn_of(a_frame(), a_principal(), clock=utc_now),
    ]

    assert len({turn.answer_id for turn in turns}) == len(turns)
    assert len({turn.question_id for turn in turns}) == len(turns)


def test_a_uuid_names_the_session_itself() -> None:
    """A client's own name is the client's alone."""
    session_id = uuid4()

    assert session_of(str(session_id), PRINCIPAL) == session_of(str(session_id), a_principal()) == session_id
    assert session_of("chat-1", PRINCIPAL) != session_of("chat-1", a_principal())


@pytest.mark.parametrize("client_id", ["../x", "a b", "é", "a\x00", "{p0}", ":"])
def test_an_id_that_is_not_url_safe_is_refused(client_id: str) -> None:
    """Before it can touch a key or a path."""
    with pytest.raises(RequestError) as caught:
        the_turn(id=client_id)

    assert caught.value.code == "invalid_session_id"


async def test_a_question_is_published_and_remembered() -> None:
    """The stream has it, and a resume finds it before history does."""
    questions, asked, turn = MemoryQuestions(), MemoryOfAsked(), a_turn()

    await put(turn, questions, asked=asked, max_backlog=1)

    [event] = questions.published
    assert isinstance(event, QuestionAsked)
    assert event.turn == turn
    assert await asked.recall(turn.session_id, turn.principal.user_id) == turn.answer_id


async def test_a_full_stream_takes_no_question() -> None:
    """Nothing is accepted, and the refusal says when to come again."""
    questions, asked = MemoryQuestions(waiting=3), MemoryOfAsked()
    rates, places = MemoryRates(), MemoryPlaces()

    with pytest.raises(RequestError, match="in 5 seconds") as caught:
        await put(a_turn(), questions, asked=asked, admission=an_admission(rates, places), max_backlog=3)

    assert (caught.value.status, caught.value.retry_after_seconds) == (503, 5.0)
    assert not questions.published
    assert not asked.asked
    assert not places.held
    assert not rates.counted


class Forgetful(MemoryOfAsked):
    """A memory whose Redis has just gone."""

    async def remember(self, session_id: UUID, user_id: UUID, answer_id: UUID) -> None:
        raise TransientError("Redis does not answer")


async def test_a_published_question_counts_though_nobody_remembers_it() -> None:
    """To refuse it now would be a lie: it is on its way."""
    questions = MemoryQuestions()

    await put(a_turn(), questions, asked=Forgetful(), max_backlog=1)

    assert len(questions.published) == 1


async def test_whoever_asks_too_often_is_told_when_to_come_again() -> None:
    """Nothing is published, no place is taken, and what was refused is not counted."""
    questions, rates, places = MemoryQuestions(), MemoryRates(), MemoryPlaces()
    admission = an_admission(rates, places, user_questions_per_minute=1)
    await put(a_turn(principal=PRINCIPAL), questions, admission=admission)
    before = list(rates.counted)

    with pytest.raises(RateLimitedError, match=r"1 a minute .* in 3 seconds") as caught:
        await put(a_turn(principal=PRINCIPAL), questions, admission=admission)

    assert (caught.value.status, caught.value.retry_after_seconds) == (429, 3.0)
    assert len(questions.published) == len(places.held) == 1
    assert rates.counted == before


async def test_a_question_that_is_under_way_costs_nothing_when_it_is_sent_again() -> None:
    """However full the asker's places and however spent the asker's minute."""
    questions, rates, turn = MemoryQuestions(), MemoryRates(), a_turn()
    admission = an_admission(rates, user_questions_per_minute=1, user_turns=1)
    await put(turn, questions, admission=admission)
    before = list(rates.counted)

    await put(turn, questions, admission=admission)

    assert len(questions.published) == 2
    assert rates.counted == before


async def test_a_guest_has_fewer_answers_under_way_than_a_user() -> None:
    """One more is refused, and nobody else's are; one that ends makes room."""
    questions, guest = MemoryQuestions(), a_principal(is_guest=True)
    admission = an_admission(user_turns=2, guest_turns=1)
    turn = a_turn(principal=guest)
    await put(turn, questions, admission=admission)
    for _ in range(2):
        await put(a_turn(principal=PRINCIPAL), questions, admission=admission)

    for asker in (guest, PRINCIPAL):
        with pytest.raises(RequestError, match="under way") as caught:
            await put(a_turn(principal=asker), questions, admission=admission)
        assert (caught.value.code, caught.value.retry_after_seconds) == ("too_many_turns", 5.0)

    await admission.release(guest, turn.session_id, turn.answer_id)
    await put(a_turn(principal=guest), questions, admission=admission)
    assert len(questions.published) == 4


async def test_an_address_has_a_limit_of_its_own() -> None:
    """Guests cost nothing to make: those behind one address share it."""
    questions = MemoryQuestions()
    admission = an_admission(address_requests_per_minute=3)
    for _ in range(3):
        await put(a_turn(principal=a_principal(is_guest=True)), questions, admission=admission)

    with pytest.raises(RateLimitedError, match="from your network"):
        await put(a_turn(principal=a_principal(is_guest=True)), questions, admission=admission)
