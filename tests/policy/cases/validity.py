from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from policy.rules.validity.names import TAGGED
from tests.policy.build import Made, arn, case, name, res
from tests.policy.cases.waf import MANAGED, RATE, acl, by_text, separate

VPC = res("ec2/vpc", "vpc", cidrBlock="10.0.0.0/16")


def subnet(name: str, zone: object = "eu-west-1a", cidr: object = "10.0.0.0/24", **props: object) -> Made:
    return res("ec2/subnet", name, vpcId=VPC, availabilityZone=zone, cidrBlock=cidr, **props)


A, B, ALSO_A = subnet("a"), subnet("b", "eu-west-1b"), subnet("also-a")
BY_ID = subnet("by-id", None, availabilityZoneId="euw1-az2")
ANYWHERE = res("ec2/subnet", "anywhere", vpcId=VPC)


def balancer(**props: object) -> Made:
    return res("lb/loadBalancer", "alb", **props)


def subnet_group(*subnets: object) -> Made:
    return res("rds/subnetGroup", "subnets", subnetIds=list(subnets))


def cluster(*subnets: object, **props: object) -> Made:
    return res("eks/cluster", "cluster", vpcConfig={"subnetIds": list(subnets)}, **props)


def component(**props: object) -> Made:
    return res("eks:index:Cluster", "cluster", **props)


def mapped(*subnets: object, **props: object) -> Made:
    return balancer(subnetMappings=[{"subnetId": subnet} for subnet in subnets], **props)


def vpc(*subnets: tuple[object, ...], **props: object) -> list[Made]:
    made = res("ec2/vpc", "vpc", **{"cidrBlock": "10.0.0.0/16", **props})
    return [
        made,
        *(res("ec2/subnet", f"s{number}", vpcId=made, cidrBlock=cidr) for number, (cidr,) in enumerate(subnets)),
    ]


def more(block: object, *subnets: tuple[object, ...]) -> list[Made]:
    found = vpc(*subnets)
    return [*found, res("ec2/vpcIpv4CidrBlockAssociation", "more", vpcId=found[0], cidrBlock=block)]


def db(type: str = "rds/instance", **props: object) -> Made:
    return res(type, "db", **props)


def with_group(family: object, engine: object, version: object, type: str = "rds/instance") -> list[Made]:
    if type == "rds/instance":
        group = res("rds/parameterGroup", "parameters", family=family)
        return [db(engine=engine, engineVersion=version, parameterGroupName=name(group)), group]
    group = res("rds/clusterParameterGroup", "parameters", family=family)
    return [db(type, engine=engine, engineVersion=version, dbClusterParameterGroupName=name(group)), group]


def replica_of(source: Made) -> list[Made]:
    return [res("rds/instance", "replica", replicateSourceDb=source), source]


def cdn(*behaviours: object, **props: object) -> Made:
    return res(
        "cloudfront/distribution",
        "cdn",
        **{
            "origins": [{"originId": "alb"}, {"originId": "s3"}],
            "originGroups": [{"originId": "both", "members": [{"originId": "alb"}, {"originId": "s3"}]}],
            "defaultCacheBehavior": {"targetOriginId": "alb"},
            "orderedCacheBehaviors": [{"targetOriginId": behaviour} for behaviour in behaviours],
            **props,
        },
    )


def certified(aliases: object = ("www.example.com",), **certificate: object) -> Made:
    found = list(aliases) if isinstance(aliases, tuple) else aliases
    return res("cloudfront/distribution", "cdn", aliases=found, viewerCertificate=certificate)


ACM = "arn:aws:acm:{}:123456789012:certificate/1"


def certificate(region: object) -> Made:
    return res("acm/certificate", "certificate", domainName="www.example.com", region=region)


def machine(definition: object) -> Made:
    text = definition if definition is UNKNOWN or isinstance(definition, str) else json.dumps(definition)
    return res("sfn/stateMachine", "machine", definition=text)


def states(start: str = "One", **found: Any) -> dict[str, Any]:
    return {"StartAt": start, "States": found or {"One": {"Type": "Succeed"}}}


def branching(**state: Any) -> Made:
    return machine(states(One={"Type": "Task", **state}, Two={"Type": "Succeed"}))


def schedule(expression: object) -> Made:
    return res("scheduler/schedule", "schedule", scheduleExpression=expression)


def event_rule(expression: object) -> Made:
    return res("cloudwatch/eventRule", "rule", scheduleExpression=expression)


CRONS = [
    "cron(0 9 * * ? *)",
    "cron(*/5 * ? * MON-FRI *)",
    "cron(0/15 8-17 ? JAN,JUN 2#1 2026-2030)",
    "cron(0 0 L * ? *)",
    "cron(0 0 15W * ? *)",
    "cron(0 0 ? * 6L *)",
]
BAD_CRONS = [
    "cron(0 9 * * *)",
    "cron(0 9 * * * *)",
    "cron(0 9 ? * ? *)",
    "cron(0 9 1 * MON *)",
    "cron(60 9 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 9 ? * 0 *)",
    "cron(0 9 ? * MON-XYZ *)",
    "cron(*/0 9 * * ? *)",
    "cron(0 9 0 * ? *)",
    "cron(0 9 * 13 ? *)",
    "cron(0 9 * * ? 1969)",
    "0 9 * * ? *",
    "cron 0 9 * * ? *",
    "every(5 minutes)",
]


def plan(vault: object, *vaults: Made) -> list[Made]:
    return [res("backup/plan", "plan", rules=[{"ruleName": "daily", "targetVaultName": vault}]), *vaults]


MAIN = res("backup/vault", "main")
NAMED = res("backup/vault", "named", name="vault")


def flow_log(destination: object, *groups: Made) -> list[Made]:
    return [res("ec2/flowLog", "log", logDestination=destination), *groups]


FLOW = res("cloudwatch/logGroup", "flow", name="/vpc/flow")
LOGS = "arn:aws:logs:eu-west-1:123456789012:log-group:{}"


def names(type: str, key: str, longest: int, *refused: str) -> Any:
    return case(
        "name-taken",
        type,
        ok=[res(type, "r", **{key: "a" * longest}), res(type, "r", **{key: "web-1"})],
        bad=[res(type, "r", **{key: wrong}) for wrong in ("a" * (longest + 1), "web tier", *refused)],
        unknown=[res(type, "r", **{key: UNKNOWN})],
    )


def ports(type: str, **props: object) -> Made:
    """Of one form or the other: `protocol` stands for both."""
    if type != "ec2/securityGroup":
        if type.startswith("vpc/"):
            props["ipProtocol"] = props.pop("protocol")
        return res(type, "rule", **props)
    return res(type, "group", ingress=[props])


CASES = [
    case(
        "enough-subnets",
        "lb/loadBalancer",
        ok=[
            balancer(subnets=[A, B]),
            balancer(subnets=[UNKNOWN, UNKNOWN]),
            mapped(A, B),
            balancer(loadBalancerType="network", subnets=[A]),
            balancer(customerOwnedIpv4Pool="pool", subnets=[A]),
        ],
        bad=[balancer(subnets=[A]), balancer(), mapped(A, loadBalancerType="application"), balancer(subnets=[UNKNOWN])],
        unknown=[
            balancer(subnets=UNKNOWN),
            balancer(subnets=[A], loadBalancerType=UNKNOWN),
            balancer(subnets=[], subnetMappings=UNKNOWN),
        ],
    ),
    case(
        "enough-subnets",
        "rds/subnetGroup",
        ok=[subnet_group(A, B), subnet_group(UNKNOWN, UNKNOWN)],
        bad=[subnet_group(A), subnet_group()],
        unknown=[res("rds/subnetGroup", "subnets", subnetIds=UNKNOWN)],
    ),
    case(
        "enough-subnets",
        "eks/cluster",
        ok=[cluster(A, B), cluster(A, outpostConfig={"controlPlaneInstanceType": "m5.large"})],
        bad=[cluster(A), cluster(UNKNOWN)],
        unknown=[
            res("eks/cluster", "cluster", vpcConfig={"subnetIds": UNKNOWN}),
            res("eks/cluster", "cluster", vpcConfig=UNKNOWN),
        ],
    ),
    case(
        "enough-subnets",
        "eks:index:Cluster",
        ok=[component(), component(subnetIds=[A, B]), component(publicSubnetIds=[A], privateSubnetIds=[B])],
        bad=[component(subnetIds=[A]), component(privateSubnetIds=[UNKNOWN])],
        unknown=[component(subnetIds=UNKNOWN)],
    ),
    case(
        "subnets-in-zones",
        "lb/loadBalancer",
        ok=[
            balancer(subnets=[A, B]),
            mapped(A, B),
            mapped(A, B, subnets=[A, B]),
            balancer(loadBalancerType="network", subnets=[A]),
            balancer(subnets=[A, BY_ID]),
        ],
        bad=[
            balancer(subnets=[A, ALSO_A]),
            mapped(A, ALSO_A),
            balancer(loadBalancerType="network", subnets=[A, B, ALSO_A]),
            balancer(subnets=[A, ALSO_A, ANYWHERE]),
        ],
        unknown=[
            balancer(subnets=[A, "subnet-0123"]),
            balancer(subnets=[A, ANYWHERE]),
            balancer(subnets=[A, subnet("u", UNKNOWN)]),
            balancer(subnets=UNKNOWN),
        ],
    ),
    case(
        "subnets-in-zones",
        "rds/subnetGroup",
        ok=[subnet_group(A, B), subnet_group(A, ALSO_A, B), subnet_group(A, B, "subnet-0123")],
        bad=[subnet_group(A, ALSO_A), subnet_group(A)],
        unknown=[subnet_group(A, "subnet-0123"), subnet_group(A, ANYWHERE)],
    ),
    case(
        "subnets-in-zones",
        "eks/cluster",
        ok=[cluster(A, B), cluster(A, outpostConfig={"controlPlaneInstanceType": "m5.large"})],
        bad=[cluster(A, ALSO_A)],
        unknown=[cluster(A, ANYWHERE), cluster("subnet-0123", "subnet-4567")],
    ),
    case(
        "subnets-in-zones",
        "eks:index:Cluster",
        ok=[
            component(),
            component(subnetIds=[A, B]),
            component(publicSubnetIds=[A], privateSubnetIds=[B]),
            [held := component(subnetIds=[A, ALSO_A]), res("eks/cluster", "child", parent=held)],
        ],
        bad=[component(subnetIds=[A, ALSO_A]), component(publicSubnetIds=[A], privateSubnetIds=[ALSO_A])],
        unknown=[component(subnetIds=[A, ANYWHERE]), component(subnetIds=UNKNOWN)],
    ),
    case(
        "load-balancer-security-group",
        "lb/loadBalancer",
        ok=[
            balancer(securityGroups=[UNKNOWN]),
            balancer(securityGroups=["sg-1"]),
            balancer(loadBalancerType="network"),
        ],
        bad=[balancer(), balancer(securityGroups=[])],
        unknown=[balancer(loadBalancerType=UNKNOWN)],
    ),
    case(
        "subnet-addresses",
        "ec2/vpc",
        ok=[
            vpc(),
            vpc(("10.0.0.0/24",), ("10.0.1.0/24",), ("10.0.128.0/17",)),
            vpc(("10.0.0.0/24",), (None,)),
            more("10.1.0.0/16", ("10.0.0.0/24",), ("10.1.0.0/24",)),
            [*vpc(("10.0.0.0/24",)), res("ec2/subnet", "elsewhere", vpcId="vpc-0123", cidrBlock="10.0.0.0/24")],
        ],
        bad=[
            vpc(("10.1.0.0/24",)),
            vpc(("10.0.0.0/24",), ("10.0.0.0/24",)),
            vpc(("10.0.0.0/17",), ("10.0.1.0/24",), ("10.0.100.0/24",)),
            vpc(("10.0.0.0/29",)),
            more("10.1.0.0/16", ("10.2.0.0/24",)),
            vpc((UNKNOWN,), ("10.1.0.0/24",)),
            more(UNKNOWN, ("10.0.0.0/24",), ("10.0.0.0/25",)),
        ],
        unknown=[
            vpc((UNKNOWN,)),
            vpc(("10.0.0.0/24",), cidrBlock=UNKNOWN),
            vpc(("10.0.0.0/24",), cidrBlock=None),
            vpc(("ten.zero",)),
            more(UNKNOWN, ("10.1.0.0/24",)),
            [VPC, res("ec2/subnet", "s", vpcId=UNKNOWN, cidrBlock="10.0.0.0/24")],
        ],
    ),
    *(
        case(
            "database-class",
            type,
            ok=[
                *(
                    db(type, engine=engine, instanceClass=kind)
                    for engine, kind in (
                        ("mysql", "db.t4g.micro"),
                        ("postgres", "db.m7g.large"),
                        ("mysql", "db.x2iedn.32xlarge"),
                        ("oracle-se2", "db.r5.6xlarge.tpc2.mem4x"),
                        ("oracle-ee", "db.x1e.xlarge"),
                        ("aurora-mysql", "db.serverless"),
                        ("aurora-postgresql", "db.t4g.medium"),
                        ("sqlserver-ee", "db.m7i.metal-24xl"),
                        ("mysql", "db.m3.medium"),
                    )
                ),
                db(type, instanceClass="db.t2.2xlarge"),
                db(type),
            ],
            bad=[
                db(type, engine=engine, instanceClass=kind)
                for engine, kind in (
                    ("mysql", "t3.micro"),
                    ("mysql", "db.t3"),
                    ("mysql", "db.m5.micro"),
                    ("postgres", "db.r6g.medium"),
                    ("mysql", "db.t3.4xlarge"),
                    ("mysql", "db.t1.large"),
                    ("mysql", "db.x1e.xlarge"),
                    ("mysql", "db.serverless"),
                    ("aurora-mysql", "db.t3.micro"),
                    ("aurora-postgresql", "db.m7g.large"),
                )
            ],
            unknown=[
                db(type, engine="mysql", instanceClass=UNKNOWN),
                db(type, engine=UNKNOWN, instanceClass="db.m7g.large"),
                db(type, engine="mysql", instanceClass="db.m12q.large"),
                db(type, engine="mysql", instanceClass="db.m7g.5xlarge"),
            ],
        )
        for type in ("rds/instance", "rds/clusterInstance")
    ),
    *(
        case(
            "database-engine-version",
            type,
            ok=[
                *(
                    db(type, engine=engine, engineVersion=version)
                    for engine, version in (
                        ("mysql", "8.4"),
                        ("mysql", "8.0.40"),
                        ("mysql", "5.7.44-rds.20250508"),
                        ("mariadb", "10.11.8"),
                        ("postgres", "17"),
                        ("postgres", "11.22-rds.20250508"),
                        ("aurora-postgresql", "16.4-limitless"),
                        ("aurora-mysql", "8.0.mysql_aurora.3.08.0"),
                        ("oracle-ee", "19.0.0.0.ru-2024-01.rur-2024-01.r1"),
                    )
                ),
                db(type, engine="mysql"),
            ],
            bad=[
                db(type, engine=engine, engineVersion=version)
                for engine, version in (
                    ("mysql", "8.1.0"),
                    ("mysql", "5.5"),
                    ("mysql", "8"),
                    ("mysql", "eight"),
                    ("mariadb", "10.7"),
                    ("mariadb", "8.0"),
                    ("postgres", "9.6.24"),
                    ("postgres", "10"),
                    ("postgres", "16.4.1"),
                )
            ],
            unknown=[
                db(type, engine="mysql", engineVersion=UNKNOWN),
                db(type, engine=UNKNOWN, engineVersion="8.4"),
                db(type, engine="mysql", engineVersion="9.9"),
                db(type, engine="postgres", engineVersion="99"),
            ],
        )
        for type in ("rds/instance", "rds/cluster")
    ),
    *(
        case(
            "database-parameter-group",
            type,
            ok=[
                db(type, engine=engine),
                *(
                    with_group(family, engine, version, type)
                    for family, engine, version in (
                        (f"{engine}{line}", engine, version),
                        ("postgres17", "postgres", "17.2"),
                        ("oracle-ee-19", "oracle-ee", "19.0.0.0.ru-2024-01.rur-2024-01.r1"),
                        ("aurora-mysql8.0", "aurora-mysql", "8.0.mysql_aurora.3.08.0"),
                    )
                ),
                db(type, engine="mysql", engineVersion="8.0.40", **{key: "default.mysql8.0"}),
                *fine,
            ],
            bad=[
                with_group(f"{engine}5.7", engine, version, type),
                with_group("postgres17", "mysql", "8.4", type),
                with_group("mysql8.0", "aurora-mysql", "8.0.mysql_aurora.3.08.0", type),
                with_group("aurora-mysql8.0", "mysql", "8.0", type),
                with_group("postgres17", "mysql", UNKNOWN, type),
                with_group("postgres1", "postgres", "17", type),
                with_group("oracle-se2-19", "oracle-se", "12.1.0.2.v1", type),
                with_group("oracle-ee-cdb-19", "oracle-ee", "19.0.0.0.ru-2024-01.rur-2024-01.r1", type),
                db(type, engine="mysql", engineVersion="8.4.3", **{key: "default.mysql8.0"}),
                *wrong,
            ],
            unknown=[
                with_group(UNKNOWN, "mysql", "8.4", type),
                with_group("mysql8.4", UNKNOWN, "8.4", type),
                with_group("mysql8.4", "mysql", UNKNOWN, type),
                with_group("mysql8.4", "mysql", None, type),
                db(type, engine="mysql", engineVersion="8.4", **{key: "another"}),
                db(type, engine="mysql", engineVersion="8.4", **{key: UNKNOWN}),
            ],
        )
        for type, key, engine, line, version, fine, wrong in (
            (
                "rds/instance",
                "parameterGroupName",
                "mysql",
                "8.4",
                "8.4.3",
                [
                    [
                        db(
                            replicateSourceDb=res("rds/instance", "source", engine="mysql", engineVersion="8.0.40"),
                            parameterGroupName="default.mysql8.0",
                        )
                    ]
                ],
                [
                    [
                        db(
                            replicateSourceDb=res("rds/instance", "source", engine="mysql", engineVersion="8.4.3"),
                            parameterGroupName="default.mysql8.0",
                        )
                    ]
                ],
            ),
            ("rds/cluster", "dbClusterParameterGroupName", "aurora-mysql", "8.0", "8.0.mysql_aurora.3.08.0", [], []),
        )
    ),
    *(
        case(
            "database-password",
            type,
            ok=[
                db(type, engine="mysql"),
                db(type, engine="mysql", **{key: "x" * 41}),
                db(type, engine="postgres", **{key: "x" * 128}),
                db(type, engine="oracle-ee", **{key: "correct-horse"}),
            ],
            bad=[
                db(type, engine="mysql", **{key: "short"}),
                db(type, engine="mysql", **{key: "x" * 42}),
                db(type, engine="postgres", **{key: "x" * 129}),
                db(type, engine="oracle-ee", **{key: "x" * 31}),
                *(db(type, engine="mysql", **{key: f"long-enough{character}"}) for character in '/@" é'),
            ],
            unknown=[
                db(type, engine="mysql", **{key: UNKNOWN}),
                db(type, engine=UNKNOWN, **{key: "long-enough"}),
            ],
        )
        for type, key in (("rds/instance", "password"), ("rds/cluster", "masterPassword"))
    ),
    case(
        "replica-source-backed-up",
        "rds/instance",
        ok=[db(), replica_of(res("rds/instance", "source", backupRetentionPeriod=1))],
        bad=[
            replica_of(res("rds/instance", "source", backupRetentionPeriod=0)),
            replica_of(res("rds/instance", "source")),
        ],
        unknown=[
            replica_of(res("rds/instance", "source", backupRetentionPeriod=UNKNOWN)),
            db(replicateSourceDb="elsewhere"),
        ],
    ),
    case(
        "database-storage-growth",
        "rds/instance",
        ok=[
            db(allocatedStorage=100),
            db(allocatedStorage=100, maxAllocatedStorage=110),
            db(allocatedStorage=100, maxAllocatedStorage=0),
            db(maxAllocatedStorage=100),
        ],
        bad=[db(allocatedStorage=100, maxAllocatedStorage=109), db(allocatedStorage=100, maxAllocatedStorage=50)],
        unknown=[
            db(allocatedStorage=100, maxAllocatedStorage=UNKNOWN),
            db(allocatedStorage=UNKNOWN, maxAllocatedStorage=100),
        ],
    ),
    case(
        "cluster-version",
        "eks/cluster",
        ok=[cluster(), cluster(version="1.31"), cluster(version="1.35")],
        bad=[cluster(version=version) for version in ("1.30", "1.9", "1.33.1", "v1.33", "latest", "2.1")],
        unknown=[cluster(version=UNKNOWN), cluster(version="1.99")],
    ),
    case(
        "cluster-version",
        "eks:index:Cluster",
        ok=[component(), component(version="1.31")],
        bad=[component(version=version) for version in ("1.30", "1.33.1")],
        unknown=[component(version=UNKNOWN), component(version="1.99")],
    ),
    case(
        "web-acl-managed-groups",
        "wafv2/webAcl",
        ok=[
            acl(RATE),
            *(
                acl({**MANAGED, "statement": {"managedRuleGroupStatement": {"vendorName": vendor, "name": group}}})
                for vendor, group in (("AWS", "AWSManagedRulesCommonRuleSet"), ("Fortinet", "all_rules"))
            ),
        ],
        bad=[
            acl(
                UNKNOWN,
                {
                    **MANAGED,
                    "statement": {"managedRuleGroupStatement": {"vendorName": "AWS", "name": "AWSManagedRulesCommon"}},
                },
            ),
            by_text(
                {"Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesOWASP"}}}
            ),
            separate(
                "wafv2/webAclRuleGroupAssociation",
                managedRuleGroup={"vendorName": "AWS", "name": "CommonRuleSet"},
            ),
        ],
        unknown=[
            acl({**MANAGED, "statement": UNKNOWN}),
            acl({**MANAGED, "statement": {"managedRuleGroupStatement": {"vendorName": "AWS", "name": UNKNOWN}}}),
            acl({**MANAGED, "statement": {"managedRuleGroupStatement": {"vendorName": UNKNOWN, "name": "x"}}}),
        ],
    ),
    *(
        case(
            "web-acl-rate-limits",
            type,
            ok=[
                res(type, "acl", rules=[MANAGED]),
                *(
                    res(type, "acl", rules=[{**RATE, "statement": {"rateBasedStatement": {"limit": limit}}}])
                    for limit in (10, 2_000_000_000)
                ),
            ],
            bad=[
                res(type, "acl", rules=[UNKNOWN, {**RATE, "statement": {"rateBasedStatement": {"limit": limit}}}])
                for limit in (9, 2_000_000_001)
            ],
            unknown=[
                res(type, "acl", rules=[{**RATE, "statement": {"rateBasedStatement": {"limit": UNKNOWN}}}]),
                res(type, "acl", rules=UNKNOWN),
            ],
        )
        for type in ("wafv2/webAcl", "wafv2/ruleGroup")
    ),
    case(
        "distribution-origins",
        "cloudfront/distribution",
        ok=[cdn(), cdn("s3", "both"), cdn("alb", origins=[{"originId": "alb"}, {"originId": "s3"}, UNKNOWN])],
        bad=[
            cdn("missing"),
            cdn("s3", "missing", UNKNOWN),
            cdn(defaultCacheBehavior={"targetOriginId": "missing"}),
            cdn(originGroups=[{"originId": "both", "members": [{"originId": "missing"}]}]),
            cdn(originGroups=[{"originId": "both", "members": [{"originId": "both"}]}]),
        ],
        unknown=[
            cdn(UNKNOWN),
            cdn("missing", origins=[{"originId": "alb"}, {"originId": "s3"}, {"originId": UNKNOWN}]),
            cdn("missing", origins=UNKNOWN),
            cdn(defaultCacheBehavior=UNKNOWN),
        ],
    ),
    case(
        "distribution-certificate",
        "cloudfront/distribution",
        ok=[
            certified(acmCertificateArn=UNKNOWN),
            certified(iamCertificateId="cert"),
            certified((), cloudfrontDefaultCertificate=True),
            certified(None, cloudfrontDefaultCertificate=True),
        ],
        bad=[certified(cloudfrontDefaultCertificate=True), certified((UNKNOWN,))],
        unknown=[
            certified(UNKNOWN, cloudfrontDefaultCertificate=True),
            certified(cloudfrontDefaultCertificate=UNKNOWN),
            res("cloudfront/distribution", "cdn", aliases=["www.example.com"], viewerCertificate=UNKNOWN),
        ],
    ),
    case(
        "distribution-certificate-region",
        "cloudfront/distribution",
        ok=[
            certified(cloudfrontDefaultCertificate=True),
            certified(acmCertificateArn=ACM.format("us-east-1")),
            certified(acmCertificateArn=arn(certificate("us-east-1"))),
        ],
        bad=[certified(acmCertificateArn=ACM.format("eu-west-1"))],
        unknown=[certified(acmCertificateArn=UNKNOWN), certified(acmCertificateArn="another")],
    ),
    case(
        "state-machine-states",
        "sfn/stateMachine",
        ok=[
            machine(states()),
            branching(Next="Two", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Two"}]),
            branching(Choices=[{"Variable": "$.x", "IsNull": True, "Next": "Two"}], Default="One"),
            branching(Branches=[states(), states("A", A={"Type": "Succeed"})], Next="Two"),
            branching(ItemProcessor=states("A", A={"Type": "Succeed"}), End=True),
        ],
        bad=[
            machine(states("Zero")),
            machine({"States": {"One": {"Type": "Succeed"}}}),
            branching(Next="Three"),
            branching(Default="Three"),
            branching(Choices=[{"Next": "Three"}]),
            branching(Catch=[{"Next": "Three"}], Next="Two"),
            branching(Branches=[states("Two")]),
            branching(ItemProcessor=states("A", A={"Next": "Two"})),
            branching(Iterator=states("B")),
            machine("StartAt: One"),
        ],
        unknown=[machine(UNKNOWN), machine({"StartAt": "One"}), branching(Catch="x"), machine("[]")],
    ),
    case(
        "schedule-expression",
        "scheduler/schedule",
        ok=[
            *map(schedule, CRONS),
            schedule("rate(5 minutes)"),
            schedule("rate(1 hour)"),
            schedule("rate(1 hours)"),
            schedule("at(2030-12-31T23:59:59)"),
        ],
        bad=[
            *map(schedule, BAD_CRONS),
            schedule("rate(5 minute)"),
            schedule("rate(0 minutes)"),
            schedule("rate(5 weeks)"),
            schedule("at(2030-02-30T00:00:00)"),
            schedule("at(2030-12-31)"),
        ],
        unknown=[schedule(UNKNOWN)],
    ),
    case(
        "schedule-expression",
        "cloudwatch/eventRule",
        ok=[
            *map(event_rule, CRONS),
            event_rule("rate(1 day)"),
            event_rule("rate(2 days)"),
            res("cloudwatch/eventRule", "rule"),
        ],
        bad=[
            *map(event_rule, BAD_CRONS),
            event_rule("rate(1 hours)"),
            event_rule("rate(2 hour)"),
            event_rule("at(2030-12-31T23:59:59)"),
        ],
        unknown=[event_rule(UNKNOWN)],
    ),
    case(
        "backup-vault-there",
        "backup/plan",
        ok=[
            plan(name(MAIN)),
            plan("vault", NAMED, MAIN),
            plan("Default", NAMED),
            plan("another"),
        ],
        bad=[plan("vualt", NAMED), plan("another", MAIN)],
        unknown=[plan(UNKNOWN), plan(UNKNOWN, NAMED), res("backup/plan", "plan", rules=UNKNOWN)],
    ),
    case(
        "flow-log-group-there",
        "ec2/flowLog",
        ok=[
            flow_log(arn(FLOW)),
            flow_log(LOGS.format("/vpc/flow"), FLOW),
            flow_log(LOGS.format("/vpc/flow:*"), FLOW),
            flow_log(LOGS.format("/vpc/other")),
            flow_log("arn:aws:s3:::logs/flow", FLOW),
            res("ec2/flowLog", "log"),
        ],
        bad=[flow_log(LOGS.format("/vpc/flwo"), FLOW)],
        unknown=[flow_log(UNKNOWN), flow_log(UNKNOWN, FLOW)],
    ),
    case(
        "bucket-name",
        "s3/bucket",
        ok=[res("s3/bucket", "data", bucket=found) for found in ("abc", "my.logs-1", "a" * 63)],
        bad=[
            res("s3/bucket", "data", bucket=wrong)
            for wrong in (
                "ab",
                "a" * 64,
                "MyBucket",
                "my_bucket",
                "-data",
                "data-",
                "a..b",
                "192.168.5.4",
                "xn--data",
                "data-s3alias",
                "data--x-s3",
            )
        ],
        unknown=[res("s3/bucket", "data", bucket=UNKNOWN)],
    ),
    names("lb/loadBalancer", "name", 32, "internal-web", "-web", "web_1"),
    names("lb/targetGroup", "name", 32, "web-", "web.1"),
    names("elb/loadBalancer", "name", 32, "web_1"),
    names("rds/instance", "identifier", 63, "1db", "my--db", "db-"),
    names("rds/cluster", "clusterIdentifier", 63, "my_db"),
    names("iam/role", "name", 64, "service/role"),
    names("elasticache/replicationGroup", "replicationGroupId", 40, "1cache", "my--cache", "cache-"),
    names("elasticache/user", "userId", 40, "my_user"),
    names("sqs/queue", "name", 80, "orders.fif0", "a.b"),
    names("ecr/repository", "name", 256, "Web", "web/", "/web", "a", "web..1"),
    names("elasticbeanstalk/environment", "name", 40, "web", "-web1", "web1-", "web_1"),
    names("eks/cluster", "name", 100, "-web", "web.1"),
    names("eks:index:Cluster", "name", 100, "-web"),
    names("eks/nodeGroup", "nodeGroupName", 63, "_web"),
    names("sns/topic", "name", 256, "alarms.fif0"),
    names("sfn/stateMachine", "name", 80, "runs.daily", "runs*"),
    names("scheduler/schedule", "name", 64, "daily/runs"),
    names("athena/workgroup", "name", 128, "lake/one"),
    *(
        names(f"quicksight/{kind}", f"{kind}Id", longest, "daily.revenue")
        for kind, longest in (
            ("analysis", 512),
            ("dashboard", 512),
            ("dataSet", 512),
            ("dataSource", 512),
            ("vpcConnection", 1000),
        )
    ),
    *(
        case(
            "tags-taken",
            type,
            ok=[
                res(type, "r"),
                res(type, "r", tags={f"k{number}": UNKNOWN for number in range(50)}),
                res(type, "r", tags={"owner:aws:": "aws:me"}),
            ],
            bad=[
                res(type, "r", tags={f"k{number}": "v" for number in range(51)}),
                res(type, "r", tags={"aws:owner": "me"}),
                res(type, "r", tags={"k" * 129: "v"}),
                res(type, "r", tags={"k": "v" * 257}),
            ],
            unknown=[res(type, "r", tags=UNKNOWN)],
        )
        for type in TAGGED
    ),
    case(
        "group-sizes",
        "autoscaling/group",
        ok=[
            res("autoscaling/group", "web", minSize=1, maxSize=3),
            res("autoscaling/group", "web", minSize=1, maxSize=3, desiredCapacity=3),
        ],
        bad=[
            res("autoscaling/group", "web", minSize=4, maxSize=3),
            res("autoscaling/group", "web", minSize=1, maxSize=3, desiredCapacity=4),
            res("autoscaling/group", "web", minSize=1, maxSize=3, desiredCapacity=0),
        ],
        unknown=[
            res("autoscaling/group", "web", minSize=UNKNOWN, maxSize=3),
            res("autoscaling/group", "web", minSize=1, maxSize=3, desiredCapacity=UNKNOWN),
        ],
    ),
    case(
        "group-sizes",
        "eks/nodeGroup",
        ok=[res("eks/nodeGroup", "nodes", scalingConfig={"minSize": 1, "desiredSize": 1, "maxSize": 1})],
        bad=[
            res("eks/nodeGroup", "nodes", scalingConfig={"minSize": 2, "desiredSize": 2, "maxSize": 1}),
            res("eks/nodeGroup", "nodes", scalingConfig={"minSize": 1, "desiredSize": 3, "maxSize": 2}),
        ],
        unknown=[
            res("eks/nodeGroup", "nodes", scalingConfig=UNKNOWN),
            res("eks/nodeGroup", "nodes", scalingConfig={"minSize": UNKNOWN, "desiredSize": 1, "maxSize": 1}),
        ],
    ),
    *(
        case(
            "port-range",
            type,
            ok=[
                ports(type, protocol="tcp", fromPort=443, toPort=443),
                ports(type, protocol="-1", fromPort=0, toPort=0),
                ports(type, protocol="-1"),
                ports(type, protocol="icmp", fromPort=8, toPort=0),
            ],
            bad=[
                ports(type, protocol="tcp", fromPort=443, toPort=80),
                ports(type, protocol="udp", fromPort=1, toPort=65536),
                ports(type, protocol="-1", fromPort=443, toPort=443),
                *more_of,
            ],
            unknown=[
                ports(type, protocol="tcp", fromPort=443, toPort=UNKNOWN),
                ports(type, protocol=UNKNOWN, fromPort=443, toPort=443),
            ],
        )
        for type, more_of in (
            (
                "ec2/securityGroup",
                [res("ec2/securityGroup", "out", egress=[UNKNOWN, {"protocol": "tcp", "fromPort": 2, "toPort": 1}])],
            ),
            ("ec2/securityGroupRule", []),
            ("vpc/securityGroupIngressRule", []),
            ("vpc/securityGroupEgressRule", []),
        )
    ),
]
