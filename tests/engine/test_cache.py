"""Redis under the real engine: how its token is rotated, and that a protected one stays."""

import re
import textwrap

import pytest

from sandbox.engine import Engine

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi

from components.cache import Cache, CacheArgs
from tests.components.tiers import network, security

keys = security()
args = CacheArgs.model_validate(pulumi.Config().require_object("cache"))
Cache("cache", args, subnets=network().isolated, key=keys.data, logs_key=keys.logs)
"""
STACK = """
config:
  aws:region: eu-west-1
  platform:cache: {}
"""


@pytest.fixture
def updated(tmp_path):
    """Updates the stack with these settings of the cache; the result, and what the engine did, in order."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)

    def update(settings):
        (folder / "Pulumi.test.yaml").write_text(textwrap.dedent(STACK).replace("{}", settings))
        lines: list[str] = []
        with Engine(tmp_path / "state", folder, "test", stream=lines.append) as engine:
            result = engine.up()
        did = r"^ \S+ +\w+:\w+:(\w+) (\S+) (created|created replacement|updated|deleted|deleted original) \("
        found = (re.match(did, line) for line in "\n".join(lines).splitlines())
        return result, [(step[3], step[1], step[2]) for step in found if step]

    return update


def test_the_token_is_rotated_before_the_secret_says_so_and_then_the_old_one_is_shut_out(updated):
    result, _ = updated("{}")
    assert result.errors == []
    result, _ = updated("{}")
    assert (result.errors, result.changed) == ([], {})

    result, steps = updated("{auth_token_generation: 2}")
    assert result.errors == []
    assert steps == [
        ("created replacement", "RandomPassword", "cache"),
        ("updated", "ReplicationGroup", "cache"),
        ("created replacement", "SecretVersion", "cache"),
        ("deleted original", "SecretVersion", "cache"),
        ("deleted original", "RandomPassword", "cache"),
    ]

    result, steps = updated("{auth_token_generation: 2, auth_token_update_strategy: SET}")
    assert result.errors == []
    assert steps == [("updated", "ReplicationGroup", "cache")]


def test_another_mode_is_another_cache_and_a_protected_one_stays(updated):
    for settings in ("{}", "{deletion_protection: false}"):
        assert updated(settings)[0].errors == []
    result, steps = updated("{deletion_protection: false, cluster_mode: {}}")
    assert result.errors == []
    made = ("created", "ReplicationGroup", "cache-cluster")
    assert steps.index(made) < steps.index(("deleted", "ReplicationGroup", "cache"))

    assert updated("{cluster_mode: {}}")[0].errors == []
    result, steps = updated("{}")
    assert "cache-cluster" in result.errors[0]
    assert "protected" in result.errors[0]
    assert ("deleted", "ReplicationGroup", "cache-cluster") not in steps
