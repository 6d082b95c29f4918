"""One suite for the twin and for Postgres: what every store of turns promises."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest

from history_service.deletions import PostgresDeletions
from history_service.memory import MemoryTurns
from history_service.past import PastLimits
from history_service.ports import StoredTurn, TurnStore
from history_service.text import digest_of
from history_service.turns import PostgresTurns
from libs.contracts.values import PastMessage, Turn
from tests.builders import a_principal, a_turn, an_answer

PAST = PastLimits(turns=2, characters=200)


class Stored(NamedTuple):
    """A store, and how its sessions are deleted."""

    turns: TurnStore
    delete: Callable[[Turn], Awaitable[object]]


@pytest.fixture(params=["memory", "postgres"])
async def stored(request: pytest.FixtureRequest, pool: asyncpg.Pool) -> Stored:
    if request.param == "postgres":
        deletions = PostgresDeletions(pool, undo_seconds=600.0)
        return Stored(
            PostgresTurns(pool, past=PAST), lambda turn: deletions.delete(turn.session_id, turn.principal.user_id)
        )
    memory = MemoryTurns(past=PAST)

    async def delete(turn: Turn) -> None:
        memory.delete(turn.session_id)

    return Stored(memory, delete)


@pytest.fixture
def store(stored: Stored) -> TurnStore:
    return stored.turns


async def opened(store: TurnStore, turn: Turn, event_id: UUID | None = None) -> StoredTurn:
    result = await store.open(turn, event_id=event_id or uuid4(), title="A title")
    assert isinstance(result, StoredTurn)
    return result


async def ended(store: TurnStore, turn: Turn, text: str = "Ten seconds.", **given: object) -> None:
    assert await store.record(an_answer(text, turn=turn, **given), digest=digest_of(text)) is not None


def next_turn(turn: Turn, **given: object) -> Turn:
    return a_turn(session_id=turn.session_id, principal=turn.principal, **given)


async def test_the_first_turn_is_opened(store: TurnStore) -> None:
    """A new session's turn is opened by the event that asked it, with nothing to remember."""
    event_id = uuid4()

    result = await opened(store, a_turn(), event_id)

    assert result == StoredTurn("opened", event_id, event_id)


async def test_a_turn_behind_an_unfinished_one_is_queued(store: TurnStore) -> None:
    """A session has one open turn; the others wait."""
    first = a_turn()
    await opened(store, first)
    event_id = uuid4()

    result = await opened(store, next_turn(first), event_id)

    assert result == StoredTurn("queued", event_id, None)


async def test_a_turn_after_an_ended_one_is_opened_with_it(store: TurnStore) -> None:
    """A follow-up carries what was said before, oldest first."""
    first = a_turn(question="How long?")
    await opened(store, first)
    await ended(store, first, "Ten seconds.")

    result = await opened(store, next_turn(first))

    assert result.status == "opened"
    assert result.history == (
        PastMessage(role="user", text="How long?"),
        PastMessage(role="assistant", text="Ten seconds."),
    )


async def test_what_failed_or_said_nothing_is_not_remembered(store: TurnStore) -> None:
    """A cancelled answer with text is part of the past; a failed one and an empty one are not."""
    turn = a_turn(question="1")
    endings = [
        ("completed", "a", None),
        ("failed", "b", "model_away"),
        ("cancelled", "", None),
        ("cancelled", "d", None),
    ]
    for number, (status, text, failure) in enumerate(endings, 1):
        turn = next_turn(turn, question=str(number))
        await opened(store, turn)
        await ended(store, turn, text, status=status, failure=failure)

    result = await opened(store, next_turn(turn))

    assert [message.text for message in result.history] == ["1", "a", "4", "d"]


async def test_the_past_is_bounded(store: TurnStore) -> None:
    """No more than the latest turns that the limits allow."""
    turn = a_turn()
    for number in range(3):
        turn = next_turn(turn, question=f"q{number}")
        await opened(store, turn)
        await ended(store, turn, f"a{number}")

    result = await opened(store, next_turn(turn))

    assert [message.text for message in result.history] == ["q1", "a1", "q2", "a2"]


async def test_the_same_event_again_finds_the_same_turn(store: TurnStore) -> None:
    """A redelivered question stores nothing and is told what the first delivery was told."""
    first = a_turn(question="How long?")
    await opened(store, first)
    await ended(store, first)
    second, event_id = next_turn(first), uuid4()
    once = await opened(store, second, event_id)

    again = await opened(store, second, event_id)

    assert again == once
    assert again.history


async def test_another_event_with_the_same_question_is_told_who_came_first(store: TurnStore) -> None:
    """A client that sends twice gets the first one's turn."""
    turn, first_event = a_turn(), uuid4()
    await opened(store, turn, first_event)

    result = await opened(store, turn, uuid4())

    assert result == StoredTurn("opened", first_event, first_event)


async def test_an_ended_turn_says_how_it_ended(store: TurnStore) -> None:
    """Whoever asks again can be told the stored end, to the letter."""
    turn, event_id = a_turn(), uuid4()
    await opened(store, turn, event_id)
    answer = an_answer("Half an", turn=turn, status="failed", failure="model_away", model="m-1")
    recorded = await store.record(answer, digest=digest_of(answer.text))

    result = await opened(store, turn, event_id)

    assert recorded is not None
    assert result.ended == recorded.ended
    assert (recorded.ended.status, recorded.ended.failure, recorded.ended.model) == ("failed", "model_away", "m-1")
    assert recorded.ended.digest == digest_of("Half an")


async def test_somebody_elses_session_is_not_there(store: TurnStore) -> None:
    """A stranger's turn is refused, and the owner's is not disturbed by it."""
    turn = a_turn()
    await opened(store, turn)

    refused = await store.open(
        a_turn(session_id=turn.session_id, principal=a_principal()), event_id=uuid4(), title="Mine now"
    )

    assert refused is None
    recorded = await store.record(an_answer(turn=turn), digest=digest_of(""))
    assert recorded is not None
    assert recorded.opens is None


async def test_a_deleted_session_stays_deleted(stored: Stored) -> None:
    """Neither a new question nor a late answer brings it back."""
    turn = a_turn()
    await opened(stored.turns, turn)
    await stored.delete(turn)

    assert await stored.turns.open(next_turn(turn), event_id=uuid4(), title="Again") is None
    assert await stored.turns.record(an_answer(turn=turn), digest=digest_of("")) is None


async def test_the_first_end_counts(store: TurnStore) -> None:
    """A second end changes nothing and is told the first."""
    turn = a_turn()
    await opened(store, turn)
    first = await store.record(an_answer("One", turn=turn), digest=digest_of("One"))

    second = await store.record(an_answer("Two", turn=turn, status="cancelled"), digest=digest_of("Two"))

    assert first is not None
    assert second is not None
    assert (first.is_first, second.is_first) == (True, False)
    assert second.ended == first.ended


async def test_an_end_opens_the_next_turn_in_order(store: TurnStore) -> None:
    """The turn that was asked first is next, with the turn before in its past."""
    first = a_turn(question="1")
    second, third = next_turn(first, question="2"), next_turn(first, question="3")
    for turn in (first, second, third):
        await opened(store, turn)

    recorded = await store.record(an_answer("one", turn=first), digest=digest_of("one"))

    assert recorded is not None
    assert recorded.opens is not None
    assert recorded.opens.turn == second
    assert [message.text for message in recorded.opens.history] == ["1", "one"]
    third_now = await opened(store, third)
    assert third_now.status == "queued"


async def test_the_same_end_again_opens_the_same_turn_again(store: TurnStore) -> None:
    """A worker that died between commit and hop has lost nothing; another event opens nothing twice."""
    first = a_turn()
    second = next_turn(first)
    await opened(store, first)
    await opened(store, second)
    written = an_answer(turn=first)
    once = await store.record(written, digest=digest_of(written.text))

    again = await store.record(written, digest=digest_of(written.text))
    other = await store.record(an_answer(turn=first), digest=digest_of(written.text))

    assert once is not None
    assert again is not None
    assert other is not None
    assert again.opens == once.opens
    assert once.opens is not None
    assert other.opens is None


async def test_a_queued_turn_can_end_where_it_waits(store: TurnStore) -> None:
    """A turn that was cancelled or given up in the queue ends without disturbing the one that is open."""
    first = a_turn()
    second, third = next_turn(first), next_turn(first)
    for turn in (first, second, third):
        await opened(store, turn)

    waiting = await store.record(an_answer("", turn=second, status="cancelled"), digest=digest_of(""))
    recorded = await store.record(an_answer(turn=first), digest=digest_of(""))

    assert waiting is not None
    assert waiting.opens is None
    assert recorded is not None
    assert recorded.opens is not None
    assert recorded.opens.turn == third


async def test_an_answer_nobody_asked_for_is_not_stored(store: TurnStore) -> None:
    """There is nothing to end."""
    turn = a_turn()
    await opened(store, turn)

    assert await store.record(an_answer(turn=next_turn(turn)), digest=digest_of("")) is None
    assert await store.record(an_answer(), digest=digest_of("")) is None
