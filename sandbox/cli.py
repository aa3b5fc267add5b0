"""Find a Pulumi CLI, or build one: the engine is a Go module.

The CLI on PATH serves when it is new enough (or PULUMI_CLI names one). Otherwise a pinned version is built once with
Go into the user's cache directory, outside the checkout.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VERSION = "3.250.0"  # what is built
MINIMUM = (3, 250, 0)  # the oldest engine that this project's tests have run on
MODULE = "github.com/pulumi/pulumi/pkg/v3"
COMMAND = f"{MODULE}/cmd/pulumi"


class NoCLI(Exception):
    """There is no Pulumi CLI, and no way to build one."""


def find() -> Path | None:
    """The CLI to use, if one is there already."""
    named = os.environ.get("PULUMI_CLI")
    if named:
        if version(Path(named)) is None:
            raise NoCLI(f"PULUMI_CLI names {named}, which isn't a Pulumi CLI")
        return Path(named)
    for candidate in (shutil.which("pulumi"), cached()):
        if candidate and (version(Path(candidate)) or (0,)) >= MINIMUM:
            return Path(candidate).resolve()
    return None


def place() -> Path:
    """The CLI to use, built first if need be."""
    return find() or _build()


def missing() -> str | None:
    """What is missing to have a CLI and how to get it, in one line; None when there is one or one can be built."""
    if find() or shutil.which("go"):
        return None
    wanted = ".".join(map(str, MINIMUM))
    return (
        f"no Pulumi CLI {wanted} or newer on PATH and no Go to build one: "
        "install either (https://www.pulumi.com/docs/iac/download-install/ or https://go.dev/dl/)"
    )


def cached() -> Path:
    """Where a built CLI is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "platform" / f"pulumi-v{VERSION}" / "pulumi"


def version(path: Path) -> tuple[int, ...] | None:
    """The version of a CLI, or None if it isn't one."""
    quiet = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run([path, "version"], env=quiet, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.(\d+)\.(\d+)", answer.stdout.strip())
    return tuple(map(int, found.groups())) if found else None


def _build() -> Path:
    problem = missing()
    if problem:
        raise NoCLI(problem)
    target = cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for the build of the Pulumi CLI that is under way.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            for left in target.parent.glob("build-*"):  # by a build that was killed
                shutil.rmtree(left)
            _compile(target)
    return target


def _compile(target: Path) -> None:
    print(f"Building the Pulumi CLI v{VERSION} with Go: once, about five minutes.", file=sys.stderr, flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="build-", dir=target.parent) as directory:
        module = Path(directory)
        (module / "go.mod").write_text(f"module sandbox\n\ngo 1.24\n\nrequire {MODULE} v{VERSION}\n")
        stamp = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
        for step, command in (
            ("fetching its modules", ["go", "get", "-tool", f"{COMMAND}@v{VERSION}"]),
            ("compiling", ["go", "build", "-ldflags", stamp, "-o", "pulumi", COMMAND]),
        ):
            _run(step, command, module, begin)
        os.replace(module / "pulumi", target)  # whole or not at all
    print(f"Built {target} in {time.monotonic() - begin:.0f} s.", file=sys.stderr, flush=True)


def _run(step: str, command: list[str], directory: Path, begin: float) -> None:
    environment = {**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=mod"}
    with open(directory / "log", "w+") as log:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            if sys.stderr.isatty():
                print(f"\r  {step}, {time.monotonic() - begin:.0f} s ", end="", file=sys.stderr, flush=True)
            try:
                process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        if process.returncode:
            log.seek(0)
            lines = "\n".join(log.read().splitlines()[-15:])
            raise NoCLI(f"building the Pulumi CLI failed while {step} ({' '.join(command[:2])}):\n{lines}")
