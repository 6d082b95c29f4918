"""What a worker tells Redis of an entry in hand: begun, moved on, put back, buried; patient while Redis is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.exceptions import OutOfMemoryError

from libs.bus.connection import AWAY, Redis
from libs.bus.entry import Address, Entry, dead_key, fields_of
from libs.bus.outcome import Outcome, Reply
from libs.bus.scripts import BURY
from libs.contracts.events import Event

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0
DEAD_LETTER_DAYS = 14
BEGUN = 2
"""Deliveries of an entry whose worker has said that work on it began; a read makes the first."""


class Settling:
    """One worker's; while Redis is away or full an entry stays the worker's, so waiting loses nothing.

    Args:
        redis: where entries are.
        address: knows the partitions.
    """

    def __init__(self, redis: Redis, address: Address) -> None:
        self._redis = redis
        self._address = address

    async def begin(self, entry: Entry) -> bool:
        """Whether the entry is still ours; if its worker goes silent from here on, the janitor will count it."""

        async def mark() -> Any:
            return await self._redis.xclaim(
                entry.key, entry.group, entry.consumer, 0, [entry.entry_id], retrycount=BEGUN, justid=True
            )

        return bool(await _until_answered(mark))

    async def hop(self, entry: Entry, outcome: Outcome) -> Reply:
        """The reply of the script that finishes the entry."""
        fields = [] if outcome.next is None else fields_of(outcome.next)
        target = entry.key if outcome.next is None else self._address.key(outcome.next)
        keys = [entry.key, target, *outcome.step.keys(entry.partition)]
        args = [entry.group, entry.entry_id, len(fields), *fields, *outcome.step.args(entry.partition)]
        reply: Reply = await _until_answered(lambda: outcome.step.script.run(self._redis, keys, args))
        return reply

    async def put_back(self, entry: Entry, event: Event, *, attempts: int) -> None:
        """The event is at the end of its stream, with so many attempts behind it."""
        fields = fields_of(event, attempts=attempts, silences=entry.silences, traceparent=entry.traceparent)
        keys, args = [entry.key, entry.key], [entry.group, entry.entry_id, len(fields), *fields]
        await _until_answered(lambda: Outcome().step.script.run(self._redis, keys, args))

    async def bury(self, entry: Entry, event: Event | None, reason: str) -> None:
        """The entry is a dead letter, and whoever waits for it is told, if it can be known who that is."""
        successor = event.buried("internal_error") if event is not None else None
        fields = [] if successor is None else fields_of(successor, traceparent=entry.traceparent)
        target = entry.key if successor is None else self._address.key(successor)
        oldest = int((time.time() - DEAD_LETTER_DAYS * 86_400) * 1000)
        letter: list[str | bytes] = [
            *("event", entry.event_json, "traceparent", entry.traceparent, "source", entry.key, "group", entry.group),
            *("attempts", str(entry.attempts + 1), "reason", reason, "consumer", entry.consumer),
        ]
        keys = [entry.key, target, dead_key(entry.partition)]
        args = [entry.group, entry.entry_id, len(fields), *fields, oldest, *letter]
        await _until_answered(lambda: BURY.run(self._redis, keys, args))


async def _until_answered(ask: Callable[[], Awaitable[T]]) -> T:
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await ask()
        except OutOfMemoryError:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        except AWAY:
            # Whoever is away is waited for by the connection, in one rhythm with all others.
            await asyncio.sleep(FIRST_PAUSE_SECONDS)
