"""The pack as it is configured, under the real engine: settings, waivers, remediation."""

import json
from datetime import date, timedelta

import pulumi_aws as aws
import pytest

from sandbox.engine import Engine
from tests.registered import ROOT

pytestmark = pytest.mark.engine

WAIVERS = """
waivers:
  - {{rule: key-rotated, type: kms/key, name: old, reason: signs nothing, owner: team-keys, expires: {expires}}}
"""


def small(program):
    """In place of the program: what has to be mended, waived and configured."""
    aws.kms.Key("old")
    volume = aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(encrypted="true")
    device = aws.ec2.LaunchTemplateBlockDeviceMappingArgs(device_name="/dev/xvda", ebs=volume)
    aws.ec2.LaunchTemplate("web", block_device_mappings=[device], tags={"team": "web"})
    aws.cloudwatch.LogGroup("logs", retention_in_days=30)


@pytest.fixture
def engine(tmp_path):
    """Makes an engine with a configuration, of which `resources` and `stack` take the waivers."""

    def made(*, expires=None, **config):
        file = tmp_path / "waivers.yaml"
        file.write_text(WAIVERS.format(expires=expires or date.today() + timedelta(days=30)))
        for policy in ("resources", "stack"):
            config[policy] = {"waivers": str(file), **config.get(policy, {})}
        (tmp_path / "config.json").write_text(json.dumps(config))
        return Engine(
            tmp_path / "engine",
            ROOT,
            "dev",
            policies=ROOT / "policy",
            policy_config=tmp_path / "config.json",
            wrap=small,
        )

    (tmp_path / "engine").mkdir()
    return made


UNENCRYPTED = {"stack": {"rules": {"log-group-encrypted": {"level": "advisory"}}}}


def said(result, level):
    return [violation.message for violation in result.violations if violation.level == level]


def test_what_is_configured_waived_and_mended_is_made(engine):
    remediation = {"enforcementLevel": "remediate", "tags": {"team": "all", "cost": "7"}}
    with engine(
        remediation=remediation, resources={"rules": {"log-group-retention": {"days": 14}}}, **UNENCRYPTED
    ) as running:
        result = running.up()
        assert result.ok, (result.errors, result.violations)
        advice = said(result, "advisory")
        assert any("by team-keys (signs nothing): [key-rotated] kms/key old" in message for message in advice)
        assert any("[log-group-encrypted]" in message for message in advice)
        made = {
            resource["urn"].rpartition("::")[2]: resource["inputs"]
            for resource in running.resources()
            if "inputs" in resource
        }
        assert made["web"]["metadataOptions"] == {"httpTokens": "required"}
        assert made["web"].get("tags") == {"team": "web"}  # a launch template isn't among what is tagged
        assert made["old"]["tags"] == {"team": "all", "cost": "7"}


def test_what_is_not_mended_or_waived_any_more_is_refused(engine):
    with engine(
        expires=date.today() - timedelta(days=2),
        resources={"rules": {"log-group-retention": {"days": 365}}},
        **UNENCRYPTED,
    ) as running:
        result = running.preview()
    assert not result.ok
    text = "\n".join(said(result, "mandatory"))
    for part in (
        "[instance-metadata-v2]",
        "[key-rotated]",
        "it keeps its logs for less than 365 days",
        "it has expired on",
    ):
        assert part in text


def test_the_engine_refuses_a_wrong_configuration(engine):
    with engine(resources={"rules": {"log-group-retention": {"days": 0}}}) as running:
        result = running.preview()
    assert not result.ok
    assert "Must be greater than or equal to 1" in "\n".join(result.errors), result
