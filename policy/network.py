"""How packets get in: the way from an internet gateway to a subnet, and what security groups admit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_network
from typing import Any, TypeVar

from .graph import UNKNOWN, Graph, Resource, Unknown, each, get, items, known, peek, yes

T = TypeVar("T")

GROUPS = ("ec2/securityGroup", "ec2/defaultSecurityGroup")

_PRIVATE = [
    ip_network(cidr)
    for cidr in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
        "fc00::/7", "fe80::/10",
    )
]  # fmt: skip

# From here on a range isn't somebody's network any more: a 256th of IPv4, or more than any one holder has of IPv6.
_WIDE_IPV4 = 2**24
_WIDE_IPV6 = 2 ** (128 - 16)


@dataclass(frozen=True)
class Way:
    """A way from an internet gateway to a subnet."""

    text: str
    versions: tuple[str, ...]
    """The versions of IP that it is routed for."""


DEFAULT_VPC = Way("the internet gateway of the default VPC", ("IPv4", "IPv6"))
"""What leads to whatever names no subnet."""


@dataclass(frozen=True)
class Door:
    """A rule of a security group that admits the internet."""

    owner: Resource
    """What the rule is written in."""
    group: Resource
    opened: range
    version: str
    """Of IP."""

    @property
    def text(self) -> str:
        via = "" if self.owner is self.group else f"{self.owner.label} of "
        return f"{via}{self.group.label} ({self.version}, {ports_text(self.opened)})"


def ways_in(graph: Graph, subnet: Resource) -> Iterator[str]:
    """The ways from an internet gateway to a subnet, as text. A subnet without one is private."""
    for way in ways(graph, subnet):
        yield way.text


def ways(graph: Graph, subnet: Resource) -> Iterator[Way]:
    """The ways from an internet gateway to a subnet."""
    table = _route_table(graph, subnet)

    def through(route: tuple[Resource, str, Any]) -> Iterator[Way]:
        owner, key, values = route
        for gateway in _internet_gateways(graph, owner, key, values):
            by = "" if owner is table else f" -> {owner.label}"
            yield Way(f"{gateway}{by} -> {table.label} -> {subnet.label}", _routed(key, values))

    yield from each(_routes(graph, table), through)


def doors(graph: Graph, group: Resource) -> Iterator[Door]:
    """The rules of a security group that admit the internet."""

    def judge(permission: tuple[Resource, Any]) -> Iterator[Door]:
        owner, values = permission
        for version in world(graph, owner, values):
            yield Door(owner, group, ports(values), version)

    yield from each(permissions(graph, group), judge)


def paths(into: Iterable[Way], opened: Iterable[Door]) -> Iterator[str]:
    """Each way with each door that lets in what comes by it, as text.

    What isn't known of one side is a doubt only where the other side isn't known to be closed.
    """
    found, doubt = gathered(into)
    if not found and not doubt:
        return
    admitting, other = gathered(opened)
    for way in found:
        yield from (f"{way.text} -> {door.text}" for door in admitting if door.version in way.versions)
    if doubt and (admitting or other):
        raise doubt
    if other and found:
        raise other


def gathered(found: Iterable[T]) -> tuple[list[T], Unknown | None]:
    """What is known to be there, and why there may be more."""
    known: list[T] = []
    try:
        for item in found:
            known.append(item)
    except Unknown as unknown:
        return known, unknown
    return known, None


def _route_table(graph: Graph, subnet: Resource) -> Resource:
    """The route table of a subnet; the VPC itself stands for the main table that AWS makes with it."""
    association = next(graph.referrers(subnet, "ec2/routeTableAssociation", "subnetId"), None)
    if association:
        return _only(graph, association, "routeTableId", "ec2/routeTable", "ec2/defaultRouteTable", "ec2/vpc")
    vpc = _only(graph, subnet, "vpcId", "ec2/vpc")
    main = next(graph.referrers(vpc, "ec2/mainRouteTableAssociation", "vpcId"), None)
    if main:
        return _only(graph, main, "routeTableId", "ec2/routeTable")
    return next(graph.referrers(vpc, "ec2/defaultRouteTable", "defaultRouteTableId"), vpc)


def _only(graph: Graph, resource: Resource, key: str, *types: str) -> Resource:
    for target in graph.targets(resource, key, *types):
        return target
    raise Unknown(f"{key} of {resource.label}")


def _routes(graph: Graph, table: Resource) -> Iterator[tuple[Resource, str, Any]]:
    if table.short != "ec2/vpc":
        yield from ((table, "routes", route) for route in items(table, "routes"))
    for route in graph.referrers(table, "ec2/route", "routeTableId"):
        yield route, "gatewayId", route.props


def _routed(key: str, route: Any) -> tuple[str, ...]:
    """The versions of IP that a route is for; both where it says neither, as with a prefix list."""
    prefix = ("cidrBlock", "ipv6CidrBlock") if key == "routes" else ("destinationCidrBlock", "destinationIpv6CidrBlock")
    named = [peek(route, path) for path in prefix]
    if UNKNOWN in named or (named[0] in (None, "") and named[1] in (None, "")):
        return ("IPv4", "IPv6")
    return tuple(version for version, value in zip(("IPv4", "IPv6"), named, strict=True) if value not in (None, ""))


_GATEWAYS = ("ec2/internetGateway", "ec2/vpnGateway", "ec2/natGateway", "ec2/egressOnlyInternetGateway")


def _internet_gateways(graph: Graph, owner: Resource, key: str, route: Any) -> Iterator[str]:
    value = peek(route, "gatewayId")
    if value in (None, ""):
        return
    try:
        for target in graph.targets(owner, key, *_GATEWAYS, value=value):
            if target.short == "ec2/internetGateway":
                yield target.label
    except Unknown:
        if value is UNKNOWN:
            raise
        if str(value).startswith("igw-"):  # any other id is of another kind of gateway, "local" of none
            yield "an internet gateway outside this program"


def permissions(graph: Graph, group: Resource) -> Iterator[tuple[Resource, Any]]:
    """What a security group lets in, inline or as resources of their own: the owner and the rule's values."""

    def classic() -> Iterator[tuple[Resource, Any]]:
        found = graph.referrers(group, "ec2/securityGroupRule", "securityGroupId")
        yield from each(found, lambda rule: [(rule, rule.props)] if get(rule, "type") == "ingress" else [])

    yield from each(
        (
            ((group, values) for values in items(group, "ingress")),
            classic(),
            ((rule, rule.props) for rule in graph.referrers(group, "vpc/securityGroupIngressRule", "securityGroupId")),
        ),
        lambda found: found,
    )


def sources(graph: Graph, group: Resource, owner: Resource, values: Any) -> Iterator[Resource]:
    """The security groups whose members a rule of a security group admits."""
    if yes(values, "self"):
        yield group
    separate = values is owner.props

    def named(key: str) -> Iterator[Resource]:
        value = peek(values, key)
        if value not in (None, "", []):
            yield from graph.targets(owner, key if separate else "ingress", *GROUPS, value=value)

    yield from each(("securityGroups", "sourceSecurityGroupId", "referencedSecurityGroupId"), named)


def cidrs(values: Any) -> list[Any]:
    """The CIDRs that a rule of a security group names; `UNKNOWN` for those that aren't known."""
    found: list[Any] = []
    for path in ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"):
        value = peek(values, path)
        found += value if isinstance(value, list) else [value]
    return [cidr for cidr in found if cidr not in (None, "")]


def world(graph: Graph, owner: Resource, values: Any, inline: str = "ingress") -> Iterator[str]:
    """The versions of IP in which a rule of a security group means the internet, or much of it."""
    found = cidrs(values)
    for key in ("prefixListIds", "prefixListId"):
        value = peek(values, key)
        if value not in (None, "", []):
            found += _listed(graph, owner, key if values is owner.props else inline, value)
    networks: dict[int, list[Any]] = {4: [], 6: []}
    unknown = False
    for cidr in found:
        try:
            network = ip_network(cidr, strict=False)
        except (ValueError, TypeError):
            unknown = True
            continue
        if not any(_within(network, private) for private in _PRIVATE):
            networks[network.version].append(network)
    for version, wide in ((4, _WIDE_IPV4), (6, _WIDE_IPV6)):
        if sum(network.num_addresses for network in collapse_addresses(networks[version])) >= wide:
            yield f"IPv{version}"
    if unknown:
        raise Unknown("the addresses of a rule")


def _within(network: Any, other: Any) -> bool:
    return bool(network.version == other.version and network.subnet_of(other))


def _listed(graph: Graph, owner: Resource, key: str, value: Any) -> list[Any]:
    """The CIDRs of the prefix lists of this program; others, such as CloudFront's own, are taken as narrow."""
    lists: list[Resource] = []
    found: list[Any] = []
    try:
        for prefixes in graph.targets(owner, key, "ec2/managedPrefixList", value=value):
            lists.append(prefixes)
    except Unknown:
        if not known(value):
            found.append(UNKNOWN)

    def entries(prefixes: Resource) -> Iterator[Any]:
        yield from items(prefixes, "entries")
        yield from graph.referrers(prefixes, "ec2/managedPrefixListEntry", "prefixListId")

    for prefixes in lists:
        try:
            for entry in entries(prefixes):
                found.append(peek(entry, "cidr"))
        except Unknown:
            found.append(UNKNOWN)
    return found


# Ports that attackers look for first, named in messages.
_SENSITIVE = {
    20: "FTP", 21: "FTP", 22: "SSH", 23: "Telnet", 25: "SMTP", 135: "RPC", 445: "SMB", 1433: "SQL Server",
    1521: "Oracle", 2375: "Docker", 2379: "etcd", 3306: "MySQL", 3389: "RDP", 5432: "PostgreSQL", 5601: "Kibana",
    5900: "VNC", 6379: "Redis", 8088: "YARN", 8443: "EMR", 9200: "Elasticsearch", 10250: "kubelet",
    11211: "Memcached", 27017: "MongoDB",
}  # fmt: skip


def ports(values: Any) -> range:
    """The ports that a rule of a security group opens; every port for a protocol that has none, such as ICMP or -1."""
    protocol = str(get(values, "protocol") or get(values, "ipProtocol") or "-1").lower()
    if protocol not in ("tcp", "udp", "6", "17"):
        return range(65536)
    start, end = get(values, "fromPort"), get(values, "toPort")
    numbers = all(isinstance(port, (int, float)) and 0 <= port < 65536 for port in (start, end))
    if not numbers or start > end:
        raise Unknown("the ports of a rule")
    return range(int(start), int(end) + 1)


def ports_text(opened: range) -> str:
    """Ports as a message names them."""
    text = f"port {opened[0]}" if len(opened) == 1 else f"ports {opened.start}-{opened.stop - 1}"
    if len(opened) >= 65536:
        text = "every port"
    named = dict.fromkeys(name for port, name in _SENSITIVE.items() if port in opened)
    return f"{text} ({', '.join(named)})" if named else text
