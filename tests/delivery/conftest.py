"""A world for the builds: the real CLI and engine, state in a simulated S3 under KMS, the stand-in as providers."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox import cli
from standin import provider
from terraform import simulated
from tests.delivery import builds
from tests.delivery.codecommit import ACCOUNT, APPROVER, CodeCommit
from tests.registered import ROOT

REGION = "eu-west-1"
PROGRAM = """
import json
import pulumi
import pulumi_aws as aws

token = pulumi.Config().require_secret("token")
key = aws.kms.Key("key", enable_key_rotation=True)
logs = aws.cloudwatch.LogGroup("web", name="/web", retention_in_days=365, kms_key_id=key.arn)
secret = aws.secretsmanager.Secret("token", kms_key_id=key.arn)
aws.secretsmanager.SecretVersion("token", secret_id=secret.id, secret_string=token)
queue = aws.sqs.Queue("orders", name="orders", kms_master_key_id=key.arn, tags={"token": token})
refusal = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
policy = json.dumps({"Version": "2012-10-17", "Statement": [refusal]})
aws.sqs.QueuePolicy("orders", queue_url=queue.id, policy=policy)
pulumi.export("token", token)
"""
"""A program that the policy pack has little against."""
CANARY = "canary-in-a-coal-mine"


@pytest.fixture(scope="session")
def pulumi_cli():
    missing = cli.missing()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)
    return cli.place()


@pytest.fixture(scope="session")
def aws():
    with simulated.server() as address:
        yield address


@pytest.fixture(scope="session")
def programs(pulumi_cli, tmp_path_factory):
    """What stands on PATH in a build, and the environment that attaches the stand-in."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "pulumi").symlink_to(pulumi_cli)
    _script(folder / "pulumi-language-python", f'exec "{sys.executable}" "{Path(__file__).with_name("language.py")}"')
    with provider.serve() as attach:
        yield {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_DEBUG_PROVIDERS": attach,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(tmp_path_factory.mktemp("home")),
        }


@pytest.fixture(scope="module")
def new_world(programs, aws, tmp_path_factory):
    return lambda: World(tmp_path_factory.mktemp("world"), programs, aws)


@dataclass
class World:
    """A repository, the state of its stacks, and what builds of it have to know."""

    folder: Path
    programs: dict[str, str]
    aws: str
    environment: dict[str, str] = field(default_factory=dict)
    main: str = ""

    def __post_init__(self):
        bucket = f"state-{uuid.uuid4()}"
        simulated.client("s3", self.aws, REGION).create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        kms = simulated.client("kms", self.aws, REGION)
        alias = f"alias/{bucket}"
        kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        self.environment = {
            "HOME": str(self.folder),
            **self.programs,
            "AWS_ACCESS_KEY_ID": "build",
            "AWS_SECRET_ACCESS_KEY": "build",
            "AWS_ENDPOINT_URL": self.aws,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SECRETS_KEY": alias,
            "STATE_BUCKET": bucket,
        }
        self.repository.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        (self.repository / ".git" / "info" / "exclude").write_text(".venv/\n")

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=author", "-c", "user.email=author@example.com"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.repository, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files: Mapping[str, str] | None = None, *, on: str = "HEAD") -> str:
        """Write files and commit them, upon a commit."""
        self.git("checkout", "--quiet", "--force", "--detach", on)
        for path, text in (files or {}).items():
            file = self.repository / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def small(self) -> str:
        """A small project with the real delivery/ and policy/ on main, and its stack prod made."""
        for folder in ("delivery", "policy"):
            shutil.copytree(ROOT / folder, self.repository / folder, ignore=shutil.ignore_patterns("__pycache__"))
        (self.repository / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
        (self.repository / "Pulumi.prod.yaml").write_text(f"config:\n  aws:region: {REGION}\n")
        (self.repository / "__main__.py").write_text(PROGRAM)
        self.init("prod")
        self.pulumi("config", "set", "--stack", "prod", "--secret", "token", CANARY)
        self.git("commit", "--quiet", "--allow-empty", "--message", "begin")  # a commit to check out
        return self.commit()

    def whole(self, *stacks: str) -> str:
        """The real project on main, and its stacks made."""
        apart = {"build", "tests", "bench", "docs", *(path.name for path in ROOT.glob(".*"))}

        def ignored(folder: str, names: list[str]) -> set[str]:
            return {name for name in names if name == "__pycache__" or (Path(folder) == ROOT and name in apart)}

        shutil.copytree(ROOT, self.repository, ignore=ignored, dirs_exist_ok=True)
        self.git("commit", "--quiet", "--allow-empty", "--message", "begin")  # a commit to check out
        main = self.commit()
        for stack in stacks:
            self.init(stack)
        return main

    def init(self, stack: str) -> None:
        self.pulumi("stack", "init", stack, "--secrets-provider", f"awskms://{self.environment['SECRETS_KEY']}")

    def pulumi(self, *arguments: str) -> None:
        environment = {**self.environment, "PULUMI_BACKEND_URL": self.state}
        command = ["pulumi", *arguments, "--non-interactive"]
        subprocess.run(command, cwd=self.repository, env=environment, check=True, capture_output=True, text=True)

    @property
    def state(self) -> str:
        return f"s3://{self.environment['STATE_BUCKET']}?region={REGION}"

    def pull_request(self, source: str, destination: str) -> CodeCommit:
        return CodeCommit("42", "revision-1", "platform", source, destination, self.aws)

    def check(self, request: CodeCommit, *, tests: str = "true", stacks: str = "prod") -> builds.Build:
        """Run delivery/check.yml on a fresh clone.

        What installs is replaced: install.sh is tested by itself, and the judge's environment is the one that runs
        these tests. So is `make test`, which runs these tests, by `tests`.
        """
        clone = self._clone(request.source)
        judge = clone.with_name(f"judge-{clone.name}")
        environment = {
            **self.environment,
            "APPROVER": f"arn:aws:iam::{ACCOUNT}:role/{APPROVER}",
            "AWS_ENDPOINT_URL_CODECOMMIT": request.address,
            "DESTINATION_COMMIT": request.destination,
            "JUDGE": str(judge),
            "PULL_REQUEST_ID": request.id,
            "REPOSITORY": request.repository,
            "REVISION_ID": request.revision,
            "SOURCE_COMMIT": request.source,
            "STACKS": stacks,
            "VERDICT": str(clone.with_name(f"verdict-{clone.name}")),
        }
        instead = {
            'bash "$JUDGE/delivery/install.sh"': "true",
            "apt-get": "true",
            "python3 -m venv": self._make_venv(judge),
            "$JUDGE/.venv/bin/pip install": "true",
            "make test": tests,
        }
        return builds.run("check.yml", clone, environment, instead)

    def check_on_github(self, source: str, destination: str) -> tuple[builds.Build, str]:
        """Run the preview of .github/workflows/check.yml, with the same replaced; the job and its summary."""
        clone = self._clone(source)
        temporary = clone.with_name(f"temporary-{clone.name}")
        temporary.mkdir()
        environment = {
            **self.environment,
            "DESTINATION_COMMIT": destination,
            "GITHUB_PATH": str(temporary / "path"),
            "GITHUB_STEP_SUMMARY": str(temporary / "summary"),
            "GITHUB_WORKSPACE": str(clone),
            "RUNNER_TEMP": str(temporary),
            "STACKS": "prod",
        }
        instead = {
            'bash "$RUNNER_TEMP/judge/delivery/install.sh"': "true",
            "python3 -m venv": self._make_venv(temporary / "judge"),
            '"$RUNNER_TEMP/judge/.venv/bin/pip"': "true",
            "make ": "true",
        }
        return builds.run_workflow("preview", clone, environment, instead), (temporary / "summary").read_text()

    def verdicts(self) -> dict[str, str]:
        """What the last check wrote, by file."""
        last = max(self.folder.glob("verdict-*"), key=lambda folder: folder.stat().st_mtime_ns)
        return {file.name: file.read_text() for file in last.iterdir()}

    def urns(self, stack: str) -> list[str]:
        """What the state in S3 holds."""
        key = f".pulumi/stacks/platform/{stack}.json"
        body = simulated.client("s3", self.aws, REGION).get_object(Bucket=self.environment["STATE_BUCKET"], Key=key)
        resources = json.load(body["Body"])["checkpoint"]["latest"].get("resources", [])
        return [resource["urn"] for resource in resources]

    def objects(self) -> list[tuple[str, object]]:
        """Every object of the state, and when it was written."""
        listed = simulated.client("s3", self.aws, REGION).list_objects_v2(Bucket=self.environment["STATE_BUCKET"])
        return [(each["Key"], each["LastModified"]) for each in listed["Contents"]]

    def deploy(self, stack: str) -> builds.Build:
        """Run delivery/deploy.yml on what the repository holds; see `check` for what is replaced."""
        environment = {**self.environment, "STACK": stack}
        self.git("clean", "--quiet", "--force", "-x", "-d")
        venv = self.repository / ".venv" / "bin"
        venv.mkdir(parents=True, exist_ok=True)
        (venv / "python").unlink(missing_ok=True)
        (venv / "python").symlink_to(self._python())
        return builds.run(
            "deploy.yml", self.repository, environment, {"bash delivery/install.sh": "true", "make .venv/run": "true"}
        )

    def _clone(self, commit: str) -> Path:
        clone = self.folder / f"clone-{len(list(self.folder.glob('clone-*')))}"
        quiet = ["git", "-c", "advice.detachedHead=false"]
        subprocess.run([*quiet, "clone", "--quiet", self.repository, clone], check=True)
        subprocess.run([*quiet, "checkout", "--quiet", "--detach", commit], cwd=clone, check=True)
        return clone

    def _make_venv(self, folder: Path) -> str:
        return f'mkdir -p "{folder}/.venv/bin" && ln -s "{self._python()}" "{folder}/.venv/bin/python"'

    def _python(self) -> Path:
        return _script(self.folder / "python", f'exec "{sys.executable}" "$@"')


def failed(build: builds.Build) -> list[str]:
    """The failed commands, each by a part that names it."""
    parts = ("delivery check", "delivery report", "delivery deploy", "make test", "git merge")
    return [next((part for part in parts if part in command), command) for command in build.failed]


def _script(file: Path, line: str) -> Path:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)
    return file
