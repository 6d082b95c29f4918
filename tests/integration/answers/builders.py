"""Answers that are written and read, as the stages do it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from libs.answers.attempt import Attempt
from libs.answers.hops import end
from libs.answers.names import BEGINNING, FrameId, LogName
from libs.answers.reader import AnswerReader, LogEntry
from libs.answers.writer import AnswerWriter
from libs.bus.entry import Entry, stream_key
from libs.bus.outcome import Outcome, Reply
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.frames import Delta, Ended, Frame, Started
from libs.contracts.values import Turn

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
    return (await reply_of(redis, entry, outcome))[0]


async def settle(redis: Redis, entry: Entry, outcome: Outcome) -> bytes:
    """What the bus does with an outcome until it is decided: a flush on its way makes the first try too early."""
    left: Outcome | None = outcome
    while left is not None:
        reply = await reply_of(redis, entry, left)
        if reply[0] in {b"ok", b"gone"}:
            return reply[0]
        left = await left.step.refused(reply)
    return b"let go"


async def reply_of(redis: Redis, entry: Entry, outcome: Outcome) -> Reply:
    step = outcome.step
    reply: Reply = await step.script.run(
        redis,
        [entry.key, stream_key("chat.next.v1", 0), *step.keys(0)],
        [entry.group, entry.entry_id, 0, *step.args(0)],
    )
    return reply


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
    assert await settle(redis, entry, attempt.finish(AnswerWritten(turn=turn, status="completed"))) == b"ok"


async def end_answer(redis: Redis, turn: Turn) -> None:
    entry = await an_entry(redis)
    assert await hop(redis, entry, end(turn, Ended(status="completed", digest=DIGEST))) == b"ok"
