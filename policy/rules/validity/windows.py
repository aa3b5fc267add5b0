"""Windows for backups and maintenance: written as AWS reads them, long enough, and apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...graph import Graph, Resource
from ...rule import rule
from .values import FAMILY, text

# Properties of the daily window and of the weekly one, and the shortest that either may be, in minutes.
_WINDOWS = {
    "rds/instance": ("backupWindow", "maintenanceWindow", 30),
    "rds/cluster": ("preferredBackupWindow", "preferredMaintenanceWindow", 30),
    "elasticache/replicationGroup": ("snapshotWindow", "maintenanceWindow", 60),
    "elasticache/cluster": ("snapshotWindow", "maintenanceWindow", 60),
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_DAY = 24 * 60
_WEEK = 7 * _DAY


@rule(
    "windows-apart", *_WINDOWS,
    family=FAMILY, severity="medium", alone=True,
    title="Windows for backups and maintenance are apart",
    controls="",
    remediation="Write the daily window as 02:00-03:00 and the weekly one as sun:04:00-sun:05:00, in UTC, of 30 "
    "minutes (RDS) or an hour (ElastiCache) at least, and with no minute in common",
)  # fmt: skip
def windows_apart(resource: Resource, graph: Graph) -> Iterator[str]:
    """RDS API reference, CreateDBInstance; ElastiCache API reference, CreateReplicationGroup."""
    daily_key, weekly_key, shortest = _WINDOWS[resource.short]
    daily = weekly = None
    if (said := text(resource, daily_key)) is not None:
        daily = _span(said, f"{_TIME}-{_TIME}", _DAY)
        if daily is None:
            yield f"its {daily_key} isn't written as AWS reads it"
        elif daily[1] < shortest:
            yield f"its {daily_key} is shorter than {shortest} minutes"
    if (said := text(resource, weekly_key)) is not None:
        days = "|".join(_DAYS)
        weekly = _span(said, f"({days}):{_TIME}-({days}):{_TIME}", _WEEK)
        if weekly is None:
            yield f"its {weekly_key} isn't written as AWS reads it"
        elif weekly[1] < shortest:
            yield f"its {weekly_key} is shorter than {shortest} minutes"
    if daily and weekly and any(_meet(daily[0] + day * _DAY, daily[1], *weekly) for day in range(7)):
        yield f"its {daily_key} and its {weekly_key} overlap"


def _span(said: str, pattern: str, whole: int) -> tuple[int, int] | None:
    """Where a window begins and how long it is, in minutes, whose end may be in the next day or week."""
    found = re.fullmatch(pattern, said.lower())
    if not found:
        return None
    parts = [_DAYS.index(part) if part in _DAYS else int(part) for part in found.groups()]
    half = len(parts) // 2
    start, end = (_minutes(moment) for moment in (parts[:half], parts[half:]))
    return start, (end - start) % whole


def _minutes(moment: list[int]) -> int:
    day, hour, minute = moment if len(moment) == 3 else (0, *moment)
    return (day * 24 + hour) * 60 + minute


def _meet(start: int, length: int, other: int, long: int) -> bool:
    """Whether two windows of a week have a minute in common."""
    return (other - start) % _WEEK < length or (start - other) % _WEEK < long
