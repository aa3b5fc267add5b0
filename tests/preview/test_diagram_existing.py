"""A VPC of others in the diagram: its subnets by where their routes lead, and what the stack has in them."""

import pytest

from preview import architecture
from standin import existing
from standin.mocks import record
from tests.components.tiers import ZONES, network
from tests.registered import used_vpc


def boxes(**changes):
    recording = record(lambda: network(nat="none", use=used_vpc(*ZONES) | changes), region="eu-west-1")
    drawn = architecture.build(recording.registrations, "eu-west-1")
    return drawn, {box.label: box for box in drawn.boxes}


def test_the_vpc_and_its_tiers_are_boxes():
    drawn, found = boxes()
    assert (found[f"VPC {existing.VPC_ID}"].caption, found[f"VPC {existing.VPC_ID}"].kind) == ("of others", "vpc")
    tiers = {label: box.caption for label, box in found.items() if label.endswith("subnets")}
    assert tiers == {
        "Public subnets": "routed to the internet",
        "Private subnets": "out through NAT",
        "Isolated subnets": "no way out",
    }
    assert {box.parent for label, box in found.items() if label in tiers} == {existing.VPC_ID}
    assert sum(box.caption.startswith("10.64.") for box in drawn.boxes) == 6
    assert drawn.resources == 2  # the test's own key and its alias: nothing of the VPC is the stack's


@pytest.mark.parametrize("tier", ["isolated", "private"])
def test_routes_that_nobody_knows_are_said_to_be_unknown(tier):
    _, found = boxes(**{tier: {zone: f"subnet-0123456789abcdef{zone[-1]}" for zone in ZONES}})
    assert found["Unknown subnets"].caption == "as its routes lead, which only AWS knows"
