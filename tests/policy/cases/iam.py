from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import case, res


def policy(**changes: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **changes}]})


ROOT = {"AWS": "arn:aws:iam::123456789012:root"}
ONE = {"AWS": "arn:aws:iam::123456789012:role/one"}
SERVICE = {"Service": "ec2.amazonaws.com"}

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
}

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
            ],
            unknown=[res(type, "x", **{key: UNKNOWN}), res(type, "x", **{key: "not JSON"})],
        )
        for type, key in PUBLIC.items()
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
            ],
            unknown=[res(type, "x", policy=UNKNOWN)],
        )
        for type in ("iam/policy", "iam/rolePolicy", "iam/userPolicy", "iam/groupPolicy")
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
        for type in ("iam/rolePolicyAttachment", "iam/userPolicyAttachment", "iam/groupPolicyAttachment")
    ),
]
