"""Feature flags in AppConfig: one document a stage, checked before it is deployed, read by an agent beside tasks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.cdk.config import Stage
from deploy.cdk.environment import FLAGS_PROFILE
from deploy.cdk.flags_schema import schema

AGENT_VERSION = "2.x"
"""Of AWS's AppConfig agent, copied into a repository of ours like the collector."""
POLL_SECONDS = 5
"""With the process's own look every 3 s (`FLAGS_REFRESH_SECONDS`): what is deployed at once is live within ten."""
_NOTHING_SWITCHED: Mapping[str, object] = {"flags": {}}


def build_flags(scope: Construct, stage: Stage) -> str:
    """The ARN of what agents may read: the document of one application, environment and profile.

    The first one leaves every flag at its default. Later ones are made in the account (docs/deploy.md), and the stack
    does not change them back.
    """
    application = appconfig.CfnApplication(scope, "flags", name=stage.prefix)
    environment = appconfig.CfnEnvironment(
        scope, "flags-environment", application_id=application.ref, name=stage.name, deletion_protection_check="APPLY"
    )
    profile = appconfig.CfnConfigurationProfile(
        scope,
        "flags-profile",
        application_id=application.ref,
        name=FLAGS_PROFILE,
        location_uri="hosted",
        type="AWS.Freeform",
        validators=[
            appconfig.CfnConfigurationProfile.ValidatorsProperty(type="JSON_SCHEMA", content=json.dumps(schema()))
        ],
    )
    first = appconfig.CfnHostedConfigurationVersion(
        scope,
        "flags-first",
        application_id=application.ref,
        configuration_profile_id=profile.ref,
        content=json.dumps(_NOTHING_SWITCHED),
        content_type="application/json",
    )
    appconfig.CfnDeployment(
        scope,
        "flags-deployment",
        application_id=application.ref,
        environment_id=environment.ref,
        configuration_profile_id=profile.ref,
        configuration_version=first.ref,
        deployment_strategy_id="AppConfig.AllAtOnce",
    )
    path = f"application/{application.ref}/environment/{environment.ref}/configuration/{profile.ref}"
    return f"arn:{Aws.PARTITION}:appconfig:{Aws.REGION}:{Aws.ACCOUNT_ID}:{path}"


@dataclass(frozen=True)
class Agent:
    """What agents are made from.

    Attributes:
        repository: has their image.
        document: the ARN of what they read.
        log_group: where they say what troubles them.
    """

    repository: ecr.IRepository
    document: str
    log_group: logs.LogGroup


def add_agent(stage: Stage, process: str, task: ecs.FargateTaskDefinition, agent: Agent) -> None:
    """The agent beside a process; that lives on, with defaults, when the agent dies."""
    task.add_container(
        "flags",
        container_name="flags",
        image=ecs.ContainerImage.from_ecr_repository(agent.repository, AGENT_VERSION),
        essential=False,
        cpu=32,
        memory_limit_mib=128,
        readonly_root_filesystem=True,
        environment={
            "POLL_INTERVAL": str(POLL_SECONDS),
            "PREFETCH_LIST": f"/applications/{stage.prefix}/environments/{stage.name}/configurations/{FLAGS_PROFILE}",
        },
        logging=ecs.LogDrivers.aws_logs(stream_prefix=f"{process}-flags", log_group=agent.log_group),
    )
    task.add_to_task_role_policy(
        iam.PolicyStatement(
            actions=["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
            resources=[agent.document],
        )
    )
