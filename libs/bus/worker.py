"""The hands of a worker: takes entries, works on each in a task of its own, and finishes, retries or buries it."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import structlog
from pydantic import ValidationError

from libs.bus.company import Company, most_together
from libs.bus.connection import Redis
from libs.bus.entry import Address, E, Entry
from libs.bus.hands import Hands
from libs.bus.outcome import EntryLost, Outcome, Reply
from libs.bus.settling import Settling
from libs.bus.spans import sending, worked, working
from libs.bus.tries import next_try
from libs.contracts.events import Event
from libs.errors import PermanentError, TransientError
from libs.tasks import end_tasks
from libs.telemetry import metrics
from libs.telemetry.logs import log_context
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

Handler = Callable[..., Awaitable[Event | Outcome | None]]


@dataclass(frozen=True, slots=True)
class Subscription(Generic[E]):
    """Which events a handler takes, how many at once."""

    event_type: type[E]
    handler: Handler
    concurrency: int
    patience_seconds: float = 0.0


class Worker(Generic[E]):
    """Works on the entries of one kind of event, on all its partitions.

    Args:
        redis: where entries are finished.
        address: knows the partitions.
        subscription: the handler.
        max_attempts: failures after which an entry is buried.
        company: what the process works on at once, other workers of it included.
    """

    def __init__(
        self, redis: Redis, address: Address, subscription: Subscription[E], *, max_attempts: int, company: Company
    ) -> None:
        self._redis = redis
        self._settling = Settling(redis, address)
        self._company = company
        self._subscription = subscription
        self._max_attempts = max_attempts
        self.hands = Hands(subscription.concurrency)
        self._wants_entry = len(inspect.signature(subscription.handler).parameters) > 1
        self._waits = Trouble(log, begins="entries wait for what they need", ends="entries are finished again")
        self._draining = False
        self._finishing: set[Entry] = set()
        self.in_hand: dict[Entry, asyncio.Task[None] | None] = {}
        metrics.begin(self.stream)

    @property
    def stream(self) -> str:
        """The stream's name, without a partition."""
        return self._subscription.event_type.stream

    def entry(
        self, key: str, partition: int, group: str, consumer: str, entry_id: str, raw: Mapping[Any, Any]
    ) -> Entry:
        """The entry that a read gave us; what it lacks is treated as empty, to be found undecodable later."""
        return Entry(
            key=key,
            group=group,
            consumer=consumer,
            entry_id=entry_id,
            partition=partition,
            attempts=_number(raw, b"attempts"),
            silences=_number(raw, b"silences"),
            max_attempts=self._max_attempts,
            traceparent=raw.get(b"traceparent", b"").decode("ascii", "replace"),
            event_json=raw.get(b"event", b""),
        )

    async def take(self, entries: Sequence[Entry], tasks: asyncio.TaskGroup) -> None:
        """Start work on these entries; returns when more may be read."""
        if self._draining:
            return
        # Also those that wait for a free hand, so that the heartbeat renews them.
        self.in_hand.update(dict.fromkeys(entries))
        for entry in entries:
            await self.hands.take()
            await self._company.join(self._most_together(entry))
            if self._draining or entry not in self.in_hand:
                self._company.leave(self._most_together(entry))
                self.hands.give_back()
                continue
            self._begin(entry, tasks)
        # The work first: by the time that it waits for something, there is time to ask for more.
        await asyncio.sleep(0)
        await self.hands.are_free_for_a_read()

    def _begin(self, entry: Entry, tasks: asyncio.TaskGroup) -> None:
        metrics.IN_HAND.labels(self.stream).inc()
        task = tasks.create_task(self._work(entry), name=f"{self.stream} {entry.entry_id}")
        self.in_hand[entry] = task
        task.add_done_callback(lambda _: self._put_down(entry))

    def lose(self, entry: Entry) -> None:
        """This entry is not ours any more: stop working on it.

        One that is being finished is let be. Its script may have taken it off the stream and the reply be on its way;
        if it did not, it will say so.
        """
        if entry in self._finishing:
            return
        log.warning("entry was given to another worker", entry_id=entry.entry_id, stream=self.stream)
        task = self.in_hand[entry]
        if task is None:
            del self.in_hand[entry]
        else:
            task.cancel()

    async def drain(self, *, patience_seconds: float) -> None:
        """Take nothing more; what is not done after `patience_seconds` is stopped, to be handed back."""
        self._draining = True
        tasks = [task for task in self.in_hand.values() if task is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=patience_seconds)
        await end_tasks(*late)

    def _put_down(self, entry: Entry) -> None:
        self.in_hand.pop(entry, None)
        self._finishing.discard(entry)
        self._company.leave(self._most_together(entry))
        self.hands.give_back()
        metrics.IN_HAND.labels(self.stream).dec()

    def _most_together(self, entry: Entry) -> float:
        return most_together(entry, self._subscription.concurrency)

    async def _work(self, entry: Entry) -> None:
        started = time.perf_counter()
        with working(entry, self.stream) as tried, log_context(entry_id=entry.entry_id, stream=self.stream):
            # Only of one that was silent before: the others need no further round trip.
            ours = not entry.silences or await self._settling.begin(entry)
            ended = await self._settle(entry) if ours else "gone"
            worked(tried, ended)
        metrics.PROCESS_SECONDS.labels(self.stream, ended).observe(time.perf_counter() - started)

    async def _settle(self, entry: Entry) -> str:
        try:
            event = self._subscription.event_type.model_validate_json(entry.event_json)
        except ValidationError:
            return await self._bury(entry, None, "the entry is no event of this stream")
        with log_context(event_id=event.event_id):
            try:
                outcome = await self._handle(event, entry)
            except EntryLost as lost:
                log.info("let go of an entry", reason=str(lost))
                return "let_go"
            except PermanentError as error:
                return await self._bury(entry, event, str(error))
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                return await self._retry(entry, event, error)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is a failure of its entry
                return await self._retry(entry, event, error)
            return await self._finish(entry, outcome)

    async def _handle(self, event: E, entry: Entry) -> Outcome:
        arguments = (event, entry) if self._wants_entry else (event,)
        result = await self._subscription.handler(*arguments)
        return result if isinstance(result, Outcome) else Outcome(result)

    async def _finish(self, entry: Entry, outcome: Outcome | None) -> str:
        self._finishing.add(entry)
        while outcome is not None:
            reply = await self._hop(entry, outcome)
            if reply[0] == b"ok":
                self._waits.over()
                return "ok"
            if reply[0] == b"gone":
                log.info("entry was finished by another worker")
                return "gone"
            outcome = await outcome.step.refused(reply)
        return "let_go"

    async def _hop(self, entry: Entry, outcome: Outcome) -> Reply:
        with sending(outcome.next, self.stream) as sent:
            reply = await self._settling.hop(entry, outcome)
            if sent.is_recorded:
                sent.say("eloquent.reply", reply[0].decode())
            return reply

    async def _retry(self, entry: Entry, event: E, error: BaseException) -> str:
        again = next_try(entry, event, error, patience_seconds=self._subscription.patience_seconds)
        if again is None:
            return await self._bury(entry, event, f"{type(error).__name__} after {entry.attempts + 1} attempts")
        if isinstance(error, TransientError):
            # What one waits for, many wait for.
            self._waits.noticed(stream=self.stream, reason=str(error))
        else:
            log.warning("entry failed, will be tried again", exc_info=error, reason=type(error).__name__)
        metrics.RETRIES.labels(self.stream).inc()
        await asyncio.sleep(again.pause_seconds)
        await self._settling.put_back(entry, event, attempts=again.attempts)
        return "retried"

    async def bury_silent(self, entry: Entry) -> None:
        """Bury an entry whose workers all went silent, the last one while it worked on nothing else."""
        try:
            event = self._subscription.event_type.model_validate_json(entry.event_json)
        except ValidationError:
            event = None
        await self._bury(entry, event, f"its worker went silent {entry.silences + 1} times, at last with it alone")

    async def _bury(self, entry: Entry, event: Event | None, reason: str) -> str:
        log.error("entry buried", reason=reason, attempts=entry.attempts + 1)
        metrics.DEAD_LETTERS.labels(self.stream).inc()
        await self._settling.bury(entry, event, reason)
        return "buried"


def _number(raw: Mapping[Any, Any], name: bytes) -> int:
    value = raw.get(name, b"0")
    return int(value) if value.isdigit() else 0
