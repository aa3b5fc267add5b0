"""ElastiCache: what a cache is, of the two types that make one."""

from __future__ import annotations

from .graph import Resource, Unknown, get, given


def is_member(cache: Resource) -> bool:
    """Whether it is a node of a replication group, which speaks for it."""
    return cache.short == "elasticache/cluster" and given(cache, "replicationGroupId")


def is_redis(cache: Resource) -> bool:
    """Whether it is Redis or Valkey; else it is Memcached."""
    return cache.short == "elasticache/replicationGroup" or get(cache, "engine") in ("redis", "valkey")


def inherits(cache: Resource, path: str) -> None:
    """Raise where a setting is that of a global datastore, which is outside the program's group."""
    group = cache.short == "elasticache/replicationGroup"
    if group and not given(cache, path) and given(cache, "globalReplicationGroupId"):
        raise Unknown(f"{path} of its global datastore")
