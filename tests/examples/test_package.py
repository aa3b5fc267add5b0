"""The library as a Python package: what is in it, its version, its types, and that it stands alone."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser

import pytest
import yaml
from packaging.requirements import Requirement

import components
from jobs.package import package
from tests.registered import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def metadata(wheel):
    """What an index would show of the package."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_it_holds_the_library_and_the_jobs_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}

    def shipped(folder, *suffixes):
        return {
            path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*") if path.suffix in suffixes
        }

    assert held == {
        *(f"platform_components/{path}" for path in shipped("components", ".py", ".pem", ".typed")),
        *(f"platform_components/jobs/{path}" for path in shipped("jobs", ".py", ".sql")),
    }
    assert "platform_components/py.typed" in held


def test_there_is_one_version(metadata):
    version = components.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert metadata["Version"] == version
    assert yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text())["version"] == version
    newest = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] in ("Unreleased", version)


def test_its_description_is_how_to_use_it_and_what_changed(metadata):
    description = metadata.get_payload()
    assert (ROOT / "docs" / "reuse.md").read_text().strip() in description
    assert (ROOT / "CHANGELOG.md").read_text().strip() in description
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_it_asks_for_all_that_it_imports_and_is_tested_with_the_oldest_of_it():
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    asked = {requirement.name: requirement for requirement in map(Requirement, PROJECT["dependencies"])}
    for name, requirement in asked.items():
        (oldest,) = [specifier.version for specifier in requirement.specifier if specifier.operator == ">="]
        assert requirement.specifier.contains(pinned[name])
        assert pinned[name] == oldest or pinned[name].startswith(f"{oldest}."), name
    modules = {
        found
        for file in (ROOT / "components").glob("*.py")
        for found in re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(), re.MULTILINE)
    }
    foreign = modules - set(sys.stdlib_module_names) - {"grpc", "pydantic_core"}  # of these themselves
    assert {name.replace("_", "-") for name in foreign} == set(asked) - {"tzdata"}  # which zoneinfo looks for


def test_its_jobs_are_those_of_the_checkout(installed):
    program = "from platform_components.jobs.package import package; print(package().digest)"
    assert _alone(installed, program) == package().digest


def test_nothing_of_the_checkout_is_needed(installed):
    program = (
        "import pkgutil, importlib, platform_components as p, sys\n"
        "for module in pkgutil.iter_modules(p.__path__): importlib.import_module(f'{p.__name__}.{module.name}')\n"
        "print(sorted({'components', 'jobs', 'policy', 'settings', 'standin'} & set(sys.modules)), p.__version__)"
    )
    assert _alone(installed, program) == f"[] {components.__version__}"


def test_a_type_checker_knows_it(installed, tmp_path):
    for example in sorted((ROOT / "examples").glob("*/__main__.py")):  # copied, since no two modules are __main__
        (tmp_path / f"{example.parent.name.replace('-', '_')}_example.py").write_bytes(example.read_bytes())
    wrong = 'from platform_components.network import NetworkArgs\n\nNetworkArgs(zones="eu-west-1a")\n'
    (tmp_path / "wrong.py").write_text(wrong)
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-error-summary", str(tmp_path)]
    paths = {**os.environ, "MYPYPATH": os.pathsep.join([str(installed), str(tmp_path)])}
    checked = subprocess.run(command, cwd=ROOT, env=paths, capture_output=True, text=True)
    (error,) = checked.stdout.splitlines()
    assert 'wrong.py:3: error: Argument "zones" to "NetworkArgs" has incompatible type "str"' in error


def _alone(installed, program):
    """What a program prints that has the installed library, and the checkout nowhere."""
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(installed)!r})\n{program}"]
    return subprocess.run(command, cwd=installed, capture_output=True, text=True, check=True).stdout.strip()
