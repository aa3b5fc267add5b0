"""Runs a build specification as CodeBuild does: the phases in order, `finally` in any case, `post_build` after `build`.

Each command has a shell of its own, which begins in the source's folder: that demands more of the commands than
CodeBuild does, where a variable or a `cd` lives on.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.registered import ROOT


@dataclass
class Build:
    """What a build did."""

    failed: list[str] = field(default_factory=list)
    """The commands that failed, as they are written."""
    output: str = ""


def run(spec: str, source: Path, environment: Mapping[str, str], instead: Mapping[str, str]) -> Build:
    """Run delivery/`spec`. `instead` replaces commands that begin with its keys, each of which has to be there."""
    text = yaml.safe_load((ROOT / "delivery" / spec).read_text())
    variables = {**text["env"]["variables"], **environment, "CODEBUILD_SRC_DIR": str(source)}
    lines = [line for phase in text["phases"].values() for line in phase.get("commands", [])]
    for begin in instead:
        assert any(line.startswith(begin) for line in lines), f"{spec} has no command that begins with {begin}"
    build = Build()
    for phase in ("install", "pre_build", "build", "post_build"):
        begun = len(build.failed)
        for part, always in (("commands", False), ("finally", True)):
            for command in text["phases"].get(phase, {}).get(part, []):
                if len(build.failed) > begun and not always:
                    break
                line = next((instead[begin] for begin in instead if command.startswith(begin)), command)
                ran = subprocess.run(
                    ["bash", "-c", line],
                    cwd=source,
                    env=variables,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                build.output += f"$ {command}\n{ran.stdout}"
                if ran.returncode:
                    build.failed.append(command)
        if build.failed and phase != "build":
            break
    return build
