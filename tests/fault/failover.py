"""Redis fails over to its replica and back, and restarts: how busy the services are meanwhile, and how soon back.

They reach Redis through proxies, as through a name: a while after the roles have changed it means the other one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from redis.asyncio import Redis

from deploy.local.program import running
from deploy.local.valkey import ValkeyServer
from tests.fault.clients import Message
from tests.fault.cluster import WORKERS
from tests.fault.ports import free_ports
from tests.fault.proxy import Proxy
from tests.fault.run import Run
from tests.fault.specials import STEADY, a_message
from tests.polling import eventually
from tests.variants import REDIS_SERVER

READ_ONLY_SECONDS = 6.0
SETTLE_SECONDS = 2.0
"""Everything that is under way when the roles change is refused once, and counts for nothing; so does what still waits
for the failover before, and learns of its end up to a second later, in the midst of the next."""
BACK_SECONDS = 2.0
COMMANDS_A_SECOND = 5.0
"""Of each worker, while Redis takes no writes."""
SYNC_SECONDS = 20.0


async def fail_over(run: Run) -> Sequence[Message]:
    """Twice, there and back, then a restart, with clients who chat all the while."""
    primary = run.cluster.valkey_server
    async with _replica_of(run, primary) as replica:
        await _promote(run, primary, replica)
        await _promote(run, replica, primary)
    return await _restart(run)


@asynccontextmanager
async def _replica_of(run: Run, primary: ValkeyServer) -> AsyncIterator[ValkeyServer]:
    [port] = free_ports(1)
    settings = {"replicaof": f"127.0.0.1 {primary.port}", "masterauth": primary.password}
    replica = ValkeyServer(run.cluster.folder / "replica", port, primary.password, settings, REDIS_SERVER)
    async with Redis.from_url(primary.url) as client:
        # Some time it will be the replica.
        await client.config_set("masterauth", primary.password)
        await client.config_set("repl-diskless-sync-delay", 0)
    async with running(replica, watch=run.cluster.guardian.watch):
        yield replica


async def _promote(run: Run, old: ValkeyServer, new: ValkeyServer) -> None:
    async with Redis.from_url(old.url) as was, Redis.from_url(new.url) as will_be:

        async def in_sync() -> bool:
            facts = await will_be.info("replication")
            return bool(facts["master_link_status"] == "up")

        async def changed() -> bool:
            return [await _role(was), await _role(will_be)] == ["slave", "master"]

        await eventually(in_sync, within_seconds=SYNC_SECONDS)
        for proxy in _proxies(run):
            # Idle since an earlier failover, they would lead past the name to a server that takes writes again.
            proxy.cut(but_to=old.port)
        run.nemesis.note(f"failover from {old.port} to {new.port}")
        run.nemesis.injected["failover"] += 1
        # redis-py has a method for it, and it is not for asyncio.
        await was.execute_command("FAILOVER", "TO", "127.0.0.1", new.port, "TIMEOUT", 5000)  # type: ignore[no-untyped-call]
        await eventually(changed, within_seconds=SYNC_SECONDS)
        await _measure_waiting(run)
        appends = await _appends(will_be)
        run.nemesis.note(f"the name means {new.port}")
        for proxy in _proxies(run):
            proxy.target_port = new.port
        await _measure_back(run, "back_after_failover", will_be, appends)


def _proxies(run: Run) -> list[Proxy]:
    return [proxy for (_, server), proxy in run.cluster.proxies.items() if server == "valkey"]


async def _restart(run: Run) -> Sequence[Message]:
    client = run.client("asks during a restart", STEADY)
    await eventually(partial(_log_is_whole, run.cluster.valkey_server), within_seconds=SYNC_SECONDS)
    async with asyncio.TaskGroup() as group:
        run.nemesis.note("valkey restarted")
        run.nemesis.injected["restart"] += 1
        await run.cluster.valkey.kill()
        # Told that Redis is away, it asks again: what was not accepted is its to send.
        group.create_task(client.follow(a_message(client)))
        await run.cluster.valkey.ready()
        async with Redis.from_url(run.cluster.valkey_server.url) as redis:
            await _measure_back(run, "back_after_restart", redis, 0)
    return client.messages


async def _measure_waiting(run: Run) -> None:
    """How much each kind of worker asks of a Redis that refuses it."""
    proxies = {kind: run.cluster.proxies[kind, "valkey"] for kind in WORKERS}
    await asyncio.sleep(SETTLE_SECONDS)
    before, began = {kind: proxy.commands.copy() for kind, proxy in proxies.items()}, time.monotonic()
    await asyncio.sleep(READ_ONLY_SECONDS - SETTLE_SECONDS)
    seconds = time.monotonic() - began
    for kind, proxy in proxies.items():
        sent = proxy.commands - before[kind]
        commands = sent.total() / seconds / len(run.cluster.of(kind))
        _keep(run, f"{kind}_commands_a_second", commands, COMMANDS_A_SECOND, f": {sent}")


async def _measure_back(run: Run, name: str, redis: Redis, appends: int) -> None:
    """How long until a service has written something again."""
    began = time.monotonic()

    async def writes() -> bool:
        return await _appends(redis) > appends

    await eventually(writes, within_seconds=SYNC_SECONDS)
    seconds = time.monotonic() - began
    _keep(run, f"{name}_seconds", seconds, BACK_SECONDS)


def _keep(run: Run, name: str, value: float, most: float, details: str = "") -> None:
    # In hundredths, the worst of all times: figures are counts.
    run.figures[f"{name}_x100"] = max(run.figures[f"{name}_x100"], round(100 * value))
    if value > most:
        run.violations.append(f"{name} is {value:.2f}, more than {most:g}{details}")


async def _log_is_whole(server: ValkeyServer) -> bool:
    """Whoever was a replica writes its append-only file anew; killed before, it has what it had when it began."""
    async with Redis.from_url(server.url) as redis:
        facts = await redis.info("persistence")
    return not (facts["aof_rewrite_in_progress"] or facts["aof_rewrite_scheduled"])


async def _role(redis: Redis) -> str:
    return str((await redis.info("replication"))["role"])


async def _appends(redis: Redis) -> int:
    facts: dict[str, Any] = await redis.info("commandstats")
    return int(facts.get("cmdstat_xadd", {"calls": 0})["calls"])
