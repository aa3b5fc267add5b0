"""The pack as CrossGuard runs it: real requests to the SDK's own servicer, unknowns and secrets included."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY

import policy
from policy.evaluate import evaluate
from policy.graph import UNKNOWN, Graph, Resource
from policy.pack import NAME
from policy.rule import RULES
from policy.waivers import read
from tests.policy.build import res, resources
from tests.policy.cases import CASES
from tests.policy.cases.encryption_at_rest import encrypted
from tests.policy.crossguard import Pack, wire

HERE = Path(policy.__file__).parent


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


def said(diagnostics: Iterable[Any], level: Any) -> set[tuple[str, str]]:
    return {(d.urn, d.message.partition("\n")[2]) for d in diagnostics if d.enforcementLevel == level}


def mandatory(diagnostics: Iterable[Any]) -> set[str]:
    """The ids of the rules that fail the run."""
    return {message.partition("]")[0].lstrip("[") for _, message in said(diagnostics, proto.MANDATORY)}


@pytest.mark.parametrize("known", [False, True], ids=["preview", "state"])
def test_the_pack_says_what_evaluate_says(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over every fixture of every rule. Resource policies report without a URN: the engine knows the resource."""
    # Thousands of packs, one after the other: what is the same in all of them is read once.
    monkeypatch.setattr("policy.pack.read", cache(read))
    for case in CASES:
        for world in (*case.ok, *case.bad, *case.unknown):
            found = resources(*world, known=known)
            report = evaluate(Graph(found, region="eu-west-1"))
            diagnostics = Pack().run(found)
            mandatory_messages = {message for _, message in said(diagnostics, proto.MANDATORY)}
            assert mandatory_messages == {finding.message for finding in report.violations}
            assert {message for _, message in said(diagnostics, proto.ADVISORY)} == {f.message for f in report.advice}
            assert not any("can't run policy" in diagnostic.message for diagnostic in diagnostics)


def test_a_first_preview_in_which_nothing_is_known_is_refused() -> None:
    """The SDK would make one advisory of it. Each resource fails here, by itself."""
    unknown = [
        res("rds/instance", name, storageEncrypted=UNKNOWN, publiclyAccessible=UNKNOWN, dbSubnetGroupName=UNKNOWN)
        for name in ("a", "b")
    ]
    found = resources(*unknown, known=False)
    for resource in found:
        alone = Pack().resource(resource)
        assert {d.enforcementLevel for d in alone} == {proto.MANDATORY}
        assert {"database-storage-encrypted", "database-not-public"} <= mandatory(alone)
    urns = {
        urn for urn, message in said(Pack().stack(found), proto.MANDATORY) if "database-in-private-subnets" in message
    }
    assert urns == {resource.urn for resource in found}


def test_what_the_program_leaves_out_is_the_default_though_the_provider_will_compute_it() -> None:
    """In a preview a provider marks an optional setting that isn't set as unknown until it is computed."""
    balancer, group = resources(res("lb/loadBalancer", "alb"), res("cloudwatch/logGroup", "logs"), known=False)
    pack = Pack()
    pack.resource(balancer)
    pack.resource(group)
    planned = [
        Resource(balancer.urn, balancer.type, balancer.name, {"internal": UNKNOWN, "loadBalancerType": UNKNOWN}),
        Resource(group.urn, group.type, group.name, {"kmsKeyId": UNKNOWN}),
    ]
    messages = {message for _, message in said(pack.stack(planned), proto.MANDATORY)}
    assert any("it faces the internet and has no web ACL" in message for message in messages)
    assert any("kmsKeyId is not set" in message for message in messages)


def test_what_the_program_says_holds_where_the_provider_does_not_know_yet() -> None:
    (balancer,) = resources(res("lb/loadBalancer", "alb", internal=True), known=False)
    pack = Pack()
    pack.resource(balancer)
    planned = Resource(balancer.urn, balancer.type, balancer.name, {"internal": UNKNOWN})
    assert "load-balancer-waf" not in mandatory(pack.stack([planned]))
    # Without the program's word there is nothing to go by.
    assert "load-balancer-waf" in mandatory(Pack().stack([planned]))


def test_what_can_not_be_verified_can_be_only_reported() -> None:
    found = resources(res("rds/instance", "db", storageEncrypted=UNKNOWN, dbSubnetGroupName=UNKNOWN), known=False)
    diagnostics = Pack(resources={"unverifiable": "report"}, stack={"unverifiable": "report"}).run(found)
    advice = " ".join(message for _, message in said(diagnostics, proto.ADVISORY))
    for rule in ("database-storage-encrypted", "database-in-private-subnets"):
        assert rule in mandatory(Pack().run(found))
        assert rule not in mandatory(diagnostics)
        assert f"[{rule}]" in advice


def test_a_rule_can_be_made_advisory_mandatory_or_switched_off() -> None:
    found = resources(res("rds/instance", "db"), known=True)
    diagnostics = Pack(
        resources={"rules": {"database-storage-encrypted": "advisory", "database-multi-az": "mandatory"}},
        stack={"rules": {"database-in-private-subnets": "disabled"}},
    ).run(found)
    advice = " ".join(message for _, message in said(diagnostics, proto.ADVISORY))
    assert "[database-storage-encrypted]" in advice
    assert "database-storage-encrypted" not in mandatory(diagnostics)
    assert "database-multi-az" in mandatory(diagnostics)
    assert "database-in-private-subnets" not in " ".join(diagnostic.message for diagnostic in diagnostics)
    assert "database-in-private-subnets" in mandatory(Pack().run(found))


def test_families_controls_and_settings_are_the_engines_too() -> None:
    """Numbers come as floating ones, and the schema's defaults with them."""
    found = resources(res("rds/instance", "db", backupRetentionPeriod=3, storageEncrypted=False), known=True)
    config = {"families": {}, "controls": {"FSBP RDS.5": "mandatory"}, "rules": {}, "waivers": "waivers.yaml"}
    assert "database-backed-up" not in mandatory(Pack(resources=config).run(found))
    config["rules"] = {"database-backed-up": {"days": 7}, "database-storage-encrypted": {"level": "disabled"}}
    diagnostics = Pack(resources=config).run(found)
    assert {"database-backed-up", "database-multi-az"} <= mandatory(diagnostics)
    assert "less than 7 days" in str(diagnostics)
    assert "database-storage-encrypted" not in str(diagnostics)


def waivers(tmp_path: Path, *chosen: str, expires: str = "9999-12-31", **more: str) -> dict[str, Any]:
    """A configuration of both policies that names a file with waivers of the database's findings by these rules."""
    fields = {"type": "rds/instance", "name": "d*", "reason": "old", "owner": "me", "expires": expires, **more}
    file = tmp_path / "waivers.yaml"
    text = "".join(f"  - rule: {rule}\n" + "".join(f"    {k}: {v}\n" for k, v in fields.items()) for rule in chosen)
    file.write_text(f"waivers:\n{text}")
    return {"resources": {"waivers": str(file)}, "stack": {"waivers": str(file)}}


RULES_OF_BOTH = ("database-storage-encrypted", "database-in-private-subnets")


def test_a_waiver_holds_for_both_policies_and_is_said(tmp_path: Path) -> None:
    found = resources(res("rds/instance", "db"), known=True)
    assert set(RULES_OF_BOTH) <= mandatory(Pack().run(found))
    diagnostics = Pack(**waivers(tmp_path, *RULES_OF_BOTH)).run(found)
    assert not {*RULES_OF_BOTH, "waivers"} & mandatory(diagnostics)
    advice = {message for _, message in said(diagnostics, proto.ADVISORY)}
    for rule in RULES_OF_BOTH:
        assert any(message.startswith(f"waived until 9999-12-31 by me (old): [{rule}] ") for message in advice)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expires": "2020-01-31"}, "it has expired on 2020-01-31, for database-storage-encrypted on rds/instance d*"),
        ({"name": "gone"}, "it waives nothing: no finding is of database-storage-encrypted on rds/instance gone"),
        ({"owner": "''"}, "owner is missing"),
        ({"stacks": "[prod]"}, None),
    ],
)
def test_a_waiver_that_is_amiss_fails_the_engines_run(tmp_path: Path, options: Any, message: str | None) -> None:
    """Fixtures are of the stack `test`: a waiver for another one neither holds nor is amiss."""
    found = resources(res("rds/instance", "db"), known=True)
    config = waivers(tmp_path, "database-storage-encrypted", **options)
    diagnostics = Pack(**config).run(found)
    assert "database-storage-encrypted" in mandatory(diagnostics)
    wrong = [text for urn, text in said(diagnostics, proto.MANDATORY) if text.startswith("[waivers]")]
    assert len(wrong) == (message is not None)
    assert message is None or message in wrong[0]


def test_an_idle_waiver_can_be_only_reported(tmp_path: Path) -> None:
    config = waivers(tmp_path, "database-storage-encrypted", name="coming")
    config["stack"]["unmatched"] = "report"
    diagnostics = Pack(**config).run(resources(res("rds/instance", "db"), known=True))
    assert "waivers" not in mandatory(diagnostics)
    assert any("it waives nothing" in message for _, message in said(diagnostics, proto.ADVISORY))


def test_a_file_of_waivers_that_is_not_there_fails_the_run(tmp_path: Path) -> None:
    config = waivers(tmp_path)
    config["stack"]["waivers"] = str(tmp_path / "none.yaml")
    assert "waivers" in mandatory(Pack(**config).run(resources(res("rds/instance", "db"), known=True)))


def test_the_schema_of_each_policy_names_the_rules_it_runs() -> None:
    info = Pack().servicer.GetAnalyzerInfo(empty_pb2.Empty(), None)
    named = {
        policy.name: set(policy.configSchema.properties["rules"]["properties"])
        for policy in info.policies
        if policy.name in ("resources", "stack")
    }
    assert named["resources"] == {rule.id for rule in RULES.values() if rule.alone}
    assert named["stack"] == {rule.id for rule in RULES.values() if not rule.alone}
    assert [(p.name, p.enforcementLevel) for p in info.policies] == [
        ("resources", proto.MANDATORY),
        ("stack", proto.MANDATORY),
        ("advice", proto.ADVISORY),
        ("remediation", proto.DISABLED),
    ]


def test_the_run_says_how_much_it_checked(capsys: pytest.CaptureFixture[str]) -> None:
    found = resources(*encrypted("aws:kms"), res("rds/instance", "db", storageEncrypted=UNKNOWN), known=True)
    report = evaluate(Graph(found))
    assert report.unverifiable == 1
    Pack().run(found)
    assert capsys.readouterr().out == f"{report}\n"
    assert f"{report.checks} checks: {report.passed} passed, {report.failed} failed, 1 unverifiable" in str(report)


def test_a_secret_is_judged_and_not_shown() -> None:
    """The engine sends a pack secrets in plain text, or wrapped."""
    secret = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": "hunter2"}
    wrapped = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": True}
    (database,) = resources(res("rds/instance", "db", password=secret, storageEncrypted=wrapped), known=True)
    diagnostics = Pack().run([database])
    assert "database-storage-encrypted" not in mandatory(diagnostics)
    assert "hunter2" not in str(diagnostics)


def test_the_process_starts_wherever_the_folder_lies(tmp_path: Path) -> None:
    pack = tmp_path / "pulumi-analyzer-secure.v1"
    shutil.copytree(HERE, pack, ignore=shutil.ignore_patterns("__pycache__"))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:0", str(pack)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            analyzer = analyzer_pb2_grpc.AnalyzerStub(channel)
            assert analyzer.GetAnalyzerInfo(empty_pb2.Empty(), timeout=30).name == NAME
            (database,) = resources(res("rds/instance", "db", storageEncrypted=False), known=True)
            request = proto.AnalyzeRequest(
                type=database.type, urn=database.urn, name=database.name, properties=wire(database.props)
            )
            assert "database-storage-encrypted" in mandatory(analyzer.Analyze(request, timeout=30).diagnostics)
    finally:
        process.kill()
        process.wait()


def test_the_pack_installs_what_it_is_tested_with() -> None:
    pins = dict(line.split("==") for line in (HERE / "requirements.txt").read_text().split())
    assert pins == {name: version(name) for name in ("pulumi", "pulumi-policy")}


def test_rules_need_no_sdk() -> None:
    """What judges is plain Python, which starts fast."""
    script = "import policy.evaluate, sys; print(sorted(m for m in sys.modules if m.startswith('pulumi')))"
    root = HERE.parent
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
