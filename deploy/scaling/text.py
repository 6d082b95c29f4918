"""What docs/scaling.md says around its tables."""

from collections.abc import Iterator

from deploy.cdk.config import Stage
from deploy.cost.measured import ANSWER_SECONDS, ANSWER_TOKENS, CORE_OF_A_VCPU
from deploy.scaling.chain import declared
from deploy.scaling.tracking import IN_MINUTES, OUT_MINUTES, START_SECONDS


def policies(stage: Stage) -> Iterator[str]:
    """The declared numbers, and what a task can take, line by line."""
    yield "| worker | in hand and waiting, per task | processor | tasks | added after | taken after | a task takes |"
    yield "|---|---|---|---|---|---|---|"
    for name, (work, policy) in declared(stage).items():
        takes = min(work.places / work.seconds, 1 / work.processor_seconds)
        yield (
            f"| {name} | {policy.target:.0f} | {policy.cpu_percent:.0f} % | {policy.smallest} to {policy.largest} "
            f"| {policy.out_seconds} s | {policy.in_seconds} s | {takes:.0f} a second |"
        )


BEFORE = f"""# Scaling

Written by `python -m deploy.scaling --write`. It tries the policies that the stacks declare for production
([scaling_policy.py](../deploy/cdk/scaling_policy.py), [processes.py](../deploy/cdk/processes.py)) against load, as a
simulation: nothing was deployed.

**The model.** Questions come by chance around the load's shape. A worker takes entries as places are free; each takes
its time, of which its task's processor works on one after the other. What it has finished comes to the next worker.
The gateway refuses above `GATEWAY_MAX_BACKLOG`. Once a minute each policy looks at the average of the last one: above
its target for {OUT_MINUTES} minutes in a row it adds as many tasks as the measure says, which work {START_SECONDS} s
later; below 90 % for {IN_MINUTES} minutes, and if all policies agree, tasks are taken away. So AWS describes target
tracking; the minutes are those of the alarms that it makes.

**Inputs.** Processor time of a chat: [docs/benchmarks.md](benchmarks.md), what grows with the answer times three for
one of {ANSWER_TOKENS} tokens, on {CORE_OF_A_VCPU} of a core for each vCPU. The times of an answer
({ANSWER_SECONDS} s), of a retrieval and of a commit are assumptions. All are named in
[measured.py](../deploy/cost/measured.py).

**How to read it.** *Wait* is the time on the stream before a worker takes an entry. *Turns* is how often the number of
tasks changed its direction; a load of one hill has one. A recorded load is tried with `--load FILE`: a line a minute,
its last column the questions, as CloudWatch exports `chat_questions_total`. None was at hand: these are shapes.

"""

AFTER = """## What it showed

- **By what is in hand and waits alone, the services swing.** A worker whose processor is half busy has one or two
  entries in hand, far below the target; one that is full has all places taken, and a backlog besides. No load between
  the two keeps the measure still: tasks are added at full speed, found idle a quarter of an hour later, taken away and
  missed again. Scaled by their processors as well, they stay while they are needed. The stacks declared the former
  until this was tried.
- **Nothing helps in the first minutes.** From a sudden load to tasks that work it takes over four minutes, three of
  them by the alarms alone. What the smallest number of tasks cannot take until then waits, or is refused with a time
  to retry. Whoever expects such loads raises `smallest`; the last variant shows what four tasks change.
- Workers alone are simulated: Valkey, the database and the model's rate limit end earlier ([docs/cost.md](cost.md)).
"""
