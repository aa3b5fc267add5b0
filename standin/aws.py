"""What AWS computes: ids, ARNs, endpoints, zone ids, generated names and the answers to look-ups.

The one place that knows. Everything is derived from the stack, the type and the name of a resource, so that two runs
agree. `OUTPUTS` says what a type computes: a string is a template over the resource's inputs, its physical `name`,
`region`, `account`, `partition`, `suffix`, what was computed above it, and generated parts such as `hex17`,
`upper13`, `lower11`, `digits10` and `uuid`; anything else is a function of the same fields.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import ipaddress
import json
import re
import string
from collections.abc import Callable, Mapping
from typing import Any

from . import existing

ACCOUNT = "123456789012"
CALLER = "standin"
CREATED = "2026-01-01T00:00:00Z"
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"  # the zone of every CloudFront domain name

# Hosted zones that alias records name, where the exact value is worth having; elsewhere one is generated.
ZONES = {
    ("application", "us-east-1"): "Z35SXDOTRQ7X7K",
    ("application", "us-east-2"): "Z3AADJGX6KTTL2",
    ("application", "us-west-2"): "Z1H1FL5HABSF5",
    ("application", "eu-west-1"): "Z32O12XQLNTSW2",
    ("application", "eu-central-1"): "Z215JYRZR1TBD5",
    ("network", "us-east-1"): "Z26RNL4JYFTOTI",
    ("network", "us-east-2"): "ZLMOA37VPKANP",
    ("network", "us-west-2"): "Z18D5FSROUN65G",
    ("network", "eu-west-1"): "Z2IFOLAFXWLO4F",
    ("network", "eu-central-1"): "Z3F0SRJ5LGBH90",
    ("s3", "us-east-1"): "Z3AQBSTGFYJSTF",
}
PACKAGES = {"aws": "pulumi_aws", "grafana": "pulumiverse_grafana", "random": "pulumi_random"}
"""The SDKs of the packages whose resources the stand-in makes by their classes."""
PORTS = {"mysql": 3306, "mariadb": 3306, "postgres": 5432, "oracle": 1521, "sqlserver": 1433}


class UnknownFunction(Exception):
    """A look-up that the stand-in has no answer for."""


# ---------------------------------------------------------------------------------------------------------------------
# Fields of a template


def partition(region: str) -> str:
    """The partition that a region belongs to."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _spell(digest: str, alphabet: str, length: int) -> str:
    number, out = int(hashlib.sha512(digest.encode()).hexdigest(), 16), ""
    for _ in range(length):
        number, position = divmod(number, len(alphabet))
        out += alphabet[position]
    return out


ALPHABETS = {
    "upper": string.ascii_uppercase + string.digits,
    "lower": string.ascii_lowercase + string.digits,
    "mixed": string.ascii_letters + string.digits,
    "digits": "123456789",
}


class Fields(dict[str, Any]):
    """Inputs and computed values of one resource; a generated part (`hex17`) comes into being when it is asked for."""

    digest: str

    def __missing__(self, key: str) -> str:
        part = re.fullmatch(r"(hex|upper|lower|mixed|digits)(\d+)", key)
        if part is None:
            return ""
        kind, length = part[1], int(part[2])
        return self.digest[:length] if kind == "hex" else _spell(self.digest + key, ALPHABETS[kind], length)


def _fields(type_token: str, name: str, project: str, stack: str, region: str, inputs: Mapping[str, Any]) -> Fields:
    digest = hashlib.sha256(f"{project}/{stack}/{type_token}/{name}".encode()).hexdigest()
    fields = Fields(inputs)
    fields.digest = digest
    fields.update(
        account=ACCOUNT,
        region=region,
        partition=partition(region),
        suffix="amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com",
        uuid="-".join((digest[:8], digest[8:12], "4" + digest[13:16], "a" + digest[17:20], digest[20:32])),
    )
    return fields


# ---------------------------------------------------------------------------------------------------------------------
# Generated names: "{name}-{7 hex}", as the bridged provider makes them

# The property that carries the physical name where it isn't `name`.
NAME_PROPERTIES = {
    "aws:eks/nodeGroup:NodeGroup": "nodeGroupName",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketV2:BucketV2": "bucket",
    "aws:rds/instance:Instance": "identifier",
    "aws:rds/cluster:Cluster": "clusterIdentifier",
    "aws:rds/clusterInstance:ClusterInstance": "identifier",
    "aws:elasticache/cluster:Cluster": "clusterId",
    "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
}
NAME_LENGTHS = {
    "aws:s3/bucket:Bucket": 63,
    "aws:s3/bucketV2:BucketV2": 63,
    "aws:lb/loadBalancer:LoadBalancer": 32,
    "aws:lb/targetGroup:TargetGroup": 32,
    "aws:elb/loadBalancer:LoadBalancer": 32,
    "aws:iam/role:Role": 64,
    "aws:iam/instanceProfile:InstanceProfile": 128,
    "aws:rds/instance:Instance": 63,
    "aws:sqs/queue:Queue": 80,
    "aws:elasticache/cluster:Cluster": 50,
    "aws:elasticache/replicationGroup:ReplicationGroup": 40,
}
LOWER_CASE = {
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:rds/parameterGroup:ParameterGroup",
    "aws:elasticache/subnetGroup:SubnetGroup",
    "aws:elasticache/parameterGroup:ParameterGroup",
    *NAME_PROPERTIES,
}
NAME_PREFIXES = {"aws:kms/alias:Alias": "alias/"}


def name_property(type_token: str) -> str | None:
    """The property that carries a type's physical name, or None where AWS knows it by an id only."""
    if type_token in NAME_PROPERTIES:
        return NAME_PROPERTIES[type_token]
    return "name" if type_token.startswith("aws:") and _takes(type_token, "name") else None


def autoname(
    type_token: str, name: str, inputs: Mapping[str, Any], *, project: str, stack: str, proposed: str = ""
) -> dict[str, str]:
    """The physical name that the provider's Check adds to inputs that carry none: `{}` or one property."""
    key = name_property(type_token)
    if key is None or inputs.get(key) is not None or inputs.get(f"{key}Prefix") is not None:
        return {}
    suffix = hashlib.sha256(f"{project}/{stack}/{type_token}/{name}/name".encode()).hexdigest()[:7]
    length = NAME_LENGTHS.get(type_token, 255)
    made = proposed or f"{NAME_PREFIXES.get(type_token, '')}{name}"[: length - 8] + f"-{suffix}"
    return {key: made.lower() if type_token in LOWER_CASE else made}


@functools.cache
def sdk_class(type_token: str) -> type | None:
    """The installed SDK's class for a token, such as `aws:ec2/vpc:Vpc`."""
    package, module, kind = type_token.split(":")
    if package not in PACKAGES:
        return None
    root = importlib.import_module(PACKAGES[package])
    module = module.split("/")[0]
    home = root if module == "index" else getattr(root, module, None) or getattr(root, f"{module}_", None)
    return getattr(home, kind, None)


@functools.cache
def _has(type_token: str, output: str) -> bool:
    """Whether the installed SDK's class has an output (in snake case)."""
    return isinstance(getattr(sdk_class(type_token), output, None), property)


@functools.cache
def _takes(type_token: str, argument: str) -> bool:
    """Whether the installed SDK's class takes an argument (in snake case)."""
    init = getattr(sdk_class(type_token), "_internal_init", None)
    return init is not None and argument in init.__code__.co_varnames[: init.__code__.co_argcount]


# ---------------------------------------------------------------------------------------------------------------------
# What each type computes

Template = str | int | bool | list[Any] | Callable[[Fields], Any]


def arn(service: str, path: str, region: str = "{region}", account: str = "{account}") -> str:
    """The template of an ARN."""
    return f"arn:{{partition}}:{service}:{region}:{account}:{path}"


def _ip(seed: str) -> str:
    # TEST-NET-3 (RFC 5737): an address that can't be anyone's.
    return str(ipaddress.IPv4Address("203.0.113.0") + 1 + int(hashlib.sha256(seed.encode()).hexdigest(), 16) % 254)


def _short(region: str) -> str:
    """`use1` for us-east-1, as in zone ids: two letters of the place, one of each direction, the number."""
    place, *directions, number = region.split("-")
    return (
        place + "".join(re.sub(r"(north|south|east|west|central)", lambda m: m[0][0], d) for d in directions) + number
    )


def zone(kind: str, region: str) -> str:
    """The hosted zone that an alias record to a load balancer, bucket or database has to name."""
    made = "Z" + _spell(kind + region, ALPHABETS["upper"], 13)
    return ZONES.get((kind, region), made)


def _load_balancer(f: Fields) -> dict[str, str]:
    kind = {"network": "net", "gateway": "gwy"}.get(f.get("loadBalancerType", ""), "app")
    suffix = f"{kind}/{f['name']}/{f['hex16']}"
    internal = "internal-" if f.get("internal") else ""
    host = f"{internal}{f['name']}-{f['digits10']}.{f['region']}.elb"
    if kind == "net":
        host = f"{f['name']}-{f['hex16']}.elb.{f['region']}"
    return {
        "arnSuffix": suffix,
        "dnsName": f"{host}.{f['suffix']}",
        "zoneId": zone("network" if kind == "net" else "application", f["region"]),
    }


def validation_options(domain: str, alternatives: list[str]) -> list[dict[str, str]]:
    """The records that prove a certificate's domains: one a domain, the same record for `x` and `*.x`.

    AWS returns a set, so the order means nothing; it is a hash's here, for a program that counts on one to show.
    """
    options = []
    for name in {domain, *alternatives}:
        base = name.removeprefix("*.")
        digest = hashlib.sha256(base.encode()).hexdigest()
        options.append(
            {
                "domainName": name,
                "resourceRecordName": f"_{digest[:32]}.{base}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": f"_{digest[32:]}.acm-validations.aws.",
            }
        )
    return sorted(options, key=lambda option: hashlib.sha256(option["domainName"].encode()).hexdigest())


NAME_SERVERS = ("com", "net", "org", "co.uk")


def _name_servers(f: Fields) -> list[str]:
    numbers = [int(f.digest[i : i + 4], 16) for i in (0, 4, 8, 12)]
    return [f"ns-{n % 2048}.awsdns-{n % 64:02d}.{top}" for n, top in zip(numbers, NAME_SERVERS, strict=True)]


def _password(f: Fields) -> str:
    kinds = {"lower": string.ascii_lowercase, "upper": string.ascii_uppercase, "numeric": string.digits}
    alphabets = [letters for kind, letters in kinds.items() if f.get(kind, True) is not False]
    if f.get("special", True) is not False:
        alphabets.append(f.get("overrideSpecial") or "!@#$%&*()-_=+[]{}<>:?")
    length = int(f["length"])
    seed = f.digest + (json.dumps(f["keepers"], sort_keys=True) if f["keepers"] else "")
    first = "".join(_spell(seed + letters, letters, 1) for letters in alphabets)
    return (first + "".join(_spell(f"{seed}{i}", "".join(alphabets), 64) for i in range(length // 64 + 1)))[:length]


def _random_bytes(f: Fields) -> bytes:
    return hashlib.shake_256(f.digest.encode()).digest(int(f.get("byteLength") or f.get("length") or 8))


def _redis(kind: str) -> Callable[[Fields], str | None]:
    """An endpoint of a replication group that demands TLS: in cluster mode there is but one, `clustercfg`."""

    def made(f: Fields) -> str | None:
        if ("numNodeGroups" in f) != (kind == "clustercfg"):
            return None
        return f"{kind}.{f['name']}.{f['lower6']}.{_short(f['region'])}.cache.{f['suffix']}"

    return made


def _interface_endpoint(f: Fields) -> bool:
    return bool(f.get("vpcEndpointType", "Gateway") == "Interface")


def _endpoint_dns(f: Fields) -> list[dict[str, str]]:
    service = str(f["serviceName"]).rpartition(".")[2]
    host = f"vpce-{f['hex17']}-{f['lower8']}.{service}.{f['region']}.vpce.{f['suffix']}"
    return [{"dnsName": host, "hostedZoneId": zone("endpoint", f["region"])}] if _interface_endpoint(f) else []


def _elastic(path: str, parent: str) -> Callable[[Fields], str]:
    """The ARN of a listener or rule, which carries its parent's path."""
    source = {"listener": "loadbalancer", "listener-rule": "listener"}[path]
    return lambda f: f"{f[parent].replace(f':{source}/', f':{path}/')}/{f['hex16']}"


def _web_acl_arn(kind: str) -> Callable[[Fields], str]:
    def made(f: Fields) -> str:
        scope = "global" if f["scope"] == "CLOUDFRONT" else "regional"
        return f"arn:{f['partition']}:wafv2:{f['region']}:{ACCOUNT}:{scope}/{kind}/{f['name']}/{f['uuid']}"

    return made


# EC2 calls everything by a prefix and 17 hex digits: type -> prefix, and the resource of its ARN where it has one.
EC2 = {
    "defaultNetworkAcl:DefaultNetworkAcl": ("acl", "network-acl"),
    "defaultRouteTable:DefaultRouteTable": ("rtb", "route-table"),
    "defaultSecurityGroup:DefaultSecurityGroup": ("sg", "security-group"),
    "egressOnlyInternetGateway:EgressOnlyInternetGateway": ("eigw", ""),
    "eip:Eip": ("eipalloc", "elastic-ip"),
    "flowLog:FlowLog": ("fl", "vpc-flow-log"),
    "instance:Instance": ("i", "instance"),
    "internetGateway:InternetGateway": ("igw", "internet-gateway"),
    "launchTemplate:LaunchTemplate": ("lt", "launch-template"),
    "managedPrefixList:ManagedPrefixList": ("pl", "prefix-list"),
    "natGateway:NatGateway": ("nat", ""),
    "networkAcl:NetworkAcl": ("acl", "network-acl"),
    "networkInterface:NetworkInterface": ("eni", "network-interface"),
    "routeTable:RouteTable": ("rtb", "route-table"),
    "routeTableAssociation:RouteTableAssociation": ("rtbassoc", ""),
    "mainRouteTableAssociation:MainRouteTableAssociation": ("rtbassoc", ""),
    "route:Route": ("r-rtb", ""),
    "securityGroup:SecurityGroup": ("sg", "security-group"),
    "subnet:Subnet": ("subnet", "subnet"),
    "vpc:Vpc": ("vpc", "vpc"),
    "vpcDhcpOptions:VpcDhcpOptions": ("dopt", "dhcp-options"),
    "vpcEndpoint:VpcEndpoint": ("vpce", "vpc-endpoint"),
}
_RULE_ID = {"id": "sgr-{hex17}", "securityGroupRuleId": "{id}", "arn": arn("ec2", "security-group-rule/{id}")}
_ARN_ID: dict[str, Template] = {"id": "{arn}"}
_IAM = {"arn": arn("iam", "{kind}{path}{name}", region="")}

OUTPUTS: dict[str, dict[str, Template]] = {
    "aws:acm/certificate:Certificate": {
        "arn": arn("acm", "certificate/{uuid}"),
        **_ARN_ID,
        "status": "PENDING_VALIDATION",
        "type": "AMAZON_ISSUED",
        "domainValidationOptions": lambda f: (
            validation_options(f["domainName"], f.get("subjectAlternativeNames") or [])
            if f.get("validationMethod") == "DNS"
            else []
        ),
    },
    "aws:acm/certificateValidation:CertificateValidation": {"id": "{certificateArn}"},
    "aws:athena/workgroup:Workgroup": {"id": "{name}", "arn": arn("athena", "workgroup/{name}")},
    "aws:autoscaling/attachment:Attachment": {"id": "{autoscalingGroupName}-{digits10}"},
    "aws:autoscaling/group:Group": {
        "id": "{name}",
        "arn": arn("autoscaling", "autoScalingGroup:{uuid}:autoScalingGroupName/{name}"),
    },
    "aws:autoscaling/policy:Policy": {
        "id": "{name}",
        "arn": arn("autoscaling", "scalingPolicy:{uuid}:autoScalingGroupName/{autoscalingGroupName}:policyName/{name}"),
    },
    "aws:cloudformation/stack:Stack": {"id": arn("cloudformation", "stack/{name}/{uuid}")},
    "aws:cloudfront/distribution:Distribution": {
        "id": "E{upper13}",
        "arn": arn("cloudfront", "distribution/{id}", region=""),
        "domainName": "d{lower13}.cloudfront.net",
        "hostedZoneId": CLOUDFRONT_ZONE,
        "etag": "E{upper12}",
        "status": "Deployed",
        "callerReference": "{uuid}",
    },
    "aws:cloudfront/originAccessControl:OriginAccessControl": {"id": "E{upper12}", "etag": "E{upper11}"},
    "aws:cloudfront/cachePolicy:CachePolicy": {"id": "{uuid}", "etag": "E{upper13}"},
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": {"id": "{uuid}", "etag": "E{upper13}"},
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": {"id": "{uuid}", "etag": "E{upper13}"},
    "aws:cloudfront/function:Function": {
        "id": "{name}",
        "arn": arn("cloudfront", "function/{name}", region=""),
        "etag": "E{upper13}",
        "status": "UNASSOCIATED",
    },
    "aws:cloudfront/vpcOrigin:VpcOrigin": {
        "id": "vo_{mixed22}",
        "arn": arn("cloudfront", "vpcorigin/{id}", region=""),
        "etag": "E{upper13}",
    },
    "aws:cloudtrail/trail:Trail": {"arn": arn("cloudtrail", "trail/{name}"), **_ARN_ID, "homeRegion": "{region}"},
    "aws:cloudwatch/logGroup:LogGroup": {"id": "{name}", "arn": arn("logs", "log-group:{name}")},
    "aws:cloudwatch/logDelivery:LogDelivery": {"id": "{mixed16}", "arn": arn("logs", "delivery:{id}")},
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": {
        "id": "{name}",
        "arn": arn("logs", "delivery-source:{name}"),
        "service": lambda f: str(f["resourceArn"]).split(":")[2] if f["resourceArn"] else "",
    },
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": {
        "id": "{name}",
        "arn": arn("logs", "delivery-destination:{name}"),
        "deliveryDestinationType": "S3",
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"id": "{name}", "arn": arn("cloudwatch", "alarm:{name}")},
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": {
        "id": "{alarmName}",
        "arn": arn("cloudwatch", "alarm:{alarmName}"),
    },
    "aws:cloudwatch/dashboard:Dashboard": {
        "id": "{dashboardName}",
        "dashboardArn": arn("cloudwatch", "dashboard/{dashboardName}", region=""),
    },
    "aws:cloudwatch/eventRule:EventRule": {"id": "{name}", "arn": arn("events", "rule/{name}")},
    "aws:cloudwatch/eventTarget:EventTarget": {"targetId": "terraform-{digits16}", "id": "{rule}-{targetId}"},
    "aws:codebuild/project:Project": {"arn": arn("codebuild", "project/{name}"), **_ARN_ID},
    "aws:codecommit/approvalRuleTemplate:ApprovalRuleTemplate": {
        "id": "{name}",
        "approvalRuleTemplateId": "{uuid}",
        "creationDate": CREATED,
        "lastModifiedDate": CREATED,
        "lastModifiedUser": lambda f: f"arn:{f['partition']}:iam::{ACCOUNT}:user/{CALLER}",
        "ruleContentSha256": lambda f: hashlib.sha256(str(f["content"]).encode()).hexdigest(),
    },
    "aws:codecommit/approvalRuleTemplateAssociation:ApprovalRuleTemplateAssociation": {
        "id": "{approvalRuleTemplateName},{repositoryName}"
    },
    "aws:codecommit/repository:Repository": {
        "id": "{repositoryName}",
        "arn": arn("codecommit", "{repositoryName}"),
        "repositoryId": "{uuid}",
        "cloneUrlHttp": "https://git-codecommit.{region}.{suffix}/v1/repos/{repositoryName}",
        "cloneUrlSsh": "ssh://git-codecommit.{region}.{suffix}/v1/repos/{repositoryName}",
    },
    "aws:codepipeline/pipeline:Pipeline": {"id": "{name}", "arn": arn("codepipeline", "{name}")},
    "aws:ebs/volume:Volume": {"id": "vol-{hex17}", "arn": arn("ec2", "volume/{id}")},
    "aws:elasticbeanstalk/application:Application": {
        "id": "{name}",
        "arn": arn("elasticbeanstalk", "application/{name}"),
    },
    "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": {
        "id": "{name}",
        "arn": arn("elasticbeanstalk", "applicationversion/{application}/{name}"),
    },
    "aws:elasticbeanstalk/environment:Environment": {
        "id": "e-{lower10}",
        "arn": arn("elasticbeanstalk", "environment/{application}/{name}"),
        "cname": "{name}.eba-{lower8}.{region}.elasticbeanstalk.com",
        "endpointUrl": "awseb-{lower14}.{region}.elb.{suffix}",
        "autoscalingGroups": lambda f: [f"awseb-{f['id']}-stack-AWSEBAutoScalingGroup-{f['mixed12']}"],
        "platformArn": lambda f: re.sub(
            r"(.*) v([0-9.]+) running (.*)",
            rf"arn:{f['partition']}:elasticbeanstalk:{f['region']}::platform/\3 running on \1/\2",
            str(f["solutionStackName"]),
        ),
    },
    "aws:ecr/repository:Repository": {
        "id": "{name}",
        "arn": arn("ecr", "repository/{name}"),
        "registryId": "{account}",
        "repositoryUrl": "{account}.dkr.ecr.{region}.{suffix}/{name}",
    },
    "aws:ecr/repositoryPolicy:RepositoryPolicy": {"id": "{repository}", "registryId": "{account}"},
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": {"id": "{repository}", "registryId": "{account}"},
    "aws:elasticache/parameterGroup:ParameterGroup": {
        "id": "{name}",
        "arn": arn("elasticache", "parametergroup:{name}"),
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "id": "{name}",
        "arn": arn("elasticache", "replicationgroup:{name}"),
        "clusterEnabled": lambda f: "numNodeGroups" in f,
        "configurationEndpointAddress": _redis("clustercfg"),
        "primaryEndpointAddress": _redis("master"),
        "readerEndpointAddress": _redis("replica"),
        "engineVersionActual": "{engineVersion}.0",
    },
    "aws:elasticache/subnetGroup:SubnetGroup": {
        "id": "{name}",
        "arn": arn("elasticache", "subnetgroup:{name}"),
        "vpcId": "vpc-{hex17}",
    },
    "aws:elb/loadBalancer:LoadBalancer": {
        "id": "{name}",
        "arn": arn("elasticloadbalancing", "loadbalancer/{name}"),
        "dnsName": lambda f: (
            f"{'internal-' if f.get('internal') else ''}{f['name']}-{f['digits10']}.{f['region']}.elb.{f['suffix']}"
        ),
        "zoneId": lambda f: zone("application", f["region"]),
        "sourceSecurityGroup": "{account}/{name}",
        "sourceSecurityGroupId": "sg-{hex17}",
    },
    "aws:eks/accessEntry:AccessEntry": {
        "id": "{clusterName}:{principalArn}",
        "accessEntryArn": arn("eks", "access-entry/{clusterName}/{uuid}"),
        "createdAt": CREATED,
        "modifiedAt": CREATED,
        "type": "STANDARD",
        "userName": "{principalArn}",
    },
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
        "id": "{clusterName}#{principalArn}#{policyArn}",
        "associatedAt": CREATED,
        "modifiedAt": CREATED,
    },
    "aws:eks/addon:Addon": {
        "id": "{clusterName}:{addonName}",
        "arn": arn("eks", "addon/{clusterName}/{addonName}/{uuid}"),
        "addonVersion": "v1.0.0-eksbuild.1",
        "createdAt": CREATED,
        "modifiedAt": CREATED,
    },
    "aws:eks/cluster:Cluster": {
        "id": "{name}",
        "arn": arn("eks", "cluster/{name}"),
        "certificateAuthority": lambda f: {"data": base64.b64encode(f"certificate of {f['name']}".encode()).decode()},
        "createdAt": CREATED,
        "endpoint": "https://{upper32}.gr7.{region}.eks.{suffix}",
        "identities": lambda f: [
            {"oidcs": [{"issuer": f"https://oidc.eks.{f['region']}.{f['suffix']}/id/{f['upper32']}"}]}
        ],
        "platformVersion": "eks.1",
        "status": "ACTIVE",
    },
    "aws:eks/nodeGroup:NodeGroup": {
        "id": "{clusterName}:{name}",
        "arn": arn("eks", "nodegroup/{clusterName}/{name}/{uuid}"),
        "resources": lambda f: [
            {"autoscalingGroups": [{"name": f"eks-{f['name']}-{f['uuid']}"}], "remoteAccessSecurityGroupId": ""}
        ],
        "releaseVersion": lambda f: f"{f['version']}.0-20260101",
        "status": "ACTIVE",
    },
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": {
        "associationId": "a-{lower17}",
        "associationArn": arn("eks", "podidentityassociation/{clusterName}/{associationId}"),
        "id": "{associationId}",
    },
    "aws:emr/cluster:Cluster": {
        "id": "j-{upper13}",
        "arn": arn("elasticmapreduce", "cluster/{id}"),
        "clusterState": "WAITING",
        "masterPublicDns": "ip-10-0-0-10.{region}.compute.internal",
    },
    "aws:emr/instanceFleet:InstanceFleet": {"id": "if-{upper13}"},
    "aws:emr/managedScalingPolicy:ManagedScalingPolicy": {"id": "{clusterId}"},
    "aws:emr/securityConfiguration:SecurityConfiguration": {"id": "{name}", "creationDate": CREATED},
    "aws:glue/catalogDatabase:CatalogDatabase": {
        "id": "{account}:{name}",
        "arn": arn("glue", "database/{name}"),
        "catalogId": "{account}",
    },
    "aws:glue/crawler:Crawler": {"id": "{name}", "arn": arn("glue", "crawler/{name}")},
    "aws:glue/securityConfiguration:SecurityConfiguration": {"id": "{name}"},
    "aws:grafana/workspace:Workspace": {
        "id": "g-{hex10}",
        "arn": arn("grafana", "/workspaces/{id}"),
        "endpoint": "{id}.grafana-workspace.{region}.{suffix}",
    },
    "aws:grafana/roleAssociation:RoleAssociation": {"id": "{workspaceId}/{role}"},
    "aws:grafana/workspaceSamlConfiguration:WorkspaceSamlConfiguration": {
        "id": "{workspaceId}",
        "status": "CONFIGURED",
    },
    "aws:grafana/workspaceServiceAccount:WorkspaceServiceAccount": {
        "serviceAccountId": "{digits2}",
        "id": "{workspaceId},{serviceAccountId}",
    },
    "aws:grafana/workspaceServiceAccountToken:WorkspaceServiceAccountToken": {
        "serviceAccountTokenId": "{digits2}",
        "id": "{workspaceId},{serviceAccountId},{serviceAccountTokenId}",
        "createdAt": CREATED,
        "expiresAt": CREATED,
        "key": "glsa_{mixed32}_{hex8}",
    },
    "aws:iam/instanceProfile:InstanceProfile": {
        "id": "{name}",
        "arn": arn("iam", "instance-profile{path}{name}", region=""),
        "uniqueId": "AIPA{upper17}",
        "createDate": CREATED,
    },
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": {
        "arn": lambda f: f"arn:{f['partition']}:iam::{ACCOUNT}:oidc-provider/{str(f['url']).removeprefix('https://')}",
        **_ARN_ID,
    },
    "aws:iam/policy:Policy": {
        "arn": arn("iam", "policy{path}{name}", region=""),
        **_ARN_ID,
        "policyId": "ANPA{upper17}",
        "attachmentCount": 0,
    },
    "aws:iam/role:Role": {
        "id": "{name}",
        "arn": arn("iam", "role{path}{name}", region=""),
        "uniqueId": "AROA{upper17}",
        "createDate": CREATED,
    },
    "aws:iam/rolePolicy:RolePolicy": {"id": "{role}:{name}"},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"id": "{role}/{policyArn}"},
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": {
        "name": lambda f: f"AWSServiceRoleFor{str(f['awsServiceName']).split('.')[0].title()}",
        "path": "/aws-service-role/{awsServiceName}/",
        "arn": arn("iam", "role{path}{name}", region=""),
        **_ARN_ID,
        "uniqueId": "AROA{upper17}",
        "createDate": CREATED,
    },
    "aws:kms/alias:Alias": {
        "id": "{name}",
        "arn": arn("kms", "{name}"),
        "targetKeyArn": lambda f: (
            f["targetKeyId"]
            if str(f["targetKeyId"]).startswith("arn:")
            else f"arn:{f['partition']}:kms:{f['region']}:{ACCOUNT}:key/{f['targetKeyId']}"
        ),
    },
    "aws:kms/key:Key": {"id": "{uuid}", "keyId": "{uuid}", "arn": arn("kms", "key/{uuid}")},
    "aws:kms/replicaKey:ReplicaKey": {"id": "mrk-{hex32}", "keyId": "{id}", "arn": arn("kms", "key/{id}")},
    "aws:lb/loadBalancer:LoadBalancer": {
        "arnSuffix": lambda f: _load_balancer(f)["arnSuffix"],
        "arn": arn("elasticloadbalancing", "loadbalancer/{arnSuffix}"),
        **_ARN_ID,
        "dnsName": lambda f: _load_balancer(f)["dnsName"],
        "zoneId": lambda f: _load_balancer(f)["zoneId"],
        "vpcId": "vpc-{hex17}",
    },
    "aws:lb/listener:Listener": {"arn": _elastic("listener", "loadBalancerArn"), **_ARN_ID},
    "aws:lb/listenerCertificate:ListenerCertificate": {"id": "{listenerArn}_{certificateArn}"},
    "aws:lb/listenerRule:ListenerRule": {"arn": _elastic("listener-rule", "listenerArn"), **_ARN_ID},
    "aws:lb/targetGroup:TargetGroup": {
        "arnSuffix": "targetgroup/{name}/{hex16}",
        "arn": arn("elasticloadbalancing", "{arnSuffix}"),
        **_ARN_ID,
        "loadBalancerArns": [],
    },
    "aws:quicksight/accountSubscription:AccountSubscription": {
        "id": "{account}",
        "awsAccountId": "{account}",
        "accountSubscriptionStatus": "ACCOUNT_CREATED",
    },
    "aws:quicksight/dataSet:DataSet": {
        "id": "{account},{dataSetId}",
        "arn": arn("quicksight", "dataset/{dataSetId}"),
        "awsAccountId": "{account}",
    },
    "aws:quicksight/dataSource:DataSource": {
        "id": "{account}/{dataSourceId}",
        "arn": arn("quicksight", "datasource/{dataSourceId}"),
        "awsAccountId": "{account}",
    },
    "aws:quicksight/keyRegistration:KeyRegistration": {"id": "{account}", "awsAccountId": "{account}"},
    "aws:quicksight/refreshSchedule:RefreshSchedule": {
        "id": "{account},{dataSetId},{scheduleId}",
        "arn": arn("quicksight", "dataset/{dataSetId}/refresh-schedule/{scheduleId}"),
        "awsAccountId": "{account}",
    },
    "aws:quicksight/vpcConnection:VpcConnection": {
        "id": "{account},{vpcConnectionId}",
        "arn": arn("quicksight", "vpcConnection/{vpcConnectionId}"),
        "awsAccountId": "{account}",
        "availabilityStatus": "AVAILABLE",
    },
    "aws:rds/instance:Instance": {
        "id": "db-{upper26}",
        "arn": arn("rds", "db:{name}"),
        "resourceId": "{id}",
        "address": "{name}.c{lower11}.{region}.rds.{suffix}",
        "port": lambda f: next((port for start, port in PORTS.items() if str(f["engine"]).startswith(start)), 3306),
        "endpoint": lambda f: f"{f['address']}:{int(f['port'])}",
        "hostedZoneId": lambda f: zone("rds", f["region"]),
        "availabilityZone": "{region}a",
        "engineVersionActual": "{engineVersion}",
        "caCertIdentifier": "rds-ca-rsa2048-g1",
        "status": "available",
        "masterUserSecrets": lambda f: (
            [
                {
                    "kmsKeyId": f["masterUserSecretKmsKeyId"],
                    "secretArn": f"arn:{f['partition']}:secretsmanager:{f['region']}:{ACCOUNT}"
                    f":secret:rds!{f['id']}-{f['mixed6']}",
                    "secretStatus": "active",
                }
            ]
            if f.get("manageMasterUserPassword")
            else []
        ),
    },
    "aws:rds/optionGroup:OptionGroup": {"id": "{name}", "arn": arn("rds", "og:{name}")},
    "aws:rds/parameterGroup:ParameterGroup": {"id": "{name}", "arn": arn("rds", "pg:{name}")},
    "aws:rds/subnetGroup:SubnetGroup": {
        "id": "{name}",
        "arn": arn("rds", "subgrp:{name}"),
        "vpcId": "vpc-{hex17}",
        "supportedNetworkTypes": ["IPV4"],
    },
    "aws:route53/healthCheck:HealthCheck": {"id": "{uuid}", "arn": "arn:{partition}:route53:::healthcheck/{id}"},
    "aws:route53/record:Record": {
        "id": lambda f: "_".join(filter(None, (f["zoneId"], f["name"], f["type"], f["setIdentifier"]))),
        "fqdn": lambda f: str(f["name"]).rstrip("."),
    },
    "aws:route53/zone:Zone": {
        "id": "Z{upper19}",
        "zoneId": "{id}",
        "arn": "arn:{partition}:route53:::hostedzone/{id}",
        "nameServers": _name_servers,
        "primaryNameServer": lambda f: _name_servers(f)[0],
    },
    "aws:s3/bucket:Bucket": {
        "id": "{bucket}",
        "arn": "arn:{partition}:s3:::{bucket}",
        "bucketDomainName": "{bucket}.s3.{suffix}",
        "bucketRegion": "{region}",
        "bucketRegionalDomainName": "{bucket}.s3.{region}.{suffix}",
        "hostedZoneId": lambda f: zone("s3", f["region"]),
    },
    "aws:s3/bucketObjectv2:BucketObjectv2": {
        "id": "{bucket}/{key}",
        "arn": "arn:{partition}:s3:::{bucket}/{key}",
        "etag": "{hex32}",
        "versionId": "{mixed32}",
    },
    "aws:scheduler/schedule:Schedule": {
        "id": "{groupName}/{name}",
        "groupName": "default",
        "arn": arn("scheduler", "schedule/{groupName}/{name}"),
    },
    "aws:scheduler/scheduleGroup:ScheduleGroup": {"id": "{name}", "arn": arn("scheduler", "schedule-group/{name}")},
    "aws:secretsmanager/secret:Secret": {"arn": arn("secretsmanager", "secret:{name}-{mixed6}"), **_ARN_ID},
    "aws:secretsmanager/secretVersion:SecretVersion": {
        "versionId": "{uuid}",
        "id": "{secretId}|{versionId}",
        "arn": "{secretId}",
        "secretArn": "{secretId}",
        "versionStages": ["AWSCURRENT"],
    },
    "aws:sfn/stateMachine:StateMachine": {
        "arn": arn("states", "stateMachine:{name}"),
        **_ARN_ID,
        "creationDate": CREATED,
        "status": "ACTIVE",
        "revisionId": "{uuid}",
    },
    "aws:sns/topic:Topic": {"arn": arn("sns", "{name}"), **_ARN_ID, "owner": "{account}"},
    "aws:sns/topicPolicy:TopicPolicy": {"id": "{arn}", "owner": "{account}"},
    "aws:sns/topicSubscription:TopicSubscription": {"arn": "{topic}:{uuid}", **_ARN_ID, "ownerId": "{account}"},
    "aws:sqs/queue:Queue": {
        "arn": arn("sqs", "{name}"),
        "url": "https://sqs.{region}.{suffix}/{account}/{name}",
        "id": "{url}",
    },
    "aws:sqs/queuePolicy:QueuePolicy": {"id": "{queueUrl}"},
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": {"id": "{queueUrl}"},
    "aws:ssm/parameter:Parameter": {
        "id": "{name}",
        "arn": lambda f: (
            f"arn:{f['partition']}:ssm:{f['region']}:{ACCOUNT}:parameter/{str(f['name']).removeprefix('/')}"
        ),
        "version": 1,
    },
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": dict(_RULE_ID),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": dict(_RULE_ID),
    "aws:ec2/securityGroupRule:SecurityGroupRule": {"id": "sgrule-{digits10}", "securityGroupRuleId": "sgr-{hex17}"},
    "aws:wafv2/webAcl:WebAcl": {
        "id": "{uuid}",
        "arn": _web_acl_arn("webacl"),
        "capacity": lambda f: 200 * len(f.get("rules") or []),
        "lockToken": "{uuid}",
    },
    "aws:wafv2/ipSet:IpSet": {"id": "{uuid}", "arn": _web_acl_arn("ipset"), "lockToken": "{uuid}"},
    "aws:wafv2/ruleGroup:RuleGroup": {"id": "{uuid}", "arn": _web_acl_arn("rulegroup"), "lockToken": "{uuid}"},
    "aws:wafv2/regexPatternSet:RegexPatternSet": {"id": "{uuid}", "arn": _web_acl_arn("regexpatternset")},
    "aws:wafv2/webAclAssociation:WebAclAssociation": {"id": "{webAclArn},{resourceArn}"},
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": {"id": "{resourceArn}"},
    "random:index/randomBytes:RandomBytes": {
        "base64": lambda f: base64.b64encode(_random_bytes(f)).decode(),
        "hex": lambda f: _random_bytes(f).hex(),
        "id": "{base64}",
    },
    "random:index/randomId:RandomId": {
        "b64Std": lambda f: f.get("prefix", "") + base64.b64encode(_random_bytes(f)).decode(),
        "b64Url": lambda f: f.get("prefix", "") + base64.urlsafe_b64encode(_random_bytes(f)).decode().rstrip("="),
        "dec": lambda f: f.get("prefix", "") + str(int.from_bytes(_random_bytes(f), "big")),
        "hex": lambda f: f.get("prefix", "") + _random_bytes(f).hex(),
        "id": lambda f: base64.urlsafe_b64encode(_random_bytes(f)).decode().rstrip("="),
    },
    "random:index/randomInteger:RandomInteger": {
        "result": lambda f: int(f["min"]) + int(f.digest, 16) % (int(f["max"]) - int(f["min"]) + 1),
        "id": "{result}",
    },
    "random:index/randomPassword:RandomPassword": {"id": "none", "result": _password, "bcryptHash": "$2a$10${mixed53}"},
    "random:index/randomPet:RandomPet": {
        "id": lambda f: "-".join(
            filter(None, (f["prefix"], *(f[f"lower{5 + i}"] for i in range(int(f["length"] or 2)))))
        )
    },
    "random:index/randomShuffle:RandomShuffle": {
        "id": "-",
        "results": lambda f: sorted(
            f["inputs"], key=lambda item: hashlib.sha256(f"{f.digest}{item}".encode()).hexdigest()
        )[: int(f["resultCount"] or len(f["inputs"]))],
    },
    "random:index/randomString:RandomString": {"result": _password, "id": "{result}"},
    "random:index/randomUuid:RandomUuid": {"result": "{uuid}", "id": "{uuid}"},
}
OUTPUTS["aws:s3/bucketV2:BucketV2"] = {k: v for k, v in OUTPUTS["aws:s3/bucket:Bucket"].items() if k != "bucketRegion"}
for _kind, (_prefix, _path) in EC2.items():
    OUTPUTS[f"aws:ec2/{_kind}"] = {
        "id": f"{_prefix}-{{hex17}}",
        **({"arn": arn("ec2", f"{_path}/{{id}}")} if _path else {}),
    }
_MORE_EC2: dict[str, dict[str, Template]] = {
    "defaultNetworkAcl:DefaultNetworkAcl": {"vpcId": "vpc-{hex17}"},
    "defaultRouteTable:DefaultRouteTable": {"vpcId": "vpc-{hex17}"},
    "eip:Eip": {
        "allocationId": "{id}",
        "publicIp": lambda f: _ip(f["id"]),
        "publicDns": lambda f: f"ec2-{_ip(f['id']).replace('.', '-')}.{f['region']}.compute.{f['suffix']}",
    },
    "instance:Instance": {
        "instanceState": "running",
        "privateIp": lambda f: f"10.0.0.{4 + int(f.digest, 16) % 250}",
        "primaryNetworkInterfaceId": "eni-{hex17}",
    },
    "launchTemplate:LaunchTemplate": {"defaultVersion": 1, "latestVersion": 1},
    "natGateway:NatGateway": {
        # The address that its Elastic IP got.
        "publicIp": lambda f: _ip(f["allocationId"] or f["id"]),
        "privateIp": lambda f: f"10.0.0.{4 + int(f.digest, 16) % 250}",
        "networkInterfaceId": "eni-{hex17}",
        "associationId": "eipassoc-{hex17}",
    },
    "route:Route": {"origin": "CreateRoute", "state": "active"},
    "vpc:Vpc": {
        "defaultNetworkAclId": "acl-{hex17}",
        "defaultRouteTableId": "rtb-{hex17}",
        "defaultSecurityGroupId": "sg-{hex17}",
        "dhcpOptionsId": "dopt-{hex17}",
        "mainRouteTableId": "rtb-{hex17}",
        "ipv6CidrBlock": lambda f: (
            f"2600:1f18:{f['hex4']}:{f.digest[4:6]}00::/56" if f.get("assignGeneratedIpv6CidrBlock") else ""
        ),
    },
    "vpcEndpoint:VpcEndpoint": {
        "dnsEntries": _endpoint_dns,
        "networkInterfaceIds": lambda f: (
            [f"eni-{hashlib.sha256(f'{f.digest}{s}'.encode()).hexdigest()[:17]}" for s in f.get("subnetIds") or []]
            if _interface_endpoint(f)
            else []
        ),
        "prefixListId": lambda f: "" if _interface_endpoint(f) else f"pl-{f['hex8']}",
        "state": "available",
    },
}
for _kind, _outputs in _MORE_EC2.items():
    OUTPUTS[f"aws:ec2/{_kind}"].update(_outputs)

SERVICES = {
    "alb": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "lb": "elasticloadbalancing",
    "cfg": "config",
    "mwaa": "airflow",
    "vpc": "ec2",
}


def _default(type_token: str, fields: Fields) -> dict[str, Template]:
    """What a type that the table doesn't know computes: an id, and an ARN where it has one."""
    module, kind = type_token.split(":")[1:]
    module = module.split("/")[0]
    if module == "s3" and fields["bucket"]:
        return {"id": "{bucket}"}
    path = kind[0].lower() + kind[1:]
    outputs: dict[str, Template] = {"id": "{name}" if fields["name"] else f"{path.lower()}-{{hex17}}"}
    if _has(type_token, "arn"):
        outputs["arn"] = arn(SERVICES.get(module, module), f"{path}/{{id}}")
    return outputs


def computed(
    type_token: str,
    name: str,
    inputs: Mapping[str, Any],
    *,
    project: str,
    stack: str,
    region: str,
    default_tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What AWS adds to a resource's inputs, "id" included; a property given as input is never among them."""
    if type_token.startswith("pulumi:providers:"):
        return {"id": _fields(type_token, name, project, stack, region, {})["uuid"]}
    fields = _fields(type_token, name, project, stack, inputs.get("region") or region, inputs)
    named = autoname(type_token, name, inputs, project=project, stack=stack)
    key = name_property(type_token)
    if key and not named and inputs.get(key) is None:
        named = {key: f"{inputs[f'{key}Prefix']}{fields['digits10']}{fields['hex16']}"}
    fields.update(named)
    fields["name"] = fields[key] if key else fields["name"]
    if "path" not in inputs:
        fields["path"] = "/"

    outputs: dict[str, Any] = dict(named)
    for output, template in (OUTPUTS.get(type_token) or _default(type_token, fields)).items():
        if output != "id" and inputs.get(output) is not None:
            continue
        if isinstance(template, str):
            value: Any = template.format_map(fields)
        else:
            value = template(fields) if callable(template) else template
        outputs[output] = fields[output] = value
    for output, attribute, value in (
        ("region", "region", fields["region"]),
        ("ownerId", "owner_id", ACCOUNT),
        (
            "tagsAll",
            "tags_all",
            {**(default_tags or {}), **(tags if isinstance(tags := inputs.get("tags"), dict) else {})},
        ),
    ):
        if output not in inputs and _has(type_token, attribute):
            outputs.setdefault(output, value)
    return outputs


# The property that counts up with every change.
VERSIONED = {"aws:ec2/launchTemplate:LaunchTemplate": "latestVersion", "aws:ssm/parameter:Parameter": "version"}


# ---------------------------------------------------------------------------------------------------------------------
# Look-ups


def _zones(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    names = [f"{region}{letter}" for letter in "abc"]
    return {
        "id": region,
        "names": names,
        "zoneIds": [f"{_short(region)}-az{i}" for i in (1, 2, 3)],
        "groupNames": [f"{region}-zg-1"],
        "region": region,
    }


def _partition(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    name = partition(region)
    return {
        "id": name,
        "partition": name,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def _zone(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args.get("name") or "").rstrip(".")
    fields = _fields("getZone", name or str(args.get("zoneId")), "", "", region, {})
    zone_id = args.get("zoneId") or fields["upper19"].join(("Z", ""))
    return {
        "id": zone_id,
        "zoneId": zone_id,
        "arn": f"arn:{fields['partition']}:route53:::hostedzone/{zone_id}",
        "name": name or "example.com",
        "nameServers": _name_servers(fields),
        "primaryNameServer": _name_servers(fields)[0],
        "callerReference": fields["uuid"],
        "comment": "",
        "resourceRecordSetCount": 2,
        "privateZone": bool(args.get("privateZone", False)),
        "tags": args.get("tags") or {},
    }


def _prefix_list(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = args.get("name") or args.get("id")
    fields = _fields("getManagedPrefixList", str(name), "", "", region, {})
    made = args.get("id") or f"pl-{fields['hex8']}"
    return {
        "id": made,
        "arn": f"arn:{fields['partition']}:ec2:{region}:aws:prefix-list/{made}",
        "name": name,
        "addressFamily": "IPv4",
        "entries": [{"cidr": "203.0.113.0/24", "description": ""}],
        "maxEntries": 55,
        "ownerId": "AWS",
        "version": 1,
        "region": region,
        "tags": {},
    }


def _policy_document(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    statements = []
    for given in args.get("statements") or []:
        statement: dict[str, Any] = {"Effect": given.get("effect", "Allow")}
        for key in ("sid", "actions", "notActions", "resources", "notResources"):
            if given.get(key):
                statement[key[0].upper() + key[1:].removesuffix("s")] = given[key]
        for key in ("principals", "notPrincipals"):
            if given.get(key):
                who = {p["type"]: sorted(p["identifiers"]) for p in given[key]}
                statement["NotPrincipal" if key == "notPrincipals" else "Principal"] = (
                    "*" if who == {"*": ["*"]} else who
                )
        for condition in given.get("conditions") or []:
            tests = statement.setdefault("Condition", {}).setdefault(condition["test"], {})
            tests[condition["variable"]] = condition["values"]
        statements.append(statement)
    document = {"Version": args.get("version") or "2012-10-17", "Statement": statements}
    digest = hashlib.sha256(json.dumps(document).encode()).hexdigest()
    return {
        "id": str(int(digest[:8], 16)),
        "json": json.dumps(document, indent=2),
        "minifiedJson": json.dumps(document),
    }


def _parameter(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args["name"])
    fields = _fields("getParameter", name, "", "", region, {})
    # The parameters that AWS publishes (/aws/service/ami-amazon-linux-latest/..., /aws/service/eks/...) name images.
    value = f"ami-{fields['hex17']}" if name.startswith("/aws/service/") else f"value-of-{name.strip('/')}"
    path = name.removeprefix("/")
    return {
        "id": name,
        "name": name,
        "arn": f"arn:{fields['partition']}:ssm:{region}:{ACCOUNT}:parameter/{path}",
        "type": "String",
        "value": value,
        "insecureValue": value,
        "version": 1,
        "region": region,
    }


def _ami(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    fields = _fields("getAmi", json.dumps(args, sort_keys=True, default=str), "", "", region, {})
    made = f"ami-{fields['hex17']}"
    return {
        **args,
        "id": made,
        "imageId": made,
        "arn": f"arn:{fields['partition']}:ec2:{region}::image/{made}",
        "architecture": "x86_64",
        "creationDate": CREATED,
        "name": f"al2023-ami-{fields['digits10']}",
        "ownerId": "137112412989",
        "rootDeviceName": "/dev/xvda",
        "rootDeviceType": "ebs",
        "state": "available",
        "virtualizationType": "hvm",
        "region": region,
    }


def _cloudfront_policy(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args.get("name") or args.get("id"))
    made = args.get("id") or _fields("getPolicy", name, "", "", "", {})["uuid"]
    return {"id": made, "name": name, "etag": "E" + _spell(name, ALPHABETS["upper"], 13)}


def _solution_stack(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    pythons = ("3.9", "3.11", "3.12", "3.13", "3.14")
    stacks = [f"64bit Amazon Linux 2023 v4.13.10 running Python {python}" for python in pythons]
    found = [stack for stack in stacks if re.search(str(args.get("nameRegex") or ""), stack)]
    if not found:
        raise UnknownFunction(f"no Elastic Beanstalk platform matches {args['nameRegex']!r}")
    return {
        "id": found[-1],
        "name": found[-1],
        "nameRegex": args.get("nameRegex", ""),
        "mostRecent": bool(args.get("mostRecent", False)),
        "region": region,
    }


def _target_group(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    """One that a service has made, told by the tags that it gave it."""
    digest = hashlib.sha256(json.dumps(args.get("tags", {}), sort_keys=True).encode()).hexdigest()
    name = f"awseb-AWSEB-{_spell(digest, ALPHABETS['upper'], 12)}"
    suffix = f"targetgroup/{name}/{digest[:16]}"
    found = f"arn:{partition(region)}:elasticloadbalancing:{region}:{ACCOUNT}:{suffix}"
    return {
        "id": found,
        "arn": found,
        "arnSuffix": suffix,
        "name": name,
        "tags": args.get("tags", {}),
        "region": region,
    }


INVOKES: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "aws:cloudfront/getCachePolicy:getCachePolicy": _cloudfront_policy,
    "aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy": _cloudfront_policy,
    "aws:cloudfront/getResponseHeadersPolicy:getResponseHeadersPolicy": _cloudfront_policy,
    "aws:ec2/getAmi:getAmi": _ami,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:elasticbeanstalk/getSolutionStack:getSolutionStack": _solution_stack,
    "aws:elb/getServiceAccount:getServiceAccount": lambda args, region: {
        "id": "127311923021",
        "arn": f"arn:{partition(region)}:iam::127311923021:root",
        "region": region,
    },
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": lambda args, region: {
        "id": ACCOUNT,
        "accountId": ACCOUNT,
        "arn": f"arn:{partition(region)}:iam::{ACCOUNT}:user/{CALLER}",
        "userId": "AIDA" + _spell(CALLER, ALPHABETS["upper"], 17),
    },
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": lambda args, region: {
        "id": region,
        "name": region,
        "region": region,
        "description": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
    },
    "aws:lb/getTargetGroup:getTargetGroup": _target_group,
    "aws:kms/getAlias:getAlias": lambda args, region: {
        "id": args["name"],
        "name": args["name"],
        "arn": f"arn:{partition(region)}:kms:{region}:{ACCOUNT}:{args['name']}",
        "targetKeyId": (key := _fields("getAlias", str(args["name"]), "", "", region, {})["uuid"]),
        "targetKeyArn": f"arn:{partition(region)}:kms:{region}:{ACCOUNT}:key/{key}",
        "region": region,
    },
    "aws:route53/getZone:getZone": _zone,
    "aws:ssm/getParameter:getParameter": _parameter,
    **existing.INVOKES,
}


def read(
    type_token: str, name: str, id: str, *, project: str, stack: str, region: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and the properties of what exists under an id (`Resource.get`, an import).

    Raises `existing.Missing` where there is no such thing.
    """
    given = existing.inputs(type_token, id, region)
    if given is None:
        raise existing.Missing(f"resource '{id}' does not exist")
    made = computed(type_token, name, given, project=project, stack=stack, region=region)
    return given, {**given, **made, "id": id}


def invoke(token: str, args: Mapping[str, Any], *, region: str) -> dict[str, Any]:
    """The answer to a look-up (a `get_*` function of the provider)."""
    if token not in INVOKES:
        raise UnknownFunction(f"the AWS stand-in has no answer for {token}: add it to INVOKES in standin/aws.py")
    return INVOKES[token](args, str(args.get("region") or region))
