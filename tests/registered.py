"""Looking things up in what a program registered."""

import functools
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from standin import existing
from standin.mocks import Recording, Registration, record, run_program
from terraform.conformance import changed

ROOT = Path(__file__).parent.parent
STACKS = ("dev", "prod")


def run(
    program: Callable[[], object], *, unknown: bool = False, region: str = "eu-west-1", project: str = "platform"
) -> Recording:
    """What `program` registers in a stack `test`."""
    return record(program, project=project, stack="test", region=region, unknown=unknown)


def stack_config(stack: str) -> dict[str, Any]:
    """The configuration in a stack file, to be changed at will."""
    config: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def run_stack(stack: str, *, unknown: bool = False, **sections: Any) -> Recording:
    """What the real program registers with a stack file and these changes of its sections; None takes a key out.

    It is run once for all who ask: what is registered is to be looked at, not to be changed.
    """
    return _run_stack(stack, unknown, json.dumps(sections, sort_keys=True))


@functools.lru_cache(maxsize=128)
def _run_stack(stack: str, unknown: bool, changes: str) -> Recording:
    sections = json.loads(changes)
    config = stack_config(stack)
    for section, wanted in sections.items():
        config[f"platform:{section}"] = changed(config.get(f"platform:{section}", {}), wanted)
    return run_program(ROOT, stack, config, unknown=unknown)


def used_vpc(*zones: str) -> dict[str, Any]:
    """The setting `network.use` for the landing zone's VPC that the stand-in knows."""
    subnets = {tier: {zone: existing.subnet_id(tier, zone) for zone in zones} for tier in existing.TIERS}
    return {"vpc_id": existing.VPC_ID, **subnets}


def of(recording: Recording, type_token: str) -> dict[str, Registration]:
    """All resources of a type (`ec2/subnet:Subnet`), by name."""
    return {r.name: r for r in recording.registrations if r.type.split(":", 1)[1] == type_token}


def one(recording: Recording, type_token: str, name: str) -> Registration:
    """The resource of a type and name."""
    found = of(recording, type_token)
    assert name in found, f"no {type_token} {name}; there are {sorted(found)}"
    return found[name]


def counts(recording: Recording) -> dict[str, int]:
    """How many resources of each type there are, without components."""
    return dict(sorted(Counter(r.type.split(":")[-1] for r in recording.registrations if r.custom).items()))


def waits_for(recording: Recording, dependent: Registration, dependency: Registration) -> bool:
    """Whether the engine makes `dependent` after `dependency`, be it through others."""
    by_urn = {r.urn: r for r in recording.registrations}
    seen, to_visit = {dependent.urn}, [dependent.urn]
    while to_visit:
        here = by_urn[to_visit.pop()]
        new = {*here.dependencies, *(urn for urns in here.property_dependencies.values() for urn in urns)} - seen
        if here.parent in by_urn and by_urn[here.parent].remote:  # it registers its children once it may itself
            new |= {here.parent} - seen
        seen |= new
        to_visit.extend(new)
    return dependency.urn in seen


def statements(document: str) -> list[dict[str, Any]]:
    """A policy document's statements."""
    found: list[dict[str, Any]] = json.loads(document)["Statement"]
    return found


def by_sid(document: str) -> dict[str, dict[str, Any]]:
    """A policy document's statements, by Sid."""
    return {statement["Sid"]: statement for statement in statements(document)}


_SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


def measured(alarm: Registration) -> dict[str, Any]:
    """What an alarm measures: namespace, dimensions, period, statistic, metric and what that is a percentage of."""
    inputs = alarm.inputs
    if "metricQueries" not in inputs:
        statistic = inputs.get("statistic") or inputs["extendedStatistic"]
        return {**inputs, "statistic": statistic, "metrics": [inputs["metricName"]]}
    metrics = [query["metric"] for query in inputs["metricQueries"] if "metric" in query]
    return {**metrics[0], "statistic": metrics[0]["stat"], "metrics": [metric["metricName"] for metric in metrics]}


def alarms(recording: Recording) -> dict[str, tuple[str, dict[str, str]]]:
    """When each alarm is on, as `Average CPUUtilization >= 90, 3 x 300 s, breaching`, and its dimensions, by name."""
    found = {}
    for name, alarm in of(recording, "cloudwatch/metricAlarm:MetricAlarm").items():
        of_it, inputs = measured(alarm), alarm.inputs
        percent = f" % of {of_it['metrics'][1]}" if len(of_it["metrics"]) > 1 else ""
        when = (
            f"{of_it['statistic']} {of_it['metrics'][0]}{percent} {_SIGNS[inputs['comparisonOperator']]} "
            f"{inputs['threshold']}, {inputs['evaluationPeriods']} x {of_it['period']} s, "
            f"{inputs['treatMissingData']}"
        )
        found[name] = (when, of_it["dimensions"])
    return found
