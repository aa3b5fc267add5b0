"""What may be taken away although it holds data, because somebody wrote down why.

A YAML file in the repository, so that it is reviewed as the change itself is:

    - urn: urn:pulumi:prod::platform::aws:sqs/queue:Queue::orders
      reason: drained on 22 November, replaced by orders-v2
      until: 2026-11-30
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import yaml

from .stack import Unusable


def approved(file: Path, today: datetime.date) -> set[str]:
    """The URNs that are approved of today; none where there is no such file."""
    if not file.exists():
        return set()
    try:
        entries = yaml.safe_load(file.read_text()) or []
    except yaml.YAMLError as error:
        raise Unusable(f"{file} can't be read: {error}") from None
    if not isinstance(entries, list):
        raise Unusable(f"{file} is not a list of approvals, each with urn, reason and until")
    for place, entry in enumerate(entries, start=1):
        if not _whole(entry):
            raise Unusable(f"{file}: approval {place} needs a urn, a reason and a date `until`, and nothing else")
    return {entry["urn"] for entry in entries if today <= entry["until"]}


def _whole(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == {"urn", "reason", "until"}
        and all(isinstance(entry[key], str) and entry[key].strip() for key in ("urn", "reason"))
        and type(entry["until"]) is datetime.date
    )
