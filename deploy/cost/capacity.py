"""How many tasks, nodes and capacity units a load needs, and how much a stage takes at its largest."""

import math

from deploy.cdk.config import Stage
from deploy.cdk.processes import SERVICES, Process
from deploy.cdk.scaling_policy import CPU_PERCENT
from deploy.cost.measured import CORE_OF_A_NODE, CORE_OF_A_VCPU, CPU_MS_A_CHAT, SECONDS_A_PERSON_STAYS, cpu_ms_a_chat

VCPU = 1024
VCPUS_OF_A_UNIT = 0.25
"""Of Aurora, an Aurora capacity unit has 2 GiB and about so much of a processor; an assumption."""
FULL = CPU_PERCENT / 100


def chats_a_second(process: Process) -> float:
    """That one task takes with its processor at the share where more tasks are added."""
    return process.cpu / VCPU * CORE_OF_A_VCPU * FULL / (cpu_ms_a_chat(process.name) / 1000)


def tasks(process: Process, stage: Stage, rate: float) -> int:
    """Of this process at so many chats a second."""
    needed = math.ceil(rate / chats_a_second(process)) if process.name in CPU_MS_A_CHAT else 0
    if process.name == "gateway":
        needed = max(needed, math.ceil(rate * SECONDS_A_PERSON_STAYS / process.per_task))
    return max(stage.smallest, needed)


def capacity_units(stage: Stage, rate: float) -> float:
    """Of Aurora's writer at so many chats a second, within the stage's bounds."""
    needed = rate * cpu_ms_a_chat("postgres") / 1000 / CORE_OF_A_VCPU / VCPUS_OF_A_UNIT / FULL
    return min(max(stage.database.min_capacity, math.ceil(needed * 2) / 2), stage.database.max_capacity)


def limits(stage: Stage) -> dict[str, float]:
    """Chats a second at the stage's largest, by what takes no more then."""
    found = {one.name: stage.largest * chats_a_second(one) for one in SERVICES if one.name in CPU_MS_A_CHAT}
    # Valkey's commands run on one thread of each shard.
    found["valkey"] = stage.cache.shards * CORE_OF_A_NODE * FULL / (cpu_ms_a_chat("valkey") / 1000)
    units = stage.database.max_capacity
    found["postgres"] = units * VCPUS_OF_A_UNIT * CORE_OF_A_VCPU * FULL / (cpu_ms_a_chat("postgres") / 1000)
    return found
