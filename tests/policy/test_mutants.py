"""Mutation proof: what prod registers is clean, and whatever is broken in it is found by the rule that owns it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

import pytest

from policy.evaluate import Choice, Verdict, evaluate, judge
from policy.graph import Graph, Resource
from policy.rule import RULES
from policy.table import FAMILIES
from preview.run import policy_resources
from tests.policy.mutation import Mutant, mutants
from tests.policy.operators import OPERATORS, UNBREAKABLE
from tests.registered import run_stack

REGION = "eu-west-1"
LEAST = 3000
"""Mutants of a known prod: a guard against operators that come to break nothing."""


@cache
def prod(unknown: bool) -> list[Resource]:
    """What prod registers: as a state has it, or as a first preview does."""
    return policy_resources(run_stack("prod", unknown=unknown))


@cache
def clean(unknown: bool) -> frozenset[tuple[str, str, str]]:
    """What is found without any mutation, which is no mutant's."""
    report = evaluate(Graph(prod(unknown), region=REGION))
    return frozenset((finding.rule, finding.urn, finding.what) for finding in report.findings)


@cache
def made(unknown: bool) -> list[Mutant]:
    graph = Graph(prod(unknown), region=REGION)
    return [mutant for operator in OPERATORS for mutant in mutants(operator, graph, RULES[operator.rule].types)]


def verdict(mutant: Mutant, unknown: bool) -> Verdict | None:
    """What its rule makes of it, where it is broken, that would fail a run by the rule's level; None for a survivor."""
    rule = RULES[mutant.rule]
    there = mutant.resources(prod(unknown))
    judged = [r for r in there if r.short in rule.types and (mutant.seen_on is None or r.urn in mutant.seen_on)]
    graph = None if rule.alone else Graph(there, region=REGION)
    found = {
        finding.verdict
        for resource in judged
        # What is judged alone, as the pack does before it is made, has nothing but itself to be judged by.
        for finding in judge(rule, resource, graph or Graph([resource], region=REGION), Choice(rule.level))
        if (finding.rule, finding.urn, finding.what) not in clean(unknown)
        and finding.violates == (rule.level == "mandatory")
        and "bug in the policy pack" not in finding.what
    }
    return "fail" if "fail" in found else "unverifiable" if found else None


@pytest.mark.parametrize("unknown", [False, True], ids=["state", "first preview"])
def test_prod_is_clean(unknown: bool) -> None:
    report = evaluate(Graph(prod(unknown), region=REGION))
    assert [finding.message for finding in report.violations] == []


@pytest.mark.parametrize("unknown", [False, True], ids=["state", "first preview"])
def test_no_mutant_survives(unknown: bool) -> None:
    """In a state everything is known, and what is broken fails for certain. A first preview may only say that it can't
    be verified, which fails a run as well."""
    found = made(unknown)
    verdicts = {mutant.name: verdict(mutant, unknown) for mutant in found}
    enough = ("fail", "unverifiable") if unknown else ("fail",)
    survivors = [name for name, said in verdicts.items() if said not in enough]
    sys.stdout.write(f"\n{len(found)} mutants of prod ({said_of(verdicts.values())}), {len(survivors)} survivors\n")
    sys.stdout.writelines(f"{count:6} by {rules} rules of {family}\n" for family, rules, count in by_family(found))
    assert survivors == []


def said_of(verdicts: Iterable[Verdict | None]) -> str:
    return ", ".join(f"{count} {said}" for said, count in sorted(Counter(map(str, verdicts)).items()))


def by_family(found: list[Mutant]) -> Iterator[tuple[str, int, int]]:
    """How many rules of each family own mutants, and how many."""
    for family in FAMILIES:
        owners = [mutant.rule for mutant in found if RULES[mutant.rule].family == family]
        yield family, len(set(owners)), len(owners)


def test_mutants_are_many_and_each_is_one() -> None:
    names = Counter(mutant.name for mutant in made(False))
    assert [name for name, times in names.items() if times > 1] == []
    assert len(names) >= LEAST


def test_every_operator_breaks_something() -> None:
    graph = Graph(prod(False), region=REGION)
    idle = [
        (operator.rule, operator.type, place)
        for operator in OPERATORS
        for place, one in enumerate(operator.breaks)
        if not any(any(True for _ in one.of(r, graph)) for r in graph.of_type(operator.type) if operator.where(r))
    ]
    assert idle == []


def test_every_rule_for_what_prod_has_owns_mutants() -> None:
    """A new rule needs a line in the table, or a reason beside it why prod can't be broken so."""
    there = {resource.short for resource in prod(False)}
    applicable = {rule.id for rule in RULES.values() if not there.isdisjoint(rule.types)}
    owning = {mutant.rule for mutant in made(False)}
    assert applicable - owning == set(UNBREAKABLE)
    assert owning <= applicable
