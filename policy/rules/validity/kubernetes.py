"""EKS: Kubernetes versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...graph import Graph, Resource, Unknown
from ...rule import rule
from .values import FAMILY, text

# EKS user guide, "Kubernetes release calendar": extended support of 1.30 ended on 23 July 2026, and a newer one than
# 1.35 may be there by now.
_OLDEST, _NEWEST = 31, 35


@rule(
    "cluster-version", "eks/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="EKS offers the Kubernetes version",
    controls="",
    remediation="Set version to 1. and a minor release that EKS offers, without a patch release",
)  # fmt: skip
def cluster_version(cluster: Resource, graph: Graph) -> Iterator[str]:
    version = text(cluster, "version")
    if version is None:
        return
    found = re.fullmatch(r"1\.([1-9][0-9]{1,2})", version)
    if not found:
        yield "its version isn't of the form 1.NN"
    elif int(found[1]) < _OLDEST:
        yield "its version is no longer offered"
    elif int(found[1]) > _NEWEST:
        raise Unknown("whether EKS offers a version so new")
