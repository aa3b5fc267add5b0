"""EKS clusters and their nodes, made by the provider's own resources or by the components of `pulumi_eks`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .graph import Graph, Resource, get, given, peek, yes

CLUSTERS = ("eks/cluster", "eks:index:Cluster")
SELF_MANAGED = ("eks:index:Cluster", "eks:index:NodeGroup", "eks:index:NodeGroupV2")
"""What makes nodes that EKS doesn't manage; a cluster does so unless it is told not to."""
MANAGED = ("eks/nodeGroup", "eks:index:ManagedNodeGroup")
SUBNETS = ("subnetIds", "privateSubnetIds", "publicSubnetIds")
"""Where a component's cluster is: all of these together."""

_NATIVE = {
    "endpointPublicAccess": "vpcConfig.endpointPublicAccess",
    "endpointPrivateAccess": "vpcConfig.endpointPrivateAccess",
    "publicAccessCidrs": "vpcConfig.publicAccessCidrs",
    "subnetIds": "vpcConfig.subnetIds",
    "authenticationMode": "accessConfig.authenticationMode",
    "encryptionConfigKeyArn": "encryptionConfig.provider.keyArn",
}

_NESTED_ALONE = ("keyName", "encryptRootBlockDevice")


def is_made(resource: Resource, graph: Graph) -> bool:
    """Whether a component's resources are in the graph, as they are on the engine: then they are judged, and not it."""
    return any(child.type.startswith("aws:") for child in graph.children(resource))


def path(cluster: Resource, key: str) -> str:
    """Where a cluster has an argument of the component."""
    return _NATIVE.get(key, key) if cluster.short == "eks/cluster" else key


def subnet_paths(cluster: Resource) -> list[str]:
    """The properties that name a cluster's subnets, as far as they are set."""
    paths = [path(cluster, "subnetIds")] if cluster.short == "eks/cluster" else SUBNETS
    return [found for found in paths if given(cluster, found)]


def has_nodes(resource: Resource) -> bool:
    """Whether nodes come with it: a component's cluster can be told to leave its own out."""
    if resource.short != "eks:index:Cluster":
        return True
    instead = yes(resource, "skipDefaultNodeGroup") or yes(resource, "autoMode.enabled")
    return not instead and get(resource, "fargate") in (None, False)


def option(nodes: Resource, key: str) -> Any:
    """A setting of nodes, which a component's cluster may have in `nodeGroupOptions`, some of them there alone."""
    if nodes.short != "eks:index:Cluster":
        return get(nodes, key)
    nested = get(nodes, f"nodeGroupOptions.{key}")
    return get(nodes, key) if nested is None and key not in _NESTED_ALONE else nested


def template_of(nodes: Resource, graph: Graph) -> Iterator[Resource]:
    """The launch template of managed nodes; raises `Unknown` for one that isn't the program's."""
    if given(nodes, "launchTemplate"):
        key = "id" if given(nodes, "launchTemplate.id") else "name"
        named = [peek(nodes, f"launchTemplate.{key}")]
        yield from graph.targets(nodes, "launchTemplate", "ec2/launchTemplate", value=named)
