"""`python -m deploy.migrate_task --stage staging`: the release's migrations as a task of its own, to its end."""

import argparse
import sys
from typing import Any

import boto3
import botocore.exceptions

from deploy.cdk.config import STAGES, Stage
from deploy.cdk.processes import MIGRATE

POLL_SECONDS = 6
WAIT_SECONDS = 3600
"""An index over a full table takes its time; nothing waits for it but the release."""


class MigrateError(Exception):
    """The schema is not what the release needs; the message says why."""


def migrate(stage: Stage, *, ecs: Any, cloudformation: Any, logs: Any) -> list[str]:
    """The log of a task that ended well; afterwards the services may be released.

    Args:
        stage: whose newest task definition is run.
        ecs: boto3's client, as are the others.
        cloudformation: knows where the task may run.
        logs: has what it said.

    Raises:
        MigrateError: it could not be started, or did not end with 0.
    """
    started = ecs.run_task(
        cluster=stage.prefix,
        launchType="FARGATE",
        taskDefinition=f"{stage.prefix}-{MIGRATE.name}",
        networkConfiguration={"awsvpcConfiguration": _place(stage, cloudformation)},
    )
    if started["failures"] or not started["tasks"]:
        raise MigrateError(f"the task was not started: {started['failures']}")
    arn = started["tasks"][0]["taskArn"]
    waiter = ecs.get_waiter("tasks_stopped")
    waiter.wait(
        cluster=stage.prefix,
        tasks=[arn],
        WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": WAIT_SECONDS // POLL_SECONDS},
    )
    [task] = ecs.describe_tasks(cluster=stage.prefix, tasks=[arn])["tasks"]
    [container] = [one for one in task["containers"] if one["name"] == MIGRATE.name]
    said = _log(stage, arn.rpartition("/")[2], logs)
    if container.get("exitCode") != 0:
        why = container.get("reason") or task.get("stoppedReason") or "no reason"
        raise MigrateError("\n".join([*said, f"exit code {container.get('exitCode')}: {why}"]))
    return said


def _place(stage: Stage, cloudformation: Any) -> dict[str, list[str]]:
    [stack] = cloudformation.describe_stacks(StackName=f"{stage.prefix}-network")["Stacks"]
    found = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    return {"subnets": found["MigrateSubnets"].split(","), "securityGroups": [found["MigrateGroup"]]}


def _log(stage: Stage, task_id: str, logs: Any) -> list[str]:
    try:
        events = logs.get_log_events(
            logGroupName=f"/{stage.path}/{MIGRATE.name}",
            logStreamName=f"task/{MIGRATE.name}/{task_id}",
            startFromHead=True,
        )["events"]
    except logs.exceptions.ResourceNotFoundException:
        return ["(no log)"]
    return [one["message"] for one in events]


def main() -> int:
    """1 when the services must not be released."""
    parser = argparse.ArgumentParser(prog="python -m deploy.migrate_task", description="Migrate a stage's database.")
    parser.add_argument("--stage", required=True, choices=[stage.name for stage in STAGES])
    [stage] = [one for one in STAGES if one.name == parser.parse_args().stage]
    clients = {name: boto3.client(name, region_name=stage.region) for name in ("ecs", "cloudformation", "logs")}
    try:
        print(*migrate(stage, **clients), sep="\n")
    except (MigrateError, botocore.exceptions.ClientError, botocore.exceptions.WaiterError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
