"""What a rule is, and the registry that a rule joins by being declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from .graph import Graph, Resource

Family = Literal[
    "encryption-at-rest", "encryption-in-transit", "exposure", "waf", "audit", "durability", "iam", "validity"
]
Severity = Literal["low", "medium", "high", "critical"]
Level = Literal["mandatory", "advisory", "disabled"]
Check = Callable[[Resource, Graph], Iterable[str]]


@dataclass(frozen=True)
class Rule:
    """One check, which yields a violation for each thing that is wrong and raises `Unknown` for what it can't know."""

    id: str
    family: Family
    severity: Severity
    title: str
    types: tuple[str, ...]
    """Short types it judges, such as `lb/loadBalancer`."""
    controls: tuple[str, ...]
    """Controls it stands for: FSBP (AWS Foundational Security Best Practices), CKV (Checkov), cdk-nag."""
    remediation: str
    check: Check
    alone: bool
    """It needs nothing but the resource's inputs, so it can stop a resource before that is made."""
    level: Level
    """How it counts where no configuration says otherwise."""


RULES: dict[str, Rule] = {}


def rule(
    id: str,
    *types: str,
    family: Family,
    severity: Severity,
    title: str,
    controls: str,
    remediation: str,
    alone: bool = False,
    level: Level = "mandatory",
) -> Callable[[Check], Check]:
    """Declare a check as a rule. `controls` is one comma-separated string."""

    def register(check: Check) -> Check:
        if id in RULES:
            raise ValueError(f"there are two rules named {id}")
        named = tuple(control.strip() for control in controls.split(",") if control.strip())
        RULES[id] = Rule(id, family, severity, title, types, named, remediation, check, alone, level)
        return check

    return register
