"""The pack is fast, and its time grows with the program and no faster."""

from __future__ import annotations

import gc
import time
from dataclasses import replace

from policy.evaluate import Report, evaluate
from policy.graph import Graph, Resource
from tests.policy.build import resources
from tests.policy.cases import CASES
from tests.policy.cases.exposure import GATEWAY, guarded, public, subnet

UNIT = 300


def program(size: int) -> list[Resource]:
    """So many resources: the first fixture of every rule, over and over, each round named for itself."""
    pool = [resource for case in CASES for resource in resources(*case.ok[0], *case.bad[0], known=False)]
    found: dict[str, Resource] = {}
    turn = 0
    while len(found) < size:
        for resource in pool:
            found.setdefault(renamed(resource, turn).urn, renamed(resource, turn))
        turn += 1
    return list(found.values())[:size]


def renamed(resource: Resource, turn: int) -> Resource:
    return replace(
        resource,
        urn=f"{resource.urn}-{turn}",
        name=f"{resource.name}-{turn}",
        parent=resource.parent and f"{resource.parent}-{turn}",
        property_dependencies={
            k: [f"{urn}-{turn}" for urn in urns] for k, urns in resource.property_dependencies.items()
        },
    )


def judged(found: list[Resource]) -> tuple[Report, float]:
    """The best of three, in seconds of this process: other work on the machine doesn't count."""
    times = []
    for _ in range(3):
        gc.collect()
        start = time.process_time()
        report = evaluate(Graph(found, region="eu-west-1"))
        times.append(time.process_time() - start)
    return report, min(times)


def test_time_grows_with_the_program() -> None:
    (small, once), (_, four), (large, sixteen) = (judged(program(UNIT * times)) for times in (1, 4, 16))
    assert small.checks > UNIT
    assert large.checks > 10 * small.checks
    assert once < 0.25
    assert four < 4 * once * 2
    assert sixteen < 16 * once * 2


def test_many_resources_at_one_place_are_not_compared_with_each_other() -> None:
    """One route table with many subnets, one security group with many users, one log bucket for all."""

    def crowd(size: int) -> list[Resource]:
        base = resources(*guarded("rds/instance", public()[0][0]), *subnet(separate=GATEWAY), known=False)
        return base + [
            replace(resource, urn=f"{resource.urn}-{number}", name=f"{resource.name}-{number}")
            for number in range(size)
            for resource in base
            if resource.short in ("ec2/subnet", "ec2/routeTableAssociation", "rds/instance")
        ]

    (_, few), (_, many) = judged(crowd(100)), judged(crowd(1600))
    assert many < 16 * few * 2
