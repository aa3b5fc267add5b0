"""The backend under the real engine: a new version or platform comes before the old one goes, and nothing by itself."""

import re
import shutil
import textwrap

import pytest

from sandbox.engine import Engine
from standin import aws
from tests.registered import ROOT

LOOK_UP = "aws:elasticbeanstalk/getSolutionStack:getSolutionStack"

pytestmark = pytest.mark.engine

PROGRAM = """
import os
from pathlib import Path

import pulumi

from components.backend import Backend, BackendArgs
from components.data import DataServices
from components.database import Database
from components.storage import SecureBucket
from tests.components.tiers import CERTIFICATE, alb, logs, network, security

keys, net, log_bucket = security(), network(), logs()
database = Database("database", subnets=net.isolated, key=keys.data, logs_key=keys.logs)
backend = Backend(
    "backend",
    BackendArgs.model_validate(pulumi.Config().require_object("backend")),
    source=Path("application").resolve(),
    subnets=net.private,
    logs_key=keys.logs,
    logs=log_bucket,
    artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
    certificate_arn=CERTIFICATE,
    alb=alb("internet", net, log_bucket),
    data=DataServices(database=database),
)
pulumi.export("endpoint", backend.endpoint)
"""
STACK = """
config:
  aws:region: eu-west-1
  platform:backend: {}
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text(textwrap.dedent(STACK))
    (folder / "__main__.py").write_text(PROGRAM)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "applications" / "backend", folder / "application", ignore=ignore)
    return folder


def environments(engine):
    """Platform and version label of each environment in the state, by name."""
    return {
        r["inputs"]["name"]: (r["inputs"]["solutionStackName"], r["inputs"]["version"])
        for r in engine.resources()
        if r["type"] == "aws:elasticbeanstalk/environment:Environment"
    }


def steps(lines):
    """What the engine had finished, in order: (what it did, type, name)."""
    did = r"^ \S+ +aws:\w+:(\w+) (\S+) (created|created replacement|updated|deleted|deleted original) \("
    found = (re.match(did, line) for line in "\n".join(lines).splitlines())
    return [(step[3], step[1], step[2]) for step in found if step]


def test_the_life_of_an_environment(project, tmp_path, monkeypatch):
    lines: list[str] = []
    with Engine(tmp_path / "state", project, "test", stream=lines.append) as engine:
        assert engine.up().errors == []
        ((name, (platform, label)),) = environments(engine).items()
        assert name == "platform-test-backend-shared-py313"
        assert platform == "64bit Amazon Linux 2023 v4.13.10 running Python 3.13"

        # AWS has a newer version of the platform, which is for managed updates to bring: nothing changes here.
        look_up = aws.INVOKES[LOOK_UP]

        def newer(args, region):
            found = look_up(args, region)
            return {**found, "name": found["name"].replace("v4.13.10", "v4.14.0")}

        monkeypatch.setitem(aws.INVOKES, LOOK_UP, newer)
        again = engine.up()
        assert (again.errors, again.changed) == ([], {})
        assert engine.refresh().changed == {}
        assert environments(engine) == {name: (platform, label)}

        # Another version of the code: it stands before the environment moves, and the old one goes after that.
        code = project / "application" / "application.py"
        code.write_text(code.read_text() + "\n# changed\n")
        lines.clear()
        assert engine.up().errors == []
        assert steps(lines) == [
            ("created replacement", "BucketObjectv2", "backend-bundle"),
            ("created replacement", "ApplicationVersion", "backend"),
            ("updated", "Environment", "backend-shared-py313"),
            ("deleted original", "ApplicationVersion", "backend"),
            ("deleted original", "BucketObjectv2", "backend-bundle"),
        ]
        ((_, new_label),) = environments(engine).values()
        assert new_label != label

        # Another Python: an environment beside the old one, on the newest platform there is, and then only that.
        stack = project / "Pulumi.test.yaml"
        stack.write_text(stack.read_text().replace("{}", '{python_version: "3.14"}'))
    lines.clear()
    with Engine(tmp_path / "state", project, "test", stream=lines.append) as engine:
        assert engine.up().errors == []
        assert environments(engine) == {
            "platform-test-backend-shared-py314": (
                "64bit Amazon Linux 2023 v4.14.0 running Python 3.14",
                new_label,
            )
        }
        made = steps(lines)
        assert made.index(("created", "Environment", "backend-shared-py314")) < made.index(
            ("deleted", "Environment", "backend-shared-py313")
        )
        assert ("deleted", "LogGroup", "backend-shared-py313-web") in made
        assert engine.destroy().errors == []
