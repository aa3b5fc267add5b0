"""The judgement of an event log, without an engine: whatever is missing is red."""

import json
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest

from delivery import verdict
from delivery.verdict import Change, judge

PACK = Path("/judge/policy")
URN = "urn:pulumi:prod::platform::"
QUEUE = f"{URN}platform:index:Messaging$aws:sqs/queue:Queue::orders"
GROUP = f"{URN}aws:cloudwatch/logGroup:LogGroup::web"


def step(op: str, urn: str = QUEUE, new: object = None, **metadata: object) -> dict[str, Any]:
    new = {} if op.startswith("delete") else new or {"urn": urn}
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": urn, "new": new or None, **metadata}}}


def analysed(urn: str = QUEUE) -> dict[str, Any]:
    return {"policyAnalyzeSummaryEvent": {"resourceUrn": urn, "policyPackName": "secure-aws"}}


def said(message: str, severity: str = "info") -> dict[str, Any]:
    return {"diagnosticEvent": {"message": message, "severity": severity}}


def policy(level: str, message: str, urn: str = QUEUE) -> dict[str, Any]:
    return {"policyEvent": {"enforcementLevel": level, "message": message, "policyName": "stack", "resourceUrn": urn}}


COUNTED = said("9 checks: 7 passed, 1 failed, 1 unverifiable; 2 of 2 findings are advisory\n\n")
TOGETHER = {"policyAnalyzeStackSummaryEvent": {"policyPackName": "secure-aws"}}
END = {"summaryEvent": {"PolicyPacks": {f"secure-aws|local|{PACK}": "0.1.0"}, "resourceChanges": {}}}
CLEAN = [step("same"), analysed(), COUNTED, TOGETHER, END]


def test_green():
    preview = judge("prod", CLEAN, ended_well=True, pack=PACK)
    assert (preview.green, preview.problems, preview.checks, preview.unverifiable) == (True, [], 9, 1)
    assert preview.counts == {"same": 1}


@pytest.mark.parametrize(
    ("ran", "green"),
    [
        ("/home/.../judge/policy", True),
        ("/home/.../clone/policy", False),
        ("/srv/.../judge/policy", False),
        ("/home/runner/work", False),
    ],
)
def test_a_long_folder_is_shortened_by_the_engine(ran, green):
    end = {"summaryEvent": {"PolicyPacks": {f"secure-aws|local|{ran}": "0.1.0"}, "resourceChanges": {}}}
    pack = Path("/home/runner/work", "_temp" * 12, "judge/policy")
    preview = judge("prod", [*CLEAN[:-1], end], ended_well=True, pack=pack)
    assert preview.green == green
    assert green or preview.problems == ["not judged: the policy pack didn't run"]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], "the engine didn't say how the preview ended"),
        (CLEAN[:-1], "the engine didn't say how the preview ended"),
        ([*CLEAN[:-1], {"summaryEvent": {"resourceChanges": {}}}], "the policy pack didn't run"),
        (
            [*CLEAN[:-1], {"summaryEvent": {"PolicyPacks": {"secure-aws|local|/clone/policy": "0.1.0"}}}],
            "the policy pack didn't run",
        ),
        (
            [step("create", GROUP), *CLEAN],
            "the policy pack hasn't seen 1 resources, cloudwatch/logGroup web among them",
        ),
        ([event for event in CLEAN if event is not TOGETHER], "the policy pack didn't say what it checked"),
        ([event for event in CLEAN if event is not COUNTED], "the policy pack didn't say what it checked"),
        ([said("0 checks: 0 passed, 0 failed, 0 unverifiable"), *CLEAN[:2], *CLEAN[3:]], "the policy pack didn't say"),
    ],
)
def test_what_was_not_judged_is_red(events, reason):
    preview = judge("prod", events, ended_well=True, pack=PACK)
    assert not preview.green
    assert preview.problems[0].startswith(f"not judged: {reason}")


@pytest.mark.parametrize(
    ("events", "complaint", "problem"),
    [
        ([*CLEAN, said("boom", "error")], "", "the preview failed: boom"),
        ([*CLEAN, said("preview failed", "error")], "", "the preview failed: see the build's log"),
        (
            [],
            "warning: so\nerror: no stack named 'prod' found\n",
            "the preview failed: error: no stack named 'prod' found",
        ),
        ([said("x" * 2000 + " ValueError: no", "error")], "", "the preview failed: ... "),
    ],
)
def test_what_failed_is_red_and_says_why(events, complaint, problem):
    preview = judge("prod", events, ended_well=False, pack=PACK, said=complaint)
    assert not preview.green
    assert [found[: len(problem)] for found in preview.problems] == [problem]
    assert len(preview.problems[0]) < 1600


def test_an_error_is_red_though_the_command_ended_well():
    assert not judge("prod", [*CLEAN, said("boom", "error")], ended_well=True, pack=PACK).green


def test_findings_by_level():
    said_so = "What they are.\n<{%fg 1%}>[queue-encrypted]<{%reset%}> sqs/queue orders: it is\nnot. Do.\n"
    broken = policy("mandatory", said_so)
    advice = policy("advisory", "Says something of its own", urn="")
    preview = judge("prod", [broken, advice, *CLEAN, said("preview failed", "error")], ended_well=False, pack=PACK)
    assert preview.problems == []
    assert not preview.green
    assert [(found.rule, found.message, found.urn) for found in preview.violations] == [
        ("queue-encrypted", "sqs/queue orders: it is not. Do.", QUEUE)
    ]
    assert [(found.rule, found.level) for found in preview.findings if found.level == "advisory"] == [
        ("stack", "advisory")
    ]
    assert judge("prod", [advice, *CLEAN], ended_well=True, pack=PACK).green


def changes(*steps: dict[str, Any]) -> list[Change]:
    return judge("prod", steps, ended_well=True, pack=PACK).changes


@pytest.mark.parametrize(
    "steps",
    [
        ("create-replacement", "replace", "delete-replaced"),
        ("delete-replaced", "replace", "create-replacement"),
        ("replace",),
    ],
)
def test_a_replacement_is_one_change(steps):
    (change,) = changes(*(step(op, diffs=["name", 'tags["token"]'], keys=["name"]) for op in steps))
    assert (change.operation, change.properties, change.because) == ("replace", ["name", "tags"], ["name"])
    assert (change.label, change.destructive) == ("sqs/queue orders", True)


def test_what_is_destructive():
    def destructive(op: str, urn: str) -> bool:
        return changes(step(op, urn))[0].destructive

    assert destructive("delete", QUEUE)
    assert not destructive("update", QUEUE)
    assert not destructive("create", QUEUE)
    assert destructive("delete", f"{URN}aws:s3/bucket:Bucket::b")
    assert not destructive("delete", f"{URN}aws:s3/bucketPolicy:BucketPolicy::b")
    assert not destructive("delete", f"{URN}aws:lb/loadBalancer:LoadBalancer::b")


def test_reads_and_default_providers_are_no_changes_and_unknown_steps_are():
    default = f"{URN}pulumi:providers:aws::default_7_51_1"
    own = f"{URN}pulumi:providers:aws::east"
    found = changes(step("create", default), step("create", own), step("read", QUEUE), step("reticulate", GROUP))
    assert [(change.operation, change.label) for change in found] == [
        ("create", "pulumi:providers:aws east"),
        ("reticulate", "cloudwatch/logGroup web"),
    ]


def test_every_stateful_type_is_one_of_the_providers():
    registered = Path(pulumi_aws.__file__).read_text()
    assert [short for short in verdict.STATEFUL if f'"aws:{short}:' not in registered] == []


def test_a_verdict_is_the_same_when_read_back(tmp_path):
    file = tmp_path / "verdict.json"
    events = [step("update", diffs=["name"]), policy("advisory", "so"), *CLEAN[1:]]
    preview = judge("prod", events, ended_well=True, pack=PACK)
    verdict.save([preview], file)
    assert verdict.load(file) == [preview]
    written = json.loads(file.read_text())
    assert (written["green"], written["stacks"][0]["counts"]) == (True, {"update": 1})
