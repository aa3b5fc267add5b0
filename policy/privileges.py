"""What whoever has a policy can make of itself: the ways from some permissions to all of them.

A policy that allows every action outright is nothing that this finds: `no-star-actions` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal

from .documents import arn_parts, conditions, everywhere, limits, listed

Reach = Literal["everything", "account", "some"]
"""What a statement is for: every resource there is, every one of its kind in an account, or some."""

# Actions that alone make an administrator of whoever may do them to a role, a user, a group or a policy that is more
# than they are, and the kinds of resource that they are for.
_ALONE = {
    "iam:AddUserToGroup": ("group",),
    "iam:AttachGroupPolicy": ("group",),
    "iam:AttachRolePolicy": ("role",),
    "iam:AttachUserPolicy": ("user",),
    "iam:CreateAccessKey": ("user",),
    "iam:CreateLoginProfile": ("user",),
    "iam:CreatePolicyVersion": ("policy",),
    "iam:DeleteRolePermissionsBoundary": ("role",),
    "iam:DeleteUserPermissionsBoundary": ("user",),
    "iam:PutGroupPolicy": ("group",),
    "iam:PutRolePolicy": ("role",),
    "iam:PutUserPolicy": ("user",),
    "iam:SetDefaultPolicyVersion": ("policy",),
    "iam:UpdateAssumeRolePolicy": ("role",),
    "iam:UpdateLoginProfile": ("user",),
    "sts:AssumeRole": ("role",),
    # What runs under a role does what whoever changes it says.
    "lambda:UpdateFunctionCode": ("function",),
    "glue:UpdateDevEndpoint": ("devEndpoint",),
    "ssm:SendCommand": ("instance",),
}

# What starts something under a role that it is passed, by the service that the role is passed to.
_STARTING = {
    "cloudformation": ("cloudformation:CreateStack", "cloudformation:UpdateStack"),
    "codebuild": ("codebuild:CreateProject", "codebuild:UpdateProject"),
    "codepipeline": ("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"),
    "datapipeline": ("datapipeline:CreatePipeline",),
    # EMR's nodes are machines, whose role is passed to ec2.
    "ec2": (
        "ec2:RunInstances", "ec2:AssociateIamInstanceProfile", "autoscaling:CreateLaunchConfiguration",
        "elasticmapreduce:RunJobFlow",
    ),
    "ecs-tasks": ("ecs:RegisterTaskDefinition", "ecs:RunTask"),
    "elasticmapreduce": ("elasticmapreduce:RunJobFlow",),
    "glue": ("glue:CreateDevEndpoint", "glue:CreateJob", "glue:UpdateJob"),
    "lambda": ("lambda:CreateFunction",),
    "sagemaker": ("sagemaker:CreateNotebookInstance", "sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob"),
    "scheduler": ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    "ssm": ("ssm:StartAutomationExecution",),
    "states": ("states:CreateStateMachine", "states:UpdateStateMachine"),
}  # fmt: skip
_PASSING = "iam:PassRole"
_NAMES = {
    action.lower(): action
    for action in (*_ALONE, _PASSING, *(action for actions in _STARTING.values() for action in actions))
}

ADMINISTRATORS = tuple(
    f"arn:aws:iam::aws:policy/{name}" for name in ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
)
"""AWS's own policies for whoever may do nearly everything."""

# Condition keys that hold a permission on every resource to some of them, or to what can't do harm.
_SCOPING = ("iam:permissionsboundary", "iam:policyarn")
_TAGS = ("aws:resourcetag/", "iam:resourcetag/", "ssm:resourcetag/")


@lru_cache(maxsize=4096)
def _meant(pattern: str) -> frozenset[str]:
    """The actions of these lists that a statement's action means; IAM doesn't tell capital letters."""
    wanted = pattern.lower()
    if set(wanted) <= {"*", ":"}:
        return frozenset()
    if "*" not in wanted and "?" not in wanted:
        return frozenset({_NAMES[wanted]} if wanted in _NAMES else ())
    return frozenset(name for lower, name in _NAMES.items() if fnmatchcase(lower, wanted))


def escalations(statements: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Reach, str]]:
    """How whoever has these statements can get further than they say: over what, and by which actions, as text."""
    allowed: dict[str, list[Mapping[str, Any]]] = {}
    denied: set[str] = set()
    for statement in statements:
        actions = [action for pattern in listed(statement.get("Action")) for action in _meant(str(pattern))]
        if statement.get("Effect") == "Allow":
            for action in dict.fromkeys(actions):
                allowed.setdefault(action, []).append(statement)
        elif not statement.get("Condition") and any(map(everywhere, listed(statement.get("Resource")))):
            denied.update(actions)
    for action in denied:
        allowed.pop(action, None)

    if not allowed:
        return

    alone: dict[Reach, list[str]] = {}
    for action in _ALONE:
        if action in allowed:
            reaches = {_reach(statement, _ALONE[action]) for statement in allowed[action]}
            alone.setdefault(_widest(reaches), []).append(action)
    passing: dict[Reach, list[list[str] | None]] = {}
    for statement in allowed.get(_PASSING, ()):
        passing.setdefault(_reach(statement, ("role",)), []).append(_services(statement))
    wide: tuple[Reach, ...] = ("everything", "account")
    for reach in wide:
        if reach in alone:
            yield reach, f"it can take more rights than it has by {', '.join(alone[reach])}"
        starting = [
            action
            for service, actions in _STARTING.items()
            if any(_among(service, services) for services in passing.get(reach, ()))
            for action in actions
            if action in allowed
        ]
        if starting:
            found = ", ".join(dict.fromkeys(starting))
            yield reach, f"it can have any role do its work by {_PASSING} and {found}"
        elif None in passing.get(reach, ()):
            yield reach, f"it may pass any role to any service by {_PASSING}"


def _reach(statement: Mapping[str, Any], kinds: tuple[str, ...]) -> Reach:
    """What a statement is for, of some kinds of resource."""
    for operator, key, values in conditions(statement):
        scopes = (key in _SCOPING and not any(map(_administers, values))) or key.startswith(_TAGS)
        if scopes and limits(operator, values) and not operator.endswith("IfExists"):
            return "some"
    if "NotResource" in statement:
        return "everything"
    found: set[Reach] = {_width(str(resource), kinds) for resource in listed(statement.get("Resource"))}
    return _widest(found)


def _administers(pattern: Any) -> bool:
    """Whether a pattern for policies means one of those for administrators, in any partition."""
    text = re.sub("^arn:[^:]*:", "arn:aws:", str(pattern))
    return any(fnmatchcase(policy, text) for policy in ADMINISTRATORS)


def _widest(found: set[Reach]) -> Reach:
    return "everything" if "everything" in found else "account" if "account" in found else "some"


def _width(resource: str, kinds: tuple[str, ...]) -> Reach:
    if everywhere(resource):
        return "everything"
    parts = arn_parts(resource)
    if parts is None or not re.fullmatch(rf"[*?]+|({'|'.join(kinds)})[/:][*/]*\*", parts[5]):
        return "some"
    return "everything" if set(parts[4]) <= {"*", "?"} else "account"


def _services(statement: Mapping[str, Any]) -> list[str] | None:
    """The services that a statement lets roles be passed to; None for all."""
    for operator, key, values in conditions(statement):
        if key == "iam:passedtoservice" and limits(operator, values):
            return [str(value) for value in values]
    return None


def _among(service: str, services: list[str] | None) -> bool:
    return services is None or any(fnmatchcase(f"{service}.amazonaws.com", pattern) for pattern in services)
