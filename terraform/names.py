"""Pulumi's names as Terraform's: types, properties and blocks, resolved against the provider's own schema.

The Pulumi provider is bridged from Terraform's, so that names differ by rule: snake case for camel case, a plural
for a list. What the rule can't tell is in the tables, which need an entry for a few of a thousand types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

Block = Mapping[str, Any]
"""A block of `terraform providers schema -json`: its attributes and its nested block types."""

# What stands before a type's name in Terraform, for modules where it isn't the module's own name, or nothing.
PREFIXES: dict[str, tuple[str, ...]] = {
    "amp": ("prometheus",),
    "cfg": ("config",),
    "costexplorer": ("ce",),
    "directconnect": ("dx",),
    "rds": ("rds", "db"),  # never bare: aws_instance is EC2's
}
TYPES: dict[str, str] = {
    "aws:alb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:cfg/recorder:Recorder": "aws_config_configuration_recorder",
    "aws:cfg/recorderStatus:RecorderStatus": "aws_config_configuration_recorder_status",
    "aws:cloudtrail/trail:Trail": "aws_cloudtrail",
    "aws:codedeploy/application:Application": "aws_codedeploy_app",
    "aws:codepipeline/pipeline:Pipeline": "aws_codepipeline",
    "aws:ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment": (
        "aws_network_interface_sg_attachment"
    ),
    "aws:ec2transitgateway/transitGateway:TransitGateway": "aws_ec2_transit_gateway",
    "aws:elb/listenerPolicy:ListenerPolicy": "aws_load_balancer_listener_policy",
    "aws:elb/loadBalancer:LoadBalancer": "aws_elb",
    "aws:elb/loadBalancerCookieStickinessPolicy:LoadBalancerCookieStickinessPolicy": "aws_lb_cookie_stickiness_policy",
    "aws:elb/sslNegotiationPolicy:SslNegotiationPolicy": "aws_lb_ssl_negotiation_policy",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:rds/optionGroup:OptionGroup": "aws_db_option_group",
    "aws:rds/roleAssociation:RoleAssociation": "aws_db_instance_role_association",
    "aws:s3/bucketObjectv2:BucketObjectv2": "aws_s3_object",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": "aws_s3_bucket_replication_configuration",
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": "aws_sqs_queue_redrive_allow_policy",
    "aws:sqs/redrivePolicy:RedrivePolicy": "aws_sqs_queue_redrive_policy",
}
# Properties that the bridge renamed, and those that moved between this provider's major version and the next.
PROPERTIES: dict[tuple[str, str], str] = {
    ("aws_api_gateway_stage", "deployment"): "deployment_id",
    ("aws_cloudwatch_log_subscription_filter", "logGroup"): "log_group_name",
    ("aws_cloudwatch_metric_alarm", "name"): "alarm_name",
    ("aws_elastic_beanstalk_environment", "version"): "version_label",
    ("aws_lambda_function", "code"): "filename",
    ("aws_lambda_function", "name"): "function_name",
    ("aws_lambda_permission", "function"): "function_name",
    ("aws_region", "region"): "name",
    ("aws_s3_bucket", "bucketRegion"): "region",
    ("aws_secretsmanager_secret_version", "secretArn"): "arn",
    ("aws_sns_topic_subscription", "topic"): "topic_arn",
}


class Names:
    """The names of one version of the AWS provider."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """`schema`: the provider's part of `terraform providers schema -json`."""
        self.provider: Block = schema["provider"]["block"]
        self.resources: dict[str, Block] = {name: s["block"] for name, s in schema["resource_schemas"].items()}
        self.data: dict[str, Block] = {name: s["block"] for name, s in schema["data_source_schemas"].items()}

    @cached_property
    def _resource_types(self) -> dict[str, str]:
        return {_plain(name): name for name in self.resources}

    @cached_property
    def _data_types(self) -> dict[str, str]:
        return {_plain(name): name for name in self.data}

    def resource_type(self, token: str) -> str | None:
        """The type of `aws:ec2/vpc:Vpc` (`aws_vpc`), or None where the provider has none."""
        if token in TYPES:
            return TYPES[token]
        return next((self._resource_types[name] for name in _candidates(token) if name in self._resource_types), None)

    def data_type(self, token: str) -> str | None:
        """The data source of a function such as `aws:index/getRegion:getRegion`."""
        return next((self._data_types[name] for name in _candidates(token) if name in self._data_types), None)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _candidates(token: str) -> Iterator[str]:
    package, path, kind = token.split(":")
    if package != "aws":
        return
    module = path.split("/")[0]
    kind = kind.removeprefix("get").removesuffix("V2") if module == "s3" else kind.removeprefix("get")
    for prefix in PREFIXES.get(module, ("" if module == "index" else module, "")):
        yield _plain(f"aws{prefix}{kind}")


def property_name(block: Block, prop: str, terraform_type: str = "") -> str | None:
    """The attribute or nested block of a property: `rules` -> `rule`; None where the block has neither."""
    if (terraform_type, prop) in PROPERTIES:
        return PROPERTIES[terraform_type, prop]
    known = {_plain(name): name for name in (*block.get("attributes", {}), *block.get("block_types", {}))}
    return next((known[form] for form in forms(prop) if form in known), None)


def forms(prop: str) -> Iterator[str]:
    """How Terraform may call a property, without underscores: as it is, or one of what Pulumi calls many."""
    plain = prop.lower()
    yield plain
    if plain.endswith("ies"):
        yield plain[:-3] + "y"
    if plain.endswith("es"):
        yield plain[:-2]
    if plain.endswith("s"):
        yield plain[:-1]
    yield plain + "s"


def label(name: str) -> str:
    """A Pulumi name as a Terraform identifier: letters, digits, hyphens and underscores, no digit first."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return safe if re.match(r"[A-Za-z_]", safe) else f"_{safe}"
