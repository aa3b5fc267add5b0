"""ECR: lifecycle policies that it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...graph import UNKNOWN, Graph, Resource, Unknown, each, get, items, peek
from ...rule import rule
from .values import FAMILY, number, text

_COUNTS = {"imageCountMoreThan": False, "sinceImagePushed": True}  # and whether they are of days


@rule(
    "lifecycle-policy-rules", "ecr/lifecyclePolicy",
    family=FAMILY, severity="medium", alone=True,
    title="ECR takes the lifecycle policy",
    controls="",
    remediation="Give each rule a rulePriority of its own, tagged ones a tagPrefixList or tagPatternList, "
    "sinceImagePushed the countUnit days, and a rule for any image the highest number",
)  # fmt: skip
def lifecycle_policy_rules(policy: Resource, graph: Graph) -> Iterator[str]:
    """ECR user guide, "Lifecycle policy properties"."""
    document = peek(policy, "policy")
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            yield "it isn't JSON"
            return
    if not isinstance(document, Mapping):
        raise Unknown("policy")
    found = list(items(document, "rules"))
    if not found:
        yield "it has no rules"
    priorities: list[float] = []
    last: list[float] = []

    def judge(one: Any) -> Iterator[str]:
        priority = number(one, "rulePriority")
        if priority is None or priority < 1 or priority in priorities:
            yield "a rule of it has no rulePriority of its own"
        else:
            priorities.append(priority)
        selection = get(one, "selection")
        if not isinstance(selection, Mapping):
            raise Unknown("selection")
        status, count = text(selection, "tagStatus"), text(selection, "countType")
        if status == "any" and priority is not None:
            last.append(priority)
        listed = not {"tagPrefixList", "tagPatternList"}.isdisjoint(selection)
        if status not in ("tagged", "untagged", "any"):
            yield "a rule of it is for images that are neither tagged, untagged nor any"
        elif listed != (status == "tagged"):
            yield "a rule of it names tags and isn't for tagged images, or the other way round"
        if (number(selection, "countNumber") or 0) < 1:
            yield "a rule of it counts to nothing"
        if count not in _COUNTS:
            raise Unknown("what a countType of it means")
        if (get(selection, "countUnit") == "days") != _COUNTS[count]:
            yield "a rule of it counts images in days, or days without saying so"

    yield from each(found, judge)
    if last and max(last) < max(priorities, default=0):
        yield "a rule for any image leaves nothing to a rule of it with a higher rulePriority"
    if UNKNOWN in found:
        raise Unknown("policy")
