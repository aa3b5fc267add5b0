"""Pulumi YAML's language host: a Go module, built once into the user's cache. Run as a program, it is put in place.

A CLI that is installed brings its own along; the one that is built from Go here doesn't.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import cli

VERSION = "1.10.0"  # the newest that compiles alone: its go.mod names no commit that only its repository has
COMMAND = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"


def missing() -> str | None:
    """What is missing to have the language host and how to get it, in one line; None when there is one or can be."""
    if shutil.which(COMMAND.rpartition("/")[2]) or shutil.which("go"):
        return None
    return "no pulumi-language-yaml on PATH and no Go to build one: install the Pulumi CLI or Go (https://go.dev/dl/)"


def place() -> Path:
    """The folder that holds the language host, built first if need be."""
    installed = shutil.which(COMMAND.rpartition("/")[2])
    if installed:
        return Path(installed).parent
    folder = cli.cached().parent.parent / f"pulumi-yaml-v{VERSION}"
    if not (folder / "pulumi-language-yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        sys.stderr.write(f"Building Pulumi YAML's language host v{VERSION} with Go: once, about two minutes.\n")
        with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as directory:
            (Path(directory) / "go.mod").write_text("module host\n\ngo 1.24\n")
            environment = {**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=mod"}
            for command in (["go", "get", "-tool", f"{COMMAND}@v{VERSION}"], ["go", "build", "-o", "built", COMMAND]):
                subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True)
            os.replace(Path(directory) / "built", folder / "pulumi-language-yaml")  # whole or not at all
    return folder


if __name__ == "__main__":
    place()
