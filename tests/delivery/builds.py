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
                if len(build.failed) == begun or always:
                    line = next((instead[begin] for begin in instead if command.startswith(begin)), command)
                    _run(build, command, line, source, variables)
        if build.failed and phase != "build":
            break
    return build


def run_workflow(job: str, source: Path, environment: Mapping[str, str], instead: Mapping[str, str]) -> Build:
    """Run a job's own commands as GitHub Actions does: not the actions of others, which set up what `run` needs too.

    `instead` replaces lines that begin with its keys.
    """
    text = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())
    build = Build()
    for step in text["jobs"][job]["steps"]:
        if "run" in step and (not build.failed or step.get("if") == "always()"):
            lines = step["run"].splitlines()
            lines = [next((instead[begin] for begin in instead if line.startswith(begin)), line) for line in lines]
            folder = step.get("working-directory", str(source)).replace(
                "${{ runner.temp }}", environment["RUNNER_TEMP"]
            )
            _run(build, step["run"], "set -e\n" + "\n".join(lines), Path(folder), environment)
    return build


def _run(build: Build, command: str, line: str, folder: Path, environment: Mapping[str, str]) -> None:
    ran = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    build.output += f"$ {command}\n{ran.stdout}"
    if ran.returncode:
        build.failed.append(command)
