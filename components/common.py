"""What every tier shares: the base of its arguments, its names and tags, and where it is deployed."""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import available_timezones

import pulumi
import pulumi_aws as aws
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

PACKAGE = "platform:index"
"""Prefix of every component's type token. A change of it replaces everything: alias it if it must ever move."""

RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653
]
"""Days that CloudWatch Logs can keep a log group (PutRetentionPolicy API reference)."""

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
"""What names are made of that become parts of resources' names: lower-case letters, digits and single hyphens."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"({'|'.join(_DAYS)})"
_TIME = r"([01]\d|2[0-3]):[0-5]\d"

DailyWindow = Annotated[str, StringConstraints(pattern=rf"^{_TIME}-{_TIME}$")]
"""Part of every day (UTC), such as `02:00-03:00`."""
WeeklyWindow = Annotated[str, StringConstraints(pattern=rf"^{_DAY}:{_TIME}-{_DAY}:{_TIME}$")]
"""Part of every week (UTC), such as `sun:03:30-sun:04:30`."""


def _known_time_zone(time_zone: str) -> str:
    if time_zone not in available_timezones():
        raise ValueError(f"{time_zone!r} is no time zone of the IANA database, such as Europe/Berlin")
    return time_zone


TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
"""As the IANA database names it, such as `Europe/Berlin`."""

InstanceType = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.(nano|micro|small|medium|metal|\d*x?large)$")
]
"""An EC2 instance type, such as `t4g.small`; one with a `g` behind its generation is a Graviton type (arm64)."""


class OrOutput:
    """Marks an argument of a string type that takes an output too, such as another stack's; a stack file holds strings.

    Only then can it be checked up front; what an output holds is checked by whoever looks it up.
    """

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = handler.generate_schema(self._kind)
        return core_schema.no_info_wrap_validator_function(
            lambda value, check: value if isinstance(value, pulumi.Output) else check(value), text
        )


class Refusal(NamedTuple):
    """A combination of arguments that AWS refuses: where it is, and why."""

    path: tuple[str, ...]
    reason: str


class Args(BaseModel):
    """Base of every tier's arguments: immutable, typed strictly, and without unknown keys.

    Raises:
        pydantic.ValidationError: naming every argument that is wrong, with its path and the reason.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    def refusals(self) -> Iterator[Refusal]:
        """Combinations of valid arguments that AWS refuses all the same."""
        return iter(())

    def repeated(self, *fields: str) -> Iterator[Refusal]:
        """Each value that stands in one of these lists more than once."""
        for field in fields:
            values = getattr(self, field)
            for value in sorted({value for value in values if values.count(value) > 1}):
                yield Refusal((field,), f"{value!r} is named twice")

    @model_validator(mode="after")
    def _refuse(self) -> "Args":
        found = [
            InitErrorDetails(
                type=PydanticCustomError("refused", "{reason}", {"reason": refusal.reason, "by": type(self).__name__}),
                loc=refusal.path,
                input=None,
            )
            for refusal in self.refusals()
        ]
        if found:
            raise ValidationError.from_exception_data(type(self).__name__, found)
        return self


class Location:
    """The account, region and partition that a component deploys to. Known in a preview, so that policies are too.

    Each is asked for when it is first needed, since on AWS each is a request.
    """

    def __init__(self, parent: pulumi.Resource, region: str | None) -> None:
        self._opts = pulumi.InvokeOutputOptions(parent=parent)
        self._region = region

    @cached_property
    def account(self) -> pulumi.Output[str]:
        """The account's id."""
        return aws.get_caller_identity_output(opts=self._opts).account_id

    @cached_property
    def region(self) -> pulumi.Output[str]:
        """The region's name."""
        return pulumi.Output.from_input(self._region or aws.get_region_output(opts=self._opts).region)

    @cached_property
    def partition(self) -> pulumi.Output[str]:
        """The partition: `aws`, `aws-cn` or `aws-us-gov`."""
        return aws.get_partition_output(opts=self._opts).partition

    def arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """The ARN of a regional resource of this account."""
        return pulumi.Output.format("arn:{}:{}:{}:{}:{}", self.partition, service, self.region, self.account, resource)

    def global_arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """The ARN of a resource of this account in a service without regions, such as IAM."""
        return pulumi.Output.format("arn:{}:{}::{}:{}", self.partition, service, self.account, resource)

    def bucket_arn(self, bucket_name: pulumi.Input[str]) -> pulumi.Output[str]:
        """The ARN of a bucket, which carries neither region nor account."""
        return pulumi.Output.format("arn:{}:s3:::{}", self.partition, bucket_name)


def location(parent: pulumi.Resource, region: str | None = None) -> Location:
    """Where `parent`'s provider deploys to; `region` names another region of the same account."""
    return Location(parent, region)


class LookedUp(pulumi.ComponentResource):
    """What exists and belongs to others, as a look-up has found it: nothing is made of it.

    It is there for the policy pack, which sees what a program registers and not what it looks up or reads.
    """

    def __init__(
        self, name: str, type_token: str, properties: Mapping[str, pulumi.Input[Any]], *, parent: pulumi.Resource
    ) -> None:
        """Args:
        type_token: the type that it would have, such as `aws:ec2/subnet:Subnet`.
        properties: its id, and whatever else of it policies judge, as that type names them.
        """
        found = {"type": type_token, "properties": properties}
        super().__init__(f"{PACKAGE}:LookedUp", name, found, pulumi.ResourceOptions(parent=parent))
        self.register_outputs(found)


async def begun() -> None:
    """For `pulumi.run` in a program: has all registrations begin, so that the SDK waits for one after the other.

    Otherwise it finds none to wait for, looks at every output each time that any is known, and takes more than twice
    as long over a preview of 500 resources (pulumi 3.272, `runtime/stack.py`).
    """
    await asyncio.sleep(0)


def explain(found: pulumi.Output[Any], missing: str) -> None:
    """Say what is missing where a look-up fails, beside the provider's own words, which don't tell whose it was."""

    async def watched() -> bool:
        try:
            await found.future(with_unknowns=True)
        except Exception:
            pulumi.log.error(missing)
            return False
        return True

    told: pulumi.Input[bool] = watched()
    pulumi.Output.from_input(told)  # the program waits for every output


def physical_name(name: str, limit: int) -> str:
    """`<project>-<stack>-<name>` in lower case, for what AWS wants named up front and policies have to name.

    A name over `limit` characters is cut and ends in a hash of the whole, so that two long names never meet.
    """
    whole = f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}"
    plain = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    if plain == whole and len(plain) <= limit:
        return plain
    digest = hashlib.sha256(whole.encode()).hexdigest()[:6]
    return f"{plain[: limit - 7].strip('-')}-{digest}"


def log_group_name(name: str) -> str:
    """`/<project>/<stack>/<name>`: where a tier's own logs go (at most 512 characters)."""
    return f"/{pulumi.get_project()}/{pulumi.get_stack()}/{name}"


def tags(name: str, **extra: str) -> dict[str, str]:
    """A resource's tags: its readable name, and whatever else AWS reads from tags. Others come as default tags."""
    return {"Name": f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}", **extra}


def policy_document(*statements: Mapping[str, Any]) -> pulumi.Output[str]:
    """An IAM, key or resource policy of these statements, as JSON."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def service_trust(service: str, **conditions: Any) -> pulumi.Output[str]:
    """The trust policy of a role that one AWS service assumes, under `conditions` where there are any."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return policy_document(statement | ({"Condition": conditions} if conditions else {}))


def create_role(
    name: str,
    *,
    trust: pulumi.Input[str],
    managed_policies: Sequence[str] = (),
    statements: Sequence[Mapping[str, Any]] = (),
    parent: pulumi.Resource,
    role_name: str | None = None,
    permissions_boundary: str | None = None,
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """A role, and what gives it its permissions: whoever works under the role has to wait for those.

    Args:
        trust: who may assume it, see `service_trust`.
        managed_policies: AWS's own policies, by path and name: `service-role/AmazonRDSEnhancedMonitoringRole`.
        statements: what else it may do.
        role_name: a physical name, where a policy elsewhere has to know it in a preview; else Pulumi makes one.
        permissions_boundary: a managed policy that the role can't go beyond.
    """
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(
        name,
        name=role_name,
        assume_role_policy=trust,
        permissions_boundary=permissions_boundary,
        tags=tags(name),
        opts=child,
    )
    here = location(parent)
    permissions: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{policy.rsplit('/', 1)[-1]}",
            role=role.name,
            policy_arn=pulumi.Output.format("arn:{}:iam::aws:policy/{}", here.partition, policy),
            opts=child,
        )
        for policy in managed_policies
    ]
    if statements:
        permissions.append(aws.iam.RolePolicy(name, role=role.id, policy=policy_document(*statements), opts=child))
    return role, permissions


def architecture(instance_type: str) -> Literal["arm64", "x86_64"]:
    """The processor architecture of an EC2 instance type."""
    return "arm64" if re.match(r"a1\.|[a-z]+\d+[a-z]*g[a-z]*\.", instance_type) else "x86_64"


def admit_log_delivery(
    name: str, policy_name: str, log_groups: str, parent: pulumi.Resource, region: str | None = None
) -> pulumi.Resource:
    """Lets AWS's log delivery write to the log groups that `log_groups` names, `*` as wildcard.

    CloudWatch Logs takes 10 such policies in an account and region (PutResourcePolicy API reference).
    """
    here = location(parent, region)
    return aws.cloudwatch.LogResourcePolicy(
        name,
        policy_name=policy_name,
        policy_document=policy_document(
            {
                "Effect": "Allow",
                "Principal": {"Service": "delivery.logs.amazonaws.com"},
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": here.arn("logs", f"log-group:{log_groups}"),
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": here.account},
                    "ArnLike": {"aws:SourceArn": here.arn("logs", "*")},
                },
            }
        ),
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def check_name(name: str, longest: int) -> None:
    """Refuse a component name from which AWS names could not be made.

    Raises:
        ValueError: if the name holds other than lower-case letters, digits and hyphens, or is too long.
    """
    if not re.fullmatch(NAME, name):
        raise ValueError(f"component name {name!r}: use lower-case letters, digits and single hyphens, a letter first")
    if len(name) > longest:
        raise ValueError(
            f"component name {name!r} has {len(name)} characters: at most {longest} leave room for the suffixes that "
            "the AWS name limits (32 for a load balancer or a target group, 63 for a database) have to hold"
        )


def _minutes(day: str, time: str) -> int:
    hours, minutes = time.split(":")
    return (_DAYS.index(day) * 24 + int(hours)) * 60 + int(minutes)


def window_refusals(
    daily_field: str, daily: str, weekly_field: str, weekly: str, shortest_minutes: int
) -> Iterator[Refusal]:
    """What RDS and ElastiCache refuse: a window too short, and a daily one during the weekly one."""
    week = 7 * 24 * 60
    (from_day, start), (to_day, end) = (edge.split(":", 1) for edge in weekly.split("-"))
    begins = _minutes(from_day, start)
    length = (_minutes(to_day, end) - begins) % week
    if not shortest_minutes <= length < 24 * 60:
        yield Refusal((weekly_field,), f"must last from {shortest_minutes} minutes to below 24 hours")
    daily_start, daily_end = (_minutes("mon", time) for time in daily.split("-"))
    daily_length = (daily_end - daily_start) % (24 * 60)
    if daily_length < shortest_minutes:
        yield Refusal((daily_field,), f"must last {shortest_minutes} minutes at least")
    for day in range(7):
        each = day * 24 * 60 + daily_start
        if (each - begins) % week < length or (begins - each) % week < daily_length:
            yield Refusal((daily_field,), f"overlaps {weekly_field} ({weekly})")
            return
