"""An EKS cluster whose API and nodes are private, with two groups of nodes."""

import pulumi
from platform_components.kubernetes import Kubernetes, KubernetesArgs, NodeGroupArgs
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
groups = {
    "general": NodeGroupArgs(),
    "batch": NodeGroupArgs(capacity="SPOT", instance_types=["m7g.large", "m6g.large"]),
}
kubernetes = Kubernetes(
    "kubernetes",
    KubernetesArgs(node_groups=groups),
    subnets=network.private,
    key=security.data,
    logs_key=security.logs,
)

pulumi.export("cluster", kubernetes.cluster_name)
