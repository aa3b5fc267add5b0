import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.cache import Cache
from components.data import DataServices
from components.database import Database
from components.kubernetes import ENDPOINTS, Kubernetes, KubernetesArgs
from components.messaging import Messaging, MessagingArgs
from components.network import Subnets
from components.storage import SecureBucket
from standin.mocks import UNKNOWN
from tests.components.tiers import ZONES, alb, logs, network, security
from tests.registered import alarms, counts, of, one, run, statements, waits_for

INGRESS = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ADDONS = {
    "amazon-cloudwatch-observability",
    "aws-ebs-csi-driver",
    "coredns",
    "eks-pod-identity-agent",
    "kube-proxy",
    "metrics-server",
    "vpc-cni",
}
CLUSTER = "platform-test-kubernetes"
ROLE = "arn:aws:iam::123456789012:role/{}".format


def kubernetes(*, behind_alb=False, with_data=False, unknown=False, **changes):
    args = KubernetesArgs.model_validate(changes)

    def program():
        keys, net = security(), network()
        log_bucket = logs()
        inside: dict[str, Any] = {"subnets": net.isolated, "key": keys.data, "logs_key": keys.logs}
        data = None
        if with_data:
            queues = MessagingArgs.model_validate(
                {"queues": {"jobs": {"senders": ["kubernetes"]}, "mail": {"receivers": ["web"]}}}
            )
            data = DataServices(
                Cache("cache", **inside),
                Database("database", **inside),
                SecureBucket("storage", key=keys.data, logs=log_bucket),
                Messaging("messaging", queues, key=keys.data),
            )
        balancer = alb("vpc", net, log_bucket) if behind_alb else None
        inside["subnets"] = net.private
        Kubernetes("kubernetes", args, **inside, alb=balancer, data=data)

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def recording():
    return kubernetes(behind_alb=True)


@pytest.fixture(scope="module", params=[False, True], ids=["known", "first preview"])
def either(request):
    """With access entries, service accounts and data."""
    return kubernetes(
        behind_alb=True,
        with_data=True,
        unknown=request.param,
        access_entries={
            "operators": {"principal_arn": ROLE("operators"), "policy": "AmazonEKSClusterAdminPolicy"},
            "shop": {"principal_arn": ROLE("shop"), "policy": "AmazonEKSEditPolicy", "namespaces": ["shop", "cart"]},
        },
        service_accounts={"orders": {"namespace": "shop", "service_account": "orders"}},
    )


def cluster(recording):
    return one(recording, "eks/cluster:Cluster", "kubernetes-eksCluster")


def test_the_cluster_stays_in_its_zones(either):
    """EKS refuses others, and pulumi-eks has no argument to leave them alone."""
    assert "vpcConfig.subnetIds" in cluster(either).options["ignoreChanges"]


def addon(recording, name):
    return one(recording, "eks/addon:Addon", f"kubernetes-{name}")


def node_group(recording, name="general"):
    return one(recording, "eks/nodeGroup:NodeGroup", f"kubernetes-{name}")


def test_counts(recording):
    alone = counts(run(lambda: (security(), alb("vpc", network(), logs()))))
    made = {kind: count - alone.get(kind, 0) for kind, count in counts(recording).items()}
    assert {kind: count for kind, count in made.items() if count} == {
        "Addon": 7,
        "Attachment": 1,
        "Cluster": 1,
        "LaunchTemplate": 1,
        "ListenerRule": 1,
        "LogGroup": 5,
        "MetricAlarm": 4,
        "NodeGroup": 1,
        "OpenIdConnectProvider": 1,
        "Role": 5,
        "RolePolicy": 2,
        "RolePolicyAttachment": 6,
        "SecurityGroup": 2,
        "SecurityGroupEgressRule": 13,
        "SecurityGroupIngressRule": 12,
        "TargetGroup": 1,
        "kubernetes": 1,
    }


# -- the cluster -------------------------------------------------------------------------------------------------------


def test_what_pulumi_eks_is_asked_for(recording):
    asked = {r.name: r for r in recording.registrations if r.type == "eks:index:Cluster"}["kubernetes"]
    key = one(recording, "kms/key:Key", "security-data")
    assert asked.inputs == {
        "name": CLUSTER,
        "version": "1.35",
        "upgradePolicy": {"supportType": "STANDARD"},
        "serviceRole": one(recording, "iam/role:Role", "kubernetes-cluster").outputs["id"],
        "vpcId": one(recording, "ec2/vpc:Vpc", "network").outputs["id"],
        "subnetIds": [one(recording, "ec2/subnet:Subnet", f"network-private-{z}").outputs["id"] for z in ZONES],
        "clusterSecurityGroup": one(recording, "ec2/securityGroup:SecurityGroup", "kubernetes-cluster").outputs["id"],
        "skipDefaultSecurityGroups": True,
        "skipDefaultNodeGroup": True,
        "createInstanceRole": False,
        "endpointPrivateAccess": True,
        "endpointPublicAccess": False,
        "authenticationMode": "API",
        "encryptionConfigKeyArn": key.outputs["arn"],
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "createOidcProvider": True,
        "deletionProtection": True,
        "bootstrapSelfManagedAddons": False,
        "useDefaultVpcCni": True,
        "kubeProxyAddonOptions": {"enabled": False},
        "corednsAddonOptions": {"enabled": False},
        "clusterTags": {"Name": CLUSTER},
    }


def test_nothing_gets_to_be_administrator_by_making_the_cluster(recording):
    def access(found):
        return cluster(found).inputs["accessConfig"]

    only_entries = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    assert access(recording) == only_entries
    assert access(kubernetes(creator_is_admin=True)) == only_entries | {"bootstrapClusterCreatorAdminPermissions": True}


def test_the_kubernetes_provider_has_no_cluster_to_talk_to(recording):
    (provider,) = [r for r in recording.registrations if r.type == "pulumi:providers:kubernetes"]
    assert json.loads(provider.inputs["kubeconfig"]) == {"apiVersion": "v1", "kind": "Config"}
    assert [r for r in recording.registrations if r.type.startswith("kubernetes:")] == []


def test_the_endpoint_is_private_unless_networks_are_listed():
    network_config = cluster(kubernetes(public_access_cidrs=["8.8.8.0/24"])).inputs["vpcConfig"]
    assert network_config["endpointPublicAccess"] is True
    assert network_config["publicAccessCidrs"] == ["8.8.8.0/24"]
    assert network_config["endpointPrivateAccess"] is True


def test_before_the_cluster(recording):
    log_group = one(recording, "cloudwatch/logGroup:LogGroup", "kubernetes-control-plane")
    assert log_group.inputs["name"] == f"/aws/eks/{CLUSTER}/cluster"
    assert log_group.inputs["retentionInDays"] == 365
    assert log_group.property_dependencies["kmsKeyId"] == [one(recording, "kms/key:Key", "security-logs").urn]
    policies = of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment")
    for needed in (log_group, policies["kubernetes-cluster-AmazonEKSClusterPolicy"]):
        assert waits_for(recording, cluster(recording), needed)


def test_only_this_cluster_has_its_role(either):
    assert statements(one(either, "iam/role:Role", "kubernetes-cluster").inputs["assumeRolePolicy"]) == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "eks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {"aws:SourceArn": f"arn:aws:eks:eu-west-1:123456789012:cluster/{CLUSTER}"},
            },
        }
    ]


def test_protection(recording):
    assert cluster(recording).protect
    assert cluster(recording).inputs["deletionProtection"] is True
    loose = kubernetes(deletion_protection=False)
    assert not cluster(loose).protect
    assert cluster(loose).inputs["deletionProtection"] is False
    # What comes and goes with settings isn't held fast by it.
    assert not node_group(recording).protect
    assert not addon(recording, "metrics-server").protect


def test_upgrades():
    found = kubernetes(version="1.36", support_type="EXTENDED")
    assert cluster(found).inputs["version"] == node_group(found).inputs["version"] == "1.36"
    assert cluster(found).inputs["upgradePolicy"] == {"supportType": "EXTENDED"}


def test_access_entries(either):
    entries = of(either, "eks/accessEntry:AccessEntry")
    assert {name: r.inputs["principalArn"] for name, r in entries.items()} == {
        "kubernetes-operators": ROLE("operators"),
        "kubernetes-shop": ROLE("shop"),
    }
    policies = of(either, "eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert {name: (r.inputs["policyArn"], r.inputs["accessScope"]) for name, r in policies.items()} == {
        "kubernetes-operators": (
            "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            {"type": "cluster"},
        ),
        "kubernetes-shop": (
            "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy",
            {"type": "namespace", "namespaces": ["shop", "cart"]},
        ),
    }
    for name, policy in policies.items():
        assert waits_for(either, policy, entries[name])
        assert waits_for(either, entries[name], cluster(either))


def test_outputs_known_in_a_first_preview():
    recording = kubernetes(unknown=True)
    (tier,) = [r for r in recording.registrations if r.type == "platform:index:Kubernetes"]
    assert tier.outputs == {
        "cluster_name": CLUSTER,
        "node_role_arn": ROLE("platform-test-kubernetes-node"),
        "endpoint": UNKNOWN,
        "oidc_provider_arn": UNKNOWN,
        "cluster_security_group_id": UNKNOWN,
        "node_security_group_id": UNKNOWN,
    }


def test_outputs(recording):
    (tier,) = [r for r in recording.registrations if r.type == "platform:index:Kubernetes"]
    assert tier.outputs["endpoint"] == cluster(recording).outputs["endpoint"]
    oidc = one(recording, "iam/openIdConnectProvider:OpenIdConnectProvider", "kubernetes-oidcProvider")
    assert tier.outputs["oidc_provider_arn"] == oidc.outputs["arn"]
    assert tier.outputs["node_role_arn"] == one(recording, "iam/role:Role", "kubernetes-node").outputs["arn"]


# -- the security groups -----------------------------------------------------------------------------------------------


def chain(recording, direction):
    """(client, server, protocol and ports) of each rule in one direction."""
    groups = {r.urn: name for name, r in of(recording, "ec2/securityGroup:SecurityGroup").items()}
    found = set()
    for rule in of(recording, direction).values():
        (own,) = rule.property_dependencies["securityGroupId"]
        other = rule.property_dependencies.get("referencedSecurityGroupId")
        ends = [groups[own], groups[other[0]] if other else rule.inputs["cidrIpv4"]]
        ports = (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"])
        found.add((*(reversed(ends) if direction == INGRESS else ends), ports))
    return found


def tcp(port):
    return ("tcp", port, port)


def test_who_reaches_whom(either):
    nodes, plane = "kubernetes-nodes", "kubernetes-cluster"
    inside = {
        (nodes, plane, tcp(443)),
        *((plane, nodes, tcp(port)) for port in (443, 4443, 6443, 8443, 9443, 10250, 10251)),
        (nodes, nodes, tcp(53)),
        (nodes, nodes, ("udp", 53, 53)),
        (nodes, nodes, ("tcp", 1025, 65535)),
        ("alb", nodes, tcp(30443)),
        (nodes, "cache", tcp(6379)),
        (nodes, "database", tcp(3306)),
    }
    assert chain(either, INGRESS) == inside | {("10.0.0.0/16", "alb", tcp(443))}
    assert chain(either, EGRESS) == inside | {(nodes, "0.0.0.0/0", tcp(443))}


def test_node_port():
    found = kubernetes(behind_alb=True, node_port=31000, health_check={"path": "/ready"})
    assert ("alb", "kubernetes-nodes", tcp(31000)) in chain(found, INGRESS)
    target_group = one(found, "lb/targetGroup:TargetGroup", "alb-kubernetes")
    assert (target_group.inputs["port"], target_group.inputs["protocol"]) == (31000, "HTTPS")
    assert target_group.inputs["healthCheck"]["path"] == "/ready"


# -- the load balancer -------------------------------------------------------------------------------------------------


def test_the_load_balancer_gets_the_nodes():
    found = kubernetes(behind_alb=True, node_groups={"general": {}, "batch": {"capacity": "SPOT"}})
    rule = one(found, "lb/listenerRule:ListenerRule", "alb-kubernetes")
    assert rule.inputs["priority"] == 20000
    assert rule.inputs["conditions"] == [{"pathPattern": {"values": ["/services/*"]}}]
    attachments = of(found, "autoscaling/attachment:Attachment")
    assert set(attachments) == {"kubernetes-general", "kubernetes-batch"}
    for name, attachment in attachments.items():
        group = one(found, "eks/nodeGroup:NodeGroup", name)
        (resources,) = group.outputs["resources"]
        assert attachment.inputs["autoscalingGroupName"] == resources["autoscalingGroups"][0]["name"]
        assert attachment.property_dependencies["autoscalingGroupName"] == [group.urn]
        assert waits_for(found, attachment, rule)


def test_without_a_load_balancer():
    found = kubernetes()
    assert of(found, "autoscaling/attachment:Attachment") == {}
    assert [name for name in of(found, INGRESS) if "alb" in name] == []


# -- add-ons -----------------------------------------------------------------------------------------------------------


def test_addons(recording):
    addons = of(recording, "eks/addon:Addon")
    assert set(addons) == {f"kubernetes-{name}" for name in ADDONS}
    for name in ADDONS:
        inputs = addon(recording, name).inputs
        assert inputs["addonName"] == name
        assert (inputs["resolveConflictsOnCreate"], inputs["resolveConflictsOnUpdate"]) == ("OVERWRITE", "OVERWRITE")
        assert "addonVersion" not in inputs
    assert json.loads(addon(recording, "vpc-cni").inputs["configurationValues"]) == {"enableNetworkPolicy": "true"}
    assert json.loads(addon(recording, "amazon-cloudwatch-observability").inputs["configurationValues"]) == {
        "agent": {"config": {"logs": {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}}}},
        "manager": {"applicationSignals": {"autoMonitor": {"monitorAllServices": False}}},
    }


def test_settings_of_an_addon_leave_the_rest_of_a_section_as_it_is():
    minimum: dict[str, Any] = {name: {} for name in ("coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni")}
    own = {"manager": {"replicas": 2, "applicationSignals": {"autoMonitor": {"restartPods": True}}}}
    found = kubernetes(addons={**minimum, "amazon-cloudwatch-observability": {"configuration": own}})
    configuration = json.loads(addon(found, "amazon-cloudwatch-observability").inputs["configurationValues"])
    assert configuration["manager"] == {
        "replicas": 2,
        "applicationSignals": {"autoMonitor": {"monitorAllServices": False, "restartPods": True}},
    }
    assert "logs" in configuration["agent"]["config"]


def test_addon_order(recording):
    agent = addon(recording, "eks-pod-identity-agent")
    for name in ("vpc-cni", "kube-proxy"):
        assert waits_for(recording, addon(recording, name), agent)
        assert waits_for(recording, node_group(recording), addon(recording, name))
    for name in ADDONS - {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}:
        assert waits_for(recording, addon(recording, name), node_group(recording))
    telemetry = addon(recording, "amazon-cloudwatch-observability")
    for log in ("application", "dataplane", "host", "performance"):
        group = one(recording, "cloudwatch/logGroup:LogGroup", f"kubernetes-{log}")
        assert group.inputs["name"] == f"/aws/containerinsights/{CLUSTER}/{log}"
        assert waits_for(recording, telemetry, group)


@pytest.mark.parametrize(
    ("name", "namespace", "account", "policies"),
    [
        ("vpc-cni", "kube-system", "aws-node", {"AmazonEKS_CNI_Policy"}),
        ("aws-ebs-csi-driver", "kube-system", "ebs-csi-controller-sa", {"service-role/AmazonEBSCSIDriverPolicy"}),
        ("amazon-cloudwatch-observability", "amazon-cloudwatch", "cloudwatch-agent", set()),
    ],
)
def test_addon_roles(either, name, namespace, account, policies):
    role = one(either, "iam/role:Role", f"kubernetes-{name}")
    (trust,) = statements(role.inputs["assumeRolePolicy"])
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trust["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": CLUSTER,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": account,
    }
    (identity,) = addon(either, name).inputs["podIdentityAssociations"]
    assert identity["serviceAccount"] == account
    assert addon(either, name).property_dependencies["podIdentityAssociations"] == [role.urn]
    attached = {
        r.inputs["policyArn"].removeprefix("arn:aws:iam::aws:policy/"): r
        for r in of(either, "iam/rolePolicyAttachment:RolePolicyAttachment").values()
        if r.property_dependencies["role"] == [role.urn]
    }
    assert set(attached) == policies
    inline = [
        r for r in of(either, "iam/rolePolicy:RolePolicy").values() if role.urn in r.property_dependencies["role"]
    ]
    for permission in (*attached.values(), *inline):
        assert waits_for(either, addon(either, name), permission)


def test_the_volume_driver_uses_the_data_key_through_ec2_alone(either):
    use, grant = statements(one(either, "iam/rolePolicy:RolePolicy", "kubernetes-aws-ebs-csi-driver").inputs["policy"])
    for statement in (use, grant):
        assert statement["Resource"] == "arn:aws:kms:eu-west-1:123456789012:key/*"
        assert statement["Condition"]["StringEquals"] == {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}
        assert statement["Condition"]["ForAnyValue:StringEquals"] == {
            "kms:ResourceAliases": "alias/platform-test-security-data"
        }
    assert grant["Action"] == "kms:CreateGrant"
    assert grant["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_the_agent_makes_no_log_group(either):
    policy = one(either, "iam/rolePolicy:RolePolicy", "kubernetes-amazon-cloudwatch-observability").inputs["policy"]
    logs_statement, _, metrics = statements(policy)
    assert logs_statement["Action"] == ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    groups = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/containerinsights"
    assert logs_statement["Resource"] == [
        f"{groups}/{CLUSTER}/{log}:*" for log in ("application", "dataplane", "host", "performance")
    ]
    assert metrics["Condition"] == {"StringEquals": {"cloudwatch:namespace": ["CWAgent", "ContainerInsights"]}}


def test_addon_settings():
    minimum: dict[str, Any] = {name: {} for name in ("coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni")}
    changes = {"version": "v1.20.4-eksbuild.1", "configuration": {"env": {"WARM_IP_TARGET": "2"}}}
    found = kubernetes(addons={**minimum, "vpc-cni": changes})
    assert set(of(found, "eks/addon:Addon")) == {f"kubernetes-{name}" for name in minimum}
    inputs = addon(found, "vpc-cni").inputs
    assert inputs["addonVersion"] == "v1.20.4-eksbuild.1"
    assert json.loads(inputs["configurationValues"]) == {
        "enableNetworkPolicy": "true",
        "env": {"WARM_IP_TARGET": "2"},
    }
    assert set(of(found, "cloudwatch/logGroup:LogGroup")) >= {"kubernetes-control-plane"}
    assert "kubernetes-application" not in of(found, "cloudwatch/logGroup:LogGroup")


# -- nodes -------------------------------------------------------------------------------------------------------------


def test_node_group(recording):
    group = node_group(recording)
    template = one(recording, "ec2/launchTemplate:LaunchTemplate", "kubernetes-general")
    assert group.inputs == {
        "clusterName": CLUSTER,
        "version": "1.35",
        "nodeRoleArn": ROLE("platform-test-kubernetes-node"),
        "subnetIds": [one(recording, "ec2/subnet:Subnet", f"network-private-{z}").outputs["id"] for z in ZONES],
        "amiType": "AL2023_ARM_64_STANDARD",
        "capacityType": "ON_DEMAND",
        "instanceTypes": ["t4g.large"],
        "launchTemplate": {"id": template.outputs["id"], "version": "1"},
        "scalingConfig": {"minSize": 2, "maxSize": 4, "desiredSize": 2},
        "updateConfig": {"maxUnavailable": 1},
        "labels": {},
        "taints": [],
        "tags": {"Name": "platform-test-kubernetes-general"},
    }
    assert group.options["ignoreChanges"] == ["scalingConfig.desiredSize"]


def test_before_the_first_node(either):
    group = node_group(either)
    role = one(either, "iam/role:Role", "kubernetes-node")
    attached = {
        r.inputs["policyArn"].removeprefix("arn:aws:iam::aws:policy/"): r
        for r in of(either, "iam/rolePolicyAttachment:RolePolicyAttachment").values()
        if r.property_dependencies["role"] == [role.urn]
    }
    assert set(attached) == {
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSWorkerNodePolicy",
        "AmazonSSMManagedInstanceCore",
    }, "the CNI's rights over network interfaces are not for every pod"
    rules = {**of(either, EGRESS), **of(either, INGRESS)}
    routes = [
        one(either, "ec2/routeTableAssociation:RouteTableAssociation", f"network-private-{zone}") for zone in ZONES
    ]
    for needed in (
        cluster(either),
        *attached.values(),
        *routes,
        *(rule for name, rule in rules.items() if name.startswith("kubernetes-")),
    ):
        assert waits_for(either, group, needed)


def test_launch_template(recording):
    template = one(recording, "ec2/launchTemplate:LaunchTemplate", "kubernetes-general")
    nodes = one(recording, "ec2/securityGroup:SecurityGroup", "kubernetes-nodes")
    key = one(recording, "kms/key:Key", "security-data")
    assert template.inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert template.inputs["blockDeviceMappings"] == [
        {
            "deviceName": "/dev/xvda",
            "ebs": {
                "volumeSize": 50,
                "volumeType": "gp3",
                "encrypted": "true",
                "kmsKeyId": key.outputs["arn"],
                "deleteOnTermination": "true",
            },
        }
    ]
    assert template.inputs["networkInterfaces"] == [
        {
            "associatePublicIpAddress": "false",
            "securityGroups": [nodes.outputs["id"]],
            "deleteOnTermination": "true",
        }
    ]
    assert {spec["resourceType"]: spec["tags"] for spec in template.inputs["tagSpecifications"]} == {
        kind: {"Name": "platform-test-kubernetes-general"} for kind in ("instance", "network-interface", "volume")
    }
    # EKS refuses these in the template of a managed node group.
    assert not template.inputs.keys() & {"imageId", "instanceType", "iamInstanceProfile", "userData"}


def test_every_kind_of_node_group():
    found = kubernetes(
        node_groups={
            "general": {},
            "batch": {
                "capacity": "SPOT",
                "instance_types": ["m7i.large", "m6i.large", "c7i.xlarge"],
                "min_size": 0,
                "max_size": 10,
                "desired_size": 1,
                "max_unavailable": 3,
                "labels": {"team": "data", "example.com/pool": "batch"},
                "taints": {"spot": {"effect": "NO_EXECUTE"}, "dedicated": {"value": "batch"}},
                "volume_size_gib": 100,
                "metadata_hop_limit": 2,
            },
        }
    )
    inputs = node_group(found, "batch").inputs
    assert inputs["amiType"] == "AL2023_x86_64_STANDARD"
    assert inputs["capacityType"] == "SPOT"
    assert inputs["instanceTypes"] == ["m7i.large", "m6i.large", "c7i.xlarge"]
    assert inputs["scalingConfig"] == {"minSize": 0, "maxSize": 10, "desiredSize": 1}
    assert inputs["updateConfig"] == {"maxUnavailable": 3}
    assert inputs["labels"] == {"team": "data", "example.com/pool": "batch"}
    assert inputs["taints"] == [
        {"key": "dedicated", "value": "batch", "effect": "NO_SCHEDULE"},
        {"key": "spot", "value": "", "effect": "NO_EXECUTE"},
    ]
    template = one(found, "ec2/launchTemplate:LaunchTemplate", "kubernetes-batch")
    assert template.inputs["metadataOptions"]["httpPutResponseHopLimit"] == 2
    assert template.inputs["blockDeviceMappings"][0]["ebs"]["volumeSize"] == 100


def test_a_further_group_changes_nothing_of_the_first(recording):
    more = kubernetes(node_groups={"another": {}, "general": {}})
    assert node_group(more).urn == node_group(recording).urn
    assert node_group(more).inputs == node_group(recording).inputs
    for name in ADDONS - {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}:
        assert waits_for(more, addon(more, name), node_group(more, "another"))


# -- pods --------------------------------------------------------------------------------------------------------------


CRASHING = "pod_container_status_waiting_reason_crash_loop_back_off"
HOSTS = "Maximum UnHealthyHostCount >= 1, 5 x 60 s, notBreaching"


def test_alarms(recording):
    target_group, balancer = (
        one(recording, token, name)
        for token, name in (
            ("lb/targetGroup:TargetGroup", "alb-kubernetes"),
            ("lb/loadBalancer:LoadBalancer", "alb"),
        )
    )
    suffixes = {"LoadBalancer": balancer.outputs["arnSuffix"], "TargetGroup": target_group.outputs["arnSuffix"]}
    own = {name: alarm for name, alarm in alarms(recording).items() if name.startswith("kubernetes")}
    assert own == {
        "kubernetes-failed-nodes": (
            "Maximum cluster_failed_node_count >= 1, 10 x 60 s, breaching",
            {"ClusterName": CLUSTER},
        ),
        "kubernetes-failed-pods": (
            "Sum pod_status_failed >= 1, 10 x 60 s, notBreaching",
            {"ClusterName": CLUSTER},
        ),
        "kubernetes-crashing-pods": (f"Sum {CRASHING} >= 1, 10 x 60 s, notBreaching", {"ClusterName": CLUSTER}),
        "kubernetes-alb-hosts": (HOSTS, suffixes),
    }
    made = of(recording, "cloudwatch/metricAlarm:MetricAlarm")
    insights = addon(recording, "amazon-cloudwatch-observability")
    for name in own.keys() - {"kubernetes-alb-hosts"}:
        assert made[name].property_dependencies["dimensions"] == [insights.urn], "who reports what it measures"
        assert made[name].inputs["namespace"] == "ContainerInsights"
    assert sorted(made["kubernetes-alb-hosts"].property_dependencies["dimensions"]) == sorted(
        [balancer.urn, target_group.urn]
    )


def test_without_container_insights_nothing_is_known_of_nodes_and_pods():
    fewer = kubernetes(behind_alb=True, addons={name: {} for name in ADDONS - {"amazon-cloudwatch-observability"}})
    assert [name for name in alarms(fewer) if name.startswith("kubernetes")] == ["kubernetes-alb-hosts"]


def test_thresholds_and_none():
    def of_kubernetes(**limits):
        return {name: when for name, (when, _) in alarms(kubernetes(behind_alb=True, alarms=limits)).items()}

    changed = of_kubernetes(failed_nodes_limit=2, failed_pods_limit=3, crashing_pods_limit=4, unhealthy_hosts_limit=5)
    assert {name: when.split(",")[0] for name, when in changed.items() if name.startswith("kubernetes")} == {
        "kubernetes-failed-nodes": "Maximum cluster_failed_node_count >= 2",
        "kubernetes-failed-pods": "Sum pod_status_failed >= 3",
        "kubernetes-crashing-pods": f"Sum {CRASHING} >= 4",
        "kubernetes-alb-hosts": "Maximum UnHealthyHostCount >= 5",
    }
    limits = ("failed_nodes_limit", "failed_pods_limit", "crashing_pods_limit", "unhealthy_hosts_limit")
    none = of_kubernetes(**dict.fromkeys(limits))
    assert changed.keys() - none.keys() == {name for name in changed if name.startswith("kubernetes")}


def test_service_accounts(either):
    association = one(either, "eks/podIdentityAssociation:PodIdentityAssociation", "kubernetes-orders")
    role = one(either, "iam/role:Role", "kubernetes-account-orders")
    policy = one(either, "iam/rolePolicy:RolePolicy", "kubernetes-account-orders")
    assert {key: association.inputs[key] for key in ("clusterName", "namespace", "serviceAccount")} == {
        "clusterName": CLUSTER,
        "namespace": "shop",
        "serviceAccount": "orders",
    }
    assert association.property_dependencies["roleArn"] == [role.urn]
    assert waits_for(either, association, policy)
    (trust,) = statements(role.inputs["assumeRolePolicy"])
    assert trust["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-service-account"] == "orders"
    granted = json.dumps(statements(policy.inputs["policy"]))
    for resource in (
        "secret:platform-test-database-*",
        "secret:platform-test-cache-*",
        ":platform-test-messaging-jobs",
    ):
        assert resource in granted
    assert "sqs:SendMessage" in granted
    assert "messaging-mail" not in granted, "that queue is the web tier's"


def test_endpoints():
    assert {"ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "sts"} <= ENDPOINTS


# -- refusals ----------------------------------------------------------------------------------------------------------

ENTRY = {"principal_arn": ROLE("ops")}


def group(**changes):
    return {"node_groups": {"general": changes}}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"version": "1.9"}, ("version",)),
        ({"support_type": "NONE"}, ("support_type",)),
        ({"public_access_cidrs": ["0.0.0.0/0"]}, ("public_access_cidrs",)),
        ({"public_access_cidrs": ["0.0.0.0/1", "128.0.0.0/1"]}, ("public_access_cidrs",)),
        ({"public_access_cidrs": ["10.0.0.0/8"]}, ("public_access_cidrs",)),
        ({"public_access_cidrs": ["8.8.8.8/24"]}, ("public_access_cidrs",)),
        ({"node_port": 443}, ("node_port",)),
        ({"node_groups": {}}, ("node_groups",)),
        ({"node_groups": {"Big": {}}}, ("node_groups", "Big", "[key]")),
        ({"node_groups": {"a" * 21: {}}}, ("node_groups", "a" * 21, "[key]")),
        ({"addons": {"vpc-cni": {}}}, ("addons",)),
        ({"addons": {"istio": {}}}, ("addons", "istio", "[key]")),
        ({"access_entries": {"ops": {"principal_arn": "ops"}}}, ("access_entries", "ops", "principal_arn")),
        ({"access_entries": {"ops": ENTRY | {"policy": "AdministratorAccess"}}}, ("access_entries", "ops", "policy")),
        ({"access_entries": {"ops": ENTRY | {"namespaces": ["A"]}}}, ("access_entries", "ops", "namespaces", 0)),
        (
            {"access_entries": {"ops": {"principal_arn": ROLE("aws-service-role/x.amazonaws.com/AWSServiceRoleForX")}}},
            ("access_entries", "ops", "principal_arn"),
        ),
        (group(min_size=3, max_size=2), ("node_groups", "general", "max_size")),
        (group(desired_size=9), ("node_groups", "general", "desired_size")),
        (group(max_size=0), ("node_groups", "general", "max_size")),
        (group(instance_types=["t4g.large", "t3.large"]), ("node_groups", "general", "instance_types")),
        (group(instance_types=["t4g.large", "t4g.large"]), ("node_groups", "general", "instance_types")),
        (group(instance_types=["t4g.nano"]), ("node_groups", "general", "instance_types", 0)),
        (group(instance_types=[]), ("node_groups", "general", "instance_types")),
        (group(labels={"a b": "c"}), ("node_groups", "general", "labels", "a b", "[key]")),
        (group(labels={"a": "c" * 64}), ("node_groups", "general", "labels", "a")),
        (group(labels={"x.k8s.io/y": ""}), ("node_groups", "general", "labels", "x.k8s.io/y")),
        (group(taints={"a": {"effect": "NoSchedule"}}), ("node_groups", "general", "taints", "a", "effect")),
        (group(taints={"a": {}}), ("node_groups",)),
        (group(min_size=0), ("node_groups",)),
        (group(max_unavailable=0), ("node_groups", "general", "max_unavailable")),
        (group(metadata_hop_limit=65), ("node_groups", "general", "metadata_hop_limit")),
        (
            {"service_accounts": {"x": {"namespace": "kube-system", "service_account": "aws-node"}}},
            ("service_accounts", "x"),
        ),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        KubernetesArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("access_entries", ENTRY),
        ("service_accounts", {"namespace": "shop", "service_account": "orders"}),
    ],
)
def test_what_eks_takes_once(field, value):
    with pytest.raises(ValidationError) as wrong:
        KubernetesArgs.model_validate({field: {"one": value, "two": value}})
    assert [error["loc"] for error in wrong.value.errors()] == [(field, "one"), (field, "two")]


@pytest.mark.parametrize("domain", ["node.kubernetes.io", "pool.node.kubernetes.io", "kubelet.kubernetes.io"])
def test_labels_that_a_kubelet_may_set(domain):
    KubernetesArgs.model_validate(group(labels={f"{domain}/pool": "a"}))


def test_two_zones_are_needed():
    def program():
        net, keys = network(), security()
        one_zone = Subnets(net.vpc_id, net.cidr, dict(list(net.private.ids.items())[:1]))
        Kubernetes("kubernetes", subnets=one_zone, key=keys.data, logs_key=keys.logs)

    with pytest.raises(ValueError, match=r"has subnets in 1 zone\(s\), but EKS needs two"):
        run(program)
