"""Values that AWS enumerates and no provider checks, held against AWS's own service models (botocore)."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import botocore.session
import pytest

from components.edge import EdgeArgs
from components.network import Zone
from components.web import WebArgs
from policy.rules.analytics import SERVERS
from policy.rules.validity.analytics import PARAMETERS
from tests.registered import STACKS, run, run_stack
from tests.test_secure_by_default import ALONE

SESSION = botocore.session.get_session()

# What the program says, and the shape of the service's model that lists what may be said.
VALUES = [
    ("acm/certificate:Certificate", "validationMethod", "acm", "ValidationMethod"),
    (
        "autoscaling/policy:Policy",
        "targetTrackingConfiguration.predefinedMetricSpecification.predefinedMetricType",
        "autoscaling",
        "MetricType",
    ),
    ("cloudfront/distribution:Distribution", "defaultCacheBehavior.allowedMethods", "cloudfront", "Method"),
    (
        "cloudfront/distribution:Distribution",
        "defaultCacheBehavior.viewerProtocolPolicy",
        "cloudfront",
        "ViewerProtocolPolicy",
    ),
    ("cloudfront/distribution:Distribution", "httpVersion", "cloudfront", "HttpVersion"),
    (
        "cloudfront/distribution:Distribution",
        "origins.customOriginConfig.originProtocolPolicy",
        "cloudfront",
        "OriginProtocolPolicy",
    ),
    (
        "cloudfront/distribution:Distribution",
        "origins.customOriginConfig.originSslProtocols",
        "cloudfront",
        "SslProtocol",
    ),
    ("cloudfront/distribution:Distribution", "priceClass", "cloudfront", "PriceClass"),
    (
        "cloudfront/distribution:Distribution",
        "restrictions.geoRestriction.restrictionType",
        "cloudfront",
        "GeoRestrictionType",
    ),
    (
        "cloudfront/distribution:Distribution",
        "viewerCertificate.minimumProtocolVersion",
        "cloudfront",
        "MinimumProtocolVersion",
    ),
    ("cloudfront/distribution:Distribution", "viewerCertificate.sslSupportMethod", "cloudfront", "SSLSupportMethod"),
    ("cloudwatch/logDeliveryDestination:LogDeliveryDestination", "outputFormat", "logs", "OutputFormat"),
    ("ec2/eip:Eip", "domain", "ec2", "DomainType"),
    ("ec2/flowLog:FlowLog", "logDestinationType", "ec2", "LogDestinationType"),
    ("ec2/flowLog:FlowLog", "trafficType", "ec2", "TrafficType"),
    ("ec2/launchTemplate:LaunchTemplate", "blockDeviceMappings.ebs.volumeType", "ec2", "VolumeType"),
    ("ec2/launchTemplate:LaunchTemplate", "instanceType", "ec2", "InstanceType"),
    ("ec2/launchTemplate:LaunchTemplate", "metadataOptions.httpTokens", "ec2", "LaunchTemplateHttpTokensState"),
    ("ec2/launchTemplate:LaunchTemplate", "tagSpecifications.resourceType", "ec2", "ResourceType"),
    ("ec2/vpcEndpoint:VpcEndpoint", "vpcEndpointType", "ec2", "VpcEndpointType"),
    ("ecr/repository:Repository", "encryptionConfigurations.encryptionType", "ecr", "EncryptionType"),
    ("ecr/repository:Repository", "imageTagMutability", "ecr", "ImageTagMutability"),
    ("eks/cluster:Cluster", "accessConfig.authenticationMode", "eks", "AuthenticationMode"),
    ("eks/cluster:Cluster", "enabledClusterLogTypes", "eks", "LogType"),
    ("eks/nodeGroup:NodeGroup", "amiType", "eks", "AMITypes"),
    ("eks/nodeGroup:NodeGroup", "capacityType", "eks", "CapacityTypes"),
    ("eks/nodeGroup:NodeGroup", "instanceTypes", "ec2", "InstanceType"),
    ("elasticache/replicationGroup:ReplicationGroup", "logDeliveryConfigurations.logType", "elasticache", "LogType"),
    (
        "elasticache/replicationGroup:ReplicationGroup",
        "authTokenUpdateStrategy",
        "elasticache",
        "AuthTokenUpdateStrategyType",
    ),
    (
        "athena/workgroup:Workgroup",
        "configuration.resultConfiguration.encryptionConfiguration.encryptionOption",
        "athena",
        "EncryptionOption",
    ),
    ("emr/cluster:Cluster", "coreInstanceFleet.instanceTypeConfigs.instanceType", "ec2", "InstanceType"),
    (
        "emr/cluster:Cluster",
        "masterInstanceFleet.launchSpecifications.onDemandSpecifications.allocationStrategy",
        "emr",
        "OnDemandProvisioningAllocationStrategy",
    ),
    ("emr/cluster:Cluster", "scaleDownBehavior", "emr", "ScaleDownBehavior"),
    (
        "emr/instanceFleet:InstanceFleet",
        "launchSpecifications.spotSpecifications.allocationStrategy",
        "emr",
        "SpotProvisioningAllocationStrategy",
    ),
    (
        "emr/instanceFleet:InstanceFleet",
        "launchSpecifications.spotSpecifications.timeoutAction",
        "emr",
        "SpotProvisioningTimeoutAction",
    ),
    ("emr/managedScalingPolicy:ManagedScalingPolicy", "computeLimits.unitType", "emr", "ComputeLimitsUnitType"),
    ("glue/crawler:Crawler", "recrawlPolicy.recrawlBehavior", "glue", "RecrawlBehavior"),
    ("glue/crawler:Crawler", "schemaChangePolicy.deleteBehavior", "glue", "DeleteBehavior"),
    ("glue/crawler:Crawler", "schemaChangePolicy.updateBehavior", "glue", "UpdateBehavior"),
    *(
        (
            "glue/securityConfiguration:SecurityConfiguration",
            f"encryptionConfiguration.{part}Encryption.{part}EncryptionMode",
            "glue",
            f"{shape}EncryptionMode",
        )
        for part, shape in (("cloudwatch", "CloudWatch"), ("jobBookmarks", "JobBookmarks"), ("s3", "S3"))
    ),
    ("lb/listener:Listener", "defaultActions.type", "elbv2", "ActionTypeEnum"),
    ("lb/listener:Listener", "protocol", "elbv2", "ProtocolEnum"),
    ("lb/listenerRule:ListenerRule", "actions.type", "elbv2", "ActionTypeEnum"),
    ("lb/loadBalancer:LoadBalancer", "loadBalancerType", "elbv2", "LoadBalancerTypeEnum"),
    ("lb/targetGroup:TargetGroup", "healthCheck.protocol", "elbv2", "ProtocolEnum"),
    ("lb/targetGroup:TargetGroup", "protocol", "elbv2", "ProtocolEnum"),
    ("lb/targetGroup:TargetGroup", "targetType", "elbv2", "TargetTypeEnum"),
    ("route53/healthCheck:HealthCheck", "type", "route53", "HealthCheckType"),
    ("route53/record:Record", "type", "route53", "RRType"),
    ("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules.status", "s3", "ExpirationStatus"),
    (
        "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "rules.transitions.storageClass",
        "s3",
        "TransitionStorageClass",
    ),
    ("s3/bucketOwnershipControls:BucketOwnershipControls", "rule.objectOwnership", "s3", "ObjectOwnership"),
    (
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "rules.applyServerSideEncryptionByDefault.sseAlgorithm",
        "s3",
        "ServerSideEncryption",
    ),
    ("s3/bucketVersioning:BucketVersioning", "versioningConfiguration.status", "s3", "BucketVersioningStatus"),
    ("scheduler/schedule:Schedule", "flexibleTimeWindow.mode", "scheduler", "FlexibleTimeWindowMode"),
    ("scheduler/schedule:Schedule", "state", "scheduler", "ScheduleState"),
    ("sfn/stateMachine:StateMachine", "encryptionConfiguration.type", "stepfunctions", "EncryptionType"),
    ("sfn/stateMachine:StateMachine", "loggingConfiguration.level", "stepfunctions", "LogLevel"),
    ("wafv2/webAcl:WebAcl", "scope", "wafv2", "Scope"),
]


def enumerated(service: str, shape: str) -> set[str]:
    return set(SESSION.get_service_model(service).shape_for(shape).enum)


def at(value: Any, path: str) -> Iterator[str]:
    """The values at a path, through lists."""
    if isinstance(value, list):
        for item in value:
            yield from at(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        key, _, rest = path.partition(".")
        if key in value:
            yield from at(value[key], rest)


@pytest.fixture(scope="module")
def recordings():
    """The stacks, and what none of them has by its settings."""
    alone = [run(ALONE[component]) for component in ("data lake with a crawler", "analytics on a cluster that stays")]
    return [run_stack(stack, load_balancing={"classic": {}}) for stack in STACKS] + alone


@pytest.mark.parametrize(("type_token", "path", "service", "shape"), VALUES, ids=lambda value: str(value).split(":")[0])
def test_what_the_program_says_is_in_the_service_model(recordings, type_token, path, service, shape):
    said = {
        value
        for recording in recordings
        for r in recording.registrations
        if r.type == f"aws:{type_token}"
        for value in at(r.inputs, path)
    }
    assert said, "the program says nothing here: the row is out of date"
    assert said <= enumerated(service, shape)


@pytest.mark.parametrize(
    ("field", "service", "shape"),
    [("price_class", "cloudfront", "PriceClass"), ("tls_version", "cloudfront", "MinimumProtocolVersion")],
)
def test_what_a_setting_may_say_is_in_the_service_model(field, service, shape):
    assert set(get_args(EdgeArgs.model_fields[field].annotation)) <= enumerated(service, shape)


def test_the_types_of_sources_that_rules_name_are_quicksights():
    assert {*SERVERS, *PARAMETERS} <= enumerated("quicksight", "DataSourceType")


def test_every_zone_and_most_instance_types_that_ec2_knows_may_be_said():
    (pattern,) = (c.pattern for c in get_args(Zone)[1:])
    regions = SESSION.get_available_regions("ec2")
    assert len(regions) > 15
    assert [region for region in regions if not re.match(pattern, f"{region}a")] == []
    types = enumerated("ec2", "InstanceType")
    refused = {name for name in types if not _taken(name)}
    # Bare metal of a given size is not what a web tier scales by.
    assert {name.split(".")[1].split("-")[0] for name in refused} <= {"metal"}


def _taken(instance_type: str) -> bool:
    try:
        WebArgs(instance_type=instance_type)
    except ValueError:
        return False
    return True
