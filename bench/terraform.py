"""How long Terraform takes to plan what the preview shows, and how that grows with the stack."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# From small to large: a stack, and the settings that are changed in it.
SIZES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "dev, no edge to database": (
        "dev",
        {"tiers": {"edge": False, "load_balancing": False, "web": False, "database": False, "storage": False}},
    ),
    "dev": ("dev", {}),
    "prod": ("prod", {}),
}


def measure(out: Path) -> list[dict[str, Any]]:
    """A row a size: seconds from the settings to a plan, which asks a simulated AWS on this machine."""
    from terraform import conformance, provider, simulated

    problem = provider.missing()  # and the provider's schema is in its cache
    if problem:
        raise SystemExit(problem)

    def timed(row: dict[str, Any], name: str, step: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = step()
        row[name] = round(time.perf_counter() - start, 4)
        return result

    rows = []
    for size, (stack, sections) in SIZES.items():
        row: dict[str, Any] = {"size": size}
        export = timed(row, "export s", lambda: conformance.export(Path(), stack, sections))  # noqa: B023
        row["resources"] = len(export.addresses)
        root = timed(row, "init s", lambda: conformance.root(export, out / "terraform" / size))  # noqa: B023
        with simulated.server() as address:
            simulated.seed(export, address)
            timed(row, "plan s", lambda: conformance.plan(root, address))  # noqa: B023
        row["ms a resource"] = round(1000 * (row["export s"] + row["plan s"]) / row["resources"], 1)
        rows.append(row)
    return rows
