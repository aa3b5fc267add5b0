"""Observability: what each tier watches, who is told once when something breaks, and the dashboard of it all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import NAME, PACKAGE, Args, Refusal, check_name, location, physical_name, policy_document, tags
from .security import EncryptionKey

_PUBLISHERS: dict[str, tuple[str, bool]] = {
    "Alarms": ("cloudwatch.amazonaws.com", True),
    "Events": ("events.amazonaws.com", False),
}
"""Services that publish, and whether for this account alone: EventBridge publishes to no topic whose policy has a
condition for it (EventBridge user guide, "Amazon SNS permissions")."""

_COMPARISONS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}
_MOST_ALARMS, _LONGEST_RULE = 100, 10_240
"""Of a composite alarm (CloudWatch user guide, "Composite alarms"; PutCompositeAlarm API reference)."""
_WIDGET_HEIGHT = 6

SubscriberName = Annotated[str, StringConstraints(pattern=NAME, max_length=40)]
Endpoint = Annotated[
    str, StringConstraints(pattern=r"^([^@\s:/]+@[^@\s:/]+\.[^@\s:/.]+|https://[^\s/@]+(/\S*)?)$", max_length=2048)
]
"""An e-mail address, or an HTTPS URL without credentials: SNS would keep those in plain sight."""


class AlarmTopicArgs(Args):
    """Who is told of alarms and failures."""

    subscribers: dict[SubscriberName, Endpoint] = Field(default_factory=dict)
    """E-mail addresses or HTTPS URLs, by name. Each has to confirm the subscription before SNS sends anything. Another
    name for one takes two updates, without it and with it again: SNS has one subscription of an address, which goes
    with the old name."""

    def refusals(self) -> Iterator[Refusal]:
        endpoints = list(self.subscribers.values())
        for name, endpoint in self.subscribers.items():
            if endpoints.count(endpoint) > 1:
                yield Refusal(("subscribers", name), "SNS takes an address once: another name has it too")


class AlarmTopic(pulumi.ComponentResource):
    """An encrypted SNS topic that takes TLS only, to which this account's alarms and event rules publish.

    Roles publish by `publish_statements`.
    """

    arn: pulumi.Output[str]
    """Known in a preview, so that policies and state machines that name it are too."""
    policy: aws.sns.TopicPolicy
    """Nobody can publish before it is there."""

    def __init__(
        self,
        name: str,
        args: AlarmTopicArgs | None = None,
        *,
        key: EncryptionKey,
        region: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        key: encrypts the messages; SNS, CloudWatch alarms and EventBridge must be among its users.
        region: another than the provider's, as CloudFront's alarms (us-east-1) need; the key's then too.
        """
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:AlarmTopic", name, None, opts)
        self._args = args = args or AlarmTopicArgs()
        child = pulumi.ResourceOptions(parent=self)
        here = location(self, region)
        physical = physical_name(name, 256)
        self._key = key
        self.arn = here.arn("sns", physical)
        topic = aws.sns.Topic(
            name, name=physical, kms_master_key_id=key.arn, region=region, tags=tags(name), opts=child
        )
        self.policy = aws.sns.TopicPolicy(
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
                    }
                    | ({"Condition": {"StringEquals": {"aws:SourceAccount": here.account}}} if bound else {})
                    for sid, (service, bound) in _PUBLISHERS.items()
                ),
            ),
            region=region,
            opts=child,
        )
        for subscriber, endpoint in args.subscribers.items():
            aws.sns.TopicSubscription(
                f"{name}-{subscriber}",
                topic=topic.arn,
                protocol="https" if endpoint.startswith("https://") else "email",
                endpoint=endpoint,
                region=region,
                opts=child,
            )
        self.register_outputs({"arn": self.arn})

    def in_region(self, name: str, region: str, *, opts: pulumi.ResourceOptions | None = None) -> "AlarmTopic":
        """Another topic with the same subscribers, in another region: an alarm tells topics of its own region only."""
        key = self._key.in_region(f"{name}-key", region, users=["cloudwatch-alarms", "eventbridge", "sns"], opts=opts)
        return AlarmTopic(name, self._args, key=key, region=region, opts=opts)

    def publish_statements(self) -> list[dict[str, Any]]:
        """For a role's policy: publish to the topic."""
        return [
            {"Effect": "Allow", "Action": "sns:Publish", "Resource": self.arn},
            self._key.encrypt_statement("sns"),
        ]


@dataclass(frozen=True)
class Alarm:
    """What of one metric is a fault."""

    description: str
    """What is wrong then, and where to look: it goes out with the message."""
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    threshold: float | None
    """None makes no alarm."""
    missing: Literal["breaching", "notBreaching", "ignore", "missing"]
    """What a time without data is: `breaching` where the metric is always there, `notBreaching` where it is there only
    when something happens."""
    comparison: Literal[">", ">=", "<", "<="] = ">="
    statistic: str = "Average"
    """`Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount` or a percentile, such as `p99`."""
    percent_of: str | None = None
    """Another metric of the same namespace and dimensions: the threshold is a percentage of it then."""
    period_seconds: int = 60
    periods: int = 5
    """Periods in a row that have to be beyond the threshold."""


@dataclass(frozen=True)
class Watched:
    """An alarm, and the resource that it has become."""

    alarm: Alarm
    name: str
    """The alarm's name on AWS, known in a preview."""
    region: str | None
    tells: bool
    """Whether it tells somebody by itself."""
    resource: aws.cloudwatch.MetricAlarm


def watch(
    name: str,
    alarms: Mapping[str, Alarm],
    *,
    parent: pulumi.Resource,
    region: str | None = None,
    topic: AlarmTopic | None = None,
) -> dict[str, Watched]:
    """Make alarms beside what they watch.

    Args:
        region: another than the provider's, where the metric is: CloudFront's are in us-east-1.
        topic: is told by each of them, where each is a matter of its own. Without it they tell nobody themselves:
            `Observability` has those of a tier page together.
    """
    watched = {}
    for key, alarm in alarms.items():
        if alarm.threshold is None:
            continue
        physical = physical_name(f"{name}-{key}", 255)
        metric: dict[str, Any] = {
            "namespace": alarm.namespace,
            "dimensions": dict(alarm.dimensions),
            "period": alarm.period_seconds,
        }
        if alarm.percent_of:
            metrics = {"part": alarm.metric, "whole": alarm.percent_of}
            measured: dict[str, Any] = {
                "metric_queries": [
                    {"id": "percent", "expression": "100 * part / whole", "label": key, "return_data": True},
                    *(
                        {"id": id_, "metric": metric | {"metric_name": metric_name, "stat": alarm.statistic}}
                        for id_, metric_name in metrics.items()
                    ),
                ]
            }
        else:
            percentile = alarm.statistic.startswith("p")
            measured = metric | {
                "metric_name": alarm.metric,
                "extended_statistic" if percentile else "statistic": alarm.statistic,
            }
        resource = aws.cloudwatch.MetricAlarm(
            f"{name}-{key}",
            name=physical,
            alarm_description=alarm.description,
            comparison_operator=_COMPARISONS[alarm.comparison],
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            treat_missing_data=alarm.missing,
            alarm_actions=[topic.arn] if topic else None,
            region=region,
            tags=tags(f"{name}-{key}"),
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[topic.policy] if topic else None),
            **measured,
        )
        watched[key] = Watched(alarm, physical, region, topic is not None, resource)
    return watched


class ObservabilityArgs(Args):
    """How alarms become pages, and the dashboard."""

    wait_seconds: int = Field(default=180, ge=0, le=86_400)
    """Seconds that a tier's page waits for an alarm of a tier that it stands on, whose page it leaves it to then."""
    recovery_seconds: int = Field(default=300, ge=0, le=86_400)
    """Seconds after such an alarm is over in which the tier still pages nobody, while it recovers."""
    dashboard: bool = True
    """A CloudWatch dashboard with a row for each tier: its alarms' metrics and thresholds."""


class Observability(pulumi.ComponentResource):
    """One composite alarm for each tier, which alone pages: a fault with many signs is told once. A tier that stands on
    others, as the web tier on the database, pages only where those are well."""

    dashboard_name: str | None

    def __init__(
        self,
        name: str,
        args: ObservabilityArgs | None = None,
        *,
        tiers: Mapping[str, Mapping[str, Watched]],
        stands_on: Mapping[str, Sequence[str]] | None = None,
        topic: AlarmTopic,
        global_topic: AlarmTopic | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        tiers: the alarms of each, those before that others stand on.
        stands_on: for each tier the others whose faults are the cause of its own; only alarms of the same region count.
        topic: is told of alarms in the provider's region.
        global_topic: is told of those in us-east-1, since CloudWatch pages within a region only; none where they are
            not to page.

        Raises:
            ValueError: if `stands_on` names a tier that is not before its own.
        """
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:Observability", name, None, opts)
        self._name = name
        self._args = args = args or ObservabilityArgs()
        before: dict[str, aws.cloudwatch.CompositeAlarm] = {}
        for tier, alarms in tiers.items():
            causes = (stands_on or {}).get(tier, ())
            late = [cause for cause in causes if cause in tiers and list(tiers).index(cause) >= list(tiers).index(tier)]
            if late:
                raise ValueError(f"observability {name!r}: name {', '.join(late)} before {tier}, which stands on it")
            found = {cause: before[cause] for cause in causes if cause in before}
            together = [watched for watched in alarms.values() if not watched.tells]
            here = [watched for watched in together if watched.region is None]
            if here:
                before[tier] = self._create_page(tier, here, topic, self._cause_of(tier, found))
            distant = [watched for watched in together if watched.region]
            if distant and global_topic:
                self._create_page(f"{tier}-global", distant, global_topic, None)
        self.dashboard_name = physical_name(name, 255) if args.dashboard else None
        if self.dashboard_name:
            aws.cloudwatch.Dashboard(
                name,
                dashboard_name=self.dashboard_name,
                dashboard_body=pulumi.Output.json_dumps({"widgets": _widgets(tiers, location(self).region)}),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"dashboard_name": self.dashboard_name})

    def _create_page(
        self,
        tier: str,
        alarms: Sequence[Watched],
        topic: AlarmTopic,
        cause: aws.cloudwatch.CompositeAlarm | None,
    ) -> aws.cloudwatch.CompositeAlarm:
        """What pages when any of the alarms is on, unless its cause is."""
        return self._create_composite(
            tier,
            "; ".join(watched.alarm.description for watched in alarms)[:1024],
            {watched.name: watched.resource for watched in alarms},
            after=[topic.policy],
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            actions_suppressor={
                "alarm": cause.arn,
                "wait_period": self._args.wait_seconds,
                "extension_period": self._args.recovery_seconds,
            }
            if cause
            else None,
            region=alarms[0].region,
        )

    def _cause_of(
        self, tier: str, causes: Mapping[str, aws.cloudwatch.CompositeAlarm]
    ) -> aws.cloudwatch.CompositeAlarm | None:
        """One alarm for all of the causes, since CloudWatch takes one."""
        if len(causes) < 2:
            return next(iter(causes.values()), None)
        names = {self._physical(cause): alarm for cause, alarm in causes.items()}
        return self._create_composite(f"below-{tier}", f"What {tier} stands on; pages nobody itself", names)

    def _create_composite(
        self,
        key: str,
        description: str,
        alarms: Mapping[str, pulumi.Resource],
        after: Sequence[pulumi.Resource] = (),
        **more: Any,
    ) -> aws.cloudwatch.CompositeAlarm:
        """An alarm that is on when any of those is.

        Raises:
            ValueError: if they are more than CloudWatch takes.
        """
        rule = " OR ".join(f'ALARM("{alarm}")' for alarm in alarms)
        if len(alarms) > _MOST_ALARMS or len(rule) > _LONGEST_RULE:
            raise ValueError(
                f"observability {self._name!r}: {key} has {len(alarms)} alarms, in a rule of {len(rule)} characters: "
                f"CloudWatch takes {_MOST_ALARMS} and {_LONGEST_RULE:,}; hand some of them over as a tier of their own"
            )
        return aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{key}",
            alarm_name=self._physical(key),
            alarm_description=description,
            alarm_rule=rule,
            tags=tags(f"{self._name}-{key}"),
            # CloudWatch refuses a rule that names an alarm which is not there yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*alarms.values(), *after]),
            **more,
        )

    def _physical(self, key: str) -> str:
        return physical_name(f"{self._name}-{key}", 255)


class Place(NamedTuple):
    """Where a dashboard has a tier's heading, or the chart of one of its alarms."""

    title: str
    watched: Watched | None
    """None for the heading."""
    x: int
    y: int
    width: int
    height: int


def places(tiers: Mapping[str, Mapping[str, Watched]], height: int) -> Iterator[Place]:
    """A heading for each tier that has alarms, and below it its charts, three in a row (CloudWatch and Grafana both
    have 24 columns)."""
    columns, width, y = 3, 8, 0
    for tier, alarms in tiers.items():
        if not alarms:
            continue
        yield Place(tier, None, 0, y, columns * width, 1)
        y += 1
        for number, (key, watched) in enumerate(alarms.items()):
            row, column = divmod(number, columns)
            yield Place(key, watched, column * width, y + row * height, width, height)
        y += -(-len(alarms) // columns) * height


def _widgets(tiers: Mapping[str, Mapping[str, Watched]], region: pulumi.Output[str]) -> list[dict[str, Any]]:
    """A heading for each tier, and below it a chart for each of its alarms (CloudWatch API reference, "Dashboard Body
    Structure and Syntax": at most 500 widgets)."""
    widgets: list[dict[str, Any]] = []
    for title, watched, x, y, width, height in places(tiers, _WIDGET_HEIGHT):
        properties = (
            _chart(title, watched, region) if watched else {"markdown": f"## {title}", "background": "transparent"}
        )
        where = {"x": x, "y": y, "width": width, "height": height}
        widgets.append({"type": "metric" if watched else "text", **where, "properties": properties})
    return widgets


def _chart(key: str, watched: Watched, region: pulumi.Output[str]) -> dict[str, Any]:
    """A metric over time, and the line that it should not cross."""
    alarm = watched.alarm
    where = [part for dimension in alarm.dimensions.items() for part in dimension]
    whole = {"stat": alarm.statistic, "period": alarm.period_seconds}
    metrics: list[list[Any]] = [[alarm.namespace, alarm.metric, *where, whole]]
    if alarm.percent_of:
        metrics = [
            [{"expression": "100 * part / whole", "label": f"% of {alarm.percent_of}", "id": "percent"}],
            [alarm.namespace, alarm.metric, *where, whole | {"id": "part", "visible": False}],
            [alarm.namespace, alarm.percent_of, *where, whole | {"id": "whole", "visible": False}],
        ]
    return {
        "title": key,
        "region": watched.region or region,
        "view": "timeSeries",
        "metrics": metrics,
        "annotations": {"horizontal": [{"label": f"alarm {alarm.comparison}", "value": alarm.threshold}]},
    }
