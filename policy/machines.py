"""Step Functions: what the definition of a state machine says, level by level."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .graph import UNKNOWN, Resource, Unknown, get

_WHAT = "what definition says"


def definition(machine: Resource) -> Mapping[str, Any]:
    """The definition; raises `Unknown` for what isn't one."""
    text = get(machine, "definition")
    try:
        found = json.loads(text if isinstance(text, str) else "")
    except ValueError:
        raise Unknown(_WHAT) from None
    return mapping(found)


def levels(whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The definition and, inside its Map and Parallel states, the levels with states of their own."""
    left = [whole]
    while left:
        level = left.pop()
        yield level
        for state in states(level).values():
            left += inner(state)


def states(level: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The states of one level, by name."""
    return {name: mapping(state) for name, state in mapping(level.get("States")).items()}


def inner(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The levels right inside a state."""
    single = [state[key] for key in ("Iterator", "ItemProcessor") if key in state]
    return [mapping(level) for level in (*single, *_list(state.get("Branches")))]


def caught(state: Mapping[str, Any]) -> Iterator[tuple[list[Any], Any]]:
    """The catchers of a state: which errors, and the state that it goes to."""
    for catcher in _list(state.get("Catch")):
        yield _list(mapping(catcher).get("ErrorEquals")), mapping(catcher).get("Next")


def ways(state: Mapping[str, Any]) -> Iterator[Any]:
    """The names of the states of its level that a state goes to."""
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (mapping(choice)["Next"] for choice in _list(state.get("Choices")) if "Next" in mapping(choice))
    yield from (name for _, name in caught(state))


def tasks(whole: Mapping[str, Any], *actions: str) -> Iterator[Mapping[str, Any]]:
    """The tasks of a definition, at any depth, that do one of these actions, such as `s3:getObject`."""
    for level in levels(whole):
        yield from (state for state in states(level).values() if does(state, *actions))


def does(state: Mapping[str, Any], *actions: str) -> bool:
    """Whether a state is a task that does one of these actions, waiting for its end (`.sync`) or not."""
    resource = state.get("Resource")
    return isinstance(resource, str) and resource.partition(".")[0].endswith(tuple(f":{action}" for action in actions))


def arguments(state: Mapping[str, Any]) -> Any:
    """What a task hands over; what it works out only as it runs is `UNKNOWN`."""
    return _settled(state["Arguments"] if "Arguments" in state else state.get("Parameters", {}))


def _settled(value: Any) -> Any:
    """A JSONPath is the value of a key that ends in `.$`, and JSONata is text between `{%` and `%}`."""
    if isinstance(value, Mapping):
        return {
            key.removesuffix(".$"): UNKNOWN if key.endswith(".$") else _settled(item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_settled(item) for item in value]
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        return UNKNOWN
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """A part of a definition that has to be an object."""
    if not isinstance(value, Mapping):
        raise Unknown(_WHAT)
    return value


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Unknown(_WHAT)
    return value or []
