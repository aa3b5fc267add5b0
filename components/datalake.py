"""Data lake: raw, curated and results zones on S3, the Glue catalog of what is in them, and Athena to ask it."""

from collections.abc import Iterator
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import PACKAGE, Args, Refusal, check_name, create_role, location, physical_name, service_trust, tags
from .security import EncryptionKey
from .storage import BucketArgs, LogBucket, SecureBucket

_CRAWLER_LOGS = "log-group:/aws-glue/crawlers*"

_READ_CATALOG = [
    "glue:BatchGetPartition",
    "glue:GetColumnStatisticsForPartition",
    "glue:GetColumnStatisticsForTable",
    "glue:GetDatabase",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
]
_WRITE_CATALOG = [
    "glue:CreateTable",
    "glue:UpdateTable",
    "glue:BatchCreatePartition",
    "glue:BatchUpdatePartition",
    "glue:BatchDeletePartition",
]

Cron = Annotated[str, StringConstraints(pattern=r"^cron\([^()]+\)$")]


class CuratedZoneArgs(BucketArgs):
    """The curated zone, which also keeps what the jobs remember from run to run: nothing in it may expire."""

    expiration_days: None = None
    """The jobs delete what no published version needs any more."""


class RawZoneArgs(BucketArgs):
    """The raw zone: rows as they were read, which nothing needs once they have been published."""

    expiration_days: int | None = Field(default=90, ge=7)
    """Days after which a batch expires: longer than any run may wait to be repeated, so 7 at least."""
    noncurrent_expiration_days: int = Field(default=7, ge=1)
    """Days that an overwritten or deleted version can still be brought back."""


class ResultsZoneArgs(BucketArgs):
    """The results zone: Athena's answers, and the clusters' logs."""

    expiration_days: int | None = Field(default=30, ge=1)
    """Days after which answers and logs expire."""
    noncurrent_expiration_days: int = Field(default=7, ge=1)
    """Days that an overwritten or deleted version can still be brought back."""

    def refusals(self) -> Iterator[Refusal]:
        yield from super().refusals()
        if self.expiration_days is None:
            yield Refusal(("expiration_days",), "answers are copies of the data: give the days that they are kept")


class CrawlerArgs(Args):
    """A Glue crawler over the raw zone. The curated tables need none: the jobs that write them put them in the
    catalog."""

    schedule: Cron | None = None
    """When it crawls (UTC), as `cron(30 4 * * ? *)`; none leaves it to whoever starts it."""


class DataLakeArgs(Args):
    """Zones, catalog and queries."""

    raw: RawZoneArgs = Field(default_factory=RawZoneArgs)
    """Rows as read from the database."""
    curated: CuratedZoneArgs = Field(default_factory=CuratedZoneArgs)
    """Tables for Athena, Presto and QuickSight, and the jobs' own state."""
    results: ResultsZoneArgs = Field(default_factory=ResultsZoneArgs)
    """Athena's answers and the clusters' logs."""
    crawler: CrawlerArgs | None = None
    """A crawler that puts the raw zone into the catalog too, as tables that begin with `raw_`; none by default."""
    scan_limit_mib: int = Field(default=10_240, ge=10, le=7_340_032)
    """Most that one Athena query may read, in MiB, before Athena stops it (Athena: 10 MB at least)."""
    workgroup_force_destroy: bool = False
    """Delete the workgroup with its saved queries; otherwise they stop a destroy."""


class DataLake(pulumi.ComponentResource):
    """Three buckets for three lifetimes, a catalog database that the jobs fill, and a workgroup whose settings no
    query can override."""

    raw: SecureBucket
    curated: SecureBucket
    results: SecureBucket
    database_name: str
    workgroup_name: str

    RAW_PREFIX = "tables"
    CURATED_PREFIX = "tables"
    STATE_PREFIX = "state"
    EXPORT_PREFIX = "export"
    ATHENA_PREFIX = "athena"
    LOGS_PREFIX = "emr"

    def __init__(
        self,
        name: str,
        args: DataLakeArgs | None = None,
        *,
        key: EncryptionKey,
        logs_key: EncryptionKey,
        logs: LogBucket,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        key: encrypts all that is in the zones.
        logs_key: encrypts a crawler's log; CloudWatch Logs must be among its users.
        logs: where S3 delivers the zones' access logs.
        """
        check_name(name, 30)
        super().__init__(f"{PACKAGE}:DataLake", name, None, opts)
        self._name = name
        self._args = args = args or DataLakeArgs()
        self._key = key
        self._here = location(self)
        self._child = child = pulumi.ResourceOptions(parent=self)
        self.raw = SecureBucket(f"{name}-raw", args.raw, key=key, logs=logs, opts=child)
        self.curated = SecureBucket(f"{name}-curated", args.curated, key=key, logs=logs, opts=child)
        self.results = SecureBucket(f"{name}-results", args.results, key=key, logs=logs, opts=child)
        self.database_name = physical_name(name, 255).replace("-", "_")
        self._database = aws.glue.CatalogDatabase(
            name,
            name=self.database_name,
            description=f"What the analytics jobs of {pulumi.get_project()} {pulumi.get_stack()} publish",
            location_uri=self.curated_uri,
            tags=tags(name),
            opts=child,
        )
        if args.crawler:
            self._create_crawler(args.crawler, logs_key)
        self.workgroup_name = physical_name(name, 128)
        aws.athena.Workgroup(
            name,
            name=self.workgroup_name,
            description=f"Queries of the data lake of {pulumi.get_project()} {pulumi.get_stack()}",
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": args.scan_limit_mib * 2**20,
                "engine_version": {"selected_engine_version": "AUTO"},
                "result_configuration": {
                    "output_location": pulumi.Output.format("s3://{}/{}/", self.results.name, self.ATHENA_PREFIX),
                    "expected_bucket_owner": self._here.account,
                    "encryption_configuration": {"encryption_option": "SSE_KMS", "kms_key_arn": key.arn},
                },
            },
            force_destroy=args.workgroup_force_destroy,
            tags=tags(name),
            opts=child,
        )
        self.register_outputs(
            {
                "raw": self.raw.name,
                "curated": self.curated.name,
                "results": self.results.name,
                "database_name": self.database_name,
                "workgroup_name": self.workgroup_name,
            }
        )

    @property
    def raw_uri(self) -> pulumi.Output[str]:
        """Where the rows are, as read."""
        return pulumi.Output.format("s3://{}/{}", self.raw.name, self.RAW_PREFIX)

    @property
    def curated_uri(self) -> pulumi.Output[str]:
        """Where the tables are that the catalog has."""
        return pulumi.Output.format("s3://{}/{}", self.curated.name, self.CURATED_PREFIX)

    @property
    def state_uri(self) -> pulumi.Output[str]:
        """What the jobs remember from run to run."""
        return pulumi.Output.format("s3://{}/{}", self.curated.name, self.STATE_PREFIX)

    @property
    def export_uri(self) -> pulumi.Output[str]:
        """The files that QuickSight reads without Athena."""
        return pulumi.Output.format("s3://{}/{}", self.curated.name, self.EXPORT_PREFIX)

    @property
    def logs_uri(self) -> pulumi.Output[str]:
        """Where EMR puts its clusters' logs."""
        return pulumi.Output.format("s3://{}/{}/", self.results.name, self.LOGS_PREFIX)

    def read_statements(self) -> list[dict[str, Any]]:
        """For a role's policy: ask Athena about the published tables, and read QuickSight's files."""
        return [
            {
                "Effect": "Allow",
                "Action": [
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:GetWorkGroup",
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                ],
                "Resource": self._here.arn("athena", f"workgroup/{self.workgroup_name}"),
            },
            {"Effect": "Allow", "Action": _READ_CATALOG, "Resource": self._catalog()},
            *self._list(self.curated),
            *self._list(self.results, self.ATHENA_PREFIX),
            self._objects(["s3:GetObject"], self.curated, self.CURATED_PREFIX),
            self._objects(["s3:GetObject"], self.curated, self.EXPORT_PREFIX),
            self._objects(
                ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], self.results, self.ATHENA_PREFIX
            ),
            self._key.encrypt_statement("s3"),
        ]

    def write_statements(self) -> list[dict[str, Any]]:
        """For the jobs' role: read and write the raw and the curated zone, and keep the catalog; add clusters' logs."""
        actions = [
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ]
        return [
            *self._list(self.raw),
            *self._list(self.curated),
            {
                "Effect": "Allow",
                "Action": "s3:ListBucketMultipartUploads",
                "Resource": [self._here.bucket_arn(zone.name) for zone in (self.raw, self.curated)],
            },
            *self._list(self.results, self.LOGS_PREFIX),
            self._objects(actions, self.raw),
            self._objects(actions, self.curated),
            self._objects(["s3:PutObject", "s3:AbortMultipartUpload"], self.results, self.LOGS_PREFIX),
            {"Effect": "Allow", "Action": [*_READ_CATALOG, *_WRITE_CATALOG], "Resource": self._catalog()},
            # Spark and Hive begin by looking for the catalog's database `default`, and make it where there is none.
            {
                "Effect": "Allow",
                "Action": ["glue:CreateDatabase", "glue:GetDatabase", "glue:GetUserDefinedFunctions"],
                "Resource": [
                    self._here.arn("glue", "catalog"),
                    self._here.arn("glue", "database/default"),
                    self._here.arn("glue", "userDefinedFunction/default/*"),
                ],
            },
            self._key.encrypt_statement("s3"),
        ]

    def _catalog(self, tables: str = "*") -> list[pulumi.Output[str]]:
        """Glue asks for the rights to the catalog and the database of a table along with the table's."""
        return [
            self._here.arn("glue", "catalog"),
            self._here.arn("glue", f"database/{self.database_name}"),
            self._here.arn("glue", f"table/{self.database_name}/{tables}"),
        ]

    def _list(self, zone: SecureBucket, prefix: str = "") -> list[dict[str, Any]]:
        bucket = self._here.bucket_arn(zone.name)
        # Who may list a part has to name it; GetBucketLocation knows no prefix.
        part = {"Condition": {"StringLike": {"s3:prefix": f"{prefix}/*"}}} if prefix else {}
        return [
            {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": bucket},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket} | part,
        ]

    def _objects(self, actions: list[str], zone: SecureBucket, prefix: str = "") -> dict[str, Any]:
        resource = pulumi.Output.format("{}/{}*", self._here.bucket_arn(zone.name), f"{prefix}/" if prefix else "")
        return {"Effect": "Allow", "Action": actions, "Resource": resource}

    def _create_crawler(self, args: CrawlerArgs, logs_key: EncryptionKey) -> None:
        name = f"{self._name}-crawler"
        log_groups = self._here.arn("logs", _CRAWLER_LOGS)
        role, permissions = create_role(
            name,
            trust=service_trust("glue.amazonaws.com", StringEquals={"aws:SourceAccount": self._here.account}),
            statements=[
                *self._list(self.raw),
                self._objects(["s3:GetObject"], self.raw, self.RAW_PREFIX),
                self._key.decrypt_statement("s3"),
                {
                    "Effect": "Allow",
                    "Action": [*_READ_CATALOG, *_WRITE_CATALOG],
                    "Resource": self._catalog("raw_*"),
                },
                {
                    "Effect": "Allow",
                    "Action": [
                        "logs:AssociateKmsKey",
                        "logs:CreateLogGroup",
                        "logs:CreateLogStream",
                        "logs:PutLogEvents",
                    ],
                    "Resource": [log_groups, pulumi.Output.format("{}:log-stream:*", log_groups)],
                },
            ],
            parent=self,
        )
        security = aws.glue.SecurityConfiguration(
            name,
            name=physical_name(name, 255),
            encryption_configuration={
                "cloudwatch_encryption": {"cloudwatch_encryption_mode": "SSE-KMS", "kms_key_arn": logs_key.arn},
                "job_bookmarks_encryption": {"job_bookmarks_encryption_mode": "CSE-KMS", "kms_key_arn": self._key.arn},
                "s3_encryption": {"s3_encryption_mode": "SSE-KMS", "kms_key_arn": self._key.arn},
            },
            opts=self._child,
        )
        aws.glue.Crawler(
            name,
            name=physical_name(name, 255),
            role=role.arn,
            database_name=self._database.name,
            table_prefix="raw_",
            s3_targets=[{"path": self.raw_uri}],
            schedule=args.schedule,
            security_configuration=security.name,
            # A batch's files come and go, its table's columns only grow.
            schema_change_policy={"delete_behavior": "LOG", "update_behavior": "UPDATE_IN_DATABASE"},
            recrawl_policy={"recrawl_behavior": "CRAWL_EVERYTHING"},
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
        )
