"""The place of the state: what CloudFormation makes of the template, on a simulated AWS, and what cfn-lint says of it."""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from moto import mock_aws

from components.storage import SecureBucket
from tests.components.tiers import logs, security
from tests.registered import ROOT, by_sid, one, run

TEMPLATE = ROOT / "delivery" / "bootstrap.yaml"
REGION = "eu-west-1"
BUCKET = f"platform-state-123456789012-{REGION}"


def test_cfn_lint_finds_nothing():
    linter = [str(Path(sys.executable).with_name("cfn-lint")), "--include-checks", "I", "--", str(TEMPLATE)]
    found = subprocess.run(linter, capture_output=True, text=True)
    assert (found.stdout, found.returncode) == ("", 0)


@pytest.fixture(params=[{}, {"OldVersionDays": "30", "LogBucket": "logs"}], ids=["defaults", "logged"])
def made(request, monkeypatch):
    """What the stack has made, by AWS's own answers."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        clients = {service: boto3.client(service, region_name=REGION) for service in ("cloudformation", "kms", "s3")}
        if "LogBucket" in request.param:
            where = {"LocationConstraint": REGION}
            clients["s3"].create_bucket(Bucket="logs", CreateBucketConfiguration=where)
            admit = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject"}
            policy = {"Version": "2012-10-17", "Statement": [admit | {"Resource": "arn:aws:s3:::logs/s3/*"}]}
            clients["s3"].put_bucket_policy(Bucket="logs", Policy=json.dumps(policy))
        clients["cloudformation"].create_stack(
            StackName="state",
            TemplateBody=TEMPLATE.read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in request.param.items()],
        )
        (stack,) = clients["cloudformation"].describe_stacks(StackName="state")["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        yield clients, outputs, request.param


def test_the_outputs_say_what_pulumi_is_given(made):
    _, outputs, _ = made
    assert outputs == {
        "Bucket": BUCKET,
        "Login": f"pulumi login 's3://{BUCKET}?region={REGION}'",
        "SecretsProvider": f"awskms://alias/platform-state?region={REGION}",
    }


def test_the_key_rotates_and_is_known_by_its_alias(made):
    clients, _, _ = made
    key = clients["kms"].describe_key(KeyId="alias/platform-state")["KeyMetadata"]
    assert (key["KeyManager"], key["KeyState"]) == ("CUSTOMER", "Enabled")
    assert clients["kms"].get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True
    policy = json.loads(clients["kms"].get_key_policy(KeyId=key["KeyId"])["Policy"])
    assert [statement["Principal"] for statement in policy["Statement"]] == [{"AWS": "arn:aws:iam::123456789012:root"}]


def test_the_state_is_encrypted_by_it_versioned_and_private(made):
    clients, _, _ = made
    s3 = clients["s3"]
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": clients["kms"].describe_key(KeyId="alias/platform-state")["KeyMetadata"]["Arn"],
    }
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    blocks = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert len(blocks) == 4 and all(blocks.values())
    ownership = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_old_versions_go_some_day_but_for_the_newest(made):
    clients, _, parameters = made
    (rule,) = clients["s3"].get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    days = int(parameters.get("OldVersionDays", 365))
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": days, "NewerNoncurrentVersions": 20}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rule["Status"] == "Enabled" and "Expiration" not in rule


def test_access_is_logged_where_there_is_a_bucket_for_it(made):
    clients, _, parameters = made
    logged = clients["s3"].get_bucket_logging(Bucket=BUCKET).get("LoggingEnabled")
    assert (logged or {}).get("TargetBucket") == parameters.get("LogBucket")


def test_its_policy_is_that_of_the_programs_own_buckets_and_allows_no_other_key(made):
    def program():
        SecureBucket("own", key=security().data, logs=logs())

    clients, _, _ = made
    found = by_sid(clients["s3"].get_bucket_policy(Bucket=BUCKET)["Policy"])
    own = by_sid(one(run(program), "s3/bucketPolicy:BucketPolicy", "own").inputs["policy"])
    other_keys = found.pop("DenyOtherKeys")
    assert {sid: statement["Condition"] for sid, statement in found.items()} == {
        sid: statement["Condition"] for sid, statement in own.items()
    }
    for statement in found.values():
        assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    arn = clients["kms"].describe_key(KeyId="alias/platform-state")["KeyMetadata"]["Arn"]
    assert other_keys["Condition"] == {
        "StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": arn},
        "Null": {"s3:x-amz-server-side-encryption": "false"},
    }


def test_nothing_goes_with_the_stack():
    class Loader(yaml.SafeLoader):
        """CloudFormation's short forms as what they hold."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: node.value)
    resources = yaml.load(TEMPLATE.read_text(), Loader)["Resources"]  # noqa: S506  a safe loader
    for resource in resources.values():
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
