"""What every worker does beside its work: renew what it holds, put back what silent workers held, say what waits."""

import asyncio
import random
import time
from typing import Any

import structlog
from redis.exceptions import ResponseError

from libs.bus.connection import AWAY, Redis
from libs.bus.entry import FEWEST_SILENCES, Entry
from libs.bus.scripts import JANITOR, WAITING
from libs.bus.worker import Worker
from libs.telemetry import metrics
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

SWEEPS_PER_CLAIM = 8
"""What a takeover adds to the claim time: at 15 s, two seconds at most where only one worker is left to look."""
SEEN_SECONDS = 3.0
"""Who was not seen for three times as long counts as gone (`gateway/workers.py`)."""
BEAT_AGAIN_SECONDS = 0.1
"""While Redis is away: the connection waits for it in one rhythm with all others, and goes on as soon as it is back."""
OTHERS_SECONDS = 1.5
"""After Redis was away: each process tries by itself whether it is back, once in 0.7 s at least."""
JANITOR_BATCH = 100
FORGET_CONSUMER_SECONDS = 3600.0

BEHIND_ALL = f"{2**64 - 1}-{2**64 - 2}"
"""Reading one's own entries from here on gives none and renews none, and shows every server that one is there."""


class Upkeep:
    """Heartbeat and janitor of one worker on one partition.

    Args:
        key: the stream with its partition.
        claim_seconds: silence after which an entry changes hands.
    """

    def __init__(
        self,
        redis: Redis,
        worker: Worker[Any],
        *,
        key: str,
        partition: int,
        group: str,
        consumer: str,
        claim_seconds: float,
        max_attempts: int,
    ) -> None:
        self._redis = redis
        self._worker = worker
        self._key = key
        self._partition = partition
        self._group = group
        self._consumer = consumer
        self._claim_seconds = claim_seconds
        self._max_attempts = max_attempts
        self._refusals = Trouble(log, begins="redis refuses the upkeep", ends="redis takes the upkeep again")
        self._spoke_at = time.monotonic()
        self._judges_from = float("-inf")

    async def beat_forever(self) -> None:
        """Renew what is in hand at least four times per claim time; stop work on what somebody else was given."""
        pause = every = min(self._claim_seconds / 4, SEEN_SECONDS)
        while True:
            await asyncio.sleep(pause)
            pause = every
            try:
                await self.beat()
            except AWAY:
                pause = BEAT_AGAIN_SECONDS  # the connection says so, once for all
            except ResponseError as error:
                self._refusals.noticed(error=type(error).__name__, stream=self._key)
            else:
                self._refusals.over()
                self._spoke()

    def _spoke(self) -> None:
        now = time.monotonic()
        if now - self._spoke_at > self._claim_seconds / 2:
            self._judges_from = now + min(OTHERS_SECONDS, self._claim_seconds / 2)
        self._spoke_at = now

    def _may_judge(self) -> bool:
        """Whoever could not say of themselves that they live must not take others for dead: Redis was away for all."""
        now = time.monotonic()
        return now - self._spoke_at <= self._claim_seconds / 2 and now >= self._judges_from

    async def beat(self) -> None:
        """One heartbeat."""
        held = [entry for entry in self._worker.in_hand if entry.key == self._key]
        if not held:
            # Redis before 7.2 does not know who waits for entries and has had none: this shows that we are there.
            # Behind all entries: reading ours would renew one that was lost on its way, and nobody would take it over.
            await self._redis.xreadgroup(self._group, self._consumer, {self._key: BEHIND_ALL}, count=1)
            return
        renewed: Any = await self._redis.xclaim(
            self._key, self._group, self._consumer, 0, [entry.entry_id for entry in held], justid=True
        )
        still_ours = {entry_id.decode() for entry_id in renewed}
        for entry in held:
            if entry.entry_id not in still_ours and entry in self._worker.in_hand:
                self._worker.lose(entry)

    async def sweep_forever(self) -> None:
        """Look for silent workers' entries eight times per claim time; no leader, no lock."""
        while True:
            await asyncio.sleep(self._claim_seconds / SWEEPS_PER_CLAIM * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            try:
                if self._may_judge():
                    await self.sweep()
                await self.measure()
            except (*AWAY, TimeoutError):
                continue
            except ResponseError as error:
                self._refusals.noticed(error=type(error).__name__, stream=self._key)

    async def sweep(self) -> None:
        """Entries of silent workers go to the end of the stream; what was alone with its last worker is buried."""
        while await self._sweep_batch() >= JANITOR_BATCH:
            pass

    async def measure(self) -> None:
        """Say how much waits: how many workers are wanted follows from it."""
        backlog = await WAITING.run(self._redis, [self._key], [])
        metrics.WAITING.labels(self._worker.stream, str(self._partition)).set(backlog)

    async def _sweep_batch(self) -> int:
        # Not patiently: asked for before Redis went away, it would judge when Redis is back, before anybody has spoken.
        async with asyncio.timeout(self._claim_seconds / 2):
            reply = await JANITOR.run(
                self._redis,
                [self._key],
                [
                    self._group,
                    int(self._claim_seconds * 1000),
                    max(FEWEST_SILENCES, self._max_attempts),
                    JANITOR_BATCH,
                    int(FORGET_CONSUMER_SECONDS * 1000),
                ],
            )
        moved, exhausted = int(reply[0]), reply[1:]
        if moved:
            metrics.TAKEOVERS.labels(self._worker.stream).inc(moved)
            log.warning("took over entries of silent workers", entries=moved, stream=self._worker.stream)
        for entry_id, holder in zip(exhausted[::2], exhausted[1::2], strict=True):
            entry = await self._read(entry_id.decode(), holder.decode())
            if entry is not None:
                await self._worker.bury_silent(entry)
        return moved + len(exhausted) // 2

    async def _read(self, entry_id: str, holder: str) -> Entry | None:
        found: Any = await self._redis.xrange(self._key, entry_id, entry_id)
        if not found:
            return None
        return self._worker.entry(self._key, self._partition, self._group, holder, entry_id, found[0][1])
