"""The cluster under the real engine: pulumi-eks's children and all, and what a change of settings comes to."""

import json
import textwrap
from typing import Any

import pytest

from sandbox.engine import Engine
from standin.mocks import run_program

pytestmark = pytest.mark.engine

PROGRAM = """
import json
from pathlib import Path

import pulumi

from components.kubernetes import Kubernetes, KubernetesArgs
from tests.components.tiers import alb, logs, network, security

keys, net = security(), network()
cluster = Kubernetes(
    "kubernetes",
    KubernetesArgs.model_validate(json.loads(Path("settings.json").read_text())),
    subnets=net.private,
    key=keys.data,
    logs_key=keys.logs,
    alb=alb("vpc", net, logs()),
)
for output in ("cluster_name", "endpoint", "oidc_provider_arn", "node_role_arn"):
    pulumi.export(output, getattr(cluster, output))
"""
SETTINGS: dict[str, Any] = {
    "access_entries": {"operators": {"principal_arn": "arn:aws:iam::123456789012:role/operators"}},
    "service_accounts": {"orders": {"namespace": "shop", "service_account": "orders"}},
    "node_groups": {"general": {}, "batch": {"capacity": "SPOT", "instance_types": ["m7i.large", "m6i.large"]}},
}


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    configure(folder)
    return folder


def configure(project, **changes):
    """What the program reads its settings from."""
    (project / "settings.json").write_text(json.dumps({**SETTINGS, **changes}))


def operations(result):
    """What happened to what, but for what stayed as it was: by type and name."""
    return {
        (urn.split("::")[2].split("$")[-1].split(":")[-1], urn.split("::")[3]): operation
        for urn, operation in result.operations.items()
        if operation != "same"
    }


def test_the_cluster_is_made_once_and_left_alone(project, tmp_path):
    recording = run_program(project, "test", {"aws:region": "eu-west-1"})
    with Engine(tmp_path / "state", project, "test") as engine:
        preview = engine.preview()
        assert preview.errors == []
        update = engine.up()
        assert update.errors == []
        assert update.changes == preview.changes
        assert update.outputs == recording.outputs
        held = {resource["urn"]: resource for resource in engine.resources()}
        recorded = {r.urn: r for r in recording.registrations}
        assert {urn for urn in held if "::pulumi:providers:" not in urn} == {
            "urn:pulumi:test::platform::pulumi:pulumi:Stack::platform-test",
            *recorded,
        } - {urn for urn in recorded if "::pulumi:providers:" in urn}
        for urn, r in recorded.items():
            if r.custom and "providers:" not in r.type:
                assert held[urn]["id"] == r.outputs["id"]
                given = {key: held[urn]["inputs"].get(key) for key in r.inputs}  # it has generated names besides
                assert given == r.inputs, urn
        (provider,) = [r for r in held.values() if r["type"] == "pulumi:providers:kubernetes"]
        assert json.loads(provider["inputs"]["kubeconfig"]) == {"apiVersion": "v1", "kind": "Config"}

        again = engine.up()
        assert again.errors == []
        assert again.changed == {}
        assert engine.refresh().changed == {}
        end = engine.destroy()
        assert end.errors == []
        assert engine.resources() == []


def test_changes_touch_what_they_are_about(project, tmp_path):
    with Engine(tmp_path / "state", project, "test") as engine:
        assert engine.up().errors == []
        general = SETTINGS["node_groups"]["general"]
        batch = SETTINGS["node_groups"]["batch"]

        # The number of nodes is whoever scales the group's business, once it is there.
        configure(project, node_groups={"general": {"desired_size": 3}, "batch": batch})
        assert operations(engine.preview()) == {}

        configure(project, node_groups={"general": general, "batch": batch, "arm": {}})
        assert operations(engine.preview()) == {
            ("LaunchTemplate", "kubernetes-arm"): "create",
            ("NodeGroup", "kubernetes-arm"): "create",
            ("Attachment", "kubernetes-arm"): "create",
        }

        # Another kind of instance takes another group, which is there before the first one goes.
        configure(project, node_groups={"general": general, "batch": {**batch, "instance_types": ["m7i.xlarge"]}})
        assert operations(engine.preview()) == {
            ("Attachment", "kubernetes-batch"): "delete-replaced",
            ("NodeGroup", "kubernetes-batch"): "delete-replaced",
        }

        configure(project, access_entries={}, version="1.36", creator_is_admin=True)
        assert operations(engine.preview()) == {
            ("AccessEntry", "kubernetes-operators"): "delete",
            ("AccessPolicyAssociation", "kubernetes-operators"): "delete",
            ("Cluster", "kubernetes"): "update",  # pulumi-eks's component
            ("Cluster", "kubernetes-eksCluster"): "update",
            ("NodeGroup", "kubernetes-general"): "update",
            ("NodeGroup", "kubernetes-batch"): "update",
        }


def test_what_the_stand_in_does_not_know_is_named(project, tmp_path):
    program = PROGRAM + textwrap.dedent(
        """
        import pulumi_eks as eks
        eks.Cluster("other", fargate=True, opts=pulumi.ResourceOptions(depends_on=[keys]))
        """
    )
    (project / "__main__.py").write_text(program)
    with Engine(tmp_path / "state", project, "test") as engine:
        preview = engine.preview()
    assert not preview.ok
    assert "eks:index:Cluster other: the stand-in doesn't know what fargate leads to" in "\n".join(preview.errors)
