"""What exists in the stand-in's account, and what may go wrong there: a memory apart from any engine's state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from google.protobuf import json_format, struct_pb2

BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObject"
"""What the types of objects in buckets begin with."""
ELSEWHERE = ("random:", "grafana:")
"""What exists in the engine's state alone or in a Grafana, under ids that several share: it isn't remembered."""


class Failure(Exception):
    """What an operation ends with, in AWS's words.

    `after`: it has been carried out all the same, as a create that takes longer than the provider waits. `gone`: the
    provider is gone with it, so that there is no answer at all.
    """

    def __init__(self, message: str, *, after: bool = False, gone: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.gone = gone


class Thing(NamedTuple):
    """One resource in the account."""

    urn: str
    inputs: frozenset[str]
    """The names of the properties that the program gave."""
    properties: dict[str, Any]
    """Inputs and what AWS computed, as on the wire."""
    generation: int
    """How many a URN had before: AWS never gives an id twice."""

    def given(self) -> dict[str, Any]:
        """The inputs as they are by now."""
        return {key: value for key, value in self.properties.items() if key in self.inputs}


@dataclass
class World:
    """What is made, changed and deleted while it lasts: hand one to several engines, and it outlives their processes.

    Of what it has seen neither made nor deleted, the stand-in takes the engine's word.
    """

    before: Callable[[str, str], None] = lambda operation, urn: None
    """Told each create, update and delete beforehand, and the URN. What it raises as a Failure is what happens."""
    protects: bool = True
    """Whether AWS refuses to delete what is protected there."""
    filled: set[str] = field(default_factory=set)
    """URNs of buckets, repositories and workgroups that hold what the program didn't put there."""
    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    """What exists, by type and id."""
    gone: set[tuple[str, str]] = field(default_factory=set)
    """What existed."""
    left: dict[str, str] = field(default_factory=dict)
    """What a deletion leaves for a time, by URN: a snapshot, or a key or secret that can be recovered."""
    births: Counter[str] = field(default_factory=Counter)
    """How often each URN was made."""

    def create(self, urn: str, id: str, inputs: struct_pb2.Struct, properties: struct_pb2.Struct) -> None:
        """Make a resource.

        Raises:
            Failure: where another has its name.
        """
        key = type_of(urn), id
        generation = self.births[urn]
        self.births[urn] += 1
        if key[0].startswith(ELSEWHERE):
            return
        if key in self.things and not key[0].startswith(OBJECT):  # S3 takes the new one
            raise Failure(f"AlreadyExists: {key[0]} {id} already exists")
        self.gone.discard(key)
        self.things[key] = Thing(urn, frozenset(inputs.fields), _plain(properties), generation)

    def update(self, urn: str, id: str, inputs: struct_pb2.Struct, properties: struct_pb2.Struct) -> None:
        """Change a resource."""
        key = type_of(urn), id
        if not key[0].startswith(ELSEWHERE):
            self.things[key] = Thing(urn, frozenset(inputs.fields), _plain(properties), self.generation(urn, id))

    def delete(self, urn: str, id: str, properties: Mapping[str, Any]) -> None:
        """Take a resource away, which a provider knows by these properties.

        Raises:
            Failure: where AWS refuses.
        """
        key = type_of(urn), id
        objects = [
            found
            for found, thing in list(self.things.items())  # of which others may make and delete some meanwhile
            if key[0] == BUCKET and found[0].startswith(OBJECT) and thing.properties.get("bucket") == id
        ]
        refusal = _refusal(key[0], properties, filled=bool(objects) or urn in self.filled)
        if refusal and self.protects:
            raise Failure(refusal)
        left = _left(key[0], properties)
        if left:
            self.left[urn] = left
        for found in objects:  # which force deletes
            self.things.pop(found, None)
        self.things.pop(key, None)
        if not key[0].startswith(ELSEWHERE):
            self.gone.add(key)

    def generation(self, urn: str, id: str) -> int:
        """The generation of a resource that exists."""
        thing = self.things.get((type_of(urn), id))
        return thing.generation if thing else 0

    def change(self, name: str, **properties: Any) -> None:
        """Change a resource by hand, behind the engine's back; None takes a property away."""
        key = self.find(name)
        changed = {**self.things[key].properties, **properties}
        kept = {name: value for name, value in changed.items() if value is not None}
        self.things[key] = self.things[key]._replace(properties=kept)

    def remove(self, name: str) -> None:
        """Delete a resource by hand, behind the engine's back."""
        key = self.find(name)
        del self.things[key]
        self.gone.add(key)

    def find(self, name: str) -> tuple[str, str]:
        """The type and id of the one resource whose URN ends in `name`."""
        (found,) = (key for key, thing in self.things.items() if thing.urn.endswith(name))
        return found


def type_of(urn: str) -> str:
    """The type in a URN, without its parents'."""
    return urn.split("::")[2].split("$")[-1]


def _plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Secrets stay marked, unlike those that `wire.decode` takes in."""
    kept: dict[str, Any] = json_format.MessageToDict(properties)
    return kept


# AWS's own protection: the property that turns it on, and what AWS says.
PROTECTIONS = {
    "aws:cloudwatch/logGroup:LogGroup": (
        "deletionProtectionEnabled",
        "ValidationException: the log group has deletion protection enabled",
    ),
    "aws:eks/cluster:Cluster": (
        "deletionProtection",
        "InvalidRequestException: the cluster has deletion protection enabled",
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        "enableDeletionProtection",
        "OperationNotPermitted: the load balancer cannot be deleted because deletion protection is enabled",
    ),
    "aws:rds/instance:Instance": (
        "deletionProtection",
        "InvalidParameterCombination: Cannot delete protected DB Instance, please disable deletion protection and "
        "try again.",
    ),
}
# What is deleted empty only, unless this property has been applied before.
FORCES = {
    "aws:athena/workgroup:Workgroup": ("forceDestroy", "InvalidRequestException: WorkGroup is not empty"),
    "aws:ecr/repository:Repository": (
        "forceDelete",
        "RepositoryNotEmptyException: the repository cannot be deleted because it still contains images",
    ),
    BUCKET: ("forceDestroy", "BucketNotEmpty: The bucket you tried to delete is not empty"),
}


def _refusal(kind: str, properties: Mapping[str, Any], *, filled: bool) -> str | None:
    """What the provider or AWS says where it refuses to delete."""
    protection, reason = PROTECTIONS.get(kind, ("", ""))
    if properties.get(protection):
        return reason
    force, reason = FORCES.get(kind, ("", ""))
    if force and filled and not properties.get(force):
        return reason
    if kind == "aws:rds/instance:Instance" and not properties.get("skipFinalSnapshot"):
        return None if properties.get("finalSnapshotIdentifier") else "final_snapshot_identifier is required"
    return None


def _left(kind: str, properties: Mapping[str, Any]) -> str | None:
    """What a deletion leaves, and for how long."""
    if kind == "aws:kms/key:Key":
        return f"the key, {properties.get('deletionWindowInDays', 30)} days"
    if kind == "aws:secretsmanager/secret:Secret":
        days = properties.get("recoveryWindowInDays", 30)
        return f"the secret, {days} days" if days else None
    if properties.get("finalSnapshotIdentifier") and not properties.get("skipFinalSnapshot"):
        return f"the snapshot {properties['finalSnapshotIdentifier']}"
    return None
