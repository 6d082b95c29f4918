"""Makes trouble, of the kinds it is given, at times that its seed decides."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from redis.exceptions import RedisError

from tests.fault.cluster import CLAIM_SECONDS, WORKERS, Cluster
from tests.fault.member import Member

ZOMBIE_SECONDS = (1.6 * CLAIM_SECONDS, 3 * CLAIM_SECONDS)
"""Longer than the claim time: the work is somebody else's when the process wakes up."""


@dataclass
class Nemesis:
    """One run's trouble.

    Attributes:
        injected: what was done, how often.
        diary: when what was done to whom.
    """

    cluster: Cluster
    rng: Random
    injected: Counter[str] = field(default_factory=Counter)
    diary: list[str] = field(default_factory=list)

    async def rage(self, faults: Sequence[str], *, every_seconds: tuple[float, float]) -> None:
        """Make trouble until cancelled."""
        while True:
            await asyncio.sleep(self.rng.uniform(*every_seconds))
            await self.strike(self.rng.choice(faults))

    async def strike(self, fault: str) -> None:
        """One fault, by its name in `FAULTS`."""
        self.injected[fault] += 1
        await FAULTS[fault](self)

    def note(self, what: str) -> None:
        """Write down what is being done."""
        self.diary.append(f"{time.strftime('%H:%M:%S')}.{int(time.time() * 1000) % 1000:03d} {what}")

    def victim(self, *kinds: str) -> Member | None:
        """A process that runs; None when there is none now."""
        living = [member for member in self.cluster.of(*kinds) if member.is_up]
        return self.rng.choice(living) if living else None


async def _kill(nemesis: Nemesis, *kinds: str) -> None:
    if victim := nemesis.victim(*kinds):
        nemesis.note(f"kill -9 {victim.name}")
        await victim.kill()


async def _terminate(nemesis: Nemesis, *kinds: str) -> None:
    if victim := nemesis.victim(*kinds):
        nemesis.note(f"SIGTERM {victim.name}")
        await victim.terminate()


async def _freeze(nemesis: Nemesis, *kinds: str) -> None:
    if victim := nemesis.victim(*kinds):
        seconds = nemesis.rng.uniform(*ZOMBIE_SECONDS)
        nemesis.note(f"SIGSTOP {victim.name} for {seconds:.1f} s")
        await victim.freeze(seconds)


async def _kill_valkey(nemesis: Nemesis) -> None:
    nemesis.note("kill -9 valkey")
    await nemesis.cluster.valkey.kill()
    await nemesis.cluster.valkey.ready()


async def _cut_subscribers(nemesis: Nemesis) -> None:
    nemesis.note("pub/sub connections killed")
    await _cut(nemesis, "pubsub")


async def _cut_clients(nemesis: Nemesis) -> None:
    nemesis.note("all connections to valkey killed")
    await _cut(nemesis, "normal")


async def _cut(nemesis: Nemesis, kind: str) -> None:
    async with nemesis.cluster.redis() as redis:
        with suppress(RedisError):
            await redis.client_kill_filter(_type=kind)


async def _cut_database(nemesis: Nemesis) -> None:
    nemesis.note("database connections terminated")
    connection = await nemesis.cluster.connect()
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def _restart_postgres(nemesis: Nemesis) -> None:
    nemesis.note("postgres restarted")
    await nemesis.cluster.postgres.terminate()
    await nemesis.cluster.postgres.ready()


async def _forget_scripts(nemesis: Nemesis) -> None:
    nemesis.note("scripts flushed")
    async with nemesis.cluster.redis() as redis:
        with suppress(RedisError):
            await redis.script_flush()


def _on(action: Callable[..., Awaitable[None]], *kinds: str) -> Callable[[Nemesis], Awaitable[None]]:
    return lambda nemesis: action(nemesis, *kinds)


FAULTS: Mapping[str, Callable[[Nemesis], Awaitable[None]]] = {
    **{f"kill-{kind}": _on(_kill, kind) for kind in (*WORKERS, "gateway", "history-api")},
    **{f"term-{kind}": _on(_terminate, kind) for kind in (*WORKERS, "gateway")},
    **{f"zombie-{kind}": _on(_freeze, kind) for kind in (*WORKERS, "gateway")},
    "kill-valkey": _kill_valkey,
    "cut-pubsub": _cut_subscribers,
    "cut-valkey": _cut_clients,
    "cut-postgres": _cut_database,
    "restart-postgres": _restart_postgres,
    "forget-scripts": _forget_scripts,
}
