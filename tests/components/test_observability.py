import json

import pulumi
import pytest
from pydantic import ValidationError

from components.observability import (
    Alarm,
    AlarmTopic,
    AlarmTopicArgs,
    Observability,
    ObservabilityArgs,
    Watched,
    watch,
)
from components.security import EncryptionKey
from tests.registered import by_sid, counts, of, one, run, waits_for

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
            | {"Sid": sid, "Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}}
            | ({"Condition": own} if sid == "Alarms" else {})
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


def test_an_address_subscribes_once():
    with pytest.raises(ValidationError, match="SNS takes an address once") as wrong:
        AlarmTopicArgs.model_validate({"subscribers": {"team": "a@example.com", "crew": "a@example.com"}})
    assert [error["loc"] for error in wrong.value.errors()] == [("subscribers", "team"), ("subscribers", "crew")]


def alarm(metric, threshold=5, **more):
    return Alarm(
        f"Something is wrong with {metric}",
        "AWS/Test",
        metric,
        {"Name": "x"},
        threshold,
        **{"missing": "notBreaching"} | more,
    )


def observed(*, args=None, unknown=False, region="eu-west-1", stands_on=None, **tiers):
    """The alarms of each tier, and what `Observability` makes of them."""

    def program():
        key = EncryptionKey("logs", users=["cloudwatch-alarms", "eventbridge", "sns"])
        made = AlarmTopic("alarms", key=key)
        watched: dict[str, dict[str, Watched]] = {}
        for tier, alarms in tiers.items():
            place = pulumi.ComponentResource("test:index:Tier", tier)
            watched[tier] = {}
            for where in (None, "us-east-1"):
                some = {key: one for key, one in alarms.items() if ("global" in key) == bool(where)}
                watched[tier] |= watch(tier, some, parent=place, region=where)
        Observability(
            "observability",
            ObservabilityArgs.model_validate(args or {}),
            tiers=watched,
            stands_on=stands_on,
            topic=made,
            global_topic=made.in_region("alarms-global", "us-east-1"),
        )

    return run(program, unknown=unknown, region=region)


def pages(recording):
    return of(recording, "cloudwatch/compositeAlarm:CompositeAlarm")


def test_an_alarm_is_what_was_said_and_tells_nobody_itself():
    recording = observed(web={"cpu": alarm("CPUUtilization", 80, comparison=">", periods=3, period_seconds=300)})
    made = one(recording, "cloudwatch/metricAlarm:MetricAlarm", "web-cpu")
    assert made.inputs == {
        "name": "platform-test-web-cpu",
        "alarmDescription": "Something is wrong with CPUUtilization",
        "namespace": "AWS/Test",
        "metricName": "CPUUtilization",
        "dimensions": {"Name": "x"},
        "statistic": "Average",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 80,
        "period": 300,
        "evaluationPeriods": 3,
        "treatMissingData": "notBreaching",
        "tags": {"Name": "platform-test-web-cpu"},
    }


def test_a_percentile_and_a_percentage_are_asked_for_in_their_own_way():
    recording = observed(
        web={
            "slow": alarm("TargetResponseTime", 2, statistic="p99"),
            "errors": alarm("5XX", 5, statistic="Sum", percent_of="Requests"),
        }
    )
    slow = one(recording, "cloudwatch/metricAlarm:MetricAlarm", "web-slow").inputs
    assert slow["extendedStatistic"] == "p99"
    assert "statistic" not in slow
    errors = one(recording, "cloudwatch/metricAlarm:MetricAlarm", "web-errors").inputs
    assert "metricName" not in errors
    of_both = {"namespace": "AWS/Test", "dimensions": {"Name": "x"}, "period": 60, "stat": "Sum"}
    assert errors["metricQueries"] == [
        {"id": "percent", "expression": "100 * part / whole", "label": "errors", "returnData": True},
        {"id": "part", "metric": of_both | {"metricName": "5XX"}},
        {"id": "whole", "metric": of_both | {"metricName": "Requests"}},
    ]


def test_no_threshold_is_no_alarm():
    recording = observed(web={"cpu": alarm("CPUUtilization", None)})
    assert "MetricAlarm" not in counts(recording)
    assert not pages(recording)


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
def test_a_tier_pages_once_for_all_of_its_alarms(unknown):
    recording = observed(web={"cpu": alarm("CPUUtilization"), "disk": alarm("Disk")}, unknown=unknown)
    page = pages(recording)["observability-web"]
    assert page.inputs["alarmRule"] == 'ALARM("platform-test-web-cpu") OR ALARM("platform-test-web-disk")'
    assert page.inputs["alarmActions"] == page.inputs["okActions"] == [ARN]
    assert "actionsSuppressor" not in page.inputs
    for made in of(recording, "cloudwatch/metricAlarm:MetricAlarm").values():
        assert waits_for(recording, page, made)
    assert waits_for(recording, page, one(recording, "sns/topicPolicy:TopicPolicy", "alarms"))


def test_what_another_tiers_fault_brings_along_is_left_to_that_ones_page():
    recording = observed(
        args={"wait_seconds": 60, "recovery_seconds": 120},
        cache={"cpu": alarm("CPUUtilization")},
        database={"cpu": alarm("CPUUtilization")},
        web={"errors": alarm("5XX")},
        edge={"down": alarm("Status")},
        stands_on={"web": ["cache", "database", "absent"], "edge": ["web"]},
    )
    both = pages(recording)["observability-below-web"]
    assert both.inputs["alarmRule"] == (
        'ALARM("platform-test-observability-cache") OR ALARM("platform-test-observability-database")'
    )
    assert "alarmActions" not in both.inputs
    suppressor = {"waitPeriod": 60, "extensionPeriod": 120}
    web, edge = (pages(recording)[f"observability-{tier}"] for tier in ("web", "edge"))
    assert web.inputs["actionsSuppressor"] == {"alarm": both.outputs["arn"], **suppressor}
    assert edge.inputs["actionsSuppressor"] == {"alarm": web.outputs["arn"], **suppressor}
    assert "actionsSuppressor" not in pages(recording)["observability-database"].inputs


def test_a_cause_that_comes_later_is_refused():
    with pytest.raises(Exception, match="name database before web, which stands on it"):
        observed(
            web={"cpu": alarm("CPUUtilization")},
            database={"cpu": alarm("CPUUtilization")},
            stands_on={"web": ["database"]},
        )


def test_more_alarms_than_a_page_takes_are_refused():
    with pytest.raises(Exception, match=r"web has 101 alarms, .* CloudWatch takes 100"):
        observed(web={f"queue-{number}": alarm("Age") for number in range(101)})


def test_an_alarm_elsewhere_pages_by_a_topic_there_with_a_key_there():
    recording = observed(edge={"errors": alarm("5XX"), "global-errors": alarm("5xxErrorRate")})
    elsewhere = one(recording, "cloudwatch/metricAlarm:MetricAlarm", "edge-global-errors")
    assert elsewhere.inputs["region"] == "us-east-1"
    page = pages(recording)["observability-edge-global"]
    assert page.inputs["region"] == "us-east-1"
    assert page.inputs["alarmRule"] == 'ALARM("platform-test-edge-global-errors")'
    assert page.inputs["alarmActions"] == ["arn:aws:sns:us-east-1:123456789012:platform-test-alarms-global"]
    assert one(recording, "sns/topic:Topic", "alarms-global").inputs["region"] == "us-east-1"
    assert one(recording, "kms/key:Key", "alarms-global-key").inputs["region"] == "us-east-1"
    assert "global" not in pages(recording)["observability-edge"].inputs["alarmRule"]


def test_the_dashboard_has_a_row_a_tier_and_shows_what_the_alarms_see():
    recording = observed(
        web={f"metric-{number}": alarm(f"M{number}") for number in range(4)},
        edge={"global-errors": alarm("5xx", statistic="Sum", percent_of="Requests")},
    )
    board = one(recording, "cloudwatch/dashboard:Dashboard", "observability")
    assert board.inputs["dashboardName"] == "platform-test-observability"
    widgets = json.loads(board.inputs["dashboardBody"])["widgets"]
    places = [(w["type"], w["x"], w["y"]) for w in widgets]
    assert places == [
        ("text", 0, 0),
        ("metric", 0, 1),
        ("metric", 8, 1),
        ("metric", 16, 1),
        ("metric", 0, 7),
        ("text", 0, 13),
        ("metric", 0, 14),
    ]
    assert widgets[1]["properties"] == {
        "title": "metric-0",
        "region": "eu-west-1",
        "view": "timeSeries",
        "metrics": [["AWS/Test", "M0", "Name", "x", {"stat": "Average", "period": 60}]],
        "annotations": {"horizontal": [{"label": "alarm >=", "value": 5}]},
    }
    last = widgets[-1]["properties"]
    assert last["region"] == "us-east-1"
    assert [metric[-1].get("id") for metric in last["metrics"]] == ["percent", "part", "whole"]


def test_no_dashboard_by_setting():
    assert "Dashboard" not in counts(observed(args={"dashboard": False}, web={"cpu": alarm("CPUUtilization")}))
