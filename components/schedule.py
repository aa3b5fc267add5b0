"""Schedule: EventBridge Scheduler starts a state machine, and keeps what it could not start."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pydantic import Field, field_validator

from .common import PACKAGE, Args, TimeZone, check_name, create_role, location, physical_name, service_trust, tags
from .messaging import deny_insecure_transport
from .observability import Alarm, Watched, watch
from .security import EncryptionKey


class ScheduleAlarms(Args):
    """What of the starts is a fault. A threshold of null leaves its alarm out."""

    unstarted_limit: int | None = Field(default=1, ge=1)
    """Starts that the scheduler gave up and that wait in the dead-letter queue."""


class ScheduleArgs(Args):
    """When the jobs run."""

    enabled: bool = True
    """Start runs; off leaves that to whoever starts an execution of the state machine."""
    expression: str = "cron(0 3 * * ? *)"
    """`cron(minutes hours day-of-month month day-of-week year)` with `?` for one of the days, or `rate(6 hours)`."""
    time_zone: TimeZone = "UTC"
    """Time zone of the expression, as the IANA database names it, such as `Europe/Berlin`."""
    retry_hours: int = Field(default=1, ge=1, le=24)
    """Hours for which a start that fails is tried again (EventBridge Scheduler: up to 24)."""
    alarms: ScheduleAlarms = Field(default_factory=ScheduleAlarms)
    """Threshold."""

    @field_validator("expression")
    @classmethod
    def _expression(cls, expression: str) -> str:
        if not (_is_cron(expression) or re.fullmatch(r"rate\([1-9]\d* (minute|hour|day)s?\)", expression)):
            raise ValueError(
                f"{expression!r}: write cron(minutes hours day-of-month month day-of-week year) with ? for one of the "
                "days, as cron(0 3 * * ? *), or rate(6 hours)"
            )
        return expression


class Schedule(pulumi.ComponentResource):
    """Executions of a state machine, one after the other in a time zone. A start that fails for `retry_hours` is kept
    in a dead-letter queue, whose length is an alarm."""

    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: ScheduleArgs | None = None,
        *,
        machine: aws.sfn.StateMachine,
        machine_arn: pulumi.Input[str],
        statements: Sequence[Mapping[str, Any]] = (),
        key: EncryptionKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        machine: what is started.
        machine_arn: its ARN, known in a preview, for the role's policy.
        statements: what else the role may do, such as using the state machine's key.
        key: encrypts the schedule and the dead letters.
        """
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:Schedule", name, None, opts)
        args = args or ScheduleArgs()
        child = pulumi.ResourceOptions(parent=self)
        here = location(self)
        physical = physical_name(name, 64)
        queue_name = physical_name(f"{name}-unstarted", 80)
        queue = aws.sqs.Queue(
            f"{name}-unstarted",
            name=queue_name,
            kms_master_key_id=key.arn,
            message_retention_seconds=14 * 24 * 60 * 60,  # the longest that SQS keeps one
            tags=tags(f"{name}-unstarted"),
            opts=child,
        )
        queue_arn = here.arn("sqs", queue_name)
        deny_insecure_transport(f"{name}-unstarted", queue, queue_arn, self)
        role, permissions = create_role(
            name,
            trust=service_trust(
                "scheduler.amazonaws.com",
                StringEquals={"aws:SourceAccount": here.account},
                # A schedule goes by its group (EventBridge Scheduler user guide, "Confused deputy prevention").
                ArnLike={"aws:SourceArn": here.arn("scheduler", f"schedule-group/{physical}")},
            ),
            statements=[
                {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine_arn},
                *statements,
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn},
                key.encrypt_statement("sqs"),
                key.decrypt_statement("scheduler"),
            ],
            parent=self,
        )
        # One of its own, because the trust above and CloudWatch go by groups.
        group = aws.scheduler.ScheduleGroup(name, name=physical, tags=tags(name), opts=child)
        aws.scheduler.Schedule(
            name,
            name=physical,
            group_name=group.name,
            description=f"{pulumi.get_project()} {pulumi.get_stack()}: {name}",
            schedule_expression=args.expression,
            schedule_expression_timezone=args.time_zone,
            state="ENABLED" if args.enabled else "DISABLED",
            flexible_time_window={"mode": "OFF"},
            kms_key_arn=key.arn,
            target={
                "arn": machine.arn,
                "role_arn": role.arn,
                "input": "{}",
                "retry_policy": {
                    "maximum_event_age_in_seconds": args.retry_hours * 3600,
                    "maximum_retry_attempts": 185,
                },
                "dead_letter_config": {"arn": queue.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
        )
        alarm = Alarm(
            "The scheduler could not start a run, and gave up: its dead-letter queue says why",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": queue_name},
            args.alarms.unstarted_limit,
            missing="notBreaching",  # a queue that nothing comes to falls silent
            statistic="Maximum",
            periods=1,
            period_seconds=300,
        )
        self.alarms = watch(name, {"unstarted": alarm}, parent=self)
        self.register_outputs({"queue_arn": queue_arn})


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON_FIELDS: tuple[tuple[int, int, tuple[str, ...], str], ...] = (
    (0, 59, (), ""),
    (0, 23, (), ""),
    (1, 31, (), r"\?|L(-\d+)?|LW|\d+W"),
    (1, 12, _MONTHS, ""),
    (1, 7, _DAYS, r"\?|L|([1-7]|[A-Z]{3})(L|#[1-5])"),
    (1970, 2199, (), ""),
)
"""Lowest, highest and names of each field, and what else it takes (EventBridge Scheduler user guide)."""


def _is_cron(expression: str) -> bool:
    written = re.fullmatch(r"cron\((.*)\)", expression)
    fields = written[1].split(" ") if written else []
    if len(fields) != len(_CRON_FIELDS) or (fields[2] == "?") == (fields[4] == "?"):
        return False
    return all(
        all(_is_cron_part(part, *known) for part in field.split(","))
        for field, known in zip(fields, _CRON_FIELDS, strict=True)
    )


def _is_cron_part(part: str, lowest: int, highest: int, names: tuple[str, ...], special: str) -> bool:
    if special and re.fullmatch(special, part):
        return True
    found = re.fullmatch(r"(\*|\w+(?:-\w+)?)(?:/([1-9]\d*))?", part)
    if not found:
        return False
    return found[1] == "*" or all(
        value in names or (value.isdecimal() and lowest <= int(value) <= highest) for value in found[1].split("-")
    )
