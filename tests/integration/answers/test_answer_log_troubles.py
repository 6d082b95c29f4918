"""The answer log on a real Valkey that loses replies, moments, connections and messages."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import structlog
from redis.asyncio import Redis

from libs.answers.names import CLOSE_SEQ, END_SEQ, FrameId, LogName
from libs.contracts.frames import Closed, Delta, Ended, Frame, Started
from tests.builders import a_turn
from tests.integration.answers.builders import (
    DIGEST,
    Recorder,
    an_entry,
    end_answer,
    parts,
    text_of,
    write_all,
)
from tests.polling import eventually


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


async def test_a_look_is_no_sign_that_a_redis_takes_writes(redis: Redis) -> None:
    """Silent answers are looked at even in a replica; the others are not all tried again because that worked."""
    writes = a_turn()
    log = LogName(0, writes.answer_id)

    async def scripts() -> int:
        facts: Any = await redis.info("commandstats")
        return int(facts["cmdstat_evalsha"]["calls"])

    async with parts(redis) as (writer, _), AsyncExitStack() as attempts:
        attempt = await attempts.enter_async_context(writer.attempt(await an_entry(redis), writes, model="m"))
        for _ in range(8):
            await attempts.enter_async_context(writer.attempt(await an_entry(redis), a_turn(), model="m"))
        await redis.replicaof("127.0.0.1", 1)
        with structlog.testing.capture_logs() as logs:
            try:
                attempt.write(Delta(text="one"))

                async def is_refused() -> bool:
                    return bool(logs)

                await eventually(is_refused)
                before = await scripts()

                async def has_tried_again() -> bool:
                    return await scripts() >= before + 2

                await eventually(has_tried_again)
            finally:
                await redis.replicaof("NO", "ONE")
        said = [line["event"] for line in logs]
        await eventually(lambda: _length_is(redis, log, 2))
    assert said == ["could not append, frames wait"]


async def _length_is(redis: Redis, log: LogName, length: int) -> bool:
    return await redis.xlen(log.key) == length
