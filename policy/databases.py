"""Replicas: what they don't say of themselves is as their source has it."""

from __future__ import annotations

from .graph import Graph, Resource, Unknown, given


def speaker(database: Resource, graph: Graph, path: str) -> Resource:
    """The database whose setting counts: this one where it has the setting, else what it is a replica of."""
    seen: set[str] = set()
    while database.short == "rds/instance" and not given(database, path) and given(database, "replicateSourceDb"):
        seen.add(database.urn)
        source = next(graph.targets(database, "replicateSourceDb", "rds/instance"), None)
        if source is None or source.urn in seen:
            raise Unknown(f"what {database.label} is a replica of")
        database = source
    return database
