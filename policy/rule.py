"""What a rule is, and the registry that a rule joins by being declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Family = Literal[
    "encryption-at-rest", "encryption-in-transit", "exposure", "waf", "audit", "durability", "iam", "validity"
]
Severity = Literal["low", "medium", "high", "critical"]
Level = Literal["mandatory", "advisory", "disabled"]
Check = Callable[..., Iterable[str]]
"""It is given a resource, the graph and, by keyword, the settings of its rule."""


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
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What an environment may set, as JSON schemas by name, defaults included."""


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
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[Check], Check]:
    """Declare a check as a rule. `controls` is one comma-separated string.

    `settings` are the JSON schemas of the check's keyword-only arguments, whose defaults hold where nothing is set.
    """

    def register(check: Check) -> Check:
        if id in RULES:
            raise ValueError(f"there are two rules named {id}")
        defaults: dict[str, Any] = getattr(check, "__kwdefaults__", None) or {}
        if set(defaults) != set(settings or {}):
            raise ValueError(f"the settings of {id} are not the keyword-only arguments of its check")
        named = tuple(control.strip() for control in controls.split(",") if control.strip())
        schemas = {key: {**schema, "default": _json(defaults[key])} for key, schema in (settings or {}).items()}
        RULES[id] = Rule(id, family, severity, title, types, named, remediation, check, alone, level, schemas)
        return check

    return register


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
