import pytest

from components.security import EncryptionKey, Security, SecurityArgs
from tests.registered import by_sid, counts, of, one, run

ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def recording():
    return run(lambda: Security("security"))


def test_two_keys_each_with_an_alias(recording):
    assert counts(recording) == {"Alias": 2, "EncryptionByDefault": 1, "Key": 2}
    alias = one(recording, "kms/alias:Alias", "security-data")
    assert alias.inputs["name"] == "alias/platform-test-security-data"
    assert alias.property_dependencies["targetKeyId"] == [one(recording, "kms/key:Key", "security-data").urn]


def test_volumes_are_encrypted_by_default_and_stay_so_when_the_stack_goes(recording):
    default = one(recording, "ebs/encryptionByDefault:EncryptionByDefault", "security")
    assert default.inputs["enabled"] is True
    assert default.options["retainOnDelete"] is True
    without = run(lambda: Security("security", SecurityArgs(encrypt_volumes_by_default=False)))
    assert of(without, "ebs/encryptionByDefault:EncryptionByDefault") == {}


def test_keys_rotate_and_are_kept(recording):
    for key in of(recording, "kms/key:Key").values():
        assert key.inputs["enableKeyRotation"] is True
        assert key.inputs["rotationPeriodInDays"] == 365
        assert key.inputs["deletionWindowInDays"] == 30
        assert key.protect


def test_key_protection_is_a_setting():
    recording = run(lambda: Security("security", SecurityArgs(deletion_protection=False, deletion_window_days=7)))
    keys = of(recording, "kms/key:Key").values()
    assert [(key.protect, key.inputs["deletionWindowInDays"]) for key in keys] == [(False, 7), (False, 7)]


def test_logs_key_admits_each_service_for_this_account_only(recording):
    policy = by_sid(one(recording, "kms/key:Key", "security-logs").inputs["policy"])
    assert {sid: statement["Principal"].get("Service") for sid, statement in policy.items()} == {
        "AccountIam": None,
        "CloudTrailEncrypt": "cloudtrail.amazonaws.com",
        "CloudTrailDescribe": "cloudtrail.amazonaws.com",
        "CloudWatchAlarms": "cloudwatch.amazonaws.com",
        "EventBridge": "events.amazonaws.com",
        "LogDelivery": "delivery.logs.amazonaws.com",
        "LogDeliverySource": "delivery.logs.amazonaws.com",
        "CloudWatchLogs": "logs.eu-west-1.amazonaws.com",
        "Sns": "sns.amazonaws.com",
    }
    own = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    for sid in ("CloudWatchAlarms", "LogDelivery", "Sns"):
        assert policy[sid]["Condition"] == own
    logs = {"kms:EncryptionContext:SourceArn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"}
    assert policy["LogDeliverySource"]["Condition"] == {"StringEquals": logs}
    topics = {"kms:EncryptionContext:aws:sns:topicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:*"}
    assert policy["EventBridge"]["Condition"] == {"ArnLike": topics}
    assert policy["CloudWatchLogs"]["Condition"] == {
        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:*"}
    }
    trails = f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"
    assert policy["CloudTrailEncrypt"]["Condition"] == {
        "ArnLike": {"aws:SourceArn": trails, "kms:EncryptionContext:aws:cloudtrail:arn": trails}
    }


def test_data_key_admits_auto_scaling_by_a_condition(recording):
    policy = by_sid(one(recording, "kms/key:Key", "security-data").inputs["policy"])
    assert set(policy) == {"AccountIam", "AutoScalingUse", "AutoScalingGrant"}
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    assert policy["AutoScalingGrant"]["Action"] == "kms:CreateGrant"
    assert policy["AutoScalingGrant"]["Condition"] == {
        "StringEquals": {"kms:CallerAccount": ACCOUNT},
        "ArnEquals": {"aws:PrincipalArn": role},
        "Bool": {"kms:GrantIsForAWSResource": "true"},
    }


def test_policy_is_known_before_anything_exists():
    recording = run(lambda: Security("security"), unknown=True)
    for key in of(recording, "kms/key:Key").values():
        assert by_sid(key.inputs["policy"])["AccountIam"]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_a_key_can_lie_in_another_region():
    recording = run(lambda: EncryptionKey("logs", users=["logs"], region="us-east-1"))
    key = one(recording, "kms/key:Key", "logs")
    assert key.inputs["region"] == "us-east-1"
    assert by_sid(key.inputs["policy"])["CloudWatchLogs"]["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    assert one(recording, "kms/alias:Alias", "logs").inputs["region"] == "us-east-1"


@pytest.mark.parametrize("name", ["Logs", "a--b", "1st", "log_s", "x" * 41, ""])
def test_a_name_that_aws_could_not_take_is_refused(name):
    with pytest.raises(ValueError, match="component name"):
        run(lambda: EncryptionKey(name))
