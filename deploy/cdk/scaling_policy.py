"""How each service is scaled, as numbers: what the stacks declare and what the simulation tries."""

from dataclasses import dataclass

from deploy.cdk.config import Stage
from deploy.cdk.processes import Process

OUT_SECONDS = 60
IN_SECONDS = 300
"""Slowly, as each task that ends hands back its work."""
CPU_PERCENT = 65
"""Of every service, whatever else it is scaled by. A worker whose processor is full has hardly more in hand than one
that is half idle, until the backlog grows: by that alone it is made larger and smaller in turn (docs/scaling.md)."""


@dataclass(frozen=True)
class ScalingPolicy:
    """Target tracking between two numbers of tasks.

    Attributes:
        target: of the measure, for each task.
        cpu_percent: of their processors; None leaves it out.
        out_seconds: after tasks were added, before more are.
        in_seconds: after any change, before some are taken away.
    """

    target: float
    smallest: int
    largest: int
    cpu_percent: float | None = CPU_PERCENT
    out_seconds: int = OUT_SECONDS
    in_seconds: int = IN_SECONDS


def policy_of(process: Process, stage: Stage) -> ScalingPolicy:
    """Of this service in this stage."""
    return ScalingPolicy(process.per_task, stage.smallest, stage.largest)
