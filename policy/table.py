"""The rules as a table: `python -m policy.table`, as it stands in the README beside this file."""

from __future__ import annotations

import sys

from . import rules as _rules  # noqa: F401  declares every rule
from .rule import RULES


def table() -> str:
    """Markdown: what each rule demands, of what, how it counts, and the controls that it stands for."""
    rows = ["| rule | what it demands | of | severity | policy | controls |", "| --- | --- | --- | --- | --- | --- |"]
    family = ""
    for rule in sorted(RULES.values(), key=lambda rule: (FAMILIES.index(rule.family), rule.id)):
        if rule.family != family:
            family = rule.family
            rows.append(f"| **{family}** | | | | | |")
        level = "" if rule.level == "mandatory" else f", {rule.level}"
        types = ", ".join(f"`{type}`" for type in rule.types)
        policy = "resources" if rule.alone else "stack"
        controls = ", ".join(rule.controls)
        rows.append(f"| `{rule.id}` | {rule.title} | {types} | {rule.severity}{level} | {policy} | {controls} |")
    return "\n".join(rows)


FAMILIES = ["encryption-at-rest", "encryption-in-transit", "exposure", "waf", "audit", "iam", "durability", "validity"]

if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
