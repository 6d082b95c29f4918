"""Memory over time: of every process, and of Redis."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import psutil

from tests.bench.usage import Usage
from tests.fault.cluster import Cluster

SAMPLE_SECONDS = 5.0
LEAST_SAMPLES = 24
"""Two minutes: a line through less says nothing."""
SLOPE_SECONDS = 600.0


@dataclass
class Memory:
    """Samples of one process since it was last started.

    Attributes:
        samples: seconds since the beginning, and bytes of proportional set size.
    """

    pid: int
    samples: list[tuple[float, float]] = field(default_factory=list)

    def slope(self, since: float) -> float | None:
        """By which part of itself it grows in ten minutes; None where there are too few samples.

        The median of the slopes between all pairs (Theil and Sen): a burst of traffic moves it little.
        """
        taken = [sample for sample in self.samples if sample[0] >= since]
        if len(taken) < LEAST_SAMPLES:
            return None
        slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(_thinned(taken), 2)]
        return statistics.median(slopes) * SLOPE_SECONDS / statistics.median(size for _, size in taken)

    @property
    def now(self) -> float:
        """Bytes at the last look."""
        return self.samples[-1][1]


@dataclass
class MemoryWatch:
    """Looks at every process of a cluster, servers included, every few seconds."""

    cluster: Cluster
    processes: dict[str, Memory] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(SAMPLE_SECONDS)

    def look(self) -> None:
        """One sample of each process that runs."""
        members = [*self.cluster.members, self.cluster.valkey, self.cluster.postgres]
        pids = {member.name: member.child.pid for member in members if member.is_up and member.child is not None}
        for name, pid in pids.items():
            size = _bytes(name, pid)
            if not size:
                continue
            if name not in self.processes or self.processes[name].pid != pid:
                self.processes[name] = Memory(pid)
            self.processes[name].samples.append((time.monotonic() - self._began, size))

    def slopes(self, names: Sequence[str], since: float) -> dict[str, float | None]:
        """Of these processes, from so many seconds after the beginning on."""
        return {name: self.processes[name].slope(since) for name in names if name in self.processes}


async def redis_bytes(cluster: Cluster) -> int:
    """What Redis holds, without what it needs for its clients and its own work."""
    async with cluster.redis() as redis:
        memory = await redis.info("memory")
        return int(memory["used_memory_dataset"])


def _bytes(name: str, pid: int) -> int:
    try:
        return Usage({name: pid}).memory_bytes()[name]
    except psutil.Error:  # it has just ended
        return 0


def _thinned(samples: Sequence[tuple[float, float]], most: int = 300) -> Sequence[tuple[float, float]]:
    return samples[:: len(samples) // most + 1]
