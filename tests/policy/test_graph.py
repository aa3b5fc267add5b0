"""How references are followed, and how doubt travels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policy.graph import (
    UNKNOWN,
    Graph,
    Resource,
    Unknown,
    each,
    get,
    given,
    items,
    peek,
    short_type,
    some,
    strings,
    yes,
)
from tests.policy.build import graph, res, resources

VPC = res("ec2/vpc", "vpc")
A = res("ec2/subnet", "a", vpcId=VPC)
B = res("ec2/subnet", "b", vpcId=VPC)


@pytest.mark.parametrize(
    ("token", "short"),
    [
        ("aws:lb/loadBalancer:LoadBalancer", "lb/loadBalancer"),
        ("aws:alb/loadBalancer:LoadBalancer", "lb/loadBalancer"),
        ("aws:applicationloadbalancing/listener:Listener", "lb/listener"),
        ("aws:elasticloadbalancing/loadBalancer:LoadBalancer", "elb/loadBalancer"),
        ("aws:s3/bucketV2:BucketV2", "s3/bucket"),
        ("aws:s3/bucket:Bucket", "s3/bucket"),
        ("aws:kinesisanalyticsv2/application:Application", "kinesisanalyticsv2/application"),
        ("eks:index:Cluster", "eks:index:Cluster"),
        ("pulumi:providers:aws", "pulumi:providers:aws"),
    ],
)
def test_short_type(token: str, short: str) -> None:
    assert short_type(token) == short


def test_reading() -> None:
    value = {"a": {"b": [{"c": 1}], "u": UNKNOWN}, "list": [1, UNKNOWN], "flag": "true", "empty": [], "text": "x"}
    assert get(value, "a.b.c") == 1
    assert get(value, "a.missing.c") is None
    assert get(value, "empty.c") is None
    assert peek(value, "a.u.deeper") is UNKNOWN
    assert list(items(value, "list")) == [1, UNKNOWN]
    assert list(items(value, "missing")) == []
    assert list(strings({"list": ["x"]}, "list")) == ["x"]
    assert yes(value, "flag")
    assert (given(value, "a.u"), given(value, "empty"), given(value, "missing.deeper")) == (True, False, False)
    for unclear in ("a.u", "a.u.deeper", "text.deeper"):
        with pytest.raises(Unknown):
            get(value, unclear)
    with pytest.raises(Unknown):
        given(value, "a.u.deeper")
    with pytest.raises(Unknown):
        bool(UNKNOWN)


def test_each_goes_on_after_a_doubt() -> None:
    def judge(item: object) -> Iterator[object]:
        if item is UNKNOWN:
            raise Unknown("it")
        yield item

    judged = each([1, UNKNOWN, 2], judge)
    assert (next(judged), next(judged)) == (1, 2)
    with pytest.raises(Unknown):
        next(judged)


def test_some_is_sure_of_a_yes_and_never_of_a_no_in_doubt() -> None:
    def holds(item: object) -> bool:
        return item is True or bool(item)

    assert some([False, UNKNOWN, True], holds)
    assert not some([False], holds)
    with pytest.raises(Unknown):
        some([False, UNKNOWN], holds)


def targets(found: Graph, name: str) -> tuple[list[str], bool]:
    """What the subnet group refers to, and whether that is all for sure."""
    named = []
    (group,) = found.of_type("rds/subnetGroup")
    try:
        for target in found.targets(group, "subnetIds", "ec2/subnet"):
            named.append(target.name)
    except Unknown:
        return named, False
    return named, True


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([A, B], (["a", "b"], True)),
        ([A], (["a"], True)),
        ([], ([], True)),
        ([A, "subnet-by-hand"], (["a"], False)),
        ([A, UNKNOWN], (["a"], False)),
        (["subnet-by-hand"], ([], False)),
        (UNKNOWN, ([], False)),
        ([VPC], ([], False)),
    ],
)
def test_targets(value: object, expected: tuple[list[str], bool], known: bool) -> None:
    found = graph(res("rds/subnetGroup", "group", subnetIds=value), known=known)
    assert targets(found, "group") == expected


def test_known_ids_count_more_than_dependencies() -> None:
    """An output may depend on more than it holds."""
    group, a, vpc, b = resources(res("rds/subnetGroup", "group", subnetIds=[A]), B, known=True)
    wide = Resource(group.urn, group.type, group.name, group.props, property_dependencies={"subnetIds": [a.urn, b.urn]})
    assert targets(Graph([wide, a, b, vpc]), "group") == (["a"], True)


def test_a_known_value_may_mean_a_dependency_that_has_no_id_yet() -> None:
    """As an ARN does that the program puts together from a name."""
    group, a, vpc = resources(res("rds/subnetGroup", "group", subnetIds=[A]), known=False)
    spelled = Resource(group.urn, group.type, group.name, {"subnetIds": ["spelled-out"]}, None, {"subnetIds": [a.urn]})
    assert targets(Graph([spelled, a, vpc]), "group") == (["a"], True)
    made = Resource(a.urn, a.type, a.name, {"id": "subnet-1"})
    assert targets(Graph([spelled, made, vpc]), "group") == ([], False)


def test_referrers_doubt_what_may_refer_to_the_target() -> None:
    def associations(subnet: object) -> tuple[list[str], bool]:
        found = graph(A, res("ec2/routeTableAssociation", "association", subnetId=subnet))
        named = []
        try:
            for referrer in found.referrers(found.of_type("ec2/subnet")[0], "ec2/routeTableAssociation", "subnetId"):
                named.append(referrer.name)
        except Unknown:
            return named, False
        return named, True

    assert associations(A) == (["association"], True)
    assert associations(UNKNOWN) == ([], False)
    assert associations("subnet-by-hand") == ([], True)
    assert associations(B) == ([], True)
    assert associations(VPC) == ([], False)  # looked up in the VPC: it may be any of its subnets


def test_region_is_the_resources_own_then_the_providers_then_the_stacks() -> None:
    provider = res("pulumi:providers:aws", "virginia", region="us-east-1")
    reference = f"{provider.urn}::0123"

    def region(stack: str | None, **props: object) -> str:
        found = graph(res("ec2/vpc", "vpc", **props), provider, region=stack)
        return found.region(found.of_type("ec2/vpc")[0])

    assert region("eu-west-1", region="eu-north-1", provider=reference) == "eu-north-1"
    assert region("eu-west-1", provider=reference) == "us-east-1"
    assert region("eu-west-1") == "eu-west-1"
    for doubtful in ({"region": UNKNOWN}, {}):
        with pytest.raises(Unknown):
            region(None, **doubtful)
