"""Storage tier: the secure bucket that everything else uses, and the log bucket that AWS services deliver to."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

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
from .security import EncryptionKey

_NAME_LIMIT = 63 - len("-123456789012") - len("-ap-southeast-1")
"""What S3's 63 characters leave for a bucket's own name beside the account and the longest region."""


BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")]
"""An S3 bucket's name; those with dots, which S3 still takes, have no TLS certificate."""


class BucketArgs(Args):
    """How long a bucket keeps what, and what happens to it at the end."""

    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the bucket."""
    force_destroy: bool = False
    """On `pulumi destroy`, delete all objects with the bucket; otherwise a bucket with objects stops the destroy."""
    expiration_days: int | None = Field(default=None, ge=1)
    """Days after which objects expire; none keeps them."""
    infrequent_access_days: int | None = Field(default=None, ge=30)
    """Days after which objects move to Standard-IA, which S3 refuses before 30 days; none leaves them."""
    noncurrent_expiration_days: int = Field(default=90, ge=1)
    """Days that an overwritten or deleted version can still be brought back."""
    bucket_name: BucketName | None = None
    """Name in S3, for a bucket that has one already; by default it is made of project, stack, component, account and
    region. Another name is another bucket."""
    use: Annotated[BucketName | pulumi.Output[str], OrOutput(BucketName)] | None = None
    """Name of a bucket that exists and belongs to others: nothing of it is created or changed, and the settings beside
    this mean nothing. What its policy has to admit is its owners' concern (docs/environments.md)."""
    import_id: BucketName | None = None
    """Name of a bucket that exists and is this stack's from now on. It goes with `bucket_name`, which stays, and can be
    left out after the first `pulumi up`."""

    def refusals(self) -> Iterator[Refusal]:
        if self.use is not None:
            for field in sorted(self.model_fields_set - {"use"}):
                yield Refusal((field,), "contradicts `use`: the bucket is as its owners made it; leave this out")
        if self.import_id and self.import_id != self.bucket_name:
            yield Refusal(("bucket_name",), f"must be {self.import_id}, the bucket that is imported: it keeps its name")
        if self.deletion_protection and self.force_destroy:
            yield Refusal(("force_destroy",), "contradicts deletion_protection: set one of the two to false")
        if self.expiration_days and self.infrequent_access_days and self.expiration_days <= self.infrequent_access_days:
            yield Refusal(
                ("expiration_days",),
                f"objects must expire after they move (infrequent_access_days: {self.infrequent_access_days})",
            )


class SecureBucket(pulumi.ComponentResource):
    """A private bucket: versioned, encrypted, TLS 1.2 or newer only, owner enforced, with lifecycle and access logs.

    Its physical name is `<project>-<stack>-<name>-<account>-<region>`: global, and known in a preview, so that its
    policy can be checked before it exists. With `BucketArgs.use`, a bucket of others, which `key` encrypts.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    domain_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: BucketArgs | None = None,
        *,
        key: EncryptionKey,
        logs: "LogBucket",
        statements: tuple[Mapping[str, Any], ...] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        key: encrypts every object (as an S3 Bucket Key, which spares most KMS requests).
        logs: where S3 delivers the bucket's access logs.
        statements: more statements of the bucket's policy.
        """
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:SecureBucket", name, None, opts)
        args = args or BucketArgs()
        here = location(self)
        self._key = key
        physical = _bucket_name(name, args, here)
        self._known_arn = here.bucket_arn(physical)
        if args.use is not None:
            if statements:
                raise ValueError(f"{name}: a bucket that is only used keeps its policy: no statements can be added")
            found = _used(name, args.use, self)
            self.name, self.arn = found.id, found.arn
            self.domain_name = found.bucket_regional_domain_name
        else:
            bucket = _bucket(name, physical, args, self)
            _secure(name, bucket, args, key, self._known_arn, statements, self)
            aws.s3.BucketLogging(
                name,
                bucket=bucket.id,
                target_bucket=logs.name,
                target_prefix=f"s3/{name}/",
                opts=pulumi.ResourceOptions(parent=self, depends_on=logs.ready),
            )
            self.name, self.arn = bucket.bucket, bucket.arn
            self.domain_name = bucket.bucket_regional_domain_name
        self.register_outputs({"name": self.name, "arn": self.arn, "domain_name": self.domain_name})

    def read_write_statements(self) -> list[dict[str, Any]]:
        """For a role's policy: list the bucket, and read, write and delete its objects."""
        return [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": self._known_arn},
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                "Resource": pulumi.Output.format("{}/*", self._known_arn),
            },
            self._key.encrypt_statement("s3"),
        ]

    def read_statements(self, prefix: str) -> list[dict[str, Any]]:
        """For a role's policy: read the objects whose keys begin with `prefix`."""
        return [
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": pulumi.Output.format("{}/{}*", self._known_arn, prefix),
            },
            self._key.decrypt_statement("s3"),
        ]

    def list_statement(self, prefix: str) -> dict[str, Any]:
        """For a role's policy: learn whether there are objects whose keys begin with `prefix`."""
        return {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": self._known_arn,
            "Condition": {"StringEquals": {"s3:prefix": prefix}},
        }


class LogBucketArgs(BucketArgs):
    """The log bucket: as any bucket, but what it holds expires."""

    expiration_days: int | None = Field(default=400, ge=1)
    """Days after which logs expire; none keeps them."""
    infrequent_access_days: int | None = Field(default=90, ge=30)
    """Days after which logs move to Standard-IA, which S3 refuses before 30 days; none leaves them."""


class LogBucket(pulumi.ComponentResource):
    """The bucket that AWS services deliver their logs to, with the policy that each of them demands.

    Load balancers (prefix `elb`), S3 access logs (`s3`), CloudFront (`AWSLogs`), CloudTrail (`cloudtrail`) and other
    vended logs are admitted, each for this account only. Objects are encrypted by S3's own key (SSE-S3): neither load
    balancers nor S3 access logs can be delivered to a bucket under a customer key. With `LogBucketArgs.use`, a bucket
    of others.
    """

    ELB_PREFIX = "elb"
    CLOUDTRAIL_PREFIX = "cloudtrail"

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    ready: list[pulumi.Resource]
    """What has to be there before anything is delivered."""

    def __init__(
        self, name: str, args: LogBucketArgs | None = None, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:LogBucket", name, None, opts)
        args = args or LogBucketArgs()
        here = location(self)
        if args.use is not None:
            found = _used(name, args.use, self)
            self.name, self.arn, self.ready = found.id, found.arn, []
        else:
            physical = _bucket_name(name, args, here)
            arn = here.bucket_arn(physical)
            bucket = _bucket(name, physical, args, self)
            self.ready = [_secure(name, bucket, args, None, arn, _delivery_statements(arn, here), self)]
            self.name, self.arn = bucket.bucket, bucket.arn
        self.register_outputs({"name": self.name, "arn": self.arn})


def _bucket_name(name: str, args: BucketArgs, here: Location) -> pulumi.Output[str]:
    given = args.use or args.bucket_name
    if given is not None:
        return pulumi.Output.from_input(given)
    return pulumi.Output.format("{}-{}-{}", physical_name(name, _NAME_LIMIT), here.account, here.region)


def _used(name: str, use: pulumi.Input[str], parent: pulumi.Resource) -> pulumi.Output[aws.s3.GetBucketResult]:
    """A bucket of others: that it is there is told before anything is created."""
    found = aws.s3.get_bucket_output(bucket=use, opts=pulumi.InvokeOutputOptions(parent=parent))
    named = f" {use}" if isinstance(use, str) else ""
    explain(found.arn, f"{name}: there is no bucket{named} that this account may use")
    return found


def _bucket(name: str, physical: pulumi.Input[str], args: BucketArgs, parent: pulumi.Resource) -> aws.s3.Bucket:
    return aws.s3.Bucket(
        name,
        bucket=physical,
        force_destroy=args.force_destroy,
        tags=tags(name),
        opts=pulumi.ResourceOptions(parent=parent, protect=args.deletion_protection, import_=args.import_id),
    )


def _secure(
    name: str,
    bucket: aws.s3.Bucket,
    args: BucketArgs,
    key: EncryptionKey | None,
    arn: pulumi.Output[str],
    statements: tuple[Mapping[str, Any], ...],
    parent: pulumi.Resource,
) -> aws.s3.BucketPolicy:
    """All that S3 keeps apart from the bucket itself; returns the policy, for those who deliver to the bucket."""
    child = pulumi.ResourceOptions(parent=parent)
    aws.s3.BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": (
                    {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn} if key else {"sse_algorithm": "AES256"}
                ),
                "bucket_key_enabled": key is not None,
            }
        ],
        opts=child,
    )
    versioning = aws.s3.BucketVersioning(
        name, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=child
    )
    aws.s3.BucketOwnershipControls(name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child)
    access_block = aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    aws.s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket.id,
        rules=_lifecycle_rules(args),
        # S3 takes rules on old versions only once there can be some.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[versioning]),
    )
    return aws.s3.BucketPolicy(
        name,
        bucket=bucket.id,
        policy=policy_document(*_tls_statements(arn), *statements),
        # S3 answers "conflicting operation" to a policy that arrives together with the public access block.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[access_block]),
    )


def _lifecycle_rules(args: BucketArgs) -> list[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    rules: list[aws.s3.BucketLifecycleConfigurationRuleArgsDict] = [
        {
            "id": "clean-up",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            "noncurrent_version_expiration": {"noncurrent_days": args.noncurrent_expiration_days},
        }
    ]
    if args.infrequent_access_days:
        rules.append(
            {
                "id": "infrequent-access",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "transitions": [{"days": args.infrequent_access_days, "storage_class": "STANDARD_IA"}],
            }
        )
    if args.expiration_days:
        rules.append(
            {
                "id": "expire",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "expiration": {"days": args.expiration_days},
            }
        )
    return rules


def _tls_statements(arn: pulumi.Output[str]) -> list[dict[str, Any]]:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, pulumi.Output.format("{}/*", arn)],
    }
    return [
        deny | {"Sid": "DenyInsecureTransport", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        deny | {"Sid": "DenyOldTls", "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
    ]


def _delivery_statements(arn: pulumi.Output[str], here: Location) -> tuple[dict[str, Any], ...]:
    """One or two statements per service, as its own documentation asks for, held to this account's sources."""
    own = {"aws:SourceAccount": here.account}
    full_control = {"s3:x-amz-acl": "bucket-owner-full-control"}

    def allow(
        sid: str, service: str, action: str, resource: pulumi.Input[str], condition: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": action,
            "Resource": resource,
            "Condition": condition,
        }

    def objects(prefix: str) -> pulumi.Output[str]:
        return pulumi.Output.format("{}/{}AWSLogs/{}/*", arn, prefix, here.account)

    balancers = here.arn("elasticloadbalancing", "loadbalancer/*")
    trails = pulumi.Output.format("arn:{}:cloudtrail:*:{}:trail/*", here.partition, here.account)
    # CloudFront's deliveries come from us-east-1 whatever the stack's region is.
    deliveries = pulumi.Output.format("arn:{}:logs:*:{}:*", here.partition, here.account)
    return (
        # Application and Classic load balancers
        allow(
            "LoadBalancers",
            "logdelivery.elasticloadbalancing.amazonaws.com",
            "s3:PutObject",
            objects(f"{LogBucket.ELB_PREFIX}/"),
            # Elastic Load Balancing does not say for sure that it sends the source: the path holds it to this account.
            {"ArnLikeIfExists": {"aws:SourceArn": balancers}},
        ),
        # Network load balancers, CloudFront, WAF and VPC flow logs: CloudWatch's vended log delivery
        *(
            allow(
                f"LogDelivery{sid}",
                "delivery.logs.amazonaws.com",
                "s3:PutObject",
                objects(prefix),
                {"StringEquals": own | full_control, "ArnLike": {"aws:SourceArn": deliveries}},
            )
            for sid, prefix in {"Elb": f"{LogBucket.ELB_PREFIX}/", "Vended": ""}.items()
        ),
        allow(
            "LogDeliveryAcl",
            "delivery.logs.amazonaws.com",
            "s3:GetBucketAcl",
            arn,
            {"StringEquals": own, "ArnLike": {"aws:SourceArn": deliveries}},
        ),
        allow(
            "S3AccessLogs",
            "logging.s3.amazonaws.com",
            "s3:PutObject",
            pulumi.Output.format("{}/s3/*", arn),
            {"StringEquals": own},
        ),
        allow(
            "CloudTrail",
            "cloudtrail.amazonaws.com",
            "s3:PutObject",
            objects(f"{LogBucket.CLOUDTRAIL_PREFIX}/"),
            {"StringEquals": full_control, "ArnLike": {"aws:SourceArn": trails}},
        ),
        allow(
            "CloudTrailAcl", "cloudtrail.amazonaws.com", "s3:GetBucketAcl", arn, {"ArnLike": {"aws:SourceArn": trails}}
        ),
    )
