"""What the pack may mend by itself, where it is told to: each change takes nothing from what a program meant.

Whoever still speaks TLS 1.0 or asks for metadata without a token is shut out by it: that is what the rules demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .evaluate import Choice, judge
from .graph import UNKNOWN, Graph, Resource, given, peek
from .rule import RULES
from .rules.validity.names import TAGGED

Edit = tuple[tuple[str, ...], str]
"""A property's path, and its value."""

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
TLS_VERSION = "TLSv1.2_2021"


def _metadata(resource: Resource) -> Iterator[Edit]:
    yield ("metadataOptions", "httpTokens"), "required"


def _listener(listener: Resource) -> Iterator[Edit]:
    yield ("sslPolicy",), TLS_POLICY


def _distribution(distribution: Resource) -> Iterator[Edit]:
    """With CloudFront's own certificate there is no choice of version."""
    certificates = ("viewerCertificate.acmCertificateArn", "viewerCertificate.iamCertificateId")
    if any(given(distribution, certificate) for certificate in certificates):
        yield ("viewerCertificate", "minimumProtocolVersion"), TLS_VERSION


REMEDIES: dict[str, Callable[[Resource], Iterator[Edit]]] = {
    "distribution-tls-version": _distribution,
    "instance-metadata-v2": _metadata,
    "listener-tls-policy": _listener,
}
"""By the rule whose violation each one mends."""


def edits(resource: Resource, rules: Iterable[str], tags: Mapping[str, str]) -> Iterator[Edit]:
    """What to change of a resource. What isn't known, or can't be verified, is left as it is."""
    for rule in (RULES[id] for id in rules):
        if resource.short in rule.types:
            found = judge(rule, resource, Graph([resource]), Choice("mandatory"))
            if found and found[0].verdict == "fail":
                yield from REMEDIES[rule.id](resource)
    present = peek(resource, "tags")
    if resource.short in TAGGED and present is not UNKNOWN:
        yield from ((("tags", key), value) for key, value in tags.items() if key not in (present or {}))


def apply(inputs: dict[str, Any], found: Iterable[Edit], opaque: Callable[[Any], bool]) -> bool:
    """Change the inputs; says whether it did. What is opaque (unknown or secret) is not looked into."""
    changed = False
    for path, value in found:
        holder: Any = inputs
        for key in path[:-1]:
            inner = holder.get(key)
            if isinstance(inner, list) and len(inner) == 1:  # a block that occurs once can come as a list of one
                inner = inner[0]
            if inner is None:
                inner = holder[key] = {}
            holder = inner
            if not isinstance(holder, dict) or opaque(holder):
                break
        else:
            holder[path[-1]] = value
            changed = True
    return changed
