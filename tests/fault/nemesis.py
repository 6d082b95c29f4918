"""Makes trouble, of the kinds it is given, at times that its seed decides."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import asyncpg
from redis.exceptions import RedisError

from tests.fault.cluster import CLAIM_SECONDS, STOP_GRACE_SECONDS, WORKERS, Cluster
from tests.fault.member import Member

ZOMBIE_CLAIMS = (1.6, 3.0)
"""Longer than the claim time: the work is somebody else's when the process wakes up."""
AWAY_SECONDS = (4.0, 10.0)
ROLLBACK_SECONDS = (0.1, 0.8)
SPOILT_SECONDS = (0.5, 3.0)
LOCKED_SECONDS = 0.3
MODEL_SECONDS = (0.2, 1.0)
PASSING_TROUBLES = ("limit", "error", "silent", "stalls", "cut", "fails", "half", "broken", "empty", "endless")
REPLIES_TO_CUT = 5


@dataclass
class Nemesis:
    """One run's trouble.

    Attributes:
        spared: the processes, by name, that nothing is done to alone.
        injected: what was done, how often.
        diary: when what was done to whom.
        violations: what must not have happened meanwhile.
        stop_seconds: how long each process took to end that was told to.
    """

    cluster: Cluster
    rng: Random
    spared: tuple[str, ...] = ()
    injected: Counter[str] = field(default_factory=Counter)
    diary: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    stop_seconds: list[float] = field(default_factory=list)
    _calmed: asyncio.Event = field(default_factory=asyncio.Event)

    async def rage(self, first: Sequence[str], faults: Sequence[str], *, every_seconds: tuple[float, float]) -> None:
        """Make the trouble of `first`, one after the other, then whatever of `faults`, until it is calmed."""
        left = list(first)
        while left or faults:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.rng.uniform(*every_seconds)):
                    await self._calmed.wait()
                    return
            await self.strike(left.pop(0) if left else self.rng.choice(faults))

    def calm(self) -> None:
        """No new trouble; what has begun is carried through, for half a fault would be one that nobody asked for."""
        self._calmed.set()

    async def strike(self, fault: str) -> None:
        """One fault, by its name in `FAULTS`."""
        self.injected[fault] += 1
        await FAULTS[fault](self)

    def note(self, what: str) -> None:
        """Write down what is being done."""
        self.diary.append(f"{time.strftime('%H:%M:%S')}.{int(time.time() * 1000) % 1000:03d} {what}")

    def stopped(self, member: Member, seconds: float) -> None:
        """A process was told to end, and has ended after so many seconds."""
        self.stop_seconds.append(seconds)
        if seconds > STOP_GRACE_SECONDS:
            self.violations.append(f"{member.name} took {seconds:.1f} s to stop")

    def victim(self, *kinds: str) -> Member | None:
        """A process that runs; None when there is none now."""
        living = [member for member in self.cluster.of(*kinds) if member.is_up and member.name not in self.spared]
        return self.rng.choice(living) if living else None


async def _kill(nemesis: Nemesis, *kinds: str) -> None:
    if victim := nemesis.victim(*kinds):
        nemesis.note(f"kill -9 {victim.name}")
        await victim.kill()


async def _terminate(nemesis: Nemesis, *kinds: str) -> None:
    if victim := nemesis.victim(*kinds):
        nemesis.note(f"SIGTERM {victim.name}")
        nemesis.stopped(victim, await victim.terminate())


async def _freeze(nemesis: Nemesis, *kinds: str) -> None:
    if victim := nemesis.victim(*kinds):
        claim_seconds = float(nemesis.cluster.settings.get("BUS_CLAIM_SECONDS", CLAIM_SECONDS))
        seconds = claim_seconds * nemesis.rng.uniform(*ZOMBIE_CLAIMS)
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


async def _stop_postgres(nemesis: Nemesis) -> None:
    seconds = nemesis.rng.uniform(*AWAY_SECONDS)
    nemesis.note(f"postgres is away for {seconds:.1f} s")
    postgres = nemesis.cluster.postgres
    async with postgres.gate:
        await postgres.kill()
        await asyncio.sleep(seconds)
    await postgres.ready()


async def _deadlock(nemesis: Nemesis) -> None:
    """Locks the messages and then the sessions; every turn goes the other way round."""
    nemesis.note("deadlock")
    connection = await nemesis.cluster.connect()
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE chat_messages IN SHARE ROW EXCLUSIVE MODE")
            # Long enough for a turn to have its session and to wait for the messages.
            await asyncio.sleep(LOCKED_SECONDS)
            await connection.execute("LOCK TABLE chat_sessions IN SHARE ROW EXCLUSIVE MODE")
    except asyncpg.DeadlockDetectedError:
        nemesis.injected["deadlocks_of_ours"] += 1
    finally:
        await connection.close()


def _on_model(trouble: str) -> "Callable[[Nemesis], Awaitable[None]]":
    async def suffer(nemesis: Nemesis) -> None:
        seconds = nemesis.rng.uniform(*MODEL_SECONDS)
        nemesis.note(f"the model has {trouble} for {seconds:.1f} s")
        nemesis.cluster.model.trouble = trouble
        try:
            await asyncio.sleep(seconds)
        finally:
            nemesis.cluster.model.trouble = ""

    return suffer


async def _cut_model(nemesis: Nemesis) -> None:
    nemesis.note("the model's connections are cut")
    nemesis.cluster.model.cut()


async def _stop_model(nemesis: Nemesis) -> None:
    seconds = nemesis.rng.uniform(*MODEL_SECONDS)
    nemesis.note(f"the model refuses connections for {seconds:.1f} s")
    nemesis.cluster.model.go_away()
    try:
        await asyncio.sleep(seconds)
    finally:
        await nemesis.cluster.model.come_back()


async def _flush_valkey(nemesis: Nemesis) -> None:
    nemesis.note("FLUSHALL")
    async with nemesis.cluster.redis() as redis:
        await redis.flushall()


async def _roll_back_valkey(nemesis: Nemesis) -> None:
    """It comes back as it was a moment before it died: what a failover to a late replica does."""
    seconds = nemesis.rng.uniform(*ROLLBACK_SECONDS)
    nemesis.note(f"valkey rolled back by {seconds:.1f} s")
    valkey, data = nemesis.cluster.valkey, nemesis.cluster.valkey_server.folder / "appendonlydir"
    kept = data.with_name("kept")
    shutil.rmtree(kept, ignore_errors=True)
    await asyncio.to_thread(shutil.copytree, data, kept)
    await asyncio.sleep(seconds)
    async with valkey.gate:
        await valkey.kill()
        await asyncio.to_thread(shutil.rmtree, data)
        kept.rename(data)
    await valkey.ready()


async def _spoil_network(nemesis: Nemesis) -> None:
    (kind, server), proxy = nemesis.rng.choice(sorted(nemesis.cluster.proxies.items(), key=lambda item: item[0]))
    how = nemesis.rng.choice(("cut", "swallows", "slow", "late"))
    seconds = nemesis.rng.uniform(*SPOILT_SECONDS)
    nemesis.note(f"network from {kind} to {server}: {how} for {seconds:.1f} s")
    nemesis.injected[f"network-{how}"] += 1
    if how == "cut":
        proxy.cut()
        return
    proxy.swallows = how == "swallows"
    proxy.bytes_per_second = 1024 if how == "slow" else None
    proxy.delay_seconds = 0.3 if how == "late" else 0.0
    try:
        await asyncio.sleep(seconds)
    finally:
        proxy.heal()


async def _lose_replies(nemesis: Nemesis) -> None:
    """What was sent is carried out; the reply is cut off in its middle, and the connection is gone."""
    (kind, server), proxy = nemesis.rng.choice(sorted(nemesis.cluster.proxies.items(), key=lambda item: item[0]))
    nemesis.note(f"the next replies of {server} to {kind} are cut off")
    proxy.replies_to_cut = nemesis.rng.randint(1, REPLIES_TO_CUT)
    before = proxy.replies_cut
    await asyncio.sleep(nemesis.rng.uniform(*SPOILT_SECONDS) / 4)
    nemesis.injected["replies_lost"] += proxy.replies_cut - before
    proxy.heal()


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
    "stop-postgres": _stop_postgres,
    "flush-valkey": _flush_valkey,
    "roll-back-valkey": _roll_back_valkey,
    "network": _spoil_network,
    "lose-replies": _lose_replies,
    "deadlock-postgres": _deadlock,
    **{f"model-{trouble}": _on_model(trouble) for trouble in PASSING_TROUBLES},
    "model-cuts": _cut_model,
    "model-away": _stop_model,
    "forget-scripts": _forget_scripts,
}
