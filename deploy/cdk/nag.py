"""What cdk-nag's AwsSolutions finds and we leave as it is, each with its reason; any other finding is an error."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Stack
from cdk_nag import NagPackSuppression, NagSuppressions, RegexAppliesTo

from deploy.cdk.config import Stage


@dataclass(frozen=True)
class Acknowledged:
    """A finding that stays.

    Attributes:
        rule: of the pack.
        reason: why; it is written into the template.
        applies_to: the findings of the rule that are meant, as regular expressions; all where there are none.
    """

    rule: str
    reason: str
    applies_to: tuple[str, ...] = ()


_GUESTS = Acknowledged(
    "AwsSolutions-COG7",
    "Guests are a feature. The pool has no roles: a guest gets an identity and a token, no credentials for AWS.",
)
_PLAN = Acknowledged(
    "AwsSolutions-COG8",
    "The Plus plan is paid by the user; who wants its threat protection sets the feature plan. WAF limits attempts.",
)
_PUBLIC = Acknowledged(
    "AwsSolutions-EC23",
    "The load balancer is the public door: HTTPS, and HTTP that is redirected to it; WAF stands before it.",
)
_ROTATION = Acknowledged(
    "AwsSolutions-SMG4",
    "A new password means new tasks: docs/deploy.md rotates by a deployment, not behind the backs of connections.",
)
_DELETABLE = Acknowledged("AwsSolutions-RDS10", "This stage's data may go with its stack; all others are protected.")
_LOG_OF_LOGS = Acknowledged(
    "AwsSolutions-S1", "This bucket holds access logs; a log of who reads them would need a log."
)
_GATEWAY_LOGS = Acknowledged(
    "AwsSolutions-IAM4",
    "API Gateway writes its logs with this role; AWS keeps the policy.",
    ("/AmazonAPIGatewayPushToCloudWatchLogs$/",),
)
_PLAIN_VALUES = Acknowledged(
    "AwsSolutions-ECS2",
    "What is no secret and is known at deployment stands in the definition, where a diff shows it; secrets do not "
    "(tests/deploy/test_tables.py), and what is changed between releases is in Parameter Store.",
)
_NO_RESOURCES = Acknowledged(
    "AwsSolutions-IAM5",
    "ecr:GetAuthorizationToken and X-Ray's actions know no resources.",
    (r"/^Resource::\*$/",),
)
_DOCUMENTS = Acknowledged(
    "AwsSolutions-IAM5",
    "Ingest reads, writes and deletes all objects of its one bucket; their names are hashes.",
    (r"/^Action::s3:(Abort|DeleteObject|GetBucket|GetObject|List)\*$/", r"/^Resource::<documents\w+\.Arn>\/\*$/"),
)
_CONNECTIONS = Acknowledged(
    "AwsSolutions-IAM5",
    "Whoever is connected may be answered: the ids of connections are not known before.",
    (r"/\/@connections\/\*$/",),
)
_TOKENS_IN_FRAMES = Acknowledged(
    "AwsSolutions-APIG4",
    "Browsers cannot set headers of a WebSocket: tokens come in its frames, and the gateway checks each (ADR 6).",
)
_DELIVERY = Acknowledged(
    "AwsSolutions-IAM5",
    "Every revision of the one task, every task of the one cluster, every stream of the one log; ECR's login.",
    (
        r"/^Resource::\*$/",
        r"/:task-definition\/[\w-]+-migrate:\*$/",
        r"/:task\/[\w-]+\/\*$/",
        r"/:log-stream:\*$/",
        r"/:stack\/[\w-]+-network\/\*$/",
    ),
)


def acknowledged(stage: Stage) -> Mapping[str, tuple[Acknowledged, ...]]:
    """By part, for this stage."""
    return {
        "network": (_PUBLIC,),
        "identity": (_GUESTS, _PLAN),
        "data": (_ROTATION,) if stage.keep else (_ROTATION, _DELETABLE),
        "edge": (_LOG_OF_LOGS, _GATEWAY_LOGS, _TOKENS_IN_FRAMES),
        "release": (_NO_RESOURCES,),
        "services": (_PLAIN_VALUES, _NO_RESOURCES, _DOCUMENTS, _CONNECTIONS),
        "delivery": (_DELIVERY,),
    }


def acknowledged_of_account() -> Mapping[str, tuple[Acknowledged, ...]]:
    """By part, for what all stages share."""
    return {"delivery": (_NO_RESOURCES,)}


def acknowledge(reasons: Mapping[str, tuple[Acknowledged, ...]], stacks: Mapping[str, Stack]) -> None:
    """Each reason is in the template beside what it is about."""
    for part, ones in reasons.items():
        NagSuppressions.add_stack_suppressions(
            stacks[part],
            [
                NagPackSuppression(
                    id=one.rule,
                    reason=one.reason,
                    applies_to=[RegexAppliesTo(regex=found) for found in one.applies_to] or None,
                )
                for one in ones
            ],
        )
