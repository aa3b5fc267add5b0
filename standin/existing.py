"""What is in the account before any stack: a landing zone's VPC, and what may be imported.

The VPC's subnets and route tables are told by their ids: `subnet-0` and `rtb-0`, then fifteen times the letter of the
tier (a: public, b: private, c: isolated), then the zone's letter (a to f). Of any other VPC nothing is known but what
one asks for: its subnets are where they are said to be, and where their routes lead is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .wire import UNKNOWN
from .world import Thing

VPC_ID = "vpc-0123456789abcdef0"
VPC_CIDR = "10.64.0.0/16"
INTERNET_GATEWAY_ID = "igw-0123456789abcdef0"
NAT_GATEWAY_ID = "nat-0123456789abcdef0"
ENDPOINTS = ("secretsmanager", "sqs", "ssm", "ssmmessages")
TIERS = {"public": "a", "private": "b", "isolated": "c"}
WAYS = {"a": {"gatewayId": INTERNET_GATEWAY_ID}, "b": {"natGatewayId": NAT_GATEWAY_ID}, "c": {}}


class Missing(LookupError):
    """AWS has no such thing; the message is what the provider says."""


def subnet_id(tier: str, zone: str) -> str:
    """The id of the VPC's subnet of a tier in a zone."""
    return f"subnet-0{TIERS[tier] * 15}{zone[-1]}"


def _place(id: str) -> tuple[str, str] | None:
    """The letters of the tier and of the zone of a subnet or a route table of the VPC."""
    found = re.fullmatch(r"(?:subnet|rtb)-0([abc])\1{14}([a-f])", id)
    return (found[1], found[2]) if found else None


def _subnet(id: str, region: str) -> dict[str, Any]:
    place = _place(id)
    if place is None:
        return {"cidrBlock": "10.64.255.0/24", "mapPublicIpOnLaunch": False}
    third = "abc".index(place[0]) * 8 + "abcdef".index(place[1])
    return {
        "vpcId": VPC_ID,
        "availabilityZone": f"{region}{place[1]}",
        "cidrBlock": f"10.64.{third}.0/24",
        "mapPublicIpOnLaunch": False,
    }


def _routes(id: str) -> Any:
    place = _place(id)
    if place is None:
        return UNKNOWN
    return [{"cidrBlock": "0.0.0.0/0", **WAYS[place[0]]}] if WAYS[place[0]] else []


def _asked(args: Mapping[str, Any], key: str) -> str:
    if not isinstance(args.get(key), str):
        raise Missing(f"the stand-in finds nothing but by {key}")
    return str(args[key])


def _vpc_answer(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    return {"id": _asked(args, "id"), "cidrBlock": VPC_CIDR, "region": region}


def _subnet_answer(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    found = _subnet(_asked(args, "id"), region)
    if any(args.get(key, value) != value for key, value in found.items()):
        raise Missing("no matching EC2 Subnet found")
    return {**args, **found, "region": region}


def _route_table_answer(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    table = _asked(args, "subnetId").replace("subnet-", "rtb-")
    return {**args, "id": table, "routeTableId": table, "routes": _routes(table), "region": region}


def made(things: Mapping[tuple[str, str], Thing], token: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer to a look-up of what another stack has made; none where it is another's."""

    def of(type_token: str, key: str, value: Any) -> list[dict[str, Any]]:
        found = (thing.properties for (type_, _), thing in things.items() if type_ == type_token)
        return [properties for properties in found if properties.get(key) == value]

    match token:
        case "aws:ec2/getSubnet:getSubnet":
            for subnet in of("aws:ec2/subnet:Subnet", "id", args.get("id")):
                if all(subnet[key] == value for key, value in args.items() if key in ("vpcId", "availabilityZone")):
                    keys = ("id", "vpcId", "availabilityZone", "cidrBlock", "mapPublicIpOnLaunch")
                    return {key: subnet[key] for key in keys}
                raise Missing("no matching EC2 Subnet found")
        case "aws:ec2/getRouteTable:getRouteTable":
            for ends in of("aws:ec2/routeTableAssociation:RouteTableAssociation", "subnetId", args.get("subnetId")):
                id = ends["routeTableId"]
                routes = of("aws:ec2/route:Route", "routeTableId", id)
                ways = ("gatewayId", "natGatewayId")
                told = [
                    {"cidrBlock": route["destinationCidrBlock"], **{way: route.get(way, "") for way in ways}}
                    for route in routes
                ]
                return {"id": id, "routeTableId": id, "routes": told}
    return None


def _endpoint_answer(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    service = _asked(args, "serviceName").removeprefix(f"com.amazonaws.{region}.")
    if args.get("vpcId") == VPC_ID and service not in ENDPOINTS:
        raise Missing("no matching EC2 VPC Endpoint found")
    return {**args, "id": f"vpce-{service}", "region": region}


INVOKES = {
    "aws:ec2/getRouteTable:getRouteTable": _route_table_answer,
    "aws:ec2/getSubnet:getSubnet": _subnet_answer,
    "aws:ec2/getVpc:getVpc": _vpc_answer,
    "aws:ec2/getVpcEndpoint:getVpcEndpoint": _endpoint_answer,
    "aws:s3/getBucket:getBucket": lambda args, region: {
        "id": args["bucket"],
        "arn": f"arn:aws:s3:::{args['bucket']}",
        "bucket": args["bucket"],
        "bucketDomainName": f"{args['bucket']}.s3.amazonaws.com",
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{args['bucket']}.s3.{region}.amazonaws.com",
        "hostedZoneId": "Z1BKCTXD74EZPE",
        "region": region,
    },
}


def inputs(type_token: str, id: str, region: str) -> dict[str, Any] | None:
    """What somebody once gave a thing that exists, by its type and id; none where there is no such thing."""
    match type_token:
        case "aws:ec2/vpc:Vpc":
            return {"cidrBlock": VPC_CIDR, "enableDnsSupport": True} if id == VPC_ID else None
        case "aws:ec2/internetGateway:InternetGateway":
            return {"vpcId": VPC_ID} if id == INTERNET_GATEWAY_ID else None
        case "aws:kms/key:Key":
            return {"description": "by hand", "enableKeyRotation": False}
        case "aws:route53/zone:Zone":
            return {"name": "example.com", "comment": "by hand"}
        case "aws:s3/bucket:Bucket":
            return {"bucket": id}
    return {}
