"""Amazon Managed Grafana: what holds for a workspace, its way in and its way out."""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import UNKNOWN, Graph, Resource, each, get, given, peek
from ..network import ways_in
from ..rule import rule
from .encryption_at_rest import customer_key


@rule(
    "grafana-encrypted", "grafana/workspace",
    family="encryption-at-rest", severity="medium",
    title="Grafana workspaces are encrypted by a customer key",
    controls="",
    remediation="Set kmsKeyId to a KMS key of this program; it can't be changed later",
)  # fmt: skip
def grafana_encrypted(workspace: Resource, graph: Graph) -> Iterator[str]:
    """Amazon Managed Grafana user guide, "Encryption at rest"."""
    yield from customer_key(graph, workspace, "kmsKeyId")


@rule(
    "grafana-in-private-subnets", "grafana/workspace",
    family="exposure", severity="high",
    title="A Grafana workspace's VPC connection is in private subnets",
    controls="cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Name subnets whose route tables have no route to an internet gateway",
)  # fmt: skip
def grafana_in_private_subnets(workspace: Resource, graph: Graph) -> Iterator[str]:
    """A workspace needs no VPC connection: without one it reaches nothing in a VPC."""

    def judge(subnet: Resource) -> Iterator[str]:
        for way in ways_in(graph, subnet):
            yield f"it is in a public subnet: {way}"

    subnets = peek(workspace, "vpcConfiguration.subnetIds")
    if subnets is UNKNOWN or given(workspace, "vpcConfiguration"):
        yield from each(graph.targets(workspace, "vpcConfiguration", "ec2/subnet", value=subnets), judge)


@rule(
    "grafana-network-access", "grafana/workspace",
    family="exposure", severity="low", level="advisory", alone=True,
    title="Grafana workspaces are reached from named networks only",
    controls="",
    remediation="Set networkAccessControl to the prefix lists and VPC endpoints that users come from",
)  # fmt: skip
def grafana_network_access(workspace: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: whoever comes has to sign in all the same, by IAM Identity Center or SAML."""
    if not get(workspace, "networkAccessControl"):
        yield "every address reaches its sign-in"
