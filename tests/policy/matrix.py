"""The control matrix: `python -m tests.policy.matrix` writes docs/controls.md from the rules and their fixtures."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from policy.rule import RULES, Rule
from policy.table import FAMILIES
from tests.policy.cases import CASES

FILE = Path(__file__).parents[2] / "docs/controls.md"
STANDARDS = {
    "FSBP": ("FSBP ", "AWS Foundational Security Best Practices"),
    "CIS": ("CIS AWS 3.0 ", "CIS AWS Foundations Benchmark 3.0"),
    "cdk-nag": ("cdk-nag ", "cdk-nag, by its AwsSolutions rules and, with their prefix, NIST 800-53 R5"),
    "Checkov": ("CKV", "Checkov"),
}

HEAD = """\
# Controls

Written by `python -m tests.policy.matrix`; a test keeps it in step. What each rule demands in words is in
[the pack's README](../policy/README.md); how to set, waive and read them, in [policy.md](policy.md).

Standards name no control for what AWS refuses or ignores (family `validity`); those rules have none. The tests are
fixtures that must pass, must fail and can't be verified, counted over all types of a rule; each is judged in a first
preview and over a state, under every alias of its type.
"""


def matrix() -> str:
    """The document."""
    return (
        "\n".join([HEAD, "## By rule\n", *by_rule(), *(line for name in STANDARDS for line in by_control(name))]) + "\n"
    )


def standard(control: str) -> tuple[str, str]:
    """The standard that a control is of, and its id there."""
    name = next(name for name, (prefix, _) in STANDARDS.items() if control.startswith(prefix))
    return name, control if name == "Checkov" else control.removeprefix(STANDARDS[name][0])


def by_rule() -> list[str]:
    rows = [
        f"| rule | severity | level | policy | {' | '.join(STANDARDS)} | resource types | settings | tests |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    family = ""
    for rule in sorted(RULES.values(), key=lambda rule: (FAMILIES.index(rule.family), rule.id)):
        if rule.family != family:
            family = rule.family
            rows.append(f"| **{family}** | | | | | | | | | | |")
        rows.append(_row(rule))
    return rows


def _row(rule: Rule) -> str:
    controls: dict[str, list[str]] = defaultdict(list)
    for control in rule.controls:
        name, id = standard(control)
        controls[name].append(id)
    of = [case for case in CASES if case.rule == rule.id]
    tests = [sum(len(getattr(case, outcome)) for case in of) for outcome in ("ok", "bad", "unknown")]
    cells = [
        f"`{rule.id}`",
        rule.severity,
        rule.level,
        "resources" if rule.alone else "stack",
        *(", ".join(controls[name]) for name in STANDARDS),
        ", ".join(f"`{type}`" for type in rule.types),
        ", ".join(f"`{key}`" for key in rule.settings),
        " / ".join(map(str, tests)),
    ]
    return f"| {' | '.join(cells)} |"


def by_control(name: str) -> list[str]:
    rules: dict[str, list[str]] = defaultdict(list)
    for rule in RULES.values():
        for control in rule.controls:
            if standard(control)[0] == name:
                rules[standard(control)[1]].append(rule.id)
    rows = [f"| {id} | {', '.join(f'`{rule}`' for rule in sorted(rules[id]))} |" for id in sorted(rules, key=_natural)]
    return [f"\n## By control: {STANDARDS[name][1]}\n", "| control | rules |", "| --- | --- |", *rows]


def _natural(id: str) -> list[tuple[int, str]]:
    """`EC2.9` before `EC2.13`."""
    parts = id.replace("_", ".").replace("-", ".").split(".")
    return [(int(part) if part.isdecimal() else 0, part) for part in parts]


if __name__ == "__main__":
    FILE.write_text(matrix(), encoding="utf-8")
