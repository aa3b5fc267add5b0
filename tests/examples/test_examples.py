"""Every component works alone, from a program of somebody else's: recorded, judged, and made by a real engine."""

import functools
import importlib
import inspect
import pkgutil
import re

import pulumi
import pytest

import components
from preview.run import judge, load_project
from sandbox.engine import Engine
from standin.mocks import Recording, run_program
from tests.registered import ROOT

EXAMPLES = ROOT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/__main__.py"))

UNHEARD = "alarm-tells-someone"
"""Alarms that nobody has been told to listen to: what examples/observability is about."""
ADVICE = {
    "analytics": {UNHEARD},
    "application-load-balancer": {UNHEARD},
    "backend": {UNHEARD},
    "cache": {UNHEARD},
    "classic-load-balancer": {UNHEARD},
    "database": {UNHEARD},
    "delivery": {UNHEARD, "roles-managed-narrowly"},
    "edge": {UNHEARD},
    "grafana": {UNHEARD, "grafana-network-access"},
    "kubernetes": {UNHEARD},
    "messaging": {UNHEARD},
    "network-load-balancer": {UNHEARD},
    "visualization": {UNHEARD},
    "web": {UNHEARD},
}
"""What the policy pack advises beyond what it demands."""

pytestmark = pytest.mark.usefixtures("library")


@functools.cache
def recorded(name: str, *, unknown: bool = False) -> Recording:
    """What an example registers."""
    project = load_project(EXAMPLES / name, "dev")
    return run_program(project.directory, "dev", project.config, project=project.name, unknown=unknown)


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first-preview"])
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_policy_pack(name, unknown):
    findings = judge(recorded(name, unknown=unknown), "eu-west-1").findings
    assert [str(finding) for finding in findings if finding.level != "advisory" or finding.verdict != "fail"] == []
    assert {finding.rule for finding in findings} == ADVICE.get(name, set())


@pytest.mark.engine
@pytest.mark.parametrize("name", NAMES)
def test_the_engine_makes_it(name, tmp_path, pulumi_cli):
    recording = recorded(name)
    with Engine(tmp_path, EXAMPLES / name, "dev") as engine:
        result = engine.up()
    assert result.errors == []
    assert {urn for urn in result.operations if "pulumi:providers" not in urn} == {
        f"urn:pulumi:dev::{name}::pulumi:pulumi:Stack::{name}-dev",
        *(registration.urn for registration in recording.registrations if "pulumi:providers" not in registration.type),
    }
    assert set(result.operations.values()) == {"create"}
    assert result.outputs == recording.outputs != {}


def components_there() -> dict[str, type[pulumi.ComponentResource]]:
    """Every component of the library, by its type."""
    names = {found.name for found in pkgutil.iter_modules(components.__path__)} - {"common", "provider"}
    modules = [importlib.import_module(f"components.{name}") for name in sorted(names)]
    return {
        f"platform:index:{cls.__name__}": cls
        for module in modules
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, pulumi.ComponentResource) and cls.__module__ == module.__name__
    }


def test_every_component_has_one():
    shown = {r.type for name in NAMES for r in recorded(name).registrations if r.type.startswith("platform:")}
    assert shown == components_there().keys()


def test_the_readme_lists_them():
    readme = (EXAMPLES / "README.md").read_text()
    assert re.findall(r"^\| \[(.+?)\]\(\1\) \|", readme, re.MULTILINE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_project_of_its_own(name):
    project = load_project(EXAMPLES / name, "dev")
    assert project.name == name
    program = (EXAMPLES / name / "__main__.py").read_text()
    assert re.findall(r"^(?:from|import) (?:components|jobs|settings|standin)\b", program, re.MULTILINE) == []
    assert len(program.splitlines()) <= 40
