"""The place of the state: the template by itself, and what a simulated CloudFormation makes of it."""

import re
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


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms as text: `!GetAtt Key.Arn` is `${Key.Arn}`, and so it is in `!Sub`."""


def short_form(loader, suffix, node):
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value if suffix == "Sub" else f"${{{node.value}}}"


Loader.add_multi_constructor("!", short_form)


@pytest.fixture(scope="module")
def template():
    return yaml.load(TEMPLATE.read_text(), Loader)  # noqa: S506  a safe loader


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield {service: boto3.client(service, region_name=REGION) for service in ("cloudformation", "kms", "s3")}


def test_cfn_lint_finds_nothing():
    linter = [str(Path(sys.executable).with_name("cfn-lint")), "--include-checks", "I", "--", str(TEMPLATE)]
    found = subprocess.run(linter, capture_output=True, text=True)
    assert (found.stdout, found.returncode) == ("", 0)


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy")  # which moto leaves out
def test_applied_it_says_what_pulumi_is_given(aws):
    aws["cloudformation"].create_stack(StackName="state", TemplateBody=TEMPLATE.read_text())
    (stack,) = aws["cloudformation"].describe_stacks(StackName="state")["Stacks"]
    assert {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]} == {
        "Bucket": BUCKET,
        "Login": f"pulumi login 's3://{BUCKET}?region={REGION}'",
        "SecretsProvider": f"awskms://alias/platform-state?region={REGION}",
    }
    (alias,) = (found for found in aws["kms"].list_aliases()["Aliases"] if found["AliasName"] == "alias/platform-state")
    key = f"arn:aws:kms:{REGION}:123456789012:key/{alias['TargetKeyId']}"
    (rule,) = aws["s3"].get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}


def test_the_key_rotates_and_is_the_accounts(template):
    key = template["Resources"]["Key"]["Properties"]
    assert key["EnableKeyRotation"] is True
    (statement,) = key["KeyPolicy"]["Statement"]
    assert statement["Principal"] == {"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}


def test_the_bucket_is_private_and_keeps_old_versions(template):
    bucket = template["Resources"]["Bucket"]["Properties"]
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": "${OldVersionDays}", "NewerNoncurrentVersions": 20}
    assert "ExpirationInDays" not in rule
    assert bucket["LoggingConfiguration"][1]["DestinationBucketName"] == "${LogBucket}"


def test_the_longest_project_makes_a_name_that_s3_takes(template):
    longest = "p" * template["Parameters"]["Project"]["MaxLength"]
    assert len(BUCKET.replace("platform", longest).replace(REGION, "ap-southeast-1")) == 63
    assert re.fullmatch(template["Parameters"]["Project"]["AllowedPattern"], longest)


def test_its_policy_is_that_of_the_programs_own_buckets_and_allows_no_other_key(template):
    def program():
        SecureBucket("own", key=security().data, logs=logs())

    policy = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    found = {statement["Sid"]: statement for statement in policy}
    own = by_sid(one(run(program), "s3/bucketPolicy:BucketPolicy", "own").inputs["policy"])
    other_keys = found.pop("DenyOtherKeys")
    for statement in (*own.values(), *found.values()):
        assert statement.pop("Resource")[1].endswith("/*")
    assert found == own
    assert (other_keys["Effect"], other_keys["Action"]) == ("Deny", "s3:PutObject")
    assert other_keys["Condition"] == {
        "StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "${Key.Arn}"},
        "Null": {"s3:x-amz-server-side-encryption": "false"},
    }


def test_nothing_goes_with_the_stack(template):
    for resource in template["Resources"].values():
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
