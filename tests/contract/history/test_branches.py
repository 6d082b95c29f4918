"""One suite for the twin and for Postgres: where questions go that are asked at a place which has one already."""

import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest

from history_service.branches import PostgresBranches
from history_service.memory import MemoryTurns
from history_service.messages import PostgresMessages
from history_service.past import PastLimits
from history_service.ports import AskedBefore, StoredTurn, TooManySiblings, TurnStore
from history_service.text import digest_of
from history_service.tree import SIBLINGS_MAX
from history_service.turns import PostgresTurns
from libs.contracts.values import Turn
from tests.builders import a_turn, an_answer
from tests.unit.history.test_tree import Plain

PAST = PastLimits(turns=20, characters=10_000)


class Stored(NamedTuple):
    """A store, how its owner shows another branch, and the answers of the one that is shown."""

    turns: TurnStore
    show: Callable[[Turn], Awaitable[object]]
    path: Callable[[Turn], Awaitable[list[UUID]]]


@pytest.fixture(params=["memory", "postgres"])
def stored(request: pytest.FixtureRequest) -> Stored:
    if request.param == "postgres":
        # Asked for here, as emptying a database takes longer than a twin's whole test.
        pool: asyncpg.Pool = request.getfixturevalue("pool")
        branches, messages = PostgresBranches(pool, reader=pool), PostgresMessages(pool, reader=pool)

        async def read(turn: Turn) -> list[UUID]:
            rows = await messages.list(turn.session_id, turn.principal.user_id, order="oldest", after=None, limit=200)
            return [row["message_id"] for row in rows or [] if row["role"] == "assistant"]

        return Stored(
            PostgresTurns(pool, past=PAST),
            lambda turn: branches.show(turn.session_id, turn.principal.user_id, turn.answer_id),
            read,
        )
    memory = MemoryTurns(past=PAST)

    async def show(turn: Turn) -> None:
        memory.show(turn.session_id, turn.answer_id)

    async def path(turn: Turn) -> list[UUID]:
        return memory.path(turn.session_id)

    return Stored(memory, show, path)


async def asked(stored: Stored, turn: Turn) -> list[str]:
    """The turn is asked and answered; what its model is told was said before."""
    result = await stored.turns.open(turn, event_id=uuid4(), title="A title")
    assert isinstance(result, StoredTurn)
    answer = an_answer(f"To {turn.question}", turn=turn)
    assert await stored.turns.record(answer, digest=digest_of(answer.text)) is not None
    return [message.text for message in result.history if message.role == "user"]


def following(turn: Turn, question: str, **given: object) -> Turn:
    return a_turn(session_id=turn.session_id, principal=turn.principal, question=question, **given)


@pytest.fixture
async def talk(stored: Stored) -> list[Turn]:
    """Three turns, one after the other."""
    first = a_turn(question="1", client_message_id="m-1")
    turns = [first, following(first, "2", client_message_id="m-2"), following(first, "3", client_message_id="m-3")]
    for turn in turns:
        await asked(stored, turn)
    return turns


async def test_a_question_is_asked_once_more(stored: Stored, talk: list[Turn]) -> None:
    """It follows what the first one followed, knows nothing of it, and is what is shown; what came after it is not."""
    again = following(talk[0], "2", replaces=str(talk[1].answer_id))

    assert await asked(stored, again) == ["1"]
    assert await stored.path(again) == [talk[0].answer_id, again.answer_id]
    assert await asked(stored, following(again, "4")) == ["1", "2"]


@pytest.mark.parametrize("named", ["question", "answer", "client"])
async def test_the_first_question_is_edited(stored: Stored, talk: list[Turn], named: str) -> None:
    """By whichever of its messages it is named; the session begins anew."""
    names = {"question": str(talk[0].question_id), "answer": str(talk[0].answer_id), "client": "m-1"}
    edit = following(talk[0], "1b", replaces=names[named])

    assert await asked(stored, edit) == []
    assert await stored.path(edit) == [edit.answer_id]


async def test_a_branch_that_is_shown_again_goes_on(stored: Stored, talk: list[Turn]) -> None:
    """The next question follows its end and knows what was said on it, and nothing else."""
    edit = following(talk[0], "2b", replaces="m-2")
    await asked(stored, edit)

    await stored.show(talk[1])

    assert await stored.path(edit) == [turn.answer_id for turn in talk]
    below = following(edit, "4")
    assert await asked(stored, below) == ["1", "2", "3"]
    assert await stored.path(edit) == [*(turn.answer_id for turn in talk), below.answer_id]


async def test_who_looks_at_another_branch_goes_on_there(stored: Stored, talk: list[Turn]) -> None:
    """From a tab that has not heard of the latest branch, or has not seen the latest turn of its own."""
    edit = following(talk[0], "2b", replaces="m-2")
    await asked(stored, edit)

    assert await asked(stored, following(edit, "4", seen=talk[1].answer_id)) == ["1", "2", "3"]
    assert await asked(stored, following(edit, "5", seen=talk[0].answer_id)) == ["1", "2", "3", "4"]


async def test_what_is_named_and_not_there_changes_nothing(stored: Stored, talk: list[Turn]) -> None:
    """Such as a message of another session: the question goes where any would."""
    elsewhere = a_turn(client_message_id="m-9")
    await asked(stored, elsewhere)
    turn = following(talk[0], "4", replaces=str(elsewhere.question_id), seen=elsewhere.answer_id)

    assert await asked(stored, turn) == ["1", "2", "3"]


async def test_an_edit_comes_twice(stored: Stored, talk: list[Turn]) -> None:
    """It is one turn at one place, whatever was asked in between."""
    edit = following(talk[0], "2b", replaces="m-2")
    await asked(stored, edit)
    later = following(talk[0], "3b")
    await asked(stored, later)

    again = await stored.turns.open(edit, event_id=uuid4(), title="A title")

    assert isinstance(again, StoredTurn)
    assert again.status == "completed"
    assert await stored.path(edit) == [talk[0].answer_id, edit.answer_id, later.answer_id]


async def test_the_same_words_in_place_are_the_question_itself(stored: Stored, talk: list[Turn]) -> None:
    """Sent again under its own id it is led to its answer, which is shown; other words are another question."""
    edit = following(talk[0], "2b", replaces="m-2", in_place=True, client_message_id="m-2/b")
    assert await asked(stored, edit) == ["1"]

    repeated = following(talk[0], "2", replaces="m-2", in_place=True, client_message_id="m-2/a")
    assert await stored.turns.open(repeated, event_id=uuid4(), title="A title") == AskedBefore(talk[1].answer_id)
    assert await stored.path(edit) == [turn.answer_id for turn in talk]
    assert isinstance(await stored.turns.open(edit, event_id=uuid4(), title="A title"), StoredTurn)


async def test_a_question_is_known_by_our_id_too(stored: Stored, talk: list[Turn]) -> None:
    """A page that was loaded again knows no other, and sends it again when it has lost the answer."""
    again = following(talk[0], "2", client_message_id=str(talk[1].question_id))

    assert await stored.turns.open(again, event_id=uuid4(), title="A title") == AskedBefore(talk[1].answer_id)
    assert await stored.path(again) == [turn.answer_id for turn in talk]


async def test_an_edit_overtakes_its_question(stored: Stored, talk: list[Turn]) -> None:
    """What was never stored before is that question; the first frame, late on its way, is led to it."""
    early = following(talk[0], "4", replaces="m-4", in_place=True, client_message_id="m-4/a")
    assert await asked(stored, early) == ["1", "2", "3"]

    late = following(talk[0], "4", client_message_id="m-4")

    assert await stored.turns.open(late, event_id=uuid4(), title="A title") == AskedBefore(early.answer_id)


async def test_a_turn_at_another_place_waits_like_any(stored: Stored, talk: list[Turn]) -> None:
    """One answer at a time, in the order in which they were asked, whatever their branches."""
    open_now, waits = following(talk[0], "2b", replaces="m-2"), following(talk[0], "2c", replaces="m-2")
    event_id = uuid4()
    await stored.turns.open(open_now, event_id=event_id, title="")
    queued = await stored.turns.open(waits, event_id=uuid4(), title="")
    assert isinstance(queued, StoredTurn)
    assert queued.status == "queued"

    recorded = await stored.turns.record(an_answer(turn=open_now), digest=digest_of(""))

    assert recorded is not None
    assert recorded.opens is not None
    assert recorded.opens.turn.answer_id == waits.answer_id
    assert [message.text for message in recorded.opens.history] == ["1", "To 1"]


async def test_a_place_has_room_for_so_many(stored: Stored) -> None:
    """One more is refused and stores nothing; those that are there can be sent again."""
    first = a_turn(question="1")
    siblings = [first, *(following(first, "1", replaces=str(first.answer_id)) for _ in range(SIBLINGS_MAX - 1))]
    for turn in siblings:
        await asked(stored, turn)
    over = following(first, "1", replaces=str(first.answer_id))

    assert await stored.turns.open(over, event_id=uuid4(), title="") == TooManySiblings()
    assert isinstance(await stored.turns.open(siblings[-1], event_id=uuid4(), title=""), StoredTurn)
    assert await stored.turns.record(an_answer(turn=over), digest=digest_of("")) is None


@pytest.mark.parametrize("seed", range(2))
async def test_a_random_walk(stored: Stored, seed: int) -> None:
    """Asked, edited, asked from an old tab and switched at random: path and past are those of a plain tree."""
    rng = random.Random(seed)  # noqa: S311 - to be repeated
    plain, turns = Plain(), [a_turn(question="0")]
    assert await asked(stored, turns[0]) == []
    plain.add(None)
    for step in range(1, 25):
        chosen = rng.randrange(len(turns))
        kind = rng.choice(["ask", "again", "ask below", "switch"])
        if kind == "switch":
            await stored.show(turns[chosen])
            if chosen not in plain.path(plain.leaf):
                plain.leaf = plain.latest_below(chosen)
        else:
            replaced, seen = (chosen if kind == "again" else None), (chosen if kind == "ask below" else None)
            parent = plain.parent_of_next(replaced, seen)
            turn = following(
                turns[0],
                f"{step}",
                replaces=None if replaced is None else str(turns[replaced].answer_id),
                seen=None if seen is None else turns[seen].answer_id,
            )
            past = await asked(stored, turn)
            plain.add(parent)
            turns.append(turn)
            assert past == [turns[before].question for before in plain.path(parent)]
        assert await stored.path(turns[0]) == [turns[number].answer_id for number in plain.path(plain.leaf)]
