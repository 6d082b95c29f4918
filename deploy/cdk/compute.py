"""The cluster and its services: gateways on demand, workers on Spot, each scaled by what it is busy with."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from deploy.cdk.balancer import Balancer
from deploy.cdk.config import APPLICATION, Stage
from deploy.cdk.data import Data
from deploy.cdk.environment import CONNECTIONS
from deploy.cdk.flags import Agent, build_flags
from deploy.cdk.identity import Identity
from deploy.cdk.logs import log_group
from deploy.cdk.network import Network, subnets
from deploy.cdk.processes import GATEWAY, MIGRATE, NEIGHBOURS, SERVICES, Process
from deploy.cdk.scaling import scale
from deploy.cdk.tasks import Given, build_task, parameters
from deploy.cdk.websocket import WebSocket, join

START_SECONDS = 90


@dataclass(frozen=True)
class Compute:
    """What others name.

    Attributes:
        migrate_roles: of the task that migrates.
    """

    cluster: ecs.Cluster
    services: Mapping[str, ecs.FargateService]
    migrate_roles: tuple[iam.IRole, ...]


def build_compute(
    release: Construct,
    scope: Construct,
    stage: Stage,
    *,
    network: Network,
    identity: Identity,
    data: Data,
    balancer: Balancer,
    websocket: WebSocket | None,
    image: str,
) -> Compute:
    """A service for each process; a deployment that does not get well is taken back.

    Args:
        release: the stack with the cluster and the task that migrates, which runs before the services change.
        scope: the stack of the services.
        stage: all that differs.
        network: as it was built, like the rest.
        identity: whose tokens are taken.
        data: what the processes work on.
        balancer: leads to those that have paths.
        websocket: calls the gateway back; None where the stage has none.
        image: tag or digest.
    """
    cluster = ecs.Cluster(
        release,
        "cluster",
        cluster_name=stage.prefix,
        vpc=network.vpc,
        container_insights_v2=ecs.ContainerInsights.ENABLED,
        enable_fargate_capacity_providers=True,
    )
    names = discovery.PrivateDnsNamespace(release, "names", name=stage.internal_zone, vpc=network.vpc)
    collectors = log_group(release, stage, "collector")
    given = Given(
        repository=ecr.Repository.from_repository_name(release, "images", APPLICATION),
        image=image,
        collector_repository=ecr.Repository.from_repository_name(release, "collectors", f"{APPLICATION}-collector"),
        agent=Agent(
            ecr.Repository.from_repository_name(release, "agents", f"{APPLICATION}-appconfig-agent"),
            build_flags(release, stage),
            collectors,
        ),
        data=data,
        made={
            "issuer": identity.issuer,
            "client": identity.client_id,
            "identity-pool": identity.identity_pool_id,
            "bucket": data.bucket.bucket_name,
            CONNECTIONS: websocket.url if websocket else "",
        },
        parameters=parameters(release, stage),
        metrics=log_group(release, stage, "metrics"),
        collectors=collectors,
    )
    migrate = build_task(release, stage, MIGRATE, given)
    services = {}
    for process in SERVICES:
        service = _service(scope, stage, process, cluster, network, names, given)
        if process.paths:
            balancer.targets[process.name].add_target(
                service.load_balancer_target(container_name=process.name, container_port=8000)
            )
        if websocket and process is GATEWAY:
            join(websocket, service, service.task_definition)
        scale(scope, stage, process, service, cluster, balancer)
        services[process.name] = service
    return Compute(cluster, services, (migrate.task_role, migrate.obtain_execution_role()))


def _service(
    scope: Construct,
    stage: Stage,
    process: Process,
    cluster: ecs.Cluster,
    network: Network,
    names: discovery.PrivateDnsNamespace,
    given: Given,
) -> ecs.FargateService:
    asked = {target for _, target in NEIGHBOURS}
    # Not the group itself: ECS would add rules of the balancer to it, which the network has already.
    group = ec2.SecurityGroup.from_security_group_id(
        scope, f"group-{process.name}", network.groups[process.name].security_group_id, mutable=False
    )
    return ecs.FargateService(
        scope,
        f"service-{process.name}",
        service_name=process.name,
        cluster=cluster,
        task_definition=build_task(scope, stage, process, given),
        vpc_subnets=subnets(process),
        security_groups=[group],
        assign_public_ip=False,
        capacity_provider_strategies=_capacity(process),
        circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
        # New tasks first, then the old ones drain.
        min_healthy_percent=100,
        max_healthy_percent=200,
        health_check_grace_period=Duration.seconds(START_SECONDS) if process.paths else None,
        enable_execute_command=False,
        propagate_tags=ecs.PropagatedTagSource.SERVICE,
        cloud_map_options=ecs.CloudMapOptions(name=process.name, cloud_map_namespace=names)
        if process.name in asked
        else None,
    )


def _capacity(process: Process) -> list[ecs.CapacityProviderStrategy]:
    """Workers hand back what they hold when Spot takes them away; a socket should not be moved for a lower price."""
    if not process.is_worker:
        return [ecs.CapacityProviderStrategy(capacity_provider="FARGATE", weight=1)]
    return [
        # One task that nobody takes away, so that work goes on when there is no Spot.
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=1, weight=0),
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1),
    ]
