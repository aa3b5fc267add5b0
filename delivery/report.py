"""The verdict as a Markdown comment, within the size that its place allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .verdict import Change, Finding, Preview

CODECOMMIT_BYTES = 10_240
"""The longest comment on a CodeCommit pull request (CodeCommit user guide, "Quotas")."""
GITHUB_BYTES = 65_536
"""The longest comment on a GitHub pull request."""

_OPERATIONS = ("create", "update", "replace", "delete", "same")
_RESERVE = 160
"""Bytes kept for the line that says what was left out, and for the end of a fold."""


@dataclass(frozen=True)
class Steps:
    """How far the steps before the preview came."""

    passed: bool
    at: str
    """The step that they stopped at, if they didn't pass."""

    def __str__(self) -> str:
        return "Tests: passed." if self.passed else f"Tests: **not passed**, stopped at `{self.at}`."


@dataclass(frozen=True)
class _Section:
    title: str
    lines: list[str]
    fold: bool = False


def green(previews: list[Preview], tests: Steps | None) -> bool:
    """Whether nothing speaks against a merge. No preview at all does."""
    return bool(previews) and all(preview.green for preview in previews) and (tests is None or tests.passed)


def render(
    previews: list[Preview], tests: Steps | None = None, *, limit: int, fold: bool, log: str | None = None
) -> str:
    """The comment. What doesn't fit is left out from the end, the changes first, and counted.

    Args:
        previews: of each stack; none if the check never ran.
        tests: left out if they are reported elsewhere.
        limit: bytes.
        fold: fold the changes into HTML, which CodeCommit doesn't show.
        log: where to read more.
    """
    text = "\n".join(_head(previews, tests, log)) + "\n"
    sections = [section for section in _sections(previews, fold) if section.lines]
    for index, section in enumerate(sections):
        room = limit - _RESERVE * (len(sections) - index)
        begin, end = ("<details><summary>", "</summary>\n\n") if section.fold else ("#### ", "\n\n")
        opening = f"\n{begin}{section.title}{end}"
        taken = _fitting(section.lines, room - _size(text + opening))
        text += opening + "".join(f"{line}\n" for line in taken)
        if left := len(section.lines) - len(taken):
            text += f"\n*{left} more left out here: they don't fit into a comment. The build's log has them all.*\n"
        text += "\n</details>\n" if section.fold else ""
    return text


def _head(previews: list[Preview], tests: Steps | None, log: str | None) -> Iterator[str]:
    yield "### ✅ The check passed" if green(previews, tests) else "### ❌ The check failed"
    yield ""
    if tests:
        yield str(tests)
    if not previews:
        yield "The previews were **not judged**: the check didn't come to its end."
    if log:
        yield f"[The build's log]({log})"
    if not previews:
        return
    yield ""
    yield f"| stack | verdict | {' | '.join(_OPERATIONS)} | policies broken | advice | checks | unverifiable |"
    yield "| --- " * (len(_OPERATIONS) + 6) + "|"
    for preview in previews:
        verdict = "passed" if preview.green else "**failed**"
        counts = [str(preview.counts[operation]) for operation in _OPERATIONS]
        advice = len(preview.findings) - len(preview.violations)
        checks = ["?" if n is None else str(n) for n in (preview.checks, preview.unverifiable)]
        cells = [_text(preview.stack), verdict, *counts, str(len(preview.violations)), str(advice), *checks]
        yield f"| {' | '.join(cells)} |"


def _sections(previews: list[Preview], fold: bool) -> Iterator[_Section]:
    """From what matters most to what may be left out."""
    yield _Section(
        "Why it failed", [f"- {_text(p.stack)}: {_text(problem)}" for p in previews for problem in p.problems]
    )
    broken = [_finding(p.stack, finding) for p in previews for finding in p.violations]
    yield _Section("Policies broken", broken)
    yield _Section(
        "Takes away what holds data",
        [f"- {_text(p.stack)}: {_change(change)}" for p in previews for change in p.changes if change.destructive],
    )
    advice = [_finding(p.stack, finding) for p in previews for finding in p.findings if finding not in p.violations]
    yield _Section("Advice, which fails nothing", advice)
    for preview in previews:
        changes = [change for change in preview.changes if change.operation != "same"]
        lines = [f"- {_change(change)}" for change in sorted(changes, key=_weight)]
        yield _Section(f"Changes to {_text(preview.stack)}: {len(lines)}", lines, fold)


def _weight(change: Change) -> tuple[int, str]:
    """Deletions and replacements first: what is least in number weighs most."""
    order = ("delete", "replace", "update", "create")
    return order.index(change.operation) if change.operation in order else -1, change.label


def _finding(stack: str, finding: Finding) -> str:
    return f"- **{_text(finding.rule)}** ({_text(stack)}): {_text(finding.message)}"


def _change(change: Change) -> str:
    line = f"**{_text(change.operation)}** {_text(change.label)}"
    if change.properties:
        line += f": {', '.join(map(_text, change.properties))}"
    if change.because:
        line += f" (because of {', '.join(map(_text, change.because))})"
    return line


def _fitting(lines: Iterable[str], room: int) -> list[str]:
    taken = []
    for line in lines:
        room -= _size(line) + 1
        if room < 0:
            break
        taken.append(line)
    return taken


def _size(text: str) -> int:
    return len(text.encode())


def _text(text: str) -> str:
    """On one line, and without a meaning in Markdown or HTML: names come from whoever wrote the pull request."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", " ".join(text.split()))
