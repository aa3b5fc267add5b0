"""What somebody changes by hand, under the real engine: `refresh` shows it, and the next `up` mends it."""

import pytest

from sandbox.engine import Engine
from tests.engine.test_failures import settled

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi_aws as aws

from components.security import EncryptionKey
from components.storage import LogBucket, SecureBucket

logs = LogBucket("logs")
SecureBucket("storage", key=EncryptionKey("key"), logs=logs)
group = aws.ec2.SecurityGroup("web", vpc_id="vpc-0a1b2c3d4e5f60718", tags={"Name": "web"})
for port in (80, 443):
    name = f"web-{port}"
    aws.vpc.SecurityGroupIngressRule(
        name, security_group_id=group.id, ip_protocol="tcp", from_port=port, to_port=port, cidr_ipv4="10.0.0.0/8"
    )
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def changed(result):
    """What was done to what, by type and name, but for what stayed as it was."""
    return {
        (urn.split("::")[2].split("$")[-1].split(":")[-1], urn.split("::")[3]): operation
        for urn, operation in result.operations.items()
        if operation != "same"
    }


def test_what_is_changed_by_hand_is_shown_and_mended(project, tmp_path):
    with Engine(tmp_path / "state", project, "test") as engine:
        assert engine.up().errors == []
        made = settled(engine)
        world = engine.world
        tags = world.things[world.find("SecurityGroup::web")].properties["tags"]

        world.change("SecurityGroup::web", tags={**tags, "Owner": "somebody"})
        world.remove("SecurityGroupIngressRule::web-443")
        _, bucket = world.find("Bucket::storage")
        parts = sorted(key for key in world.things if key[1] == bucket)  # a bucket takes its settings along
        for part in parts:
            world.remove(world.things[part].urn)
        assert len(parts) == 8

        # The state is what a preview compares with: it takes a refresh to see.
        assert engine.preview().changed == {}
        refreshed = engine.refresh()
        assert (refreshed.errors, refreshed.changed) == ([], {"update": 1, "delete": 1 + len(parts)})
        assert len(settled(engine)) == len(made) - 1 - len(parts)

        mended = engine.up()
        assert mended.errors == []
        gone = {(type_token.split(":")[-1], "storage"): "create" for type_token, _ in parts}
        assert changed(mended) == {
            ("SecurityGroup", "web"): "update",
            ("SecurityGroupIngressRule", "web-443"): "create",
            **gone,
        }
        assert settled(engine) == made
        assert world.things[world.find("SecurityGroup::web")].properties["tags"] == tags
        assert (engine.refresh().changed, engine.up().changed) == ({}, {})
