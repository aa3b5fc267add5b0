"""Grafana under the real engine: a provider of what the same update makes, and a token for what has changed."""

import re

import pytest

from sandbox.engine import Engine

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
from components.grafana import Grafana
from components.observability import Alarm, AlarmTopic, watch
from tests.components.tiers import security

keys = security()
topic = AlarmTopic("alarms", key=keys.logs)
threshold = pulumi.Config().require_int("threshold")
alarm = Alarm("Slow", "AWS/SNS", "NumberOfNotificationsFailed", {"TopicName": topic.policy.id}, threshold, "missing")
Grafana("grafana", key=keys.data, tiers={"topic": watch("topic", {"failed": alarm}, parent=topic)})
"""
STACK = "config:\n  aws:region: eu-west-1\n  platform:threshold: {}\n"


def test_what_is_in_it_comes_with_the_workspace_and_later_under_a_fresh_token(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)

    def ran(operation, threshold):
        (folder / "Pulumi.test.yaml").write_text(STACK.format(threshold))
        lines: list[str] = []
        with Engine(tmp_path / "state", folder, "test", stream=lines.append) as engine:
            result = getattr(engine, operation)()
        assert result.errors == []
        done = r"^ \S+ +\w+:\w+:(\w+) (\S+) (created|created replacement|updated|deleted|deleted original) \("
        found = (re.match(done, line) for line in "\n".join(lines).splitlines())
        return result, [(step[3], step[1], step[2]) for step in found if step]

    first, _ = ran("preview", 1)
    made, _ = ran("up", 1)
    assert first.changed == made.changed
    assert made.operations[next(urn for urn in made.operations if "grafana:oss/dashboard" in urn)] == "create"
    assert ran("preview", 1)[0].changed == {}
    assert ran("up", 1)[0].changed == {}

    _, steps = ran("up", 2)
    assert [step for step in steps if "larm" not in step[1]] == [
        ("created replacement", "WorkspaceServiceAccountToken", "grafana"),
        ("updated", "Dashboard", "grafana"),
        ("deleted original", "WorkspaceServiceAccountToken", "grafana"),
    ]
