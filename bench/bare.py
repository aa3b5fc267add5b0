"""Registers the resources in a file through pulumi_aws's classes, under Pulumi's plain mocks, and nothing else.

`python -m bench.bare FILE [lean]`: what any preview has to pay, imports included. `lean` spares it what the preview
spares itself: garbage collection, and an orderly exit.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pulumi


class Mocks(pulumi.runtime.Mocks):
    """Every resource is what was asked for."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return f"{args.name}-id", args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


PACKAGES = {"grafana": "pulumiverse_grafana"}
"""Python packages that aren't called like what Pulumi calls them."""


@cache
def resource_class(type_: str) -> tuple[Any, frozenset[str]]:
    """The class of a type token, and the arguments that it takes."""
    package, module, name = type_.split(":")
    inside = module.split("/")[0]
    path = [PACKAGES.get(package, f"pulumi_{package}"), *([inside] if inside != "index" else [])]
    found: Any = importlib.import_module(path[0])
    for part in (*path[1:], name):
        found = getattr(found, part)
    return found, frozenset(inspect.signature(found._internal_init).parameters)


def python_name(key: str) -> str:
    """`cidrBlock` as `cidr_block`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()


def register(resources: list[dict[str, Any]]) -> None:
    """Registers resources, each after its parent."""
    made: dict[str | None, pulumi.Resource] = {}
    for item in resources:
        opts = pulumi.ResourceOptions(parent=made.get(item["parent"]))
        if not item["custom"]:
            made[item["urn"]] = pulumi.ComponentResource(item["type"], item["name"], None, opts)
            continue
        if item["type"].startswith("pulumi:providers:"):
            package = item["type"].rpartition(":")[2]
            made[item["urn"]] = pulumi.ProviderResource(package, item["name"], item["inputs"], opts)
            continue
        found, names = resource_class(item["type"])
        arguments = {python_name(k): v for k, v in item["inputs"].items()}
        if unknown := arguments.keys() - names:
            raise SystemExit(f"{item['type']} takes no {', '.join(sorted(unknown))}")
        made[item["urn"]] = found(item["name"], **arguments, opts=opts)


if __name__ == "__main__":
    lean = "lean" in sys.argv
    if lean:
        gc.disable()
    resources = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    pulumi.runtime.set_mocks(Mocks())
    pulumi.runtime.test(lambda: register(resources))()  # type: ignore[no-untyped-call]
    if lean:
        os._exit(0)
