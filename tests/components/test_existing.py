"""What exists already: used where it belongs to others, imported where it becomes the stack's."""

import pulumi
import pytest
from pydantic import ValidationError

from components.edge import Dns, DnsArgs
from components.network import Network, NetworkArgs
from components.security import EncryptionKey, Security, SecurityArgs
from components.storage import BucketArgs, LogBucket, LogBucketArgs, SecureBucket
from preview.run import judge
from standin import existing
from tests.components.tiers import ZONES, network
from tests.registered import counts, of, one, run, used_vpc

KEY_ID = "11111111-2222-3333-4444-555555555555"
READ = {"RouteTable": 6, "RouteTableAssociation": 6, "Subnet": 6}


def use(**changes):
    return network(nat="per_zone", use=used_vpc(*ZONES) | changes)


# -- use ---------------------------------------------------------------------------------------------------------------


def test_nothing_is_created_in_a_vpc_of_others():
    recording = run(use)
    assert counts(recording) == READ | {"Alias": 1, "Key": 1}  # the key is the test's own
    assert {r.type.split(":")[-1]: r.read for r in recording.registrations if r.custom} == dict.fromkeys(READ, True) | {
        "Alias": False,
        "Key": False,
    }


@pytest.mark.parametrize("unknown", [False, True])
def test_it_has_the_same_outputs_in_a_first_preview_too(unknown):
    recording = run(lambda: pulumi.export("cidr", use().cidr), unknown=unknown)
    outputs = one_network(recording).outputs
    assert outputs == {"vpc_id": existing.VPC_ID} | {
        f"{tier}_subnet_ids": {zone: existing.subnet_id(tier, zone) for zone in ZONES} for tier in existing.TIERS
    }
    assert recording.outputs == {"cidr": existing.VPC_CIDR}
    assert outputs.keys() == one_network(run(network)).outputs.keys()


def one_network(recording):
    return next(r for r in recording.registrations if r.type == "platform:index:Network")


def test_without_isolated_subnets_the_data_stores_are_in_private_ones():
    outputs = one_network(run(lambda: use(isolated={}, public={}))).outputs
    assert outputs["isolated_subnet_ids"] == outputs["private_subnet_ids"]
    assert outputs["public_subnet_ids"] == {}


def test_values_may_be_outputs_of_another_stack():
    def later(given):
        return {k: later(v) for k, v in given.items()} if isinstance(given, dict) else pulumi.Output.from_input(given)

    def program():
        network(nat="none", use=later(used_vpc(*ZONES)))

    assert one_network(run(program)).outputs == one_network(run(use)).outputs


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"private": {ZONES[0]: existing.subnet_id("private", "b"), ZONES[1]: existing.subnet_id("isolated", "b")}},
            f"network-private-eu-west-1a: VPC {existing.VPC_ID} has no subnet subnet-0bbbbbbbbbbbbbbbb in eu-west-1a",
        ),
        (
            {"vpc_id": "vpc-0fedcba9876543210"},
            "network-public-eu-west-1a: VPC vpc-0fedcba9876543210 has no subnet subnet-0aaaaaaaaaaaaaaaa in eu-west-1a",
        ),
    ],
)
def test_a_subnet_that_lies_elsewhere_is_told_by_name(changes, message, capsys):
    with pytest.raises(existing.Missing):
        run(lambda: use(**changes))
    assert message in capsys.readouterr().err


def test_an_endpoint_that_is_not_there_is_told_by_name(capsys):
    with pytest.raises(existing.Missing):
        run(lambda: network(nat="none", use=used_vpc(*ZONES), interface_endpoints=["ssm", "logs"]))
    assert f"network: VPC {existing.VPC_ID} has no interface endpoint for logs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "where", "reason"),
    [
        ({"cidr": "10.0.0.0/16"}, "cidr", "contradicts `use`"),
        ({"flow_log_retention_days": 30}, "flow_log_retention_days", "contradicts `use`"),
        ({"import_id": existing.VPC_ID}, "import_id", "contradicts `use`"),
        ({"zones": [*ZONES, "eu-west-1c"]}, "use.private", "has no subnet in eu-west-1c"),
        ({"use": used_vpc(*ZONES) | {"public": {}, "private": {}}}, "use.private", "in eu-west-1a, eu-west-1b"),
        ({"use": used_vpc(*ZONES, "eu-west-1c")}, "use.public.eu-west-1c", "is not among `zones`"),
        ({"use": used_vpc(*ZONES) | {"vpc_id": "main"}}, "use.vpc_id", "match pattern"),
        (
            {"use": used_vpc(*ZONES) | {"private": used_vpc(*ZONES)["public"]}},
            "use.private.eu-west-1a",
            "is named as public subnet of eu-west-1a already",
        ),
        (
            {"use": used_vpc(*ZONES) | {"isolated": dict.fromkeys(ZONES, existing.subnet_id("isolated", "a"))}},
            "use.isolated.eu-west-1b",
            "is named as isolated subnet of eu-west-1a already",
        ),
    ],
)
def test_what_use_can_not_mean_is_refused(changes, where, reason):
    with pytest.raises(ValidationError) as refused:
        NetworkArgs.model_validate({"zones": ZONES, "nat": "none", "use": used_vpc(*ZONES)} | changes)
    found = {".".join(map(str, e["loc"])).removesuffix(".[key]"): e["msg"] for e in refused.value.errors()}
    assert reason in found[where]


def test_what_a_used_vpc_has_must_be_said():
    with pytest.raises(ValidationError, match="say what the VPC of `use` has"):
        NetworkArgs.model_validate({"zones": ZONES, "use": used_vpc(*ZONES)})


def database_in(**subnets):
    from components.database import Database, DatabaseArgs

    def program():
        net = use(**subnets)
        key = EncryptionKey("key", users=["logs"])
        Database("database", DatabaseArgs(), subnets=net.isolated, key=key, logs_key=key)

    return judge(run(program), "eu-west-1")


def test_subnets_of_others_are_judged_by_their_routes():
    def verdicts(report):
        return {f.verdict for f in report.violations if f.rule == "database-in-private-subnets"}

    public = {zone: existing.subnet_id("public", zone) for zone in ZONES}
    nobody_knows = {zone: f"subnet-0123456789abcdef{zone[-1]}" for zone in ZONES}
    assert verdicts(database_in()) == set()
    assert verdicts(database_in(public={}, isolated=public)) == {"fail"}
    assert verdicts(database_in(isolated=nobody_knows)) == {"unverifiable"}


def test_keys_of_others_are_named_by_their_aliases():
    statements = []

    def program():
        security = Security("security", SecurityArgs(use={"data": "alias/theirs"}))
        statements.append(security.data.decrypt_statement("s3")["Condition"]["ForAnyValue:StringEquals"])
        security.data.in_region("far", "us-east-1", users=["logs"])

    recording = run(program)
    assert statements == [{"kms:ResourceAliases": "alias/theirs"}]
    assert set(of(recording, "kms/key:Key")) == {"security-logs"}
    outputs = {r.name: r.outputs for r in recording.registrations if r.type == "platform:index:EncryptionKey"}
    assert outputs["security-data"]["alias"] == outputs["far"]["alias"] == "alias/theirs"
    assert outputs["security-data"]["arn"].startswith("arn:aws:kms:eu-west-1:123456789012:key/")
    assert outputs["far"]["arn"].startswith("arn:aws:kms:us-east-1:123456789012:key/")


def test_nothing_of_a_bucket_of_others_is_created():
    policies = []

    def program():
        key = EncryptionKey("key", SecurityArgs(), use="alias/theirs")
        logs = LogBucket("logs", LogBucketArgs(use="their-logs"))
        bucket = SecureBucket("storage", BucketArgs(use="their-data"), key=key, logs=logs)
        pulumi.export("policy", pulumi.Output.json_dumps(bucket.read_write_statements()))
        policies.extend(logs.ready)

    recording = run(program, unknown=True)
    assert ([r.type for r in recording.registrations if r.custom], policies) == ([], [])
    outputs = {r.name: r.outputs for r in recording.registrations}
    assert outputs["logs"] == {"name": "their-logs", "arn": "arn:aws:s3:::their-logs"}
    assert outputs["storage"] == {
        "name": "their-data",
        "arn": "arn:aws:s3:::their-data",
        "domain_name": "their-data.s3.eu-west-1.amazonaws.com",
    }
    assert '"arn:aws:s3:::their-data/*"' in recording.outputs["policy"]


def test_a_bucket_of_others_keeps_its_policy():
    def program():
        key = EncryptionKey("key")
        SecureBucket(
            "storage", BucketArgs(use="theirs"), key=key, logs=LogBucket("logs"), statements=({"Sid": "Mine"},)
        )

    with pytest.raises(ValueError, match="storage: a bucket that is only used keeps its policy"):
        run(program)


# -- import ------------------------------------------------------------------------------------------------------------


def test_what_is_imported_says_so_and_nothing_else_does():
    def program():
        security = Security("security", SecurityArgs(import_id={"data": KEY_ID}))
        args = NetworkArgs(
            zones=ZONES,
            cidr=existing.VPC_CIDR,
            import_id=existing.VPC_ID,
            import_internet_gateway_id=existing.INTERNET_GATEWAY_ID,
        )
        Network("network", args, logs_key=security.logs)
        logs = LogBucket("logs", LogBucketArgs(bucket_name="old-logs", import_id="old-logs"))
        SecureBucket("storage", BucketArgs(bucket_name="old", import_id="old"), key=security.data, logs=logs)
        Dns("dns", DnsArgs(zone="example.com", domain="example.com", create_zone=True, import_id="Z0123456789"))

    recording = run(program)
    imported = {
        f"{r.type.split(':')[-1]} {r.name}": r.options["import"]
        for r in recording.registrations
        if "import" in r.options
    }
    assert imported == {
        "Key security-data": KEY_ID,
        "Vpc network": existing.VPC_ID,
        "InternetGateway network": existing.INTERNET_GATEWAY_ID,
        "Bucket logs": "old-logs",
        "Bucket storage": "old",
        "Zone dns": "Z0123456789",
    }
    assert one(recording, "s3/bucket:Bucket", "storage").inputs["bucket"] == "old"
    policy = one(recording, "s3/bucketPolicy:BucketPolicy", "logs").inputs["policy"]
    assert "arn:aws:s3:::old-logs/" in policy
    assert "platform-test-logs" not in policy


@pytest.mark.parametrize(
    ("args", "given", "reason"),
    [
        (BucketArgs, {"import_id": "old"}, "must be old, the bucket that is imported: it keeps its name"),
        (BucketArgs, {"use": "theirs", "expiration_days": 3}, "contradicts `use`"),
        (BucketArgs, {"use": "with.dots"}, "match pattern"),
        (SecurityArgs, {"use": {"data": "alias/aws/s3"}}, "is AWS's own key"),
        (SecurityArgs, {"use": {"data": "alias/a"}, "import_id": {"data": KEY_ID}}, "contradicts `use`"),
        (SecurityArgs, {"import_id": {"data": "alias/a"}}, "match pattern"),
        (DnsArgs, {"zone": "example.com", "domain": "example.com", "import_id": "Z1"}, "must be true"),
        (
            NetworkArgs,
            {"zones": ZONES, "import_internet_gateway_id": existing.INTERNET_GATEWAY_ID},
            "goes with import_id",
        ),
    ],
)
def test_what_an_import_can_not_mean_is_refused(args, given, reason):
    with pytest.raises(ValidationError, match=reason):
        args.model_validate(given)
