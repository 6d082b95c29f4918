"""The answer log on a real Valkey: written once, in order, by one writer; read without a gap by any number."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.answers.attempt import Attempt, AttemptStopped
from libs.answers.cancel import cancel
from libs.answers.hops import announce, end
from libs.answers.names import BEGINNING, CLOSE_SEQ, END_SEQ, FrameId, LogName
from libs.answers.reader import AnswerReader, LogEntry
from libs.answers.writer import AnswerWriter
from libs.bus.entry import Entry, stream_key
from libs.bus.outcome import Outcome
from libs.contracts.events import AnswerWritten, ContextRetrieved, TurnOpened
from libs.contracts.frames import Closed, Delta, Ended, Frame, Opened, PassagesFound, Started
from libs.contracts.values import Turn
from tests.builders import a_turn
from tests.polling import eventually

KEY = stream_key(ContextRetrieved.stream, 0)
DIGEST = "0" * 64


async def an_entry(redis: Redis, *, consumer: str = "me") -> Entry:
    """An entry that this consumer holds."""
    await redis.xadd(KEY, {"event": "{}"})
    if not await redis.xinfo_groups(KEY):
        await redis.xgroup_create(KEY, "generation", id="0")
    [[_, [(entry_id, _)]]] = (await _read(redis, consumer)).items()
    return Entry(KEY, "generation", consumer, entry_id.decode(), 0, 0, 3, "", b"{}")


async def _read(redis: Redis, consumer: str) -> dict[Any, Any]:
    found: Any = await redis.xreadgroup("generation", consumer, {KEY: ">"}, count=1)
    return {key: value[0] if isinstance(value[0], list) else value for key, value in dict(found).items()}


async def hop(redis: Redis, entry: Entry, outcome: Outcome) -> bytes:
    """What the bus does with an outcome, once."""
    step = outcome.step
    reply = await step.script.run(
        redis,
        [entry.key, stream_key("chat.next.v1", 0), *step.keys(0)],
        [entry.group, entry.entry_id, 0, *step.args(0)],
    )
    word: bytes = reply[0]
    return word


def text_of(entries: list[LogEntry]) -> str:
    """What a client shows: the text of the last attempt."""
    text = ""
    for entry in entries:
        if isinstance(entry.frame, Started):
            text = ""
        elif isinstance(entry.frame, Delta):
            text += entry.frame.text
    return text


class Recorder:
    """A client that remembers what it was given."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []

    async def read(self, reader: AnswerReader, log: LogName, after: FrameId = BEGINNING) -> None:
        async with reader.read(log, after=after) as reading:
            async for batch in reading.batches():
                self.entries.extend(batch)

    def kinds(self) -> list[type[Frame]]:
        return [type(entry.frame) for entry in self.entries]


@asynccontextmanager
async def parts(redis: Redis) -> AsyncIterator[tuple[AnswerWriter, AnswerReader]]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(AnswerWriter(redis)), await stack.enter_async_context(AnswerReader(redis))


async def write_all(redis: Redis, attempt: Attempt, turn: Turn, entry: Entry, words: list[str]) -> None:
    for word in words:
        attempt.write(Delta(text=word))
        await asyncio.sleep(0.003)
    assert await hop(redis, entry, attempt.finish(AnswerWritten(turn=turn, status="completed"))) == b"ok"


async def end_answer(redis: Redis, turn: Turn) -> None:
    entry = await an_entry(redis)
    assert await hop(redis, entry, end(turn, Ended(status="completed", digest=DIGEST))) == b"ok"


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
        assert await hop(redis, new_entry, new.finish(AnswerWritten(turn=turn, status="completed"))) == b"ok"
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


async def test_an_append_whose_answer_was_lost_is_not_written_twice(redis: Redis) -> None:
    """The log has frames the writer does not know it has: it goes on behind them."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    async with parts(redis) as (writer, reader):
        entry = await an_entry(redis)
        async with writer.attempt(entry, turn, model="m") as attempt:
            attempt.write(Delta(text="one "))
            await eventually(lambda: _length_is(redis, log, 2))
            attempt.confirm(-1)
            await write_all(redis, attempt, turn, entry, ["two"])
        await end_answer(redis, turn)
        recorder = Recorder()
        await recorder.read(reader, log)
    assert text_of(recorder.entries) == "one two"


async def test_a_redis_that_forgot_the_last_moments_is_told_again(redis: Redis) -> None:
    """After a rollback of the log the writer writes the same frames under the same ids."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    recorder = Recorder()
    async with parts(redis) as (writer, reader), asyncio.TaskGroup() as tasks:
        tasks.create_task(recorder.read(reader, log))
        entry = await an_entry(redis)
        async with writer.attempt(entry, turn, model="m") as attempt:
            attempt.write(Delta(text="kept "))
            await eventually(lambda: _length_is(redis, log, 2))
            snapshot: Any = await redis.dump(log.key)
            attempt.write(Delta(text="forgotten "))
            await eventually(lambda: _length_is(redis, log, 3))
            await redis.restore(log.key, 0, snapshot, replace=True)
            await write_all(redis, attempt, turn, entry, ["end"])
        await end_answer(redis, turn)
    assert text_of(recorder.entries) == "kept forgotten end"
    stored: Any = await redis.xrange(log.key)
    assert len(stored) == len({entry_id for entry_id, _ in stored})
    again = Recorder()
    async with parts(redis) as (_, reader):
        await again.read(reader, log)
    assert text_of(again.entries) == "kept forgotten end"


async def test_a_reader_survives_the_loss_of_its_connection(redis: Redis) -> None:
    """The subscriber connection is killed again and again; every frame still arrives once."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    recorder = Recorder()
    words = [f"{i} " for i in range(80)]
    async with parts(redis) as (writer, reader), asyncio.TaskGroup() as tasks:
        tasks.create_task(recorder.read(reader, log))
        entry = await an_entry(redis)
        async with writer.attempt(entry, turn, model="m") as attempt:
            for i, word in enumerate(words):
                attempt.write(Delta(text=word))
                if i % 20 == 10:
                    await redis.client_kill_filter(_type="pubsub")
                await asyncio.sleep(0.005)
            await write_all(redis, attempt, turn, entry, [])
        await end_answer(redis, turn)
    assert text_of(recorder.entries) == "".join(words)


async def test_a_lost_message_is_found_in_the_log(redis: Redis) -> None:
    """A frame that was appended but never published is read at the gap, and a silent tail after a second."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    recorder = Recorder()

    async def unheard(frame: Frame, frame_id: FrameId) -> None:
        await redis.xadd(log.key, {"f": frame.model_dump_json(), "s": "completed"}, id=str(frame_id))

    async with parts(redis) as (_, reader), asyncio.TaskGroup() as tasks:
        tasks.create_task(recorder.read(reader, log))
        await unheard(Started(model="m"), FrameId(7, 0))

        async def started() -> bool:
            return len(recorder.entries) == 1

        await eventually(started)
        await unheard(Delta(text="silent "), FrameId(7, 1))
        await unheard(Delta(text="heard "), FrameId(7, 2))
        await redis.publish(log.channel, b"7-2|" + Delta(text="heard ").model_dump_json().encode())

        async def caught_up() -> bool:
            return text_of(recorder.entries) == "silent heard "

        await eventually(caught_up)
        await unheard(Closed(status="completed", frames=3), FrameId(7, CLOSE_SEQ))
        await unheard(Ended(status="completed", digest=DIGEST), FrameId(7, END_SEQ))
    assert recorder.kinds() == [Started, Delta, Delta, Closed, Ended]


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


async def _length_is(redis: Redis, log: LogName, length: int) -> bool:
    return await redis.xlen(log.key) == length
