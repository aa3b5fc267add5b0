"""Judge a graph: every rule on every resource of its types, with three verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from . import rules as _rules  # noqa: F401  declares every rule
from .graph import Graph, Resource, Unknown
from .rule import RULES, Family, Level, Rule, Severity


@dataclass(frozen=True)
class Finding:
    """What a rule found on a resource. The message never holds a property's value."""

    rule: str
    family: Family
    verdict: Literal["fail", "unverifiable"]
    urn: str
    type: str
    name: str
    message: str
    controls: tuple[str, ...]
    remediation: str
    severity: Severity
    source: str | None
    level: Level


@dataclass
class Report:
    """Findings, and how many checks (one rule on one resource) were made, with which verdict."""

    findings: list[Finding] = field(default_factory=list)
    checks: int = 0
    passed: int = 0
    failed: int = 0
    unverifiable: int = 0
    strict: bool = True

    @property
    def violations(self) -> list[Finding]:
        """What fails a mandatory run: failures, and what couldn't be verified when strict."""
        return [finding for finding in self.findings if self._counts(finding)]

    @property
    def advice(self) -> list[Finding]:
        """The findings that fail nothing."""
        return [finding for finding in self.findings if not self._counts(finding)]

    def _counts(self, finding: Finding) -> bool:
        return finding.level == "mandatory" and (finding.verdict == "fail" or self.strict)

    def __add__(self, other: Report) -> Report:
        return Report(
            self.findings + other.findings,
            self.checks + other.checks,
            self.passed + other.passed,
            self.failed + other.failed,
            self.unverifiable + other.unverifiable,
            self.strict and other.strict,
        )

    def add(self, rule: Rule, resource: Resource, graph: Graph, level: Level) -> None:
        """Make one check."""
        findings = judge(rule, resource, graph, level)
        self.checks += 1
        if not findings:
            self.passed += 1
        elif findings[0].verdict == "fail":
            self.failed += 1
        else:
            self.unverifiable += 1
        self.findings += findings

    def __str__(self) -> str:
        made = f"{self.checks} checks: {self.passed} passed, {self.failed} failed, {self.unverifiable} unverifiable"
        return f"{made}; {len(self.advice)} of {len(self.findings)} findings are advisory" if self.findings else made


def evaluate(
    graph: Graph,
    *,
    strict: bool = True,
    rules: Iterable[Rule] | None = None,
    levels: Mapping[str, Level] | None = None,
) -> Report:
    """Judge a graph by the given rules (all by default). `levels` overrides how single rules count, by id."""
    report = Report(strict=strict)
    for rule in RULES.values() if rules is None else rules:
        level = (levels or {}).get(rule.id, rule.level)
        if level == "disabled":
            continue
        for resource in graph.of_type(*rule.types):
            report.add(rule, resource, graph, level)
    return report


def judge(rule: Rule, resource: Resource, graph: Graph, level: Level) -> list[Finding]:
    """What one rule finds on one resource: its failures; else that it can't be verified; else nothing."""
    violations: list[str] = []
    verdict: Literal["fail", "unverifiable"] = "fail"
    try:
        for violation in rule.check(resource, graph):
            violations.append(violation)
    except Unknown as unknown:
        if not violations:
            verdict = "unverifiable"
            violations.append(f"can't be verified, because {unknown.what} is not known (yet)")
    except Exception as error:  # a broken rule is that rule's failure, never the end of the run
        # The error's text may hold a value.
        violations.append(f"the rule itself failed with {type(error).__name__}; this is a bug in the policy pack")
    controls = f" ({', '.join(rule.controls)})" if rule.controls else ""
    return [
        Finding(
            rule=rule.id,
            family=rule.family,
            verdict=verdict,
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            message=f"[{rule.id}] {resource.label}: {violation}. {rule.remediation}{controls}",
            controls=rule.controls,
            remediation=rule.remediation,
            severity=rule.severity,
            source=resource.source,
            level=level,
        )
        for violation in dict.fromkeys(violations)
    ]
