"""Exports judged by the real provider: validated, planned, scanned, and applied to a simulated AWS."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from . import provider, simulated
from .export import Export, export_stack
from .names import Names

PROJECT = Path(__file__).resolve().parent.parent
LISTS = Path(__file__).with_name("lists")
PARALLEL = "-parallelism=30"  # most of an apply is waiting
SETTINGS = "conformance_override.tf.json"


class Objection(Exception):
    """What was judged is not as it has to be: the message says why."""


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
        config[key] = changed(config.get(key, {}), changes)
    return export_stack(
        project.directory, stack, config, Names(provider.schema()), project=project.name, version=provider.VERSION
    )


def changed(section: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A section of a stack file with `changes`, among which None takes a key out."""
    return {key: value for key, value in {**section, **changes}.items() if value is not None or key not in changes}


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


ADDRESS = re.compile(r"(?:data\.)?aws_\w+\.[\w-]+")
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


def reduced(export: Export, base: Export) -> Export:
    """The resources that aren't in `base` letter for letter, and what they refer to: the rest is judged there."""
    known = base.files["main.tf.json"]["resource"]
    bodies = {
        f"{prefix}{kind}.{name}": body
        for prefix, section in (("", "resource"), ("data.", "data"))
        for kind, named in export.files["main.tf.json"].get(section, {}).items()
        for name, body in named.items()
    }
    differing = (a for a, body in bodies.items() if not a.startswith("data.") and body != _at(known, a))
    keep: dict[str, Any] = {}
    waiting = list(differing)
    while waiting:
        address = waiting.pop()
        if address not in keep:
            keep[address] = bodies[address]
            waiting += [found for found in ADDRESS.findall(json.dumps(bodies[address])) if found in bodies]
    main: dict[str, Any] = {}
    for address, body in keep.items():
        section = "data" if address.startswith("data.") else "resource"
        kind, name = address.removeprefix("data.").split(".")
        main.setdefault(section, {}).setdefault(kind, {})[name] = body
    variables = export.files["variables.tf.json"].get("variable", {})
    used = {name: v for name, v in variables.items() if f"var.{name}}}" in json.dumps(main)}
    files = {
        **export.files,
        "main.tf.json": main,
        "variables.tf.json": {"variable": used} if used else {},
        "outputs.tf.json": {},
    }
    return replace(export, files=files, addresses={u: a for u, a in export.addresses.items() if a in keep})


def _at(resources: Mapping[str, Any], address: str) -> Any:
    kind, name = address.split(".")
    return resources.get(kind, {}).get(name)


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


# -- judgement ---------------------------------------------------------------------------------------------------------


def validate(directory: Path) -> None:
    """Have the provider check every argument.

    Raises:
        provider.Failed: with each of its objections.
    """
    provider.run(directory, "validate", "-no-color")


def plan(directory: Path, address: str) -> dict[str, int]:
    """Plan against the simulated AWS; the plan is left in the file `plan`. How much to `add`, `change`, `remove`."""
    said = provider.events(directory, "plan", "-out=plan", extra={"AWS_ENDPOINT_URL": address})
    counts: dict[str, int] = next(event["changes"] for event in said if event["type"] == "change_summary")
    return counts


def planned(directory: Path) -> dict[str, Any]:
    """The plan as JSON; it is also left in the file `plan.json`."""
    text = provider.run(directory, "show", "-json", "plan")
    (directory / "plan.json").write_text(text, encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def changes(content: Mapping[str, Any]) -> dict[str, set[str]]:
    """The attributes that a plan would change, by address.

    Those that would have it replaced say so; "(create)" or the like stands for what would be neither.
    """
    found = {}
    for resource in content["resource_changes"]:
        change = resource["change"]
        actions = "/".join(change["actions"])
        if actions == "update":
            before, after, unknown = change["before"], change["after"], change["after_unknown"]
            differing = {key for key in after if after[key] != before.get(key)} - {"tags_all"}
            # What is known only after the apply follows from another change, unless there is no other.
            found[resource["address"]] = {key for key in differing if not _any(unknown.get(key))} or differing
        elif change.get("replace_paths"):
            found[resource["address"]] = {f"{path[0]} (replaced)" for path in change["replace_paths"]}
        elif actions not in ("no-op", "read"):
            found[resource["address"]] = {f"({actions})"}
    return found


def _any(unknown: Any) -> bool:
    if isinstance(unknown, (dict, list)):
        return any(_any(item) for item in (unknown.values() if isinstance(unknown, dict) else unknown))
    return bool(unknown)


def listed(name: str) -> Any:
    """The content of one of the lists of known exceptions."""
    return yaml.safe_load((LISTS / f"{name}.yaml").read_text(encoding="utf-8"))


def unlisted(export: Export) -> list[str]:
    """What the export lacks and the list doesn't know."""
    known = listed("not-exported")
    return sorted({f"{m.what} ({m.where}): {m.why}" for m in export.missing if m.what not in known})


# -- application -------------------------------------------------------------------------------------------------------


_WATCHERS = ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_dashboard")
"""What looks at others, and is left out with them."""


def holdable(export: Export) -> Export:
    """The export without what would keep moto from holding the rest, and without the outputs that tell of it."""
    entries = listed("not-simulated")["left_out"]
    out = {a for a in export.addresses.values() if any(_covers(entry, a) for entry in entries)}
    files = copy.deepcopy(export.files)
    main, outputs = files["main.tf.json"], files["outputs.tf.json"].get("output", {})
    out |= {
        f"{kind}.{name}"
        for kind in _WATCHERS
        for name, body in main["resource"].get(kind, {}).items()
        if _tells({key: value for key, value in body.items() if key != "depends_on"}, out)
    }
    main["resource"] = _those(main["resource"], lambda address, body: address not in out)
    main["data"] = _those(main["data"], lambda address, body: not _tells(body, out))
    for body in (body for named in main["resource"].values() for body in named.values() if "depends_on" in body):
        body["depends_on"] = [address for address in body["depends_on"] if address not in out]
    for name in [name for name, output in outputs.items() if _tells(output, out)]:
        del outputs[name]
    return replace(export, files=files, addresses={u: a for u, a in export.addresses.items() if a not in out})


def _those(section: Mapping[str, Any], which: Callable[[str, Any], bool]) -> dict[str, Any]:
    """A section of the files with some of its blocks, and no type without any, which Terraform refuses."""
    kept: dict[str, Any] = {}
    for kind, named in section.items():
        for name, body in named.items():
            if which(f"{kind}.{name}", body):
                kept.setdefault(kind, {})[name] = body
    return kept


def _tells(body: Any, addresses: Collection[str]) -> bool:
    text = json.dumps(body)
    return any(f"{address}." in text for address in addresses)


class Applied(NamedTuple):
    """What came of an apply."""

    standing: set[str]
    """Addresses of what was made."""
    failed: dict[str, str]
    """Address -> why it could not be made. What depends on it was not tried."""


def apply(directory: Path, address: str) -> Applied:
    """Apply to the simulated AWS, as far as it goes."""
    done = provider.execute(directory, "apply", "-auto-approve", "-json", PARALLEL, extra={"AWS_ENDPOINT_URL": address})
    said = provider.spoken(done.stdout)
    made = (e["hook"]["resource"]["addr"] for e in said if e["type"] == "apply_complete")
    standing = {address for address in made if not address.startswith("data.")}
    failed = provider.errors(said)
    if done.returncode and not failed:
        raise provider.Failed(done.stderr.strip())
    return Applied(standing, failed)


def destroy(directory: Path, address: str) -> list[str]:
    """Destroy all that was applied; the result is what is left of it.

    A request that the simulated AWS answers too late is sent again, and finds gone what the first one has deleted.
    """
    command = ("destroy", "-auto-approve", PARALLEL)
    try:
        provider.events(directory, *command, extra={"AWS_ENDPOINT_URL": address})
    except provider.Failed:
        provider.events(directory, *command, extra={"AWS_ENDPOINT_URL": address})
    return provider.run(directory, "state", "list").split()


def unexpected(
    export: Export, applied: Applied, again: Mapping[str, Collection[str]], *, whole: bool = True
) -> list[str]:
    """What went otherwise than the list of what moto can't hold has it: worse, or better.

    `again` is what a second plan would change; what depends on what could not be made is of course still to be made.
    An attribute may differ in some resources of a type alone, so only a `whole` stack can tell that none does any more.
    """
    cannot = listed("not-simulated")
    kinds = {_kind(address) for address in export.addresses.values()}
    unmade = {entry for entry in cannot["apply"] if any(_covers(entry, address) for address in applied.failed)}
    there = {e for e in cannot["apply"] if any(_covers(e, address) for address in export.addresses.values())}
    differing: dict[str, str] = {}
    for address, attributes in again.items():
        if address in applied.standing:
            differing |= {f"{_kind(address)}.{attribute}": address for attribute in attributes}
    held = {
        *(there - unmade),
        *(path for path in cannot["plan"] if whole and _kind(path) in kinds and path not in differing),
    }
    return [
        *(error for address, error in applied.failed.items() if not any(_covers(e, address) for e in unmade)),
        *(
            f"{path} differs in a second plan ({address})"
            for path, address in differing.items()
            if path not in cannot["plan"]
        ),
        *(f"moto holds {what} now: take it from terraform/lists/not-simulated.yaml" for what in sorted(held)),
    ]


def _covers(entry: str, address: str) -> bool:
    return entry in (address, _kind(address))


def _kind(address: str) -> str:
    return address.split(".")[0]


# -- Checkov -----------------------------------------------------------------------------------------------------------


class Finding(NamedTuple):
    """A check that a resource of a stack's plan fails."""

    stack: str
    check: str
    resource: str
    name: str


def checkov() -> str | None:
    """The path of Checkov: the one that CHECKOV names, this project's own, or the one on PATH."""
    own = PROJECT / ".venv-checkov" / "bin" / "checkov"
    return os.environ.get("CHECKOV") or (str(own) if own.exists() else shutil.which("checkov"))


def scan(stack: str, directory: Path) -> tuple[int, list[Finding]]:
    """How many of Checkov's checks the plan (as `planned` leaves it) passes, and those that it fails."""
    command = [checkov() or "checkov", "-f", "plan.json", "--framework", "terraform_plan", "--skip-download"]
    command += ["--quiet", "--compact", "-o", "json"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise Objection(f"Checkov gave no report:\n{done.stderr.strip()[-2000:]}") from None
    if report["summary"]["parsing_errors"] or not report["summary"]["resource_count"]:
        raise Objection(f"Checkov could not read the plan: {report['summary']}")
    failed = [
        Finding(stack, found["check_id"], found["resource"], found["check_name"])
        for found in report["results"]["failed_checks"]
    ]
    return report["summary"]["passed"], failed


def skipped(findings: Iterable[Finding], stacks: Collection[str]) -> tuple[list[Finding], list[str]]:
    """The findings that no skip is for, and the skips (of these stacks) that are for no finding."""
    left = list(findings)
    unused = []
    for skip in listed("checkov"):
        where = [stack for stack in skip.get("stacks", stacks) if stack in stacks]
        for pattern in skip["resources"]:
            hit = [f for f in left if f.check == skip["check"] and f.stack in where and fnmatch(f.resource, pattern)]
            left = [f for f in left if f not in hit]
            if where and not hit:
                unused.append(f"{skip['check']} {pattern}")
    return left, unused


# -- commands ----------------------------------------------------------------------------------------------------------


def write_stack(directory: Path, stack: str, out: Path, say: Callable[[str], None]) -> int:
    """`export`: write the files, and say what isn't in them."""
    made = export(directory, stack)
    made.write(out)
    say(f"{stack}: {len(made.addresses)} of {made.registered} resources in {os.path.relpath(out)}")
    for missing in made.missing:
        say(f"  not exported: {missing.what} {missing.where} ({missing.why})")
    return 0


def plan_stack(directory: Path, stack: str, out: Path, say: Callable[[str], None]) -> int:
    """`plan`: what the provider and Checkov say."""
    made = export(directory, stack)
    problems = unlisted(made)
    if problems:
        raise Objection("\n".join(["not exported, and not in terraform/lists/not-exported.yaml:", *problems]))
    ready = root(made, out)
    validate(ready)
    say(f"{stack}: {len(made.addresses)} of {made.registered} resources exported; the provider finds them valid")
    with simulated.server() as address:
        simulated.seed(made, address)
        say(f"{stack}: {plan(ready, address)['add']} resources planned")
    if not checkov():
        say("Checkov is not installed, so the plan was not scanned: make conformance installs it")
        return 0
    planned(ready)
    passed, findings = scan(stack, ready)
    failed, unused = skipped(findings, [stack])
    say(f"{stack}: Checkov passes {passed} checks, skips {len(findings) - len(failed)}, fails {len(failed)}")
    for finding in failed:
        say(f"  {finding.check} {finding.resource}: {finding.name}")
    for skip in unused:
        say(f"  a skip in terraform/lists/checkov.yaml is for nothing: {skip}")
    return 1 if failed or unused else 0


def apply_stack(directory: Path, stack: str, out: Path, say: Callable[[str], None]) -> int:
    """`apply`: apply, plan again, destroy."""
    made = holdable(export(directory, stack))
    ready = root(made, out, unprotected=True)
    with simulated.server() as address:
        simulated.seed(made, address)
        applied = apply(ready, address)
        say(f"{stack}: applied {len(applied.standing)} of {len(made.addresses)} resources")
        plan(ready, address)
        again = changes(planned(ready))
        left = destroy(ready, address)
    problems = [*unexpected(made, applied, again), *(f"left by destroy: {address}" for address in left)]
    for problem in problems:
        say(f"  {problem}")
    return 1 if problems else 0
