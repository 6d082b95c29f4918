"""Task definitions: one image, one command each, the environment from one table, and the collector beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from deploy.cdk.config import Stage
from deploy.cdk.data import Data
from deploy.cdk.environment import Made, Secret, Source, Text, sources, tunable
from deploy.cdk.flags import Agent, add_agent
from deploy.cdk.logs import log_group
from deploy.cdk.processes import METRICS_PORTS, PORT, STOP_SECONDS, Process
from deploy.cdk.signals import collector
from libs.flags.settings import FlagSettings

COLLECTOR_VERSION = "v0.43.3"
"""Of AWS's OpenTelemetry collector, copied into a repository of ours: isolated subnets reach no other."""
_ALIVE = (
    "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=3); "
    "c.request('GET', '/healthz'); exit(c.getresponse().status != 200)"
)


@dataclass(frozen=True)
class Given:
    """What all tasks of a stage are made from.

    Attributes:
        repository: has the image.
        image: its tag, or its digest with `sha256:`.
        collector_repository: has the collector.
        agent: of AppConfig, for feature flags.
        made: values that only the deployed stacks know, by the names of `deploy.cdk.environment`.
        parameters: of Parameter Store, by the variable.
        metrics: where collectors write metrics in CloudWatch's embedded format.
        collectors: where they say what troubles them.
    """

    repository: ecr.IRepository
    image: str
    collector_repository: ecr.IRepository
    agent: Agent
    data: Data
    made: Mapping[str, str]
    parameters: Mapping[str, ssm.StringParameter]
    metrics: logs.LogGroup
    collectors: logs.LogGroup


def parameters(scope: Construct, stage: Stage) -> dict[str, ssm.StringParameter]:
    """The settings that can be changed in an account without a release: tasks read them when they start."""
    return {
        name: ssm.StringParameter(
            scope, f"setting-{name}", parameter_name=f"/{stage.path}/settings/{name}", string_value=value
        )
        for name, value in stage.settings.items()
    }


def build_task(scope: Construct, stage: Stage, process: Process, given: Given) -> ecs.FargateTaskDefinition:
    """The process in a container that must not gain rights, and whose root file system it cannot write to."""
    task = ecs.FargateTaskDefinition(
        scope,
        f"task-{process.name}",
        family=f"{stage.prefix}-{process.name}",
        cpu=process.cpu,
        memory_limit_mib=process.memory,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
        ),
    )
    values, secrets = _environment(scope, stage, process, given)
    own = task.add_container(
        process.name,
        container_name=process.name,
        image=ecs.ContainerImage.from_ecr_repository(given.repository, given.image),
        command=process.command,
        environment=values,
        secrets=secrets,
        readonly_root_filesystem=not process.scratch,
        stop_timeout=Duration.seconds(STOP_SECONDS),
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix="task",
            log_group=log_group(scope, stage, process.name),
            # A slow log must not stop a process that answers.
            mode=ecs.AwsLogDriverMode.NON_BLOCKING,
        ),
        linux_parameters=ecs.LinuxParameters(scope, f"linux-{process.name}", init_process_enabled=True),
        health_check=_health(process),
        port_mappings=[ecs.PortMapping(container_port=PORT, name="http")] if process.paths else None,
    )
    if process.name == "gateway":
        own.add_ulimits(ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=65_536, hard_limit=65_536))
    if process.name.startswith("ingest"):
        given.data.bucket.grant_read_write(task.task_role)
        given.data.bucket.grant_delete(task.task_role)
    if process.uses(FlagSettings):
        add_agent(stage, process.name, task, given.agent)
    if "PORT" in process.variables:
        _watch(stage, process, task, given)
    return task


def _health(process: Process) -> ecs.HealthCheck | None:
    if "PORT" not in process.variables:
        return None
    return ecs.HealthCheck(
        command=["CMD", "python", "-Sc", _ALIVE],
        interval=Duration.seconds(10),
        timeout=Duration.seconds(5),
        retries=3,
        start_period=Duration.seconds(60),
    )


def _environment(
    scope: Construct, stage: Stage, process: Process, given: Given
) -> tuple[dict[str, str], dict[str, ecs.Secret]]:
    values: dict[str, str] = {}
    secrets = {name: ecs.Secret.from_ssm_parameter(given.parameters[name]) for name in tunable(process, stage)}
    for name, source in sources(process, stage).items():
        kept = _secret(scope, stage, process, source, given)
        if kept is not None:
            secrets[name] = kept
        else:
            values[name] = _value(stage, source, given)
    return values, secrets


def _value(stage: Stage, source: Source, given: Given) -> str:
    match source:
        case Text(of):
            return of(stage) or ""
        case Made(name):
            return given.made[name]
        case Secret():
            raise TypeError("a secret is no value")


def _secret(scope: Construct, stage: Stage, process: Process, source: Source, given: Given) -> ecs.Secret | None:
    if not isinstance(source, Secret):
        return None
    if source.made:
        return ecs.Secret.from_secrets_manager(given.data.secrets[source.name])
    known = secretsmanager.Secret.from_secret_name_v2(
        scope, f"{process.name}-{source.name}", f"{stage.path}/{source.name}"
    )
    return ecs.Secret.from_secrets_manager(known)


def _watch(stage: Stage, process: Process, task: ecs.FargateTaskDefinition, given: Given) -> None:
    """The collector beside it; the process lives on when that dies."""
    port = METRICS_PORTS.get(process.name, PORT)
    configuration = collector(stage, process.name, port=port, log_group=given.metrics.log_group_name)
    task.add_container(
        "collector",
        container_name="collector",
        image=ecs.ContainerImage.from_ecr_repository(given.collector_repository, COLLECTOR_VERSION),
        essential=False,
        cpu=64,
        memory_limit_mib=128,
        readonly_root_filesystem=True,
        environment={"AOT_CONFIG_CONTENT": json.dumps(configuration)},
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix=process.name,
            log_group=given.collectors,
        ),
    )
    given.metrics.grant_write(task.task_role)
    if stage.tracing:
        task.add_to_task_role_policy(
            iam.PolicyStatement(
                actions=[
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ],
                # X-Ray knows no resources for these.
                resources=["*"],
            )
        )
