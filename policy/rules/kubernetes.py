"""EKS, in every family: clusters and nodes, the provider's own or components of `pulumi_eks`.

A component is judged by its arguments where nothing else is known of it, as in a preview without its provider. On the
engine the resources that it is made of are there, and are judged instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..clusters import (
    CLUSTERS,
    MANAGED,
    SELF_MANAGED,
    SUBNETS,
    has_nodes,
    is_made,
    option,
    path,
    subnet_paths,
    template_of,
)
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek, some, yes
from ..network import ways_in, world
from ..rule import rule
from .encryption_at_rest import customer_key


@rule(
    "cluster-secrets-encrypted", *CLUSTERS,
    family="encryption-at-rest", severity="high",
    title="Kubernetes secrets are encrypted by a customer key",
    controls="FSBP EKS.3, CKV_AWS_58",
    remediation="Set encryptionConfig (of the component: encryptionConfigKeyArn) to a KMS key of this program",
)  # fmt: skip
def cluster_secrets_encrypted(cluster: Resource, graph: Graph) -> Iterator[str]:
    if not is_made(cluster, graph):
        yield from customer_key(graph, cluster, path(cluster, "encryptionConfigKeyArn"))


@rule(
    "cluster-endpoint-private", *CLUSTERS,
    family="exposure", severity="high",
    title="A cluster's endpoint is private, or admits named networks alone",
    controls="FSBP EKS.1, CKV_AWS_38, CKV_AWS_39, cdk-nag EKS1",
    remediation="Set endpointPrivateAccess to true, and endpointPublicAccess to false or publicAccessCidrs to the "
    "networks that administer the cluster",
)  # fmt: skip
def cluster_endpoint_private(cluster: Resource, graph: Graph) -> Iterator[str]:
    """Public and not private is AWS's default."""
    if is_made(cluster, graph):
        return

    def public() -> Iterator[str]:
        if get(cluster, path(cluster, "endpointPublicAccess")) in (False, "false"):
            return
        if not given(cluster, path(cluster, "publicAccessCidrs")):
            yield "its endpoint admits the internet"
            return
        networks = {"cidrBlocks": peek(cluster, path(cluster, "publicAccessCidrs"))}
        yield from (f"its endpoint admits the internet ({version})" for version in world(graph, cluster, networks))

    def private() -> Iterator[str]:
        if not yes(cluster, path(cluster, "endpointPrivateAccess")):
            yield "its nodes reach its endpoint over the internet"

    yield from each((public(), private()), lambda found: found)


@rule(
    "cluster-logged", *CLUSTERS,
    family="audit", severity="medium",
    title="Clusters log all that the control plane does",
    controls="FSBP EKS.8, CKV_AWS_37, cdk-nag EKS2",
    remediation="Set enabledClusterLogTypes to api, audit, authenticator, controllerManager and scheduler",
)  # fmt: skip
def cluster_logged(cluster: Resource, graph: Graph) -> Iterator[str]:
    if is_made(cluster, graph):
        return
    found = list(items(cluster, "enabledClusterLogTypes"))
    wanted = ("api", "audit", "authenticator", "controllerManager", "scheduler")
    missing = [log for log in wanted if log not in found]
    if len(missing) > found.count(UNKNOWN):
        yield f"it doesn't log {', '.join(missing)}"
    elif missing:
        raise Unknown("enabledClusterLogTypes")


@rule(
    "cluster-authentication", *CLUSTERS,
    family="iam", severity="medium",
    title="Access entries alone say who may use a cluster",
    controls="",
    remediation="Set authenticationMode to API; a ConfigMap can be changed by whoever is in the cluster, unseen by IAM",
)  # fmt: skip
def cluster_authentication(cluster: Resource, graph: Graph) -> Iterator[str]:
    """EKS's default is the ConfigMap."""
    if not is_made(cluster, graph) and get(cluster, path(cluster, "authenticationMode")) != "API":
        yield "its ConfigMap aws-auth says who may use it"


@rule(
    "cluster-in-private-subnets", *CLUSTERS,
    family="exposure", severity="medium",
    title="Clusters are in private subnets",
    controls="cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Use subnets whose route tables have no route to an internet gateway",
)  # fmt: skip
def cluster_in_private_subnets(cluster: Resource, graph: Graph) -> Iterator[str]:
    if is_made(cluster, graph):
        return
    paths = subnet_paths(cluster)
    if not paths:
        yield "it names no subnet, so it is in the default VPC, whose subnets are public"
    yield from each(paths, lambda found: _public(cluster, graph, found))


def _public(resource: Resource, graph: Graph, subnets: str) -> Iterator[str]:
    def judge(subnet: Resource) -> Iterator[str]:
        yield from (f"it is in a public subnet: {way}" for way in ways_in(graph, subnet))

    yield from each(graph.targets(resource, subnets, "ec2/subnet"), judge)


@rule(
    "nodes-in-private-subnets", *MANAGED, *SELF_MANAGED,
    family="exposure", severity="high",
    title="Kubernetes nodes are in private subnets",
    controls="FSBP EC2.9, cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Use subnets whose route tables have no route to an internet gateway",
)  # fmt: skip
def nodes_in_private_subnets(nodes: Resource, graph: Graph) -> Iterator[str]:
    """A component's nodes are where its cluster is unless they say otherwise."""
    if is_made(nodes, graph) or not has_nodes(nodes):
        return
    if nodes.short == "eks:index:Cluster":
        paths = [found for found in ("nodeGroupOptions.nodeSubnetIds", "nodeSubnetIds") if given(nodes, found)][:1]
        paths = paths or [found for found in SUBNETS if given(nodes, found)]
        if not paths:
            yield "it names no subnet, so its nodes are in the default VPC, whose subnets are public"
        yield from each(paths, lambda found: _public(nodes, graph, found))
        return
    key = "subnetIds" if nodes.short in MANAGED else "nodeSubnetIds"
    if given(nodes, key) or nodes.short == "eks/nodeGroup":
        yield from _public(nodes, graph, key)
    else:  # judged there, if that cluster is one of the program's
        graph.refers(nodes, "cluster", *CLUSTERS, value=UNKNOWN)


@rule(
    "nodes-not-public", *SELF_MANAGED,
    family="exposure", severity="high",
    title="Kubernetes nodes have no public address",
    controls="FSBP EC2.9, FSBP EC2.25, CKV_AWS_88",
    remediation="Set nodeAssociatePublicIpAddress to false, or skipDefaultNodeGroup to true",
)  # fmt: skip
def nodes_not_public(nodes: Resource, graph: Graph) -> Iterator[str]:
    """An address is what the components give where nothing is said."""
    if not is_made(nodes, graph) and has_nodes(nodes) and option(nodes, "nodeAssociatePublicIpAddress") is not False:
        yield "its nodes have public addresses"


@rule(
    "nodes-without-ssh", *MANAGED, *SELF_MANAGED,
    family="exposure", severity="medium",
    title="Nobody logs in to Kubernetes nodes by SSH",
    controls="CKV_AWS_100",
    remediation="Leave out remoteAccess, keyName and nodePublicKey, and log in by Session Manager",
)  # fmt: skip
def nodes_without_ssh(nodes: Resource, graph: Graph) -> Iterator[str]:
    """EKS opens port 22 to the internet where remoteAccess names no security group."""
    if is_made(nodes, graph) or not has_nodes(nodes):
        return
    if nodes.short not in MANAGED:
        if any(option(nodes, key) not in (None, "") for key in ("nodePublicKey", "keyName")):
            yield "its nodes have an SSH key"
    elif given(nodes, "remoteAccess.ec2SshKey") and not given(nodes, "remoteAccess.sourceSecurityGroupIds"):
        yield "its nodes admit the internet to SSH"


@rule(
    "node-volumes-encrypted", *MANAGED, *SELF_MANAGED,
    family="encryption-at-rest", severity="high",
    title="Volumes of Kubernetes nodes are encrypted",
    controls="FSBP EC2.3, CKV_AWS_3, CKV_AWS_8, cdk-nag EC26",
    remediation="Give the node group a launch template with encrypted volumes; of the components that manage nodes "
    "themselves, set nodeRootVolumeEncrypted to true",
)  # fmt: skip
def node_volumes_encrypted(nodes: Resource, graph: Graph) -> Iterator[str]:
    if is_made(nodes, graph) or not has_nodes(nodes):
        return
    if nodes.short in MANAGED:  # what is declared by a launch template is judged there
        if not any(template_of(nodes, graph)):
            yield "it has no launch template, so its volumes are not encrypted"
        return
    settings = ("nodeRootVolumeEncrypted", "encryptRootBlockDevice")
    if not some(settings, lambda key: option(nodes, key) is True):
        yield "the root volumes of its nodes are not encrypted"


@rule(
    "node-metadata-v2", *MANAGED,
    family="iam", severity="high",
    title="Kubernetes nodes answer metadata requests by token only",
    controls="FSBP EC2.8, FSBP EC2.170, CKV_AWS_79, cdk-nag NIST.800.53.R5-EC2IMDSv2Enabled",
    remediation="Give the node group a launch template with metadataOptions.httpTokens required; of the component, set "
    "enableIMDSv2 to true",
)  # fmt: skip
def node_metadata_v2(nodes: Resource, graph: Graph) -> Iterator[str]:
    if is_made(nodes, graph) or (nodes.short != "eks/nodeGroup" and yes(nodes, "enableIMDSv2")):
        return
    if not any(template_of(nodes, graph)):
        yield "it has no launch template, so its machine image may allow requests without a token (IMDSv1)"


_PRINCIPALS = ("iam/role", "iam/user")


@rule(
    "cluster-administrators", "eks/accessEntry", "eks/accessPolicyAssociation", "eks:index:Cluster",
    family="iam", severity="medium", level="advisory",
    title="Few may do everything in a cluster",
    controls="",
    remediation="Associate AmazonEKSAdminPolicy or AmazonEKSEditPolicy with the namespaces that are needed, and name "
    "a role instead of a whole account",
)  # fmt: skip
def cluster_administrators(resource: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: somebody has to."""
    is_component = resource.short == "eks:index:Cluster"

    def everyone(entry: Any) -> Iterator[str]:
        principal = peek(entry, "principalArn")
        if principal is UNKNOWN:
            graph.refers(resource, "accessEntries" if is_component else "principalArn", *_PRINCIPALS, value=UNKNOWN)
        elif str(principal).endswith(":root"):
            yield "it admits the root of an account"

    def everything(association: Any) -> Iterator[str]:
        policy = peek(association, "policyArn")
        if policy is UNKNOWN:
            raise Unknown("policyArn")
        if str(policy).endswith("/AmazonEKSClusterAdminPolicy") and get(association, "accessScope.type") == "cluster":
            yield "it makes an administrator of the whole cluster"

    if resource.short == "eks/accessEntry":
        yield from everyone(resource)
    elif resource.short == "eks/accessPolicyAssociation":
        yield from everything(resource)
    elif not is_made(resource, graph):
        entries = _values(resource, "accessEntries")
        policies = each(entries, lambda entry: _values(entry, "accessPolicies"))
        yield from each((each(entries, everyone), each(policies, everything)), lambda found: found)


def _values(value: Any, path: str) -> list[Any]:
    """The values of a map of named things."""
    found = get(value, path)
    if found is None:
        return []
    if not isinstance(found, Mapping):
        raise Unknown(path)
    return list(found.values())
