"""Messaging tier: SQS queues, each with a queue for the messages that nobody could process."""

from collections.abc import Iterator
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import NAME, PACKAGE, Args, Refusal, check_name, location, physical_name, policy_document, tags
from .observability import Alarm, Watched, watch
from .security import EncryptionKey

_DEAD_LETTERS = "-dead-letters"
_FIFO = ".fifo"
_NAME_LIMIT = 80 - len(_DEAD_LETTERS + _FIFO)
"""What SQS's 80 characters leave for a queue's own name."""
_DAY_SECONDS = 24 * 60 * 60
_LONGEST_RETENTION_DAYS = 14

QueueName = Annotated[str, StringConstraints(pattern=NAME, max_length=40)]
Client = Annotated[str, StringConstraints(pattern=NAME)]
"""Who uses a queue: a name that a tier goes by, such as `web`, `backend` or `kubernetes`."""


class MessagingAlarms(Args):
    """What of a queue is a fault. A threshold of null leaves its alarm out."""

    age_seconds: int | None = Field(default=900, ge=1, le=1_209_600)
    """Seconds that the oldest message has waited, for five minutes: receivers are gone, or too slow. The default suits
    receivers that always run."""
    depth_limit: int | None = Field(default=None, ge=1)
    """Messages that wait, for five minutes; none by default, since a burst is what a queue is for, and the age of the
    oldest says whether receivers keep up."""
    dead_letters_limit: int | None = Field(default=1, ge=1)
    """Dead letters: each is a message that nobody could process, and is lost after 14 days."""


class QueueArgs(Args):
    """A queue, and how messages travel through it."""

    senders: list[Client] = Field(default_factory=list)
    """Clients that may send."""
    receivers: list[Client] = Field(default_factory=list)
    """Clients that may receive, delete and give back."""
    fifo: bool = False
    """Messages of a group come in order, and once; else at least once, in about any order. A change makes a new queue:
    what is in the old one is lost."""
    content_based_deduplication: bool = False
    """FIFO: two messages of the same body within five minutes are one; else senders say what is the same."""
    visibility_timeout_seconds: int = Field(default=60, ge=0, le=43_200)
    """Seconds in which a receiver has to delete what it received, before another receives it (SQS: 0 to 43,200)."""
    retention_days: int = Field(default=4, ge=1, le=13)
    """Days that a message waits for a receiver (SQS: up to 14). Dead letters are kept for 14 days, which SQS counts,
    but for FIFO, from when the message was first sent: so this has to be shorter."""
    max_receive_count: int = Field(default=5, ge=1, le=1000)
    """How often a message is received without being deleted before it is a dead letter (SQS: 1 to 1,000)."""
    delay_seconds: int = Field(default=0, ge=0, le=900)
    """Seconds before a new message can be received (SQS: 0 to 900)."""
    receive_wait_seconds: int = Field(default=20, ge=0, le=20)
    """Seconds that a receiver waits for a message where there is none (SQS: 0 to 20); 0 pays for every empty answer."""
    max_message_bytes: int = Field(default=262_144, ge=1024, le=1_048_576)
    """Largest message, with its attributes (SQS: 1 KiB to 1 MiB)."""
    key_reuse_seconds: int = Field(default=300, ge=60, le=86_400)
    """Seconds that SQS uses a data key before it asks KMS for another one (SQS: 60 to 86,400); longer is cheaper."""
    alarms: MessagingAlarms | None = None
    """When this queue needs somebody, in place of what holds for all."""

    def refusals(self) -> Iterator[Refusal]:
        if self.content_based_deduplication and not self.fifo:
            yield Refusal(("content_based_deduplication",), "only a FIFO queue has it: set fifo")
        yield from self.repeated("senders", "receivers")


class MessagingArgs(Args):
    """SQS queues."""

    queues: dict[QueueName, QueueArgs] = Field(default_factory=dict)
    """Queues by name."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the queues, with what is in them."""
    alarms: MessagingAlarms = Field(default_factory=MessagingAlarms)
    """When a queue needs somebody, unless it says so itself."""

    def refusals(self) -> Iterator[Refusal]:
        for name in self.queues:
            if name.endswith(_DEAD_LETTERS):
                yield Refusal(("queues", name), f"names that end in {_DEAD_LETTERS!r} are the dead-letter queues'")


class Messaging(pulumi.ComponentResource):
    """Queues that take encrypted connections only, keep messages encrypted, and set dead letters aside.

    Nobody may send or receive but the roles whose policies carry `statements` for a client that a queue names.
    """

    urls: dict[str, pulumi.Output[str]]
    arns: dict[str, pulumi.Output[str]]
    dead_letter_urls: dict[str, pulumi.Output[str]]
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: MessagingArgs | None = None,
        *,
        key: EncryptionKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        key: encrypts every message.
        """
        check_name(name, 30)
        super().__init__(f"{PACKAGE}:Messaging", name, None, opts)
        self._name = name
        self._args = args = args or MessagingArgs()
        self._key = key
        self._here = location(self)
        self._child = pulumi.ResourceOptions(parent=self)
        self._protected = pulumi.ResourceOptions(parent=self, protect=args.deletion_protection)
        self.urls, self.arns, self.dead_letter_urls, self.alarms = {}, {}, {}, {}
        for queue_name, queue_args in args.queues.items():
            dead_letters = self._create_queue(f"{queue_name}{_DEAD_LETTERS}", queue_args)
            queue = self._create_queue(queue_name, queue_args, dead_letters)
            aws.sqs.RedriveAllowPolicy(
                f"{name}-{queue_name}",
                queue_url=dead_letters.url,
                redrive_allow_policy=pulumi.Output.json_dumps(
                    {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
                ),
                opts=self._child,
            )
            self.urls[queue_name] = queue.url
            self.arns[queue_name] = queue.arn
            self.dead_letter_urls[queue_name] = dead_letters.url
            limits = queue_args.alarms or args.alarms
            self.alarms |= watch(name, _faults(queue_name, queue, dead_letters, limits), parent=self)
        self.register_outputs({"urls": self.urls, "arns": self.arns, "dead_letter_urls": self.dead_letter_urls})

    def statements(self, client: str) -> list[dict[str, Any]]:
        """For the policy of a client's role: what the queues grant to it, and their key's use."""
        about = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
        sends = [name for name, queue in self._args.queues.items() if client in queue.senders]
        receives = [name for name, queue in self._args.queues.items() if client in queue.receivers]
        found: list[dict[str, Any]] = [
            {"Effect": "Allow", "Action": [*actions, *about], "Resource": self._arn(name)}
            for names, actions in (
                (sends, ["sqs:SendMessage"]),
                (receives, ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]),
            )
            for name in names
        ]
        if sends:
            found.append(self._key.encrypt_statement("sqs"))  # it decrypts too
        elif receives:
            found.append(self._key.decrypt_statement("sqs"))
        return found

    def _create_queue(
        self, queue_name: str, args: QueueArgs, dead_letters: aws.sqs.Queue | None = None
    ) -> aws.sqs.Queue:
        name = f"{self._name}-{queue_name}"
        retention_days = args.retention_days if dead_letters else _LONGEST_RETENTION_DAYS
        queue = aws.sqs.Queue(
            name,
            name=self._physical_name(queue_name),
            fifo_queue=args.fifo or None,
            content_based_deduplication=args.content_based_deduplication or None,
            kms_master_key_id=self._key.arn,
            kms_data_key_reuse_period_seconds=args.key_reuse_seconds,
            visibility_timeout_seconds=args.visibility_timeout_seconds,
            message_retention_seconds=retention_days * _DAY_SECONDS,
            delay_seconds=args.delay_seconds if dead_letters else 0,
            receive_wait_time_seconds=args.receive_wait_seconds,
            max_message_size=args.max_message_bytes,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": args.max_receive_count}
            )
            if dead_letters
            else None,
            tags=tags(name),
            opts=self._protected,
        )
        deny_insecure_transport(name, queue, self._arn(queue_name), self)
        return queue

    def _physical_name(self, queue_name: str) -> str:
        own = queue_name.removesuffix(_DEAD_LETTERS)
        whole = physical_name(f"{self._name}-{own}", _NAME_LIMIT) + queue_name.removeprefix(own)
        return f"{whole}{_FIFO}" if self._args.queues[own].fifo else whole

    def _arn(self, queue_name: str) -> pulumi.Output[str]:
        return self._here.arn("sqs", self._physical_name(queue_name))


def _faults(
    queue_name: str, queue: aws.sqs.Queue, dead_letters: aws.sqs.Queue, limits: MessagingAlarms
) -> dict[str, Alarm]:
    # SQS reports nothing of a queue that has not been used for six hours, and with that nothing is wrong.
    about: dict[str, Any] = {"namespace": "AWS/SQS", "missing": "notBreaching", "statistic": "Maximum"}
    return {
        f"{queue_name}-age": Alarm(
            f"Queue {queue_name}: messages wait too long; see its receivers",
            metric="ApproximateAgeOfOldestMessage",
            dimensions={"QueueName": queue.name},
            threshold=limits.age_seconds,
            **about,
        ),
        f"{queue_name}-depth": Alarm(
            f"Queue {queue_name}: too many messages wait; see its receivers",
            metric="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": queue.name},
            threshold=limits.depth_limit,
            **about,
        ),
        f"{queue_name}{_DEAD_LETTERS}": Alarm(
            f"Queue {queue_name}: has dead letters; see why they failed, then redrive or delete them",
            metric="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": dead_letters.name},
            threshold=limits.dead_letters_limit,
            periods=1,
            **about,
        ),
    }


def deny_insecure_transport(name: str, queue: aws.sqs.Queue, arn: pulumi.Output[str], parent: pulumi.Resource) -> None:
    """Have a queue take requests over TLS only. `arn` is its own as a preview knows it."""
    aws.sqs.QueuePolicy(
        name,
        queue_url=queue.url,
        policy=policy_document(
            {
                "Sid": "DenyInsecureTransport",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
