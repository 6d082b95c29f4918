"""The network: zones, subnets, endpoints of AWS's services, who may speak to whom, and which names are known."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import CfnOutput, Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53resolver as resolver
from constructs import Construct

from deploy.cdk.config import OPENAI_HOST, Stage
from deploy.cdk.logs import log_group
from deploy.cdk.processes import GATEWAY, MIGRATE, NEIGHBOURS, PORT, PROCESSES, Process, uses_cache, uses_database

HTTPS = 443
POSTGRES = 5432
VALKEY = 6379

_ENDPOINTS = {
    "images": ec2.InterfaceVpcEndpointAwsService.ECR,
    "image-layers": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "parameters": ec2.InterfaceVpcEndpointAwsService.SSM,
    "traces": ec2.InterfaceVpcEndpointAwsService.XRAY,
}


@dataclass(frozen=True)
class Network:
    """What the other stacks stand in.

    Attributes:
        groups: security groups by the name of the process, and of balancer, link, websocket, database and cache.
    """

    vpc: ec2.Vpc
    groups: Mapping[str, ec2.SecurityGroup]


def subnets(process: Process) -> ec2.SubnetSelection:
    """Where its tasks run: without a route to the outside unless it needs one."""
    kind = ec2.SubnetType.PRIVATE_WITH_EGRESS if process.outbound else ec2.SubnetType.PRIVATE_ISOLATED
    return ec2.SubnetSelection(subnet_type=kind)


def build_network(scope: Construct, stage: Stage) -> Network:
    """Three kinds of subnets in every zone: public, outbound (by NAT) and isolated."""
    flows = log_group(scope, stage, "flow-logs")
    vpc = ec2.Vpc(
        scope,
        "vpc",
        vpc_name=stage.prefix,
        ip_addresses=ec2.IpAddresses.cidr(stage.cidr),
        availability_zones=list(stage.zones),
        nat_gateways=stage.nat_gateways,
        # The default group is nobody's: every interface is made with a group of its own.
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24),
            ec2.SubnetConfiguration(name="outbound", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=22),
            ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=22),
        ],
        gateway_endpoints={"s3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        flow_logs={"rejected": _rejected(flows)},
    )
    for subnet in (*vpc.public_subnets, *vpc.private_subnets, *vpc.isolated_subnets):
        # It would have zones looked up in the account; here they are written down, so that no account is asked.
        subnet.node.default_child.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3010"]}})
    names = (
        "balancer",
        "link",
        "websocket",
        "database",
        "cache",
        "endpoints",
        *(process.name for process in PROCESSES),
    )
    groups = {
        name: ec2.SecurityGroup(
            scope,
            f"group-{name}",
            vpc=vpc,
            security_group_name=f"{stage.prefix}-{name}",
            description=f"{name} of {stage.prefix}",
            allow_all_outbound=False,
        )
        for name in names
    }
    _let_in(stage, groups)
    for process in PROCESSES:
        _let_process(stage, groups, process)
    for source, target in NEIGHBOURS:
        _join(groups, source, target, PORT)
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    for name, service in _ENDPOINTS.items():
        vpc.add_interface_endpoint(
            f"endpoint-{name}", service=service, subnets=isolated, security_groups=[groups["endpoints"]], open=False
        )
    if stage.pinecone and stage.pinecone.endpoint_service and stage.pinecone.dns_zone:
        _reach_pinecone(scope, vpc, groups, stage.pinecone.endpoint_service, stage.pinecone.dns_zone)
    _know_names(scope, stage, vpc)
    # Where deploy/migrate_task.py starts the one task that no service starts.
    CfnOutput(
        scope, "MigrateSubnets", value=Fn.join(",", vpc.select_subnets(subnet_type=isolated.subnet_type).subnet_ids)
    )
    CfnOutput(scope, "MigrateGroup", value=groups[MIGRATE.name].security_group_id)
    return Network(vpc, groups)


def _rejected(group: logs.LogGroup) -> ec2.FlowLogOptions:
    return ec2.FlowLogOptions(
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(group), traffic_type=ec2.FlowLogTrafficType.REJECT
    )


def _join(groups: Mapping[str, ec2.SecurityGroup], source: str, target: str, port: int) -> None:
    groups[source].add_egress_rule(groups[target], ec2.Port.tcp(port), f"{source} to {target}")
    groups[target].add_ingress_rule(groups[source], ec2.Port.tcp(port), f"{source} to {target}")


def _let_in(stage: Stage, groups: Mapping[str, ec2.SecurityGroup]) -> None:
    """Anybody may speak HTTPS to the load balancer, HTTP only to be sent there; so may API Gateway's link."""
    for port in (HTTPS, 80):
        groups["balancer"].add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), f"clients of {stage.domain}")
    _join(groups, "link", "balancer", HTTPS)
    _join(groups, "websocket", GATEWAY.name, PORT)


def _let_process(stage: Stage, groups: Mapping[str, ec2.SecurityGroup], process: Process) -> None:
    _join(groups, process.name, "endpoints", HTTPS)
    own = groups[process.name]
    own.add_egress_rule(ec2.Peer.prefix_list(stage.s3_prefix_list), ec2.Port.tcp(HTTPS), "S3, by its own endpoint")
    if process.outbound:
        own.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), "the hosts that DNS knows")
    if process.paths:
        _join(groups, "balancer", process.name, PORT)
    if uses_database(process):
        _join(groups, process.name, "database", POSTGRES)
    if uses_cache(process):
        _join(groups, process.name, "cache", VALKEY)


def _reach_pinecone(
    scope: Construct, vpc: ec2.Vpc, groups: Mapping[str, ec2.SecurityGroup], service: str, zone: str
) -> None:
    endpoint = ec2.InterfaceVpcEndpoint(
        scope,
        "endpoint-pinecone",
        vpc=vpc,
        service=ec2.InterfaceVpcEndpointService(service, HTTPS),
        subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        security_groups=[groups["endpoints"]],
        open=False,
    )
    hosted = route53.PrivateHostedZone(scope, "zone-pinecone", zone_name=zone, vpc=vpc)
    # The endpoint's own name, the first one it has; a CNAME takes it without a lookup of its zone.
    route53.CnameRecord(
        scope,
        "record-pinecone",
        zone=hosted,
        record_name=f"*.{zone}",
        domain_name=Fn.select(1, Fn.split(":", Fn.select(0, endpoint.vpc_endpoint_dns_entries))),
    )


def known_names(stage: Stage) -> list[str]:
    """The hosts that this network's DNS answers for."""
    names = ["*.amazonaws.com", f"*.{stage.internal_zone}", stage.domain, OPENAI_HOST]
    if stage.pinecone:
        names += ["*.pinecone.io"]
    return names


def _know_names(scope: Construct, stage: Stage, vpc: ec2.Vpc) -> None:
    """DNS answers for what is needed and for nothing else: a security group cannot tell one host from another."""
    rules = []
    for priority, (action, domains) in enumerate((("ALLOW", known_names(stage)), ("BLOCK", ["*"])), start=1):
        listed = resolver.CfnFirewallDomainList(
            scope, f"names-{action.lower()}", name=f"{stage.prefix}-{action.lower()}", domains=domains
        )
        rules.append(
            resolver.CfnFirewallRuleGroup.FirewallRuleProperty(
                action=action,
                firewall_domain_list_id=listed.attr_id,
                priority=priority * 100,
                block_response="NXDOMAIN" if action == "BLOCK" else None,
            )
        )
    group = resolver.CfnFirewallRuleGroup(scope, "names", name=stage.prefix, firewall_rules=rules)
    resolver.CfnFirewallRuleGroupAssociation(
        scope,
        "names-of-vpc",
        name=stage.prefix,
        firewall_rule_group_id=group.attr_id,
        vpc_id=vpc.vpc_id,
        priority=101,
    )
