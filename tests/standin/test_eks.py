"""The children of pulumi-eks's cluster, as the recorder registers them."""

import json
from collections import Counter
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pytest

from standin.eks import UnknownComponent
from standin.mocks import UNKNOWN, UnsupportedTransform, record

ARGS: dict[str, Any] = {
    "vpc_id": "vpc-1",
    "subnet_ids": ["subnet-1", "subnet-2"],
    "authentication_mode": eks.AuthenticationMode.API,
    "skip_default_node_group": True,
    "use_default_vpc_cni": True,
    "kube_proxy_addon_options": {"enabled": False},
}


def made(**changes):
    """By type, without the path of the module, and name; None leaves an argument out."""
    unknown, opts = changes.pop("unknown", False), changes.pop("opts", None)
    args = {key: value for key, value in {**ARGS, **changes}.items() if value is not None}
    recording = record(lambda: eks.Cluster("k", opts=opts, **args), region="eu-west-1", unknown=unknown)
    return {(r.type.split(":")[-1], r.name): r for r in recording.registrations}


def test_a_cluster_with_everything_of_its_own():
    found = made()
    assert Counter(kind for kind, _ in found) == {
        "Cluster": 2,  # the component and AWS's
        "ServiceRole": 1,
        "Role": 1,
        "RolePolicyAttachment": 1,
        "SecurityGroup": 2,
        "SecurityGroupRule": 6,
        "kubernetes": 1,
    }
    assert {
        name: (r.inputs["type"], r.inputs["protocol"], r.inputs["fromPort"], r.inputs["toPort"])
        for (kind, name), r in found.items()
        if kind == "SecurityGroupRule"
    } == {
        "k-eksClusterInternetEgressRule": ("egress", "-1", 0, 0),
        "k-eksNodeIngressRule": ("ingress", "-1", 0, 0),
        "k-eksNodeClusterIngressRule": ("ingress", "tcp", 1025, 65535),
        "k-eksExtApiServerClusterIngressRule": ("ingress", "tcp", 443, 443),
        "k-eksNodeInternetEgressRule": ("egress", "-1", 0, 0),
        "k-eksClusterIngressRule": ("ingress", "tcp", 443, 443),
    }
    cluster, component = found["Cluster", "k-eksCluster"], found["Cluster", "k"]
    assert cluster.type == "aws:eks/cluster:Cluster"
    assert (component.type, component.remote, component.custom) == ("eks:index:Cluster", True, False)
    assert cluster.parent == found["kubernetes", "k-eks-k8s"].parent == component.urn
    assert not cluster.remote
    assert cluster.inputs["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": True,
    }
    assert cluster.options["ignoreChanges"] == [
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        "bootstrapSelfManagedAddons",
    ]
    kubeconfig = json.loads(found["kubernetes", "k-eks-k8s"].inputs["kubeconfig"])
    assert kubeconfig["clusters"][0]["cluster"]["server"] == cluster.outputs["endpoint"]
    assert component.outputs["kubeconfig"] == kubeconfig


def test_arguments_reach_the_cluster():
    found = made(
        name="mine",
        version="1.35",
        endpoint_private_access=True,
        endpoint_public_access=False,
        encryption_config_key_arn="arn:aws:kms:eu-west-1:123456789012:key/1",
        enabled_cluster_log_types=["api"],
        deletion_protection=True,
        upgrade_policy={"support_type": "STANDARD"},
        subnet_ids=None,
        public_subnet_ids=["subnet-3"],
        private_subnet_ids=["subnet-4"],
        cluster_tags={"Name": "mine"},
        tags={"Team": "platform"},
    )
    inputs = found["Cluster", "k-eksCluster"].inputs
    assert inputs["vpcConfig"] == {
        "subnetIds": ["subnet-3", "subnet-4"],
        "securityGroupIds": [found["SecurityGroup", "k-eksClusterSecurityGroup"].outputs["id"]],
        "endpointPrivateAccess": True,
        "endpointPublicAccess": False,
    }
    assert inputs["encryptionConfig"] == {
        "provider": {"keyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"},
        "resources": ["secrets"],
    }
    assert (inputs["name"], inputs["version"], inputs["enabledClusterLogTypes"]) == ("mine", "1.35", ["api"])
    assert (inputs["deletionProtection"], inputs["upgradePolicy"]) == (True, {"supportType": "STANDARD"})
    assert inputs["tags"] == {"Name": "mine", "Team": "platform"}


def test_oidc_access_entries_and_addons():
    found = made(
        create_oidc_provider=True,
        kube_proxy_addon_options={"version": "v1.35.0-eksbuild.2"},
        access_entries={
            "ops": {
                "principal_arn": "arn:aws:iam::123456789012:role/ops",
                "access_policies": {
                    "admin": {
                        "policy_arn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                        "access_scope": {"type": "cluster"},
                    }
                },
            }
        },
    )
    issuer = found["Cluster", "k-eksCluster"].outputs["identities"][0]["oidcs"][0]["issuer"]
    assert found["OpenIdConnectProvider", "k-oidcProvider"].inputs["url"] == issuer
    assert found["Cluster", "k"].outputs["oidcProviderUrl"] == issuer
    assert found["Addon", "k-kube-proxy"].inputs["addonVersion"] == "v1.35.0-eksbuild.2"
    assert found["AccessEntry", "k-ops"].inputs["principalArn"] == "arn:aws:iam::123456789012:role/ops"
    policy = found["AccessPolicyAssociation", "k-ops-admin"]
    assert policy.inputs["accessScope"] == {"type": "cluster"}
    assert policy.parent == found["AccessEntry", "k-ops"].urn


def test_a_first_preview_knows_what_it_would_in_truth():
    def program():
        vpc = aws.ec2.Vpc("v", cidr_block="10.0.0.0/16")
        subnets = [aws.ec2.Subnet(zone, vpc_id=vpc.id, cidr_block="10.0.0.0/24").id for zone in "ab"]
        role = aws.iam.Role("r", assume_role_policy="{}")
        args = {**ARGS, "vpc_id": vpc.id, "subnet_ids": subnets}
        cluster = eks.Cluster("k", name="mine", service_role=role, **args)
        pulumi.export("name", cluster.eks_cluster.name)
        pulumi.export("endpoint", cluster.eks_cluster.endpoint)

    recording = record(program, unknown=True)
    assert recording.outputs == {"name": "mine", "endpoint": UNKNOWN}
    (cluster,) = [r for r in recording.registrations if r.type == "aws:eks/cluster:Cluster"]
    assert cluster.inputs["vpcConfig"]["subnetIds"] == [UNKNOWN, UNKNOWN]
    role = next(r for r in recording.registrations if r.name == "r")
    assert cluster.property_dependencies["roleArn"] == [role.urn]
    assert {urn.rpartition("::")[2] for urn in cluster.property_dependencies["vpcConfig"]} >= {"a", "b"}


def test_children_come_from_where_the_program_made_the_component():
    found = made()
    assert {r.source.partition(":")[0] for r in found.values()} == {"tests/standin/test_eks.py"}
    assert len({r.source for r in found.values()}) == 1


def test_a_components_protection_is_its_childrens():
    assert all(r.protect for r in made(opts=pulumi.ResourceOptions(protect=True)).values())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fargate": True}, "doesn't know what fargate leads to"),
        ({"auto_mode": {"enabled": True}}, "doesn't know what autoMode leads to"),
        ({"authentication_mode": eks.AuthenticationMode.CONFIG_MAP}, "authenticationMode=API only"),
        ({"skip_default_node_group": None}, "skipDefaultNodeGroup=True only"),
        ({"use_default_vpc_cni": None}, "useDefaultVpcCni=True only"),
        ({"kube_proxy_addon_options": None}, "kubeProxyAddonOptions with a version only"),
        ({"vpc_id": None}, "give it a vpcId"),
        ({"skip_default_security_groups": True}, "wants a clusterSecurityGroup"),
    ],
)
def test_what_it_does_not_know_it_refuses(changes, says):
    with pytest.raises(UnknownComponent, match=says):
        made(**changes)


def test_an_unknown_component_is_refused():
    def program():
        pulumi.ComponentResource("eks:index:ManagedNodeGroup", "nodes", {}, remote=True)

    with pytest.raises(
        UnknownComponent, match="eks:index:ManagedNodeGroup nodes: the stand-in doesn't know its children"
    ):
        record(program)


def test_transforms_change_the_children():
    def public(child):
        if child.type_ == "aws:eks/cluster:Cluster":
            return pulumi.ResourceTransformResult({**child.props, "version": "1.36"}, child.opts)
        return None

    found = made(version="1.35", opts=pulumi.ResourceOptions(transforms=[public]))
    assert found["Cluster", "k-eksCluster"].inputs["version"] == "1.36"
    assert found["Cluster", "k-eksCluster"].inputs["vpcConfig"]["subnetIds"] == ["subnet-1", "subnet-2"]
    assert found["Cluster", "k"].inputs["version"] == "1.35"


def test_a_transform_that_cannot_be_run_is_not_ignored():
    def protect(child):
        child.opts.protect = True
        return pulumi.ResourceTransformResult(child.props, child.opts)

    with pytest.raises(UnsupportedTransform, match="transforms of options"):
        made(opts=pulumi.ResourceOptions(transforms=[protect]))
    opts = pulumi.ResourceOptions(transforms=[lambda child: None])
    with pytest.raises(UnsupportedTransform, match="but on remote components"):
        record(lambda: aws.sns.Topic("topic", opts=opts))
