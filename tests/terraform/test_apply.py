"""Terraform applies the export to a simulated AWS, which is then asked what stands there; nothing is left after it.

In CI a part of dev; with TERRAFORM_APPLY=whole (`make conformance-apply`) both stacks, with all that moto can hold.
"""

import os
from types import SimpleNamespace
from typing import Any

import pytest

from terraform import conformance, simulated
from tests.registered import ROOT, STACKS

PART: dict[str, dict[str, Any]] = {
    "tiers": {"web": False, "database": False},
    "edge": {"cdn": False},
    "load_balancing": {"classic": {}},
}
WHOLE = os.environ.get("TERRAFORM_APPLY") == "whole"
SCOPES = {"dev": None, "prod": None} if WHOLE else {"dev": PART}
TIERS = {"dev": "public", "prod": "private"}  # where the web tier stands


@pytest.fixture(scope="module", params=SCOPES)
def applied(request, terraform, tmp_path_factory):
    stack, sections = request.param, SCOPES[request.param]
    export = conformance.holdable(conformance.export(ROOT, stack, sections))
    root = conformance.root(export, tmp_path_factory.mktemp(stack), unprotected=True)
    region = export.region
    with simulated.server() as address:
        simulated.seed(export, address)
        done = conformance.apply(root, address)

        def ask(service, region=region):
            return simulated.client(service, address, region)

        yield SimpleNamespace(stack=stack, export=export, root=root, address=address, done=done, ask=ask)


def test_all_is_made_and_stays_as_it_is_but_what_the_list_says(applied):
    conformance.plan(applied.root, applied.address)
    again = conformance.changes(conformance.planned(applied.root))
    assert conformance.unexpected(applied.export, applied.done, again, whole=WHOLE) == []
    unmade = set(applied.export.addresses.values()) - applied.done.standing
    assert unmade == set(applied.done.failed)  # nothing else waits for them


def test_moto_still_gives_every_database_one_and_the_same_id(terraform):
    """Why replicas are left out: with two ids for two databases, they needn't be."""
    with simulated.server() as address:
        rds = simulated.client("rds", address, "eu-west-1")
        for name in ("one", "two"):
            rds.create_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t4g.medium", Engine="mysql")
        assert len({i["DbiResourceId"] for i in rds.describe_db_instances()["DBInstances"]}) == 1


def test_what_is_left_out_is_in_a_stack(terraform):
    there = {a for stack in STACKS for a in conformance.export(ROOT, stack).addresses.values()}
    assert set(conformance.listed("not-simulated")["left_out"]) <= there


def subnets(applied):
    """Subnet id -> its tier, by its name."""
    described = applied.ask("ec2").describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["platform-*"]}])["Subnets"]
    names = {s["SubnetId"]: next(t["Value"] for t in s["Tags"] if t["Key"] == "Name") for s in described}
    return {subnet: name.split("-")[3] for subnet, name in names.items()}


def test_only_public_subnets_have_a_route_to_the_internet_gateway(applied):
    tables = applied.ask("ec2").describe_route_tables()["RouteTables"]
    ways: dict[str, set[str]] = {}
    for table in tables:
        for association in table["Associations"]:
            if association.get("SubnetId") in subnets(applied):
                tier = subnets(applied)[association["SubnetId"]]
                ways.setdefault(tier, set()).update(
                    "internet" if route.get("GatewayId", "").startswith("igw-") else "nat"
                    for route in table["Routes"]
                    if route.get("DestinationCidrBlock") == "0.0.0.0/0"
                )
    assert ways == {"public": {"internet"}, "private": {"nat"}, "isolated": set()}


def test_where_the_load_balancers_stand(applied):
    balancers = applied.ask("elbv2").describe_load_balancers()["LoadBalancers"]
    standing = {
        b["Type"]: (
            b.get("Scheme", "internet-facing"),
            {subnets(applied)[zone["SubnetId"]] for zone in b["AvailabilityZones"]},
        )
        for b in balancers
    }
    internal = applied.export.files["main.tf.json"]["resource"]["aws_lb"]["alb"]["internal"]
    application = ("internal", {"private"}) if internal else ("internet-facing", {"public"})
    assert standing == {"application": application, "network": ("internal", {"private"})}


def test_the_world_reaches_https_alone_and_what_redirects_to_it(applied):
    open_ports = {
        rule["FromPort"]
        for group in applied.ask("ec2").describe_security_groups()["SecurityGroups"]
        for rule in group["IpPermissions"]
        if any(range_["CidrIp"] == "0.0.0.0/0" for range_ in rule["IpRanges"])
    }
    behind_cloudfront = "aws_cloudfront_distribution" in applied.export.files["main.tf.json"]["resource"]
    assert open_ports == (set() if behind_cloudfront else {80, 443})
    elb = applied.ask("elbv2")
    listeners = [
        listener
        for balancer in elb.describe_load_balancers()["LoadBalancers"]
        for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    ]
    plain = [listener for listener in listeners if listener["Protocol"] not in ("HTTPS", "TLS")]
    assert [listener["DefaultActions"][0]["Type"] for listener in plain] == ["redirect"] * (not behind_cloudfront)
    assert len(listeners) > len(plain)


def test_the_default_security_group_admits_nothing(applied):
    ec2 = applied.ask("ec2")
    (vpc,) = {s["VpcId"] for s in ec2.describe_subnets(SubnetIds=list(subnets(applied)))["Subnets"]}
    (default,) = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])


def keys(applied, region):
    """ARN -> alias of each key."""
    kms = applied.ask("kms", region)
    aliases = {a["TargetKeyId"]: a["AliasName"] for a in kms.list_aliases()["Aliases"] if "TargetKeyId" in a}
    return {k["KeyArn"]: aliases.get(k["KeyId"]) for k in kms.list_keys()["Keys"]}


def test_what_is_encrypted_by_which_key(applied):
    stack = applied.stack
    aliases = keys(applied, applied.export.region)
    groups = applied.ask("logs").describe_log_groups()["logGroups"]
    assert groups
    here = {aliases[g["kmsKeyId"]] for g in groups if g["kmsKeyId"] in aliases}
    # CloudFront's own logs lie in us-east-1, which is dev's region too, under a key of that region.
    assert here - {f"alias/platform-{stack}-edge-cdn-logs"} == {f"alias/platform-{stack}-security-logs"}
    s3 = applied.ask("s3")
    found = {}
    for bucket in s3.list_buckets()["Buckets"]:
        (rule,) = s3.get_bucket_encryption(Bucket=bucket["Name"])["ServerSideEncryptionConfiguration"]["Rules"]
        default = rule["ApplyServerSideEncryptionByDefault"]
        found[bucket["Name"].split("-")[2]] = aliases.get(default.get("KMSMasterKeyID"), default["SSEAlgorithm"])
        assert s3.get_bucket_versioning(Bucket=bucket["Name"])["Status"] == "Enabled"
        assert set(s3.get_public_access_block(Bucket=bucket["Name"])["PublicAccessBlockConfiguration"].values()) == {
            True
        }
    assert found == {"logs": "AES256", "storage": f"alias/platform-{stack}-security-data"}


def test_policies_have_become_what_aws_reads(applied):
    """Account, partition and region are in them, and nothing of a template is left."""
    kms = applied.ask("kms")
    for arn, alias in keys(applied, applied.export.region).items():
        if alias and "platform" in alias:
            policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
            assert '"arn:aws:iam::123456789012:root"' in policy
            assert "${" not in policy


def test_tiers_stand_in_their_subnets(applied):
    resources = applied.export.files["main.tf.json"]["resource"]
    if "aws_db_instance" in resources:
        groups = applied.ask("rds").describe_db_subnet_groups()["DBSubnetGroups"]
        assert {subnets(applied)[s["SubnetIdentifier"]] for g in groups for s in g["Subnets"]} == {"isolated"}
        for instance in applied.ask("rds").describe_db_instances()["DBInstances"]:
            assert (instance["StorageEncrypted"], instance["PubliclyAccessible"]) == (True, False)
    if "aws_autoscaling_group" in resources:
        (group,) = applied.ask("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        tiers = {subnets(applied)[subnet] for subnet in group["VPCZoneIdentifier"].split(",")}
        assert tiers == {TIERS[applied.stack]}


def test_zz_destroy_leaves_nothing(applied):
    """The last of this module."""
    assert conformance.destroy(applied.root, applied.address) == []
    assert applied.ask("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert applied.ask("s3").list_buckets()["Buckets"] == []
    assert subnets(applied) == {}
    assert applied.ask("logs").describe_log_groups()["logGroups"] == []
