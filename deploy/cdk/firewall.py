"""WAF: known attacks and floods are turned away before the load balancer and API Gateway."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from deploy.cdk.config import Stage
from deploy.cdk.logs import log_group

PER_ADDRESS = 3_000
"""Requests of one address in five minutes; offices share one."""
MANAGED = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
)
COUNTED = ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY")
"""Documents are long and say anything, scripts included; these rules count there, and the parsers are in a sandbox."""


def build_firewall(scope: Construct, stage: Stage, protected: dict[str, str]) -> waf.CfnWebACL:
    """Stands before what is named in `protected`, by a name and its ARN."""
    acl = waf.CfnWebACL(
        scope,
        "firewall",
        name=stage.prefix,
        scope="REGIONAL",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow=waf.CfnWebACL.AllowActionProperty()),
        visibility_config=_visible(stage.prefix),
        rules=[
            waf.CfnWebACL.RuleProperty(
                name="flood",
                priority=0,
                action=waf.CfnWebACL.RuleActionProperty(block=waf.CfnWebACL.BlockActionProperty()),
                statement=waf.CfnWebACL.StatementProperty(
                    rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                        limit=PER_ADDRESS, aggregate_key_type="IP"
                    )
                ),
                visibility_config=_visible("flood"),
            ),
            *(_managed(name, priority) for priority, name in enumerate(MANAGED, start=1)),
        ],
    )
    logged = log_group(scope, stage, "firewall", name=f"aws-waf-logs-{stage.prefix}")
    waf.CfnLoggingConfiguration(
        scope,
        "firewall-log",
        resource_arn=acl.attr_arn,
        log_destination_configs=[
            # Not the group's own ARN, which ends with the streams; WAF refuses that.
            Stack.of(scope).format_arn(
                service="logs",
                resource="log-group",
                resource_name=logged.log_group_name,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
        ],
        redacted_fields=[
            waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
            for header in ("authorization", "x-api-key")
        ],
    )
    for name, arn in protected.items():
        waf.CfnWebACLAssociation(scope, f"firewall-{name}", resource_arn=arn, web_acl_arn=acl.attr_arn)
    return acl


def _visible(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )


def _managed(name: str, priority: int) -> waf.CfnWebACL.RuleProperty:
    counted = COUNTED if name.endswith("CommonRuleSet") else ()
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(
            managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    waf.CfnWebACL.RuleActionOverrideProperty(
                        name=rule,
                        action_to_use=waf.CfnWebACL.RuleActionProperty(count=waf.CfnWebACL.CountActionProperty()),
                    )
                    for rule in counted
                ]
                or None,
            )
        ),
        visibility_config=_visible(name),
    )
