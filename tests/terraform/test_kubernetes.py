"""The cluster as Terraform: pulumi-eks's component comes apart into what it makes."""

import json

import pulumi
import pulumi_aws as aws
import pytest

from components.kubernetes import Kubernetes, KubernetesArgs
from terraform import conformance, provider, simulated
from terraform.export import Missing, export_program
from tests.components.tiers import alb, logs, network, security

ARGS = {
    "access_entries": {"operators": {"principal_arn": "arn:aws:iam::123456789012:role/operators"}},
    "service_accounts": {"orders": {"namespace": "shop", "service_account": "orders"}},
    "node_groups": {
        "general": {},
        "batch": {
            "capacity": "SPOT",
            "instance_types": ["m7i.large", "m6i.large"],
            "labels": {"pool": "batch"},
            "taints": {"batch": {"value": "yes"}},
        },
    },
}


def program():
    keys, net = security(), network(nat="single")
    balancer = alb("vpc", net, logs())
    args = KubernetesArgs.model_validate(ARGS)
    cluster = Kubernetes("k", args, subnets=net.private, key=keys.data, logs_key=keys.logs, alb=balancer)
    pulumi.export("endpoint", cluster.endpoint)
    pulumi.export("oidc_provider_arn", cluster.oidc_provider_arn)


@pytest.fixture(scope="module")
def exported(names):
    return export_program(program, names, config={"aws:region": "eu-west-1"}, version=provider.VERSION)


@pytest.fixture(scope="module")
def resources(exported):
    return exported.files["main.tf.json"]["resource"]


def test_the_component_comes_apart(exported, resources):
    cluster = resources["aws_eks_cluster"]["k-eksCluster"]
    assert cluster["access_config"] == [
        {"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False}
    ]
    assert cluster["vpc_config"][0]["subnet_ids"] == [
        f"${{aws_subnet.network-private-eu-west-1{zone}.id}}" for zone in "ab"
    ]
    assert cluster["lifecycle"] == {
        "prevent_destroy": True,
        "ignore_changes": [
            "access_config[0].bootstrap_cluster_creator_admin_permissions",
            "bootstrap_self_managed_addons",
            "vpc_config[0].subnet_ids",
        ],
    }
    assert resources["aws_iam_openid_connect_provider"]["k-oidcProvider"]["url"] == (
        "${aws_eks_cluster.k-eksCluster.identity[0].oidc[0].issuer}"
    )
    assert exported.files["outputs.tf.json"]["output"] == {
        "endpoint": {"value": "${aws_eks_cluster.k-eksCluster.endpoint}"},
        "oidc_provider_arn": {"value": "${aws_iam_openid_connect_provider.k-oidcProvider.arn}"},
    }


def test_what_the_component_waits_for_its_children_wait_for(resources):
    needed = {
        "aws_cloudwatch_log_group.k-control-plane",
        "aws_iam_role_policy_attachment.k-cluster-AmazonEKSClusterPolicy",
    }
    assert needed <= set(resources["aws_eks_cluster"]["k-eksCluster"]["depends_on"])


def test_the_nodes_reach_the_load_balancer(resources):
    assert {name: r["autoscaling_group_name"] for name, r in resources["aws_autoscaling_attachment"].items()} == {
        f"k-{group}": f"${{aws_eks_node_group.k-{group}.resources[0].autoscaling_groups[0].name}}"
        for group in ("general", "batch")
    }


def test_what_has_no_counterpart(exported):
    missing = {(lacks.what, lacks.where) for lacks in exported.missing if "eks" in lacks.what + lacks.where}
    assert missing == {
        ("pulumi:providers:kubernetes", "k-eks-k8s"),
        ("aws_eks_cluster.deletionProtection", "aws:eks/cluster:Cluster k-eksCluster"),
    }


def test_the_provider_plans_it(exported, tmp_path):
    with simulated.server() as address:
        root = conformance.root(exported, tmp_path)
        assert json.loads(provider.run(root, "validate", "-json"))["diagnostics"] == []
        assert conformance.plan(root, address)["add"] == len(exported.addresses)


def test_providers_of_other_packages_are_named(names):
    def with_another():
        pulumi.ProviderResource("kubernetes", "elsewhere", {})
        aws.sns.Topic("topic")

    exported = export_program(with_another, names, config={"aws:region": "eu-west-1"}, version=provider.VERSION)
    assert exported.missing == [Missing("pulumi:providers:kubernetes", "elsewhere", "the provider of another package")]
