"""Log groups, all with the stage's retention and a name below its path."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.cdk.config import Stage

RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
}


def group_name(stage: Stage, what: str) -> str:
    """Of the log group of a process, or of a part of the edge."""
    return f"/{stage.path}/{what}"


def log_group(scope: Construct, stage: Stage, what: str, *, name: str | None = None) -> logs.LogGroup:
    """A group that is deleted with its stack unless the stage keeps things.

    Args:
        scope: its stack.
        stage: says how long it is kept.
        what: it is about.
        name: when a service of AWS insists on how it begins.
    """
    return logs.LogGroup(
        scope,
        f"logs-{what}",
        log_group_name=name or group_name(stage, what),
        retention=RETENTION[stage.log_days],
        removal_policy=removal(stage),
    )


def removal(stage: Stage) -> RemovalPolicy:
    """What becomes of data whose stack is deleted."""
    return RemovalPolicy.RETAIN if stage.keep else RemovalPolicy.DESTROY
