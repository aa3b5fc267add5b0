"""The settings of a stack: which tiers there are, and the arguments of each."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from components import analytics, backend, grafana, kubernetes, web
from components.analytics import AnalyticsArgs
from components.audit import AuditArgs
from components.backend import BackendArgs
from components.cache import CacheArgs
from components.common import Args, Refusal
from components.database import DatabaseArgs
from components.datalake import DataLakeArgs
from components.delivery import DeliveryArgs
from components.edge import DnsArgs, EdgeArgs
from components.grafana import GrafanaArgs
from components.kubernetes import KubernetesArgs
from components.loadbalancing import (
    ApplicationLoadBalancerArgs,
    ClassicLoadBalancerArgs,
    Clients,
    NetworkLoadBalancerArgs,
)
from components.messaging import MessagingArgs
from components.network import NetworkArgs
from components.observability import AlarmTopicArgs, ObservabilityArgs
from components.registry import RegistryArgs
from components.security import SecurityArgs
from components.storage import BucketArgs, LogBucketArgs
from components.visualization import VisualizationArgs
from components.web import WebArgs

Client = Literal["web", "backend", "kubernetes"]
"""Tiers that use the queues: the names that `senders` and `receivers` take."""

CertificateArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[\w-]*:acm:[\w-]+:\d{12}:certificate/[\w-]+$")]


class TiersSettings(Args):
    """Which tiers the stack has. Security, logs and network are always there: the others stand on them."""

    edge: bool = True
    """Route 53, certificates, CloudFront and WAF; without it the load balancer is internal."""
    load_balancing: bool = True
    """The load balancers."""
    cache: bool = True
    """Redis, before MySQL."""
    database: bool = True
    """MySQL."""
    storage: bool = True
    """The application's bucket."""
    messaging: bool = True
    """The queues."""
    web: bool = True
    """The Auto Scaling group behind the load balancers."""
    backend: bool = True
    """The application on Elastic Beanstalk."""
    kubernetes: bool = True
    """EKS."""
    registry: bool = True
    """The container images' repositories."""
    analytics: bool = True
    """The data lake, and EMR on a schedule."""
    visualization: bool = False
    """QuickSight; off by default, since the account has to be subscribed to it first (docs/analytics.md)."""
    audit: bool = True
    """CloudTrail. In an account of several stacks, one trail is enough."""
    grafana: bool = False
    """Managed Grafana; off by default, since the account has to have IAM Identity Center first, or Grafana an identity
    provider of yours (docs/operations.md)."""
    delivery: bool = False
    """The repository, the check of pull requests and the pipeline: in one stack, for all of them."""


class LoadBalancingSettings(Args):
    """The load balancers: the application one always, the others where a stack asks for them."""

    application: ApplicationLoadBalancerArgs = Field(default_factory=ApplicationLoadBalancerArgs)
    """The Application Load Balancer, in front of everything that speaks HTTP."""
    network: NetworkLoadBalancerArgs | None = None
    """An internal Network Load Balancer in front of the web tier, for clients in the VPC; none by default."""
    classic: ClassicLoadBalancerArgs | None = None
    """An internal Classic Load Balancer in front of the web tier; none by default."""
    certificate_arn: CertificateArn | None = None
    """ACM certificate of the stack's region for the load balancers, where tiers.edge is off and makes none."""


class Settings(Args):
    """Everything that makes one stack differ from another."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    """AWS region (`aws:region`)."""
    tags: dict[str, str] = Field(default_factory=dict, max_length=40)
    """Tags of every resource (`aws:defaultTags`); AWS allows 50 on one, and the components add some of their own."""
    tiers: TiersSettings = Field(default_factory=TiersSettings)
    """Which tiers there are."""
    security: SecurityArgs = Field(default_factory=SecurityArgs)
    """KMS keys."""
    logs: LogBucketArgs = Field(default_factory=LogBucketArgs)
    """The bucket that AWS services deliver their logs to."""
    network: NetworkArgs
    """VPC, subnets, NAT and endpoints."""
    dns: DnsArgs | None = None
    """Hosted zone and domain; needed by tiers.edge."""
    load_balancing: LoadBalancingSettings = Field(default_factory=LoadBalancingSettings)
    """Load balancers."""
    edge: EdgeArgs = Field(default_factory=EdgeArgs)
    """CloudFront and WAF."""
    cache: CacheArgs = Field(default_factory=CacheArgs)
    """Redis."""
    database: DatabaseArgs = Field(default_factory=DatabaseArgs)
    """MySQL."""
    storage: BucketArgs = Field(default_factory=BucketArgs)
    """The application's bucket."""
    messaging: MessagingArgs = Field(default_factory=MessagingArgs)
    """Queues, and which tiers send to them and receive from them."""
    web: WebArgs = Field(default_factory=WebArgs)
    """The web tier's instances."""
    artifacts: BucketArgs = Field(default_factory=BucketArgs)
    """The bucket of what is built: the backend's versions."""
    backend: BackendArgs = Field(default_factory=BackendArgs)
    """The application on Elastic Beanstalk."""
    kubernetes: KubernetesArgs = Field(default_factory=KubernetesArgs)
    """EKS."""
    registry: RegistryArgs = Field(default_factory=RegistryArgs)
    """Container images."""
    alarms: AlarmTopicArgs = Field(default_factory=AlarmTopicArgs)
    """Who is told of failures."""
    observability: ObservabilityArgs = Field(default_factory=ObservabilityArgs)
    """When alarms page, and their dashboard."""
    lake: DataLakeArgs = Field(default_factory=DataLakeArgs)
    """The data lake: its zones and its Athena workgroup."""
    analytics: AnalyticsArgs = Field(default_factory=AnalyticsArgs)
    """EMR: clusters, jobs, and when they run."""
    visualization: VisualizationArgs = Field(default_factory=VisualizationArgs)
    """QuickSight: who sees what, and when it is imported."""
    audit: AuditArgs = Field(default_factory=AuditArgs)
    """CloudTrail, and what it raises an alarm on."""
    grafana: GrafanaArgs = Field(default_factory=GrafanaArgs)
    """Grafana: who signs in how, and what it reaches."""
    delivery: DeliveryArgs | None = None
    """CodeCommit, CodeBuild and CodePipeline; needed by tiers.delivery."""

    @property
    def load_balancer_clients(self) -> Clients:
        """Who connects to the Application Load Balancer."""
        if not self.tiers.edge:
            return "vpc"
        return "cloudfront" if self.edge.cdn else "internet"

    @property
    def health_check_path(self) -> str | None:
        """Where the platform says from outside that it is up; none where no tier answers."""
        return self.web.health_check.path if self.tiers.web else None

    def refusals(self) -> Iterator[Refusal]:
        yield from self._tier_refusals()
        strangers = [zone for zone in self.network.zones if zone[:-1] != self.region]
        if strangers:
            yield Refusal(("network", "zones"), f"not in aws:region, {self.region}: {', '.join(strangers)}")
        if self.tiers.database:
            for name, replica in self.database.replicas.items():
                if replica.zone and replica.zone not in self.network.zones:
                    yield Refusal(("database", "replicas", name, "zone"), f"{replica.zone} is not among network.zones")
        for name, queue in self.messaging.queues.items():
            for field, clients in {"senders": queue.senders, "receivers": queue.receivers}.items():
                for client in sorted(set(clients) - set(get_args(Client))):
                    yield Refusal(
                        ("messaging", "queues", name, field),
                        f"{client!r} is no tier that uses queues: those are {', '.join(get_args(Client))}",
                    )
        if self.tiers.analytics:
            yield from self._analytics_refusals()
        if self.tiers.visualization:
            yield from self._visualization_refusals()
        if self.tiers.delivery:
            yield from self._delivery_refusals()
        if self.network.nat == "none":
            yield from self._endpoint_refusals()
        if self.network.use and not self.network.use.public:
            yield from self._public_refusals()

    def _analytics_refusals(self) -> Iterator[Refusal]:
        if not self.tiers.database:
            yield Refusal(("tiers", "database"), "tiers.analytics reads it: turn both off or neither")
        replica = self.analytics.replica
        if replica and replica not in self.database.replicas:
            yield Refusal(("analytics", "replica"), f"{replica!r} is not among database.replicas")
        if self.network.nat == "none" and self.analytics.packages:
            yield Refusal(
                ("analytics", "packages"), "with nat `none` no cluster reaches Maven Central: name `jars` on S3 instead"
            )

    def _visualization_refusals(self) -> Iterator[Refusal]:
        if not self.tiers.analytics:
            yield Refusal(("tiers", "analytics"), "tiers.visualization shows it: turn both off or neither")
        if self.visualization.manifest and self.analytics.export_format != "csv":
            yield Refusal(
                ("visualization", "manifest"), "reads CSV: set analytics.export_format to csv, or this to false"
            )
        replica = self.visualization.mysql and self.visualization.mysql.replica
        if replica and replica not in self.database.replicas:
            yield Refusal(("visualization", "mysql", "replica"), f"{replica!r} is not among database.replicas")

    def _delivery_refusals(self) -> Iterator[Refusal]:
        if self.delivery is None:
            yield Refusal(("delivery",), "tiers.delivery needs it: give `reviewers` and `environments`")
        if self.network.nat == "none":
            yield Refusal(
                ("network", "nat"), "the builds of tiers.delivery fetch packages from the internet: give them NAT"
            )

    def _public_refusals(self) -> Iterator[Refusal]:
        """In a VPC of others without public subnets, nothing can be public."""
        if self.tiers.load_balancing and self.load_balancer_clients != "vpc":
            yield Refusal(
                ("network", "use", "public"), "the load balancer of tiers.edge needs them: name one in each zone"
            )
        if self.tiers.web and self.web.placement == "public":
            yield Refusal(
                ("network", "use", "public"), "web.placement is public: name one in each zone, or make it private"
            )

    def _endpoint_refusals(self) -> Iterator[Refusal]:
        """In private subnets without NAT, a tier reaches AWS by interface endpoints only."""
        data = {"secretsmanager"} if self.tiers.cache or self.tiers.database else set()
        data |= {"sqs"} if self.tiers.messaging and self.messaging.queues else set()
        needs = {
            "web": web.ENDPOINTS | data if self.tiers.web and self.web.placement == "private" else None,
            "backend": backend.ENDPOINTS | data if self.tiers.backend else None,
            "kubernetes": kubernetes.ENDPOINTS | data if self.tiers.kubernetes else None,
            "analytics": analytics.ENDPOINTS if self.tiers.analytics else None,
            "grafana": grafana.ENDPOINTS if self.tiers.grafana and self.grafana.vpc_connection else None,
        }
        for tier, endpoints in needs.items():
            missing = endpoints - set(self.network.interface_endpoints) if endpoints else None
            if missing:
                yield Refusal(
                    ("network", "interface_endpoints"),
                    f"with nat `none`, tiers.{tier} in private subnets reaches AWS by endpoints only: add "
                    + ", ".join(sorted(missing)),
                )

    def _tier_refusals(self) -> Iterator[Refusal]:
        for tier in ("edge", "web"):
            if getattr(self.tiers, tier) and not self.tiers.load_balancing:
                yield Refusal(("tiers", "load_balancing"), f"tiers.{tier} needs it: turn both off or neither")
        if self.tiers.edge and self.dns is None:
            yield Refusal(("dns",), "tiers.edge needs it: give `zone` and `domain`, or turn tiers.edge off")
        shares = self.tiers.backend and self.backend.load_balancer == "shared"
        if shares and not self.tiers.load_balancing:
            yield Refusal(
                ("tiers", "load_balancing"),
                "tiers.backend shares its Application Load Balancer: give the backend a `load_balancer` of its own, or "
                "turn both off or neither",
            )
        certificate = self.load_balancing.certificate_arn
        balanced = self.tiers.load_balancing or (self.tiers.backend and not shares)
        if balanced and not self.tiers.edge and certificate is None:
            yield Refusal(
                ("load_balancing", "certificate_arn"), "tiers.edge is off and makes none: name a certificate of yours"
            )
        if certificate and self.tiers.edge:
            yield Refusal(("load_balancing", "certificate_arn"), "tiers.edge makes the certificate: leave this out")
        if certificate and certificate.split(":")[3] != self.region:
            yield Refusal(
                ("load_balancing", "certificate_arn"), f"lies in another region than the load balancers, {self.region}"
            )
