from __future__ import annotations

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
]
