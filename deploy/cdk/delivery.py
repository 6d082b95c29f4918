"""Who may deliver: runs of our repository on GitHub Actions, known by OIDC tokens; there is no key that could leak."""

from aws_cdk import Aws, CfnOutput, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from deploy.cdk.config import APPLICATION, GITHUB, Stage
from deploy.cdk.logs import group_name
from deploy.cdk.processes import MIGRATE

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
_BOOTSTRAP = "cdk-hnb659fds"
"""How `cdk bootstrap` calls its roles, unless it is told otherwise."""
_KEPT_IMAGES = 500


def build_account(scope: Construct) -> None:
    """What all stages of an account share: the images, GitHub's provider, and the role that builds push with.

    A pull request, another branch and another repository get no role: their tokens name another subject.
    """
    iam.CfnOIDCProvider(scope, "github", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
    pushed = _repository(scope, APPLICATION)
    for side_car in ("collector", "appconfig-agent"):
        _repository(scope, f"{APPLICATION}-{side_car}")
    role = _role(scope, f"{APPLICATION}-push", f"ref:refs/heads/{GITHUB.branch}")
    pushed.grant_pull_push(role)
    pushed.grant(role, "ecr:DescribeImages")
    CfnOutput(scope, "PushRole", value=role.role_arn)


def build_delivery(scope: Construct, stage: Stage, migrate_roles: tuple[iam.IRole, ...]) -> None:
    """The role that releases to this stage: the CDK's own roles, the task that migrates, and nothing else.

    Args:
        scope: a stack that releases do not touch, or a release could give itself more rights.
        stage: whose environment on GitHub has the token's subject; its rules say who approves.
        migrate_roles: what the migrating task runs as.
    """
    role = _role(scope, f"{stage.prefix}-deploy", f"environment:{stage.name}")
    for name in ("deploy", "file-publishing"):
        _allow(role, ["sts:AssumeRole"], _arn("iam", f"role/{_BOOTSTRAP}-{name}-role-{Aws.ACCOUNT_ID}-{Aws.REGION}"))
    images = ecr.Repository.from_repository_name(scope, "images", APPLICATION)
    images.grant_pull(role)
    images.grant(role, "ecr:DescribeImages")
    in_cluster = {"ArnEquals": {"ecs:cluster": _arn("ecs", f"cluster/{stage.prefix}")}}
    _allow(role, ["ecs:RunTask"], _arn("ecs", f"task-definition/{stage.prefix}-{MIGRATE.name}:*"), when=in_cluster)
    _allow(role, ["ecs:DescribeTasks"], _arn("ecs", f"task/{stage.prefix}/*"), when=in_cluster)
    to_ecs = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    _allow(role, ["iam:PassRole"], *(one.role_arn for one in migrate_roles), when=to_ecs)
    _allow(role, ["logs:GetLogEvents"], _arn("logs", f"log-group:{group_name(stage, MIGRATE.name)}:log-stream:*"))
    _allow(role, ["cloudformation:DescribeStacks"], _arn("cloudformation", f"stack/{stage.prefix}-network/*"))
    CfnOutput(scope, "DeployRole", value=role.role_arn)


def _repository(scope: Construct, name: str) -> ecr.Repository:
    return ecr.Repository(
        scope,
        f"images-{name}",
        repository_name=name,
        image_tag_mutability=ecr.TagMutability.IMMUTABLE,
        image_scan_on_push=True,
        # By number, not by being untagged: signatures are untagged, too.
        lifecycle_rules=[ecr.LifecycleRule(max_image_count=_KEPT_IMAGES)],
        removal_policy=RemovalPolicy.RETAIN,
    )


def _role(scope: Construct, name: str, subject: str) -> iam.Role:
    provider = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:oidc-provider/{ISSUER}"
    claims = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": f"{GITHUB.subject}:{subject}"}
    return iam.Role(
        scope,
        name,
        role_name=name,
        description=f"GitHub Actions: {subject} of {GITHUB.owner}/{GITHUB.name}",
        assumed_by=iam.WebIdentityPrincipal(provider, {"StringEquals": claims}),
    )


def _allow(role: iam.Role, actions: list[str], *resources: str, when: dict[str, dict[str, str]] | None = None) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=actions, resources=list(resources), conditions=when))


def _arn(service: str, resource: str) -> str:
    region = "" if service == "iam" else Aws.REGION
    return f"arn:{Aws.PARTITION}:{service}:{region}:{Aws.ACCOUNT_ID}:{resource}"
