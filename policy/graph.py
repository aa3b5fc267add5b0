"""The resources of a stack as a plain, indexed graph.

Rules read it and nothing else, so they run alike in a preview, over a saved state and in a test. A value that is
not known yet is `UNKNOWN`; reading one through `get` or `items` raises `Unknown`, which the evaluator turns into
the verdict "unverifiable". References between resources are followed by id where ids are known, and by Pulumi's
property dependencies, which survive unknowns, where they are not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any, Final, TypeVar

T = TypeVar("T")
V = TypeVar("V")


class Unknown(Exception):
    """A rule needs something that isn't known. `what` names it and never contains a value."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise Unknown("a value")


UNKNOWN: Final = _Unknown.UNKNOWN
"""Stands for a value that isn't known (yet)."""

# Modules that are one under several names.
_MODULES = {
    "alb": "lb",
    "applicationloadbalancing": "lb",
    "elasticloadbalancingv2": "lb",
    "elasticloadbalancing": "elb",
}

# Properties by which one resource names another. A name is only ever compared within the types asked for.
_IDENTITIES = (
    "id", "arn", "name", "bucket", "identifier", "clusterIdentifier", "keyId", "policyName",
    "mainRouteTableId", "defaultRouteTableId",
)  # fmt: skip

# Likewise, but a list of them, and of one type alone.
_LISTED_IDENTITIES = {"elasticbeanstalk/environment": "loadBalancers"}


def short_type(token: str) -> str:
    """`aws:alb/loadBalancer:LoadBalancer` -> `lb/loadBalancer`; a type outside `aws:` stays whole."""
    package, _, rest = token.partition(":")
    module, slash, name = rest.partition(":")[0].partition("/")
    if package != "aws" or not slash:
        return token
    if module == "s3":
        name = name.removesuffix("V2")
    return f"{_MODULES.get(module, module)}/{name}"


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource. `props` is plain JSON with `UNKNOWN` at its leaves, secrets unwrapped."""

    urn: str
    type: str
    name: str
    props: Mapping[str, Any] = field(repr=False)
    parent: str | None = None
    property_dependencies: Mapping[str, list[str]] = field(default_factory=dict, repr=False)
    dependencies: list[str] = field(default_factory=list, repr=False)
    provider: str | None = None
    source: str | None = None

    @cached_property
    def short(self) -> str:
        """Type without package and class, aliases resolved: `lb/loadBalancer`."""
        return short_type(self.type)

    @cached_property
    def identities(self) -> frozenset[str]:
        """What others may call the resource; worked out once, however many graphs it is in."""
        if not self.type.startswith("aws:"):
            return frozenset()
        named = [self.props.get(key) for key in _IDENTITIES]
        listed = self.props.get(_LISTED_IDENTITIES.get(self.short, ""))
        named += listed if isinstance(listed, list) else []
        return frozenset(value for value in named if isinstance(value, str) and value)

    @property
    def label(self) -> str:
        """How a message names the resource."""
        return f"{self.short} {self.name}"


LOOKED_UP = "platform:index:LookedUp"
"""A component that says what a program has looked up: its type, and its properties."""


def _found(resource: Resource) -> Resource:
    """What belongs to others is no resource of the program; a component that stands for it says what it is."""
    properties = resource.props.get("properties")
    if resource.type != LOOKED_UP or not isinstance(properties, Mapping):
        return resource
    # What a look-up doesn't say isn't known.
    props = {key: UNKNOWN if value is None else _camel(value) for key, value in properties.items()}
    return replace(resource, type=str(resource.props.get("type")), props=props, property_dependencies={})


def _camel(value: Any) -> Any:
    """What Python's SDK has looked up, by the names that resources give their properties."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {re.sub(r"_(.)", lambda part: part[1].upper(), key): _camel(item) for key, item in value.items()}


def peek(value: Any, path: str) -> Any:
    """The value at a dotted path of a resource or of an item of one, which may be `UNKNOWN`; None where there is none.

    Raises `Unknown` where something on the way isn't an object.
    """
    if isinstance(value, Resource):
        value = value.props
    for key in path.split("."):
        if isinstance(value, list) and len(value) == 1:  # a block that occurs once can come as a list of one
            value = value[0]
        if value is None or value is UNKNOWN:
            return value
        if value == []:
            return None
        if not isinstance(value, Mapping):
            raise Unknown(path)
        value = value.get(key)
    return value


def get(value: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none. Raises `Unknown` when it isn't known."""
    found = peek(value, path)
    if found is UNKNOWN:
        raise Unknown(path)
    return found


def given(value: Any, path: str) -> bool:
    """Whether the property at a path is set. A value that isn't known yet is: what the program leaves out is absent.

    Raises `Unknown` where the object that it would be in isn't known.
    """
    parent, _, key = path.rpartition(".")
    holder = get(value, parent) if parent else value
    if holder is UNKNOWN:
        raise Unknown(path)
    return peek(holder, key) not in (None, "", [], {})


def items(value: Any, path: str) -> Iterator[Any]:
    """The items of the list at a path, which may themselves be `UNKNOWN`; an object alone counts as one item."""
    found = get(value, path)
    if isinstance(found, list):
        yield from found
    elif isinstance(found, Mapping):
        yield found
    elif found not in (None, ""):
        raise Unknown(path)


def strings(value: Any, path: str) -> Iterator[str]:
    """The strings of the list at a path; raises `Unknown`, at the end, when one of them isn't known."""
    unknown = False
    for item in items(value, path):
        if isinstance(item, str):
            yield item
        else:
            unknown = True
    if unknown:
        raise Unknown(path)


def yes(value: Any, path: str) -> bool:
    """Whether a flag is on. Some of the provider's flags are strings."""
    return get(value, path) in (True, "true")


def each(found: Iterable[T], judge: Callable[[T], Iterable[V]]) -> Iterator[V]:
    """Judge things one by one: something unknown in one doesn't hide what is wrong with the next."""
    unknown: Unknown | None = None
    iterator = iter(found)
    while True:
        try:
            item = next(iterator)
        except StopIteration:
            break
        except Unknown as error:
            unknown = unknown or error
            break
        try:
            yield from judge(item)
        except Unknown as error:
            unknown = unknown or error
    if unknown:
        raise unknown


def some(found: Iterable[T], holds: Callable[[T], bool]) -> bool:
    """Whether something holds for one of them; raises `Unknown` when it is known of none and unknown of one."""
    return any(each(found, lambda thing: [True] if holds(thing) else []))


class Graph:
    """Every resource of a stack, indexed by type, by URN, by identity and by what refers to it."""

    def __init__(self, resources: Iterable[Resource], *, region: str | None = None) -> None:
        """`region` is the stack's, for resources whose provider says nothing about it."""
        self.resources = [_found(resource) for resource in resources]
        self._region = region
        self._by_urn = {resource.urn: resource for resource in self.resources}
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        self._by_identity: dict[str, list[Resource]] = defaultdict(list)
        self._by_parent: dict[str, list[Resource]] = defaultdict(list)
        self._referrers: dict[tuple[str, str, str], tuple[dict[str, list[Resource]], Unknown | None]] = {}
        self._once: dict[str, Any] = {}
        for resource in self.resources:
            self._by_type[resource.short].append(resource)
            if resource.parent:
                self._by_parent[resource.parent].append(resource)
            for identity in resource.identities:
                self._by_identity[identity].append(resource)

    def of_type(self, *types: str) -> list[Resource]:
        """The resources of the given short types."""
        return [resource for type in types for resource in self._by_type.get(type, ())]

    def children(self, resource: Resource) -> list[Resource]:
        """What a component is made of, as far as it is registered."""
        return self._by_parent.get(resource.urn, [])

    def once(self, name: str, work_out: Callable[[Graph], T]) -> T:
        """What `work_out` says of the whole graph, asked for by many resources and worked out for the first alone."""
        if name not in self._once:
            self._once[name] = work_out(self)
        found: T = self._once[name]
        return found

    def targets(self, resource: Resource, path: str, *types: str, value: Any = None) -> Iterator[Resource]:
        """The resources of the given types that the property at a path refers to.

        `value` is the part of that property which is meant, for an item of a list. Raises `Unknown`, at the end,
        when something it refers to isn't in the program or can't be told.
        """
        key = path.partition(".")[0]
        value = peek(resource, path) if value is None else value
        leaves = [leaf for leaf in _leaves(value) if leaf not in (None, "")]
        found: dict[str, Resource] = {}
        unresolved = 0
        for leaf in leaves:
            matches = [match for match in self._by_identity.get(str(leaf), ()) if match.short in types]
            unresolved += not matches
            found.update((match.urn, match) for match in matches)
        if unresolved:
            behind = [d for d in self._dependencies(resource, key) if d.short in types and d.urn not in found]
            if UNKNOWN not in leaves:  # a known value can only mean what has no id yet
                behind = [dependency for dependency in behind if not isinstance(dependency.props.get("id"), str)]
            # Two values that come from one resource are told apart by nothing: more values than resources is a doubt.
            unresolved = max(0, unresolved - len(behind))
            found.update((dependency.urn, dependency) for dependency in behind)
        yield from found.values()
        if unresolved:
            raise Unknown(f"what {path} refers to")

    def referrers(self, target: Resource, type: str, key: str) -> Iterator[Resource]:
        """The resources of a type whose property `key` refers to the target.

        Raises `Unknown`, at the end, when one of them may refer to it but can't be told to.
        """
        index, doubt = self._index(type, key, target.short)
        yield from index.get(target.urn, ())
        if doubt:
            raise doubt

    def refers(self, resource: Resource, key: str, *types: str, value: Any = None) -> bool:
        """Whether a property is set and refers to a resource of the given types; `Unknown` when that can't be told."""
        return any(self.targets(resource, key, *types, value=value))

    @cached_property
    def _users(self) -> dict[str, list[tuple[Resource, str]]]:
        users: dict[str, list[tuple[Resource, str]]] = defaultdict(list)
        for resource in self.resources:
            if not resource.type.startswith("aws:"):
                continue
            for key, value in resource.props.items():
                found = {dependency.urn for dependency in self._dependencies(resource, key)}
                for leaf in _leaves(value):
                    if isinstance(leaf, str):
                        found.update(match.urn for match in self._by_identity.get(leaf, ()))
                for urn in found:
                    if urn != resource.urn:
                        users[urn].append((resource, key))
        return users

    def users(self, target: Resource) -> list[tuple[Resource, str]]:
        """Every AWS resource that refers to the target, with the top-level property that does."""
        return self._users.get(target.urn, [])

    def region(self, resource: Resource) -> str:
        """The region a resource is in: its own, else its provider's, else the stack's."""
        own = resource.props.get("region")
        if isinstance(own, str) and own:
            return own
        reference = resource.provider or ""
        provider = self._by_urn.get(reference) or self._by_urn.get(reference.rpartition("::")[0])
        theirs = provider.props.get("region") if provider else None
        if isinstance(theirs, str) and theirs:
            return theirs
        if self._region is None or own is UNKNOWN or theirs is UNKNOWN:
            raise Unknown("region")
        return self._region

    def _dependencies(self, resource: Resource, key: str) -> list[Resource]:
        urns = dict.fromkeys(resource.property_dependencies.get(key, ()))
        return [self._by_urn[urn] for urn in urns if urn in self._by_urn]

    def _settled(self, resource: Resource, key: str) -> bool:
        """Whether an unknown property comes from a resource, other than a VPC, in which things may be looked up."""
        return any(
            dependency.type.startswith("aws:") and (dependency.short != "ec2/vpc" or key == "routeTableId")
            for dependency in self._dependencies(resource, key)
        )

    def _index(self, type: str, key: str, target: str) -> tuple[dict[str, list[Resource]], Unknown | None]:
        if (type, key, target) not in self._referrers:
            index: dict[str, list[Resource]] = defaultdict(list)
            doubt: Unknown | None = None
            for resource in self.of_type(type):
                try:
                    for found in self.targets(resource, key, target):
                        index[found.urn].append(resource)
                except Unknown:
                    # A known value that names nothing here can't mean the target, whose identities are all known
                    # or not given out yet. An unknown one can, unless it comes from something else in the program.
                    if not known(resource.props.get(key)) and not self._settled(resource, key):
                        doubt = doubt or Unknown(f"{key} of {resource.label}")
            self._referrers[type, key, target] = (index, doubt)
        return self._referrers[type, key, target]


def known(value: Any) -> bool:
    """Whether nothing in a value is `UNKNOWN`."""
    return all(leaf is not UNKNOWN for leaf in _leaves(value))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
