"""The bus: handlers take one event and return the next; everything else about Redis Streams is in here.

FastStream reads the streams. What it leaves to its users is done around it: groups that begin at the first entry,
acknowledging by a hop, a heartbeat, a janitor, and handing back on stop (see ADR 0003).
"""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog
from redis.exceptions import OutOfMemoryError, ResponseError

from libs.bus.company import Company
from libs.bus.connection import AWAY, Redis, RedisAwayError, check_eviction, check_usable
from libs.bus.entry import Address, fields_of, stream_key
from libs.bus.outcome import Outcome
from libs.bus.reader import RawEntry, StreamReader, Take
from libs.bus.scripts import RELEASE, WAITING
from libs.bus.spans import sending
from libs.bus.upkeep import Upkeep
from libs.bus.worker import Handler, Subscription, Worker
from libs.config import RedisSettings
from libs.contracts.events import Event
from libs.tasks import end_tasks

log = structlog.get_logger()

E = TypeVar("E", bound=Event)
H = TypeVar("H", bound=Callable[..., Awaitable[Event | Outcome | None]])

DRAIN_PATIENCE_SECONDS = 0.3
"""What is nearly done is finished; a long answer is handed back, and gone on with, within a second of SIGTERM."""
WATCH_SECONDS = 1.0
FULL_PAUSE_SECONDS = 1.0


def stop_process() -> None:
    """End this process as SIGTERM would: whoever runs it starts it again, and the start makes everything anew."""
    signal.raise_signal(signal.SIGTERM)


class Bus:
    """Publishes events and, where handlers are registered, works on them; an async context manager.

    Args:
        settings: address, partitions, claim time and attempts.
        redis: for publishing and finishing; the caller's to close.
        group: the consumer group, one per service.
        on_death: called when a subscriber has died alone.
    """

    def __init__(
        self, settings: RedisSettings, redis: Redis, *, group: str, on_death: Callable[[], None] = stop_process
    ) -> None:
        self._settings = settings
        self._redis = redis
        self._group = group
        self._on_death = on_death
        self._consumer = f"{group}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._address = Address(settings.bus_partitions)
        self._company = Company()
        self._workers: list[Worker[Any]] = []
        self._reader: StreamReader | None = None
        self._tasks = asyncio.TaskGroup()
        self._upkeep: list[asyncio.Task[None]] = []

    def on(self, event_type: type[E], *, concurrency: int, patience_seconds: float = 0.0) -> Callable[[H], H]:
        """Register a handler: `async (event) -> next event`, or `async (event, entry) -> …` if it needs the entry.

        Args:
            event_type: whose stream to read.
            concurrency: how many entries a process works on at once.
            patience_seconds: until an event is so old, a `TransientError` does not count as a failure of its entry.
        """

        def register(handler: H) -> H:
            taker: Handler = handler
            subscription = Subscription(event_type, taker, concurrency, patience_seconds)
            self._workers.append(
                Worker(
                    self._redis,
                    self._address,
                    subscription,
                    max_attempts=self._settings.bus_max_attempts,
                    company=self._company,
                )
            )
            return handler

        return register

    async def publish(self, event: Event) -> None:
        """Put a fact on its stream.

        Raises:
            TransientError: Redis is away or full; the event may or may not be there, publishing it again is safe.
        """
        with sending(event, event.stream):
            fields = fields_of(event)
            try:
                await self._redis.xadd(self._address.key(event), dict(zip(fields[::2], fields[1::2], strict=True)))
            except AWAY as error:
                raise RedisAwayError(error) from error

    async def entries(self, event: Event) -> int:
        """How many entries wait or are worked on where this event goes.

        Raises:
            TransientError: Redis is away.
        """
        try:
            return int(await self._redis.xlen(self._address.key(event)))
        except AWAY as error:
            raise RedisAwayError(error) from error

    async def backlog(self, event: Event) -> int:
        """How many entries wait where this event goes and on all streams that its work goes on to, in its partition.

        What is worked on does not count: of that there is never more than there are hands.

        Raises:
            TransientError: Redis is away.
        """
        partition = self._address.partition(event.partition_key)
        try:
            keys = [stream_key(name, partition) for name in (event.stream, *event.onward)]
            return int(await WAITING.run(self._redis, keys, []))
        except AWAY as error:
            raise RedisAwayError(error) from error

    def alive(self) -> bool:
        """Whether every subscriber still reads; a dead one can only be mended by a restart."""
        return self._reader is None or self._reader.alive()

    async def check(self) -> None:
        """Redis answers and takes what it is given, as far as this process knows.

        Raises:
            TransientError: what is wrong with it.
        """
        await check_usable(self._redis, self._settings.redis_url)

    async def __aenter__(self) -> Self:
        await check_eviction(self._redis)
        await self._tasks.__aenter__()
        if self._workers:
            await self._start_workers()
        return self

    async def _start_workers(self) -> None:
        self._reader = StreamReader(self._settings, group=self._group, consumer=self._consumer)
        for worker in self._workers:
            for partition in range(self._settings.bus_partitions):
                key = stream_key(worker.stream, partition)
                await self._create_group(key)
                self._reader.add(key, self._taker(worker, key, partition), at_once=worker.hands.at_once)
                upkeep = Upkeep(
                    self._redis,
                    worker,
                    key=key,
                    partition=partition,
                    group=self._group,
                    consumer=self._consumer,
                    claim_seconds=self._settings.bus_claim_seconds,
                    max_attempts=self._settings.bus_max_attempts,
                )
                self._upkeep.append(self._tasks.create_task(upkeep.beat_forever()))
                self._upkeep.append(self._tasks.create_task(upkeep.sweep_forever()))
        await self._reader.start()
        self._upkeep.append(self._tasks.create_task(self._watch()))

    def _taker(self, worker: Worker[Any], key: str, partition: int) -> Take:
        async def take(raw: Sequence[RawEntry]) -> None:
            entries = [
                worker.entry(key, partition, self._group, self._consumer, entry_id, fields) for entry_id, fields in raw
            ]
            await worker.take(entries, self._tasks)

        return take

    async def _create_group(self, key: str) -> None:
        # From the first entry on: what was published before the first worker came must be answered too.
        while True:
            try:
                await self._redis.xgroup_create(key, self._group, id="0", mkstream=True)
            except OutOfMemoryError:
                # It is not even said whether the group is there. Starting again would find the same.
                await asyncio.sleep(FULL_PAUSE_SECONDS)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
                return
            else:
                return

    async def _watch(self) -> None:
        while self.alive():  # noqa: ASYNC110 - FastStream offers no event for a task that died
            await asyncio.sleep(WATCH_SECONDS)
        log.critical("a subscriber died, this process stops to be started again")
        self._on_death()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_tasks(*self._upkeep)
        if self._reader is not None:
            await asyncio.gather(
                self._reader.stop(),
                *(worker.drain(patience_seconds=DRAIN_PATIENCE_SECONDS) for worker in self._workers),
            )
            await self._hand_back()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as errors:
            if kind is None or issubclass(kind, asyncio.CancelledError):
                # Nobody else would notice: the server lives on without what it was started for.
                log.critical(
                    "the bus broke down, this process stops to be started again", exc_info=errors.exceptions[0]
                )
                self._on_death()
            raise

    async def _hand_back(self) -> None:
        for worker in self._workers:
            for partition in range(self._settings.bus_partitions):
                # Away at the very end: the janitor of another worker takes over after the claim time.
                with suppress(*AWAY, ResponseError):
                    keys = [stream_key(worker.stream, partition)]
                    released = await RELEASE.run(self._redis, keys, [self._group, self._consumer])
                    if released:
                        log.info("handed back unfinished entries", entries=int(released), stream=worker.stream)
