"""Nobody can do more than they need to: no stars, no policy for everyone, no credentials for the asking."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..caches import inherits
from ..documents import bound, conditions, everywhere, limits, listed, public, services, sourced, statements
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, known, peek, yes
from ..network import gathered
from ..privileges import ADMINISTRATORS, Reach, escalations
from ..rule import Family, rule
from .exposure import templates

FAMILY: Family = "iam"


@rule(
    "instance-metadata-v2", "ec2/launchTemplate", "ec2/launchConfiguration", "ec2/instance",
    family=FAMILY, severity="high", alone=True,
    title="Instances answer metadata requests by token only",
    controls="FSBP EC2.8, FSBP EC2.170, FSBP AutoScaling.3, CIS AWS 3.0 5.6, CKV_AWS_79, "
    "cdk-nag NIST.800.53.R5-EC2IMDSv2Enabled",
    remediation="Set metadataOptions.httpTokens to required",
)  # fmt: skip
def instance_metadata_v2(resource: Resource, graph: Graph) -> Iterator[str]:
    """An instance that says nothing and has a launch template has the template's settings."""
    if (
        resource.short == "ec2/instance"
        and not given(resource, "metadataOptions")
        and given(resource, "launchTemplate")
    ):
        return
    if get(resource, "metadataOptions.httpEndpoint") == "disabled":
        return
    if get(resource, "metadataOptions.httpTokens") != "required":
        yield "it answers metadata requests without a token (IMDSv1)"


@rule(
    "instance-template-judged", "ec2/instance",
    family=FAMILY, severity="medium",
    title="Instances don't have their settings from a launch template that is judged nowhere",
    controls="FSBP EC2.3, FSBP EC2.8",
    remediation="Make the launch template in this program, or set metadataOptions and rootBlockDevice on the instance",
)  # fmt: skip
def instance_template_judged(instance: Resource, graph: Graph) -> Iterator[str]:
    """What neither `instance-metadata-v2` nor `volume-encrypted` finds on the instance itself."""
    if not given(instance, "launchTemplate") or (
        given(instance, "metadataOptions") and given(instance, "rootBlockDevice")
    ):
        return
    try:
        found = any(True for _ in templates(instance, graph))
    except Unknown:
        if not known(peek(instance, "launchTemplate")):
            raise
        found = False
    if not found:
        yield "its launch template isn't in the program"


# Policies that say who may come, by type. A later type is a line here.
_RESOURCE_POLICIES = {
    "kms/key": "policy",
    "s3/bucketPolicy": "policy",
    "s3/bucket": "policy",
    "secretsmanager/secret": "policy",
    "secretsmanager/secretPolicy": "policy",
    "iam/role": "assumeRolePolicy",
    "sqs/queuePolicy": "policy",
    "sqs/queue": "policy",
    "ecr/repositoryPolicy": "policy",
    "sns/topicPolicy": "policy",
    "sns/topic": "policy",
    "glue/resourcePolicy": "policy",
    "kms/replicaKey": "policy",
    "kms/externalKey": "policy",
    "kms/replicaExternalKey": "policy",
    "kms/keyPolicy": "policy",
    "ecr/registryPolicy": "policy",
    "efs/fileSystemPolicy": "policy",
    "cloudwatch/logResourcePolicy": "policyDocument",
    "cloudwatch/eventBusPolicy": "policy",
    "backup/vaultPolicy": "policy",
    "s3/accessPoint": "policy",
    "s3control/accessPointPolicy": "policy",
    "dynamodb/resourcePolicy": "policy",
    "kinesis/resourcePolicy": "policy",
}
# Resources that are one statement each, and the condition keys that their properties stand for.
_PERMISSIONS = {
    "lambda/permission": {
        "sourceArn": "aws:SourceArn", "sourceAccount": "aws:SourceAccount", "principalOrgId": "aws:PrincipalOrgID",
    },
    "cloudwatch/eventPermission": {"condition": "aws:PrincipalOrgID"},  # the one key that there is
}  # fmt: skip
_ADMITTING = (*_RESOURCE_POLICIES, *_PERMISSIONS)


def _admitting(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The statements of who may come; a permission of Lambda's or of an event bus is one."""
    if resource.short not in _PERMISSIONS:
        yield from statements(resource, _RESOURCE_POLICIES[resource.short])
        return
    principal = str(get(resource, "principal"))
    kind = "Service" if ".amazonaws.com" in principal else "AWS"
    held = {}
    for key, name in _PERMISSIONS[resource.short].items():
        if given(resource, key):
            value = peek(resource, "condition.value" if key == "condition" else key)
            held[name] = key if value is UNKNOWN else str(value)
    yield {"Effect": "Allow", "Principal": {kind: principal}, "Condition": {"StringLike": held}}


@rule(
    "resource-policy-not-public", *_ADMITTING,
    family=FAMILY, severity="critical", alone=True,
    title="No policy admits everyone",
    controls="FSBP KMS.5, FSBP Lambda.1, FSBP S3.2, FSBP SQS.3, FSBP SNS.4, CKV_AWS_32, CKV_AWS_33, CKV_AWS_60, "
    "CKV_AWS_70, CKV_AWS_168, CKV_AWS_169, CKV_AWS_301, cdk-nag ECR1",
    remediation="Name the principals, or bind the statement to an account, an organization or a source by a condition",
)  # fmt: skip
def resource_policy_not_public(resource: Resource, graph: Graph) -> Iterator[str]:
    def judge(statement: Mapping[str, Any]) -> Iterator[str]:
        if statement.get("Effect") != "Allow":
            return
        if "NotPrincipal" in statement:
            yield "a statement of its policy allows everyone but some"
        elif public(statement) and not bound(statement):
            yield "a statement of its policy allows everyone"

    yield from each(_admitting(resource), judge)


# Services whose roles' trust policies may say on whose behalf, by each service's own documentation ("cross-service
# confused deputy prevention"). Others, such as ec2, act for the account of the role alone or send no source.
_SOURCED = (
    "bedrock", "cloudformation", "codebuild", "codepipeline", "datasync", "delivery.logs", "dms", "ecs-tasks", "eks",
    "elasticmapreduce", "events", "firehose", "glue", "grafana", "imagebuilder", "iot", "kinesisanalytics", "logs",
    "monitoring.rds", "pipes", "pods.eks", "rds", "sagemaker", "scheduler", "states", "transfer", "vpc-flow-logs",
)  # fmt: skip
# Services that policies of resources admit, and that don't say for sure on whose behalf they come.
_UNSOURCED = ("ec2", "elasticbeanstalk", "elasticloadbalancing", "logdelivery.elasticloadbalancing")
# EventBridge publishes to no topic whose policy has a condition for it (EventBridge user guide, "Amazon SNS
# permissions").
_UNCONDITIONAL = (("sns/topicPolicy", "events"), ("sns/topic", "events"))


@rule(
    "service-acts-for-this-account", *_ADMITTING,
    family=FAMILY, severity="medium", alone=True,
    title="Services that a policy admits act for known accounts alone",
    controls="CKV_AWS_364",
    remediation="Add a condition on aws:SourceAccount or aws:SourceArn to the statement; of a Lambda permission, set "
    "sourceArn or sourceAccount",
)  # fmt: skip
def service_acts_for_this_account(resource: Resource, graph: Graph) -> Iterator[str]:
    """A confused deputy: without a condition, a service does it for whoever in the world asks it to."""

    def judge(statement: Mapping[str, Any]) -> Iterator[str]:
        if statement.get("Effect") != "Allow" or sourced(statement):
            return
        for service in services(statement):
            if (resource.short, service) in _UNCONDITIONAL:
                continue
            if service in _SOURCED if resource.short == "iam/role" else service not in _UNSOURCED:
                yield "a service that its policy admits may act for any account"

    yield from each(_admitting(resource), judge)


# Subjects that leave open whose they are, be they StringLike's: by a wildcard at once or after their first word, or, of
# GitHub's, before the end of the owner's name.
_ANY_SUBJECT = re.compile(r"([^:*?]*:)?[*?]|repo:[^/]*[*?]")


@rule(
    "federated-trust-bound", "iam/role",
    family=FAMILY, severity="high", alone=True,
    title="Roles name the subjects of identity providers that may take them",
    controls="CKV_AWS_358",
    remediation="Add a condition on the provider's sub to the statement, with as much of it as is known written out",
)  # fmt: skip
def federated_trust_bound(role: Resource, graph: Graph) -> Iterator[str]:
    """Everyone has an identity at a provider such as GitHub; aud says only what the token is for.

    Of what all accounts share, such as Cognito and Google, aud is the pool or the application that is the account's.
    """

    def names(operator: str, key: str, values: list[Any]) -> bool:
        if key.endswith(":sub") and any(_ANY_SUBJECT.match(str(value)) for value in values):
            return False
        return limits(operator, values) and not operator.endswith("IfExists")

    def judge(statement: Mapping[str, Any]) -> Iterator[str]:
        principal = statement.get("Principal")
        federated = listed(principal.get("Federated")) if isinstance(principal, Mapping) else []
        for named in map(str, federated) if statement.get("Effect") == "Allow" else ():
            keys = (":sub",) if ":oidc-provider/" in named else (":sub", ":aud", ":app_id")
            if ":saml-provider/" not in named and not any(
                condition[1].endswith(keys) and names(*condition) for condition in conditions(statement)
            ):
                yield "everyone whom an identity provider knows may take it"

    yield from each(statements(role, "assumeRolePolicy"), judge)


@rule(
    "cache-authenticated", "elasticache/replicationGroup",
    family=FAMILY, severity="high",
    title="Redis asks who comes",
    controls="FSBP ElastiCache.6, CKV_AWS_31, cdk-nag AEC6",
    remediation="Set authToken, or userGroupIds to a group without AWS's own user default",
)  # fmt: skip
def cache_authenticated(cache: Resource, graph: Graph) -> Iterator[str]:
    """The user of AWS whose id is default has every right and no password."""
    inherits(cache, "authToken")
    if given(cache, "authToken") or given(cache, "authTokenWo"):
        return
    if not given(cache, "userGroupIds"):
        yield "it serves whoever reaches it"
        return

    def judge(group: Resource) -> Iterator[str]:
        if "default" in list(items(group, "userIds")):
            yield f"{group.label} has AWS's own user default, who needs no password"

    yield from each(graph.targets(cache, "userGroupIds", "elasticache/userGroup"), judge)


@rule(
    "cache-user-password", "elasticache/user",
    family=FAMILY, severity="high", alone=True,
    title="Users of Redis have a password or an IAM identity",
    controls="FSBP ElastiCache.6",
    remediation="Set authenticationMode to password or iam; a user that is only to be shut out is off in its "
    "accessString",
)  # fmt: skip
def cache_user_password(user: Resource, graph: Graph) -> Iterator[str]:
    if str(get(user, "accessString") or "").split()[:1] == ["off"]:
        return
    if yes(user, "noPasswordRequired") or get(user, "authenticationMode.type") == "no-password-required":
        yield "it needs no password"


_IDENTITY_POLICIES = ("iam/policy", "iam/rolePolicy", "iam/userPolicy", "iam/groupPolicy", "iam/role")


def _allowing(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The statements of what somebody may do."""
    if resource.short != "iam/role":
        return statements(resource, "policy")
    return each(items(resource, "inlinePolicies"), lambda inline: statements(inline, "policy"))


@rule(
    "no-star-actions", *_IDENTITY_POLICIES,
    family=FAMILY, severity="high", alone=True,
    title="No policy allows every action",
    controls="FSBP IAM.1, FSBP IAM.21, CIS AWS 3.0 1.16, CKV_AWS_62, CKV_AWS_63, CKV_AWS_355, cdk-nag IAM5",
    remediation="Name the actions, and the resources they are for",
)  # fmt: skip
def no_star_actions(resource: Resource, graph: Graph) -> Iterator[str]:
    def judge(statement: Mapping[str, Any]) -> Iterator[str]:
        if statement.get("Effect") != "Allow":
            return
        actions = [str(action) for action in listed(statement.get("Action"))]
        if "NotAction" in statement:
            yield "a statement allows every action but some"
        elif any(set(action) <= {"*", ":"} for action in actions):
            yield "a statement allows every action"
        elif "NotResource" in statement:
            yield "a statement allows actions on every resource but some"
        elif any(map(everywhere, listed(statement.get("Resource")))) and any(a.endswith(":*") for a in actions):
            yield "a statement allows every action of a service on every resource"

    yield from each(_allowing(resource), judge)


@rule(
    "no-privilege-escalation", *_IDENTITY_POLICIES,
    family=FAMILY, severity="high", alone=True,
    title="No policy is a way to all rights",
    controls="FSBP IAM.1, CKV_AWS_286, CKV_AWS_289, cdk-nag IAM5",
    remediation="Name the roles, users or policies that are meant, or hold them to a permissions boundary by the "
    "condition iam:PermissionsBoundary, and name the services that roles are passed to by iam:PassedToService",
)  # fmt: skip
def no_privilege_escalation(resource: Resource, graph: Graph) -> Iterator[str]:
    """On every resource there is. Names of resources, tags and permissions boundaries hold it to some."""
    yield from _escalations(resource, graph, "everything")


@rule(
    "roles-managed-narrowly", *_IDENTITY_POLICIES,
    family=FAMILY, severity="medium", level="advisory", alone=True,
    title="Nobody manages all roles of an account",
    controls="FSBP IAM.1, CKV_AWS_286",
    remediation="Name the roles by a prefix or a path, or hold them to a permissions boundary by the condition "
    "iam:PermissionsBoundary",
)  # fmt: skip
def roles_managed_narrowly(resource: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: what deploys a whole program has to, and is as good as an administrator. It is to be few who may."""
    yield from (f"{how}, within its account" for how in _escalations(resource, graph, "account"))


@rule(
    "no-escalation-by-parts", "iam/role",
    family=FAMILY, severity="high",
    title="No role's policies are together a way to all rights",
    controls="FSBP IAM.1, CKV_AWS_286",
    remediation="Name the roles that it may pass, and by iam:PassedToService the services that they are passed to",
)  # fmt: skip
def no_escalation_by_parts(role: Resource, graph: Graph) -> Iterator[str]:
    """Of the policies that the program makes; what one of them does by itself, `no-privilege-escalation` says."""

    def parts() -> Iterator[Resource]:
        yield role
        yield from graph.referrers(role, "iam/rolePolicy", "role")
        for attachment in graph.referrers(role, "iam/rolePolicyAttachment", "role"):
            attached = peek(attachment, "policyArn")
            if attached is UNKNOWN or not str(attached).startswith("arn:aws:iam::aws:"):
                yield from graph.targets(attachment, "policyArn", "iam/policy")

    found, doubt = gathered(parts())
    said: list[Mapping[str, Any]] = []
    for part in found:
        allowed, unclear = gathered(_allowing(part))
        doubt = doubt or unclear
        said += allowed
        if any(reach == "everything" for reach, _ in escalations(allowed)):
            return
    yield from (how for reach, how in escalations(said) if reach == "everything")
    if doubt:
        raise doubt


def _escalations(resource: Resource, graph: Graph, over: Reach) -> Iterator[str]:
    def found(_: Graph) -> tuple[list[tuple[Reach, str]], Unknown | None]:
        said, doubt = gathered(_allowing(resource))
        try:
            return list(escalations(said)), doubt
        except Unknown as unknown:
            return [], unknown

    ways, doubt = graph.once(f"escalations by {resource.urn}", found)
    yield from (how for reach, how in ways if reach == over)
    if doubt:
        raise doubt


@rule(
    "no-administrators",
    "iam/role", "iam/rolePolicyAttachment", "iam/userPolicyAttachment", "iam/groupPolicyAttachment",
    "iam/policyAttachment",
    family=FAMILY, severity="high",
    title="Nothing is made an administrator",
    controls="FSBP IAM.1, CKV_AWS_274",
    remediation="Attach a policy that names the actions needed",
)  # fmt: skip
def no_administrators(resource: Resource, graph: Graph) -> Iterator[str]:
    """A policy of this program, whose ARN isn't known yet, is judged by `no-star-actions`."""
    key = "managedPolicyArns" if resource.short == "iam/role" else "policyArn"

    def judge(attached: Any) -> Iterator[str]:
        if attached is UNKNOWN:
            graph.refers(resource, key, "iam/policy")
        elif str(attached).endswith(tuple(policy.partition(":policy")[2] for policy in ADMINISTRATORS)):
            yield "an AWS policy for administrators is attached to it"

    value = peek(resource, key)
    yield from each(value if isinstance(value, list) else [value], judge)
