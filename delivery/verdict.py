"""What a preview would change, what the policy pack says of it, and whether that may be merged.

Everything is read from the engine's event log, and fails closed: a preview that didn't end, or that the policy pack
didn't judge to the last resource, is red. No property's value is kept, only its name.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

STATEFUL = frozenset(
    (
        "backup/vault",
        "cloudtrail/eventDataStore",
        "cloudwatch/logGroup",
        "codecommit/repository",
        "cognito/userPool",
        "docdb/cluster",
        "docdb/clusterInstance",
        "dynamodb/table",
        "ebs/volume",
        "ec2/instance",
        "ecr/repository",
        "efs/fileSystem",
        "elasticache/cluster",
        "elasticache/replicationGroup",
        "elasticache/serverlessCache",
        "fsx/lustreFileSystem",
        "glue/catalogDatabase",
        "glue/catalogTable",
        "grafana/workspace",
        "kinesis/stream",
        "kms/key",
        "msk/cluster",
        "neptune/cluster",
        "opensearch/domain",
        "rds/cluster",
        "rds/clusterInstance",
        "rds/instance",
        "redshift/cluster",
        "route53/zone",
        "s3/bucket",
        "s3/bucketV2",
        "secretsmanager/secret",
        "sqs/queue",
        "timestreamwrite/table",
    )
)
"""Short types whose replacement or deletion loses data, or a name or key that can't be had again."""

_OPERATIONS = {
    "create": "create",
    "import": "create",
    "update": "update",
    "same": "same",
    "delete": "delete",
    "discard": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard-replaced": "replace",
    "import-replacement": "replace",
    "read-replacement": "replace",
}
"""What the engine's steps mean to a reader. Reads change nothing; a step that isn't listed is shown as it is called."""
_READS = {"read", "refresh", "remove-pending-replace"}
_CHECKS = re.compile(r"^(\d+) checks: (\d+) passed, (\d+) failed, (\d+) unverifiable", re.MULTILINE)
_COLOR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
_DEFAULT_PROVIDER = re.compile(r"pulumi:providers:[^:]+::default(_[^:]*)?$")
_RULE = re.compile(r"\[([a-z0-9-]+)\] (.+)", re.DOTALL)
_LONGEST = 1500
"""Characters of an error that are kept: its end, which is where a traceback says what went wrong."""


@dataclass(frozen=True)
class Change:
    """What a preview would do to one resource."""

    operation: str
    urn: str
    properties: list[str] = field(default_factory=list)
    """Names of the top-level properties that differ."""
    because: list[str] = field(default_factory=list)
    """Of those, the ones that demand a replacement."""

    @property
    def label(self) -> str:
        """The type, short, and the name."""
        return label(self.urn)

    @property
    def destructive(self) -> bool:
        """Whether it takes away what holds data."""
        return self.operation in ("delete", "replace") and label(self.urn).split(" ")[0] in STATEFUL


_SILENT = "the policy pack didn't say what it checked"


@dataclass(frozen=True)
class Finding:
    """What a policy says of a resource."""

    level: str
    rule: str
    urn: str
    message: str


@dataclass(frozen=True)
class Preview:
    """One stack's preview, judged."""

    stack: str
    problems: list[str]
    """Why it is red, apart from the findings: it failed, or wasn't judged."""
    changes: list[Change]
    findings: list[Finding]
    checks: int | None
    """How many checks the policy pack made; None if it didn't say."""
    unverifiable: int | None
    """How many of those couldn't be decided."""

    @property
    def violations(self) -> list[Finding]:
        """The findings that make it red."""
        return [finding for finding in self.findings if finding.level != "advisory"]

    @property
    def silent(self) -> bool:
        """Whether all that is missing is what the policy pack says last, which can get lost as the engine ends."""
        return self.problems == [f"not judged: {_SILENT}"]

    @property
    def green(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems and not self.violations

    def guarded(self, approved: Container[str]) -> Preview:
        """The same, red for what takes away what holds data, unless its URN is approved of."""
        lost = [change for change in self.changes if change.destructive and change.urn not in approved]
        reasons = [
            f"it would lose what holds data, which nobody approved of: {change.operation} {change.urn}"
            for change in lost
        ]
        return replace(self, problems=[*self.problems, *reasons])

    @property
    def counts(self) -> Counter[str]:
        """How many resources, by operation."""
        return Counter(change.operation for change in self.changes)


def label(urn: str) -> str:
    """A resource as its reader knows it: `rds/instance database-primary`."""
    *_, types, name = urn.split("::", 3)
    token = types.split("$")[-1]
    package, module = token.split(":")[:2]
    short = module if package == "aws" and "/" in module else token
    return f"{short} {name}"


def judge(stack: str, events: Iterable[Mapping[str, Any]], *, ended_well: bool, pack: Path, said: str = "") -> Preview:
    """The verdict of a preview. `pack` is the policy pack that must have run; `said` is what the CLI complained of."""
    found = _Events(events)
    problems: list[str] = []
    mandatory = any(finding.level != "advisory" for finding in found.findings)
    if found.errors or not (ended_well or mandatory):
        told = found.errors or [_complaint(said) or "see the build's log"]
        problems += [f"the preview failed: {_end(error)}" for error in told]
    elif reason := found.unjudged(pack):
        problems.append(f"not judged: {reason}")
    return Preview(stack, problems, found.changes(), found.findings, found.checks, found.unverifiable)


class _Events:
    """What the events of one preview say."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self.findings: list[Finding] = []
        self.errors: list[str] = []
        self.checks: int | None = None
        self.unverifiable: int | None = None
        self._steps: list[Mapping[str, Any]] = []
        self._packs: list[str] | None = None
        self._analysed: set[str] = set()
        self._stack_analysed = False
        for event in events:
            self._read(event)

    def _read(self, event: Mapping[str, Any]) -> None:
        if policy := event.get("policyEvent"):
            self.findings.append(_finding(policy))
        elif diagnostic := event.get("diagnosticEvent"):
            message = _plain(diagnostic["message"])
            if diagnostic["severity"] == "error" and message != "preview failed":  # which says nothing
                self.errors.append(message)
            elif counted := _CHECKS.search(message):
                self.checks, self.unverifiable = int(counted[1]), int(counted[4])
        elif step := event.get("resourcePreEvent"):
            self._steps.append(step["metadata"])
        elif analysed := event.get("policyAnalyzeSummaryEvent"):
            self._analysed.add(analysed["resourceUrn"])
        elif "policyAnalyzeStackSummaryEvent" in event:
            self._stack_analysed = True
        elif summary := event.get("summaryEvent"):
            self._packs = list(summary.get("PolicyPacks") or {})

    def unjudged(self, pack: Path) -> str | None:
        """Why the policy pack can't have judged everything, or None."""
        if self._packs is None:
            return "the engine didn't say how the preview ended"
        if not any(_is_folder(str(pack), name.rpartition("|")[2]) for name in self._packs):  # name|local|folder
            return "the policy pack didn't run"
        unseen = {step["urn"] for step in self._steps if step.get("new")} - self._analysed
        if unseen:
            return f"the policy pack hasn't seen {len(unseen)} resources, {label(min(unseen))} among them"
        if not self._stack_analysed or not self.checks:
            return _SILENT
        return None

    def changes(self) -> list[Change]:
        """One change for each resource: a replacement is several steps."""
        by_urn: dict[str, Change] = {}
        for step in self._steps:
            urn, step_name = step["urn"], step["op"]
            if step_name in _READS or _DEFAULT_PROVIDER.search(urn):
                continue
            operation = _OPERATIONS.get(step_name, step_name)
            before = by_urn.get(urn)
            names = {*(before.properties if before else ()), *_names(step.get("diffs"))}
            because = {*(before.because if before else ()), *_names(step.get("keys"))}
            if before and before.operation == "replace":
                operation = "replace"
            by_urn[urn] = Change(operation, urn, sorted(names), sorted(because))
        return list(by_urn.values())


def _is_folder(path: str, told: str) -> bool:
    """Whether the engine means a folder: of one with over 75 characters it tells the beginning and the end."""
    begins, _, ends = told.partition("/.../")
    return path == told or (path.startswith(f"{begins}/") and path.endswith(f"/{ends}"))


def _finding(policy: Mapping[str, Any]) -> Finding:
    message = " ".join(_plain(policy["message"]).split())
    named = _RULE.search(message)
    rule, text = (named[1], named[2]) if named else (policy["policyName"], message)
    return Finding(policy["enforcementLevel"], rule, policy.get("resourceUrn", ""), text)


def _names(paths: Iterable[str] | None) -> set[str]:
    """Top-level property names of paths such as `tags["Name"]`."""
    return {re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths or ()}


def _plain(message: str) -> str:
    return _COLOR.sub("", message).strip()


def _complaint(said: str) -> str:
    return "\n".join(line for line in said.splitlines() if not line.startswith("warning: "))


def _end(error: str) -> str:
    error = error.strip()
    return error if len(error) <= _LONGEST else f"... {error[-_LONGEST:]}"


def save(previews: Iterable[Preview], file: Path) -> None:
    """Write verdicts as JSON."""
    previews = list(previews)
    stacks = [{"green": preview.green, "counts": preview.counts, **asdict(preview)} for preview in previews]
    file.write_text(json.dumps({"green": all(p.green for p in previews), "stacks": stacks}, indent=2) + "\n")


def load(file: Path) -> list[Preview]:
    """Read verdicts that `save` wrote."""
    return [
        Preview(
            stack["stack"],
            stack["problems"],
            [Change(**change) for change in stack["changes"]],
            [Finding(**finding) for finding in stack["findings"]],
            stack["checks"],
            stack["unverifiable"],
        )
        for stack in json.loads(file.read_text())["stacks"]
    ]
