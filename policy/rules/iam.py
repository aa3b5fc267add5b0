"""Nobody can do more than they need to: no stars, no policy for everyone, no credentials for the asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..caches import inherits
from ..documents import bound, listed, public, statements
from ..graph import UNKNOWN, Graph, Resource, each, get, given, items, peek, yes
from ..rule import Family, rule

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
}


@rule(
    "resource-policy-not-public", *_RESOURCE_POLICIES,
    family=FAMILY, severity="critical", alone=True,
    title="No policy admits everyone",
    controls="FSBP KMS.5, FSBP S3.2, FSBP SQS.3, FSBP SNS.4, CKV_AWS_32, CKV_AWS_33, CKV_AWS_60, CKV_AWS_70, "
    "CKV_AWS_168, CKV_AWS_169, cdk-nag ECR1",
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

    yield from each(statements(resource, _RESOURCE_POLICIES[resource.short]), judge)


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


@rule(
    "no-star-actions", "iam/policy", "iam/rolePolicy", "iam/userPolicy", "iam/groupPolicy", "iam/role",
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
        elif "*" in listed(statement.get("Resource")) and any(action.endswith(":*") for action in actions):
            yield "a statement allows every action of a service on every resource"

    if resource.short != "iam/role":
        yield from each(statements(resource, "policy"), judge)
    else:
        yield from each(items(resource, "inlinePolicies"), lambda inline: each(statements(inline, "policy"), judge))


@rule(
    "no-administrators",
    "iam/role", "iam/rolePolicyAttachment", "iam/userPolicyAttachment", "iam/groupPolicyAttachment",
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
        elif str(attached).endswith(("/AdministratorAccess", "/IAMFullAccess", "/PowerUserAccess")):
            yield "an AWS policy for administrators is attached to it"

    value = peek(resource, key)
    yield from each(value if isinstance(value, list) else [value], judge)
