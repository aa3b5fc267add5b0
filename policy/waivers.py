"""Waivers: findings that somebody answers for, until a day, from a file beside the pack.

A waiver that is malformed, has expired or waives nothing fails the run, so that the file says what holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .evaluate import Finding, Report, Waiver, finding
from .graph import Resource, short_type
from .rule import RULES, Rule

RULE = Rule(
    id="waivers",
    family="validity",
    severity="high",
    title="Waivers are whole, hold today and waive something",
    types=(),
    controls=(),
    remediation="Mend the waiver, or take it away",
    check=lambda resource, graph: (),
    alone=False,
    level="mandatory",
)
"""By which waivers themselves are found wrong. It runs on no resource."""

_REQUIRED = ("rule", "type", "name", "reason", "owner", "expires")
_OPTIONAL = ("finding", "verdict", "stacks")


@dataclass(frozen=True)
class Waivers:
    """What a file holds: the waivers that are whole, and what is wrong with others, by place."""

    waivers: Sequence[Waiver] = ()
    mistakes: Sequence[tuple[str, str]] = ()

    def __add__(self, other: Waivers) -> Waivers:
        return Waivers([*self.waivers, *other.waivers], [*self.mistakes, *other.mistakes])


@dataclass
class Waiving:
    """The waivers of one stack on one day. It waives findings, and says in the end which waivers are amiss."""

    file: Waivers
    stack: str
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    def __post_init__(self) -> None:
        # Those of other stacks are none of this run's business.
        self._mine = [w for w in self.file.waivers if w.stacks is None or self.stack in w.stacks]
        self._by_rule: dict[str, list[Waiver]] = {}
        for waiver in self._mine:
            if waiver.expires >= self.today:
                self._by_rule.setdefault(waiver.rule, []).append(waiver)

    def waive(self, report: Report) -> Report:
        """The report, its waived findings marked."""
        if self._by_rule:
            waivers = [self._waiver(found) for found in report.findings]
            report.findings = [
                replace(found, waiver=waiver) if waiver else found
                for found, waiver in zip(report.findings, waivers, strict=True)
            ]
        return report

    def _waiver(self, found: Finding) -> Waiver | None:
        return next((w for w in self._by_rule.get(found.rule, ()) if _covers(w, found)), None)

    def amiss(
        self, findings: Iterable[Finding], resources: Iterable[Resource], *, unmatched: bool = True
    ) -> list[Finding]:
        """What is wrong with waivers, as findings. `unmatched` says whether one that waives nothing fails the run."""
        wrong = [_finding(source, what) for source, what in self.file.mistakes]
        findings = list(findings)
        here = {(resource.short, resource.name) for resource in resources}
        for waiver in self._mine:
            if waiver.expires < self.today:
                wrong.append(_finding(waiver.source, f"it has expired on {waiver.expires}, for {_subject(waiver)}"))
            # What can't be verified in a preview may be known later: it is enough that the resource is there.
            elif not any(_covers(waiver, found) for found in findings) and not (
                waiver.verdict and any(_names(waiver, type, name) for type, name in here)
            ):
                found = _finding(waiver.source, f"it waives nothing: no finding is of {_subject(waiver)}")
                wrong.append(found if unmatched else replace(found, level="advisory"))
        return wrong


def stack_of(urns: Iterable[str]) -> str:
    """The stack that resources are of, by their URNs; none where there is no resource."""
    return next((urn.split(":")[2] for urn in urns if urn.startswith("urn:pulumi:")), "")


def _covers(waiver: Waiver, found: Finding) -> bool:
    return (
        waiver.rule == found.rule
        and _names(waiver, short_type(found.type), found.name)
        and waiver.finding in (None, found.id)
        and waiver.verdict in (None, found.verdict)
    )


def _names(waiver: Waiver, type: str, name: str) -> bool:
    return waiver.type == type and fnmatchcase(name, waiver.name)


def _subject(waiver: Waiver) -> str:
    return f"{waiver.rule} on {waiver.type} {waiver.name}{f', {waiver.finding}' if waiver.finding else ''}"


def _finding(source: str, what: str) -> Finding:
    place = Resource(urn="", type="waiver", name=source, props={}, source=source)
    return finding(RULE, place, what, "fail", "mandatory")


# -- the file ----------------------------------------------------------------------------------------------------------


def read(file: Path, *, shown: str | None = None, needed: bool = False) -> Waivers:
    """A file's waivers. `shown` is how findings name the file, `needed` whether it is wrong that there is none."""
    shown = shown or file.name
    if not file.exists() and not needed:
        return Waivers()
    import yaml

    try:
        loader = yaml.SafeLoader(file.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        content = loader.construct_document(node) if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{shown}:{mark.line + 1}" if mark else f"{shown}:1"
        return Waivers(mistakes=[(place, f"it is not YAML: {getattr(error, 'problem', None) or 'it is malformed'}")])
    except (OSError, ValueError) as error:
        return Waivers(mistakes=[(f"{shown}:1", f"it can't be read: {type(error).__name__}")])
    if content is None or content == {"waivers": None}:
        return Waivers()
    if not isinstance(content, dict) or set(content) != {"waivers"} or not isinstance(content["waivers"], list):
        return Waivers(mistakes=[(f"{shown}:1", "expected one key, waivers, with a list of them")])
    listed = node.value[0][1].value if node else []
    places = [f"{shown}:{item.start_mark.line + 1}" for item in listed]
    found = [_waiver(given, place) for given, place in zip(content["waivers"], places, strict=True)]
    return Waivers(
        [waiver for waiver in found if isinstance(waiver, Waiver)],
        [mistake for mistake in found if not isinstance(mistake, Waiver)],
    )


def _waiver(given: Any, source: str) -> Waiver | tuple[str, str]:
    if not isinstance(given, Mapping):
        return source, f"expected an object with {', '.join(_REQUIRED)}"
    wrong = list(_mistakes(given))
    if wrong:
        return source, "; ".join(wrong)
    values = {key: given[key].strip() for key in ("rule", "name", "reason", "owner")}
    stacks = given.get("stacks")
    return Waiver(
        **values,
        type=short_type(given["type"]),
        expires=_day(given["expires"]) or date.min,
        finding=given.get("finding"),
        verdict=given.get("verdict"),
        stacks=None if stacks is None else tuple(stacks),
        source=source,
    )


def _mistakes(given: Mapping[Any, Any]) -> Iterator[str]:
    unknown = [str(key) for key in given if key not in (*_REQUIRED, *_OPTIONAL)]
    if unknown:
        yield f"it has keys that mean nothing: {', '.join(unknown)}"
    for key in _REQUIRED:
        value = given.get(key)
        if key == "expires":
            if _day(value) is None:
                yield "expires is not a date such as 2027-01-31"
        elif not isinstance(value, str) or not value.strip():
            yield f"{key} is missing" if value in (None, "") else f"{key} is not a text"
    rule = RULES.get(given["rule"].strip()) if isinstance(given.get("rule"), str) else None
    if rule is None and isinstance(given.get("rule"), str):
        yield f"there is no rule {given['rule']}"
    if rule and isinstance(given.get("type"), str) and short_type(given["type"]) not in rule.types:
        yield f"{rule.id} doesn't judge {given['type']}, but {', '.join(rule.types)}"
    if not isinstance(given.get("finding", ""), str):
        yield "finding is not a text: put its id in quotes"
    if given.get("verdict", "unverifiable") != "unverifiable":
        yield "verdict can only be unverifiable"
    stacks = given.get("stacks", ["all"])
    if not isinstance(stacks, list) or not stacks or not all(isinstance(stack, str) for stack in stacks):
        yield "stacks is not a list of stacks' names"


def _day(value: Any) -> date | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None
