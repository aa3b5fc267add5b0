"""CloudTrail: what a trail writes to, and by, has to let it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ...buckets import policies
from ...documents import listed, statements
from ...graph import Graph, Resource, Unknown, each, get, peek, some
from ...roles import admitted
from ...rule import rule
from .values import FAMILY

_CLOUDTRAIL = "cloudtrail.amazonaws.com"


@rule(
    "trail-let-in", "cloudtrail/trail",
    family=FAMILY, severity="high",
    title="A trail's bucket, key and role let CloudTrail in",
    controls="",
    remediation=f"Allow {_CLOUDTRAIL} s3:GetBucketAcl, and s3:PutObject below the s3KeyPrefix and AWSLogs/, in the "
    "bucket's policy, kms:GenerateDataKey* in the key's, and sts:AssumeRole in the role's",
)  # fmt: skip
def trail_let_in(trail: Resource, graph: Graph) -> Iterator[str]:
    """CloudTrail takes no trail else (API reference, CreateTrail). What is none of the program's is taken as right."""
    yield from each((_bucket, _key, _role), lambda check: check(trail, graph))


def _bucket(trail: Resource, graph: Graph) -> Iterator[str]:
    prefix = get(trail, "s3KeyPrefix")
    below = f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"

    def judge(bucket: Resource) -> Iterator[str]:
        if not some(_said(policies(bucket, graph)), lambda statement: _lets(statement, "s3:GetBucketAcl")):
            yield f"{bucket.label} doesn't let CloudTrail read its ACL"
        if not some(
            _said(policies(bucket, graph)),
            lambda statement: (
                _lets(statement, "s3:PutObject")
                and any(_covers(str(resource), below) for resource in listed(statement.get("Resource")))
            ),
        ):
            yield f"{bucket.label} doesn't let CloudTrail write where the trail's files go"

    yield from each(_ours(trail, graph, "s3BucketName", "s3/bucket"), judge)


def _key(trail: Resource, graph: Graph) -> Iterator[str]:
    def judge(key: Resource) -> Iterator[str]:
        def holders() -> Iterator[Resource]:
            yield key
            yield from graph.referrers(key, "kms/keyPolicy", "keyId")

        if not some(_said(holders()), lambda statement: _lets(statement, "kms:GenerateDataKey")):
            yield f"{key.label} doesn't let CloudTrail encrypt"

    yield from each(_ours(trail, graph, "kmsKeyId", "kms/key"), judge)


def _role(trail: Resource, graph: Graph) -> Iterator[str]:
    def judge(role: Resource) -> Iterator[str]:
        if "sts:AssumeRole" not in admitted(role, _CLOUDTRAIL):
            yield f"{role.label} doesn't admit {_CLOUDTRAIL}"

    yield from each(_ours(trail, graph, "cloudWatchLogsRoleArn", "iam/role"), judge)


def _ours(trail: Resource, graph: Graph, path: str, type: str) -> Iterator[Resource]:
    try:
        yield from graph.targets(trail, path, type)
    except Unknown:
        if not isinstance(peek(trail, path), str):  # which names what the program doesn't have
            raise


def _said(holders: Iterator[Resource]) -> Iterator[Mapping[str, Any]]:
    return each(holders, lambda holder: statements(holder, "policy"))


def _lets(statement: Mapping[str, Any], action: str) -> bool:
    principal = statement.get("Principal")
    services = listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    allowed = any(fnmatchcase(action, str(pattern)) for pattern in listed(statement.get("Action")))
    return statement.get("Effect") == "Allow" and _CLOUDTRAIL in services and allowed


def _covers(resource: str, below: str) -> bool:
    """Whether an ARN, `*` as wildcard, names what lies below a prefix, or some of it."""
    path = resource.partition(":::")[2].partition("/")[2] if ":::" in resource else resource
    return path.startswith(below) or fnmatchcase(below, path)
