"""Network tier: a VPC with public, private and isolated subnets per zone, NAT, endpoints and flow logs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Literal, get_args

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints, field_validator

from .common import (
    PACKAGE,
    Args,
    LookedUp,
    OrOutput,
    Refusal,
    RetentionDays,
    check_name,
    create_role,
    explain,
    location,
    log_group_name,
    service_trust,
    tags,
)
from .security import EncryptionKey

Tier = Literal["public", "private", "isolated"]

Zone = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-h]$")]
"""An availability zone's name, such as `eu-west-1a`."""

_PRIVATE_RANGES = [IPv4Network(range) for range in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]

ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
"""The last part of an interface endpoint's service name, such as `ecr.api` of `com.amazonaws.<region>.ecr.api`."""

VpcId = Annotated[str, StringConstraints(pattern=r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$")]
InternetGatewayId = Annotated[str, StringConstraints(pattern=r"^igw-([0-9a-f]{8}|[0-9a-f]{17})$")]
SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$")]


class UsedVpc(Args):
    """A VPC that belongs to others, and those of its subnets that the stack may be in.

    Every subnet needs a route table of its own choice: one that falls back on the VPC's main table is not found.
    """

    vpc_id: Annotated[VpcId | pulumi.Output[str], OrOutput(VpcId)]
    """Id of the VPC."""
    public: dict[Zone, Annotated[SubnetId | pulumi.Output[str], OrOutput(SubnetId)]] = Field(default_factory=dict)
    """Ids, by availability zone, of the subnets that the internet reaches; none where nothing is to be public."""
    private: dict[Zone, Annotated[SubnetId | pulumi.Output[str], OrOutput(SubnetId)]]
    """Ids, by availability zone, of the subnets that the internet doesn't reach."""
    isolated: dict[Zone, Annotated[SubnetId | pulumi.Output[str], OrOutput(SubnetId)]] = Field(default_factory=dict)
    """Ids, by availability zone, of the subnets of the data stores, without a way to the internet; by default, they
    are in the private ones."""

    def refusals(self) -> Iterator[Refusal]:
        used = [(tier, zone, id) for tier in get_args(Tier) for zone, id in getattr(self, tier).items()]
        places: dict[str, tuple[Tier, str]] = {}
        for tier, zone, id in used:
            if not isinstance(id, str):
                continue
            first = places.setdefault(id, (tier, zone))
            if first[1] != zone or (first[0] == "public") != (tier == "public"):
                yield Refusal((tier, zone), f"{id} is named as {first[0]} subnet of {first[1]} already")


class NetworkArgs(Args):
    """A VPC and what it is divided into.

    The address range is cut into eight equal slots, one per zone letter (a to h), so that a zone's subnets keep their
    addresses whatever other zones come or go. Half of a slot is the private subnet, an eighth each the public and the
    isolated one, and a quarter stays free.
    """

    cidr: str = "10.0.0.0/16"
    """Private IPv4 range of the VPC, /16 (4,091 usable addresses in a private subnet) to /21 (123)."""
    zones: list[Zone] = Field(min_length=2, max_length=8)
    """Availability zones, by full name: load balancers, database subnet groups and EKS need two each. A zone that an
    EKS cluster was made in can't go before the cluster does; nodes come to new ones too."""
    nat: Literal["none", "single", "per_zone"] = "per_zone"
    """NAT gateways: `none`; `single`, which every zone's private subnets lean on; or one `per_zone`."""
    interface_endpoints: list[ServiceName] = Field(default_factory=list, max_length=50)
    """AWS services reached by a private address in the VPC (PrivateLink), such as `ssm`; charged by zone
    and hour. Not every service is in every zone."""
    flow_log_retention_days: RetentionDays = 365
    """Days that the VPC's flow logs are kept in CloudWatch Logs."""
    flow_log_interval_seconds: Literal[60, 600] = 600
    """Seconds of traffic that one flow log record sums up."""
    use: UsedVpc | None = None
    """A VPC that exists and belongs to others, such as a landing zone's: nothing in it is created or changed, but the
    security groups of what is put there. `nat` and `interface_endpoints` then say what it has."""
    import_id: VpcId | None = None
    """Id of a VPC that exists and is this stack's from now on; can be left out after the first `pulumi up`."""
    import_internet_gateway_id: InternetGatewayId | None = None
    """Id of the internet gateway of the VPC that is imported, since a VPC can't have a second one; likewise."""

    @field_validator("cidr")
    @classmethod
    def _cidr(cls, cidr: str) -> str:
        network = IPv4Network(cidr)
        if not any(network.subnet_of(private) for private in _PRIVATE_RANGES):
            raise ValueError(f"use a private range: one inside {', '.join(map(str, _PRIVATE_RANGES))}")
        if not 16 <= network.prefixlen <= 21:
            raise ValueError(
                "use /16 (the largest VPC) to /21 (below it a public subnet would not be a load balancer's /27)"
            )
        return cidr

    def refusals(self) -> Iterator[Refusal]:
        if len({zone[:-1] for zone in self.zones}) > 1:
            yield Refusal(("zones",), "a VPC lies in one region: all zones must be of the same")
        yield from self.repeated("zones", "interface_endpoints")
        if self.import_internet_gateway_id and not self.import_id:
            yield Refusal(("import_internet_gateway_id",), "goes with import_id, the VPC that it is attached to")
        if self.use:
            yield from self._use_refusals(self.use)

    def _use_refusals(self, use: UsedVpc) -> Iterator[Refusal]:
        for field in ("import_id", "cidr", "flow_log_retention_days", "flow_log_interval_seconds"):
            if field in self.model_fields_set:
                yield Refusal((field,), "contradicts `use`: the VPC is as its owners made it; leave this out")
        if "nat" not in self.model_fields_set:
            yield Refusal(
                ("nat",), "say what the VPC of `use` has: `none` if its private subnets don't reach the internet"
            )
        for tier in get_args(Tier):
            subnets = getattr(use, tier)
            missing = sorted(set(self.zones) - set(subnets)) if subnets or tier == "private" else []
            if missing:
                yield Refusal(("use", tier), f"has no subnet in {', '.join(missing)}, which `zones` names")
            for zone in sorted(set(subnets) - set(self.zones)):
                yield Refusal(("use", tier, zone), "is not among `zones`")


@dataclass(frozen=True)
class Subnets:
    """The subnets that a tier is placed in: their VPC, its address range, and their ids by availability zone.

    `routes` is what gives them their ways in and out: whatever starts in them has to depend on it. `existing` says that
    others made them, so that their ids are known before anything is created.
    """

    vpc_id: pulumi.Input[str]
    vpc_cidr: pulumi.Input[str]
    ids: Mapping[str, pulumi.Input[str]]
    routes: Sequence[pulumi.Resource] = ()
    existing: bool = False


class Network(pulumi.ComponentResource):
    """A VPC whose subnets are reachable from the internet (public), reach it (private), or neither (isolated).

    With `NetworkArgs.use`, a VPC of others: its subnets and their routes are looked up, so that they are judged.
    """

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Input[str]
    public: Subnets
    private: Subnets
    isolated: Subnets

    def __init__(
        self,
        name: str,
        args: NetworkArgs,
        *,
        logs_key: EncryptionKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:Network", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._lookup = pulumi.InvokeOutputOptions(parent=self)
        self._routes: dict[Tier, list[pulumi.Resource]] = {"public": [], "private": [], "isolated": []}
        if args.use:
            self._use(args.use)
        else:
            self._create(logs_key)
        self.register_outputs(
            {"vpc_id": self.vpc_id} | {f"{tier}_subnet_ids": getattr(self, tier).ids for tier in get_args(Tier)}
        )

    def _create(self, logs_key: EncryptionKey) -> None:
        name, args = self._name, self._args
        self.cidr = args.cidr
        self._vpc = aws.ec2.Vpc(
            name,
            cidr_block=args.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, import_=args.import_id),
        )
        self.vpc_id = self._vpc.id
        # The default group of a VPC lets its members talk to each other and to the world: nothing may fall into it.
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default", vpc_id=self.vpc_id, ingress=[], egress=[], tags=tags(f"{name}-locked"), opts=self._child
        )
        internet_gateway = aws.ec2.InternetGateway(
            name,
            vpc_id=self.vpc_id,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, import_=args.import_internet_gateway_id),
        )
        self._route_tables: dict[str, aws.ec2.RouteTable] = {}
        self.public, self.private, self.isolated = (self._create_subnets(tier) for tier in get_args(Tier))
        for zone in args.zones:
            self._route_to_internet("public", zone, gateway_id=internet_gateway.id)
        self._create_nat_gateways(internet_gateway)
        self._create_gateway_endpoints()
        self._create_interface_endpoints()
        self._create_flow_log(logs_key)

    def _use(self, use: UsedVpc) -> None:
        """Take over nothing, and look everything up, so that what isn't there is told before anything is created."""
        network, here = aws.ec2.get_vpc_output(id=use.vpc_id, opts=self._lookup), location(self)
        explain(network.id, f"{self._name}: there is no VPC {_named(use.vpc_id)} in this account and region")
        self.vpc_id, self.cidr = network.id, network.cidr_block
        self.private = self._used_subnets("private", use.private, use)
        self.public = self._used_subnets("public", use.public, use)
        self.isolated = self._used_subnets("isolated", use.isolated, use) if use.isolated else self.private
        for service in self._args.interface_endpoints:
            name = pulumi.Output.format("com.amazonaws.{}.{}", here.region, service)
            endpoint = aws.ec2.get_vpc_endpoint_output(vpc_id=self.vpc_id, service_name=name, opts=self._lookup)
            explain(endpoint.id, f"{self._name}: VPC {_named(use.vpc_id)} has no interface endpoint for {service}")

    def _used_subnets(self, tier: Tier, ids: Mapping[Zone, pulumi.Input[str]], use: UsedVpc) -> Subnets:
        found: dict[str, pulumi.Input[str]] = {}
        for zone, id in sorted(ids.items()):
            name = f"{self._name}-{tier}-{zone}"
            subnet = aws.ec2.get_subnet_output(id=id, vpc_id=self.vpc_id, availability_zone=zone, opts=self._lookup)
            explain(subnet.id, f"{name}: VPC {_named(use.vpc_id)} has no subnet {_named(id)} in {zone}")
            table = aws.ec2.get_route_table_output(subnet_id=id, opts=self._lookup)
            explain(table.route_table_id, f"{name}: subnet {_named(id)} is associated with no route table of its own")
            # The policy pack judges a subnet by its routes.
            there = {"id": subnet.id, "vpcId": subnet.vpc_id, "availabilityZone": zone, "cidrBlock": subnet.cidr_block}
            public = {"mapPublicIpOnLaunch": subnet.map_public_ip_on_launch}
            LookedUp(name, "aws:ec2/subnet:Subnet", there | public, parent=self)
            routes = {"id": table.route_table_id, "routes": table.routes}
            LookedUp(f"{name}-routes", "aws:ec2/routeTable:RouteTable", routes, parent=self)
            ends = {"subnetId": subnet.id, "routeTableId": table.route_table_id}
            LookedUp(f"{name}-association", "aws:ec2/routeTableAssociation:RouteTableAssociation", ends, parent=self)
            found[zone] = subnet.id
        return Subnets(self.vpc_id, self.cidr, found, existing=True)

    def _create_subnets(self, tier: Tier) -> Subnets:
        """A subnet and a route table of its own in each zone, so that no route ever has to move between tables."""
        roles = {
            "public": {"kubernetes.io/role/elb": "1"},
            # EMR's own policy for its service role holds in subnets with this tag alone.
            "private": {"kubernetes.io/role/internal-elb": "1", "for-use-with-amazon-emr-managed-policies": "true"},
        }
        ids: dict[str, pulumi.Input[str]] = {}
        for zone in self._args.zones:
            name = f"{self._name}-{tier}-{zone}"
            subnet = aws.ec2.Subnet(
                name,
                vpc_id=self.vpc_id,
                cidr_block=str(subnet_cidr(self._args.cidr, zone, tier)),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags=tags(name, **roles.get(tier, {})),
                opts=self._child,
            )
            table = aws.ec2.RouteTable(name, vpc_id=self.vpc_id, tags=tags(name), opts=self._child)
            association = aws.ec2.RouteTableAssociation(
                name, subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
            self._route_tables[f"{tier}-{zone}"] = table
            self._routes[tier].append(association)
            ids[zone] = subnet.id
        return Subnets(self.vpc_id, self.cidr, ids, self._routes[tier])

    def _route_to_internet(
        self,
        tier: Tier,
        zone: str,
        gateway_id: pulumi.Input[str] | None = None,
        nat_gateway_id: pulumi.Input[str] | None = None,
    ) -> None:
        route = aws.ec2.Route(
            f"{self._name}-{tier}-{zone}-internet",
            route_table_id=self._route_tables[f"{tier}-{zone}"].id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            opts=self._child,
        )
        self._routes[tier].append(route)

    def _create_nat_gateways(self, internet_gateway: aws.ec2.InternetGateway) -> None:
        zones = sorted(self._args.zones)
        homes = {"none": [], "single": zones[:1], "per_zone": zones}[self._args.nat]
        gateways: dict[str, aws.ec2.NatGateway] = {}
        for zone in homes:
            name = f"{self._name}-nat-{zone}"
            # An address or a NAT gateway made before the internet gateway is attached does not work.
            opts = pulumi.ResourceOptions(parent=self, depends_on=[internet_gateway])
            address = aws.ec2.Eip(name, domain="vpc", tags=tags(name), opts=opts)
            gateways[zone] = aws.ec2.NatGateway(
                name, subnet_id=self.public.ids[zone], allocation_id=address.id, tags=tags(name), opts=opts
            )
        for zone in zones if gateways else []:
            gateway = gateways.get(zone) or gateways[homes[0]]
            self._route_to_internet("private", zone, nat_gateway_id=gateway.id)

    def _create_gateway_endpoints(self) -> None:
        """S3 and DynamoDB without NAT, free of charge; Amazon Linux's package repositories lie in S3 too."""
        region = location(self).region
        for service in ("s3", "dynamodb"):
            endpoint = aws.ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=self.vpc_id,
                vpc_endpoint_type="Gateway",
                service_name=pulumi.Output.format("com.amazonaws.{}.{}", region, service),
                route_table_ids=[table.id for table in self._route_tables.values()],
                tags=tags(f"{self._name}-{service}"),
                opts=self._child,
            )
            for routes in self._routes.values():
                routes.append(endpoint)

    def _create_interface_endpoints(self) -> None:
        if not self._args.interface_endpoints:
            return
        region = location(self).region
        group = security_group(f"{self._name}-endpoints", self.vpc_id, "HTTPS from the VPC to AWS services", self)
        https = aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-endpoints-https",
            security_group_id=group.id,
            description="HTTPS from the VPC",
            cidr_ipv4=self.cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._child,
        )
        self._routes["private"].append(https)
        for service in self._args.interface_endpoints:
            endpoint = aws.ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=self.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=pulumi.Output.format("com.amazonaws.{}.{}", region, service),
                subnet_ids=list(self.private.ids.values()),
                security_group_ids=[group.id],
                private_dns_enabled=True,
                tags=tags(f"{self._name}-{service}"),
                opts=self._child,
            )
            self._routes["private"].append(endpoint)  # without NAT, this is the way out

    def _create_flow_log(self, logs_key: EncryptionKey) -> None:
        name = f"{self._name}-flow-logs"
        here = location(self)
        group_name = log_group_name(name)
        group = aws.cloudwatch.LogGroup(
            name,
            name=group_name,
            kms_key_id=logs_key.arn,
            retention_in_days=self._args.flow_log_retention_days,
            tags=tags(name),
            opts=self._child,
        )
        role, permissions = create_role(
            name,
            trust=service_trust("vpc-flow-logs.amazonaws.com", StringEquals={"aws:SourceAccount": here.account}),
            statements=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    "Resource": here.arn("logs", f"log-group:{group_name}:*"),
                },
                # Listing log groups has no resource-level permission.
                {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
            ],
            parent=self,
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=self._args.flow_log_interval_seconds,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
        )


def _named(id: pulumi.Input[str]) -> str:
    """An id as a message names it, which waits for nothing."""
    return id if isinstance(id, str) else "(another stack's output)"


def subnet_cidr(vpc_cidr: str, zone: str, tier: Tier) -> IPv4Network:
    """The range of a tier's subnet in a zone: a function of the zone's letter alone, never of the other zones."""
    slot = list(IPv4Network(vpc_cidr).subnets(prefixlen_diff=3))["abcdefgh".index(zone[-1])]
    if tier == "private":
        return next(slot.subnets(prefixlen_diff=1))
    eighths = list(slot.subnets(prefixlen_diff=3))
    return eighths[4] if tier == "public" else eighths[5]


def security_group(
    name: str, vpc_id: pulumi.Input[str], description: str, parent: pulumi.Resource
) -> aws.ec2.SecurityGroup:
    """A group that admits nothing and lets nothing out: its rules are resources of their own."""
    return aws.ec2.SecurityGroup(
        name, vpc_id=vpc_id, description=description, tags=tags(name), opts=pulumi.ResourceOptions(parent=parent)
    )


def allow(
    name: str,
    *,
    client: pulumi.Input[str],
    server: pulumi.Input[str],
    port: int,
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Let the members of one security group reach those of another on one TCP port, and nothing else."""
    opts = pulumi.ResourceOptions(parent=parent)
    egress = aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=client,
        referenced_security_group_id=server,
        description=name,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )
    ingress = aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=server,
        referenced_security_group_id=client,
        description=name,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )
    return [egress, ingress]


def https_out(name: str, group_id: pulumi.Input[str], parent: pulumi.Resource) -> pulumi.Resource:
    """Let the members of a security group reach AWS services and the registries of packages and images, by HTTPS."""
    return aws.vpc.SecurityGroupEgressRule(
        f"{name}-https",
        security_group_id=group_id,
        description="HTTPS to AWS services and registries",
        cidr_ipv4="0.0.0.0/0",
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        opts=pulumi.ResourceOptions(parent=parent),
    )
