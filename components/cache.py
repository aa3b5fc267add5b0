"""Cache tier: Redis on ElastiCache, with replicas or shards, its parameters, its logs and its auth token."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pydantic import Field, StringConstraints

from .common import (
    PACKAGE,
    Args,
    DailyWindow,
    Refusal,
    RetentionDays,
    WeeklyWindow,
    admit_log_delivery,
    check_name,
    physical_name,
    tags,
    window_refusals,
)
from .network import Subnets, security_group
from .observability import Alarm, Watched, watch
from .security import EncryptionKey, read_secret_statements, store_secret

NodeType = Annotated[
    str,
    StringConstraints(
        pattern=r"^cache\.((t3|t4g)\.(micro|small|medium)|(m5|m6g|m7g|r5|r6g|r7g|c7gn)\.(\d*x)?large|r6gd\.\d*xlarge)$"
    ),
]
"""A current node type for Redis (ElastiCache user guide, "Supported node types")."""

_FAMILY = "redis7"
_LOGS = ("engine-log", "slow-log")
_WITHOUT_TIERING = ("volatile-random", "allkeys-random", "volatile-ttl")
_MOST_NODES = 500
PORT = 6379


class ClusterModeArgs(Args):
    """Redis in shards, which together hold the keys; clients have to speak Redis Cluster."""

    shards: int = Field(default=2, ge=1, le=500)
    """Shards, among which the keys are divided (ElastiCache: 1 to 500; the default quota is 90 nodes a cluster)."""
    replicas_per_shard: int = Field(default=1, ge=0, le=5)
    """Replicas of each shard (ElastiCache: 0 to 5)."""

    def refusals(self) -> Iterator[Refusal]:
        nodes = self.shards * (1 + self.replicas_per_shard)
        if nodes > _MOST_NODES:
            yield Refusal(("shards",), f"makes {nodes} nodes with the replicas, but ElastiCache takes {_MOST_NODES}")


class CacheAlarms(Args):
    """What of each node is a fault. A threshold of null leaves its alarm out."""

    cpu_percent: int | None = Field(default=90, ge=1, le=100)
    """Use of the one CPU that Redis runs on, for five minutes, in percent."""
    memory_percent: int | None = Field(default=90, ge=1, le=100)
    """Memory in use for five minutes, in percent of what Redis may take. At 100 it throws out keys, or refuses writes
    where `maxmemory_policy` finds none."""
    evictions_limit: int | None = Field(default=100, ge=1)
    """Keys thrown out in a minute, for five minutes, because the memory is full. A cache that lives full by intent
    wants more, or null."""
    replication_lag_seconds: int | None = Field(default=30, ge=1, le=86_400)
    """Seconds that a replica is behind its primary for five minutes: what a failover then would lose."""
    failed_logins_limit: int | None = Field(default=10, ge=1)
    """Refused tokens in five minutes: a client that has not read the secret again, or one that should not be there."""


class CacheArgs(Args):
    """Redis on ElastiCache."""

    node_type: NodeType = "cache.t4g.small"
    """ElastiCache node type; r6gd types keep on SSD what is rarely used (data tiering). A change waits for the
    maintenance window; one to or from an r6gd type replaces the cache."""
    nodes: int = Field(default=2, ge=1, le=6)
    """A primary and its replicas (ElastiCache: 1 to 6), without `cluster_mode`. From two on, a replica takes over when
    the primary fails."""
    multi_az: bool = True
    """The nodes stand in several zones, and a replica in another one takes over when a zone fails; needs replicas."""
    cluster_mode: ClusterModeArgs | None = None
    """Shards instead of one primary; none is the default. To change between the two makes a new cache, empty and with
    an endpoint of its own, before the old one goes: where `deletion_protection` is on, lift it first, in an `up` of its
    own, or the update stops with both of them there."""
    maxmemory_policy: Literal[
        "volatile-lru",
        "allkeys-lru",
        "volatile-lfu",
        "allkeys-lfu",
        "volatile-random",
        "allkeys-random",
        "volatile-ttl",
        "noeviction",
    ] = "volatile-lru"
    """What Redis throws out when its memory is full; volatile ones only keys that expire anyway."""
    snapshot_retention_days: int = Field(default=7, ge=0, le=35)
    """Days that daily snapshots are kept (ElastiCache: 0 to 35; 0 takes none)."""
    snapshot_window: DailyWindow = "02:00-03:00"
    """Daily window for snapshots (UTC), of 60 minutes at least, apart from the maintenance window."""
    maintenance_window: WeeklyWindow = "sun:03:30-sun:04:30"
    """Weekly window for maintenance (UTC), of 60 minutes at least (ElastiCache)."""
    auth_token_generation: int = Field(default=1, ge=1)
    """A higher one makes a new auth token and puts it into the secret. Clients go on with the old one until
    `auth_token_update_strategy` says SET, or the token is rotated once more: ElastiCache takes two at a time."""
    auth_token_update_strategy: Literal["ROTATE", "SET"] = "ROTATE"  # noqa: S105 - how, not what
    """How a token that is new comes in. ROTATE, together with a higher generation, admits it beside the old one; once
    every client has read the secret again, SET in an `up` of its own shuts the old one out, which ElastiCache does only
    after a ROTATE. Leave it at SET then, and go back to ROTATE together with the next generation."""
    log_retention_days: RetentionDays = 365
    """Days that the engine log and the slow log are kept in CloudWatch Logs."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the cache and its secret; a final snapshot is taken in any case."""
    secret_recovery_days: int = Field(default=30, ge=0, le=30)
    """Days in which a deleted secret can be recovered (Secrets Manager: 7 to 30, or 0 for none)."""
    alarms: CacheAlarms = Field(default_factory=CacheAlarms)
    """When a node needs somebody."""

    def refusals(self) -> Iterator[Refusal]:
        if self.cluster_mode and "nodes" in self.model_fields_set:
            yield Refusal(("nodes",), "goes without cluster_mode, which counts shards and replicas_per_shard instead")
        if self.multi_az and self.cluster_mode and self.cluster_mode.replicas_per_shard == 0:
            yield Refusal(
                ("cluster_mode", "replicas_per_shard"), "multi_az needs 1 or more: give a replica, or set it to false"
            )
        if self.multi_az and not self.cluster_mode and self.nodes == 1:
            yield Refusal(("nodes",), "multi_az needs 2 or more: give a replica, or set it to false")
        if ".r6gd." in self.node_type and self.maxmemory_policy in _WITHOUT_TIERING:
            yield Refusal(
                ("maxmemory_policy",), f"{self.node_type} tiers its data: only LRU, LFU and noeviction go with that"
            )
        if self.secret_recovery_days in range(1, 7):
            yield Refusal(("secret_recovery_days",), "Secrets Manager takes 7 to 30 days, or 0")
        yield from window_refusals(
            "snapshot_window",
            self.snapshot_window,
            "maintenance_window",
            self.maintenance_window,
            shortest_minutes=60,
        )


class Cache(pulumi.ComponentResource):
    """Redis 7.1 in isolated subnets that demands TLS and a token, which it keeps in a secret.

    Nothing may connect until a client's security group is let in, with `network.allow` on `port`.
    """

    endpoint: pulumi.Output[str]
    """Where to write; in cluster mode, where clients ask which shard holds a key."""
    reader_endpoint: pulumi.Output[str] | None
    """Where to read, from any replica; none in cluster mode, whose clients find the replicas themselves."""
    secret_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    alarms: dict[str, Watched]
    port: int = PORT

    def __init__(
        self,
        name: str,
        args: CacheArgs | None = None,
        *,
        subnets: Subnets,
        key: EncryptionKey,
        logs_key: EncryptionKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: without a way to or from the internet; of two zones at least for `multi_az`.
        key: encrypts memory on disk, snapshots and the secret.
        logs_key: encrypts the logs; CloudWatch Logs must be among its users.
        """
        check_name(name, 30)
        args = args or CacheArgs()
        if args.multi_az and len(subnets.ids) < 2:
            raise ValueError(
                f"cache {name!r}: has subnets in {len(subnets.ids)} zone(s), but multi_az needs two: "
                "give it more, or set multi_az to false"
            )
        super().__init__(f"{PACKAGE}:Cache", name, None, opts)
        self._name = name
        self._args = args
        self._key = key
        self._logs_key = logs_key
        # ElastiCache can't change the mode of what exists: the other mode is another cache.
        self._group_name = f"{name}-cluster" if args.cluster_mode else name
        self._child = pulumi.ResourceOptions(parent=self)
        group = security_group(name, subnets.vpc_id, "Redis", self)
        self.security_group_id = group.id
        token = random.RandomPassword(
            name,
            length=64,
            special=False,  # ElastiCache takes few of them, and 64 letters and digits are strong enough
            keepers={"generation": str(args.auth_token_generation)},
            # Not protected: rotation replaces it.
            opts=self._child,
        )
        redis = self._create_replication_group(subnets, token.result)
        self.endpoint = redis.configuration_endpoint_address if args.cluster_mode else redis.primary_endpoint_address
        self.reader_endpoint = None if args.cluster_mode else redis.reader_endpoint_address
        # The endpoint makes the secret wait: a new token is in it only when Redis takes it.
        self.secret_arn = store_secret(
            name,
            {"host": self.endpoint, "port": self.port, "auth_token": token.result, "tls": True},
            key=key,
            description="Redis auth token",
            recovery_days=args.secret_recovery_days,
            protect=args.deletion_protection,
            parent=self,
        )
        self.alarms = watch(self._group_name, self._faults(redis), parent=self)
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "reader_endpoint": self.reader_endpoint,
                "port": self.port,
                "secret_arn": self.secret_arn,
                "security_group_id": self.security_group_id,
            }
        )

    def read_secret_statements(self) -> list[dict[str, Any]]:
        """For a role's policy: read how to connect."""
        return read_secret_statements(self._name, self._key, self)

    def _create_replication_group(
        self, subnets: Subnets, token: pulumi.Output[str]
    ) -> aws.elasticache.ReplicationGroup:
        args, name, shards = self._args, self._group_name, self._args.cluster_mode
        identifier = physical_name(name, 40)
        logs, delivery = self._create_log_groups(identifier)
        subnet_group = aws.elasticache.SubnetGroup(
            self._name, subnet_ids=list(subnets.ids.values()), tags=tags(self._name), opts=self._child
        )
        snapshot = random.RandomId(f"{name}-final-snapshot", byte_length=4, opts=self._child)
        return aws.elasticache.ReplicationGroup(
            name,
            replication_group_id=identifier,
            description=f"Redis of {pulumi.get_project()} {pulumi.get_stack()}",
            engine="redis",
            engine_version="7.1",
            node_type=args.node_type,
            data_tiering_enabled=True if ".r6gd." in args.node_type else None,
            num_cache_clusters=None if shards else args.nodes,
            num_node_groups=shards.shards if shards else None,
            replicas_per_node_group=shards.replicas_per_shard if shards else None,
            automatic_failover_enabled=shards is not None or args.nodes > 1,
            multi_az_enabled=args.multi_az,
            port=self.port,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            auth_token=token,
            auth_token_update_strategy=args.auth_token_update_strategy,
            at_rest_encryption_enabled=True,
            kms_key_id=self._key.arn,
            parameter_group_name=self._create_parameter_group().name,
            subnet_group_name=subnet_group.name,
            security_group_ids=[self.security_group_id],
            log_delivery_configurations=[
                {
                    "destination": group.name,
                    "destination_type": "cloudwatch-logs",
                    "log_format": "json",
                    "log_type": log,
                }
                for log, group in logs.items()
            ],
            snapshot_retention_limit=args.snapshot_retention_days,
            snapshot_window=args.snapshot_window,
            # ElastiCache refuses a snapshot name that an earlier destroy has used.
            final_snapshot_identifier=pulumi.Output.format("{}-final-{}", identifier, snapshot.hex),
            maintenance_window=args.maintenance_window,
            auto_minor_version_upgrade=True,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection, depends_on=[delivery]),
        )

    def _create_parameter_group(self) -> aws.elasticache.ParameterGroup:
        """Named by its family: ElastiCache can't change that on what exists."""
        name = f"{self._group_name}-{_FAMILY}"
        parameters: dict[str, str] = {"maxmemory-policy": self._args.maxmemory_policy}
        if self._args.cluster_mode:
            parameters["cluster-enabled"] = "yes"
        return aws.elasticache.ParameterGroup(
            name,
            family=_FAMILY,
            parameters=[{"name": parameter, "value": value} for parameter, value in sorted(parameters.items())],
            tags=tags(name),
            opts=self._child,
        )

    def _create_log_groups(self, identifier: str) -> tuple[dict[str, aws.cloudwatch.LogGroup], pulumi.Resource]:
        """The groups by log, and what lets ElastiCache's logs be delivered to them."""
        prefix = f"/aws/elasticache/{identifier}"
        groups = {
            log: aws.cloudwatch.LogGroup(
                f"{self._group_name}-{log}",
                name=f"{prefix}/{log}",
                kms_key_id=self._logs_key.arn,
                retention_in_days=self._args.log_retention_days,
                tags=tags(f"{self._group_name}-{log}"),
                opts=self._child,
            )
            for log in _LOGS
        }
        delivery = admit_log_delivery(self._group_name, f"{identifier}-logs", f"{prefix}/*", self)
        return groups, delivery

    def _nodes(self) -> list[str]:
        """What ElastiCache adds to the group's name for each node: its shard, in cluster mode, and its number."""
        shards = self._args.cluster_mode
        if not shards:
            return [f"{node:03}" for node in range(1, self._args.nodes + 1)]
        nodes = range(1, shards.replicas_per_shard + 2)
        return [f"{shard:04}-{node:03}" for shard in range(1, shards.shards + 1) for node in nodes]

    def _faults(self, redis: aws.elasticache.ReplicationGroup) -> dict[str, Alarm]:
        """By node, because ElastiCache reports by node; any of a shard may be its primary."""
        found: dict[str, Alarm] = {}
        for node in self._nodes():
            found |= self._node_faults(node, pulumi.Output.format("{}-{}", redis.replication_group_id, node))
        return found

    def _node_faults(self, node: str, identifier: pulumi.Output[str]) -> dict[str, Alarm]:
        limits, who, shards = self._args.alarms, f"Redis {node}", self._args.cluster_mode
        has_replicas = shards.replicas_per_shard > 0 if shards else self._args.nodes > 1
        about: dict[str, Any] = {"namespace": "AWS/ElastiCache", "dimensions": {"CacheClusterId": identifier}}
        return {
            # ElastiCache always reports: a node that says nothing is down, and one alarm is enough to tell.
            f"{node}-cpu": Alarm(
                f"{who}: busy, or down; see the slow log",
                metric="EngineCPUUtilization",
                threshold=limits.cpu_percent,
                missing="breaching",
                **about,
            ),
            f"{node}-memory": Alarm(
                f"{who}: memory runs out; take a larger node type, or let keys expire",
                metric="DatabaseMemoryUsagePercentage",
                threshold=limits.memory_percent,
                missing="missing",
                **about,
            ),
            f"{node}-evictions": Alarm(
                f"{who}: memory is full, and keys are thrown out; take a larger node type",
                metric="Evictions",
                threshold=limits.evictions_limit,
                missing="missing",
                statistic="Sum",
                **about,
            ),
            # Whichever is the primary just now has no lag to report.
            f"{node}-lag": Alarm(
                f"{who}: behind its primary; see how much is written",
                metric="ReplicationLag",
                threshold=limits.replication_lag_seconds if has_replicas else None,
                missing="notBreaching",
                **about,
            ),
            f"{node}-logins": Alarm(
                f"{who}: tokens are refused; see which client has not read the secret again",
                metric="AuthenticationFailures",
                threshold=limits.failed_logins_limit,
                missing="notBreaching",
                statistic="Sum",
                period_seconds=300,
                periods=1,
                **about,
            ),
        }
