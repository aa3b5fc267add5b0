"""The library as it is installed, for what shows how to use it: not the checkout."""

import shutil
import subprocess
import sys

import pytest

from tests.registered import ROOT

PARTS = ("pyproject.toml", "CHANGELOG.md", "docs/reuse.md", "components", "jobs")
"""All that a wheel is made from: what else it took would be missing here."""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built as `pip install git+https://...` builds it, but for the download of setuptools."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        (source / part).parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, source / part)
    _pip("wheel", str(source), "--no-build-isolation", "--wheel-dir", str(out))
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder with nothing in it but the installed library."""
    target = tmp_path_factory.mktemp("installed")
    _pip("install", str(wheel), "--target", str(target))
    return target


@pytest.fixture(scope="session")
def library(installed):
    """`platform_components` can be imported."""
    sys.path.insert(0, str(installed))
    yield
    sys.path.remove(str(installed))


def _pip(command: str, what: str, *options: str) -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", command, *quiet, what, *options], check=True)
