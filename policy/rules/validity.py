"""What AWS would refuse, or take and ignore. No simulator says so, and a real update says it only half way through.

A rule fails what is certain. Where a list may have grown since it was written, as versions and instance classes do,
what is beyond its end can't be verified, and what is missing inside it fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from ..databases import speaker
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek, yes
from ..rule import Family, rule
from .waf import rules_of

FAMILY: Family = "validity"


def _number(value: Any, path: str) -> float | None:
    """The number at a path; None where there is none."""
    found = get(value, path)
    if found is not None and (isinstance(found, bool) or not isinstance(found, (int, float))):
        raise Unknown(path)
    return found


def _text(value: Any, path: str) -> str | None:
    """The text at a path; None where there is none, be it empty."""
    found = get(value, path)
    if found is not None and not isinstance(found, str):
        raise Unknown(path)
    return found or None


# -- Subnets -----------------------------------------------------------------------------------------------------------

_OUTPOSTS = {"lb/loadBalancer": "customerOwnedIpv4Pool", "eks/cluster": "outpostConfig"}
_SUBNETS = {"lb/loadBalancer": "subnets", "rds/subnetGroup": "subnetIds", "eks/cluster": "vpcConfig.subnetIds"}


def _on_outpost(resource: Resource) -> bool:
    return resource.short in _OUTPOSTS and given(resource, _OUTPOSTS[resource.short])


def _is_application(balancer: Resource) -> bool:
    return get(balancer, "loadBalancerType") in (None, "", "application")


@rule(
    "enough-subnets", "lb/loadBalancer", "rds/subnetGroup", "eks/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="What needs two zones has two subnets",
    controls="",
    remediation="Give it subnets in at least two availability zones",
)  # fmt: skip
def enough_subnets(resource: Resource, graph: Graph) -> Iterator[str]:
    """Elastic Load Balancing, RDS and EKS API references: subnets from at least two zones. A network load balancer
    may do with one, as what is on an Outpost; in Local Zones one will do as well, which can't be told from here. An id
    that isn't known yet is a subnet all the same."""
    if _on_outpost(resource) or (resource.short == "lb/loadBalancer" and not _is_application(resource)):
        return
    found = sum(1 for _ in items(resource, _SUBNETS[resource.short]))
    if resource.short == "lb/loadBalancer":
        found += sum(1 for _ in items(resource, "subnetMappings"))
    if found < 2:
        yield "it has fewer than two subnets"


@rule(
    "subnets-in-zones", "lb/loadBalancer", "rds/subnetGroup", "eks/cluster",
    family=FAMILY, severity="medium",
    title="Subnets lie in zones as AWS demands",
    controls="",
    remediation="Give it subnets in two availability zones; a load balancer takes one subnet of each zone",
)  # fmt: skip
def subnets_in_zones(resource: Resource, graph: Graph) -> Iterator[str]:
    if _on_outpost(resource):
        return
    balancer = resource.short == "lb/loadBalancer"
    seen: set[str] = set()
    zones: set[str] = set()

    def judge(subnet: Resource) -> Iterator[str]:
        if subnet.urn in seen:
            return
        seen.add(subnet.urn)
        zone = _text(subnet, "availabilityZone") or _text(subnet, "availabilityZoneId")
        if zone is None:
            raise Unknown(f"the zone of {subnet.label}")
        if balancer and zone in zones:
            yield "two of its subnets are in one zone"
        zones.add(zone)

    found = [graph.targets(resource, _SUBNETS[resource.short], "ec2/subnet")]
    if balancer:
        mapped = [peek(mapping, "subnetId") for mapping in items(resource, "subnetMappings")]
        found.append(graph.targets(resource, "subnetMappings", "ec2/subnet", value=mapped))
    try:
        yield from each(found, lambda subnets: each(subnets, judge))
    except Unknown:
        if balancer or len(zones) < 2:
            raise
    if not balancer and len(zones) == 1:
        yield "its subnets are all in one zone"


@rule(
    "load-balancer-security-group", "lb/loadBalancer",
    family=FAMILY, severity="medium", alone=True,
    title="Application load balancers have security groups of their own",
    controls="",
    remediation="Set securityGroups to a group that admits the listeners' ports",
)  # fmt: skip
def load_balancer_security_group(balancer: Resource, graph: Graph) -> Iterator[str]:
    """Without one, Elastic Load Balancing takes the VPC's default group."""
    if _is_application(balancer) and not given(balancer, "securityGroups"):
        yield "it gets its VPC's default security group, which should admit nothing"


@rule(
    "subnet-addresses", "ec2/vpc",
    family=FAMILY, severity="medium",
    title="Subnets lie in their VPC's addresses and apart from each other",
    controls="",
    remediation="Give each subnet a CIDR, /16 to /28, in the VPC's that no other subnet of it uses",
)  # fmt: skip
def subnet_addresses(vpc: Resource, graph: Graph) -> Iterator[str]:
    """VPC user guide, "Subnet CIDR blocks". Judged on the VPC, so that subnets are sorted once and not paired."""
    blocks: list[IPv4Network] = []
    doubt: Unknown | None = None
    try:
        blocks += _network(vpc)
        for more in graph.referrers(vpc, "ec2/vpcIpv4CidrBlockAssociation", "vpcId"):
            blocks += _network(more)
    except Unknown as unknown:
        doubt = unknown
    placed: list[tuple[IPv4Network, Resource]] = []

    def judge(subnet: Resource) -> Iterator[str]:
        for network in _network(subnet):
            placed.append((network, subnet))
            if not 16 <= network.prefixlen <= 28:
                yield f"{subnet.label} is larger than /16 or smaller than /28"
            if not any(network.subnet_of(block) for block in blocks):
                if doubt:
                    raise doubt
                yield f"{subnet.label} is outside its addresses"

    def overlaps() -> Iterator[str]:
        placed.sort(key=lambda place: (place[0].network_address, place[0].prefixlen, place[1].urn))
        widest: tuple[IPv4Network, Resource] | None = None
        for network, subnet in placed:
            if widest and network.overlaps(widest[0]):
                yield f"{widest[1].label} and {subnet.label} overlap"
            if widest is None or network.broadcast_address > widest[0].broadcast_address:
                widest = network, subnet

    subnets = each(graph.referrers(vpc, "ec2/subnet", "vpcId"), judge)
    yield from each((subnets, overlaps()), lambda found: found)


def _network(holder: Resource) -> list[IPv4Network]:
    """What cidrBlock says; nothing where a subnet has none, being for IPv6 alone."""
    block = _text(holder, "cidrBlock")
    if block is None and holder.short == "ec2/subnet":
        return []
    try:
        return [IPv4Network(block or "", strict=False)]
    except ValueError:
        raise Unknown(f"cidrBlock of {holder.label}") from None


# -- RDS ---------------------------------------------------------------------------------------------------------------

_CLASS = re.compile(r"db\.([a-z]\w*)\.(micro|small|medium|large|xlarge|\d+xlarge|metal(?:-\d+xl)?)(?:\.tpc\d\.mem\dx)?")
# What the RDS user guide's "DB instance class types" lists, those of former generations included.
_CLASSES = {
    "m1", "m2", "m3", "m4", "m5", "m5d", "m6g", "m6gd", "m6i", "m6id", "m6idn", "m6in", "m7g", "m7i", "m8a",
    "m8g", "m8gd", "m8i", "r3", "r4", "r5", "r5b", "r5d", "r6g", "r6gd", "r6i", "r6id", "r6idn", "r6in", "r7g",
    "r7i", "r8a", "r8g", "r8gd", "r8i", "t1", "t2", "t3", "t4g", "x1", "x1e", "x2g", "x2idn", "x2iedn",
    "x2iezn", "z1d",
}  # fmt: skip
_SIZES = {"micro", "small", "medium", "large", "xlarge", "metal", "metal-24xl", "metal-48xl", "metal-96xl"} | {
    f"{number}xlarge" for number in (2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 48, 96)
}
_LICENSED_ONLY = {"x1", "x1e", "x2iezn", "z1d"}  # for Oracle and SQL Server alone


@rule(
    "database-class", "rds/instance", "rds/clusterInstance",
    family=FAMILY, severity="medium", alone=True,
    title="RDS offers the instance class, for the engine",
    controls="",
    remediation="Set instanceClass to one that the RDS user guide lists for the engine, such as db.m7g.large",
)  # fmt: skip
def database_class(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, "Supported DB engines for DB instance classes"; Aurora user guide, the same."""
    name = _text(database, "instanceClass")
    if name is None:
        return
    engine = _text(database, "engine") or ""
    if name == "db.serverless":
        if engine and not engine.startswith("aurora"):
            yield "its instanceClass is Aurora's alone"
        return
    found = _CLASS.fullmatch(name)
    if not found:
        yield "its instanceClass is none of RDS"
        return
    kind, size = found.groups()
    if kind not in _CLASSES or size not in _SIZES:
        raise Unknown("whether RDS offers its instanceClass")
    burstable = kind.startswith("t")
    if (
        (size in ("micro", "small", "medium") and not burstable and kind not in ("m1", "m3"))
        or (burstable and (size.startswith("metal") or size[0].isdigit()) and size != "2xlarge")
        or (kind == "t1" and size != "micro")
    ):
        yield "its instanceClass doesn't come in that size"
    elif engine.startswith("aurora") and (kind.startswith("m") or size == "micro" or kind in _LICENSED_ONLY):
        yield "its instanceClass isn't offered for Aurora"
    elif engine in ("mysql", "mariadb", "postgres") and kind in _LICENSED_ONLY:
        yield "its instanceClass isn't offered for its engine"


# The release lines that RDS offers, extended support included; in order, and with their gaps. A version is a line, or a
# line and more.
_LINES = {
    "mysql": ("5.7", "8.0", "8.4"),
    "mariadb": ("10.4", "10.5", "10.6", "10.11", "11.4", "11.8"),
    "postgres": ("11", "12", "13", "14", "15", "16", "17", "18"),
    "aurora-postgresql": ("11", "12", "13", "14", "15", "16", "17"),
}
_VERSION = {
    "mysql": re.compile(r"(\d+\.\d+)(\.\d+(-\S+)?)?"),
    "mariadb": re.compile(r"(\d+\.\d+)(\.\d+(-\S+)?)?"),
    "postgres": re.compile(r"(\d+)(\.\d+(-\S+)?)?"),
    "aurora-postgresql": re.compile(r"(\d+)(\.\d+(-\S+)?)?"),
    "aurora-mysql": re.compile(r"(\d+\.\d+)(\.\S+)?"),
}


def _order(line: str) -> tuple[int, ...]:
    return tuple(int(part) for part in line.split("."))


def _line(engine: str, version: str) -> str | None:
    """The release line of a version, `8.4` of `8.4.3`; None where it isn't a version of that engine at all."""
    found = _VERSION[engine].fullmatch(version)
    return found[1] if found else None


@rule(
    "database-engine-version", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="RDS offers the engine's version",
    controls="",
    remediation="Set engineVersion to a release line that RDS offers, such as 8.4 for mysql or 17 for postgres",
)  # fmt: skip
def database_engine_version(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, release calendars of MySQL, MariaDB and PostgreSQL; other engines aren't judged."""
    engine, version = _text(database, "engine"), _text(database, "engineVersion")
    if engine not in _LINES or version is None:
        return
    line = _line(engine, version)
    if line is None:
        yield "its engineVersion isn't written as its engine's versions are"
    elif line not in _LINES[engine]:
        if _order(line) > _order(_LINES[engine][-1]):
            raise Unknown("whether RDS offers a version so new")
        yield "its engineVersion is of a release that RDS doesn't offer"


_PARAMETERS = {
    "rds/instance": ("parameterGroupName", "rds/parameterGroup"),
    "rds/cluster": ("dbClusterParameterGroupName", "rds/clusterParameterGroup"),
}


@rule(
    "database-parameter-group", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium",
    title="A database's parameter group is of its engine and version",
    controls="",
    remediation="Set the parameter group's family to that of the engine and version, such as mysql8.4 or postgres17",
)  # fmt: skip
def database_parameter_group(database: Resource, graph: Graph) -> Iterator[str]:
    """Without a version of its own the database gets AWS's default one, which changes: that can't be verified."""
    key, type = _PARAMETERS[database.short]
    if not given(database, key):
        return
    value = peek(database, key)
    if isinstance(value, str) and value.startswith("default."):
        families: Iterator[Any] = iter([value.removeprefix("default.")])
    else:
        families = (_text(group, "family") for group in graph.targets(database, key, type))

    def judge(family: Any) -> Iterator[str]:
        engine = _text(speaker(database, graph, "engine"), "engine")
        if engine is None or family is None:
            raise Unknown("engine" if engine is None else "the family of its parameter group")
        rest = family.removeprefix(engine)
        if rest == family or (engine not in _VERSION and not re.match(r"-\d", rest)):
            yield "its parameter group is of another engine's family"
            return
        if engine not in _VERSION:  # Oracle, SQL Server and Db2 don't write versions as they write families
            return
        version = _text(speaker(database, graph, "engineVersion"), "engineVersion")
        if version is None:
            raise Unknown("engineVersion, which AWS chooses,")
        line = _line(engine, version)
        if line is None:
            raise Unknown("the release that engineVersion is of")
        if rest != line:
            yield "its parameter group is of another release's family than its engineVersion"

    yield from each(families, judge)


_GENERATOR = "random:index/randomPassword:RandomPassword"
_PASSWORDS = {"rds/instance": "password", "rds/cluster": "masterPassword"}
_REFUSED = set('/@" ')
_LONGEST = {"mysql": 41, "mariadb": 41, "aurora-mysql": 41, "oracle": 30}


@rule(
    "database-password", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium",
    title="RDS takes the master password",
    controls="",
    remediation="Let it have 8 to 41 characters (MySQL, MariaDB; 30 for Oracle, 128 for others), and none of / @ "
    "double quote or space",
)  # fmt: skip
def database_password(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS API reference, CreateDBInstance, MasterUserPassword. One that `random.RandomPassword` makes is judged by what
    that may make: its default punctuation has an @."""
    key = _PASSWORDS[database.short]
    if not given(database, key):
        return
    password = peek(database, key)
    engine = _text(database, "engine") or ""
    longest = _LONGEST.get("oracle" if engine.startswith("oracle") else engine, 128)

    def generated(generator: Resource) -> Iterator[str]:
        length = _number(generator, "length") or 0
        if not 8 <= length <= longest:
            yield "its generated password is too short or too long"
        special = get(generator, "special")
        punctuation = _text(generator, "overrideSpecial") or "!@#$%&*()-_=+[]{}<>:?"
        if special is not False and _REFUSED & set(punctuation):
            yield "its generated password may have a character that RDS refuses"

    try:
        yield from each(graph.targets(database, key, _GENERATOR, value=UNKNOWN), generated)
    except Unknown:
        if not isinstance(password, str):
            raise
    if isinstance(password, str):
        if not 8 <= len(password) <= longest:
            yield "its password is too short or too long"
        if _REFUSED & set(password) or not password.isascii() or not password.isprintable():
            yield "its password has a character that RDS refuses"


@rule(
    "replica-source-backed-up", "rds/instance",
    family=FAMILY, severity="medium",
    title="What has replicas keeps backups",
    controls="",
    remediation="Set backupRetentionPeriod of the source to 1 or more",
)  # fmt: skip
def replica_source_backed_up(replica: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, "Working with DB instance read replicas". A replica that has replicas needs backups as well."""

    def judge(source: Resource) -> Iterator[str]:
        if get(source, "backupRetentionPeriod") in (None, 0):
            yield f"its source, {source.label}, keeps no backups"

    if given(replica, "replicateSourceDb"):
        yield from each(graph.targets(replica, "replicateSourceDb", "rds/instance"), judge)


@rule(
    "database-storage-growth", "rds/instance",
    family=FAMILY, severity="medium", alone=True,
    title="Storage autoscaling has room to grow",
    controls="",
    remediation="Set maxAllocatedStorage to at least 10 % more than allocatedStorage; 26 % spares the warnings",
)  # fmt: skip
def database_storage_growth(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, "Managing capacity automatically with storage autoscaling". 0 turns it off; a restored database
    doesn't say what is allocated."""
    most = _number(database, "maxAllocatedStorage")
    if most and given(database, "allocatedStorage"):
        allocated = _number(database, "allocatedStorage") or 0
        if most * 10 < allocated * 11:
            yield "its maxAllocatedStorage is less than 10 % above what is allocated"


# -- EKS ---------------------------------------------------------------------------------------------------------------

# EKS user guide, "Kubernetes release calendar": extended support of 1.30 ended on 23 July 2026, and a newer one than
# 1.35 may be there by now.
_OLDEST, _NEWEST = 31, 35


@rule(
    "cluster-version", "eks/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="EKS offers the Kubernetes version",
    controls="",
    remediation="Set version to 1. and a minor release that EKS offers, without a patch release",
)  # fmt: skip
def cluster_version(cluster: Resource, graph: Graph) -> Iterator[str]:
    version = _text(cluster, "version")
    if version is None:
        return
    found = re.fullmatch(r"1\.([1-9][0-9]{1,2})", version)
    if not found:
        yield "its version isn't of the form 1.NN"
    elif int(found[1]) < _OLDEST:
        yield "its version is no longer offered"
    elif int(found[1]) > _NEWEST:
        raise Unknown("whether EKS offers a version so new")


# -- WAF ---------------------------------------------------------------------------------------------------------------

# WAF developer guide, "AWS Managed Rules rule groups list".
_MANAGED = {
    "AWSManagedRulesACFPRuleSet",
    "AWSManagedRulesATPRuleSet",
    "AWSManagedRulesAdminProtectionRuleSet",
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesAntiDDoSRuleSet",
    "AWSManagedRulesBotControlRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesLinuxRuleSet",
    "AWSManagedRulesPHPRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesUnixRuleSet",
    "AWSManagedRulesWindowsRuleSet",
    "AWSManagedRulesWordPressRuleSet",
}


@rule(
    "web-acl-managed-groups", "wafv2/webAcl",
    family=FAMILY, severity="medium",
    title="AWS has the managed rule groups that a web ACL names",
    controls="",
    remediation="Name a group of the WAF developer guide's list, such as AWSManagedRulesCommonRuleSet",
)  # fmt: skip
def web_acl_managed_groups(acl: Resource, graph: Graph) -> Iterator[str]:
    """Of vendor AWS; what others sell is not listed anywhere."""

    def judge(found: Any) -> Iterator[str]:
        for path in ("statement.managedRuleGroupStatement", "managedRuleGroup"):
            name = _text(found, f"{path}.name")
            if name is not None and get(found, f"{path}.vendorName") == "AWS" and name not in _MANAGED:
                yield "a rule of it names a managed rule group that AWS doesn't have"

    yield from each(rules_of(acl, graph), judge)


@rule(
    "web-acl-rate-limits", "wafv2/webAcl", "wafv2/ruleGroup",
    family=FAMILY, severity="medium",
    title="Rate limits are ones that WAF takes",
    controls="",
    remediation="Set limit to 10 or more requests, and no more than 2,000,000,000",
)  # fmt: skip
def web_acl_rate_limits(acl: Resource, graph: Graph) -> Iterator[str]:
    """WAF API reference, RateBasedStatement."""

    def judge(found: Any) -> Iterator[str]:
        limit = _number(found, "statement.rateBasedStatement.limit")
        if limit is not None and not 10 <= limit <= 2_000_000_000:
            yield "a rate limit of it is out of bounds"

    yield from each(rules_of(acl, graph), judge)


# -- CloudFront --------------------------------------------------------------------------------------------------------


@rule(
    "distribution-origins", "cloudfront/distribution",
    family=FAMILY, severity="medium", alone=True,
    title="Every behaviour of a distribution has an origin",
    controls="",
    remediation="Set targetOriginId to the originId of an origin or an origin group of the distribution",
)  # fmt: skip
def distribution_origins(distribution: Resource, graph: Graph) -> Iterator[str]:
    def named(path: str) -> set[Any]:
        return {found for item in items(distribution, path) if not isinstance(found := peek(item, "originId"), list)}

    def missing(target: Any, among: set[Any]) -> bool:
        if target is UNKNOWN or (target not in among and UNKNOWN in among):
            raise Unknown("originId")
        return target not in among

    origins = named("origins")
    targets = origins | named("originGroups")

    def behaviour(found: Any) -> Iterator[str]:
        if missing(_text(found, "targetOriginId"), targets):
            yield "a cache behaviour names an origin that it doesn't have"

    def group(found: Any) -> Iterator[str]:
        if any(missing(_text(member, "originId"), origins) for member in items(found, "members")):
            yield "an origin group names an origin that it doesn't have"

    yield from each(
        (
            each(items(distribution, "defaultCacheBehavior"), behaviour),
            each(items(distribution, "orderedCacheBehaviors"), behaviour),
            each(items(distribution, "originGroups"), group),
        ),
        lambda found: found,
    )


@rule(
    "distribution-certificate", "cloudfront/distribution",
    family=FAMILY, severity="medium", alone=True,
    title="A distribution with names of its own has a certificate of its own",
    controls="",
    remediation="Set viewerCertificate.acmCertificateArn to a certificate for the aliases, made in us-east-1",
)  # fmt: skip
def distribution_certificate(distribution: Resource, graph: Graph) -> Iterator[str]:
    """CloudFront developer guide, "Requirements for using alternate domain names"."""
    if not any(True for _ in items(distribution, "aliases")):
        return
    if yes(distribution, "viewerCertificate.cloudfrontDefaultCertificate") or not (
        given(distribution, "viewerCertificate.acmCertificateArn")
        or given(distribution, "viewerCertificate.iamCertificateId")
    ):
        yield "it has aliases, and CloudFront's certificate, which doesn't cover them"


@rule(
    "distribution-certificate-region", "cloudfront/distribution",
    family=FAMILY, severity="medium",
    title="A distribution's certificate is in us-east-1",
    controls="",
    remediation="Make the certificate in us-east-1, by a provider or with region of its own",
)  # fmt: skip
def distribution_certificate_region(distribution: Resource, graph: Graph) -> Iterator[str]:
    """CloudFront developer guide, "AWS Region for AWS Certificate Manager"."""
    path = "viewerCertificate.acmCertificateArn"
    if not given(distribution, path):
        return
    value = peek(distribution, path)
    if isinstance(value, str) and value.startswith("arn:"):
        if value.split(":")[3:4] != ["us-east-1"]:
            yield "its certificate isn't in us-east-1"
        return

    def judge(certificate: Resource) -> Iterator[str]:
        if graph.region(certificate) != "us-east-1":
            yield f"{certificate.label} isn't in us-east-1"

    yield from each(graph.targets(distribution, path, "acm/certificateValidation", "acm/certificate"), judge)


# -- Step Functions and schedules --------------------------------------------------------------------------------------


@rule(
    "state-machine-states", "sfn/stateMachine",
    family=FAMILY, severity="medium", alone=True,
    title="A state machine goes only to states that it has",
    controls="",
    remediation="Name a state of the same States by StartAt, Next, Default and Catch",
)  # fmt: skip
def state_machine_states(machine: Resource, graph: Graph) -> Iterator[str]:
    """Amazon States Language: a state names states of its own level; those of a Map or Parallel have their own."""
    text = _text(machine, "definition")
    try:
        levels = [json.loads(text or "")]
    except ValueError:
        yield "its definition isn't JSON"
        return
    while levels:
        level = levels.pop()
        states = _object(_object(level).get("States"))
        named = [level.get("StartAt")]
        for state in states.values():
            named += [state[key] for key in ("Next", "Default") if key in _object(state)]
            for key in ("Choices", "Catch"):
                named += [found["Next"] for found in _list(state.get(key)) if "Next" in _object(found)]
            levels += [state[key] for key in ("Iterator", "ItemProcessor") if key in state]
            levels += _list(state.get("Branches"))
        if not all(isinstance(name, str) and name in states for name in named):
            yield "it goes to a state that it doesn't have"


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unknown("what definition says")
    return value


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Unknown("what definition says")
    return value or []


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Lowest, highest and names of each field, and what else it takes.
_FIELDS: list[tuple[int, int, tuple[str, ...], str]] = [
    (0, 59, (), ""),
    (0, 23, (), ""),
    (1, 31, (), r"L(-\d+)?|LW|\d+W"),
    (1, 12, _MONTHS, ""),
    (1, 7, _WEEKDAYS, r"L|([1-7]|[A-Z]{3})(L|#[1-5])"),
    (1970, 2199, (), ""),
]


@rule(
    "schedule-expression", "scheduler/schedule", "cloudwatch/eventRule",
    family=FAMILY, severity="medium", alone=True,
    title="Schedules are ones that EventBridge understands",
    controls="",
    remediation="Write cron(minutes hours day-of-month month day-of-week year) with ? for one of the days, "
    "rate(1 hour), rate(5 minutes), or, for a schedule, at(yyyy-mm-ddThh:mm:ss)",
)  # fmt: skip
def schedule_expression(schedule: Resource, graph: Graph) -> Iterator[str]:
    """EventBridge user guide, "Cron expressions" and "Rate expressions"; Scheduler user guide, "Schedule types". Only
    rules are known to insist on a singular unit after 1."""
    text = _text(schedule, "scheduleExpression")
    if text is None:
        return
    kind, _, rest = text.partition("(")
    inside = rest.removesuffix(")")
    if not text.endswith(")"):
        yield "its scheduleExpression isn't a cron, rate or at expression"
    elif kind == "cron":
        if not _is_cron(inside.split()):
            yield "its cron expression isn't one of EventBridge"
    elif kind == "rate":
        found = re.fullmatch(r"([1-9][0-9]*) +(minute|hour|day)(s?)", inside)
        strict = schedule.short == "cloudwatch/eventRule"
        if not found or (found[1] != "1" and not found[3]) or (strict and found[1] == "1" and found[3]):
            yield "its rate expression isn't one of EventBridge"
    elif kind == "at" and schedule.short == "scheduler/schedule":
        if not _is_time(inside):
            yield "its at expression isn't a time"
    else:
        yield "its scheduleExpression isn't a cron, rate or at expression"


def _is_cron(fields: list[str]) -> bool:
    if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
        return False
    return all(
        (field == "?" and place in (2, 4)) or all(_is_part(part.upper(), *_FIELDS[place]) for part in field.split(","))
        for place, field in enumerate(fields)
    )


def _is_part(part: str, lowest: int, highest: int, names: tuple[str, ...], special: str) -> bool:
    if special and re.fullmatch(special, part):
        return True
    span, slash, step = part.partition("/")
    if slash and not re.fullmatch("[1-9][0-9]*", step):
        return False
    first, dash, last = span.partition("-")

    def within(value: str) -> bool:
        return value in names or (re.fullmatch("[0-9]{1,4}", value) is not None and lowest <= int(value) <= highest)

    return span == "*" or (within(first) and (not dash or within(last)))


def _is_time(text: str) -> bool:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S") is not None
    except ValueError:
        return False


# -- What is named and isn't there -------------------------------------------------------------------------------------


@rule(
    "backup-vault-there", "backup/plan",
    family=FAMILY, severity="high",
    title="A backup plan's vault is there",
    controls="",
    remediation="Set targetVaultName to the name of a vault of the program",
)  # fmt: skip
def backup_vault_there(plan: Resource, graph: Graph) -> Iterator[str]:
    """A name that is written out is refused only beside vaults of the program's own, where it is none of them and not
    the account's Default: in a program without vaults it may be any that the account has."""

    def judge(found: Any) -> Iterator[str]:
        name = peek(found, "targetVaultName")
        if name is UNKNOWN:
            graph.refers(plan, "rules", "backup/vault", value=name)
        elif name != "Default" and _strange(graph, "backup/vault", name):
            yield "a rule of it names a vault that is none of the program's"

    yield from each(items(plan, "rules"), judge)


@rule(
    "flow-log-group-there", "ec2/flowLog",
    family=FAMILY, severity="high",
    title="A flow log's log group is there",
    controls="",
    remediation="Set logDestination to the ARN of a log group of the program",
)  # fmt: skip
def flow_log_group_there(log: Resource, graph: Graph) -> Iterator[str]:
    """Refused only beside log groups of the program's own, as `backup-vault-there`. Buckets are left alone: that of
    another account is the usual place for logs."""
    destination = peek(log, "logDestination")
    if destination is UNKNOWN:
        graph.refers(log, "logDestination", "cloudwatch/logGroup", "s3/bucket", "kinesis/firehoseDeliveryStream")
        return
    _, found, name = str(destination or "").partition(":log-group:")
    if found and _strange(graph, "cloudwatch/logGroup", name.removesuffix(":*")):
        yield "its logDestination is none of the program's log groups"


def _strange(graph: Graph, type: str, name: Any) -> bool:
    """Whether the program has resources of a type, of which none has that name."""
    there = graph.of_type(type)
    return bool(there) and all(found.props.get("name") != name for found in there)


# -- Names, tags and numbers -------------------------------------------------------------------------------------------

_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


@rule(
    "bucket-name", "s3/bucket",
    family=FAMILY, severity="medium", alone=True,
    title="S3 takes the bucket's name",
    controls="",
    remediation="Use 3 to 63 lower-case letters, digits, hyphens and single dots, a letter or digit at both ends, and "
    "neither an IP address nor a reserved prefix or suffix such as xn-- or -s3alias",
)  # fmt: skip
def bucket_name(bucket: Resource, graph: Graph) -> Iterator[str]:
    """S3 user guide, "General purpose bucket naming rules"."""
    name = _text(bucket, "bucket")
    if name is None:
        return
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) or ".." in name or _ADDRESS.fullmatch(name):
        yield "its name isn't one that S3 takes"
    elif name.startswith(_RESERVED_STARTS) or name.endswith(_RESERVED_ENDS):
        yield "its name has a prefix or suffix that S3 reserves"


# Property, longest, and what a name may be: Elastic Load Balancing, RDS and IAM API references.
_NAMES: dict[str, tuple[str, int, str]] = {
    "lb/loadBalancer": ("name", 32, r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"),
    "lb/targetGroup": ("name", 32, r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"),
    "elb/loadBalancer": ("name", 32, r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"),
    "rds/instance": ("identifier", 63, r"[A-Za-z](-?[A-Za-z0-9])*"),
    "rds/cluster": ("clusterIdentifier", 63, r"[A-Za-z](-?[A-Za-z0-9])*"),
    "iam/role": ("name", 64, r"[A-Za-z0-9_+=,.@-]+"),
}


@rule(
    "name-taken", *_NAMES,
    family=FAMILY, severity="medium", alone=True,
    title="AWS takes the name",
    controls="",
    remediation="Shorten it to 32 characters (load balancer, target group), 63 (database) or 64 (role), of letters, "
    "digits and hyphens",
)  # fmt: skip
def name_taken(resource: Resource, graph: Graph) -> Iterator[str]:
    key, longest, pattern = _NAMES[resource.short]
    name = _text(resource, key)
    if name is None:
        return
    if len(name) > longest:
        yield f"its {key} is longer than {longest} characters"
    elif not re.fullmatch(pattern, name):
        yield f"its {key} has characters that AWS refuses there"


_TAGGED = (
    "backup/vault", "cloudfront/distribution", "cloudwatch/logGroup", "dynamodb/table", "ec2/instance",
    "ec2/securityGroup", "ec2/subnet", "ec2/vpc", "eks/cluster", "elb/loadBalancer", "iam/role", "kms/key",
    "lambda/function", "lb/loadBalancer", "lb/targetGroup", "rds/cluster", "rds/instance", "s3/bucket",
    "secretsmanager/secret", "sfn/stateMachine", "sns/topic", "sqs/queue", "wafv2/webAcl",
)  # fmt: skip


@rule(
    "tags-taken", *_TAGGED,
    family=FAMILY, severity="medium", alone=True,
    title="AWS takes the tags",
    controls="",
    remediation="Keep to 50 tags, keys of 128 and values of 256 characters, and no key that begins with aws:",
)  # fmt: skip
def tags_taken(resource: Resource, graph: Graph) -> Iterator[str]:
    """Tagging user guide, "Tag naming limits". The provider has added its default tags to these by then."""
    tags = get(resource, "tags")
    if tags is None:
        return
    if not isinstance(tags, Mapping):
        raise Unknown("tags")
    if len(tags) > 50:
        yield "it has more than 50 tags"
    if any(key.lower().startswith("aws:") for key in tags):
        yield "a tag of it begins with aws:, which is AWS's own"
    if any(len(key) > 128 or (isinstance(value, str) and len(value) > 256) for key, value in tags.items()):
        yield "a tag of it is too long"


@rule(
    "group-sizes", "autoscaling/group", "eks/nodeGroup",
    family=FAMILY, severity="medium", alone=True,
    title="A group's desired size lies between its least and its most",
    controls="",
    remediation="Set the least to no more than the desired number, and that to no more than the most",
)  # fmt: skip
def group_sizes(group: Resource, graph: Graph) -> Iterator[str]:
    within, desired = ("scalingConfig.", "desiredSize") if group.short == "eks/nodeGroup" else ("", "desiredCapacity")
    least, most = _number(group, f"{within}minSize"), _number(group, f"{within}maxSize")
    if least is not None and most is not None and least > most:
        yield "its minSize is more than its maxSize"
    if given(group, f"{within}{desired}"):
        wanted = _number(group, f"{within}{desired}")
        if wanted is not None and ((least is not None and wanted < least) or (most is not None and wanted > most)):
            yield f"its {desired} is outside minSize and maxSize"


@rule(
    "port-range", "ec2/securityGroup", "ec2/securityGroupRule", "vpc/securityGroupIngressRule",
    "vpc/securityGroupEgressRule",
    family=FAMILY, severity="high", alone=True,
    title="Security groups open ports as written",
    controls="",
    remediation="Set fromPort to no more than toPort, both within 0 and 65535; name a protocol where ports are meant",
)  # fmt: skip
def port_range(resource: Resource, graph: Graph) -> Iterator[str]:
    """EC2 API reference, IpPermission: protocol -1 opens every port, whatever the ports say; those of ICMP are a type
    and a code."""

    def judge(permission: Any) -> Iterator[str]:
        protocol = str(get(permission, "protocol") or get(permission, "ipProtocol") or "").lower()
        first, last = _number(permission, "fromPort"), _number(permission, "toPort")
        if first is None or last is None or protocol in ("icmp", "icmpv6", "1", "58"):
            return
        if protocol in ("-1", "all"):
            if first not in (-1, 0) or last not in (-1, 0, 65535):
                yield "a rule of it is for every protocol, so its ports are ignored and all are open"
        elif first > last:
            yield "a rule of it has a fromPort above its toPort"
        elif first < 0 or last > 65535:
            yield "a rule of it has a port out of bounds"

    if resource.short != "ec2/securityGroup":
        yield from judge(resource)
        return
    yield from each(
        (items(resource, "ingress"), items(resource, "egress")), lambda permissions: each(permissions, judge)
    )
