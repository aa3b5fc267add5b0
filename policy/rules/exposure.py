"""Nothing is reachable that needn't be: private subnets, closed security groups, no public addresses or buckets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..beanstalk import fronts_internet
from ..caches import is_member
from ..databases import speaker
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek, some, yes
from ..network import GROUPS, cidrs, doors, permissions, ports, ports_text, ways_in, world
from ..rule import Family, rule

FAMILY: Family = "exposure"
BALANCERS = ("lb/loadBalancer", "elb/loadBalancer")

# Where data is kept: how its subnets and its security groups are found. A later data store is a line here.
SUBNETS = {
    "rds/instance": ("dbSubnetGroupName", "rds/subnetGroup", "subnetIds"),
    "rds/cluster": ("dbSubnetGroupName", "rds/subnetGroup", "subnetIds"),
    "elasticache/replicationGroup": ("subnetGroupName", "elasticache/subnetGroup", "subnetIds"),
    "elasticache/cluster": ("subnetGroupName", "elasticache/subnetGroup", "subnetIds"),
}
SECURITY_GROUPS = {
    "rds/instance": "vpcSecurityGroupIds",
    "rds/cluster": "vpcSecurityGroupIds",
    "elasticache/replicationGroup": "securityGroupIds",
    "elasticache/cluster": "securityGroupIds",
}


@rule(
    "database-not-public", "rds/instance", "rds/cluster", "rds/clusterInstance",
    family=FAMILY, severity="critical", alone=True,
    title="Databases have no public address",
    controls="FSBP RDS.2, CIS AWS 3.0 2.3.3, CKV_AWS_17, cdk-nag NIST.800.53.R5-RDSInstancePublicAccess",
    remediation="Set publiclyAccessible to false",
)  # fmt: skip
def database_not_public(database: Resource, graph: Graph) -> Iterator[str]:
    if yes(database, "publiclyAccessible"):
        yield "it is publicly accessible"


def data_subnets(database: Resource, graph: Graph) -> Iterator[Resource]:
    """The subnets of a data store; a replica in the region of its source has its source's."""
    group_key, group_type, subnets_key = SUBNETS[database.short]
    groups = graph.targets(speaker(database, graph, group_key), group_key, group_type)
    yield from each(groups, lambda group: graph.targets(group, subnets_key, "ec2/subnet"))


@rule(
    "database-in-private-subnets", *SUBNETS,
    family=FAMILY, severity="high",
    title="Data stores are in private subnets",
    controls="FSBP RDS.46, FSBP ElastiCache.7, cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Use a subnet group of subnets whose route tables have no route to an internet gateway",
)  # fmt: skip
def database_in_private_subnets(database: Resource, graph: Graph) -> Iterator[str]:
    group_key = SUBNETS[database.short][0]
    if is_member(database):
        return
    if not given(speaker(database, graph, group_key), group_key):
        yield "it names no subnet group, so it is in the default VPC, whose subnets are public"
        return

    def judge(subnet: Resource) -> Iterator[str]:
        for way in ways_in(graph, subnet):
            yield f"it is in a public subnet: {way}"

    yield from each(data_subnets(database, graph), judge)


@rule(
    "database-ingress-by-group", *SECURITY_GROUPS,
    family=FAMILY, severity="high",
    title="Data stores admit security groups, not addresses",
    controls="FSBP EC2.19, CKV_AWS_277, cdk-nag RDS8",
    remediation="Name the client's security group as the source, and give the data store a security group of its own",
)  # fmt: skip
def database_ingress_by_group(database: Resource, graph: Graph) -> Iterator[str]:
    key = SECURITY_GROUPS[database.short]
    if is_member(database):
        return
    if not given(database, key):
        yield "it names no security group, so it has the VPC's default group"
        return

    def permitted(group: Resource) -> Iterator[str]:
        for owner, values in permissions(graph, group):
            if cidrs(values) or given(values, "prefixListIds") or given(values, "prefixListId"):
                yield f"{owner.label} admits addresses to it"

    yield from each(graph.targets(database, key, *GROUPS), permitted)


@rule(
    "subnet-no-public-addresses", "ec2/subnet",
    family=FAMILY, severity="medium", alone=True,
    title="Subnets don't give out public addresses",
    controls="FSBP EC2.15, CKV_AWS_130, cdk-nag NIST.800.53.R5-VPCSubnetAutoAssignPublicIpDisabled",
    remediation="Set mapPublicIpOnLaunch to false; a load balancer or a NAT gateway gets its address by itself",
)  # fmt: skip
def subnet_no_public_addresses(subnet: Resource, graph: Graph) -> Iterator[str]:
    if yes(subnet, "mapPublicIpOnLaunch"):
        yield "it gives everything in it a public address"


@rule(
    "ingress-not-from-world", "ec2/securityGroup", "ec2/securityGroupRule", "vpc/securityGroupIngressRule",
    family=FAMILY, severity="critical",
    title="Only load balancers admit the internet, and only on 80 and 443",
    controls="FSBP EC2.13, FSBP EC2.14, FSBP EC2.18, FSBP EC2.19, CIS AWS 3.0 5.2, CIS AWS 3.0 5.3, CKV_AWS_24, "
    "CKV_AWS_25, CKV_AWS_260, CKV_AWS_277, cdk-nag EC23",
    remediation="Name a security group or a prefix list as the source, or a narrow CIDR",
    settings={
        "public_ports": {
            "type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 65535},
            "description": "The ports that internet-facing load balancers may listen on.",
        },
    },
)  # fmt: skip
def ingress_not_from_world(
    resource: Resource, graph: Graph, *, public_ports: Sequence[int] = (80, 443)
) -> Iterator[str]:
    """A public port may be open where all that uses the group are internet-facing load balancers, and one does."""

    def judge(values: Any) -> Iterator[str]:
        for version in world(graph, resource, values):
            opened = ports(values)
            admits = f"it admits the internet ({version}) to {ports_text(opened)}"
            if len(opened) != 1 or opened[0] not in public_ports:
                yield admits
            elif not some(_groups(resource, graph), lambda group: _fronts_internet(graph, group)):
                yield f"{admits} of something else than an internet-facing load balancer"

    if resource.short == "ec2/securityGroup":
        yield from each(items(resource, "ingress"), judge)
    elif resource.short != "ec2/securityGroupRule" or get(resource, "type") == "ingress":
        yield from judge(resource.props)


def _groups(resource: Resource, graph: Graph) -> Iterator[Resource]:
    if resource.short == "ec2/securityGroup":
        yield resource
    else:
        yield from graph.targets(resource, "securityGroupId", *GROUPS)


@rule(
    "egress-not-everywhere", "ec2/securityGroup", "ec2/securityGroupRule", "vpc/securityGroupEgressRule",
    family=FAMILY, severity="low", level="advisory",
    title="Security groups don't let everything out to everywhere",
    controls="CKV_AWS_382",
    remediation="Name the ports, and the security groups or prefix lists that are spoken to",
)  # fmt: skip
def egress_not_everywhere(resource: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: who may be spoken to is hard to tell of what downloads its software."""

    def judge(values: Any) -> Iterator[str]:
        for version in world(graph, resource, values, inline="egress"):
            if len(ports(values)) == 65536:
                yield f"it lets everything out to the internet ({version})"

    if resource.short == "ec2/securityGroup":
        yield from each(items(resource, "egress"), judge)
    elif resource.short != "ec2/securityGroupRule" or get(resource, "type") == "egress":
        yield from judge(resource.props)


# What refers to a security group without putting anything behind it.
_NOTHING_BEHIND = (
    *GROUPS, "ec2/securityGroupRule", "vpc/securityGroupIngressRule", "vpc/securityGroupEgressRule", "ssm/parameter",
    "secretsmanager/secretVersion", "s3/bucketObject", "s3/bucketObjectv2",
)  # fmt: skip


def _fronts_internet(graph: Graph, group: Resource) -> bool:
    users = {user.urn: user for user, _ in graph.users(group) if user.short not in _NOTHING_BEHIND}.values()

    def fronts(user: Resource) -> bool:
        if user.short == "elasticbeanstalk/environment":
            return fronts_internet(user, group, graph)
        return user.short in BALANCERS and not yes(user, "internal")

    return bool(users) and all(fronts(user) for user in users)


@rule(
    "default-security-group-closed", "ec2/vpc", "ec2/defaultSecurityGroup",
    family=FAMILY, severity="high",
    title="A VPC's default security group is empty",
    controls="FSBP EC2.2, CIS AWS 3.0 5.4, CKV2_AWS_12, cdk-nag NIST.800.53.R5-VPCDefaultSecurityGroupClosed",
    remediation="Adopt the group with a DefaultSecurityGroup that has the VPC's id and no rules",
)  # fmt: skip
def default_security_group_closed(resource: Resource, graph: Graph) -> Iterator[str]:
    if resource.short == "ec2/vpc":
        if not any(graph.referrers(resource, "ec2/defaultSecurityGroup", "vpcId")):
            yield "its default security group is left as AWS makes it, open to its members and to every destination"
        return

    def judge(found: tuple[str, Iterator[Any]]) -> Iterator[str]:
        direction, granted = found
        if any(True for _ in granted):
            yield f"it has {direction} rules"

    egress = each(
        (items(resource, "egress"), graph.referrers(resource, "vpc/securityGroupEgressRule", "securityGroupId")),
        lambda found: found,
    )
    yield from each((("ingress", permissions(graph, resource)), ("egress", egress)), judge)


@rule(
    "instance-not-public", "ec2/launchTemplate", "ec2/launchConfiguration", "ec2/instance",
    family=FAMILY, severity="high",
    title="Instances have no public address outside the web tier",
    controls="FSBP EC2.9, FSBP EC2.25, FSBP AutoScaling.5, CKV_AWS_88, cdk-nag NIST.800.53.R5-EC2InstanceNoPublicIp",
    remediation="Set associatePublicIpAddress to false and put the instances in private subnets; public addresses are "
    "for an Auto Scaling group behind a load balancer whose security groups don't admit the internet",
)  # fmt: skip
def instance_not_public(resource: Resource, graph: Graph) -> Iterator[str]:
    """The web tier of the architecture may be in public subnets, with addresses to get out by.

    That is legitimate only where traffic comes in through the load balancer: every Auto Scaling group that uses the
    template is registered with a load balancer, and no security group of the template admits the internet.
    """
    if resource.short != "ec2/launchTemplate":
        public = yes(resource, "associatePublicIpAddress")
        if public and resource.short == "ec2/instance":
            yield "it has a public address"
    else:
        public = some(
            items(resource, "networkInterfaces"), lambda interface: yes(interface, "associatePublicIpAddress")
        )
    if not public or resource.short == "ec2/instance":
        return

    scaled = [user for user, _ in graph.users(resource) if user.short == "autoscaling/group"]
    if not scaled:
        yield "its instances have public addresses, and no Auto Scaling group behind a load balancer uses it"

    def behind(group: Resource) -> Iterator[str]:
        if not balanced(graph, group):
            yield f"the instances of {group.label} have public addresses and no load balancer in front of them"

    def closed(group: Resource) -> Iterator[str]:
        for door in doors(graph, group):
            admits = f"{door.owner.label} admits the internet ({door.version}) to {ports_text(door.opened)}"
            yield f"its instances have public addresses, and {admits}"

    yield from each(
        (each(scaled, behind), each(launch_groups(graph, resource), closed)),
        lambda found: found,
    )


def templates(resource: Resource, graph: Graph) -> Iterator[Resource]:
    """The launch templates and configurations of a group or an instance."""
    mixed = "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification"
    for path, key, type in (
        ("launchTemplate", "id", "ec2/launchTemplate"),
        ("launchTemplate", "name", "ec2/launchTemplate"),
        (mixed, "launchTemplateId", "ec2/launchTemplate"),
        (mixed, "launchTemplateName", "ec2/launchTemplate"),
        ("launchConfiguration", "", "ec2/launchConfiguration"),
    ):
        if path.partition(".")[0] in resource.props and given(resource, f"{path}.{key}" if key else path):
            value = [peek(resource, f"{path}.{key}" if key else path)]
            yield from graph.targets(resource, path.partition(".")[0], type, value=value)
            return


def launch_groups(graph: Graph, resource: Resource) -> Iterator[Resource]:
    """The security groups of what is made by a launch template or configuration."""
    if resource.short == "ec2/launchConfiguration":
        yield from graph.targets(resource, "securityGroups", *GROUPS)
        return
    yield from graph.targets(resource, "vpcSecurityGroupIds", *GROUPS)
    yield from each(
        items(resource, "networkInterfaces"),
        lambda interface: graph.targets(
            resource, "networkInterfaces", *GROUPS, value=[peek(interface, "securityGroups")]
        ),
    )


def balanced(graph: Graph, group: Resource) -> bool:
    """Whether an Auto Scaling group is registered with a load balancer, by its own settings or an attachment's."""

    def registered(key: str) -> bool:
        value = peek(group, key)
        if value is UNKNOWN:  # it may be empty, but for what it depends on
            return graph.refers(group, key, "lb/targetGroup", *BALANCERS)
        return value not in (None, [])

    def attached(type: str) -> bool:
        return any(graph.referrers(group, type, "autoscalingGroupName"))

    attachments = ("autoscaling/attachment", "autoscaling/trafficSourceAttachment")
    settings = ("targetGroupArns", "loadBalancers", "trafficSources")
    return some((*settings, *attachments), lambda place: attached(place) if place in attachments else registered(place))


@rule(
    "instances-in-private-subnets", "autoscaling/group", "ec2/instance",
    family=FAMILY, severity="high",
    title="Instances are in private subnets, unless a load balancer fronts them",
    controls="FSBP EC2.9, cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Use subnets without a route to an internet gateway, or register the group with a load balancer",
)  # fmt: skip
def instances_in_private_subnets(resource: Resource, graph: Graph) -> Iterator[str]:
    key = "vpcZoneIdentifiers" if resource.short == "autoscaling/group" else "subnetId"

    def judge(subnet: Resource) -> Iterator[str]:
        for way in ways_in(graph, subnet):
            yield f"it is in a public subnet with no load balancer in front of it: {way}"

    if resource.short == "autoscaling/group" and balanced(graph, resource):
        return
    if not given(resource, key):
        interfaces = ("launchTemplate", "networkInterfaces", "primaryNetworkInterface")
        if resource.short == "ec2/instance" and any(given(resource, interface) for interface in interfaces):
            raise Unknown("the subnet of its network interface")
        yield "it names no subnet, so it is in the default VPC, whose subnets are public"
    yield from each(graph.targets(resource, key, "ec2/subnet"), judge)


_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@rule(
    "bucket-not-public", "s3/bucket",
    family=FAMILY, severity="critical",
    title="Buckets block public access",
    controls="FSBP S3.8, FSBP S3.2, FSBP S3.3, FSBP CloudTrail.6, CIS AWS 3.0 2.1.4, CKV2_AWS_6, CKV_AWS_53, "
    "CKV_AWS_54, CKV_AWS_55, CKV_AWS_56, cdk-nag S2",
    remediation="Give the bucket a BucketPublicAccessBlock with all four flags true",
)  # fmt: skip
def bucket_not_public(bucket: Resource, graph: Graph) -> Iterator[str]:
    def blocks() -> Iterator[Resource]:
        yield from graph.of_type("s3/accountPublicAccessBlock")
        yield from graph.referrers(bucket, "s3/bucketPublicAccessBlock", "bucket")

    if not some(blocks(), lambda block: not some(_BLOCKS, lambda flag: not yes(block, flag))):
        yield "nothing blocks all public access to it"


@rule(
    "bucket-acl-private", "s3/bucket", "s3/bucketAcl",
    family=FAMILY, severity="critical", alone=True,
    title="Bucket ACLs grant nothing to everyone",
    controls="FSBP S3.2, FSBP S3.3, CKV_AWS_20, CKV_AWS_57",
    remediation="Use a private ACL, or none with bucket-owner-enforced ownership",
)  # fmt: skip
def bucket_acl_private(resource: Resource, graph: Graph) -> Iterator[str]:
    if get(resource, "acl") in ("public-read", "public-read-write", "authenticated-read"):
        yield "its ACL is public"

    def judge(grant: Any) -> Iterator[str]:
        uri = str(get(grant, "uri") or get(grant, "grantee.uri") or "")
        if uri.endswith(("/AllUsers", "/AuthenticatedUsers")):
            yield "its ACL has a grant to everyone"

    yield from each(("grants", "accessControlPolicy.grants"), lambda path: each(items(resource, path), judge))


@rule(
    "distribution-s3-origin-private", "cloudfront/distribution",
    family=FAMILY, severity="medium",
    title="CloudFront reads buckets by origin access control",
    controls="FSBP CloudFront.13, CKV2_AWS_46, cdk-nag CFR7",
    remediation="Set originAccessControlId on every S3 origin",
)  # fmt: skip
def distribution_s3_origin_private(distribution: Resource, graph: Graph) -> Iterator[str]:
    """An origin with neither a custom nor a VPC origin's settings is a bucket."""

    def judge(origin: Any) -> Iterator[str]:
        if get(origin, "customOriginConfig") is not None or get(origin, "vpcOriginConfig") is not None:
            return
        named = [peek(origin, path) for path in ("originAccessControlId", "s3OriginConfig.originAccessIdentity")]
        named = [value for value in named if value not in (None, "")]
        if not named:
            yield "an S3 origin of it has no origin access control"
        elif UNKNOWN in named:
            types = ("cloudfront/originAccessControl", "cloudfront/originAccessIdentity")
            graph.refers(distribution, "origins", *types, value=UNKNOWN)

    yield from each(items(distribution, "origins"), judge)


@rule(
    "load-balancer-drops-invalid-headers", "lb/loadBalancer",
    family=FAMILY, severity="medium", alone=True,
    title="Application load balancers drop invalid headers",
    controls="FSBP ELB.4, CKV_AWS_131",
    remediation="Set dropInvalidHeaderFields to true",
)  # fmt: skip
def load_balancer_drops_invalid_headers(balancer: Resource, graph: Graph) -> Iterator[str]:
    if get(balancer, "loadBalancerType") in (None, "", "application") and not yes(balancer, "dropInvalidHeaderFields"):
        yield "it passes invalid headers on"


@rule(
    "load-balancer-desync-mitigation", "lb/loadBalancer", "elb/loadBalancer",
    family=FAMILY, severity="medium", alone=True,
    title="Load balancers guard against request smuggling",
    controls="FSBP ELB.12, FSBP ELB.14, CKV_AWS_328",
    remediation="Leave desyncMitigationMode at defensive, or set it to strictest",
)  # fmt: skip
def load_balancer_desync_mitigation(balancer: Resource, graph: Graph) -> Iterator[str]:
    if get(balancer, "desyncMitigationMode") not in (None, "", "defensive", "strictest"):
        yield "it only monitors requests that may be smuggled"
