"""Observability: where alarms and failures are told."""

from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import PACKAGE, Args, check_name, location, physical_name, policy_document, tags
from .security import EncryptionKey

_PUBLISHERS = {"Alarms": "cloudwatch.amazonaws.com", "Events": "events.amazonaws.com"}

SubscriberName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Endpoint = Annotated[
    str, StringConstraints(pattern=r"^([^@\s:/]+@[^@\s:/]+\.[^@\s:/.]+|https://[^\s/@]+(/\S*)?)$", max_length=2048)
]
"""An e-mail address, or an HTTPS URL without credentials: SNS would keep those in plain sight."""


class AlarmTopicArgs(Args):
    """Who is told of alarms and failures."""

    subscribers: dict[SubscriberName, Endpoint] = Field(default_factory=dict)
    """E-mail addresses or HTTPS URLs, by name. Each has to confirm the subscription before SNS sends anything."""


class AlarmTopic(pulumi.ComponentResource):
    """An encrypted SNS topic that takes TLS only, to which this account's alarms and event rules publish.

    Roles publish by `publish_statements`.
    """

    arn: pulumi.Output[str]
    """Known in a preview, so that policies and state machines that name it are too."""

    def __init__(
        self,
        name: str,
        args: AlarmTopicArgs | None = None,
        *,
        key: EncryptionKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        key: encrypts the messages; SNS, CloudWatch alarms and EventBridge must be among its users.
        """
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:AlarmTopic", name, None, opts)
        args = args or AlarmTopicArgs()
        child = pulumi.ResourceOptions(parent=self)
        here = location(self)
        physical = physical_name(name, 256)
        self._key = key
        self.arn = here.arn("sns", physical)
        topic = aws.sns.Topic(name, name=physical, kms_master_key_id=key.arn, tags=tags(name), opts=child)
        aws.sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=policy_document(
                {
                    "Sid": "DenyInsecureTransport",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": self.arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
                *(
                    {
                        "Sid": sid,
                        "Effect": "Allow",
                        "Principal": {"Service": service},
                        "Action": "sns:Publish",
                        "Resource": self.arn,
                        "Condition": {"StringEquals": {"aws:SourceAccount": here.account}},
                    }
                    for sid, service in _PUBLISHERS.items()
                ),
            ),
            opts=child,
        )
        for subscriber, endpoint in args.subscribers.items():
            aws.sns.TopicSubscription(
                f"{name}-{subscriber}",
                topic=topic.arn,
                protocol="https" if endpoint.startswith("https://") else "email",
                endpoint=endpoint,
                opts=child,
            )
        self.register_outputs({"arn": self.arn})

    def publish_statements(self) -> list[dict[str, Any]]:
        """For a role's policy: publish to the topic."""
        return [
            {"Effect": "Allow", "Action": "sns:Publish", "Resource": self.arn},
            self._key.encrypt_statement("sns"),
        ]
