"""A trail of the account, with who read which object of a bucket. It tells of root's sign-ins and the like."""

import pulumi
from platform_components.audit import Audit
from platform_components.observability import AlarmTopic, AlarmTopicArgs
from platform_components.security import Security
from platform_components.storage import LogBucket, SecureBucket

security, logs = Security("security"), LogBucket("logs")
invoices = SecureBucket("invoices", key=security.data, logs=logs)
topic = AlarmTopic("alarms", AlarmTopicArgs(subscribers={"team": "team@example.com"}), key=security.logs)
audit = Audit("audit", logs=logs, logs_key=security.logs, buckets=[invoices], topic=topic)

pulumi.export("trail_arn", audit.trail_arn)
