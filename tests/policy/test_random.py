"""Whatever a program writes, judging it ends with a verdict for every check and never with an error."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.evaluate import evaluate
from policy.graph import UNKNOWN, Graph, Resource
from policy.rule import RULES
from tests.policy.build import Made, resources, token
from tests.policy.cases import CASES

WORLDS = [
    resources(*world, known=known) for case in CASES for world in (*case.ok, *case.bad) for known in (True, False)
]

leaves = st.one_of(
    st.just(UNKNOWN),
    st.none(),
    st.booleans(),
    st.integers(-1, 70000),
    st.floats(allow_nan=True),
    st.sampled_from(
        ["", "*", "0.0.0.0/0", "::/0", "{}", "[]", '{"Statement": [1]}', '{"Statement": {"Condition": 1}}', "x"]
    ),
    st.text(max_size=5),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "Effect"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@st.composite
def disturbed(draw: Any) -> list[Resource]:
    """A fixture in which some values, at any depth, are others."""
    found = draw(st.sampled_from(WORLDS))
    chance = draw(st.sampled_from([2, 5, 20]))
    return [
        Resource(
            r.urn, r.type, r.name, _disturb(dict(r.props), draw, chance), property_dependencies=r.property_dependencies
        )
        for r in found
    ]


def _disturb(value: Any, draw: Any, chance: int) -> Any:
    if draw(st.integers(1, chance)) == 1 and not (isinstance(value, dict) and "id" in value):
        return draw(values)
    if isinstance(value, str) and value.startswith("{") and not value.startswith("{%"):  # a document, JSONata apart
        return json.dumps(_disturb(json.loads(value), draw, chance), default=lambda unknown: None)
    if isinstance(value, dict):
        return {key: _disturb(item, draw, chance) for key, item in value.items()}
    return [_disturb(item, draw, chance) for item in value] if isinstance(value, list) else value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(disturbed())
def test_a_disturbed_program_is_judged(found: list[Resource]) -> None:
    report = evaluate(Graph(found))
    assert report.checks == report.passed + report.failed + report.unverifiable
    assert report.checks == sum(r.short in rule.types for rule in RULES.values() for r in found)
    assert [finding.message for finding in report.findings if "bug in the policy pack" in finding.message] == []


def test_a_rule_that_raises_fails_for_that_resource_alone() -> None:
    def broken(resource: Resource, graph: Graph) -> list[str]:
        raise ValueError(f"secret {resource.props['password']}")

    rule = replace(RULES["database-not-public"], check=broken)
    made: list[Made] = [Made(token("rds/instance"), name, {"password": "hunter2"}) for name in ("a", "b")]
    report = evaluate(Graph(resources(*made, known=True)), rules=[rule, RULES["database-deletion-protected"]])
    assert (report.checks, report.failed) == (4, 4)
    assert "the rule itself failed with ValueError" in report.findings[0].message
    assert "hunter2" not in str(report.findings)
