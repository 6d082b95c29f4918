"""What the templates must say of API Gateway's callbacks, and of feature flags. Run by `make check-deploy`."""

import json

from deploy.cdk.config import Stage
from deploy.cdk.environment import SOURCES, Text
from deploy.cdk.flags_schema import DECLARED
from deploy.cdk.processes import PROCESSES
from gateway.api_gateway.headers import CONNECTION, PROOF
from libs.flags.settings import FlagSettings
from tests.deploy.templates import EVERYWHERE, Templates, of_kind, texts


@EVERYWHERE
def test_callbacks_come_by_a_private_way_and_show_a_secret(templates: Templates, stage: Stage) -> None:
    """Each route of the WebSocket API by the link to the network balancer; from outside there is no such path."""
    edge, services = templates[stage.name]["edge"], templates[stage.name]["services"]
    routes = {one["RouteKey"] for one in of_kind(edge, "AWS::ApiGatewayV2::Route")}
    integrations = of_kind(edge, "AWS::ApiGatewayV2::Integration")
    links = [name for name, one in edge["Resources"].items() if one["Type"] == "AWS::ApiGateway::VpcLink"]
    [network_balancer] = [
        one for one in of_kind(edge, "AWS::ElasticLoadBalancingV2::LoadBalancer") if one.get("Type") == "network"
    ]
    refused = [
        json.dumps(one)
        for one in of_kind(edge, "AWS::ElasticLoadBalancingV2::ListenerRule")
        if one["Actions"][0]["Type"] == "fixed-response"
    ]
    posts = [text for text in texts(services) if "/@connections/*" in text]

    assert routes == {"$connect", "$default", "$disconnect"}
    assert len(integrations) == len(routes)
    for integration in integrations:
        given = integration["RequestParameters"]
        assert (integration["ConnectionType"], integration["ConnectionId"]) == ("VPC_LINK", {"Ref": links[0]})
        assert integration["IntegrationUri"].startswith(f"https://{stage.domain}/callbacks/")
        assert given[f"integration.request.header.{CONNECTION}"] == "context.connectionId"
        assert "{{resolve:secretsmanager:" in json.dumps(given[f"integration.request.header.{PROOF}"])
    assert network_balancer["Scheme"] == "internal"
    assert "/callbacks/*" in refused[0]
    assert {text.split("/")[-3] for text in posts} == {"POST", "DELETE"}


@EVERYWHERE
def test_flags_are_read_beside_the_task(templates: Templates, stage: Stage) -> None:
    """Who asks for flags has an agent, which asks often enough, and may read this stage's document alone."""
    tasks = of_kind(templates[stage.name]["services"], "AWS::ECS::TaskDefinition")
    agents = {
        task["Family"].removeprefix(f"{stage.prefix}-"): {pair["Name"]: pair["Value"] for pair in one["Environment"]}
        for task in tasks
        for one in task["ContainerDefinitions"]
        if one["Name"] == "flags"
    }
    flags_url = SOURCES["FLAGS_URL"]

    assert isinstance(flags_url, Text)
    assert set(agents) == {process.name for process in PROCESSES if process.uses(FlagSettings)} == set(DECLARED)
    for agent in agents.values():
        assert int(agent["POLL_INTERVAL"]) + FlagSettings().refresh_seconds < 10
        assert agent["PREFETCH_LIST"] in str(flags_url.of(stage))
