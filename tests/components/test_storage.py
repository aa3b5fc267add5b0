from functools import partial

import pytest
from pydantic import ValidationError

from components.storage import BucketArgs, LogBucketArgs, SecureBucket
from tests.components.tiers import logs, security
from tests.registered import by_sid, counts, of, one, run, waits_for

ACCOUNT = "123456789012"


def bucket(args: BucketArgs | None = None, name: str = "data") -> SecureBucket:
    return SecureBucket(name, args, key=security().data, logs=logs())


@pytest.fixture(scope="module")
def recording():
    return run(bucket)


def test_counts(recording):
    settings = ("LifecycleConfiguration", "OwnershipControls", "Policy", "PublicAccessBlock", "Versioning")
    expected = {f"Bucket{setting}": 2 for setting in (*settings, "ServerSideEncryptionConfiguration")}
    assert (
        counts(recording)
        == {"Alias": 2, "Bucket": 2, "BucketLogging": 1, "EncryptionByDefault": 1, "Key": 2} | expected
    )


def test_name_holds_project_stack_account_and_region(recording):
    assert one(recording, "s3/bucket:Bucket", "data").inputs["bucket"] == f"platform-test-data-{ACCOUNT}-eu-west-1"


@pytest.mark.parametrize("length", [5, 30, 40])
def test_longest_names_stay_within_the_limit_and_apart(length):
    region = "ap-southeast-1"
    names = ("x" * length, "x" * (length - 1) + "y")
    recorded = {name: run(partial(bucket, name=name), region=region) for name in names}
    found = {one(recording, "s3/bucket:Bucket", name).inputs["bucket"] for name, recording in recorded.items()}
    assert len(found) == 2
    assert max(map(len, found)) <= 63


def test_encryption(recording):
    encryption = of(recording, "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
    rules = {name: r.inputs["rules"][0] for name, r in encryption.items()}
    assert rules["data"]["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert rules["data"]["bucketKeyEnabled"] is True
    assert encryption["data"].property_dependencies["rules"] == [one(recording, "kms/key:Key", "security-data").urn]
    # Load balancers and S3 access logs can't be delivered under a customer key.
    assert rules["logs"]["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_nothing_is_public(recording):
    for block in of(recording, "s3/bucketPublicAccessBlock:BucketPublicAccessBlock").values():
        flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert [block.inputs[flag] for flag in flags] == [True] * 4
    for controls in of(recording, "s3/bucketOwnershipControls:BucketOwnershipControls").values():
        assert controls.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    for versioning in of(recording, "s3/bucketVersioning:BucketVersioning").values():
        assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}


@pytest.mark.parametrize("unknown", [False, True])
def test_policy_demands_tls_and_is_known_in_a_preview(unknown):
    policy = by_sid(one(run(bucket, unknown=unknown), "s3/bucketPolicy:BucketPolicy", "data").inputs["policy"])
    arn = f"arn:aws:s3:::platform-test-data-{ACCOUNT}-eu-west-1"
    assert {sid: (s["Effect"], s["Principal"], s["Resource"]) for sid, s in policy.items()} == {
        "DenyInsecureTransport": ("Deny", "*", [arn, f"{arn}/*"]),
        "DenyOldTls": ("Deny", "*", [arn, f"{arn}/*"]),
    }
    assert policy["DenyInsecureTransport"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert policy["DenyOldTls"]["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}


def test_log_bucket_admits_each_service_where_it_writes(recording):
    policy = by_sid(one(recording, "s3/bucketPolicy:BucketPolicy", "logs").inputs["policy"])
    arn = f"arn:aws:s3:::platform-test-logs-{ACCOUNT}-eu-west-1"
    assert {
        sid: (s["Principal"]["Service"], s["Action"], s["Resource"])
        for sid, s in policy.items()
        if s["Effect"] == "Allow"
    } == {
        "LoadBalancers": (
            "logdelivery.elasticloadbalancing.amazonaws.com",
            "s3:PutObject",
            f"{arn}/elb/AWSLogs/{ACCOUNT}/*",
        ),
        "LogDeliveryElb": ("delivery.logs.amazonaws.com", "s3:PutObject", f"{arn}/elb/AWSLogs/{ACCOUNT}/*"),
        "LogDeliveryVended": ("delivery.logs.amazonaws.com", "s3:PutObject", f"{arn}/AWSLogs/{ACCOUNT}/*"),
        "LogDeliveryAcl": ("delivery.logs.amazonaws.com", "s3:GetBucketAcl", arn),
        "S3AccessLogs": ("logging.s3.amazonaws.com", "s3:PutObject", f"{arn}/s3/*"),
        "CloudTrail": ("cloudtrail.amazonaws.com", "s3:PutObject", f"{arn}/cloudtrail/AWSLogs/{ACCOUNT}/*"),
        "CloudTrailAcl": ("cloudtrail.amazonaws.com", "s3:GetBucketAcl", arn),
    }
    for sid, statement in policy.items():
        if statement["Effect"] == "Allow":
            assert ACCOUNT in str(statement["Condition"]), f"{sid} is open to other accounts' resources"
    # Whether ELB sends its source is documented nowhere: demanding it could keep the load balancer from being made.
    assert policy["LoadBalancers"]["Condition"] == {
        "ArnLikeIfExists": {"aws:SourceArn": f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:loadbalancer/*"}
    }


def test_order(recording):
    policy = one(recording, "s3/bucketPolicy:BucketPolicy", "data")
    assert waits_for(recording, policy, one(recording, "s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "data"))
    lifecycle = one(recording, "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "data")
    assert waits_for(recording, lifecycle, one(recording, "s3/bucketVersioning:BucketVersioning", "data"))
    logging = one(recording, "s3/bucketLogging:BucketLogging", "data")
    assert waits_for(recording, logging, one(recording, "s3/bucketPolicy:BucketPolicy", "logs"))
    assert logging.inputs["targetPrefix"] == "s3/data/"


def test_protection_and_lifecycle_are_settings():
    args = BucketArgs(
        deletion_protection=False,
        force_destroy=True,
        infrequent_access_days=30,
        expiration_days=90,
        noncurrent_expiration_days=5,
    )
    recorded = run(lambda: bucket(args))
    made = one(recorded, "s3/bucket:Bucket", "data")
    assert (made.protect, made.inputs["forceDestroy"]) == (False, True)
    rules = one(recorded, "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "data").inputs["rules"]
    assert {rule["id"]: rule for rule in rules} == {
        "clean-up": {
            "id": "clean-up",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            "noncurrentVersionExpiration": {"noncurrentDays": 5},
        },
        "infrequent-access": {
            "id": "infrequent-access",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "transitions": [{"days": 30, "storageClass": "STANDARD_IA"}],
        },
        "expire": {"id": "expire", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 90}},
    }
    kept = one(run(bucket), "s3/bucket:Bucket", "data")
    assert (kept.protect, kept.inputs["forceDestroy"]) == (True, False)


@pytest.mark.parametrize(
    ("args", "changes", "path"),
    [
        (BucketArgs, {"force_destroy": True}, "force_destroy"),
        (BucketArgs, {"infrequent_access_days": 29}, "infrequent_access_days"),
        (BucketArgs, {"expiration_days": 0}, "expiration_days"),
        (BucketArgs, {"expiration_days": 30, "infrequent_access_days": 30}, "expiration_days"),
        (LogBucketArgs, {"expiration_days": 60}, "expiration_days"),
        (BucketArgs, {"noncurrent_expiration_days": 0}, "noncurrent_expiration_days"),
    ],
)
def test_bad_arguments(args, changes, path):
    with pytest.raises(ValidationError) as wrong:
        args.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [(path,)]
