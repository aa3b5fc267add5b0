"""How long Terraform takes to plan what the preview shows: the export, and the real provider's plan of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def measure(stack: str, out: Path) -> dict[str, float]:
    """Seconds of each step, from the settings to a plan; the plan asks a simulated AWS on this machine."""
    from terraform import conformance, provider, simulated

    problem = provider.missing()  # and the provider's schema is in its cache
    if problem:
        raise SystemExit(problem)
    seconds: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = step()
        seconds[name] = round(time.perf_counter() - start, 4)
        return result

    export = timed("export", lambda: conformance.export(Path(), stack))
    root = timed("terraform init", lambda: conformance.root(export, out / "terraform" / stack))
    with simulated.server() as address:
        simulated.seed(export, address)
        timed("terraform plan", lambda: conformance.plan(root, address))
    seconds["all"] = round(sum(seconds.values()), 4)
    return seconds
