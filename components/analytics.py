"""Analytics tier: EMR clusters that carry MySQL's rows to the data lake, by a state machine, on a schedule."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import (
    PACKAGE,
    Args,
    Refusal,
    RetentionDays,
    check_name,
    create_role,
    location,
    physical_name,
    service_trust,
    tags,
)
from .database import Database
from .datalake import DataLake
from .emr import EMR_TAG, Cluster, ClusterArgs
from .network import Subnets, allow, https_out
from .observability import Alarm, AlarmTopic, Watched, watch
from .runs import Run
from .schedule import Schedule, ScheduleArgs
from .security import EncryptionKey
from .storage import SecureBucket

ENDPOINTS = frozenset({"elasticmapreduce", "glue", "kms", "secretsmanager"})
"""Interface endpoints without which clusters in private subnets need NAT. Managed scaling, the end of an idle cluster
(`idle_minutes`) and `packages` need NAT in any case: the former report to a public API of EMR's, the latter come from
Maven Central. So without NAT, end what a run that was stopped by hand leaves."""

_STEP_KINDS = ("extract", "transform", "check", "mapreduce", "publish", "presto")

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,64}$")]
Package = Annotated[str, StringConstraints(pattern=r"^[\w.-]+:[\w.-]+:[\w.-]+$")]
"""Maven coordinates, such as `org.mariadb.jdbc:mariadb-java-client:3.5.6`."""
Jar = Annotated[str, StringConstraints(pattern=r"^(s3://[a-z0-9.-]{3,63}/|/)\S+\.jar$")]


class TableArgs(Args):
    """How one table of the database is read."""

    key: Identifier
    """Primary key's column; an integer one is what the read is split by."""
    watermark: Identifier | None = None
    """DATETIME (in UTC) or TIMESTAMP column that every insert and update sets; none reads the whole table each time,
    another one once."""
    partitions: int = Field(default=8, ge=1, le=1000)
    """Parts that are read at once, each on a connection of its own."""
    format: Literal["csv", "json", "parquet", "avro"] = "parquet"
    """Of the files in the raw zone."""


class AnalyticsAlarms(Args):
    """What of the runs is a fault. A threshold of null leaves its alarm out."""

    ended_early_limit: int | None = Field(default=1, ge=1)
    """Runs in an hour that were stopped by hand or took too long: none of those tells the topic by itself."""
    failed_limit: int | None = Field(default=None, ge=1)
    """Runs in an hour that failed; none by default, since each of them tells the topic itself, with the reason."""


class AnalyticsArgs(ClusterArgs):
    """Clusters, jobs, and when they run."""

    long_running: bool = False
    """One cluster that stays, in place of one for each run. With `encrypt_in_transit` the certificates have to be there
    as it is made, or it fails, so set this once they are uploaded."""
    tables: dict[Identifier, TableArgs] = Field(
        default_factory=lambda: {
            "customers": TableArgs(key="id", watermark="updated_at"),
            "products": TableArgs(key="id", watermark="updated_at"),
            "orders": TableArgs(key="id", watermark="updated_at"),
        },
        min_length=1,
    )
    """Tables of the database."""
    replica: str | None = None
    """Read replica that is read from; none takes the first of those that there are, and the primary where there is
    none."""
    lag_seconds: int = Field(default=900, ge=0, le=604_800)
    """What a read goes back before the newest row of the last one: longer than any transaction that writes."""
    fetch_rows: int = Field(default=10_000, ge=1, le=1_000_000)
    """Rows that each connection to the database holds in memory."""
    export_format: Literal["csv", "json"] = "csv"
    """Of QuickSight's own file of daily revenue, which takes no other."""
    packages: list[Package] = Field(
        default=["org.mariadb.jdbc:mariadb-java-client:3.5.6", "org.apache.spark:spark-avro_2.12:3.5.6"]
    )
    """Java libraries that the jobs need, by Maven coordinates: a cluster fetches them from Maven Central, by NAT."""
    jars: list[Jar] = Field(default_factory=list)
    """Java libraries by their places, on S3 or on the nodes: what takes the place of `packages` where there is no NAT.
    The nodes may read those on S3; one that a key of its own encrypts has to let them."""
    mapreduce: bool = False
    """Work out the daily revenue by MapReduce as well, before it is published, and compare. Takes the orders as
    JSON."""
    presto: bool = False
    """Work it out by Presto or Trino as well, when it has been published, and compare."""
    presto_client: str | None = None
    """The client's command, which `--execute` and the like are added to; none takes what the application brings, on
    port 8889. With `encrypt_in_transit` the server speaks HTTPS alone, so name it then, with where it finds your
    certificate's authority."""
    step_timeout_minutes: int = Field(default=120, ge=1, le=10_080)
    """Minutes that one attempt of a job may take."""
    step_retries: int = Field(default=2, ge=0, le=10)
    """How often a job that fails is begun again, a minute later and then with back-off: each can be repeated."""
    schedule: ScheduleArgs = Field(default_factory=ScheduleArgs)
    """When runs start, and in which time zone."""
    log_retention_days: RetentionDays = 365
    """Days that the state machine's errors are kept in CloudWatch Logs; the clusters' logs are in the results zone."""
    alarms: AnalyticsAlarms = Field(default_factory=AnalyticsAlarms)
    """Thresholds."""

    def refusals(self) -> Iterator[Refusal]:
        yield from super().refusals()
        yield from self.repeated("packages", "jars")
        installed = set(self.applications)
        if self.presto and not installed & {"Presto", "Trino"}:
            yield Refusal(("presto",), "applications has neither Presto nor Trino")
        if self.presto and self.encrypt_in_transit and not self.presto_client:
            yield Refusal(
                ("presto_client",),
                "encrypt_in_transit has Presto and Trino speak HTTPS alone: name the client with its --server and "
                "--truststore-path",
            )
        if self.mapreduce and "orders" in self.tables and self.tables["orders"].format != "json":
            yield Refusal(("tables", "orders", "format"), "mapreduce takes json, which has a row a line")
        if not any("mariadb-java-client" in library for library in [*self.packages, *self.jars]):
            yield Refusal(
                ("packages",), "lacks org.mariadb.jdbc:mariadb-java-client, by which the jobs read the database"
            )
        for name, table in self.tables.items():
            if table.format == "avro" and not any("spark-avro" in library for library in [*self.packages, *self.jars]):
                yield Refusal(("tables", name, "format"), "avro needs org.apache.spark:spark-avro_2.12 in packages")

    @property
    def steps(self) -> list[str]:
        """The jobs of a run, in their order."""
        optional = {"mapreduce": self.mapreduce, "presto": self.presto}
        return [step for step in _STEP_KINDS if optional.get(step, True)]


class Analytics(pulumi.ComponentResource):
    """A state machine that starts a cluster in private subnets, has it do the jobs one after the other, and ends it on
    every path.

    The subnets have to carry the tag `for-use-with-amazon-emr-managed-policies: true`, as EMR's own policy for its
    service role demands.
    """

    state_machine_arn: pulumi.Output[str]
    """Known in a preview."""
    certificates_uri: pulumi.Output[str]
    """Where EMR looks for the zip of `privateKey.pem` and `certificateChain.pem` (and `trustedCertificates.pem`) that
    its nodes show each other: for `*.ec2.internal` in us-east-1, `*.<region>.compute.internal` elsewhere."""
    primary_security_group_id: pulumi.Output[str]
    core_security_group_id: pulumi.Output[str]
    service_security_group_id: pulumi.Output[str]
    role_name: str
    """The instances'."""
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: AnalyticsArgs | None = None,
        *,
        subnets: Subnets,
        key: EncryptionKey,
        logs_key: EncryptionKey,
        lake: DataLake,
        artifacts: SecureBucket,
        database: Database,
        package: tuple[Mapping[str, bytes], str],
        topic: AlarmTopic,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: private ones, by availability zone; EMR takes the one with the most room.
        key: encrypts the nodes' disks, and what they write.
        logs_key: encrypts the state machine, its log and the schedule; CloudWatch Logs and log delivery must be among
            its users.
        lake: where the rows go, and the catalog of them.
        artifacts: keeps the jobs, their configuration and the certificates.
        database: where the rows come from.
        package: the jobs' files by name, and a digest of them.
        topic: is told of failed runs.
        """
        check_name(name, 30)
        args = args or AnalyticsArgs()
        authorities = _authorities(name, subnets)
        source = _source(name, args, database)
        super().__init__(f"{PACKAGE}:Analytics", name, None, opts)
        self._name = name
        self._args = args
        self._here = location(self)
        self._child = pulumi.ResourceOptions(parent=self)
        self._subnets, self._database = subnets, database
        self._key, self._logs_key = key, logs_key
        self._lake, self._artifacts, self._topic = lake, artifacts, topic
        # The alias, because a preview knows it, and so what the configurations below say can be checked there.
        self._key_arn = self._here.arn("kms", key.alias)
        self._tags = tags(name, **{EMR_TAG: "true"})
        self._service_role_name = physical_name(f"{name}-service", 64)
        self.role_name = physical_name(f"{name}-instances", 64)
        certificates = f"{name}/certificates.zip"
        self.certificates_uri = pulumi.Output.format("s3://{}/{}", artifacts.name, certificates)
        # A cluster that stays has found them as it was made.
        self._certificates_key = certificates if args.encrypt_in_transit and not args.long_running else None

        doors = self._create_security_groups()
        permissions = [*self._create_service_role(), *self._create_instance_role()]
        security = aws.emr.SecurityConfiguration(
            name,
            name=physical_name(name, 255),
            configuration=pulumi.Output.json_dumps(self._security_configuration()),
            # EMR can't change one, and takes no two of a name; clusters that are there have read theirs.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        files, digest = package
        folder = f"{name}/{digest[:16]}"
        uploads = [
            # What a run has begun with stays until it has ended.
            self._upload(file, f"{folder}/{file}", content=files[file], keep=True)
            for file in sorted(files)
        ]
        uploads.append(self._upload("rds-authorities", f"{name}/rds-authorities.pem", content=authorities.encode()))
        # With the jobs that it is for: those of another version may not know all that is in it.
        uploads.append(self._upload("config", f"{folder}/config.json", text=self._configuration(source), keep=True))
        ready = [*doors, *permissions, *uploads, *subnets.routes, security]
        self._cluster = Cluster(
            args,
            tags=self._tags,
            service_role_name=self._service_role_name,
            instance_profile_name=self.role_name,
            security_configuration_name=physical_name(name, 255),
            log_uri=lake.logs_uri,
            key_arn=self._key_arn,
        )
        cluster = None
        if args.long_running:
            cluster = self._cluster.create(
                name,
                subnets=subnets,
                primary_group=self.primary_security_group_id,
                core_group=self.core_security_group_id,
                service_group=self.service_security_group_id,
                after=ready,
                parent=self,
            )
        uploads.append(self._upload("places", f"{name}/places.json", text=self._places(cluster)))
        self._machine_name = physical_name(name, 80)
        self.state_machine_arn = self._here.arn("states", f"stateMachine:{self._machine_name}")
        machine = self._create_state_machine(folder, [*ready, *uploads])
        schedule = Schedule(
            f"{name}-schedule",
            args.schedule,
            machine=machine,
            machine_arn=self.state_machine_arn,
            statements=[self._machine_key_statement()],
            key=logs_key,
            opts=self._child,
        )
        self.alarms = watch(name, self._alarms(), parent=self) | schedule.alarms
        self.register_outputs(
            {
                "state_machine_arn": self.state_machine_arn,
                "certificates_uri": self.certificates_uri,
                "primary_security_group_id": self.primary_security_group_id,
                "core_security_group_id": self.core_security_group_id,
                "service_security_group_id": self.service_security_group_id,
                "role_name": self.role_name,
            }
        )

    # -- Network ------------------------------------------------------------------------------------------------------

    def _create_security_groups(self) -> list[pulumi.Resource]:
        """The three groups that EMR manages, with the rules that it would add were they missing ("Working with Amazon
        EMR-managed security groups"), so that it adds none; what is open to the outside is less than EMR's default."""
        name = self._name
        groups = {
            role: aws.ec2.SecurityGroup(
                f"{name}-{role}",
                vpc_id=self._subnets.vpc_id,
                description=description,
                # Rules that EMR adds all the same would keep the groups, which name each other, from being deleted.
                revoke_rules_on_delete=True,
                tags=tags(f"{name}-{role}", **{EMR_TAG: "true"}),
                opts=self._child,
            ).id
            for role, description in {
                "primary": "EMR primary node",
                "core": "EMR core and task nodes",
                "service": "EMR service access",
            }.items()
        }
        self.primary_security_group_id = groups["primary"]
        self.core_security_group_id = groups["core"]
        self.service_security_group_id = groups["service"]
        doors: list[pulumi.Resource] = []
        for client, server in (("primary", "core"), ("core", "primary"), ("primary", "primary"), ("core", "core")):
            doors += self._allow_everything(client, server, groups)
        for node in ("primary", "core"):
            doors += allow(
                f"{name}-service-to-{node}", client=groups["service"], server=groups[node], port=8443, parent=self
            )
            doors += allow(
                f"{name}-{node}-to-database",
                client=groups[node],
                server=self._database.security_group_id,
                port=self._database.port,
                parent=self,
            )
            doors.append(https_out(f"{name}-{node}", groups[node], self))
        doors += allow(
            f"{name}-primary-to-service", client=groups["primary"], server=groups["service"], port=9443, parent=self
        )
        return doors

    def _allow_everything(
        self, client: str, server: str, groups: Mapping[str, pulumi.Output[str]]
    ) -> list[pulumi.Resource]:
        """All of TCP, UDP and ICMP, one by one as EMR looks for them: YARN and Spark pick their ports."""
        rules: list[pulumi.Resource] = []
        for protocol, first, last in (("tcp", 0, 65_535), ("udp", 0, 65_535), ("icmp", -1, -1)):
            rule = f"{self._name}-{client}-to-{server}-{protocol}"
            rules.append(
                aws.vpc.SecurityGroupEgressRule(
                    rule,
                    security_group_id=groups[client],
                    referenced_security_group_id=groups[server],
                    description=rule,
                    ip_protocol=protocol,
                    from_port=first,
                    to_port=last,
                    opts=self._child,
                )
            )
            rules.append(
                aws.vpc.SecurityGroupIngressRule(
                    rule,
                    security_group_id=groups[server],
                    referenced_security_group_id=groups[client],
                    description=rule,
                    ip_protocol=protocol,
                    from_port=first,
                    to_port=last,
                    opts=self._child,
                )
            )
        return rules

    # -- Roles --------------------------------------------------------------------------------------------------------

    def _key_statement(self, key: EncryptionKey, actions: Sequence[str], **conditions: Any) -> dict[str, Any]:
        """Use of a key by whoever has the role themselves: `EncryptionKey` has statements for use through a service."""
        aliases = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": key.alias}}
        return {
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": self._here.arn("kms", "key/*"),
            "Condition": aliases | conditions,
        }

    def _machine_key_statement(self) -> dict[str, Any]:
        """What the state machine's key asks of the role that it runs under, and of whoever starts it."""
        context = {"kms:EncryptionContext:aws:states:stateMachineArn": self.state_machine_arn}
        return self._key_statement(self._logs_key, ["kms:Decrypt", "kms:GenerateDataKey"], StringEquals=context)

    def _create_service_role(self) -> list[pulumi.Resource]:
        """What EMR itself works under: AWS's policy, which the tags hold to this platform's resources, and beside it
        the instances' role, their encrypted volumes, and Spot where the account never had any."""
        here = self._here
        clusters = here.arn("elasticmapreduce", "*")
        spot = "spot.amazonaws.com"
        role, permissions = create_role(
            f"{self._name}-service",
            role_name=self._service_role_name,
            trust=service_trust(
                "elasticmapreduce.amazonaws.com",
                StringEquals={"aws:SourceAccount": here.account},
                ArnLike={"aws:SourceArn": clusters},
            ),
            managed_policies=["service-role/AmazonEMRServicePolicy_v2"],
            statements=[
                self._pass_role(self.role_name, "ec2.amazonaws.com"),
                self._key_statement(
                    self._key,
                    [
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:Encrypt",
                        "kms:GenerateDataKey",
                        "kms:GenerateDataKeyWithoutPlaintext",
                        "kms:ReEncryptFrom",
                        "kms:ReEncryptTo",
                    ],
                ),
                self._key_statement(self._key, ["kms:CreateGrant"], Bool={"kms:GrantIsForAWSResource": "true"}),
                {
                    "Effect": "Allow",
                    "Action": "iam:CreateServiceLinkedRole",
                    "Resource": here.global_arn("iam", f"role/aws-service-role/{spot}/AWSServiceRoleForEC2Spot"),
                    "Condition": {"StringEquals": {"iam:AWSServiceName": spot}},
                },
            ],
            parent=self,
        )
        return [role, *permissions]

    def _create_instance_role(self) -> list[pulumi.Resource]:
        """What the nodes, and so the jobs, work under."""
        jars = [self._here.bucket_arn(jar.removeprefix("s3://")) for jar in self._args.jars if jar.startswith("s3://")]
        role, permissions = create_role(
            f"{self._name}-instances",
            role_name=self.role_name,
            trust=service_trust("ec2.amazonaws.com"),
            statements=[
                *self._lake.write_statements(),
                *self._artifacts.read_statements(f"{self._name}/"),
                *self._database.read_secret_statements(),
                *([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": jars}] if jars else []),
                # LUKS on instance storage, and the clusters' logs.
                self._key_statement(
                    self._key, ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
                ),
                {
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": self._here.bucket_arn(
                        pulumi.Output.format("{}.elasticmapreduce/*", self._here.region)
                    ),  # EMR's own programs
                },
            ],
            parent=self,
        )
        profile = aws.iam.InstanceProfile(
            self._name, name=self.role_name, role=role.name, tags=tags(self._name), opts=self._child
        )
        return [role, profile, *permissions]

    def _pass_role(self, role_name: str, service: str) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": self._here.global_arn("iam", f"role/{role_name}"),
            "Condition": {"StringEquals": {"iam:PassedToService": service}},
        }

    # -- What clusters read -------------------------------------------------------------------------------------------

    def _security_configuration(self) -> dict[str, Any]:
        encryption: dict[str, Any] = {
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": self._key_arn},
                "LocalDiskEncryptionConfiguration": {
                    "EncryptionKeyProviderType": "AwsKms",
                    "AwsKmsKey": self._key_arn,
                    "EnableEbsEncryption": True,
                },
            },
            "EnableInTransitEncryption": self._args.encrypt_in_transit,
        }
        if self._args.encrypt_in_transit:
            encryption["InTransitEncryptionConfiguration"] = {
                "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": self.certificates_uri}
            }
        return {
            "EncryptionConfiguration": encryption,
            "InstanceMetadataServiceConfiguration": {
                "MinimumInstanceMetadataServiceVersion": 2,
                "HttpPutResponseHopLimit": 1,
            },
        }

    def _configuration(self, host: pulumi.Input[str]) -> pulumi.Output[str]:
        """What the jobs are to do, in the terms of their own `config.py`."""
        args, lake = self._args, self._lake
        return pulumi.Output.json_dumps(
            {
                "region": self._here.region,
                "source": {
                    "secret": self._database.secret_arn,
                    "certificate": pulumi.Output.format("{}/rds-authorities.pem", self._artifacts_uri),
                    "host": host,
                },
                "raw": lake.raw_uri,
                "curated": lake.curated_uri,
                "state": lake.state_uri,
                "export": lake.export_uri,
                "export_format": args.export_format,
                "catalog": lake.database_name,
                "lag_seconds": args.lag_seconds,
                "fetch_rows": args.fetch_rows,
                "tables": {name: table.model_dump(exclude_none=True) for name, table in args.tables.items()},
            }
        )

    def _places(self, cluster: aws.emr.Cluster | None) -> pulumi.Output[str]:
        """What only AWS knows: the state machine reads it as it starts, so that all of its definition is known in a
        preview."""
        return pulumi.Output.json_dumps(
            {
                "Subnets": [self._subnets.ids[zone] for zone in sorted(self._subnets.ids)],
                "Primary": self.primary_security_group_id,
                "Core": self.core_security_group_id,
                "Service": self.service_security_group_id,
                "Cluster": cluster.id if cluster else None,
            }
        )

    @property
    def _artifacts_uri(self) -> pulumi.Output[str]:
        return pulumi.Output.format("s3://{}/{}", self._artifacts.name, self._name)

    def _upload(
        self,
        file: str,
        key: str,
        *,
        content: bytes | None = None,
        text: pulumi.Input[str] | None = None,
        keep: bool = False,
    ) -> pulumi.Resource:
        return aws.s3.BucketObjectv2(
            f"{self._name}-{file}",
            bucket=self._artifacts.name,
            key=key,
            content=text,
            content_base64=base64.b64encode(content).decode() if content is not None else None,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=keep),
        )

    # -- Runs ---------------------------------------------------------------------------------------------------------

    def _run(self, folder: str) -> Run:
        args = self._args
        return Run(
            title=self._tags["Name"],
            commands={job: self._command(folder, job) for job in args.steps},
            bucket=self._artifacts.name,
            places_key=f"{self._name}/places.json",
            topic_arn=self._topic.arn,
            cluster=None if args.long_running else self._cluster.request(self._subnets),
            step_timeout_minutes=args.step_timeout_minutes,
            step_retries=args.step_retries,
            certificates_key=self._certificates_key,
        )

    def _command(self, folder: str, job: str) -> list[pulumi.Input[str]]:
        args = self._args
        jobs = pulumi.Output.format("s3://{}/{}", self._artifacts.name, folder)
        client = args.presto_client
        if "Trino" in args.applications:
            client = client or "trino-cli --server localhost:8889 --catalog hive"
        return [
            "spark-submit",
            # The driver on the primary node, where the clients of Hadoop and Presto are.
            *("--deploy-mode", "client"),
            *(("--packages", ",".join(args.packages)) if args.packages else ()),
            *(("--jars", ",".join(args.jars)) if args.jars else ()),
            *("--py-files", pulumi.Output.format("{}/jobs.zip", jobs)),
            pulumi.Output.format("{}/main.py", jobs),
            job,
            *("--config", pulumi.Output.format("{}/config.json", jobs)),
            *(("--client", client) if client and job == "presto" else ()),
        ]

    def _create_state_machine(self, folder: str, ready: Sequence[pulumi.Resource]) -> aws.sfn.StateMachine:
        name, here = self._name, self._here
        group = aws.cloudwatch.LogGroup(
            name,
            # Under this prefix, log delivery needs no policy of its own (Step Functions developer guide, "Logging").
            name=f"/aws/vendedlogs/states/{self._machine_name}",
            kms_key_id=self._logs_key.arn,
            retention_in_days=self._args.log_retention_days,
            tags=tags(name),
            opts=self._child,
        )
        role, permissions = create_role(
            f"{name}-run",
            role_name=physical_name(f"{name}-run", 64),
            trust=service_trust(
                "states.amazonaws.com",
                StringEquals={"aws:SourceAccount": here.account},
                ArnLike={"aws:SourceArn": here.arn("states", "*")},
            ),
            statements=self._run_statements(),
            parent=self,
        )
        return aws.sfn.StateMachine(
            name,
            name=self._machine_name,
            role_arn=role.arn,
            definition=pulumi.Output.json_dumps(self._run(folder).definition()),
            logging_configuration={
                "level": "ERROR",
                "include_execution_data": True,
                "log_destination": pulumi.Output.format("{}:*", group.arn),
            },
            tracing_configuration={"enabled": True},
            encryption_configuration={
                "type": "CUSTOMER_MANAGED_KMS_KEY",
                "kms_key_id": self._logs_key.arn,
                "kms_data_key_reuse_period_seconds": 300,
            },
            tags=tags(name),
            # Step Functions looks for the log's permissions as it makes a state machine.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*permissions, *ready]),
        )

    def _run_statements(self) -> list[dict[str, Any]]:
        here = self._here
        clusters = here.arn("elasticmapreduce", "cluster/*")
        own = {"StringEquals": {"aws:ResourceTag/Name": self._tags["Name"]}}
        cleanup = "elasticmapreduce.amazonaws.com"
        start: list[dict[str, Any]] = [
            # RunJobFlow knows no resource, but what the new cluster will be tagged with.
            {
                "Sid": "StartCluster",
                "Effect": "Allow",
                "Action": "elasticmapreduce:RunJobFlow",
                "Resource": "*",
                "Condition": {"StringEquals": {f"aws:RequestTag/{EMR_TAG}": "true"}},
            },
            {
                "Sid": "TagCluster",
                "Effect": "Allow",
                "Action": "elasticmapreduce:AddTags",
                "Resource": clusters,
                "Condition": {"StringEquals": {f"aws:RequestTag/{EMR_TAG}": "true"}},
            },
            # They come with RunJobFlow, before the cluster has its tags.
            {
                "Sid": "SetClusterPolicies",
                "Effect": "Allow",
                "Action": [
                    "elasticmapreduce:PutAutoTerminationPolicy",
                    "elasticmapreduce:PutManagedScalingPolicy",
                ],
                "Resource": clusters,
            },
            {
                "Sid": "EndCluster",
                "Effect": "Allow",
                "Action": "elasticmapreduce:TerminateJobFlows",
                "Resource": clusters,
                "Condition": own,
            },
            {"Sid": "PassServiceRole", **self._pass_role(self._service_role_name, "elasticmapreduce.amazonaws.com")},
            {"Sid": "PassInstanceRole", **self._pass_role(self.role_name, "ec2.amazonaws.com")},
            {
                "Sid": "CleanUpAfterClusters",
                "Effect": "Allow",
                "Action": "iam:CreateServiceLinkedRole",
                "Resource": here.global_arn("iam", f"role/aws-service-role/{cleanup}/AWSServiceRoleForEMRCleanup"),
                "Condition": {"StringEquals": {"iam:AWSServiceName": cleanup}},
            },
        ]
        rules = ["AddJobFlowSteps", *([] if self._args.long_running else ["TerminateJobFlows"])]
        return [
            *([] if self._args.long_running else start),
            {
                "Sid": "Steps",
                "Effect": "Allow",
                "Action": [
                    "elasticmapreduce:AddJobFlowSteps",
                    "elasticmapreduce:CancelSteps",
                    "elasticmapreduce:DescribeCluster",
                    "elasticmapreduce:DescribeStep",
                ],
                "Resource": clusters,
                "Condition": own,
            },
            # How Step Functions learns that a step or a cluster has come to its end.
            {
                "Sid": "Events",
                "Effect": "Allow",
                "Action": ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
                "Resource": [here.arn("events", f"rule/StepFunctionsGetEventForEMR{rule}Rule") for rule in rules],
            },
            {
                "Sid": "OtherRuns",
                "Effect": "Allow",
                "Action": "states:ListExecutions",
                "Resource": self.state_machine_arn,
            },
            *self._artifacts.read_statements(f"{self._name}/places.json"),
            # Whether they are there is all that a run needs to know of the nodes' keys.
            *([self._artifacts.list_statement(self._certificates_key)] if self._certificates_key else []),
            *self._topic.publish_statements(),
            self._machine_key_statement(),
            # Under a customer key what goes to the log is encrypted too, in a context that the `*` is part of.
            self._key_statement(
                self._logs_key,
                ["kms:GenerateDataKey"],
                StringEquals={"kms:EncryptionContext:SourceArn": here.arn("logs", "*")},
            ),
            # Neither the delivery of logs nor X-Ray knows resources.
            {
                "Sid": "Logs",
                "Effect": "Allow",
                "Action": [
                    "logs:CreateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:DescribeLogGroups",
                    "logs:DescribeResourcePolicies",
                    "logs:GetLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:UpdateLogDelivery",
                ],
                "Resource": "*",
            },
            {
                "Sid": "Traces",
                "Effect": "Allow",
                "Action": [
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                    "xray:PutTelemetryRecords",
                    "xray:PutTraceSegments",
                ],
                "Resource": "*",
            },
        ]

    def _alarms(self) -> dict[str, Alarm]:
        args = self._args.alarms
        counts = {
            "failed": ("A run of the analytics jobs failed", "ExecutionsFailed", args.failed_limit),
            "aborted": (
                "A run of the analytics jobs was stopped by hand: see that its cluster has ended",
                "ExecutionsAborted",
                args.ended_early_limit,
            ),
            "timed-out": (
                "A run of the analytics jobs took too long: see that its cluster has ended",
                "ExecutionsTimedOut",
                args.ended_early_limit,
            ),
        }
        return {
            key: Alarm(
                description,
                "AWS/States",
                metric,
                {"StateMachineArn": self.state_machine_arn},
                limit,
                missing="notBreaching",  # it counts what happens
                statistic="Sum",
                period_seconds=3600,
                periods=1,
            )
            for key, (description, metric, limit) in counts.items()
        }


def _source(name: str, args: AnalyticsArgs, database: Database) -> pulumi.Input[str]:
    """The host to read from; none is the secret's own, the primary."""
    replicas = database.replica_endpoints
    if args.replica is None:
        return replicas[min(replicas)] if replicas else ""
    if args.replica not in replicas:
        there = ", ".join(sorted(replicas)) or "none"
        raise ValueError(f"analytics {name!r}: the database has no replica {args.replica!r}; there are: {there}")
    return replicas[args.replica]


def _authorities(name: str, subnets: Subnets) -> str:
    """The roots that sign the certificates of RDS in the subnets' region, as PEM."""
    if not subnets.ids:
        raise ValueError(f"analytics {name!r}: has no subnets")
    region = min(subnets.ids)[:-1]
    shipped = (Path(__file__).parent / "rds_authorities.pem").read_text(encoding="ascii")
    found = re.findall(
        rf"^# {re.escape(region)} .*\n(-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n)", shipped, re.M
    )
    if not found:
        raise ValueError(
            f"analytics {name!r}: components/rds_authorities.pem has no roots of RDS in {region}: add those that AWS "
            f"publishes at https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
        )
    return "".join(found)
