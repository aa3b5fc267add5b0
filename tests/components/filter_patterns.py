"""What a metric filter of CloudWatch Logs finds in a JSON event: as much of the syntax as the patterns here use.

Written from the CloudWatch Logs user guide ("Filter pattern syntax"), since the simulated AWS takes every JSON pattern
for one that matches everything.
"""

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r'\s*(\{|\}|\(|\)|&&|\|\||!=|=|NOT EXISTS|"[^"]*"|\$[\w.]+|[^\s(){}&|="!]+)')
_MISSING = object()


class NotAPattern(ValueError):
    """CloudWatch Logs would refuse it with InvalidParameterException."""


def matches(pattern: str, event: Mapping[str, Any]) -> bool:
    """Whether the pattern finds the event."""
    tokens = _tokens(pattern)
    if len(pattern) > 1024:
        raise NotAPattern(f"{len(pattern)} characters: 1,024 at most")
    _take(tokens, "{")
    found = _any(tokens, event)
    _take(tokens, "}")
    if tokens:
        raise NotAPattern(f"{tokens[0]!r} after the end")
    if found is None:
        raise AssertionError(f"the user guide doesn't say what {pattern} makes of an event without such a field")
    return found


def _tokens(pattern: str) -> list[str]:
    tokens, at = [], 0
    while pattern[at:].strip():
        found = _TOKEN.match(pattern, at)
        if not found:
            raise NotAPattern(f"{pattern[at:]!r} is no part of a pattern")
        tokens.append(found[1])
        at = found.end()
    return tokens


def _take(tokens: list[str], wanted: str) -> None:
    if not tokens or tokens[0] != wanted:
        raise NotAPattern(f"{wanted!r} is missing before {tokens[:1]}")
    tokens.pop(0)


def _any(tokens: list[str], event: Mapping[str, Any]) -> bool | None:
    """None where nobody knows: `!=` on what isn't there."""
    found = [_all(tokens, event)]
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        found.append(_all(tokens, event))
    return True if True in found else None if None in found else False


def _all(tokens: list[str], event: Mapping[str, Any]) -> bool | None:
    found = [_one(tokens, event)]
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        found.append(_one(tokens, event))
    return False if False in found else None if None in found else True


def _one(tokens: list[str], event: Mapping[str, Any]) -> bool | None:
    if tokens[:1] == ["("]:
        tokens.pop(0)
        found = _any(tokens, event)
        _take(tokens, ")")
        return found
    if len(tokens) < 2 or not tokens[0].startswith("$."):
        raise NotAPattern(f"no condition at {tokens[:2]}")
    selector, operator = tokens.pop(0), tokens.pop(0)
    value: Any = event
    for part in selector.removeprefix("$.").split("."):
        value = value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
    if operator == "NOT EXISTS":
        return value is _MISSING
    if operator not in ("=", "!=") or not tokens or not re.fullmatch(r'"[^"]*"|[\w.*-]+', tokens[0]):
        raise NotAPattern(f"no comparison at {selector} {operator} {tokens[:1]}")
    wanted = tokens.pop(0).strip('"')
    if value is _MISSING and operator == "!=":
        return None
    alike = isinstance(value, str) and re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), value) is not None
    return alike is (operator == "=")
