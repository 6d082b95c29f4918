"""The declared policies hold a sudden load; mutated ones do not, or the simulation would show nothing."""

from dataclasses import replace

import pytest

from deploy.cdk.config import PRODUCTION
from deploy.cdk.scaling_policy import ScalingPolicy
from deploy.scaling.__main__ import DOCUMENT
from deploy.scaling.chain import declared
from deploy.scaling.loads import arrivals
from deploy.scaling.text import policies
from deploy.scaling.tracking import IN_MINUTES, OUT_MINUTES, Tracking
from deploy.scaling.worker import Outcome, Work, simulate

MINUTE = 60
BOUND_SECONDS = 5.0
NEEDED = 4
"""Tasks that would be busy all of the time under the load of `launched`."""


def launched(policy: ScalingPolicy) -> Outcome:
    """From 1 to 10 entries a second at once after five minutes, each with 0.4 s of work: six tasks at two thirds."""
    return simulate(
        arrivals(lambda moment: 10 if moment > 5 * MINUTE else 1, 60 * MINUTE),
        Work(places=32, seconds=1.0, processor_seconds=0.4),
        policy,
        seconds=60 * MINUTE,
        steps=2,
    )


def settled_wait(outcome: Outcome) -> float:
    """The p95 of those that came when there should be enough tasks: the last two thirds."""
    late = sorted(outcome.waits[len(outcome.waits) // 3 :])
    return late[int(len(late) * 0.95)]


@pytest.fixture(scope="module")
def retrieval() -> ScalingPolicy:
    return declared(PRODUCTION)["retrieval"][1]


def test_the_declared_policy_holds_its_bound(retrieval: ScalingPolicy) -> None:
    """Enough tasks after some minutes, and they stay."""
    outcome = launched(retrieval)

    assert settled_wait(outcome) < BOUND_SECONDS
    assert min(outcome.tasks[15:]) > NEEDED
    assert len(outcome.done_at) >= 0.99 * len(outcome.waits)


@pytest.mark.parametrize("mutant", [{"cpu_percent": None}, {"largest": 3}], ids=["without processors", "too few"])
def test_a_mutated_policy_does_not(retrieval: ScalingPolicy, mutant: dict[str, float | None]) -> None:
    """Without processors the service swings; with too few tasks the backlog grows."""
    outcome = launched(replace(retrieval, **mutant))  # type: ignore[arg-type]  # fields by name

    assert settled_wait(outcome) > BOUND_SECONDS


def test_tasks_come_and_go_as_alarms_say() -> None:
    """Added after three minutes above any target, all at once; taken away only when all measures agree."""
    policy = ScalingPolicy(target=10, smallest=2, largest=20)
    tracking = Tracking(policy, [10, 0.65])

    for minute in range(OUT_MINUTES - 1):
        assert tracking.minute(minute * 60, [40, 0.1]) == 2
    assert tracking.minute(OUT_MINUTES * 60, [40, 0.1]) == 8
    for minute in range(OUT_MINUTES + 1, 60):
        assert tracking.minute(minute * 60, [1, 0.6]) == 8
    for minute in range(60, 60 + IN_MINUTES - 1):
        assert tracking.minute(minute * 60, [1, 0.1]) == 8
    assert tracking.minute(3600 + IN_MINUTES * 60, [1, 0.1]) == 2


def test_the_document_is_about_these_policies() -> None:
    """Whoever changes a number of the policies tries it: `python -m deploy.scaling --write`."""
    text = DOCUMENT.read_text()

    assert all(line in text for line in policies(PRODUCTION))
