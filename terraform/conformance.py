"""Exports judged by the real provider: validated, planned, scanned, and applied to a simulated AWS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import provider, simulated
from .export import Export, export_stack
from .names import Names

LISTS = Path(__file__).with_name("lists")
SETTINGS = "conformance_override.tf.json"


@dataclass
class Planned:
    """What a plan says."""

    changes: dict[str, int]
    """`add`, `change`, `remove`, `import`: how many resources."""
    differing: dict[str, list[str]]
    """Address -> actions of every resource that isn't left as it is."""


def export(directory: Path, stack: str, sections: Mapping[str, Mapping[str, Any]] | None = None) -> Export:
    """The export of a project's stack; `sections` change settings of its file."""
    from preview.run import load_project

    problem = provider.missing()
    if problem:
        raise provider.NoTerraform(problem)
    project = load_project(directory, stack)
    config = dict(project.config)
    for section, changes in (sections or {}).items():
        key = f"{project.name}:{section}"
        config[key] = {**config.get(key, {}), **changes}
    return export_stack(
        project.directory, stack, config, Names(provider.schema()), project=project.name, version=provider.VERSION
    )


def supplied(export: Export) -> dict[str, Any]:
    """Values for the export's variables."""
    variables = export.files["variables.tf.json"].get("variable", {})
    return {
        name: f"supplied-{hashlib.sha256(name.encode()).hexdigest()[:12]}" if v["type"] == "string" else 1
        for name, v in variables.items()
    }


def root(export: Export, directory: Path, *, unprotected: bool = False) -> Path:
    """A directory with the export, and the settings that a simulated AWS needs beside it; ready for a plan.

    `unprotected` takes off what would stop a destroy.
    """
    export.write(directory)
    override: dict[str, Any] = {"provider": {"aws": list(_providers(export))}}
    if unprotected:
        override["resource"] = _unprotected(export)
    (directory / SETTINGS).write_text(json.dumps(override, indent=2) + "\n", encoding="utf-8")
    (directory / "terraform.tfvars.json").write_text(json.dumps(supplied(export), indent=2) + "\n", encoding="utf-8")
    provider.init(directory)
    return directory


def _providers(export: Export) -> Iterator[dict[str, Any]]:
    for declared in export.files["providers.tf.json"]["provider"]["aws"]:
        alias = {"alias": declared["alias"]} if "alias" in declared else {}
        yield {**alias, **simulated.PROVIDER}


PROTECTION = {"deletion_protection": False, "enable_deletion_protection": False, "force_destroy": True}


def _unprotected(export: Export) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for kind, resources in export.files["main.tf.json"].get("resource", {}).items():
        for name, body in resources.items():
            change: dict[str, Any] = {k: v for k, v in PROTECTION.items() if k in body}
            if "lifecycle" in body:
                change["lifecycle"] = {"prevent_destroy": False}
            if change:
                changed.setdefault(kind, {})[name] = change
    return changed


def matrix(exports: Mapping[str, Export], directory: Path) -> Path:
    """One root with a module for each export, all of one region: many settings for the price of one command."""
    first = next(iter(exports.values()))
    aliases = sorted({alias for export in exports.values() for alias in export.aliases})
    modules = {}
    for name, export in exports.items():
        export.write(directory / name)
        (directory / name / "providers.tf.json").unlink()
        versions = export.files["versions.tf.json"]["terraform"]["required_providers"]["aws"]
        wanted = {**versions, "configuration_aliases": [f"aws.{alias}" for alias in export.aliases]}
        (directory / name / "versions.tf.json").write_text(
            json.dumps({"terraform": {"required_providers": {"aws": wanted}}}), encoding="utf-8"
        )
        modules[name] = {
            "source": f"./{name}",
            "providers": {"aws": "aws", **{f"aws.{alias}": f"aws.{alias}" for alias in export.aliases}},
            **supplied(export),
        }
    default = first.files["providers.tf.json"]["provider"]["aws"][0]
    providers = [default, *({**default, "alias": alias, "region": alias} for alias in aliases)]
    content = {
        **first.files["versions.tf.json"],
        "provider": {"aws": [{**declared, **simulated.PROVIDER} for declared in providers]},
        "module": modules,
    }
    (directory / "main.tf.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    provider.init(directory)
    return directory


# -- commands ----------------------------------------------------------------------------------------------------------


def validate(directory: Path) -> None:
    """Have the provider check every argument.

    Raises:
        provider.Failed: with each of its objections.
    """
    provider.run(directory, "validate", "-no-color")


def plan(directory: Path, address: str, *, out: str = "plan") -> Planned:
    """Plan against the simulated AWS; the plan is left in the file `out`."""
    lines = provider.events(directory, "plan", f"-out={out}", extra={"AWS_ENDPOINT_URL": address})
    return Planned(
        changes=next(e["changes"] for e in lines if e["type"] == "change_summary"),
        differing={
            e["change"]["resource"]["addr"]: [e["change"]["action"]] for e in lines if e["type"] == "planned_change"
        },
    )
