"""What a program has looked up is judged as what it is, by what the look-up says."""

from policy.evaluate import evaluate
from policy.graph import LOOKED_UP, UNKNOWN, Graph, Resource


def component(name, type_token, **properties):
    return Resource(f"urn::{name}", LOOKED_UP, name, {"type": type_token, "properties": properties})


def database(routes, **association):
    return [
        component("subnet", "aws:ec2/subnet:Subnet", id="subnet-1", mapPublicIpOnLaunch=False),
        component("routes", "aws:ec2/routeTable:RouteTable", id="rtb-1", routes=routes),
        component(
            "association",
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            **({"subnetId": "subnet-1", "routeTableId": "rtb-1"} | association),
        ),
        Resource("urn::group", "aws:rds/subnetGroup:SubnetGroup", "group", {"name": "g", "subnetIds": ["subnet-1"]}),
        Resource("urn::db", "aws:rds/instance:Instance", "db", {"dbSubnetGroupName": "g"}),
    ]


def verdict(resources):
    findings = evaluate(Graph(resources, region="eu-west-1")).findings
    return [f.verdict for f in findings if f.rule == "database-in-private-subnets"]


def test_a_subnet_of_others_is_judged_by_its_routes():
    assert verdict(database([{"cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-1", "gateway_id": ""}])) == []
    assert verdict(database([{"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}])) == ["fail"]
    assert verdict(database([{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}])) == ["fail"]


def test_what_a_look_up_does_not_say_is_unverifiable():
    assert verdict(database(None)) == ["unverifiable"]
    assert verdict(database(UNKNOWN)) == ["unverifiable"]
    assert verdict(database([], routeTableId="rtb-2")) == ["unverifiable"]
    assert verdict(database([], subnetId=UNKNOWN)) == ["unverifiable"]


def test_a_component_that_says_nothing_of_a_look_up_is_a_component():
    silent = Resource("urn::x", LOOKED_UP, "x", {"properties": UNKNOWN})
    assert Graph([silent]).resources == [silent]
