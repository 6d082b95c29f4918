"""The answer log on a real Valkey: written once, in order, by one writer; read without a gap by any number."""

import asyncio

import pytest
from redis.asyncio import Redis

from libs.answers.attempt import AttemptStopped
from libs.answers.cancel import cancel
from libs.answers.hops import announce
from libs.answers.names import LogName
from libs.contracts.events import AnswerWritten, TurnOpened
from libs.contracts.frames import Closed, Delta, Ended, Opened, PassagesFound, Started
from tests.builders import a_turn
from tests.integration.answers.builders import (
    KEY,
    Recorder,
    an_entry,
    end_answer,
    hop,
    parts,
    settle,
    text_of,
    write_all,
)
from tests.polling import eventually


async def test_every_reader_gets_every_frame_once_and_in_order(redis: Redis) -> None:
    """One that was there from the start, one that came in the middle, one that came after the end."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    words = [f"word{i} " for i in range(60)]
    early, middle, late = Recorder(), Recorder(), Recorder()
    async with parts(redis) as (writer, reader), asyncio.TaskGroup() as tasks:
        tasks.create_task(early.read(reader, log))
        entry = await an_entry(redis)
        async with writer.attempt(entry, turn, model="m") as attempt:
            for word in words[:30]:
                attempt.write(Delta(text=word))
                await asyncio.sleep(0.003)
            tasks.create_task(middle.read(reader, log))
            await write_all(redis, attempt, turn, entry, words[30:])
        await end_answer(redis, turn)
        await late.read(reader, log)

    for recorder in (early, middle, late):
        ids = [entry.id for entry in recorder.entries]
        assert ids == sorted(set(ids))
        assert text_of(recorder.entries) == "".join(words)
        assert recorder.kinds()[0] is Started
        assert recorder.kinds()[-2:] == [Closed, Ended]


@pytest.mark.parametrize("every", [1, 3])
async def test_a_reader_resumes_at_any_frame(redis: Redis, every: int) -> None:
    """From every k-th cursor, and from one that is foreign or of the future: nothing twice, nothing missing."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    async with parts(redis) as (writer, reader):
        entry = await an_entry(redis)
        async with writer.attempt(entry, turn, model="m") as attempt:
            await write_all(redis, attempt, turn, entry, list("abcdefgh"))
        await end_answer(redis, turn)
        whole = Recorder()
        await whole.read(reader, log)
        for at in whole.entries[:-1:every]:
            rest = Recorder()
            await rest.read(reader, log, after=at.id)
            assert rest.entries == [entry for entry in whole.entries if entry.id > at.id]


async def test_a_new_attempt_fences_the_old_one(redis: Redis) -> None:
    """The old writer's body is stopped, none of its later frames reaches the log, the reader ends with the new text."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    recorder = Recorder()
    async with parts(redis) as (writer, reader), asyncio.TaskGroup() as tasks:
        tasks.create_task(recorder.read(reader, log))
        old_entry, new_entry = await an_entry(redis, consumer="old"), await an_entry(redis, consumer="new")
        with pytest.raises(AttemptStopped) as stopped:  # noqa: PT012 - the body is what is stopped
            async with writer.attempt(old_entry, turn, model="old") as old:
                old.write(Delta(text="old text"))
                await eventually(lambda: redis.xlen(log.key))
                async with writer.attempt(new_entry, turn, model="new") as new:
                    old.write(Delta(text=" more"))
                    new.write(Delta(text="new text"))
                    await asyncio.sleep(5)
        assert stopped.value.reason == "superseded"
        assert await hop(redis, old_entry, old.finish(AnswerWritten(turn=turn, status="completed"))) == b"refused"
        assert await settle(redis, new_entry, new.finish(AnswerWritten(turn=turn, status="completed"))) == b"ok"
        await end_answer(redis, turn)
    assert text_of(recorder.entries) == "new text"
    assert " more" not in "".join(e.frame.text for e in recorder.entries if isinstance(e.frame, Delta))


async def test_only_the_worker_that_holds_the_entry_may_begin(redis: Redis) -> None:
    """A worker that was frozen while its entry moved on cannot fence the one that has it now."""
    turn = a_turn()
    async with parts(redis) as (writer, _):
        entry = await an_entry(redis)
        await redis.xack(KEY, "generation", entry.entry_id)
        with pytest.raises(AttemptStopped):
            async with writer.attempt(entry, turn, model="m"):
                pytest.fail("the body must not run")
    assert await redis.exists(LogName(0, turn.answer_id).key) == 0


async def test_a_cancel_stops_a_writer_whose_model_says_nothing(redis: Redis) -> None:
    """The body is left within moments although it never writes; later finishing says cancelled, and twice is once."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    async with parts(redis) as (writer, _):
        entry = await an_entry(redis)
        began = asyncio.Event()

        async def work() -> None:
            async with writer.attempt(entry, turn, model="m"):
                began.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(work())
        await began.wait()
        assert await cancel(redis, log)
        assert not await cancel(redis, log)
        with pytest.raises(AttemptStopped) as stopped:
            await asyncio.wait_for(task, 5)
    assert stopped.value.reason == "cancelled"


async def test_a_cancel_before_anything_happened_keeps_every_stage_from_starting(redis: Redis) -> None:
    """The turn goes to its record as cancelled, and no attempt begins."""
    turn = a_turn()
    await cancel(redis, LogName(0, turn.answer_id))
    entry = await an_entry(redis)
    opened = Opened(session_id=turn.session_id, question_id=turn.question_id)
    outcome = announce(turn, opened, then=TurnOpened(turn=turn))

    assert await hop(redis, entry, outcome) == b"final"
    frame = Closed(status="cancelled").model_dump_json().encode()
    instead = await outcome.step.refused([b"final", frame])

    assert instead is not None
    assert isinstance(instead.next, AnswerWritten)
    assert instead.next.status == "cancelled"
    async with parts(redis) as (writer, _):
        with pytest.raises(AttemptStopped):
            async with writer.attempt(entry, turn, model="m"):
                pytest.fail("the body must not run")


async def test_a_finished_answer_cannot_be_cancelled_and_ends_once(redis: Redis) -> None:
    """Exactly one of close and cancel wins, and a second end changes nothing."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    async with parts(redis) as (writer, _):
        entry = await an_entry(redis)
        async with writer.attempt(entry, turn, model="m") as attempt:
            await write_all(redis, attempt, turn, entry, ["done"])
    assert not await cancel(redis, log)
    await end_answer(redis, turn)
    length = await redis.xlen(log.key)
    await end_answer(redis, turn)
    assert await redis.xlen(log.key) == length
    assert 0 < await redis.pttl(log.key) <= 15 * 60_000


async def test_announcements_reach_readers_before_the_first_word(redis: Redis) -> None:
    """Opened and passages are in the log in order, each with the hop."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    opened = Opened(session_id=turn.session_id, question_id=turn.question_id)
    for frame in (opened, PassagesFound()):
        entry = await an_entry(redis)
        assert await hop(redis, entry, announce(turn, frame, then=None)) == b"ok"
        assert await hop(redis, entry, announce(turn, frame, then=None)) == b"gone"
    await end_answer(redis, turn)
    recorder = Recorder()
    async with parts(redis) as (_, reader):
        await recorder.read(reader, log)
    assert recorder.kinds() == [Opened, PassagesFound, Ended]
