"""How packets get in: the way from an internet gateway to a subnet, and what security groups admit."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import collapse_addresses, ip_network
from typing import Any

from .graph import UNKNOWN, Graph, Resource, Unknown, each, get, items, known, peek

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


def ways_in(graph: Graph, subnet: Resource) -> Iterator[str]:
    """The ways from an internet gateway to a subnet, as text. A subnet without one is private."""
    table = _route_table(graph, subnet)

    def through(route: tuple[Resource, str, Any]) -> Iterator[str]:
        owner, key, values = route
        for gateway in _internet_gateways(graph, owner, key, values):
            by = "" if owner is table else f" -> {owner.label}"
            yield f"{gateway}{by} -> {table.label} -> {subnet.label}"

    yield from each(_routes(graph, table), through)


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
    found: list[Any] = []
    try:
        for prefixes in graph.targets(owner, key, "ec2/managedPrefixList", value=value):
            found += [peek(entry, "cidr") for entry in items(prefixes, "entries")]
    except Unknown:
        if not known(value):
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
