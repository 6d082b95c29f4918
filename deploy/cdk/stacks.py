"""Which stacks a stage has, in the order in which they are deployed."""

from typing import Any

from aws_cdk import App, Aspects, Environment, Stack, Tags
from aws_cdk import Stage as Assembly
from cdk_nag import AwsSolutionsChecks

from deploy.cdk.balancer import build_balancer
from deploy.cdk.compute import build_compute
from deploy.cdk.config import APPLICATION, Stage
from deploy.cdk.data import build_data
from deploy.cdk.delivery import build_account, build_delivery
from deploy.cdk.edge import build_edge
from deploy.cdk.environment import CALLBACKS
from deploy.cdk.firewall import build_firewall
from deploy.cdk.identity import build_identity
from deploy.cdk.nag import acknowledge, acknowledged, acknowledged_of_account
from deploy.cdk.network import build_network
from deploy.cdk.watch import build_watch
from deploy.cdk.websocket import build_websocket

_FLAGS = {
    # By a bucket policy; the way before was an ACL, which new buckets refuse.
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/core:checkSecretUsage": True,
    # Or a release would set every service back to its first size, however many tasks it has by then.
    "@aws-cdk/aws-ecs:removeDefaultDesiredCount": True,
}
PARTS = ("network", "identity", "data", "edge", "release", "services", "watch", "delivery")


def new_app(outdir: str | None = None) -> App:
    """An app with the CDK's behaviours that we rely on.

    Args:
        outdir: where the templates go; None leaves it to the command line.
    """
    return App(outdir=outdir, context=_FLAGS, analytics_reporting=False)


def build_stage(app: App, stage: Stage, *, image: str) -> dict[str, Stack]:
    """The stage's stacks, by part.

    Args:
        app: gets them.
        stage: all that differs.
        image: tag or digest of the image in the repository `eloquent`.
    """
    assembly = Assembly(app, stage.name, env=Environment(account=stage.account, region=stage.region))
    if stage.account:
        # Or the synthesis would ask the account, which it must not need.
        assembly.node.set_context(
            f"availability-zones:account={stage.account}:region={stage.region}", list(stage.zones)
        )
    stacks: dict[str, Any] = {
        part: Stack(
            assembly,
            part,
            stack_name=f"{stage.prefix}-{part}",
            description=f"Eloquent, {stage.name}: {part}",
            termination_protection=stage.keep,
        )
        for part in PARTS
    }
    network = build_network(stacks["network"], stage)
    identity = build_identity(stacks["identity"], stage)
    data = build_data(stacks["data"], stage, network)
    balancer = build_balancer(stacks["edge"], stage, network)
    edge = build_edge(stacks["edge"], stage, network, identity, balancer)
    websocket = (
        build_websocket(stacks["edge"], stage, network, data.secrets[CALLBACKS]) if stage.websocket_api else None
    )
    protected = {"balancer": balancer.load_balancer.load_balancer_arn, "api": edge.stage_arn}
    build_firewall(stacks["edge"], stage, protected)
    compute = build_compute(
        stacks["release"],
        stacks["services"],
        stage,
        network=network,
        identity=identity,
        data=data,
        balancer=balancer,
        websocket=websocket,
        image=image,
    )
    build_watch(stacks["watch"], stage, balancer=balancer, edge=edge, data=data)
    build_delivery(stacks["delivery"], stage, compute.migrate_roles)
    Tags.of(assembly).add("application", APPLICATION)
    Tags.of(assembly).add("stage", stage.name)
    acknowledge(acknowledged(stage), stacks)
    # To the stage, not to the app: nothing added there looks into a stage.
    Aspects.of(assembly).add(AwsSolutionsChecks())
    return stacks


def build_account_of(app: App, stage: Stage) -> Stack:
    """What the account has once, where this stage is and in its region."""
    assembly = Assembly(app, "account", env=Environment(account=stage.account, region=stage.region))
    stack = Stack(
        assembly,
        "delivery",
        stack_name=f"{APPLICATION}-delivery",
        description="Eloquent: images, and who may push them",
        termination_protection=True,
    )
    build_account(stack)
    Tags.of(assembly).add("application", APPLICATION)
    acknowledge(acknowledged_of_account(), {"delivery": stack})
    Aspects.of(assembly).add(AwsSolutionsChecks())
    return stack


def errors_of(synthesised: Any) -> list[str]:
    """What was found wrong in any stack of what `App.synth` gave, with its place."""
    return [
        f"{stack.stack_name}{message.id}: {message.entry.data}"
        for nested in synthesised.nested_assemblies
        for stack in nested.nested_assembly.stacks
        for message in stack.messages
        if message.level.name == "ERROR"
    ]
