"""The engine refuses the real program once it has been made insecure."""

from unittest import mock

import pulumi
import pulumi_aws as aws
import pytest

from components.network import Network
from sandbox.engine import Engine
from tests.registered import ROOT

pytestmark = pytest.mark.engine


def insecure(program):
    """Round the program: no web ACL at the load balancer, and the database unencrypted in public subnets."""

    def unencrypted(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "aws:rds/instance:Instance":
            return None
        return pulumi.ResourceTransformResult({**args.props, "storageEncrypted": False}, args.opts)

    make_network = Network.__init__

    def open_network(self, *args, **kwargs):
        make_network(self, *args, **kwargs)
        self.isolated = self.public

    pulumi.runtime.register_resource_transform(unencrypted)
    with (
        mock.patch.object(aws.wafv2, "WebAclAssociation"),
        mock.patch.object(Network, "__init__", open_network),
    ):
        program()


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("insecure"), ROOT, "dev", policies=ROOT / "policy", wrap=insecure) as engine:
        return engine.preview()


def test_the_preview_fails(refused):
    assert not refused.ok


@pytest.mark.parametrize(
    ("rule", "resource", "finding"),
    [
        ("load-balancer-waf", "lb/loadBalancer:LoadBalancer::alb", "it faces the internet and has no web ACL"),
        ("database-storage-encrypted", "rds/instance:Instance::database-primary", "its storage is not encrypted"),
        ("database-in-private-subnets", "rds/instance:Instance::database-primary", "it is in a public subnet"),
    ],
)
def test_the_rule_says_so_of_the_resource(refused, rule, resource, finding):
    found = [
        violation.message
        for violation in refused.violations
        if violation.level == "mandatory" and violation.urn.endswith(resource) and f"[{rule}]" in violation.message
    ]
    told = [f"{violation.urn}: {violation.message}" for violation in refused.violations]
    assert found, "\n".join([*refused.errors, *told])
    assert all(finding in message for message in found)
