"""What a resource costs in a large stack, against a small one: the same tiers, once and ten times over."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.engine import Engine, Result

PROGRAM = Path(__file__).parent / "scaled"
STACKS = ("small", "medium", "large")
LIMIT = 1.3
"""How much more a resource may cost in the large stack than in the small one."""


def measure() -> Iterator[dict[str, Any]]:
    """A row a size: seconds of each operation."""
    for stack in STACKS:
        with tempfile.TemporaryDirectory() as folder:
            yield {"stack": stack, **_offline(stack, Path(folder)), **_engine(stack, Path(folder))}


def per_resource(rows: list[dict[str, Any]]) -> dict[str, float]:
    """By operation: how many times as much a resource costs in the largest stack as in the smallest."""
    first, last = rows[0], rows[-1]
    return {
        name: round((last[name] / last["resources"]) / (first[name] / first["resources"]), 2)
        for name in first
        if name not in ("stack", "resources")
    }


def _offline(stack: str, folder: Path) -> dict[str, Any]:
    """The preview without an engine, as a process, and what of it the policy pack takes."""
    command = [sys.executable, "-m", "preview", stack, "--directory", str(PROGRAM), "--out", str(folder)]
    start = time.perf_counter()
    done = subprocess.run([*command, "--no-diagram"], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    found = json.loads((folder / f"{stack}.json").read_text(encoding="utf-8"))
    return {
        "resources": found["summary"]["resources"],
        "offline preview": round(seconds, 2),
        "policy": round(found["seconds"]["policy"], 3),
    }


def _engine(stack: str, folder: Path) -> dict[str, float]:
    """A preview, an update and a preview of no change, on the real engine with the policy pack.

    The state is written once: that the engine writes all of it after each resource grows by the square, and is its own.
    """
    seconds: dict[str, float] = {}
    policies = Path("policy").resolve()
    with Engine(folder / "state", PROGRAM, stack, policies=policies, checkpoints=False) as engine:
        for name, operation in (("preview", engine.preview), ("up", engine.up), ("preview again", engine.preview)):
            start = time.perf_counter()
            result: Result = operation()
            seconds[name] = round(time.perf_counter() - start, 2)
            if not result.ok or (name == "preview again" and result.changed):
                raise SystemExit(f"{name} of {stack}: {result.errors} {result.violations} {result.changed}")
    return seconds
