"""What exists already, under the real engine: a stack in a VPC of others, and what a stack takes over."""

import textwrap
from typing import Any

import pytest
import yaml

from sandbox.engine import Engine
from standin import existing
from tests.registered import ROOT, used_vpc

pytestmark = pytest.mark.engine

ZONES = ["eu-west-1a", "eu-west-1b"]
KEY_ID = "11111111-2222-3333-4444-555555555555"
"""The id of a key that somebody made by hand."""


def mandatory(result):
    return [violation.message for violation in result.violations if violation.level == "mandatory"]


@pytest.fixture
def program(tmp_path):
    """Write a program of a few lines and its settings."""

    def write(lines, **settings):
        folder = tmp_path / "program"
        folder.mkdir(exist_ok=True)
        (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        config = {"aws:region": "eu-west-1", **{f"small:{key}": value for key, value in settings.items()}}
        (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
        (folder / "__main__.py").write_text(textwrap.dedent(lines))
        return folder

    return write


# -- use ---------------------------------------------------------------------------------------------------------------

IN_A_VPC_OF_OTHERS = """
    import pulumi
    from components.cache import Cache, CacheArgs
    from components.network import Network, NetworkArgs
    from components.security import EncryptionKey

    key = EncryptionKey("key", users=["logs"])
    network = Network("network", NetworkArgs(**pulumi.Config().require_object("network")), logs_key=key)
    Cache("cache", CacheArgs(), subnets=network.isolated, key=key, logs_key=key)
"""


def in_a_vpc_of_others(program, **changes):
    network = {"zones": ZONES, "nat": "none", "use": used_vpc(*ZONES) | changes}
    return program(IN_A_VPC_OF_OTHERS, network=network)


def test_a_stack_in_a_vpc_of_others_leaves_it_as_it_is(program, tmp_path):
    with Engine(tmp_path, in_a_vpc_of_others(program), "dev", policies=ROOT / "policy") as engine:
        preview = engine.preview()
        assert (preview.errors, mandatory(preview)) == ([], [])
        update = engine.up()
        assert (update.errors, mandatory(update)) == ([], [])
        types = {r["type"] for r in engine.resources() if r.get("custom") and r["type"].startswith("aws:ec2/")}
        assert types == {"aws:ec2/securityGroup:SecurityGroup"}
        assert engine.up().changed == {}
        assert {type_ for type_, _ in engine.world.things} >= types


def test_where_their_subnets_are_public_the_policy_pack_says_so(program, tmp_path):
    public = {zone: existing.subnet_id("public", zone) for zone in ZONES}
    folder = in_a_vpc_of_others(program, public={}, isolated=public)
    with Engine(tmp_path, folder, "dev", policies=ROOT / "policy") as engine:
        found = mandatory(engine.preview())
    assert len(found) == len(ZONES)
    assert all("[database-in-private-subnets]" in violation for violation in found)
    assert all("an internet gateway outside this program" in violation for violation in found)


def test_a_subnet_that_lies_elsewhere_is_told_before_anything_is_created(program, tmp_path):
    elsewhere = {zone: existing.subnet_id("isolated", "eu-west-1c") for zone in ZONES[:1]}
    folder = in_a_vpc_of_others(program, isolated=used_vpc(*ZONES)["isolated"] | elsewhere)
    with Engine(tmp_path, folder, "dev") as engine:
        preview = engine.preview()
        assert not preview.ok
        told = (
            f"network-isolated-eu-west-1a: VPC {existing.VPC_ID} has no subnet subnet-0cccccccccccccccc in eu-west-1a"
        )
        assert told in preview.errors
        assert engine.resources() == []


# -- import ------------------------------------------------------------------------------------------------------------

IMPORTED = """
    import pulumi
    from components.edge import Dns, DnsArgs
    from components.network import Network, NetworkArgs
    from components.security import EncryptionKey, SecurityArgs
    from components.storage import LogBucket, LogBucketArgs

    settings = pulumi.Config()
    kept = SecurityArgs(deletion_protection=False)
    key = EncryptionKey("key", kept, users=["logs"], import_id=settings.get("key"))
    Network("network", NetworkArgs(**settings.require_object("network")), logs_key=key)
    LogBucket("logs", LogBucketArgs(deletion_protection=False, **settings.require_object("logs")))
    Dns("dns", DnsArgs(domain="example.com", **settings.require_object("dns")))
"""
NETWORK = {"zones": ZONES, "nat": "none", "cidr": existing.VPC_CIDR}
IDS: dict[str, Any] = {
    "key": KEY_ID,
    "network": {"import_id": existing.VPC_ID, "import_internet_gateway_id": existing.INTERNET_GATEWAY_ID},
    "logs": {"import_id": "old-logs"},
    "dns": {"import_id": "Z0123456789"},
}


def imported(program, **ids):
    return program(
        IMPORTED,
        **({"key": ids["key"]} if "key" in ids else {}),
        network=NETWORK | ids.get("network", {}),
        logs={"bucket_name": "old-logs"} | ids.get("logs", {}),
        dns={"zone": "example.com", "create_zone": True} | ids.get("dns", {}),
    )


def test_what_exists_is_taken_over_as_it_is_and_brought_in_line(program, tmp_path):
    """The setting that names it can be left out from then on."""
    with Engine(tmp_path, imported(program, **IDS), "dev", policies=ROOT / "policy") as engine:
        update = engine.up()
        assert (update.errors, mandatory(update)) == ([], [])
        assert update.changes["import"] == 5
        held = {r["type"].rpartition(":")[2]: r for r in engine.resources() if r.get("id") in taken_over()}
        assert {name: held[name]["id"] for name in ("Key", "Vpc", "InternetGateway", "Bucket", "Zone")} == {
            "Key": KEY_ID,
            "Vpc": existing.VPC_ID,
            "InternetGateway": existing.INTERNET_GATEWAY_ID,
            "Bucket": "old-logs",
            "Zone": "Z0123456789",
        }
        # Somebody's settings gave way to the component's, in the same update.
        assert held["Key"]["inputs"]["enableKeyRotation"] is True
        assert held["Zone"]["inputs"]["tags"] == {"Name": "small-dev-dns"}
        assert engine.up().changed == {}

    with Engine(tmp_path, imported(program), "dev", world=engine.world) as engine:
        assert engine.preview().changed == {}


def taken_over():
    return {KEY_ID, *IDS["network"].values(), "old-logs", "Z0123456789"}


def test_what_would_have_to_be_replaced_is_refused(program, tmp_path):
    ids = IDS | {"network": IDS["network"] | {"cidr": "10.99.0.0/16"}}
    with Engine(tmp_path, imported(program, **ids), "dev") as engine:
        update = engine.up()
        assert not update.ok
        (refused,) = [error for error in update.errors if "may not be replaced" in error]
        assert "cidrBlock" in refused
        assert existing.VPC_ID not in {id for _, id in engine.world.gone}


def test_what_is_not_there_is_refused(program, tmp_path):
    ids = {"network": {"import_id": "vpc-00000000"}}
    with Engine(tmp_path, imported(program, **ids), "dev") as engine:
        assert any("resource 'vpc-00000000' does not exist" in error for error in engine.preview().errors)
