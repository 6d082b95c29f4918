"""The dashboard of a stage: what people notice first, then the streams, the models, documents, and AWS's own parts."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from deploy.cdk import signals
from deploy.cdk.balancer import Balancer
from deploy.cdk.config import Stage
from deploy.cdk.data import Data
from deploy.cdk.graphs import ROWS
from deploy.cdk.signals import Signal

TARGET_ERRORS = elb.HttpCodeTarget.TARGET_5XX_COUNT


def metric(stage: Stage, signal: Signal, by: dict[str, str], statistic: str) -> cloudwatch.Metric:
    """Of ours, in CloudWatch.

    Raises:
        ValueError: `by` is not exactly the labels by which the collector keeps the signal apart.
    """
    if set(by) != {signals.PROCESS, *signal.labels}:
        raise ValueError(f"{signal.name} is kept apart by {signal.labels} and the process, not by {sorted(by)}")
    return cloudwatch.Metric(
        namespace=stage.namespace,
        metric_name=signal.name,
        dimensions_map=by,
        statistic=statistic,
        period=Duration.minutes(5),
    )


def build_dashboard(scope: Construct, stage: Stage, *, balancer: Balancer, data: Data) -> None:
    """Three graphs a row."""
    ours = [
        cloudwatch.GraphWidget(
            title=title, width=8, height=6, left=[metric(stage, signal, by, statistic) for signal, by in lines]
        )
        for title, statistic, lines in ROWS
    ]
    load_balancer = balancer.load_balancer.metrics
    of_aws = [
        cloudwatch.GraphWidget(
            title="Load balancer: requests, 5xx",
            width=8,
            left=[load_balancer.request_count(), load_balancer.http_code_target(TARGET_ERRORS)],
        ),
        cloudwatch.GraphWidget(
            title="HTTP, p95 of seconds", width=8, left=[load_balancer.target_response_time(statistic="p95")]
        ),
        cloudwatch.GraphWidget(
            title="Aurora: share of its capacity, connections",
            width=8,
            left=[data.cluster.metric("ACUUtilization")],
            right=[data.cluster.metric_database_connections()],
        ),
        cloudwatch.GraphWidget(
            title="Valkey: memory, %",
            width=8,
            left=[
                cloudwatch.Metric(
                    namespace="AWS/ElastiCache",
                    metric_name="DatabaseMemoryUsagePercentage",
                    dimensions_map={"CacheClusterId": node},
                )
                for node in data.cache_nodes
            ],
        ),
    ]
    dashboard = cloudwatch.Dashboard(scope, "dashboard", dashboard_name=stage.prefix)
    dashboard.add_widgets(*ours, *of_aws)
