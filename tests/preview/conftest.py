"""Small projects to preview."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest

from preview.run import Options, run

CLEAN = """
    import pulumi_aws as aws
    aws.kms.Key("data", enable_key_rotation=True)
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes a project of one program; `files` are further ones, such as Pulumi.prod.yaml."""

    def write(program: str = CLEAN, **files: str) -> Path:
        contents = {
            "Pulumi_yaml": "name: shop\nruntime: python\n",
            "Pulumi_dev_yaml": "config:\n  aws:region: eu-west-1\n",
            "__main___py": program,
            **files,
        }
        for name, content in contents.items():
            stem, _, extension = name.rpartition("_")
            path = tmp_path / f"{stem.replace('Pulumi_', 'Pulumi.')}.{extension}"
            path.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def preview(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Previews a project in this process; its files go to the project's build/preview."""

    def call(directory: Path, stack: str = "dev", **options: Any) -> Result:
        code = run(Options(stack, directory=directory, **{"no_diagram": True, **options}))
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call
