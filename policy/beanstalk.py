"""Elastic Beanstalk: the options of an environment, a flat list of texts, and what load balancer they mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from .graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek
from .network import GROUPS

ENVIRONMENT = "aws:elasticbeanstalk:environment"
INSTANCES = "aws:autoscaling:launchconfiguration"
NETWORK = "aws:ec2:vpc"

Balancer = Literal["none", "shared", "classic", "application", "network"]


@dataclass(frozen=True)
class Options:
    """The options of an environment: its own, which outdo those of its configuration template."""

    found: dict[tuple[str, str], tuple[Resource, Any]] = field(default_factory=dict)
    """The value of each option, by namespace and name, and the resource whose setting it is."""
    doubt: Unknown | None = None
    """Why there may be more."""

    def peek(self, namespace: str, name: str) -> Any:
        """An option's value, which may be `UNKNOWN`; None where it is left to Elastic Beanstalk."""
        if (namespace, name) not in self.found:
            if self.doubt:
                raise self.doubt
            return None
        return self.found[namespace, name][1]

    def get(self, namespace: str, name: str) -> str:
        """An option's text, a flag's being `true` or `false`; empty where it is left to Elastic Beanstalk."""
        value = self.peek(namespace, name)
        if value is UNKNOWN:
            raise Unknown(f"{name} of its settings")
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    def on(self, namespace: str, name: str) -> bool:
        """Whether a flag is on."""
        return self.get(namespace, name).lower() == "true"

    def namespaces(self, prefix: str) -> Iterator[str]:
        """The namespaces that begin so; raises `Unknown`, at the end, where there may be more."""
        yield from dict.fromkeys(namespace for namespace, _ in self.found if namespace.startswith(prefix))
        if self.doubt:
            raise self.doubt


def options(environment: Resource, graph: Graph) -> Options:
    """What an environment's settings say, and its configuration template's, where that is of the program."""
    found: dict[tuple[str, str], tuple[Resource, Any]] = {}
    doubt: Unknown | None = None

    def templates() -> Iterator[Resource]:
        if given(environment, "templateName"):
            yield from graph.targets(environment, "templateName", "elasticbeanstalk/configurationTemplate")

    def read(holder: Resource) -> Iterator[None]:
        def option(setting: Any) -> list[None]:
            found[str(get(setting, "namespace")), str(get(setting, "name"))] = holder, peek(setting, "value")
            return []

        return each(items(holder, "settings"), option)

    try:
        list(each((templates(), iter([environment])), lambda holders: each(holders, read)))
    except Unknown as unknown:
        doubt = unknown
    return Options(found, doubt)


def balancer(environment: Resource, found: Options) -> Balancer:
    """The load balancer of an environment. Its own is a classic one where nothing is said."""
    if get(environment, "tier") == "Worker" or found.get(ENVIRONMENT, "EnvironmentType") == "SingleInstance":
        return "none"
    kind = found.get(ENVIRONMENT, "LoadBalancerType") or "classic"
    if kind == "application":
        return "shared" if found.on(ENVIRONMENT, "LoadBalancerIsShared") else "application"
    return "network" if kind == "network" else "classic"


def listeners(found: Options, kind: Balancer) -> Iterator[tuple[str, str]]:
    """The listeners of a load balancer that is the environment's own: port and namespace. One on 80 is always there
    unless it is turned off."""
    prefix = "aws:elb:listener" if kind == "classic" else "aws:elbv2:listener:"
    default = prefix if kind == "classic" else f"{prefix}default"
    if found.get(default, "ListenerEnabled").lower() != "false":
        yield "80", default

    def judge(namespace: str) -> Iterator[tuple[str, str]]:
        if namespace != default and found.get(namespace, "ListenerEnabled").lower() != "false":
            yield namespace.rpartition(":")[2], namespace

    yield from each(found.namespaces(prefix), judge)


def subnets(found: Options, name: str, graph: Graph) -> Iterator[Resource]:
    """The subnets that an option names, with commas between them; all that the settings refer to, where not known."""
    value = found.peek(NETWORK, name)
    if value is not None:
        holder = found.found[NETWORK, name][0]
        meant = [part.strip() for part in value.split(",")] if isinstance(value, str) else [UNKNOWN]
        yield from graph.targets(holder, "settings", "ec2/subnet", value=meant)


def fronts_internet(environment: Resource, group: Resource, graph: Graph) -> bool:
    """Whether a security group in an environment's settings is that of its internet-facing or shared load balancer, and
    not its instances'."""
    found = options(environment, graph)
    kind = balancer(environment, found)
    if kind == "none" or (kind != "shared" and found.get(NETWORK, "ELBScheme") == "internal"):
        return False
    instances = found.peek(INSTANCES, "SecurityGroups")
    if instances is not UNKNOWN:
        named = str(instances or "").split(",")
        return all(other is not group for other in graph.targets(environment, "settings", *GROUPS, value=named))
    if len(list(graph.targets(environment, "settings", *GROUPS, value=UNKNOWN))) < 2:
        return False
    if not any(graph.referrers(group, "lb/loadBalancer", "securityGroups")):
        raise Unknown("which of the security groups in its settings are its instances'")
    return True  # there is another one for the instances, and this one is a load balancer's in the program
