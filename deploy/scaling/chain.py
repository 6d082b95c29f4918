"""The workers behind each other, as the stacks declare them: what one has finished comes to the next."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from deploy.cdk.config import Stage
from deploy.cdk.processes import SERVICES
from deploy.cdk.scaling_policy import ScalingPolicy, policy_of
from deploy.cost.measured import ANSWER_SECONDS, CORE_OF_A_VCPU, RETRIEVAL_SECONDS, STORE_SECONDS, cpu_ms_a_chat
from deploy.scaling.worker import Outcome, Work, simulate
from gateway.settings import GatewaySettings
from generation_service.settings import GenerationSettings
from history_service.settings import HistorySettings
from retrieval_service.settings import RetrievalSettings

_VCPU = 1024
_SECONDS = {"history-worker": STORE_SECONDS, "retrieval": RETRIEVAL_SECONDS, "generation": ANSWER_SECONDS}
_PLACES = {
    "history-worker": HistorySettings.model_fields["concurrency"].default,
    "retrieval": RetrievalSettings.model_fields["concurrency"].default,
    "generation": GenerationSettings.model_fields["concurrency"].default,
}
CHAIN = tuple(_SECONDS)


def declared(stage: Stage) -> dict[str, tuple[Work, ScalingPolicy]]:
    """Of the workers of a chat, by name: what they do, and how they are scaled."""
    processes = {one.name: one for one in SERVICES}
    return {
        name: (
            Work(
                places=_PLACES[name],
                seconds=_SECONDS[name],
                processor_seconds=cpu_ms_a_chat(name) / 1000 / (processes[name].cpu / _VCPU * CORE_OF_A_VCPU),
            ),
            policy_of(processes[name], stage),
        )
        for name in CHAIN
    }


def run(
    arrivals: Iterable[float], workers: Mapping[str, tuple[Work, ScalingPolicy]], stage: Stage, *, seconds: int
) -> dict[str, Outcome]:
    """The load through all of them; the gateway refuses what the first one cannot take."""
    most = GatewaySettings.model_fields["max_backlog"].default * stage.cache.partitions
    outcomes: dict[str, Outcome] = {}
    coming: Iterable[float] = arrivals
    for number, (name, (work, policy)) in enumerate(workers.items()):
        outcomes[name] = simulate(coming, work, policy, seconds=seconds, max_backlog=None if number else most)
        coming = outcomes[name].done_at
    return outcomes


def mutated(
    workers: Mapping[str, tuple[Work, ScalingPolicy]], *, blind: bool = False, **policy: Any
) -> dict[str, tuple[Work, ScalingPolicy]]:
    """The same workers, scaled otherwise.

    Args:
        workers: as they are declared.
        blind: the measure leaves out what is in hand.
        policy: other values for fields of `ScalingPolicy`.
    """
    return {
        name: (replace(work, held_counts=not blind), replace(own, **policy)) for name, (work, own) in workers.items()
    }
