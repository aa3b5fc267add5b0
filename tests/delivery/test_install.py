"""install.sh against releases of our own making."""

import hashlib
import os
import platform
import subprocess
import tarfile
import zipfile
from io import BytesIO

import pytest

from sandbox import cli
from tests.registered import ROOT

MACHINE = platform.machine()
PULUMI = cli.VERSION


@pytest.fixture
def releases(tmp_path):
    """Folders as the publishers have them, with a program in each archive that says its name."""
    pulumi, terraform = tmp_path / "pulumi" / f"v{PULUMI}", tmp_path / "terraform" / "1.11.4"
    for folder in (pulumi, terraform):
        folder.mkdir(parents=True)
    archive = pulumi / f"pulumi-v{PULUMI}-linux-{ {'x86_64': 'x64', 'aarch64': 'arm64'}[MACHINE] }.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("pulumi", "pulumi-language-python"):
            program = f"#!/bin/sh\necho {name}\n".encode()
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size, member.mode = len(program), 0o755
            tar.addfile(member, BytesIO(program))
    _sums(pulumi / f"pulumi-{PULUMI}-checksums.txt", archive)
    archive = terraform / f"terraform_1.11.4_linux_{ {'x86_64': 'amd64', 'aarch64': 'arm64'}[MACHINE] }.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("terraform", "#!/bin/sh\necho terraform\n")
    _sums(terraform / "terraform_1.11.4_SHA256SUMS", archive)
    return tmp_path


def _sums(file, archive):
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    file.write_text(f"{'0' * 64}  another-{archive.name}\n{digest}  {archive.name}\n")


def install(releases, *programs: str) -> subprocess.CompletedProcess[str]:
    where = {f"{name.upper()}_RELEASES": f"file://{releases / name}" for name in ("pulumi", "terraform")}
    command = ["bash", ROOT / "delivery" / "install.sh", releases / "bin", *programs]
    return subprocess.run(command, env={**os.environ, **where}, capture_output=True, text=True)


def test_programs_are_there_and_run(releases):
    done = install(releases, "pulumi", "terraform")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("pulumi", "pulumi-language-python", "terraform"):
        assert subprocess.check_output([releases / "bin" / name], text=True) == f"{name}\n"


@pytest.mark.parametrize("name", ["pulumi", "terraform"])
@pytest.mark.parametrize("broken", ["archive", "checksums", "missing"])
def test_what_is_not_as_published_is_not_installed(releases, name, broken):
    sums = next(path for path in (releases / name).rglob("*") if path.suffix != ".gz" and "SUMS" in path.name.upper())
    archive = next(path for path in (releases / name).rglob("*") if path.suffix in (".gz", ".zip"))
    if broken == "archive":
        archive.write_bytes(archive.read_bytes() + b"more")
    elif broken == "checksums":
        sums.write_text(sums.read_text().splitlines()[0])
    else:
        archive.unlink()
    done = install(releases, name)
    assert done.returncode != 0
    assert not list((releases / "bin").iterdir())


def test_an_unknown_program_is_a_message(releases):
    done = install(releases, "tofu")
    assert (done.returncode, done.stderr) == (2, "install.sh knows pulumi and terraform, not tofu\n")
