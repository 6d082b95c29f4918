"""A random mix of everything for as long as wanted: `python -m tests.fault.soak --minutes N [--seed N] [--chats N]`.

One process of each kind is spared, so that its memory can be followed from the beginning to the end; the others are
killed, stopped and frozen, and all of them live through what is done to Redis, PostgreSQL and the network.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from dataclasses import replace

from tests.fault.checker import Expected
from tests.fault.cluster import Cluster, running_cluster
from tests.fault.keys import count_mortal
from tests.fault.leftovers import SHORT_CACHES, all_gone
from tests.fault.memory import MemoryWatch, redis_bytes
from tests.fault.rows import EVERYTHING, LONG, SWEEPER
from tests.fault.rows_bounds import SHORT_LIVED
from tests.fault.run import Plan, carry_out
from tests.fault.summary import Summary

SPARED = ("gateway-0", "history-0", "history-api-0", "retrieval-0", "generation-0")
# There is one history api, and it is spared. Not FLUSHALL: whoever reads a stream then stops to be started again, and
# nobody's memory could be followed; row 5 has it.
FAULTS = (
    *(fault for fault in EVERYTHING if fault != "kill-history-api"),
    *("network", "stop-postgres", "roll-back-valkey"),
)
AT_ONCE = 20
SETTINGS = {
    # What is lost again and again is given up, and rightly so; in hours here nothing shall be.
    "BUS_MAX_ATTEMPTS": "50",
    "HISTORY_MAX_REOPENINGS": "100",
    # The other rows hurry. A busy machine is late by a second now and then, and nobody is dead for that.
    "BUS_CLAIM_SECONDS": "3",
}
WARM_UP_PART = 0.3
"""Of the time: what is imported, cached and pooled on first use is no leak."""
WARM_UP_MOST_SECONDS = 300.0
SLOPE_MOST = 0.01
"""Of a process's memory in ten minutes."""
REDIS_MOST_BYTES = 512 * 1024
"""More than before: consumers that are forgotten after an hour, and tables that have grown."""
SEED_BITS = 24


def mix(chats: int) -> Plan:
    """The plan of every round: what Redis keeps goes in seconds, so that what stays can be seen."""
    return Plan(
        "soak",
        chats,
        at_once=AT_ONCE,
        faults=FAULTS,
        every_seconds=(0.5, 3.0),
        habits=replace(LONG, words=(10, 150)),
        proxied=True,
        spared=SPARED,
        settings={**SETTINGS, **SWEEPER, **SHORT_CACHES},
        mutants=SHORT_LIVED,
        expected=Expected(errors=True),
    )


async def soak(minutes: float, *, seed: int, chats: int) -> bool:
    """Whether no promise was broken, and nothing grew."""
    summary, found = Summary(), list[str]()
    async with running_cluster() as (cluster, tasks):
        cluster.forks = False
        # Everything is started and was used once: this is the base.
        await carry_out(replace(mix(20), faults=(), afterwards=all_gone), seed, cluster, tasks)
        base = await redis_bytes(cluster)
        watch = MemoryWatch(cluster)
        watching = tasks.create_task(watch.watch())
        began, n = time.monotonic(), 0
        while time.monotonic() < began + 60 * minutes:
            report = await carry_out(mix(chats), seed + n, cluster, tasks)
            n += 1
            summary.add(report)
            print(report.text() if report.violations else report.line(), flush=True)
        summary.seconds = time.monotonic() - began
        watching.cancel()
        found += _judged(watch, min(WARM_UP_PART * summary.seconds, WARM_UP_MOST_SECONDS))
        report = await carry_out(replace(mix(20), faults=(), afterwards=all_gone), seed, cluster, tasks)
        found += report.violations
        found += await _back_to_base(cluster, base)
    print(summary.text(), flush=True)
    print("\n".join(["", *found, "soak: FAILED" if found or not summary.is_good else "soak: ok"]), flush=True)
    return summary.is_good and not found


def _judged(watch: MemoryWatch, warm_seconds: float) -> list[str]:
    print(f"\n{'memory (PSS)':<16}{'MiB':>8}  slope per 10 min after {warm_seconds:.0f} s")
    found = []
    for name, slope in sorted(watch.slopes(sorted(watch.processes), warm_seconds).items()):
        size = watch.processes[name].now / 2**20
        print(f"{name:<16}{size:>8.1f}  {'started too lately to say' if slope is None else f'{slope:+.2%}'}")
        if name in SPARED and (slope is None or slope > SLOPE_MOST):
            found.append(
                f"{name} {f'grows by {slope:.1%} in ten minutes' if slope else 'could not be followed long enough'}"
            )
    return found


async def _back_to_base(cluster: Cluster, base: int) -> list[str]:
    now = await redis_bytes(cluster)
    async with cluster.redis() as redis:
        left = await count_mortal(redis)
    kept = f"{base / 1024:.0f} KiB before, {now / 1024:.0f} KiB behind"
    print(f"redis: data {kept}, {left.total()} keys with a life left")
    return [f"redis has kept {(now - base) / 1024:.0f} KiB"] if now > base + REDIS_MOST_BYTES else []


def main() -> None:
    """Exit code 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULT_SEED") or secrets.randbits(SEED_BITS)))
    parser.add_argument("--chats", type=int, default=200, help="of a round")
    given = parser.parse_args()
    print(f"FAULT_SEED={given.seed}", flush=True)
    sys.exit(0 if asyncio.run(soak(given.minutes, seed=given.seed, chats=given.chats)) else 1)


if __name__ == "__main__":
    main()
