"""The names by which the engine knows what stands: `python -m tests.urns` writes tests/urns/*.txt anew.

The engine tells resources by their URN: a new one means deletion and creation, unless an alias names the old one. A
resource whose name has changed on purpose, without an alias because nothing is lost, is a change to the list that a
reviewer sees.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from standin.mocks import Recording, Registration
from tests.registered import STACKS, run_stack

FOLDER = Path(__file__).with_name("urns")


def short(urn: str) -> str:
    """A URN without what it has in common with the whole stack's."""
    return urn.split("::", 2)[2]


def vanished(recording: Recording, golden: Collection[str]) -> list[str]:
    """The URNs of the list that neither a resource nor an alias has, each with what to do."""
    by_urn = {r.urn: r for r in recording.registrations}
    known = {short(urn) for r in recording.registrations for urn in names(r, by_urn)}
    return [
        f"{urn} is gone from {recording.stack}: what stands would be deleted, and made anew under its new name. Give "
        f"the resource `aliases=[pulumi.Alias(...)]`; or, if nothing is lost by it, run `python -m tests.urns` and "
        f"have the change of the list reviewed"
        for urn in sorted(set(golden) - known)
    ]


def names(r: Registration, by_urn: Mapping[str, Registration]) -> set[str]:
    """A resource's URN and those that it had, by aliases of its own and of what it is a part of."""
    stack, project, _, _ = r.urn.split("::", 3)
    parents: Iterable[str | None] = names(by_urn[r.parent], by_urn) if r.parent else [None]
    found = {r.urn}
    for alias in [{}, *r.options.get("aliases", ())]:
        if isinstance(alias, str):
            found.add(alias)
            continue
        named = [alias["parentUrn"]] if "parentUrn" in alias else [None] if alias.get("noParent") else parents
        for parent in named:
            name = alias.get("name", r.name)
            if parent and r.parent and "name" not in alias:  # a part that carries the name of the whole
                old, new = (urn.rpartition("::")[2] for urn in (parent, r.parent))
                name = old + name.removeprefix(new) if name.startswith(new) else name
            types = "" if parent is None else parent.split("::", 3)[2] + "$"
            found.add("::".join((stack, project, types + alias.get("type", r.type), name)))
    return found


def urns(recording: Recording) -> list[str]:
    """What a program registers, but the stack itself and providers."""
    return sorted(short(r.urn) for r in recording.registrations if not r.type.startswith("pulumi:"))


def write() -> None:
    for stack in STACKS:
        (FOLDER / f"{stack}.txt").write_text("".join(f"{urn}\n" for urn in urns(run_stack(stack))), encoding="utf-8")


if __name__ == "__main__":
    write()
