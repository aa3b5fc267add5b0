"""EventBridge: expressions, time zones and limits that it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import available_timezones

from ...graph import Graph, Resource, Unknown, each, get
from ...rule import rule
from .values import FAMILY, number, text

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
    "schedule-expression", "scheduler/schedule", "cloudwatch/eventRule", "glue/crawler",
    family=FAMILY, severity="medium", alone=True,
    title="Schedules are ones that EventBridge or Glue understands",
    controls="",
    remediation="Write cron(minutes hours day-of-month month day-of-week year) with ? for one of the days, "
    "rate(1 hour), rate(5 minutes), or, for a schedule, at(yyyy-mm-ddThh:mm:ss); a crawler takes cron alone",
)  # fmt: skip
def schedule_expression(schedule: Resource, graph: Graph) -> Iterator[str]:
    """EventBridge user guide, "Cron expressions" and "Rate expressions"; Scheduler user guide, "Schedule types". Only
    rules are known to insist on a singular unit after 1."""
    crawler = schedule.short == "glue/crawler"
    key = "schedule" if crawler else "scheduleExpression"
    expression = text(schedule, key)
    if expression is None:
        return
    kind, _, rest = expression.partition("(")
    inside = rest.removesuffix(")")
    if not expression.endswith(")"):
        yield f"its {key} isn't a cron, rate or at expression"
    elif kind == "cron":
        if not _is_cron(inside.split()):
            yield "its cron expression isn't one of EventBridge"
    elif crawler:
        yield "its schedule isn't a cron expression"
    elif kind == "rate":
        found = re.fullmatch(r"([1-9][0-9]*) +(minute|hour|day)(s?)", inside)
        strict = schedule.short == "cloudwatch/eventRule"
        if not found or (found[1] != "1" and not found[3]) or (strict and found[1] == "1" and found[3]):
            yield "its rate expression isn't one of EventBridge"
    elif kind == "at" and schedule.short == "scheduler/schedule":
        if not _is_time(inside):
            yield "its at expression isn't a time"
    else:
        yield f"its {key} isn't a cron, rate or at expression"


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


@rule(
    "schedule-time-zone", "scheduler/schedule",
    family=FAMILY, severity="medium", alone=True,
    title="A schedule's time zone is there",
    controls="",
    remediation="Name a time zone of the IANA database, such as Europe/Berlin",
)  # fmt: skip
def schedule_time_zone(schedule: Resource, graph: Graph) -> Iterator[str]:
    zone = text(schedule, "scheduleExpressionTimezone")
    if zone is None:
        return
    zones = available_timezones()
    if not zones:
        raise Unknown("which time zones there are: this machine has no database of them")
    if zone not in zones:
        yield "its scheduleExpressionTimezone is no time zone"


# Property, least and most: Scheduler API reference, FlexibleTimeWindow and RetryPolicy.
_LIMITS = {
    "flexibleTimeWindow.maximumWindowInMinutes": (1, 1_440),
    "target.retryPolicy.maximumEventAgeInSeconds": (60, 86_400),
    "target.retryPolicy.maximumRetryAttempts": (0, 185),
}


@rule(
    "schedule-limits", "scheduler/schedule",
    family=FAMILY, severity="medium", alone=True,
    title="EventBridge Scheduler takes a schedule's window and retries",
    controls="",
    remediation="Give mode FLEXIBLE, and no other, a window of 1 to 1,440 minutes; retry up to 185 times, for a minute "
    "to a day",
)  # fmt: skip
def schedule_limits(schedule: Resource, graph: Graph) -> Iterator[str]:
    def judge(path: str) -> Iterator[str]:
        least, most = _LIMITS[path]
        value = number(schedule, path)
        if value is not None and not least <= value <= most:
            yield f"its {path.rpartition('.')[2]} is out of bounds"

    def window(path: str) -> Iterator[str]:
        flexible = get(schedule, path) == "FLEXIBLE"
        if flexible != (number(schedule, "flexibleTimeWindow.maximumWindowInMinutes") is not None):
            yield "its mode is FLEXIBLE without a window" if flexible else "it has a window, and its mode is OFF"

    yield from each((each(_LIMITS, judge), window("flexibleTimeWindow.mode")), lambda found: found)
