"""A bucket under a key, and a Lambda function's role that may read and write it."""

import pulumi
from platform_components.common import create_role, service_trust
from platform_components.security import Security
from platform_components.storage import LogBucket, SecureBucket

security = Security("security")
bucket = SecureBucket("invoices", key=security.data, logs=LogBucket("logs"))
create_role(
    "reader",
    trust=service_trust("lambda.amazonaws.com"),
    statements=bucket.read_write_statements(),
    parent=bucket,
)

pulumi.export("bucket", bucket.name)
