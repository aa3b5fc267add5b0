"""A bucket that load balancers, CloudFront, CloudTrail, VPC flow logs and S3 itself deliver logs to."""

import pulumi
from platform_components.storage import LogBucket, LogBucketArgs

logs = LogBucket("logs", LogBucketArgs(expiration_days=730))

pulumi.export("log_bucket", logs.name)
