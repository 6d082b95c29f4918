"""What `tests.bench.guarantees` compares: each thing with its promise, and with plain commands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

from redis.asyncio import Redis

from libs.answers.names import LogName
from libs.answers.reader import AnswerReader, Reading
from libs.answers.scripts import APPEND
from libs.answers.subscriber import Subscriber
from libs.bus.entry import fields_of
from libs.bus.scripts import HOP
from libs.contracts.frames import Delta, decode_frame, encode_frame
from libs.tasks import end_tasks
from tests.builders import a_question

ANSWERS = 50
EPOCH = 1
FRAME = encode_frame(Delta(text="three or so tokens"))
GROUP, ME = "bench", "me"
SOURCE, TARGET = "source:{p0}", "target:{p0}"
# As a writer's flush does it; the server pays for it, not who reads.
_PUBLISH = """
for i = 1, #KEYS do
  redis.call('XADD', KEYS[i], ARGV[1], 'f', ARGV[2])
  redis.call('SPUBLISH', ARGV[i + 2], ARGV[1] .. '|' .. ARGV[2])
end
"""


class Way(Protocol):
    """One way to do a thing.

    Attributes:
        name: in the table.
    """

    name: str

    def ready(self, flushes: int) -> AbstractAsyncContextManager[None]:
        """What so many flushes need is there for the length of a `with` block."""
        ...

    async def flush(self) -> int:
        """One piece for each answer, together; how many those are."""
        ...

    async def one(self) -> None:
        """One piece by itself."""
        ...


class Appends:
    """Deltas on top of the writer's own last ones."""

    name = "append"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._logs = [LogName(0, uuid4()) for _ in range(ANSWERS)]
        self._next = dict.fromkeys(self._logs, 1)

    @asynccontextmanager
    async def ready(self, flushes: int) -> AsyncIterator[None]:
        """As in `Way`."""
        await self._redis.script_load(APPEND.source)
        for log in self._logs:
            await self._redis.xadd(log.key, {"f": FRAME}, id=f"{EPOCH}-0")
        yield

    async def flush(self) -> int:
        """As in `Way`."""
        return await self._append(self._logs)

    async def one(self) -> None:
        """As in `Way`."""
        await self._append(self._logs[:1])

    async def _append(self, logs: list[LogName]) -> int:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for log in logs:
                self._add(pipeline, log)
                self._next[log] += 1
            await pipeline.execute()
        return len(logs)

    def _add(self, pipeline: Any, log: LogName) -> None:
        pipeline.evalsha(APPEND.sha, 1, log.key, EPOCH, self._next[log], log.channel, FRAME)


class PlainAppends(Appends):
    """Entries, and messages about them."""

    name = "plain `XADD`, `SPUBLISH`"

    def _add(self, pipeline: Any, log: LogName) -> None:
        pipeline.execute_command("XADD", log.key, "*", "f", FRAME)
        pipeline.execute_command("SPUBLISH", log.channel, FRAME)


class Hops:
    """An entry finished and the next one published, in one step."""

    name = "hop"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._fields = fields_of(a_question())
        self._held: list[str] = []

    @asynccontextmanager
    async def ready(self, flushes: int) -> AsyncIterator[None]:
        """As in `Way`."""
        await self._redis.script_load(HOP.source)
        await self._redis.xgroup_create(SOURCE, GROUP, id="0", mkstream=True)
        fields: Any = dict(zip(self._fields[::2], self._fields[1::2], strict=True))
        async with self._redis.pipeline(transaction=False) as pipeline:
            for _ in range(flushes * ANSWERS):
                pipeline.xadd(SOURCE, fields)
            self._held = [entry_id.decode() for entry_id in await pipeline.execute()]
        await self._redis.xreadgroup(GROUP, ME, {SOURCE: ">"})
        yield

    async def flush(self) -> int:
        """As in `Way`."""
        return await self._hop(ANSWERS)

    async def one(self) -> None:
        """As in `Way`."""
        await self._hop(1)

    async def _hop(self, count: int) -> int:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for _ in range(count):
                self._add(pipeline, self._held.pop())
            await pipeline.execute()
        return count

    def _add(self, pipeline: Any, entry_id: str) -> None:
        pipeline.evalsha(HOP.sha, 2, SOURCE, TARGET, GROUP, entry_id, len(self._fields), *self._fields)


class PlainHops(Hops):
    """The same commands, none of which waits for what the others said."""

    name = "plain `XADD`, `XACK`, `XDEL`"

    def _add(self, pipeline: Any, entry_id: str) -> None:
        pipeline.execute_command("XADD", TARGET, "*", *self._fields)
        pipeline.execute_command("XACK", SOURCE, GROUP, entry_id)
        pipeline.execute_command("XDEL", SOURCE, entry_id)


class Readings:
    """Readers of answers, each frame once and in order."""

    name = "reading"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._logs = [LogName(0, uuid4()) for _ in range(ANSWERS)]
        self._lonely = LogName(0, uuid4())
        self._next = dict.fromkeys([*self._logs, self._lonely], 0)
        self._missing = 0
        self._all_came = asyncio.Event()

    @asynccontextmanager
    async def ready(self, flushes: int) -> AsyncIterator[None]:
        """As in `Way`."""
        await self._redis.script_load(_PUBLISH)
        async with AsyncExitStack() as stack:
            await self._listen(stack)
            # The first frame opens the attempt; each reader has caught up with its log.
            await self._publish(self._logs)
            await self._publish([self._lonely])
            yield

    async def flush(self) -> int:
        """As in `Way`."""
        await self._publish(self._logs)
        return len(self._logs)

    async def one(self) -> None:
        """As in `Way`."""
        await self._publish([self._lonely])

    async def _publish(self, logs: list[LogName]) -> None:
        self._missing = len(logs)
        self._all_came.clear()
        keys, channels = [log.key for log in logs], [log.channel for log in logs]
        await self._redis.eval(_PUBLISH, len(keys), *keys, f"{EPOCH}-{self._next[logs[0]]}", FRAME, *channels)
        for log in logs:
            self._next[log] += 1
        await self._all_came.wait()

    async def _listen(self, stack: AsyncExitStack) -> None:
        reader = await stack.enter_async_context(AnswerReader(self._redis))
        for log in self._next:
            reading = await stack.enter_async_context(reader.read(log))
            stack.push_async_callback(end_tasks, asyncio.create_task(self._read(reading), name="reading"))

    async def _read(self, reading: Reading) -> None:
        async for batch in reading.batches():
            self._came(len(batch))

    def _came(self, frames: int) -> None:
        self._missing -= frames
        if self._missing == 0:
            self._all_came.set()


class PlainReadings(Readings):
    """Readers of what they hear."""

    name = "plain subscription"

    async def _listen(self, stack: AsyncExitStack) -> None:
        subscriber = await stack.enter_async_context(Subscriber(self._redis))
        for log in self._next:
            heard: asyncio.Queue[bytes | None] = asyncio.Queue()
            await subscriber.listen(log.channel, heard.put_nowait).wait()
            stack.push_async_callback(end_tasks, asyncio.create_task(self._hear(heard), name="hearing"))

    async def _hear(self, heard: "asyncio.Queue[bytes | None]") -> None:
        while True:
            message = await heard.get()
            # None says that the channel is listened to.
            if message is not None:
                decode_frame(message.partition(b"|")[2])
                self._came(1)
