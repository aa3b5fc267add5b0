"""What the internet reaches."""

from __future__ import annotations

from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import Made, case, res
from tests.policy.cases.beanstalk import DOOR, INNER, INSTANCES, NETWORK, doubtful, environment, in_vpc
from tests.policy.cases.eks import MANAGED
from tests.policy.cases.exposure import (
    CLIENTS,
    CLOSED,
    GATEWAY,
    MEMBERS,
    OPEN,
    PLACES,
    WEB,
    WORLD,
    configured,
    group,
    grouped,
    guarded,
    ingress_rule,
    open_to,
    placed,
    private,
    public,
    rule,
    scaled,
    subnet,
    unclear,
)

IPV6 = {"ipv6CidrBlock": "::/0", "gatewayId": GATEWAY}
IPV4 = {"cidrBlock": WORLD, "gatewayId": GATEWAY}
OPEN_IPV6 = group(open_to("::/0"), name="open")
BOTH = group(open_to(WORLD, "::/0"), name="open")
# A subnet to which IPv6 alone is routed: what admits IPv4 isn't reached.
ROUTED_IPV6 = subnet(IPV6)
BY_LIST = subnet({"destinationPrefixListId": "pl-0123", "gatewayId": GATEWAY})


def prefixes(*cidrs: object) -> Made:
    listed = res("ec2/managedPrefixList", "list", entries=[{"cidr": cidr} for cidr in cidrs])
    return group(open_to(prefixListIds=[listed]), name="listed")


def instance(world: list[Made], *groups: object, **props: object) -> list[Made]:
    return [res("ec2/instance", "machine", subnetId=world[0], vpcSecurityGroupIds=list(groups), **props), *world]


def attached(world: list[Made], *groups: object, key: str = "networkInterfaces") -> list[Made]:
    """An instance with a network interface of the program's."""
    interface = res("ec2/networkInterface", "interface", subnetId=world[0], securityGroups=list(groups))
    block: Any = {"networkInterfaceId": interface}
    return [res("ec2/instance", "machine", **{key: [block] if key == "networkInterfaces" else block}), *world]


def launched(*groups: object, type: str = "ec2/instance", **interface: object) -> list[Made]:
    """An instance or a group by a launch template that says where and in which groups."""
    interfaces = [{"securityGroups": list(groups), **interface}]
    template = res("ec2/launchTemplate", "template", networkInterfaces=interfaces)
    return [res(type, "machine", launchTemplate={"id": template, "version": "1"}), template]


def scale(world: list[Made], *groups: object, **props: object) -> list[Made]:
    template = res("ec2/launchTemplate", "template", vpcSecurityGroupIds=list(groups))
    return [scaled(template, vpcZoneIdentifiers=[world[0]], **props), *world]


def mixed(world: list[Made], *groups: object) -> list[Made]:
    template = res("ec2/launchTemplate", "template", vpcSecurityGroupIds=list(groups))
    policy = {"launchTemplate": {"launchTemplateSpecification": {"launchTemplateId": template}}}
    return [res("autoscaling/group", "web", vpcZoneIdentifiers=[world[0]], mixedInstancesPolicy=policy), *world]


def nodes(world: list[Made], *groups: object) -> list[Made]:
    template = res("ec2/launchTemplate", "template", vpcSecurityGroupIds=list(groups))
    return [
        res(MANAGED[0], "nodes", subnetIds=[world[0]], launchTemplate={"id": template, "version": "1"}),
        *world,
    ]


def backend(world: list[Made], *groups: object) -> list[Made]:
    """A Beanstalk environment, whose option is one text of one id."""
    return in_vpc(world, *((INSTANCES, "SecurityGroups", found) for found in groups))


def cluster(world: list[Made], **attributes: object) -> list[Made]:
    return [res("emr/cluster", "cluster", ec2Attributes={"subnetId": world[0], **attributes}), *world]


def exposed(*admitted: object, world: list[Made] | None = None) -> list[Made]:
    """A machine in a public subnet, with these security groups and one that admits the internet."""
    return instance(subnet(separate=GATEWAY) if world is None else world, OPEN, *admitted)


def admits(type: str, source: object, *more: Made) -> list[Made]:
    """A data store whose group admits the members of another."""
    store = group(open_to(start=3306, securityGroups=[source]), name="store")
    return [grouped(type, store), *more]


BASTION = group(name="bastion")
OWN = group({"protocol": "tcp", "fromPort": 3306, "toPort": 3306, "self": True}, name="own")

CASES = [
    *(
        case(
            "database-unreachable",
            type,
            ok=[
                *(placed(type, world, **{key: [OPEN]}) for world in private()),
                guarded(type, WEB),
                guarded(type, prefixes("203.0.113.0/24")),
                guarded(type, group(open_to(prefixListIds=["pl-0123"]))),
                guarded(type, CLOSED, ingress_rule(CLOSED, referencedSecurityGroupId=CLIENTS)),
                placed(type, ROUTED_IPV6, **{key: [OPEN]}),
                placed(type, subnet(IPV4), **{key: [OPEN_IPV6]}),
                # What isn't known of the way doesn't matter where the door is shut.
                *(placed(type, world, **{key: [WEB]}) for world in unclear()),
                grouped(type, WEB),
                *MEMBERS.get(type, []),
            ],
            bad=[
                *(placed(type, world, **{key: [BOTH]}) for world in public()),
                *(placed(type, world, **{key: [OPEN]}) for world in (subnet(IPV4), subnet(separate=GATEWAY), BY_LIST)),
                placed(type, ROUTED_IPV6, **{key: [OPEN_IPV6]}),
                grouped(type, OPEN),
                guarded(type, prefixes("0.0.0.0/1", "128.0.0.0/1")),
                guarded(type, CLOSED, rule(CLOSED, cidrBlocks=[WORLD])),
                guarded(type, CLOSED, ingress_rule(CLOSED, cidrIpv4=WORLD)),
                guarded(type, OPEN, ingress_rule(UNKNOWN, cidrIpv4=WORLD)),
            ],
            unknown=[
                *(placed(type, world, **{key: [OPEN]}) for world in unclear()),
                *(placed(type, world, **{key: ["sg-0123"]}) for world in unclear()),
                guarded(type, "sg-0123"),
                guarded(type, prefixes(UNKNOWN)),
                guarded(type, CLOSED, ingress_rule(UNKNOWN, cidrIpv4=WORLD)),
            ],
        )
        for type, (_, _, key) in PLACES.items()
    ),
    case(
        "machine-unreachable",
        "ec2/instance",
        ok=[
            *(instance(world, OPEN) for world in private()),
            *(instance(world, WEB) for world in (*public(), *unclear())),
            instance(ROUTED_IPV6, OPEN),
            attached(subnet(), OPEN),
            attached(subnet(separate=GATEWAY), WEB),
            [*launched(OPEN, subnetId=(PRIVATE := subnet())[0]), *PRIVATE],
            res("ec2/instance", "machine"),
        ],
        bad=[
            *(instance(world, BOTH) for world in public()),
            instance(subnet(separate=GATEWAY), WEB, OPEN),
            instance(subnet(separate=GATEWAY), "sg-0123", OPEN),
            instance(ROUTED_IPV6, OPEN_IPV6),
            [*instance(ROUTED_IPV6, CLOSED), ingress_rule(CLOSED, cidrIpv6="::/0")],
            attached(subnet(separate=GATEWAY), OPEN),
            attached(subnet(separate=GATEWAY), OPEN, key="primaryNetworkInterface"),
            [*launched(OPEN, subnetId=(PUBLIC := subnet(separate=GATEWAY))[0]), *PUBLIC],
            launched(OPEN),
            res("ec2/instance", "machine", vpcSecurityGroupIds=[OPEN]),
        ],
        unknown=[
            *(instance(world, OPEN) for world in unclear()),
            instance(subnet(separate=GATEWAY), "sg-0123"),
            launched(UNKNOWN),
            launched(OPEN, subnetId="subnet-0123"),
            res("ec2/instance", "machine", launchTemplate={"id": "lt-0123"}),
            res("ec2/instance", "machine", vpcSecurityGroupIds=UNKNOWN),
        ],
    ),
    case(
        "machine-unreachable",
        "autoscaling/group",
        ok=[
            *(scale(world, OPEN) for world in private()),
            *(scale(world, WEB, targetGroupArns=["arn"]) for world in public()),
            scale(subnet(separate=GATEWAY), WEB),
            mixed(subnet(), OPEN),
        ],
        bad=[
            scale(subnet(separate=GATEWAY), OPEN),
            scale(subnet(separate=GATEWAY), OPEN, targetGroupArns=["arn"]),
            mixed(subnet(separate=GATEWAY), OPEN),
            scaled(res("ec2/launchTemplate", "template", vpcSecurityGroupIds=[OPEN])),
            [
                res("autoscaling/group", "web", launchConfiguration=configured(OPEN), vpcZoneIdentifiers=[PUBLIC[0]]),
                *PUBLIC,
            ],
        ],
        unknown=[
            *(scale(world, OPEN) for world in unclear()),
            scale(subnet(separate=GATEWAY), UNKNOWN),
            [
                res("autoscaling/group", "web", launchTemplate={"id": "lt-0123"}, vpcZoneIdentifiers=[PUBLIC[0]]),
                *PUBLIC,
            ],
        ],
    ),
    case(
        "machine-unreachable",
        MANAGED[0],
        ok=[
            *(nodes(world, OPEN) for world in private()),
            nodes(subnet(separate=GATEWAY), WEB),
            [res(MANAGED[0], "nodes", subnetIds=[PUBLIC[0]]), *PUBLIC],
        ],
        bad=[nodes(subnet(separate=GATEWAY), OPEN), nodes(subnet(separate=GATEWAY), "sg-0123", OPEN)],
        unknown=[*(nodes(world, OPEN) for world in unclear()), nodes(subnet(separate=GATEWAY), "sg-0123")],
    ),
    case(
        "machine-unreachable",
        "elasticbeanstalk/environment",
        ok=[
            *(backend(world, DOOR) for world in private()),
            backend(subnet(separate=GATEWAY), INNER),
            backend(subnet(separate=GATEWAY)),
            environment(),
        ],
        bad=[backend(subnet(separate=GATEWAY), DOOR), environment((INSTANCES, "SecurityGroups", DOOR))],
        unknown=[
            *doubtful(),
            *(backend(world, DOOR) for world in unclear()),
            backend(subnet(separate=GATEWAY), "sg-0123"),
            environment((NETWORK, "Subnets", UNKNOWN), (INSTANCES, "SecurityGroups", DOOR)),
        ],
    ),
    case(
        "machine-unreachable",
        "emr/cluster",
        ok=[
            *(cluster(world, emrManagedMasterSecurityGroup=OPEN) for world in private()),
            cluster(subnet(separate=GATEWAY), emrManagedMasterSecurityGroup=WEB),
            cluster(subnet(separate=GATEWAY)),
        ],
        bad=[
            cluster(subnet(separate=GATEWAY), emrManagedMasterSecurityGroup=WEB, emrManagedSlaveSecurityGroup=OPEN),
            cluster(subnet(separate=GATEWAY), additionalMasterSecurityGroups=OPEN),
            cluster(subnet(separate=GATEWAY), serviceAccessSecurityGroup=OPEN),
            res("emr/cluster", "cluster", ec2Attributes={"emrManagedMasterSecurityGroup": OPEN}),
        ],
        unknown=[
            *(cluster(world, emrManagedMasterSecurityGroup=OPEN) for world in unclear()),
            cluster(subnet(separate=GATEWAY), emrManagedMasterSecurityGroup="sg-0123"),
        ],
    ),
    *(
        case(
            "database-apart-from-exposed-machines",
            type,
            ok=[
                grouped(type, CLOSED),
                grouped(type, "sg-0123"),
                admits(type, BASTION),
                admits(type, BASTION, *instance(subnet(), OPEN, BASTION)),
                admits(type, BASTION, *instance(subnet(separate=GATEWAY), WEB, BASTION)),
                admits(type, CLIENTS, *exposed(BASTION)),
                *MEMBERS.get(type, []),
            ],
            bad=[
                admits(type, BASTION, *exposed(BASTION)),
                [grouped(type, OWN), *exposed(OWN)],
                [grouped(type, CLOSED), rule(CLOSED, sourceSecurityGroupId=BASTION), *exposed(BASTION)],
                [grouped(type, CLOSED), ingress_rule(CLOSED, referencedSecurityGroupId=BASTION), *exposed(BASTION)],
                admits(type, BASTION, *scale(subnet(separate=GATEWAY), OPEN, BASTION)),
            ],
            unknown=[
                [grouped(type, "sg-0123"), *exposed(BASTION)],
                [grouped(type, CLOSED), rule(CLOSED, sourceSecurityGroupId="sg-0123"), *exposed(BASTION)],
                [grouped(type, CLOSED), rule(UNKNOWN, sourceSecurityGroupId=BASTION), *exposed(BASTION)],
            ],
        )
        for type in PLACES
    ),
]
