"""Terraform and the AWS provider on this machine: find them, run them, read the provider's schema.

The provider comes from a filesystem mirror: the one that TERRAFORM_MIRROR names, one that Terraform's own configuration
names, one in Terraform's implicit directories or in the usual places; failing all of these, from the registry.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

VERSION = "5.100.0"
"""The provider that judges. The lists beside this file hold for it: change them together."""
TIMEOUT = 1800
"""Seconds that a command may take: the provider waits for minutes for what does not come."""
SOURCE = "registry.terraform.io/hashicorp/aws"
IMPLICIT = ("~/.terraform.d/plugins", "~/.local/share/terraform/plugins", "/usr/local/share/terraform/plugins")
ROOTS = ("/opt", "/usr/local/share", "/usr/share", "~")


class NoTerraform(Exception):
    """Terraform or the provider is missing: the message says how to get it."""


class Failed(Exception):
    """A Terraform command failed: the message is what it said."""


def missing() -> str | None:
    """What is missing and how to get it, in one line; None when there are Terraform and the provider."""
    if not shutil.which("terraform"):
        return "no terraform on PATH: install it (https://developer.hashicorp.com/terraform/install)"
    try:
        schema()
    except Failed as error:
        return (
            f"no AWS provider {VERSION}: let TERRAFORM_MIRROR name a filesystem mirror that holds {SOURCE}, "
            f"or let terraform init reach its registry ({str(error).splitlines()[0]})"
        )
    return None


def cache() -> Path:
    """Where what is the same for every checkout is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "platform" / "terraform"


@functools.cache
def mirror() -> Path | None:
    """The filesystem mirror that holds the provider, or None where Terraform is to find it by itself."""
    named = os.environ.get("TERRAFORM_MIRROR")
    if named:
        if not _holds(Path(named)):
            raise NoTerraform(f"TERRAFORM_MIRROR names {named}, which holds no {SOURCE} {VERSION}")
        return Path(named).absolute()
    if _configured():
        return None
    return next((d for d in _places() if _holds(d)), None)


def _places() -> Iterator[Path]:
    yield from (Path(d).expanduser() for d in IMPLICIT)
    for root in (Path(d).expanduser() for d in ROOTS):
        for depth in ("", "*", "*/*"):
            try:
                yield from sorted(d.parent for d in root.glob(f"{depth}/{SOURCE.split('/')[0]}".lstrip("/")))
            except OSError:  # a folder that isn't ours to look into
                continue


def _holds(directory: Path) -> bool:
    home = directory / SOURCE
    return (home / VERSION).is_dir() or any(home.glob(f"*_{VERSION}_*.zip"))


def _configured() -> bool:
    """Whether Terraform's own configuration says where providers come from."""
    file = Path(os.environ.get("TF_CLI_CONFIG_FILE") or "~/.terraformrc").expanduser()
    try:
        return "provider_installation" in file.read_text(encoding="utf-8")
    except OSError:
        return False


def environment() -> dict[str, str]:
    """Terraform's environment: quiet, unattended, and with a configuration that names the mirror."""
    env = {**os.environ, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    for name in ("TF_LOG", "TF_WORKSPACE", "TF_DATA_DIR", "TF_CLI_ARGS"):
        env.pop(name, None)
    if not _configured():
        config = cache() / "cli.tfrc"
        config.parent.mkdir(parents=True, exist_ok=True)
        found = mirror()
        text = f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(found))}\n  }}\n}}\n"
        _write(config, text if found else f"plugin_cache_dir = {json.dumps(str(config.parent))}\n")
        env["TF_CLI_CONFIG_FILE"] = str(config)
    return env


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all: another process may read it at any time."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as temporary:
        temporary.write(text)
    os.replace(temporary.name, file)


def execute(
    directory: Path, *arguments: str, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Terraform command in a directory to its end, good or bad."""
    env = {**environment(), **(extra or {})}
    command = ["terraform", *arguments]
    try:
        return subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Failed(f"terraform {arguments[0]} took more than {TIMEOUT} seconds") from None


def run(directory: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
    """Run a Terraform command in a directory; the result is what it prints.

    Raises:
        Failed: with what it said.
    """
    done = execute(directory, *arguments, extra=extra)
    if done.returncode:
        raise Failed(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def events(directory: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Run a command that speaks JSON, line by line; the result is all that it says.

    Raises:
        Failed: with every error.
    """
    done = execute(directory, *arguments, "-json", extra=extra)
    said = spoken(done.stdout)
    if done.returncode:
        raise Failed("\n\n".join(errors(said).values()) or done.stderr.strip())
    return said


def spoken(output: str) -> list[dict[str, Any]]:
    """What a command said, line by line."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def errors(said: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The errors among what a command said, by the address that they are about."""
    found: dict[str, str] = {}
    for event in said:
        diagnostic = event.get("diagnostic")
        if diagnostic and diagnostic["severity"] == "error":
            about = diagnostic.get("address") or str(len(found))
            found[about] = f"{about}: {diagnostic['summary']}\n{diagnostic.get('detail', '')}".strip()
    return found


def init(directory: Path) -> None:
    """Make a directory ready for the other commands."""
    run(directory, "init", "-no-color")


@functools.cache
def schema() -> dict[str, Any]:
    """The provider's part of `terraform providers schema -json`, kept from one run to the next."""
    file = cache() / f"aws-{VERSION}.json"
    if not file.exists():
        with tempfile.TemporaryDirectory() as directory:
            wanted = {"aws": {"source": "hashicorp/aws", "version": VERSION}}
            root = Path(directory)
            (root / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": wanted}}))
            init(root)
            (provider,) = json.loads(run(root, "providers", "schema", "-json"))["provider_schemas"].values()
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = {key: provider[key] for key in ("provider", "resource_schemas", "data_source_schemas")}
        _write(file, json.dumps(kept))
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded
