"""What an environment configures: the same in the preview as under Pulumi, which checks it by the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from policy import waivers
from policy.config import BadConfig, alone, choices, mistakes, read, schema, together
from policy.rule import RULES

MULTI_AZ, STORAGE = "database-multi-az", "database-storage-encrypted"  # by default advisory, and mandatory


def level(rule: str, policy: str = "mandatory", **config: Any) -> str:
    return choices(config, [RULES[rule]], policy)[rule].level  # type: ignore[arg-type]


def test_the_default_is_the_rules_own() -> None:
    found = choices({}, RULES.values())
    assert {rule: choice.level for rule, choice in found.items()} == {id: rule.level for id, rule in RULES.items()}
    assert all(choice.strict and not choice.settings for choice in found.values())


def test_the_nearest_word_counts() -> None:
    assert level(STORAGE, families={"encryption-at-rest": "advisory"}) == "advisory"
    assert level(STORAGE, families={"durability": "disabled"}) == "mandatory"
    assert level(MULTI_AZ, controls={"FSBP RDS.5": "mandatory"}) == "mandatory"
    assert level(MULTI_AZ, controls={"FSBP RDS.5": "mandatory"}, families={"durability": "disabled"}) == "mandatory"
    assert level(MULTI_AZ, controls={"FSBP RDS.5": "disabled", "CKV_AWS_157": "advisory"}) == "advisory"
    assert level(MULTI_AZ, controls={"FSBP RDS.5": "mandatory"}, rules={MULTI_AZ: "disabled"}) == "disabled"
    assert level(MULTI_AZ, rules={MULTI_AZ: {"level": "mandatory"}}) == "mandatory"
    assert level(MULTI_AZ, rules={MULTI_AZ: {"unverifiable": "report"}}) == "advisory"


def test_a_policy_as_a_whole_can_only_loosen() -> None:
    assert level(STORAGE, "advisory", rules={STORAGE: "mandatory"}) == "advisory"
    assert level(STORAGE, "disabled") == "disabled"
    assert level(MULTI_AZ, "mandatory") == "advisory"


def test_strictness_of_all_and_of_one() -> None:
    config = {"unverifiable": "report", "rules": {STORAGE: {"unverifiable": "fail"}}}
    found = choices(config, [RULES[STORAGE], RULES[MULTI_AZ]])
    assert (found[STORAGE].strict, found[MULTI_AZ].strict) == (True, False)


def write(tmp_path: Path, content: Any) -> Path:
    file = tmp_path / "config.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_a_file_configures_both_policies(tmp_path: Path) -> None:
    config = read(
        write(
            tmp_path,
            {
                "all": "advisory",
                "resources": {"enforcementLevel": "remediate", "rules": {MULTI_AZ: "mandatory"}},
                "stack": {"waivers": "mine.yaml", "unmatched": "report"},
                "remediation": {"enforcementLevel": "remediate", "tags": {"team": "a"}},
            },
        )
    )
    assert config.choices[MULTI_AZ].level == config.choices[STORAGE].level == "mandatory"
    assert {config.choices[rule.id].level for rule in together()} <= {"advisory", "disabled"}
    assert set(config.choices) == set(RULES)
    assert (config.waivers, config.unmatched) == (("waivers.yaml", "mine.yaml"), False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ([], "is not an object of policies"),
        ({"resource": {}}, "resource: there is no such policy"),
        ({"resources": 3}, "resources: expected an enforcement level or an object"),
        (
            {"resources": "strict"},
            "resources.enforcementLevel: expected one of mandatory, advisory, disabled, remediate",
        ),
        ({"resources": {"unverifable": "fail"}}, "resources.unverifable: there is no such setting"),
        ({"resources": {"unverifiable": "ignore"}}, "resources.unverifiable: expected one of fail, report"),
        ({"resources": {"unverifiable": None}}, "resources.unverifiable: expected string, not null"),
        ({"resources": {"rules": {"no-rule": "advisory"}}}, "resources.rules.no-rule: there is no such setting"),
        ({"stack": {"rules": {MULTI_AZ: "advisory"}}}, f"stack.rules.{MULTI_AZ}: there is no such setting"),
        ({"resources": {"rules": {MULTI_AZ: "off"}}}, f"resources.rules.{MULTI_AZ}: expected one of mandatory, adv"),
        ({"resources": {"rules": {MULTI_AZ: {"lvl": "x"}}}}, f"resources.rules.{MULTI_AZ}.lvl: there is no such"),
        ({"resources": {"families": {"waff": "advisory"}}}, "resources.families.waff: there is no such setting"),
        ({"stack": {"controls": {"FSBP X.1": "advisory"}}}, "stack.controls.FSBP X.1: there is no such setting"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(BadConfig) as error:
        read(write(tmp_path, content))
    assert message in str(error.value)


def test_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="can't be read: No such file"):
        read(tmp_path / "none.json")


SETTINGS = {
    "database-backed-up": {"days": 7},
    "cache-snapshots": {"days": 7},
    "listener-tls-policy": {"policies": ["ELBSecurityPolicy-TLS13-1-3-"]},
    "distribution-tls-version": {"versions": ["TLSv1.3_"]},
}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"rules": {MULTI_AZ: "advisory", STORAGE: {"level": "disabled", "unverifiable": "report"}}},
        {"rules": SETTINGS, "waivers": "x"},
        {"rules": {"database-backed-up": {"days": 0}}},
        {"rules": {"database-backed-up": {"days": 36}}},
        {"rules": {"database-backed-up": {"days": 1.5}}},
        {"rules": {"database-backed-up": {"days": True}}},
        {"rules": {"listener-tls-policy": {"policies": []}}},
        {"rules": {"listener-tls-policy": {"policies": "x"}}},
        {"rules": {"listener-tls-policy": {"policies": [1]}}},
        {"rules": {MULTI_AZ: 3}},
        {"rules": []},
        {"unverifiable": "maybe"},
        {"families": {"durability": "mandatory"}, "controls": {"FSBP RDS.5": "mandatory"}},
        {"families": {"durability": None}},
    ],
)
def test_the_preview_refuses_what_the_engine_refuses(config: dict[str, Any]) -> None:
    """By a JSON schema's own validator, as the engine does it."""
    of = {"type": "object", "properties": schema(alone(), stack=False), "additionalProperties": False}
    Draft7Validator.check_schema(of)
    assert bool(list(mistakes(config, of, "resources"))) is not Draft7Validator(of).is_valid(config)


def test_every_setting_of_a_rule_is_described_and_has_a_default_of_its_schema() -> None:
    named = {(rule.id, key): setting for rule in RULES.values() for key, setting in rule.settings.items()}
    assert len(named) >= 5
    for (rule, key), setting in named.items():
        assert setting["description"].endswith("."), rule
        assert list(mistakes(setting["default"], setting, key)) == []


ROOT = Path(__file__).parents[2]


def test_the_documented_examples_are_right(tmp_path: Path) -> None:
    docs, readme = (ROOT / "docs/policy.md").read_text(), (ROOT / "policy/README.md").read_text()
    documented = read(write(tmp_path, docs.partition("```json\n")[2].partition("```")[0]))
    assert documented.choices["database-backed-up"].settings == {"days": 14}
    assert documented.choices["load-balancer-deletion-protected"].level == "disabled"
    block = readme.partition("The table says which runs a rule.\n\n")[2].partition("\n\n")[0]
    assert read(write(tmp_path, block)).choices["database-backed-up"].settings == {"days": 14}
    commented = (ROOT / "policy/waivers.yaml").read_text().partition("#\n")[2].partition("waivers: []")[0]
    for text in (
        docs.partition("```yaml\n")[2].partition("```")[0],
        "waivers:\n" + "\n".join(line.removeprefix("# ") for line in commented.splitlines()),
    ):
        (tmp_path / "waivers.yaml").write_text(text)
        found = waivers.read(tmp_path / "waivers.yaml")
        assert (len(found.waivers), found.mistakes) == (1, [])
