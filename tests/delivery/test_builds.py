"""The builds' own commands, run against the real engine, a simulated S3 and KMS, and a pull request's double."""

import json

import pytest

from tests.delivery.codecommit import serving
from tests.delivery.conftest import CANARY, PROGRAM, failed

pytestmark = pytest.mark.engine

CHECK, REPORT = "delivery check", "delivery report"


@pytest.fixture(scope="module")
def world(new_world):
    """A small project whose stack prod has been deployed, by the deployment's own commands."""
    world = new_world()
    world.main = world.small()
    build = world.deploy("prod")
    assert build.failed == [], build.output
    assert CANARY not in build.output
    return world


def test_what_changes_nothing_is_approved_and_a_build_again_says_nothing_new(world):
    source = world.commit({"README.md": "hello"}, on=world.main)
    state = world.objects()
    with serving(world.pull_request(source, world.main)) as request:
        for _ in range(2):
            build = world.check(request)
            assert build.failed == [], build.output + "\n".join(request.comments)
    assert world.objects() == state  # the check's role may not write it
    assert request.calls == ["PostCommentForPullRequest", "UpdatePullRequestApprovalState"] * 2
    assert request.approval == "APPROVE"
    (comment,) = request.comments
    assert comment.startswith("### ✅ The check passed\n\nTests: passed.\n")
    assert "| prod | passed | 0 | 0 | 0 | 0 | 7 | 0 | 1 |" in comment
    assert "Changes to prod: " not in comment


def test_changes_are_named_without_a_value_and_what_loses_data_is_approved_of_in_writing(world):
    program = PROGRAM.replace('name="orders"', 'name="orders-v2"').replace(
        "retention_in_days=365", "retention_in_days=400"
    )
    program = program.replace('aws.secretsmanager.SecretVersion("token"', 'aws.secretsmanager.SecretVersion("other"')
    source = world.commit({"__main__.py": program}, on=world.main)
    with serving(world.pull_request(source, world.main)) as request:
        build = world.check(request)
    (comment,) = request.comments
    (urn,) = (urn for urn in world.urns("prod") if "aws:sqs/queue:Queue" in urn)
    reason = f"prod: it would lose what holds data, which nobody approved of: replace {urn}"
    assert (failed(build), request.approval) == ([CHECK, REPORT], "REVOKE")
    assert f"\n- {reason}\n" in comment
    assert reason in build.output

    approval = f"- urn: {urn}\n  reason: drained\n  until: 9999-12-31\n"
    source = world.commit({"delivery/approvals.yml": approval}, on=source)
    with serving(world.pull_request(source, world.main)) as request:
        build = world.check(request)
    (comment,) = request.comments
    assert (build.failed, request.approval) == ([], "APPROVE")
    lost, changes = comment.split("#### Takes away what holds data")[1].split("#### Changes to prod: ")
    assert "- prod: **replace** sqs/queue orders: name (because of name)" in lost
    assert changes.split("\n\n")[1].strip().splitlines()[:1] == ["- **delete** secretsmanager/secretVersion token"]
    assert "- **update** cloudwatch/logGroup web: retentionInDays" in changes
    assert "- **create** secretsmanager/secretVersion other" in changes
    for told in (build.output, comment, *world.verdicts().values()):
        assert CANARY not in told
        assert "orders-v2" not in told


def test_a_program_that_crashes_is_refused_and_its_secrets_stay_secret(world):
    crash = PROGRAM + f'\nraise RuntimeError("boom, and the token is {CANARY}")\n'
    source = world.commit({"__main__.py": crash}, on=world.main)
    with serving(world.pull_request(source, world.main)) as request:
        build = world.check(request)
    assert failed(build) == [CHECK, REPORT]
    assert request.calls == ["UpdatePullRequestApprovalState", "PostCommentForPullRequest"]
    assert request.approval == "REVOKE"
    (comment,) = request.comments
    assert comment.startswith("### ❌ The check failed\n")
    assert "- prod: the preview failed: " in comment
    assert "RuntimeError: boom, and the token is" in comment
    for told in (build.output, comment, *world.verdicts().values()):
        assert CANARY not in told


PACK = """
from pulumi_policy import PolicyPack, StackValidationPolicy
nothing = StackValidationPolicy(name="nothing", description="Nothing.", validate=lambda args, report_violation: None)
PolicyPack(name="secure-aws", policies=[nothing])
"""


@pytest.mark.parametrize(
    ("pack", "reason"),
    [
        ("raise SystemExit('no rules today')", "the preview failed: "),
        (PACK, "not judged: the policy pack didn't say what it checked"),
    ],
)
def test_what_the_policy_pack_has_not_judged_is_refused(world, pack, reason):
    main = world.commit({"policy/__main__.py": pack}, on=world.main)
    source = world.commit({"README.md": "hello"}, on=main)
    with serving(world.pull_request(source, main)) as request:
        build = world.check(request)
    assert failed(build) == [CHECK, REPORT]
    assert request.approval == "REVOKE"
    (comment,) = request.comments
    assert f"- prod: {reason}" in comment


def test_failed_tests_refuse_it_and_the_changes_are_shown_all_the_same(world):
    source = world.commit({"README.md": "hello"}, on=world.main)
    with serving(world.pull_request(source, world.main)) as request:
        build = world.check(request, tests="false")
    assert failed(build) == ["make test", REPORT]
    assert request.approval == "REVOKE"
    (comment,) = request.comments
    assert comment.startswith("### ❌ The check failed\n\nTests: **not passed**, stopped at `make test`.\n")
    assert "| prod | passed |" in comment


def test_what_cannot_be_merged_or_has_no_stack_is_refused(world):
    main = world.commit({"README.md": "one"}, on=world.main)
    source = world.commit({"README.md": "other"}, on=world.main)
    with serving(world.pull_request(source, main)) as request:
        build = world.check(request, stacks="nosuch")
    assert failed(build) == ["git merge", CHECK, REPORT]
    assert request.approval == "REVOKE"
    (comment,) = request.comments
    assert "Tests: **not passed**, stopped at `merging the destination into it`." in comment
    assert "- nosuch: the preview failed: error: no stack named 'nosuch' found" in comment


def test_what_is_judged_is_what_the_merge_would_make(world):
    main = world.commit({"__main__.py": PROGRAM + "\naws.kms.Key('newer', enable_key_rotation=True)\n"}, on=world.main)
    source = world.commit({"README.md": "hello"}, on=world.main)
    with serving(world.pull_request(source, main)) as request:
        build = world.check(request)
    assert build.failed == [], build.output
    assert "- **create** kms/key newer\n" in request.comments[0]


def test_github_judges_the_same(world):
    source = world.commit({"README.md": "hello"}, on=world.main)
    build, summary = world.check_on_github(source, world.main)
    assert build.failed == [], build.output + summary
    assert summary.startswith("### ✅ The check passed\n")
    assert "| prod | passed | 0 | 0 | 0 | 0 | 7 | 0 | 1 |" in summary

    insecure = PROGRAM.replace("enable_key_rotation=True", "enable_key_rotation=False")
    source = world.commit({"__main__.py": insecure}, on=world.main)
    build, summary = world.check_on_github(source, world.main)
    assert failed(build) == [CHECK, REPORT]
    assert "- **key-rotated** (prod): kms/key key: " in summary


def test_the_destination_sets_the_policies_of_each_stack(world):
    settings = {"resources": {"rules": {"key-rotated": "advisory"}}}
    insecure = PROGRAM.replace("enable_key_rotation=True", "enable_key_rotation=False")
    source = world.commit({"__main__.py": insecure, "policy/config.prod.json": json.dumps(settings)}, on=world.main)
    for main, verdict in ((world.main, [CHECK, REPORT]), (source, [])):
        with serving(world.pull_request(source, main)) as request:
            build = world.check(request)
        assert failed(build) == verdict, build.output


def test_a_deployment_that_loses_data_waits_for_a_reason_in_writing(world):
    def queues() -> list[str]:
        return [urn for urn in world.urns("prod") if "aws:sqs/queue:Queue" in urn]

    (urn,) = queues()
    world.commit({"__main__.py": PROGRAM.partition("queue = ")[0]}, on=world.main)
    build = world.deploy("prod")
    assert failed(build) == ["delivery deploy"]
    assert f"- prod: it would lose what holds data, which nobody approved of: delete {urn}\n" in build.output
    assert queues() == [urn]

    approval = f"- urn: {urn}\n  reason: nobody sends orders\n  until: 2026-01-01\n"
    world.commit({"delivery/approvals.yml": approval})
    assert failed(world.deploy("prod")) == ["delivery deploy"]  # it has run out
    world.commit({"delivery/approvals.yml": approval.replace("2026-01-01", "9999-12-31")})
    build = world.deploy("prod")
    assert build.failed == [], build.output
    assert queues() == []


def test_an_insecure_change_is_not_deployed(world):
    insecure = PROGRAM.replace("enable_key_rotation=True", "enable_key_rotation=False")
    world.commit({"__main__.py": insecure}, on=world.main)
    build = world.deploy("prod")
    assert failed(build) == ["delivery deploy"]
    assert "- **key-rotated** (prod): kms/key key: " in build.output
    assert "Updating (prod)" not in build.output
