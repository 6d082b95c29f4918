"""The load balancer: TLS, and a path rule for each service that clients may reach; the chat socket goes straight in."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from deploy.cdk.buckets import access_logs
from deploy.cdk.config import Stage
from deploy.cdk.network import Network
from deploy.cdk.processes import GATEWAY, PORT, SERVICES

IDLE_SECONDS = 120
"""Sockets are pinged every 25 s (`libs/service/app.py`), so none of them is ever idle for so long."""
DRAIN_SECONDS = 30


@dataclass(frozen=True)
class Balancer:
    """What services and API Gateway are joined to.

    Attributes:
        targets: by the name of the process.
    """

    load_balancer: elb.ApplicationLoadBalancer
    listener: elb.ApplicationListener
    targets: dict[str, elb.ApplicationTargetGroup]


def build_balancer(scope: Construct, stage: Stage, network: Network) -> Balancer:
    """It takes what no other rule takes to the gateway, which also serves the page."""
    balancer = elb.ApplicationLoadBalancer(
        scope,
        "balancer",
        load_balancer_name=stage.prefix,
        vpc=network.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        internet_facing=True,
        security_group=network.groups["balancer"],
        idle_timeout=Duration.seconds(IDLE_SECONDS),
        drop_invalid_header_fields=True,
        desync_mitigation_mode=elb.DesyncMitigationMode.DEFENSIVE,
        deletion_protection=stage.keep,
    )
    balancer.log_access_logs(access_logs(scope, stage, "balancer-accesses"))
    balancer.add_listener(
        "http",
        port=80,
        open=False,
        default_action=elb.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True),
    )
    certificate = ssm.StringParameter.value_for_string_parameter(scope, f"/{stage.path}/certificate-arn")
    targets = {process.name: _target(scope, stage, network, process.name) for process in SERVICES if process.paths}
    listener = balancer.add_listener(
        "https",
        port=443,
        open=False,
        ssl_policy=elb.SslPolicy.TLS13_12_RES_PQ,
        certificates=[
            elb.ListenerCertificate.from_arn(
                acm.Certificate.from_certificate_arn(scope, "certificate", certificate).certificate_arn
            )
        ],
        default_action=elb.ListenerAction.forward([targets[GATEWAY.name]]),
    )
    _refuse_probes(listener)
    for number, process in enumerate((one for one in SERVICES if one.paths and one is not GATEWAY), start=1):
        _route(scope, stage, listener, process.name, process.paths, targets[process.name], priority=number * 10)
    return Balancer(balancer, listener, targets)


def _target(scope: Construct, stage: Stage, network: Network, name: str) -> elb.ApplicationTargetGroup:
    return elb.ApplicationTargetGroup(
        scope,
        f"target-{name}",
        target_group_name=f"{stage.prefix}-{name}",
        vpc=network.vpc,
        port=PORT,
        protocol=elb.ApplicationProtocol.HTTP,
        target_type=elb.TargetType.IP,
        deregistration_delay=Duration.seconds(DRAIN_SECONDS),
        health_check=health_check(elb.Protocol.HTTP),
    )


def health_check(protocol: elb.Protocol) -> elb.HealthCheck:
    """Whether it should live, not whether it is ready.

    ECS replaces what fails this, and while Redis is away the gateways must keep their sockets and say so, rather than
    die one after the other.
    """
    return elb.HealthCheck(
        protocol=protocol,
        path="/healthz",
        interval=Duration.seconds(10),
        timeout=Duration.seconds(5),
        healthy_threshold_count=2,
        unhealthy_threshold_count=3,
    )


def _refuse_probes(listener: elb.ApplicationListener) -> None:
    """Metrics, probes and API Gateway's callbacks are for the inside."""
    listener.add_action(
        "probes",
        priority=1,
        conditions=[elb.ListenerCondition.path_patterns(["/metrics", "/healthz", "/readyz", "/callbacks/*"])],
        action=elb.ListenerAction.fixed_response(404, content_type="text/plain", message_body="Not found"),
    )


def _route(
    scope: Construct,
    stage: Stage,
    listener: elb.ApplicationListener,
    name: str,
    paths: tuple[str, ...],
    target: elb.ApplicationTargetGroup,
    *,
    priority: int,
) -> None:
    """The process's paths, as they are and with API Gateway's stage before them, which is taken away."""
    # Pages of other origins need the headers that the gateway adds; then it forwards.
    if not stage.origins:
        elb.ApplicationListenerRule(
            scope,
            f"rule-{name}",
            listener=listener,
            priority=priority,
            conditions=[elb.ListenerCondition.path_patterns(list(paths))],
            action=elb.ListenerAction.forward([target]),
        )
    staged = elb.ApplicationListenerRule(
        scope,
        f"rule-{name}-staged",
        listener=listener,
        priority=priority + 1,
        conditions=[elb.ListenerCondition.path_patterns([f"/{stage.name}{path}" for path in paths])],
        action=elb.ListenerAction.forward([target]),
    )
    staged.node.default_child.add_property_override(
        "Transforms",
        [
            {
                "Type": "url-rewrite",
                "UrlRewriteConfig": {"Rewrites": [{"Regex": f"^/{stage.name}/(.*)$", "Replace": "/$1"}]},
            }
        ],
    )
