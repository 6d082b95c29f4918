"""Reading an answer without a gap: first what the log has after a cursor, then what is published, in order, once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import structlog
from prometheus_client import Counter

from libs.answers.names import BEGINNING, CLOSE_SEQ, END_SEQ, FrameId, LogName
from libs.answers.subscriber import Subscriber
from libs.bus.connection import AWAY, Redis
from libs.contracts.frames import Closed, Frame, Opened, PassagesFound, decode_frame
from libs.errors import TransientError

log = structlog.get_logger()

SILENCE_SECONDS = 1.0
"""A lost tail has no following frame to show the gap: after so long without a message the log is asked."""
AWAY_SECONDS = 0.25
LISTEN_SECONDS = 5.0
"""Longer than a restart of Redis; whoever reads is then told that it is away."""
BATCH = 500
QUEUE_MAX_FRAMES = 500
"""A reader that is further behind reads the log again instead: memory stays bounded."""

LOG_READS = Counter("answer_log_reads_total", "Reads of answer logs", ["reason"])


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A frame and where it stands."""

    id: FrameId
    frame: Frame


class Reading:
    """One reader of one answer; an async context manager that listens, and an iterator of batches of entries.

    Args:
        after: give only what stands behind this id.
    """

    def __init__(self, redis: Redis, subscriber: Subscriber, log_name: LogName, after: FrameId) -> None:
        self._redis = redis
        self._subscriber = subscriber
        self._log = log_name
        self._position = after
        self._after_announcement = after == BEGINNING
        self._queue: deque[bytes] = deque()
        self._behind = False
        self._wake = asyncio.Event()
        self._listens = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            self._listens = self._subscriber.listen(self._log.channel, self._hear)
        except AWAY as error:
            self._subscriber.leave(self._log.channel, self._hear)
            raise TransientError("Redis does not answer") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._subscriber.leave(self._log.channel, self._hear)

    async def batches(self) -> AsyncIterator[list[LogEntry]]:
        """Entries in order, none twice, none left out, until the answer is stored.

        An empty batch says that for about `SILENCE_SECONDS` nothing came, and the log has nothing either.

        Raises:
            TransientError: what is published cannot be listened to.
        """
        await self._until_it_listens()
        reason = "attach"
        while True:
            found = False
            async for batch in self._from_log(reason):
                found = True
                yield batch
                if batch[-1].id.seq == END_SEQ:
                    return
            if reason == "silence" and not found:
                yield []
            reason = "silence"
            while await self._something_came():
                batch, gap = self._take_live()
                if batch:
                    yield batch
                    if batch[-1].id.seq == END_SEQ:
                        return
                if gap:
                    reason = "gap"
                    break

    async def _until_it_listens(self) -> None:
        # What is in the log by then is found there; to wait for it any earlier would only take time.
        try:
            async with asyncio.timeout(LISTEN_SECONDS):
                await self._listens.wait()
        except TimeoutError as error:
            raise TransientError("Redis does not answer") from error

    def _hear(self, message: bytes | None) -> None:
        if message is None or len(self._queue) >= QUEUE_MAX_FRAMES:
            self._queue.clear()
            self._behind = True
        else:
            self._queue.append(message)
        self._wake.set()

    async def _something_came(self) -> bool:
        if not self._queue and not self._behind:
            self._wake.clear()
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                return False
        return True

    def _take_live(self) -> tuple[list[LogEntry], bool]:
        """What can be given of the queue, and whether the log must be read to go on."""
        batch: list[LogEntry] = []
        while self._queue:
            raw_id, _, raw_frame = self._queue.popleft().partition(b"|")
            frame_id = FrameId.parse(raw_id)
            if frame_id <= self._position:
                continue
            entry = LogEntry(frame_id, decode_frame(raw_frame))
            if not self._follows(entry):
                return batch, True
            self._advance(entry)
            batch.append(entry)
        if self._behind:
            self._behind = False
            return batch, True
        return batch, False

    def _follows(self, entry: LogEntry) -> bool:
        """Whether nothing is missing between the position and this entry, as far as readers care."""
        at = self._position
        if entry.id.epoch != at.epoch:
            # An announcement is an epoch of one frame; what an attempt wrote last only the log can tell.
            return entry.id.seq == 0 and self._after_announcement
        if entry.id.seq == END_SEQ:
            # A writer closes before history ends; other ends come when no writer was left.
            return at.seq == CLOSE_SEQ
        if entry.id.seq == CLOSE_SEQ:
            return isinstance(entry.frame, Closed) and entry.frame.frames == at.seq + 1
        return entry.id.seq == at.seq + 1

    def _advance(self, entry: LogEntry) -> None:
        self._position = entry.id
        self._after_announcement = isinstance(entry.frame, Opened | PassagesFound)

    async def _from_log(self, reason: str) -> AsyncIterator[list[LogEntry]]:
        LOG_READS.labels(reason).inc()
        self._behind = False
        while True:
            try:
                found: Any = await self._redis.xrange(self._log.key, f"({self._position}", "+", count=BATCH)
            except AWAY:
                # The connection says so, once for all that read.
                await asyncio.sleep(AWAY_SECONDS)
                continue
            batch = [LogEntry(FrameId.parse(entry_id), decode_frame(fields[b"f"])) for entry_id, fields in found]
            if batch:
                self._advance(batch[-1])
                yield batch
            if len(batch) < BATCH:
                return


class AnswerReader:
    """Makes readings that share one subscriber connection; an async context manager.

    Args:
        redis: where the logs are.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._subscriber = Subscriber(redis)

    async def __aenter__(self) -> Self:
        await self._subscriber.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._subscriber.__aexit__(kind, error, trace)

    def alive(self) -> bool:
        """Whether live frames can still arrive."""
        return self._subscriber.alive()

    def read(self, log_name: LogName, *, after: FrameId = BEGINNING) -> Reading:
        """A reading of this answer; entered before its question is published, it listens by the time it is needed."""
        return Reading(self._redis, self._subscriber, log_name, after)
