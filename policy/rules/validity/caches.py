"""ElastiCache: nodes, versions, parameter groups and tokens that it takes together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...caches import inherits
from ...graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek, yes
from ...rule import rule
from .values import FAMILY, number, punctuation, text

GROUP = "elasticache/replicationGroup"


@rule(
    "cache-authentication-needs-tls", GROUP,
    family=FAMILY, severity="high", alone=True,
    title="What authenticates speaks TLS",
    controls="FSBP ElastiCache.5, FSBP ElastiCache.6",
    remediation="Set transitEncryptionEnabled to true beside authToken or userGroupIds",
)  # fmt: skip
def cache_authentication_needs_tls(cache: Resource, graph: Graph) -> Iterator[str]:
    """ElastiCache user guide, "Authenticating with the AUTH command" and "Role-Based Access Control"."""
    named = [key for key in ("authToken", "authTokenWo", "userGroupIds") if given(cache, key)]
    if named and not yes(cache, "transitEncryptionEnabled"):
        yield f"it has {named[0]} and doesn't speak TLS"
    if "userGroupIds" in named and len(named) > 1:
        yield "it has both a token and user groups"


_GENERATOR = "random:index/randomPassword:RandomPassword"
_TAKEN = set("!&#$^<>-")


@rule(
    "cache-auth-token", GROUP,
    family=FAMILY, severity="medium",
    title="ElastiCache takes the token",
    controls="",
    remediation="Let it have 16 to 128 letters and digits, and no punctuation but ! & # $ ^ < > -",
)  # fmt: skip
def cache_auth_token(cache: Resource, graph: Graph) -> Iterator[str]:
    """ElastiCache user guide, "Authenticating with the AUTH command". One that `random.RandomPassword` makes is judged
    by what that may make."""
    if not given(cache, "authToken"):
        return
    token = peek(cache, "authToken")

    def generated(generator: Resource) -> Iterator[str]:
        if not 16 <= (number(generator, "length") or 0) <= 128:
            yield "its generated token is too short or too long"
        if punctuation(generator) - _TAKEN:
            yield "its generated token may have a character that ElastiCache refuses"

    try:
        yield from each(graph.targets(cache, "authToken", _GENERATOR, value=UNKNOWN), generated)
    except Unknown:
        if not isinstance(token, str):
            raise
    if isinstance(token, str):
        if not 16 <= len(token) <= 128:
            yield "its token is too short or too long"
        if not re.fullmatch(r"[A-Za-z0-9!&#$^<>-]*", token):
            yield "its token has a character that ElastiCache refuses"


@rule(
    "cache-nodes", GROUP,
    family=FAMILY, severity="medium", alone=True,
    title="Redis has the nodes that its failover needs",
    controls="",
    remediation="Set numCacheClusters to 2 or more, or replicasPerNodeGroup to 1 or more, for automatic failover; and "
    "automaticFailoverEnabled for multiAzEnabled or for shards",
)  # fmt: skip
def cache_nodes(cache: Resource, graph: Graph) -> Iterator[str]:
    """ElastiCache API reference, CreateReplicationGroup. A group with shards can fail over without replicas."""
    shards, clusters = number(cache, "numNodeGroups"), number(cache, "numCacheClusters")
    replicas = number(cache, "replicasPerNodeGroup")
    sharded = shards is not None or replicas is not None or given(cache, "nodeGroupConfigurations")
    if sharded and clusters is not None:
        yield "it has both numCacheClusters and shards"
        return
    if given(cache, "globalReplicationGroupId"):
        return
    failover, zones = yes(cache, "automaticFailoverEnabled"), yes(cache, "multiAzEnabled")
    if failover and not sharded and (clusters or 1) < 2:
        yield "it has one node, and nothing to fail over to"
    if zones and not failover:
        yield "it has multiAzEnabled without automaticFailoverEnabled"
    if zones and sharded and not replicas and not given(cache, "nodeGroupConfigurations"):
        yield "it has multiAzEnabled and no replica to be in another zone"
    if (shards or 1) > 1 and not failover:
        yield "it has shards without automaticFailoverEnabled"
    if (replicas or 0) > 5 or (clusters or 1) > 6:
        yield "it has more than five replicas"
    preferred = list(items(cache, "preferredCacheClusterAzs"))
    if preferred and not sharded and len(preferred) != (clusters or 1):
        yield "its preferredCacheClusterAzs doesn't name a zone for each node"


# ElastiCache user guide, "Supported engines and versions": the family of each release line.
_FAMILIES = {
    "redis": {"4.0": "redis4.0", "5.0": "redis5.0", "6.0": "redis6.x", "6.2": "redis6.x", "6.x": "redis6.x",
              "7.0": "redis7", "7.1": "redis7"},
    "valkey": {"7.2": "valkey7", "8.0": "valkey8", "8.1": "valkey8", "8.2": "valkey8"},
}  # fmt: skip


def _line(engine: str, version: str) -> str | None:
    """The release line of a version: patch releases were written until Redis 5, and never since."""
    found = re.fullmatch(r"(\d+\.(?:\d+|x))(\.\d+)?", version)
    if not found or bool(found[2]) != (engine == "redis" and int(version.split(".")[0]) < 6):
        return None
    return found[1]


def _release(cache: Resource) -> tuple[str, str | None]:
    """The engine and version that a cache asks for."""
    inherits(cache, "engineVersion")
    return text(cache, "engine") or "redis", text(cache, "engineVersion")


@rule(
    "cache-engine-version", GROUP,
    family=FAMILY, severity="medium", alone=True,
    title="ElastiCache offers the engine's version",
    controls="",
    remediation="Set engineVersion to a release line that ElastiCache offers, such as 7.1 for redis or 8.1 for valkey",
)  # fmt: skip
def cache_engine_version(cache: Resource, graph: Graph) -> Iterator[str]:
    if not given(cache, "engineVersion"):
        return
    engine, version = _release(cache)
    line = _line(engine, version or "")
    if engine not in _FAMILIES:
        yield "its engine is none of a replication group's"
    elif line is None:
        yield "its engineVersion isn't written as its engine's versions are"
    elif line not in _FAMILIES[engine]:
        if _order(line) > max(map(_order, _FAMILIES[engine])):
            raise Unknown("whether ElastiCache offers a version so new")
        yield "its engineVersion is of a release that ElastiCache doesn't offer"


def _order(line: str) -> tuple[int, int]:
    major, _, minor = line.partition(".")
    return int(major), 99 if minor == "x" else int(minor)


@rule(
    "cache-parameter-group", GROUP,
    family=FAMILY, severity="medium",
    title="A Redis group's parameter group is of its engine and version",
    controls="",
    remediation="Set the parameter group's family to that of the engine and version, such as redis7 or valkey8, and "
    "its parameter cluster-enabled to yes exactly where there are shards",
)  # fmt: skip
def cache_parameter_group(cache: Resource, graph: Graph) -> Iterator[str]:
    """Without a version of its own the group gets ElastiCache's default one, which changes: that can't be verified."""
    key = "parameterGroupName"
    if not given(cache, key):
        return
    shards = number(cache, "numNodeGroups")

    def judge(family: Any, clustered: bool) -> Iterator[str]:
        engine, version = _release(cache)
        if not str(family).startswith(engine):
            yield "its parameter group is of another engine's family"
        elif version is None:
            raise Unknown("engineVersion, which AWS chooses,")
        elif (expected := _FAMILIES.get(engine, {}).get(_line(engine, version) or "")) is None:
            raise Unknown("the family of its engineVersion")
        elif family != expected:
            yield "its parameter group is of another release's family than its engineVersion"
        if (shards or 1) > 1 and not clustered:
            yield "it has shards, and its parameter group doesn't set cluster-enabled"

    def of(group: Resource) -> Iterator[str]:
        found = {peek(parameter, "name"): peek(parameter, "value") for parameter in items(group, "parameters")}
        if "cluster-enabled" not in found and UNKNOWN in found:
            raise Unknown(f"parameters of {group.label}")
        yield from judge(get(group, "family"), get(found, "cluster-enabled") == "yes")

    value = peek(cache, key)
    if isinstance(value, str) and value.startswith("default."):
        family, clustered, _ = value.removeprefix("default.").partition(".cluster.on")
        yield from judge(family, bool(clustered))
    else:
        yield from each(graph.targets(cache, key, "elasticache/parameterGroup"), of)
