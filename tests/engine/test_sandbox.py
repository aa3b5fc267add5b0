"""The engine harness itself, on a small program of its own."""

import os
import stat
import textwrap
from concurrent import futures
from contextvars import copy_context

import grpc
import pytest
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc

from sandbox import cli
from sandbox.__main__ import main
from sandbox.engine import Engine, SettingsError

pytestmark = pytest.mark.engine

PROGRAM = """
import os
import pulumi
import pulumi_aws as aws
import pulumi_random as random

config = pulumi.Config()
password = random.RandomPassword("password", length=20)
east = aws.Provider("east", region="us-east-1")
vpc = aws.ec2.Vpc("vpc", cidr_block=config.require("cidr"))
subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24")
key = aws.kms.Key("key")
near = aws.sns.Topic("near", kms_master_key_id=key.arn)
far = aws.sns.Topic("far", opts=pulumi.ResourceOptions(provider=east, protect=True))
pulumi.export("near", near.arn)
pulumi.export("far", far.arn)
pulumi.export("zones", aws.get_availability_zones().names)
pulumi.export("subnet", subnet.arn)
pulumi.export("nested", {"password": password.result})
pulumi.export("token", config.require_secret("token"))
"""
STACK = """
config:
  aws:region: eu-west-1
  platform:cidr: 10.0.0.0/16
  platform:token: {secure: v1:not-to-be-decrypted}
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text(textwrap.dedent(STACK))
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def test_each_provider_has_its_region_and_secrets_stay_hidden(project, tmp_path):
    with Engine(tmp_path / "state", project, "test") as engine:
        update = engine.up()
        assert update.errors == []
        assert update.outputs["near"].startswith("arn:aws:sns:eu-west-1:123456789012:near-")
        assert update.outputs["far"].startswith("arn:aws:sns:us-east-1:123456789012:far-")
        assert update.outputs["zones"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
        assert update.outputs["nested"] == {"password": "[secret]"}
        assert update.outputs["token"] == "[secret]"
        assert engine.refresh().changed == {}
        assert engine.preview().changed == {}

        stack_file = (project / "Pulumi.test.yaml").read_text()
        assert stack_file == textwrap.dedent(STACK)


def test_a_change_updates_or_replaces(project, tmp_path):
    with Engine(tmp_path / "state", project, "test") as engine:
        engine.up()
        program = project / "__main__.py"
        changed = program.read_text().replace('Topic("near",', 'Topic("near", display_name="N",')
        program.write_text(changed.replace('cidr_block="10.0.0.0/24"', 'cidr_block="10.0.1.0/24"'))
        preview = engine.preview()
        assert preview.changed == {"update": 1, "replace": 1}
        update = engine.up()
        assert update.changed == {"update": 1, "replace": 1}


def test_state_is_kept_between_runs(project, tmp_path):
    with Engine(tmp_path / "state", project, "test") as engine:
        made = engine.up().changes["create"]
    with Engine(tmp_path / "state", project, "test") as engine:
        assert engine.up().changes == {"same": made}


def test_the_callers_credentials_and_settings_do_not_reach_the_engine(project, tmp_path, monkeypatch):
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "PULUMI_ACCESS_TOKEN"):
        monkeypatch.setenv(name, "mine")
    with Engine(tmp_path / "state", project, "test") as engine:
        assert engine.environment["AWS_SECRET_ACCESS_KEY"] == ""
        assert engine.environment["AWS_PROFILE"] == ""
        assert engine.environment["PULUMI_ACCESS_TOKEN"] == ""
        assert engine.environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path / 'state' / 'state'}"
        assert engine.environment["PULUMI_HOME"] == str(tmp_path / "state" / "home")


def test_an_unknown_look_up_is_named(project, tmp_path):
    (project / "__main__.py").write_text("import pulumi_aws as aws\naws.ec2.get_eips()\n")
    with Engine(tmp_path / "state", project, "test") as engine:
        preview = engine.preview()
    assert not preview.ok
    assert "the AWS stand-in has no answer for aws:ec2/getEips:getEips" in "\n".join(preview.errors)


@pytest.mark.parametrize("refusal", ["raise SystemExit({!r})", "import mistakes; raise mistakes.Mistake({!r})"])
def test_the_programs_own_refusal_is_a_message(project, tmp_path, refusal):
    (project / "mistakes.py").write_text("class Mistake(ValueError): ...\n")
    (project / "__main__.py").write_text(refusal.format("cidr: too small"))
    lines: list[str] = []
    with (
        Engine(tmp_path / "state", project, "test", stream=lines.append) as engine,
        pytest.raises(SettingsError, match=r"^cidr: too small$"),
    ):
        engine.preview()
    assert "Traceback" not in "\n".join(lines)
    assert "cidr: too small" in "\n".join(lines)


def test_a_fault_in_the_program_keeps_its_traceback(project, tmp_path):
    (project / "__main__.py").write_text("1 / 0\n")
    with Engine(tmp_path / "state", project, "test") as engine:
        preview = engine.preview()
    assert not preview.ok
    assert "ZeroDivisionError" in "\n".join(preview.errors)
    assert "__main__.py" in "\n".join(preview.errors)


def test_a_stack_that_is_not_there(project, tmp_path):
    with (
        pytest.raises(SettingsError, match=r"no stack 'prod': Pulumi.prod.yaml is missing \(there are \['test'\]\)"),
        Engine(tmp_path / "state", project, "prod"),
    ):
        pass


def test_exit_code_for_a_stack_that_is_not_there(capsys):
    assert main(["preview", "nosuch"]) == 2
    assert capsys.readouterr().err.startswith("there is no stack 'nosuch'")


def test_exit_code_for_a_wrong_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["explode"])
    assert stop.value.code == 2


def test_the_cli_on_path_is_preferred_when_new_enough(tmp_path, monkeypatch):
    def install(version: str):
        fake = tmp_path / "pulumi"
        fake.write_text(f"#!/bin/sh\necho {version}\n")
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        return fake

    monkeypatch.delenv("PULUMI_CLI", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    new = install("v3.300.1")
    assert cli.find() == new
    install("v3.249.0")
    assert cli.find() is None
    install("not-a-version")
    assert cli.find() is None


def test_without_a_cli_or_go_one_line_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("PULUMI_CLI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    missing = cli.missing()
    assert missing is not None
    assert "\n" not in missing
    assert missing.startswith("no Pulumi CLI 3.250.0 or newer on PATH and no Go to build one: install either")
    with pytest.raises(cli.NoCLI):
        cli.place()


def test_a_named_cli_has_to_be_one(monkeypatch):
    monkeypatch.setenv("PULUMI_CLI", "/bin/true")
    with pytest.raises(cli.NoCLI, match="PULUMI_CLI names /bin/true, which isn't a Pulumi CLI"):
        cli.find()


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def SupportsFeature(self, request, context):
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)


def monitor(port=0):
    server = grpc.server(futures.ThreadPoolExecutor())
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(Monitor(), server)
    return server, server.add_insecure_port(f"127.0.0.1:{port}")


def connection(port):
    """A program's connection to the monitor of its engine, as the SDK makes it."""
    return copy_context().run(lambda: settings.Settings("platform", "test", monitor=f"127.0.0.1:{port}").monitor)


def test_an_engine_may_have_the_port_of_one_that_was_killed():
    request = resource_pb2.SupportsFeatureRequest(id="secrets")
    first, port = monitor()
    first.start()
    of_the_killed = connection(port)
    assert of_the_killed.SupportsFeature(request).hasSupport
    first.stop(grace=None).wait()
    for _ in range(3):
        with pytest.raises(grpc.RpcError):
            of_the_killed.SupportsFeature(request)

    second, _ = monitor(port)
    second.start()
    assert connection(port).SupportsFeature(request).hasSupport
    second.stop(grace=None).wait()
