import json
import re
from fnmatch import fnmatchcase

import pulumi
import pytest
from pydantic import ValidationError

from components.registry import Registry, RegistryArgs
from components.security import EncryptionKey
from tests.registered import by_sid, counts, of, one, run

REPOSITORY = "ecr/repository:Repository"
POLICY = "ecr/repositoryPolicy:RepositoryPolicy"
REPOSITORIES: dict[str, dict[str, int]] = {"web": {}, "jobs": {}}
NODES = "arn:aws:iam::123456789012:role/platform-test-nodes"
BUILD = "arn:aws:iam::123456789012:role/platform-test-build"
SERVICES = "arn:aws:iam::123456789012:role/aws-service-role/*"
INSPECTOR = "arn:aws:iam::123456789012:role/aws-service-role/inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2"
ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/platform-test-registry/"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
PUSH = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]


def registry(repositories=REPOSITORIES, *, pullers=(NODES,), pushers=(BUILD,), unknown=False, more=None, **changes):
    def program():
        args = RegistryArgs.model_validate({"repositories": repositories} | changes | (more or {}))
        made = Registry("registry", args, key=EncryptionKey("data"), pullers=pullers, pushers=pushers)
        pulumi.export("urls", made.urls)
        pulumi.export("pull", pulumi.Output.json_dumps(made.pull_statements()))
        pulumi.export("push", pulumi.Output.json_dumps(made.push_statements()))

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def recording():
    return registry()


def denied(recording, action, principal):
    """Whether the repository's policy denies `action` to the holder of a principal ARN, as IAM would judge it."""
    for statement in by_sid(one(recording, POLICY, "registry-web").inputs["policy"]).values():
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        ((operator, condition),) = statement["Condition"].items()
        assert operator == "ArnNotLike"
        if action in statement["Action"] and not any(fnmatchcase(principal, p) for p in condition["aws:PrincipalArn"]):
            return True
    return False


def test_it_adds_exactly_this(recording):
    assert counts(recording) == {
        "Alias": 1,
        "Key": 1,
        "LifecyclePolicy": 2,
        "Repository": 2,
        "RepositoryPolicy": 2,
    }


def test_no_repositories_are_nothing():
    empty = registry({})
    assert counts(empty) == {"Alias": 1, "Key": 1}
    assert (empty.outputs["pull"], empty.outputs["push"]) == ("[]", "[]")


def test_a_repository(recording):
    web = one(recording, REPOSITORY, "registry-web")
    assert {key: value for key, value in web.inputs.items() if key != "tags"} == {
        "name": "platform-test-registry/web",
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [
            {"encryptionType": "KMS", "kmsKey": one(recording, "kms/key:Key", "data").outputs["arn"]}
        ],
        "forceDelete": False,
    }
    assert web.protect
    assert recording.outputs["urls"] == {
        name: f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/platform-test-registry/{name}" for name in ("web", "jobs")
    }


def test_images_expire():
    recorded = registry({"web": {"untagged_days": 3, "keep_images": 20}, "jobs": {}})

    def rules(name):
        policy = one(recorded, "ecr/lifecyclePolicy:LifecyclePolicy", f"registry-{name}")
        assert policy.property_dependencies["repository"] == [one(recorded, REPOSITORY, f"registry-{name}").urn]
        return json.loads(policy.inputs["policy"])["rules"]

    assert rules("web") == [
        {
            "rulePriority": 1,
            "description": "Untagged for 3 days",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 3,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "All but the newest 20",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 20},
            "action": {"type": "expire"},
        },
    ]
    assert [rule["selection"]["countNumber"] for rule in rules("jobs")] == [7, 100]


def test_every_repository_says_who_may_pull_and_push(recording):
    repositories = of(recording, REPOSITORY)
    policies = of(recording, POLICY)
    assert policies.keys() == repositories.keys()
    for name, policy in policies.items():
        assert policy.property_dependencies["repository"] == [repositories[name].urn]
        assert by_sid(policy.inputs["policy"]) == {
            "DenyPull": {
                "Sid": "DenyPull",
                "Effect": "Deny",
                "Principal": "*",
                "Action": PULL,
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": [NODES, BUILD, SERVICES]}},
            },
            "DenyPush": {
                "Sid": "DenyPush",
                "Effect": "Deny",
                "Principal": "*",
                "Action": PUSH,
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": [BUILD, SERVICES]}},
            },
        }


@pytest.mark.parametrize(
    ("principal", "pulls", "pushes"),
    [
        (NODES, True, False),
        (BUILD, True, True),
        (INSPECTOR, True, True),
        ("arn:aws:iam::123456789012:role/Administrator", False, False),
        ("arn:aws:iam::123456789012:root", False, False),
        ("arn:aws:iam::123456789012:user/someone", False, False),
        (f"{NODES}-2", False, False),
        ("arn:aws:iam::999999999999:role/platform-test-nodes", False, False),
    ],
)
def test_who_may_pull_and_push(recording, principal, pulls, pushes):
    assert [not denied(recording, action, principal) for action in PULL] == [pulls] * 2
    assert [not denied(recording, action, principal) for action in PUSH] == [pushes] * 4


def test_nobody_may_where_nobody_is_named():
    closed = registry(pullers=(), pushers=())
    for principal, action in ((NODES, PULL[0]), (BUILD, PUSH[0])):
        assert denied(closed, action, principal)
    assert not denied(closed, PULL[0], INSPECTOR)


def test_settings_name_more_who_may():
    node, build = NODES.replace("nodes", "tasks"), BUILD.replace("role/", "role/builds/")
    named = registry(more={"pullers": [node], "pushers": [build]})
    for principal, pulls, pushes in (
        (node, True, False),
        (build, True, True),
        (NODES, True, False),
        (BUILD, True, True),
    ):
        assert (not denied(named, PULL[0], principal), not denied(named, PUSH[0], principal)) == (pulls, pushes)


def test_whoever_looks_after_it_is_never_locked_out(recording):
    administrator = "arn:aws:iam::123456789012:role/Administrator"
    for action in ("SetRepositoryPolicy", "DeleteRepositoryPolicy", "DescribeRepositories", "BatchDeleteImage"):
        assert not denied(recording, f"ecr:{action}", administrator)


def test_the_policies_are_known_in_a_first_preview():
    preview = registry(unknown=True)
    assert denied(preview, PULL[0], "arn:aws:iam::123456789012:role/Administrator")
    assert json.loads(preview.outputs["pull"])[1]["Resource"] == [f"{ARN}web", f"{ARN}jobs"]


def test_what_a_puller_needs(recording):
    login, pull = json.loads(recording.outputs["pull"])
    assert login == {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    assert pull == {
        "Effect": "Allow",
        "Action": ["ecr:BatchCheckLayerAvailability", *PULL],
        "Resource": [f"{ARN}web", f"{ARN}jobs"],
    }
    assert pull["Resource"] == [made.outputs["arn"] for made in of(recording, REPOSITORY).values()]


def test_what_a_pusher_needs(recording):
    login, push = json.loads(recording.outputs["push"])
    assert login["Action"] == "ecr:GetAuthorizationToken"
    assert set(push["Action"]) == {"ecr:BatchCheckLayerAvailability", *PULL, *PUSH}
    assert push["Resource"] == [f"{ARN}web", f"{ARN}jobs"]


def test_a_repository_more_or_less_changes_no_other(recording):
    fewer = registry({"jobs": {}})
    everything = {r.urn: r.inputs for r in recording.registrations if r.custom}
    assert {r.urn: r.inputs for r in fewer.registrations if r.custom}.items() <= everything.items()


def test_without_protection():
    loose = one(registry(deletion_protection=False, force_delete=True), REPOSITORY, "registry-web")
    assert (loose.inputs["forceDelete"], loose.protect) == (True, False)


@pytest.mark.parametrize("project", ["platform", "My_Project.2", "p" * 250])
def test_every_name_is_one_that_ecr_takes(project, monkeypatch):
    monkeypatch.setattr(pulumi, "get_project", lambda: project)

    def program():
        args = RegistryArgs.model_validate({"repositories": {"r" * 40: {}}})
        Registry("registry", args, key=EncryptionKey("data"))

    (made,) = of(run(program), REPOSITORY).values()
    # ECR's own pattern and limits (CreateRepository API reference).
    part = "[a-z0-9]+(?:[._-][a-z0-9]+)*"
    assert re.fullmatch(f"(?:{part}/)*{part}", made.inputs["name"])
    assert 2 <= len(made.inputs["name"]) <= 256


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"repositories": {"Web": {}}}, ("repositories", "Web", "[key]")),
        ({"repositories": {"web/api": {}}}, ("repositories", "web/api", "[key]")),
        ({"repositories": {"web--api": {}}}, ("repositories", "web--api", "[key]")),
        ({"repositories": {"": {}}}, ("repositories", "", "[key]")),
        ({"repositories": {"r" * 41: {}}}, ("repositories", "r" * 41, "[key]")),
        ({"repositories": {"web": {"untagged_days": 0}}}, ("repositories", "web", "untagged_days")),
        ({"repositories": {"web": {"untagged_days": 3651}}}, ("repositories", "web", "untagged_days")),
        ({"repositories": {"web": {"keep_images": 0}}}, ("repositories", "web", "keep_images")),
        ({"repositories": {"web": {"keep_images": 10_001}}}, ("repositories", "web", "keep_images")),
        ({"repositories": {"web": {"mutable": True}}}, ("repositories", "web", "mutable")),
        ({"repositories": ["web"]}, ("repositories",)),
        ({"pushers": ["arn:aws:iam::123456789012:role/*"]}, ("pushers", 0)),
        ({"pullers": ["nodes"]}, ("pullers", 0)),
        ({"force_delete": True}, ("force_delete",)),
        ({"force_delete": "yes", "deletion_protection": False}, ("force_delete",)),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        RegistryArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]
