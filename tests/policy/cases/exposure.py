from __future__ import annotations

from policy.graph import UNKNOWN
from tests.policy.build import Made, Ref, World, arn, case, name, output, res

VPC = res("ec2/vpc", "vpc")
GATEWAY = res("ec2/internetGateway", "gateway", vpcId=VPC)
NAT = res("ec2/natGateway", "nat")
VPN = res("ec2/vpnGateway", "vpn")


def subnet(*routes: object, separate: object = None, associated: bool = True, **props: object) -> list[Made]:
    """A subnet with its association: `routes` are inline, `separate` is the gateway of a route of its own."""
    made = res("ec2/subnet", "subnet", vpcId=VPC, **props)
    table = res("ec2/routeTable", "table", vpcId=VPC, **({"routes": list(routes)} if routes else {}))
    found = [made]
    if associated:
        found.append(res("ec2/routeTableAssociation", "association", subnetId=made, routeTableId=table))
    if separate is not None:
        found.append(
            res("ec2/route", "route", routeTableId=table, destinationCidrBlock="0.0.0.0/0", gatewayId=separate)
        )
    return found


def main_table(kind: str, gateway: object) -> list[Made]:
    """A subnet without an association, in a VPC whose main table is changed in one of the three ways there are."""
    made = res("ec2/subnet", "subnet", vpcId=VPC)
    route = {"cidrBlock": "0.0.0.0/0", "gatewayId": gateway}
    if kind == "default":
        own = output(VPC, "defaultRouteTableId")
        return [made, res("ec2/defaultRouteTable", "main", defaultRouteTableId=own, routes=[route])]
    if kind == "association":
        table = res("ec2/routeTable", "main", vpcId=VPC, routes=[route])
        return [made, res("ec2/mainRouteTableAssociation", "main", vpcId=VPC, routeTableId=table)]
    return [made, res("ec2/route", "main", routeTableId=output(VPC, "mainRouteTableId"), gatewayId=gateway)]


def private() -> list[list[Made]]:
    return [
        subnet(),
        subnet({"cidrBlock": "0.0.0.0/0", "natGatewayId": NAT, "gatewayId": ""}),
        subnet({"cidrBlock": "10.0.0.0/8", "gatewayId": VPN}),
        subnet(separate=VPN),
        subnet(associated=False),
        main_table("route", VPN),
    ]


def public() -> list[list[Made]]:
    return [
        subnet({"cidrBlock": "0.0.0.0/0", "gatewayId": GATEWAY}),
        subnet({"cidrBlock": "10.0.0.0/8", "natGatewayId": NAT}, {"ipv6CidrBlock": "::/0", "gatewayId": GATEWAY}),
        subnet({"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0123"}),
        subnet(separate=GATEWAY),
        subnet(separate="igw-0123"),
        main_table("default", GATEWAY),
        main_table("association", GATEWAY),
        main_table("route", GATEWAY),
        # What isn't known of one route doesn't hide another.
        subnet({"gatewayId": UNKNOWN}, separate=GATEWAY),
        [*subnet(separate=GATEWAY), res("ec2/route", "other", routeTableId=UNKNOWN, gatewayId=UNKNOWN)],
    ]


def unclear() -> list[list[Made]]:
    made = res("ec2/subnet", "subnet", vpcId=VPC)
    return [
        subnet(separate=UNKNOWN),
        subnet({"gatewayId": UNKNOWN}),
        [*subnet(), res("ec2/route", "other", routeTableId=UNKNOWN, gatewayId=GATEWAY)],
        [made, res("ec2/routeTableAssociation", "other", subnetId=UNKNOWN, routeTableId=UNKNOWN)],
        [made, res("ec2/routeTableAssociation", "other", subnetId=made, routeTableId="rtb-0123")],
        [res("ec2/subnet", "subnet", vpcId="vpc-0123")],
    ]


# How a data store names its subnets and its security groups.
PLACES = {
    "rds/instance": ("dbSubnetGroupName", "rds/subnetGroup", "vpcSecurityGroupIds"),
    "rds/cluster": ("dbSubnetGroupName", "rds/subnetGroup", "vpcSecurityGroupIds"),
    "elasticache/replicationGroup": ("subnetGroupName", "elasticache/subnetGroup", "securityGroupIds"),
    "elasticache/cluster": ("subnetGroupName", "elasticache/subnetGroup", "securityGroupIds"),
}
# What another speaks for.
MEMBERS: dict[str, list[World]] = {
    "elasticache/cluster": [res("elasticache/cluster", "member", replicationGroupId="cache")]
}


def placed(type: str, world: list[Made], **props: object) -> list[Made]:
    key, kind, _ = PLACES[type]
    return [res(type, "db", **{key: name(res(kind, "group", subnetIds=[world[0]]))}, **props), *world[1:]]


def grouped(type: str, *groups: object) -> Made:
    """A data store with security groups."""
    return res(type, "db", **{PLACES[type][2]: list(groups)})


def group(*ingress: object, name: str = "group", **props: object) -> Made:
    return res("ec2/securityGroup", name, **({"ingress": list(ingress)} if ingress else {}), **props)


def open_to(*cidrs: object, start: int = 443, end: int | None = None, **props: object) -> dict[str, object]:
    return {
        "protocol": "tcp",
        "fromPort": start,
        "toPort": start if end is None else end,
        "cidrBlocks": [c for c in cidrs if c is UNKNOWN or (isinstance(c, str) and ":" not in c)],
        "ipv6CidrBlocks": [c for c in cidrs if isinstance(c, str) and ":" in c],
        **props,
    }


def rule(security_group: object, **props: object) -> Made:
    given = {"fromPort": 443, "toPort": 443, "protocol": "tcp", "type": "ingress", **props}
    return res("ec2/securityGroupRule", "rule", securityGroupId=security_group, **given)


def ingress_rule(security_group: object, **props: object) -> Made:
    given = {"fromPort": 443, "toPort": 443, "ipProtocol": "tcp", **props}
    return res("vpc/securityGroupIngressRule", "rule", securityGroupId=security_group, **given)


def egress_rule(**props: object) -> Made:
    given = {"ipProtocol": "-1", "cidrIpv4": WORLD, **props}
    return res("vpc/securityGroupEgressRule", "rule", securityGroupId=CLOSED, **given)


def guarded(type: str, security_group: object, *more: Made) -> list[Made]:
    """A database in a public subnet, behind a security group."""
    world = subnet(separate=GATEWAY)
    return [*placed(type, world, **{PLACES[type][2]: [security_group]}), *more]


WORLD = "0.0.0.0/0"
CLIENTS = group(name="clients")
CLOSED = group(name="closed")


EVERYTHING: dict[str, object] = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": [WORLD]}
EVERYTHING_INSIDE = {**EVERYTHING, "cidrBlocks": ["10.0.0.0/8"]}


def balancer(*groups: object, type: str = "lb/loadBalancer", **props: object) -> Made:
    return res(type, "balancer", securityGroups=list(groups), **props)


def fronted(made: Made, *users: Made) -> list[Made]:
    return [made, *users]


def worldly() -> list[list[Made]]:
    """Security groups that admit the internet where they shouldn't, by an inline rule."""
    web = group(open_to(WORLD), name="web")
    mixed = group(open_to(WORLD), name="mixed")
    inner = group(open_to(WORLD), name="inner")
    ssh = group(open_to(WORLD, start=22), name="ssh")
    return [
        [group(open_to(WORLD))],
        [ssh, balancer(ssh)],
        [web, res("ec2/launchTemplate", "web", vpcSecurityGroupIds=[web])],
        [mixed, balancer(mixed), res("ec2/instance", "machine", vpcSecurityGroupIds=[mixed])],
        [inner, balancer(inner, internal=True)],
        [group(open_to("::/0"))],
        [group(open_to("0000:0:0::0/0"))],
        [group(open_to("0.0.0.0/1", "128.0.0.0/1"))],
        [group(open_to("0.0.0.0/1"))],
        [group(open_to(*(f"{i}.0.0.0/9" for i in (1, 2, 3, 4))))],
        [group(open_to("2000::/3"))],
        [group(open_to(WORLD, protocol="-1", start=0))],
        [group(open_to(WORLD, start=0, end=65535))],
        [group({"protocol": "icmp", "fromPort": -1, "toPort": -1, "cidrBlocks": [WORLD]})],
        [group(open_to(UNKNOWN, WORLD))],
        [group(UNKNOWN, open_to(WORLD))],
        [group(open_to(prefixListIds=[res("ec2/managedPrefixList", "all", entries=[{"cidr": WORLD}])]))],
    ]


def narrow() -> list[World]:
    lone = group(open_to(WORLD), name="lone")
    return [
        group(),
        group(open_to("10.0.0.0/8", "203.0.113.0/24", "fd00::/8", "2001:db8::/32")),
        group({"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}),
        group({"protocol": "tcp", "fromPort": 22, "toPort": 22, "securityGroups": [CLIENTS]}),
        group(open_to(prefixListIds=["pl-0123"])),
        group(open_to(prefixListIds=[res("ec2/managedPrefixList", "offices", entries=[{"cidr": "203.0.113.0/24"}])])),
        fronted(lone, balancer(lone)),
        fronted(lone, balancer(lone), res("ssm/parameter", "told", type="String", value=lone)),
        fronted(lone, balancer(lone, type="elb/loadBalancer"), rule(CLIENTS, sourceSecurityGroupId=lone)),
    ]


def filled(*cidrs: object) -> list[Made]:
    """A rule for a prefix list whose entries are resources of their own."""
    listed = res("ec2/managedPrefixList", "listed")
    entries = [
        res("ec2/managedPrefixListEntry", f"{number}", prefixListId=listed, cidr=cidr)
        for number, cidr in enumerate(cidrs)
    ]
    return [ingress_rule(CLOSED, prefixListId=listed), *entries]


def scaled(template: Made, **props: object) -> Made:
    return res("autoscaling/group", "web", launchTemplate={"id": template, "version": "1"}, **props)


def addressed(*groups: object, address: object = "true") -> Made:
    interfaces = [{"associatePublicIpAddress": address, "securityGroups": list(groups)}]
    return res("ec2/launchTemplate", "template", networkInterfaces=interfaces)


def configured(*groups: object) -> Made:
    return res("ec2/launchConfiguration", "template", associatePublicIpAddress=True, securityGroups=list(groups))


TARGETS = res("lb/targetGroup", "targets")
OPEN = group(open_to(WORLD), name="open")
WEB = group(open_to(securityGroups=[CLIENTS]), name="web")


def web_tier(template: Made) -> list[list[Made]]:
    registered = scaled(template, targetGroupArns=[arn(TARGETS)])
    bare = scaled(template)
    return [
        [template, registered],
        [template, scaled(template, loadBalancers=["classic"])],
        [template, bare, res("autoscaling/attachment", "a", autoscalingGroupName=name(bare), lbTargetGroupArn="arn")],
    ]


def blocked(**flags: object) -> list[Made]:
    bucket = res("s3/bucket", "data")
    given = {**dict.fromkeys(FLAGS, True), **flags}
    return [bucket, res("s3/bucketPublicAccessBlock", "block", bucket=bucket, **given)]


FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
EVERYONE = {"uri": "http://acs.amazonaws.com/groups/global/AllUsers"}


def cdn(*origins: object) -> Made:
    return res("cloudfront/distribution", "cdn", origins=list(origins))


def default_group(**props: object) -> Made:
    return res("ec2/defaultSecurityGroup", "default", vpcId=VPC, **props)


DEFAULT = default_group()
CONFIGURED = res("ec2/launchConfiguration", "template", associatePublicIpAddress=True, securityGroups=[WEB])

CASES = [
    *(
        case(
            "database-not-public",
            type,
            ok=[res(type, "db"), res(type, "db", publiclyAccessible=False)],
            bad=[res(type, "db", publiclyAccessible=True)],
            unknown=[res(type, "db", publiclyAccessible=UNKNOWN)],
        )
        for type in ("rds/instance", "rds/cluster", "rds/clusterInstance")
    ),
    *(
        case(
            "database-in-private-subnets",
            type,
            ok=[*(placed(type, world) for world in private()), *MEMBERS.get(type, [])],
            bad=[res(type, "db"), *(placed(type, world) for world in public())],
            unknown=[
                *(placed(type, world) for world in unclear()),
                res(type, "db", **{key: UNKNOWN}),
                res(type, "db", **{key: "by-hand"}),
                res(type, "db", **{key: name(res(kind, "group", subnetIds=["subnet-0123"]))}),
                res(type, "db", **{key: name(res(kind, "group", subnetIds=UNKNOWN))}),
            ],
        )
        for type, (key, kind, _) in PLACES.items()
    ),
    case(
        "database-in-private-subnets",
        "rds/instance",
        ok=[[res("rds/instance", "replica", replicateSourceDb=placed("rds/instance", subnet())[0]), *subnet()]],
        bad=[
            [
                res("rds/instance", "replica", replicateSourceDb=placed("rds/instance", subnet())[0]),
                *main_table("route", GATEWAY)[1:],
            ]
        ],
        unknown=[res("rds/instance", "replica", replicateSourceDb="arn:aws:rds:eu-west-1:123456789012:db:primary")],
    ),
    *(
        case(
            "database-ingress-by-group",
            type,
            ok=[
                grouped(type, WEB),
                [grouped(type, CLOSED), rule(CLOSED, sourceSecurityGroupId=CLIENTS)],
                [grouped(type, CLOSED), rule(CLOSED, type="egress", cidrBlocks=[WORLD])],
                [
                    grouped(type, CLOSED),
                    ingress_rule(CLOSED, referencedSecurityGroupId=CLIENTS),
                ],
                *MEMBERS.get(type, []),
            ],
            bad=[
                res(type, "db"),
                grouped(type, group(open_to("10.0.0.0/16"))),
                [grouped(type, CLOSED), rule(CLOSED, cidrBlocks=["10.0.0.0/16"])],
                [grouped(type, CLOSED), ingress_rule(CLOSED, cidrIpv4="10.0.0.0/16")],
                [grouped(type, CLOSED), ingress_rule(CLOSED, cidrIpv4=UNKNOWN)],
                [grouped(type, CLOSED), ingress_rule(CLOSED, prefixListId="pl-0123")],
                [
                    grouped(type, "sg-0123", CLOSED),
                    ingress_rule(CLOSED, cidrIpv4="10.0.0.0/16"),
                ],
            ],
            unknown=[
                grouped(type, "sg-0123"),
                grouped(type, WEB, UNKNOWN),
                res(type, "db", **{key: UNKNOWN}),
                [grouped(type, CLOSED), ingress_rule(UNKNOWN, cidrIpv4="10.0.0.0/16")],
            ],
        )
        for type, (_, _, key) in PLACES.items()
    ),
    case(
        "subnet-no-public-addresses",
        "ec2/subnet",
        ok=[res("ec2/subnet", "a"), res("ec2/subnet", "a", mapPublicIpOnLaunch=False)],
        bad=[res("ec2/subnet", "a", mapPublicIpOnLaunch=True)],
        unknown=[res("ec2/subnet", "a", mapPublicIpOnLaunch=UNKNOWN)],
    ),
    case(
        "ingress-not-from-world",
        "ec2/securityGroup",
        ok=narrow(),
        bad=[*worldly()],
        unknown=[
            group(open_to(UNKNOWN)),
            res("ec2/securityGroup", "a", ingress=UNKNOWN),
            group(open_to("10.0.0.0/33")),
        ],
    ),
    case(
        "ingress-not-from-world",
        "ec2/securityGroupRule",
        ok=[
            rule(CLOSED, sourceSecurityGroupId=CLIENTS),
            rule(CLOSED, type="egress", cidrBlocks=[WORLD]),
            [rule(CLOSED, cidrBlocks=[WORLD], fromPort=80, toPort=80), balancer(CLOSED)],
        ],
        bad=[
            rule(CLOSED, cidrBlocks=[WORLD]),
            [rule(CLOSED, cidrBlocks=[WORLD], toPort=444), balancer(CLOSED)],
            [rule(CLOSED, ipv6CidrBlocks=["0::0/0"], fromPort=22, toPort=22), balancer(CLOSED)],
            rule(CLOSED, cidrBlocks=[WORLD], protocol="-1", fromPort=0, toPort=0),
        ],
        unknown=[
            rule(CLOSED, cidrBlocks=UNKNOWN),
            rule(CLOSED, cidrBlocks=[WORLD], type=UNKNOWN),
            rule("sg-0123", cidrBlocks=[WORLD]),
            [rule(CLOSED, cidrBlocks=[WORLD]), balancer(CLOSED, internal=UNKNOWN)],
        ],
    ),
    case(
        "ingress-not-from-world",
        "vpc/securityGroupIngressRule",
        ok=[
            ingress_rule(CLOSED, referencedSecurityGroupId=CLIENTS),
            ingress_rule(CLOSED, cidrIpv4="10.0.0.0/8"),
            ingress_rule(CLOSED, prefixListId="pl-0123"),
            [ingress_rule(CLOSED, cidrIpv4=WORLD), balancer(CLOSED)],
            [ingress_rule(CLOSED, cidrIpv6="::/0"), balancer(CLOSED)],
        ],
        bad=[
            ingress_rule(CLOSED, cidrIpv4=WORLD),
            ingress_rule(CLOSED, cidrIpv6="::/0"),
            [ingress_rule(CLOSED, cidrIpv4=WORLD, fromPort=8080, toPort=8080), balancer(CLOSED)],
            ingress_rule(CLOSED, cidrIpv4=WORLD, ipProtocol="-1", fromPort=None, toPort=None),
            ingress_rule(CLOSED, prefixListId=res("ec2/managedPrefixList", "all", entries=[{"cidr": WORLD}])),
            filled(WORLD),
            filled("203.0.113.0/24", UNKNOWN, WORLD),
        ],
        unknown=[
            ingress_rule(CLOSED, cidrIpv4=UNKNOWN),
            ingress_rule(CLOSED, cidrIpv4=WORLD, fromPort=UNKNOWN),
            ingress_rule(CLOSED, prefixListId=UNKNOWN),
            filled("203.0.113.0/24", UNKNOWN),
            ingress_rule(UNKNOWN, cidrIpv4=WORLD),
        ],
    ),
    case(
        "egress-not-everywhere",
        "ec2/securityGroup",
        ok=[
            group(open_to(WORLD)),
            res("ec2/securityGroup", "a", egress=[open_to(WORLD), EVERYTHING_INSIDE]),
            res("ec2/securityGroup", "a", egress=[{"protocol": "-1", "prefixListIds": ["pl-0123"]}]),
        ],
        bad=[
            res("ec2/securityGroup", "a", egress=[EVERYTHING]),
            res("ec2/securityGroup", "a", egress=[UNKNOWN, EVERYTHING]),
        ],
        unknown=[res("ec2/securityGroup", "a", egress=UNKNOWN)],
    ),
    case(
        "egress-not-everywhere",
        "ec2/securityGroupRule",
        ok=[rule(CLOSED, type="egress", cidrBlocks=[WORLD]), rule(CLOSED, **EVERYTHING)],
        bad=[rule(CLOSED, **EVERYTHING, type="egress")],
        unknown=[rule(CLOSED, **EVERYTHING, type=UNKNOWN)],
    ),
    case(
        "egress-not-everywhere",
        "vpc/securityGroupEgressRule",
        ok=[egress_rule(ipProtocol="tcp", fromPort=443, toPort=443), egress_rule(cidrIpv4="10.0.0.0/8")],
        bad=[egress_rule(), egress_rule(cidrIpv4=None, cidrIpv6="::/0")],
        unknown=[egress_rule(cidrIpv4=UNKNOWN)],
    ),
    case(
        "default-security-group-closed",
        "ec2/vpc",
        ok=[[VPC, DEFAULT]],
        bad=[VPC],
        unknown=[[VPC, res("ec2/defaultSecurityGroup", "default", vpcId=UNKNOWN)]],
    ),
    case(
        "default-security-group-closed",
        "ec2/defaultSecurityGroup",
        ok=[DEFAULT, default_group(ingress=[], egress=[]), [DEFAULT, ingress_rule(CLOSED)]],
        bad=[
            default_group(ingress=[{"protocol": "-1", "self": True}]),
            default_group(egress=[open_to(WORLD)]),
            default_group(ingress=UNKNOWN, egress=[open_to(WORLD)]),
            [DEFAULT, rule(DEFAULT)],
            [DEFAULT, ingress_rule(DEFAULT)],
            [DEFAULT, res("vpc/securityGroupEgressRule", "out", securityGroupId=DEFAULT)],
        ],
        unknown=[default_group(ingress=UNKNOWN), [DEFAULT, ingress_rule(UNKNOWN)]],
    ),
    case(
        "instance-not-public",
        "ec2/launchTemplate",
        ok=[
            res("ec2/launchTemplate", "template"),
            addressed(OPEN, address="false"),
            *web_tier(addressed(WEB)),
        ],
        bad=[
            addressed(WEB),
            [addressed(WEB), res("ec2/instance", "machine", launchTemplate={"id": "lt-1"})],
            *([made, scaled(made)] for made in (addressed(WEB),)),
            *web_tier(addressed(OPEN)),
            *(
                [made, scaled(made, targetGroupArns=["arn"]), rule(CLOSED, cidrBlocks=[WORLD])]
                for made in (addressed(CLOSED),)
            ),
            *web_tier(addressed("sg-0123", OPEN)),
        ],
        unknown=[
            addressed(WEB, address=UNKNOWN),
            *web_tier(addressed("sg-0123")),
            *web_tier(addressed(UNKNOWN)),
            *([made, scaled(made, targetGroupArns=UNKNOWN)] for made in (addressed(WEB),)),
            *(
                [made, scaled(made), res("autoscaling/attachment", "a", autoscalingGroupName=UNKNOWN, elb="e")]
                for made in (addressed(WEB),)
            ),
        ],
    ),
    case(
        "instance-not-public",
        "ec2/launchConfiguration",
        ok=[
            res("ec2/launchConfiguration", "template"),
            [CONFIGURED, res("autoscaling/group", "web", launchConfiguration=CONFIGURED, targetGroupArns=["arn"])],
        ],
        bad=[CONFIGURED, [CONFIGURED, res("autoscaling/group", "web", launchConfiguration=CONFIGURED)]],
        unknown=[res("ec2/launchConfiguration", "template", associatePublicIpAddress=UNKNOWN)],
    ),
    case(
        "instance-not-public",
        "ec2/instance",
        ok=[res("ec2/instance", "machine"), res("ec2/instance", "machine", associatePublicIpAddress=False)],
        bad=[res("ec2/instance", "machine", associatePublicIpAddress=True)],
        unknown=[res("ec2/instance", "machine", associatePublicIpAddress=UNKNOWN)],
    ),
    case(
        "instances-in-private-subnets",
        "autoscaling/group",
        ok=[
            *([res("autoscaling/group", "web", vpcZoneIdentifiers=[world[0]]), *world[1:]] for world in private()),
            *(
                [res("autoscaling/group", "web", vpcZoneIdentifiers=[world[0]], targetGroupArns=["arn"]), *world[1:]]
                for world in public()
            ),
        ],
        bad=[
            res("autoscaling/group", "web", availabilityZones=["eu-west-1a"]),
            *([res("autoscaling/group", "web", vpcZoneIdentifiers=[world[0]]), *world[1:]] for world in public()),
        ],
        unknown=[
            *([res("autoscaling/group", "web", vpcZoneIdentifiers=[world[0]]), *world[1:]] for world in unclear()),
            res("autoscaling/group", "web", vpcZoneIdentifiers=["subnet-0123"]),
            res("autoscaling/group", "web", vpcZoneIdentifiers=UNKNOWN),
        ],
    ),
    case(
        "instances-in-private-subnets",
        "ec2/instance",
        ok=[[res("ec2/instance", "machine", subnetId=world[0]), *world[1:]] for world in private()],
        bad=[
            res("ec2/instance", "machine"),
            *([res("ec2/instance", "machine", subnetId=world[0]), *world[1:]] for world in public()),
        ],
        unknown=[
            res("ec2/instance", "machine", launchTemplate={"id": "lt-0123"}),
            *([res("ec2/instance", "machine", subnetId=world[0]), *world[1:]] for world in unclear()),
        ],
    ),
    case(
        "bucket-not-public",
        "s3/bucket",
        ok=[
            blocked(),
            [
                BUCKET := res("s3/bucket", "data"),
                res("s3/accountPublicAccessBlock", "all", **dict.fromkeys(FLAGS, True)),
            ],
        ],
        bad=[
            BUCKET,
            *(blocked(**{flag: False}) for flag in FLAGS),
            *(blocked(**{flag: None}) for flag in FLAGS),
            blocked(blockPublicAcls=UNKNOWN, restrictPublicBuckets=False),
        ],
        unknown=[
            blocked(ignorePublicAcls=UNKNOWN),
            [BUCKET, res("s3/bucketPublicAccessBlock", "block", bucket=UNKNOWN, **dict.fromkeys(FLAGS, True))],
        ],
    ),
    case(
        "bucket-acl-private",
        "s3/bucket",
        ok=[res("s3/bucket", "data"), res("s3/bucket", "data", acl="private")],
        bad=[res("s3/bucket", "data", acl="public-read"), res("s3/bucket", "data", grants=[EVERYONE])],
        unknown=[res("s3/bucket", "data", acl=UNKNOWN), res("s3/bucket", "data", grants=UNKNOWN)],
    ),
    case(
        "bucket-acl-private",
        "s3/bucketAcl",
        ok=[res("s3/bucketAcl", "acl", acl="log-delivery-write")],
        bad=[
            res("s3/bucketAcl", "acl", acl="public-read-write"),
            res("s3/bucketAcl", "acl", accessControlPolicy={"grants": [{"grantee": EVERYONE}]}),
        ],
        unknown=[res("s3/bucketAcl", "acl", acl=UNKNOWN), res("s3/bucketAcl", "acl", accessControlPolicy=UNKNOWN)],
    ),
    case(
        "distribution-s3-origin-private",
        "cloudfront/distribution",
        ok=[
            cdn({"originAccessControlId": res("cloudfront/originAccessControl", "oac")}),
            cdn({"s3OriginConfig": {"originAccessIdentity": Ref(res("cloudfront/originAccessIdentity", "oai"), "id")}}),
            cdn({"customOriginConfig": {}}, {"vpcOriginConfig": {}}),
            cdn({"originAccessControlId": "E123"}),
        ],
        bad=[
            cdn({"domainName": "data"}),
            cdn({"s3OriginConfig": {"originAccessIdentity": ""}}),
            cdn(UNKNOWN, {"originId": "a"}),
        ],
        unknown=[
            cdn({"originAccessControlId": UNKNOWN}),
            cdn(UNKNOWN),
            res("cloudfront/distribution", "cdn", origins=UNKNOWN),
        ],
    ),
    case(
        "load-balancer-drops-invalid-headers",
        "lb/loadBalancer",
        ok=[balancer(dropInvalidHeaderFields=True), balancer(loadBalancerType="network")],
        bad=[balancer(), balancer(dropInvalidHeaderFields=False, loadBalancerType="application")],
        unknown=[balancer(dropInvalidHeaderFields=UNKNOWN), balancer(loadBalancerType=UNKNOWN)],
    ),
    *(
        case(
            "load-balancer-desync-mitigation",
            type,
            ok=[balancer(type=type), balancer(type=type, desyncMitigationMode="strictest")],
            bad=[balancer(type=type, desyncMitigationMode="monitor")],
            unknown=[balancer(type=type, desyncMitigationMode=UNKNOWN)],
        )
        for type in ("lb/loadBalancer", "elb/loadBalancer")
    ),
]
