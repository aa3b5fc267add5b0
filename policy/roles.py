"""IAM roles of the program that other resources work under."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .documents import listed, statements
from .graph import Graph, Resource


def roles(graph: Graph, resource: Resource, key: str, value: Any) -> Iterator[Resource]:
    """The role that a value of a property means, by ARN or by name; raises `Unknown` for one that can't be told."""
    yield from named(graph, value) or graph.targets(resource, key, "iam/role", value=value)


def named(graph: Graph, value: Any) -> list[Resource]:
    """The roles of the program that a name or an ARN names."""
    return graph.once("roles by name", _by_name).get(str(value).rpartition("/")[2], [])


def admitted(role: Resource, service: str) -> set[str]:
    """The actions by which a role's trust policy lets a service in."""
    allowed: set[str] = set()
    for statement in statements(role, "assumeRolePolicy"):
        principal = statement.get("Principal")
        services = listed(principal.get("Service")) if isinstance(principal, Mapping) else []
        if statement.get("Effect") == "Allow" and service in services:
            allowed |= {str(action) for action in listed(statement.get("Action"))}
    return allowed


def _by_name(graph: Graph) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for role in graph.of_type("iam/role"):
        if isinstance(name := role.props.get("name"), str):
            found.setdefault(name, []).append(role)
    return found
