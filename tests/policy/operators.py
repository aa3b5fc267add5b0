"""What is broken in prod, resource by resource, and the rule that has to find it: the table of the mutation proof."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from policy.graph import Graph, Resource, peek
from policy.rules.validity.names import TAGGED
from tests.policy.mutation import (
    ANYWHERE,
    Break,
    Edit,
    Operator,
    add,
    admitting,
    all_gone,
    astray,
    at,
    both,
    broken,
    drop,
    extra,
    gone,
    in_state,
    inside,
    made,
    opened,
    option,
    output,
    public_subnets,
    put,
    refer,
    referrer,
    target,
    together,
)

# -- What several lines need -------------------------------------------------------------------------------------------

AWS_KEY = "alias/aws/s3"
ACCOUNT = "123456789012"


def not_own_key(path: str) -> tuple[Edit, Edit]:
    """No key, or one that AWS manages."""
    return drop(path), put(path, AWS_KEY)


def off(path: str) -> tuple[Edit, Edit]:
    """A flag that has to be on."""
    return put(path, False), drop(path)


def named(*parts: str) -> Callable[[Resource], bool]:
    return lambda resource: resource.name.startswith(parts)


def is_(path: str, value: Any) -> Callable[[Any], bool]:
    return lambda found: bool(peek(found, path) == value)


def has(path: str) -> Callable[[Any], bool]:
    return lambda found: peek(found, path) is not None


def lacks(path: str) -> Callable[[Any], bool]:
    return lambda found: peek(found, path) is None


def allows(statement: Mapping[str, Any]) -> bool:
    return bool(statement["Effect"] == "Allow")


def denies_http(statement: Mapping[str, Any]) -> bool:
    return statement.get("Sid") == "DenyInsecureTransport"


EVERYONE = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
ALL_AWS = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}
BUT_SOME = {"Effect": "Allow", "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "*", "Resource": "*"}
PRETENDED = {**EVERYONE, "Condition": {"StringEquals": {"aws:UserAgent": "mine"}}}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [EVERYONE]})


def everyone(path: str) -> tuple[Edit, ...]:
    """A statement more in a resource policy, that admits everyone."""
    return tuple(inside(path, add("Statement", one)) for one in (EVERYONE, ALL_AWS, BUT_SOME, PRETENDED))


def anyone(path: str) -> Edit:
    """A statement that is there, for everyone and without conditions."""
    bare = both(put("Statement.*.Principal", "*", where=allows), drop("Statement.*.Condition", where=is_all))
    return inside(path, bare, put("Statement.*.Principal", {"AWS": "*"}, where=unbound))


def is_all(statement: Mapping[str, Any]) -> bool:
    return allows(statement) and statement.get("Principal") == "*"


def unbound(statement: Mapping[str, Any]) -> bool:
    return allows(statement) and "Condition" not in statement


def admitting_http(path: str) -> tuple[Edit, ...]:
    """Breaks of the statement that refuses plain HTTP."""
    statement = "Statement.*"
    return tuple(
        inside(path, edit)
        for edit in (
            drop(statement, where=denies_http),
            put(f"{statement}.Effect", "Allow", where=denies_http),
            put(f"{statement}.Principal", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, where=denies_http),
            put(f"{statement}.Action", "sts:AssumeRole", where=denies_http),
            put(f"{statement}.Condition.Bool.aws:SecureTransport", "true", where=denies_http),
            put(f"{statement}.Condition.StringEquals", {"aws:SourceVpce": "vpce-1"}, where=denies_http),
        )
    )


def admitting_all_actions(path: str) -> tuple[Edit, ...]:
    """Breaks of each statement of an identity's policy."""
    everywhere = both(
        put("Statement.*.Action", ["s3:*"], where=allows),
        put("Statement.*.Resource", "*", where=is_("Action", ["s3:*"])),
    )
    return (
        inside(path, put("Statement.*.Action", "*", where=allows)),
        inside(path, put("Statement.*.Action", ["s3:GetObject", "*:*"], where=allows)),
        inside(path, put("Statement.*.NotAction", "iam:*", where=allows)),
        inside(path, everywhere),
        inside(path, add("Statement", {"Effect": "Allow", "Action": "*", "Resource": "*"})),
    )


WORLD = ({"cidrIpv4": "0.0.0.0/0"}, {"cidrIpv6": "::/0"}, {"cidrIpv4": "128.0.0.0/1"})


def from_world(**more: Any) -> tuple[Edit, ...]:
    """A rule of a security group whose source is the internet, or half of it."""
    ways = []
    for source in WORLD:
        edits: list[Edit] = [put(key, value) for key, value in {**source, **more}.items()]
        ways.append(both(*edits))
    return tuple(ways)


# A listener or a load balancer's port may be open to the internet, which prod's own doesn't use.
FRONT = named("alb-")
ISOLATED, PRIVATE = named("network-isolated-"), named("network-private-")


def public(path: str) -> Break:
    return refer(path, public_subnets)


ENVIRONMENT = "elasticbeanstalk/environment"
ELASTIC = "aws:elasticbeanstalk:environment"
INSTANCES = "aws:autoscaling:launchconfiguration"
NETWORK = "aws:ec2:vpc"
OWN_BALANCER = option(ELASTIC, "LoadBalancerIsShared", "false")

MACHINE = "sfn/stateMachine"
START = "States.StartCluster.Parameters"


def cluster(*edits: Edit) -> Edit:
    return inside("definition", *edits)


def starts(path: str) -> str:
    """A setting of the cluster that the state machine starts."""
    return f"{START}.{path}"


BUCKET = "bucket"
ADMITTING = {
    "kms/key": "policy",
    "s3/bucketPolicy": "policy",
    "sns/topicPolicy": "policy",
    "iam/role": "assumeRolePolicy",
}
REFUSING = {"sqs/queuePolicy": "policy", "ecr/repositoryPolicy": "policy"}
"""Which say only what is denied."""
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
DEPUTIES = ("elasticmapreduce", "scheduler", "states")


def deputy(statement: Mapping[str, Any]) -> bool:
    return str(statement["Principal"].get("Service")).partition(".")[0] in DEPUTIES


def works_for_deputy(role: Resource) -> bool:
    return any(f'"{service}.amazonaws.com"' in str(role.props["assumeRolePolicy"]) for service in DEPUTIES)


SECURITY = "emr/securityConfiguration"
AT_REST = "EncryptionConfiguration.AtRestEncryptionConfiguration"
IN_TRANSIT = "EncryptionConfiguration.InTransitEncryptionConfiguration"

# -- The table ---------------------------------------------------------------------------------------------------------

AT_REST_OPERATORS = [
    broken("database-storage-encrypted", "rds/instance", put("storageEncrypted", False)),
    broken("database-storage-encrypted", "rds/instance", drop("storageEncrypted"), where=lacks("replicateSourceDb")),
    broken(
        "database-replica-encrypted",
        "rds/instance",
        together(drop("storageEncrypted"), target("replicateSourceDb", "rds/instance", *off("storageEncrypted"))),
        where=has("replicateSourceDb"),
    ),
    broken("database-insights-key", "rds/instance", *not_own_key("performanceInsightsKmsKeyId")),
    broken("bucket-encrypted", "s3/bucketServerSideEncryptionConfiguration", gone(), drop("rules"), seen_on=BUCKET),
    broken(
        "bucket-encrypted",
        "s3/bucketServerSideEncryptionConfiguration",
        put("rules.*.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
        seen_on=BUCKET,
    ),
    broken("cache-encrypted", "elasticache/replicationGroup", *off("atRestEncryptionEnabled")),
    broken("cache-key", "elasticache/replicationGroup", *not_own_key("kmsKeyId")),
    broken("queue-encrypted", "sqs/queue", drop("kmsMasterKeyId")),
    broken("queue-key", "sqs/queue", *not_own_key("kmsMasterKeyId")),
    broken("topic-encrypted", "sns/topic", *not_own_key("kmsMasterKeyId")),
    broken("schedule-key", "scheduler/schedule", *not_own_key("kmsKeyArn")),
    broken(
        "repository-encrypted",
        "ecr/repository",
        put("encryptionConfigurations.*.encryptionType", "AES256"),
        drop("encryptionConfigurations"),
        *not_own_key("encryptionConfigurations.*.kmsKey"),
    ),
    broken(
        "volume-encrypted",
        "ec2/launchTemplate",
        put("blockDeviceMappings.*.ebs.encrypted", "false"),
        drop("blockDeviceMappings.*.ebs.encrypted"),
        drop("blockDeviceMappings"),
    ),
    broken("log-group-encrypted", "cloudwatch/logGroup", *not_own_key("kmsKeyId")),
    broken("trail-encrypted", "cloudtrail/trail", *not_own_key("kmsKeyId")),
    broken("secret-encrypted", "secretsmanager/secret", *not_own_key("kmsKeyId")),
    broken("key-rotated", "kms/key", *off("enableKeyRotation")),
    broken(
        "emr-encrypted",
        SECURITY,
        *(
            inside("configuration", edit)
            for edit in (
                *off("EncryptionConfiguration.EnableAtRestEncryption"),
                put(f"{AT_REST}.S3EncryptionConfiguration.EncryptionMode", "SSE-S3"),
                drop(f"{AT_REST}.S3EncryptionConfiguration"),
                drop(f"{AT_REST}.LocalDiskEncryptionConfiguration"),
                put(f"{AT_REST}.LocalDiskEncryptionConfiguration.EncryptionKeyProviderType", "Custom"),
                *off(f"{AT_REST}.LocalDiskEncryptionConfiguration.EnableEbsEncryption"),
            )
        ),
    ),
    *(
        broken(rule, MACHINE, cluster(drop(starts("SecurityConfiguration"))))
        for rule in ("emr-encrypted", "emr-encrypted-in-transit", "emr-metadata-v2")
    ),
    broken("emr-log-key", MACHINE, cluster(drop(starts("LogEncryptionKmsKeyId")))),
    broken(
        "state-machine-key",
        MACHINE,
        put("encryptionConfiguration.type", "AWS_OWNED_KEY"),
        drop("encryptionConfiguration"),
        *not_own_key("encryptionConfiguration.kmsKeyId"),
    ),
    broken(
        "workgroup-encrypted",
        "athena/workgroup",
        put("configuration.resultConfiguration.encryptionConfiguration.encryptionOption", "SSE_S3"),
        drop("configuration.resultConfiguration.encryptionConfiguration"),
        *not_own_key("configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn"),
    ),
    broken("workgroup-enforced", "athena/workgroup", put("configuration.enforceWorkgroupConfiguration", False)),
    broken("source-repository-encrypted", "codecommit/repository", *not_own_key("kmsKeyId")),
    broken("build-key", "codebuild/project", *not_own_key("encryptionKey")),
    broken(
        "build-artifacts-encrypted",
        "codebuild/project",
        put("artifacts.encryptionDisabled", True),
        put("logsConfig.s3Logs.encryptionDisabled", True),
        put("secondaryArtifacts", [{"artifactIdentifier": "more", "type": "S3", "encryptionDisabled": True}]),
    ),
    broken(
        "pipeline-key",
        "codepipeline/pipeline",
        drop("artifactStores.*.encryptionKey"),
        put("artifactStores.*.encryptionKey.id", AWS_KEY),
    ),
    broken("grafana-encrypted", "grafana/workspace", *not_own_key("kmsKeyId")),
    broken(
        "cluster-secrets-encrypted",
        "eks/cluster",
        drop("encryptionConfig"),
        put("encryptionConfig.provider.keyArn", AWS_KEY),
    ),
    broken("node-volumes-encrypted", "eks/nodeGroup", drop("launchTemplate")),
    broken("environment-volumes-encrypted", "ebs/encryptionByDefault", put("enabled", False), gone()),
]

OLD_LISTENERS = (
    "ELBSecurityPolicy-2016-08",
    "ELBSecurityPolicy-TLS-1-1-2017-01",
    "ELBSecurityPolicy-TLS13-1-0-2021-06",
)
BEHAVIORS = ("defaultCacheBehavior", "orderedCacheBehaviors.*")
ORIGIN = "origins.*.customOriginConfig"


def demands_tls(parameter: Mapping[str, Any]) -> bool:
    return bool(parameter["name"] == "require_secure_transport")


IN_TRANSIT_OPERATORS = [
    broken(
        "emr-encrypted-in-transit",
        SECURITY,
        *(
            inside("configuration", edit)
            for edit in (
                *off("EncryptionConfiguration.EnableInTransitEncryption"),
                drop(f"{IN_TRANSIT}.TLSCertificateConfiguration"),
                drop(f"{IN_TRANSIT}.TLSCertificateConfiguration.S3Object"),
            )
        ),
    ),
    broken("data-source-encrypted", "quicksight/dataSource", put("sslProperties.disableSsl", True)),
    broken(
        "listener-encrypted",
        "lb/listener",
        put("protocol", "HTTP"),
        both(put("protocol", "HTTP"), drop("defaultActions")),
        both(put("protocol", "HTTP"), put("defaultActions.*", {"type": "redirect", "redirect": {"protocol": "HTTP"}})),
    ),
    broken("listener-rule-encrypted", "lb/listenerRule", target("listenerArn", "lb/listener", put("protocol", "HTTP"))),
    broken("listener-tls-policy", "lb/listener", drop("sslPolicy"), *(put("sslPolicy", old) for old in OLD_LISTENERS)),
    broken("target-group-encrypted", "lb/targetGroup", put("protocol", "HTTP"), where=is_("protocol", "HTTPS")),
    broken(
        "distribution-viewers-encrypted",
        "cloudfront/distribution",
        *(put(f"{behavior}.viewerProtocolPolicy", "allow-all") for behavior in BEHAVIORS),
        *(drop(f"{behavior}.viewerProtocolPolicy") for behavior in BEHAVIORS),
    ),
    broken(
        "distribution-tls-version",
        "cloudfront/distribution",
        put("viewerCertificate.minimumProtocolVersion", "TLSv1"),
        put("viewerCertificate.minimumProtocolVersion", "TLSv1.1_2016"),
        drop("viewerCertificate.minimumProtocolVersion"),
        put("viewerCertificate.cloudfrontDefaultCertificate", True),
    ),
    broken(
        "distribution-origins-encrypted",
        "cloudfront/distribution",
        put(f"{ORIGIN}.originProtocolPolicy", "match-viewer"),
        put(f"{ORIGIN}.originProtocolPolicy", "http-only"),
        put(f"{ORIGIN}.originSslProtocols", ["TLSv1.1", "TLSv1.2"]),
        put(f"{ORIGIN}.originSslProtocols", ["SSLv3"]),
        drop(f"{ORIGIN}.originSslProtocols"),
    ),
    broken("bucket-tls-only", "s3/bucketPolicy", gone(), *admitting_http("policy"), seen_on=BUCKET),
    broken(
        "bucket-tls-only",
        "s3/bucketPolicy",
        *(inside("policy", drop(f"Statement.0.Resource.{place}")) for place in (0, 1)),
        inside("policy", put("Statement.*.Action", "s3:GetObject", where=denies_http)),
        seen_on=BUCKET,
    ),
    broken("queue-tls-only", "sqs/queuePolicy", gone(), *admitting_http("policy"), seen_on="queueUrl"),
    broken("topic-tls-only", "sns/topicPolicy", gone(), *admitting_http("policy"), seen_on="arn"),
    broken(
        "cache-tls-only",
        "elasticache/replicationGroup",
        *off("transitEncryptionEnabled"),
        put("transitEncryptionMode", "preferred"),
    ),
    broken(
        "database-tls-only",
        "rds/parameterGroup",
        put("parameters.*.value", "0", where=demands_tls),
        put("parameters.*.value", "OFF", where=demands_tls),
        drop("parameters.*", where=demands_tls),
        drop("parameters"),
    ),
    broken("database-tls-only", "rds/instance", put("parameterGroupName", "default.mysql8.4")),
    broken("database-tls-only", "rds/instance", drop("parameterGroupName"), where=lacks("replicateSourceDb")),
    broken(
        "environment-listeners-encrypted",
        ENVIRONMENT,
        OWN_BALANCER,
        both(OWN_BALANCER, option("aws:elbv2:listener:8080", "Protocol", "HTTP")),
    ),
    broken(
        "environment-tls-policy",
        ENVIRONMENT,
        both(OWN_BALANCER, option("aws:elbv2:listener:443", "Protocol", "HTTPS")),
        both(
            OWN_BALANCER,
            option("aws:elbv2:listener:443", "Protocol", "HTTPS"),
            option("aws:elbv2:listener:443", "SSLPolicy", "ELBSecurityPolicy-2016-08"),
        ),
    ),
]


def also_public(resource_subnets: Break) -> Break:
    """Where a load balancer would make up for it."""
    return together(drop("targetGroupArns"), resource_subnets)


OPEN_RULE = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}
OPEN_RULE_6 = {"protocol": "-1", "fromPort": 0, "toPort": 0, "ipv6CidrBlocks": ["::/0"]}


def subnets_option(name: str) -> Break:
    """An option of Elastic Beanstalk that names subnets as one text."""

    def of(environment: Resource, prod: Graph) -> Any:
        ids = [output(subnet) for subnet in public_subnets(prod)]
        if all(isinstance(one, str) for one in ids):
            yield from together(option(NETWORK, name, ",".join(ids))).of(environment, prod)

    return Break(of)


def places() -> Break:
    """The object that tells the state machine the subnets of its clusters."""

    def of(written: Resource, prod: Graph) -> Any:
        ids = [output(subnet) for subnet in public_subnets(prod)]
        if all(isinstance(one, str) for one in ids):
            yield from together(inside("content", put("Subnets", ids), add("Subnets", ids[0]))).of(written, prod)

    return Break(of)


def let_in(subnet: str, group: str) -> tuple[Break, ...]:
    """A way in, and a security group that lets it in, by one version of IP."""
    return tuple(
        together(
            at(
                "ec2/subnet",
                f"network-{subnet}-eu-west-1a",
                opened(ipv4="cidrIpv4" in source, ipv6="cidrIpv6" in source),
            ),
            at("ec2/securityGroup", group, admitting(**source)),
        )
        for source in WORLD
    )


def by_prefix_list(*cidrs: str) -> Break:
    """A prefix list of the program that is the internet, as the source of SSH."""

    def of(rule: Resource, prod: Graph) -> Any:
        for cidr in cidrs:
            listed = made("aws:ec2/managedPrefixList:ManagedPrefixList", "mutant", {}, entries=[{"cidr": cidr}])
            named = refer("prefixListId", partial(_alone, listed), alone=True)
            for _, change in together(put("fromPort", 22), put("toPort", 22), named).of(rule, prod):
                yield f"{cidr} by a prefix list", {**change, listed.urn: listed}

    return Break(of)


def _alone(resource: Resource, _: Graph) -> list[Resource]:
    return [resource]


EXPOSURE_OPERATORS = [
    broken("database-not-public", "rds/instance", put("publiclyAccessible", True)),
    broken("database-in-private-subnets", "rds/instance", drop("dbSubnetGroupName"), where=lacks("replicateSourceDb")),
    broken("database-in-private-subnets", "elasticache/replicationGroup", drop("subnetGroupName")),
    broken("database-in-private-subnets", "rds/subnetGroup", public("subnetIds")),
    broken("database-in-private-subnets", "elasticache/subnetGroup", public("subnetIds")),
    broken("database-in-private-subnets", "ec2/subnet", opened(), where=ISOLATED),
    broken("database-unreachable", "rds/instance", *let_in("isolated", "database")),
    broken("database-unreachable", "elasticache/replicationGroup", *let_in("isolated", "cache")),
    broken("machine-unreachable", "autoscaling/group", *let_in("private", "web")),
    broken("machine-unreachable", "eks/nodeGroup", *let_in("private", "kubernetes-nodes")),
    broken("machine-unreachable", ENVIRONMENT, *let_in("private", "backend")),
    *(
        broken(
            "database-apart-from-exposed-machines",
            type,
            *let_in("private", "web"),
            in_state(*let_in("private", "backend")),
        )
        for type in ("rds/instance", "elasticache/replicationGroup")
    ),
    broken(
        "database-ingress-by-group",
        "vpc/securityGroupIngressRule",
        put("cidrIpv4", "10.0.0.0/8"),
        put("cidrIpv6", "fd00::/8"),
        put("prefixListId", "pl-1"),
        where=lambda rule: rule.name.endswith(("-to-database", "-to-cache")),
    ),
    broken("database-ingress-by-group", "rds/instance", drop("vpcSecurityGroupIds")),
    broken("database-ingress-by-group", "elasticache/replicationGroup", drop("securityGroupIds")),
    broken(
        "database-ingress-by-group",
        "rds/instance",
        target(
            "vpcSecurityGroupIds", "ec2/securityGroup", put("ingress", [{**OPEN_RULE, "cidrBlocks": ["10.1.0.0/16"]}])
        ),
    ),
    broken("subnet-no-public-addresses", "ec2/subnet", put("mapPublicIpOnLaunch", True)),
    broken("ingress-not-from-world", "vpc/securityGroupIngressRule", *from_world(), where=lambda rule: not FRONT(rule)),
    broken("ingress-not-from-world", "vpc/securityGroupIngressRule", *from_world(fromPort=22, toPort=22)),
    broken("ingress-not-from-world", "vpc/securityGroupIngressRule", *from_world(ipProtocol="-1")),
    broken("ingress-not-from-world", "ec2/securityGroup", put("ingress", [OPEN_RULE]), put("ingress", [OPEN_RULE_6])),
    broken(
        "egress-not-everywhere",
        "vpc/securityGroupEgressRule",
        *(both(put("ipProtocol", "-1"), put(key, value)) for source in WORLD[:2] for key, value in source.items()),
    ),
    broken("ingress-not-from-world", "vpc/securityGroupIngressRule", by_prefix_list("0.0.0.0/0", "::/0")),
    broken("default-security-group-closed", "ec2/defaultSecurityGroup", gone(), seen_on="vpcId"),
    broken(
        "default-security-group-closed",
        "ec2/defaultSecurityGroup",
        put("ingress", [{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]),
        put("egress", [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]),
        admitting(referencedSecurityGroupId="sg-1"),
    ),
    broken(
        "instance-not-public",
        "ec2/launchTemplate",
        put("networkInterfaces.*.associatePublicIpAddress", "true"),
        where=named("kubernetes-"),
    ),
    broken(
        "instances-in-private-subnets",
        "autoscaling/group",
        also_public(public("vpcZoneIdentifiers")),
        both(drop("targetGroupArns"), drop("vpcZoneIdentifiers")),
    ),
    broken(
        "bucket-not-public",
        "s3/bucketPublicAccessBlock",
        gone(),
        *(edit for flag in FLAGS for edit in off(flag)),
        seen_on=BUCKET,
    ),
    broken(
        "bucket-acl-private",
        "s3/bucket",
        *(put("acl", acl) for acl in ("public-read", "public-read-write", "authenticated-read")),
        put("grants", [{"type": "Group", "uri": "http://acs.amazonaws.com/groups/global/AllUsers"}]),
    ),
    broken(
        "bucket-acl-private",
        "s3/bucket",
        extra("aws:s3/bucketAcl:BucketAcl", {"bucket": "id"}, acl="public-read"),
        seen_on=ANYWHERE,
    ),
    broken("distribution-s3-origin-private", "cloudfront/distribution", drop(ORIGIN)),
    broken(
        "load-balancer-drops-invalid-headers",
        "lb/loadBalancer",
        *off("dropInvalidHeaderFields"),
        where=is_("loadBalancerType", "application"),
    ),
    broken("load-balancer-desync-mitigation", "lb/loadBalancer", put("desyncMitigationMode", "monitor")),
    broken(
        "cluster-endpoint-private",
        "eks/cluster",
        put("vpcConfig.endpointPublicAccess", True),
        drop("vpcConfig.endpointPublicAccess"),
        *off("vpcConfig.endpointPrivateAccess"),
        *(
            both(put("vpcConfig.endpointPublicAccess", True), put("vpcConfig.publicAccessCidrs", [cidr]))
            for cidr in ("0.0.0.0/0", "128.0.0.0/1")
        ),
    ),
    broken("cluster-in-private-subnets", "eks/cluster", public("vpcConfig.subnetIds"), drop("vpcConfig.subnetIds")),
    broken("nodes-in-private-subnets", "eks/nodeGroup", public("subnetIds")),
    broken("nodes-without-ssh", "eks/nodeGroup", put("remoteAccess.ec2SshKey", "admin")),
    broken("build-in-private-subnets", "codebuild/project", drop("vpcConfig"), public("vpcConfig.subnets")),
    broken("emr-in-private-subnets", "s3/bucketObjectv2", places(), where=named("analytics-places")),
    broken("emr-in-private-subnets", MACHINE, cluster(drop(starts("Instances.Ec2SubnetIds.$")))),
    *(
        broken(rule, "ec2/subnet", opened(), where=PRIVATE)
        for rule in (
            "cluster-in-private-subnets",
            "nodes-in-private-subnets",
            "build-in-private-subnets",
            "emr-in-private-subnets",
            "environment-in-private-subnets",
        )
    ),
    broken("data-source-in-vpc", "quicksight/dataSource", put("type", "MYSQL")),
    broken(
        "environment-in-private-subnets",
        ENVIRONMENT,
        subnets_option("Subnets"),
        subnets_option("ELBSubnets"),
        option(NETWORK, "VPCId", None),
        option(NETWORK, "Subnets", None),
    ),
    broken(
        "environment-not-public",
        ENVIRONMENT,
        option(NETWORK, "AssociatePublicIpAddress", "true"),
        option(ELASTIC, "EnvironmentType", "SingleInstance"),
    ),
    broken("environment-without-ssh", ENVIRONMENT, option(INSTANCES, "EC2KeyName", "admin")),
    broken("grafana-in-private-subnets", "grafana/workspace", public("vpcConfiguration.subnetIds")),
]

ACL = "wafv2/webAcl"
WAF_OPERATORS = [
    broken(
        "distribution-waf",
        "cloudfront/distribution",
        drop("webAclId"),
        put("webAclId", ""),
        put("webAclId", "473e64fd-f30b-4765-81a0-62ad96dd167a"),
    ),
    broken("load-balancer-waf", "wafv2/webAclAssociation", gone(), seen_on="resourceArn"),
    broken(
        "load-balancer-can-carry-waf", "lb/loadBalancer", *off("internal"), where=is_("loadBalancerType", "network")
    ),
    broken(
        "load-balancer-can-carry-waf",
        "lb/loadBalancer",
        put("loadBalancerType", "network"),
        where=is_("loadBalancerType", "application"),
    ),
    broken("web-acl-scope", ACL, put("region", "eu-west-1"), where=is_("scope", "CLOUDFRONT")),
    broken(
        "web-acl-scope",
        "cloudfront/distribution",
        put("webAclId", f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/webacl/other/1"),
    ),
    broken(
        "web-acl-scope",
        "wafv2/webAclAssociation",
        put("webAclArn", f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/other/1"),
    ),
    broken("web-acl-has-rules", ACL, drop("rules"), put("rules", [])),
    broken(
        "web-acl-blocks",
        ACL,
        drop("rules"),
        put("rules.**.overrideAction", {"count": {}}),
        both(put("rules.**.action", {"count": {}}), drop("rules.**.overrideAction")),
    ),
    broken("web-acl-priorities", ACL, put("rules.*.priority", 10, where=lambda rule: rule["priority"] != 10)),
    broken(
        "web-acl-metrics",
        ACL,
        *off("visibilityConfig.cloudwatchMetricsEnabled"),
        *off("rules.*.visibilityConfig.cloudwatchMetricsEnabled"),
    ),
    broken("web-acl-logged", "wafv2/webAclLoggingConfiguration", gone(), seen_on="resourceArn"),
    broken("environment-waf", ENVIRONMENT, OWN_BALANCER, option(ELASTIC, "LoadBalancerType", "network")),
]

SELECTOR = "advancedEventSelectors"
AUDIT_OPERATORS = [
    broken(
        "vpc-flow-logged", "ec2/flowLog", gone(), put("trafficType", "ACCEPT"), drop("trafficType"), seen_on="vpcId"
    ),
    broken(
        "load-balancer-access-logged",
        "lb/loadBalancer",
        drop("accessLogs"),
        *off("accessLogs.enabled"),
        drop("accessLogs.bucket"),
    ),
    broken("distribution-access-logged", "cloudwatch/logDeliverySource", gone(), seen_on="resourceArn"),
    broken(
        "distribution-access-logged",
        "cloudwatch/logDelivery",
        gone(),
        astray("deliverySourceName", "cloudwatch/logDeliverySource"),
    ),
    broken("bucket-access-logged", "s3/bucketLogging", gone(), seen_on=BUCKET),
    broken(
        "database-logs-exported",
        "rds/instance",
        drop("enabledCloudwatchLogsExports"),
        put("enabledCloudwatchLogsExports", []),
    ),
    broken(
        "cache-logged",
        "elasticache/replicationGroup",
        drop("logDeliveryConfigurations.*"),
        drop("logDeliveryConfigurations"),
        put("logDeliveryConfigurations.**.logType", "slow-log"),
    ),
    broken("log-group-retention", "cloudwatch/logGroup", drop("retentionInDays"), put("retentionInDays", 0)),
    broken(
        "trail-covers-account",
        "cloudtrail/trail",
        *off("isMultiRegionTrail"),
        put(f"{SELECTOR}.*.fieldSelectors.0.equals", ["Data"], where=is_("name", "Management events")),
        drop(f"{SELECTOR}.*", where=is_("name", "Management events")),
        add(f"{SELECTOR}.0.fieldSelectors", {"field": "readOnly", "equals": ["true"]}),
    ),
    broken(
        "trail-records-objects",
        "cloudtrail/trail",
        drop(SELECTOR),
        drop(f"{SELECTOR}.*", where=lambda selector: selector["name"] != "Management events"),
    ),
    broken("trail-validated", "cloudtrail/trail", *off("enableLogFileValidation")),
    broken("trail-on", "cloudtrail/trail", put("enableLogging", False)),
    broken("trail-to-log-group", "cloudtrail/trail", drop("cloudWatchLogsGroupArn"), drop("cloudWatchLogsRoleArn")),
    broken(
        "alarm-tells-someone",
        "cloudwatch/compositeAlarm",
        drop("alarmActions"),
        put("actionsEnabled", False),
        where=has("alarmActions"),
        seen_on=ANYWHERE,
    ),
    broken(
        "build-logged",
        "codebuild/project",
        drop("logsConfig"),
        drop("logsConfig.cloudwatchLogs.groupName"),
        put("logsConfig.cloudwatchLogs.status", "DISABLED"),
    ),
    broken("emr-logged", MACHINE, cluster(drop(starts("LogUri")))),
    broken(
        "state-machine-logged",
        MACHINE,
        put("loggingConfiguration.level", "OFF"),
        drop("loggingConfiguration.logDestination"),
        drop("loggingConfiguration"),
    ),
    broken("state-machine-traced", MACHINE, *off("tracingConfiguration.enabled")),
    broken("workgroup-measured", "athena/workgroup", put("configuration.publishCloudwatchMetricsEnabled", False)),
    broken(
        "environment-health-reported",
        ENVIRONMENT,
        option("aws:elasticbeanstalk:healthreporting:system", "SystemType", "basic"),
        option("aws:elasticbeanstalk:healthreporting:system", "SystemType", None),
    ),
    broken(
        "environment-logs-streamed",
        ENVIRONMENT,
        *(option("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs", value) for value in ("false", None)),
    ),
    broken("cluster-logged", "eks/cluster", drop("enabledClusterLogTypes"), drop("enabledClusterLogTypes.*")),
]


def of_service(*others: str) -> Callable[[Mapping[str, Any]], bool]:
    """Statements that admit a service, but for those which don't say on whose behalf they come."""

    def holds(statement: Mapping[str, Any]) -> bool:
        principal = statement.get("Principal")
        service = principal.get("Service") if isinstance(principal, Mapping) else None
        return allows(statement) and service is not None and not str(service).startswith(others)

    return holds


UNSOURCED = ("ec2.", "elasticbeanstalk.", "quicksight.", "cloudtrail.", "logdelivery.elasticloadbalancing.")
UNCONDITIONAL = {"sns/topicPolicy": ("events.",)}
FOR_ANYBODY = (
    {"StringLike": {"aws:SourceAccount": "*"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:*"}},
    {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}},
    {"ForAllValues:StringEquals": {"aws:SourceAccount": ACCOUNT}},
    {"Null": {"aws:SourceAccount": "false"}},
    {"Bool": {"aws:SecureTransport": "true"}},
)


def for_anybody(path: str, *others: str) -> tuple[Edit, ...]:
    """A statement for a service whose condition says nothing of whose behalf it comes on."""
    where = of_service(*others)
    return (
        inside(path, drop("Statement.*.Condition", where=where)),
        *(inside(path, put("Statement.*.Condition", condition, where=where)) for condition in FOR_ANYBODY),
    )


SERVING = {
    "kms/key": "policy",
    "s3/bucketPolicy": "policy",
    "sns/topicPolicy": "policy",
    "cloudwatch/logResourcePolicy": "policyDocument",
}
GITHUB = {
    "Effect": "Allow",
    "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
}
TOKEN = "token.actions.githubusercontent.com"
FEDERATED = (
    GITHUB,
    {**GITHUB, "Condition": {"StringEquals": {f"{TOKEN}:aud": "sts.amazonaws.com"}}},
    {**GITHUB, "Condition": {"StringLike": {f"{TOKEN}:sub": "repo:*"}}},
    {**GITHUB, "Condition": {"StringNotLike": {f"{TOKEN}:sub": "repo:mine/*"}}},
)
ROLES = f"arn:aws:iam::{ACCOUNT}:role/*"


def may(actions: list[str], resource: str = "*", **condition: Any) -> Edit:
    """A statement more in a policy."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return inside("policy", add("Statement", {**statement, "Condition": condition} if condition else statement))


def passes_roles(statement: Mapping[str, Any]) -> bool:
    return bool(statement["Action"] == "iam:PassRole")


PASSING_TO_MACHINES = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": "*",
    "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
}
ESCALATING = (
    may(["iam:PutRolePolicy"]),
    may(["iam:Attach*Policy"]),
    may(["iam:CreatePolicyVersion", "iam:ListPolicies"]),
    may(["iam:CreateAccessKey"]),
    may(["iam:UpdateAssumeRolePolicy"]),
    may(["sts:AssumeRole"], "arn:aws:iam::*:role/*"),
    may(["iam:PassRole", "lambda:CreateFunction"]),
    may(["iam:PassRole"], "arn:aws:iam::*:role/*"),
    may(["iam:PassRole", "ec2:RunInstances"], StringEquals={"iam:PassedToService": "ec2.amazonaws.com"}),
    may(["iam:PutRolePolicy"], StringNotEquals={"iam:PermissionsBoundary": "arn"}),
)

CREDENTIALS = "https://user:password@example.com/repository.git"
VARIABLES = "environment.environmentVariables"
IAM_OPERATORS = [
    broken(
        "instance-metadata-v2",
        "ec2/launchTemplate",
        put("metadataOptions.httpTokens", "optional"),
        drop("metadataOptions.httpTokens"),
        drop("metadataOptions"),
    ),
    *(broken("resource-policy-not-public", type, *everyone(path)) for type, path in {**ADMITTING, **REFUSING}.items()),
    *(broken("resource-policy-not-public", type, anyone(path)) for type, path in ADMITTING.items()),
    *(
        broken("resource-policy-not-public", type, put("policy", DOCUMENT))
        for type in ("s3/bucket", "secretsmanager/secret", "sqs/queue", "sns/topic")
    ),
    broken(
        "resource-policy-not-public",
        "secretsmanager/secret",
        extra("aws:secretsmanager/secretPolicy:SecretPolicy", {"secretArn": "arn"}, policy=DOCUMENT),
        seen_on=ANYWHERE,
    ),
    broken("cache-authenticated", "elasticache/replicationGroup", drop("authToken")),
    *(broken("no-star-actions", type, *admitting_all_actions("policy")) for type in ("iam/policy", "iam/rolePolicy")),
    broken(
        "no-star-actions",
        "iam/role",
        put(
            "inlinePolicies",
            [{"name": "all", "policy": json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})}],
        ),
    ),
    broken(
        "no-administrators",
        "iam/rolePolicyAttachment",
        *(
            put("policyArn", f"arn:aws:iam::aws:policy/{name}")
            for name in ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
        ),
    ),
    *(
        broken("service-acts-for-this-account", type, *for_anybody(path, *UNSOURCED, *UNCONDITIONAL.get(type, ())))
        for type, path in {**SERVING, "iam/role": "assumeRolePolicy"}.items()
    ),
    broken(
        "federated-trust-bound", "iam/role", *(inside("assumeRolePolicy", add("Statement", one)) for one in FEDERATED)
    ),
    *(broken("no-privilege-escalation", type, *ESCALATING) for type in ("iam/policy", "iam/rolePolicy")),
    broken(
        "no-privilege-escalation",
        "iam/rolePolicy",
        inside("policy", put("Statement.*.Resource", "*", where=passes_roles)),
        # What starts EMR's machines under the role that its service role passes is in a policy of AWS's.
        where=lambda policy: policy.name != "analytics-service",
    ),
    broken(
        "no-privilege-escalation",
        "iam/role",
        put("inlinePolicies", [{"policy": json.dumps({"Statement": {**EVERYONE, "Action": "iam:Put*"}})}]),
    ),
    broken(
        "no-escalation-by-parts",
        "iam/role",
        together(
            put("inlinePolicies", [{"policy": json.dumps({"Statement": [PASSING_TO_MACHINES]})}]),
            referrer("iam/rolePolicy", "role", may(["ec2:RunInstances"])),
        ),
    ),
    broken(
        "roles-managed-narrowly",
        "iam/rolePolicy",
        may(["iam:PutRolePolicy"], ROLES),
        may(["sts:AssumeRole"], ROLES),
        where=lambda policy: not policy.name.startswith("delivery-"),
    ),
    broken("no-administrators", "iam/role", add("managedPolicyArns", "arn:aws:iam::aws:policy/AdministratorAccess")),
    broken(
        "service-trust-bound",
        "iam/role",
        inside("assumeRolePolicy", drop("Statement.*.Condition", where=deputy)),
        inside(
            "assumeRolePolicy", put("Statement.*.Condition", {"StringLike": {"aws:SourceAccount": "*"}}, where=deputy)
        ),
        inside(
            "assumeRolePolicy",
            put("Statement.*.Condition", {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, where=deputy),
        ),
        inside(
            "assumeRolePolicy",
            put("Statement.*.Condition", {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, where=deputy),
        ),
        where=works_for_deputy,
    ),
    broken(
        "emr-metadata-v2",
        SECURITY,
        inside("configuration", drop("InstanceMetadataServiceConfiguration")),
        inside("configuration", put("InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion", 1)),
    ),
    broken(
        "emr-roles",
        MACHINE,
        cluster(drop(starts("ServiceRole"))),
        cluster(drop(starts("JobFlowRole"))),
        cluster(put(starts("ServiceRole"), "EMR_DefaultRole")),
        cluster(put(starts("JobFlowRole"), "EMR_EC2_DefaultRole")),
    ),
    broken(
        "data-source-secret",
        "quicksight/dataSource",
        put("credentials.credentialPair", {"username": "admin", "password": "hunter2"}),
    ),
    broken(
        "environment-metadata-v2",
        ENVIRONMENT,
        *(option(INSTANCES, "DisableIMDSv1", value) for value in ("false", None)),
    ),
    broken(
        "environment-no-secrets",
        ENVIRONMENT,
        option("aws:elasticbeanstalk:application:environment", "DATABASE_PASSWORD", "hunter2"),
        option("aws:elasticbeanstalk:application:environment", "DATABASE", "mysql://admin:hunter2@db/app"),
        option("aws:elasticbeanstalk:application:environment", "ACCESS", "AKIAIOSFODNN7EXAMPLE"),
        option("aws:elasticbeanstalk:application:environmentsecrets", "DATABASE_SECRET", "hunter2"),
    ),
    broken("source-repository-reviewed", "codecommit/approvalRuleTemplateAssociation", all_gone()),
    broken("build-not-privileged", "codebuild/project", put("environment.privilegedMode", True)),
    broken(
        "build-variables-not-secret",
        "codebuild/project",
        put(f"{VARIABLES}.*", {"name": "DATABASE_PASSWORD", "value": "hunter2"}),
        put(f"{VARIABLES}.*.value", "AKIAIOSFODNN7EXAMPLE"),
        add(VARIABLES, {"name": "GITHUB_TOKEN", "value": "x"}),
    ),
    broken(
        "build-source-without-credentials",
        "codebuild/project",
        put("source.location", CREDENTIALS),
        put("secondarySources", [{"type": "GITHUB", "location": CREDENTIALS}]),
    ),
    broken(
        "cluster-authentication",
        "eks/cluster",
        put("accessConfig.authenticationMode", "API_AND_CONFIG_MAP"),
        drop("accessConfig"),
    ),
    broken("node-metadata-v2", "eks/nodeGroup", drop("launchTemplate")),
]

DURABILITY_OPERATORS = [
    broken(
        "database-backed-up",
        "rds/instance",
        put("backupRetentionPeriod", 0),
        drop("backupRetentionPeriod"),
        where=lacks("replicateSourceDb"),
    ),
    broken("database-deletion-protected", "rds/instance", *off("deletionProtection"), where=lacks("replicateSourceDb")),
    broken("database-final-snapshot", "rds/instance", put("skipFinalSnapshot", True), where=lacks("replicateSourceDb")),
    broken("database-multi-az", "rds/instance", *off("multiAz"), where=lacks("replicateSourceDb")),
    broken(
        "bucket-versioned",
        "s3/bucketVersioning",
        gone(),
        put("versioningConfiguration.status", "Suspended"),
        put("versioningConfiguration.status", "Disabled"),
        seen_on=BUCKET,
    ),
    broken("cache-failover", "elasticache/replicationGroup", *off("automaticFailoverEnabled"), *off("multiAzEnabled")),
    broken(
        "cache-snapshots",
        "elasticache/replicationGroup",
        put("snapshotRetentionLimit", 0),
        drop("snapshotRetentionLimit"),
    ),
    broken("queue-dead-letters", "sqs/queue", drop("redrivePolicy"), where=has("redrivePolicy")),
    broken(
        "repository-scanned",
        "ecr/repository",
        *off("imageScanningConfiguration.scanOnPush"),
        drop("imageScanningConfiguration"),
    ),
    broken("repository-immutable", "ecr/repository", put("imageTagMutability", "MUTABLE"), drop("imageTagMutability")),
    broken("repository-lifecycle", "ecr/lifecyclePolicy", gone(), seen_on="repository"),
    broken("load-balancer-deletion-protected", "lb/loadBalancer", *off("enableDeletionProtection")),
    broken("group-health-checked", "autoscaling/group", put("healthCheckType", "EC2"), drop("healthCheckType")),
    broken(
        "environment-updated",
        ENVIRONMENT,
        *(option("aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled", value) for value in ("false", None)),
    ),
    broken("emr-visible", MACHINE, cluster(put(starts("VisibleToAllUsers"), False))),
    broken(
        "state-machine-ends-clusters",
        MACHINE,
        cluster(drop(starts("AutoTerminationPolicy"))),
        cluster(drop("States.Transform.Catch")),
        cluster(both(drop("States.Publish.Next"), put("States.Publish.End", True))),
    ),
    broken("workgroup-cut-off", "athena/workgroup", drop("configuration.bytesScannedCutoffPerQuery")),
]


def trust(*edits: Edit) -> tuple[Edit, ...]:
    return tuple(inside("assumeRolePolicy", edit) for edit in edits)


OTHER_SERVICE = put("Statement.*.Principal.Service", "lambda.amazonaws.com")
FLEETS = starts("Instances.InstanceFleets.*")
LIMITS = starts("ManagedScalingPolicy.ComputeLimits")
MANY = {f"key-{number}": "value" for number in range(51)}
UNTAKEN = {
    "lb/loadBalancer": "name",
    "lb/targetGroup": "name",
    "rds/instance": "identifier",
    "iam/role": "name",
    "elasticache/replicationGroup": "replicationGroupId",
    "sqs/queue": "name",
    "ecr/repository": "name",
    ENVIRONMENT: "name",
    "eks/cluster": "name",
    "eks/nodeGroup": "nodeGroupName",
    "sns/topic": "name",
    MACHINE: "name",
    "scheduler/schedule": "name",
    "athena/workgroup": "name",
    "quicksight/dataSet": "dataSetId",
    "quicksight/dataSource": "dataSourceId",
}
NOT_IN_PROD = {
    "backup/vault", "dynamodb/table", "ec2/instance", "elb/loadBalancer", "emr/cluster", "glue/crawler",
    "lambda/function", "rds/cluster",
}  # fmt: skip
MANAGED_GROUP = "statement.managedRuleGroupStatement"
QUEUE_LIMITS = {
    "visibilityTimeoutSeconds": 43_201,
    "messageRetentionSeconds": 59,
    "delaySeconds": 901,
    "receiveWaitTimeSeconds": 21,
    "maxMessageSize": 1_048_577,
    "kmsDataKeyReusePeriodSeconds": 59,
}

VALIDITY_OPERATORS = [
    broken("service-role-trust", "iam/role", *trust(OTHER_SERVICE), where=named("analytics-run", "analytics-schedule")),
    broken("workgroup-limits", "athena/workgroup", put("configuration.bytesScannedCutoffPerQuery", 9_999_999)),
    broken(
        "data-source-parameters", "quicksight/dataSource", drop("parameters"), put("parameters.s3", {"roleArn": "r"})
    ),
    broken("data-set-import", "quicksight/dataSet", put("importMode", "DIRECT"), drop("importMode")),
    broken(
        "data-set-import",
        "quicksight/dataSet",
        both(put("importMode", "DIRECT_QUERY"), put("refreshProperties", {"refreshConfiguration": {}})),
        both(put("importMode", "DIRECT_QUERY"), put("physicalTableMaps.*.s3Source", {"dataSourceArn": "a"})),
    ),
    broken(
        "environment-options-once",
        ENVIRONMENT,
        add("settings", {"namespace": "aws:autoscaling:asg", "name": "MinSize", "value": "1"}),
    ),
    broken(
        "environment-balancer",
        ENVIRONMENT,
        option(ELASTIC, "LoadBalancerType", "network"),
        option("aws:elbv2:loadbalancer", "SharedLoadBalancer", None),
        OWN_BALANCER,
        option("aws:elbv2:listener:443", "Rules", "other"),
        option("aws:elbv2:listenerrule:api", "Process", "other"),
    ),
    broken(
        "environment-rollout",
        ENVIRONMENT,
        option("aws:elasticbeanstalk:healthreporting:system", "SystemType", "basic"),
        option(ELASTIC, "ServiceRole", None),
        option("aws:elasticbeanstalk:managedactions", "PreferredStartTime", None),
        option("aws:elasticbeanstalk:managedactions:platformupdate", "UpdateLevel", None),
        option("aws:elasticbeanstalk:command", "DeploymentPolicy", "BlueGreen"),
        option("aws:elasticbeanstalk:command", "DeploymentPolicy", "TrafficSplitting"),
        option("aws:autoscaling:asg", "MinSize", "10"),
        option("aws:autoscaling:asg", "MaxSize", "many"),
    ),
    broken(
        "cache-authentication-needs-tls",
        "elasticache/replicationGroup",
        *off("transitEncryptionEnabled"),
        put("userGroupIds", ["users"]),
    ),
    broken(
        "cache-auth-token",
        "elasticache/replicationGroup",
        put("authToken", "short"),
        put("authToken", "a" * 129),
        put("authToken", "with a space and an @"),
    ),
    broken(
        "cache-auth-token",
        "random:index/randomPassword:RandomPassword",
        put("length", 15),
        put("length", 129),
        put("special", True),
        where=named("cache"),
    ),
    broken(
        "cache-nodes",
        "elasticache/replicationGroup",
        put("numCacheClusters", 1),
        put("numCacheClusters", 7),
        put("automaticFailoverEnabled", False),
        put("numNodeGroups", 2),
    ),
    broken(
        "cache-engine-version",
        "elasticache/replicationGroup",
        put("engineVersion", "3.2"),
        put("engineVersion", "7"),
        put("engine", "memcached"),
    ),
    broken(
        "cache-parameter-group",
        "elasticache/replicationGroup",
        put("engineVersion", "6.2"),
        put("parameterGroupName", "default.valkey8"),
    ),
    broken("cache-parameter-group", "elasticache/parameterGroup", put("family", "redis6.x"), put("family", "valkey8")),
    broken("database-class", "rds/instance", put("instanceClass", "m7g.large"), put("instanceClass", "db.m7g.micro")),
    broken(
        "database-engine-version",
        "rds/instance",
        put("engineVersion", "5.5"),
        put("engineVersion", "newest"),
        where=has("engine"),
    ),
    broken("database-parameter-group", "rds/instance", put("engineVersion", "8.0"), where=has("engine")),
    broken("database-parameter-group", "rds/parameterGroup", put("family", "mysql8.0"), put("family", "postgres17")),
    broken(
        "database-password",
        "rds/instance",
        put("password", "short"),
        put("password", "with/slash and space"),
        put("password", "a" * 42),
        where=has("password"),
    ),
    broken(
        "database-password",
        "random:index/randomPassword:RandomPassword",
        put("length", 7),
        put("length", 42),
        drop("overrideSpecial"),
        put("overrideSpecial", "@"),
        where=named("database"),
    ),
    broken(
        "replica-source-backed-up",
        "rds/instance",
        target("replicateSourceDb", "rds/instance", put("backupRetentionPeriod", 0), drop("backupRetentionPeriod")),
        where=has("replicateSourceDb"),
    ),
    broken("database-storage-growth", "rds/instance", put("maxAllocatedStorage", 109), where=has("allocatedStorage")),
    broken(
        "distribution-origins",
        "cloudfront/distribution",
        *(put(f"{behavior}.targetOriginId", "other") for behavior in BEHAVIORS),
        put("origins.*.originId", "other"),
    ),
    broken(
        "distribution-certificate",
        "cloudfront/distribution",
        drop("viewerCertificate.acmCertificateArn"),
        put("viewerCertificate.cloudfrontDefaultCertificate", True),
    ),
    broken(
        "distribution-certificate-region",
        "cloudfront/distribution",
        put("viewerCertificate.acmCertificateArn", f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/1"),
    ),
    broken(
        "emr-release",
        MACHINE,
        cluster(put(starts("ReleaseLabel"), "emr-3.0.0")),
        cluster(put(starts("ReleaseLabel"), "7.13.0")),
        cluster(drop(starts("ReleaseLabel"))),
    ),
    broken(
        "emr-applications",
        MACHINE,
        cluster(both(add(starts("Applications"), {"Name": "Presto"}), add(starts("Applications"), {"Name": "Trino"}))),
        cluster(add(starts("Applications"), {"Name": "Spark"})),
    ),
    broken("emr-security-groups", MACHINE, cluster(drop(starts("Instances.EmrManagedSlaveSecurityGroup.$")))),
    broken(
        "emr-fleets",
        MACHINE,
        cluster(put(f"{FLEETS}.TargetOnDemandCapacity", 2, where=is_("InstanceFleetType", "MASTER"))),
        cluster(put(f"{FLEETS}.TargetOnDemandCapacity", 0, where=is_("InstanceFleetType", "CORE"))),
        cluster(put(f"{FLEETS}.TargetOnDemandCapacity", -1)),
        cluster(put(f"{FLEETS}.InstanceTypeConfigs.*.WeightedCapacity", 1000)),
        cluster(put(f"{FLEETS}.InstanceTypeConfigs.**.InstanceType", "m7g.xlarge")),
        cluster(put(starts("Instances.InstanceGroups"), [{"InstanceRole": "MASTER"}])),
    ),
    broken(
        "emr-scaling",
        MACHINE,
        cluster(put(f"{LIMITS}.MinimumCapacityUnits", 65)),
        cluster(put(f"{LIMITS}.MinimumCapacityUnits", 0)),
        cluster(put(f"{LIMITS}.MaximumCoreCapacityUnits", 65)),
        cluster(put(starts("StepConcurrencyLevel"), 257)),
        cluster(put(starts("AutoTerminationPolicy.IdleTimeout"), 59)),
    ),
    broken("cluster-version", "eks/cluster", put("version", "1.30"), put("version", "1.35.1")),
    broken("cluster-version", "eks:index:Cluster", put("version", "1.30"), put("version", "1.35.1")),
    broken(
        "node-group-template",
        "eks/nodeGroup",
        put("diskSize", 20),
        put("remoteAccess.ec2SshKey", "admin"),
        target("launchTemplate", "ec2/launchTemplate", put("instanceType", "m7g.large")),
        target("launchTemplate", "ec2/launchTemplate", put("iamInstanceProfile", {"name": "nodes"})),
    ),
    broken("node-group-architecture", "eks/nodeGroup", put("instanceTypes", ["m7g.large", "m7i.large"])),
    broken(
        "node-group-architecture",
        "eks/nodeGroup",
        put("amiType", "AL2023_ARM_64_STANDARD"),
        where=named("kubernetes-batch"),
    ),
    broken(
        "node-group-architecture",
        "eks/nodeGroup",
        put("amiType", "AL2023_x86_64_STANDARD"),
        where=named("kubernetes-general"),
    ),
    broken("node-group-image", "eks/nodeGroup", put("amiType", "AL2_x86_64")),
    broken(
        "pod-identity-trust",
        "iam/role",
        *trust(OTHER_SERVICE, put("Statement.*.Action", "sts:AssumeRole")),
        where=lambda role: "pods.eks.amazonaws.com" in str(role.props["assumeRolePolicy"]),
    ),
    broken(
        "state-machine-states",
        MACHINE,
        put("definition", "not JSON"),
        cluster(put("StartAt", "Nowhere")),
        cluster(put("States.*.Next", "Nowhere", where=has("Next"))),
    ),
    broken(
        "state-machine-paths",
        MACHINE,
        cluster(put("States.*.Type", "Job")),
        cluster(drop("States.*.Next")),
        cluster(put("States.*.End", True, where=has("Next"))),
        cluster(put("States.Stray", {"Type": "Succeed"})),
        cluster(put("States.*.Choices", [], where=is_("Type", "Choice"))),
    ),
    broken(
        "bucket-name",
        "s3/bucket",
        put("bucket", "Capitals"),
        put("bucket", "ab"),
        put("bucket", "10.0.0.1"),
        put("bucket", "xn--bucket"),
        put("bucket", "bucket-s3alias"),
    ),
    *(broken("name-taken", type, put(key, "a" * 1001), put(key, "with a space!")) for type, key in UNTAKEN.items()),
    broken("name-taken", "glue/catalogDatabase", put("name", "a" * 256), put("name", "Capitals")),
    *(
        broken("tags-taken", type, put("tags", MANY), put("tags.aws:mine", "value"), put("tags.Name", "a" * 257))
        for type in TAGGED
        if type not in NOT_IN_PROD
    ),
    broken("group-sizes", "autoscaling/group", put("minSize", 100), put("desiredCapacity", 100)),
    broken("group-sizes", "eks/nodeGroup", put("scalingConfig.minSize", 100), put("scalingConfig.desiredSize", 100)),
    *(
        broken(
            "port-range",
            f"vpc/securityGroup{direction}Rule",
            put("fromPort", 65536),
            put("toPort", 65536),
            put("ipProtocol", "-1"),
            where=lambda rule: peek(rule, "ipProtocol") in ("tcp", "udp") and peek(rule, "fromPort") > 0,
        )
        for direction in ("Ingress", "Egress")
    ),
    broken(
        "port-range",
        "ec2/securityGroup",
        *(
            put(direction, [{"protocol": "tcp", "fromPort": 443, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]}])
            for direction in ("ingress", "egress")
        ),
    ),
    broken(
        "queue-kind",
        "sqs/queue",
        put("name", "queue.fifo"),
        put("fifoQueue", True),
        put("contentBasedDeduplication", True),
    ),
    broken("queue-limits", "sqs/queue", *(put(key, value) for key, value in QUEUE_LIMITS.items())),
    broken("queue-visibility", "sqs/queue", put("visibilityTimeoutSeconds", 0)),
    broken(
        "queue-visibility", "sqs/queue", put("visibilityTimeoutSeconds", 19), where=is_("receiveWaitTimeSeconds", 20)
    ),
    broken(
        "dead-letter-queue",
        "sqs/queue",
        inside("redrivePolicy", put("maxReceiveCount", 0), put("maxReceiveCount", 1001)),
        put("messageRetentionSeconds", 1_209_600 + 1),
        where=has("redrivePolicy"),
    ),
    broken(
        "dead-letter-queue",
        "sqs/queue",
        put("messageRetentionSeconds", 60),
        where=lambda queue: queue.name.endswith("-dead-letters"),
        seen_on=ANYWHERE,
    ),
    broken(
        "dead-letter-queue", "sqs/redriveAllowPolicy", inside("redriveAllowPolicy", put("redrivePermission", "denyAll"))
    ),
    broken(
        "flow-log-group-there",
        "ec2/flowLog",
        put("logDestination", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/elsewhere"),
    ),
    broken("application-there", ENVIRONMENT, put("application", "other"), put("version", "other")),
    broken("application-there", "elasticbeanstalk/applicationVersion", put("application", "other")),
    broken(
        "lifecycle-policy-rules",
        "ecr/lifecyclePolicy",
        put("policy", "not JSON"),
        inside("policy", put("rules", [])),
        inside("policy", put("rules.**.rulePriority", 1)),
        inside("policy", put("rules.*.selection.tagStatus", "tagged")),
        inside("policy", put("rules.*.selection.countNumber", 0)),
        inside("policy", drop("rules.*.selection.countUnit")),
        inside("policy", put("rules.0.rulePriority", 3)),
    ),
    broken(
        "schedule-expression",
        "scheduler/schedule",
        put("scheduleExpression", "cron(0 3 * * * *)"),
        put("scheduleExpression", "rate(0 days)"),
        put("scheduleExpression", "every day"),
    ),
    broken("schedule-time-zone", "scheduler/schedule", put("scheduleExpressionTimezone", "Europe/Atlantis")),
    broken(
        "schedule-limits",
        "scheduler/schedule",
        put("flexibleTimeWindow.mode", "FLEXIBLE"),
        put("target.retryPolicy.maximumRetryAttempts", 186),
        put("target.retryPolicy.maximumEventAgeInSeconds", 59),
    ),
    broken(
        "enough-subnets",
        "lb/loadBalancer",
        put("subnets", ["subnet-1"]),
        drop("subnets"),
        where=is_("loadBalancerType", "application"),
    ),
    broken("enough-subnets", "rds/subnetGroup", put("subnetIds", ["subnet-1"])),
    broken("enough-subnets", "eks/cluster", put("vpcConfig.subnetIds", ["subnet-1"])),
    broken(
        "load-balancer-security-group",
        "lb/loadBalancer",
        drop("securityGroups"),
        where=is_("loadBalancerType", "application"),
    ),
    broken(
        "subnets-in-zones",
        "ec2/subnet",
        put("availabilityZone", "eu-west-1a"),
        where=named("network-public-eu-west-1b", "network-public-eu-west-1c"),
    ),
    broken(
        "subnet-addresses",
        "ec2/subnet",
        put("cidrBlock", "10.99.0.0/24"),
        put("cidrBlock", "10.20.0.0/29"),
        put("cidrBlock", "10.20.0.0/16"),
    ),
    broken("subnet-addresses", "ec2/vpc", put("cidrBlock", "172.16.0.0/16")),
    broken(
        "topic-kind",
        "sns/topic",
        put("name", "topic.fifo"),
        put("fifoTopic", True),
        put("contentBasedDeduplication", True),
    ),
    broken(
        "trail-let-in",
        "cloudtrail/trail",
        put("s3KeyPrefix", "elsewhere"),
        target("s3BucketName", "s3/bucket", referrer("s3/bucketPolicy", "bucket", gone())),
        target("kmsKeyId", "kms/key", put("policy", json.dumps({"Statement": []}))),
        target("cloudWatchLogsRoleArn", "iam/role", *trust(OTHER_SERVICE)),
    ),
    broken(
        "web-acl-managed-groups",
        ACL,
        put(f"rules.*.{MANAGED_GROUP}.name", "AWSManagedRulesMagic", where=has(MANAGED_GROUP)),
    ),
    broken(
        "web-acl-rate-limits",
        ACL,
        put("rules.*.statement.rateBasedStatement.limit", 9, where=has("statement.rateBasedStatement")),
    ),
    broken(
        "windows-apart",
        "rds/instance",
        put("maintenanceWindow", "sun:02:30-sun:03:30"),
        put("backupWindow", "02:00-02:10"),
        put("maintenanceWindow", "Sunday"),
        where=has("backupWindow"),
    ),
    broken(
        "windows-apart",
        "elasticache/replicationGroup",
        put("maintenanceWindow", "sun:02:30-sun:03:30"),
        put("snapshotWindow", "02:00-02:30"),
        put("snapshotWindow", "at night"),
    ),
]

# Resources that protect another one, and name the wrong one.
ASTRAY_OPERATORS = [
    *(
        broken(rule, type, astray(key, *types), seen_on=key)
        for rule, type, key, types in (
            ("bucket-encrypted", "s3/bucketServerSideEncryptionConfiguration", BUCKET, ("s3/bucket",)),
            ("bucket-tls-only", "s3/bucketPolicy", BUCKET, ("s3/bucket",)),
            ("bucket-not-public", "s3/bucketPublicAccessBlock", BUCKET, ("s3/bucket",)),
            ("bucket-access-logged", "s3/bucketLogging", BUCKET, ("s3/bucket",)),
            ("bucket-versioned", "s3/bucketVersioning", BUCKET, ("s3/bucket",)),
            ("queue-tls-only", "sqs/queuePolicy", "queueUrl", ("sqs/queue",)),
            ("topic-tls-only", "sns/topicPolicy", "arn", ("sns/topic",)),
            ("load-balancer-waf", "wafv2/webAclAssociation", "resourceArn", ("lb/loadBalancer",)),
            ("web-acl-logged", "wafv2/webAclLoggingConfiguration", "resourceArn", ("wafv2/webAcl",)),
            ("vpc-flow-logged", "ec2/flowLog", "vpcId", ("ec2/vpc",)),
            ("default-security-group-closed", "ec2/defaultSecurityGroup", "vpcId", ("ec2/vpc",)),
            ("repository-lifecycle", "ecr/lifecyclePolicy", "repository", ("ecr/repository",)),
            ("distribution-access-logged", "cloudwatch/logDeliverySource", "resourceArn", ("cloudfront/distribution",)),
        )
    ),
]

OPERATORS: list[Operator] = [
    *AT_REST_OPERATORS,
    *IN_TRANSIT_OPERATORS,
    *EXPOSURE_OPERATORS,
    *WAF_OPERATORS,
    *AUDIT_OPERATORS,
    *IAM_OPERATORS,
    *DURABILITY_OPERATORS,
    *VALIDITY_OPERATORS,
    *ASTRAY_OPERATORS,
]

# Rules that judge a type which prod has and that nothing here breaks, and why.
UNBREAKABLE = {
    "cluster-administrators": "advisory, and judges access entries, of which prod's cluster has none of its own",
    "grafana-network-access": "advisory, and prod's workspace is reached from everywhere",
    "nodes-not-public": "judges components of pulumi_eks alone; prod's has its resources in the graph, and no nodes",
}
