"""One kind of worker behind its stream, in short steps: tasks with places and a processor, and what adds tasks."""

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from deploy.cdk.scaling_policy import ScalingPolicy
from deploy.scaling.tracking import MINUTE, START_SECONDS, Tracking


@dataclass(frozen=True)
class Work:
    """What a worker does with an entry.

    Attributes:
        places: entries a task has in hand at once.
        seconds: an entry takes that waits for nobody else.
        processor_seconds: of which the task's own processor works.
        held_counts: the policy sees what is in hand, not only what waits.
    """

    places: int
    seconds: float
    processor_seconds: float
    held_counts: bool = True


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        waits: seconds on the stream, of each entry that was accepted.
        tasks: how many were running, by minute.
        done_at: when each entry was finished; what the next kind of worker gets.
        refused: entries the gateway did not accept, as too many waited.
    """

    waits: list[float] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    done_at: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def wait_p95(self) -> float:
        """Of the waits, in seconds."""
        ordered = sorted(self.waits)
        return ordered[int(len(ordered) * 0.95)] if ordered else 0.0

    @property
    def turns(self) -> int:
        """How often the number of tasks changed its direction: once out and once in for each hill of load."""
        steps = [after - before for before, after in pairwise(self.tasks) if after != before]
        return sum(before * after < 0 for before, after in pairwise(steps))


class _Task:
    """Entries in hand by the time they end, and when its processor has nothing more to do."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.busy_until = 0.0
        self._owed = 0.0

    def take(self, began: float, work: Work) -> float:
        """When an entry that is begun now will be finished; entries share the processor in their order."""
        self.busy_until = max(self.busy_until, began) + work.processor_seconds
        self._owed += work.processor_seconds
        end = max(began + work.seconds, self.busy_until)
        heapq.heappush(self.ends, end)
        return end

    def worked(self, now: float) -> float:
        """Seconds the processor worked since it was asked last, up to now."""
        left = min(self._owed, max(0.0, self.busy_until - now))
        worked, self._owed = self._owed - left, left
        return worked


def simulate(
    arrivals: Iterable[float],
    work: Work,
    policy: ScalingPolicy,
    *,
    seconds: int,
    max_backlog: int | None = None,
    steps: int = 10,
) -> Outcome:
    """The whole load through one kind of worker.

    Args:
        arrivals: of entries, in order, in seconds from the beginning.
        work: what is done with each.
        policy: how tasks are added.
        seconds: how long the load is watched.
        max_backlog: from which on entries are refused, as the gateway does.
        steps: of each second; places are freed at these moments only.
    """
    targets = [policy.target] + ([] if policy.cpu_percent is None else [policy.cpu_percent / 100])
    outcome, tracking = Outcome(), Tracking(policy, targets)
    tasks = [_Task() for _ in range(policy.smallest)]
    starting: deque[float] = deque()
    waiting: deque[float] = deque()
    coming = deque(arrivals)
    loads: list[float] = []
    busy: list[float] = []
    for step in range(1, seconds * steps + 1):
        now = step / steps
        while starting and starting[0] <= now:
            starting.popleft()
            tasks.append(_Task())
        while coming and coming[0] <= now:
            arrived = coming.popleft()
            if max_backlog is not None and len(waiting) >= max_backlog:
                outcome.refused += 1
            else:
                waiting.append(arrived)
        for task in tasks:
            while task.ends and task.ends[0] <= now:
                heapq.heappop(task.ends)
        _hand_out(waiting, tasks, work, now - 1 / steps, outcome)
        held = sum(len(task.ends) for task in tasks) if work.held_counts else 0
        loads.append((held + len(waiting)) / len(tasks))
        busy.append(sum(task.worked(now) for task in tasks) * steps / len(tasks))
        if step % (MINUTE * steps) == 0:
            outcome.tasks.append(len(tasks))
            wanted = tracking.minute(now, [sum(one) / len(one) for one in (loads, busy)][: len(targets)])
            loads.clear()
            busy.clear()
            starting.extend([now + START_SECONDS] * (wanted - len(tasks) - len(starting)))
            while starting and len(tasks) + len(starting) > wanted:
                starting.pop()
            # The emptiest; it ends what it has within its grace, which is longer than an answer.
            tasks.sort(key=lambda task: -len(task.ends))
            del tasks[wanted:]
    outcome.done_at.sort()
    return outcome


def _hand_out(waiting: deque[float], tasks: list[_Task], work: Work, since: float, outcome: Outcome) -> None:
    """Whoever has the most places free reads next."""
    free = [(len(task.ends), number) for number, task in enumerate(tasks) if len(task.ends) < work.places]
    heapq.heapify(free)
    while waiting and free:
        held, number = heapq.heappop(free)
        task = tasks[number]
        arrived = waiting.popleft()
        began = max(arrived, since)
        outcome.waits.append(began - arrived)
        end = task.take(began, work)
        outcome.done_at.append(end)
        if held + 1 < work.places:
            heapq.heappush(free, (held + 1, number))
