"""A project's stacks by the Pulumi CLI: previewed for a verdict, or updated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .verdict import Preview, judge


class Unusable(Exception):
    """Nothing can be judged or deployed as things stand: the message says what to do."""


@dataclass(frozen=True)
class Project:
    """The program in `directory`, judged by the policy pack in `policies`."""

    directory: Path
    policies: Path

    def __post_init__(self) -> None:
        for folder, file in ((self.directory, "Pulumi.yaml"), (self.policies, "PulumiPolicy.yaml")):
            if not (folder / file).is_file():
                raise Unusable(f"there is no {file} in {folder}")

    def preview(self, stack: str) -> Preview:
        """What an update of the stack would do, and what the policy pack says of it."""
        there = self._pulumi("stack", "select", stack, quiet=True)
        if there.returncode:
            return judge(stack, [], ended_well=False, pack=self.policies, said=there.stderr)
        judged = self._preview(stack)
        return self._preview(stack) if judged.silent else judged

    def _preview(self, stack: str) -> Preview:
        with tempfile.TemporaryDirectory() as folder:  # the log holds values of properties: it isn't kept
            log = Path(folder) / "events"
            ended = self._pulumi("preview", "--stack", stack, *self._judged(stack), "--event-log", str(log))
            # Not splitlines(), which breaks lines where JSON doesn't: at a U+0085 in a value, for one.
            events = [json.loads(line) for line in log.read_text().split("\n") if line] if log.exists() else []
        return judge(stack, events, ended_well=not ended.returncode, pack=self.policies, said=ended.stderr)

    def select(self, stack: str) -> None:
        """Make the stack if the state doesn't have it yet."""
        create = ["--create"]
        if key := os.environ.get("SECRETS_KEY"):
            create += ["--secrets-provider", f"awskms://{key}?region={_region()}"]
        if self._pulumi("stack", "select", stack, *create).returncode:
            raise Unusable(f"stack {stack} can't be selected: the lines above say why")

    def update(self, stack: str) -> int:
        """Update the stack, which has just been previewed; the result is the CLI's exit code."""
        return self._pulumi("up", "--stack", stack, "--yes", "--skip-preview", *self._judged(stack)).returncode

    def _judged(self, stack: str) -> list[str]:
        """The policy pack, and its settings for this stack where it brings some: `config.prod.json` beside it."""
        config = self.policies / f"config.{stack}.json"
        options = ["--policy-pack-config", str(config)] if config.is_file() else []
        return ["--policy-pack", str(self.policies), *options]

    def _pulumi(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        try:
            ran = subprocess.run(
                command,
                cwd=self.directory,
                env=environment(),
                stdout=subprocess.DEVNULL if quiet else None,
                stderr=subprocess.PIPE,
                text=True,
            )
        except FileNotFoundError:
            raise Unusable("there is no pulumi on PATH: delivery/install.sh puts it there") from None
        sys.stderr.write(ran.stderr)
        return ran


def environment() -> dict[str, str]:
    """The CLI's environment: the state is in STATE_BUCKET, or where the caller is logged in."""
    made = {
        **os.environ,
        # The policy pack runs on this Python, whose packages come with what judges, not with what is judged.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PULUMI_DEBUG_COMMANDS": "true",  # else the CLI has no --event-log
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # A stack file without a secrets provider, as in this repository: the state says which one it has.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
    }
    if bucket := os.environ.get("STATE_BUCKET"):
        # Not `pulumi login`: a backend that Pulumi.yaml names would win over that, but doesn't win over this.
        made["PULUMI_BACKEND_URL"] = f"s3://{bucket}?region={_region()}"
    return made


def _region() -> str:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise Unusable("AWS_REGION is not set: it says where STATE_BUCKET and SECRETS_KEY are")
    return region
