"""Step Functions: states that are there, are reached, and come to an end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...graph import Graph, Resource, each
from ...machines import definition, levels, states, ways
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
        json.loads(text(machine, "definition") or "")
    except ValueError:
        yield "its definition isn't JSON"
        return

    def judge(level: Mapping[str, Any]) -> Iterator[str]:
        there = states(level)
        named = [level.get("StartAt"), *(name for state in there.values() for name in ways(state))]
        if not all(isinstance(name, str) and name in there for name in named):
            yield "it goes to a state that it doesn't have"

    yield from each(levels(definition(machine)), judge)


_GOES_ON = ("Task", "Pass", "Wait", "Parallel", "Map")
_ENDS = ("Succeed", "Fail")


@rule(
    "state-machine-paths", "sfn/stateMachine",
    family=FAMILY, severity="medium", alone=True,
    title="Every state of a state machine is reached, and goes on or ends",
    controls="",
    remediation="Give each state a Type of the Amazon States Language, and Next or End where it isn't a Choice, "
    "Succeed or Fail; take away the states that nothing goes to",
)  # fmt: skip
def state_machine_paths(machine: Resource, graph: Graph) -> Iterator[str]:
    """Amazon States Language, "States"."""

    def judge(level: Mapping[str, Any]) -> Iterator[str]:
        there = states(level)
        for state in there.values():
            kind, on, end = state.get("Type"), "Next" in state, state.get("End") is True
            if kind not in (*_GOES_ON, "Choice", *_ENDS):
                yield "a state of it has no Type that Step Functions knows"
            elif kind in _GOES_ON and on == end:
                yield "a state of it has both Next and End" if on else "a state of it has neither Next nor End"
            elif kind not in _GOES_ON and (on or end):
                yield f"a {kind} state of it has Next or End"
            elif kind == "Choice" and not state.get("Choices"):
                yield "a Choice state of it has no Choices"
        reached: set[str] = set()
        left = [level.get("StartAt")]
        while left:
            name = left.pop()
            if isinstance(name, str) and name in there and name not in reached:
                reached.add(name)
                left += ways(there[name])
        if len(reached) < len(there):
            yield "nothing goes to a state of it"
        if not any(there[name].get("Type") in _ENDS or there[name].get("End") is True for name in reached):
            yield "it never comes to an end"

    yield from each(levels(definition(machine)), judge)
