from __future__ import annotations

import json
from collections.abc import Mapping

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, name, res
from tests.policy.cases.encryption_at_rest import admitting, delivered_to

VPC = res("ec2/vpc", "vpc")
CDN = res("cloudfront/distribution", "cdn")
BUCKET = res("s3/bucket", "data")


def delivery(of: object, source: object = None) -> list[Made]:
    made = res("cloudwatch/logDeliverySource", "source", resourceArn=of, logType="ACCESS_LOGS")
    return [
        CDN,
        made,
        res("cloudwatch/logDelivery", "delivery", deliverySourceName=name(made) if source is None else source),
    ]


def trail(name: str = "trail", **props: object) -> Made:
    return res("cloudtrail/trail", name, **({"isMultiRegionTrail": True} | props))


def selector(**fields: Mapping[str, object]) -> dict[str, object]:
    return {"fieldSelectors": [{"field": field.replace("_", "."), **how} for field, how in fields.items()]}


MANAGEMENT = {"eventCategory": {"equals": ["Management"]}}
OBJECTS = {"eventCategory": {"equals": ["Data"]}, "resources_type": {"equals": ["AWS::S3::Object"]}}
FUNCTIONS = {"eventCategory": {"equals": ["Data"]}, "resources_type": {"equals": ["AWS::Lambda::Function"]}}
WITHOUT_KMS = {"eventSource": {"notEquals": ["kms.amazonaws.com"]}}
WRITES = {"readOnly": {"equals": ["false"]}}
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
GROUP = res("cloudwatch/logGroup", "trail")
ROLE = res("iam/role", "trail")


def basic(**props: object) -> list[dict[str, object]]:
    return [props]


def data_of(type: str, **props: object) -> list[dict[str, object]]:
    return basic(dataResources=[{"type": type, "values": ["arn:aws:s3:::data/"]}], **props)


def alarm(**props: object) -> Made:
    return res("cloudwatch/metricAlarm", "cpu", **({"name": "platform-cpu"} | props))


def composite(rule: object, name: str = "page", **props: object) -> Made:
    return res("cloudwatch/compositeAlarm", name, **({"alarmName": name, "alarmRule": rule} | props))


def project(**logs: object) -> Made:
    return res("codebuild/project", "check", logsConfig=logs)


def allow(action: object, resource: object = "*", **changes: object) -> dict[str, object]:
    statement = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    return statement | {"Action": action, "Resource": resource} | changes


def policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def to_bucket(*statements: object, prefix: object = "cloudtrail", document: object = None) -> list[Made]:
    """A trail to a bucket with this policy."""
    bucket = res("s3/bucket", "logs")
    held = res("s3/bucketPolicy", "logs", bucket=bucket, policy=policy(*statements) if document is None else document)
    return [trail(s3BucketName=bucket, s3KeyPrefix=prefix), held]


ACL = allow("s3:GetBucketAcl", "arn:aws:s3:::logs")


def put(path: str, **changes: object) -> dict[str, object]:
    return allow("s3:PutObject", f"arn:aws:s3:::logs/{path}", **changes)


CASES = [
    case(
        "vpc-flow-logged",
        "ec2/vpc",
        ok=[
            [VPC, res("ec2/flowLog", "flows", vpcId=VPC, trafficType="ALL")],
            [VPC, res("ec2/flowLog", "flows", vpcId=VPC, trafficType="REJECT")],
        ],
        bad=[
            VPC,
            [VPC, res("ec2/flowLog", "flows", vpcId=VPC, trafficType="ACCEPT")],
            [VPC, res("ec2/flowLog", "flows", subnetId="subnet-0123", trafficType="ALL")],
        ],
        unknown=[
            [VPC, res("ec2/flowLog", "flows", vpcId=UNKNOWN, trafficType="ALL")],
            [VPC, res("ec2/flowLog", "flows", vpcId=VPC, trafficType=UNKNOWN)],
        ],
    ),
    case(
        "load-balancer-access-logged",
        "lb/loadBalancer",
        ok=[
            res("lb/loadBalancer", "alb", accessLogs={"bucket": BUCKET, "enabled": True}),
            res("lb/loadBalancer", "glb", loadBalancerType="gateway"),
        ],
        bad=[
            res("lb/loadBalancer", "alb"),
            res("lb/loadBalancer", "alb", accessLogs={"bucket": BUCKET}),
            res("lb/loadBalancer", "alb", accessLogs={"bucket": BUCKET, "enabled": False}),
            res("lb/loadBalancer", "alb", accessLogs={"bucket": "", "enabled": True}),
        ],
        unknown=[
            res("lb/loadBalancer", "alb", accessLogs={"bucket": BUCKET, "enabled": UNKNOWN}),
            res("lb/loadBalancer", "alb", accessLogs=UNKNOWN),
        ],
    ),
    case(
        "load-balancer-access-logged",
        "elb/loadBalancer",
        ok=[
            res("elb/loadBalancer", "classic", accessLogs={"bucket": BUCKET}),
            res("elb/loadBalancer", "classic", accessLogs={"bucket": BUCKET, "enabled": True}),
        ],
        bad=[
            res("elb/loadBalancer", "classic"),
            res("elb/loadBalancer", "classic", accessLogs={"bucket": BUCKET, "enabled": False}),
        ],
        unknown=[res("elb/loadBalancer", "classic", accessLogs={"bucket": BUCKET, "enabled": UNKNOWN})],
    ),
    case(
        "distribution-access-logged",
        "cloudfront/distribution",
        ok=[
            delivery(arn(CDN)),
            res("cloudfront/distribution", "cdn", loggingConfig={"bucket": "logs.s3.amazonaws.com"}),
        ],
        bad=[
            CDN,
            delivery(arn(CDN))[:2],
            delivery(arn(CDN), "another"),
            delivery("arn:aws:cloudfront::123456789012:distribution/other"),
        ],
        unknown=[delivery(UNKNOWN), delivery(arn(CDN), UNKNOWN)],
    ),
    case(
        "bucket-access-logged",
        "s3/bucket",
        ok=[
            [BUCKET, res("s3/bucketLogging", "logging", bucket=BUCKET, targetBucket="logs")],
            res("s3/bucket", "data", logging={"targetBucket": "logs"}),
            res("aws:s3/bucketV2:BucketV2", "data", loggings=[{"targetBucket": "logs"}]),
            delivered_to("lb/loadBalancer", accessLogs={"bucket": None}),
            delivered_to("elb/loadBalancer", accessLogs={"bucket": None}),
            delivered_to("s3/bucketLogging", bucket="data", targetBucket=None),
            admitting("logging.s3.amazonaws.com"),
        ],
        bad=[BUCKET, delivered_to("cloudfront/distribution", loggingConfig={"bucket": None})],
        unknown=[[BUCKET, res("s3/bucketLogging", "logging", bucket=UNKNOWN, targetBucket="logs")]],
    ),
    *(
        case(
            "database-logs-exported",
            type,
            ok=[res(type, "db", enabledCloudwatchLogsExports=["error"])],
            bad=[res(type, "db"), res(type, "db", enabledCloudwatchLogsExports=[])],
            unknown=[res(type, "db", enabledCloudwatchLogsExports=UNKNOWN)],
        )
        for type in ("rds/instance", "rds/cluster")
    ),
    case(
        "log-group-retention",
        "cloudwatch/logGroup",
        ok=[
            res("cloudwatch/logGroup", "logs", retentionInDays=30),
            res("cloudwatch/logGroup", "logs", logGroupClass="DELIVERY"),
        ],
        bad=[res("cloudwatch/logGroup", "logs"), res("cloudwatch/logGroup", "logs", retentionInDays=0)],
        unknown=[res("cloudwatch/logGroup", "logs", retentionInDays=UNKNOWN)],
    ),
    case(
        "trail-covers-account",
        "cloudtrail/trail",
        ok=[
            trail(),
            trail(eventSelectors=basic(readWriteType="All", includeManagementEvents=True)),
            trail(eventSelectors=basic(readWriteType="WriteOnly") + basic()),
            trail(advancedEventSelectors=[selector(**OBJECTS), selector(**MANAGEMENT)]),
            [trail(isMultiRegionTrail=False), trail("account")],
            [trail(isMultiRegionTrail=UNKNOWN), trail("account")],
        ],
        bad=[
            res("cloudtrail/trail", "trail"),
            trail(isMultiRegionTrail=False),
            trail(eventSelectors=basic(includeManagementEvents=False)),
            trail(eventSelectors=basic(readWriteType="WriteOnly")),
            trail(eventSelectors=basic(excludeManagementEventSources=["kms.amazonaws.com"])),
            trail(advancedEventSelectors=[selector(**OBJECTS)]),
            trail(advancedEventSelectors=[selector(**MANAGEMENT, **WITHOUT_KMS)]),
            trail(advancedEventSelectors=[selector(**MANAGEMENT, **WRITES)]),
            # Regions here and management events there: neither sees all.
            [trail(isMultiRegionTrail=False), trail("objects", advancedEventSelectors=[selector(**OBJECTS)])],
        ],
        unknown=[
            trail(isMultiRegionTrail=UNKNOWN),
            trail(eventSelectors=UNKNOWN),
            trail(eventSelectors=basic(readWriteType=UNKNOWN)),
            trail(advancedEventSelectors=[selector(eventCategory={"equals": UNKNOWN})]),
        ],
    ),
    case(
        "trail-records-objects",
        "cloudtrail/trail",
        ok=[
            trail(advancedEventSelectors=[selector(**MANAGEMENT), selector(**OBJECTS)]),
            trail(
                advancedEventSelectors=[
                    selector(**OBJECTS, resources_ARN={"startsWiths": [UNKNOWN, "arn:aws:s3:::a/"]})
                ]
            ),
            trail(eventSelectors=data_of("AWS::S3::Object")),
            [trail(), trail("objects", eventSelectors=data_of("AWS::S3::Object", readWriteType="All"))],
        ],
        bad=[
            trail(),
            trail(advancedEventSelectors=[selector(**FUNCTIONS)]),
            trail(advancedEventSelectors=[selector(**OBJECTS, **WRITES)]),
            trail(eventSelectors=data_of("AWS::Lambda::Function")),
            trail(eventSelectors=data_of("AWS::S3::Object", readWriteType="ReadOnly")),
        ],
        unknown=[
            trail(advancedEventSelectors=UNKNOWN),
            trail(eventSelectors=data_of("AWS::S3::Object", readWriteType=UNKNOWN)),
        ],
    ),
    case(
        "trail-validated",
        "cloudtrail/trail",
        ok=[trail(enableLogFileValidation=True)],
        bad=[trail(), trail(enableLogFileValidation=False)],
        unknown=[trail(enableLogFileValidation=UNKNOWN)],
    ),
    case(
        "trail-on",
        "cloudtrail/trail",
        ok=[trail(), trail(enableLogging=True)],
        bad=[trail(enableLogging=False)],
        unknown=[trail(enableLogging=UNKNOWN)],
    ),
    case(
        "trail-to-log-group",
        "cloudtrail/trail",
        ok=[
            trail(cloudWatchLogsGroupArn=arn(GROUP), cloudWatchLogsRoleArn=arn(ROLE)),
            trail(
                cloudWatchLogsGroupArn="arn:aws:logs:us-east-1:123456789012:log-group:trail:*",
                cloudWatchLogsRoleArn="arn:aws:iam::123456789012:role/trail",
            ),
        ],
        bad=[trail(), trail(cloudWatchLogsGroupArn=arn(GROUP)), trail(cloudWatchLogsRoleArn=arn(ROLE))],
        unknown=[
            trail(cloudWatchLogsGroupArn=UNKNOWN, cloudWatchLogsRoleArn=arn(ROLE)),
            trail(cloudWatchLogsGroupArn=arn(GROUP), cloudWatchLogsRoleArn=UNKNOWN),
        ],
    ),
    case(
        "alarm-tells-someone",
        "cloudwatch/metricAlarm",
        ok=[
            alarm(alarmActions=[TOPIC]),
            alarm(alarmActions=[UNKNOWN], actionsEnabled=True),
            [alarm(), composite('ALARM("platform-cpu") OR ALARM(platform-disk)', alarmActions=[TOPIC])],
            [alarm(), composite("ALARM ( 'platform-cpu' )", alarmActions=[TOPIC])],
            [
                alarm(),
                composite("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:platform-cpu)", alarmActions=[TOPIC]),
            ],
            [alarm(), composite(arn(alarm()), alarmActions=[TOPIC])],  # its text comes from the alarm itself
            [
                alarm(),
                composite("ALARM(page)", "all", alarmActions=[TOPIC]),
                composite("ALARM(platform-cpu)"),
            ],
            [
                alarm(),
                composite("ALARM(platform-cpu) OR ALARM(b)", "a"),
                composite("ALARM(a)", "b"),  # they name each other
                composite("ALARM(a)", "c", alarmActions=[TOPIC]),
            ],
            [alarm(), composite("ALARM(other)", alarmActions=[TOPIC], actionsSuppressor={"alarm": arn(alarm())})],
        ],
        bad=[
            alarm(),
            alarm(alarmActions=[]),
            alarm(okActions=[TOPIC]),
            alarm(alarmActions=[TOPIC], actionsEnabled=False),
            [alarm(), composite("ALARM(platform-cpu)")],
            [alarm(), composite("ALARM(platform-cpu)", alarmActions=[TOPIC], actionsEnabled=False)],
            [alarm(), composite("ALARM(platform-cpu-2) OR ALARM(cpu)", alarmActions=[TOPIC])],
            [alarm(), composite("ALARM(other) AND NOT ALARM(platform-cpu)", alarmActions=[TOPIC])],
            [alarm(), composite("OK(platform-cpu)", alarmActions=[TOPIC])],
            # Two that name each other, and nobody else.
            [alarm(), composite("ALARM(platform-cpu) OR ALARM(b)", "a"), composite("ALARM(a)", "b")],
        ],
        unknown=[
            alarm(alarmActions=[TOPIC], actionsEnabled=UNKNOWN),
            [alarm(), composite(UNKNOWN, alarmActions=[TOPIC])],
            [alarm(), composite("ALARM(platform-cpu)", alarmActions=[TOPIC], actionsEnabled=UNKNOWN)],
        ],
    ),
    case(
        "alarm-tells-someone",
        "cloudwatch/compositeAlarm",
        ok=[
            composite("ALARM(platform-cpu)", alarmActions=[TOPIC]),
            [composite("ALARM(platform-cpu)"), composite("ALARM(page)", "all", alarmActions=[TOPIC])],
            [
                (below := composite("ALARM(platform-cpu)", "below")),
                composite("ALARM(other)", alarmActions=[TOPIC], actionsSuppressor={"alarm": arn(below)}),
            ],
        ],
        bad=[
            composite("ALARM(platform-cpu)"),
            composite("ALARM(platform-cpu)", alarmActions=[TOPIC], actionsEnabled=False),
            [composite("ALARM(platform-cpu)"), composite("ALARM(page)", "all")],
        ],
        unknown=[composite("ALARM(platform-cpu)", alarmActions=[TOPIC], actionsEnabled=UNKNOWN)],
    ),
    case(
        "build-logged",
        "codebuild/project",
        ok=[
            project(cloudwatchLogs={"groupName": "/platform/check"}),
            project(cloudwatchLogs={"groupName": UNKNOWN, "status": "ENABLED"}),
            project(cloudwatchLogs={"status": "DISABLED"}, s3Logs={"status": "ENABLED", "location": "logs/builds"}),
        ],
        bad=[
            res("codebuild/project", "check"),
            project(cloudwatchLogs={"status": "ENABLED"}),
            project(cloudwatchLogs={"groupName": "/platform/check", "status": "DISABLED"}),
            project(s3Logs={"status": "DISABLED", "location": "logs/builds"}),
        ],
        unknown=[
            res("codebuild/project", "check", logsConfig=UNKNOWN),
            project(cloudwatchLogs={"groupName": "/platform/check", "status": UNKNOWN}),
            project(s3Logs={"status": UNKNOWN}),
        ],
    ),
    case(
        "trail-let-in",
        "cloudtrail/trail",
        ok=[
            trail(),
            to_bucket(ACL, put("cloudtrail/AWSLogs/123456789012/*")),
            to_bucket(ACL, put("*")),
            to_bucket(allow(["s3:GetBucket*", "s3:Put*"])),
            to_bucket(ACL, put("AWSLogs/123456789012/*"), prefix=None),
            trail(s3BucketName="someone-elses"),
            trail(kmsKeyId=arn(res("kms/key", "key", policy=policy(allow("kms:GenerateDataKey*"))))),
            [
                trail(kmsKeyId=arn(key := res("kms/key", "key"))),
                res("kms/keyPolicy", "key", keyId=key, policy=policy(allow(["kms:DescribeKey", "kms:Generate*"]))),
            ],
            trail(kmsKeyId="arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"),
            trail(cloudWatchLogsRoleArn=arn(res("iam/role", "r", assumeRolePolicy=policy(allow("sts:AssumeRole"))))),
            trail(cloudWatchLogsRoleArn="arn:aws:iam::123456789012:role/by-hand"),
        ],
        bad=[
            to_bucket(),
            trail(s3BucketName=res("s3/bucket", "logs")),
            to_bucket(put("cloudtrail/AWSLogs/123456789012/*")),
            to_bucket(ACL),
            to_bucket(ACL, put("AWSLogs/123456789012/*")),
            to_bucket(ACL, put("cloudtrail/AWSLogs/123456789012/*"), prefix=None),
            to_bucket(ACL, put("*", Effect="Deny")),
            to_bucket(ACL, put("*", Principal={"Service": "delivery.logs.amazonaws.com"})),
            to_bucket(ACL, put("*"), allow("s3:PutObject"), prefix="other")[:1],
            trail(kmsKeyId=arn(res("kms/key", "key"))),
            trail(kmsKeyId=arn(res("kms/key", "key", policy=policy(allow("kms:DescribeKey"))))),
            trail(
                cloudWatchLogsRoleArn=arn(
                    res("iam/role", "r", assumeRolePolicy=policy(allow("sts:AssumeRole", Principal={"Service": "x"})))
                )
            ),
        ],
        unknown=[
            trail(s3BucketName=UNKNOWN),
            to_bucket(ACL, put("*"), prefix=UNKNOWN),
            to_bucket(document=UNKNOWN),
            to_bucket(document="not JSON"),
            trail(kmsKeyId=UNKNOWN),
            trail(kmsKeyId=arn(res("kms/key", "key", policy=UNKNOWN))),
            trail(cloudWatchLogsRoleArn=arn(res("iam/role", "r", assumeRolePolicy=UNKNOWN))),
        ],
    ),
]
