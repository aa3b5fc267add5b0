from typing import get_args

import pulumi
import pytest
from pydantic import ValidationError

from components.audit import Audit, AuditAlarm, AuditArgs
from components.storage import SecureBucket
from tests.components.filter_patterns import NotAPattern, matches
from tests.components.tiers import logs, security
from tests.registered import by_sid, counts, of, one, run, statements, waits_for

TRAILS = "arn:aws:cloudtrail:*:123456789012:trail/*"
STREAMS = "arn:aws:logs:eu-west-1:123456789012:log-group:/platform/test/audit:log-stream:123456789012_"
BUCKET = "platform-test-orders-123456789012-eu-west-1"


def audit(*, unknown=False, name="audit", buckets=("orders",), **changes):
    def program():
        keys, log_bucket = security(), logs()
        made = [SecureBucket(bucket, key=keys.data, logs=log_bucket) for bucket in buckets]
        args = AuditArgs.model_validate(changes)
        tier = Audit(name, args, logs=log_bucket, logs_key=keys.logs, buckets=made)
        pulumi.export("trail", tier.trail_arn)
        pulumi.export("alarms", {key: watched.name for key, watched in tier.alarms.items()})

    return run(program, unknown=unknown)


@pytest.fixture(scope="module", params=[False, True], ids=["known", "first preview"])
def recording(request):
    return audit(unknown=request.param)


def trail(recording, name="audit"):
    return one(recording, "cloudtrail/trail:Trail", name)


def patterns(recording):
    filters = of(recording, "cloudwatch/logMetricFilter:LogMetricFilter").values()
    return {made.inputs["name"]: made.inputs["pattern"] for made in filters}


def test_it_adds_exactly_this(recording):
    found = counts(recording)
    assert found["Trail"] == found["LogGroup"] == found["Role"] == found["RolePolicy"] == 1
    assert found["LogMetricFilter"] == found["MetricAlarm"] == 15


# -- The trail ---------------------------------------------------------------------------------------------------------


def test_the_trail_sees_every_region_and_its_files_prove_themselves(recording):
    inputs = trail(recording).inputs
    assert inputs["name"] == "platform-test-audit"
    assert inputs["isMultiRegionTrail"] is inputs["includeGlobalServiceEvents"] is True
    assert inputs["enableLogFileValidation"] is inputs["enableLogging"] is True
    assert recording.outputs["trail"] == "arn:aws:cloudtrail:eu-west-1:123456789012:trail/platform-test-audit"
    assert "isOrganizationTrail" not in inputs


def test_management_events_are_recorded_whole_and_objects_of_the_sensitive_buckets_too(recording):
    management, data = trail(recording).inputs["advancedEventSelectors"]
    assert management["fieldSelectors"] == [{"field": "eventCategory", "equals": ["Management"]}]
    assert data["fieldSelectors"] == [
        {"field": "eventCategory", "equals": ["Data"]},
        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
        {"field": "resources.ARN", "startsWiths": [f"arn:aws:s3:::{BUCKET}/"]},
    ]


def test_what_is_recorded_is_a_setting():
    def selectors(**changes):
        return trail(audit(**changes)).inputs["advancedEventSelectors"]

    assert len(selectors(data_events="none")) == len(selectors(buckets=())) == 1
    assert selectors(data_events="write")[1]["fieldSelectors"][3:] == [{"field": "readOnly", "equals": ["false"]}]
    quiet = selectors(
        exclude_kms_events=True, exclude_rds_data_events=True, alarms={"left_out": ["key-deletion"]}, buckets=()
    )
    assert quiet[0]["fieldSelectors"] == [
        {"field": "eventCategory", "equals": ["Management"]},
        {"field": "eventSource", "notEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]},
    ]
    assert trail(audit(multi_region=False)).inputs["isMultiRegionTrail"] is False


def test_insights_are_a_setting_and_have_an_alarm_and_a_log_stream(recording):
    assert "insightSelectors" not in trail(recording).inputs
    noticing = audit(insights=["ApiCallRateInsight", "ApiErrorRateInsight"])
    assert trail(noticing).inputs["insightSelectors"] == [
        {"insightType": "ApiCallRateInsight"},
        {"insightType": "ApiErrorRateInsight"},
    ]
    begun = {"eventType": "AwsCloudTrailInsight", "insightDetails": {"state": "Start"}}
    assert matches(patterns(noticing)["insight"], begun)
    assert not matches(patterns(noticing)["insight"], begun | {"insightDetails": {"state": "End"}})
    assert not matches(patterns(noticing)["insight"], event("DescribeInstances"))
    assert "insight" in noticing.outputs["alarms"]
    (statement,) = statements(one(noticing, "iam/rolePolicy:RolePolicy", "audit").inputs["policy"])
    assert statement["Resource"] == [f"{STREAMS}CloudTrail_eu-west-1*", f"{STREAMS}CloudTrail-Insight_eu-west-1*"]


def test_the_trail_and_its_log_group_stay(recording):
    group = one(recording, "cloudwatch/logGroup:LogGroup", "audit")
    assert (trail(recording).protect, group.protect) == (True, True)
    open_to_change = audit(deletion_protection=False)
    assert not trail(open_to_change).protect
    assert not one(open_to_change, "cloudwatch/logGroup:LogGroup", "audit").protect


# -- Where it delivers -------------------------------------------------------------------------------------------------


def test_the_log_bucket_admits_the_trail_where_it_writes(recording):
    made, policy = trail(recording), one(recording, "s3/bucketPolicy:BucketPolicy", "logs")
    assert made.inputs["s3BucketName"] == "platform-test-logs-123456789012-eu-west-1"
    assert made.inputs["s3KeyPrefix"] == "cloudtrail"
    admitted = by_sid(policy.inputs["policy"])
    arn = f"arn:aws:s3:::{made.inputs['s3BucketName']}"
    common = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"ArnLike": {"aws:SourceArn": TRAILS}}
    assert admitted["CloudTrailAcl"] == common | {
        "Sid": "CloudTrailAcl",
        "Action": "s3:GetBucketAcl",
        "Resource": arn,
        "Condition": source,
    }
    # Files, digests (CloudTrail-Digest) and insights (CloudTrail-Insight) all lie below this.
    assert admitted["CloudTrail"] == common | {
        "Sid": "CloudTrail",
        "Action": "s3:PutObject",
        "Resource": f"{arn}/{made.inputs['s3KeyPrefix']}/AWSLogs/123456789012/*",
        "Condition": source | {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
    }
    # CloudTrail encrypts each object by itself. With a bucket key it would have to decrypt too, which the key denies.
    encryption = one(
        recording, "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "logs"
    )
    assert encryption.inputs["rules"][0]["bucketKeyEnabled"] is False


def test_the_key_admits_cloudtrail_for_this_accounts_trails(recording):
    key = one(recording, "kms/key:Key", "security-logs")
    assert trail(recording).property_dependencies["kmsKeyId"] == [key.urn]
    admitted = by_sid(key.inputs["policy"])
    common = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Resource": "*"}
    assert admitted["CloudTrailEncrypt"] == common | {
        "Sid": "CloudTrailEncrypt",
        "Action": ["kms:GenerateDataKey*"],
        "Condition": {"ArnLike": {"aws:SourceArn": TRAILS, "kms:EncryptionContext:aws:cloudtrail:arn": TRAILS}},
    }
    assert admitted["CloudTrailDescribe"] == common | {
        "Sid": "CloudTrailDescribe",
        "Action": ["kms:DescribeKey"],
        "Condition": {"ArnLike": {"aws:SourceArn": TRAILS}},
    }


def test_the_log_group_is_encrypted_and_kept_as_long_as_it_says(recording):
    group = one(recording, "cloudwatch/logGroup:LogGroup", "audit")
    assert (group.inputs["name"], group.inputs["retentionInDays"]) == ("/platform/test/audit", 365)
    key = one(recording, "kms/key:Key", "security-logs")
    assert group.property_dependencies["kmsKeyId"] == [key.urn]
    logs_statement = by_sid(key.inputs["policy"])["CloudWatchLogs"]
    assert logs_statement["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    changed = audit(retention_days=90)
    assert one(changed, "cloudwatch/logGroup:LogGroup", "audit").inputs["retentionInDays"] == 90


def test_cloudtrail_writes_to_its_own_log_streams_alone(recording):
    role, policy = one(recording, "iam/role:Role", "audit"), one(recording, "iam/rolePolicy:RolePolicy", "audit")
    assert statements(role.inputs["assumeRolePolicy"]) == [
        {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
    assert statements(policy.inputs["policy"]) == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"{STREAMS}CloudTrail_eu-west-1*"],
        }
    ]
    assert trail(recording).property_dependencies["cloudWatchLogsRoleArn"] == [role.urn]


def test_the_log_groups_arn_is_what_cloudtrail_takes():
    arn = trail(audit()).inputs["cloudWatchLogsGroupArn"]
    assert arn == "arn:aws:logs:eu-west-1:123456789012:log-group:/platform/test/audit:*"


@pytest.mark.parametrize(
    ("type_token", "name"),
    [
        ("s3/bucketPolicy:BucketPolicy", "logs"),
        ("iam/rolePolicy:RolePolicy", "audit"),
        ("kms/key:Key", "security-logs"),
        ("cloudwatch/logGroup:LogGroup", "audit"),
        ("s3/bucket:Bucket", "orders"),
    ],
)
def test_the_trail_waits_for(recording, type_token, name):
    assert waits_for(recording, trail(recording), one(recording, type_token, name))


# -- What pages --------------------------------------------------------------------------------------------------------


def event(name, source="ec2", **more):
    """A management event, as CloudTrail writes it."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/deploy/ci"},
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "eventCategory": "Management",
    } | more


def sign_in(result="Success", mfa="Yes", by="IAMUser", **more):
    return event(
        "ConsoleLogin",
        "signin",
        eventType="AwsConsoleSignIn",
        userIdentity={"type": by},
        responseElements={"ConsoleLogin": result},
        additionalEventData={"MFAUsed": mfa},
        **more,
    )


ROOT = {"userIdentity": {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}}
SERVICE_FOR_ROOT = {"userIdentity": {"type": "Root", "invokedBy": "cloudfront.amazonaws.com"}}
FAILED = {"errorMessage": "Failed authentication"}

FOUND = {
    "root-use": [event("ListBuckets", "s3", **ROOT), sign_in(by="Root")],
    "unauthorized-calls": [
        event("RunInstances", errorCode="Client.UnauthorizedOperation"),
        event("ListBuckets", "s3", errorCode="AccessDenied"),
        event("Decrypt", "kms", errorCode="AccessDeniedException"),
    ],
    "sign-in-without-mfa": [sign_in(mfa="No")],
    "iam-changes": [event("PutRolePolicy", "iam"), event("DetachUserPolicy", "iam"), event("DeletePolicy", "iam")],
    "trail-changes": [event("StopLogging", "cloudtrail"), event("DeleteTrail", "cloudtrail")],
    "sign-in-failures": [sign_in("Failure", **FAILED)],
    "key-deletion": [event("ScheduleKeyDeletion", "kms"), event("DisableKey", "kms")],
    "bucket-policy-changes": [event("PutBucketPolicy", "s3"), event("DeleteBucketPolicy", "s3")],
    "config-changes": [event("StopConfigurationRecorder", "config")],
    "security-group-changes": [event("AuthorizeSecurityGroupIngress"), event("CreateSecurityGroup")],
    "network-acl-changes": [event("ReplaceNetworkAclEntry")],
    "gateway-changes": [event("AttachInternetGateway"), event("DeleteCustomerGateway")],
    "route-changes": [event("CreateRoute"), event("DisassociateRouteTable")],
    "vpc-changes": [event("CreateVpc"), event("AcceptVpcPeeringConnection")],
    "organization-changes": [event("LeaveOrganization", "organizations"), event("AttachPolicy", "organizations")],
}
NOT_FOUND = [
    event("DescribeInstances", errorCode="Client.InvalidInstanceID.NotFound"),
    event("GenerateDataKey", "kms"),
    event("DeletePolicy", "autoscaling"),  # which once set off the alarm on IAM's event of that name
    event("CreateRoute", "appmesh"),
    event("DeleteBucketPolicy", "s3control"),
    event("ListBuckets", "s3", **SERVICE_FOR_ROOT),
    event("RotateKey", "kms", eventType="AwsServiceEvent", **ROOT),
    sign_in(),
    sign_in("Failure", errorMessage="No username found in supplied account"),
    sign_in(mfa="No", by="AssumedRole"),  # through an identity provider, which asks for the second factor itself
]


@pytest.mark.parametrize("alarm", get_args(AuditAlarm))
def test_a_pattern_finds_its_events_and_no_other_alarms(recording, alarm):
    pattern = patterns(recording)[alarm]
    for other, events in FOUND.items():
        for each in events:
            assert matches(pattern, each) is (alarm == other), (alarm, each)
    assert not any(matches(pattern, each) for each in NOT_FOUND)


def test_patterns_name_every_event_that_the_benchmark_names(recording):
    """Counted in its text: one left out would not be missed otherwise."""
    named = {key: pattern.count("$.eventName") for key, pattern in patterns(recording).items()}
    assert named == {
        "root-use": 0,
        "unauthorized-calls": 0,
        "sign-in-without-mfa": 1,
        "iam-changes": 16,
        "trail-changes": 5,
        "sign-in-failures": 1,
        "key-deletion": 2,
        "bucket-policy-changes": 9,
        "config-changes": 4,
        "security-group-changes": 6,
        "network-acl-changes": 6,
        "gateway-changes": 6,
        "route-changes": 7,
        "vpc-changes": 11,
        "organization-changes": 18,
    }


def test_a_pattern_is_security_hubs_to_the_letter(recording):
    found = patterns(recording)
    assert found["trail-changes"] == (
        "{($.eventName=CreateTrail) || ($.eventName=UpdateTrail) || ($.eventName=DeleteTrail) || "
        "($.eventName=StartLogging) || ($.eventName=StopLogging)}"
    )
    assert found["key-deletion"] == (
        "{($.eventSource=kms.amazonaws.com) && (($.eventName=DisableKey) || ($.eventName=ScheduleKeyDeletion))}"
    )


def test_each_alarm_counts_what_its_filter_counts(recording):
    filters = of(recording, "cloudwatch/logMetricFilter:LogMetricFilter")
    alarms = of(recording, "cloudwatch/metricAlarm:MetricAlarm")
    assert set(filters) == set(alarms) == {f"audit-{key}" for key in get_args(AuditAlarm)}
    group = one(recording, "cloudwatch/logGroup:LogGroup", "audit")
    thresholds = {}
    for name, made in filters.items():
        key = name.removeprefix("audit-")
        assert made.inputs["logGroupName"] == group.inputs["name"]
        assert waits_for(recording, made, group)
        # A namespace of the stack's own: two stacks of an account must not count together.
        assert made.inputs["metricTransformation"] == {"name": key, "namespace": "platform-test-audit", "value": "1"}
        alarm = alarms[name].inputs
        assert (alarm["metricName"], alarm["namespace"]) == (key, "platform-test-audit")
        assert not alarm.get("dimensions")
        assert (alarm["statistic"], alarm["period"], alarm["evaluationPeriods"]) == ("Sum", 300, 1)
        assert (alarm["comparisonOperator"], alarm["treatMissingData"]) == (
            "GreaterThanOrEqualToThreshold",
            "notBreaching",
        )
        assert "/platform/test/audit" in alarm["alarmDescription"]
        thresholds[key] = alarm["threshold"]
    assert {key: value for key, value in thresholds.items() if value != 1} == {
        "unauthorized-calls": 5,
        "sign-in-failures": 3,
    }
    assert recording.outputs["alarms"]["root-use"] == alarms["audit-root-use"].inputs["name"]


def test_alarms_are_settings():
    quiet = audit(alarms={"left_out": ["vpc-changes", "route-changes"], "unauthorized_calls_threshold": 50})
    assert set(patterns(quiet)) == set(get_args(AuditAlarm)) - {"vpc-changes", "route-changes"}
    assert set(quiet.outputs["alarms"]) == set(patterns(quiet))
    assert one(quiet, "cloudwatch/metricAlarm:MetricAlarm", "audit-unauthorized-calls").inputs["threshold"] == 50


def test_the_longest_name_is_one_that_aws_takes():
    longest = audit(name="l" * 30)
    assert len(trail(longest, "l" * 30).inputs["name"]) <= 128
    alarms = of(longest, "cloudwatch/metricAlarm:MetricAlarm").values()
    assert all(len(made.inputs["name"]) <= 255 for made in alarms)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"retention_days": 42}, ("retention_days",)),
        ({"data_events": "read"}, ("data_events",)),
        ({"insights": ["ApiRateInsight"]}, ("insights", 0)),
        ({"insights": ["ApiCallRateInsight", "ApiCallRateInsight"]}, ("insights",)),
        ({"exclude_kms_events": True}, ("exclude_kms_events",)),
        ({"multi_region": "yes"}, ("multi_region",)),
        ({"organization": True}, ("organization",)),
        ({"alarms": {"left_out": ["root-usage"]}}, ("alarms", "left_out", 0)),
        ({"alarms": {"unauthorized_calls_threshold": 0}}, ("alarms", "unauthorized_calls_threshold")),
        ({"alarms": {"sign_in_failures_threshold": 1.5}}, ("alarms", "sign_in_failures_threshold")),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        AuditArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]


# -- The patterns' own syntax, by the user guide's examples ------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ('{ $.eventType != "UpdateTrail" }', False),
        ('{ $.sourceIPAddress = "123.123.*" }', True),
        ('{ $.sourceIPAddress = "123.*.4" }', False),
        ("{ $.user.email NOT EXISTS }", True),
        ("{ $.user.id NOT EXISTS }", False),
        ('{ ($.user.id = "1") && ($.eventType = "No" || $.sourceIPAddress = "*.9") }', True),
        ('{ $.user.id = "1" && $.eventType = "No" || $.sourceIPAddress = "*.9" }', True),
        ('{ $.user.id = "2" && ($.eventType = "UpdateTrail" || $.sourceIPAddress = "*.9") }', False),
        ("{$.eventType=Update*}", True),
    ],
)
def test_the_matcher(pattern, expected):
    given = {"eventType": "UpdateTrail", "sourceIPAddress": "123.123.1.9", "user": {"id": "1"}}
    assert matches(pattern, given) is expected


@pytest.mark.parametrize("pattern", ["$.a = 1", "{ $.a = 1", "{ ($.a = 1 }", "{ $.a & 1 }", "{ a = 1 }", "{ }"])
def test_the_matcher_refuses_what_is_no_pattern(pattern):
    with pytest.raises(NotAPattern):
        matches(pattern, {})
