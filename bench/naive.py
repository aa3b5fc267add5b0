"""A pack with one policy a rule, which is how packs are usually written, to measure ours against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pulumi_policy import EnforcementLevel, Policy, ResourceValidationPolicy, StackValidationPolicy

from policy.config import alone, together
from policy.evaluate import Choice, judge
from policy.graph import Graph, Resource, short_type
from policy.pack import decode
from policy.rule import Rule


def policies() -> list[Policy]:
    """One for each rule of ours. Those of the stack look at resources of their own types alone: less than it takes."""
    return [
        *(ResourceValidationPolicy(validate=_resource(rule), **_said(rule)) for rule in alone()),
        *(StackValidationPolicy(validate=_stack(rule), **_said(rule)) for rule in together()),
    ]


def _said(rule: Rule) -> dict[str, Any]:
    return {"name": rule.id, "description": rule.id, "enforcement_level": EnforcementLevel.MANDATORY}


def _resource(rule: Rule) -> Callable[..., None]:
    def validate(args: Any, report: Callable[..., None]) -> None:
        if short_type(args.resource_type) in rule.types:
            resource = Resource(args.urn, args.resource_type, args.name, decode(args.props))
            _tell(rule, [resource], report)

    return validate


def _stack(rule: Rule) -> Callable[..., None]:
    def validate(args: Any, report: Callable[..., None]) -> None:
        own = [each for each in args.resources if short_type(each.resource_type) in rule.types]
        _tell(rule, [Resource(each.urn, each.resource_type, each.name, decode(each.props)) for each in own], report)

    return validate


def _tell(rule: Rule, resources: list[Resource], report: Callable[..., None]) -> None:
    graph = Graph(resources)
    for resource in resources:
        for finding in judge(rule, resource, graph, Choice(rule.level)):
            report(finding.message, finding.urn)
