"""What matters survives mistakes and failures. Advisory where a small environment may rightly do without."""

from __future__ import annotations

from collections.abc import Iterator

from ..caches import inherits, is_member, is_redis
from ..graph import UNKNOWN, Graph, Resource, get, given, items, peek, some, yes
from ..queues import dead_letters, holders
from ..rule import Family, rule
from .exposure import balanced

FAMILY: Family = "durability"


@rule(
    "database-backed-up", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="Databases are backed up",
    controls="FSBP RDS.11, CKV_AWS_133, cdk-nag RDS13",
    remediation="Set backupRetentionPeriod to the days that backups are kept",
    settings={
        "days": {
            "type": "integer", "minimum": 1, "maximum": 35,
            "description": "The least that backups are kept, in days.",
        },
    },
)  # fmt: skip
def database_backed_up(database: Resource, graph: Graph, *, days: int = 1) -> Iterator[str]:
    """A replica is backed up through its source; a cluster keeps a day where nothing is said."""
    if given(database, "replicateSourceDb"):
        return
    kept = get(database, "backupRetentionPeriod")
    if kept == 0 or (kept is None and database.short == "rds/instance"):
        yield "it is never backed up"
    elif isinstance(kept or 1, (int, float)) and (kept or 1) < days:
        yield f"its backups are kept for less than {days} days"


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
    "cache-failover", "elasticache/replicationGroup",
    family=FAMILY, severity="medium", alone=True, level="advisory",
    title="Redis has a replica in another zone that takes over",
    controls="FSBP ElastiCache.3, CKV2_AWS_50, cdk-nag AEC4",
    remediation="Set automaticFailoverEnabled and multiAzEnabled to true, with two nodes or more",
)  # fmt: skip
def cache_failover(cache: Resource, graph: Graph) -> Iterator[str]:
    if not yes(cache, "automaticFailoverEnabled"):
        yield "nothing takes over when a node fails"
    elif not yes(cache, "multiAzEnabled"):
        yield "it may stop with its zone"


@rule(
    "cache-snapshots", "elasticache/replicationGroup", "elasticache/cluster",
    family=FAMILY, severity="low", alone=True, level="advisory",
    title="Redis is backed up",
    controls="FSBP ElastiCache.1, CKV_AWS_134",
    remediation="Set snapshotRetentionLimit to the days that snapshots are kept",
    settings={
        "days": {
            "type": "integer", "minimum": 1, "maximum": 35,
            "description": "The least that snapshots are kept, in days.",
        },
    },
)  # fmt: skip
def cache_snapshots(cache: Resource, graph: Graph, *, days: int = 1) -> Iterator[str]:
    """A group speaks for its nodes, and Memcached has no snapshots."""
    if is_member(cache) or not is_redis(cache):
        return
    inherits(cache, "snapshotRetentionLimit")
    kept = get(cache, "snapshotRetentionLimit")
    if kept in (None, 0):
        yield "it is never backed up"
    elif isinstance(kept, (int, float)) and kept < days:
        yield f"its snapshots are kept for less than {days} days"


@rule(
    "queue-dead-letters", "sqs/queue",
    family=FAMILY, severity="medium", level="advisory",
    title="Queues have a dead-letter queue",
    controls="cdk-nag SQS3",
    remediation="Set redrivePolicy with the ARN of a queue for what can't be handled, and a maxReceiveCount",
)  # fmt: skip
def queue_dead_letters(queue: Resource, graph: Graph) -> Iterator[str]:
    """Those that are dead-letter queues themselves have none."""
    if some(holders(queue, graph), lambda holder: given(holder, "redrivePolicy")):
        return
    found = dead_letters(graph)
    if queue.urn in found.sources or given(queue, "redriveAllowPolicy"):
        return
    if found.doubt:
        raise found.doubt
    yield "a message that can't be handled comes back until it expires"


@rule(
    "repository-scanned", "ecr/repository",
    family=FAMILY, severity="high",
    title="Registries scan images on push",
    controls="FSBP ECR.1, CKV_AWS_163",
    remediation="Set imageScanningConfiguration.scanOnPush to true, or scan by the registry's own configuration",
)  # fmt: skip
def repository_scanned(repository: Resource, graph: Graph) -> Iterator[str]:
    """The registry's configuration counts where it scans everything, on push or continuously."""

    def covers(found: object) -> bool:
        return get(found, "scanFrequency") != "MANUAL" and some(
            items(found, "repositoryFilters"), lambda chosen: get(chosen, "filter") == "*"
        )

    def scanned(configuration: Resource) -> bool:
        if configuration is repository:
            return yes(repository, "imageScanningConfiguration.scanOnPush")
        return some(items(configuration, "rules"), covers)

    if not some([repository, *graph.of_type("ecr/registryScanningConfiguration")], scanned):
        yield "nothing looks for what is known to be wrong in its images"


@rule(
    "repository-immutable", "ecr/repository",
    family=FAMILY, severity="medium", alone=True,
    title="A tag of a registry means one image for ever",
    controls="FSBP ECR.2, CKV_AWS_51",
    remediation="Set imageTagMutability to IMMUTABLE",
)  # fmt: skip
def repository_immutable(repository: Resource, graph: Graph) -> Iterator[str]:
    """Exclusions are the program's choice, but for one that excludes every tag."""
    kind = get(repository, "imageTagMutability")
    if kind == "IMMUTABLE_WITH_EXCLUSION":
        filters = [peek(chosen, "filter") for chosen in items(repository, "imageTagMutabilityExclusionFilters")]
        if some(filters, lambda chosen: chosen is not UNKNOWN and set(str(chosen)) == {"*"}):
            yield "every tag of it is excluded from being immutable"
    elif kind != "IMMUTABLE":
        yield "a tag of it can be moved to another image"


@rule(
    "repository-lifecycle", "ecr/repository",
    family=FAMILY, severity="low", level="advisory",
    title="Registries let old images go",
    controls="FSBP ECR.3",
    remediation="Give the repository a LifecyclePolicy that expires untagged and old images",
)  # fmt: skip
def repository_lifecycle(repository: Resource, graph: Graph) -> Iterator[str]:
    if not any(graph.referrers(repository, "ecr/lifecyclePolicy", "repository")):
        yield "it keeps every image for ever"


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
