"""A platform split by team: the second stack's program reads the first one's outputs."""

import pytest

from sandbox.engine import Engine
from standin.mocks import UNKNOWN
from standin.world import World
from tests.registered import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("library", "pulumi_cli")]

EXAMPLES = ROOT / "examples" / "split-by-team"


def mandatory(result):
    return [violation.message for violation in result.violations if violation.level == "mandatory"]


def held(engine):
    return {resource["urn"].rpartition("$")[2]: resource for resource in engine.resources()}


def test_the_second_stack_stands_in_the_first(tmp_path):
    world = World()
    with Engine(tmp_path, EXAMPLES / "network", "dev", policies=ROOT / "policy", world=world) as network:
        made = network.up()
        assert (made.errors, mandatory(made)) == ([], [])
        theirs = {resource["id"] for resource in network.resources() if resource.get("custom")}

    with Engine(tmp_path, EXAMPLES / "platform", "dev", policies=ROOT / "policy", world=world) as platform:
        # An engine older than the SDK tells a preview nothing of what is read, so that nothing is known there.
        preview = platform.preview()
        assert [m for m in mandatory(preview) if "can't be verified" not in m] == []
        assert preview.outputs == {"redis_endpoint": UNKNOWN}

        update = platform.up()
        assert (update.errors, mandatory(update)) == ([], [])
        resources = held(platform)
        subnets = resources["aws:elasticache/subnetGroup:SubnetGroup::cache"]["inputs"]["subnetIds"]
        assert sorted(subnets) == sorted(made.outputs["isolated_subnet_ids"].values())
        group = resources["aws:ec2/securityGroup:SecurityGroup::cache"]
        assert group["inputs"]["vpcId"] == made.outputs["vpc_id"]

        # It manages nothing of theirs, and so takes nothing of theirs away.
        own = {r["id"] for r in resources.values() if r.get("custom") and not r.get("external")}
        assert own & theirs == set()
        assert platform.up().changed == {}
        world.protects = False
        assert platform.destroy().errors == []
    assert theirs & {id for _, id in world.gone} == set()
