"""What tells people: alarms, the one that wakes somebody, and queries of the logs that are asked again and again."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from deploy.cdk.alarms import OF_AWS, RUNBOOK, WATCHES, Watch
from deploy.cdk.balancer import Balancer
from deploy.cdk.config import Stage
from deploy.cdk.dashboard import TARGET_ERRORS, build_dashboard, metric
from deploy.cdk.data import Data
from deploy.cdk.edge import Edge
from deploy.cdk.logs import group_name
from deploy.cdk.processes import GATEWAY, SERVICES

PERIOD_MINUTES = 5

QUERIES = {
    "errors": "fields @timestamp, service, message, error | filter level in ['error', 'critical'] "
    "| sort @timestamp desc | limit 200",
    "one-trace": "fields @timestamp, service, level, message | filter trace_id = 'put the trace id here' "
    "| sort @timestamp asc | limit 1000",
    "one-session": "fields @timestamp, service, level, message | filter session_id = 'put the session id here' "
    "| sort @timestamp asc | limit 1000",
    "warnings-by-message": "filter level = 'warning' | stats count(*) as times by service, message | sort times desc",
    "starts-and-stops": "filter message in ['started', 'stopping'] | stats count(*) by service, message, bin(5m)",
}
"""Saved in Logs Insights; none of them can show a question or an answer, which no log holds."""


@dataclass(frozen=True)
class Watched:
    """Where the alarms go."""

    topic: sns.Topic
    composite: cloudwatch.CompositeAlarm


def build_watch(scope: Construct, stage: Stage, *, balancer: Balancer, edge: Edge, data: Data) -> Watched:
    """An alarm for each row of the table and for AWS's own parts; those that people notice make up one that wakes."""
    key = kms.Key(scope, "alarm-key", description=f"Alarms of {stage.prefix}", enable_key_rotation=True)
    topic = sns.Topic(scope, "alarms", topic_name=f"{stage.prefix}-alarms", master_key=key, enforce_ssl=True)
    felt = [_ours(scope, stage, watch) for watch in WATCHES if watch.felt]
    told = [_ours(scope, stage, watch) for watch in WATCHES if not watch.felt]
    of_aws = _of_aws(scope, stage, balancer, edge, data)
    for alarm in (*told, *of_aws):
        alarm.add_alarm_action(actions.SnsAction(topic))
    composite = cloudwatch.CompositeAlarm(
        scope,
        "people-notice",
        composite_alarm_name=f"{stage.prefix}-people-notice",
        alarm_description=f"People notice it. {RUNBOOK}#people-notice",
        alarm_rule=cloudwatch.AlarmRule.any_of(
            *(cloudwatch.AlarmRule.from_alarm(one, cloudwatch.AlarmState.ALARM) for one in (*felt, *of_aws[:3]))
        ),
    )
    composite.add_alarm_action(actions.SnsAction(topic))
    composite.add_ok_action(actions.SnsAction(topic))
    for name, query in QUERIES.items():
        logs.CfnQueryDefinition(
            scope,
            f"query-{name}",
            name=f"{stage.prefix}/{name}",
            query_string=query,
            log_group_names=[group_name(stage, process.name) for process in SERVICES],
        )
    build_dashboard(scope, stage, balancer=balancer, data=data)
    return Watched(topic, composite)


def _ours(scope: Construct, stage: Stage, watch: Watch) -> cloudwatch.Alarm:
    comparison = cloudwatch.ComparisonOperator
    return _alarm(
        scope,
        stage,
        watch.name,
        watch.means,
        metric(stage, watch.signal, watch.by, watch.statistic),
        watch.limit,
        periods=max(1, watch.minutes // PERIOD_MINUTES),
        comparison=comparison.LESS_THAN_THRESHOLD if watch.below else comparison.GREATER_THAN_THRESHOLD,
    )


def _of_aws(scope: Construct, stage: Stage, balancer: Balancer, edge: Edge, data: Data) -> list[cloudwatch.Alarm]:
    """In the order of `OF_AWS`; the first three are those that people notice."""
    above, below = (
        cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    )
    period = Duration.minutes(PERIOD_MINUTES)
    gateway = balancer.targets[GATEWAY.name].metrics
    node = {"CacheClusterId": data.cache_nodes[0]}
    rows = (
        (balancer.load_balancer.metrics.http_code_target(TARGET_ERRORS, period=period), 20.0, 1, above),
        (gateway.healthy_host_count(period=Duration.minutes(1), statistic="Minimum"), 1.0, 2, below),
        (edge.api.metric_server_error(period=period, statistic="Sum"), 20.0, 1, above),
        (data.cluster.metric("ACUUtilization", period=period), 90.0, 3, above),
        (data.cluster.metric_database_connections(period=period, statistic="Maximum"), 1500.0, 2, above),
        (_cache("DatabaseMemoryUsagePercentage", node), 75.0, 2, above),
        (_cache("EngineCPUUtilization", node), 80.0, 3, above),
    )
    return [
        _alarm(scope, stage, name, means, measured, limit, periods=periods, comparison=comparison)
        for (name, means), (measured, limit, periods, comparison) in zip(OF_AWS.items(), rows, strict=True)
    ]


def _cache(name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/ElastiCache",
        metric_name=name,
        dimensions_map=dimensions,
        statistic="Maximum",
        period=Duration.minutes(PERIOD_MINUTES),
    )


def _alarm(
    scope: Construct,
    stage: Stage,
    name: str,
    means: str,
    measured: cloudwatch.IMetric,
    limit: float,
    *,
    periods: int,
    comparison: cloudwatch.ComparisonOperator,
) -> cloudwatch.Alarm:
    missing = cloudwatch.TreatMissingData
    return cloudwatch.Alarm(
        scope,
        name,
        alarm_name=f"{stage.prefix}-{name}",
        alarm_description=f"{means} {RUNBOOK}#{name}",
        metric=measured,
        threshold=limit,
        evaluation_periods=periods,
        comparison_operator=comparison,
        treat_missing_data=missing.BREACHING
        if comparison == cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        else missing.NOT_BREACHING,
    )
