from __future__ import annotations

from policy.graph import UNKNOWN
from tests.policy.build import Made, case, name, res

BUCKET = res("s3/bucket", "data")
GROUP = res("autoscaling/group", "web")


def versioning(bucket: object, status: object) -> Made:
    return res("s3/bucketVersioning", "versions", bucket=bucket, versioningConfiguration={"status": status})


CASES = [
    *(
        case(
            "database-backed-up",
            type,
            ok=[res(type, "db", backupRetentionPeriod=7), *more],
            bad=[res(type, "db", backupRetentionPeriod=0), *worse],
            unknown=[res(type, "db", backupRetentionPeriod=UNKNOWN)],
        )
        for type, more, worse in (
            ("rds/instance", [res("rds/instance", "replica", replicateSourceDb="db")], [res("rds/instance", "db")]),
            ("rds/cluster", [res("rds/cluster", "db")], []),
        )
    ),
    *(
        case(
            "database-deletion-protected",
            type,
            ok=[res(type, "db", deletionProtection=True), *more],
            bad=[res(type, "db"), res(type, "db", deletionProtection=False)],
            unknown=[res(type, "db", deletionProtection=UNKNOWN)],
        )
        for type, more in (
            ("rds/instance", [res("rds/instance", "replica", replicateSourceDb="db")]),
            ("rds/cluster", []),
        )
    ),
    *(
        case(
            "database-final-snapshot",
            type,
            ok=[res(type, "db"), res(type, "db", replicateSourceDb="db", skipFinalSnapshot=True)],
            bad=[res(type, "db", skipFinalSnapshot=True)],
            unknown=[res(type, "db", skipFinalSnapshot=UNKNOWN)],
        )
        for type in ("rds/instance", "rds/cluster")
    ),
    case(
        "database-multi-az",
        "rds/instance",
        ok=[res("rds/instance", "db", multiAz=True), res("rds/instance", "db", replicateSourceDb="db")],
        bad=[res("rds/instance", "db"), res("rds/instance", "db", multiAz=False)],
        unknown=[res("rds/instance", "db", multiAz=UNKNOWN)],
    ),
    case(
        "bucket-versioned",
        "s3/bucket",
        ok=[
            [BUCKET, versioning(BUCKET, "Enabled")],
            res("s3/bucket", "data", versioning={"enabled": True}),
            res("aws:s3/bucketV2:BucketV2", "data", versionings=[{"enabled": True}]),
        ],
        bad=[BUCKET, [BUCKET, versioning(BUCKET, "Suspended")], [BUCKET, versioning("another", "Enabled")]],
        unknown=[[BUCKET, versioning(BUCKET, UNKNOWN)], [BUCKET, versioning(UNKNOWN, "Enabled")]],
    ),
    case(
        "load-balancer-deletion-protected",
        "lb/loadBalancer",
        ok=[res("lb/loadBalancer", "alb", enableDeletionProtection=True)],
        bad=[res("lb/loadBalancer", "alb")],
        unknown=[res("lb/loadBalancer", "alb", enableDeletionProtection=UNKNOWN)],
    ),
    case(
        "group-health-checked",
        "autoscaling/group",
        ok=[GROUP, res("autoscaling/group", "web", targetGroupArns=["arn"], healthCheckType="ELB")],
        bad=[
            res("autoscaling/group", "web", targetGroupArns=["arn"]),
            res("autoscaling/group", "web", targetGroupArns=["arn"], healthCheckType="EC2"),
            [GROUP, res("autoscaling/attachment", "a", autoscalingGroupName=name(GROUP), lbTargetGroupArn="arn")],
        ],
        unknown=[
            res("autoscaling/group", "web", targetGroupArns=["arn"], healthCheckType=UNKNOWN),
            [GROUP, res("autoscaling/attachment", "a", autoscalingGroupName=UNKNOWN, lbTargetGroupArn="arn")],
        ],
    ),
]
