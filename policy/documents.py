"""IAM policy documents: what their statements allow and deny."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
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
            found = _parsed(found)
        except ValueError:
            raise Unknown(f"what {path} says") from None
    if not isinstance(found, Mapping):
        raise Unknown(f"what {path} says")
    for statement in listed(found.get("Statement")):
        if not isinstance(statement, Mapping):
            raise Unknown(f"what {path} says")
        yield statement


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:
    """What several rules read, parsed for the first of them; nobody changes it."""
    return json.loads(text)


def listed(value: Any) -> list[Any]:
    """IAM writes a list of one without the list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def public(statement: Mapping[str, Any]) -> bool:
    """Whether a statement speaks to everyone."""
    principal = statement.get("Principal")
    found = list(principal.values()) if isinstance(principal, Mapping) else [principal]
    return any("*" in listed(named) for named in found)


def services(statement: Mapping[str, Any]) -> list[str]:
    """The services that a statement speaks to, without region and domain: `logs`, `delivery.logs`."""
    principal = statement.get("Principal")
    named = listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    return [_REGION.sub("", str(service).partition(".amazonaws.com")[0]) for service in named]


_REGION = re.compile(r"\.[a-z]{2}(-[a-z]+)+-\d+$")


def arn_parts(pattern: str) -> list[str] | None:
    """The six parts of a pattern for ARNs, None for what is no ARN; IAM takes each part that is left out for `*`."""
    parts = pattern.split(":", 5)
    return parts + ["*"] * (6 - len(parts)) if parts[0] == "arn" else None


def everywhere(pattern: Any) -> bool:
    """Whether a pattern leaves nothing out but the service, as `*`, `arn:aws:s3:::*` and `arn:aws:iam::*` do."""
    text = str(pattern)
    parts = arn_parts(text)
    return set(text) <= _WILD or (parts is not None and all(set(part) <= _WILD for part in parts[3:]))


_WILD = {"*", "?"}


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
    "elasticfilesystem:accessedviamounttarget",
)  # fmt: skip


# And those that say on whose behalf a service does; the prefixes are of tags and of what is encrypted.
_SOURCES = (
    "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
    "aws:principalorgid", "kms:calleraccount", "sts:externalid",
)  # fmt: skip
_TOLD_BY = ("aws:requesttag/", "kms:encryptioncontext:")


def bound(statement: Mapping[str, Any]) -> bool:
    """Whether a condition limits a statement for everyone to known callers: a positive match without a bare `*`."""
    return any(
        key in _BINDING and limits(operator, values) and not operator.endswith("IfExists")
        and not any(_anybodys(key, value) for value in values)
        for operator, key, values in conditions(statement)
    )  # fmt: skip


def sourced(statement: Mapping[str, Any]) -> bool:
    """Whether a condition says on whose behalf a service may act. Not every service says it, so `IfExists` will do."""
    return any(
        (key in _SOURCES or key.startswith(_TOLD_BY)) and limits(operator, values)
        and not any(_anybodys(key, value) for value in values)
        for operator, key, values in conditions(statement)
    )  # fmt: skip


def limits(operator: str, values: list[Any]) -> bool:
    """Whether a condition is a positive match, and not for everything. `ForAllValues` matches what isn't there, too."""
    negative = "Not" in operator or operator == "Null" or operator.startswith("ForAllValues:")
    return bool(values) and not negative and not any(map(everywhere, values))


def _anybodys(key: str, value: Any) -> bool:
    """Whether a pattern of a condition leaves open whose it may be. A bucket's name is the world's, without account."""
    text = str(value)
    if key.endswith("arn"):
        parts = arn_parts(text)
        if parts is None:
            return text[:1] in _WILD and not _ACCOUNT.search(text)
        return parts[2] != "s3" and not _WILD.isdisjoint(parts[4])
    return key.startswith("aws:") and not key.startswith(_TOLD_BY) and bool(_ANY_ID.match(text))


_ACCOUNT = re.compile(r"\d{12}")
_ANY_ID = re.compile(r"(o-|vpce?-)?[*?]")
