"""A report for machines and for a pull request: JSON, SARIF 2.1.0 and Markdown, and the baseline that it is held to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from . import VERSION
from .evaluate import Finding, Report
from .graph import short_type
from .rule import RULES, Rule
from .waivers import RULE as WAIVERS

NAME = "secure-aws"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LONGEST = 60_000
"""Characters of the Markdown: GitHub takes 65,536 in a comment."""

_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "2.0"}  # as GitHub bands them


class BadBaseline(ValueError):
    """A file that is no baseline; the message says why."""


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in an order that doesn't hang on the program's."""
    return sorted(findings, key=lambda f: (f.rule, f.type, f.name, f.what, f.urn))


# -- JSON and baseline -------------------------------------------------------------------------------------------------


def as_json(report: Report) -> dict[str, Any]:
    """A report as plain JSON, which is also a baseline for later ones."""
    return {
        "summary": {
            "checks": report.checks,
            "passed": report.passed,
            "failed": report.failed,
            "unverifiable": report.unverifiable,
            "violations": len(report.violations),
            "waived": len(report.waived),
            "old": len(report.old),
            "advice": len(report.advice),
        },
        "findings": [finding_json(finding) for finding in ordered(report.findings)],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as plain JSON."""
    waiver = finding.waiver and {**asdict(finding.waiver), "expires": finding.waiver.expires.isoformat()}
    return {
        **asdict(finding),
        "controls": list(finding.controls),
        "waiver": waiver,
        "id": finding.id,
        "fingerprint": finding.fingerprint,
        "violates": finding.violates,
    }


def read_baseline(file: Path) -> Counter[str]:
    """The fingerprints of an earlier run's JSON, and how often each occurs. Raises `BadBaseline`."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Counter(str(finding["fingerprint"]) for finding in content["findings"])
    except OSError as error:
        raise BadBaseline(f"{file} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadBaseline(f"{file} is no baseline: it takes the JSON of an earlier run") from error


def compare(report: Report, baseline: Mapping[str, int]) -> Report:
    """The report, with what stood in the baseline marked as old. A fault of a waiver is never old."""
    left = Counter(baseline)

    def marked(finding: Finding) -> Finding:
        if finding.rule == WAIVERS.id or left[finding.fingerprint] < 1:
            return finding
        left[finding.fingerprint] -= 1
        return replace(finding, old=True)

    return replace(report, findings=[marked(finding) for finding in ordered(report.findings)])


# -- SARIF -------------------------------------------------------------------------------------------------------------


def sarif(report: Report, *, base: str = ".", fallback: str = "Pulumi.yaml", compared: bool = False) -> dict[str, Any]:
    """A report as SARIF 2.1.0, each finding at the program's file and line.

    `base` is the program's folder as seen from the repository, `fallback` the file that a finding without a line is
    shown at, and `compared` whether there was a baseline.
    """
    findings = ordered(report.findings)
    rules = {rule: _rule(rule) for rule in sorted({finding.rule for finding in findings})}
    places = {rule: number for number, rule in enumerate(rules)}

    def result(finding: Finding) -> dict[str, Any]:
        file, _, line = (finding.source or "").rpartition(":")
        if not file or not line.isdecimal():
            file, line = fallback, "1"
        found: dict[str, Any] = {
            "ruleId": finding.rule,
            "ruleIndex": places[finding.rule],
            "level": _level(finding),
            "message": {"text": finding.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(normpath(f"{base}/{file}")), "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": int(line)},
                    },
                    "logicalLocations": [
                        {"name": finding.name, "fullyQualifiedName": _resource(finding), "kind": "resource"}
                    ],
                }
            ],
            "partialFingerprints": {"finding/v1": finding.fingerprint},
            "properties": {
                "verdict": finding.verdict,
                "severity": finding.severity,
                "enforcement": finding.level,
                "controls": list(finding.controls),
                "id": finding.id,
            },
        }
        if compared:
            found["baselineState"] = "unchanged" if finding.old else "new"
        if finding.waiver:
            why = {"kind": "external", "status": "accepted", "justification": str(finding.waiver)}
            found["suppressions"] = [why]
        return found

    driver = {"name": NAME, "version": VERSION, "rules": list(rules.values())}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [result(f) for f in findings]}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(id: str) -> dict[str, Any]:
    rule: Rule = WAIVERS if id == WAIVERS.id else RULES[id]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "help": {"text": f"{rule.remediation}."},
        "defaultConfiguration": {"level": "error" if rule.level == "mandatory" else "note"},
        "properties": {
            "tags": ["security", rule.family, *rule.controls],
            "security-severity": _SCORES[rule.severity],
            "problem.severity": "error" if rule.level == "mandatory" else "recommendation",
        },
    }


def _level(finding: Finding) -> str:
    if finding.level == "mandatory":
        return "error"
    return "note" if finding.severity == "low" else "warning"


def _resource(finding: Finding) -> str:
    return f"{short_type(finding.type)} {finding.name}"


# -- Markdown ----------------------------------------------------------------------------------------------------------


def markdown(report: Report, title: str) -> str:
    """A report as a comment on a pull request: what fails the run first, the rest folded away."""
    violations = ordered(report.violations)
    verdict = f"**{len(violations)} violation{'s' * (len(violations) != 1)}**" if violations else "**No violation**"
    text = f"## Policies: {_plain(title)}\n\n{verdict}. {_plain(str(report))}.\n"
    sections = [
        ("", violations),
        ("In the baseline", ordered(report.old)),
        ("Waived", ordered(report.waived)),
        ("Advisory", ordered(report.advice)),
    ]
    for heading, findings in sections:
        if findings:
            text += _section(heading, findings, LONGEST - len(text))
    return text


def _section(heading: str, findings: list[Finding], room: int) -> str:
    head = f"\n<details><summary>{heading}: {len(findings)}</summary>\n" if heading else ""
    foot = "\n</details>\n" if heading else ""
    table = "\n| severity | rule | resource | what | where |\n| --- | --- | --- | --- | --- |\n"
    rows = [_row(finding) for finding in findings]
    fitting, size = 0, len(head) + len(table) + len(foot) + 200
    while fitting < len(rows) and size + len(rows[fitting]) <= room:
        size += len(rows[fitting])
        fitting += 1
    left = f"\n{len(rows) - fitting} more that there is no room for.\n" if fitting < len(rows) else ""
    return head + (table + "".join(rows[:fitting]) if fitting else "") + left + foot


def _row(finding: Finding) -> str:
    what = f"{finding.what}. {finding.remediation}"
    if finding.verdict == "unverifiable":
        what = f"unverifiable: {what}"
    what = f"{what} [{finding.id}]"
    if finding.waiver:
        what = f"{finding.waiver}: {what}"
    cells = (
        finding.severity,
        _code(finding.rule),
        _code(_resource(finding)),
        _plain(what),
        _code(finding.source) if finding.source else "",
    )
    return f"| {' | '.join(cells)} |\n"


def _code(text: str) -> str:
    """Text as code: nothing in it is read as Markdown, as HTML or as somebody's name."""
    one = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{one}`"


_MARKDOWN = str.maketrans(
    {letter: f"\\{letter}" for letter in "\\`*_[]|~"} | {"&": "&amp;", "<": "&lt;", "@": "&#64;", "#": "&#35;"}
)


def _plain(text: str) -> str:
    """Text in which nothing is read as Markdown, as HTML, or as somebody's or an issue's name."""
    return " ".join(text.split()).translate(_MARKDOWN)
