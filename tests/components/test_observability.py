import json

import pulumi
import pytest
from pydantic import ValidationError

from components.observability import AlarmTopic, AlarmTopicArgs
from components.security import EncryptionKey
from tests.registered import by_sid, counts, of, one, run

ARN = "arn:aws:sns:eu-west-1:123456789012:platform-test-alarms"
SUBSCRIBERS = {"team": "team@example.com", "pager": "https://events.example.com/hooks/platform?source=aws"}


def topic(*, unknown=False, **subscribers):
    def program():
        key = EncryptionKey("logs", users=["cloudwatch-alarms", "eventbridge", "sns"])
        made = AlarmTopic("alarms", AlarmTopicArgs(subscribers=subscribers), key=key)
        pulumi.export("arn", made.arn)
        pulumi.export("publish", pulumi.Output.json_dumps(made.publish_statements()))

    return run(program, unknown=unknown)


@pytest.fixture(scope="module", params=[False, True], ids=["known", "first preview"])
def recording(request):
    return topic(unknown=request.param, **SUBSCRIBERS)


def test_it_adds_exactly_this(recording):
    assert counts(recording) == {"Alias": 1, "Key": 1, "Topic": 1, "TopicPolicy": 1, "TopicSubscription": 2}


def test_messages_are_encrypted(recording):
    made = one(recording, "sns/topic:Topic", "alarms")
    assert made.inputs["name"] == "platform-test-alarms"
    assert made.property_dependencies["kmsMasterKeyId"] == [one(recording, "kms/key:Key", "logs").urn]


def test_only_this_accounts_alarms_and_rules_publish_and_over_tls(recording):
    policy = one(recording, "sns/topicPolicy:TopicPolicy", "alarms")
    assert policy.property_dependencies["arn"] == [one(recording, "sns/topic:Topic", "alarms").urn]
    publish = {"Action": "sns:Publish", "Resource": ARN}
    own = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert by_sid(policy.inputs["policy"]) == {
        "DenyInsecureTransport": publish
        | {
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        **{
            sid: publish
            | {"Sid": sid, "Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Condition": own}
            for sid, service in {"Alarms": "cloudwatch", "Events": "events"}.items()
        },
    }


def test_subscribers(recording):
    found = {
        name: (made.inputs["protocol"], made.inputs["endpoint"])
        for name, made in of(recording, "sns/topicSubscription:TopicSubscription").items()
    }
    assert found == {
        "alarms-team": ("email", SUBSCRIBERS["team"]),
        "alarms-pager": ("https", SUBSCRIBERS["pager"]),
    }


def test_one_more_or_less_changes_no_other(recording):
    fewer = topic(pager=SUBSCRIBERS["pager"])
    assert one(fewer, "sns/topicSubscription:TopicSubscription", "alarms-pager").urn in {
        r.urn for r in recording.registrations
    }


def test_a_role_may_publish(recording):
    assert recording.outputs["arn"] == ARN
    publish, key = json.loads(recording.outputs["publish"])
    assert publish == {"Effect": "Allow", "Action": "sns:Publish", "Resource": ARN}
    assert key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert key["Condition"]["StringEquals"] == {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}


@pytest.mark.parametrize(
    "endpoint",
    [
        "team",
        "team@example",
        "a b@example.com",
        "http://events.example.com/hook",
        "https://user:secret@events.example.com/hook",
        "https://",
        "+491701234567",
    ],
)
def test_no_endpoint(endpoint):
    with pytest.raises(ValidationError) as wrong:
        AlarmTopicArgs.model_validate({"subscribers": {"team": endpoint}})
    assert [error["loc"] for error in wrong.value.errors()] == [("subscribers", "team")]
