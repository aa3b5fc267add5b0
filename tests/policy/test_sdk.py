"""What rules and fixtures name exists: every type, and every property, in the installed provider's SDK."""

from __future__ import annotations

import importlib
import keyword
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from pulumi._types import input_type_types, is_input_type

from policy.evaluate import Choice, judge
from policy.graph import Graph, short_type
from policy.rule import RULES
from tests.policy.build import resources, token
from tests.policy.cases import CASES

# Rules read the forms of one thing alike: a property may be that of another form.
FORMS = [
    ("s3/bucket", "aws:s3/bucketV2:BucketV2", "s3/bucketAcl", "s3/bucketServerSideEncryptionConfiguration"),
    (
        "ec2/securityGroup",
        "ec2/defaultSecurityGroup",
        "ec2/securityGroupRule",
        "vpc/securityGroupIngressRule",
        "vpc/securityGroupEgressRule",
    ),
    ("rds/instance", "rds/cluster", "rds/clusterInstance"),
    ("ec2/instance", "ec2/launchConfiguration"),
    ("elasticache/replicationGroup", "elasticache/cluster"),
    ("sqs/queue", "sqs/queuePolicy", "sqs/redrivePolicy", "sqs/redriveAllowPolicy"),
    ("wafv2/webAcl", "wafv2/webAclRule", "wafv2/webAclRuleGroupAssociation", "wafv2/ruleGroup"),
]


@cache
def arguments(short: str) -> type[Any]:
    """The class of a type's inputs."""
    if short.startswith("eks:"):
        component = getattr(importlib.import_module("pulumi_eks"), short.rpartition(":")[2])
        of_component: type[Any] = vars(sys.modules[component.__module__])[f"{component.__name__}Args"]
        return of_component
    module, cls = token(short).removeprefix("aws:").split("/")[0], token(short).rpartition(":")[2]
    resource = getattr(importlib.import_module(f"pulumi_aws.{module}{'_' * keyword.iskeyword(module)}"), cls)
    assert resource.pulumi_type == token(short)
    defined = vars(sys.modules[resource.__module__])
    found: type[Any] = (
        defined.get(f"{cls}InitArgs") or defined[f"{cls}Args"]
    )  # InitArgs where a nested type has the name
    return found


def nested(annotation: Any) -> type[Any] | None:
    """The class of inputs in an annotation, such as `Sequence[Input[XArgs]]`."""
    if isinstance(annotation, type) and is_input_type(annotation):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := nested(part))), None)


def named(annotation: Any) -> bool:
    """Whether an annotation is of a map, such as `Mapping[str, Input[XArgs]]`, whose keys are anyone's."""
    parts = typing.get_args(annotation)
    return typing.get_origin(annotation) in (Mapping, dict) or any(named(part) for part in parts)


def exists(cls: type[Any] | None, path: tuple[str, ...]) -> bool:
    keys = iter(path)
    for key in keys:
        if cls is None or key not in input_type_types(cls):
            return False
        annotation = input_type_types(cls)[key]
        cls = nested(annotation)
        if named(annotation):
            next(keys, None)
    return True


def leaves(cls: type[Any]) -> Iterator[str]:
    """Every property name in a type, however deep; web ACL statements hold each other without end."""
    seen: set[type[Any]] = set()
    stack = [cls]
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        for key, annotation in input_type_types(current).items():
            yield key
            if found := nested(annotation):
                stack.append(found)


def of_another_form(type: str, path: tuple[str, ...]) -> bool:
    forms = [form for group in FORMS if type in group for form in group]
    return all(any(key in leaves(arguments(form)) for form in forms) for key in path)


class Recorder(dict[str, Any]):
    """Properties that note which of them are read."""

    def __init__(self, values: dict[str, Any], path: tuple[str, ...], reads: set[tuple[str, ...]]) -> None:
        super().__init__({key: record(value, (*path, key), reads) for key, value in values.items()})
        self.path, self.reads = path, reads

    def get(self, key: str, default: Any = None) -> Any:
        self.reads.add((*self.path, key))
        return super().get(key, default)


def record(value: Any, path: tuple[str, ...], reads: set[tuple[str, ...]]) -> Any:
    if isinstance(value, dict):
        return Recorder(value, path, reads)
    return [record(item, path, reads) for item in value] if isinstance(value, list) else value


def test_types_exist() -> None:
    for type in {type for rule in RULES.values() for type in rule.types}:
        assert short_type(token(type)) == type
        assert arguments(type)


def test_fixtures_set_properties_that_exist() -> None:
    for case in CASES:
        for made in (made for world in (*case.ok, *case.bad, *case.unknown) for made in world):
            if made.type.startswith(("aws:", "eks:")):
                for path in paths(made.props):
                    assert exists(arguments(made.type), path) or of_another_form(made.short, path), (made.type, path)


def paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            if key != "tags":  # whose keys are anyone's
                yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, path)


def judged(type: str) -> bool:
    return "/" in type.partition(":")[0] or type.startswith("eks:")


@pytest.mark.parametrize("rule", RULES)
def test_rules_read_properties_that_exist(rule: str) -> None:
    noted: set[tuple[str, tuple[str, ...]]] = set()
    for case in CASES:
        if case.rule == rule:
            for world in (*case.ok, *case.bad, *case.unknown):
                reads: dict[str, set[tuple[str, ...]]] = {}
                found = [
                    replace(resource, props=Recorder(dict(resource.props), (), reads.setdefault(resource.short, set())))
                    for resource in resources(*world, known=False)
                ]
                graph = Graph(found, region="eu-west-1")
                for read in reads.values():  # by which resources are told apart, whatever their type
                    read.clear()
                judge(RULES[rule], found[0], graph, Choice("mandatory"))
                noted |= {(type, path) for type, read in reads.items() for path in read if judged(type)}
    assert noted
    for type, path in noted:
        assert exists(arguments(type), path) or of_another_form(type, path), (type, path)
