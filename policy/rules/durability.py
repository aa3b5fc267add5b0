"""What matters survives mistakes and failures. Advisory where a small environment may rightly do without."""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Graph, Resource, get, given, some, yes
from ..rule import Family, rule
from .exposure import balanced

FAMILY: Family = "durability"


@rule(
    "database-backed-up", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="Databases are backed up",
    controls="FSBP RDS.11, CKV_AWS_133, cdk-nag RDS13",
    remediation="Set backupRetentionPeriod to the days that backups are kept",
)  # fmt: skip
def database_backed_up(database: Resource, graph: Graph) -> Iterator[str]:
    """A replica is backed up through its source; a cluster keeps a day where nothing is said."""
    if given(database, "replicateSourceDb"):
        return
    days = get(database, "backupRetentionPeriod")
    if days == 0 or (days is None and database.short == "rds/instance"):
        yield "it is never backed up"


@rule(
    "database-deletion-protected", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium", alone=True, level="advisory",
    title="Databases are protected from deletion",
    controls="FSBP RDS.8, FSBP RDS.7, CKV_AWS_293, cdk-nag RDS10",
    remediation="Set deletionProtection to true",
)  # fmt: skip
def database_deletion_protected(database: Resource, graph: Graph) -> Iterator[str]:
    """A replica need not be: its source has the data."""
    if not given(database, "replicateSourceDb") and not yes(database, "deletionProtection"):
        yield "it can be deleted by mistake"


@rule(
    "database-final-snapshot", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium", alone=True, level="advisory",
    title="A deleted database leaves a snapshot",
    controls="",
    remediation="Set skipFinalSnapshot to false, with a finalSnapshotIdentifier",
)  # fmt: skip
def database_final_snapshot(database: Resource, graph: Graph) -> Iterator[str]:
    """A replica leaves none: its source has the data."""
    if not given(database, "replicateSourceDb") and yes(database, "skipFinalSnapshot"):
        yield "its data is gone once it is deleted"


@rule(
    "database-multi-az", "rds/instance",
    family=FAMILY, severity="medium", alone=True, level="advisory",
    title="Databases have a standby in another zone",
    controls="FSBP RDS.5, CKV_AWS_157, cdk-nag RDS3",
    remediation="Set multiAz to true",
)  # fmt: skip
def database_multi_az(database: Resource, graph: Graph) -> Iterator[str]:
    if not given(database, "replicateSourceDb") and not yes(database, "multiAz"):
        yield "it stops with its zone"


@rule(
    "bucket-versioned", "s3/bucket",
    family=FAMILY, severity="medium",
    title="Buckets keep versions",
    controls="FSBP S3.14, CKV_AWS_21, cdk-nag NIST.800.53.R5-S3BucketVersioningEnabled",
    remediation="Give the bucket a BucketVersioning with status Enabled",
)  # fmt: skip
def bucket_versioned(bucket: Resource, graph: Graph) -> Iterator[str]:
    if yes(bucket, "versioning.enabled") or yes(bucket, "versionings.enabled"):
        return
    if not some(
        graph.referrers(bucket, "s3/bucketVersioning", "bucket"),
        lambda versioning: get(versioning, "versioningConfiguration.status") == "Enabled",
    ):
        yield "an overwritten or deleted object is gone"


@rule(
    "load-balancer-deletion-protected", "lb/loadBalancer",
    family=FAMILY, severity="low", alone=True, level="advisory",
    title="Load balancers are protected from deletion",
    controls="FSBP ELB.6, CKV_AWS_150",
    remediation="Set enableDeletionProtection to true",
)  # fmt: skip
def load_balancer_deletion_protected(balancer: Resource, graph: Graph) -> Iterator[str]:
    if not yes(balancer, "enableDeletionProtection"):
        yield "it can be deleted by mistake"


@rule(
    "group-health-checked", "autoscaling/group",
    family=FAMILY, severity="low",
    title="An Auto Scaling group behind a load balancer uses its health checks",
    controls="FSBP AutoScaling.1",
    remediation="Set healthCheckType to ELB",
)  # fmt: skip
def group_health_checked(group: Resource, graph: Graph) -> Iterator[str]:
    if balanced(graph, group) and "ELB" not in str(get(group, "healthCheckType") or "").split(","):
        yield "an instance that no longer answers is kept"
