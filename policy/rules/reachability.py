"""What the internet reaches: from a gateway by routes, subnets and security groups to databases, caches and machines.

Load balancers end a way: what stands behind one is reached through it, and `waf` holds the load balancer to a web ACL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..beanstalk import INSTANCES, NETWORK, options, subnets
from ..caches import is_member
from ..clusters import template_of
from ..databases import speaker
from ..emr import Cluster
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, given, items, peek
from ..network import (
    DEFAULT_VPC,
    GROUPS,
    Door,
    Way,
    doors,
    gathered,
    paths,
    permissions,
    ports,
    ports_text,
    sources,
    ways,
)
from ..rule import Family, rule
from .exposure import SECURITY_GROUPS, SUBNETS, data_subnets, launch_groups, templates

FAMILY: Family = "exposure"
MACHINES = ("ec2/instance", "autoscaling/group", "eks/nodeGroup", "elasticbeanstalk/environment", "emr/cluster")
"""A cluster that a state machine makes is in private subnets (`emr-in-private-subnets`) whatever its groups admit."""


@rule(
    "database-unreachable", *SUBNETS,
    family=FAMILY, severity="critical",
    title="No way leads from the internet to a data store",
    controls="FSBP RDS.46, FSBP EC2.19, CKV_AWS_17",
    remediation="Take away the route to the internet gateway, or the ingress rule that admits the internet",
)  # fmt: skip
def database_unreachable(database: Resource, graph: Graph) -> Iterator[str]:
    """Internet -> gateway -> route -> subnet -> security group -> database, printed whole."""
    if is_member(database):
        return
    group_key = SUBNETS[database.short][0]

    def into() -> Iterator[Way]:
        if given(speaker(database, graph, group_key), group_key):
            yield from each(data_subnets(database, graph), lambda subnet: ways(graph, subnet))
        else:
            yield DEFAULT_VPC

    for path in paths(into(), _doors(graph, _data_groups(database, graph))):
        yield f"the internet reaches it: {path} -> {database.label}"


def _data_groups(database: Resource, graph: Graph) -> Iterator[Resource]:
    return graph.targets(database, SECURITY_GROUPS[database.short], *GROUPS)


def _doors(graph: Graph, groups: Iterable[Resource]) -> Iterator[Door]:
    return each(groups, lambda group: doors(graph, group))


@rule(
    "machine-unreachable", *MACHINES,
    family=FAMILY, severity="critical",
    title="No way leads from the internet to a machine but through a load balancer",
    controls="FSBP EC2.9, FSBP EC2.13, FSBP EC2.18, FSBP EC2.19, FSBP EMR.1, CKV_AWS_24, CKV_AWS_25, CKV_AWS_260, "
    "CKV_AWS_88, cdk-nag EC23",
    remediation="Admit the load balancer's security group instead of the internet, or use subnets whose route tables "
    "have no route to an internet gateway",
)  # fmt: skip
def machine_unreachable(machine: Resource, graph: Graph) -> Iterator[str]:
    """A public address isn't asked for: an elastic IP address or a subnet's setting gives one later."""

    def judge(place: _Place) -> Iterator[str]:
        for path in paths(place.into, _doors(graph, place.groups())):
            yield f"the internet reaches it past every load balancer: {path} -> {machine.label}"

    yield from each(_places(machine, graph), judge)


@rule(
    "database-apart-from-exposed-machines", *SECURITY_GROUPS,
    family=FAMILY, severity="high", level="advisory",
    title="No data store admits a machine that the internet reaches",
    controls="",
    remediation="Put a load balancer in front of the machine and admit that alone to it, or take the machine's "
    "security group out of the data store's",
)  # fmt: skip
def database_apart_from_exposed_machines(database: Resource, graph: Graph) -> Iterator[str]:
    """Internet -> machine -> data store. Advisory: the machine itself fails `machine-unreachable`, and what it may
    speak to is what is lost with it."""
    exposed = graph.once("exposed machines", _exposed)
    if not exposed or is_member(database):
        return

    def admitted(group: Resource) -> Iterator[str]:
        def judge(permission: tuple[Resource, Any]) -> Iterator[str]:
            owner, values = permission
            for source in sources(graph, group, owner, values):
                via = "" if owner is group else f"{owner.label} of "
                for path in exposed.get(source.urn, ()):
                    door = f"{via}{group.label} ({ports_text(ports(values))})"
                    yield f"it admits a machine that the internet reaches: {path} -> {door} -> {database.label}"

        yield from each(permissions(graph, group), judge)

    yield from each(_data_groups(database, graph), admitted)


def _exposed(graph: Graph) -> dict[str, list[str]]:
    """The ways to the machines that the internet reaches, by security group of theirs, as far as they are known."""
    found: dict[str, list[str]] = {}
    for machine in graph.of_type(*MACHINES):
        for place in gathered(_places(machine, graph))[0]:
            ways_to = gathered(paths(place.into, _doors(graph, place.groups())))[0]
            if ways_to:
                for group in gathered(place.groups())[0]:
                    found.setdefault(group.urn, []).extend(f"{path} -> {machine.label}" for path in ways_to)
    return found


@dataclass(frozen=True)
class _Place:
    """Where machines are: how the internet is routed to them, and their security groups, each as far as it is known."""

    into: Iterable[Way]
    groups: Callable[[], Iterator[Resource]]


def _places(machine: Resource, graph: Graph) -> Iterator[_Place]:
    if machine.short == "ec2/instance":
        yield _Place(_instance_ways(machine, graph), lambda: _instance_groups(machine, graph))
    elif machine.short == "autoscaling/group":
        yield _Place(
            _ways(graph, machine, "vpcZoneIdentifiers"),
            lambda: each(templates(machine, graph), lambda template: launch_groups(graph, template)),
        )
    elif machine.short == "eks/nodeGroup":
        yield _Place(
            _ways(graph, machine, "subnetIds"),
            lambda: each(template_of(machine, graph), lambda template: launch_groups(graph, template)),
        )
    elif machine.short == "elasticbeanstalk/environment":
        yield _Place(_environment_ways(machine, graph), lambda: _environment_groups(machine, graph))
    else:
        cluster = Cluster(machine, machine)
        yield _Place(_cluster_ways(cluster, graph), lambda: _cluster_groups(cluster, graph))


def _ways(graph: Graph, resource: Resource, key: str) -> Iterator[Way]:
    if given(resource, key):
        yield from _into(graph, graph.targets(resource, key, "ec2/subnet"))
    else:
        yield DEFAULT_VPC


def _into(graph: Graph, found: Iterable[Resource]) -> Iterator[Way]:
    return each(found, lambda subnet: ways(graph, subnet))


_INTERFACES = ("networkInterfaces", "primaryNetworkInterface")


def _interfaces(instance: Resource, graph: Graph) -> Iterator[Resource]:
    """The network interfaces of the program that are attached to an instance."""

    def named(key: str) -> Iterator[Resource]:
        if given(instance, key):
            ids = [peek(interface, "networkInterfaceId") for interface in items(instance, key)]
            yield from graph.targets(instance, key, "ec2/networkInterface", value=ids)

    return each(_INTERFACES, named)


def _instance_ways(instance: Resource, graph: Graph) -> Iterator[Way]:
    def of_template(template: Resource) -> Iterator[Way]:
        named = [peek(interface, "subnetId") for interface in items(template, "networkInterfaces")]
        if all(value in (None, "") for value in named):
            yield DEFAULT_VPC
        yield from _into(graph, graph.targets(template, "networkInterfaces", "ec2/subnet", value=named))

    if given(instance, "subnetId"):
        yield from _ways(graph, instance, "subnetId")
    elif any(given(instance, key) for key in _INTERFACES):
        yield from each(_interfaces(instance, graph), lambda interface: _ways(graph, interface, "subnetId"))
    elif given(instance, "launchTemplate"):
        yield from each(templates(instance, graph), of_template)
    else:
        yield DEFAULT_VPC


def _instance_groups(instance: Resource, graph: Graph) -> Iterator[Resource]:
    yield from each(
        (
            graph.targets(instance, "vpcSecurityGroupIds", *GROUPS),
            graph.targets(instance, "securityGroups", *GROUPS),
            each(_interfaces(instance, graph), lambda interface: graph.targets(interface, "securityGroups", *GROUPS)),
            each(templates(instance, graph), lambda template: launch_groups(graph, template)),
        ),
        lambda found: found,
    )


def _environment_ways(environment: Resource, graph: Graph) -> Iterator[Way]:
    found = options(environment, graph)
    named = found.peek(NETWORK, "Subnets")
    if named in (None, ""):
        yield DEFAULT_VPC
        return
    into = [list(ways(graph, subnet)) for subnet in subnets(found, "Subnets", graph)]
    # As long as the list isn't known, public subnets among private ones may be the load balancer's.
    if named is UNKNOWN and any(into) and not all(into):
        raise Unknown("which of the subnets in its settings are its instances'")
    for subnet in into:
        yield from subnet


def _environment_groups(environment: Resource, graph: Graph) -> Iterator[Resource]:
    found = options(environment, graph)
    named = found.peek(INSTANCES, "SecurityGroups")
    if named in (None, ""):
        return
    holder = found.found[INSTANCES, "SecurityGroups"][0]
    meant = [part.strip() for part in named.split(",")] if isinstance(named, str) else [UNKNOWN]
    groups = list(graph.targets(holder, "settings", *GROUPS, value=meant))
    if named is UNKNOWN and len(groups) > 1:
        raise Unknown("which of the security groups in its settings are its instances'")
    yield from groups


_CLUSTER_GROUPS = (
    "emrManagedMasterSecurityGroup", "emrManagedSlaveSecurityGroup", "serviceAccessSecurityGroup",
    "additionalMasterSecurityGroups", "additionalSlaveSecurityGroups",
)  # fmt: skip


def _cluster_ways(cluster: Cluster, graph: Graph) -> Iterator[Way]:
    if any(cluster.given(f"ec2Attributes.{key}") for key in ("subnetId", "subnetIds")):
        yield from _into(graph, cluster.subnets(graph))
    else:
        yield DEFAULT_VPC


def _cluster_groups(cluster: Cluster, graph: Graph) -> Iterator[Resource]:
    def named(key: str) -> Iterator[Resource]:
        if cluster.given(f"ec2Attributes.{key}"):
            yield from cluster.targets(graph, f"ec2Attributes.{key}", *GROUPS)

    return each(_CLUSTER_GROUPS, named)
