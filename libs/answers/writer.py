"""The flusher of a process: what all its attempts wrote leaves together, every few milliseconds."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import structlog
from prometheus_client import Counter
from redis.exceptions import NoScriptError, RedisError

from libs.answers.attempt import Attempt
from libs.answers.scripts import APPEND
from libs.bus.connection import Redis
from libs.bus.entry import Entry
from libs.contracts.values import Turn
from libs.tasks import end_tasks
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

FLUSH_SECONDS = 0.05
"""Between two flushes: a few tokens of a model, and still text that flows; a frame costs three processes (ADR 14)."""
QUIET_SECONDS = 0.15
"""After so long without an append the log is looked at: a cancel must reach a writer whose model says nothing, within
0.3 s on a busy machine as well."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
"""Between two flushes that Redis refused."""

APPENDS = Counter("answer_log_appends_total", "Appends to answer logs", ["outcome"])


class AnswerWriter:
    """One per process, an async context manager; `attempt(…)` begins an answer.

    Args:
        redis: where the logs are.
    """

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._attempts: set[Attempt] = set()
        self._dirty: set[Attempt] = set()
        self._urgent: set[Attempt] = set()
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._refusals = Trouble(log, begins="could not append, frames wait", ends="frames are appended again")
        self._pause = FIRST_PAUSE_SECONDS

    def attempt(self, entry: Entry, turn: Turn, *, model: str) -> Attempt:
        """A try at this turn's answer, to be entered."""
        return Attempt(self, entry, turn, model=model)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._flush_forever(), name="answer log flusher")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_tasks(self._task)

    def alive(self) -> bool:
        """Whether what is written leaves before the end of its answer; only a restart mends it."""
        return self._task is not None and not self._task.done()

    def watch(self, attempt: Attempt) -> None:
        """The attempt has begun."""
        attempt.flushed_at = asyncio.get_running_loop().time()
        self._attempts.add(attempt)
        self._wake.set()

    def forget(self, attempt: Attempt) -> None:
        """The attempt writes no more; what it has not sent leaves with its finish."""
        self._attempts.discard(attempt)
        self._dirty.discard(attempt)
        self._urgent.discard(attempt)

    def wake(self, attempt: Attempt, *, urgent: bool) -> None:
        """The attempt has something to send."""
        if attempt in self._attempts:
            self._dirty.add(attempt)
            self._wake.set()
            if urgent:
                self._urgent.add(attempt)
                self._hurry.set()

    async def _flush_forever(self) -> None:
        loop = asyncio.get_running_loop()
        next_flush = loop.time()
        while True:
            if loop.time() < next_flush:
                await self._wait(self._hurry, next_flush - loop.time())
            else:
                await self._wait(self._wake, QUIET_SECONDS if self._attempts else None)
            now = loop.time()
            if now >= next_flush:
                self._wake.clear()
                due = self._dirty | {one for one in self._attempts if now - one.flushed_at > QUIET_SECONDS}
                next_flush = now + FLUSH_SECONDS if due else now
            else:
                # Only those in a hurry: were all to leave with each of them, many answers would never be coalesced.
                due = set(self._urgent)
            self._dirty -= due
            self._urgent.clear()
            self._hurry.clear()
            await self._try_to_flush(due)

    async def _try_to_flush(self, due: set[Attempt]) -> None:
        if not due:
            return
        trying = {_one_that_writes(due)} if self._refusals.lasts else due
        writes = any(attempt.has_unconfirmed for attempt in trying)
        try:
            await self._flush(list(trying))
        except RedisError as error:
            self._refusals.noticed(error=type(error).__name__)
            self._dirty |= due & self._attempts
            self._wake.set()
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(self._pause)
        else:
            if writes:
                self._refusals.over()
                self._pause = FIRST_PAUSE_SECONDS
            elif self._refusals.lasts:
                # Whoever refuses to be written to may still be looked at.
                await asyncio.sleep(self._pause)
            if left := due & self._attempts - trying:
                self._dirty |= left
                self._wake.set()

    async def _wait(self, event: asyncio.Event, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    async def _flush(self, due: list[Attempt]) -> None:
        replies, sent = await self._send(due)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            await self.redis.script_load(APPEND.source)
            self._dirty.update(self._attempts.intersection(due))
            self._wake.set()
            return
        now = asyncio.get_running_loop().time()
        for attempt, reply, frames in zip(due, replies, sent, strict=True):
            if attempt not in self._attempts:
                # It left meanwhile: the finish of its entry says how it went, and must not be cancelled half-way.
                continue
            attempt.flushed_at = now
            if isinstance(reply, Exception):
                raise reply
            if reply[0] == b"ok":
                attempt.confirm(frames)
                APPENDS.labels("ok").inc()
                continue
            reason = attempt.refused(reply)
            APPENDS.labels(reason or "repeated").inc()
            if reason is None:
                self._dirty.add(attempt)
                self._wake.set()
            else:
                log.info("attempt stopped", answer_id=str(attempt.log.answer_id), reason=reason)
                attempt.stop(reason)

    async def _send(self, due: list[Attempt]) -> tuple[list[Any], list[int]]:
        if self._refusals.lasts:
            return await self._send_one(due[0])
        sent: list[int] = []
        async with self.redis.pipeline(transaction=False) as pipeline:
            for attempt in due:
                seq, frames = attempt.take_unconfirmed()
                sent.append(len(frames))
                pipeline.evalsha(APPEND.sha, 1, attempt.log.key, attempt.epoch, seq, attempt.log.channel, *frames)
            return await pipeline.execute(raise_on_error=False), sent

    async def _send_one(self, attempt: Attempt) -> tuple[list[Any], list[int]]:
        # What a pipeline is refused the connection does not see; one by itself waits for its turn with all the process.
        seq, frames = attempt.take_unconfirmed()
        keys = (attempt.log.key, attempt.epoch, seq, attempt.log.channel)
        try:
            return [await self.redis.evalsha(APPEND.sha, 1, *keys, *frames)], [len(frames)]
        except NoScriptError as error:
            return [error], [len(frames)]


def _one_that_writes(due: set[Attempt]) -> Attempt:
    """While appends are refused one tries for all: a thousand answers would ask a thousand times a pause."""
    return next((attempt for attempt in due if attempt.has_unconfirmed), next(iter(due)))
