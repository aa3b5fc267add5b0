"""Kubernetes tier: an EKS cluster, its add-ons, its managed node groups, and what its pods may reach."""

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, get_args

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
from pydantic import Field, StringConstraints, field_validator

from .common import (
    NAME,
    PACKAGE,
    Args,
    Refusal,
    RetentionDays,
    architecture,
    check_name,
    create_role,
    location,
    physical_name,
    policy_document,
    service_trust,
    tags,
)
from .data import DataServices
from .loadbalancing import ApplicationLoadBalancer, HealthCheckArgs, TargetRoute
from .network import Subnets, allow, https_out, security_group
from .observability import Alarm, Watched, watch
from .security import EncryptionKey

ENDPOINTS = frozenset({"ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "monitoring", "sts"})
"""Interface endpoints that nodes need where they have no NAT (EKS user guide, "private clusters"): without them no
node joins, no image is pulled, and no pod gets its role's credentials."""

_PATHS = ("/services/*",)
_PRIORITY = 20000

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=20)]
DnsLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
"""A Kubernetes namespace (RFC 1123 label)."""
DnsName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
"""A Kubernetes service account (RFC 1123 subdomain)."""
LabelKey = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$")
]
LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$")]
InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.(medium|metal|\d*x?large)$")]
"""An EC2 instance type; below `medium` too few addresses are left for pods."""
AddonName = Literal[
    "amazon-cloudwatch-observability",
    "aws-ebs-csi-driver",
    "coredns",
    "eks-pod-identity-agent",
    "kube-proxy",
    "metrics-server",
    "vpc-cni",
]

# Without these a node isn't ready or a pod has no credentials, so the first node waits for them; the agent comes
# first of all, because the CNI takes its credentials from it.
_AGENT: AddonName = "eks-pod-identity-agent"
_BEFORE_NODES: tuple[AddonName, ...] = ("kube-proxy", "vpc-cni")
_REQUIRED: tuple[AddonName, ...] = (_AGENT, *_BEFORE_NODES, "coredns")
_CONFIGURATION: dict[AddonName, dict[str, Any]] = {
    "vpc-cni": {"enableNetworkPolicy": "true"},
    # Metrics and logs; without this the agent also collects traces, which its role may not send, and from version 5 on
    # the operator instruments every service that starts, so that it sends some.
    "amazon-cloudwatch-observability": {
        "agent": {
            "config": {
                "logs": {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}},
            }
        },
        "manager": {"applicationSignals": {"autoMonitor": {"monitorAllServices": False}}},
    },
}
# The service accounts of those add-ons that call AWS.
_ADDON_ACCOUNTS: dict[AddonName, tuple[str, str]] = {
    "amazon-cloudwatch-observability": ("amazon-cloudwatch", "cloudwatch-agent"),
    "aws-ebs-csi-driver": ("kube-system", "ebs-csi-controller-sa"),
    "vpc-cni": ("kube-system", "aws-node"),
}
_NO_CLUSTER = '{"apiVersion": "v1", "kind": "Config"}'
_INSIGHTS: AddonName = "amazon-cloudwatch-observability"
_CLUSTER_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_INSIGHTS_LOGS = ("application", "dataplane", "host", "performance")
# Ports on nodes and pods that the control plane connects to: kubelet, metrics-server as add-on, and the webhooks of
# the CloudWatch operator and of the usual controllers.
_FROM_CONTROL_PLANE = (443, 4443, 6443, 8443, 9443, 10250, 10251)
_RESERVED_DOMAINS = ("kubernetes.io", "k8s.io", "eks.amazonaws.com")
_PERMITTED_DOMAINS = ("node.kubernetes.io", "kubelet.kubernetes.io")


class AddonArgs(Args):
    """An EKS add-on."""

    version: Annotated[str, StringConstraints(pattern=r"^v\d+\.\d+\.\d+-eksbuild\.\d+$")] | None = None
    """Version, such as `v1.20.4-eksbuild.1`; none takes EKS's default for the Kubernetes version, once."""
    configuration: dict[str, Any] = Field(default_factory=dict)
    """Settings of the add-on's own, by its schema (`aws eks describe-addon-configuration`), over the component's."""


class AccessEntryArgs(Args):
    """Who may use the Kubernetes API, and how far."""

    principal_arn: Annotated[str, StringConstraints(pattern=r"^arn:aws[\w-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+$")]
    """IAM role or user."""
    policy: Literal[
        "AmazonEKSClusterAdminPolicy",
        "AmazonEKSAdminPolicy",
        "AmazonEKSAdminViewPolicy",
        "AmazonEKSEditPolicy",
        "AmazonEKSViewPolicy",
    ] = "AmazonEKSViewPolicy"
    """One of EKS's access policies."""
    namespaces: list[DnsLabel] = Field(default_factory=list, max_length=100)
    """Namespaces that the policy holds in; none is the whole cluster."""

    def refusals(self) -> Iterator[Refusal]:
        if ":role/aws-service-role/" in self.principal_arn:
            yield Refusal(("principal_arn",), "EKS takes no service-linked role as principal of an access entry")


class ServiceAccountArgs(Args):
    """A Kubernetes service account whose pods reach the platform's data."""

    namespace: DnsLabel
    """Namespace of the service account and its pods."""
    service_account: DnsName
    """The service account, which need not exist yet."""


class TaintArgs(Args):
    """A taint that keeps pods off nodes unless they tolerate it."""

    value: LabelValue = ""
    """What a toleration has to name beside the key."""
    effect: Literal["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"] = "NO_SCHEDULE"
    """NO_EXECUTE also takes away pods that are there already."""


class NodeGroupArgs(Args):
    """A managed node group: EC2 instances of one architecture, in private subnets, that EKS starts and replaces."""

    capacity: Literal["ON_DEMAND", "SPOT"] = "ON_DEMAND"
    """Spot instances cost less and may be taken away within two minutes: name several instance types for them."""
    instance_types: list[InstanceType] = Field(default=["t4g.large"], min_length=1, max_length=20)
    """Instance types (EKS: at most 20), all arm64 or all x86_64; the image follows from them."""
    min_size: int = Field(default=2, ge=0, le=450)
    """Nodes at the least. Whoever changes the limits of a group that scales says to EKS first how many nodes it is to
    have: docs/operations.md."""
    max_size: int = Field(default=4, ge=1, le=450)
    """Nodes at the most (EKS: 450 in a node group)."""
    desired_size: int | None = Field(default=None, ge=0, le=450)
    """Nodes at first; none is min_size. A change of it later is left to whatever scales the group."""
    max_unavailable: int = Field(default=1, ge=1, le=100)
    """Nodes that an upgrade replaces at a time (EKS: 1 to 100)."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=50)
    """Kubernetes labels of the nodes."""
    taints: dict[LabelKey, TaintArgs] = Field(default_factory=dict, max_length=50)
    """Taints of the nodes, by key (EKS: at most 50)."""
    volume_size_gib: int = Field(default=50, ge=20, le=16384)
    """Root volume, which holds images and the pods' own files, in GiB (gp3)."""
    metadata_hop_limit: int = Field(default=1, ge=1, le=64)
    """Network hops that an answer of the instance metadata service survives. With 1 only the node itself can ask for
    the node's credentials, and a pod has those of its own service account alone; 2 lets every pod have the node's."""

    def refusals(self) -> Iterator[Refusal]:
        if len({architecture(instance_type) for instance_type in self.instance_types}) > 1:
            yield Refusal(("instance_types",), "mixes arm64 and x86_64, which no image serves both")
        yield from self.repeated("instance_types")
        if self.max_size < self.min_size:
            yield Refusal(("max_size",), f"is below min_size ({self.min_size})")
        if self.desired_size is not None and not self.min_size <= self.desired_size <= self.max_size:
            yield Refusal(("desired_size",), f"is not between min_size ({self.min_size}) and max_size")
        for field in ("labels", "taints"):
            for key in getattr(self, field):
                domain = key.rpartition("/")[0]
                if _within(domain, _RESERVED_DOMAINS) and not _within(domain, _PERMITTED_DOMAINS):
                    yield Refusal((field, key), f"{domain!r} is reserved: a kubelet with such a label doesn't start")

    @property
    def first_size(self) -> int:
        """How many nodes there are at first."""
        return self.min_size if self.desired_size is None else self.desired_size

    @property
    def takes_any_pod(self) -> bool:
        """Whether pods without tolerations find a node here at first."""
        return self.first_size > 0 and all(taint.effect == "PREFER_NO_SCHEDULE" for taint in self.taints.values())


class KubernetesAlarms(Args):
    """What of nodes and pods is a fault. A threshold of null leaves its alarm out. Without the add-on
    `amazon-cloudwatch-observability` there is none but that of unhealthy hosts."""

    unhealthy_hosts_limit: int | None = Field(default=1, ge=1)
    """Nodes on which the load balancer finds no healthy ingress controller for five minutes. Before there is one, that
    is all of them; null, where it runs on some nodes only."""
    failed_nodes_limit: int | None = Field(default=1, ge=1)
    """Nodes that are not ready, or short of memory, disk or processes, for ten minutes: longer than a node group takes
    to replace one."""
    failed_pods_limit: int | None = Field(default=1, ge=1)
    """Pods that have ended with an error and still are there after ten minutes, such as those of a failed job."""
    crashing_pods_limit: int | None = Field(default=1, ge=1)
    """Containers that Kubernetes has to start again and again (CrashLoopBackOff) for ten minutes."""


class KubernetesArgs(Args):
    """An EKS cluster with managed node groups."""

    version: Annotated[str, StringConstraints(pattern=r"^1\.\d\d$")] = "1.35"
    """Kubernetes version. EKS supports one for 14 months, and for 12 more at six times the price; 1.35 is in standard
    support until 27 March 2027. Goes up by one minor version at a time, and never down."""
    support_type: Literal["STANDARD", "EXTENDED"] = "STANDARD"
    """What becomes of a version whose standard support ends: STANDARD upgrades the cluster by itself, EXTENDED keeps
    it and costs more."""
    public_access_cidrs: list[str] = Field(default_factory=list, max_length=40)
    """Public IPv4 ranges that reach the Kubernetes API over the internet (EKS: at most 40); none leaves the endpoint
    private. List the address that runs `pulumi up` too: pulumi-eks waits up to five minutes for a public endpoint to
    answer. Nothing else in an `up` asks the Kubernetes API."""
    access_entries: dict[Name, AccessEntryArgs] = Field(default_factory=dict)
    """Who may use the Kubernetes API; there is no other way in."""
    creator_is_admin: bool = False
    """Make whoever creates the cluster its administrator for good. Holds at creation only."""
    addons: dict[AddonName, AddonArgs] = Field(default_factory=lambda: dict.fromkeys(get_args(AddonName), AddonArgs()))
    """EKS add-ons by name."""
    node_groups: dict[Name, NodeGroupArgs] = Field(
        default_factory=lambda: {"general": NodeGroupArgs()}, min_length=1, max_length=30
    )
    """Managed node groups by name (EKS: at most 30)."""
    service_accounts: dict[Name, ServiceAccountArgs] = Field(default_factory=dict)
    """Service accounts whose pods use the platform's data: the secrets of MySQL and Redis, the bucket, the queues."""
    node_port: int = Field(default=30443, ge=30000, le=32767)
    """Node port at which an ingress controller takes `/services/*` from the load balancer, over HTTPS; its
    certificate may be self-signed. Its pods have to listen above 1024, which is what nodes admit of each other."""
    health_check: HealthCheckArgs = Field(default_factory=lambda: HealthCheckArgs(path="/healthz"))
    """When the load balancer sends a node requests, over HTTPS on the node port."""
    log_retention_days: RetentionDays = 365
    """Days that control plane and container logs are kept in CloudWatch Logs."""
    deletion_protection: bool = True
    """EKS refuses to delete the cluster, and Pulumi to delete or replace it."""
    alarms: KubernetesAlarms = Field(default_factory=KubernetesAlarms)
    """When nodes or pods need somebody."""

    @field_validator("public_access_cidrs")
    @classmethod
    def _cidrs(cls, cidrs: list[str]) -> list[str]:
        for cidr in cidrs:
            network = IPv4Network(cidr)
            if network.prefixlen < 8:
                raise ValueError(f"{cidr} is too much of the internet: list the networks that need the API, /8 at most")
            if not network.is_global:
                raise ValueError(f"{cidr} is no public range: inside the VPC the private endpoint answers")
            if cidrs.count(cidr) > 1:
                raise ValueError(f"{cidr} is named twice")
        return cidrs

    def refusals(self) -> Iterator[Refusal]:
        missing = [addon for addon in _REQUIRED if addon not in self.addons]
        if missing:
            yield Refusal(("addons",), f"lacks {', '.join(missing)}, without which no pod works")
        if not any(group.takes_any_pod for group in self.node_groups.values()):
            yield Refusal(
                ("node_groups",), "has no group that starts with a node free of taints: CoreDNS would find no place"
            )
        principals = [entry.principal_arn for entry in self.access_entries.values()]
        for name, entry in self.access_entries.items():
            if principals.count(entry.principal_arn) > 1:
                yield Refusal(("access_entries", name), "EKS takes one access entry for a principal")
        accounts = [(account.namespace, account.service_account) for account in self.service_accounts.values()]
        for name, account in self.service_accounts.items():
            if accounts.count((account.namespace, account.service_account)) > 1:
                yield Refusal(("service_accounts", name), "EKS takes one role for a service account")
            if (account.namespace, account.service_account) in _ADDON_ACCOUNTS.values():
                yield Refusal(("service_accounts", name), "is the service account of an add-on, which has its own role")


class Kubernetes(pulumi.ComponentResource):
    """A cluster whose API and nodes are private, with every add-on that its pods need, behind the load balancer.

    The security group of the control plane and that of the nodes admit what is listed here, and nothing else. EKS
    makes a third group by itself, open among its members: only the control plane's interfaces carry it, since the
    nodes' launch templates name their own.
    """

    cluster_name: str
    endpoint: pulumi.Output[str]
    oidc_provider_arn: pulumi.Output[str]
    cluster_security_group_id: pulumi.Output[str]
    node_security_group_id: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: KubernetesArgs | None = None,
        *,
        subnets: Subnets,
        key: EncryptionKey,
        logs_key: EncryptionKey,
        alb: ApplicationLoadBalancer | None = None,
        data: DataServices | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: private ones, of two zones at least, with a way out by NAT or by the interface ENDPOINTS.
        key: encrypts Kubernetes secrets and volumes; Auto Scaling must be among its users.
        logs_key: encrypts the logs; CloudWatch Logs must be among its users.
        alb: sends `/services/*` to the node port.
        data: what pods may reach: every pod by its node's address, the secrets by its service account.
        """
        check_name(name, 20)
        if len(subnets.ids) < 2:
            raise ValueError(f"kubernetes {name!r}: has subnets in {len(subnets.ids)} zone(s), but EKS needs two")
        super().__init__(f"{PACKAGE}:Kubernetes", name, None, opts)
        self._name = name
        self._args = args = args or KubernetesArgs()
        self._subnets = subnets
        self._key = key
        self._logs_key = logs_key
        self._child = pulumi.ResourceOptions(parent=self)
        self._here = location(self)
        self.cluster_name = physical_name(name, 100)
        data = data or DataServices()

        control_plane = security_group(f"{name}-cluster", subnets.vpc_id, "EKS control plane", self)
        nodes = security_group(f"{name}-nodes", subnets.vpc_id, "EKS nodes and their pods", self)
        self.cluster_security_group_id = control_plane.id
        self.node_security_group_id = nodes.id
        rules = self._open_ports()
        rules += data.admit(f"{name}-nodes", nodes.id, self)
        route = None
        if alb:
            route = alb.forward(
                name,
                paths=_PATHS,
                priority=_PRIORITY,
                port=args.node_port,
                health_check=args.health_check,
                parent=self,
            )
            rules += allow(
                f"{name}-nodes-from-alb",
                client=alb.security_group_id,
                server=nodes.id,
                port=args.node_port,
                parent=self,
            )

        cluster = self._create_cluster(control_plane)
        # The name as the cluster's output, so that everything in the cluster comes after it.
        self._cluster_name = cluster.eks_cluster.name
        self.endpoint = cluster.eks_cluster.endpoint
        self.oidc_provider_arn = cluster.oidc_provider_arn
        self._create_access_entries()
        agent = self._create_addon(_AGENT)
        ready = [agent, *(self._create_addon(addon, [agent]) for addon in _BEFORE_NODES)]

        role_name = physical_name(f"{name}-node", 64)
        self.node_role_arn = self._here.global_arn("iam", f"role/{role_name}")
        role, permissions = create_role(
            f"{name}-node",
            trust=service_trust("ec2.amazonaws.com"),
            # The CNI has a role of its own, so that pods can't borrow its rights over network interfaces.
            managed_policies=[
                "AmazonEC2ContainerRegistryPullOnly",
                "AmazonEKSWorkerNodePolicy",
                "AmazonSSMManagedInstanceCore",
            ],
            parent=self,
            role_name=role_name,
        )
        groups = [
            self._create_node_group(group, settings, role, [*ready, *permissions, *rules, *subnets.routes])
            for group, settings in args.node_groups.items()
        ]
        if route:
            self._attach(dict(zip(args.node_groups, groups, strict=True)), route.target_group, route.listener)
        late = {
            addon: self._create_addon(addon, groups)
            for addon in args.addons
            if addon not in (_AGENT, *_BEFORE_NODES)  # these run on nodes, and are active once they do
        }
        self.alarms = watch(name, self._faults(late.get(_INSIGHTS), route), parent=self)
        for account, settings in args.service_accounts.items():
            self._create_service_account(account, settings, data.statements(name))
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "endpoint": self.endpoint,
                "oidc_provider_arn": self.oidc_provider_arn,
                "cluster_security_group_id": self.cluster_security_group_id,
                "node_security_group_id": self.node_security_group_id,
                "node_role_arn": self.node_role_arn,
            }
        )

    def _open_ports(self) -> list[pulumi.Resource]:
        """What the control plane, nodes and pods need of each other; pods have their nodes' security group."""
        name, nodes = self._name, self.node_security_group_id
        rules = [https_out(f"{name}-nodes", nodes, self)]
        rules += allow(f"{name}-api", client=nodes, server=self.cluster_security_group_id, port=443, parent=self)
        for port in _FROM_CONTROL_PLANE:
            rules += allow(
                f"{name}-nodes-{port}", client=self.cluster_security_group_id, server=nodes, port=port, parent=self
            )
        for purpose, protocol, first, last in (
            ("dns-tcp", "tcp", 53, 53),
            ("dns-udp", "udp", 53, 53),
            # Pods reach each other, and each other's kubelets, on the ports that need no root.
            ("pods", "tcp", 1025, 65535),
        ):
            for rule in (aws.vpc.SecurityGroupEgressRule, aws.vpc.SecurityGroupIngressRule):
                rules.append(
                    rule(
                        f"{name}-nodes-{purpose}",
                        security_group_id=nodes,
                        referenced_security_group_id=nodes,
                        description=f"{purpose} between nodes",
                        ip_protocol=protocol,
                        from_port=first,
                        to_port=last,
                        opts=self._child,
                    )
                )
        return rules

    def _create_cluster(self, control_plane: aws.ec2.SecurityGroup) -> eks.Cluster:
        args, name = self._args, self._name
        role, permissions = create_role(
            f"{name}-cluster",
            trust=service_trust(
                "eks.amazonaws.com",
                StringEquals={"aws:SourceAccount": self._here.account},
                ArnLike={"aws:SourceArn": self._here.arn("eks", f"cluster/{self.cluster_name}")},
            ),
            managed_policies=["AmazonEKSClusterPolicy"],
            parent=self,
        )
        # Made before the cluster: EKS would make it itself, without a key of ours and without an end.
        logs = self._create_log_group("control-plane", f"/aws/eks/{self.cluster_name}/cluster")
        return eks.Cluster(
            name,
            name=self.cluster_name,
            version=args.version,
            upgrade_policy={"support_type": args.support_type},
            service_role=role,
            vpc_id=self._subnets.vpc_id,
            # Not as private_subnet_ids, which pulumi-eks makes one list of that a first preview knows nothing of.
            subnet_ids=list(self._subnets.ids.values()),
            cluster_security_group=control_plane,
            skip_default_security_groups=True,
            skip_default_node_group=True,
            create_instance_role=False,
            endpoint_private_access=True,
            endpoint_public_access=bool(args.public_access_cidrs),
            public_access_cidrs=args.public_access_cidrs or None,
            authentication_mode=eks.AuthenticationMode.API,
            encryption_config_key_arn=self._key.arn,
            enabled_cluster_log_types=list(_CLUSTER_LOGS),
            create_oidc_provider=True,
            deletion_protection=args.deletion_protection,
            # Add-ons are resources of this component: keyed by name, and in their places before and after the nodes.
            bootstrap_self_managed_addons=False,
            use_default_vpc_cni=True,
            kube_proxy_addon_options={"enabled": False},
            coredns_addon_options={"enabled": False},
            cluster_tags=tags(name),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                depends_on=[*permissions, logs],
                transforms=[self._adjust],
            ),
        )

    def _adjust(self, child: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """What pulumi-eks has no argument for."""
        match child.type_:
            case "aws:eks/cluster:Cluster":  # it makes the creator an administrator in any case
                access = {
                    "authenticationMode": "API",
                    "bootstrapClusterCreatorAdminPermissions": self._args.creator_is_admin,
                }
                # EKS keeps a cluster in the zones that it was made in; nodes may stand in any subnet of its VPC.
                opts = child.opts
                opts.ignore_changes = [*(opts.ignore_changes or []), "vpcConfig.subnetIds"]
                return pulumi.ResourceTransformResult({**child.props, "accessConfig": access}, opts)
            case "pulumi:providers:kubernetes":  # with a cluster to talk to, it would, at each `up`
                return pulumi.ResourceTransformResult({**child.props, "kubeconfig": _NO_CLUSTER}, child.opts)
        return None

    def _create_log_group(self, purpose: str, group_name: str) -> aws.cloudwatch.LogGroup:
        name = f"{self._name}-{purpose}"
        return aws.cloudwatch.LogGroup(
            name,
            name=group_name,
            kms_key_id=self._logs_key.arn,
            retention_in_days=self._args.log_retention_days,
            tags=tags(name),
            opts=self._child,
        )

    def _create_access_entries(self) -> None:
        for entry_name, entry in self._args.access_entries.items():
            name = f"{self._name}-{entry_name}"
            made = aws.eks.AccessEntry(
                name,
                cluster_name=self._cluster_name,
                principal_arn=entry.principal_arn,
                tags=tags(name),
                opts=self._child,
            )
            scope: aws.eks.AccessPolicyAssociationAccessScopeArgsDict = {"type": "cluster"}
            if entry.namespaces:
                scope = {"type": "namespace", "namespaces": entry.namespaces}
            aws.eks.AccessPolicyAssociation(
                name,
                cluster_name=self._cluster_name,
                principal_arn=made.principal_arn,
                policy_arn=pulumi.Output.format(
                    "arn:{}:eks::aws:cluster-access-policy/{}", self._here.partition, entry.policy
                ),
                access_scope=scope,
                opts=self._child,
            )

    def _create_addon(self, addon: AddonName, needed: Sequence[pulumi.Resource] = ()) -> aws.eks.Addon:
        name, settings = f"{self._name}-{addon}", self._args.addons[addon]
        policies: list[str] = []
        statements: list[dict[str, Any]] = []
        depends_on = list(needed)
        match addon:
            case "vpc-cni":
                policies = ["AmazonEKS_CNI_Policy"]
            case "aws-ebs-csi-driver":
                policies, statements = ["service-role/AmazonEBSCSIDriverPolicy"], self._volume_key_statements()
            case "amazon-cloudwatch-observability":
                groups = {log: f"/aws/containerinsights/{self.cluster_name}/{log}" for log in _INSIGHTS_LOGS}
                statements = self._telemetry_statements(groups.values())
                depends_on += [self._create_log_group(log, group) for log, group in groups.items()]
        identities: list[aws.eks.AddonPodIdentityAssociationArgsDict] | None = None
        if addon in _ADDON_ACCOUNTS:
            namespace, account = _ADDON_ACCOUNTS[addon]
            role, permissions = self._create_pod_role(
                addon, namespace, account, managed_policies=policies, statements=statements
            )
            depends_on += permissions
            identities = [{"service_account": account, "role_arn": role.arn}]
        configuration = _merged(_CONFIGURATION.get(addon, {}), settings.configuration)
        return aws.eks.Addon(
            name,
            cluster_name=self._cluster_name,
            addon_name=addon,
            addon_version=settings.version,
            configuration_values=pulumi.Output.json_dumps(configuration) if configuration else None,
            pod_identity_associations=identities,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )

    def _faults(self, insights: aws.eks.Addon | None, route: TargetRoute | None) -> dict[str, Alarm]:
        limits = self._args.alarms
        who = f"EKS {self._name} behind alb"
        hosts = {"alb-hosts": route.unhealthy_hosts(who, limits.unhealthy_hosts_limit)} if route else {}
        if not insights:
            return hosts
        # What Container Insights reports of the whole cluster, once its add-on is there.
        about: dict[str, Any] = {
            "namespace": "ContainerInsights",
            "dimensions": {"ClusterName": insights.cluster_name},
            "periods": 10,
        }
        return {
            # It is always reported: silence is an agent that is down, and then nobody sees the rest.
            "failed-nodes": Alarm(
                f"EKS {self._name}: nodes fail, or nothing is heard of them; see their conditions",
                metric="cluster_failed_node_count",
                threshold=limits.failed_nodes_limit,
                statistic="Maximum",
                missing="breaching",
                **about,
            ),
            # Each pod reports by itself, once a minute: the sum is how many there are.
            "failed-pods": Alarm(
                f"EKS {self._name}: pods have failed; see their logs, then delete them",
                metric="pod_status_failed",
                threshold=limits.failed_pods_limit,
                statistic="Sum",
                missing="notBreaching",
                **about,
            ),
            "crashing-pods": Alarm(
                f"EKS {self._name}: containers crash again and again; see their logs",
                metric="pod_container_status_waiting_reason_crash_loop_back_off",
                threshold=limits.crashing_pods_limit,
                statistic="Sum",
                missing="notBreaching",
                **about,
            ),
            **hosts,
        }

    def _create_pod_role(
        self,
        purpose: str,
        namespace: str,
        service_account: str,
        *,
        managed_policies: Sequence[str] = (),
        statements: Sequence[dict[str, Any]] = (),
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """A role for the pods of one service account in this cluster, and what gives it its permissions."""
        return create_role(
            f"{self._name}-{purpose}",
            trust=policy_document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {
                        "StringEquals": {
                            "aws:RequestTag/eks-cluster-name": self.cluster_name,
                            "aws:RequestTag/kubernetes-namespace": namespace,
                            "aws:RequestTag/kubernetes-service-account": service_account,
                        }
                    },
                }
            ),
            managed_policies=managed_policies,
            statements=statements,
            parent=self,
        )

    def _volume_key_statements(self) -> list[dict[str, Any]]:
        """Make and attach volumes under the data key, by way of EC2 alone."""
        condition = {
            "StringEquals": {"kms:ViaService": pulumi.Output.format("ec2.{}.amazonaws.com", self._here.region)},
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": self._key.alias},
        }
        keys = self._here.arn("kms", "key/*")
        return [
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"],
                "Resource": keys,
                "Condition": condition,
            },
            {
                "Effect": "Allow",
                "Action": "kms:CreateGrant",
                "Resource": keys,
                "Condition": condition | {"Bool": {"kms:GrantIsForAWSResource": "true"}},
            },
        ]

    def _telemetry_statements(self, log_groups: Iterable[str]) -> list[dict[str, Any]]:
        """Write logs and metrics; the log groups are there already, so that none comes without key and retention."""
        return [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                "Resource": [self._here.arn("logs", f"log-group:{group}:*") for group in log_groups],
            },
            # These have no resource-level permissions.
            {"Effect": "Allow", "Action": ["ec2:DescribeTags", "ec2:DescribeVolumes"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": "cloudwatch:PutMetricData",
                "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": ["CWAgent", "ContainerInsights"]}},
            },
        ]

    def _create_node_group(
        self, group: str, settings: NodeGroupArgs, role: aws.iam.Role, needed: Sequence[pulumi.Resource]
    ) -> aws.eks.NodeGroup:
        name = f"{self._name}-{group}"
        template = self._create_launch_template(name, settings)
        images = {"arm64": "AL2023_ARM_64_STANDARD", "x86_64": "AL2023_x86_64_STANDARD"}
        # It gets a name from Pulumi, so that a new group can take over before the old one goes.
        return aws.eks.NodeGroup(
            name,
            cluster_name=self._cluster_name,
            version=self._args.version,
            node_role_arn=role.arn,
            subnet_ids=list(self._subnets.ids.values()),
            ami_type=images[architecture(settings.instance_types[0])],
            capacity_type=settings.capacity,
            instance_types=settings.instance_types,
            launch_template={"id": template.id, "version": pulumi.Output.format("{}", template.latest_version)},
            scaling_config={
                "min_size": settings.min_size,
                "max_size": settings.max_size,
                "desired_size": settings.first_size,
            },
            update_config={"max_unavailable": settings.max_unavailable},
            labels=settings.labels,
            taints=[
                {"key": key, "value": taint.value, "effect": taint.effect}
                for key, taint in sorted(settings.taints.items())
            ],
            tags=tags(name),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=list(needed), ignore_changes=["scalingConfig.desiredSize"]
            ),
        )

    def _create_launch_template(self, name: str, settings: NodeGroupArgs) -> aws.ec2.LaunchTemplate:
        """What EKS leaves to a template: no image, instance type or profile, which it refuses there."""
        return aws.ec2.LaunchTemplate(
            name,
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": settings.metadata_hop_limit,
            },
            monitoring={"enabled": True},
            network_interfaces=[
                {
                    "associate_public_ip_address": "false",
                    "security_groups": [self.node_security_group_id],
                    "delete_on_termination": "true",
                }
            ],
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_size": settings.volume_size_gib,
                        "volume_type": "gp3",
                        "encrypted": "true",
                        "kms_key_id": self._key.arn,
                        "delete_on_termination": "true",
                    },
                }
            ],
            update_default_version=True,
            # Neither the provider's default tags nor the node group's reach what EKS starts.
            tag_specifications=[
                {"resource_type": resource_type, "tags": tags(name)}
                for resource_type in ("instance", "network-interface", "volume")
            ],
            tags=tags(name),
            opts=self._child,
        )

    def _attach(
        self, groups: dict[str, aws.eks.NodeGroup], target_group: aws.lb.TargetGroup, listener: pulumi.Resource
    ) -> None:
        for group_name, group in groups.items():
            aws.autoscaling.Attachment(
                f"{self._name}-{group_name}",
                autoscaling_group_name=group.resources[0].autoscaling_groups[0].name,
                lb_target_group_arn=target_group.arn,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[listener]),
            )

    def _create_service_account(
        self, account: str, settings: ServiceAccountArgs, statements: Sequence[dict[str, Any]]
    ) -> None:
        name = f"{self._name}-{account}"
        role, permissions = self._create_pod_role(
            f"account-{account}", settings.namespace, settings.service_account, statements=statements
        )
        aws.eks.PodIdentityAssociation(
            name,
            cluster_name=self._cluster_name,
            namespace=settings.namespace,
            service_account=settings.service_account,
            role_arn=role.arn,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
        )


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Settings over others, section by section."""
    both = {key for key in below.keys() & above.keys() if isinstance(below[key], dict) and isinstance(above[key], dict)}
    return {**below, **above, **{key: _merged(below[key], above[key]) for key in both}}


def _within(domain: str, parents: Sequence[str]) -> bool:
    return any(re.fullmatch(rf"(.*\.)?{re.escape(parent)}", domain) for parent in parents)
