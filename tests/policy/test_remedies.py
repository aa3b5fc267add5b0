"""What the pack mends where it is told to, through the SDK's own servicer."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format
from pulumi.runtime import proto
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from policy.evaluate import Choice, judge
from policy.graph import UNKNOWN, Graph, Resource
from policy.remedies import REMEDIES, apply, edits
from policy.rule import RULES
from tests.policy.build import res, resources
from tests.policy.cases import CASES
from tests.policy.crossguard import Pack, wire
from tests.policy.test_pack import mandatory


def remedied(resource: Resource, level: Any = proto.REMEDIATE, **config: Any) -> dict[str, Any] | None:
    """The inputs as the engine gets them back; None where nothing comes back."""
    pack = Pack()
    request = proto.ConfigureAnalyzerRequest()
    request.policyConfig["remediation"].enforcementLevel = level
    request.policyConfig["remediation"].properties.update(config)
    if level is not None:
        pack.servicer.Configure(request, None)
    asked = proto.AnalyzeRequest(
        type=resource.type, urn=resource.urn, name=resource.name, properties=wire(resource.props)
    )
    found = pack.servicer.Remediate(asked, None).remediations
    assert len(found) <= 1
    assert all(not remediation.diagnostic for remediation in found)
    return json_format.MessageToDict(found[0].properties) if found else None


def one(type: str, **props: Any) -> Resource:
    return Resource(f"urn:pulumi:dev::p::{type}::x", res(type, "x").type, "x", props)


def test_it_is_off_by_default() -> None:
    listener = one("lb/listener", protocol="HTTPS")
    request = proto.AnalyzeRequest(type=listener.type, urn=listener.urn, name="x", properties=wire(listener.props))
    assert list(Pack().servicer.Remediate(request, None).remediations) == []
    for level in (proto.DISABLED, proto.ADVISORY, proto.MANDATORY):
        assert remedied(listener, level) is None


@pytest.mark.parametrize(
    ("resource", "mended"),
    [
        (one("lb/listener", protocol="HTTPS", port=443), {"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}),
        (one("lb/listener", protocol="TLS", sslPolicy="ELBSecurityPolicy-2016-08"),
         {"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}),
        (one("lb/listener", protocol="HTTP"), None),
        (one("lb/listener", protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06"), None),
        (one("lb/listener", protocol="HTTPS", sslPolicy=UNKNOWN), None),
        (one("ec2/instance"), {"metadataOptions": {"httpTokens": "required"}}),
        (one("ec2/launchTemplate", metadataOptions={"httpPutResponseHopLimit": 2}),
         {"metadataOptions": {"httpPutResponseHopLimit": 2, "httpTokens": "required"}}),
        (one("ec2/launchTemplate", metadataOptions={"httpTokens": "optional", "httpEndpoint": "disabled"}), None),
        (one("ec2/launchTemplate", metadataOptions=UNKNOWN), None),
        (one("cloudfront/distribution", viewerCertificate={"acmCertificateArn": "arn:x"}),
         {"viewerCertificate": {"acmCertificateArn": "arn:x", "minimumProtocolVersion": "TLSv1.2_2021"}}),
        (one("cloudfront/distribution", viewerCertificate={"cloudfrontDefaultCertificate": True}), None),
        (one("cloudfront/distribution"), None),
        (one("kms/key"), None),
    ],
)  # fmt: skip
def test_what_is_mended(resource: Resource, mended: dict[str, Any] | None) -> None:
    inputs = json_format.MessageToDict(wire(resource.props))
    assert remedied(resource) == (None if mended is None else {**inputs, **mended})


def test_tags_are_added_and_never_changed() -> None:
    tags = {"team": "a", "cost-center": "7"}
    assert remedied(one("s3/bucket", bucket="b"), tags=tags) == {"bucket": "b", "tags": tags}
    assert remedied(one("s3/bucket", tags={"team": "b"}), tags=tags) == {"tags": {"team": "b", "cost-center": "7"}}
    assert remedied(one("s3/bucket", tags=tags), tags=tags) is None
    assert remedied(one("s3/bucket", tags=UNKNOWN), tags=tags) is None
    assert remedied(one("autoscaling/group"), tags=tags) is None  # whose tags are another thing


def test_the_configuration_chooses() -> None:
    instance = one("ec2/instance")
    assert remedied(instance, rules=["listener-tls-policy"]) is None
    assert remedied(instance, rules=["instance-metadata-v2"]) == {"metadataOptions": {"httpTokens": "required"}}


def test_secrets_and_unknowns_come_back_as_they_were() -> None:
    secret = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": "hunter2"}
    resource = one("ec2/instance", userData=secret, subnetId=UNKNOWN, tags={"a": UNKNOWN})
    mended = remedied(resource)
    assert mended == {
        "userData": secret,
        "subnetId": UNKNOWN_STRING_VALUE,
        "tags": {"a": UNKNOWN_STRING_VALUE},
        "metadataOptions": {"httpTokens": "required"},
    }
    hidden = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": {"httpTokens": "optional"}}
    assert remedied(one("ec2/instance", metadataOptions=hidden)) is None


def test_what_is_mended_then_passes() -> None:
    """Over every fixture of the rules that have a remedy."""
    mended = 0
    for case in CASES:
        if case.rule in REMEDIES:
            for world in (*case.ok, *case.bad, *case.unknown):
                resource = resources(*world, known=False)[0]
                inputs = {
                    key: dict(value) if isinstance(value, dict) else value for key, value in resource.props.items()
                }
                if apply(inputs, edits(resource, [case.rule], {}), lambda value: False):
                    after = Resource(resource.urn, resource.type, resource.name, inputs)
                    assert judge(RULES[case.rule], after, Graph([after]), Choice("mandatory")) == []
                    assert world in case.bad
                    mended += 1
    assert mended >= 10


def test_the_policy_that_judges_finds_nothing_left() -> None:
    listener = one("lb/listener", protocol="HTTPS")
    mended = remedied(listener)
    assert mended is not None
    assert "listener-tls-policy" in mandatory(Pack().resource(listener))
    assert "listener-tls-policy" not in mandatory(Pack().resource(one("lb/listener", **mended)))
