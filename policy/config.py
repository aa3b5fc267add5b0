"""What an environment says about the rules: the file of `--policy-pack-config`, which Pulumi checks by a schema.

`resources` and `stack` are the pack's policies; each has the rules that it runs. The preview reads the same file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from . import rules as _rules  # noqa: F401  declares every rule
from .evaluate import Choice
from .rule import RULES, Family, Level, Rule

PACK = Path(__file__).parent
"""The pack's folder."""
WAIVERS = "waivers.yaml"
LEVELS: tuple[Level, ...] = get_args(Level)  # the strictest first
_STRICTNESS = {"type": "string", "enum": ["fail", "report"]}
_LEVEL = {"type": "string", "enum": list(LEVELS)}


class BadConfig(ValueError):
    """A configuration that the engine would refuse; the message says why, a line a mistake."""


def alone() -> list[Rule]:
    """The rules of the policy `resources`: what a resource says of itself."""
    return [rule for rule in RULES.values() if rule.alone]


def together() -> list[Rule]:
    """The rules of the policy `stack`: what resources are to each other."""
    return [rule for rule in RULES.values() if not rule.alone]


@dataclass(frozen=True)
class Config:
    """What is configured for all rules together, as the offline preview needs it."""

    choices: Mapping[str, Choice] = field(default_factory=dict)
    waivers: tuple[str, ...] = (WAIVERS,)
    """Files, seen from the pack's folder."""
    unmatched: bool = True
    """Whether a waiver fails the run that waives nothing."""


# -- schema ------------------------------------------------------------------------------------------------------------


def schema(rules: Iterable[Rule], *, stack: bool) -> dict[str, dict[str, Any]]:
    """The properties that a policy with these rules can be given."""
    rules = list(rules)
    properties: dict[str, dict[str, Any]] = {
        "unverifiable": {
            **_STRICTNESS,
            "default": "fail",
            "description": "Whether a check fails that can't be made because a value isn't known.",
        },
        "families": _levels(get_args(Family), "How the rules of a family count."),
        "controls": _levels(
            sorted({control for rule in rules for control in rule.controls}),
            "How the rules count that stand for a control; of several, the strictest. Before the family's.",
        ),
        "rules": {
            "type": "object",
            "additionalProperties": False,
            "default": {},
            "description": "How single rules count, by id, and their settings. Before the control's and the family's.",
            "properties": {rule.id: _rule_schema(rule) for rule in rules},
        },
        "waivers": {
            "type": "string",
            "default": WAIVERS,
            "description": "The file of waivers, from the pack's folder. The same for both policies.",
        },
    }
    if stack:
        properties["unmatched"] = {
            **_STRICTNESS,
            "default": "fail",
            "description": "Whether a waiver fails the run that waives nothing.",
        }
    return properties


def _levels(names: Iterable[str], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "default": {},
        "description": description,
        "properties": dict.fromkeys(names, _LEVEL),
    }


def _rule_schema(rule: Rule) -> dict[str, Any]:
    properties = {"level": _LEVEL, "unverifiable": _STRICTNESS, **rule.settings}
    whole = {"type": "object", "additionalProperties": False, "properties": properties}
    return {"description": rule.title, "anyOf": [_LEVEL, whole]}


_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": Mapping, "array": list, "string": str, "integer": int, "number": (int, float),
}  # fmt: skip


def mistakes(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """Why a value isn't of a schema, as far as this pack's schemas go."""
    if "anyOf" in schema:
        found = [list(mistakes(value, option, path)) for option in schema["anyOf"]]
        if all(found):  # of the option that the value is closest to: an object's, or else the first
            yield from found[-1] if isinstance(value, Mapping) else found[0]
        return
    kind = _TYPES[schema["type"]]
    if not isinstance(value, kind) or isinstance(value, bool):
        yield f"{path}: expected {schema['type']}, not {'null' if value is None else type(value).__name__}"
    elif value not in schema.get("enum", [value]):
        yield f"{path}: expected one of {', '.join(schema['enum'])}"
    elif isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: expected {schema.get('minimum', 'any number')} to {schema.get('maximum', 'any number')}"
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{path}: expected {schema['minItems']} or more"
        for number, item in enumerate(value):
            yield from mistakes(item, schema["items"], f"{path}[{number}]")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            of = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if of:
                yield from mistakes(item, of, f"{path}.{key}")
            else:
                yield f"{path}.{key}: there is no such setting"


# -- meaning -----------------------------------------------------------------------------------------------------------


def choices(config: Mapping[str, Any], rules: Iterable[Rule], policy: Level = "mandatory") -> dict[str, Choice]:
    """How each rule counts, by id, under a policy's configuration. `policy` is how the policy as a whole counts."""
    families, controls, single = (config.get(key) or {} for key in ("families", "controls", "rules"))
    strict = config.get("unverifiable", "fail") == "fail"

    def choice(rule: Rule) -> Choice:
        own = single.get(rule.id) or {}
        own = {"level": own} if isinstance(own, str) else own
        named = [controls[control] for control in rule.controls if control in controls]
        level = own.get("level") or min(named, key=LEVELS.index, default=families.get(rule.family, rule.level))
        return Choice(
            max(level, policy, key=LEVELS.index),
            strict=own["unverifiable"] == "fail" if "unverifiable" in own else strict,
            settings={key: whole(value) for key, value in own.items() if key in rule.settings},
        )

    return {rule.id: choice(rule) for rule in rules}


def whole(value: Any) -> Any:
    """A value whose numbers Pulumi has made floating, with the integers again."""
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read(file: Path) -> Config:
    """A configuration file as Pulumi reads it. Raises `BadConfig` for what Pulumi or the policies would refuse."""
    try:
        content = json.loads(file.read_text(encoding="utf-8") or "{}")
    except OSError as error:
        raise BadConfig(f"{file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise BadConfig(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadConfig(f"{file} is not an object of policies")
    rules = {"resources": alone(), "stack": together()}
    wrong = [f"{key}: there is no such policy" for key in set(content) - {*rules, *_OTHERS}]
    found: dict[str, Choice] = {}
    policies: dict[str, Mapping[str, Any]] = {}
    all_level, _ = _split(content.get("all"), "all", wrong)
    for policy, judged in rules.items():
        level, properties = _split(content.get(policy), policy, wrong)
        of = {"type": "object", "properties": schema(judged, stack=policy == "stack")}
        wrong += mistakes(properties, of, policy)
        policies[policy] = properties
        if not wrong:
            found |= choices(properties, judged, level or all_level or "mandatory")
    if wrong:
        raise BadConfig("\n  ".join([f"{file} has {len(wrong)} mistake{'s' * (len(wrong) > 1)}:", *sorted(wrong)]))
    return Config(
        found,
        waivers=tuple(dict.fromkeys(str(given.get("waivers", WAIVERS)) for given in policies.values())),
        unmatched=policies["stack"].get("unmatched", "fail") == "fail",
    )


_OTHERS = ("all", "advice", "remediation", "environments")  # which have no say in how a stack is judged


def _split(given: Any, policy: str, wrong: list[str]) -> tuple[Level | None, Mapping[str, Any]]:
    """A policy's enforcement level and its properties. What is to be remediated, and can't be, is mandatory."""
    given = {"enforcementLevel": given} if isinstance(given, str) else given or {}
    if not isinstance(given, dict):
        wrong.append(f"{policy}: expected an enforcement level or an object")
        return None, {}
    level = given.get("enforcementLevel")
    if level not in (None, *LEVELS, "remediate"):
        wrong.append(f"{policy}.enforcementLevel: expected one of {', '.join((*LEVELS, 'remediate'))}")
    properties = {key: value for key, value in given.items() if key != "enforcementLevel"}
    return "mandatory" if level == "remediate" else level, properties
