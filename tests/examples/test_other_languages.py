"""The library in other languages: the schema, what its provider takes and refuses, and programs in Pulumi YAML."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from unittest import mock

import jsonschema
import pulumi
import pulumi_aws as aws
import pytest
from pulumi import _types, automation
from pulumi.runtime.proto import provider_pb2
from semver import VersionInfo

from components import provider as library
from components.data import DataServices
from components.database import Database, DatabaseArgs, ReplicaArgs
from components.grafana import GrafanaArgs
from components.network import Network, NetworkArgs
from components.provider import COMPONENTS, Platform, Refused, opened, schema
from components.security import EncryptionKey
from preview.run import judge
from sandbox import cli
from standin import provider
from standin.mocks import record
from tests.components.tiers import CERTIFICATE
from tests.examples.conftest import needs
from tests.examples.test_examples import components_there
from tests.registered import ROOT, run

PLUGIN = ROOT / "plugin"
YAML = ROOT / "examples" / "other-languages" / "yaml"


# -- the schema --------------------------------------------------------------------------------------------------------


def test_the_schema_is_in_step():
    assert json.loads((PLUGIN / "schema.json").read_text()) == schema(), "run: python -m plugin.schema"


def test_a_component_that_is_left_out_needs_what_can_not_be_handed_over():
    left_out = {}
    for token, component in components_there().items():
        if token in COMPONENTS:
            continue
        with pytest.raises(ValueError, match="which can't come from another process") as refused:
            library._resource(component, {})
        left_out[component.__name__] = str(refused.value).split(" needs ")[1].split(",")[0]
    assert left_out == {
        "Analytics": "package",
        "Backend": "source",
        "Delivery": "build_specs",
        "Observability": "tiers",
        "Schedule": "machine",
    }
    documented = (ROOT / "docs" / "reuse.md").read_text()
    assert [name for name, why in left_out.items() if f"| `{name}` | `{why}`:" not in documented] == []


def test_settings_are_those_of_the_models():
    network = schema()["resources"]["platform:index:Network"]
    assert network["requiredInputs"] == ["logsKey", "zones"]
    assert network["inputProperties"]["zones"] == {
        "type": "array",
        "items": {"type": "string", "plain": True},
        "plain": True,
        "description": " ".join(str(NetworkArgs.model_fields["zones"].description).split()),
    }
    assert network["inputProperties"]["nat"]["description"].endswith(
        'One of none, single, per_zone. Default: "per_zone".'
    )
    assert set(network["inputProperties"]) == {_camel(field) for field in NetworkArgs.model_fields} | {"logsKey"}
    assert network["properties"]["isolated"] == {"$ref": "#/types/platform:index:Subnets"}


@pytest.fixture(scope="module")
def plugins(installed, tmp_path_factory):
    """A folder for PATH, with the plugin as Pulumi finds it there and what starts the policy pack."""
    folder = tmp_path_factory.mktemp("plugins")
    for name, command in {
        "pulumi-resource-platform": f'PYTHONPATH="{installed}" exec "{sys.executable}" -u "{PLUGIN}"',
        "pulumi-analyzer-policy-python": f'exec "{sys.executable}" -u -m pulumi.policy',
    }.items():
        (folder / name).write_text(f'#!/bin/sh\n{command} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.engine
def test_the_cli_takes_the_schema(plugins, pulumi_cli, tmp_path):
    command = [pulumi_cli, "package", "get-schema", plugins / "pulumi-resource-platform"]
    home = {"PULUMI_HOME": str(tmp_path), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    answer = subprocess.run(command, env={**os.environ, **home}, capture_output=True, text=True, check=True)
    taken = json.loads(answer.stdout)
    assert set(taken["resources"]) == set(COMPONENTS)
    assert taken["version"] == schema()["version"]


def test_the_schema_is_one_by_pulumis_own_schema_of_schemas():
    needs(None if shutil.which("go") else "no Go to fetch Pulumi's source with: install it (https://go.dev/dl/)")
    command = ["go", "mod", "download", "-json", f"{cli.MODULE}@v{cli.VERSION}"]
    module = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    file = Path(module["Dir"]) / "codegen" / "schema" / "pulumi.json"
    rules = json.loads(file.read_text().replace("(?<", "(?P<"))  # Go's way to name a group
    jsonschema.Draft202012Validator(rules).validate(schema())
    wrong = {**schema(), "resources": {"platform:index:Network": {"isComponent": "yes"}}}
    assert list(jsonschema.Draft202012Validator(rules).iter_errors(wrong)) != []


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


# -- what is handed over -----------------------------------------------------------------------------------------------


def refused(component: str, **inputs: Any) -> list[tuple[str, str]]:
    """What the provider says of inputs, property by property."""
    given = asyncio.run(_opened(inputs))
    with pytest.raises(Refused) as problem:
        Platform().construct("it", f"platform:index:{component}", given)
    return [(each["property_path"], each["reason"]) for each in problem.value.errors or []]


async def _opened(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: await opened(value) for key, value in inputs.items()}


def test_a_mistake_is_told_by_the_name_that_the_program_has_for_it():
    assert refused("LogBucket", expirationDays=0.0, forceDestroy="yes", nothing=1.0) == [
        ("forceDestroy", "Input should be a valid boolean"),
        ("expirationDays", "Input should be greater than or equal to 1"),
        ("nothing", "Extra inputs are not permitted"),
    ]
    assert refused("LogBucket", expirationDays=1.5) == [("expirationDays", "Input should be a valid integer")]
    assert refused("Dns", zone="example.com", domain="example.org") == [
        ("domain", "must be example.com or end in .example.com, the zone that answers for it")
    ]


def test_a_mistake_deep_in_the_settings_has_its_path():
    with pytest.raises(Refused, match=r"^replicas\.reports\.instanceClass: Input should be a valid string$"):
        library._validated(DatabaseArgs, {"replicas": {"reports": {"instanceClass": library.Given(1.0)}}})


def test_what_is_not_a_component_of_the_library_is_refused():
    key = "has to be a component of this program, a platform:index:EncryptionKey"
    assert refused("Messaging", key="arn:aws:kms:eu-west-1:123456789012:key/1") == [("key", key)]
    network = "has to be a component of this program, a platform:index:Network"
    assert refused("Network", zones=["eu-west-1a", "eu-west-1b"]) == [("logsKey", "is missing")]
    assert refused("Cache", network="network", subnets="isolated", key="k", logsKey="k")[:1] == [("network", network)]
    assert refused("AlarmTopic", key="k", region=["eu-west-1"]) == [("key", key)]
    platform = Platform()
    platform.made["urn"] = cast("Any", object())
    with pytest.raises(Refused, match=f"^key: {key}$"):
        platform._wired(EncryptionKey, library.Given("urn"), "key")
    with pytest.raises(Refused, match=r"^data\.lake: is none of cache, database, storage, messaging$"):
        Platform()._wired(DataServices, {"lake": library.Given("urn")}, "data")


def test_a_setting_is_no_secret():
    secret = {"version": library.Given("12.4", secret=True)}
    with pytest.raises(Refused, match="version: is a secret, and settings are not kept as such"):
        library._validated(GrafanaArgs, secret)


def test_a_setting_has_to_be_known():
    async def unknown():
        return {"expirationDays": await opened(pulumi.output.UNKNOWN)}

    given = asyncio.run(unknown())
    with pytest.raises(Refused, match="expirationDays: has to be known in a preview"):
        Platform().construct("it", "platform:index:LogBucket", given)


def test_another_type_is_none_of_its():
    with pytest.raises(ValueError, match="has no platform:index:Backend; it has platform:index:AlarmTopic"):
        Platform().construct("it", "platform:index:Backend", {})


USER_POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_abcdefghi"
WIRING: list[tuple[str, str, dict[str, Any]]] = [
    ("EncryptionKey", "own", {"users": ["logs"], "rotationPeriodDays": 90.0}),
    ("Security", "security", {}),
    ("LogBucket", "logs", {"expirationDays": 730.0}),
    ("AlarmTopic", "alarms", {"key": "security-logs", "subscribers": {"team": "team@example.com"}}),
    ("Network", "network", {"zones": ["eu-west-1a", "eu-west-1b"], "logsKey": "own"}),
    ("Dns", "dns", {"zone": "example.com", "domain": "app.example.com"}),
    ("ApplicationLoadBalancer", "alb", {"network": "network", "subnets": "public", "clients": "cloudfront",
        "certificateArn": CERTIFICATE, "logs": "logs", "defaultCheck": {"path": "/ready"}}),
    ("NetworkLoadBalancer", "nlb", {"network": "network", "subnets": "private", "certificateArn": CERTIFICATE,
        "logs": "logs"}),
    ("ClassicLoadBalancer", "clb", {"network": "network", "subnets": "private", "certificateArn": CERTIFICATE,
        "logs": "logs", "instancePort": 8443.0}),
    ("Edge", "edge", {"dns": "dns", "alb": "alb", "logs": "logs", "logsKey": "security-logs"}),
    ("WebAcl", "acl", {"scope": "REGIONAL", "logsKey": "security-logs", "resourceArn": USER_POOL}),
    ("Cache", "cache", {"network": "network", "subnets": "isolated", "key": "security-data",
        "logsKey": "security-logs"}),
    ("Database", "database", {"network": "network", "subnets": "isolated", "key": "security-data",
        "logsKey": "security-logs", "replicas": {"reports": {"instanceClass": "db.m7g.large"}}}),
    ("SecureBucket", "storage", {"key": "security-data", "logs": "logs"}),
    ("Messaging", "messaging", {"key": "security-data", "queues": {"orders": {"senders": ["web"]}}}),
    ("Web", "web", {"network": "network", "subnets": "private", "key": "security-data", "alb": "alb", "nlb": "nlb",
        "data": {"cache": "cache", "database": "database", "storage": "storage", "messaging": "messaging"}}),
    ("Kubernetes", "kubernetes", {"network": "network", "subnets": "private", "key": "security-data",
        "logsKey": "security-logs", "nodeGroups": {"general": {"minSize": 3.0}}}),
    ("Registry", "registry", {"key": "security-data", "repositories": {"orders": {}}}),
    ("DataLake", "lake", {"key": "security-data", "logsKey": "security-logs", "logs": "logs"}),
    ("Visualization", "visualization", {"network": "network", "subnets": "isolated", "key": "security-data",
        "lake": "lake"}),
    ("Audit", "audit", {"logs": "logs", "logsKey": "security-logs", "buckets": ["storage"], "topic": "alarms"}),
    ("Grafana", "grafana", {"key": "security-data", "lake": "lake", "topic": "alarms"}),
]  # fmt: skip
"""Every component, wired to others by their names here, in the place of URNs."""


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first-preview"])
def test_every_component_can_be_made_and_wired(unknown):
    platform = Platform()
    states: dict[str, set[str]] = {}

    def program() -> None:
        for component, name, inputs in WIRING:
            given = library._leaves(inputs, frozenset(), secret=False)
            made: Any = platform.construct(name, f"platform:index:{component}", given)
            states[component] = set(made.state)
            platform.made[name] = made.component
            if component == "Security":
                platform.made |= {f"{name}-data": made.component.data, f"{name}-logs": made.component.logs}

    recording = run(program, unknown=unknown)
    assert {r.type for r in recording.registrations if r.type in COMPONENTS} == set(COMPONENTS)
    assert {f"platform:index:{component}" for component in states} == set(COMPONENTS)
    for component, state in states.items():
        declared = schema()["resources"][f"platform:index:{component}"]
        assert set(declared["required"]) <= state <= set(declared["properties"]), component
    (replica,) = [r for r in recording.registrations if r.name == "database-reports" and r.type.endswith(":Instance")]
    assert replica.inputs["instanceClass"] == "db.m7g.large"
    findings = judge(recording, "eu-west-1").findings
    assert [str(finding) for finding in findings if finding.level != "advisory" or finding.verdict != "fail"] == []


# -- programs in YAML --------------------------------------------------------------------------------------------------


class Program:
    """A program in Pulumi YAML, in a stack `dev` on the stand-in."""

    def __init__(self, folder: Path, plugins: Path, attach: str, pulumi_cli: Path, language_host: Path) -> None:
        home = folder.parent / f"{folder.name}-home"
        home.mkdir()
        environment = {
            **{name: "" for name in os.environ if name.startswith(("AWS_", "PULUMI_"))},
            "PATH": os.pathsep.join([str(plugins), str(language_host), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{home}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DEBUG_PROVIDERS": attach,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        command = automation.PulumiCommand.__new__(automation.PulumiCommand)
        command.command, command.version = str(pulumi_cli), VersionInfo(*(cli.version(pulumi_cli) or ()))
        options = automation.LocalWorkspaceOptions(env_vars=environment, pulumi_command=command)
        self.stack = automation.create_or_select_stack("dev", work_dir=str(folder), opts=options)

    def does(self, operation: str) -> tuple[list[str], set[tuple[str, str]]]:
        """The errors of an operation under the policy pack, and what the pack has found: level and rule."""
        errors: list[str] = []
        found: set[tuple[str, str]] = set()

        def on_event(event: automation.EngineEvent) -> None:
            if event.policy_event:
                rule = event.policy_event.message.partition("[")[2].partition("]")[0]
                found.add((str(event.policy_event.enforcement_level), rule))
            elif event.diagnostic_event and event.diagnostic_event.severity == "error":
                errors.append(event.diagnostic_event.message)

        try:
            getattr(self.stack, operation)(on_event=on_event, policy_packs=[str(ROOT / "policy")])
        except automation.CommandError as error:
            errors = errors or [str(error)]
        return errors, found


@pytest.fixture(scope="module")
def programs(plugins, pulumi_cli, language_host, tmp_path_factory):
    """Makes a stack of a program's text."""
    answer = provider_pb2.GetSchemaResponse(schema=aws_schema())
    with mock.patch.object(provider.StandIn, "GetSchema", return_value=answer), provider.serve() as attach:

        def program(name: str, text: str) -> Program:
            folder = tmp_path_factory.mktemp("yaml") / name
            folder.mkdir()
            (folder / "Pulumi.yaml").write_text(text)
            (folder / "Pulumi.dev.yaml").write_text((YAML / "Pulumi.dev.yaml").read_text())
            return Program(folder, plugins, attach, pulumi_cli, language_host)

        yield program


def in_python() -> None:
    """The example's program."""
    data, logs = EncryptionKey("data"), EncryptionKey("logs", users=["logs"])
    network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"], nat="none"), logs_key=logs)
    args = DatabaseArgs(instance_class="db.m7g.large", replicas={"reports": ReplicaArgs()})
    Database("database", args, subnets=network.isolated, key=data, logs_key=logs)


@pytest.mark.engine
def test_a_program_in_yaml_makes_what_the_same_one_in_python_does(programs):
    program = programs("shop", (YAML / "Pulumi.yaml").read_text())
    assert program.does("preview") == ([], {("advisory", "alarm-tells-someone")})
    assert program.does("up") == ([], {("advisory", "alarm-tells-someone")})
    held = {
        (r["type"], r["urn"].rpartition("::")[2]): r
        for r in program.stack.export_stack().deployment["resources"]
        if r["type"] != "pulumi:pulumi:Stack" and "providers:" not in r["type"]
    }
    there = {
        (r.type, r.name): r for r in record(in_python, project="shop", stack="dev", region="eu-west-1").registrations
    }
    assert held.keys() == there.keys()
    for key, registration in there.items():
        assert held[key]["parent"].rpartition("::")[2] == (registration.parent or "shop-dev").rpartition("::")[2]
        assert held[key].get("protect", False) == registration.protect
        if registration.custom and not registration.secrets:
            given = {name: held[key]["inputs"].get(name) for name in registration.inputs}
            assert given == registration.inputs, key


PLAIN = """
name: plain
runtime: yaml
resources:
  key:
    type: aws:kms:Key
    properties:
      enableKeyRotation: true
  records:
    type: aws:ebs:Volume
    properties:
      availabilityZone: eu-west-1a
      size: 20
      encrypted: true
      kmsKeyId: ${key.arn}
"""
"""A program that has nothing of this repository's."""


def aws_schema() -> str:
    """As much of pulumi-aws's schema as that program needs, from its Python SDK: the plugin has the whole, 700 MB."""
    anything = {"$ref": "pulumi.json#/Any"}
    resources = {
        f"aws:{token}": {
            "inputProperties": dict.fromkeys(_types.input_type_types(arguments), anything),
            "properties": dict.fromkeys(_types.resource_types(resource), anything),
        }
        for token, resource, arguments in (
            ("kms/key:Key", aws.kms.Key, aws.kms.KeyArgs),
            ("ebs/volume:Volume", aws.ebs.Volume, aws.ebs.VolumeArgs),
        )
    }
    meta = {"moduleFormat": "(.*)(?:/[^/]*)"}  # aws:kms:Key is aws:kms/key:Key
    return json.dumps({"name": "aws", "version": "7.51.1", "meta": meta, "resources": resources, "provider": {}})


@pytest.mark.engine
@pytest.mark.parametrize(
    ("broken", "mandatory"),
    [
        ({}, set()),
        ({"encrypted: true": "encrypted: false"}, {"volume-encrypted"}),
        ({"enableKeyRotation: true": "enableKeyRotation: false"}, {"key-rotated"}),
    ],
    ids=["clean", "unencrypted", "unrotated"],
)
def test_the_policy_pack_judges_a_program_in_yaml_without_the_library(programs, broken, mandatory):
    text = PLAIN
    for clean, insecure in broken.items():
        assert clean in text
        text = text.replace(clean, insecure)
    errors, found = programs("plain", text).does("preview")
    assert {rule for level, rule in found if level == "mandatory"} == mandatory
    assert (errors == []) == (mandatory == set())
