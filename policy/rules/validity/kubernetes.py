"""EKS: versions, node groups, access entries and pods' roles that it takes together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...clusters import MANAGED, is_made, template_of
from ...graph import Graph, Resource, Unknown, each, given, items, peek, strings
from ...roles import admitted, roles
from ...rule import rule
from .values import FAMILY, text

# EKS user guide, "Kubernetes release calendar": extended support of 1.30 ended on 23 July 2026, and a newer one than
# 1.35 may be there by now.
_OLDEST, _NEWEST = 31, 35


@rule(
    "cluster-version", "eks/cluster", "eks:index:Cluster",
    family=FAMILY, severity="medium", alone=True,
    title="EKS offers the Kubernetes version",
    controls="FSBP EKS.2, CKV_AWS_339",
    remediation="Set version to 1. and a minor release that EKS offers, without a patch release",
)  # fmt: skip
def cluster_version(cluster: Resource, graph: Graph) -> Iterator[str]:
    version = text(cluster, "version")
    if version is None:
        return
    found = re.fullmatch(r"1\.([1-9][0-9]{1,2})", version)
    if not found:
        yield "its version isn't of the form 1.NN"
    elif int(found[1]) < _OLDEST:
        yield "its version is no longer offered"
    elif int(found[1]) > _NEWEST:
        raise Unknown("whether EKS offers a version so new")


@rule(
    "node-group-template", *MANAGED,
    family=FAMILY, severity="medium",
    title="A node group and its launch template don't say the same twice",
    controls="",
    remediation="Set the disk, the SSH key and the instance type in one place: with a launch template, the first two "
    "there, and instanceTypes here",
)  # fmt: skip
def node_group_template(group: Resource, graph: Graph) -> Iterator[str]:
    """EKS user guide, "Customize managed nodes with launch templates"."""
    if is_made(group, graph) or not given(group, "launchTemplate"):
        return
    if given(group, "diskSize"):
        yield "it has a diskSize beside its launch template"
    if given(group, "remoteAccess"):
        yield "it has remoteAccess beside its launch template"

    def judge(template: Resource) -> Iterator[str]:
        if given(template, "instanceType") and given(group, "instanceTypes"):
            yield f"both it and {template.label} say its instance type"
        if given(template, "iamInstanceProfile"):
            yield f"{template.label} has an iamInstanceProfile, which EKS gives its nodes itself"

    yield from each(template_of(group, graph), judge)


_INSTANCE = re.compile(r"([a-z]+)(\d+)([a-z]*)(-[a-z0-9]+)?\.[a-z0-9-]+")


def _is_arm(kind: str) -> bool:
    """Whether an instance type has a Graviton processor: `g` after the generation, as in m7g, and a1."""
    found = _INSTANCE.fullmatch(kind)
    if not found:
        raise Unknown("the processor of its instance type")
    return "g" in found[3] or kind.startswith("a1.")


@rule(
    "node-group-architecture", *MANAGED,
    family=FAMILY, severity="medium", alone=True,
    title="A node group's image runs on its instances",
    controls="",
    remediation="Set amiType to one of the instances' processor, such as AL2023_ARM_64_STANDARD for m7g.large",
)  # fmt: skip
def node_group_architecture(group: Resource, graph: Graph) -> Iterator[str]:
    """EKS API reference, CreateNodegroup. With a launch template and no amiType, the image is the template's."""
    kinds = [_is_arm(kind) for kind in strings(group, "instanceTypes")]
    image = text(group, "amiType")
    if len(set(kinds)) > 1:
        yield "its instance types have processors of two kinds"
    elif kinds and image not in (None, "CUSTOM") and kinds[0] != ("ARM_64" in (image or "")):
        yield "its amiType is of another processor than its instance types"
    elif kinds and kinds[0] and image is None and not given(group, "launchTemplate"):
        yield "its instance types need an amiType for ARM"


@rule(
    "node-group-image", "eks/nodeGroup",
    family=FAMILY, severity="medium",
    title="EKS makes the node group's image for the version",
    controls="",
    remediation="Set amiType to one of AL2023 or Bottlerocket; Amazon Linux 2 ends with Kubernetes 1.32",
)  # fmt: skip
def node_group_image(group: Resource, graph: Graph) -> Iterator[str]:
    """EKS user guide, "Amazon Linux 2 AMI deprecation"."""
    if not (text(group, "amiType") or "").startswith("AL2_"):
        return
    versions = each([group], lambda own: [text(own, "version")])
    if not given(group, "version"):
        clusters = graph.targets(group, "clusterName", "eks/cluster")
        versions = each(clusters, lambda cluster: [text(cluster, "version")])
    for version in versions:
        found = re.fullmatch(r"1\.(\d+)", version or "")
        if not found:
            raise Unknown("the version of its cluster")
        if int(found[1]) > 32:
            yield "its amiType is of Amazon Linux 2, which isn't made for its version"


@rule(
    "access-entry-kind", "eks/accessEntry",
    family=FAMILY, severity="medium", alone=True,
    title="EKS takes the access entry",
    controls="",
    remediation="Leave kubernetesGroups and userName to entries of type STANDARD, and name no group that begins with "
    "system:; associate an access policy instead",
)  # fmt: skip
def access_entry_kind(entry: Resource, graph: Graph) -> Iterator[str]:
    """EKS user guide, "Create access entries"."""
    standard = text(entry, "type") in (None, "STANDARD")
    if not standard and (given(entry, "kubernetesGroups") or given(entry, "userName")):
        yield "it has groups or a user name, which its type takes from EKS"
    if any(group.startswith("system:") for group in strings(entry, "kubernetesGroups")):
        yield "it names a group that begins with system:"


@rule(
    "pod-identity-trust", "eks/podIdentityAssociation", "eks/addon",
    family=FAMILY, severity="medium",
    title="The role of a pod admits EKS Pod Identity",
    controls="",
    remediation="Let the role's trust policy allow pods.eks.amazonaws.com both sts:AssumeRole and sts:TagSession",
)  # fmt: skip
def pod_identity_trust(resource: Resource, graph: Graph) -> Iterator[str]:
    """EKS user guide, "Create IAM role with trust policy required by EKS Pod Identity"."""

    def trusted(role: Resource) -> Iterator[str]:
        if not {"sts:AssumeRole", "sts:TagSession"} <= admitted(role, "pods.eks.amazonaws.com"):
            yield f"{role.label} doesn't admit EKS Pod Identity"

    key = "podIdentityAssociations" if resource.short == "eks/addon" else "roleArn"
    if resource.short == "eks/addon":
        values = [peek(association, "roleArn") for association in items(resource, "podIdentityAssociations")]
    else:
        values = [peek(resource, "roleArn")]
    yield from each(each(values, lambda value: roles(graph, resource, key, value)), trusted)
