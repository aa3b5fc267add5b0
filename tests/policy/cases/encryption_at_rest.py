from __future__ import annotations

import json

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, res

KEY = res("kms/key", "key")


def encryption(bucket: Made, algorithm: object) -> Made:
    rules = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}}]
    return res("s3/bucketServerSideEncryptionConfiguration", "encryption", bucket=bucket, rules=rules)


def encrypted(algorithm: object) -> list[Made]:
    bucket = res("s3/bucket", "data")
    return [bucket, encryption(bucket, algorithm)]


def delivered_to(type: str, **settings: object) -> list[Made]:
    """A bucket with SSE-S3 that something delivers its logs to; `settings` name the property, with the bucket in it."""
    bucket = res("s3/bucket", "logs")
    return [
        bucket,
        encryption(bucket, "AES256"),
        res(type, "sender", **{k: put(v, bucket) for k, v in settings.items()}),
    ]


def admitting(service: str, effect: str = "Allow") -> list[Made]:
    """A bucket with SSE-S3 whose policy lets a service write to it."""
    bucket = res("s3/bucket", "logs")
    statement = {"Effect": effect, "Principal": {"Service": service}, "Action": "s3:PutObject", "Resource": "*"}
    policy = res("s3/bucketPolicy", "policy", bucket=bucket, policy=json.dumps({"Statement": [statement]}))
    return [bucket, encryption(bucket, "AES256"), policy]


def put(value: object, bucket: Made) -> object:
    return (
        {key: put(item, bucket) for key, item in value.items()}
        if isinstance(value, dict)
        else bucket
        if value is None
        else value
    )


def inline(algorithm: object) -> dict[str, object]:
    return {"rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}}}


def template(*mappings: object) -> Made:
    return res("ec2/launchTemplate", "web", blockDeviceMappings=list(mappings))


PLAIN_PRIMARY = res("rds/instance", "primary", storageEncrypted=False)
PRIMARY = res("rds/instance", "primary", storageEncrypted=True)
ROOT = {"encrypted": True}

CASES = [
    *(
        case(
            "database-storage-encrypted",
            type,
            ok=[res(type, "db", storageEncrypted=True), *more],
            bad=[res(type, "db", storageEncrypted=False), res(type, "db")],
            unknown=[res(type, "db", storageEncrypted=UNKNOWN)],
        )
        for type, more in (
            ("rds/instance", [res("rds/instance", "replica", replicateSourceDb=PRIMARY)]),
            ("rds/cluster", []),
        )
    ),
    case(
        "database-replica-encrypted",
        "rds/instance",
        ok=[
            res("rds/instance", "replica", replicateSourceDb=PRIMARY),
            res("rds/instance", "replica", replicateSourceDb=PLAIN_PRIMARY, storageEncrypted=True),
            res("rds/instance", "db"),
        ],
        bad=[res("rds/instance", "replica", replicateSourceDb=PLAIN_PRIMARY)],
        unknown=[
            res("rds/instance", "replica", replicateSourceDb=UNKNOWN),
            res("rds/instance", "replica", replicateSourceDb="elsewhere"),
        ],
    ),
    *(
        case(
            "database-insights-key",
            type,
            ok=[
                res(type, "db", performanceInsightsEnabled=True, performanceInsightsKmsKeyId=arn(KEY)),
                res(type, "db", performanceInsightsEnabled=False),
                res(type, "db"),
            ],
            bad=[
                res(type, "db", performanceInsightsEnabled=True),
                res(type, "db", performanceInsightsEnabled=True, performanceInsightsKmsKeyId="alias/aws/rds"),
            ],
            unknown=[
                res(type, "db", performanceInsightsEnabled=UNKNOWN),
                res(type, "db", performanceInsightsEnabled=True, performanceInsightsKmsKeyId=UNKNOWN),
            ],
        )
        for type in ("rds/instance", "rds/cluster", "rds/clusterInstance")
    ),
    case(
        "bucket-encrypted",
        "s3/bucket",
        ok=[
            encrypted("aws:kms"),
            encrypted("aws:kms:dsse"),
            res("s3/bucket", "data", serverSideEncryptionConfiguration=inline("aws:kms")),
            res(
                "aws:s3/bucketV2:BucketV2",
                "data",
                serverSideEncryptionConfigurations=[
                    {"rules": [{"applyServerSideEncryptionByDefaults": [{"sseAlgorithm": "aws:kms"}]}]}
                ],
            ),
            delivered_to("aws:s3/bucketV2:BucketV2", loggings={"targetBucket": None}),
            delivered_to("lb/loadBalancer", accessLogs={"bucket": None}),
            delivered_to("lb/loadBalancer", connectionLogs={"bucket": None}),
            delivered_to("elb/loadBalancer", accessLogs={"bucket": None}),
            delivered_to("s3/bucketLogging", bucket="another", targetBucket=None),
            delivered_to("s3/bucket", logging={"targetBucket": None}),
            admitting("logdelivery.elasticloadbalancing.amazonaws.com"),
            admitting("logging.s3.amazonaws.com"),
        ],
        bad=[
            res("s3/bucket", "data"),
            encrypted("AES256"),
            res("s3/bucket", "data", serverSideEncryptionConfiguration=inline("AES256")),
            # Its own access logging makes a bucket no target.
            delivered_to("s3/bucketLogging", bucket=None, targetBucket="another"),
            admitting("logging.s3.amazonaws.com", effect="Deny"),
            # CloudFront and WAF can deliver to a bucket with a customer key.
            admitting("delivery.logs.amazonaws.com"),
            delivered_to("cloudfront/distribution", loggingConfig={"bucket": None}),
        ],
        unknown=[
            encrypted(UNKNOWN),
            [
                res("s3/bucket", "data"),
                res("s3/bucketServerSideEncryptionConfiguration", "a", bucket=UNKNOWN, rules=[]),
            ],
        ],
    ),
    case(
        "volume-encrypted",
        "ebs/volume",
        ok=[res("ebs/volume", "data", encrypted=True)],
        bad=[res("ebs/volume", "data"), res("ebs/volume", "data", encrypted=False)],
        unknown=[res("ebs/volume", "data", encrypted=UNKNOWN)],
    ),
    case(
        "volume-encrypted",
        "ec2/launchTemplate",
        ok=[
            template({"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}),
            template({"ebs": {"encrypted": "true"}}, {"virtualName": "ephemeral0"}, {"noDevice": "true"}),
        ],
        bad=[
            res("ec2/launchTemplate", "web"),
            template({"ebs": {"encrypted": "false"}}),
            template({"ebs": {"volumeSize": 8}}),
            template({"ebs": {"encrypted": UNKNOWN}}, {"ebs": {"encrypted": "false"}}),
            template(UNKNOWN, {"ebs": {"encrypted": "false"}}),
        ],
        unknown=[
            template({"ebs": {"encrypted": UNKNOWN}}),
            template({"ebs": UNKNOWN}),
            template(UNKNOWN),
            res("ec2/launchTemplate", "web", blockDeviceMappings=UNKNOWN),
        ],
    ),
    *(
        case(
            "volume-encrypted",
            type,
            ok=[res(type, "web", rootBlockDevice=ROOT, ebsBlockDevices=[ROOT])],
            bad=[
                res(type, "web"),
                res(type, "web", rootBlockDevice={"volumeSize": 8}),
                res(type, "web", rootBlockDevice=ROOT, ebsBlockDevices=[ROOT, {"encrypted": False}]),
                res(type, "web", rootBlockDevice=UNKNOWN, ebsBlockDevices=[{"encrypted": False}]),
            ],
            unknown=[
                res(type, "web", rootBlockDevice=UNKNOWN),
                res(type, "web", rootBlockDevice={"encrypted": UNKNOWN}),
            ],
        )
        for type in ("ec2/launchConfiguration", "ec2/instance")
    ),
    *(
        case(
            rule,
            type,
            ok=[
                res(type, "x", kmsKeyId=arn(KEY)),
                res(type, "x", kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/1"),
                res(type, "x", kmsKeyId=arn(res("kms/alias", "alias"))),
            ],
            bad=[res(type, "x"), res(type, "x", kmsKeyId=""), res(type, "x", kmsKeyId="alias/aws/secretsmanager")],
            unknown=[res(type, "x", kmsKeyId=UNKNOWN)],
        )
        for rule, type in (
            ("log-group-encrypted", "cloudwatch/logGroup"),
            ("trail-encrypted", "cloudtrail/trail"),
            ("secret-encrypted", "secretsmanager/secret"),
        )
    ),
    case(
        "key-rotated",
        "kms/key",
        ok=[
            res("kms/key", "key", enableKeyRotation=True),
            res("kms/key", "key", customerMasterKeySpec="RSA_2048", keyUsage="SIGN_VERIFY"),
            res("kms/key", "key", keyUsage="GENERATE_VERIFY_MAC"),
            res("kms/key", "key", customKeyStoreId="store"),
        ],
        bad=[
            res("kms/key", "key"),
            res("kms/key", "key", enableKeyRotation=False),
            res("kms/key", "key", enableKeyRotation=False, customerMasterKeySpec="SYMMETRIC_DEFAULT"),
        ],
        unknown=[res("kms/key", "key", enableKeyRotation=UNKNOWN)],
    ),
]
