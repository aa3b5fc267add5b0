"""The rules as a CrossGuard policy pack.

Three policies, because the SDK decodes its request anew for each: `resources` judges every resource by its inputs
before it is made, `stack` judges what needs the whole graph, and `advice` says what fails nobody. None of them lets
the SDK's `UnknownValueError` escape, which would end a mandatory policy as one advisory line.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from .evaluate import Report, evaluate
from .graph import UNKNOWN, Graph, Resource, known
from .rule import RULES, Level, Rule

NAME = "secure-aws"


def policies() -> list[Policy]:
    """The policies of the pack; each list has a memory of its own, that of one preview or update."""
    run = _Run()
    return [
        ResourceValidationPolicy(
            name="resources",
            description="What a resource says of itself is secure.",
            enforcement_level=EnforcementLevel.MANDATORY,
            config_schema=_schema(_Run.alone),
            validate=run.resource,
        ),
        StackValidationPolicy(
            name="stack",
            description="What the resources are to each other is secure.",
            enforcement_level=EnforcementLevel.MANDATORY,
            config_schema=_schema(_Run.together),
            validate=run.stack,
        ),
        StackValidationPolicy(
            name="advice",
            description="What would be better, and how much was checked.",
            enforcement_level=EnforcementLevel.ADVISORY,
            validate=run.advice,
        ),
    ]


def _schema(rules: list[Rule]) -> PolicyConfigSchema:
    return PolicyConfigSchema(
        properties={
            "unverifiable": {
                "type": "string",
                "enum": ["fail", "report"],
                "default": "fail",
                "description": "Whether a check fails that can't be made because a value isn't known.",
            },
            "rules": {
                "type": "object",
                "additionalProperties": False,
                "default": {},
                "description": "How single rules count, by id.",
                "properties": {
                    rule.id: {"type": "string", "enum": list(get_args(Level)), "description": rule.title}
                    for rule in rules
                },
            },
        }
    )


class _Run:
    """What one preview or update has seen."""

    alone = [rule for rule in RULES.values() if rule.alone]
    together = [rule for rule in RULES.values() if not rule.alone]

    def __init__(self) -> None:
        self._alone_by_type: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.alone:
            for type in rule.types:
                self._alone_by_type[type].append(rule)
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._reports: dict[str, Report] = {}
        self._stack = Report()

    def resource(self, args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        """Judge one resource by its inputs."""
        resource = Resource(args.urn, args.resource_type, args.name, decode(args.props))
        self._inputs[args.urn] = resource.props
        report = _evaluate(Graph([resource]), self._alone_by_type.get(resource.short, []), args.get_config())
        self._reports[args.urn] = report
        for finding in report.violations:
            report_violation(finding.message, finding.urn)

    def stack(self, args: StackValidationArgs, report_violation: ReportViolation) -> None:
        """Judge the graph."""
        self._stack = _evaluate(graph(args.resources, self._inputs), self.together, args.get_config())
        for finding in self._stack.violations:
            report_violation(finding.message, finding.urn)

    def advice(self, args: StackValidationArgs, report_violation: ReportViolation) -> None:
        """Say what fails nobody, and how much was checked."""
        urns = {resource.urn for resource in args.resources}
        reports = [report for urn, report in self._reports.items() if urn in urns] + [self._stack]
        for report in reports:
            for finding in report.advice:
                report_violation(finding.message, finding.urn)
        print(sum(reports, Report()), flush=True)  # noqa: T201  the engine shows what a pack prints


def _evaluate(judged: Graph, rules: list[Rule], config: Mapping[str, Any]) -> Report:
    strict = config.get("unverifiable", "fail") == "fail"
    return evaluate(judged, strict=strict, rules=rules, levels=config.get("rules"))


def decode(value: Any) -> Any:
    """A value of the SDK, behind whose proxies unknowns raise, as plain JSON with `UNKNOWN` at its leaves."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return decode(container[key])
    except UnknownValueError:
        return UNKNOWN


def graph(resources: Sequence[PolicyResource], inputs: Mapping[str, Mapping[str, Any]]) -> Graph:
    """The graph of a stack request. `inputs` are what the program said, by URN, for what isn't known yet.

    In a preview the provider marks as unknown what it will compute, even a setting that the program leaves to its
    default. What counts there is what the program said: its value, or nothing, which means the default.
    """

    def props(resource: PolicyResource) -> dict[str, Any]:
        outputs: dict[str, Any] = decode(resource.props)
        said = inputs.get(resource.urn)
        if said is None:
            return outputs
        return {**said, **{key: value for key, value in outputs.items() if known(value)}}

    found = {
        resource.urn: Resource(
            urn=resource.urn,
            type=resource.resource_type,
            name=resource.name,
            props=props(resource),
            parent=resource.parent.urn if resource.parent else None,
            property_dependencies={
                key: [dependency.urn for dependency in dependencies]
                for key, dependencies in resource.property_dependencies.items()
            },
            dependencies=[dependency.urn for dependency in resource.dependencies],
            provider=resource.provider.urn if resource.provider else None,
        )
        for resource in resources
    }
    for resource in resources:
        provider = resource.provider
        if provider and provider.urn not in found:
            found[provider.urn] = Resource(provider.urn, provider.resource_type, provider.name, decode(provider.props))
    region = pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return Graph(found.values(), region=region)
