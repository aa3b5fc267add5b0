from functools import partial
from ipaddress import IPv4Network
from itertools import combinations, permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.network import NetworkArgs, Tier, subnet_cidr
from tests.components.tiers import ZONES, network
from tests.registered import counts, of, one, run, statements, waits_for

TIERS = get_args(Tier)


def by_zone(recording, tier):
    """The routes of a subnet tier, by name."""
    return {
        name: route for name, route in of(recording, "ec2/route:Route").items() if name.startswith(f"network-{tier}-")
    }


@pytest.mark.parametrize(
    ("nat", "nat_gateways", "private_routes"), [("none", 0, 0), ("single", 1, 2), ("per_zone", 2, 2)]
)
def test_counts_by_nat(nat, nat_gateways, private_routes):
    recording = run(lambda: network(nat=nat))
    expected = {
        "Alias": 1,
        "DefaultSecurityGroup": 1,
        "Eip": nat_gateways,
        "FlowLog": 1,
        "InternetGateway": 1,
        "Key": 1,
        "LogGroup": 1,
        "NatGateway": nat_gateways,
        "Role": 1,
        "RolePolicy": 1,
        "Route": 2 + private_routes,
        "RouteTable": 6,
        "RouteTableAssociation": 6,
        "Subnet": 6,
        "Vpc": 1,
        "VpcEndpoint": 2,
    }
    assert counts(recording) == {type_token: count for type_token, count in expected.items() if count}


def test_only_public_subnets_lead_to_the_internet_gateway():
    recording = run(lambda: network(nat="per_zone"))
    gateway = one(recording, "ec2/internetGateway:InternetGateway", "network")
    for name, route in by_zone(recording, "public").items():
        assert route.property_dependencies["gatewayId"] == [gateway.urn], name
    for zone in ZONES:
        route = one(recording, "ec2/route:Route", f"network-private-{zone}-internet")
        assert "gatewayId" not in route.inputs
        nat = one(recording, "ec2/natGateway:NatGateway", f"network-nat-{zone}")
        assert route.property_dependencies["natGatewayId"] == [nat.urn]
        assert waits_for(recording, nat, gateway)
    assert by_zone(recording, "isolated") == {}


def test_a_single_nat_gateway_serves_every_zone():
    recording = run(lambda: network(nat="single", zones=["eu-west-1c", "eu-west-1a"]))
    nat = one(recording, "ec2/natGateway:NatGateway", "network-nat-eu-west-1a")
    assert [r.property_dependencies["natGatewayId"] for r in by_zone(recording, "private").values()] == [[nat.urn]] * 2
    public = one(recording, "ec2/subnet:Subnet", "network-public-eu-west-1a")
    assert nat.property_dependencies["subnetId"] == [public.urn]


def test_subnets():
    recording = run(network)
    assert {name: r.inputs["cidrBlock"] for name, r in of(recording, "ec2/subnet:Subnet").items()} == {
        "network-private-eu-west-1a": "10.0.0.0/20",
        "network-public-eu-west-1a": "10.0.16.0/22",
        "network-isolated-eu-west-1a": "10.0.20.0/22",
        "network-private-eu-west-1b": "10.0.32.0/20",
        "network-public-eu-west-1b": "10.0.48.0/22",
        "network-isolated-eu-west-1b": "10.0.52.0/22",
    }
    for subnet in of(recording, "ec2/subnet:Subnet").values():
        assert subnet.inputs["mapPublicIpOnLaunch"] is False
    assert one(recording, "ec2/subnet:Subnet", "network-public-eu-west-1a").inputs["tags"] == {
        "Name": "platform-test-network-public-eu-west-1a",
        "kubernetes.io/role/elb": "1",
    }


def test_a_zone_more_changes_nothing_about_the_others():
    two, three = run(network), run(lambda: network(zones=["eu-west-1c", *ZONES]))
    before = {(r.type, r.name): r.inputs for r in two.registrations if r.type.startswith("aws:ec2/subnet")}
    after = {(r.type, r.name): r.inputs for r in three.registrations if r.type.startswith("aws:ec2/subnet")}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 3


@given(
    cidr=st.builds(
        lambda prefix, seed: f"10.{seed % 256 // (1 << max(0, 16 - prefix)) * (1 << max(0, 16 - prefix))}.0.0/{prefix}",
        st.integers(16, 21),
        st.integers(0, 255),
    ),
    letters=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=8, unique=True),
)
def test_ranges_never_overlap_and_lie_in_the_vpc(cidr, letters):
    ranges = [subnet_cidr(cidr, f"eu-west-1{letter}", tier) for letter in letters for tier in TIERS]
    assert all(one.subnet_of(IPv4Network(cidr)) and one.prefixlen <= 27 for one in ranges)
    assert not any(a.overlaps(b) for a, b in combinations(ranges, 2))


def test_the_order_of_zones_does_not_matter():
    runs = [run(partial(network, zones=list(zones), nat="single")) for zones in permutations(ZONES)]
    first, second = (
        {(r.type, r.name): r.inputs for r in each.registrations if "Endpoint" not in r.type} for each in runs
    )
    assert first == second


def test_what_starts_in_a_subnet_can_wait_for_its_ways_in_and_out():
    made = []
    recording = run(lambda: made.append(network(nat="single")))
    association, route = "ec2/routeTableAssociation:RouteTableAssociation", "ec2/route:Route"
    endpoints = {"network-s3", "network-dynamodb"}
    subnets = {tier: [f"network-{tier}-{zone}" for zone in ZONES] for tier in TIERS}
    expected = {
        "public": {*subnets["public"], *(f"{name}-internet" for name in subnets["public"]), *endpoints},
        "private": {*subnets["private"], *(f"{name}-internet" for name in subnets["private"]), *endpoints},
        "isolated": {*subnets["isolated"], *endpoints},
    }
    assert {tier: {r._name for r in getattr(made[0], tier).routes} for tier in TIERS} == expected
    assert {*of(recording, association), *of(recording, route), *endpoints} == set().union(*expected.values())


def test_what_starts_in_a_private_subnet_can_wait_for_its_interface_endpoints():
    made = []
    run(lambda: made.append(network(nat="none", interface_endpoints=["ssm"])))
    associations = {tier: {f"network-{tier}-{zone}" for zone in ZONES} for tier in TIERS}
    routes = {tier: {r._name for r in getattr(made[0], tier).routes} - associations[tier] for tier in TIERS}
    gateways = {"network-s3", "network-dynamodb"}
    assert routes["private"] == {"network-ssm", "network-endpoints-https", *gateways}
    assert routes["isolated"] == gateways
    assert "network-ssm" not in routes["public"]


def test_default_security_group_is_locked():
    inputs = one(run(network), "ec2/defaultSecurityGroup:DefaultSecurityGroup", "network-default").inputs
    assert inputs.get("ingress", []) == []
    assert inputs.get("egress", []) == []


def test_endpoints():
    recording = run(lambda: network(interface_endpoints=["ssm", "ecr.api"]))
    endpoints = of(recording, "ec2/vpcEndpoint:VpcEndpoint")
    assert {name: (r.inputs["vpcEndpointType"], r.inputs["serviceName"]) for name, r in endpoints.items()} == {
        "network-s3": ("Gateway", "com.amazonaws.eu-west-1.s3"),
        "network-dynamodb": ("Gateway", "com.amazonaws.eu-west-1.dynamodb"),
        "network-ssm": ("Interface", "com.amazonaws.eu-west-1.ssm"),
        "network-ecr.api": ("Interface", "com.amazonaws.eu-west-1.ecr.api"),
    }
    assert len(endpoints["network-s3"].inputs["routeTableIds"]) == 6
    private = [one(recording, "ec2/subnet:Subnet", f"network-private-{zone}").urn for zone in ZONES]
    assert sorted(endpoints["network-ssm"].property_dependencies["subnetIds"]) == private
    assert endpoints["network-ssm"].inputs["privateDnsEnabled"] is True
    rule = one(recording, "vpc/securityGroupIngressRule:SecurityGroupIngressRule", "network-endpoints-https")
    assert (rule.inputs["cidrIpv4"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("10.0.0.0/16", 443, 443)


def test_flow_logs():
    recording = run(network)
    flow_log = one(recording, "ec2/flowLog:FlowLog", "network-flow-logs")
    assert flow_log.inputs["trafficType"] == "ALL"
    group = one(recording, "cloudwatch/logGroup:LogGroup", "network-flow-logs")
    assert group.inputs["name"] == "/platform/test/network-flow-logs"
    assert group.inputs["retentionInDays"] == 365
    assert group.property_dependencies["kmsKeyId"] == [one(recording, "kms/key:Key", "network-key").urn]
    policy = one(recording, "iam/rolePolicy:RolePolicy", "network-flow-logs")
    assert waits_for(recording, flow_log, policy)
    assert statements(policy.inputs["policy"])[0]["Resource"] == (
        "arn:aws:logs:eu-west-1:123456789012:log-group:/platform/test/network-flow-logs:*"
    )


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"cidr": "8.8.0.0/16"}, "cidr", "private range"),
        ({"cidr": "10.0.0.0/8"}, "cidr", "/16"),
        ({"cidr": "10.0.0.0/22"}, "cidr", "/16"),
        ({"cidr": "10.0.0.1/16"}, "cidr", "host bits"),
        ({"cidr": "ten"}, "cidr", "4 octets"),
        ({"zones": ["eu-west-1a"]}, "zones", "at least 2"),
        ({"zones": ["eu-west-1a", "eu-west-1a"]}, "zones", "named twice"),
        ({"zones": ["eu-west-1a", "us-east-1b"]}, "zones", "one region"),
        ({"zones": ["eu-west-1a", "eu-west-1z"]}, "zones", "pattern"),
        ({"nat": "two"}, "nat", "'none'"),
        ({"interface_endpoints": ["ssm", "ssm"]}, "interface_endpoints", "named twice"),
        ({"flow_log_retention_days": 31}, "flow_log_retention_days", "1, 3, 5"),
        ({"flow_log_interval_seconds": 61}, "flow_log_interval_seconds", "60 or 600"),
    ],
)
def test_bad_arguments(changes, path, reason):
    with pytest.raises(ValidationError) as wrong:
        NetworkArgs.model_validate({"zones": ZONES} | changes)
    (error,) = wrong.value.errors()
    assert error["loc"][0] == path
    assert reason in error["msg"]


def test_who_starts_what_in_which_subnets_is_read_from_tags():
    recording = run(network)
    marks = {
        name.split("-")[1]: {key for key in subnet.inputs["tags"] if key != "Name"}
        for name, subnet in of(recording, "ec2/subnet:Subnet").items()
    }
    assert marks == {
        "public": {"kubernetes.io/role/elb"},
        "private": {"kubernetes.io/role/internal-elb", "for-use-with-amazon-emr-managed-policies"},
        "isolated": set(),
    }
