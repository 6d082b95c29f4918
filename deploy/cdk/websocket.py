"""API Gateway's WebSocket API: clients speak to it, it calls the gateway back, and answers are posted to it.

Its private integrations know VPC links of the first version only, and those lead to network load balancers only.
"""

from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from deploy.cdk.balancer import health_check
from deploy.cdk.buckets import access_logs
from deploy.cdk.config import Stage
from deploy.cdk.logs import log_group
from deploy.cdk.network import HTTPS, Network
from deploy.cdk.processes import GATEWAY, PORT
from gateway.api_gateway.headers import ADDRESS, CONNECTION, HOST, ORIGIN, PROOF

ROUTES = {"$connect": "connect", "$default": "message", "$disconnect": "disconnect"}
"""And the path of the callback below `/callbacks/`."""
TIMEOUT_MILLISECONDS = 29_000
CALLBACKS_PER_SECOND = 500
"""Of the stage, a route each; how much one person may ask is the gateway's to count."""
_ACCESS = '{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","route":"$context.routeKey",\
"status":"$context.status","connection":"$context.connectionId","time":"$context.requestTime"}'


@dataclass(frozen=True)
class WebSocket:
    """What the gateway's task and service are joined to.

    Attributes:
        url: where answers are posted.
        target: gets the gateway's tasks.
        posts: what a task must be allowed to post to.
    """

    url: str
    target: elb.NetworkTargetGroup
    posts: tuple[str, ...]


def build_websocket(scope: Construct, stage: Stage, network: Network, proof: secretsmanager.Secret) -> WebSocket:
    """Three routes, each with its own callback, which shows the secret and says whose connection it is.

    Args:
        scope: gets it.
        stage: all that differs.
        network: as it was built.
        proof: what callbacks show; the template refers to it, and CloudFormation puts it in.
    """
    balancer, target = _balancer(scope, stage, network)
    link = apigateway.VpcLink(scope, "websocket-link", vpc_link_name=f"{stage.prefix}-websocket", targets=[balancer])
    api = apigatewayv2.WebSocketApi(
        scope,
        "websocket",
        api_name=f"{stage.prefix}-websocket",
        description=f"Eloquent, {stage.name}: the chat",
        route_selection_expression="$request.body.type",
    )
    routes = [_route(scope, stage, api, link, proof, route) for route in ROUTES]
    deployed = apigatewayv2.CfnStage(
        scope,
        "websocket-stage",
        api_id=api.api_id,
        stage_name=stage.name,
        auto_deploy=True,
        access_log_settings=apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group(scope, stage, "api-gateway-websocket").log_group_arn, format=_ACCESS
        ),
        default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
            # A message in a log would be somebody's question.
            data_trace_enabled=False,
            detailed_metrics_enabled=True,
            logging_level="ERROR",
            throttling_rate_limit=CALLBACKS_PER_SECOND,
            throttling_burst_limit=2 * CALLBACKS_PER_SECOND,
        ),
    )
    for route in routes:
        deployed.add_resource_dependency(route)
    host = f"{api.api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
    resource = f"arn:{Aws.PARTITION}:execute-api:{Aws.REGION}:{Aws.ACCOUNT_ID}:{api.api_id}/{stage.name}"
    return WebSocket(
        url=f"https://{host}/{stage.name}",
        target=target,
        posts=tuple(f"{resource}/{method}/@connections/*" for method in ("POST", "DELETE")),
    )


def join(websocket: WebSocket, service: ecs.FargateService, task: ecs.FargateTaskDefinition) -> None:
    """The gateway's tasks are called back, and may post."""
    websocket.target.add_target(service.load_balancer_target(container_name=GATEWAY.name, container_port=PORT))
    task.add_to_task_role_policy(
        iam.PolicyStatement(actions=["execute-api:ManageConnections"], resources=list(websocket.posts))
    )


def _balancer(
    scope: Construct, stage: Stage, network: Network
) -> tuple[elb.NetworkLoadBalancer, elb.NetworkTargetGroup]:
    balancer = elb.NetworkLoadBalancer(
        scope,
        "websocket-balancer",
        load_balancer_name=f"{stage.prefix}-ws",
        vpc=network.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        internet_facing=False,
        cross_zone_enabled=True,
        security_groups=[network.groups["websocket"]],
        # The link's traffic comes from addresses of AWS's own; nothing else may come in, as the group has no rule.
        enforce_security_group_inbound_rules_on_private_link_traffic=False,
        deletion_protection=stage.keep,
    )
    balancer.log_access_logs(access_logs(scope, stage, "websocket-accesses"))
    target = elb.NetworkTargetGroup(
        scope,
        "websocket-target",
        target_group_name=f"{stage.prefix}-ws",
        vpc=network.vpc,
        port=PORT,
        protocol=elb.Protocol.TCP,
        target_type=elb.TargetType.IP,
        health_check=health_check(elb.Protocol.HTTP),
    )
    certificate = ssm.StringParameter.value_for_string_parameter(scope, f"/{stage.path}/certificate-arn")
    balancer.add_listener(
        "websocket-tls",
        port=HTTPS,
        protocol=elb.Protocol.TLS,
        ssl_policy=elb.SslPolicy.TLS13_12_RES_PQ,
        certificates=[
            elb.ListenerCertificate.from_arn(
                acm.Certificate.from_certificate_arn(scope, "websocket-certificate", certificate).certificate_arn
            )
        ],
        default_target_groups=[target],
    )
    return balancer, target


def _route(
    scope: Construct,
    stage: Stage,
    api: apigatewayv2.WebSocketApi,
    link: apigateway.VpcLink,
    proof: secretsmanager.Secret,
    route: str,
) -> apigatewayv2.CfnRoute:
    name = ROUTES[route]
    given = {
        PROOF: f"'{proof.secret_value.unsafe_unwrap()}'",
        CONNECTION: "context.connectionId",
        ADDRESS: "context.identity.sourceIp",
    }
    if route == "$connect":
        # Only here are there headers of the client.
        given |= {ORIGIN: "route.request.header.Origin", HOST: "context.domainName"}
    integration = apigatewayv2.CfnIntegration(
        scope,
        f"websocket-{name}",
        api_id=api.api_id,
        integration_type="HTTP_PROXY",
        integration_method="POST",
        integration_uri=f"https://{stage.domain}/callbacks/{name}",
        connection_type="VPC_LINK",
        connection_id=link.vpc_link_id,
        request_parameters={f"integration.request.header.{header}": value for header, value in given.items()},
        timeout_in_millis=TIMEOUT_MILLISECONDS,
    )
    return apigatewayv2.CfnRoute(
        scope,
        f"websocket-{name}-route",
        api_id=api.api_id,
        route_key=route,
        # Tokens come in frames, and the gateway checks each (ADR 6).
        authorization_type="NONE",
        target=f"integrations/{integration.ref}",
    )
