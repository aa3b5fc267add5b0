"""Waivers: what they cover, what is wrong with them, and that nothing waived is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml

import policy
from policy.evaluate import Report, evaluate
from policy.graph import UNKNOWN, Graph
from policy.rule import RULES
from policy.waivers import Waivers, Waiving, read
from tests.policy.build import Made, res, resources

TODAY = date(2026, 11, 22)
WAIVER = {
    "rule": "key-rotated", "type": "kms/key", "name": "old-*", "reason": "signs nothing", "owner": "team-keys",
    "expires": "2026-12-31",
}  # fmt: skip
KEYS = (res("kms/key", "old-a"), res("kms/key", "new"))


def file(tmp_path: Path, *waivers: Mapping[str, object]) -> Waivers:
    path = tmp_path / "waivers.yaml"
    path.write_text(yaml.safe_dump({"waivers": [dict(waiver) for waiver in waivers]}, sort_keys=False))
    return read(path)


def judged(waivers: Waivers, *made: Made, rules: tuple[str, ...] = ("key-rotated",), stack: str = "test") -> Report:
    found = resources(*made, known=True)
    waiving = Waiving(waivers, stack, TODAY)
    report = waiving.waive(evaluate(Graph(found), rules=[RULES[rule] for rule in rules]))
    report.findings += waiving.amiss(report.findings, found)
    return report


def amiss(waivers: Waivers, *made: Made, stack: str = "test") -> list[str]:
    found = [finding for finding in judged(waivers, *made, stack=stack).findings if finding.rule == "waivers"]
    assert all(finding.violates for finding in found)
    return [f"{finding.source}: {finding.what}" for finding in found]


def test_what_is_waived_fails_nothing_and_is_not_dropped(tmp_path: Path) -> None:
    report = judged(file(tmp_path, WAIVER), *KEYS)
    assert [finding.name for finding in report.violations] == ["new"]
    (waived,) = report.waived
    assert (waived.name, waived.level) == ("old-a", "mandatory")
    assert str(waived.waiver) == "waived until 2026-12-31 by team-keys (signs nothing)"
    assert (report.failed, report.advice) == (2, [])
    assert str(report) == "2 checks: 0 passed, 2 failed, 0 unverifiable; of 2 findings 1 waived"


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({}, True),
        ({"name": "old-a"}, True),
        ({"name": "*"}, True),
        ({"name": "OLD-*"}, False),
        ({"type": "aws:kms/key:Key"}, True),
        ({"finding": "00000000"}, False),
        ({"verdict": "unverifiable"}, False),
        ({"stacks": ["test", "dev"]}, True),
        ({"stacks": ["prod"]}, False),
        ({"expires": "2026-11-22"}, True),
        ({"expires": "2026-11-21"}, False),
    ],
)
def test_what_a_waiver_covers(tmp_path: Path, change: dict[str, object], covered: bool) -> None:
    report = judged(file(tmp_path, {**WAIVER, **change}), KEYS[0])
    assert bool(report.waived) is covered


def test_one_of_several_findings_is_waived_by_its_id(tmp_path: Path) -> None:
    listener = res(
        "cloudfront/vpcOrigin",
        "origin",
        vpcOriginEndpointConfig={"originProtocolPolicy": "http-only", "originSslProtocols": {"items": ["SSLv3"]}},
    )
    rule = "distribution-origins-encrypted"
    plain, old = judged(Waivers(), listener, rules=(rule,)).findings
    assert plain.id != old.id
    waiver = {**WAIVER, "rule": rule, "type": "cloudfront/vpcOrigin", "name": "origin", "finding": old.id}
    report = judged(file(tmp_path, waiver), listener, rules=(rule,))
    assert [finding.what for finding in report.waived] == [old.what]
    assert [finding.what for finding in report.violations] == [plain.what]


def test_an_expired_or_idle_waiver_fails_the_run(tmp_path: Path) -> None:
    expired = {**WAIVER, "expires": date(2026, 11, 21)}
    idle = {**WAIVER, "name": "nowhere", "finding": "1f3a9c02"}
    assert amiss(file(tmp_path, expired, idle), *KEYS) == [
        "waivers.yaml:2: it has expired on 2026-11-21, for key-rotated on kms/key old-*",
        "waivers.yaml:8: it waives nothing: no finding is of key-rotated on kms/key nowhere, 1f3a9c02",
    ]
    # A resource that is in order needs no waiver.
    rotated = res("kms/key", "old-a", enableKeyRotation=True)
    assert len(amiss(file(tmp_path, WAIVER), rotated)) == 1
    # Another stack's waivers are none of this one's business.
    assert amiss(file(tmp_path, {**idle, "stacks": ["prod"]}), *KEYS) == []
    assert len(amiss(file(tmp_path, {**idle, "stacks": ["prod"]}), *KEYS, stack="prod")) == 1


def test_idle_waivers_can_be_only_reported(tmp_path: Path) -> None:
    """A waiver that is merged before what it is for."""
    waiving = Waiving(file(tmp_path, {**WAIVER, "name": "coming"}), "test", TODAY)
    (found,) = waiving.amiss([], [], unmatched=False)
    assert (found.level, found.violates) == ("advisory", False)


def test_what_can_not_be_verified_is_waived_until_it_is_known(tmp_path: Path) -> None:
    waivers = file(tmp_path, {**WAIVER, "verdict": "unverifiable"})
    unknown, right, wrong = (res("kms/key", "old-a", enableKeyRotation=value) for value in (UNKNOWN, True, False))
    report = judged(waivers, unknown)
    assert (report.violations, len(report.waived)) == ([], 1)
    assert judged(waivers, right).findings == []  # after the update it is known, and the waiver stays in order
    assert [finding.rule for finding in judged(waivers, wrong).violations] == ["key-rotated"]
    assert len(amiss(waivers, KEYS[1])) == 1


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"rule": "key-rotate"}, "there is no rule key-rotate"),
        ({"type": "s3/bucket"}, "key-rotated doesn't judge s3/bucket, but kms/key"),
        ({"owner": ""}, "owner is missing"),
        ({"owner": "  "}, "owner is not a text"),
        ({"reason": None}, "reason is missing"),
        ({"name": 3}, "name is not a text"),
        ({"expires": "soon"}, "expires is not a date such as 2027-01-31"),
        ({"expires": None}, "expires is not a date such as 2027-01-31"),
        ({"expired": "2027-01-31"}, "it has keys that mean nothing: expired"),
        ({"finding": 12345678}, "finding is not a text: put its id in quotes"),
        ({"verdict": "fail"}, "verdict can only be unverifiable"),
        ({"stacks": "dev"}, "stacks is not a list of stacks' names"),
        ({"stacks": []}, "stacks is not a list of stacks' names"),
    ],
)
def test_a_malformed_waiver_waives_nothing_and_fails_the_run(
    tmp_path: Path, change: dict[str, object], mistake: str
) -> None:
    waivers = file(tmp_path, WAIVER, {**WAIVER, **change})
    assert amiss(waivers, *KEYS) == [f"waivers.yaml:8: {mistake}"]
    assert len(waivers.waivers) == 1


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("", []),
        ("waivers:\n", []),
        ("waivers: []\n", []),
        ("- rule: x\n", ["waivers.yaml:1: expected one key, waivers, with a list of them"]),
        ("waivers: 3\n", ["waivers.yaml:1: expected one key, waivers, with a list of them"]),
        ("waivers: []\nmore: []\n", ["waivers.yaml:1: expected one key, waivers, with a list of them"]),
        ("a: 1\nwaivers: [\n", ["waivers.yaml:3: it is not YAML: expected the node content, but found '<stream end>'"]),
        (
            "waivers:\n  - key-rotated\n",
            ["waivers.yaml:2: expected an object with rule, type, name, reason, owner, expires"],
        ),
    ],
)
def test_a_malformed_file_fails_the_run(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    assert amiss(read(path), KEYS[0]) == mistakes


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    assert read(tmp_path / "none.yaml") == Waivers()
    assert amiss(read(tmp_path / "none.yaml", needed=True), KEYS[0]) == [
        "none.yaml:1: it can't be read: FileNotFoundError"
    ]


def test_the_packs_own_file_is_in_order() -> None:
    own = Path(policy.__file__).parent / "waivers.yaml"
    assert own.exists()
    assert read(own).mistakes == []
