"""How long it takes until somebody else goes on, and until somebody stops: `python -m tests.fault --timings`."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

from libs.answers.cancel import cancel
from libs.answers.names import LogName
from tests.fault.clients import Client, Message, View
from tests.fault.cluster import Cluster, Size
from tests.fault.member import Member
from tests.fault.model import BETWEEN_SECONDS, name_of, question_named
from tests.fault.specials import STEADY
from tests.polling import eventually

CLAIMS_SECONDS = {5.0: 6, 15.0: 3}
"""Claim times, and how many workers are killed with each: a laptop's and production's."""
STOPS = 8
ANSWERS = 12
"""At once, about half of them on the worker that is taken away."""
PEOPLE = 40
SHOWN_CHUNKS = 12
TAKEOVER_EXTRA_SECONDS = 30.0


@dataclass
class Measured:
    """One thing's times in seconds, and what they should be at most at the 95th percentile."""

    what: str
    aim: float
    seconds: list[float] = field(default_factory=list)

    def line(self) -> str:
        """A row of the table."""
        ordered = sorted(self.seconds)
        if not ordered:
            return f"{self.what:<52}    0"
        p50, p95 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95))
        verdict = "ok" if p95 <= self.aim else "MISSED"
        return (
            f"{self.what:<52} {len(ordered):>4} {p50:>8.3f} {p95:>8.3f} {ordered[-1]:>8.3f} {self.aim:>8.3f} {verdict}"
        )


HEADER = f"{'seconds':<52} {'n':>4} {'p50':>8} {'p95':>8} {'max':>8} {'aim p95':>8}"


async def measure_all(cluster: Cluster, tasks: asyncio.TaskGroup, *, seed: int) -> AsyncIterator[Measured]:
    """Every time we promise something about, one after the other."""
    rng = Random(f"{seed}/timings")  # noqa: S311 - to be repeated
    for claim_seconds, kills in CLAIMS_SECONDS.items():
        async with _started(cluster, tasks, claim_seconds):
            killed = Measured(f"takeover after kill -9, claim time {claim_seconds:g} s", claim_seconds + 2.0)
            for _ in range(kills):
                killed.seconds += await _takeovers(cluster, rng, Member.kill, claim_seconds)
            yield killed
    async with _started(cluster, tasks, 15.0):
        stopped = Measured("takeover from a worker that stops cleanly", 1.0)
        for _ in range(STOPS):
            stopped.seconds += await _takeovers(cluster, rng, Member.terminate, 15.0)
        yield stopped
        yield Measured("cancel to model stream closed, model writing", 0.3, await _cancels(cluster, rng, "", 20))
        yield Measured("cancel to model stream closed, model silent", 0.3, await _cancels(cluster, rng, "mute", 8))
        yield Measured("resume on another gateway to its first chunk", 0.3, await _resumes(cluster, rng))


@asynccontextmanager
async def _started(cluster: Cluster, tasks: asyncio.TaskGroup, claim_seconds: float) -> AsyncIterator[None]:
    cluster.settings = {"BUS_CLAIM_SECONDS": f"{claim_seconds:g}"}
    await cluster.start(tasks, Size())
    # The first questions pay for connections and caches.
    await asyncio.gather(*(_client(cluster, Random(n)).chat() for n in range(8)))  # noqa: S311
    try:
        yield
    finally:
        await cluster.stop()


async def _takeovers(
    cluster: Cluster, rng: Random, end: Callable[[Member], Awaitable[object]], claim_seconds: float
) -> list[float]:
    """From the end of a worker to the first text of each of its answers' next attempts, as their clients see it."""
    words = int((claim_seconds + TAKEOVER_EXTRA_SECONDS) / BETWEEN_SECONDS)
    messages = [_message(cluster, rng, words) for _ in range(ANSWERS)]
    async with asyncio.TaskGroup() as group:
        for client, message in messages:
            group.create_task(client.look(message, "send"))
        await eventually(lambda: _all_show(messages), within_seconds=30)
        victim = rng.choice(cluster.of("generation"))
        # Not started again meanwhile: who is left has to notice.
        async with victim.gate:
            began = time.time()
            await end(victim)
            lost = [one for _, one in messages if cluster.model.lost.get(name_of(one.question), 0.0) >= began]
            await eventually(lambda: _all_again(lost), within_seconds=claim_seconds + TAKEOVER_EXTRA_SECONDS)
        async with cluster.redis() as redis:
            for _, message in messages:
                await cancel(redis, LogName(0, UUID(message.answer_id)))
    await victim.ready()
    return [_again_at(message.views[0]) - began for message in lost]


async def _cancels(cluster: Cluster, rng: Random, trouble: str, at_chunk: int) -> list[float]:
    """From a client's abort to the end of its model's stream."""
    messages = [_message(cluster, rng, 500, trouble) for _ in range(PEOPLE)]
    async with asyncio.TaskGroup() as group:
        for client, message in messages:
            group.create_task(client.look(message, "send", cancel_at=at_chunk))
            await asyncio.sleep(BETWEEN_SECONDS)
    return [cluster.model.lost[name_of(message.question)] - message.views[0].cancelled_at for _, message in messages]


async def _resumes(cluster: Cluster, rng: Random) -> list[float]:
    """From opening another socket, on the other gateway, to the first chunk that comes through it."""
    found: list[float] = []
    one, other = sorted(cluster.sockets())

    async def drop_and_resume() -> None:
        client, message = _message(cluster, rng, 250)
        await client.look(message, "send", gateway=one, drop_at=rng.randint(SHOWN_CHUNKS, 60))
        view = await client.look(message, "resume", gateway=other)
        found.append(view.came_at[0] - view.asked_at)

    async with asyncio.TaskGroup() as group:
        for _ in range(PEOPLE):
            group.create_task(drop_and_resume())
            await asyncio.sleep(2 * BETWEEN_SECONDS)
    return found


def _client(cluster: Cluster, rng: Random) -> Client:
    return Client(cluster.sockets, cluster.caller(), STEADY, rng)


def _message(cluster: Cluster, rng: Random, words: int, trouble: str = "") -> tuple[Client, Message]:
    client = _client(cluster, rng)
    asks_for = f" trouble-{trouble}" if trouble else ""
    question = question_named(uuid4().hex[:12], words=words) + asks_for
    return client, Message(f"s-{uuid4().hex}", "m0", question, client.caller)


async def _all_show(messages: Sequence[tuple[Client, Message]]) -> bool:
    return all(message.views and len(message.views[0].chunks) >= SHOWN_CHUNKS for _, message in messages)


async def _all_again(messages: Sequence[Message]) -> bool:
    return all(_again_at(message.views[0]) for message in messages)


def _again_at(view: View) -> float:
    """When the first text of the second attempt came; 0 while it has not."""
    attempts = 0
    for (_, chunk), came_at in zip(view.chunks, view.came_at, strict=True):
        attempts += chunk["type"] == "start-step"
        if attempts > 1 and chunk["type"] == "text-delta":
            return came_at
    return 0.0
