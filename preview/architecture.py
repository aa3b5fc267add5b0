"""What the architecture diagram shows: resources become nodes, boxes and arrows.

Nothing here knows the program. The tables below say for a resource *type* what it is in a picture; which node is
joined to which follows from what was registered (`property_dependencies`). A resource is one of

- a node, with a label, an icon and a caption (`NODES`; without a row there, a plain node: a new tier shows),
- a box that others lie in (VPC and subnet, grouped into tiers by where their routes lead; a cluster, `MEMBERS`),
- an arrow between two others (`LINKS`: a listener, an attachment, a record), or
- a detail of another (`is_detail`: a policy, a rule, a parameter group), which adds to that one's caption and arrows.

Who may use what stands in policies rather than in dependencies, by the names of `ARNS`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from standin.wire import SECRET

if TYPE_CHECKING:
    from standin.mocks import Registration

INTERNET = "internet"
FOREIGN_ZONE = "zone"
"""The node for a hosted zone that the program looks up: its records are the program's, it isn't."""


@dataclass(frozen=True)
class Look:
    """How a type of resource is shown.

    A caption is a list of templates over the resource's properties, dotted where nested and written `Type.property`
    for those of its details, with `#` for how many there are; one that isn't known, or is secret, leaves its template
    out. In a list of names and values, a name is as good as a property. `text if prop` and `text unless prop` show
    the text by a flag, or by a value: `text if prop=*ARM*`.
    """

    label: str
    category: str
    icon: str
    caption: tuple[str, ...] = ()
    merge: bool = False  # several in the same place are drawn as one


@dataclass(frozen=True)
class Link:
    """An arrow that a type of resource stands for: from what `source` refers to, to what `target` refers to.

    An empty name is the resource itself; of what a property refers to, `of` names the types that count.
    """

    source: str
    target: str
    kind: str = "traffic"
    label: str = ""
    of: tuple[str, ...] = ()


# Kinds of arrows, in the order of the legend.
KINDS = {
    "traffic": "traffic",
    "replication": "replication",
    "data": "data for analytics",
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
    "cloudformation": ("CloudFormation", "management", "code"),
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
    "aws:cloudtrail/trail:Trail": Look(
        "CloudTrail",
        "management",
        "log",
        (
            "all regions if isMultiRegionTrail",
            "one region unless isMultiRegionTrail",
            "validated if enableLogFileValidation",
        ),
    ),
    "aws:cloudwatch/logGroup:LogGroup": Look("Log group", "management", "log", merge=True),
    "aws:codebuild/project:Project": Look(
        "CodeBuild", "developer", "code", ("not privileged unless environment.privilegedMode",)
    ),
    "aws:codecommit/repository:Repository": Look(
        "CodeCommit repository", "developer", "code", ("{repositoryName}", "{#ApprovalRuleTemplate} approval rules")
    ),
    "aws:codepipeline/pipeline:Pipeline": Look("CodePipeline", "developer", "code", ("{stages.name}",)),
    "aws:ec2/internetGateway:InternetGateway": Look("Internet gateway", "network", "gateway"),
    "aws:ec2/natGateway:NatGateway": Look("NAT gateway", "network", "gateway"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Look("VPC endpoint", "network", "gateway", ("{serviceName}",), merge=True),
    "aws:ecr/repository:Repository": Look("ECR repository", "containers", "container", merge=True),
    "aws:eks/cluster:Cluster": Look(
        "EKS control plane",
        "containers",
        "container",
        (
            "Kubernetes {version}",
            "public endpoint if vpcConfig.endpointPublicAccess",
            "private endpoint unless vpcConfig.endpointPublicAccess",
            "{#Addon} add-ons",
        ),
    ),
    "aws:eks/nodeGroup:NodeGroup": Look(
        "EKS node group",
        "containers",
        "servers",
        (
            "{scalingConfig.minSize} to {scalingConfig.maxSize} {instanceTypes}",
            "on demand if capacityType=ON_DEMAND",
            "spot if capacityType=SPOT",
            "arm64 if amiType=*_ARM_64*",
            "x86_64 if amiType=*_x86_64*",
            "IMDSv2 if LaunchTemplate.metadataOptions.httpTokens=required",
        ),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Look(
        "ElastiCache {engine}",
        "database",
        "database",
        (
            "{numCacheClusters} x {nodeType}",
            "{numNodeGroups} shards of {nodeType}",
            "Multi-AZ if multiAzEnabled",
            "encrypted if atRestEncryptionEnabled",
        ),
    ),
    "aws:elasticbeanstalk/environment:Environment": Look(
        "Elastic Beanstalk",
        "compute",
        "servers",
        (
            "{settings.MinSize} to {settings.MaxSize} {settings.InstanceTypes}",
            "IMDSv2 if settings.DisableIMDSv1=true",
        ),
    ),
    "aws:elb/loadBalancer:LoadBalancer": Look(
        "Classic Load Balancer", "network", "balancer", ("internal if internal", "internet-facing unless internal")
    ),
    "aws:emr/cluster:Cluster": Look("EMR cluster", "analytics", "servers", ("{releaseLabel}", "{applications}")),
    "aws:emr/securityConfiguration:SecurityConfiguration": Look("EMR, a cluster each run", "analytics", "servers"),
    "aws:glue/catalogDatabase:CatalogDatabase": Look("Glue catalog", "analytics", "chart"),
    "aws:grafana/workspace:Workspace": Look(
        "Managed Grafana", "management", "chart", ("Grafana {grafanaVersion}", "{authenticationProviders}")
    ),
    "aws:kms/key:Key": Look("KMS key", "security", "key", merge=True),
    "aws:lb/loadBalancer:LoadBalancer": Look(
        "{loadBalancerType} Load Balancer",
        "network",
        "balancer",
        ("internal if internal", "internet-facing unless internal", "{Listener.protocol} {Listener.port}"),
    ),
    "aws:quicksight/dataSet:DataSet": Look("QuickSight data set", "analytics", "chart", ("{importMode}",)),
    "aws:quicksight/dataSource:DataSource": Look(
        "QuickSight data source",
        "analytics",
        "chart",
        ("{type}", "TLS unless sslProperties.disableSsl"),
    ),
    "aws:quicksight/vpcConnection:VpcConnection": Look("QuickSight VPC connection", "analytics", "gateway"),
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
    "aws:sqs/queue:Queue": Look(
        "SQS queue", "integration", "queue", ("FIFO if fifoQueue", "dead letters set aside if #Queue"), merge=True
    ),
    "aws:wafv2/webAcl:WebAcl": Look("WAF web ACL", "security", "shield", ("{scope}", "{#rules} rules")),
}

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
KEY = "aws:kms/key:Key"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
EMR_CLUSTER = "aws:emr/cluster:Cluster"
DATABASE = "aws:rds/instance:Instance"
INSTANCE_PROFILE = "aws:iam/instanceProfile:InstanceProfile"
SCHEDULE = "aws:scheduler/schedule:Schedule"
STATE_MACHINE = "aws:sfn/stateMachine:StateMachine"
EMR_SECURITY = "aws:emr/securityConfiguration:SecurityConfiguration"
QUEUE = "aws:sqs/queue:Queue"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105  a type
OBJECTS = ("aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2")
LOAD_BALANCERS = ("aws:lb/loadBalancer:LoadBalancer", "aws:elb/loadBalancer:LoadBalancer")

# Types whose resources lie in a box together with what one of their properties refers to, and what that box is called.
MEMBERS = {"aws:eks/nodeGroup:NodeGroup": ("clusterName", "EKS cluster")}

# Service and resource of a type's ARNs, as policies write them.
ARNS = {
    "aws:athena/workgroup:Workgroup": ("athena", "workgroup/{name}"),
    "aws:ecr/repository:Repository": ("ecr", "repository/{name}"),
    "aws:glue/catalogDatabase:CatalogDatabase": ("glue", "database/{name}"),
    "aws:iam/role:Role": ("iam", "role/{name}"),
    "aws:s3/bucket:Bucket": ("s3", "{bucket}"),
    "aws:secretsmanager/secret:Secret": ("secretsmanager", "secret:{name}-??????", "secret:{namePrefix}"),
    QUEUE: ("sqs", "{name}"),
}

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
    "aws:cloudwatch/eventRule:EventRule": (Link("eventPattern", ""),),
    "aws:cloudwatch/eventTarget:EventTarget": (Link("rule", "arn"),),
    "aws:codebuild/project:Project": (Link("", "logsConfig", "logs"),),
    "aws:codepipeline/pipeline:Pipeline": (Link("", "stages", of=("aws:codebuild/project:Project",)),),
    "aws:cloudtrail/trail:Trail": (Link("", "s3BucketName", "logs"), Link("", "cloudWatchLogsGroupArn", "logs")),
    "aws:ec2/flowLog:FlowLog": (Link("vpcId", "logDestination", "logs"),),
    "aws:elasticache/replicationGroup:ReplicationGroup": (Link("", "logDeliveryConfigurations", "logs"),),
    "aws:elasticbeanstalk/environment:Environment": (
        Link("settings", "", label="{settings.PathPatterns}", of=LOAD_BALANCERS),
    ),
    "aws:elb/attachment:Attachment": (Link("elb", "instance"),),
    "aws:elb/loadBalancer:LoadBalancer": (Link("", "instances"), Link("", "accessLogs", "logs")),
    "aws:lb/listener:Listener": (Link("loadBalancerArn", ""), Link("", "defaultActions")),
    "aws:lb/listenerRule:ListenerRule": (
        Link("listenerArn", "", label="{conditions.pathPattern.values}"),
        Link("", "actions"),
    ),
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
    r"VpcOrigin|NetworkAcl|DhcpOptions|Metric|Schedule|ScheduleGroup|Hook|LifecyclePolicy|User|UserGroup|Object|Objectv2|ObjectCopy|"
    r"EncryptionByDefault|DefaultKmsKey|ApprovalRuleTemplate|EventTarget)$"
)
DETAIL_MODULES = (
    "aws:elasticbeanstalk/application:",
    "aws:elasticbeanstalk/configurationTemplate:",
    "aws:grafana/workspaceServiceAccount",
    "aws:iam/",
    "grafana:",
    "random:",
    "pulumi:",
    "tls:",
    "time:",
    "command:",
)


WATCHES = re.compile(r"(MetricAlarm|CompositeAlarm|Dashboard)$")
"""Details that look at others: that is no use that an arrow would tell of."""


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
    component: str = ""  # the program's own name for what it belongs to
    count: int = 1


@dataclass
class Box:
    """A box in the picture, in another one."""

    id: str
    label: str
    caption: str = ""
    kind: str = ""
    parent: str | None = None


CLUSTER = "members of "
"""What the id of a cluster's box begins with."""
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
        self.count = sum(r.custom and not r.read for r in registrations)
        shown = [r for r in registrations if r.custom or r.type in NODES]
        self.resources = {r.urn: r for r in sorted(shown, key=lambda r: r.urn)}
        self.components = {r.urn: r for r in registrations if not r.custom}
        self.deps: dict[str, dict[str, list[str]]] = {
            u: {p: sorted(d for d in ds if d in self.resources and d != u) for p, ds in r.property_dependencies.items()}
            for u, r in self.resources.items()
        }
        self.add_transient_clusters()
        # A queue for dead letters is a detail of the queue that they come from.
        self.dead_letters = {
            d: u for u, r in self.resources.items() if r.type == QUEUE for d in self.deps[u].get("redrivePolicy", ())
        }
        for urn, resource in self.resources.items():
            started = self.deps[urn].get("target", ()) if resource.type == SCHEDULE else ()
            if any(self.type(s) == STATE_MACHINE for s in started):  # and what could not be started goes to the queue
                self.dead_letters |= {queue: urn for queue in started if self.type(queue) == QUEUE}
        self.visible = [u for u, r in self.resources.items() if r.type not in (VPC, SUBNET) and not self.is_detail(u)]
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
                for source in self.ends(urn, link.source, link.of):
                    for target in self.ends(urn, link.target, link.of):
                        self.arrows[link.kind][source].append((target, label or ""))
        self.clusters: dict[str, str] = {}
        for urn in self.visible:
            property_, _ = MEMBERS.get(self.type(urn), ("", ""))
            for cluster in self.deps[urn].get(property_, ()):
                self.clusters[urn] = self.clusters[cluster] = cluster
        self.details = self.owned()
        self.grants = self.granted()

    def type(self, urn: str) -> str:
        return self.resources[urn].type

    def is_detail(self, urn: str) -> bool:
        return is_detail(self.type(urn)) or urn in self.dead_letters or urn in self.of_clusters

    def add_transient_clusters(self) -> None:
        """Clusters that come and go with a run are no resources: how they are secured stands for them, with the
        groups and the profile that their component has ready, and the subnets and databases that it tells them of."""
        beside: dict[str | None, list[str]] = defaultdict(list)
        for urn, resource in self.resources.items():
            beside[resource.parent].append(urn)
            started = [d for d in resource.dependencies if d in self.resources and self.type(d) == EMR_SECURITY]
            if resource.type == STATE_MACHINE:
                self.deps[urn]["starts"] = started
        self.of_clusters = set()
        for urn in (u for u in self.resources if self.type(u) == EMR_SECURITY):
            siblings = beside[self.resources[urn].parent]
            if any(self.type(s) == EMR_CLUSTER for s in siblings):
                self.of_clusters.add(urn)
                continue
            self.deps[urn]["members"] = [s for s in siblings if self.type(s) in (SECURITY_GROUP, INSTANCE_PROFILE)]
            told = {t for s in siblings if self.type(s) in OBJECTS for t in self.targets(s)}
            self.deps[urn]["told"] = sorted(t for t in told if self.type(t) in (SUBNET, DATABASE))

    def ends(self, urn: str, property_: str, types: Sequence[str] = ()) -> list[str]:
        """What a property refers to, by what it was made from or a record's name; without one, the resource itself."""
        if not property_:
            return [urn]
        if types:
            return [d for d in self.deps[urn].get(property_, ()) if self.type(d) in types]
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
        """A resource's inputs without what is secret."""
        return self.resources[urn].shown

    # -- details ---------------------------------------------------------------------------------------------------

    def owned(self) -> dict[str, list[str]]:
        """For each resource the details that configure it: a bucket's versioning, a role's policies."""
        used = {d for deps in self.deps.values() for ds in deps.values() for d in ds}
        details = defaultdict(list)
        for urn, resource in self.resources.items():
            if not self.is_detail(urn):
                continue
            links = LINKS.get(resource.type, ())
            owner = self.dead_letters.get(urn)
            if owner is None:
                owner = next((end for link in links if link.source for end in self.ends(urn, link.source)), None)
            if owner is None and urn not in used:
                owner = next(
                    iter(sorted(self.targets(urn), key=lambda t: (not self.named_after(urn, t), self.is_detail(t), t))),
                    None,
                )
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
            if item in seen or not self.is_detail(item) or self.type(item) == SECURITY_GROUP:
                continue
            seen.append(item)
            todo += [*self.details[item], *sorted(self.targets(item))]
        return seen

    # -- arrows ----------------------------------------------------------------------------------------------------

    def reach(self, start: str, kind: str) -> Iterator[tuple[str, str]]:
        """The nodes that arrows of a kind lead to, through what isn't shown, and the last label on the way there."""
        todo, seen = [(start, "")], {(start, "")}
        while todo:
            source, before = todo.pop()
            for target, own in self.arrows[kind][source]:
                found = (target, own or before)
                if found in seen:
                    continue
                seen.add(found)
                if self.is_detail(target):
                    todo.append(found)
                else:
                    yield found

    def groups(self, urn: str) -> set[str]:
        """The security groups a node is a member of, itself or through its launch template."""
        targets = self.targets(urn)
        templates = [t for t in targets if short_type(self.type(t)).startswith("Launch")]
        targets = targets.union(*(self.targets(t) for t in templates))
        groups = {t for t in targets if self.type(t) == SECURITY_GROUP}
        # What names a load balancer to come after may name that one's groups as well: they aren't its own.
        balancers = [t for t in targets if self.type(t) in LOAD_BALANCERS]
        return groups.difference(*(self.targets(b) for b in balancers))

    def edges(self) -> list[Edge]:
        found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for kind in ("traffic", "replication", "guard", "logs"):
            for urn in [*self.visible, *(u for u in self.resources if self.type(u) == VPC), FOREIGN_ZONE]:
                for target, label in self.reach(urn, kind):
                    if target != urn and self.type(target) not in (VPC, SUBNET):
                        found[urn, target][kind].add(label)
        members = defaultdict(list)
        for urn in self.visible:
            for group in sorted(self.groups(urn)):
                members[group].append(urn)
        for group in sorted(members):
            for other, label in self.arrows["group"][group]:
                for source in members[group]:
                    for target in members[other]:
                        if self.clusters.get(source, source) != self.clusters.get(target, target):
                            found[source, target]["traffic"].add(label)
        # A replica is reached the way its primary is: one arrow to the primary and one on to the replica say it.
        through: set[tuple[str, str]] = set()
        primaries = {t: s for (s, t), kinds in found.items() if "replication" in kinds}
        for (source, target), kinds in found.items():
            if primaries.get(target) not in (None, source) and "traffic" in found.get((source, primaries[target]), {}):
                kinds.pop("traffic", None)
                through.add((source, target))
        for subnet in (u for u in self.resources if self.type(u) == SUBNET):
            for gateway, _ in self.reach(subnet, "route"):
                if self.type(gateway) == NAT:
                    found[subnet, gateway]["egress"]
        for nat in (u for u in self.visible if self.type(u) == NAT):
            for subnet in self.placed(nat):
                for gateway, _ in self.reach(subnet, "route"):
                    found[nat, gateway]["egress"]
        for urn in self.visible:
            for target in self.used(urn):
                if (
                    self.type(target) != KEY
                    and self.clusters.get(urn, urn) != self.clusters.get(target, target)
                    and ((urn, target) not in through or target in self.deps[urn].get("told", ()))
                    and not any(found.get((urn, target), {}))
                    and not any(found.get((target, urn), {}))
                ):
                    found[urn, target]["data" if self.is_data(urn, target) else "uses"]
        edges = [Edge(s, t, k, said(labels)) for (s, t), kinds in found.items() for k, labels in kinds.items()]
        return [*edges, *self.entries(edges), *([Edge(INTERNET, FOREIGN_ZONE, "traffic")] * self.looked_up(edges))]

    def is_data(self, urn: str, target: str) -> bool:
        """Whether what a node uses is the data that it is there for."""
        categories = [(NODES.get(self.type(u)) or plain_look(self.type(u))).category for u in (urn, target)]
        return categories[0] == "analytics" and categories[1] in ("analytics", "database", "storage")

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
                or (type_ in LOAD_BALANCERS and inputs.get("internal") is not True)
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
        )
        seen: set[str] = set()
        todo = [*self.details[urn], *self.targets(urn)]
        found = set()
        while todo:
            item = todo.pop()
            if (
                item in seen
                or item == urn
                or self.type(item) in (VPC, SUBNET, *skip)
                or WATCHES.search(self.type(item))
            ):
                continue
            seen.add(item)
            if self.type(item) == SECRET_VERSION:  # what is in a secret is for others to use
                todo += self.deps[item].get("secretId", ())
            elif self.type(item) in OBJECTS:  # what is in an object as well
                todo += self.deps[item].get("bucket", ())
            elif self.is_detail(item):
                todo += [*self.details[item], *self.targets(item), *self.grants[item]]
                todo += [self.dead_letters[item]] if item in self.dead_letters else []
            else:
                found.add(item)
        return sorted(found)

    def granted(self) -> dict[str, list[str]]:
        """What each policy and role lets its holder use, by the ARNs in policies.

        A policy of a role names resources. A policy of a resource names roles, as principals or as exempt from a
        denial.
        """
        known: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for urn, resource in self.resources.items():
            service, *names = ARNS.get(resource.type, ("",))
            known[service] += [(name, urn) for t in names if (name := fill(t, self.known(urn)))]

        def named(value: Any) -> Iterator[str]:
            for arn in re.findall(r'"arn:([^"]+)"', json.dumps(value)):
                _, service, region, _, resource = (arn.split(":", 4) + [""] * 4)[:5]
                pattern = resource.split("/")[0] if service == "s3" else resource
                if re.sub(r"^[a-z]+[/:]", "", pattern) in ("", "*"):
                    continue  # everything there is, and so nothing to show
                found = [
                    urn
                    for name, urn in known[service]
                    if fnmatchcase(name, pattern) and region in ("", "*", self.where(urn))
                ]
                if len(found) == 1 or len(found) < len(known[service]):  # else it is as good as everything
                    yield from found

        grants: dict[str, list[str]] = defaultdict(list)
        for urn in self.resources:
            for statement in statements(self.known(urn).get("policy")):
                allows = statement.get("Effect") == "Allow"
                grants[urn] += named(statement.get("Resource")) if allows else ()
                conditions = statement.get("Condition") or {}
                exempt = [values for operator, values in conditions.items() if "Not" in operator]
                for role in named(statement.get("Principal") if allows else exempt):
                    grants[role] += [t for t in self.targets(urn) if not self.is_detail(t)]
        return grants

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
        gateways = {self.type(g) for g, _ in self.reach(subnet, "route")}
        way = "Public" if GATEWAY in gateways else "Private" if NAT in gateways else self.read_way(subnet)
        resource = self.resources[subnet]
        zone = resource.inputs.get("availabilityZone")
        names = [re.escape(e) for e in (zone, zone[-1:]) if e] if isinstance(zone, str) else []
        stem = re.sub(f"[-_]?({'|'.join([*names, '[0-9]+'])})$", "", resource.name)
        return f"{way}:{stem}"

    def read_way(self, subnet: str) -> str:
        """Which way out a subnet of others has, whose route table is only read."""
        tables = [self.resources[table] for table, _ in self.arrows["route"][subnet] if self.resources[table].read]
        if any(not isinstance(table.inputs.get("routes"), list) for table in tables):
            return "Unknown"
        gateways = [str(v) for t in tables for route in t.inputs["routes"] for v in route.values()]
        if any(gateway.startswith("igw-") for gateway in gateways):
            return "Public"
        return "Private" if any(gateway.startswith(("nat-", "tgw-")) for gateway in gateways) else "Isolated"

    def boxes(self) -> dict[str, Box]:
        boxes = {self.region: Box(self.region, f"Region {self.region}", kind="region")}
        for urn in (u for u in self.resources if self.type(u) == VPC):
            inputs = self.known(urn)
            logged = any("FlowLog" in self.type(d) for d in self.details[urn])
            caption = " · ".join(x for x in (fill("{cidrBlock}", inputs), "flow logs" if logged else None) if x)
            boxes[urn] = Box(urn, f"VPC {self.resources[urn].name}", caption, "vpc", self.region_box(urn, boxes))
        captions = {"Public": "routed to the internet", "Private": "out through NAT", "Isolated": "no way out"}
        captions["Unknown"] = "as its routes lead, which only AWS knows"
        subnets = [u for u in self.resources if self.type(u) == SUBNET]
        subnets.sort(key=lambda u: (list(captions).index(self.tier(u).split(":")[0]), u))
        stems = defaultdict(set)
        for urn in subnets:
            stems[self.tier(urn).split(":")[0]].add(self.tier(urn))
        for urn in subnets:
            tier = self.tier(urn)
            way, stem = tier.split(":", 1)
            label = f"{way} subnets" if len(stems[way]) == 1 else f"{way} subnets {stem}"
            around = self.vpc(urn) or self.read_vpc(urn, boxes) or self.region_box(urn, boxes)
            kind = "isolated" if way == "Unknown" else way.lower()
            boxes.setdefault(tier, Box(tier, label, captions[way], kind, around))
            inputs = self.known(urn)
            zone = fill("{availabilityZone}", inputs) or self.resources[urn].name
            boxes[urn] = Box(urn, zone, fill("{cidrBlock}", inputs) or "", "subnet", tier)
        return boxes

    def read_vpc(self, subnet: str, boxes: dict[str, Box]) -> str | None:
        """The box of the VPC that a subnet of others is in."""
        id = self.resources[subnet].inputs.get("vpcId")
        if not self.resources[subnet].read or not isinstance(id, str):
            return None
        return boxes.setdefault(id, Box(id, f"VPC {id}", "of others", "vpc", self.region_box(subnet, boxes))).id

    def region_box(self, urn: str, boxes: dict[str, Box]) -> str:
        """The box of the region that a resource is in, or of what is global."""
        region = self.where(urn)
        new = Box(region, f"Region {region}", kind="region") if region else GLOBAL_BOX
        return boxes.setdefault(new.id, new).id

    def box(self, urn: str, boxes: dict[str, Box]) -> str:
        """The innermost box that holds all of a node."""
        cluster = self.clusters.get(urn)
        if cluster is None:
            return self.around(urn, boxes)
        label = next(MEMBERS[self.type(m)][1] for m, c in self.clusters.items() if c == cluster and m != cluster)
        new = Box(f"{CLUSTER}{cluster}", label, self.called(cluster), "cluster", self.around(cluster, boxes))
        return boxes.setdefault(new.id, new).id

    def around(self, urn: str, boxes: dict[str, Box]) -> str:
        """The innermost box of the network, or the region, that holds all of a node."""
        subnets = self.placed(urn)
        tiers = {self.tier(s) for s in subnets}
        if len(subnets) == 1 and self.type(urn) == NAT:
            return subnets[0]
        if len(tiers) == 1:
            return tiers.pop()
        vpc = self.vpc(urn) or next((self.vpc(s) or self.read_vpc(s, boxes) for s in subnets), None)
        return vpc or self.region_box(urn, boxes)

    # -- nodes -----------------------------------------------------------------------------------------------------

    def called(self, urn: str) -> str:
        """A resource's name; what a remote component made goes by the name that the program gave to that."""
        resource = self.resources[urn]
        parent = self.components.get(resource.parent or "")
        return parent.name if parent and parent.remote else resource.name

    def node(self, urn: str, box: str | None) -> Node:
        resource = self.resources[urn]
        look = NODES.get(resource.type) or plain_look(resource.type)
        details = self.all_details(urn)
        by_type = defaultdict(list)
        for detail in details:
            by_type[short_type(self.type(detail))].append(self.known(detail))
        known = self.known(urn)
        if resource.type == DATABASE:  # a replica takes its engine from its primary
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
            urn,
            resource.type,
            words(label),
            [self.called(urn)],
            look.category,
            look.icon,
            caption,
            tooltip,
            keys,
            box,
            self.component(urn),
        )

    def component(self, urn: str) -> str:
        """The outermost component that a resource belongs to."""
        outermost = ""
        parent = self.components.get(self.resources[urn].parent or "")
        while parent:
            outermost, parent = parent.name, self.components.get(parent.parent or "")
        return outermost

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
        edges = bundle(nodes, edges)
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
    """Draw as one what is many and alike: of a type meant for it, or more than three of one component with no traffic
    between them."""
    busy = {end for e in edges if e.kind not in ("logs", "uses") for end in (e.source, e.target)}
    alike: dict[tuple[str, str | None, str], list[Node]] = defaultdict(list)
    for node in nodes:
        look = NODES.get(node.type)
        if look and look.merge:
            alike[node.type, node.box, ""].append(node)
        elif node.id not in busy:
            alike[node.type, node.box, node.component].append(node)
    renamed: dict[str, str] = {}
    kept = {n.id: n for n in nodes}
    for same in alike.values():
        look = NODES.get(same[0].type)
        if len(same) < (2 if look and look.merge else 4):
            continue
        first = same[0]
        told = look and look.caption[:1] == ("{serviceName}",)  # what it is for says more than its name
        names = sorted({n.caption[0].rsplit(".", 1)[-1] if told and n.caption else n.names[0] for n in same})
        first.tooltip = f"{first.type} {', '.join(n.names[0] for n in same)}"
        first.count, first.names = len(same), names
        first.caption = [c for c in first.caption if all(c in n.caption for n in same)]
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
    return list(kept.values()), [Edge(s, t, k, said(labels)) for (s, t, k), labels in joined.items()]


def bundle(nodes: list[Node], edges: list[Edge]) -> list[Edge]:
    """Draw as one, at the box of a cluster, the arrows that all of its members have, and what any of it uses."""
    inside = {n.id: n.box for n in nodes if n.box and n.box.startswith(CLUSTER)}
    members: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        if node.id in inside and node.type in MEMBERS:
            members[inside[node.id]].add(node.id)
    shared: dict[tuple[str, str, str, bool], set[str]] = defaultdict(set)
    for edge in edges:
        shared[edge.target, edge.kind, edge.label, True].add(edge.source)
        shared[edge.source, edge.kind, edge.label, False].add(edge.target)

    def end(edge: Edge, own: str, other: str, out: bool) -> str:
        box = inside.get(own)
        if box is None or inside.get(other) == box:
            return own
        same = shared[other, edge.kind, edge.label, out]
        return box if edge.kind == "uses" or (len(members[box]) > 1 and members[box] <= same) else own

    return sorted(
        {Edge(end(e, e.source, e.target, True), end(e, e.target, e.source, False), e.kind, e.label) for e in edges}
    )


def said(labels: Iterable[str]) -> str:
    """The labels of one arrow: paths, then ports."""
    ordered = sorted({x for x in labels if x}, key=natural)
    kinds = [x for x in ordered if not x.isdigit()], [x for x in ordered if x.isdigit()]
    return " · ".join(", ".join(k) for k in kinds if k)


def statements(policy: Any) -> list[dict[str, Any]]:
    """The statements of a policy document, if it is one and known."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else None
    except ValueError:
        return []
    found = document.get("Statement") if isinstance(document, dict) else None
    return [s for s in (found if isinstance(found, list) else [found]) if isinstance(s, dict)]


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
        sources = details.get(head, ())
        if not rest:
            return [len(sources) or None]
        head, *rest = rest
    values = []
    for value in sources:
        for part in (head, *rest):
            value = step(value, part)
        if path.startswith("#"):
            value = len(value) if isinstance(value, list) else None
        values.append(value)
    return values


def step(value: Any, part: str) -> Any:
    """What a property holds; of a list, what its items hold, or the value of the one that has that name."""
    if not isinstance(value, list):
        return value.get(part) if isinstance(value, Mapping) else None
    items = [v for v in value if isinstance(v, Mapping)]
    found = [v.get("value") if v.get("name") == part else v.get(part) for v in items]
    found = [f for f in found if f is not None]
    return found[0] if len(found) == 1 else found or None


def text(value: Any) -> str | None:
    """A plain value as text; what is unknown, missing or nested has none."""
    if isinstance(value, list):
        items = [text(v) for v in value]
        return ", ".join(i for i in items if i) if items and all(items) else None
    plain = isinstance(value, (str, int, float)) and not isinstance(value, bool) and value not in ("", SECRET)
    return str(value) if plain else None


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
            shown = [text(v) or "" for v in values]
            holds = any(
                fnmatchcase(t, value) if compared else v is True or bool(t) for v, t in zip(values, shown, strict=True)
            )
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
