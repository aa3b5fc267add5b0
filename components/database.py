"""Database tier: MySQL on RDS, with a standby, read replicas, its parameters, its logs and its password."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pydantic import Field, StringConstraints

from .common import (
    NAME,
    PACKAGE,
    Args,
    DailyWindow,
    Refusal,
    RetentionDays,
    WeeklyWindow,
    check_name,
    create_role,
    location,
    physical_name,
    service_trust,
    tags,
    window_refusals,
)
from .network import Subnets, security_group
from .observability import Alarm, Watched, watch
from .security import EncryptionKey, read_secret_statements, store_secret

InstanceClass = Annotated[
    str,
    StringConstraints(
        pattern=r"^db\.(t3|t4g|m5d?|m6gd?|m6id?|m7g|m7i|m8g|r5b?|r5d|r6gd?|r6id?|r7g|r7i|r8g|x2g|x2idn|x2iedn)"
        r"\.(micro|small|medium|\d*x?large)$"
    ),
]
"""A class that RDS offers for MySQL 8.4 (RDS user guide, "Supported DB engines for DB instance classes")."""

EngineVersion = Annotated[str, StringConstraints(pattern=r"^8\.4(\.\d+)?$")]
ReplicaName = Annotated[str, StringConstraints(pattern=NAME, max_length=20)]

_WITHOUT_INSIGHTS = ("db.t3.micro", "db.t3.small", "db.t4g.micro", "db.t4g.small")
_LOGS = ("error", "slowquery")
PORT = 3306

_GIB = 2**30
# Memory of an xlarge, by family, in GiB, and what of it smaller sizes have.
_XLARGE_GIB = {"t": 16, "m": 16, "r": 32, "x2g": 64, "x2idn": 64, "x2iedn": 128}
_SHARES = {"micro": 1 / 16, "small": 1 / 8, "medium": 1 / 4, "large": 1 / 2}
_BYTES_A_CONNECTION, _MOST_CONNECTIONS = 12_582_880, 16_000
"""MySQL's `max_connections` on RDS, where no parameter says otherwise: memory by this, up to that (RDS user guide,
"Maximum number of database connections")."""


class DatabaseAlarms(Args):
    """What of the primary and of each replica is a fault. A threshold of null leaves its alarm out."""

    cpu_percent: int | None = Field(default=90, ge=1, le=100)
    """CPU use over a quarter of an hour, in percent; a backup or a report alone does not take it that long."""
    free_storage_percent: int | None = Field(default=5, ge=1, le=50)
    """Free storage, in percent of `allocated_storage_gib`. RDS adds some by itself when a tenth is left, so that with
    less than 5 it has come to `max_allocated_storage_gib`."""
    connections_percent: int | None = Field(default=80, ge=1, le=100)
    """Connections, in percent of what MySQL takes by its class's memory (RDS: a connection for each 12 MiB)."""
    freeable_memory_mib: int | None = Field(default=128, ge=16, le=1_048_576)
    """Memory that is free or can be freed, in MiB; below 128 even the smallest classes begin to swap."""
    replica_lag_seconds: int | None = Field(default=60, ge=1, le=86_400)
    """Seconds that a replica is behind the primary for five minutes. Null also leaves out the alarm of a replica that
    has stopped to follow."""


class ReplicaArgs(Args):
    """A read replica."""

    instance_class: InstanceClass | None = None
    """RDS instance class; none takes the primary's."""
    zone: str | None = None
    """Availability zone; none leaves the choice to RDS."""
    engine_version: EngineVersion | None = None
    """MySQL version, to upgrade a replica before the primary, as RDS demands; none takes over the primary's."""


class RestoreArgs(Args):
    """Where a new database gets its data from; schema, users and storage come along, and `username` must be theirs."""

    name: Annotated[str, StringConstraints(pattern=NAME, max_length=20)]
    """Names the restored database. A new name makes a new database beside the old one, which a deletion protection
    keeps until someone lifts it on purpose; then the old one goes, with a final snapshot."""
    snapshot_identifier: str | None = None
    """Snapshot to restore, by name or ARN."""
    source_identifier: str | None = None
    """Database instance to restore to a point in time, with `time`; its automated backups must reach back that far."""
    time: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")] | None = None
    """Point in time (UTC, as 2026-11-22T06:00:00Z); none is the latest that can be restored."""

    def refusals(self) -> Iterator[Refusal]:
        if (self.snapshot_identifier is None) == (self.source_identifier is None):
            yield Refusal((), "give either snapshot_identifier or source_identifier")
        if self.time and not self.source_identifier:
            yield Refusal(("time",), "goes with source_identifier")


class DatabaseArgs(Args):
    """A MySQL database on RDS."""

    instance_class: InstanceClass = "db.t4g.medium"
    """RDS instance class of the primary, and of replicas that name no other. A change of it, as of the version, waits
    for the maintenance window."""
    engine_version: EngineVersion = "8.4"
    """MySQL version: 8.4 takes the newest 8.4.x, now and, in the maintenance window, later; 8.4.6 stays until it is
    changed. 8.0 left RDS standard support in July 2026."""
    database_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)] = "app"
    """Schema created with the database."""
    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=16)] = "dbadmin"
    """Master user (RDS for MySQL: 1 to 16 characters, no reserved word)."""
    allocated_storage_gib: int = Field(default=20, ge=20, le=65536)
    """Storage at the start, in GiB (gp3: 20 to 65,536)."""
    max_allocated_storage_gib: int = Field(default=100, ge=22, le=65536)
    """Storage up to which RDS grows by itself, in GiB; at least a tenth above `allocated_storage_gib`."""
    multi_az: bool = True
    """A standby in another zone takes over when the primary fails."""
    replicas: dict[ReplicaName, ReplicaArgs] = Field(default_factory=dict, max_length=15)
    """Read replicas by name (RDS for MySQL: at most 15)."""
    backup_retention_days: int = Field(default=7, ge=0, le=35)
    """Days that automated backups, and with them any point in time, are kept (RDS: 0 to 35; 0 is none)."""
    backup_window: DailyWindow = "02:00-03:00"
    """Daily window for backups (UTC), of 30 minutes at least, apart from the maintenance window."""
    maintenance_window: WeeklyWindow = "sun:03:30-sun:04:30"
    """Weekly window for maintenance (UTC), of 30 minutes at least."""
    deletion_protection: bool = True
    """AWS refuses to delete the primary, and Pulumi to delete or replace it; a final snapshot is taken in any case."""
    secret_recovery_days: int = Field(default=30, ge=0, le=30)
    """Days in which a deleted secret can be recovered (Secrets Manager: 7 to 30, or 0 for none)."""
    monitoring_interval_seconds: Literal[0, 1, 5, 10, 15, 30, 60] = 60
    """Seconds between two Enhanced Monitoring samples of the operating system; 0 is off."""
    performance_insights: bool = True
    """Record which statements the database waits for (kept for 7 days)."""
    log_retention_days: RetentionDays = 365
    """Days that the error and slow-query logs are kept in CloudWatch Logs."""
    slow_query_seconds: int = Field(default=2, ge=0, le=3600)
    """Seconds from which on a query is logged as slow."""
    alarms: DatabaseAlarms = Field(default_factory=DatabaseAlarms)
    """When the primary or a replica needs somebody."""
    restore: RestoreArgs | None = None
    """Start from a snapshot or from another database at a point in time, instead of empty."""

    def refusals(self) -> Iterator[Refusal]:
        if self.replicas and self.backup_retention_days == 0:
            yield Refusal(("replicas",), "a database with replicas needs backup_retention_days of 1 or more (RDS)")
        if self.max_allocated_storage_gib * 10 < self.allocated_storage_gib * 11:
            yield Refusal(
                ("max_allocated_storage_gib",),
                f"must be at least a tenth above allocated_storage_gib ({self.allocated_storage_gib}), as RDS demands",
            )
        if self.performance_insights and self.instance_class in _WITHOUT_INSIGHTS:
            yield Refusal(
                ("performance_insights",), f"{self.instance_class} has no Performance Insights: set it to false"
            )
        for name, replica in self.replicas.items():
            if self.performance_insights and replica.instance_class in _WITHOUT_INSIGHTS:
                yield Refusal(
                    ("replicas", name, "instance_class"), f"{replica.instance_class} has no Performance Insights"
                )
        if self.secret_recovery_days in range(1, 7):
            yield Refusal(("secret_recovery_days",), "Secrets Manager takes 7 to 30 days, or 0")
        if self.username.lower() in ("admin1", "rdsadmin", "root", "mysql", "rdsrepladmin"):
            yield Refusal(("username",), f"{self.username!r} is reserved by RDS")
        yield from window_refusals(
            "backup_window", self.backup_window, "maintenance_window", self.maintenance_window, shortest_minutes=30
        )


class Database(pulumi.ComponentResource):
    """A MySQL primary in isolated subnets that demands TLS, its standby and replicas, and its password in a secret.

    Nothing may connect until a client's security group is let in, with `network.allow` on `port`.
    """

    endpoint: pulumi.Output[str]
    replica_endpoints: dict[str, pulumi.Output[str]]
    secret_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    database_name: str
    alarms: dict[str, Watched]
    port: int = PORT

    def __init__(
        self,
        name: str,
        args: DatabaseArgs | None = None,
        *,
        subnets: Subnets,
        key: EncryptionKey,
        logs_key: EncryptionKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: without a way to or from the internet; of two zones at least.
        key: encrypts storage, backups, replicas, Performance Insights and the secret.
        logs_key: encrypts the logs; CloudWatch Logs must be among its users.
        """
        check_name(name, 30)
        if len(subnets.ids) < 2:
            raise ValueError(f"database {name!r}: has subnets in {len(subnets.ids)} zone(s), but RDS needs two")
        super().__init__(f"{PACKAGE}:Database", name, None, opts)
        self._name = name
        self._args = args = args or DatabaseArgs()
        self.database_name = args.database_name
        self._key = key
        self._logs_key = logs_key
        # A restored database is another one: it never takes the place of the one it was restored from.
        self._instance_name = f"{name}-{args.restore.name}" if args.restore else name
        self._child = pulumi.ResourceOptions(parent=self)
        self._protected = pulumi.ResourceOptions(parent=self, protect=args.deletion_protection)
        for replica_name, replica_args in args.replicas.items():
            if replica_args.zone and replica_args.zone not in subnets.ids:
                raise ValueError(
                    f"database {name!r}: replica {replica_name!r} is in {replica_args.zone}, where it has no subnet"
                )
        group = security_group(name, subnets.vpc_id, "MySQL", self)
        self.security_group_id = group.id
        self._subnet_group = aws.rds.SubnetGroup(
            name, subnet_ids=list(subnets.ids.values()), tags=tags(name), opts=self._child
        )
        self._parameter_group = self._create_parameter_group()
        self._monitoring = self._create_monitoring_role() if args.monitoring_interval_seconds else None
        password = random.RandomPassword(
            name,
            length=32,
            # RDS refuses / @ " and blanks; the rest of the punctuation only troubles whoever has to quote it.
            override_special="!#%*-_=+",
            opts=self._protected,
        )
        primary = self._create_primary(password.result)
        self.endpoint = primary.address
        replicas = {
            replica_name: self._create_replica(replica_name, replica_args, primary)
            for replica_name, replica_args in args.replicas.items()
        }
        self.replica_endpoints = {replica_name: replica.address for replica_name, replica in replicas.items()}
        self.secret_arn = self._create_secret(password.result, primary)
        self.alarms = watch(self._instance_name, self._faults(primary, replicas), parent=self)
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "port": self.port,
                "replica_endpoints": self.replica_endpoints,
                "secret_arn": self.secret_arn,
                "security_group_id": self.security_group_id,
            }
        )

    def read_secret_statements(self) -> list[dict[str, Any]]:
        """For a role's policy: read how to connect."""
        return read_secret_statements(self._name, self._key, self)

    def _create_parameter_group(self) -> aws.rds.ParameterGroup:
        parameters = {
            "require_secure_transport": "1",
            "tls_version": "TLSv1.2,TLSv1.3",
            "log_output": "FILE",  # or the logs stay in tables and never reach CloudWatch
            "slow_query_log": "1",
            "long_query_time": str(self._args.slow_query_seconds),
        }
        # tls_version is read at start-up only.
        return aws.rds.ParameterGroup(
            self._name,
            family="mysql8.4",
            parameters=[
                {
                    "name": parameter,
                    "value": value,
                    "apply_method": "pending-reboot" if parameter == "tls_version" else "immediate",
                }
                for parameter, value in sorted(parameters.items())
            ],
            tags=tags(self._name),
            opts=self._child,
        )

    def _create_monitoring_role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        own = {"aws:SourceAccount": location(self).account}
        return create_role(
            f"{self._name}-monitoring",
            trust=service_trust("monitoring.rds.amazonaws.com", StringEquals=own),
            managed_policies=["service-role/AmazonRDSEnhancedMonitoringRole"],
            parent=self,
        )

    def _create_log_groups(self, name: str, identifier: str) -> list[pulumi.Resource]:
        """Made before the instance: RDS would make them itself, without a key of ours and without an end."""
        return [
            aws.cloudwatch.LogGroup(
                f"{name}-{log}",
                name=f"/aws/rds/instance/{identifier}/{log}",
                kms_key_id=self._logs_key.arn,
                retention_in_days=self._args.log_retention_days,
                tags=tags(f"{name}-{log}"),
                opts=self._child,
            )
            for log in _LOGS
        ]

    def _create_primary(self, password: pulumi.Output[str]) -> aws.rds.Instance:
        args, name = self._args, self._instance_name
        identifier = physical_name(name, 50)
        snapshot = random.RandomId(f"{name}-final-snapshot", byte_length=4, opts=self._child)
        return aws.rds.Instance(
            f"{name}-primary",
            identifier=identifier,
            engine="mysql",
            engine_version=args.engine_version,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            instance_class=args.instance_class,
            # What is restored brings these along, and RDS refuses to hear of them again.
            db_name=None if args.restore else args.database_name,
            username=None if args.restore else args.username,
            password=password,
            iam_database_authentication_enabled=True,
            multi_az=args.multi_az,
            storage_type="gp3",
            allocated_storage=None if args.restore else args.allocated_storage_gib,
            max_allocated_storage=args.max_allocated_storage_gib,
            storage_encrypted=True,
            kms_key_id=self._key.arn,
            db_subnet_group_name=self._subnet_group.name,
            vpc_security_group_ids=[self.security_group_id],
            publicly_accessible=False,
            parameter_group_name=self._parameter_group.name,
            backup_retention_period=args.backup_retention_days,
            backup_window=args.backup_window,
            maintenance_window=args.maintenance_window,
            copy_tags_to_snapshot=True,
            delete_automated_backups=False,
            snapshot_identifier=args.restore.snapshot_identifier if args.restore else None,
            restore_to_point_in_time=self._point_in_time(),
            deletion_protection=args.deletion_protection,
            skip_final_snapshot=False,
            # RDS refuses a snapshot name that an earlier destroy has used.
            final_snapshot_identifier=pulumi.Output.format("{}-final-{}", identifier, snapshot.hex),
            auto_minor_version_upgrade=_floats(args.engine_version),
            performance_insights_enabled=args.performance_insights,
            performance_insights_kms_key_id=self._key.arn if args.performance_insights else None,
            monitoring_interval=args.monitoring_interval_seconds,
            monitoring_role_arn=self._monitoring[0].arn if self._monitoring else None,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            tags=tags(f"{name}-primary"),
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.deletion_protection, depends_on=self._needed_by(f"{name}-primary", identifier)
            ),
        )

    def _point_in_time(self) -> aws.rds.InstanceRestoreToPointInTimeArgsDict | None:
        restore = self._args.restore
        if restore is None or restore.source_identifier is None:
            return None
        if restore.time:
            return {"source_db_instance_identifier": restore.source_identifier, "restore_time": restore.time}
        return {"source_db_instance_identifier": restore.source_identifier, "use_latest_restorable_time": True}

    def _create_replica(self, replica_name: str, replica: ReplicaArgs, primary: aws.rds.Instance) -> aws.rds.Instance:
        args, name = self._args, f"{self._instance_name}-{replica_name}"
        identifier = physical_name(name, 63)
        return aws.rds.Instance(
            name,
            identifier=identifier,
            replicate_source_db=primary.identifier,
            engine_version=replica.engine_version,
            instance_class=replica.instance_class or args.instance_class,
            availability_zone=replica.zone,
            storage_type="gp3",
            max_allocated_storage=args.max_allocated_storage_gib,
            storage_encrypted=True,  # by the primary's key, which RDS takes over within a region
            vpc_security_group_ids=[self.security_group_id],
            publicly_accessible=False,
            parameter_group_name=self._parameter_group.name,
            iam_database_authentication_enabled=True,
            maintenance_window=args.maintenance_window,
            copy_tags_to_snapshot=True,
            skip_final_snapshot=True,  # it holds nothing that the primary does not
            auto_minor_version_upgrade=_floats(replica.engine_version or args.engine_version),
            performance_insights_enabled=args.performance_insights,
            performance_insights_kms_key_id=self._key.arn if args.performance_insights else None,
            monitoring_interval=args.monitoring_interval_seconds,
            monitoring_role_arn=self._monitoring[0].arn if self._monitoring else None,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._needed_by(name, identifier)),
        )

    def _needed_by(self, name: str, identifier: str) -> list[pulumi.Resource]:
        """What an instance uses without naming it: its log groups, and its monitoring role's permissions."""
        groups = self._create_log_groups(name, identifier)
        return [*groups, *self._monitoring[1]] if self._monitoring else groups

    def _faults(self, primary: aws.rds.Instance, replicas: Mapping[str, aws.rds.Instance]) -> dict[str, Alarm]:
        found = self._instance_faults("primary", primary, self._args.instance_class)
        for name, replica in replicas.items():
            instance_class = self._args.replicas[name].instance_class or self._args.instance_class
            found |= self._instance_faults(name, replica, instance_class)
            found |= self._replica_faults(name, replica)
        return found

    def _instance_faults(self, name: str, instance: aws.rds.Instance, instance_class: str) -> dict[str, Alarm]:
        limits, who = self._args.alarms, f"MySQL {name}"
        about: dict[str, Any] = {"namespace": "AWS/RDS", "dimensions": {"DBInstanceIdentifier": instance.identifier}}
        return {
            # RDS always reports: an instance that says nothing is down, and one alarm is enough to tell.
            f"{name}-cpu": Alarm(
                f"{who}: busy for 15 minutes, or down; see Performance Insights",
                metric="CPUUtilization",
                threshold=limits.cpu_percent,
                missing="breaching",
                period_seconds=300,
                periods=3,
                **about,
            ),
            f"{name}-storage": Alarm(
                f"{who}: storage runs out; raise max_allocated_storage_gib",
                metric="FreeStorageSpace",
                threshold=_share(limits.free_storage_percent, self._args.allocated_storage_gib * _GIB),
                comparison="<",
                missing="missing",
                **about,
            ),
            f"{name}-connections": Alarm(
                f"{who}: connections run out; see who holds them, or take a larger class",
                metric="DatabaseConnections",
                threshold=_share(limits.connections_percent, _most_connections(instance_class)),
                missing="missing",
                **about,
            ),
            f"{name}-memory": Alarm(
                f"{who}: memory runs out; see Enhanced Monitoring, or take a larger class",
                metric="FreeableMemory",
                threshold=None if limits.freeable_memory_mib is None else limits.freeable_memory_mib * 2**20,
                comparison="<",
                missing="missing",
                **about,
            ),
        }

    def _replica_faults(self, name: str, replica: aws.rds.Instance) -> dict[str, Alarm]:
        limit = self._args.alarms.replica_lag_seconds
        about: dict[str, Any] = {
            "namespace": "AWS/RDS",
            "metric": "ReplicaLag",
            "dimensions": {"DBInstanceIdentifier": replica.identifier},
            "missing": "missing",
        }
        return {
            f"{name}-lag": Alarm(f"MySQL {name}: behind the primary; see its load", threshold=limit, **about),
            # RDS reports -1 where replication has stopped (RDS user guide, "Monitoring read replication").
            f"{name}-replication": Alarm(
                f"MySQL {name}: replication has stopped; see its error log",
                threshold=None if limit is None else 0,
                comparison="<",
                statistic="Maximum",
                **about,
            ),
        }

    def _create_secret(self, password: pulumi.Output[str], primary: aws.rds.Instance) -> pulumi.Output[str]:
        """How to connect, in the form that Secrets Manager's own rotation functions read."""
        return store_secret(
            self._name,
            {
                "engine": "mysql",
                "host": primary.address,
                "port": self.port,
                "username": self._args.username,
                "password": password,
                "dbname": self._args.database_name,
            },
            key=self._key,
            description="MySQL master user",
            recovery_days=self._args.secret_recovery_days,
            protect=self._args.deletion_protection,
            parent=self,
        )


def _most_connections(instance_class: str) -> int:
    """`max_connections` of a class, a little above what it is: RDS keeps some of the memory for itself."""
    _, family, size = instance_class.split(".")
    share = _SHARES.get(size) or int(size.removesuffix("xlarge") or 1)
    memory_gib = _XLARGE_GIB.get(family, _XLARGE_GIB.get(family[0], 0)) * share
    return min(int(memory_gib * _GIB) // _BYTES_A_CONNECTION, _MOST_CONNECTIONS)


def _share(percent: int | None, whole: int) -> int | None:
    return None if percent is None else whole * percent // 100


def _floats(version: str) -> bool:
    """Whether RDS may bring newer versions: one that is named to the end would seem to go back at the next update."""
    return version.count(".") == 1
