"""Judge a graph: every rule on every resource of its types, with three verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Literal

from . import rules as _rules  # noqa: F401  declares every rule
from .graph import Graph, Resource, Unknown, short_type
from .rule import RULES, Family, Level, Rule, Severity

Verdict = Literal["fail", "unverifiable"]


@dataclass(frozen=True)
class Choice:
    """How a rule counts in an environment."""

    level: Level
    strict: bool = True
    """Whether what can't be verified counts as a violation does; else it is advice."""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Waiver:
    """Somebody answers for findings, until a day."""

    rule: str
    type: str
    """Short type, such as `s3/bucket`."""
    name: str
    """Pattern for the names of resources: `*` is any text."""
    reason: str
    owner: str
    expires: date
    """The last day that it holds, by UTC."""
    finding: str | None = None
    """One finding's id, where the rule yields several."""
    verdict: Verdict | None = None
    """`unverifiable`: what is known to be wrong fails nevertheless. None: whatever the verdict."""
    stacks: tuple[str, ...] | None = None
    """Those that it is for; None for all."""
    source: str = ""
    """File and line."""

    def __str__(self) -> str:
        return f"waived until {self.expires} by {self.owner} ({self.reason})"


@dataclass(frozen=True)
class Finding:
    """What a rule found on a resource. The message never holds a property's value."""

    rule: str
    family: Family
    verdict: Verdict
    urn: str
    type: str
    name: str
    what: str
    """What is wrong."""
    message: str
    """The same with rule, resource, remediation and controls."""
    controls: tuple[str, ...]
    remediation: str
    severity: Severity
    source: str | None
    level: Level
    waiver: Waiver | None = None
    old: bool = False
    """It stood in the baseline already."""

    @property
    def id(self) -> str:
        """Tells the findings of one rule on one resource apart; the same for the same fault."""
        return sha256(self.what.encode()).hexdigest()[:8]

    @property
    def fingerprint(self) -> str:
        """The same in every run, whatever ids and URNs AWS and Pulumi give out."""
        return sha256("\n".join((self.rule, short_type(self.type), self.name, self.what)).encode()).hexdigest()[:32]

    @property
    def violates(self) -> bool:
        """Whether it fails a run."""
        return self.level == "mandatory" and not self.waiver and not self.old


@dataclass
class Report:
    """Findings, and how many checks (one rule on one resource) were made, with which verdict."""

    findings: list[Finding] = field(default_factory=list)
    checks: int = 0
    passed: int = 0
    failed: int = 0
    unverifiable: int = 0

    @property
    def violations(self) -> list[Finding]:
        """What fails a run: mandatory failures and, where strict, what couldn't be verified."""
        return [finding for finding in self.findings if finding.violates]

    @property
    def waived(self) -> list[Finding]:
        """What somebody answers for."""
        return [finding for finding in self.findings if finding.waiver]

    @property
    def old(self) -> list[Finding]:
        """What would fail the run, but stood in the baseline."""
        return [finding for finding in self.findings if finding.old and finding.level == "mandatory"]

    @property
    def advice(self) -> list[Finding]:
        """What fails nothing, by its level."""
        return [finding for finding in self.findings if finding.level != "mandatory" and not finding.waiver]

    def __add__(self, other: Report) -> Report:
        return Report(
            self.findings + other.findings,
            self.checks + other.checks,
            self.passed + other.passed,
            self.failed + other.failed,
            self.unverifiable + other.unverifiable,
        )

    def add(self, rule: Rule, resource: Resource, graph: Graph, choice: Choice) -> None:
        """Make one check."""
        findings = judge(rule, resource, graph, choice)
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
        apart = [
            f"{len(found)} {what}"
            for found, what in ((self.waived, "waived"), (self.old, "in the baseline"), (self.advice, "advisory"))
            if found
        ]
        return f"{made}; of {len(self.findings)} findings {', '.join(apart)}" if apart else made


def evaluate(
    graph: Graph, *, rules: Iterable[Rule] | None = None, choices: Mapping[str, Choice] | None = None
) -> Report:
    """Judge a graph by the given rules (all by default). `choices` says how rules count, by id."""
    report = Report()
    for rule in RULES.values() if rules is None else rules:
        choice = (choices or {}).get(rule.id) or Choice(rule.level)
        if choice.level == "disabled":
            continue
        for resource in graph.of_type(*rule.types):
            report.add(rule, resource, graph, choice)
    return report


def judge(rule: Rule, resource: Resource, graph: Graph, choice: Choice) -> list[Finding]:
    """What one rule finds on one resource: its failures; else that it can't be verified; else nothing."""
    violations: list[str] = []
    verdict: Verdict = "fail"
    try:
        for violation in rule.check(resource, graph, **choice.settings):
            violations.append(violation)
    except Unknown as unknown:
        if not violations:
            verdict = "unverifiable"
            violations.append(f"can't be verified, because {unknown.what} is not known (yet)")
    except Exception as error:  # a broken rule is that rule's failure, never the end of the run
        # The error's text may hold a value.
        violations.append(f"the rule itself failed with {type(error).__name__}; this is a bug in the policy pack")
    level = choice.level if choice.strict or verdict == "fail" else "advisory"
    return [finding(rule, resource, violation, verdict, level) for violation in dict.fromkeys(violations)]


def finding(rule: Rule, resource: Resource, what: str, verdict: Verdict, level: Level) -> Finding:
    """A finding with its message."""
    controls = f" ({', '.join(rule.controls)})" if rule.controls else ""
    return Finding(
        rule=rule.id,
        family=rule.family,
        verdict=verdict,
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        what=what,
        message=f"[{rule.id}] {resource.label}: {what}. {rule.remediation}{controls}",
        controls=rule.controls,
        remediation=rule.remediation,
        severity=rule.severity,
        source=resource.source,
        level=level,
    )
