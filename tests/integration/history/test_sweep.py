"""Turns that stand still are opened again, and only those."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from history_service.open_turn import open_turn
from history_service.outcomes import Accepted
from history_service.queues import RedisTurnQueues
from history_service.record_answer import record_answer
from history_service.sweep import Patience, sweep
from history_service.turns import PostgresTurns
from history_service.unfinished import PostgresUnfinishedTurns
from libs.bus.entry import stream_key
from libs.clock import utc_now
from libs.contracts.events import AnswerWritten, Event, QuestionAsked, TurnOpened
from libs.errors import TransientError
from tests.builders import a_question, an_answer

PATIENCE = Patience(silent_seconds=30, max_reopenings=2)


class Surroundings:
    """Logs and streams as a test wants them, and what was published."""

    def __init__(self) -> None:
        self.moved = utc_now() - timedelta(hours=1)
        self.oldest: datetime | None = None
        self.published: list[Event] = []
        self.is_away = False

    async def last_moved(self, answers: Sequence[tuple[UUID, UUID]]) -> dict[UUID, datetime]:
        return {answer_id: self.moved for _, answer_id in answers}

    async def oldest_entry(self, session_id: UUID) -> datetime | None:
        return self.oldest

    async def publish(self, event: Event) -> None:
        if self.is_away:
            raise TransientError("Redis does not answer")
        self.published.append(event)


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@pytest.fixture
def unfinished(pool: asyncpg.Pool, turns: PostgresTurns) -> PostgresUnfinishedTurns:
    return PostgresUnfinishedTurns(pool, turns)


async def swept(unfinished: PostgresUnfinishedTurns, around: Surroundings) -> list[Event]:
    """What one sweep published."""
    around.published = []
    await sweep(turns=unfinished, logs=around, queues=around, publish=around.publish, patience=PATIENCE, clock=utc_now)
    return around.published


async def an_old_turn(pool: asyncpg.Pool, turns: PostgresTurns) -> QuestionAsked:
    """A turn that was opened an hour ago."""
    asked = a_question()
    await open_turn(asked, store=turns)
    await grow_old(pool)
    return asked


async def grow_old(pool: asyncpg.Pool) -> None:
    await pool.execute("UPDATE chat_messages SET opened_at = opened_at - interval '1 hour'")


async def test_a_turn_that_stands_still_is_opened_again_once(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """With its whole turn; and then it has its time again."""
    asked = await an_old_turn(pool, turns)

    [event] = await swept(unfinished, around)

    assert isinstance(event, TurnOpened)
    assert event.turn == asked.turn
    assert await swept(unfinished, around) == []


async def test_a_turn_opened_again_carries_the_past(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """As its first event did, with the asker's groups."""
    first = a_question()
    second = a_question(
        session_id=first.turn.session_id,
        principal=first.turn.principal.model_copy(update={"groups": ("editors",), "is_guest": True}),
    )
    await open_turn(first, store=turns)
    await record_answer(an_answer("Ten.", turn=first.turn), store=turns)
    await open_turn(second, store=turns)
    await grow_old(pool)

    [event] = await swept(unfinished, around)

    assert isinstance(event, TurnOpened)
    assert event.turn == second.turn
    assert [message.text for message in event.history] == [first.turn.question, "Ten."]


async def test_young_turns_and_moving_logs_are_left_alone(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """A long answer is no lost one."""
    await an_old_turn(pool, turns)
    around.moved = utc_now()
    await open_turn(a_question(), store=turns)

    assert await swept(unfinished, around) == []


async def test_a_backlog_is_not_made_longer(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """While entries as old as the turn wait, it waits among them; once they are younger, it was lost."""
    await an_old_turn(pool, turns)
    around.oldest = utc_now() - timedelta(hours=1)
    assert await swept(unfinished, around) == []

    around.oldest = utc_now() - timedelta(minutes=1)

    assert len(await swept(unfinished, around)) == 1


async def test_a_turn_that_cannot_be_answered_is_given_up(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """After so many times it ends as failed, by the event that ends any answer, and the next turn is opened."""
    asked = await an_old_turn(pool, turns)
    follow_up = a_question(session_id=asked.turn.session_id, principal=asked.turn.principal)
    await open_turn(follow_up, store=turns)
    for _ in range(PATIENCE.max_reopenings):
        [event] = await swept(unfinished, around)
        assert isinstance(event, TurnOpened)
        await grow_old(pool)

    [event] = await swept(unfinished, around)

    assert isinstance(event, AnswerWritten)
    assert (event.status, event.failure) == ("failed", "lost")
    ended = await record_answer(event, store=turns)
    assert ended.ended.failure == "lost"
    assert ended.opens is not None
    assert ended.opens.turn == follow_up.turn


async def test_a_turn_that_waits_for_nothing_is_opened(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """A queue whose head went away moves on by itself, one turn at a time; nobody jumps it meanwhile."""
    first = a_question()
    same = {"session_id": first.turn.session_id, "principal": first.turn.principal}
    second, third = a_question(**same), a_question(**same)
    for asked in (first, second, third):
        await open_turn(asked, store=turns)
    await pool.execute("DELETE FROM chat_messages WHERE message_id = $1", first.turn.answer_id)

    late = a_question(**same)

    assert await open_turn(late, store=turns) == Accepted(late.turn, queued=True)
    events = await swept(unfinished, around)

    assert [event.turn for event in events if isinstance(event, TurnOpened)] == [second.turn]


async def test_one_process_sweeps_at_a_time(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """The others do nothing, and the next one may when it is done."""
    await an_old_turn(pool, turns)

    async with unfinished.alone() as alone:
        assert alone
        assert await swept(unfinished, around) == []

    assert len(await swept(unfinished, around)) == 1


async def test_a_turn_that_ends_meanwhile_is_not_opened(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns
) -> None:
    """Between looking and opening an answer may arrive."""
    asked = await an_old_turn(pool, turns)
    [old] = await unfinished.opened_before(seconds=30, limit=10)
    await record_answer(an_answer(turn=asked.turn), store=turns)

    assert await unfinished.reopen(old) is None


async def test_a_turn_is_opened_again_by_one_of_two(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns
) -> None:
    """Should two sweep after all, one opens it."""
    await an_old_turn(pool, turns)
    [old] = await unfinished.opened_before(seconds=30, limit=10)

    assert await unfinished.reopen(old) is not None
    assert await unfinished.reopen(old) is None


async def test_a_redelivered_question_leaves_the_sweepers_attempt_alone(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """A question whose first worker died, and which was opened again meanwhile, is not opened a third time."""
    asked = await an_old_turn(pool, turns)
    await swept(unfinished, around)

    assert await open_turn(asked, store=turns) is None


async def test_what_could_not_be_published_is_found_again(
    pool: asyncpg.Pool, turns: PostgresTurns, unfinished: PostgresUnfinishedTurns, around: Surroundings
) -> None:
    """Redis away: the turn stays in Postgres for a later sweep."""
    await an_old_turn(pool, turns)
    around.is_away = True
    with pytest.raises(TransientError):
        await swept(unfinished, around)

    around.is_away = False
    await grow_old(pool)

    assert len(await swept(unfinished, around)) == 1


async def test_the_oldest_entry_of_all_streams_counts(redis: Redis) -> None:
    """Wherever a turn may be on its way; asked elsewhere are not counted, they are not opened yet."""
    asked = a_question()
    queues = RedisTurnQueues(redis, partitions=1)
    assert await queues.oldest_entry(asked.turn.session_id) is None
    await redis.xadd(stream_key("chat.asked.v1", 0), {"event": ""}, id="1000-0")
    await redis.xadd(stream_key("chat.retrieved.v1", 0), {"event": ""}, id="5000-1")
    await redis.xadd(stream_key("chat.opened.v1", 0), {"event": ""}, id="7000-0")

    oldest = await queues.oldest_entry(asked.turn.session_id)

    assert oldest is not None
    assert oldest.timestamp() == 5.0
