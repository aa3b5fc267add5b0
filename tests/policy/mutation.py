"""Ways to break one thing of a program that was registered: the words that the table in `operators` is written in.

An `Edit` changes a plain value, be it a resource's properties or a document among them; a `Break` changes resources.
Each gives every single change that it can make, with a name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from policy.graph import UNKNOWN, Graph, Resource, Unknown, known

Change = Mapping[str, Resource | None]
"""What takes a resource's place, by URN; None where it is gone."""


ANYWHERE = "*"


@dataclass(frozen=True)
class Edit:
    """Changes of a plain value: name and changed copy."""

    of: Callable[[Any], Iterator[tuple[str, Any]]]


@dataclass(frozen=True)
class Break:
    """Changes of a program that begin at one of its resources."""

    of: Callable[[Resource, Graph], Iterator[tuple[str, Change]]]


@dataclass(frozen=True)
class Operator:
    """Breaks of every resource of a type, and the rule that has to find each of them."""

    rule: str
    type: str
    breaks: tuple[Break, ...]
    where: Callable[[Resource], bool]
    """Which resources of the type the rule protects so."""
    seen_on: str | None
    """The property that refers to where the finding is, or `ANYWHERE`. None for the resource that the break is of, if
    the rule judges its type and it is still there; else anywhere."""


@dataclass(frozen=True)
class Mutant:
    """A program with one thing broken."""

    rule: str
    name: str
    change: Change
    seen_on: frozenset[str] | None
    """URNs that the finding may be on; None for any."""

    def resources(self, prod: Iterable[Resource]) -> list[Resource]:
        """What is registered with the change."""
        there = {resource.urn: resource for resource in prod}
        return [resource for resource in {**there, **self.change}.values() if resource is not None]


def always(_: Any) -> bool:
    return True


def broken(
    rule: str, type: str, *breaks: Edit | Break, where: Callable[[Resource], bool] = always, seen_on: str | None = None
) -> Operator:
    """A line of the table."""
    return Operator(rule, type, tuple(_lifted(one) for one in breaks), where, seen_on)


def mutants(operator: Operator, prod: Graph, judged: tuple[str, ...]) -> Iterator[Mutant]:
    """Every mutant that an operator makes. `judged` are the types that its rule judges."""
    for resource in prod.of_type(operator.type):
        if not operator.where(resource):
            continue
        for each in operator.breaks:
            for name, change in each.of(resource, prod):
                on: frozenset[str] | None = None
                if operator.seen_on not in (None, ANYWHERE):
                    on = frozenset(
                        found.urn for found in _known(prod.targets(resource, str(operator.seen_on), *judged))
                    )
                elif not operator.seen_on and operator.type in judged and change.get(resource.urn, resource):
                    on = frozenset([resource.urn])
                yield Mutant(operator.rule, f"{operator.rule}: {resource.label}: {name}", change, on)


# -- Edits -------------------------------------------------------------------------------------------------------------


def put(path: str, value: Any, where: Callable[[Any], bool] = always) -> Edit:
    """Set what is at a dotted path, where a number is an item of a list, `*` each of its items or of an object's, one
    by one, and `**` all at once; `where` asks the last such item, or the whole."""

    def of(whole: Any) -> Iterator[tuple[str, Any]]:
        for places in _places(whole, _keys(path), whole, where, make=True):
            changed = deepcopy(whole)
            for place in places:
                _holder(changed, place)[place[-1]] = deepcopy(value)
            if changed != whole:
                yield f"{_named(path, places)} = {json.dumps(value, default=str)[:400]}", changed

    return Edit(of)


def drop(path: str, where: Callable[[Any], bool] = always) -> Edit:
    """Take away what is at a dotted path."""

    def of(whole: Any) -> Iterator[tuple[str, Any]]:
        for places in _places(whole, _keys(path), whole, where, make=False):
            changed = deepcopy(whole)
            for place in reversed(places):
                del _holder(changed, place)[place[-1]]
            yield f"no {_named(path, places)}", changed

    return Edit(of)


def add(path: str, item: Any) -> Edit:
    """Add an item to the list at a path, which may not be there yet."""

    def of(whole: Any) -> Iterator[tuple[str, Any]]:
        for (place,) in _places(whole, _keys(path), whole, always, make=True):
            changed = deepcopy(whole)
            holder = _holder(changed, place)
            holder[place[-1]] = [*(holder.get(place[-1]) or []), deepcopy(item)]
            yield f"{path} + {json.dumps(item, default=str)[:400]}", changed

    return Edit(of)


def inside(path: str, *edits: Edit) -> Edit:
    """Edit the JSON text at a path; none where it isn't known."""

    def of(whole: Any) -> Iterator[tuple[str, Any]]:
        text = whole.get(path)
        if isinstance(text, str):
            for edit in edits:
                for name, changed in edit.of(json.loads(text)):
                    yield f"{path}: {name}", {**whole, path: json.dumps(changed)}

    return Edit(of)


def option(namespace: str, name: str, value: Any) -> Edit:
    """Set an option of an Elastic Beanstalk environment; None takes it away."""

    def of(whole: Any) -> Iterator[tuple[str, Any]]:
        others = [one for one in whole["settings"] if (one["namespace"], one["name"]) != (namespace, name)]
        added = [] if value is None else [{"namespace": namespace, "name": name, "value": value}]
        yield f"{name} of {namespace} = {value}", {**whole, "settings": others + added}

    return Edit(of)


def both(*edits: Edit) -> Edit:
    """One edit upon the other."""

    def of(whole: Any) -> Iterator[tuple[str, Any]]:
        first, *rest = edits
        for name, changed in first.of(whole):
            if not rest:
                yield name, changed
            else:
                yield from ((f"{name}, {more}", again) for more, again in both(*rest).of(changed))

    return Edit(of)


def _keys(path: str) -> list[str]:
    """The keys of a path. `.$` ends the name of a key of a state machine."""
    return re.split(r"\.(?!\$)", path)


def _places(
    value: Any, keys: list[str], item: Any, where: Callable[[Any], bool], *, make: bool
) -> list[list[tuple[Any, ...]]]:
    """The places that a path means, in groups that are changed together. `make` counts what isn't there yet."""
    if not keys:
        return [[()]] if where(item) else []
    key, *rest = keys
    if key in ("*", "**"):
        entries = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
        found = [
            [(index, *place) for place in group]
            for index, one in entries
            for group in _places(one, rest, one, where, make=make)
        ]
        return found if key == "*" or not found else [[place for group in found for place in group]]
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        index = int(key)
        return [[(index, *place) for place in group] for group in _places(value[index], rest, item, where, make=make)]
    if value is None and make:
        value = {}
    if not isinstance(value, dict) or (key not in value and not make):
        return []
    return [[(key, *place) for place in group] for group in _places(value.get(key), rest, item, where, make=make)]


def _holder(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        if isinstance(value, dict) and value.get(key) is None:
            value[key] = {}
        value = value[key]
    return value


def _named(path: str, places: list[tuple[Any, ...]]) -> str:
    first = ".".join(map(str, places[0]))
    return first if len(places) == 1 else f"{first} and {len(places) - 1} more of {path}"


# -- Breaks ------------------------------------------------------------------------------------------------------------


def _lifted(one: Edit | Break) -> Break:
    """An edit of a resource's properties as a break."""
    if isinstance(one, Break):
        return one

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        for name, changed in one.of(dict(resource.props)):
            yield name, {resource.urn: _with(resource, changed)}

    return Break(of)


def _with(resource: Resource, props: Mapping[str, Any], **references: list[str]) -> Resource:
    """A resource with other properties. What was changed and is known depends on nothing."""
    dependencies = {
        key: urns
        for key, urns in resource.property_dependencies.items()
        if key in props and (props[key] == resource.props.get(key) or not known(props[key]))
    }
    return replace(resource, props=props, property_dependencies={**dependencies, **references})


def gone() -> Break:
    """Take the resource away."""
    return Break(lambda resource, prod: iter([("gone", {resource.urn: None})]))


def all_gone() -> Break:
    """Take away every resource of the type."""
    return Break(lambda resource, prod: iter([("all gone", {one.urn: None for one in prod.of_type(resource.short)})]))


def in_state(*breaks: Break) -> Break:
    """Breaks that only a state shows, where every id is known: in a first preview it can't be told what they reach."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        if isinstance(output(resource), str):
            for one in breaks:
                yield from one.of(resource, prod)

    return Break(of)


def together(*breaks: Edit | Break) -> Break:
    """One break upon the other, of the same resource."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        first, *rest = (_lifted(one) for one in breaks)
        for name, change in first.of(resource, prod):
            if not rest:
                yield name, change
                continue
            again = change.get(resource.urn) or resource
            for more, further in together(*rest).of(again, prod):
                yield f"{name}, {more}", {**change, **further}

    return Break(of)


def _known(found: Iterator[Resource]) -> Iterator[Resource]:
    """Those that can be told."""
    with suppress(Unknown):
        yield from found


def target(key: str, type: str, *breaks: Edit | Break) -> Break:
    """Break what a property refers to."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        for found in _known(prod.targets(resource, key, type)):
            for one in breaks:
                yield from ((f"{found.label}: {name}", change) for name, change in _lifted(one).of(found, prod))

    return Break(of)


def referrer(type: str, key: str, *breaks: Edit | Break) -> Break:
    """Break each resource of a type whose property refers to the resource."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        for found in _known(prod.referrers(resource, type, key)):
            for one in breaks:
                yield from ((f"{found.label}: {name}", change) for name, change in _lifted(one).of(found, prod))

    return Break(of)


def refer(path: str, chosen: Callable[[Graph], list[Resource]], *, alone: bool = False) -> Break:
    """Have a property refer to other resources: a list to one more and to them alone, or, `alone`, a text to the first.
    The path has no `*`."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        found = chosen(prod)
        ids = [output(one) for one in found]
        key, place = path.partition(".")[0], tuple(path.split("."))
        holder = _holder(deepcopy(dict(resource.props)), place)
        there = holder.get(place[-1])
        values: list[tuple[str, Any, list[Resource], list[str]]] = [
            ("only", ids[0] if alone else ids, found[: 1 if alone else None], [])
        ]
        if isinstance(there, list):
            values.append(("also", [*there, ids[0]], found[:1], resource.property_dependencies.get(key, [])))
        for how, value, meant, kept in values:
            changed = deepcopy(dict(resource.props))
            _holder(changed, place)[place[-1]] = value
            refers = _with(resource, changed, **{key: [*kept, *(one.urn for one in meant)]})
            yield f"{path} is {how} {', '.join(one.name for one in meant)}", {resource.urn: refers}

    return Break(of)


def output(resource: Resource, name: str = "id") -> Any:
    """What AWS gives out."""
    return resource.props.get(name, UNKNOWN)


def astray(key: str, *types: str) -> Break:
    """Have a property refer to another resource of one of these types, or, where there is none, to nothing."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        meant = {found.urn for found in _known(prod.targets(resource, key, *types))}
        others = [other for other in prod.of_type(*types) if other.urn not in meant][:1]
        kind = next((name for name in ("arn", "bucket", "id") if _is(resource, key, name, prod, types)), "id")
        value = output(others[0], kind) if others else "elsewhere"
        changed = _with(resource, {**resource.props, key: value}, **{key: [other.urn for other in others]})
        yield f"{key} is {others[0].label if others else value}", {resource.urn: changed}

    return Break(of)


def _is(resource: Resource, key: str, name: str, prod: Graph, types: tuple[str, ...]) -> bool:
    """Whether a property is this output of what it refers to."""
    found = _known(prod.targets(resource, key, *types))
    return any(output(one, name) == resource.props[key] for one in found)


def extra(type: str, references: Mapping[str, str], **props: Any) -> Break:
    """Add a resource whose properties, those of `references`, are outputs of the resource."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        values = {key: output(resource, name) for key, name in references.items()}
        added = made(type, "mutant", dict.fromkeys(references, resource), **props)
        yield (
            f"{added.label} with {json.dumps(props)[:100]}",
            {added.urn: replace(added, props={**added.props, **values})},
        )

    return Break(of)


def made(type: str, name: str, references: Mapping[str, Resource], **props: Any) -> Resource:
    """A resource that the program doesn't have."""
    return Resource(
        urn=f"urn:pulumi:prod::platform::{type}::{name}",
        type=type,
        name=name,
        props={**props, **{key: output(found) for key, found in references.items()}, "id": f"{name}-id"},
        property_dependencies={key: [found.urn] for key, found in references.items()},
    )


def public_subnets(prod: Graph) -> list[Resource]:
    """Those that the program calls so."""
    return [subnet for subnet in prod.of_type("ec2/subnet") if subnet.name.startswith("network-public-")]


def at(type: str, name: str, *breaks: Edit | Break) -> Break:
    """Break another resource of the program, by its name."""

    def of(resource: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        for found in prod.of_type(type):
            if found.name == name:
                for one in breaks:
                    yield from ((f"{found.label}: {how}", change) for how, change in _lifted(one).of(found, prod))

    return Break(of)


def opened(*, ipv4: bool = True, ipv6: bool = True) -> Break:
    """Make a subnet a public one, by each way there is."""

    def of(subnet: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        (association,) = prod.referrers(subnet, "ec2/routeTableAssociation", "subnetId")
        (table,) = prod.targets(association, "routeTableId", "ec2/routeTable")
        (gateway,) = prod.of_type("ec2/internetGateway")
        destinations = ipv6 * [{"destinationIpv6CidrBlock": "::/0"}] + ipv4 * [
            {"destinationCidrBlock": cidr} for cidr in ("0.0.0.0/0", "128.0.0.0/1")
        ]
        for destination in destinations:
            route = made("aws:ec2/route:Route", "mutant", {"routeTableId": table, "gatewayId": gateway}, **destination)
            yield f"a route of {table.label} to the internet, {destination}", {route.urn: route}
        if not ipv4:
            return
        inline = {"cidrBlock": "0.0.0.0/0", "gatewayId": output(gateway)}
        within = _with(table, {**table.props, "routes": [inline]}, routes=[gateway.urn])
        yield f"a route to the internet in {table.label}", {table.urn: within}
        (vpc,) = prod.targets(subnet, "vpcId", "ec2/vpc")
        main = made("aws:ec2/route:Route", "mutant", {"gatewayId": gateway}, destinationCidrBlock="0.0.0.0/0")
        yield (
            "the VPC's main route table, with a route to the internet, is its",
            {
                association.urn: None,
                main.urn: _with(
                    main, {**main.props, "routeTableId": output(vpc, "mainRouteTableId")}, routeTableId=[vpc.urn]
                ),
            },
        )
        for public in public_subnets(prod)[:1]:
            (its,) = prod.referrers(public, "ec2/routeTableAssociation", "subnetId")
            (other,) = prod.targets(its, "routeTableId", "ec2/routeTable")
            moved = {**association.props, "routeTableId": output(other)}
            yield (
                f"{other.label} is its route table",
                {association.urn: _with(association, moved, routeTableId=[other.urn], subnetId=[subnet.urn])},
            )
        for route in prod.referrers(table, "ec2/route", "routeTableId"):
            turned = {key: value for key, value in route.props.items() if key != "natGatewayId"}
            yield (
                f"{route.label} goes to the internet",
                {
                    route.urn: _with(
                        route,
                        {**turned, "gatewayId": output(gateway)},
                        gatewayId=[gateway.urn],
                        routeTableId=[table.urn],
                    )
                },
            )

    return Break(of)


def admitting(**source: str) -> Break:
    """Let a security group in: a rule of its own that admits a source to SSH."""

    def of(group: Resource, prod: Graph) -> Iterator[tuple[str, Change]]:
        rule = made(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "mutant",
            {"securityGroupId": group},
            ipProtocol="tcp",
            fromPort=22,
            toPort=22,
            **source,
        )
        yield f"it admits {source}", {rule.urn: rule}

    return Break(of)
