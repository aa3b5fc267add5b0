"""What AWS can't change on what exists: a new one has to take its place.

`replaces.json` is what the real provider answers, property by property (`make replaces`; docs/terraform.md). By hand
stands here only what that provider doesn't know, each with its source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Inputs = Mapping[str, Any]

FILE = Path(__file__).with_name("replaces.json")
MARKS = "+-"
"""After a path: it replaces only when it comes or goes, or when it loses an item."""
APART = {"aws:lb/loadBalancer:LoadBalancer": "loadBalancerType"}
"""Types of which there are several kinds, each with its own answer, and the property that tells them apart."""
BY_HAND: dict[str, dict[str, str]] = {
    "aws:grafana/workspace:Workspace": {
        "kmsKeyId": "Grafana's API: CreateWorkspace takes it, UpdateWorkspace doesn't; newer than the provider asked",
    },
    "aws:wafv2/webAcl:WebAcl": dict.fromkeys(
        ("name", "namePrefix", "scope"), "WAF's API: UpdateWebACL names the ACL by it; too large a type to be asked"
    ),
    "grafana:oss/dashboard:Dashboard": {
        "orgId": "Grafana's provider: the organization is part of the id",
    },
    "grafana:oss/dataSource:DataSource": {
        "orgId": "Grafana's provider: the organization is part of the id",
        "uid": "Grafana's provider: the uid is part of the id",
    },
    "random:index/randomId:RandomId": dict.fromkeys(
        ("byteLength", "keepers", "prefix"), "the random provider: a result is never made again in place"
    ),
    "random:index/randomPassword:RandomPassword": dict.fromkeys(
        (
            "keepers",
            "length",
            "lower",
            "minLower",
            "minNumeric",
            "minSpecial",
            "minUpper",
            "number",
            "numeric",
            "overrideSpecial",
            "special",
            "upper",
        ),
        "the random provider: a result is never made again in place",
    ),
}
EVERYWHERE = {"region": "provider 6: 'enhanced region support' plans a replacement for another region of any resource"}
DELETED_FIRST = {
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "pulumi-aws: only one may be active at once",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "pulumi-aws: deleting the old one would delete the new one",
}
"""Types of which no second one can stand beside the first."""


def load() -> dict[str, list[str]]:
    """What the provider answered, by type or kind of a type: paths, some with a mark."""
    types: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))["types"]
    return types


_ANSWERS = load()


def kind(type_token: str, inputs: Inputs) -> str:
    """The type, and its kind where that matters."""
    return " ".join(filter(None, (type_token, inputs.get(APART.get(type_token, "")))))


def demanded(type_token: str, before: Inputs, after: Inputs) -> set[str]:
    """The changed properties that demand a new resource."""
    paths = {*_ANSWERS.get(kind(type_token, before), ()), *BY_HAND.get(type_token, ())}
    if type_token.startswith("aws:"):
        paths |= EVERYWHERE.keys()
    old, new = dict(_leaves(before)), dict(_leaves(after))
    changed = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    marked = {f"{path}+" for path in old.keys() ^ new.keys()}
    marked |= {f"{path}-" for path in changed if any(item not in new.get(path, ()) for item in old.get(path, ()))}
    found = {path for path in paths if path in marked or any(_meet(path, other) for other in changed)}
    return {path.split(".")[0].rstrip(MARKS) for path in found}


def deletes_first(type_token: str, inputs: Inputs, own: Inputs) -> bool:
    """Whether a replacement can't stand beside its predecessor. `own` is the name that the provider would give it.

    The bridge's rule: it can't if the program itself named what the provider would have named.
    """
    return type_token in DELETED_FIRST or any(inputs.get(key) not in (None, name) for key, name in own.items())


def _meet(path: str, changed: str) -> bool:
    """Whether a path and a change concern the same: one lies in the other, as an unknown block hides what is in it."""
    return f"{path}.".startswith(f"{changed}.") or f"{changed}.".startswith(f"{path}.")


def _leaves(inputs: Inputs) -> Iterator[tuple[str, list[Any]]]:
    """Every path and the values at it, those of a list's items together; a block's own path has none."""
    found: dict[str, list[Any]] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            found.setdefault(path, [])
            for key, item in value.items():
                walk(f"{path}.{key}", item)
        elif isinstance(value, list):
            found.setdefault(path, [])
            for item in value:
                walk(path, item)
        else:
            found.setdefault(path, []).append(value)

    for key, value in inputs.items():
        walk(key, value)
    yield from found.items()
