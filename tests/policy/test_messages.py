"""What a finding says: the rule, the resource, what is wrong and where, what to do, and the controls."""

from __future__ import annotations

from typing import Any

from policy.evaluate import Choice, Finding, judge
from policy.graph import UNKNOWN
from policy.rule import RULES
from tests.policy.build import Made, Text, graph, name, res
from tests.policy.cases.analytics import (
    DISKS,
    STARTS,
    STAYS,
    cluster,
    encryption,
    machine,
    reading,
    security,
    starting,
    waits,
)
from tests.policy.cases.exposure import GATEWAY, group, ingress_rule, main_table, open_to, placed, subnet
from tests.policy.cases.iam import several
from tests.policy.cases.waf import INNER, accelerated, handed_on


def findings(rule: str, *world: Made) -> list[Finding]:
    found = graph(*world)
    return judge(RULES[rule], found.resources[0], found, Choice("mandatory"))


def said(rule: str, *world: Made) -> list[str]:
    """The messages without their frame."""
    rules = RULES[rule]
    found = []
    for finding in findings(rule, *world):
        controls = f" ({', '.join(rules.controls)})" if rules.controls else ""
        head, tail = f"[{rule}] {world[0].short} {world[0].name}: ", f". {rules.remediation}{controls}"
        assert finding.message.startswith(head)
        assert finding.message.endswith(tail)
        found.append(finding.message.removeprefix(head).removesuffix(tail))
    return found


def test_a_finding_is_whole() -> None:
    (finding,) = findings("database-multi-az", res("rds/instance", "db"))
    assert (finding.rule, finding.family, finding.verdict) == ("database-multi-az", "durability", "fail")
    assert (finding.type, finding.name, finding.severity) == ("aws:rds/instance:Instance", "db", "medium")
    assert finding.controls == ("FSBP RDS.5", "CKV_AWS_157", "cdk-nag RDS3")
    assert finding.message == (
        "[database-multi-az] rds/instance db: it stops with its zone. Set multiAz to true "
        "(FSBP RDS.5, CKV_AWS_157, cdk-nag RDS3)"
    )


def test_what_is_not_known_is_named() -> None:
    (finding,) = findings("database-not-public", res("rds/instance", "db", publiclyAccessible=UNKNOWN))
    assert finding.verdict == "unverifiable"
    assert ": can't be verified, because publiclyAccessible is not known (yet). Set " in finding.message


def test_the_way_to_a_database_is_printed() -> None:
    clients = group(name="clients")
    guard = group(open_to("10.0.0.0/8"), open_to("0.0.0.0/0", "::/0", start=3306), name="guard")
    database = placed("rds/instance", subnet(separate=GATEWAY), vpcSecurityGroupIds=[guard, clients])
    way = "ec2/internetGateway gateway -> ec2/route route -> ec2/routeTable table -> ec2/subnet subnet"
    assert said("database-in-private-subnets", *database) == [f"it is in a public subnet: {way}"]
    table = database[1].props["routeTableId"]
    sixth = res("ec2/route", "sixth", routeTableId=table, destinationIpv6CidrBlock="::/0", gatewayId=GATEWAY)
    by_four = [
        f"the internet reaches it: {way} -> ec2/securityGroup guard (IPv4, port 3306 (MySQL)) -> rds/instance db",
        f"the internet reaches it: {way} -> vpc/securityGroupIngressRule rule of ec2/securityGroup clients "
        "(IPv4, port 443) -> rds/instance db",
    ]
    separate = ingress_rule(clients, cidrIpv4="0.0.0.0/0")
    assert said("database-unreachable", *database, separate) == by_four
    assert said("database-unreachable", *database, separate, sixth) == [
        *by_four,
        f"the internet reaches it: {way.replace('route route', 'route sixth')} "
        "-> ec2/securityGroup guard (IPv6, port 3306 (MySQL)) -> rds/instance db",
    ]
    inline = placed("rds/instance", subnet({"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0123"}))
    assert said("database-in-private-subnets", *inline) == [
        "it is in a public subnet: an internet gateway outside this program -> ec2/routeTable table "
        "-> ec2/subnet subnet"
    ]
    implied = placed("rds/instance", main_table("route", GATEWAY))
    assert said("database-in-private-subnets", *implied) == [
        "it is in a public subnet: ec2/internetGateway gateway -> ec2/route main -> ec2/vpc vpc -> ec2/subnet subnet"
    ]


def test_the_way_by_a_machine_is_printed() -> None:
    world = subnet(separate=GATEWAY)
    door = group(open_to("0.0.0.0/0", start=22), name="door")
    machine = res("ec2/instance", "bastion", subnetId=world[0], vpcSecurityGroupIds=[door])
    way = (
        "ec2/internetGateway gateway -> ec2/route route -> ec2/routeTable table -> ec2/subnet subnet "
        "-> ec2/securityGroup door (IPv4, port 22 (SSH)) -> ec2/instance bastion"
    )
    assert said("machine-unreachable", machine, *world) == [f"the internet reaches it past every load balancer: {way}"]
    guard = group(open_to(start=3306, securityGroups=[door]), name="guard")
    database = res("rds/instance", "db", vpcSecurityGroupIds=[guard])
    assert said("database-apart-from-exposed-machines", database, machine, *world) == [
        f"it admits a machine that the internet reaches: {way} -> ec2/securityGroup guard (port 3306 (MySQL)) "
        "-> rds/instance db"
    ]


def test_what_leads_to_a_load_balancer_is_named() -> None:
    assert said("load-balancer-waf", *handed_on(INNER)) == [
        "the internet gets to it by lb/loadBalancer front, and it has no web ACL"
    ]
    assert said("load-balancer-waf", *accelerated(INNER)) == [
        "the internet gets to it by globalaccelerator/endpointGroup accelerated, and it has no web ACL"
    ]


def test_the_actions_of_a_way_to_all_rights_are_named() -> None:
    ways = several(
        {"Action": ["iam:put*", "IAM:PassRole"], "Resource": "*"},
        {"Action": "lambda:*", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:*"},
    )
    policy = res("iam/policy", "deploy", policy=ways)
    assert said("no-privilege-escalation", policy) == [
        "it can take more rights than it has by iam:PutGroupPolicy, iam:PutRolePolicy, iam:PutUserPolicy",
        "it can have any role do its work by iam:PassRole and lambda:CreateFunction",
    ]
    assert said("roles-managed-narrowly", policy) == [
        "it can take more rights than it has by lambda:UpdateFunctionCode, within its account"
    ]


def test_ports_are_named() -> None:
    def opened(**values: Any) -> list[str]:
        return said("ingress-not-from-world", group(open_to("0.0.0.0/0", **values)))

    assert opened(start=22) == ["it admits the internet (IPv4) to port 22 (SSH)"]
    assert opened(start=3300, end=5500) == ["it admits the internet (IPv4) to ports 3300-5500 (MySQL, RDP, PostgreSQL)"]
    assert opened(start=443) == [
        "it admits the internet (IPv4) to port 443 of something else than an internet-facing load balancer"
    ]
    (everything,) = opened(protocol="-1")
    assert everything.startswith("it admits the internet (IPv4) to every port (FTP, SSH, ")


def test_each_thing_that_is_wrong_is_said_once() -> None:
    plain = {"ebs": {"encrypted": "false"}}
    assert said("volume-encrypted", res("ec2/launchTemplate", "web", blockDeviceMappings=[plain, plain])) == [
        "a volume of its blockDeviceMappings is not encrypted"
    ]
    table = res("rds/parameterGroup", "parameters", family="mysql8.0")
    assert said("database-tls-only", res("rds/instance", "db", parameterGroupName=name(table))) == [
        "rds/parameterGroup parameters doesn't set require_secure_transport"
    ]


def test_a_secret_in_settings_is_named_by_its_place_alone() -> None:
    variables = "aws:elasticbeanstalk:application:environment"
    settings = [
        {"namespace": variables, "name": name, "value": value}
        for name, value in (("HOST", "db.internal"), ("DB_PASSWORD", "hunter2"), ("URL", "mysql://app:hunter2@db/app"))
    ]
    assert said("environment-no-secrets", res("elasticbeanstalk/environment", "backend", settings=settings)) == [
        "settings[1] is a variable whose name is a secret's",
        "settings[2] holds what looks like a secret",
    ]


def test_a_public_node_group_says_the_way_to_it() -> None:
    world = subnet(separate=GATEWAY)
    assert said("nodes-in-private-subnets", res("eks/nodeGroup", "nodes", subnetIds=[world[0]]), *world) == [
        "it is in a public subnet: ec2/internetGateway gateway -> ec2/route route -> ec2/routeTable table "
        "-> ec2/subnet subnet"
    ]


def test_what_a_cluster_does_not_log_is_named() -> None:
    cluster = res("eks:index:Cluster", "cluster", enabledClusterLogTypes=["api", "audit", "scheduler"])
    assert said("cluster-logged", cluster) == ["it doesn't log authenticator, controllerManager"]


def test_a_transient_cluster_says_the_way_to_it_and_what_of_its_configuration_is_weak() -> None:
    world = subnet(separate=GATEWAY)
    assert said("emr-in-private-subnets", *reading(Text({"Subnets": [world[0]]})), *world) == [
        "a cluster of it is in a public subnet: ec2/internetGateway gateway -> ec2/route route -> ec2/routeTable table "
        "-> ec2/subnet subnet"
    ]
    weak = security(encryption(**{f"{DISKS}__EnableEbsEncryption": False}))
    assert said("emr-encrypted", weak) == ["it leaves the root volumes as they are"]
    assert said("emr-encrypted", cluster(securityConfiguration=name(weak)), weak) == [
        "emr/securityConfiguration secure leaves the root volumes as they are"
    ]
    assert said("emr-encrypted", cluster()) == ["it has no security configuration"]
    assert said("emr-encrypted", machine()) == ["a cluster of it has no security configuration"]


def test_what_leaves_a_cluster_running_is_said() -> None:
    left = starting(starts={**STARTS, "Parameters": {"Instances": STAYS["Instances"]}}, Run=waits(End=True))
    assert said("state-machine-ends-clusters", left) == [
        "a path through it leaves a cluster running",
        "a cluster of it runs on when an execution is stopped",
    ]
