"""Names of types, arguments and blocks, against the provider's own schema."""

import re
from pathlib import Path

import pulumi_aws
import pytest

from terraform.names import PROPERTIES, TYPES, label, property_name


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("aws:ec2/vpc:Vpc", "aws_vpc"),
        ("aws:ec2/instance:Instance", "aws_instance"),
        ("aws:rds/instance:Instance", "aws_db_instance"),  # not aws_instance
        ("aws:rds/cluster:Cluster", "aws_rds_cluster"),
        ("aws:lb/loadBalancer:LoadBalancer", "aws_lb"),
        ("aws:elb/loadBalancer:LoadBalancer", "aws_elb"),
        ("aws:elb/listenerPolicy:ListenerPolicy", "aws_load_balancer_listener_policy"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws_vpc_security_group_ingress_rule"),
        ("aws:cloudwatch/eventRule:EventRule", "aws_cloudwatch_event_rule"),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "aws_iam_openid_connect_provider"),
        ("aws:elasticbeanstalk/environment:Environment", "aws_elastic_beanstalk_environment"),
        ("aws:s3/bucketV2:BucketV2", "aws_s3_bucket"),
        ("aws:cfg/recorder:Recorder", "aws_config_configuration_recorder"),
        ("random:index/randomId:RandomId", None),
        ("aws:nothing/atAll:AtAll", None),
    ],
)
def test_types(names, token, expected):
    assert names.resource_type(token) == expected


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("aws:index/getCallerIdentity:getCallerIdentity", "aws_caller_identity"),
        ("aws:index/getRegion:getRegion", "aws_region"),
        ("aws:ec2/getManagedPrefixList:getManagedPrefixList", "aws_ec2_managed_prefix_list"),
        ("aws:route53/getZone:getZone", "aws_route53_zone"),
    ],
)
def test_data_sources(names, token, expected):
    assert names.data_type(token) == expected


@pytest.mark.parametrize(
    ("kind", "prop", "expected"),
    [
        ("aws_vpc", "cidrBlock", "cidr_block"),
        ("aws_vpc_security_group_ingress_rule", "cidrIpv4", "cidr_ipv4"),
        ("aws_autoscaling_group", "tags", "tag"),
        ("aws_autoscaling_group", "vpcZoneIdentifiers", "vpc_zone_identifier"),
        ("aws_wafv2_web_acl", "rules", "rule"),
        ("aws_cloudfront_distribution", "orderedCacheBehaviors", "ordered_cache_behavior"),
        ("aws_cloudfront_distribution", "isIpv6Enabled", "is_ipv6_enabled"),
        ("aws_route53_record", "aliases", "alias"),
        ("aws_cloudwatch_metric_alarm", "name", "alarm_name"),
        ("aws_sns_topic", "maximumMessageSize", None),
    ],
)
def test_arguments(names, kind, prop, expected):
    assert property_name(names.resources[kind], prop, kind) == expected


def test_every_entry_of_the_tables_is_in_the_schema(names):
    assert set(TYPES.values()) <= set(names.resources)
    for (kind, prop), name in PROPERTIES.items():
        block = names.resources.get(kind) or names.data[kind]
        assert name in {**block.get("attributes", {}), **block.get("block_types", {})}, (kind, prop)


def test_most_types_of_the_sdk_have_one_here(names):
    """The rest is newer than this provider, or is named by an entry in the tables once the library uses it."""
    tokens = re.findall(r'"(aws:[^"]+)": "\w+"', Path(pulumi_aws.__file__).read_text())
    resolved = {token for token in tokens if names.resource_type(token)}
    assert (len(tokens), len(resolved)) == (1748, 1474)


def test_labels():
    assert label("dns-internal.dev.example.com-A") == "dns-internal_dev_example_com-A"
    assert label("1st") == "_1st"
