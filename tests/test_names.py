"""Two stacks in one account and region: nothing of the one has a name of the other's, and every name fits."""

import functools
import itertools

import pytest

from settings import SettingsError
from settings.load import LONGEST_NAMES
from standin.mocks import run_program
from tests.registered import ROOT, STACKS, stack_config

PROJECT = "platform-for-the-whole-house"
STACK = "s" * (LONGEST_NAMES - len(PROJECT) - 1)

LIMITS = {
    "athena/workgroup": 128,
    "cloudformation/stack": 128,
    "cloudtrail/trail": 128,
    "cloudwatch/compositeAlarm": 255,
    "cloudwatch/dashboard": 255,
    "cloudwatch/eventRule": 64,
    "cloudwatch/logDeliveryDestination": 60,
    "cloudwatch/logDeliverySource": 60,
    "cloudwatch/logGroup": 512,
    "cloudwatch/logResourcePolicy": 512,
    "cloudwatch/metricAlarm": 255,
    "codebuild/project": 150,
    "codecommit/approvalRuleTemplate": 100,
    "codecommit/repository": 100,
    "codepipeline/pipeline": 100,
    "ecr/repository": 256,
    "eks/cluster": 100,
    "elasticache/replicationGroup": 40,
    "elasticbeanstalk/application": 100,
    "elasticbeanstalk/environment": 40,
    "emr/securityConfiguration": 256,
    "glue/catalogDatabase": 255,
    "grafana/workspace": 255,
    "iam/instanceProfile": 128,
    "iam/policy": 128,
    "iam/role": 64,
    "kms/alias": 256,
    "quicksight/dataSet": 512,
    "quicksight/dataSource": 512,
    "rds/instance": 63,
    "s3/bucket": 63,
    "scheduler/schedule": 64,
    "scheduler/scheduleGroup": 64,
    "secretsmanager/secret": 512 - 26,
    "sfn/stateMachine": 80,
    "sns/topic": 256,
    "sqs/queue": 80,
    "wafv2/webAcl": 128,
}
"""What AWS demands to be unique in an account and region, or in all the world, and the characters that it takes."""
KEYS = {"name", "namePrefix", "bucket", "identifier", "replicationGroupId", "dashboardName", "alarmName", "policyName"}
KEYS |= {"dataSetId", "dataSourceId", "dashboardId"}
ONCE = {"codecommit/repository"}
"""What there is one of for all stacks, by its name."""


@functools.cache
def registered(stack, like, project=PROJECT):
    """What the program registers with a stack's settings under other names."""
    config = {key.replace("platform:", f"{project}:"): value for key, value in stack_config(like).items()}
    return run_program(ROOT, stack, config, project=project).registrations


def names(stack, like, project=PROJECT):
    """The names that the program gives, by type."""
    found: dict[str, set[str]] = {}
    for r in registered(stack, like, project):
        kind = aws_kind(r.type)
        if r.custom and kind in LIMITS:
            found.setdefault(kind, set()).update(v for k in KEYS if isinstance(v := r.inputs.get(k), str))
    return found


def aws_kind(type_token):
    return type_token.split(":")[1] if type_token.startswith("aws:") else ""


def test_no_name_of_one_stack_is_another_s():
    one, other = (names(f"{STACK}{end}", "prod") for end in "ab")
    assert {kind: len(found) for kind, found in one.items()} == {kind: len(found) for kind, found in other.items()}
    for kind, found in one.items():
        assert kind in ONCE or found.isdisjoint(other[kind]), kind


def test_the_longest_names_fit():
    found = names(f"{STACK}a", "prod")
    assert [(kind, n) for kind, given in found.items() for n in given if len(n) > LIMITS[kind]] == []
    tags = [r.inputs.get("tags") for r in registered(f"{STACK}a", "prod")]
    longest = max(len(value) for given in tags if isinstance(given, dict) for value in given.values())
    assert longest <= 256


@pytest.mark.parametrize("like", STACKS)
def test_no_stack_can_be_called_so_that_it_meets_another(like):
    """`dev` with a queue `a-b` and `dev-a` with a queue `b` would have one name; there are no two such names."""
    for kind, found in names(like, like, "platform").items():
        own = {name.removeprefix(f"platform-{like}-") for name in found}
        assert [(a, b) for a, b in itertools.permutations(own, 2) if a.endswith(f"-{b}")] == [], kind


def test_every_named_type_is_looked_at():
    """A new tier's names belong into LIMITS, unless they are unique below something else that is."""
    below = {"cloudwatch/logMetricFilter", "elasticbeanstalk/applicationVersion", "grafana/workspaceServiceAccount"}
    below |= {"route53/record", "route53/zone", "quicksight/refreshSchedule", "iam/rolePolicy"}
    registrations = registered(f"{STACK}a", "prod")
    named = {
        aws_kind(r.type) for r in registrations if r.custom and any(isinstance(r.inputs.get(k), str) for k in KEYS)
    }
    parts = {kind for kind in named if kind.startswith("s3/bucket") and kind != "s3/bucket"}
    assert named - {""} - set(LIMITS) - below - parts == set()


def test_longer_names_are_refused():
    with pytest.raises(SettingsError, match=r"the stack's name .* has 121 characters with the project's: 120 at most"):
        registered(f"{STACK}ab", "dev")
