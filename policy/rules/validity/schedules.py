"""Step Functions and EventBridge: states that are there, expressions that are understood."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ...graph import Graph, Resource, Unknown
from ...rule import rule
from .values import FAMILY, text


@rule(
    "state-machine-states", "sfn/stateMachine",
    family=FAMILY, severity="medium", alone=True,
    title="A state machine goes only to states that it has",
    controls="",
    remediation="Name a state of the same States by StartAt, Next, Default and Catch",
)  # fmt: skip
def state_machine_states(machine: Resource, graph: Graph) -> Iterator[str]:
    """Amazon States Language: a state names states of its own level; those of a Map or Parallel have their own."""
    try:
        levels = [json.loads(text(machine, "definition") or "")]
    except ValueError:
        yield "its definition isn't JSON"
        return
    while levels:
        level = levels.pop()
        states = _object(_object(level).get("States"))
        named = [level.get("StartAt")]
        for state in states.values():
            named += [state[key] for key in ("Next", "Default") if key in _object(state)]
            for key in ("Choices", "Catch"):
                named += [found["Next"] for found in _list(state.get(key)) if "Next" in _object(found)]
            levels += [state[key] for key in ("Iterator", "ItemProcessor") if key in state]
            levels += _list(state.get("Branches"))
        if not all(isinstance(name, str) and name in states for name in named):
            yield "it goes to a state that it doesn't have"


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unknown("what definition says")
    return value


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Unknown("what definition says")
    return value or []


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Lowest, highest and names of each field, and what else it takes.
_FIELDS: list[tuple[int, int, tuple[str, ...], str]] = [
    (0, 59, (), ""),
    (0, 23, (), ""),
    (1, 31, (), r"L(-\d+)?|LW|\d+W"),
    (1, 12, _MONTHS, ""),
    (1, 7, _WEEKDAYS, r"L|([1-7]|[A-Z]{3})(L|#[1-5])"),
    (1970, 2199, (), ""),
]


@rule(
    "schedule-expression", "scheduler/schedule", "cloudwatch/eventRule",
    family=FAMILY, severity="medium", alone=True,
    title="Schedules are ones that EventBridge understands",
    controls="",
    remediation="Write cron(minutes hours day-of-month month day-of-week year) with ? for one of the days, "
    "rate(1 hour), rate(5 minutes), or, for a schedule, at(yyyy-mm-ddThh:mm:ss)",
)  # fmt: skip
def schedule_expression(schedule: Resource, graph: Graph) -> Iterator[str]:
    """EventBridge user guide, "Cron expressions" and "Rate expressions"; Scheduler user guide, "Schedule types". Only
    rules are known to insist on a singular unit after 1."""
    expression = text(schedule, "scheduleExpression")
    if expression is None:
        return
    kind, _, rest = expression.partition("(")
    inside = rest.removesuffix(")")
    if not expression.endswith(")"):
        yield "its scheduleExpression isn't a cron, rate or at expression"
    elif kind == "cron":
        if not _is_cron(inside.split()):
            yield "its cron expression isn't one of EventBridge"
    elif kind == "rate":
        found = re.fullmatch(r"([1-9][0-9]*) +(minute|hour|day)(s?)", inside)
        strict = schedule.short == "cloudwatch/eventRule"
        if not found or (found[1] != "1" and not found[3]) or (strict and found[1] == "1" and found[3]):
            yield "its rate expression isn't one of EventBridge"
    elif kind == "at" and schedule.short == "scheduler/schedule":
        if not _is_time(inside):
            yield "its at expression isn't a time"
    else:
        yield "its scheduleExpression isn't a cron, rate or at expression"


def _is_cron(fields: list[str]) -> bool:
    if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
        return False
    return all(
        (field == "?" and place in (2, 4)) or all(_is_part(part.upper(), *_FIELDS[place]) for part in field.split(","))
        for place, field in enumerate(fields)
    )


def _is_part(part: str, lowest: int, highest: int, names: tuple[str, ...], special: str) -> bool:
    if special and re.fullmatch(special, part):
        return True
    span, slash, step = part.partition("/")
    if slash and not re.fullmatch("[1-9][0-9]*", step):
        return False
    first, dash, last = span.partition("-")

    def within(value: str) -> bool:
        return value in names or (re.fullmatch("[0-9]{1,4}", value) is not None and lowest <= int(value) <= highest)

    return span == "*" or (within(first) and (not dash or within(last)))


def _is_time(moment: str) -> bool:
    try:
        return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S") is not None
    except ValueError:
        return False
