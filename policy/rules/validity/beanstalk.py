"""Elastic Beanstalk: options that go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...beanstalk import ENVIRONMENT, Options, balancer, listeners, options
from ...graph import Graph, Resource, Unknown, each, get, items
from ...rule import rule
from .values import FAMILY

TYPE = "elasticbeanstalk/environment"
_SCALING = "aws:autoscaling:asg"
_SHARED = "aws:elbv2:loadbalancer"


@rule(
    "environment-options-once", TYPE, "elasticbeanstalk/configurationTemplate",
    family=FAMILY, severity="medium", alone=True,
    title="A Beanstalk option is set once",
    controls="",
    remediation="Leave one setting of each namespace, name and resource; else the last one counts, whichever that is",
)  # fmt: skip
def environment_options_once(holder: Resource, graph: Graph) -> Iterator[str]:
    def judge(setting: Any) -> Iterator[tuple[Any, ...]]:
        yield tuple(str(get(setting, key)) for key in ("namespace", "name", "resource"))

    def repeated() -> Iterator[str]:
        seen: Counter[tuple[Any, ...]] = Counter()
        doubt: Unknown | None = None
        try:
            seen.update(each(items(holder, "settings"), judge))
        except Unknown as unknown:
            doubt = unknown
        if any(times > 1 for times in seen.values()):
            yield "an option of it is set more than once"
        if doubt:
            raise doubt

    yield from repeated()


@rule(
    "environment-balancer", TYPE,
    family=FAMILY, severity="medium",
    title="A Beanstalk environment's load balancer is of one mind",
    controls="",
    remediation="For a shared load balancer set LoadBalancerType to application, LoadBalancerIsShared to true and "
    "SharedLoadBalancer to its ARN; for one of the environment's own, leave both out and give HTTPS a certificate",
)  # fmt: skip
def environment_balancer(environment: Resource, graph: Graph) -> Iterator[str]:
    """Elastic Beanstalk developer guide, "Configuring a shared Application Load Balancer" and "General options"."""
    found = options(environment, graph)
    shared, named = found.on(ENVIRONMENT, "LoadBalancerIsShared"), found.peek(_SHARED, "SharedLoadBalancer")
    kind = balancer(environment, found)
    if shared and kind != "shared":
        yield "it shares a load balancer, and has none or one of a kind that can't be shared"
    elif shared and named in (None, ""):
        yield "it shares a load balancer and doesn't name it"
    elif not shared and named not in (None, ""):
        yield "it names a load balancer to share and doesn't share it"
    if kind in ("classic", "application"):
        protocol, certificate = (
            ("ListenerProtocol", "SSLCertificateId") if kind == "classic" else ("Protocol", "SSLCertificateArns")
        )

        def judge(listener: tuple[str, str]) -> Iterator[str]:
            encrypted = found.get(listener[1], protocol).upper() in ("HTTPS", "SSL")
            if encrypted and found.peek(listener[1], certificate) in (None, ""):
                yield "a listener of its load balancer is encrypted and has no certificate"

        yield from each(listeners(found, kind), judge)
    if kind in ("shared", "application"):
        yield from each(found.namespaces("aws:elbv2:listener:"), lambda namespace: _rules(found, namespace))
        yield from each(found.namespaces("aws:elbv2:listenerrule:"), lambda namespace: _process(found, namespace))


def _rules(found: Options, listener: str) -> Iterator[str]:
    """The rules that a listener names have options of their own, but for the default one."""
    named = {part.strip() for part in found.get(listener, "Rules").split(",")} - {"", "default"}
    there = {namespace.rpartition(":")[2] for namespace in found.namespaces("aws:elbv2:listenerrule:")}
    if not named <= there:
        yield "a listener of its load balancer names a rule that it doesn't have"


def _process(found: Options, rule: str) -> Iterator[str]:
    """The process that a rule goes to has options of its own, but for the default one."""
    name = found.get(rule, "Process") or "default"
    prefix = "aws:elasticbeanstalk:environment:process:"
    if name != "default" and f"{prefix}{name}" not in set(found.namespaces(prefix)):
        yield "a rule of its load balancer goes to a process that it doesn't have"


_DEPLOYMENTS = ("", "AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")


@rule(
    "environment-rollout", TYPE,
    family=FAMILY, severity="medium",
    title="A Beanstalk environment can be updated as it says",
    controls="",
    remediation="Managed updates need enhanced health, a ServiceRole, an UpdateLevel of patch or minor and a "
    "PreferredStartTime; TrafficSplitting needs an application load balancer; and MinSize is no more than MaxSize",
)  # fmt: skip
def environment_rollout(environment: Resource, graph: Graph) -> Iterator[str]:
    """Elastic Beanstalk developer guide, "Managed platform updates" and "Deployment policies"."""
    found = options(environment, graph)
    managed = "aws:elasticbeanstalk:managedactions"

    def updates() -> Iterator[str]:
        if not found.on(managed, "ManagedActionsEnabled"):
            return
        if found.get("aws:elasticbeanstalk:healthreporting:system", "SystemType") != "enhanced":
            yield "it has managed updates without enhanced health"
        if found.peek(ENVIRONMENT, "ServiceRole") in (None, ""):
            yield "it has managed updates without a ServiceRole"
        if not found.get(managed, "PreferredStartTime"):
            yield "it has managed updates without a PreferredStartTime"
        if found.get(f"{managed}:platformupdate", "UpdateLevel") not in ("patch", "minor"):
            yield "it has managed updates without an UpdateLevel"

    def deployments() -> Iterator[str]:
        policy = found.get("aws:elasticbeanstalk:command", "DeploymentPolicy")
        if policy not in _DEPLOYMENTS:
            yield "its DeploymentPolicy is none of Elastic Beanstalk"
        elif policy == "TrafficSplitting" and balancer(environment, found) != "application":
            yield "its DeploymentPolicy needs an application load balancer of its own"

    def sizes() -> Iterator[str]:
        least, most = (found.get(_SCALING, name) for name in ("MinSize", "MaxSize"))
        if not all(size.removesuffix(".0").isdecimal() or not size for size in (least, most)):
            yield "its MinSize or MaxSize isn't a number"
        elif float(least or 1) > float(most or 4):
            yield "its MinSize is more than its MaxSize"

    yield from each((updates(), deployments(), sizes()), lambda part: part)
