"""Small builders: `res("rds/instance", "db", storageEncrypted=True)`, resources as values, and the graph they make.

A resource used as a value stands for its id, `arn(resource)` for its ARN, `name(resource)` for its name. `graph`
makes the graph twice over: as a first preview sees it, where nothing that AWS gives out is known and only the
dependencies tell what refers to what, and as a saved state without dependencies shows it, where only ids do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from policy.graph import UNKNOWN, Graph, Resource

ACCOUNT = "123456789012"


@dataclass(eq=False)
class Made:
    """A resource whose properties may hold other resources."""

    type: str
    name: str
    props: dict[str, Any]
    provider: str | None = None
    parent: Made | None = None

    @property
    def short(self) -> str:
        return self.type.removeprefix("aws:").rpartition(":")[0] if self.type.startswith("aws:") else self.type

    @property
    def urn(self) -> str:
        return f"urn:pulumi:test::platform::{self.type}::{self.name}"

    def outputs(self) -> dict[str, str]:
        """What AWS gives out."""
        kind = self.short.rpartition("/")[2]
        if kind in ("bucket", "bucketV2"):
            return {"id": self.name, "bucket": self.name, "arn": f"arn:aws:s3:::{self.name}"}
        given = {"id": f"{'igw' if kind == 'internetGateway' else kind}-{self.name}", "name": self.name}
        if kind == "webAcl":
            scope = "global" if self.props.get("scope") == "CLOUDFRONT" else "regional"
            given["arn"] = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:{scope}/webacl/{self.name}/1"
        else:
            given["arn"] = f"arn:aws:{self.short.replace('/', f':us-east-1:{ACCOUNT}:')}/{self.name}"
        if kind == "vpc":
            given["mainRouteTableId"] = given["defaultRouteTableId"] = f"rtb-main-{self.name}"
        if kind == "instance" and self.short.startswith("rds"):
            given["identifier"] = self.name
        if kind == "environment":
            given["loadBalancers"] = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/app/{self.name}/1"
        return given


@dataclass(frozen=True)
class Ref:
    """An output of a resource."""

    made: Made
    output: str


@dataclass(frozen=True)
class Text:
    """JSON text that a program makes, of outputs too."""

    value: Any


def arn(made: Made) -> Ref:
    return Ref(made, "arn")


def name(made: Made) -> Ref:
    return Ref(made, "name")


def output(made: Made, key: str) -> Ref:
    return Ref(made, key)


def token(type: str) -> str:
    """`rds/instance` -> `aws:rds/instance:Instance`; a whole token stays."""
    if ":" in type:
        return type
    kind = type.rpartition("/")[2]
    return f"aws:{type}:{kind[0].upper()}{kind[1:]}"


def res(type: str, name: str, /, *, provider: Any = None, parent: Any = None, **props: Any) -> Made:
    return Made(token(type), name, props, provider, parent)


def resources(*worlds: Made, known: bool) -> list[Resource]:
    """The given resources and all that they refer to."""
    found: dict[str, Made] = {}

    def collect(made: Made) -> None:
        if made.urn not in found:
            found[made.urn] = made
            for ref in _refs(made.props):
                collect(ref.made)

    for made in worlds:
        collect(made)
    return [_resource(made, known) for made in found.values()]


def graph(*worlds: Made, known: bool = False, region: str | None = "eu-west-1") -> Graph:
    return Graph(resources(*worlds, known=known), region=region)


def _resource(made: Made, known: bool) -> Resource:
    outputs: dict[str, Any] = {key: value if known else UNKNOWN for key, value in made.outputs().items()}
    if "loadBalancers" in outputs:
        outputs["loadBalancers"] = [outputs["loadBalancers"]]
    dependencies: dict[str, list[str]] = {}
    if not known:
        for key, value in made.props.items():
            urns = list(dict.fromkeys(ref.made.urn for ref in _refs(value)))
            if urns:
                dependencies[key] = urns
    return Resource(
        urn=made.urn,
        type=made.type,
        name=made.name,
        props={**outputs, **_plain(made.props, known)},
        parent=made.parent.urn if made.parent else None,
        property_dependencies=dependencies,
        dependencies=[urn for urns in dependencies.values() for urn in urns],
        provider=made.provider,
    )


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Made):
        yield Ref(value, "id")
    elif isinstance(value, Ref):
        yield value
    elif isinstance(value, Text):
        yield from _refs(value.value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)


def _plain(value: Any, known: bool) -> Any:
    if isinstance(value, Made):
        value = Ref(value, "id")
    if isinstance(value, Ref):
        return value.made.outputs()[value.output] if known else UNKNOWN
    if isinstance(value, Text):
        return json.dumps(_plain(value.value, True)) if known or not any(_refs(value)) else UNKNOWN
    if isinstance(value, dict):
        return {key: _plain(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, known) for item in value]
    return value


@dataclass(frozen=True)
class Case:
    """What a rule says about resources of one type. The first resource of each world is the one judged."""

    rule: str
    type: str
    ok: list[list[Made]] = field(default_factory=list)
    bad: list[list[Made]] = field(default_factory=list)
    unknown: list[list[Made]] = field(default_factory=list)


World = Made | list[Made]


def case(rule: str, type: str, *, ok: Sequence[World], bad: Sequence[World], unknown: Sequence[World]) -> Case:
    def worlds(given: Sequence[World]) -> list[list[Made]]:
        return [[world] if isinstance(world, Made) else world for world in given]

    return Case(rule, type, worlds(ok), worlds(bad), worlds(unknown))
