"""Audit tier: CloudTrail, which records who did what in the account, and alarms on what should hardly ever be done."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from .common import (
    PACKAGE,
    Args,
    Refusal,
    RetentionDays,
    check_name,
    create_role,
    location,
    log_group_name,
    physical_name,
    service_trust,
    tags,
)
from .observability import Alarm, AlarmTopic, Watched, watch
from .security import EncryptionKey
from .storage import LogBucket, SecureBucket

AuditAlarm = Literal[
    "root-use",
    "unauthorized-calls",
    "sign-in-without-mfa",
    "iam-changes",
    "trail-changes",
    "sign-in-failures",
    "key-deletion",
    "bucket-policy-changes",
    "config-changes",
    "security-group-changes",
    "network-acl-changes",
    "gateway-changes",
    "route-changes",
    "vpc-changes",
    "organization-changes",
]
"""What the CIS AWS Foundations Benchmark wants an alarm on, in its order (1.4.0, 4.1 to 4.15)."""

Insight = Literal["ApiCallRateInsight", "ApiErrorRateInsight"]

_NOISE = {"exclude_kms_events": "kms.amazonaws.com", "exclude_rds_data_events": "rdsdata.amazonaws.com"}
"""The only services whose management events CloudTrail can leave out, by setting."""
_PERIOD_SECONDS = 300


def _events(*names: str, source: str = "") -> str:
    """The pattern that any of these events matches."""
    found = " || ".join(f"($.eventName={name})" for name in names)
    return f"{{($.eventSource={source}.amazonaws.com) && ({found})}}" if source else f"{{{found}}}"


_FOUND: dict[AuditAlarm, tuple[str, str]] = {
    "root-use": (
        "The root user is at work, which no routine needs",
        '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}',
    ),
    "unauthorized-calls": (
        "Calls are refused for want of permission: a role lacks one, or someone tries doors",
        '{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}',
    ),
    "sign-in-without-mfa": (
        "An IAM user signed in to the console without a second factor",
        '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && '
        '($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }',
    ),
    "iam-changes": (
        "IAM policies were changed",
        _events(
            "DeleteGroupPolicy",
            "DeleteRolePolicy",
            "DeleteUserPolicy",
            "PutGroupPolicy",
            "PutRolePolicy",
            "PutUserPolicy",
            "CreatePolicy",
            "DeletePolicy",
            "CreatePolicyVersion",
            "DeletePolicyVersion",
            "AttachRolePolicy",
            "DetachRolePolicy",
            "AttachUserPolicy",
            "DetachUserPolicy",
            "AttachGroupPolicy",
            "DetachGroupPolicy",
            source="iam",
        ),
    ),
    "trail-changes": (
        "A trail was made, changed, started, stopped or deleted",
        _events("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
    ),
    "sign-in-failures": (
        "Sign-ins to the console fail for a wrong password",
        '{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}',
    ),
    "key-deletion": (
        "A KMS key was disabled, or its deletion scheduled: what it encrypts can't be read then",
        _events("DisableKey", "ScheduleKeyDeletion", source="kms"),
    ),
    "bucket-policy-changes": (
        "Who may use a bucket, or what becomes of its objects, was changed",
        _events(
            "PutBucketAcl",
            "PutBucketPolicy",
            "PutBucketCors",
            "PutBucketLifecycle",
            "PutBucketReplication",
            "DeleteBucketPolicy",
            "DeleteBucketCors",
            "DeleteBucketLifecycle",
            "DeleteBucketReplication",
            source="s3",
        ),
    ),
    "config-changes": (
        "AWS Config was changed or stopped",
        _events(
            "StopConfigurationRecorder",
            "DeleteDeliveryChannel",
            "PutDeliveryChannel",
            "PutConfigurationRecorder",
            source="config",
        ),
    ),
    "security-group-changes": (
        "Security groups were changed",
        _events(
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "CreateSecurityGroup",
            "DeleteSecurityGroup",
        ),
    ),
    "network-acl-changes": (
        "Network ACLs were changed",
        _events(
            "CreateNetworkAcl",
            "CreateNetworkAclEntry",
            "DeleteNetworkAcl",
            "DeleteNetworkAclEntry",
            "ReplaceNetworkAclEntry",
            "ReplaceNetworkAclAssociation",
        ),
    ),
    "gateway-changes": (
        "Internet or customer gateways were changed",
        _events(
            "CreateCustomerGateway",
            "DeleteCustomerGateway",
            "AttachInternetGateway",
            "CreateInternetGateway",
            "DeleteInternetGateway",
            "DetachInternetGateway",
        ),
    ),
    "route-changes": (
        "Route tables were changed",
        _events(
            "CreateRoute",
            "CreateRouteTable",
            "ReplaceRoute",
            "ReplaceRouteTableAssociation",
            "DeleteRouteTable",
            "DeleteRoute",
            "DisassociateRouteTable",
            source="ec2",
        ),
    ),
    "vpc-changes": (
        "VPCs or their peerings were changed",
        _events(
            "CreateVpc",
            "DeleteVpc",
            "ModifyVpcAttribute",
            "AcceptVpcPeeringConnection",
            "CreateVpcPeeringConnection",
            "DeleteVpcPeeringConnection",
            "RejectVpcPeeringConnection",
            "AttachClassicLinkVpc",
            "DetachClassicLinkVpc",
            "DisableVpcClassicLink",
            "EnableVpcClassicLink",
        ),
    ),
    "organization-changes": (
        "The organization, its accounts or its policies were changed",
        _events(
            "AcceptHandshake",
            "AttachPolicy",
            "CreateAccount",
            "CreateOrganizationalUnit",
            "CreatePolicy",
            "DeclineHandshake",
            "DeleteOrganization",
            "DeleteOrganizationalUnit",
            "DeletePolicy",
            "DetachPolicy",
            "DisablePolicyType",
            "EnablePolicyType",
            "InviteAccountToOrganization",
            "LeaveOrganization",
            "MoveAccount",
            "RemoveAccountFromOrganization",
            "UpdatePolicy",
            "UpdateOrganizationalUnit",
            source="organizations",
        ),
    ),
}
"""What each alarm tells, and the pattern of what it counts: the benchmark's own, to the letter, since Security Hub
(CloudWatch.1 to .14) takes no other. CloudWatch Logs takes 1,024 characters (PutMetricFilter API reference)."""
_UNUSUAL = (
    "CloudTrail Insights found a rate of calls or errors that is unusual for this account",
    '{($.eventType="AwsCloudTrailInsight") && ($.insightDetails.state="Start")}',
)


class AuditAlarms(Args):
    """When something in the trail is worth a page. All but these count from the first event on, as the benchmark
    says."""

    left_out: list[AuditAlarm] = Field(default_factory=list)
    """Alarms that the stack doesn't want. An update by Pulumi sets off those on changes too: it makes them."""
    unauthorized_calls_threshold: int = Field(default=5, ge=1)
    """Calls refused within 5 minutes. The benchmark says 1; the console alone is refused more often than that."""
    sign_in_failures_threshold: int = Field(default=3, ge=1)
    """Sign-ins to the console that fail within 5 minutes. The benchmark says 1, which is anyone's typing error."""


class AuditArgs(Args):
    """CloudTrail: what is recorded, how long the log group keeps it, and what pages. The log bucket's settings say how
    long the trail's files are kept."""

    multi_region: bool = True
    """Record all of the account's regions, and IAM, STS and CloudFront, whose events are in us-east-1. Without it the
    trail sees nothing of root users, IAM and sign-ins elsewhere: only for a second trail in an account."""
    exclude_kms_events: bool = False
    """Leave out what is done with keys, which is much and mostly encryption. It blinds the alarm `key-deletion`."""
    exclude_rds_data_events: bool = False
    """Leave out the calls of the RDS Data API, each of which is a management event."""
    data_events: Literal["all", "write", "none"] = "all"
    """Which accesses to objects in the sensitive buckets are recorded: each costs, reads mostly the most of it."""
    insights: list[Insight] = Field(default_factory=list)
    """What CloudTrail is to notice by itself: unusual rates of calls that change something (ApiCallRateInsight), or of
    errors (ApiErrorRateInsight). Each is charged by the events that it looks at; an alarm tells of what they find."""
    retention_days: RetentionDays = 365
    """Days that the log group keeps what is recorded (Security Hub's CloudWatch.16 wants 365)."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the trail and its log group."""
    alarms: AuditAlarms = Field(default_factory=AuditAlarms)
    """What pages, and when."""

    def refusals(self) -> Iterator[Refusal]:
        if self.exclude_kms_events and "key-deletion" not in self.alarms.left_out:
            yield Refusal(("exclude_kms_events",), "the alarm `key-deletion` could never come on: leave it out too")
        for insight in sorted({insight for insight in self.insights if self.insights.count(insight) > 1}):
            yield Refusal(("insights",), f"{insight} is named twice")


class Audit(pulumi.ComponentResource):
    """A trail of the account, validated and encrypted, to the log bucket and to a log group that alarms watch.

    One such trail sees the whole account. A second one, such as another stack's in the same account, records all
    management events once more, which is charged from the second copy on, and has the same alarms tell twice: give that
    stack no audit tier. A trail of a whole organization belongs to its management account, not to a platform.
    """

    alarms: dict[str, Watched]
    trail_arn: pulumi.Output[str]
    """Known in a preview."""

    def __init__(
        self,
        name: str,
        args: AuditArgs | None = None,
        *,
        logs: LogBucket,
        logs_key: EncryptionKey,
        buckets: Sequence[SecureBucket] = (),
        topic: AlarmTopic | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        logs: where the trail's files go, below `LogBucket.CLOUDTRAIL_PREFIX`.
        logs_key: encrypts the files, though the bucket itself has SSE-S3, and the log group; CloudTrail and CloudWatch
            Logs must be among its users.
        buckets: the sensitive ones, whose objects' reads and writes are recorded.
        topic: is told by each alarm: a sign-in of root is not to be missed because something else is going on.
        """
        check_name(name, 30)
        super().__init__(f"{PACKAGE}:Audit", name, None, opts)
        self._name = name
        self._args = args = args or AuditArgs()
        self._topic = topic
        self._here = here = location(self)
        self._group_name = log_group_name(name)
        protected = pulumi.ResourceOptions(parent=self, protect=args.deletion_protection)
        group = aws.cloudwatch.LogGroup(
            name,
            name=self._group_name,
            kms_key_id=logs_key.arn,
            retention_in_days=args.retention_days,
            tags=tags(name),
            opts=protected,
        )
        role, permissions = self._create_role()
        physical = physical_name(name, 128)
        aws.cloudtrail.Trail(
            name,
            name=physical,
            s3_bucket_name=logs.name,
            s3_key_prefix=LogBucket.CLOUDTRAIL_PREFIX,
            kms_key_id=logs_key.arn,
            enable_logging=True,
            enable_log_file_validation=True,
            is_multi_region_trail=args.multi_region,
            include_global_service_events=True,
            cloud_watch_logs_group_arn=pulumi.Output.format("{}:*", group.arn),
            cloud_watch_logs_role_arn=role.arn,
            advanced_event_selectors=self._selectors(buckets),
            insight_selectors=[{"insight_type": insight} for insight in args.insights] or None,
            tags=tags(name),
            # CloudTrail takes no trail that it can't deliver both ways.
            opts=pulumi.ResourceOptions.merge(
                protected, pulumi.ResourceOptions(depends_on=[*logs.ready, *permissions])
            ),
        )
        self.trail_arn = here.arn("cloudtrail", f"trail/{physical}")
        self.alarms = self._create_alarms(group)
        self.register_outputs({"trail_arn": self.trail_arn})

    def _create_role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """The role under which CloudTrail writes to the log group.

        Its trust has no condition on the source: CloudTrail doesn't say for which trail it assumes a role (CloudTrail
        user guide, "Role policy document for CloudTrail to use CloudWatch Logs"), and takes roles of the trail's own
        account only.
        """
        here = self._here
        streams = ["CloudTrail", *(["CloudTrail-Insight"] if self._args.insights else [])]
        return create_role(
            self._name,
            trust=service_trust("cloudtrail.amazonaws.com"),
            statements=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": [
                        pulumi.Output.format(
                            "{}:log-stream:{}_{}_{}*",
                            here.arn("logs", f"log-group:{self._group_name}"),
                            here.account,
                            stream,
                            here.region,
                        )
                        for stream in streams
                    ],
                }
            ],
            parent=self,
        )

    def _selectors(self, buckets: Sequence[SecureBucket]) -> list[aws.cloudtrail.TrailAdvancedEventSelectorArgsDict]:
        args = self._args
        excluded = [source for setting, source in _NOISE.items() if getattr(args, setting)]
        management: list[aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgsDict] = [
            {"field": "eventCategory", "equals": ["Management"]}
        ]
        if excluded:
            management.append({"field": "eventSource", "not_equals": excluded})
        selectors: list[aws.cloudtrail.TrailAdvancedEventSelectorArgsDict] = [
            {"name": "Management events", "field_selectors": management}
        ]
        if buckets and args.data_events != "none":
            # A prefix without the slash at its end would be that of other buckets too.
            objects = [pulumi.Output.format("{}/", self._here.bucket_arn(bucket.name)) for bucket in buckets]
            data: list[aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgsDict] = [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {"field": "resources.ARN", "starts_withs": objects},
            ]
            if args.data_events == "write":
                data.append({"field": "readOnly", "equals": ["false"]})
            selectors.append({"name": "Objects of the sensitive buckets", "field_selectors": data})
        return selectors

    def _create_alarms(self, group: aws.cloudwatch.LogGroup) -> dict[str, Watched]:
        """A metric for each thing to be found in the log group, of the stack's own namespace, and its alarm."""
        args = self._args.alarms
        found: dict[str, tuple[str, str]] = {key: _FOUND[key] for key in _FOUND if key not in args.left_out}
        if self._args.insights:
            found["insight"] = _UNUSUAL
        thresholds = {
            "unauthorized-calls": args.unauthorized_calls_threshold,
            "sign-in-failures": args.sign_in_failures_threshold,
        }
        namespace = physical_name(self._name, 255)
        for key, (_, pattern) in found.items():
            aws.cloudwatch.LogMetricFilter(
                f"{self._name}-{key}",
                name=key,
                log_group_name=group.name,
                pattern=pattern,
                metric_transformation={"name": key, "namespace": namespace, "value": "1"},
                opts=pulumi.ResourceOptions(parent=self),
            )
        alarms: Mapping[str, Alarm] = {
            key: Alarm(
                description=f"{description}. Who it was: log group {self._group_name}",
                namespace=namespace,
                metric=key,
                dimensions={},
                threshold=thresholds.get(key, 1),
                missing="notBreaching",  # there is a value only when something is found
                statistic="Sum",
                period_seconds=_PERIOD_SECONDS,
                periods=1,
            )
            for key, (description, _) in found.items()
        }
        return watch(self._name, alarms, parent=self, topic=self._topic)
