"""A key that CloudWatch Logs may use, and a log group under it."""

import pulumi
import pulumi_aws as aws
from platform_components.security import EncryptionKey

key = EncryptionKey("orders", users=["logs"])
aws.cloudwatch.LogGroup("orders", kms_key_id=key.arn, retention_in_days=365)

pulumi.export("key_alias", key.alias)
