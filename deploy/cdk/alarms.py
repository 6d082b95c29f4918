"""The alarms, as a table: what is watched, beyond which point, and where the runbook says what to do."""

from dataclasses import dataclass, field

from deploy.cdk import signals
from deploy.cdk.signals import Signal

RUNBOOK = "docs/runbook.md"


@dataclass(frozen=True)
class Watch:
    """One alarm on a metric of ours.

    Attributes:
        name: also its heading in the runbook.
        means: one sentence for whoever is woken.
        by: the process that says it, and the values of the signal's labels.
        statistic: of CloudWatch.
        limit: the threshold.
        below: being under the threshold is what is wrong, and saying nothing as well.
        minutes: of the five-minute periods that must all be beyond it.
        felt: people notice; it is part of the composite alarm, which wakes somebody.
    """

    name: str
    means: str
    signal: Signal
    by: dict[str, str] = field(default_factory=dict)
    statistic: str = "Sum"
    limit: float = 0
    minutes: int = 5
    felt: bool = False
    below: bool = False


def _of(process: str, **labels: str) -> dict[str, str]:
    return {signals.PROCESS: process, **labels}


WATCHES = (
    Watch(
        "answers-fail",
        "Answers end as failed.",
        signals.TURNS,
        _of("history-worker", status="failed"),
        limit=5,
        felt=True,
    ),
    Watch(
        "answers-slow",
        "From the question to the end of its answer takes too long.",
        signals.TURN_SECONDS,
        _of("history-worker", status="completed"),
        statistic="Average",
        limit=30,
        minutes=15,
        felt=True,
    ),
    Watch(
        "first-token-slow",
        "The model takes long to begin.",
        signals.FIRST_TOKEN,
        _of("generation"),
        statistic="Average",
        limit=5,
        minutes=15,
        felt=True,
    ),
    Watch(
        "workers-silent",
        "History's workers say nothing at all: they are gone, or their collectors are.",
        signals.WAITING,
        _of("history-worker", stream="chat.asked.v1"),
        statistic="SampleCount",
        limit=1,
        felt=True,
        below=True,
    ),
    *(
        Watch(
            f"backlog-{process}",
            f"More questions wait for {process} than its tasks take.",
            signals.WAITING,
            _of(process, stream=stream),
            statistic="Average",
            limit=500,
            minutes=10,
            felt=True,
        )
        for process, stream in (
            ("history-worker", "chat.asked.v1"),
            ("retrieval", "chat.opened.v1"),
            ("generation", "chat.retrieved.v1"),
        )
    ),
    Watch(
        "backlog-ingest-worker",
        "Documents wait long to become searchable.",
        signals.WAITING,
        _of("ingest-worker", stream="ingest.uploaded.v1"),
        statistic="Average",
        limit=200,
        minutes=60,
    ),
    *(
        Watch(f"dead-letters-{process}", f"{process} gave entries up.", signals.DEAD_LETTERS, _of(process))
        for process in ("history-worker", "retrieval", "generation", "ingest-worker")
    ),
    Watch(
        "turns-reopened",
        "Turns stood still and were opened again: Redis forgot, or workers die.",
        signals.REOPENED,
        _of("history-worker"),
        limit=20,
    ),
    Watch("turns-lost", "The sweeper gave turns up.", signals.LOST, _of("history-worker")),
    Watch(
        "sockets-full",
        "Gateways hold more sockets than they are scaled for.",
        signals.SOCKETS,
        _of("gateway"),
        statistic="Maximum",
        limit=10_000,
    ),
)

OF_AWS = {
    "gateway-errors": "The load balancer gets 5xx from its targets.",
    "gateway-unreachable": "The load balancer has no healthy gateway.",
    "edge-errors": "API Gateway answers 5xx.",
    "database-full": "Aurora works at the top of its capacity.",
    "database-connections": "Aurora has few connections left.",
    "redis-memory": "Valkey is nearly full, and refuses what it cannot hold.",
    "redis-cpu": "Valkey's one thread is nearly busy.",
}
"""Alarms on AWS's own metrics; `deploy/cdk/watch.py` has their numbers."""
