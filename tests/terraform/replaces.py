"""`python -m tests.terraform.replaces` asks the real provider what replaces, and writes standin/replaces.json anew."""

import json
import textwrap
from collections.abc import Mapping, Sequence

from standin.mocks import Registration
from standin.replacement import FILE, kind
from terraform import plugin, provider
from terraform.names import Names
from terraform.replacement import table
from tests.registered import STACKS, run_stack
from tests.test_program import MATRIX

VARIANTS = (
    "Classic load balancer",
    "zone created",
    "QuickSight with all of its sources",
    "Grafana by SAML, in the VPC",
    "delivery",
    "analytics from a replica, with a crawler",
    "analytics on a cluster that stays",
    "node groups of each kind",
    "backend's own Network Load Balancer",
)
"""Of dev: they bring the types that neither stack has."""
SOURCE = f"hashicorp/aws {provider.VERSION}: PlanResourceChange with one property changed at a time; make replaces"


def of_the_stacks() -> list[Registration]:
    """What both stacks register."""
    return [r for stack in STACKS for r in run_stack(stack).registrations]


def registered() -> list[Registration]:
    """Every type that the library registers, the stacks' own uses of it first."""
    found = of_the_stacks()
    kinds = {kind(r.type, r.inputs) for r in found}
    more = [r for name in VARIANTS for r in run_stack("dev", **MATRIX[name]).registrations]
    return [*found, *(r for r in more if kind(r.type, r.inputs) not in kinds)]


def written(types: Mapping[str, Sequence[str]]) -> str:
    """The file, a type to a line as far as it fits."""
    fold = textwrap.TextWrapper(120, "    ", subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False)
    lines = ",\n".join(fold.fill(f"{json.dumps(of)}: {json.dumps(paths)}") for of, paths in types.items())
    return f'{{\n  "source": {json.dumps(SOURCE)},\n  "types": {{\n{lines}\n  }}\n}}\n'


def write() -> None:
    with plugin.serve() as asked:
        FILE.write_text(written(table(registered(), Names(provider.schema()), asked)), encoding="utf-8")


if __name__ == "__main__":
    write()
