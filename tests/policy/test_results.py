"""What machines and pull requests are given: JSON, SARIF, Markdown and the baseline."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

import policy
from policy.evaluate import Choice, Finding, Report, Waiver, evaluate
from policy.graph import UNKNOWN, Graph, Resource
from policy.results import LONGEST, BadBaseline, as_json, compare, markdown, read_baseline, sarif
from policy.rule import RULES
from policy.waivers import Waivers, Waiving
from tests.policy.build import res, resources
from tests.policy.cases import CASES
from tests.policy.test_rules import CANARY, plant

HERE = Path(__file__).parent
WAIVER = Waiver("key-rotated", "kms/key", "waived", "signs nothing", "team-keys", date(2026, 12, 31), source="w.yaml:2")
AMISS = Waiver("key-rotated", "kms/key", "nowhere", "none", "nobody", date(2020, 1, 1), source="w.yaml:9")


def report() -> Report:
    """One finding of every standing; the waivers' own among them."""
    found = [
        replace(resource, source=f"components/keys.py:{line}")
        for line, resource in enumerate(
            resources(
                res("kms/key", "bad"), res("kms/key", "old"), res("kms/key", "waived"),
                res("kms/key", "unknown", enableKeyRotation=UNKNOWN), known=True,
            ),
            start=10,
        )
    ] + resources(res("rds/instance", "db", multiAz=False), known=True)  # fmt: skip
    waiving = Waiving(Waivers([WAIVER, AMISS]), "test", date(2026, 11, 22))
    rules = [RULES["key-rotated"], RULES["database-multi-az"]]
    made = waiving.waive(evaluate(Graph(found), rules=rules))
    made.findings += waiving.amiss(made.findings, found)
    return compare(made, Counter(f.fingerprint for f in made.findings if f.name == "old"))


def test_json_counts_and_tells_everything() -> None:
    content = json.loads(json.dumps(as_json(report())))
    assert content["summary"] == {
        "checks": 5, "passed": 0, "failed": 4, "unverifiable": 1, "violations": 3, "waived": 1, "old": 1, "advice": 1,
    }  # fmt: skip
    found = {finding["name"]: finding for finding in content["findings"]}
    assert {name for name, finding in found.items() if finding["violates"]} == {"bad", "unknown", "w.yaml:9"}
    assert found["waived"]["waiver"] == {
        "rule": "key-rotated", "type": "kms/key", "name": "waived", "reason": "signs nothing", "owner": "team-keys",
        "expires": "2026-12-31", "finding": None, "verdict": None, "stacks": None, "source": "w.yaml:2",
    }  # fmt: skip
    assert (found["unknown"]["verdict"], found["bad"]["source"]) == ("unverifiable", "components/keys.py:10")
    assert found["db"]["level"] == "advisory"


def validated(log: dict[str, Any]) -> dict[str, Any]:
    """The one run of a SARIF log, which is held to the schema."""
    schema = json.loads((HERE / "sarif/sarif-2.1.0.json").read_text())
    assert list(Draft7Validator(schema).iter_errors(json.loads(json.dumps(log)))) == []
    (run,) = log["runs"]
    return run  # type: ignore[no-any-return]


def test_sarif_is_of_the_schema_and_says_where() -> None:
    run = validated(sarif(report(), base="infra/platform", compared=True))
    results = {result["locations"][0]["logicalLocations"][0]["name"]: result for result in run["results"]}
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["database-multi-az", "key-rotated", "waivers"]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in results.values())

    def place(name: str) -> tuple[str, int]:
        physical = results[name]["locations"][0]["physicalLocation"]
        return physical["artifactLocation"]["uri"], physical["region"]["startLine"]

    assert place("bad") == ("infra/platform/components/keys.py", 10)
    assert place("db") == ("infra/platform/Pulumi.yaml", 1)
    assert place("w.yaml:9") == ("infra/platform/w.yaml", 9)
    assert {name: result["level"] for name, result in results.items()} == {
        "bad": "error", "old": "error", "waived": "error", "unknown": "error", "db": "warning", "w.yaml:9": "error",
    }  # fmt: skip
    assert {name: result["baselineState"] for name, result in results.items()} == {
        "bad": "new", "old": "unchanged", "waived": "new", "unknown": "new", "db": "new", "w.yaml:9": "new",
    }  # fmt: skip
    assert [name for name, result in results.items() if "suppressions" in result] == ["waived"]
    assert results["waived"]["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "waived until 2026-12-31 by team-keys (signs nothing)",
        }
    ]
    assert run["tool"]["driver"]["rules"][1]["properties"]["security-severity"] == "5.0"


def test_sarif_of_every_rule_is_of_the_schema() -> None:
    """And without a baseline nothing is called new."""
    found: list[Finding] = []
    for case in CASES:
        graph = Graph(resources(*case.bad[0], known=True), region="eu-west-1")
        found += evaluate(graph, rules=[RULES[case.rule]]).findings
    run = validated(sarif(Report(found)))
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(RULES)
    assert not any("baselineState" in result for result in run["results"])
    assert validated(sarif(Report()))["results"] == []


def test_markdown_puts_what_fails_first() -> None:
    text = markdown(report(), "platform prod")
    assert text.startswith("## Policies: platform prod\n\n**3 violations**. 5 checks: 0 passed, 4 failed, ")
    parts = [text.index(part) for part in ("`kms/key bad`", "In the baseline: 1", "Waived: 1", "Advisory: 1")]
    assert parts == sorted(parts)
    assert "| waived until 2026-12-31 by team-keys (signs nothing): it " in text
    assert "| medium | `key-rotated` | `kms/key bad` | " in text
    assert "| `components/keys.py:10` |\n" in text
    assert markdown(Report(checks=2, passed=2), "dev").startswith("## Policies: dev\n\n**No violation**. 2 checks: 2 p")


def test_markdown_shows_what_a_program_calls_a_thing_as_text() -> None:
    name = "a`|b @everyone <img src=x> #1 **bold**\n| x |"
    made = evaluate(Graph(resources(res("kms/key", name), known=True)), rules=[RULES["key-rotated"]])
    made.findings = [replace(made.findings[0], what=f"it is {name}")]
    (row,) = [line for line in markdown(made, name).splitlines() if line.startswith("| medium")]
    cells = row.replace("\\|", "").split("|")
    assert len(cells) == 7
    assert "`kms/key a'" in cells[3]
    for text in (cells[4], markdown(made, name).splitlines()[0].removeprefix("## ")):
        assert not {"@", "<", "#"} & set(text.replace("&#64;", "").replace("&lt;", "").replace("&#35;", ""))
        assert "\\*\\*bold\\*\\*" in text


def test_markdown_keeps_to_what_a_comment_holds() -> None:
    many = [res("kms/key", f"key-{number:04}", ) for number in range(900)]  # fmt: skip
    text = markdown(evaluate(Graph(resources(*many, known=True)), rules=[RULES["key-rotated"]]), "dev")
    shown = text.count("| medium |")
    assert LONGEST - 1000 < len(text) <= LONGEST
    assert f"\n{900 - shown} more that there is no room for.\n" in text


def test_a_baseline_excuses_what_stood_there_and_no_more(tmp_path: Path) -> None:
    """Two resources may have one type and name under different parents: each counts."""

    def keys(*urns: str) -> Report:
        found = [Resource(f"urn:pulumi:dev::p::{urn}", "aws:kms/key:Key", "data", {}) for urn in urns]
        return evaluate(Graph(found), rules=[RULES["key-rotated"]])

    file = tmp_path / "baseline.json"
    file.write_text(json.dumps(as_json(keys("a$aws:kms/key:Key::data"))))
    baseline = read_baseline(file)
    again = compare(keys("b$aws:kms/key:Key::data"), baseline)
    assert ([f.old for f in again.findings], again.violations, len(again.old)) == ([True], [], 1)
    assert len(compare(keys("a::data", "b::data"), baseline).violations) == 1
    assert compare(keys(), baseline).findings == []
    amiss = as_json(report())
    file.write_text(json.dumps(amiss))
    left = compare(report(), read_baseline(file)).violations
    assert [finding.rule for finding in left] == ["waivers"]  # which is never excused
    assert str(again) == "1 checks: 0 passed, 1 failed, 0 unverifiable; of 1 findings 1 in the baseline"


def test_a_fingerprint_is_of_rule_type_name_and_fault() -> None:
    def one(rule: str = "key-rotated", **changes: Any) -> str:
        (found,) = resources(res("kms/key", "k"), known=True)
        return replace(
            evaluate(Graph([found]), rules=[RULES[rule]], choices={rule: Choice("mandatory")}).findings[0], **changes
        ).fingerprint

    plain = one()
    assert plain == one(urn="urn:pulumi:prod::x::y", source="elsewhere.py:3", level="advisory")
    assert len({plain, one(name="l"), one(what="other"), one(rule="key-rotated", type="aws:kms/replicaKey:x")}) == 4
    assert one(type="aws:alb/listener:Listener") == one(type="aws:lb/listener:Listener")


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"findings": 1}', '{"findings": [{"rule": "x"}]}'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(content)
    with pytest.raises(BadBaseline, match="is no baseline: it takes the JSON of an earlier run"):
        read_baseline(file)
    with pytest.raises(BadBaseline, match="can't be read: No such file"):
        read_baseline(tmp_path / "none.json")


def test_no_result_holds_a_value() -> None:
    """Every string of every fixture is a canary; what is written about it shows none."""
    found: list[Finding] = []
    for case in CASES:
        for world in (*case.ok, *case.bad, *case.unknown):
            planted = [
                replace(resource, props=plant(resource.props, -1, count()))
                for resource in resources(*world, known=True)
            ]
            found += evaluate(Graph(planted, region="eu-west-1"), rules=[RULES[case.rule]]).findings
    made = Report(found)
    assert len(made.violations) > 300
    for text in (json.dumps(as_json(made)), json.dumps(sarif(made)), markdown(made, "dev"), str(made)):
        assert CANARY not in text


def test_the_version_is_the_packs() -> None:
    stated = yaml.safe_load((Path(policy.__file__).parent / "PulumiPolicy.yaml").read_text())
    assert stated["version"] == policy.VERSION
