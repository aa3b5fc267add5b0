from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, name, res


def policy(**changes: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **changes}]})


ROOT = {"AWS": "arn:aws:iam::123456789012:root"}
ONE = {"AWS": "arn:aws:iam::123456789012:role/one"}
SERVICE = {"Service": "ec2.amazonaws.com"}
ROLE = ONE["AWS"]

PUBLIC = {
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
IDENTITY = ("iam/policy", "iam/rolePolicy", "iam/userPolicy", "iam/groupPolicy")
PERMISSION = "lambda/permission"
TOKENS, DISK = {"httpTokens": "required"}, {"encrypted": True}
BUS = "cloudwatch/eventPermission"
OWN = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
EVERY_ROLE = "arn:aws:iam::123456789012:role/*"
GITHUB = {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}
SUBJECT = "token.actions.githubusercontent.com:sub"


def several(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


def single(**changes: Any) -> str:
    """A document whose only statement stands without a list."""
    return json.dumps({"Statement": {"Effect": "Allow", **changes}})


def passing(*actions: str, resource: object = "*", **condition: object) -> str:
    """A policy that passes roles, and lets something be started."""
    passes: dict[str, Any] = {"Action": "iam:PassRole", "Resource": resource}
    if condition:
        passes["Condition"] = condition
    return several(passes, {"Action": list(actions), "Resource": "arn:aws:s3:::data"})


def passed_to(*services: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {operator: {"iam:PassedToService": [f"{service}.amazonaws.com" for service in services]}}


def permission(**props: object) -> Made:
    return res(PERMISSION, "x", action="lambda:InvokeFunction", function="f", **props)


def on_bus(principal: object, **props: object) -> Made:
    return res(BUS, "x", principal=principal, statementId="x", **props)


def mounted(value: str) -> Made:
    """A file system's policy for whoever comes by its mount targets."""
    condition = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": value}}
    return res("efs/fileSystemPolicy", "x", policy=policy(Principal="*", Condition=condition))


def trusting(principal: object, **condition: object) -> Made:
    return res("iam/role", "x", assumeRolePolicy=policy(Principal=principal, Action="sts:AssumeRole", **condition))


def github(operator: str, value: object, key: str = SUBJECT) -> Made:
    return trusting(GITHUB, Condition={operator: {key: value}})


def inline(*policies: object) -> Made:
    return res("iam/role", "x", inlinePolicies=[{"policy": found} for found in policies])


TO_MACHINES = {"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
PASS = policy(Action="iam:PassRole", Resource="*", **TO_MACHINES)
START = policy(Action="ec2:RunInstances", Resource="*")


def parted(passing: Any, starting: Any, *, attached: bool = False) -> list[Made]:
    """A role that may pass roles by one policy, and start machines by another."""
    role = res("iam/role", "x", inlinePolicies=[{"policy": passing}])
    if not attached:
        return [role, res("iam/rolePolicy", "start", role=role, policy=starting)]
    own = res("iam/policy", "start", policy=starting)
    return [role, own, res("iam/rolePolicyAttachment", "start", role=role, policyArn=arn(own))]


def given(policy_arn: str) -> list[Made]:
    """A role that may pass roles, and has a policy that isn't in the program."""
    role = res("iam/role", "x", inlinePolicies=[{"policy": PASS}])
    return [role, res("iam/rolePolicyAttachment", "a", role=role, policyArn=policy_arn)]


# What is no way to all rights.
HARMLESS = [
    policy(Action="s3:GetObject", Resource="*"),
    policy(Effect="Deny", Action="iam:*", Resource="*"),
    policy(Action="iam:PutRolePolicy", Resource="arn:aws:iam::123456789012:role/platform-*"),
    policy(Action="iam:PutRolePolicy", Resource="arn:aws:iam::123456789012:role/platform/*"),
    policy(Action=["iam:Get*", "iam:List*", "iam:CreateRole"], Resource="*"),
    policy(Action="iam:PutRolePolicy", Resource="*", Condition={"StringEquals": {"iam:PermissionsBoundary": ROLE}}),
    policy(Action="iam:AttachRolePolicy", Resource="*", Condition={"ArnEquals": {"iam:PolicyARN": ROLE}}),
    policy(Action="ssm:SendCommand", Resource="*", Condition={"StringEquals": {"ssm:resourceTag/Team": "web"}}),
    several({"Action": "iam:Put*", "Resource": "*"}, {"Effect": "Deny", "Action": "IAM:*", "Resource": "*"}),
    passing("ec2:RunInstances", resource=ROLE),
    passing("lambda:CreateFunction", **passed_to("ec2", "ecs-tasks")),
    passing("s3:GetObject", **passed_to("ec2")),
    several({"Action": "sts:AssumeRole", "Resource": [ROLE, "arn:aws:iam::210987654321:role/deploy"]}),
]
# What is one over every role of the account, and no further.
WITHIN = [
    policy(Action="iam:PutRolePolicy", Resource=EVERY_ROLE),
    policy(Action="iam:CreatePolicyVersion", Resource=[ROLE, "arn:aws:iam::123456789012:policy/*"]),
    policy(Action="sts:AssumeRole", Resource="arn:aws:iam::123456789012:*"),
    policy(Action="lambda:UpdateFunctionCode", Resource="arn:aws:lambda:eu-west-1:123456789012:function:*"),
    passing("codebuild:*", resource=EVERY_ROLE, **passed_to("codebuild")),
    passing("s3:GetObject", resource=EVERY_ROLE),
]
# What is one over everything.
WAYS = [
    *(
        policy(Action=action, Resource="*")
        for action in (
            "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion",
            "iam:UpdateAssumeRolePolicy", "iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:AttachGroupPolicy",
            "iam:PutGroupPolicy", "iam:AddUserToGroup", "iam:CreateAccessKey", "iam:CreateLoginProfile",
            "iam:UpdateLoginProfile", "iam:DeleteRolePermissionsBoundary", "sts:AssumeRole",
            "lambda:UpdateFunctionCode", "glue:UpdateDevEndpoint", "ssm:SendCommand",
        )
    ),
    policy(Action="IAM:putrolepolicy", Resource="*"),
    policy(Action=["s3:GetObject", "iam:Put*"], Resource=["arn:aws:s3:::data", "*"]),
    policy(Action="iam:?ttachRolePolicy", Resource="*"),
    policy(Action="iam:PutRolePolicy", Resource="arn:aws:iam::*:role/*"),
    policy(Action="iam:PutRolePolicy", Resource="arn:aws:iam::*:*"),
    policy(Action="iam:PutRolePolicy", NotResource=ROLE),
    policy(Action="iam:PutRolePolicy", Resource="*", Condition={"StringLike": {"iam:PermissionsBoundary": "*"}}),
    policy(Action="iam:PutRolePolicy", Resource="*", Condition={"StringNotEquals": {"iam:PermissionsBoundary": ROLE}}),
    policy(Action="iam:PutRolePolicy", Resource="*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    policy(Action="iam:*", Resource="arn:aws:iam::*"),
    policy(Action="iam:PutRolePolicy", Resource="arn:aws:iam:*"),
    policy(Action="iam:PutRolePolicy", Resource="arn:aws:iam"),
    *(
        policy(Action="iam:AttachRolePolicy", Resource="*", Condition={"ArnLike": {"iam:PolicyARN": attached}})
        for attached in (
            "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws-cn:iam::aws:policy/*", "arn:aws:iam::*:policy/*",
            [ROLE, "arn:aws:iam::aws:policy/IAMFull*"],
        )
    ),
    policy(
        Action="iam:PutRolePolicy", Resource="*",
        Condition={"StringEqualsIfExists": {"iam:PermissionsBoundary": ROLE}},
    ),
    policy(
        Action="ssm:SendCommand", Resource="*", Condition={"StringEqualsIfExists": {"aws:ResourceTag/team": "web"}}
    ),
    single(Action="iam:PutRolePolicy", Resource="*"),
    several({"Action": "iam:PutRolePolicy", "Resource": "*"}, {"Effect": "Deny", "Action": "iam:*", "Resource": ROLE}),
    *(
        passing(action, **passed_to(service))
        for service, action in (
            ("lambda", "lambda:CreateFunction"), ("ec2", "ec2:RunInstances"), ("codebuild", "codebuild:CreateProject"),
            ("cloudformation", "cloudformation:CreateStack"), ("glue", "glue:Create*"), ("states", "STATES:*"),
            ("ecs-tasks", "ecs:RunTask"), ("sagemaker", "sagemaker:CreateTrainingJob"),
            ("ec2", "elasticmapreduce:RunJobFlow"),
        )
    ),
    passing("lambda:CreateFunction"),
    passing("lambda:CreateFunction", **passed_to("*", operator="StringLike")),
    passing("s3:GetObject"),
]  # fmt: skip

CASES = [
    *(
        case(
            "instance-metadata-v2",
            type,
            ok=[
                res(type, "x", metadataOptions={"httpTokens": "required"}),
                res(type, "x", metadataOptions={"httpEndpoint": "disabled"}),
                *more,
            ],
            bad=[
                res(type, "x"),
                res(type, "x", metadataOptions={"httpTokens": "optional"}),
                res(type, "x", metadataOptions={}),
            ],
            unknown=[res(type, "x", metadataOptions={"httpTokens": UNKNOWN}), res(type, "x", metadataOptions=UNKNOWN)],
        )
        for type, more in (
            ("ec2/launchTemplate", []),
            ("ec2/launchConfiguration", []),
            ("ec2/instance", [res("ec2/instance", "x", launchTemplate={"id": "lt-0123"})]),
        )
    ),
    case(
        "instance-template-judged",
        "ec2/instance",
        ok=[
            res("ec2/instance", "x"),
            res("ec2/instance", "x", launchTemplate={"id": res("ec2/launchTemplate", "own")}),
            res("ec2/instance", "x", launchTemplate={"name": name(res("ec2/launchTemplate", "own"))}),
            res("ec2/instance", "x", launchTemplate={"id": "lt-0123"}, metadataOptions=TOKENS, rootBlockDevice=DISK),
        ],
        bad=[
            res("ec2/instance", "x", launchTemplate={"id": "lt-0123"}),
            res("ec2/instance", "x", launchTemplate={"name": "theirs"}, metadataOptions=TOKENS),
        ],
        unknown=[
            res("ec2/instance", "x", launchTemplate={"id": UNKNOWN}),
            res("ec2/instance", "x", launchTemplate=UNKNOWN),
        ],
    ),
    *(
        case(
            "resource-policy-not-public",
            type,
            ok=[
                res(type, "x"),
                res(type, "x", **{key: policy(Principal=ROOT, Action="a:*", Resource="*")}),
                res(type, "x", **{key: policy(Principal=SERVICE, Action="sts:AssumeRole")}),
                res(type, "x", **{key: policy(Effect="Deny", Principal="*", Action="a:*", Resource="*")}),
                res(
                    type, "x", **{key: policy(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})}
                ),
                res(
                    type,
                    "x",
                    **{key: policy(Principal="*", Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::a"}})},
                ),
                *(
                    res(type, "x", **{key: policy(Principal="*", Condition=condition)})
                    for condition in (
                        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:a"}},
                        {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:123456789012:*"}},
                        {"StringLike": {"aws:PrincipalArn": "*:123456789012:role/*"}},
                        {"StringLike": {"sns:Endpoint": "*@example.com"}},
                    )
                ),
                res(type, "x", **{key: single(Principal=ROOT, Action="a:*")}),
            ],
            bad=[
                res(type, "x", **{key: policy(Principal="*", Action="a:*")}),
                res(type, "x", **{key: policy(Principal={"AWS": "*"}, Action="a:*")}),
                res(type, "x", **{key: policy(Principal={"AWS": [ONE["AWS"], "*"]}, Action="a:*")}),
                res(type, "x", **{key: policy(NotPrincipal=ONE, Action="a:*")}),
                res(type, "x", **{key: policy(Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}})}),
                res(
                    type, "x", **{key: policy(Principal="*", Condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}})}
                ),
                res(type, "x", **{key: policy(Principal="*", Condition={"StringLike": {"aws:PrincipalArn": "*"}})}),
                res(
                    type,
                    "x",
                    **{key: policy(Principal="*", Condition={"StringEqualsIfExists": {"aws:SourceAccount": "1"}})},
                ),
                *(
                    res(type, "x", **{key: policy(Principal="*", Condition=condition)})
                    for condition in (
                        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
                        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}},
                        {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}},
                        {"StringLike": {"aws:PrincipalArn": "*:role/admin"}},
                        {"ArnLike": {"aws:SourceArn": "arn:aws:*"}},
                        {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:alerts"}},
                        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
                        {"StringLike": {"aws:SourceVpc": ["vpc-1", "vpc-*"]}},
                        {"StringLike": {"aws:userid": "*:*"}},
                        {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/"}},
                    )
                ),
                res(type, "x", **{key: single(Principal={"Service": "*"}, Action="a:*")}),
            ],
            unknown=[res(type, "x", **{key: UNKNOWN}), res(type, "x", **{key: "not JSON"})],
        )
        for type, key in PUBLIC.items()
    ),
    case(
        "resource-policy-not-public",
        "efs/fileSystemPolicy",
        ok=[mounted("true")],
        bad=[mounted("*")],
        unknown=[res("efs/fileSystemPolicy", "x", policy=policy(Principal="*", Condition=[]))],
    ),
    case(
        "resource-policy-not-public",
        PERMISSION,
        ok=[
            permission(principal="s3.amazonaws.com"),
            permission(principal="123456789012"),
            permission(principal="*", principalOrgId="o-1"),
            permission(principal="*", sourceArn=arn(res("sns/topic", "topic"))),
        ],
        bad=[permission(principal="*"), permission(principal="*", functionUrlAuthType="NONE")],
        unknown=[permission(principal=UNKNOWN)],
    ),
    case(
        "resource-policy-not-public",
        BUS,
        ok=[on_bus("123456789012"), on_bus("*", condition={"key": "aws:PrincipalOrgID", "value": "o-1"})],
        bad=[on_bus("*"), on_bus("*", condition={"key": "aws:PrincipalOrgID", "value": "o-*"})],
        unknown=[on_bus(UNKNOWN)],
    ),
    case(
        "service-acts-for-this-account",
        BUS,
        ok=[on_bus("123456789012")],
        bad=[on_bus("s3.amazonaws.com")],
        unknown=[on_bus(UNKNOWN)],
    ),
    case(
        "service-acts-for-this-account",
        PERMISSION,
        ok=[
            permission(principal="s3.amazonaws.com", sourceAccount="123456789012"),
            permission(principal="events.amazonaws.com", sourceArn=arn(res("cloudwatch/eventRule", "rule"))),
            permission(principal="123456789012"),
        ],
        bad=[
            permission(principal="s3.amazonaws.com"),
            permission(principal="sns.amazonaws.com", sourceArn="*"),
            permission(principal="events.amazonaws.com", sourceArn="arn:aws:events:*:*:rule/x"),
        ],
        unknown=[permission(principal=UNKNOWN)],
    ),
    *(
        case(
            "service-acts-for-this-account",
            type,
            ok=[
                res(type, "x"),
                res(type, "x", **{key: policy(Principal=ROOT, Action="a:*")}),
                res(type, "x", **{key: policy(Principal=SERVICE, Action="a:b")}),
                res(type, "x", **{key: policy(Effect="Deny", Principal={"Service": "codebuild.amazonaws.com"})}),
                *(
                    res(
                        type,
                        "x",
                        **{key: policy(Principal={"Service": "codebuild.amazonaws.com"}, Condition=condition)},
                    )
                    for condition in (
                        OWN,
                        {"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}},
                        {"ArnLike": {"AWS:SOURCEARN": "arn:aws:codebuild:*:123456789012:project/*"}},
                        {"StringEquals": {"aws:SourceOrgID": "o-1"}},
                        {"StringEquals": {"aws:RequestTag/eks-cluster-name": "one"}},
                    )
                ),
            ],
            bad=[
                res(type, "x", **{key: policy(Principal={"Service": "codebuild.amazonaws.com"})}),
                res(type, "x", **{key: single(Principal={"Service": ["ec2.amazonaws.com", "states.amazonaws.com"]})}),
                res(type, "x", **{key: policy(Principal={"Service": "logs.eu-west-1.amazonaws.com"})}),
                *(
                    res(
                        type,
                        "x",
                        **{key: policy(Principal={"Service": "codebuild.amazonaws.com"}, Condition=condition)},
                    )
                    for condition in (
                        {"StringLike": {"aws:SourceAccount": "*"}},
                        {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:alerts"}},
                        {"StringNotEquals": {"aws:SourceAccount": "123456789012"}},
                        {"Bool": {"aws:SecureTransport": "true"}},
                    )
                ),
            ],
            unknown=[res(type, "x", **{key: UNKNOWN}), res(type, "x", **{key: "not JSON"})],
        )
        for type, key in PUBLIC.items()
    ),
    case(
        "federated-trust-bound",
        "iam/role",
        ok=[
            trusting(SERVICE),
            trusting({"Federated": "arn:aws:iam::123456789012:saml-provider/company"}),
            trusting(
                {"Federated": "cognito-identity.amazonaws.com"},
                Condition={"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:0123"}},
            ),
            github("StringEquals", "repo:company/platform:ref:refs/heads/main"),
            github("StringLike", ["repo:company/*"]),
            github("StringLike", "repo:company/plat*:environment:*"),
            github("StringEquals", "system:serviceaccount:a:b", "oidc.eks.eu-west-1.amazonaws.com/id/0123:sub"),
            github("StringLike", "system:serviceaccount:*:b", "oidc.eks.eu-west-1.amazonaws.com/id/0123:sub"),
        ],
        bad=[
            trusting(GITHUB),
            github("StringEquals", "sts.amazonaws.com", "token.actions.githubusercontent.com:aud"),
            github("StringLike", "*"),
            github("StringLike", ["repo:company/*", "repo:*"]),
            github("StringLike", "repo:*/*:*"),
            github("StringLike", "repo:*:ref:refs/heads/main"),
            github("StringLike", "repo:*/infra:*"),
            github("StringLike", "*:environment:prod"),
            github("StringLike", "repo:?*"),
            github("StringLike", "repo:company*/*"),
            trusting({"Federated": "cognito-identity.amazonaws.com"}),
            trusting({"Federated": "accounts.google.com"}, Condition={"StringLike": {"accounts.google.com:aud": "*"}}),
            github("StringEqualsIfExists", "repo:company/platform:ref:refs/heads/main"),
            github("StringNotLike", "repo:company/*"),
        ],
        unknown=[res("iam/role", "x", assumeRolePolicy=UNKNOWN)],
    ),
    *(
        case(
            "no-privilege-escalation",
            type,
            ok=[res(type, "x", policy=found) for found in (*HARMLESS, *WITHIN)],
            bad=[res(type, "x", policy=found) for found in WAYS],
            unknown=[res(type, "x", policy=UNKNOWN), res(type, "x", policy=policy(Action="iam:Put*", Condition=[1]))],
        )
        for type in IDENTITY
    ),
    case(
        "no-privilege-escalation",
        "iam/role",
        ok=[res("iam/role", "x"), inline(*HARMLESS)],
        bad=[inline(UNKNOWN, WAYS[0]), inline(HARMLESS[0], WAYS[-1])],
        unknown=[inline(UNKNOWN), inline(HARMLESS[0], UNKNOWN)],
    ),
    case(
        "no-escalation-by-parts",
        "iam/role",
        ok=[
            res("iam/role", "x", inlinePolicies=[{"policy": PASS}]),
            parted(policy(Action="iam:PassRole", Resource=ROLE, **TO_MACHINES), START),
            parted(PASS, policy(Action="ec2:StartInstances", Resource="*")),
            parted(policy(Action="iam:*", Resource="*"), START),  # by itself
            [
                (role := res("iam/role", "x", inlinePolicies=[{"policy": PASS}])),
                res(
                    "iam/rolePolicyAttachment", "a", role=role, policyArn="arn:aws:iam::aws:policy/AmazonEC2FullAccess"
                ),
            ],
        ],
        bad=[parted(PASS, START), parted(PASS, START, attached=True), parted(START, PASS)],
        unknown=[
            parted(PASS, UNKNOWN),
            parted(UNKNOWN, START, attached=True),
            given("arn:aws:iam::123456789012:policy/other"),
        ],
    ),
    *(
        case(
            "roles-managed-narrowly",
            type,
            ok=[res(type, "x", policy=found) for found in HARMLESS],
            bad=[res(type, "x", policy=found) for found in WITHIN],
            unknown=[res(type, "x", policy=UNKNOWN)],
        )
        for type in IDENTITY
    ),
    case(
        "roles-managed-narrowly",
        "iam/role",
        ok=[res("iam/role", "x"), inline(*HARMLESS)],
        bad=[inline(UNKNOWN, WITHIN[0])],
        unknown=[inline(UNKNOWN)],
    ),
    *(
        case(
            "no-star-actions",
            type,
            ok=[
                res(type, "x", policy=policy(Action=["s3:GetObject", "s3:List*"], Resource="*")),
                res(type, "x", policy=policy(Action="s3:*", Resource="arn:aws:s3:::data/*")),
                res(type, "x", policy=policy(Effect="Deny", Action="*", Resource="*")),
            ],
            bad=[
                res(type, "x", policy=policy(Action="*", Resource="*")),
                res(type, "x", policy=policy(Action=["s3:GetObject", "*"], Resource="arn:aws:s3:::data")),
                res(type, "x", policy=policy(Action="*:*", Resource="arn:aws:s3:::data")),
                res(type, "x", policy=policy(NotAction="iam:*", Resource="*")),
                res(type, "x", policy=policy(Action="s3:*", Resource=["*"])),
                res(type, "x", policy=policy(Action="s3:*", Resource="arn:aws:s3:::*")),
                res(type, "x", policy=policy(Action="s3:*", Resource="arn:aws:s3:*")),
                res(type, "x", policy=policy(Action="iam:*", Resource="arn:aws:iam::*")),
                res(type, "x", policy=policy(Action="s3:GetObject", NotResource="arn:aws:s3:::secret")),
                res(type, "x", policy=single(Action="*", Resource="*")),
            ],
            unknown=[res(type, "x", policy=UNKNOWN)],
        )
        for type in IDENTITY
    ),
    case(
        "no-star-actions",
        "iam/role",
        ok=[res("iam/role", "x"), res("iam/role", "x", inlinePolicies=[{"policy": policy(Action="s3:GetObject")}])],
        bad=[res("iam/role", "x", inlinePolicies=[{"policy": UNKNOWN}, {"policy": policy(Action="*", Resource="*")}])],
        unknown=[res("iam/role", "x", inlinePolicies=[{"policy": UNKNOWN}])],
    ),
    case(
        "no-administrators",
        "iam/role",
        ok=[res("iam/role", "x", managedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"])],
        bad=[res("iam/role", "x", managedPolicyArns=[UNKNOWN, "arn:aws:iam::aws:policy/AdministratorAccess"])],
        unknown=[res("iam/role", "x", managedPolicyArns=UNKNOWN)],
    ),
    *(
        case(
            "no-administrators",
            type,
            ok=[
                res(type, "x", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
                res(type, "x", policyArn=res("iam/policy", "own")),
            ],
            bad=[
                res(type, "x", policyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
                res(type, "x", policyArn="arn:aws:iam::aws:policy/IAMFullAccess"),
            ],
            unknown=[res(type, "x", policyArn=UNKNOWN)],
        )
        for type in (
            "iam/rolePolicyAttachment",
            "iam/userPolicyAttachment",
            "iam/groupPolicyAttachment",
            "iam/policyAttachment",
        )
    ),
]
