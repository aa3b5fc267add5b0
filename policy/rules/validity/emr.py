"""EMR: releases, applications, security groups, fleets and scaling that it takes together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...emr import CLUSTERS, Cluster, clusters, fleets
from ...graph import Graph, Resource, Unknown, each, get, given, items, peek
from ...network import ways_in
from ...rule import rule
from .values import FAMILY, number, text

_NEWEST = 7


@rule(
    "emr-release", *CLUSTERS,
    family=FAMILY, severity="medium", alone=True,
    title="EMR offers the release",
    controls="",
    remediation="Set the release label to emr- and three numbers, such as emr-7.13.0",
)  # fmt: skip
def emr_release(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR release guide, "About Amazon EMR releases"."""

    def judge(cluster: Cluster) -> Iterator[str]:
        label = text(cluster.said, "releaseLabel")
        found = re.fullmatch(r"emr-(\d{1,3})\.\d{1,3}\.\d{1,3}", label or "")
        if label and label.startswith("emr-spark-"):
            raise Unknown("whether EMR offers a release of this kind")
        if not found:
            yield f"the release label of {cluster.called} isn't of the form emr-N.N.N"
        elif int(found[1]) < 4:
            yield f"{cluster.called} is of a release that EMR no longer offers"
        elif int(found[1]) > _NEWEST:
            raise Unknown("whether EMR offers a release so new")

    yield from each(clusters(resource), judge)


_PRESTO = {"presto", "prestosql", "trino"}


@rule(
    "emr-applications", *CLUSTERS,
    family=FAMILY, severity="medium", alone=True,
    title="EMR installs the applications side by side",
    controls="",
    remediation="Name each application once, and one of Presto, PrestoSQL and Trino, which listen on the same port",
)  # fmt: skip
def emr_applications(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR release guide, "Presto and Trino"."""

    def named(found: Any) -> list[str]:
        name = found if isinstance(found, str) else text(found, "name")  # a task has objects there
        return [name.lower()] if name else []

    def judge(cluster: Cluster) -> Iterator[str]:
        seen: list[str] = []
        doubt: Unknown | None = None
        try:
            for name in each(items(cluster.said, "applications"), named):
                seen.append(name)
        except Unknown as unknown:
            doubt = unknown
        if len(_PRESTO.intersection(seen)) > 1:
            yield f"{cluster.called} has Presto and Trino"
        if len(set(seen)) < len(seen):
            yield f"{cluster.called} has an application twice"
        if doubt:
            raise doubt

    yield from each(clusters(resource), judge)


_GROUPS = ("emrManagedMasterSecurityGroup", "emrManagedSlaveSecurityGroup")


@rule(
    "emr-security-groups", *CLUSTERS,
    family=FAMILY, severity="high",
    title="EMR clusters in private subnets have all three security groups, or leave them to EMR",
    controls="",
    remediation="Set the primary's, the core's and, in a private subnet, the service access security group together",
)  # fmt: skip
def emr_security_groups(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR management guide, "Working with Amazon EMR-managed security groups"."""

    def judge(cluster: Cluster) -> Iterator[str]:
        nodes = [cluster.given(f"ec2Attributes.{key}") for key in _GROUPS]
        service = cluster.given("ec2Attributes.serviceAccessSecurityGroup")
        if any(nodes) != all(nodes):
            yield f"{cluster.called} has a security group for one kind of node alone"
        elif service and not any(nodes):
            yield f"{cluster.called} has a service access security group without those of its nodes"
        elif any(nodes) and not service and _private(cluster, graph):
            yield f"{cluster.called} is in a private subnet and has no service access security group"

    yield from each(clusters(resource), judge)


def _private(cluster: Cluster, graph: Graph) -> bool:
    """Whether none of its subnets has a way to the internet."""
    return not any(each(cluster.subnets(graph), lambda subnet: ways_in(graph, subnet)))


@rule(
    "emr-fleets", *CLUSTERS, "emr/instanceFleet",
    family=FAMILY, severity="medium", alone=True,
    title="EMR takes the instance fleets",
    controls="",
    remediation="Give the primary fleet one instance, the core fleet one at least, each instance type once, up to 30 "
    "with an allocation strategy and 5 without, weights of no more than the fleet's capacity can use, and Spot 5 to "
    "1,440 minutes; use fleets or instance groups, not both",
)  # fmt: skip
def emr_fleets(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR management guide, "Planning and configuring instance fleets"; API reference, InstanceFleetConfig."""

    def capacity(fleet: Any, key: str) -> float:
        return number(fleet, key) or 0

    def judge(found: tuple[str, Any]) -> Iterator[str]:
        role, fleet = found
        on_demand, spot = capacity(fleet, "targetOnDemandCapacity"), capacity(fleet, "targetSpotCapacity")
        if on_demand < 0 or spot < 0:
            yield "a fleet of it has less than no capacity"
        elif role == "MASTER" and on_demand + spot != 1:
            yield "its primary fleet has not one instance"
        elif role == "CORE" and on_demand + spot < 1:
            yield "its core fleet has no instance"
        within = "launchSpecifications.spotSpecifications"
        minutes = number(fleet, f"{within}.timeoutDurationMinutes")
        if minutes is not None and not 5 <= minutes <= 1440:
            yield "a fleet of it waits for Spot instances for less than 5 or more than 1,440 minutes"
        yield from types(role, fleet)

    def types(role: str, fleet: Any) -> Iterator[str]:
        configs = list(items(fleet, "instanceTypeConfigs"))
        specifications = ("launchSpecifications.onDemandSpecifications", "launchSpecifications.spotSpecifications")
        chosen = any(given(fleet, f"{key}.allocationStrategy") for key in specifications)
        if len(configs) > (30 if chosen else 5):
            yield "a fleet of it has more instance types than EMR takes"
        seen: set[str] = set()

        def one(config: Any) -> Iterator[str]:
            weight = number(config, "weightedCapacity")
            if weight is not None and (weight < 1 or weight > 999 or (role == "MASTER" and weight != 1)):
                yield "an instance type of a fleet of it has a weight that EMR doesn't take"
            name = text(config, "instanceType")
            if name and name in seen:
                yield "a fleet of it has an instance type twice"
            seen.add(name or "")

        yield from each(configs, one)

    def kinds(cluster: Cluster) -> Iterator[str]:
        if resource.short == "emr/cluster":
            grouped = any(given(resource, key) for key in ("masterInstanceGroup", "coreInstanceGroup"))
            fleet = any(given(resource, key) for key in ("masterInstanceFleet", "coreInstanceFleet"))
        else:
            grouped, fleet = (given(cluster.said, f"instances.instance{kind}") for kind in ("Groups", "Fleets"))
        if grouped and fleet:
            yield f"{cluster.called} has both instance groups and instance fleets"

    if resource.short != "emr/instanceFleet":
        yield from each((each(clusters(resource), kinds), each(fleets(resource), judge)), lambda part: part)
    else:
        yield from each(fleets(resource), judge)


@rule(
    "emr-instance-groups", "emr/cluster", "emr/instanceGroup",
    family=FAMILY, severity="medium", alone=True,
    title="EMR takes the instance groups",
    controls="",
    remediation="Give the primary group 1 or 3 instances, the core group one at least, and others none or more",
)  # fmt: skip
def emr_instance_groups(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR management guide, "Plan and configure primary nodes"."""
    if resource.short == "emr/instanceGroup":
        if (number(resource, "instanceCount") or 0) < 0:
            yield "it has less than no instance"
        return
    primary = number(resource, "masterInstanceGroup.instanceCount")
    core = number(resource, "coreInstanceGroup.instanceCount")
    if primary not in (None, 1, 3):
        yield "its primary group has neither one instance nor three"
    if core is not None and core < 1:
        yield "its core group has no instance"


_LIMITS = "computeLimits"


@rule(
    "emr-scaling", *CLUSTERS, "emr/managedScalingPolicy",
    family=FAMILY, severity="medium", alone=True,
    title="EMR takes the scaling, the idle time and the steps at once",
    controls="",
    remediation="Set the least units to no more than the most, those of on-demand and of core instances to no more "
    "than that, idleTimeout to 60 to 604,800 seconds and stepConcurrencyLevel to 1 to 256",
)  # fmt: skip
def emr_scaling(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR API reference, ComputeLimits, AutoTerminationPolicy and RunJobFlow."""

    def limits(holder: Any, within: str) -> Iterator[str]:
        least, most = (number(holder, f"{within}.{key}CapacityUnits") for key in ("minimum", "maximum"))
        if least is not None and least < 1:
            yield "it scales to nothing"
        if least is not None and most is not None and least > most:
            yield "it scales to a least that is above its most"
        for kind in ("Ondemand", "Core"):
            part = number(holder, f"{within}.maximum{kind}CapacityUnits")
            if part is not None and most is not None and part > most:
                yield f"its most of {kind} units is above its most of all"

    def judge(cluster: Cluster) -> Iterator[str]:
        idle, steps = (
            number(cluster.said, "autoTerminationPolicy.idleTimeout"),
            number(cluster.said, "stepConcurrencyLevel"),
        )
        if idle is not None and not 60 <= idle <= 604_800:
            yield "its idleTimeout is out of bounds"
        if steps is not None and not 1 <= steps <= 256:
            yield "its stepConcurrencyLevel is out of bounds"
        if resource.short == "sfn/stateMachine":
            yield from limits(cluster.said, f"managedScalingPolicy.{_LIMITS}")

    if resource.short == "emr/managedScalingPolicy":
        yield from limits(resource, _LIMITS)
    else:
        yield from each(clusters(resource), judge)


@rule(
    "emr-scaling-unit", "emr/managedScalingPolicy",
    family=FAMILY, severity="medium",
    title="Managed scaling counts what its cluster is made of",
    controls="",
    remediation="Set unitType to InstanceFleetUnits for instance fleets, and to Instances or VCPU for instance groups",
)  # fmt: skip
def emr_scaling_unit(policy: Resource, graph: Graph) -> Iterator[str]:
    """EMR API reference, ComputeLimits."""
    units = get(policy, f"{_LIMITS}.unitType")
    if peek(policy, "clusterId") in (None, ""):
        return

    def judge(cluster: Resource) -> Iterator[str]:
        fleet = given(cluster, "masterInstanceFleet")
        if fleet != (units == "InstanceFleetUnits"):
            yield f"{cluster.label} has {'instance fleets' if fleet else 'instance groups'}, which it doesn't count"

    yield from each(graph.targets(policy, "clusterId", "emr/cluster"), judge)
