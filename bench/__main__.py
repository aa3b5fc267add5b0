"""`python -m bench`: how long the offline preview takes, as ratios, so that the machine hardly matters."""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policy.graph import Resource

SCALES = (1, 2, 18)
"""Copies of the stack: as it is, over 1,000 resources, over 10,000."""
BASELINE = "bare, lean"
TARGETS = {
    f"preview / {BASELINE}": 1.5,
    "policy seconds, over 1,000 resources": 1.0,
    "policy per resource, most / fewest": 1.5,
}


def main() -> int:
    """Runs every measurement; the result is the exit code: 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--stack", default="prod", help="whose preview is measured (default: prod)")
    parser.add_argument("--repetitions", type=int, default=7, metavar="N", help="of each process (default: 7)")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), metavar="DIR", help="default: build/bench")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the tables")
    parser.add_argument("--terraform", action="store_true", help="also Terraform's plan, at three sizes (two minutes)")
    jobs = "only the analytics jobs, with so many orders at a time (default: 1000000), on a real MariaDB and Spark"
    parser.add_argument("--jobs", type=int, nargs="*", metavar="ROWS", help=jobs)
    scale = "only what a resource costs in a stack ten times as large, on the real engine too (five minutes)"
    parser.add_argument("--scale", action="store_true", help=scale)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.jobs is not None:
        return measure_jobs(arguments.jobs or [1_000_000], arguments.out, as_json=arguments.json)
    if arguments.scale:
        return measure_scale(arguments.out, as_json=arguments.json)

    registrations = record(arguments.stack)
    resources = arguments.out / "resources.json"
    resources.write_text(json.dumps(registrations), encoding="utf-8")
    results = {
        "stack": arguments.stack,
        "resources": sum(r["custom"] for r in registrations),
        "preview": previews(arguments.stack, resources, arguments.out, arguments.repetitions),
        "policy": policy(arguments.stack, arguments.repetitions),
        "targets": TARGETS,
    }
    if arguments.terraform:
        from bench.terraform import measure

        results["terraform"] = measure(arguments.out)
    results["crossguard"] = crossguard(arguments.stack)
    reached = (
        results["preview"]["ratio"]["preview with diagram"],
        next(row["seconds"] for row in results["policy"] if row["resources"] >= 1000),
        growth(results["policy"]),
    )
    results["met"] = {name: value <= TARGETS[name] for name, value in zip(TARGETS, reached, strict=True)}
    (arguments.out / "bench.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(results, indent=2))
    else:
        show(results)
    return 0 if all(results["met"].values()) else 1


def measure_jobs(sizes: list[int], out: Path, *, as_json: bool) -> int:
    """Measures the analytics jobs."""
    from bench.jobs import measure

    rows = list(shown(measure(sizes), quiet=as_json))
    text = json.dumps(rows, indent=2)
    (out / "jobs.json").write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    return 0


def measure_scale(out: Path, *, as_json: bool) -> int:
    """Measures what a resource costs in a larger stack."""
    from bench.scale import LIMIT, measure, per_resource

    rows = list(shown(measure(), quiet=as_json))
    ratios = per_resource(rows)
    text = json.dumps({"rows": rows, "per resource, largest / smallest": ratios, "limit": LIMIT}, indent=2)
    (out / "scale.json").write_text(text + "\n", encoding="utf-8")
    met = all(ratio <= LIMIT for ratio in ratios.values())
    if as_json:
        print(text)
    else:
        print(f"{'met' if met else 'MISSED'}: at most {LIMIT} times as much a resource in the largest stack: {ratios}")
    return 0 if met else 1


def shown(rows: Iterator[dict[str, Any]], *, quiet: bool) -> Iterator[dict[str, Any]]:
    """The rows, each printed as soon as it is known."""
    for number, row in enumerate(rows):
        if not quiet:
            if not number:
                print("  ".join(row))
            print(
                "  ".join(f"{value:>{len(name)}{'' if isinstance(value, str) else ','}}" for name, value in row.items())
            )
            sys.stdout.flush()
        yield row


def record(stack: str) -> list[dict[str, Any]]:
    """What the stack's program registers, as plain data, each after its parent."""
    from preview.run import load_project
    from standin.mocks import run_program

    project = load_project(Path(), stack)
    recording = run_program(project.directory, stack, project.config, project=project.name)
    keys = ("urn", "type", "name", "custom", "parent", "inputs")
    return [{key: getattr(r, key) for key in keys} for r in recording.registrations]


# -- processes ---------------------------------------------------------------------------------------------------------


def previews(stack: str, resources: Path, out: Path, repetitions: int) -> dict[str, Any]:
    """The preview as a process against the bare one, in turns, the first round for the caches alone."""
    preview = [sys.executable, "-m", "preview", stack, "--out", str(out)]
    commands = {
        "bare": [sys.executable, "-m", "bench.bare", str(resources)],
        "bare, lean": [sys.executable, "-m", "bench.bare", str(resources), "lean"],
        "preview": [*preview, "--no-diagram"],
        "preview with diagram": preview,
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    parts: dict[str, list[float]] = {}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for round_ in range(repetitions + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            took = time.perf_counter() - start
            if done.returncode not in ((0,) if name.startswith("bare") else (0, 1)):
                raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
            if round_:
                seconds[name].append(took)
        if round_:
            inside = json.loads((out / f"{stack}.json").read_text(encoding="utf-8"))["seconds"]
            inside["start, report, exit"] = seconds["preview with diagram"][-1] - sum(inside.values())
            for part, value in inside.items():
                parts.setdefault(part, []).append(value)
    return {
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "ratio": {
            name: round(statistics.median(p / b for p, b in zip(values, seconds[BASELINE], strict=True)), 3)
            for name, values in seconds.items()
        },
        "parts": {name: round(statistics.median(values), 4) for name, values in parts.items()},
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {name: round(of(values), 4) for name, of in (("median", statistics.median), ("least", min), ("most", max))}


# -- policy ------------------------------------------------------------------------------------------------------------


def policy(stack: str, repetitions: int) -> list[dict[str, float]]:
    """How long the policy pack takes over the stack's resources and several copies of them, in CPU time."""
    from policy.evaluate import evaluate
    from policy.graph import Graph
    from preview.run import load_project, policy_resources
    from standin.mocks import run_program

    project = load_project(Path(), stack)
    once = policy_resources(run_program(project.directory, stack, project.config, project=project.name))
    rows: list[dict[str, float]] = []
    for scale in SCALES:
        resources = list(copies(once, scale))
        runs = []
        for _ in range(max(3, repetitions)):
            start = time.process_time()
            report = evaluate(Graph(resources, region=project.region))
            runs.append(time.process_time() - start)
        each = statistics.median(runs) / len(resources)
        rows.append(
            {
                "scale": scale,
                "resources": len(resources),
                "checks": report.checks,
                "failed": report.failed,
                "seconds": round(statistics.median(runs), 4),
                "microseconds a resource": round(1e6 * each, 1),
            }
        )
        if (report.checks, report.failed) != (scale * rows[0]["checks"], scale * rows[0]["failed"]):
            raise SystemExit(f"the policy pack judges {scale} copies of the stack otherwise than the stack itself")
    return rows


def crossguard(stack: str) -> list[dict[str, Any]]:
    """The requests of one preview to the SDK's own server, answered by our pack and by one with a policy a rule."""
    from bench import naive
    from policy import pack
    from preview.run import load_project, policy_resources
    from standin.mocks import run_program
    from tests.policy.crossguard import Pack

    project = load_project(Path(), stack)
    recording = run_program(project.directory, stack, project.config, project=project.name, unknown=True)
    resources = policy_resources(recording)
    os.environ["AWS_REGION"] = project.region
    rows: list[dict[str, Any]] = []
    for name, own in (("ours", pack.policies()), ("a policy a rule", naive.policies())):
        judging = Pack(own)
        start = time.perf_counter()
        judging.run(resources)
        seconds = round(time.perf_counter() - start, 2)
        rows.append({"pack": name, "policies": len(own), "resources": len(resources), "seconds": seconds})
    return [{**row, "ratio": round(row["seconds"] / rows[0]["seconds"], 1)} for row in rows]


def growth(rows: Sequence[Mapping[str, float]]) -> float:
    """How much more a resource costs among the most than among the fewest: 1 is linear."""
    return rows[-1]["microseconds a resource"] / rows[0]["microseconds a resource"]


def copies(resources: Sequence[Resource], count: int) -> Iterator[Resource]:
    """The resources several times over, with names, URNs, ids and what refers to them set apart."""
    from dataclasses import replace

    identities = {
        str(r.props[key])
        for r in resources
        for key in ("id", "arn", "name", "bucket", "identifier", "keyId")
        if isinstance(r.props.get(key), str) and len(r.props[key]) > 5
    } | {r.urn for r in resources}
    names = "|".join(re.escape(i) for i in sorted(identities, key=len, reverse=True))
    pattern = re.compile(f"(?:{names})(?![A-Za-z])")  # not the "platform" of "platformupdate"
    yield from resources
    for number in range(1, count):

        def renamed(value: Any, ending: str = f"-{number}") -> Any:
            if isinstance(value, str):
                return pattern.sub(lambda found: found[0] + ending, value)
            if isinstance(value, Mapping):
                return {k: renamed(v) for k, v in value.items()}
            return [renamed(v) for v in value] if isinstance(value, list) else value

        for r in resources:
            yield replace(
                r,
                urn=renamed(r.urn),
                name=f"{r.name}-{number}",
                props=renamed(r.props),
                parent=r.parent and renamed(r.parent),
                property_dependencies=renamed(r.property_dependencies),
                dependencies=renamed(r.dependencies),
                provider=r.provider and renamed(r.provider),
            )


# -- report ------------------------------------------------------------------------------------------------------------


def show(results: Mapping[str, Any]) -> None:
    """Prints the tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)

    def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for number, head in enumerate(heads):
            drawn.add_column(head, justify="right" if number else "left")
        for row in rows:
            drawn.add_row(*(f"{c:.3f}" if isinstance(c, float) else str(c) for c in row))
        console.print(drawn, "")

    preview = results["preview"]
    table(
        f"{results['stack']}: {results['resources']} resources, as a process, imports included",
        ("", "median s", "least", "most", f"ratio to {BASELINE}"),
        [
            (name, *(s[k] for k in ("median", "least", "most")), preview["ratio"][name])
            for name, s in preview["seconds"].items()
        ],
    )
    table("Where the preview's time goes", ("", "median s"), list(preview["parts"].items()))
    if "terraform" in results:
        heads = list(results["terraform"][0])
        table("Terraform's plan, as the stack grows", heads, [[row[h] for h in heads] for row in results["terraform"]])
    for title, rows in (("Policy pack", results["policy"]), ("Under Pulumi, as the SDK asks", results["crossguard"])):
        heads = list(rows[0])
        table(title, heads, [[row[h] for h in heads] for row in rows])
    for name, limit in results["targets"].items():
        console.print(f"{'met   ' if results['met'][name] else 'MISSED'}  {name}: at most {limit}")


if __name__ == "__main__":
    sys.exit(main())
