import json

import pulumi
import pytest
from pydantic import ValidationError

from components.messaging import Messaging, MessagingArgs
from components.security import EncryptionKey
from tests.registered import alarms, counts, of, one, run, statements

QUEUE = "sqs/queue:Queue"
QUEUES = {"jobs": {"senders": ["web"], "receivers": ["backend", "kubernetes"]}, "orders": {"fifo": True}}
CLIENTS = ("web", "backend", "kubernetes", "nobody")
ARN = "arn:aws:sqs:eu-west-1:123456789012:platform-test-messaging-"


def messaging(queues=QUEUES, *, unknown=False, **changes):
    def program():
        args = MessagingArgs.model_validate({"queues": queues} | changes)
        made = Messaging("messaging", args, key=EncryptionKey("data"))
        pulumi.export("urls", made.urls)
        pulumi.export("arns", made.arns)
        pulumi.export("dead_letter_urls", made.dead_letter_urls)
        for client in CLIENTS:
            pulumi.export(client, pulumi.Output.json_dumps(made.statements(client)))

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def recording():
    return messaging()


def queue(recording, name):
    return one(recording, QUEUE, f"messaging-{name}")


def granted(recording, client):
    return json.loads(recording.outputs[client])


def test_it_adds_exactly_this(recording):
    assert counts(recording) == {
        "Alias": 1,
        "Key": 1,
        "MetricAlarm": 4,
        "Queue": 4,
        "QueuePolicy": 4,
        "RedriveAllowPolicy": 2,
    }


def test_no_queues_are_nothing():
    assert counts(messaging({})) == {"Alias": 1, "Key": 1}


def test_a_queue(recording):
    jobs = queue(recording, "jobs")
    expected = {
        "name": "platform-test-messaging-jobs",
        "fifoQueue": None,
        "contentBasedDeduplication": None,
        "kmsDataKeyReusePeriodSeconds": 300,
        "visibilityTimeoutSeconds": 60,
        "messageRetentionSeconds": 4 * 24 * 60 * 60,
        "delaySeconds": 0,
        "receiveWaitTimeSeconds": 20,
        "maxMessageSize": 262_144,
    }
    assert {key: jobs.inputs.get(key) for key in expected} == expected
    assert jobs.protect
    dead = queue(recording, "jobs-dead-letters")
    assert json.loads(jobs.inputs["redrivePolicy"]) == {
        "deadLetterTargetArn": f"{ARN}jobs-dead-letters",
        "maxReceiveCount": 5,
    }
    assert jobs.property_dependencies["redrivePolicy"] == [dead.urn]


def test_its_dead_letters(recording):
    dead = queue(recording, "jobs-dead-letters")
    assert dead.inputs["name"] == "platform-test-messaging-jobs-dead-letters"
    assert dead.inputs["messageRetentionSeconds"] == 14 * 24 * 60 * 60
    assert "redrivePolicy" not in dead.inputs
    assert dead.protect
    allowed = one(recording, "sqs/redriveAllowPolicy:RedriveAllowPolicy", "messaging-jobs")
    assert allowed.inputs["queueUrl"] == dead.outputs["url"]
    assert json.loads(allowed.inputs["redriveAllowPolicy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [f"{ARN}jobs"],
    }


def test_the_dead_letters_of_a_fifo_queue_are_fifo(recording):
    orders, dead = queue(recording, "orders"), queue(recording, "orders-dead-letters")
    assert (orders.inputs["fifoQueue"], dead.inputs["fifoQueue"]) == (True, True)
    assert orders.inputs["name"] == "platform-test-messaging-orders.fifo"
    assert dead.inputs["name"] == "platform-test-messaging-orders-dead-letters.fifo"
    assert json.loads(orders.inputs["redrivePolicy"])["deadLetterTargetArn"] == dead.outputs["arn"]
    (policy,) = statements(one(recording, "sqs/queuePolicy:QueuePolicy", "messaging-orders").inputs["policy"])
    assert policy["Resource"] == orders.outputs["arn"]


def test_every_queue_is_encrypted_and_takes_tls_only(recording):
    key = one(recording, "kms/key:Key", "data").urn
    policies = of(recording, "sqs/queuePolicy:QueuePolicy")
    for name, made in of(recording, QUEUE).items():
        assert made.property_dependencies["kmsMasterKeyId"] == [key]
        assert policies[name].inputs["queueUrl"] == made.outputs["url"]
        assert statements(policies[name].inputs["policy"]) == [
            {
                "Sid": "DenyInsecureTransport",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": made.outputs["arn"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]


def test_the_policies_are_known_in_a_first_preview():
    preview = messaging(unknown=True)
    for policy in of(preview, "sqs/queuePolicy:QueuePolicy").values():
        assert statements(policy.inputs["policy"])[0]["Resource"].startswith(ARN)
    assert granted(preview, "web")[0]["Resource"] == f"{ARN}jobs"


def test_settings():
    changed = messaging(
        {
            "jobs": {
                "fifo": True,
                "content_based_deduplication": True,
                "visibility_timeout_seconds": 900,
                "retention_days": 13,
                "max_receive_count": 3,
                "delay_seconds": 30,
                "receive_wait_seconds": 0,
                "max_message_bytes": 1024,
                "key_reuse_seconds": 3600,
            }
        },
        deletion_protection=False,
    )
    jobs, dead = queue(changed, "jobs"), queue(changed, "jobs-dead-letters")
    expected = {
        "contentBasedDeduplication": True,
        "visibilityTimeoutSeconds": 900,
        "messageRetentionSeconds": 13 * 24 * 60 * 60,
        "delaySeconds": 30,
        "receiveWaitTimeSeconds": 0,
        "maxMessageSize": 1024,
        "kmsDataKeyReusePeriodSeconds": 3600,
    }
    assert {key: jobs.inputs.get(key) for key in expected} == expected
    assert json.loads(jobs.inputs["redrivePolicy"])["maxReceiveCount"] == 3
    assert (jobs.protect, dead.protect) == (False, False)
    # A dead letter waits for nobody, and what doesn't fit into its queue would be lost.
    assert (dead.inputs["delaySeconds"], dead.inputs["maxMessageSize"]) == (0, 1024)


def test_a_queue_more_or_less_changes_no_other(recording):
    fewer = messaging({"orders": QUEUES["orders"]})
    everything = {r.urn: r.inputs for r in recording.registrations if r.custom}
    assert {r.urn: r.inputs for r in fewer.registrations if r.custom}.items() <= everything.items()


AGE = "Maximum ApproximateAgeOfOldestMessage >= 900, 5 x 60 s, notBreaching"
DEPTH = "Maximum ApproximateNumberOfMessagesVisible >= 500, 5 x 60 s, notBreaching"
DEAD_LETTERS = "Maximum ApproximateNumberOfMessagesVisible >= 1, 1 x 60 s, notBreaching"


def test_alarms_of_each_queue(recording):
    name = "platform-test-messaging-"
    assert alarms(recording) == {
        "messaging-jobs-age": (AGE, {"QueueName": f"{name}jobs"}),
        "messaging-jobs-dead-letters": (DEAD_LETTERS, {"QueueName": f"{name}jobs-dead-letters"}),
        "messaging-orders-age": (AGE, {"QueueName": f"{name}orders.fifo"}),
        "messaging-orders-dead-letters": (DEAD_LETTERS, {"QueueName": f"{name}orders-dead-letters.fifo"}),
    }
    for made in of(recording, "cloudwatch/metricAlarm:MetricAlarm").values():
        queue_name = made.name.removeprefix("messaging-").removesuffix("-age")
        assert made.property_dependencies["dimensions"] == [queue(recording, queue_name).urn]
        assert made.inputs["namespace"] == "AWS/SQS"


def test_a_queue_may_have_thresholds_of_its_own():
    found = alarms(
        messaging(
            {"jobs": {}, "batch": {"alarms": {"age_seconds": None, "depth_limit": 500}}},
            alarms={"age_seconds": 60, "dead_letters_limit": None},
        )
    )
    assert {name: when for name, (when, _) in found.items()} == {
        "messaging-jobs-age": AGE.replace("900", "60"),
        "messaging-batch-depth": DEPTH,
        "messaging-batch-dead-letters": DEAD_LETTERS,
    }


def test_where_the_queues_are(recording):
    for name in QUEUES:
        assert recording.outputs["urls"][name] == queue(recording, name).outputs["url"]
        assert recording.outputs["arns"][name] == queue(recording, name).outputs["arn"]
        assert recording.outputs["dead_letter_urls"][name] == queue(recording, f"{name}-dead-letters").outputs["url"]


def test_a_sender_sends_and_does_nothing_else(recording):
    send, key = granted(recording, "web")
    assert send == {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
        "Resource": f"{ARN}jobs",
    }
    assert key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert key["Condition"]["StringEquals"] == {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}


@pytest.mark.parametrize("client", ["backend", "kubernetes"])
def test_a_receiver_receives_and_does_nothing_else(recording, client):
    receive, key = granted(recording, client)
    assert receive == {
        "Effect": "Allow",
        "Action": [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
        ],
        "Resource": f"{ARN}jobs",
    }
    assert key["Action"] == "kms:Decrypt"


def test_a_client_of_both_kinds_gets_both():
    both = messaging({"jobs": {"senders": ["web"], "receivers": ["web"]}, "mail": {"receivers": ["web"]}})
    actions = [(statement["Action"][0], statement["Resource"]) for statement in granted(both, "web")[:-1]]
    assert actions == [
        ("sqs:SendMessage", f"{ARN}jobs"),
        ("sqs:ReceiveMessage", f"{ARN}jobs"),
        ("sqs:ReceiveMessage", f"{ARN}mail"),
    ]
    assert granted(both, "web")[-1]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_who_has_no_queue_gets_nothing(recording):
    assert granted(recording, "nobody") == []


@pytest.mark.parametrize("fifo", [False, True])
def test_the_longest_name_is_one_that_sqs_takes(fifo):
    def program():
        args = MessagingArgs.model_validate({"queues": {"q" * 40: {"fifo": fifo}}})
        Messaging("m" * 30, args, key=EncryptionKey("data"))

    names = [made.inputs["name"] for made in of(run(program), QUEUE).values()]
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 80


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"queues": {"Jobs": {}}}, ("queues", "Jobs", "[key]")),
        ({"queues": {"q" * 41: {}}}, ("queues", "q" * 41, "[key]")),
        ({"queues": {"jobs-dead-letters": {}}}, ("queues", "jobs-dead-letters")),
        ({"queues": {"jobs": {"kind": "fifo"}}}, ("queues", "jobs", "kind")),
        *(
            ({"queues": {"jobs": {field: value}}}, ("queues", "jobs", field))
            for field, value in [
                ("visibility_timeout_seconds", 43_201),
                ("visibility_timeout_seconds", -1),
                ("retention_days", 0),
                ("retention_days", 14),
                ("max_receive_count", 0),
                ("max_receive_count", 1001),
                ("delay_seconds", 901),
                ("receive_wait_seconds", 21),
                ("max_message_bytes", 1023),
                ("max_message_bytes", 1_048_577),
                ("key_reuse_seconds", 59),
                ("key_reuse_seconds", 86_401),
                ("content_based_deduplication", True),
                ("senders", ["web", "web"]),
                ("alarms", 900),
                ("receivers", ["web", "web"]),
                ("senders", "web"),
            ]
        ),
        ({"alarms": {"age_seconds": 1_209_601}}, ("alarms", "age_seconds")),
        ({"alarms": {"depth_limit": 0}}, ("alarms", "depth_limit")),
        (
            {"queues": {"jobs": {"alarms": {"dead_letters_limit": 0}}}},
            ("queues", "jobs", "alarms", "dead_letters_limit"),
        ),
        ({"queues": {"jobs": {"senders": ["Web Tier"]}}}, ("queues", "jobs", "senders", 0)),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        MessagingArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]
