"""Reading a stack's configuration into `Settings`, with every mistake reported at once."""

import copy
import difflib
import json
from collections.abc import Container, Iterable, Mapping
from typing import Any, get_args

import pulumi
from pulumi.runtime import config
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .model import Settings

Path = tuple[int | str, ...]

LONGEST_NAMES = 120
"""Characters of project and stack together. Names that AWS holds shorter are cut and told apart by a hash; the tag
`Name`, with 256 characters, holds project, stack and resource whole."""
_ELSEWHERE = {"region": "aws:region", "tags": "aws:defaultTags"}


class SettingsError(ValueError):
    """The stack's configuration can't be used: `problems` maps each setting's path to what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        width = max(map(len, self.problems))
        count = f"{len(self.problems)} settings are" if len(self.problems) > 1 else "1 setting is"
        lines = [f"  {path:<{width}}  {reason}" for path, reason in self.problems.items()]
        super().__init__("\n".join([f"{count} wrong; nothing was created:", *lines]))


def load() -> Settings:
    """The settings of the stack that is running.

    Raises:
        SettingsError: naming every setting that is unknown, of a wrong type, out of range or refused by AWS.
    """
    names = pulumi.get_project() + pulumi.get_stack()
    if len(names) > LONGEST_NAMES:
        reason = (
            f"has {len(names)} characters with the project's: {LONGEST_NAMES} at most leave room in resources' tags"
        )
        raise SettingsError({"the stack's name": reason})
    # `pulumi.Config` reads one known key at a time; finding unknown ones takes the whole, from where Pulumi keeps it.
    secret_keys = {*config.get_config_secret_keys_env(), *config._SECRET_KEYS.get()}
    return parse(config.get_config_env() | config.CONFIG.get(), pulumi.get_project(), secret_keys)


def parse(configuration: Mapping[str, Any], project: str, secret_keys: Container[str] = ()) -> Settings:
    """The settings in a stack's whole configuration, keyed `<namespace>:<name>`, with objects as such or as JSON.

    Raises:
        SettingsError: as `load`.
    """
    raw: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, value in configuration.items():
        namespace, _, name = key.partition(":")
        if key == "aws:region":
            raw["region"] = value
        elif key == "aws:defaultTags":
            default_tags = _decode(value)
            raw["tags"] = default_tags.get("tags", {}) if isinstance(default_tags, dict) else default_tags
        elif namespace == project and name in _ELSEWHERE:
            problems[name] = f"set it as {_ELSEWHERE[name]}, where the AWS provider reads it too"
        elif namespace == project and key in secret_keys:
            problems[name] = "holds a secret value, which no setting takes: passwords are generated, never given"
        elif namespace == project:
            raw[name] = _decode(value)
    while True:
        try:
            settings = Settings.model_validate(raw)
        except ValidationError as invalid:
            errors = invalid.errors(include_url=False)
            news: dict[str, list[str]] = {}
            for error in errors:
                if not _known(error["loc"], problems):
                    news.setdefault(_dotted(error["loc"]), []).append(_reason(error))
            problems |= {path: "; ".join(reasons) for path, reasons in news.items()}
            # Once more without what is wrong, so that what only shows when the rest is right shows too; the settings
            # as a whole are judged last, when all sections are right by themselves.
            whole = any(error.get("ctx", {}).get("by") == Settings.__name__ for error in errors)
            if whole or not news or not all(_drop(raw, error) for error in errors):
                break
        else:
            break
    if problems:
        raise SettingsError(problems)
    return settings


def _decode(value: Any) -> Any:
    """A value as Pulumi hands it to a program: objects as JSON, everything else as it was written."""
    if not isinstance(value, str):
        return copy.deepcopy(value)  # what is wrong is taken out of it, and that is not the caller's concern
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path if part != "[key]")


def _known(path: Path, problems: Iterable[str]) -> bool:
    """Whether `path` or something above or below it was found wrong before, and what is new follows from that."""
    here = f"{_dotted(path)}."
    return any(here.startswith(f"{known}.") or f"{known}.".startswith(here) for known in problems)


def _drop(raw: dict[str, Any], error: ErrorDetails) -> bool:
    """Take the wrong value out of `raw`; false where that cannot mend it, because it is missing or not to be found."""
    if error["type"] == "missing":
        return False
    holder: Any = raw
    path = [part for part in error["loc"] if part != "[key]"]
    for part in path[:-1]:
        if not isinstance(holder, dict) or part not in holder:
            return False
        if not isinstance(holder[part], dict):  # one item of a list is wrong: leave out the list
            break
        holder = holder[part]
    else:
        part = path[-1]
    return isinstance(holder, dict) and holder.pop(part, None) is not None


def _reason(error: ErrorDetails) -> str:
    """What is wrong, in the words of the stack file rather than of the validator."""
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            name, *near = str(error["loc"][-1]), *_near(error["loc"])
            return f"unknown setting {name!r}; did you mean `{near[0]}`?" if near else f"unknown setting {name!r}"
        case "missing":
            return "is required"
        case "refused":
            return str(context["reason"])
        case "value_error":
            return str(context["error"])
        case "literal_error":
            near = difflib.get_close_matches(str(error["input"]), _words(str(context["expected"])), n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            return f"{error['input']!r} is not one of {context['expected']}{hint}"
        case "string_pattern_mismatch":
            return f"{error['input']!r} is not of the form {context['pattern']}"
        case _:
            return f"{error['msg'][0].lower()}{error['msg'][1:]}, not {error['input']!r}"


def _words(expected: str) -> list[str]:
    return [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]


def _near(path: Path) -> list[str]:
    """The setting's name that comes nearest to the last part of `path`, among those of the model that it lies in."""
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        field = model.model_fields.get(str(part))
        if field:  # else a key of a mapping, whose values the model stands for already
            kinds = (field.annotation, *get_args(field.annotation))
            model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return difflib.get_close_matches(str(path[-1]), model.model_fields, n=1)
