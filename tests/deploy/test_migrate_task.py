"""A release migrates by a task of its own. AWS's answers are given by botocore's stubs, which know its shapes."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deploy.cdk.config import STAGING
from deploy.migrate_task import MigrateError, migrate

TASK = "arn:aws:ecs:eu-central-1:123456789012:task/eloquent-staging/0123456789abcdef"
LOG = {"logGroupName": "/eloquent/staging/migrate", "logStreamName": "task/migrate/0123456789abcdef"}


class Account:
    """ECS, CloudFormation and the logs of an account; what they are asked is held to what was expected."""

    def __init__(self) -> None:
        given = {"region_name": STAGING.region, "aws_access_key_id": "none", "aws_secret_access_key": "none"}
        self.clients: dict[str, Any] = {name: boto3.client(name, **given) for name in ("ecs", "cloudformation", "logs")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        outputs = [
            {"OutputKey": "MigrateSubnets", "OutputValue": "subnet-1,subnet-2"},
            {"OutputKey": "MigrateGroup", "OutputValue": "sg-1"},
        ]
        stack: dict[str, Any] = {"StackName": "x", "CreationTime": "2026-01-01", "StackStatus": "CREATE_COMPLETE"}
        self.stubs["cloudformation"].add_response(
            "describe_stacks", {"Stacks": [{**stack, "Outputs": outputs}]}, {"StackName": "eloquent-staging-network"}
        )

    def starts(self, **answer: Any) -> None:
        place = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}
        expected = {
            "cluster": "eloquent-staging",
            "launchType": "FARGATE",
            "taskDefinition": "eloquent-staging-migrate",
            "networkConfiguration": {"awsvpcConfiguration": place},
        }
        self.stubs["ecs"].add_response("run_task", {"tasks": [], "failures": [], **answer}, expected)

    def stops(self, **container: Any) -> None:
        """The waiter asks, and then we do."""
        task = {"taskArn": TASK, "lastStatus": "STOPPED", "containers": [{"name": "migrate", **container}]}
        for _ in range(2):
            self.stubs["ecs"].add_response(
                "describe_tasks", {"tasks": [task]}, {"cluster": "eloquent-staging", "tasks": [TASK]}
            )

    def said(self, *lines: str) -> None:
        events = [{"message": line} for line in lines]
        self.stubs["logs"].add_response("get_log_events", {"events": events}, {**LOG, "startFromHead": True})


@pytest.fixture
def account() -> Iterator[Account]:
    """Everything that was expected is asked."""
    account = Account()
    for stub in account.stubs.values():
        stub.activate()
    yield account
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


def test_a_release_waits_for_its_migrations(account: Account) -> None:
    """The task runs where the network lets it reach the database; what it said is handed on."""
    account.starts(tasks=[{"taskArn": TASK}])
    account.stops(exitCode=0)
    account.said("applied ingest_service/migrations/0009_more.sql", "1 migrations applied")

    assert migrate(STAGING, **account.clients)[-1] == "1 migrations applied"


@pytest.mark.parametrize("ended", [{"exitCode": 1}, {"reason": "CannotPullContainerError"}])
def test_a_migration_that_failed_stops_the_release(account: Account, ended: dict[str, Any]) -> None:
    """Also one that never began; what was said is in the error."""
    account.starts(tasks=[{"taskArn": TASK}])
    account.stops(**ended)
    account.said("migrate: a table it needs stayed in use")

    with pytest.raises(MigrateError, match="stayed in use"):
        migrate(STAGING, **account.clients)


def test_a_task_that_was_not_started_stops_the_release(account: Account) -> None:
    """ECS says why in an answer that is no error."""
    account.starts(failures=[{"reason": "RESOURCE:MEMORY"}])

    with pytest.raises(MigrateError, match="RESOURCE:MEMORY"):
        migrate(STAGING, **account.clients)
