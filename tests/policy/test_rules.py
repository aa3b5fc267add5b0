"""Every rule, on every type it names: it passes, fails, and says when it can't tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Literal

import pytest

from policy.evaluate import Choice, judge
from policy.graph import Graph, Resource
from policy.rule import RULES
from tests.policy.build import Case, Made, resources
from tests.policy.cases import CASES

Outcome = Literal["ok", "bad", "unknown"]
VERDICTS: dict[Outcome, set[str]] = {"ok": set(), "bad": {"fail"}, "unknown": {"unverifiable"}}

# Other tokens of one type: the fixtures have to come out alike under them.
MODULES = {"lb": ("alb", "applicationloadbalancing", "elasticloadbalancingv2"), "elb": ("elasticloadbalancing",)}
V2 = ("bucket", "bucketAcl", "bucketLogging", "bucketServerSideEncryptionConfiguration", "bucketVersioning")


def verdicts(case: Case, found: list[Resource]) -> set[str]:
    graph = Graph(found, region="eu-west-1")
    return {finding.verdict for finding in judge(RULES[case.rule], found[0], graph, Choice("mandatory"))}


def worlds() -> Iterator[tuple[str, Case, Outcome, list[Made]]]:
    for case in CASES:
        for outcome in VERDICTS:
            for number, world in enumerate(getattr(case, outcome)):
                yield f"{case.rule}-{case.type}-{outcome}{number}", case, outcome, world


@pytest.mark.parametrize("known", [False, True], ids=["preview", "state"])
@pytest.mark.parametrize(("case", "outcome", "world"), [pytest.param(*rest, id=id) for id, *rest in worlds()])
def test_verdict(case: Case, outcome: Outcome, world: list[Made], known: bool) -> None:
    """The same in a first preview, by dependencies alone, as over a saved state, by ids alone."""
    found = resources(*world, known=known)
    assert found[0].short == case.type
    assert verdicts(case, found) == VERDICTS[outcome]


def aliases(token: str) -> list[str]:
    """The other tokens of a type, or its own where it has no other."""
    module, _, name = token.removeprefix("aws:").partition("/")
    kind, _, cls = name.partition(":")
    if module == "s3" and kind in V2:
        return [f"aws:s3/{kind}V2:{cls}V2"]
    return [f"aws:{other}/{name}" for other in MODULES.get(module, ())] or [token]


def test_aliased_types_are_judged_alike() -> None:
    renamed = 0
    for id, case, outcome, world in worlds():
        for number in range(3):
            found = []
            for resource in resources(*world, known=False):
                tokens = aliases(resource.type)
                found.append(replace(resource, type=tokens[number % len(tokens)]))
            renamed += found[0].type != world[0].type
            assert verdicts(case, found) == VERDICTS[outcome], (id, found[0].type)
    assert renamed > 300


def test_every_rule_has_fixtures_of_every_verdict_for_every_type() -> None:
    named = {(rule.id, type) for rule in RULES.values() for type in rule.types}
    for outcome in VERDICTS:
        assert {(case.rule, case.type) for case in CASES if getattr(case, outcome)} == named


def test_rules_that_need_nothing_else_come_out_alike_without_the_graph() -> None:
    """A resource policy judges by one resource's inputs: what the graph adds must not matter to it."""
    for id, case, outcome, world in worlds():
        if RULES[case.rule].alone:
            assert verdicts(case, resources(*world, known=False)[:1]) == VERDICTS[outcome], id


def test_no_message_holds_a_value() -> None:
    """Each string of each fixture in turn, and all at once, becomes a canary that no message may show."""
    for id, case, _, world in worlds():
        found = resources(*world, known=True)
        for number in range(-1, sum(1 for resource in found for _ in strings(resource.props))):
            counter = count()
            planted = [replace(resource, props=plant(resource.props, number, counter)) for resource in found]
            for finding in judge(RULES[case.rule], planted[0], Graph(planted, region="eu-west-1"), Choice("mandatory")):
                assert CANARY not in str(finding), id


CANARY = "canary-7f3a"


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def plant(value: Any, number: int, counter: Iterator[int]) -> Any:
    """The value with its string of that number, or every one for -1, replaced; a number in a JSON text stays JSON."""
    if isinstance(value, dict):
        return {key: plant(item, number, counter) for key, item in value.items()}
    if isinstance(value, list):
        return [plant(item, number, counter) for item in value]
    if isinstance(value, str) and number in (-1, next(counter)):
        if value.startswith("{") and not value.startswith("{%"):  # which is JSONata
            return json.dumps(plant(json.loads(value), -1, count()))
        return CANARY
    return value
