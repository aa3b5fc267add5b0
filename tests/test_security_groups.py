"""Who may connect to whom: the whole matrix of the security groups, and nothing besides."""

from collections.abc import Iterator
from typing import Any

import pytest

from standin.mocks import Recording, Registration
from tests.registered import STACKS, of, run_stack

ANYWHERE = "0.0.0.0/0"
VPC = {"dev": "10.10.0.0/16", "prod": "10.20.0.0/16"}
EVERYTHING = ("0-65535", "0-65535/udp", "-1/icmp")  # EMR adds these rules itself where they are missing
WEBHOOKS = (4443, 6443, 8443, 9443, 10251)


def rules(recording: Recording, direction: str) -> Iterator[tuple[str, Registration, str]]:
    """(group, rule, the other side) of each ingress or egress rule, groups by name."""
    names = {r.urn: name for name, r in of(recording, "ec2/securityGroup:SecurityGroup").items()}
    for rule in of(recording, f"vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule").values():
        depends = rule.property_dependencies
        group = names[depends["securityGroupId"][0]]
        if "referencedSecurityGroupId" in rule.inputs:
            other = names[depends["referencedSecurityGroupId"][0]]
        else:
            other = "CloudFront" if "prefixListId" in rule.inputs else rule.inputs["cidrIpv4"]
        yield group, rule, other


def port(rule: Registration) -> str:
    inputs = rule.inputs
    ports: set[Any] = {inputs.get("fromPort"), inputs.get("toPort")}
    text = "all" if ports == {None} else "-".join(str(port) for port in sorted(ports))
    return text if inputs["ipProtocol"] == "tcp" else f"{text}/{inputs['ipProtocol']}"


def connections(recording: Recording, direction: str) -> set[tuple[str, str, str]]:
    """(client, server, port), of every rule in one direction."""
    found = [
        (*((other, group) if direction == "Ingress" else (group, other)), port(rule))
        for group, rule, other in rules(recording, direction)
    ]
    assert len(found) == len(set(found)), "a rule says what another one says"
    return set(found)


def between_groups(stack: str) -> set[tuple[str, str, str]]:
    """What one group's members may open to another's."""
    clients = ["web", "backend", "kubernetes-nodes"]
    data = {
        (client, server, port) for client in clients for server, port in {"cache": "6379", "database": "3306"}.items()
    }
    front = {
        ("alb", "web", "443"),
        ("nlb", "web", "443"),
        ("alb", "backend", "443"),
        ("alb", "kubernetes-nodes", "30443"),
    }
    control_plane = {
        ("kubernetes-nodes", "kubernetes-cluster", "443"),
        *(("kubernetes-cluster", "kubernetes-nodes", str(port)) for port in (443, 10250, *WEBHOOKS)),
    }
    nodes = {("kubernetes-nodes", "kubernetes-nodes", port) for port in ("53", "53/udp", "1025-65535")}
    return data | front | control_plane | nodes | clusters()


def clusters() -> set[tuple[str, str, str]]:
    """Among EMR's nodes, and from them to the database."""
    nodes = ("analytics-primary", "analytics-core")
    return {
        *((client, server, port) for client in nodes for server in nodes for port in EVERYTHING),
        *((node, "database", "3306") for node in nodes),
        *(("analytics-service", node, "8443") for node in nodes),
        ("analytics-primary", "analytics-service", "9443"),
    }


@pytest.fixture(scope="module", params=STACKS)
def recording(request):
    return run_stack(request.param)


def test_ingress(recording):
    vpc = VPC[recording.stack]
    outside = {("CloudFront", "alb", "443"), (vpc, "nlb", "443")}
    if recording.stack == "prod":
        outside.add((vpc, "network-endpoints", "443"))
    assert connections(recording, "Ingress") == outside | between_groups(recording.stack)


def test_egress(recording):
    clients = ("web", "backend", "kubernetes-nodes", "analytics-primary", "analytics-core")
    outside = {(client, ANYWHERE, "443") for client in clients}
    if recording.stack == "prod":
        outside |= {("delivery-builds", ANYWHERE, port) for port in ("80", "443")}
    assert connections(recording, "Egress") == outside | between_groups(recording.stack)


def test_no_group_has_rules_of_its_own_inside(recording):
    for group in of(recording, "ec2/securityGroup:SecurityGroup").values():
        assert group.inputs.keys().isdisjoint({"ingress", "egress"}), group.name
    assert of(recording, "ec2/securityGroupRule:SecurityGroupRule") == {}


def test_every_group_serves_someone(recording):
    used = {
        urn
        for r in recording.registrations
        if r.custom and "ecurityGroup" not in r.type
        for urns in r.property_dependencies.values()
        for urn in urns
    }
    groups = {r.urn for r in of(recording, "ec2/securityGroup:SecurityGroup").values()}
    assert groups <= used
