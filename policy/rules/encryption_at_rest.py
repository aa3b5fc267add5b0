"""Data on disk is encrypted, with a key of one's own where it matters who may use the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..buckets import receives_logs
from ..caches import inherits, is_member, is_redis
from ..databases import speaker
from ..graph import UNKNOWN, Graph, Resource, each, get, given, items, peek, some, yes
from ..rule import Family, rule

FAMILY: Family = "encryption-at-rest"
KEYS = ("kms/key", "kms/replicaKey", "kms/externalKey", "kms/replicaExternalKey", "kms/alias")


def customer_key(graph: Graph, resource: Resource, path: str) -> Iterator[str]:
    """A violation unless the property names a customer key: one of this program, or the ARN or alias of another."""
    value = peek(resource, path)
    if value in (None, ""):
        yield f"{path} is not set, so AWS's own key or none is used"
    elif value is UNKNOWN:
        graph.refers(resource, path, *KEYS)
    elif "alias/aws/" in str(value):
        yield f"{path} is a key that AWS manages"


@rule(
    "database-storage-encrypted", "rds/instance", "rds/cluster",
    family=FAMILY, severity="high", alone=True,
    title="Database storage is encrypted",
    controls="FSBP RDS.3, FSBP RDS.27, CIS AWS 3.0 2.3.1, CKV_AWS_16, CKV_AWS_96, cdk-nag RDS2",
    remediation="Set storageEncrypted to true",
)  # fmt: skip
def database_storage_encrypted(database: Resource, graph: Graph) -> Iterator[str]:
    """A replica that says nothing has the storage of its source, which `database-replica-encrypted` follows."""
    if not given(database, "storageEncrypted") and given(database, "replicateSourceDb"):
        return
    if not yes(database, "storageEncrypted"):
        yield "its storage is not encrypted"


@rule(
    "database-replica-encrypted", "rds/instance",
    family=FAMILY, severity="high",
    title="A replica's storage is encrypted as its source's is",
    controls="FSBP RDS.3, CKV_AWS_16, cdk-nag RDS2",
    remediation="Set storageEncrypted to true on the source, and on the replica as well",
)  # fmt: skip
def database_replica_encrypted(database: Resource, graph: Graph) -> Iterator[str]:
    source = speaker(database, graph, "storageEncrypted")
    if source is not database and not yes(source, "storageEncrypted"):
        yield f"it is a replica of {source.label}, whose storage is not encrypted"


@rule(
    "database-insights-key", "rds/instance", "rds/cluster", "rds/clusterInstance",
    family=FAMILY, severity="medium",
    title="Performance Insights data is encrypted by a customer key",
    controls="CKV_AWS_354",
    remediation="Set performanceInsightsKmsKeyId to a KMS key of this program",
)  # fmt: skip
def database_insights_key(database: Resource, graph: Graph) -> Iterator[str]:
    if yes(database, "performanceInsightsEnabled"):
        yield from customer_key(graph, database, "performanceInsightsKmsKeyId")


@rule(
    "bucket-encrypted", "s3/bucket",
    family=FAMILY, severity="high",
    title="Buckets are encrypted by KMS",
    controls="FSBP S3.17, CKV_AWS_145, CKV_AWS_19, cdk-nag NIST.800.53.R5-S3DefaultEncryptionKMS",
    remediation="Give the bucket a BucketServerSideEncryptionConfiguration with sseAlgorithm aws:kms; "
    "AES256 is for buckets that load balancers or S3 itself deliver logs to, which can't use a customer key",
)  # fmt: skip
def bucket_encrypted(bucket: Resource, graph: Graph) -> Iterator[str]:
    """SSE-S3 is right only for logs whose delivery can't use a customer key, by the graph or the bucket's policy."""

    def accepted(default: Any) -> bool:
        algorithm = get(default, "sseAlgorithm")
        return algorithm in ("aws:kms", "aws:kms:dsse") or (algorithm == "AES256" and receives_logs(bucket, graph))

    if not some(each(_encryption(graph, bucket), _defaults), accepted):
        yield "its objects are not encrypted by KMS by default"


def _encryption(graph: Graph, bucket: Resource) -> Iterator[Any]:
    def separate(configuration: Resource) -> Iterator[Any]:
        yield from items(configuration, "rules")

    def inline(path: str) -> Iterator[Any]:
        yield from each(items(bucket, path), lambda configuration: items(configuration, "rule"))
        yield from each(items(bucket, path), lambda configuration: items(configuration, "rules"))

    yield from inline("serverSideEncryptionConfiguration")
    yield from inline("serverSideEncryptionConfigurations")
    yield from each(graph.referrers(bucket, "s3/bucketServerSideEncryptionConfiguration", "bucket"), separate)


def _defaults(encryption: Any) -> Iterator[Any]:
    yield from items(encryption, "applyServerSideEncryptionByDefault")
    yield from items(encryption, "applyServerSideEncryptionByDefaults")


@rule(
    "cache-encrypted", "elasticache/replicationGroup", "elasticache/cluster",
    family=FAMILY, severity="high", alone=True,
    title="Redis is encrypted where it is kept",
    controls="FSBP ElastiCache.4, CKV_AWS_29, cdk-nag AEC3",
    remediation="Use a replication group and set atRestEncryptionEnabled to true",
)  # fmt: skip
def cache_encrypted(cache: Resource, graph: Graph) -> Iterator[str]:
    """Valkey is where nothing is said. Memcached keeps nothing on disk."""
    if cache.short == "elasticache/cluster":
        if not is_member(cache) and is_redis(cache):
            yield "Redis outside a replication group can't be encrypted"
        return
    inherits(cache, "atRestEncryptionEnabled")
    if not given(cache, "atRestEncryptionEnabled") and get(cache, "engine") == "valkey":
        return
    if not yes(cache, "atRestEncryptionEnabled"):
        yield "what it keeps is not encrypted"


@rule(
    "cache-key", "elasticache/replicationGroup",
    family=FAMILY, severity="low", level="advisory",
    title="Redis is encrypted by a customer key",
    controls="CKV_AWS_191",
    remediation="Set kmsKeyId to a KMS key of this program",
)  # fmt: skip
def cache_key(cache: Resource, graph: Graph) -> Iterator[str]:
    inherits(cache, "kmsKeyId")
    yield from customer_key(graph, cache, "kmsKeyId")


@rule(
    "queue-encrypted", "sqs/queue",
    family=FAMILY, severity="high", alone=True,
    title="Queues are encrypted",
    controls="FSBP SQS.1, CKV_AWS_27, cdk-nag SQS2",
    remediation="Set kmsMasterKeyId to a KMS key of this program",
)  # fmt: skip
def queue_encrypted(queue: Resource, graph: Graph) -> Iterator[str]:
    if not given(queue, "kmsMasterKeyId") and not yes(queue, "sqsManagedSseEnabled"):
        yield "it is not encrypted"


@rule(
    "queue-key", "sqs/queue",
    family=FAMILY, severity="low", level="advisory",
    title="Queues are encrypted by a customer key",
    controls="CKV2_AWS_73",
    remediation="Set kmsMasterKeyId to a KMS key of this program, whose policy admits what sends to the queue",
)  # fmt: skip
def queue_key(queue: Resource, graph: Graph) -> Iterator[str]:
    yield from customer_key(graph, queue, "kmsMasterKeyId")


@rule(
    "topic-encrypted", "sns/topic",
    family=FAMILY, severity="high",
    title="Topics are encrypted by a customer key",
    controls="FSBP SNS.1, CKV_AWS_26, cdk-nag SNS2",
    remediation="Set kmsMasterKeyId to a KMS key of this program whose policy admits what publishes to the topic; "
    "AWS's own admits neither alarms nor events",
)  # fmt: skip
def topic_encrypted(topic: Resource, graph: Graph) -> Iterator[str]:
    yield from customer_key(graph, topic, "kmsMasterKeyId")


@rule(
    "schedule-key", "scheduler/schedule",
    family=FAMILY, severity="low", level="advisory",
    title="Schedules are encrypted by a customer key",
    controls="CKV_AWS_297",
    remediation="Set kmsKeyArn to a KMS key of this program that the target's role may use",
)  # fmt: skip
def schedule_key(schedule: Resource, graph: Graph) -> Iterator[str]:
    yield from customer_key(graph, schedule, "kmsKeyArn")


@rule(
    "repository-encrypted", "ecr/repository",
    family=FAMILY, severity="medium",
    title="Registries are encrypted by a customer key",
    controls="FSBP ECR.5, CKV_AWS_136",
    remediation="Set encryptionType to KMS and kmsKey to a KMS key of this program; it can't be changed later",
)  # fmt: skip
def repository_encrypted(repository: Resource, graph: Graph) -> Iterator[str]:
    if get(repository, "encryptionConfigurations.encryptionType") not in ("KMS", "KMS_DSSE"):
        yield "its images are not encrypted by KMS"
    else:
        yield from customer_key(graph, repository, "encryptionConfigurations.kmsKey")


@rule(
    "volume-encrypted", "ebs/volume", "ec2/launchTemplate", "ec2/launchConfiguration", "ec2/instance",
    family=FAMILY, severity="high", alone=True,
    title="Volumes are encrypted",
    controls="FSBP EC2.3, CKV_AWS_3, CKV_AWS_8, cdk-nag EC26",
    remediation="Set encrypted to true on every volume, the root volume included",
)  # fmt: skip
def volume_encrypted(resource: Resource, graph: Graph) -> Iterator[str]:
    """A machine image decides where nothing is said, so the root volume has to be declared."""
    if resource.short == "ebs/volume":
        if not yes(resource, "encrypted"):
            yield "it is not encrypted"
    elif resource.short == "ec2/launchTemplate":
        mappings = list(items(resource, "blockDeviceMappings"))
        if not mappings:
            yield "it declares no volume, so the machine image decides whether the root volume is encrypted"
        yield from each(mappings, _mapping_encrypted)
    else:
        if not given(resource, "rootBlockDevice") and not given(resource, "launchTemplate"):
            yield "it declares no root volume, so the machine image decides whether that is encrypted"
        yield from each(
            ("rootBlockDevice", "ebsBlockDevices"), lambda path: each(items(resource, path), _device_encrypted)
        )


def _mapping_encrypted(mapping: Any) -> Iterator[str]:
    if given(mapping, "noDevice") or given(mapping, "virtualName"):
        return  # an instance store, which AWS encrypts by itself, or nothing
    if not yes(mapping, "ebs.encrypted"):
        yield "a volume of its blockDeviceMappings is not encrypted"


def _device_encrypted(device: Any) -> Iterator[str]:
    if not yes(device, "encrypted"):
        yield "a volume of it is not encrypted"


@rule(
    "log-group-encrypted", "cloudwatch/logGroup",
    family=FAMILY, severity="medium",
    title="Log groups are encrypted by a customer key",
    controls="CKV_AWS_158, cdk-nag NIST.800.53.R5-CloudWatchLogGroupEncrypted",
    remediation="Set kmsKeyId to a KMS key whose policy admits CloudWatch Logs",
)  # fmt: skip
def log_group_encrypted(group: Resource, graph: Graph) -> Iterator[str]:
    yield from customer_key(graph, group, "kmsKeyId")


@rule(
    "trail-encrypted", "cloudtrail/trail",
    family=FAMILY, severity="medium",
    title="A trail's files are encrypted by a customer key",
    controls="FSBP CloudTrail.2, CIS AWS 3.0 3.5, CKV_AWS_35, cdk-nag NIST.800.53.R5-CloudTrailEncryptionEnabled",
    remediation="Set kmsKeyId to a KMS key whose policy admits CloudTrail",
)  # fmt: skip
def trail_encrypted(trail: Resource, graph: Graph) -> Iterator[str]:
    """Whatever the bucket's own encryption is: CloudTrail encrypts each file as it writes it."""
    yield from customer_key(graph, trail, "kmsKeyId")


@rule(
    "secret-encrypted", "secretsmanager/secret",
    family=FAMILY, severity="medium",
    title="Secrets are encrypted by a customer key",
    controls="CKV_AWS_149, cdk-nag NIST.800.53.R5-SecretsManagerUsingKMSKey",
    remediation="Set kmsKeyId to a KMS key of this program",
)  # fmt: skip
def secret_encrypted(secret: Resource, graph: Graph) -> Iterator[str]:
    yield from customer_key(graph, secret, "kmsKeyId")


@rule(
    "key-rotated", "kms/key",
    family=FAMILY, severity="medium", alone=True,
    title="KMS keys rotate",
    controls="FSBP KMS.4, CIS AWS 3.0 3.6, CKV_AWS_7, cdk-nag KMS5",
    remediation="Set enableKeyRotation to true",
)  # fmt: skip
def key_rotated(key: Resource, graph: Graph) -> Iterator[str]:
    """Only symmetric encryption keys can rotate; those in a custom key store can't."""
    if get(key, "customerMasterKeySpec") not in (None, "", "SYMMETRIC_DEFAULT"):
        return
    if get(key, "keyUsage") not in (None, "", "ENCRYPT_DECRYPT") or given(key, "customKeyStoreId"):
        return
    if not yes(key, "enableKeyRotation"):
        yield "it never rotates"
