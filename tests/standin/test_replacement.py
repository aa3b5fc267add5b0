"""What a change demands of AWS: a new resource or not, and whether the old one has to go first."""

import re
import sys

import pytest

from standin import aws, replacement
from tests.registered import STACKS, run_stack

ANSWERS = replacement.load()
SAYS_SO = re.compile(
    r"forces? (a )?(new|replacement|re-?creation)|new resource to be created|will (force|trigger) (a )?(new|re)", re.I
)
ONLY_SAID = {
    ("aws:ec2/subnet:Subnet", "ipv6CidrBlock"): "where assignIpv6AddressOnCreation is on, and it isn't here",
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "privateDnsEnabled"): "of Gateway endpoints, which have no private DNS",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "numNodeGroups"): "it says resizing, not replacing",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "replicasPerNodeGroup"): "it says resizing, not replacing",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "transitEncryptionEnabled"): "of Redis before 7.0.5",
    ("aws:elb/loadBalancer:LoadBalancer", "subnets"): "where all of them go at once",
    ("aws:lb/loadBalancer:LoadBalancer", "secondaryIpsAutoAssignedPerSubnet"): "newer than the provider asked, unused",
    ("aws:lb/loadBalancer:LoadBalancer", "securityGroups"): "of a Network Load Balancer without any: each has one here",
}
"""What the SDK's documentation says of a property and the provider doesn't, with the reason."""


def arguments(type_token):
    """The documentation of a type's arguments, by their names in Pulumi."""
    cls = aws.sdk_class(type_token)
    assert cls
    args = getattr(sys.modules[cls.__module__], f"{cls.__name__}Args")
    return {
        re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name): member.fget.__doc__ or ""
        for name, member in vars(args).items()
        if isinstance(member, property)
    }


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def types():
    return sorted({of.split(" ")[0] for of in ANSWERS} | replacement.BY_HAND.keys() | replacement.DELETED_FIRST.keys())


@pytest.mark.parametrize("type_token", types())
def test_what_replaces_is_an_argument_of_the_installed_class(type_token):
    paths = [path for of, paths in ANSWERS.items() if of.split(" ")[0] == type_token for path in paths]
    named = {
        path.split(".")[0].rstrip(replacement.MARKS) for path in [*paths, *replacement.BY_HAND.get(type_token, ())]
    }
    assert [name for name in sorted(named) if not aws._takes(type_token, snake(name))] == []


def test_where_the_documentation_says_more_there_is_a_reason():
    said = {
        (type_token, name)
        for type_token in types()
        for name, text in arguments(type_token).items()
        if SAYS_SO.search(" ".join(text.split())) and name not in replacement.EVERYWHERE
    }
    known = {
        (of.split(" ")[0], path.split(".")[0].rstrip(replacement.MARKS))
        for of, paths in {**ANSWERS, **replacement.BY_HAND}.items()
        for path in paths
    }
    assert said - known == ONLY_SAID.keys()


@pytest.mark.parametrize("stack", STACKS)
def test_every_type_of_the_stacks_is_answered_for(stack):
    made = {
        replacement.kind(r.type, r.inputs)
        for r in run_stack(stack).registrations
        if r.custom and not r.type.startswith("pulumi:")
    }
    assert sorted(made - ANSWERS.keys() - replacement.BY_HAND.keys()) == []


VPC, RULE = "aws:ec2/vpc:Vpc", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
GROUP, BALANCER = "aws:eks/nodeGroup:NodeGroup", "aws:lb/loadBalancer:LoadBalancer"


@pytest.mark.parametrize(
    ("type_token", "before", "after", "demanded"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16", "tags": {"a": "b"}}, {"cidrBlock"}),
        (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16", "tags": {"a": "b"}}, set()),
        (VPC, {"region": "eu-west-1"}, {"region": "eu-west-2"}, {"region"}),
        # another client of the same kind is no new rule, another kind of client is
        (RULE, {"cidrIpv4": "10.0.0.0/8"}, {"cidrIpv4": "10.0.0.0/16"}, set()),
        (RULE, {"cidrIpv4": "10.0.0.0/8"}, {"prefixListId": "pl-1"}, {"cidrIpv4", "prefixListId"}),
        # a path within a block
        (
            GROUP,
            {"launchTemplate": {"name": "a", "version": "1"}},
            {"launchTemplate": {"name": "a", "version": "2"}},
            set(),
        ),
        (GROUP, {"launchTemplate": {"name": "a"}}, {"launchTemplate": {"name": "b"}}, {"launchTemplate"}),
        (GROUP, {"launchTemplate": {"name": "a"}}, {"launchTemplate": "unknown"}, {"launchTemplate"}),
        (GROUP, {"scalingConfig": {"minSize": 1}}, {"scalingConfig": {"minSize": 2}}, set()),
        # a Network Load Balancer takes more subnets, not fewer; an Application Load Balancer either
        (
            BALANCER,
            {"loadBalancerType": "network", "subnets": ["a"]},
            {"loadBalancerType": "network", "subnets": ["a", "b"]},
            set(),
        ),
        (
            BALANCER,
            {"loadBalancerType": "network", "subnets": ["a", "b"]},
            {"loadBalancerType": "network", "subnets": ["a"]},
            {"subnets"},
        ),
        (
            BALANCER,
            {"loadBalancerType": "application", "subnets": ["a", "b"]},
            {"loadBalancerType": "application", "subnets": ["a"]},
            set(),
        ),
        ("random:index/randomPassword:RandomPassword", {"length": 20}, {"length": 30}, {"length"}),
    ],
)
def test_what_a_change_demands(type_token, before, after, demanded):
    assert replacement.demanded(type_token, before, after) == demanded


@pytest.mark.parametrize(
    ("type_token", "inputs", "first"),
    [
        ("aws:sqs/queue:Queue", {"name": "orders"}, True),
        ("aws:sqs/queue:Queue", {"name": "orders-1234567"}, False),
        ("aws:sqs/queue:Queue", {"namePrefix": "orders"}, False),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "a"}, True),
        (VPC, {"cidrBlock": "10.0.0.0/16"}, False),
    ],
)
def test_what_the_program_named_is_deleted_before_it_is_replaced(type_token, inputs, first):
    own = {"name": "orders-1234567"} if "sqs" in type_token else {}
    assert replacement.deletes_first(type_token, inputs, own) is first
