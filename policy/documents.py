"""IAM policy documents: what their statements allow and deny."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .graph import Unknown, get


def statements(value: Any, path: str) -> Iterator[Mapping[str, Any]]:
    """The statements of the policy at a path, be it JSON text or an object; none where there is no policy.

    Raises `Unknown` for what isn't a policy document.
    """
    found = get(value, path)
    if found in (None, ""):
        return
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            raise Unknown(f"what {path} says") from None
    if not isinstance(found, Mapping):
        raise Unknown(f"what {path} says")
    for statement in listed(found.get("Statement")):
        if not isinstance(statement, Mapping):
            raise Unknown(f"what {path} says")
        yield statement


def listed(value: Any) -> list[Any]:
    """IAM writes a list of one without the list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def public(statement: Mapping[str, Any]) -> bool:
    """Whether a statement speaks to everyone."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = principal.get("AWS")
    return "*" in listed(principal)


def conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Any]]]:
    """The conditions of a statement: operator, key in lower case, values."""
    for operator, keys in _pairs(statement.get("Condition")):
        for key, values in _pairs(keys):
            yield operator, key.lower(), listed(values)


def _pairs(value: Any) -> list[tuple[str, Any]]:
    """The items of an object of a policy document."""
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise Unknown("what a condition of a policy says")
    return list(value.items())


# Condition keys that say who calls.
_BINDING = (
    "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
    "aws:sourcevpc", "aws:sourcevpce",
    "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:userid",
    "kms:calleraccount", "s3:dataaccesspointaccount", "s3:dataaccesspointarn", "sns:endpoint",
)  # fmt: skip


def bound(statement: Mapping[str, Any]) -> bool:
    """Whether a condition limits a statement for everyone to known callers: a positive match without a bare `*`."""
    return any(
        key in _BINDING and "Not" not in operator and not operator.endswith("IfExists") and operator != "Null"
        and values and not any(set(str(value)) <= {"*"} for value in values)
        for operator, key, values in conditions(statement)
    )  # fmt: skip
