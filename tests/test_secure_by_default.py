"""The policy pack's verdict on the program, on other settings than the stacks', and on each component alone."""

import pytest

from components.analytics import Analytics, AnalyticsArgs
from components.backend import Backend, BackendArgs
from components.cache import Cache
from components.database import Database
from components.datalake import CrawlerArgs, DataLake, DataLakeArgs
from components.edge import Edge, EdgeArgs
from components.grafana import Grafana, GrafanaArgs
from components.kubernetes import Kubernetes
from components.loadbalancing import ClassicLoadBalancer, NetworkLoadBalancer
from components.messaging import Messaging, MessagingArgs, QueueArgs
from components.observability import AlarmTopic, AlarmTopicArgs
from components.registry import Registry, RegistryArgs, RepositoryArgs
from components.storage import SecureBucket
from components.visualization import Visualization, VisualizationArgs
from components.web import Web
from jobs.package import package
from preview.run import judge
from tests.components.tiers import CERTIFICATE, alb, dns, logs, network, security
from tests.registered import ROOT, STACKS, run, run_stack
from tests.test_program import MATRIX


def edge(clients):
    log_bucket = logs()
    Edge(
        "edge",
        EdgeArgs(cdn=clients == "cloudfront"),
        dns=dns(),
        alb=alb(clients, network(), log_bucket),
        logs=log_bucket,
        logs_key=security().logs,
    )


def web():
    net = network(nat="single")
    Web("web", subnets=net.private, key=security().data, alb=alb("vpc", net, logs()))


def database():
    keys = security()
    Database("database", subnets=network().isolated, key=keys.data, logs_key=keys.logs)


def cache():
    keys = security()
    Cache("cache", subnets=network().isolated, key=keys.data, logs_key=keys.logs)


def messaging():
    queues = {"jobs": QueueArgs(), "orders": QueueArgs(fifo=True)}
    Messaging("messaging", MessagingArgs(queues=queues), key=security().data)


def registry():
    Registry("registry", RegistryArgs(repositories={"web": RepositoryArgs()}), key=security().data)


def backend(**changes):
    keys, net, log_bucket = security(), network(nat="single"), logs()
    Backend(
        "backend",
        BackendArgs.model_validate(changes),
        source=ROOT / "applications" / "backend",
        subnets=net.private,
        logs_key=keys.logs,
        logs=log_bucket,
        artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
        certificate_arn=CERTIFICATE,
        alb=alb("vpc", net, log_bucket),
    )


def kubernetes():
    keys, net = security(), network(nat="single")
    balancer = alb("vpc", net, logs())
    Kubernetes("kubernetes", subnets=net.private, key=keys.data, logs_key=keys.logs, alb=balancer)


def lake(crawler=None):
    keys = security()
    return DataLake("lake", DataLakeArgs(crawler=crawler), key=keys.data, logs_key=keys.logs, logs=logs())


def topic():
    return AlarmTopic("alarms", AlarmTopicArgs(subscribers={"team": "team@example.com"}), key=security().logs)


def analytics(**changes):
    keys, net, log_bucket = security(), network(nat="single"), logs()
    Analytics(
        "analytics",
        AnalyticsArgs.model_validate(changes),
        subnets=net.private,
        key=keys.data,
        logs_key=keys.logs,
        lake=DataLake("lake", key=keys.data, logs_key=keys.logs, logs=log_bucket),
        artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
        database=Database("database", subnets=net.isolated, key=keys.data, logs_key=keys.logs),
        package=package(),
        topic=AlarmTopic("alarms", key=keys.logs),
    )


def grafana():
    keys, net = security(), network(nat="single")
    access = {"network_access": {"prefix_lists": ["pl-0123456789abcdef0"]}, "vpc_connection": True}
    Grafana(
        "grafana",
        GrafanaArgs.model_validate(access),
        subnets=net.private,
        key=keys.data,
        lake=DataLake("lake", key=keys.data, logs_key=keys.logs, logs=logs()),
    )


def visualization(**changes):
    keys, net = security(), network()
    Visualization(
        "visualization",
        VisualizationArgs.model_validate(changes),
        subnets=net.isolated,
        key=keys.data,
        lake=DataLake("lake", key=keys.data, logs_key=keys.logs, logs=logs()),
        database=Database("database", subnets=net.isolated, key=keys.data, logs_key=keys.logs),
    )


ALONE = {
    "security": security,
    "logs": logs,
    "network": network,
    "storage": lambda: SecureBucket("storage", key=security().data, logs=logs()),
    "application load balancer": lambda: alb("vpc", network(), logs()),
    "network load balancer": lambda: NetworkLoadBalancer(
        "nlb", subnets=network().private, certificate_arn=CERTIFICATE, logs=logs()
    ),
    "classic load balancer": lambda: ClassicLoadBalancer(
        "clb", subnets=network().private, certificate_arn=CERTIFICATE, logs=logs()
    ),
    "edge with a CDN": lambda: edge("cloudfront"),
    "edge without one": lambda: edge("internet"),
    "web": web,
    "database": database,
    "backend": backend,
    "backend behind an application load balancer of its own": lambda: backend(load_balancer="application"),
    "backend behind a network load balancer of its own": lambda: backend(
        load_balancer="network", health_check={"interval_seconds": 30}
    ),
    "backend behind a classic load balancer of its own": lambda: backend(load_balancer="classic"),
    "cache": cache,
    "messaging": messaging,
    "registry": registry,
    "kubernetes": kubernetes,
    "data lake": lake,
    "data lake with a crawler": lambda: lake(CrawlerArgs()),
    "alarm topic": topic,
    "Grafana": grafana,
    "analytics": analytics,
    "analytics on a cluster that stays": lambda: analytics(long_running=True),
    "visualization": visualization,
    "visualization with all of its sources": lambda: visualization(manifest=True, mysql={}, register_key=True),
}


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks(stack, unknown):
    region = {"dev": "us-east-1", "prod": "eu-west-1"}[stack]
    report = judge(run_stack(stack, unknown=unknown), region)
    assert [finding.message for finding in report.violations] == []
    assert report.checks > 100


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
@pytest.mark.parametrize("settings", MATRIX)
def test_other_settings(settings, unknown):
    report = judge(run_stack("dev", unknown=unknown, **MATRIX[settings]), "us-east-1")
    assert [finding.message for finding in report.violations] == []


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
@pytest.mark.parametrize("component", ALONE)
def test_each_component_alone_even_by_what_is_only_advised(component, unknown):
    report = judge(run(ALONE[component], unknown=unknown), "eu-west-1")
    # Whom a component's alarms tell is for the program to say: Observability pages for those of all tiers.
    found = [finding for finding in report.findings if finding.rule != "alarm-tells-someone"]
    assert [finding.message for finding in found] == []
