"""What these rules share: the family, and how a number or a text is read."""

from __future__ import annotations

from typing import Any

from ...graph import Resource, Unknown, get
from ...rule import Family

FAMILY: Family = "validity"


def number(value: Any, path: str) -> float | None:
    """The number at a path; None where there is none."""
    found = get(value, path)
    if found is not None and (isinstance(found, bool) or not isinstance(found, (int, float))):
        raise Unknown(path)
    return found


def text(value: Any, path: str) -> str | None:
    """The text at a path; None where there is none, be it empty."""
    found = get(value, path)
    if found is not None and not isinstance(found, str):
        raise Unknown(path)
    return found or None


def punctuation(generator: Resource) -> set[str]:
    """The punctuation that a `random.RandomPassword` may have."""
    if get(generator, "special") is False:
        return set()
    return set(text(generator, "overrideSpecial") or "!@#$%&*()-_=+[]{}<>:?")
