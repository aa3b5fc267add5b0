"""The platform, as its architecture diagram has it: a line or two a tier, from the browser to the data."""

from pathlib import Path

import pulumi

import settings
from components.analytics import Analytics
from components.audit import Audit
from components.backend import Backend
from components.cache import Cache
from components.common import begun
from components.data import DataServices
from components.database import Database
from components.datalake import DataLake
from components.delivery import Delivery, deployment_role_arn
from components.edge import CLOUDFRONT_REGION, Dns, Edge
from components.grafana import Grafana
from components.kubernetes import Kubernetes
from components.loadbalancing import ApplicationLoadBalancer, ClassicLoadBalancer, NetworkLoadBalancer
from components.messaging import Messaging
from components.network import Network
from components.observability import AlarmTopic, Observability
from components.registry import Registry
from components.security import Security
from components.storage import LogBucket, SecureBucket
from components.visualization import Visualization
from components.web import Web
from jobs.package import package

HERE = Path(__file__).parent
CAUSES = {
    "web": ["cache", "database"],
    "backend": ["cache", "database"],
    "kubernetes": ["cache", "database"],
    "load-balancing": ["cache", "database", "web", "backend", "kubernetes"],
    "edge": ["cache", "database", "web", "backend", "kubernetes", "load-balancing"],
    "analytics": ["database"],
    "visualization": ["database", "analytics"],
}
"""Whose alarms come before a tier's own: one fault is told once."""

stack = settings.load()
tiers, balancing = stack.tiers, stack.load_balancing
dns = alb = nlb = classic = edge = cache = database = storage = messaging = web = None
artifacts = backend = kubernetes = registry = lake = analytics = visualization = delivery = audit = None
distant = observability = grafana = None

# What every tier stands on: keys, the log bucket, the topic of alarms, the network
security = Security("security", stack.security)
data_key, logs_key = security.data, security.logs
logs = LogBucket("logs", stack.logs)
topic = AlarmTopic("alarms", stack.alarms, key=logs_key)
network = Network("network", stack.network, logs_key=logs_key)

# browser -> Route 53 -> CloudFront + WAF -> ALB + WAF
if tiers.edge and stack.dns:
    dns = Dns("dns", stack.dns)
certificate = dns.certificate_arn if dns else balancing.certificate_arn or ""
if tiers.load_balancing:
    clients, inside = stack.load_balancer_clients, network.private
    outside = inside if clients == "vpc" else network.public
    check = stack.web.health_check if tiers.web else None
    alb = ApplicationLoadBalancer(
        "alb",
        balancing.application,
        subnets=outside,
        clients=clients,
        certificate_arn=certificate,
        logs=logs,
        default_check=check,
    )
    if balancing.network:
        nlb = NetworkLoadBalancer("nlb", balancing.network, subnets=inside, certificate_arn=certificate, logs=logs)
    if dns and nlb:
        dns.alias(f"internal.{dns.domain}", target_name=nlb.dns_name, target_zone_id=nlb.zone_id, parent=nlb)
    if balancing.classic:
        classic = ClassicLoadBalancer(
            "clb", balancing.classic, subnets=inside, certificate_arn=certificate, logs=logs, health_check=check
        )
if dns and alb:
    path = stack.health_check_path
    edge = Edge("edge", stack.edge, dns=dns, alb=alb, logs=logs, logs_key=logs_key, health_check_path=path)

# -> Redis -> MySQL, and beside them the bucket and the queues
if tiers.cache:
    cache = Cache("cache", stack.cache, subnets=network.isolated, key=data_key, logs_key=logs_key)
if tiers.database:
    database = Database("database", stack.database, subnets=network.isolated, key=data_key, logs_key=logs_key)
if tiers.storage:
    storage = SecureBucket("storage", stack.storage, key=data_key, logs=logs)
if tiers.messaging:
    messaging = Messaging("messaging", stack.messaging, key=data_key)
data = DataServices(cache, database, storage, messaging)

# ALB -> web tier -> the data
if tiers.web and alb:
    subnets = network.public if stack.web.placement == "public" else network.private
    web = Web("web", stack.web, subnets=subnets, key=data_key, alb=alb, nlb=nlb, classic=classic, data=data)

# ALB /api/* -> Elastic Beanstalk -> the data
if tiers.backend or tiers.analytics or tiers.delivery:
    artifacts = SecureBucket("artifacts", stack.artifacts, key=data_key, logs=logs)
if tiers.backend and artifacts:
    backend = Backend(
        "backend",
        stack.backend,
        source=HERE / "applications" / "backend",
        subnets=network.private,
        logs_key=logs_key,
        logs=logs,
        artifacts=artifacts,
        certificate_arn=certificate,
        alb=alb,
        data=data,
    )
    if dns and stack.backend.load_balancer != "shared":
        dns.cname(f"backend.{dns.domain}", target_name=backend.endpoint, parent=backend)

# ALB /services/* -> EKS node groups -> the data
if tiers.kubernetes:
    kubernetes = Kubernetes(
        "kubernetes", stack.kubernetes, subnets=network.private, key=data_key, logs_key=logs_key, alb=alb, data=data
    )
if tiers.registry:
    pullers = [kubernetes.node_role_arn] if kubernetes else []
    deploys = tiers.delivery and stack.delivery and pulumi.get_stack() in stack.delivery.environments
    pushers = [deployment_role_arn("delivery", pulumi.get_stack())] if deploys else []
    registry = Registry("registry", stack.registry, key=data_key, pullers=pullers, pushers=pushers)

# MySQL replica -> EMR -> S3 -> Athena -> QuickSight, on a schedule
if tiers.analytics and artifacts and database:
    lake = DataLake("lake", stack.lake, key=data_key, logs_key=logs_key, logs=logs)
    analytics = Analytics(
        "analytics",
        stack.analytics,
        subnets=network.private,
        key=data_key,
        logs_key=logs_key,
        lake=lake,
        artifacts=artifacts,
        database=database,
        package=package(),
        topic=topic,
    )
if tiers.visualization and lake:
    visualization = Visualization(
        "visualization", stack.visualization, subnets=network.isolated, key=data_key, lake=lake, database=database
    )

# pull request -> tests, preview and policies -> merge -> every stack in turn
if tiers.delivery and stack.delivery and artifacts:
    delivery = Delivery(
        "delivery",
        stack.delivery,
        subnets=network.private,
        key=data_key,
        logs_key=logs_key,
        artifacts=artifacts,
        build_specs=HERE / "delivery",
        topic=topic,
    )

# Who did what, what is wrong, and who is told
if tiers.audit:
    kept = [artifacts, storage, lake and lake.raw, lake and lake.curated]
    buckets = [bucket for bucket in kept if bucket]
    audit = Audit("audit", stack.audit, logs=logs, logs_key=logs_key, buckets=buckets, topic=topic)
watched = {
    "cache": cache,
    "database": database,
    "messaging": messaging,
    "web": web,
    "backend": backend,
    "kubernetes": kubernetes,
    "load-balancing": alb,
    "network-load-balancing": nlb,
    "classic-load-balancing": classic,
    "edge": edge,
    "analytics": analytics,
    "visualization": visualization,
    "delivery": delivery,
    "audit": audit,
}
alarms = {tier: component.alarms for tier, component in watched.items() if component}
if edge:
    distant = topic if stack.region == CLOUDFRONT_REGION else topic.in_region("alarms-global", CLOUDFRONT_REGION)
if alarms:
    observability = Observability(
        "observability", stack.observability, tiers=alarms, stands_on=CAUSES, topic=topic, global_topic=distant
    )
if tiers.grafana:
    grafana = Grafana(
        "grafana",
        stack.grafana,
        subnets=network.private,
        key=data_key,
        lake=lake,
        database=database,
        topic=topic,
        tiers=alarms,
    )

pulumi.export("vpc_id", network.vpc_id)
pulumi.export("log_bucket", logs.name)
if edge and dns:
    pulumi.export("url", edge.url)
    pulumi.export("name_servers", dns.name_servers)
if alb:
    pulumi.export("load_balancer", alb.dns_name)
if cache:
    pulumi.export("cache_endpoint", cache.endpoint)
    pulumi.export("cache_secret_arn", cache.secret_arn)
if database:
    pulumi.export("database_endpoint", database.endpoint)
    pulumi.export("database_replica_endpoints", database.replica_endpoints)
    pulumi.export("database_secret_arn", database.secret_arn)
if storage:
    pulumi.export("bucket", storage.name)
if backend:
    pulumi.export("backend_endpoint", backend.endpoint)
if messaging:
    pulumi.export("queue_urls", messaging.urls)
if kubernetes:
    pulumi.export("cluster_name", kubernetes.cluster_name)
    pulumi.export("cluster_endpoint", kubernetes.endpoint)
if registry:
    pulumi.export("repository_urls", registry.urls)
if analytics:
    pulumi.export("analytics_state_machine_arn", analytics.state_machine_arn)
    pulumi.export("analytics_certificates_uri", analytics.certificates_uri)
if visualization:
    pulumi.export("quicksight_dashboard_url", visualization.dashboard_url)
if delivery:
    pulumi.export("clone_url", delivery.clone_url)
if observability and observability.dashboard_name:
    pulumi.export("dashboard", observability.dashboard_name)
if grafana:
    pulumi.export("grafana_url", grafana.url)

pulumi.run(begun)
