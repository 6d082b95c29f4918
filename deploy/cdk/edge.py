"""API Gateway: the HTTP API for programs, with keys, plans and checked requests, on a private way to the balancer."""

from dataclasses import asdict, dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from deploy.cdk.balancer import Balancer
from deploy.cdk.config import Stage
from deploy.cdk.contract import Operation, operations
from deploy.cdk.identity import Identity
from deploy.cdk.logs import log_group
from deploy.cdk.network import Network

SCOPES = ["aws.cognito.signin.user.admin", "openid"]
"""An access token that has one of them is let through; without scopes Cognito's authorizer takes ID tokens only."""
TIMEOUT_SECONDS = 29
"""API Gateway's own; what takes longer, and what is larger than 10 MB, goes by the load balancer."""


@dataclass(frozen=True)
class Edge:
    """The API and the name of its stage."""

    api: apigateway.RestApi
    stage_arn: str


def build_edge(scope: Construct, stage: Stage, network: Network, identity: Identity, balancer: Balancer) -> Edge:
    """A method per operation of docs/openapi; each asks for a token and a key, and checks parameters and body."""
    accesses = log_group(scope, stage, "api-gateway")
    api = apigateway.RestApi(
        scope,
        "api",
        rest_api_name=stage.prefix,
        description=f"Eloquent, {stage.name}: sessions, messages, documents and collections",
        endpoint_types=[apigateway.EndpointType.REGIONAL],
        binary_media_types=["multipart/form-data"],
        cloud_watch_role=True,
        deploy_options=apigateway.StageOptions(
            stage_name=stage.name,
            access_log_destination=apigateway.LogGroupLogDestination(accesses),
            access_log_format=apigateway.AccessLogFormat.json_with_standard_fields(
                caller=False,
                http_method=True,
                ip=True,
                protocol=True,
                request_time=True,
                resource_path=True,
                response_length=True,
                status=True,
                user=False,
            ),
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            # A body in a log would be somebody's question.
            data_trace_enabled=False,
            metrics_enabled=True,
            tracing_enabled=stage.tracing,
            throttling_rate_limit=max(plan.rate for plan in stage.plans) * 4,
            throttling_burst_limit=max(plan.burst for plan in stage.plans) * 4,
        ),
    )
    link = apigatewayv2.VpcLink(
        scope,
        "link",
        vpc=network.vpc,
        vpc_link_name=stage.prefix,
        subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        security_groups=[network.groups["link"]],
    )
    authorizer = apigateway.CognitoUserPoolsAuthorizer(
        scope, "people", authorizer_name="people", cognito_user_pools=[identity.pool]
    )
    checks = apigateway.RequestValidator(
        scope, "checks", rest_api=api, validate_request_body=True, validate_request_parameters=True
    )
    models: dict[str, apigateway.Model] = {}
    for operation in operations():
        method = api.root.resource_for_path(operation.path).add_method(
            operation.method,
            _integration(stage, operation),
            authorizer=authorizer,
            authorization_type=apigateway.AuthorizationType.COGNITO,
            authorization_scopes=SCOPES,
            api_key_required=True,
            request_validator=checks,
            request_parameters=operation.parameters,
            request_models=_models(scope, api, operation, models),
        )
        _lead_to(method, link, balancer)
    if api.latest_deployment is not None:
        # A deployment is a copy: one that has not changed its name would go on checking by the models of before.
        api.latest_deployment.add_to_logical_id([asdict(operation) for operation in operations()])
    for plan in stage.plans:
        api.add_usage_plan(
            f"plan-{plan.name}",
            name=f"{stage.prefix}-{plan.name}",
            throttle=apigateway.ThrottleSettings(rate_limit=plan.rate, burst_limit=plan.burst),
            quota=None
            if plan.quota is None
            else apigateway.QuotaSettings(limit=plan.quota.limit, period=apigateway.Period[plan.quota.period.upper()]),
            api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=api.deployment_stage)],
        )
    return Edge(api, api.deployment_stage.stage_arn)


def _integration(stage: Stage, operation: Operation) -> apigateway.Integration:
    in_path = [name for name in operation.parameters if name.startswith("method.request.path.")]
    return apigateway.Integration(
        type=apigateway.IntegrationType.HTTP_PROXY,
        integration_http_method=operation.method,
        uri=f"https://{stage.domain}{operation.path}",
        options=apigateway.IntegrationOptions(
            timeout=Duration.seconds(TIMEOUT_SECONDS),
            request_parameters={name.replace("method.", "integration."): name for name in in_path},
        ),
    )


def _lead_to(method: apigateway.Method, link: apigatewayv2.VpcLink, balancer: Balancer) -> None:
    """By a link of the second version, which leads to load balancers; the construct knows the first one only."""
    resource: Any = method.node.default_child
    resource.add_property_override("Integration.ConnectionType", "VPC_LINK")
    resource.add_property_override("Integration.ConnectionId", link.vpc_link_id)
    resource.add_property_override("Integration.IntegrationTarget", balancer.load_balancer.load_balancer_arn)


def _models(
    scope: Construct, api: apigateway.RestApi, operation: Operation, made: dict[str, apigateway.Model]
) -> dict[str, apigateway.Model] | None:
    if operation.body is None:
        return None
    if operation.name not in made:
        model = apigateway.CfnModel(
            scope,
            f"model-{operation.name}",
            rest_api_id=api.rest_api_id,
            name=operation.name,
            content_type="application/json",
            schema={"$schema": "http://json-schema.org/draft-04/schema#", **operation.body},
        )
        made[operation.name] = apigateway.Model.from_model_name(scope, f"known-{operation.name}", model.ref)
        api.deployment_stage.node.add_dependency(model)
    return {"application/json": made[operation.name]}
