"""What the templates of all three stages must say. Run by `make check-deploy`; the CDK is in a group of its own."""

import json
from dataclasses import replace
from pathlib import Path

from deploy.cdk.config import GITHUB, PRODUCTION, STAGES, Pinecone, Stage
from deploy.cdk.node import choose_node
from deploy.cdk.processes import PROCESSES, SERVICES, STOP_SECONDS
from deploy.cdk.signals import SIGNALS
from tests.deploy.templates import EVERYWHERE, Templates, lint, of_kind, texts

BALANCER_IDLE_SECONDS = 25
"""Between two pings of a socket."""


@EVERYWHERE
def test_stages_are_kept_apart(templates: Templates, stage: Stage) -> None:
    """No template of a stage names another stage, its network or anything of it."""
    others = {word for other in STAGES if other is not stage for word in (other.prefix, f"/{other.path}", other.cidr)}
    found = {text for part in templates[stage.name].values() for text in texts(part)}

    assert not [text for text in found for word in others if word in text]


@EVERYWHERE
def test_no_template_holds_a_secret(templates: Templates, stage: Stage) -> None:
    """Passwords are references that CloudFormation resolves; the tasks' secrets are references that ECS resolves."""
    given = [
        one["SecretString"]
        for one in of_kind(templates[stage.name]["data"], "AWS::SecretsManager::Secret")
        if "SecretString" in one
    ]

    assert len(given) == 3
    assert all("{{resolve:secretsmanager:" in json.dumps(one) for one in given)
    for task in of_kind(templates[stage.name]["services"], "AWS::ECS::TaskDefinition"):
        named = {one["Name"] for one in task["ContainerDefinitions"][-1].get("Environment", ())}
        assert not {name for name in named if name.endswith(("_KEY", "DATABASE_URL", "REDIS_URL"))}


@EVERYWHERE
def test_nothing_with_data_is_open(templates: Templates, stage: Stage) -> None:
    """Buckets block the public and are encrypted; Aurora and Valkey are encrypted, and speak TLS only."""
    data = templates[stage.name]["data"]
    [cluster] = of_kind(data, "AWS::RDS::DBCluster")
    [cache] = of_kind(data, "AWS::ElastiCache::ReplicationGroup")
    [parameters] = of_kind(data, "AWS::ElastiCache::ParameterGroup")

    for bucket in of_kind(data, "AWS::S3::Bucket"):
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
    assert cluster["StorageEncrypted"] is True
    assert cluster["BackupRetentionPeriod"] == stage.database.backup_days
    assert cluster["DeletionProtection"] is stage.keep
    assert all(not one["PubliclyAccessible"] for one in of_kind(data, "AWS::RDS::DBInstance"))
    assert len(of_kind(data, "AWS::RDS::DBInstance")) == 1 + stage.database.readers
    assert cache["TransitEncryptionEnabled"]
    assert cache["AtRestEncryptionEnabled"]
    assert cache["MultiAZEnabled"]
    assert parameters["Properties"]["maxmemory-policy"] == "noeviction"


@EVERYWHERE
def test_only_the_balancer_lets_anybody_in(templates: Templates, stage: Stage) -> None:
    """And what has no reason to leave the network has no rule to."""
    network = templates[stage.name]["network"]
    groups = {
        one["GroupName"].removeprefix(f"{stage.prefix}-"): one for one in of_kind(network, "AWS::EC2::SecurityGroup")
    }
    open_in = {name for name, one in groups.items() if "0.0.0.0/0" in json.dumps(one.get("SecurityGroupIngress", []))}
    open_out = {name for name, one in groups.items() if "0.0.0.0/0" in json.dumps(one.get("SecurityGroupEgress", []))}

    assert open_in == {"balancer"}
    assert open_out == {process.name for process in PROCESSES if process.outbound}
    assert not [one for one in of_kind(network, "AWS::EC2::SecurityGroupEgress") if "CidrIp" in one]
    assert not [one for one in of_kind(network, "AWS::EC2::SecurityGroupIngress") if "CidrIp" in one]


@EVERYWHERE
def test_every_process_is_a_service_that_can_go_back(templates: Templates, stage: Stage) -> None:
    """One image for all; workers on Spot beside one task that stays, the rest on demand; migrations run once."""
    made = {
        kind: [one for part in templates[stage.name].values() for one in of_kind(part, f"AWS::ECS::{kind}")]
        for kind in ("Service", "TaskDefinition")
    }
    services = {one["ServiceName"]: one for one in made["Service"]}
    tasks = {one["Family"].removeprefix(f"{stage.prefix}-"): one for one in made["TaskDefinition"]}
    containers = {name: task["ContainerDefinitions"][0] for name, task in tasks.items()}

    assert set(services) == {process.name for process in SERVICES}
    assert set(tasks) == {process.name for process in PROCESSES}
    assert len({json.dumps(one["Image"]) for one in containers.values()}) == 1
    for process in PROCESSES:
        assert containers[process.name]["Command"] == process.command
        assert containers[process.name]["StopTimeout"] == STOP_SECONDS
    for process in SERVICES:
        service = services[process.name]
        providers = {one["CapacityProvider"] for one in service["CapacityProviderStrategy"]}
        assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        assert "DesiredCount" not in service
        assert providers == ({"FARGATE", "FARGATE_SPOT"} if process.is_worker else {"FARGATE"})


@EVERYWHERE
def test_a_pinged_socket_is_never_idle(templates: Templates, stage: Stage) -> None:
    """The balancer's patience is longer than two pings; HTTP leads to HTTPS, of TLS 1.2 and newer."""
    edge = templates[stage.name]["edge"]
    balancers = of_kind(edge, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    [balancer] = [one for one in balancers if one["Type"] == "application"]
    patience = {one["Key"]: one["Value"] for one in balancer["LoadBalancerAttributes"]}
    listeners = {one["Protocol"]: one for one in of_kind(edge, "AWS::ElasticLoadBalancingV2::Listener")}

    assert int(patience["idle_timeout.timeout_seconds"]) > 2 * BALANCER_IDLE_SECONDS
    assert listeners["HTTP"]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
    for protocol in ("HTTPS", "TLS"):
        assert listeners[protocol]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-")


@EVERYWHERE
def test_the_edge_checks_and_leads_inside(templates: Templates, stage: Stage) -> None:
    """Each method asks for a token and a key, has its validator, and leads by the private link to the balancer."""
    edge = templates[stage.name]["edge"]
    methods = of_kind(edge, "AWS::ApiGateway::Method")

    assert len(methods) >= 15
    for method in methods:
        assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
        assert method["ApiKeyRequired"] is True
        assert method["RequestValidatorId"]
        integration = method["Integration"]
        assert integration["ConnectionType"] == "VPC_LINK"
        assert {"ConnectionId", "IntegrationTarget"} <= set(integration)
    assert len(of_kind(edge, "AWS::ApiGateway::UsagePlan")) == len(stage.plans)
    assert len(of_kind(edge, "AWS::WAFv2::WebACLAssociation")) == 2


@EVERYWHERE
def test_guests_get_no_rights(templates: Templates, stage: Stage) -> None:
    """The identity pool lets guests in by the classic flow, and attaches no role to anybody."""
    identity = templates[stage.name]["identity"]
    [pool] = of_kind(identity, "AWS::Cognito::IdentityPool")
    [client] = of_kind(identity, "AWS::Cognito::UserPoolClient")

    assert pool["AllowUnauthenticatedIdentities"]
    assert pool["AllowClassicFlow"]
    assert not of_kind(identity, "AWS::Cognito::IdentityPoolRoleAttachment")
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["GenerateSecret"] is False


@EVERYWHERE
def test_metrics_of_ours_are_named_as_they_are_sent(templates: Templates, stage: Stage) -> None:
    """In alarms, scaling policies and on the dashboard; each alarm leads to the runbook."""
    known = {signal.name for signal in SIGNALS}
    watch, services = templates[stage.name]["watch"], templates[stage.name]["services"]
    alarms = of_kind(watch, "AWS::CloudWatch::Alarm")
    ours = [one["MetricName"] for one in alarms if one.get("Namespace") == stage.namespace]
    policies = json.dumps(of_kind(services, "AWS::ApplicationAutoScaling::ScalingPolicy"))
    workers = [one for one in SERVICES if one.is_worker]

    assert ours
    assert set(ours) <= known
    assert all("docs/runbook.md#" in one["AlarmDescription"] for one in alarms)
    assert policies.count('"messaging_entries_waiting"') == sum(len(one.reads) for one in workers)
    assert policies.count(f'"{stage.namespace}"') == 2 * sum(len(one.reads) for one in workers) + 1
    [dashboard] = of_kind(watch, "AWS::CloudWatch::Dashboard")
    assert stage.namespace in json.dumps(dashboard)


@EVERYWHERE
def test_logs_do_not_stay_for_ever(templates: Templates, stage: Stage) -> None:
    """Every log group has the stage's retention."""
    groups = [one for part in templates[stage.name].values() for one in of_kind(part, "AWS::Logs::LogGroup")]

    assert len(groups) > len(SERVICES)
    assert {one["RetentionInDays"] for one in groups} == {stage.log_days}


@EVERYWHERE
def test_a_release_may_release_and_nothing_else(templates: Templates, stage: Stage) -> None:
    """By the stage's environment of our repository alone; what it may use is named, but for ECR's login."""
    delivery = templates[stage.name]["delivery"]
    [role] = of_kind(delivery, "AWS::IAM::Role")
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    allowed = {
        action: one["Resource"]
        for policy in of_kind(delivery, "AWS::IAM::Policy")
        for one in policy["PolicyDocument"]["Statement"]
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }

    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": f"{GITHUB.subject}:environment:{stage.name}",
    }
    assert {action for action, resource in allowed.items() if resource == "*"} == {"ecr:GetAuthorizationToken"}
    assert {action.partition(":")[0] for action in allowed} == {"sts", "ecr", "ecs", "iam", "logs", "cloudformation"}
    assert "cdk-hnb659fds-" in json.dumps(allowed["sts:AssumeRole"])


def test_only_the_main_branch_pushes_images(templates: Templates) -> None:
    """Into repositories whose tags cannot be moved; nobody who releases may push."""
    account = templates["account"]["delivery"]
    [role] = of_kind(account, "AWS::IAM::Role")
    subjects = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]

    assert subjects["token.actions.githubusercontent.com:sub"] == f"{GITHUB.subject}:ref:refs/heads/main"
    assert {one["ImageTagMutability"] for one in of_kind(account, "AWS::ECR::Repository")} == {"IMMUTABLE"}
    assert "ecr:PutImage" in set(texts(account))
    assert not [stage for stage in STAGES if "ecr:PutImage" in set(texts(templates[stage.name]["delivery"]))]


def test_every_option_can_be_had(tmp_path: Path) -> None:
    """A cluster, a global database, Pinecone's link, Google, a foreign page, no WebSocket API."""
    choose_node()
    # With the CDK, which needs Node.js to be chosen before.
    from deploy.cdk.stacks import build_stage, errors_of, new_app

    stage = replace(
        PRODUCTION,
        name="options",
        websocket_api=False,
        account="123456789012",
        origins=("https://pages.example",),
        social=("GOOGLE", "FACEBOOK", "AMAZON"),
        tracing=False,
        database=replace(PRODUCTION.database, global_cluster=True, readers=2),
        cache=replace(PRODUCTION.cache, shards=3, partitions=12),
        pinecone=Pinecone(
            "index.example", endpoint_service="com.amazonaws.vpce.eu-central-1.x", dns_zone="pinecone.io"
        ),
    )
    app = new_app(str(tmp_path))
    build_stage(app, stage, image="sha256:" + 64 * "0")
    errors = errors_of(app.synth())
    found = {path.name: json.loads(path.read_text()) for path in tmp_path.glob("*/*.template.json")}
    data, edge, identity, network, services = (
        next(one for name, one in found.items() if name.startswith(f"options{part}"))
        for part in ("data", "edge", "identity", "network", "services")
    )
    [cache] = of_kind(data, "AWS::ElastiCache::ReplicationGroup")
    environments = {
        task["Family"]: {one["Name"]: one["Value"] for one in task["ContainerDefinitions"][0]["Environment"]}
        for task in of_kind(services, "AWS::ECS::TaskDefinition")
    }

    assert errors == []
    assert not of_kind(edge, "AWS::ApiGatewayV2::Api")
    assert "API_GATEWAY_REGION" not in environments["eloquent-options-gateway"]
    assert cache["NumNodeGroups"] == 3
    assert "rediss+cluster://" in json.dumps(of_kind(data, "AWS::SecretsManager::Secret"))
    assert len(of_kind(data, "AWS::RDS::GlobalCluster")) == 1
    assert len(of_kind(identity, "AWS::Cognito::UserPoolIdentityProvider")) == 3
    assert "com.amazonaws.vpce.eu-central-1.x" in json.dumps(of_kind(network, "AWS::EC2::VPCEndpoint"))
    assert "/v1/sessions" not in json.dumps(
        [one["Conditions"] for one in of_kind(edge, "AWS::ElasticLoadBalancingV2::ListenerRule")]
    ).replace("/options/v1/sessions", "")
    assert environments["eloquent-options-retrieval"]["PINECONE_INDEX_HOST"] == "index.example"
    assert environments["eloquent-options-gateway"]["ALLOWED_ORIGINS"] == "https://pages.example"
    lint(tmp_path)
