"""Subnets: enough of them, in the zones and addresses that AWS demands."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from ...clusters import SUBNETS, is_made, subnet_paths
from ...graph import Graph, Resource, Unknown, each, get, given, items, peek
from ...rule import rule
from .values import FAMILY, text

_OUTPOSTS = {"lb/loadBalancer": "customerOwnedIpv4Pool", "eks/cluster": "outpostConfig"}
_SUBNETS = {
    "lb/loadBalancer": ["subnets"],
    "rds/subnetGroup": ["subnetIds"],
    "eks/cluster": ["vpcConfig.subnetIds"],
    "eks:index:Cluster": SUBNETS,  # all of them together
}


def _on_outpost(resource: Resource) -> bool:
    return resource.short in _OUTPOSTS and given(resource, _OUTPOSTS[resource.short])


def _is_application(balancer: Resource) -> bool:
    return get(balancer, "loadBalancerType") in (None, "", "application")


@rule(
    "enough-subnets", "lb/loadBalancer", "rds/subnetGroup", "eks/cluster", "eks:index:Cluster",
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
    if resource.short == "eks:index:Cluster" and not subnet_paths(resource):
        return  # the default VPC's, or as the resources say that it is made of
    found = sum(1 for path in _SUBNETS[resource.short] for _ in items(resource, path))
    if resource.short == "lb/loadBalancer":
        found += sum(1 for _ in items(resource, "subnetMappings"))
    if found < 2:
        yield "it has fewer than two subnets"


@rule(
    "subnets-in-zones", "lb/loadBalancer", "rds/subnetGroup", "eks/cluster", "eks:index:Cluster",
    family=FAMILY, severity="medium",
    title="Subnets lie in zones as AWS demands",
    controls="",
    remediation="Give it subnets in two availability zones; a load balancer takes one subnet of each zone",
)  # fmt: skip
def subnets_in_zones(resource: Resource, graph: Graph) -> Iterator[str]:
    if _on_outpost(resource) or is_made(resource, graph):
        return
    balancer = resource.short == "lb/loadBalancer"
    seen: set[str] = set()
    zones: set[str] = set()

    def judge(subnet: Resource) -> Iterator[str]:
        if subnet.urn in seen:
            return
        seen.add(subnet.urn)
        zone = text(subnet, "availabilityZone") or text(subnet, "availabilityZoneId")
        if zone is None:
            raise Unknown(f"the zone of {subnet.label}")
        if balancer and zone in zones:
            yield "two of its subnets are in one zone"
        zones.add(zone)

    found = [graph.targets(resource, path, "ec2/subnet") for path in _SUBNETS[resource.short]]
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
    block = text(holder, "cidrBlock")
    if block is None and holder.short == "ec2/subnet":
        return []
    try:
        return [IPv4Network(block or "", strict=False)]
    except ValueError:
        raise Unknown(f"cidrBlock of {holder.label}") from None
