"""What the architecture diagram shows: resources become nodes, boxes and arrows.

Nothing here knows the program. The tables below say for a resource *type* what it is in a picture; which node is
joined to which follows from what was registered (`property_dependencies`). A resource is one of

- a node, with a label, an icon and a caption (`NODES`; without a row there, a plain node: a new tier shows),
- a box that others lie in (VPC and subnet, grouped into tiers by where their routes lead),
- an arrow between two others (`LINKS`: a listener, an attachment, a record), or
- a detail of another (`is_detail`: a policy, a rule, a parameter group), which adds to that one's caption and arrows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from standin.mocks import Registration

INTERNET = "internet"
FOREIGN_ZONE = "zone"
"""The node for a hosted zone that the program looks up: its records are the program's, it isn't."""


@dataclass(frozen=True)
class Look:
    """How a type of resource is shown.

    A caption is a list of templates over the resource's properties, dotted where nested and written `Type.property`
    for those of its details; one that isn't known, or is secret, leaves its template out. `text if prop` and
    `text unless prop` show the text by a flag.
    """

    label: str
    category: str
    icon: str
    caption: tuple[str, ...] = ()
    merge: bool = False  # several in the same place are drawn as one


@dataclass(frozen=True)
class Link:
    """An arrow that a type of resource stands for: from what `source` refers to, to what `target` refers to.

    An empty name is the resource itself.
    """

    source: str
    target: str
    kind: str = "traffic"
    label: str = ""


# Kinds of arrows, in the order of the legend.
KINDS = {
    "traffic": "traffic",
    "replication": "replication",
    "guard": "guarded by WAF",
    "egress": "way out to the internet",
    "logs": "logs",
    "uses": "uses",
}

CATEGORIES = {
    "network": "Networking & content delivery",
    "compute": "Compute",
    "containers": "Containers",
    "database": "Database",
    "storage": "Storage",
    "security": "Security & identity",
    "integration": "Application integration",
    "analytics": "Analytics",
    "management": "Management & governance",
    "developer": "Developer tools",
    "other": "Other",
}

# Module of a type -> the service's name, category and icon, for types that have no row in NODES.
SERVICES = {
    "acm": ("ACM", "security", "certificate"),
    "alb": ("Elastic Load Balancing", "network", "balancer"),
    "athena": ("Athena", "analytics", "chart"),
    "autoscaling": ("Auto Scaling", "compute", "servers"),
    "cloudfront": ("CloudFront", "network", "globe"),
    "cloudtrail": ("CloudTrail", "management", "log"),
    "cloudwatch": ("CloudWatch", "management", "chart"),
    "codebuild": ("CodeBuild", "developer", "code"),
    "codecommit": ("CodeCommit", "developer", "code"),
    "codepipeline": ("CodePipeline", "developer", "code"),
    "dynamodb": ("DynamoDB", "database", "database"),
    "ec2": ("EC2", "compute", "server"),
    "ecr": ("ECR", "containers", "container"),
    "ecs": ("ECS", "containers", "container"),
    "efs": ("EFS", "storage", "bucket"),
    "eks": ("EKS", "containers", "container"),
    "elasticache": ("ElastiCache", "database", "database"),
    "elasticbeanstalk": ("Elastic Beanstalk", "compute", "servers"),
    "elb": ("Elastic Load Balancing", "network", "balancer"),
    "emr": ("EMR", "analytics", "chart"),
    "glue": ("Glue", "analytics", "chart"),
    "grafana": ("Managed Grafana", "management", "chart"),
    "kms": ("KMS", "security", "key"),
    "lambda": ("Lambda", "compute", "code"),
    "lb": ("Elastic Load Balancing", "network", "balancer"),
    "quicksight": ("QuickSight", "analytics", "chart"),
    "rds": ("RDS", "database", "database"),
    "route53": ("Route 53", "network", "dns"),
    "s3": ("S3", "storage", "bucket"),
    "scheduler": ("EventBridge Scheduler", "integration", "queue"),
    "secretsmanager": ("Secrets Manager", "security", "lock"),
    "sfn": ("Step Functions", "integration", "queue"),
    "sns": ("SNS", "integration", "bell"),
    "sqs": ("SQS", "integration", "queue"),
    "ssm": ("Systems Manager", "management", "log"),
    "vpc": ("VPC", "network", "gateway"),
    "wafv2": ("WAF", "security", "shield"),
}

NODES = {
    "aws:acm/certificate:Certificate": Look("ACM certificate", "security", "certificate", ("{domainName}",)),
    "aws:autoscaling/group:Group": Look(
        "Auto Scaling group",
        "compute",
        "servers",
        (
            "{minSize} to {maxSize} {LaunchTemplate.instanceType}",
            "IMDSv2 if LaunchTemplate.metadataOptions.httpTokens=required",
        ),
    ),
    "aws:cloudfront/distribution:Distribution": Look(
        "CloudFront",
        "network",
        "globe",
        ("{aliases}", "{viewerCertificate.minimumProtocolVersion}", "{httpVersion}"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": Look("Log group", "management", "log", merge=True),
    "aws:ec2/internetGateway:InternetGateway": Look("Internet gateway", "network", "gateway"),
    "aws:ec2/natGateway:NatGateway": Look("NAT gateway", "network", "gateway"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Look("VPC endpoint", "network", "gateway", ("{serviceName}",), merge=True),
    "aws:ecr/repository:Repository": Look("ECR repository", "containers", "container", merge=True),
    "aws:eks/cluster:Cluster": Look("EKS cluster", "containers", "container", ("Kubernetes {version}",)),
    "aws:elasticache/replicationGroup:ReplicationGroup": Look(
        "ElastiCache",
        "database",
        "database",
        (
            "{engine} {engineVersion}",
            "{nodeType}",
            "Multi-AZ if multiAzEnabled",
            "encrypted if atRestEncryptionEnabled",
        ),
    ),
    "aws:elb/loadBalancer:LoadBalancer": Look(
        "Classic Load Balancer", "network", "balancer", ("internal if internal", "internet-facing unless internal")
    ),
    "aws:kms/key:Key": Look("KMS key", "security", "key", merge=True),
    "aws:lb/loadBalancer:LoadBalancer": Look(
        "{loadBalancerType} Load Balancer",
        "network",
        "balancer",
        ("internal if internal", "internet-facing unless internal", "{Listener.protocol} {Listener.port}"),
    ),
    "aws:rds/instance:Instance": Look(
        "RDS {engine}",
        "database",
        "database",
        (
            "{instanceClass}",
            "Multi-AZ if multiAz",
            "encrypted if storageEncrypted",
            "read replica if replicateSourceDb",
        ),
    ),
    "aws:route53/zone:Zone": Look("Route 53", "network", "dns", ("{name}", "private if vpcs")),
    "aws:s3/bucket:Bucket": Look(
        "S3 bucket", "storage", "bucket", ("versioned if BucketVersioning.versioningConfiguration.status=Enabled",)
    ),
    "aws:secretsmanager/secret:Secret": Look("Secrets Manager", "security", "lock", merge=True),
    "aws:sqs/queue:Queue": Look("SQS queue", "integration", "queue"),
    "aws:wafv2/webAcl:WebAcl": Look("WAF web ACL", "security", "shield", ("{scope}", "{#rules} rules")),
}

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
KEY = "aws:kms/key:Key"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"

LINKS: dict[str, tuple[Link, ...]] = {
    "aws:autoscaling/attachment:Attachment": (
        Link("lbTargetGroupArn", "autoscalingGroupName"),
        Link("elb", "autoscalingGroupName"),
    ),
    "aws:autoscaling/group:Group": (Link("targetGroupArns", ""), Link("loadBalancers", "")),
    "aws:autoscaling/trafficSourceAttachment:TrafficSourceAttachment": (Link("trafficSource", "autoscalingGroupName"),),
    "aws:cloudfront/distribution:Distribution": (
        Link("", "origins"),
        Link("webAclId", "", "guard"),
        Link("", "loggingConfig", "logs"),
    ),
    "aws:cloudfront/vpcOrigin:VpcOrigin": (Link("", "vpcOriginEndpointConfig"),),
    "aws:cloudwatch/logDelivery:LogDelivery": (Link("deliverySourceName", "deliveryDestinationArn", "logs"),),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
        Link("", "deliveryDestinationConfiguration", "logs"),
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": (Link("resourceArn", "", "logs"),),
    "aws:cloudtrail/trail:Trail": (Link("", "s3BucketName", "logs"), Link("", "cloudWatchLogsGroupArn", "logs")),
    "aws:ec2/flowLog:FlowLog": (Link("vpcId", "logDestination", "logs"),),
    "aws:elb/attachment:Attachment": (Link("elb", "instance"),),
    "aws:elb/loadBalancer:LoadBalancer": (Link("", "instances"), Link("", "accessLogs", "logs")),
    "aws:lb/listener:Listener": (Link("loadBalancerArn", ""), Link("", "defaultActions")),
    "aws:lb/listenerRule:ListenerRule": (Link("listenerArn", ""), Link("", "actions")),
    "aws:lb/loadBalancer:LoadBalancer": (Link("", "accessLogs", "logs"),),
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": (Link("targetGroupArn", "targetId"),),
    "aws:rds/instance:Instance": (Link("replicateSourceDb", "", "replication"),),
    "aws:route53/record:Record": (Link("zoneId", ""), Link("", "aliases")),
    "aws:s3/bucketLogging:BucketLogging": (Link("bucket", "targetBucket", "logs"),),
    "aws:wafv2/webAclAssociation:WebAclAssociation": (Link("webAclArn", "resourceArn", "guard"),),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        Link("resourceArn", "logDestinationConfigs", "logs"),
    ),
    # Between security groups: the members of one group reach the members of the other.
    "aws:ec2/securityGroup:SecurityGroup": (Link("ingress", "", "group"), Link("", "egress", "group")),
    "aws:ec2/securityGroupRule:SecurityGroupRule": (
        Link("sourceSecurityGroupId", "securityGroupId", "group", "{fromPort}"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        Link("referencedSecurityGroupId", "securityGroupId", "group", "{fromPort}"),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        Link("securityGroupId", "referencedSecurityGroupId", "group", "{fromPort}"),
    ),
    # Where a subnet's routes lead.
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (Link("subnetId", "routeTableId", "route"),),
    "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation": (Link("vpcId", "routeTableId", "route"),),
    "aws:ec2/routeTable:RouteTable": (Link("", "routes", "route"),),
    "aws:ec2/route:Route": (Link("routeTableId", "gatewayId", "route"), Link("routeTableId", "natGatewayId", "route")),
}

# What only serves another resource. A type with a row in NODES is never a detail.
DETAIL_NAMES = re.compile(
    r"(Policy|PolicyAttachment|Attachment|Association|Rule|Version|Configuration|ConfigurationV2|Validation|Alias|"
    r"PublicAccessBlock|OwnershipControls|Acl|Logging|Versioning|Route|RouteTable|Options|SubnetGroup|ParameterGroup|"
    r"OptionGroup|LogDelivery|LogDeliverySource|LogDeliveryDestination|SecurityGroup|TargetGroup|Listener|ListenerCertificate|LaunchTemplate|Eip|Record|HealthCheck|FlowLog|"
    r"MetricAlarm|CompositeAlarm|MetricFilter|Dashboard|Addon|AccessEntry|Subscription|Permission|Grant|Lock|"
    r"Notification|OriginAccessControl|OriginAccessIdentity|OriginRequestPolicy|CachePolicy|ResponseHeadersPolicy|"
    r"VpcOrigin|NetworkAcl|DhcpOptions|Metric|Schedule|Hook|LifecyclePolicy|User|UserGroup|Object|ObjectCopy)$"
)
DETAIL_MODULES = ("aws:iam/", "random:", "pulumi:", "tls:", "time:", "command:")


def is_detail(type_: str) -> bool:
    """Whether resources of a type are folded into the node they serve."""
    if type_ in NODES or type_ in (VPC, SUBNET):
        return False
    return type_.startswith(DETAIL_MODULES) or DETAIL_NAMES.search(type_) is not None


@dataclass
class Node:
    """A card in the picture."""

    id: str
    type: str
    label: str
    names: list[str]
    category: str
    icon: str
    caption: list[str] = field(default_factory=list)
    tooltip: str = ""
    keys: list[str] = field(default_factory=list)  # names of the KMS keys that encrypt it
    box: str | None = None
    count: int = 1


@dataclass
class Box:
    """A box in the picture, in another one."""

    id: str
    label: str
    caption: str = ""
    kind: str = ""
    parent: str | None = None


GLOBAL = "global"
GLOBAL_BOX = Box(GLOBAL, "Edge", "global", GLOBAL)


@dataclass(frozen=True, order=True)
class Edge:
    """An arrow between two nodes or boxes, by their ids."""

    source: str
    target: str
    kind: str
    label: str = ""


@dataclass
class Architecture:
    """The picture's content, in a stable order."""

    nodes: list[Node]
    boxes: list[Box]
    edges: list[Edge]
    resources: int


def short_type(type_: str) -> str:
    """The last part of a type token: `Instance` of `aws:rds/instance:Instance`."""
    return type_.rsplit(":", 1)[-1]


def build(registrations: Sequence[Registration], region: str) -> Architecture:
    """The architecture that the registrations describe; the order they came in doesn't matter."""
    return _Builder(registrations, region).build()


class _Builder:
    def __init__(self, registrations: Sequence[Registration], region: str) -> None:
        self.region = region
        self.count = sum(r.custom for r in registrations)
        shown = [r for r in registrations if r.custom or r.type in NODES]
        self.resources = {r.urn: r for r in sorted(shown, key=lambda r: r.urn)}
        self.visible = [u for u, r in self.resources.items() if r.type not in (VPC, SUBNET) and not is_detail(r.type)]
        self.deps: dict[str, dict[str, list[str]]] = {
            u: {p: sorted(d for d in ds if d in self.resources and d != u) for p, ds in r.property_dependencies.items()}
            for u, r in self.resources.items()
        }
        self.records = {
            str(r.inputs.get("name")): u for u, r in self.resources.items() if r.type == "aws:route53/record:Record"
        }
        self.origins = {
            u: {str(o.get("domainName")) for o in r.inputs.get("origins") or () if isinstance(o, dict)}
            for u, r in self.resources.items()
            if r.type == "aws:cloudfront/distribution:Distribution"
        }
        self.arrows: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
        for urn, resource in self.resources.items():
            for link in LINKS.get(resource.type, ()):
                label = fill(link.label, self.known(urn))
                for source in self.ends(urn, link.source):
                    for target in self.ends(urn, link.target):
                        self.arrows[link.kind][source].append((target, label or ""))
        self.details = self.owned()

    def type(self, urn: str) -> str:
        return self.resources[urn].type

    def ends(self, urn: str, property_: str) -> list[str]:
        """What a property refers to, by what it was made from or a record's name; without one, the resource itself."""
        if not property_:
            return [urn]
        named = [self.records[n] for n in sorted(self.origins.get(urn, ())) if n in self.records]
        if property_ == "origins" and named:
            return named
        if property_ == "zoneId" and self.inside(urn):
            return []
        if property_ == "zoneId" and not self.deps[urn].get(property_):
            return [FOREIGN_ZONE]
        return self.deps[urn].get(property_, [])

    def inside(self, record: str) -> bool:
        """Whether a record is no way in: a distribution's name for its origin, or one for an internal load balancer."""
        origins = {self.records.get(n) for names in self.origins.values() for n in names}
        aliases = self.deps[record].get("aliases", ())
        return record in origins or any(self.resources[a].inputs.get("internal") is True for a in aliases)

    def known(self, urn: str) -> dict[str, Any]:
        """A resource's inputs without the secret ones."""
        resource = self.resources[urn]
        return {k: v for k, v in resource.inputs.items() if k not in resource.secrets}

    # -- details ---------------------------------------------------------------------------------------------------

    def owned(self) -> dict[str, list[str]]:
        """For each resource the details that configure it: a bucket's versioning, a role's policies."""
        used = {d for deps in self.deps.values() for ds in deps.values() for d in ds}
        details = defaultdict(list)
        for urn, resource in self.resources.items():
            if not is_detail(resource.type):
                continue
            links = LINKS.get(resource.type, ())
            owner = next((end for link in links if link.source for end in self.ends(urn, link.source)), None)
            if owner is None and urn not in used:
                owner = next(iter(sorted(self.targets(urn), key=lambda t: (not self.named_after(urn, t), t))), None)
            if owner is not None:
                details[owner].append(urn)
        return details

    def targets(self, urn: str) -> set[str]:
        return {d for ds in self.deps[urn].values() for d in ds}

    def named_after(self, urn: str, target: str) -> bool:
        """Whether the property that leads to the target is called like it: `bucket`, `targetKeyId`, `roleName`."""
        kind = short_type(self.type(target)).lower()
        return any(target in ds and kind in p.lower() for p, ds in self.deps[urn].items())

    def all_details(self, urn: str) -> list[str]:
        """The details that belong to a node, those it refers to included."""
        seen: list[str] = []
        todo = [*self.details[urn], *sorted(self.targets(urn))]
        while todo:
            item = todo.pop(0)
            if item in seen or not is_detail(self.type(item)) or self.type(item) == SECURITY_GROUP:
                continue
            seen.append(item)
            todo += [*self.details[item], *sorted(self.targets(item))]
        return seen

    # -- arrows ----------------------------------------------------------------------------------------------------

    def reach(self, start: str, kind: str) -> Iterator[str]:
        """The nodes that arrows of a kind lead to, through what isn't shown."""
        todo, seen = [start], {start}
        while todo:
            for target, _ in self.arrows[kind][todo.pop()]:
                if target in seen:
                    continue
                seen.add(target)
                if is_detail(self.type(target)):
                    todo.append(target)
                else:
                    yield target

    def groups(self, urn: str) -> set[str]:
        """The security groups a node is a member of, itself or through its launch template."""
        targets = self.targets(urn)
        templates = [t for t in targets if short_type(self.type(t)).startswith("Launch")]
        targets = targets.union(*(self.targets(t) for t in templates))
        return {t for t in targets if self.type(t) == SECURITY_GROUP}

    def edges(self) -> list[Edge]:
        found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for kind in ("traffic", "replication", "guard", "logs"):
            for urn in [*self.visible, *(u for u in self.resources if self.type(u) == VPC), FOREIGN_ZONE]:
                for target in self.reach(urn, kind):
                    if target != urn and self.type(target) not in (VPC, SUBNET):
                        found[urn, target][kind]
        members = defaultdict(list)
        for urn in self.visible:
            for group in sorted(self.groups(urn)):
                members[group].append(urn)
        for group in sorted(members):
            for other, label in self.arrows["group"][group]:
                for source in members[group]:
                    for target in members[other]:
                        if source != target:
                            found[source, target]["traffic"].add(label)
        # A replica is reached the way its primary is: one arrow to the primary and one on to the replica say it.
        primaries = {t: s for (s, t), kinds in found.items() if "replication" in kinds}
        for (source, target), kinds in found.items():
            if primaries.get(target) not in (None, source) and "traffic" in found.get((source, primaries[target]), {}):
                kinds.pop("traffic", None)
        for subnet in (u for u in self.resources if self.type(u) == SUBNET):
            for gateway in self.reach(subnet, "route"):
                if self.type(gateway) == NAT:
                    found[subnet, gateway]["egress"]
        for nat in (u for u in self.visible if self.type(u) == NAT):
            for subnet in self.placed(nat):
                for gateway in self.reach(subnet, "route"):
                    found[nat, gateway]["egress"]
        for urn in self.visible:
            for target in self.used(urn):
                if (
                    self.type(target) != KEY
                    and not any(found.get((urn, target), {}))
                    and not any(found.get((target, urn), {}))
                ):
                    found[urn, target]["uses"]
        edges = [
            Edge(s, t, k, ", ".join(sorted(x for x in labels if x)))
            for (s, t), kinds in found.items()
            for k, labels in kinds.items()
        ]
        return [*edges, *self.entries(edges), *([Edge(INTERNET, FOREIGN_ZONE, "traffic")] * self.looked_up(edges))]

    @staticmethod
    def looked_up(edges: Iterable[Edge]) -> bool:
        """Whether records in a looked-up zone lead anywhere."""
        return any(e.source == FOREIGN_ZONE for e in edges)

    def entries(self, edges: Iterable[Edge]) -> list[Edge]:
        """Where the internet comes in: public zones, and what faces the internet with nothing in front of it."""
        behind = {e.target for e in edges if e.kind == "traffic"}
        entries = []
        for urn in self.visible:
            type_, inputs = self.type(urn), self.resources[urn].inputs
            if urn in behind:
                continue
            if (
                (type_ == "aws:route53/zone:Zone" and not inputs.get("vpcs"))
                or type_ == "aws:cloudfront/distribution:Distribution"
                or (
                    type_ in ("aws:lb/loadBalancer:LoadBalancer", "aws:elb/loadBalancer:LoadBalancer")
                    and inputs.get("internal") is not True
                )
            ):
                entries.append(Edge(INTERNET, urn, "traffic"))
        return entries

    def used(self, urn: str) -> list[str]:
        """The nodes a node refers to, itself or through its details, other than what it lies in."""
        skip = (
            SECURITY_GROUP,
            "aws:lb/targetGroup:TargetGroup",
            "aws:ec2/routeTable:RouteTable",
            "aws:route53/record:Record",
            "aws:secretsmanager/secretVersion:SecretVersion",
        )
        seen: set[str] = set()
        todo = [*self.details[urn], *self.targets(urn)]
        found = set()
        while todo:
            item = todo.pop()
            if item in seen or item == urn or self.type(item) in (VPC, SUBNET, *skip):
                continue
            seen.add(item)
            if is_detail(self.type(item)):
                todo += [*self.details[item], *self.targets(item)]
            else:
                found.add(item)
        return sorted(found)

    # -- boxes -----------------------------------------------------------------------------------------------------

    def placed(self, urn: str) -> list[str]:
        """The subnets a node lies in: those it names, itself or through a subnet group, or those of its primary."""
        found = set()
        for target in self.targets(urn):
            if self.type(target) == SUBNET:
                found.add(target)
            elif "SubnetGroup" in self.type(target):
                found |= {t for t in self.targets(target) if self.type(t) == SUBNET}
        if not found:
            for primary in self.deps[urn].get("replicateSourceDb", ()):
                found |= set(self.placed(primary))
        return sorted(found)

    def vpc(self, urn: str) -> str | None:
        """The VPC a node belongs to, by its own properties or its security groups."""
        near = self.targets(urn).union(*(self.targets(g) for g in self.groups(urn)))
        return min((t for t in near if self.type(t) == VPC), default=None)

    def where(self, urn: str) -> str:
        """The AWS region of a resource: its own argument, its provider's, or the stack's; empty if it is global."""
        resource = self.resources[urn]
        inputs = resource.inputs
        if resource.type.startswith(("aws:route53/", "aws:cloudfront/")) or inputs.get("scope") == "CLOUDFRONT":
            return ""
        region = inputs.get("region")
        if not isinstance(region, str) and resource.provider:
            provider = self.resources.get(resource.provider.rsplit("::", 1)[0])
            region = provider.inputs.get("region") if provider else None
        return region if isinstance(region, str) else self.region

    def tier(self, subnet: str) -> str:
        """Which way out a subnet has, and the part of its name that it shares with those in other zones."""
        gateways = {self.type(g) for g in self.reach(subnet, "route")}
        way = "Public" if GATEWAY in gateways else "Private" if NAT in gateways else "Isolated"
        resource = self.resources[subnet]
        zone = resource.inputs.get("availabilityZone")
        names = [re.escape(e) for e in (zone, zone[-1:]) if e] if isinstance(zone, str) else []
        stem = re.sub(f"[-_]?({'|'.join([*names, '[0-9]+'])})$", "", resource.name)
        return f"{way}:{stem}"

    def boxes(self) -> dict[str, Box]:
        boxes = {self.region: Box(self.region, f"Region {self.region}", kind="region")}
        for urn in (u for u in self.resources if self.type(u) == VPC):
            inputs = self.known(urn)
            logged = any("FlowLog" in self.type(d) for d in self.details[urn])
            caption = " · ".join(x for x in (fill("{cidrBlock}", inputs), "flow logs" if logged else None) if x)
            boxes[urn] = Box(urn, f"VPC {self.resources[urn].name}", caption, "vpc", self.region_box(urn, boxes))
        captions = {"Public": "routed to the internet", "Private": "out through NAT", "Isolated": "no way out"}
        subnets = [u for u in self.resources if self.type(u) == SUBNET]
        subnets.sort(key=lambda u: (list(captions).index(self.tier(u).split(":")[0]), u))
        stems = defaultdict(set)
        for urn in subnets:
            stems[self.tier(urn).split(":")[0]].add(self.tier(urn))
        for urn in subnets:
            tier = self.tier(urn)
            way, stem = tier.split(":", 1)
            label = f"{way} subnets" if len(stems[way]) == 1 else f"{way} subnets {stem}"
            around = self.vpc(urn) or self.region_box(urn, boxes)
            boxes.setdefault(tier, Box(tier, label, captions[way], way.lower(), around))
            inputs = self.known(urn)
            zone = fill("{availabilityZone}", inputs) or self.resources[urn].name
            boxes[urn] = Box(urn, zone, fill("{cidrBlock}", inputs) or "", "subnet", tier)
        return boxes

    def region_box(self, urn: str, boxes: dict[str, Box]) -> str:
        """The box of the region that a resource is in, or of what is global."""
        region = self.where(urn)
        new = Box(region, f"Region {region}", kind="region") if region else GLOBAL_BOX
        return boxes.setdefault(new.id, new).id

    def box(self, urn: str, boxes: dict[str, Box]) -> str:
        """The innermost box that holds all of a node."""
        subnets = self.placed(urn)
        tiers = {self.tier(s) for s in subnets}
        if len(subnets) == 1 and self.type(urn) == NAT:
            return subnets[0]
        if len(tiers) == 1:
            return tiers.pop()
        vpc = self.vpc(urn) or next((self.vpc(s) for s in subnets), None)
        return vpc or self.region_box(urn, boxes)

    # -- nodes -----------------------------------------------------------------------------------------------------

    def node(self, urn: str, box: str | None) -> Node:
        resource = self.resources[urn]
        look = NODES.get(resource.type) or plain_look(resource.type)
        details = self.all_details(urn)
        by_type = defaultdict(list)
        for detail in details:
            by_type[short_type(self.type(detail))].append(self.known(detail))
        known = self.known(urn)
        if resource.type == "aws:rds/instance:Instance":  # a replica takes its engine from its primary
            for primary in self.deps[urn].get("replicateSourceDb", []):
                known = {"engine": self.known(primary).get("engine"), **known}
        label = fill(look.label, known) or re.sub(r" ?\{[^}]*\} ?", "", look.label)
        caption = [c for c in (fill(t, known, by_type) for t in look.caption) if c]
        keys = sorted({self.resources[k].name for k in self.used(urn) if self.type(k) == KEY})
        tooltip = f"{resource.type} {resource.name}"
        if own := [d for d in details if d in self.details[urn]]:
            tooltip += f", with {len(own)} that configure{'' if len(own) > 1 else 's'} it"
        if keys:
            tooltip += f"; encrypted with {', '.join(keys)}"
        return Node(
            urn, resource.type, words(label), [resource.name], look.category, look.icon, caption, tooltip, keys, box
        )

    def build(self) -> Architecture:
        boxes = self.boxes()
        nodes = [self.node(u, self.box(u, boxes)) for u in self.visible]
        edges = self.edges()
        if self.looked_up(edges):
            names = {n for n, u in self.records.items() if self.arrows["traffic"][u] and not self.inside(u)}
            boxes.setdefault(GLOBAL, GLOBAL_BOX)
            look = NODES["aws:route53/zone:Zone"]
            tooltip = f"records in a zone that the program looks up: {', '.join(sorted(names))}"
            nodes.append(
                Node(FOREIGN_ZONE, "", look.label, sorted(names), look.category, look.icon, [], tooltip, box=GLOBAL)
            )
        nodes, edges = merge(nodes, edges)
        if any(INTERNET in (e.source, e.target) for e in edges):
            nodes.append(Node(INTERNET, INTERNET, "Internet", ["users"], "other", "cloud", tooltip="the internet"))
        used = {n.box for n in nodes} | {e.source for e in edges}
        used |= {u for u, b in boxes.items() if b.kind == "subnet"}
        for box in reversed(list(boxes.values())):
            if box.id in used and box.parent:
                used.add(box.parent)
        for box in list(boxes.values()):  # a box may have been entered after the one it lies in
            while box.parent:
                used.add(box.parent)
                box = boxes[box.parent]
        return Architecture(
            sorted(nodes, key=lambda n: n.id), [b for b in boxes.values() if b.id in used], sorted(edges), self.count
        )


def merge(nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge]]:
    """Draw as one what is many and alike: of a type meant for it, or more than three with no traffic between them."""
    busy = {end for e in edges if e.kind not in ("logs", "uses") for end in (e.source, e.target)}
    alike: dict[tuple[str, str | None], list[Node]] = defaultdict(list)
    for node in nodes:
        look = NODES.get(node.type)
        if (look and look.merge) or node.id not in busy:
            alike[node.type, node.box].append(node)
    renamed: dict[str, str] = {}
    kept = {n.id: n for n in nodes}
    for same in alike.values():
        look = NODES.get(same[0].type)
        if len(same) < (2 if look and look.merge else 4):
            continue
        first = same[0]
        names = sorted({n.caption[0].rsplit(".", 1)[-1] if n.caption else n.names[0] for n in same})
        first.tooltip = f"{first.type} {', '.join(n.names[0] for n in same)}"
        first.count, first.names, first.caption = len(same), names, []
        first.label = f"{len(same)} {plural(first.label)}"
        first.keys = sorted({k for n in same for k in n.keys})
        for node in same[1:]:
            renamed[node.id] = first.id
            del kept[node.id]
    joined: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for edge in edges:
        source, target = renamed.get(edge.source, edge.source), renamed.get(edge.target, edge.target)
        if source != target:
            joined[source, target, edge.kind] |= {edge.label} - {""}
    return list(kept.values()), [Edge(s, t, k, ", ".join(sorted(labels))) for (s, t, k), labels in joined.items()]


def plural(label: str) -> str:
    """`KMS keys`, `Secrets Manager secrets`."""
    if label.endswith("Manager"):
        return f"{label} secrets"
    if label[1:2].islower():
        label = label[0].lower() + label[1:]
    return label if label.endswith("s") else f"{label[:-1]}ies" if label.endswith("ry") else f"{label}s"


def plain_look(type_: str) -> Look:
    """How a type without a row in NODES is shown: its service's name and its own."""
    module = type_.split(":")[1].split("/")[0] if type_.startswith("aws:") else ""
    service, category, icon = SERVICES.get(module, ("", "other", "box"))
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", short_type(type_)).lower()
    return Look(f"{service} {name}".strip(), category, icon)


WORDS = {"mysql": "MySQL", "postgres": "PostgreSQL", "redis": "Redis", "valkey": "Valkey"}


def words(label: str) -> str:
    """A label with product names spelt as their makers do, and a capital at its start."""
    label = " ".join(WORDS.get(w, w) for w in label.split())
    return label[:1].upper() + label[1:]


def lookup(path: str, known: Mapping[str, Any], details: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Any]:
    """The values at a dotted path of a resource, or of its details if the path starts with a type."""
    head, *rest = path.lstrip("#").split(".")
    sources: Sequence[Any] = [known]
    if head[:1].isupper():
        sources, (head, *rest) = details.get(head, ()), rest
    values = []
    for value in sources:
        for part in (head, *rest):
            value = value.get(part) if isinstance(value, Mapping) else None
        if path.startswith("#"):
            value = len(value) if isinstance(value, list) else None
        values.append(value)
    return values


def text(value: Any) -> str | None:
    """A plain value as text; what is unknown, missing or nested has none."""
    if isinstance(value, list):
        items = [text(v) for v in value]
        return ", ".join(i for i in items if i) if items and all(items) else None
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "" else None


def fill(
    template: str, known: Mapping[str, Any], details: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
) -> str | None:
    """A template with its values, or nothing if one of them isn't known."""
    details = details or {}
    for word, wanted in ((" if ", True), (" unless ", False)):
        said, found, path = template.partition(word)
        if found:
            path, compared, value = path.partition("=")
            values = lookup(path, known, details)
            holds = any(v == value if compared else v is True or bool(text(v)) for v in values)
            return said if holds is wanted else None
    paths = re.findall(r"\{([^}]+)\}", template)
    rows = list(zip(*(lookup(p, known, details) for p in paths), strict=False)) if paths else []
    filled: set[str] = set()
    for row in rows:
        texts = [text(v) for v in row]
        if all(t is not None for t in texts):
            filled.add(re.sub(r"\{[^}]+\}", "{}", template).format(*texts))
    return ", ".join(sorted(filled, key=natural)) or None


def natural(value: str) -> list[tuple[int, str]]:
    """A key that sorts 80 before 443."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"(\d+)", value) if p]
