"""Many at once: the order of a session is decided in one place, and nothing is lost or done twice."""

import asyncio
import hashlib
import itertools
import random
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from history_service.deletions import PostgresDeletions
from history_service.open_turn import open_turn
from history_service.outcomes import Accepted, Finished
from history_service.record_answer import record_answer
from history_service.turns import PostgresTurns
from libs.contracts.events import AnswerWritten, QuestionAsked, TurnEvent, TurnOpened
from tests.builders import a_principal, a_question, a_session_id, an_answer

_ANSWERS = """
    SELECT session_id, message_id, position, status, content, digest, opened_at, completed_at
    FROM chat_messages WHERE role = 'assistant' ORDER BY session_id, position
"""


def quick_questions(count: int, **given: Any) -> list[QuestionAsked]:
    """Several questions of one session."""
    same = {"session_id": a_session_id(), "principal": a_principal(), **given}
    return [a_question(question=f"Question {number}?", **same) for number in range(count)]


async def test_the_same_event_handled_twice_at_once_is_one_turn(pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """Both are told to open it; there is one question and one answer."""
    asked = a_question()

    results = await asyncio.gather(*(open_turn(asked, store=turns) for _ in range(8)))

    assert {type(result) for result in results} == {Accepted}
    assert await pool.fetchval("SELECT count(*) FROM chat_messages") == 2
    assert await pool.fetchval("SELECT count(*) FROM chat_sessions") == 1


async def test_one_question_sent_many_times_at_once_is_opened_once(turns: PostgresTurns) -> None:
    """Of many events with the same ids, one opens the turn."""
    turn = a_question().turn

    results = await asyncio.gather(*(open_turn(QuestionAsked(turn=turn), store=turns) for _ in range(8)))

    assert sorted(result is None for result in results) == [False] + [True] * 7


async def test_fifty_quick_messages_are_answered_one_by_one_in_order(pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """One is opened, the others wait; every end opens the next one, with all that was said before."""
    asked = quick_questions(50)
    results = await asyncio.gather(*(open_turn(question, store=turns) for question in asked))
    opened = [result.opens for result in results if isinstance(result, Accepted) and result.opens]
    assert len(opened) == 1
    in_order = [row["message_id"] for row in await pool.fetch(_ANSWERS)]
    assert len(in_order) == 50

    answered: list[UUID] = []
    event: TurnOpened | None = opened[0]
    while event is not None:
        assert await pool.fetchval("SELECT count(*) FROM chat_messages WHERE status = 'opened'") == 1
        assert len(event.history) == min(2 * len(answered), 20)
        answered.append(event.turn.answer_id)
        ended = await record_answer(an_answer(turn=event.turn), store=turns)
        event = ended.opens

    assert answered == in_order


async def test_sessions_do_not_wait_for_each_other(turns: PostgresTurns) -> None:
    """One user's sessions are opened side by side."""
    principal = a_principal()

    results = await asyncio.gather(*(open_turn(a_question(principal=principal), store=turns) for _ in range(20)))

    assert all(isinstance(result, Accepted) and result.opens for result in results)


class Streams:
    """At-least-once delivery of a bad sort: events come in any order, several at once, twice, or to workers that die.

    A worker that dies has committed, but what it decided is lost, and its event comes again.
    """

    def __init__(self, chance: random.Random, store: PostgresTurns) -> None:
        self.chance = chance
        self.store = store
        self.events: list[TurnEvent] = []
        self.written: dict[Any, set[str]] = {}
        self.opened: Counter[Any] = Counter()

    async def run(self) -> None:
        """Until nothing is left."""
        while self.events:
            self.chance.shuffle(self.events)
            batch, self.events = self.events[:6], self.events[6:]
            await asyncio.gather(*(self._deliver(event) for event in batch))

    async def _deliver(self, event: TurnEvent) -> None:
        decided = await self._handle(event)
        if self.chance.random() < 0.2:
            self.events.append(event)
            return
        if decided is not None and decided.opens is not None:
            self.opened[decided.opens.turn.answer_id] += 1
            self._answer(decided.opens)
        if self.chance.random() < 0.1:
            self.events.append(event)

    async def _handle(self, event: TurnEvent) -> Accepted | Finished | None:
        if isinstance(event, QuestionAsked):
            return await open_turn(event, store=self.store)
        assert isinstance(event, AnswerWritten)
        return await record_answer(event, store=self.store)

    def _answer(self, opened: TurnEvent) -> None:
        status, failure = self.chance.choice([("completed", None), ("cancelled", None), ("failed", "model_away")])
        text = f"{opened.turn.question} Answer {self.chance.random()}."
        self.written.setdefault(opened.turn.answer_id, set()).add(text)
        self.events.append(an_answer(text, turn=opened.turn, status=status, failure=failure))


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_is_lost_doubled_or_out_of_order(pool: asyncpg.Pool, turns: PostgresTurns, seed: int) -> None:
    """Whatever is delivered twice, late or to a worker that dies: every turn ends once, in its session's order."""
    chance = random.Random(seed)  # noqa: S311 - a dice, not a secret
    asked = [question for _ in range(4) for question in quick_questions(chance.randint(1, 12))]
    repeated = [QuestionAsked(turn=question.turn) for question in asked if chance.random() < 0.25]
    streams = Streams(chance, turns)
    streams.events = [*asked, *repeated]

    async with asyncio.timeout(60):
        await streams.run()

    answers = await pool.fetch(_ANSWERS)
    assert {answer["message_id"] for answer in answers} == {question.turn.answer_id for question in asked}
    assert set(streams.opened) == {question.turn.answer_id for question in asked}
    for answer in answers:
        assert answer["status"] in {"completed", "cancelled", "failed"}
        assert answer["content"] in streams.written[answer["message_id"]]
        assert answer["digest"] == hashlib.sha256(answer["content"].encode()).hexdigest()
    for earlier, later in itertools.pairwise(answers):
        if earlier["session_id"] == later["session_id"]:
            assert earlier["completed_at"] <= later["opened_at"]


async def test_the_database_itself_refuses_a_second_open_turn(pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """Were the code wrong, two answers of a session would still not be written at once."""
    for asked in quick_questions(2):
        await open_turn(asked, store=turns)

    with pytest.raises(asyncpg.UniqueViolationError, match="one_opened"):
        await pool.execute("UPDATE chat_messages SET status = 'opened', opened_at = now() WHERE status = 'queued'")


async def test_deleting_and_answering_at_once_is_safe(pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """Whoever comes first, the session is gone and nobody crashes."""
    deletions = PostgresDeletions(pool, undo_seconds=600.0)
    questions = [a_question() for _ in range(10)]
    for asked in questions:
        await open_turn(asked, store=turns)

    both = [
        work
        for asked in questions
        for work in (
            deletions.delete(asked.turn.session_id, asked.turn.principal.user_id, for_good=True),
            record_answer(an_answer(turn=asked.turn), store=turns),
        )
    ]
    await asyncio.gather(*both)

    assert await pool.fetchval("SELECT count(*) FROM chat_messages") == 0
