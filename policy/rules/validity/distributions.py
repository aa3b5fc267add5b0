"""CloudFront: origins and certificates that are there, and where they have to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...graph import UNKNOWN, Graph, Resource, Unknown, each, given, items, peek, yes
from ...rule import rule
from .values import FAMILY, text


@rule(
    "distribution-origins", "cloudfront/distribution",
    family=FAMILY, severity="medium", alone=True,
    title="Every behaviour of a distribution has an origin",
    controls="",
    remediation="Set targetOriginId to the originId of an origin or an origin group of the distribution",
)  # fmt: skip
def distribution_origins(distribution: Resource, graph: Graph) -> Iterator[str]:
    def named(path: str) -> set[Any]:
        return {found for item in items(distribution, path) if not isinstance(found := peek(item, "originId"), list)}

    def missing(target: Any, among: set[Any]) -> bool:
        if target is UNKNOWN or (target not in among and UNKNOWN in among):
            raise Unknown("originId")
        return target not in among

    origins = named("origins")
    targets = origins | named("originGroups")

    def behaviour(found: Any) -> Iterator[str]:
        if missing(text(found, "targetOriginId"), targets):
            yield "a cache behaviour names an origin that it doesn't have"

    def group(found: Any) -> Iterator[str]:
        if any(missing(text(member, "originId"), origins) for member in items(found, "members")):
            yield "an origin group names an origin that it doesn't have"

    yield from each(
        (
            each(items(distribution, "defaultCacheBehavior"), behaviour),
            each(items(distribution, "orderedCacheBehaviors"), behaviour),
            each(items(distribution, "originGroups"), group),
        ),
        lambda found: found,
    )


@rule(
    "distribution-certificate", "cloudfront/distribution",
    family=FAMILY, severity="medium", alone=True,
    title="A distribution with names of its own has a certificate of its own",
    controls="",
    remediation="Set viewerCertificate.acmCertificateArn to a certificate for the aliases, made in us-east-1",
)  # fmt: skip
def distribution_certificate(distribution: Resource, graph: Graph) -> Iterator[str]:
    """CloudFront developer guide, "Requirements for using alternate domain names"."""
    if not any(True for _ in items(distribution, "aliases")):
        return
    if yes(distribution, "viewerCertificate.cloudfrontDefaultCertificate") or not (
        given(distribution, "viewerCertificate.acmCertificateArn")
        or given(distribution, "viewerCertificate.iamCertificateId")
    ):
        yield "it has aliases, and CloudFront's certificate, which doesn't cover them"


@rule(
    "distribution-certificate-region", "cloudfront/distribution",
    family=FAMILY, severity="medium",
    title="A distribution's certificate is in us-east-1",
    controls="",
    remediation="Make the certificate in us-east-1, by a provider or with region of its own",
)  # fmt: skip
def distribution_certificate_region(distribution: Resource, graph: Graph) -> Iterator[str]:
    """CloudFront developer guide, "AWS Region for AWS Certificate Manager"."""
    path = "viewerCertificate.acmCertificateArn"
    if not given(distribution, path):
        return
    value = peek(distribution, path)
    if isinstance(value, str) and value.startswith("arn:"):
        if value.split(":")[3:4] != ["us-east-1"]:
            yield "its certificate isn't in us-east-1"
        return

    def judge(certificate: Resource) -> Iterator[str]:
        if graph.region(certificate) != "us-east-1":
            yield f"{certificate.label} isn't in us-east-1"

    yield from each(graph.targets(distribution, path, "acm/certificateValidation", "acm/certificate"), judge)
