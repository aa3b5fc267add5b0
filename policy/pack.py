"""The rules as a CrossGuard policy pack.

Three policies, because the SDK decodes its request anew for each: `resources` judges every resource by its inputs
before it is made, `stack` judges what needs the whole graph, and `advice` says what fails nobody. None of them lets
the SDK's `UnknownValueError` escape, which would end a mandatory policy as one advisory line. A fourth, `remediation`,
mends what it safely can; it is off until a configuration asks for it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

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
from pulumi_policy.deserialize import SPECIAL_SIG_KEY, serialize_properties
from pulumi_policy.proxy import UnknownValueError, _is_unknown

from .config import PACK, WAIVERS, alone, choices, schema, together
from .evaluate import Report, evaluate
from .graph import UNKNOWN, Graph, Resource, known
from .remedies import REMEDIES, apply, edits
from .rule import Rule
from .waivers import Waivers, Waiving, read, stack_of

NAME = "secure-aws"


def policies() -> list[Policy]:
    """The policies of the pack; each list has a memory of its own, that of one preview or update."""
    run = _Run()
    return [
        ResourceValidationPolicy(
            name="resources",
            description="What a resource says of itself is secure.",
            enforcement_level=EnforcementLevel.MANDATORY,
            config_schema=PolicyConfigSchema(schema(alone(), stack=False)),
            validate=run.resource,
        ),
        StackValidationPolicy(
            name="stack",
            description="What the resources are to each other is secure.",
            enforcement_level=EnforcementLevel.MANDATORY,
            config_schema=PolicyConfigSchema(schema(together(), stack=True)),
            validate=run.stack,
        ),
        StackValidationPolicy(
            name="advice",
            description="What would be better, and how much was checked.",
            enforcement_level=EnforcementLevel.ADVISORY,
            validate=run.advice,
        ),
        ResourceValidationPolicy(
            name="remediation",
            description="What can be mended safely is mended.",
            enforcement_level=EnforcementLevel.DISABLED,
            config_schema=PolicyConfigSchema(
                {
                    "rules": {
                        "type": "array",
                        "items": {"type": "string", "enum": list(REMEDIES)},
                        "default": list(REMEDIES),
                        "description": "The rules whose violations are mended.",
                    },
                    "tags": {
                        "type": "object",
                        "additionalProperties": {"type": "string"},
                        "default": {},
                        "description": "Tags that a resource gets which lacks them.",
                    },
                }
            ),
            remediate=remediate,
        ),
    ]


class _Policy:
    """The rules of one policy as it is configured, and the waivers that it names."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        self.config: Mapping[str, Any] | None = None
        self.file = WAIVERS
        self.waivers = Waivers()

    def configure(self, config: Mapping[str, Any], stack: str) -> None:
        """Take what the engine hands over with every request; it is the same for the whole run."""
        if config == self.config:
            return
        self.config = config
        self._choices = choices(config, self.rules)
        self.file = config.get("waivers", WAIVERS)
        self.waivers = read(PACK / self.file, shown=self.file, needed=self.file != WAIVERS)
        self._waiving = Waiving(self.waivers, stack)

    def judge(self, judged: Graph, rules: list[Rule]) -> Report:
        return self._waiving.waive(evaluate(judged, rules=rules, choices=self._choices))


class _Run:
    """What one preview or update has seen."""

    def __init__(self) -> None:
        self._alone, self._together = _Policy(alone()), _Policy(together())
        self._alone_by_type: dict[str, list[Rule]] = defaultdict(list)
        for rule in self._alone.rules:
            for type in rule.types:
                self._alone_by_type[type].append(rule)
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._reports: dict[str, Report] = {}
        self._stack = Report()

    def resource(self, args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        """Judge one resource by its inputs."""
        self._alone.configure(args.get_config(), stack_of([args.urn]))
        resource = Resource(args.urn, args.resource_type, args.name, decode(args.props))
        self._inputs[args.urn] = resource.props
        report = self._alone.judge(Graph([resource]), self._alone_by_type.get(resource.short, []))
        self._reports[args.urn] = report
        for finding in report.violations:
            report_violation(finding.message, finding.urn)

    def stack(self, args: StackValidationArgs, report_violation: ReportViolation) -> None:
        """Judge the graph, and in the end the waivers."""
        config, stack = args.get_config(), stack_of(resource.urn for resource in args.resources)
        self._together.configure(config, stack)
        judged = graph(args.resources, self._inputs)
        self._stack = self._together.judge(judged, self._together.rules)
        files = {policy.file: policy.waivers for policy in (self._alone, self._together)}
        self._stack.findings += Waiving(sum(files.values(), Waivers()), stack).amiss(
            self._report(args).findings, judged.resources, unmatched=config.get("unmatched", "fail") == "fail"
        )
        for finding in self._stack.violations:
            report_violation(finding.message, finding.urn)

    def advice(self, args: StackValidationArgs, report_violation: ReportViolation) -> None:
        """Say what fails nobody, and how much was checked."""
        report = self._report(args)
        for finding in report.advice:
            report_violation(finding.message, finding.urn)
        for finding in report.waived:
            report_violation(f"{finding.waiver}: {finding.message}", finding.urn)
        print(report, flush=True)  # noqa: T201  the engine shows what a pack prints

    def _report(self, args: StackValidationArgs) -> Report:
        """What is said of the resources that are there in the end."""
        urns = {resource.urn for resource in args.resources}
        return sum((report for urn, report in self._reports.items() if urn in urns), Report()) + self._stack


def remediate(args: ResourceValidationArgs) -> Any:  # the SDK says that it awaits one, and takes it as well
    """A resource's inputs as mended; None where there is nothing to mend."""
    config = args.get_config()
    inputs = dict(serialize_properties(args.props))  # as the engine sent them, unknowns and secrets marked
    resource = Resource(args.urn, args.resource_type, args.name, _unmarked(inputs))
    found = edits(resource, config.get("rules", REMEDIES), config.get("tags", {}))
    return inputs if apply(inputs, found, lambda value: SPECIAL_SIG_KEY in value) else None


def _unmarked(value: Any) -> Any:
    """A value as the engine sends it, as plain JSON with `UNKNOWN` at its leaves."""
    if isinstance(value, dict):
        if SPECIAL_SIG_KEY in value:  # a secret; an asset has no value
            return _unmarked(value.get("value", UNKNOWN))
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return UNKNOWN if _is_unknown(value) else value


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
