"""What the guarantees cost: `python -m tests.bench.guarantees [--write]` (part of `make bench`).

The scripts and the reader as they are, beside the plain commands that would do without any promise, on one embedded
Valkey with its append-only file as `make run` has it. Both ways take turns, block after block.
"""

import argparse
import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from redis.asyncio import Redis

from deploy.local.program import free_port, running
from deploy.local.valkey import ValkeyServer
from libs.bus.connection import connect
from tests.bench.chat import PAGE
from tests.bench.page import put
from tests.bench.priced import Appends, Hops, PlainAppends, PlainHops, PlainReadings, Readings, Way

MICRO = 1e6
DELTAS_A_CHAT = 42
"""100 tokens, one every 20 ms, leave every 50 ms, and the first and the last ones by themselves."""
HOPS_A_CHAT = 4

PAIRS: dict[str, tuple[Callable[[Redis], Way], Callable[[Redis], Way]]] = {
    "append": (Appends, PlainAppends),
    "reading": (Readings, PlainReadings),
    "hop": (Hops, PlainHops),
}


@dataclass
class Cost:
    """Of one way.

    Attributes:
        valkey_seconds: CPU of the server.
        own_seconds: CPU of this process.
        alone_seconds: how long one took that had everything to itself.
    """

    name: str
    count: int = 0
    valkey_seconds: float = 0.0
    own_seconds: float = 0.0
    alone_seconds: list[float] = field(default_factory=list)

    def figures(self) -> tuple[float, ...]:
        """Microseconds: of CPU per piece, of Valkey, ours and both; and of one alone, p50 and p95."""
        valkey, own = (seconds / self.count * MICRO for seconds in (self.valkey_seconds, self.own_seconds))
        alone = [float(np.percentile(self.alone_seconds, p)) * MICRO for p in (50, 95)]
        return (valkey, own, valkey + own, *alone)


async def measure(redis: Redis, *, rounds: int, flushes: int, alone: int) -> dict[str, list[Cost]]:
    """The costs of both ways of each pair, the one with the promise first.

    Args:
        redis: empty, and emptied again.
        rounds: how often the two take turns.
        flushes: of one turn, each with a piece for each of many answers.
        alone: of one turn, pieces one by one.
    """
    found: dict[str, list[Cost]] = {}
    for pair, kinds in PAIRS.items():
        costs = [Cost(kind(redis).name) for kind in kinds]
        for round_number in range(rounds + 1):
            for kind, cost in zip(kinds, costs, strict=True):
                block = await _block(redis, kind(redis), flushes=flushes, alone=alone)
                # The first turn of each pays for connections and scripts.
                if round_number:
                    cost.count += block.count
                    cost.valkey_seconds += block.valkey_seconds
                    cost.own_seconds += block.own_seconds
                    cost.alone_seconds += block.alone_seconds
        found[pair] = costs
    return found


async def _block(redis: Redis, way: Way, *, flushes: int, alone: int) -> Cost:
    cost = Cost(way.name)
    async with way.ready(flushes + alone):
        valkey, own = await _valkey_seconds(redis), _own_seconds()
        for _ in range(flushes):
            cost.count += await way.flush()
        cost.own_seconds = _own_seconds() - own
        cost.valkey_seconds = await _valkey_seconds(redis) - valkey
        for _ in range(alone):
            began = time.perf_counter()
            await way.one()
            cost.alone_seconds.append(time.perf_counter() - began)
    await redis.flushall()
    return cost


async def _valkey_seconds(redis: Redis) -> float:
    # Of the thread that carries commands out; writing the log to the disk has one of its own.
    facts: Any = await redis.info("cpu")
    return float(facts["used_cpu_user_main_thread"] + facts["used_cpu_sys_main_thread"])


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def markdown(found: dict[str, list[Cost]], *, came_first: bool = False) -> str:
    """The section.

    Args:
        found: as measured.
        came_first: before other work on the machine.
    """
    head = (
        "| | CPU of Valkey, µs | of the caller, µs | of both, µs | alone p50, µs | p95, µs |\n|---|---|---|---|---|---|"
    )
    rows = []
    for costs in found.values():
        with_it, without = (cost.figures() for cost in costs)
        rows += [_row(cost.name, cost.figures()) for cost in costs]
        ratios = [ours / theirs for ours, theirs in zip(with_it, without, strict=True)]
        rows.append("| ratio | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    more = {pair: costs[0].figures()[2] - costs[1].figures()[2] for pair, costs in found.items()}
    of_chat = DELTAS_A_CHAT * (more["append"] + more["reading"]) + HOPS_A_CHAT * more["hop"]
    return (
        "## What the guarantees cost\n\n"
        f"Written by `python -m tests.bench.guarantees{' --first' if came_first else ''} --write` "
        f"({datetime.now(UTC):%Y-%m-%d}). The scripts and the reader as they are, beside the plain commands that "
        "promise nothing, in turn on one embedded Valkey with its "
        "append-only file. *CPU* is of 50 answers whose pieces leave together, as those of a process do; *alone* is "
        "the time of one piece that waits for nobody."
        f"{' All of it ran with real-time scheduling (`--first`).' if came_first else ''}\n\n"
        "* *append*: a delta on top of the writer's own last one, published in the same step; plain: `XADD` and "
        "`SPUBLISH`.\n"
        "* *reading*: every frame once, in order, none left out; plain: whatever is heard on the channel.\n"
        "* *hop*: one entry finished and the next one published, both or neither; plain: `XADD`, `XACK` and `XDEL`.\n\n"
        + "\n".join([head, *rows])
        + f"\n\nA chat of {DELTAS_A_CHAT} deltas and {HOPS_A_CHAT} hops pays {of_chat / 1000:.2f} ms of CPU for them.\n"
    )


def _row(name: str, figures: Sequence[float]) -> str:
    return f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |"


@asynccontextmanager
async def a_valkey() -> AsyncIterator[Redis]:
    """A client of an embedded Valkey of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eloquent-bench-")))
        server = ValkeyServer(folder, free_port(), secrets.token_hex(16), {"loglevel": "nothing"})
        await stack.enter_async_context(running(server))
        yield await stack.enter_async_context(connect(server.url))


async def _whole(options: argparse.Namespace) -> str:
    if options.first:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    async with a_valkey() as redis:
        found = await measure(redis, rounds=options.rounds, flushes=options.flushes, alone=options.alone)
    return markdown(found, came_first=options.first)


def main() -> None:
    """Measure, print, and write the section where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--flushes", type=int, default=60)
    parser.add_argument("--alone", type=int, default=200)
    parser.add_argument(
        "--first", action="store_true", help="before other work on the machine: real-time scheduling, Linux, as root"
    )
    parser.add_argument("--write", action="store_true", help="write the section of docs/benchmarks.md")
    options = parser.parse_args()
    section = uvloop.run(_whole(options))
    sys.stdout.write(section)
    if options.write:
        put(PAGE, "guarantees", section)


if __name__ == "__main__":
    main()
