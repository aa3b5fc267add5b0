"""EMR clusters, made by a resource of their own or, for each run anew, by a task of a state machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek
from .machines import arguments, definition, tasks

CLUSTERS = ("emr/cluster", "sfn/stateMachine")
"""What makes clusters. A state machine may make none."""
CREATE = ("createCluster", "runJobFlow")
END = ("terminateCluster", "terminateJobFlows")

# Where a task has what the provider calls otherwise than EMR's API, first letters apart.
_ASKED = {
    "ec2Attributes.subnetId": "instances.ec2SubnetId",
    "ec2Attributes.subnetIds": "instances.ec2SubnetIds",
    "ec2Attributes.emrManagedMasterSecurityGroup": "instances.emrManagedMasterSecurityGroup",
    "ec2Attributes.emrManagedSlaveSecurityGroup": "instances.emrManagedSlaveSecurityGroup",
    "ec2Attributes.serviceAccessSecurityGroup": "instances.serviceAccessSecurityGroup",
    "ec2Attributes.instanceProfile": "jobFlowRole",
    "keepJobFlowAliveWhenNoSteps": "instances.keepJobFlowAliveWhenNoSteps",
}
_SPELLED = {
    "SpotSpecification": "spotSpecifications",
    "OnDemandSpecification": "onDemandSpecifications",
    "MaximumOnDemandCapacityUnits": "maximumOndemandCapacityUnits",
}


@dataclass(frozen=True)
class Cluster:
    """One cluster, whose settings are read by the provider's names."""

    holder: Resource
    said: Any

    @property
    def called(self) -> str:
        """How a message names it."""
        return "it" if self.holder.short == "emr/cluster" else "a cluster of it"

    def path(self, key: str) -> str:
        """Where it has a setting."""
        return key if self.holder.short == "emr/cluster" else _ASKED.get(key, key)

    def peek(self, key: str) -> Any:
        """A setting, which may be `UNKNOWN`."""
        return peek(self.said, self.path(key))

    def get(self, key: str) -> Any:
        """A setting."""
        return get(self.said, self.path(key))

    def given(self, key: str) -> bool:
        """Whether a setting is there."""
        return given(self.said, self.path(key))

    def targets(self, graph: Graph, key: str, *types: str) -> Iterator[Resource]:
        """What a setting that is there refers to."""
        value = self.peek(key)
        if self.holder.short == "emr/cluster":
            yield from graph.targets(self.holder, key.partition(".")[0], *types, value=value)
        elif value is UNKNOWN or UNKNOWN in (value if isinstance(value, list) else []):
            raise Unknown(f"{key} of a cluster that it makes")  # as it runs: what the definition depends on is all else
        else:
            yield from graph.targets(self.holder, "definition", *types, value=value)

    def subnets(self, graph: Graph) -> Iterator[Resource]:
        """The subnets it may be in."""

        def judge(key: str) -> Iterator[Resource]:
            if self.given(key):
                objects = self.holder.short == "sfn/stateMachine" and self.peek(key) is UNKNOWN
                yield from _read(self.holder, graph) if objects else self.targets(graph, key, "ec2/subnet")

        yield from each(("ec2Attributes.subnetId", "ec2Attributes.subnetIds"), judge)


def clusters(resource: Resource) -> Iterator[Cluster]:
    """The clusters that a resource makes."""
    if resource.short == "emr/cluster":
        yield Cluster(resource, resource)
    else:
        yield from (Cluster(resource, _as_provider(arguments(task))) for task in tasks(definition(resource), *CREATE))


def configuration(security: Resource) -> Mapping[str, Any]:
    """What a security configuration says."""
    text = get(security, "configuration")
    try:
        found = json.loads(text if isinstance(text, str) else "")
    except ValueError:
        raise Unknown("configuration") from None
    if not isinstance(found, Mapping):
        raise Unknown("configuration")
    return found


def fleets(resource: Resource) -> Iterator[tuple[str, Any]]:
    """The instance fleets of a resource: MASTER, CORE or TASK, and what is said of them."""
    if resource.short == "emr/instanceFleet":
        yield "TASK", resource
        return

    def judge(cluster: Cluster) -> Iterator[tuple[str, Any]]:
        if resource.short == "emr/cluster":
            for role, key in (("MASTER", "masterInstanceFleet"), ("CORE", "coreInstanceFleet")):
                yield from ((role, fleet) for fleet in items(cluster.said, key))
        else:
            yield from each(
                items(cluster.said, "instances.instanceFleets"),
                lambda fleet: [(str(get(fleet, "instanceFleetType")), fleet)],
            )

    yield from each(clusters(resource), judge)


def _as_provider(asked: Any) -> Any:
    if isinstance(asked, Mapping):
        return {_SPELLED.get(key, key[:1].lower() + key[1:]): _as_provider(item) for key, item in asked.items()}
    return [_as_provider(item) for item in asked] if isinstance(asked, list) else asked


def _read(machine: Resource, graph: Graph) -> Iterator[Resource]:
    """The subnets that stand in the objects of the program that a state machine reads as it runs."""

    def contents(task: Mapping[str, Any]) -> Iterator[Resource]:
        bucket, key = get(arguments(task), "Bucket"), get(arguments(task), "Key")
        for written in graph.once("objects by key", _by_key).get(str(key), []):
            its = graph.targets(written, "bucket", "s3/bucket")
            if any(bucket in (found.props.get("bucket"), found.props.get("id")) for found in its):
                yield from _subnets_in(written, graph)

    found = False
    for subnet in each(tasks(definition(machine), "getObject"), contents):
        found = True
        yield subnet
    if not found:
        raise Unknown("the subnet of a cluster that it makes")


def _by_key(graph: Graph) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for written in graph.of_type("s3/bucketObjectv2", "s3/bucketObject"):
        if isinstance(key := written.props.get("key"), str):
            found.setdefault(key, []).append(written)
    return found


def _subnets_in(written: Resource, graph: Graph) -> Iterator[Resource]:
    content = peek(written, "content")
    if isinstance(content, str):
        try:
            content = [leaf for leaf in _texts(json.loads(content)) if leaf.startswith("subnet-")]
        except ValueError:
            raise Unknown("content") from None
    yield from graph.targets(written, "content", "ec2/subnet", value=content)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(item)
