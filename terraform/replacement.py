"""Which properties the AWS provider can't change on what exists: each is changed alone, and the provider asked."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pulumi import _types

from standin import aws
from standin.mocks import Registration
from standin.replacement import MARKS, kind

from .export import arguments
from .names import Block, Names, property_name
from .plugin import UNKNOWN, Plugin, Refused, complete

DEPTH = 3
"""Blocks in blocks that are looked into."""
ENDLESS = ("aws_wafv2_web_acl", "aws_wafv2_rule_group")
"""Types that aren't asked: their statements hold statements, and a plan takes the provider seconds."""
SHAPES = 2
"""Resources of a type that are tried, each with other properties than those before it."""
UNASKED = {"id", "region", "timeouts"}  # of the state, of the bridge, of Terraform

Values = Mapping[str, Any]


class Change(NamedTuple):
    """One property that differs, in Pulumi's names (`rootBlockDevice.volumeSize`); with a + if it comes or goes, with a
    - if it has fewer items.
    """

    path: str
    before: Values
    after: Values


def table(registrations: Iterable[Registration], names: Names, plugin: Plugin) -> dict[str, list[str]]:
    """What replaces a resource, by type: properties and paths of what is nested in them, marked as in `Change` where
    not every change does.
    """
    tried: dict[str, dict[frozenset[str], Registration]] = {}
    for r in registrations:
        if names.resource_type(r.type) not in (None, *ENDLESS):
            tried.setdefault(kind(r.type, r.inputs), {}).setdefault(frozenset(r.inputs), r)
    found: dict[str, list[str]] = {}
    for key, shapes in sorted(tried.items()):
        answers: dict[str, bool] = {}
        for r in list(shapes.values())[:SHAPES]:
            for path, replaces in _ask(r, names, plugin):
                answers[path] = replaces or answers.get(path, False)
        found[key] = sorted(_condensed(answers))
    return found


def _condensed(answers: Mapping[str, bool]) -> Iterator[str]:
    """The fewest paths that say the same: a block stands for the properties in it if each of them replaces."""
    plain = {path: replaces for path, replaces in answers.items() if path[-1] not in MARKS}
    whole = {path for path, replaces in plain.items() if replaces}
    for block in {path[:at] for path in plain for at, letter in enumerate(path) if letter == "."}:
        if all(replaces for path, replaces in plain.items() if path.startswith(f"{block}.")):
            whole.add(block)
    for path in whole:
        if not _around(path) & whole:
            yield path
    for marked in (path for path, replaces in answers.items() if replaces and path[-1] in MARKS):
        path = marked.rstrip(MARKS)
        nested = any(other.startswith(f"{path}.") for other in whole)
        if not nested and not {path, *_around(path)} & whole:
            yield marked


def _around(path: str) -> set[str]:
    """The blocks that a path lies in."""
    return {path[:at] for at, letter in enumerate(path) if letter == "."}


def _ask(r: Registration, names: Names, plugin: Plugin) -> Iterator[tuple[str, bool]]:
    """Every property of a resource, and whether a change of it replaces the resource."""
    terraform_type = names.resource_type(r.type) or ""
    block, cls = names.resources[terraform_type], aws.sdk_class(r.type)
    given = arguments(block, {k: v for k, v in r.inputs.items() if k != "region"}, terraform_type, r.name, [])
    known: dict[str, Any] = {key: r.outputs[key] for key in ("id", "arn") if key in r.outputs}
    blank = {name: _blank(a["type"]) for name, a in block["attributes"].items() if a.get("computed")}
    stands: dict[str, Any] = {}

    def replaces(before: Values, after: Values) -> tuple[dict[str, Any], bool]:
        config = {name: v for name, v in after.items() if name in given or stands.get(name) != v}
        states = [complete(block, values) for values in (before, after, config)]
        planned, paths = plugin.plan(terraform_type, *states)
        return planned, paths > 0

    for computed in (blank, {}):  # a type may not take nothing for a computed value, or not take none
        stands = {**computed, **given, **known}
        try:
            for _ in range(2):  # the provider's defaults, and what it writes in another way
                planned, replaced = replaces(stands, stands)
                stands |= {name: value for name, value in planned.items() if value is not None}
        except Refused:
            if not computed:
                raise
        else:
            break
    if replaced:
        raise Refused(f"{r.type} {r.name}: the provider would replace it as it is")
    types = _types.resource_types(cls) if cls else {}
    sure, guessed = (changes(block, types, stands, terraform_type, other) for other in (different, _unknown))
    for (path, before, after), (*_, unsure) in zip(sure, guessed, strict=True):
        for wanted in (after, unsure):
            try:
                yield path, replaces(before, wanted)[1]
                break
            except Refused:  # no such value, or not with the others: an unknown one may pass
                continue


def changes(
    block: Block,
    types: Mapping[str, Any],
    value: Values,
    of: str,
    other: Callable[[Any, Any], Any],
    depth: int = DEPTH,
) -> Iterator[Change]:
    """A block's every property changed alone: to another value, from nothing or to nothing, and each one within it."""
    for prop, python_type in types.items():
        name = property_name(block, prop, of)
        attribute, nested = block.get("attributes", {}).get(name), block.get("block_types", {}).get(name)
        if name is None or name in UNASKED:
            continue
        if attribute and (attribute.get("optional") or attribute.get("required")):
            schema_type, without = attribute["type"], {k: v for k, v in value.items() if k != name}
            there = value if value.get(name) is not None else {**value, name: different(schema_type, None)}
            yield Change(prop, there, {**there, name: other(schema_type, there[name])})
            if not attribute.get("computed"):
                pair = (there, without) if there is value else (value, {**value, name: other(schema_type, None)})
                yield Change(f"{prop}+", *pair)
            if schema_type[0] in ("list", "set") and len(there[name]) > 1:
                yield Change(f"{prop}-", there, {**there, name: there[name][:1]})
        if nested and depth:
            single = nested["nesting_mode"] == "single"
            first, *rest = ([value[name]] if single else value[name]) if value.get(name) else [{}]
            inner = next(iter(typing.get_args(python_type)), python_type)
            inner_types = _types.resource_types(inner) if isinstance(inner, type) else {}
            there = {**value, name: first if single else [first, *rest]}
            yield Change(f"{prop}+", there, {k: v for k, v in value.items() if k != name})
            for path, *states in changes(nested["block"], inner_types, first, f"{of}.{name}", other, depth - 1):
                before, after = ({**value, name: one if single else [one, *rest]} for one in states)
                yield Change(f"{prop}.{path}", before, after)


def _unknown(schema_type: Any, value: Any) -> Any:
    return UNKNOWN


def _blank(schema_type: Any) -> Any:
    """What AWS computes, for want of an answer from it."""
    return (
        {"string": "", "number": 0, "bool": False}.get(schema_type, {})
        if isinstance(schema_type, str)
        else ({} if schema_type[0] == "map" else [])
    )


def different(schema_type: Any, value: Any) -> Any:
    """Another value of a type."""
    match schema_type:
        case "string":
            return "other" if value != "other" else "another"
        case "number":
            return (value or 0) + 1
        case "bool":
            return not value
        case ["list" | "set", element]:
            return [*(value or ()), different(element, value[0] if value else None)]
        case ["map", element]:
            return {"other": different(element, None)}
        case ["object", fields]:
            return {name: different(field, (value or {}).get(name)) for name, field in fields.items()}
    raise TypeError(f"no value of type {schema_type}")
