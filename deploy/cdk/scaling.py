"""How many tasks a service has: by what each holds and what waits, by sockets or requests, and by its processor."""

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from deploy.cdk import signals
from deploy.cdk.balancer import Balancer
from deploy.cdk.config import Stage
from deploy.cdk.processes import GATEWAY, Process
from deploy.cdk.scaling_policy import ScalingPolicy, policy_of

Policy = autoscaling.CfnScalingPolicy


def scale(
    scope: Construct,
    stage: Stage,
    process: Process,
    service: ecs.FargateService,
    cluster: ecs.Cluster,
    balancer: Balancer,
) -> None:
    """Target tracking between the stage's smallest and largest number of tasks."""
    policy = policy_of(process, stage)
    tasks = service.auto_scale_task_count(min_capacity=policy.smallest, max_capacity=policy.largest)
    if process.is_worker:
        for event in process.reads:
            load = _backlog(stage, process, service, cluster, event.stream)
            _track(scope, process, policy, tasks, load, event.stream)
    elif process is GATEWAY:
        sockets = Policy.CustomizedMetricSpecificationProperty(
            namespace=stage.namespace,
            metric_name=signals.SOCKETS.name,
            dimensions=[Policy.MetricDimensionProperty(name=signals.PROCESS, value=process.name)],
            statistic="Average",
        )
        _track(scope, process, policy, tasks, sockets, "sockets")
    else:
        tasks.scale_on_request_count(
            "requests", requests_per_target=policy.target, target_group=balancer.targets[process.name]
        )
    if policy.cpu_percent is not None:
        tasks.scale_on_cpu_utilization(
            "cpu",
            target_utilization_percent=policy.cpu_percent,
            scale_out_cooldown=Duration.seconds(policy.out_seconds),
            scale_in_cooldown=Duration.seconds(policy.in_seconds),
        )


def _track(
    scope: Construct,
    process: Process,
    policy: ScalingPolicy,
    tasks: ecs.ScalableTaskCount,
    metric: autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty,
    name: str,
) -> None:
    tracking = Policy(
        scope,
        f"scaling-{process.name}-{name.replace('.', '-')}",
        policy_name=f"{process.name} by {name}",
        policy_type="TargetTrackingScaling",
        scaling_target_id=tasks.node.find_child("Target").scalable_target_id,
        target_tracking_scaling_policy_configuration=Policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=policy.target,
            scale_out_cooldown=policy.out_seconds,
            scale_in_cooldown=policy.in_seconds,
            customized_metric_specification=metric,
        ),
    )
    tracking.node.add_dependency(tasks)


def _backlog(
    stage: Stage, process: Process, service: ecs.FargateService, cluster: ecs.Cluster, stream: str
) -> autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
    """What a task has in hand, and its share of what waits on the stream.

    Without the first, a service whose tasks are all busy and just keep up would be made smaller. Each worker says of
    each partition how much waits; the average over all of them, by the number of partitions, is the stream's backlog.
    """
    dimensions = {signals.PROCESS: process.name, "stream": stream}
    waiting = _query("waiting", stage.namespace, signals.WAITING.name, dimensions)
    held = _query("held", stage.namespace, signals.IN_HAND.name, dimensions)
    running = _query(
        "running",
        "ECS/ContainerInsights",
        "RunningTaskCount",
        {"ClusterName": cluster.cluster_name, "ServiceName": service.service_name},
    )
    load = Policy.TargetTrackingMetricDataQueryProperty(
        id="load",
        expression=f"FILL(held, 0) + FILL(waiting, 0) * {stage.cache.partitions}"
        " / IF(FILL(running, 1) > 0, FILL(running, 1), 1)",
        label=f"{stream} per task",
        return_data=True,
    )
    return Policy.CustomizedMetricSpecificationProperty(metrics=[waiting, held, running, load])


def _query(
    name: str, namespace: str, metric: str, dimensions: dict[str, str]
) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
    return Policy.TargetTrackingMetricDataQueryProperty(
        id=name,
        return_data=False,
        metric_stat=Policy.TargetTrackingMetricStatProperty(
            stat="Average",
            metric=Policy.TargetTrackingMetricProperty(
                namespace=namespace,
                metric_name=metric,
                dimensions=[
                    Policy.TargetTrackingMetricDimensionProperty(name=key, value=value)
                    for key, value in dimensions.items()
                ],
            ),
        ),
    )
