"""Security tier: customer-managed KMS keys whose policies admit the AWS services that have to use them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import (
    PACKAGE,
    Args,
    Location,
    OrOutput,
    Refusal,
    check_name,
    explain,
    location,
    physical_name,
    policy_document,
    tags,
)

KeyUser = Literal["autoscaling", "cloudtrail", "cloudwatch-alarms", "eventbridge", "log-delivery", "logs", "sns"]
"""An AWS service that uses a key on its own behalf and so must be named in the key's policy."""


KeyRole = Literal["data", "logs"]
"""The platform's keys: for data at rest, and for logs, alarms and events."""
KeyAlias = Annotated[str, StringConstraints(pattern=r"^alias/[a-zA-Z0-9/_-]{1,250}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")]


class SecurityArgs(Args):
    """Customer-managed keys: rotation and deletion, and what is encrypted without naming one."""

    deletion_window_days: int = Field(default=30, ge=7, le=30)
    """Days between asking for a key's deletion and losing it, and with it all that it encrypts (KMS: 7 to 30)."""
    rotation_period_days: int = Field(default=365, ge=90, le=2560)
    """Days between automatic rotations of the key material (KMS: 90 to 2560)."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the keys."""
    encrypt_volumes_by_default: bool = True
    """EBS encrypts every new volume of this account in the region, those of services included that have no setting for
    it, such as Elastic Beanstalk. It is left on when the stack goes, since others may count on it."""
    use: dict[KeyRole, Annotated[KeyAlias | pulumi.Output[str], OrOutput(KeyAlias)]] = Field(default_factory=dict)
    """Aliases of keys that exist and belong to others, in the place of those that would be created. What their policies
    have to admit is their owners' concern (docs/environments.md)."""
    import_id: dict[KeyRole, KeyId] = Field(default_factory=dict)
    """Ids of keys that exist and are this stack's from now on; can be left out after the first `pulumi up`."""

    def refusals(self) -> Iterator[Refusal]:
        for role, alias in sorted(self.use.items()):
            if isinstance(alias, str) and alias.startswith("alias/aws/"):
                yield Refusal(("use", role), "is AWS's own key, whose policy nobody can change: name a customer's key")
        for role in sorted(self.import_id.keys() & self.use.keys()):
            yield Refusal(("import_id", role), "contradicts `use`: a key is this stack's or it is not")


class EncryptionKey(pulumi.ComponentResource):
    """A KMS key with an alias, rotation, and a policy that admits the account's IAM and the named services.

    `region` places it in another region than the provider's, as CloudFront's logs (us-east-1) need. With `use`, a key
    of others, by its alias: nothing of it is created or changed. With `import_id`, one that exists is taken over.
    """

    arn: pulumi.Output[str]
    alias: pulumi.Input[str]

    def __init__(
        self,
        name: str,
        args: SecurityArgs | None = None,
        *,
        users: Iterable[KeyUser] = (),
        region: str | None = None,
        use: pulumi.Input[str] | None = None,
        import_id: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:EncryptionKey", name, None, opts)
        self._args = args = args or SecurityArgs()
        self._used = use is not None
        self._here = location(self, region)
        if use is not None:
            found = aws.kms.get_alias_output(name=use, region=region, opts=pulumi.InvokeOutputOptions(parent=self))
            named = f" {use}" if isinstance(use, str) else ""
            explain(found.target_key_arn, f"{name}: there is no key{named} ")
            self.alias, self.arn = use, found.target_key_arn
        else:
            self._create(name, args, users, region, import_id)
        self.register_outputs({"arn": self.arn, "alias": self.alias})

    def _create(
        self, name: str, args: SecurityArgs, users: Iterable[KeyUser], region: str | None, import_id: str | None
    ) -> None:
        here = self._here
        key = aws.kms.Key(
            name,
            description=f"{pulumi.get_project()} {pulumi.get_stack()}: {name}",
            enable_key_rotation=True,
            rotation_period_in_days=args.rotation_period_days,
            deletion_window_in_days=args.deletion_window_days,
            policy=policy_document(
                _account_statement(here),
                *(statement for user in sorted(set(users)) for statement in _statements(user, here)),
            ),
            region=region,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection, import_=import_id),
        )
        self.alias = f"alias/{physical_name(name, 250)}"
        aws.kms.Alias(
            name,
            name=self.alias,
            target_key_id=key.key_id,
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn

    def in_region(
        self, name: str, region: str, *, users: Iterable[KeyUser], opts: pulumi.ResourceOptions | None = None
    ) -> "EncryptionKey":
        """Another key, in another region, that is rotated, kept and protected as this one is.

        Of a key that is used it is the one that has the same alias there.
        """
        use = self.alias if self._used else None
        return EncryptionKey(name, self._args, users=users, region=region, use=use, opts=opts)

    def decrypt_statement(self, service: str) -> dict[str, Any]:
        """For a role's policy: decrypt with this key what one AWS service, such as `secretsmanager`, has encrypted.

        The key is told by its alias, which a preview knows, and not by its id: so the policy can be checked there.
        """
        return self._use_statement(service, "kms:Decrypt")

    def encrypt_statement(self, service: str) -> dict[str, Any]:
        """For a role's policy: write what one AWS service, such as `sqs`, encrypts with this key, and read it again."""
        return self._use_statement(service, ["kms:Decrypt", "kms:GenerateDataKey"])

    def _use_statement(self, service: str, action: str | list[str]) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Action": action,
            "Resource": self._here.arn("kms", "key/*"),
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": pulumi.Output.format("{}.{}.amazonaws.com", service, self._here.region)
                },
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": self.alias},
            },
        }


class Security(pulumi.ComponentResource):
    """The platform's keys: one for data at rest, one for logs, alarms and events.

    They are apart so that who may read a log is never thereby able to read the data.
    """

    data: EncryptionKey
    logs: EncryptionKey

    def __init__(
        self, name: str, args: SecurityArgs | None = None, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(f"{PACKAGE}:Security", name, None, opts)
        args = args or SecurityArgs()
        child = pulumi.ResourceOptions(parent=self)
        users: dict[KeyRole, list[KeyUser]] = {
            "data": ["autoscaling"],
            "logs": ["cloudtrail", "cloudwatch-alarms", "eventbridge", "log-delivery", "logs", "sns"],
        }
        self.data, self.logs = (
            EncryptionKey(
                f"{name}-{role}",
                args,
                users=users[role],
                use=args.use.get(role),
                import_id=args.import_id.get(role),
                opts=child,
            )
            for role in get_args(KeyRole)
        )
        if args.encrypt_volumes_by_default:
            aws.ebs.EncryptionByDefault(
                name, enabled=True, opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True)
            )
        self.register_outputs({"data_key_arn": self.data.arn, "logs_key_arn": self.logs.arn})


def store_secret(
    name: str,
    value: Mapping[str, Any],
    *,
    key: EncryptionKey,
    description: str,
    recovery_days: int,
    protect: bool,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Keep `value` as JSON in Secrets Manager; the secret's ARN, once the value is in it."""
    secret = aws.secretsmanager.Secret(
        name,
        # A prefix, because Secrets Manager keeps a deleted secret's name for its recovery window.
        name_prefix=f"{_secret_prefix(name)}-",
        description=f"{description} of {pulumi.get_project()} {pulumi.get_stack()}",
        kms_key_id=key.arn,
        recovery_window_in_days=recovery_days,
        tags=tags(name),
        opts=pulumi.ResourceOptions(parent=parent, protect=protect),
    )
    version = aws.secretsmanager.SecretVersion(
        name,
        secret_id=secret.id,
        secret_string=pulumi.Output.json_dumps(value),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return version.secret_arn


def read_secret_statements(name: str, key: EncryptionKey, parent: pulumi.Resource) -> list[dict[str, Any]]:
    """For a role's policy: read what `store_secret` keeps. Told by the name's start, which a preview knows."""
    return [
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": location(parent).arn("secretsmanager", f"secret:{_secret_prefix(name)}-*"),
        },
        key.decrypt_statement("secretsmanager"),
    ]


def _secret_prefix(name: str) -> str:
    return physical_name(name, 200)


def _account_statement(here: Location) -> dict[str, Any]:
    """Leaves the key to the account's IAM policies; without it nobody could ever change the key again."""
    return {
        "Sid": "AccountIam",
        "Effect": "Allow",
        "Principal": {"AWS": here.global_arn("iam", "root")},
        "Action": "kms:*",
        "Resource": "*",
    }


def _statements(user: KeyUser, here: Location) -> list[dict[str, Any]]:
    """What the key policy has to say for `user`, held to this account's resources (no confused deputy)."""
    use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    own = {"StringEquals": {"aws:SourceAccount": here.account}}

    def service(
        sid: str, principal: pulumi.Input[str], actions: list[str], condition: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": actions,
            "Resource": "*",
            "Condition": condition,
        }

    match user:
        case "logs":
            return [
                service(
                    "CloudWatchLogs",
                    pulumi.Output.format("logs.{}.amazonaws.com", here.region),
                    use,
                    {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": here.arn("logs", "log-group:*")}},
                )
            ]
        case "cloudtrail":
            trails = pulumi.Output.format("arn:{}:cloudtrail:*:{}:trail/*", here.partition, here.account)
            return [
                service(
                    "CloudTrailEncrypt",
                    "cloudtrail.amazonaws.com",
                    ["kms:GenerateDataKey*"],
                    {"ArnLike": {"aws:SourceArn": trails, "kms:EncryptionContext:aws:cloudtrail:arn": trails}},
                ),
                service(
                    "CloudTrailDescribe",
                    "cloudtrail.amazonaws.com",
                    ["kms:DescribeKey"],
                    {"ArnLike": {"aws:SourceArn": trails}},
                ),
            ]
        case "log-delivery":
            # For some logs it names the account, for others their ARN, and AWS doesn't say for each: either will do.
            source = {"StringEquals": {"kms:EncryptionContext:SourceArn": here.arn("logs", "*")}}
            return [
                service("LogDelivery", "delivery.logs.amazonaws.com", use, own),
                service("LogDeliverySource", "delivery.logs.amazonaws.com", use, source),
            ]
        case "sns":
            return [service("Sns", "sns.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey*"], own)]
        case "cloudwatch-alarms":
            return [
                service("CloudWatchAlarms", "cloudwatch.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey*"], own)
            ]
        case "eventbridge":
            # To encrypted topics it comes without its source (SNS developer guide, "Key management"), but with theirs.
            topics = {"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": here.arn("sns", "*")}}
            return [service("EventBridge", "events.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey*"], topics)]
        case "autoscaling":
            return _autoscaling_statements(here, use)


def _autoscaling_statements(here: Location, use: list[str]) -> list[dict[str, Any]]:
    """Lets Auto Scaling start instances with volumes under this key.

    Its service-linked role is named in a condition, not as principal: KMS refuses a principal that does not exist
    yet, and the account's first Auto Scaling group is what creates the role.
    """
    role = here.global_arn("iam", "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*"}
    own = {"StringEquals": {"kms:CallerAccount": here.account}, "ArnEquals": {"aws:PrincipalArn": role}}
    return [
        statement | {"Sid": "AutoScalingUse", "Action": use, "Condition": own},
        statement
        | {
            "Sid": "AutoScalingGrant",
            "Action": "kms:CreateGrant",
            "Condition": own | {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]
