"""A pull request on the real program, from its event to the comment and the approval."""

import pytest

from tests.delivery.codecommit import serving
from tests.delivery.conftest import failed

pytestmark = pytest.mark.engine

JUDGE = {
    "delivery/__main__.py": "print('all is well')\n",
    "delivery/verdict.py": "",
    "policy/__main__.py": "from pulumi_policy import PolicyPack\nPolicyPack(name='secure-aws', policies=[])\n",
    "policy/rules/__init__.py": "",
}
"""What would let everything through, if a pull request's own copy judged it."""


@pytest.fixture(scope="module")
def world(new_world):
    world = new_world()
    world.main = world.whole("dev", "prod")
    return world


def test_the_clean_program_is_approved(world):
    source = world.commit({"README.md": "hello"}, on=world.main)
    with serving(world.pull_request(source, world.main)) as request:
        build = world.check(request, stacks="dev prod")
    assert build.failed == [], build.output
    assert request.approval == "APPROVE"
    (comment,) = request.comments
    assert comment.startswith("### ✅ The check passed\n\nTests: passed.\n")
    rows = [line.split(" | ") for line in comment.splitlines() if line.startswith(("| dev", "| prod"))]
    assert [(row[0], row[1], row[3:8], row[10]) for row in rows] == [
        ("| dev", "passed", ["0", "0", "0", "0", "0"], "0 |"),
        ("| prod", "passed", ["0", "0", "0", "0", "0"], "0 |"),
    ]
    assert all(int(row[2]) > 300 and int(row[9]) > 500 for row in rows)  # created, checked
    assert "- **load-balancer-deletion-protected** (dev): lb/loadBalancer alb: " in comment
    assert "more left out here: they don't fit into a comment" in comment


def test_an_insecure_program_is_refused_by_the_rules_that_it_would_lift(world):
    database = (world.repository / "components" / "database.py").read_text()
    insecure = database.replace("storage_encrypted=True", "storage_encrypted=False")
    assert insecure != database
    source = world.commit({"components/database.py": insecure, **JUDGE}, on=world.main)
    with serving(world.pull_request(source, world.main)) as request:
        build = world.check(request)
    assert failed(build) == ["delivery check", "delivery report"]
    assert request.calls == ["UpdatePullRequestApprovalState", "PostCommentForPullRequest"]
    assert request.approval == "REVOKE"
    (comment,) = request.comments
    assert comment.startswith("### ❌ The check failed\n\nTests: passed.\n")
    found = "- **database-storage-encrypted** (prod): rds/instance database-primary: its storage is not encrypted. "
    assert found in comment.split("#### Policies broken\n")[1].split("####")[0]
    assert "all is well" not in build.output
