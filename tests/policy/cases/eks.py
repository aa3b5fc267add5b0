"""EKS, in every family: each rule for the provider's own resources and for the components of `pulumi_eks`."""

from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, name, res
from tests.policy.cases.exposure import WORLD, private, public, unclear

NATIVE, COMPONENT = "eks/cluster", "eks:index:Cluster"
MANAGED = ("eks/nodeGroup", "eks:index:ManagedNodeGroup")
SELF_MANAGED = ("eks:index:NodeGroup", "eks:index:NodeGroupV2")

_VPC_CONFIG = ("subnetIds", "endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")


def rows(*given: Any) -> tuple[Any, ...]:
    """Of lists of different kinds, which a plain tuple would have no common type for."""
    return given


def cluster(type: str, **props: Any) -> Made:
    """A cluster by the component's arguments, of either type."""
    if type == NATIVE:
        config = {key: props.pop(key) for key in _VPC_CONFIG if key in props}
        props |= {"vpcConfig": config} if config else {}
        if "authenticationMode" in props:
            props["accessConfig"] = {"authenticationMode": props.pop("authenticationMode")}
        if "encryptionConfigKeyArn" in props:
            key = props.pop("encryptionConfigKeyArn")
            props["encryptionConfig"] = {"provider": {"keyArn": key}, "resources": ["secrets"]}
    return res(type, "cluster", **props)


def made_of(component: Made, child: str) -> list[Made]:
    """A component whose resources are known: they are judged, and not it."""
    return [component, res(child, "child", parent=component)]


def held(type: str) -> list[list[Made]]:
    return [made_of(res(COMPONENT, "cluster"), NATIVE)] if type == COMPONENT else []


def nodes(type: str, **props: object) -> Made:
    return res(type, "nodes", **props)


def without_nodes(**props: object) -> Made:
    return res(COMPONENT, "cluster", skipDefaultNodeGroup=True, **props)


def template(**props: object) -> Made:
    return res("ec2/launchTemplate", "nodes", **props)


def with_template(type: str, made: object = None, **props: object) -> list[Made]:
    found = template() if made is None else made
    group = nodes(type, launchTemplate={"id": found, "version": "1"}, **props)
    return [group, found] if isinstance(found, Made) else [group]


def role(*actions: str, service: str = "pods.eks.amazonaws.com", named: str = "role", **props: object) -> Made:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    return res("iam/role", named, assumeRolePolicy=json.dumps({"Statement": [statement]}), **props)


def associated(type: str, value: object) -> Made:
    if type == "eks/addon":
        return res(type, "pods", podIdentityAssociations=[{"roleArn": value, "serviceAccount": "app"}])
    return res(type, "pods", roleArn=value)


LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
KEY = res("kms/key", "data")
TRUSTED = role("sts:AssumeRole", "sts:TagSession")
NAMED = role("sts:AssumeRole", "sts:TagSession", name="pod")
DISTRUSTED = role("sts:AssumeRole", named="careless", name="careless")
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
ROLE_ARN = "arn:aws:iam::123456789012:role/{}"


def entries(policy: object, scope: object = "cluster", principal: object = ROLE_ARN.format("admin")) -> Made:
    policies = {"one": {"policyArn": policy, "accessScope": {"type": scope}}}
    return res(COMPONENT, "cluster", accessEntries={"admin": {"principalArn": principal, "accessPolicies": policies}})


def association(policy: object, scope: object = "cluster") -> Made:
    return res("eks/accessPolicyAssociation", "admin", policyArn=policy, accessScope={"type": scope})


CASES = [
    *(
        case(
            "cluster-secrets-encrypted",
            type,
            ok=[cluster(type, encryptionConfigKeyArn=arn(KEY)), *held(type)],
            bad=[cluster(type), cluster(type, encryptionConfigKeyArn="arn:aws:kms:eu-west-1:1:alias/aws/eks")],
            unknown=[cluster(type, encryptionConfigKeyArn=UNKNOWN)],
        )
        for type in (NATIVE, COMPONENT)
    ),
    *(
        case(
            "cluster-endpoint-private",
            type,
            ok=[
                cluster(type, endpointPublicAccess=False, endpointPrivateAccess=True),
                cluster(type, endpointPrivateAccess=True, publicAccessCidrs=["203.0.113.0/24", "10.0.0.0/8"]),
                *held(type),
            ],
            bad=[
                cluster(type),
                cluster(type, endpointPrivateAccess=True),
                cluster(type, endpointPrivateAccess=True, publicAccessCidrs=[WORLD]),
                cluster(type, endpointPrivateAccess=True, publicAccessCidrs=[UNKNOWN, "::/0"]),
                cluster(type, endpointPrivateAccess=True, publicAccessCidrs=["0.0.0.0/1", "128.0.0.0/1"]),
                cluster(type, publicAccessCidrs=["203.0.113.0/24"]),
                cluster(type, endpointPublicAccess=False),
                cluster(type, endpointPublicAccess=UNKNOWN, endpointPrivateAccess=False),
            ],
            unknown=[
                cluster(type, endpointPublicAccess=UNKNOWN, endpointPrivateAccess=True, publicAccessCidrs=UNKNOWN),
                cluster(type, endpointPrivateAccess=True, publicAccessCidrs=[UNKNOWN]),
                cluster(type, endpointPublicAccess=False, endpointPrivateAccess=UNKNOWN),
            ],
        )
        for type in (NATIVE, COMPONENT)
    ),
    *(
        case(
            "cluster-logged",
            type,
            ok=[cluster(type, enabledClusterLogTypes=LOGS), *held(type)],
            bad=[
                cluster(type),
                cluster(type, enabledClusterLogTypes=["api", "audit"]),
                cluster(type, enabledClusterLogTypes=["audit", UNKNOWN]),
            ],
            unknown=[
                cluster(type, enabledClusterLogTypes=UNKNOWN),
                cluster(type, enabledClusterLogTypes=[*LOGS[:4], UNKNOWN]),
            ],
        )
        for type in (NATIVE, COMPONENT)
    ),
    *(
        case(
            "cluster-authentication",
            type,
            ok=[cluster(type, authenticationMode="API"), *held(type)],
            bad=[
                cluster(type),
                *(cluster(type, authenticationMode=mode) for mode in ("CONFIG_MAP", "API_AND_CONFIG_MAP")),
            ],
            unknown=[cluster(type, authenticationMode=UNKNOWN)],
        )
        for type in (NATIVE, COMPONENT)
    ),
    *(
        case(
            "cluster-in-private-subnets",
            type,
            ok=[*([cluster(type, subnetIds=[world[0]]), *world] for world in private()), *held(type)],
            bad=[*([cluster(type, subnetIds=[world[0]]), *world] for world in public()), *more],
            unknown=[
                *([cluster(type, subnetIds=[world[0]]), *world] for world in unclear()),
                cluster(type, subnetIds=["subnet-0123"]),
                cluster(type, subnetIds=UNKNOWN),
            ],
        )
        for type, more in rows(
            (NATIVE, [cluster(NATIVE)]),
            (
                COMPONENT,
                [
                    cluster(COMPONENT),
                    *([cluster(COMPONENT, publicSubnetIds=[world[0]]), *world] for world in public()),
                    *([cluster(COMPONENT, privateSubnetIds=[world[0]]), *world] for world in public()),
                ],
            ),
        )
    ),
    *(
        case(
            "nodes-in-private-subnets",
            type,
            ok=[*([nodes(type, **{key: [world[0]]}), *world] for world in private()), *more],
            bad=[*([nodes(type, **{key: [world[0]]}), *world] for world in public()), *worse],
            unknown=[
                *([nodes(type, **{key: [world[0]]}), *world] for world in unclear()),
                nodes(type, **{key: ["subnet-0123"]}),
                *doubtful,
            ],
        )
        for type, key, more, worse, doubtful in rows(
            ("eks/nodeGroup", "subnetIds", [], [], [nodes("eks/nodeGroup", subnetIds=UNKNOWN)]),
            (
                "eks:index:ManagedNodeGroup",
                "subnetIds",
                [made_of(nodes("eks:index:ManagedNodeGroup"), "eks/nodeGroup")],
                [],
                [nodes("eks:index:ManagedNodeGroup"), nodes("eks:index:ManagedNodeGroup", cluster=UNKNOWN)],
            ),
            *(
                (
                    type,
                    "nodeSubnetIds",
                    [made_of(nodes(type), "autoscaling/group")],
                    [],
                    [nodes(type), nodes(type, cluster=UNKNOWN)],
                )
                for type in SELF_MANAGED
            ),
            (
                COMPONENT,
                "nodeSubnetIds",
                [
                    without_nodes(),
                    res(COMPONENT, "c", fargate=True),
                    res(COMPONENT, "c", autoMode={"enabled": True}),
                    *(
                        [res(COMPONENT, "c", nodeGroupOptions={"nodeSubnetIds": [world[0]]}), *world]
                        for world in private()
                    ),
                    *([res(COMPONENT, "c", privateSubnetIds=[world[0]]), *world] for world in private()),
                    *held(COMPONENT),
                ],
                [
                    res(COMPONENT, "c"),
                    res(COMPONENT, "c", fargate=False),
                    *([res(COMPONENT, "c", subnetIds=[world[0]]), *world] for world in public()),
                ],
                [
                    res(COMPONENT, "c", skipDefaultNodeGroup=UNKNOWN),
                    res(COMPONENT, "c", fargate=UNKNOWN),
                    res(COMPONENT, "c", nodeGroupOptions=UNKNOWN),
                ],
            ),
        )
    ),
    *(
        case(
            "nodes-not-public",
            type,
            ok=[nodes(type, nodeAssociatePublicIpAddress=False), *more],
            bad=[nodes(type), nodes(type, nodeAssociatePublicIpAddress=True)],
            unknown=[nodes(type, nodeAssociatePublicIpAddress=UNKNOWN)],
        )
        for type, more in rows(
            *((type, [made_of(nodes(type), "autoscaling/group")]) for type in SELF_MANAGED),
            (
                COMPONENT,
                [
                    without_nodes(),
                    res(COMPONENT, "c", nodeGroupOptions={"nodeAssociatePublicIpAddress": False}),
                    *held(COMPONENT),
                ],
            ),
        )
    ),
    *(
        case(
            "nodes-without-ssh",
            type,
            ok=[nodes(type), *more],
            bad=[nodes(type, **{key: value}) for key, value in given],
            unknown=[nodes(type, **{key: UNKNOWN}) for key, _ in given],
        )
        for type, given, more in rows(
            *(
                (
                    type,
                    [("remoteAccess", {"ec2SshKey": "laptop"})],
                    [nodes(type, remoteAccess={"ec2SshKey": "laptop", "sourceSecurityGroupIds": [UNKNOWN]})],
                )
                for type in MANAGED
            ),
            *((type, [("keyName", "laptop"), ("nodePublicKey", "ssh-rsa AAAA")], []) for type in SELF_MANAGED),
            (
                COMPONENT,
                [("nodePublicKey", "ssh-rsa AAAA"), ("nodeGroupOptions", {"keyName": "laptop"})],
                [without_nodes(nodePublicKey="ssh-rsa AAAA"), *held(COMPONENT)],
            ),
        )
    ),
    *(
        case(
            "node-volumes-encrypted",
            type,
            ok=[with_template(type), *more],
            bad=[nodes(type)],
            unknown=[
                with_template(type, "lt-0123"),
                nodes(type, launchTemplate=UNKNOWN),
                nodes(type, launchTemplate={"name": "by-hand", "version": "1"}),
            ],
        )
        for type, more in rows(
            ("eks/nodeGroup", []),
            (MANAGED[1], [made_of(nodes(MANAGED[1]), "eks/nodeGroup")]),
        )
    ),
    *(
        case(
            "node-volumes-encrypted",
            type,
            ok=[nodes(type, nodeRootVolumeEncrypted=True), *more],
            bad=[nodes(type), nodes(type, nodeRootVolumeEncrypted=False)],
            unknown=[nodes(type, nodeRootVolumeEncrypted=UNKNOWN)],
        )
        for type, more in rows(
            *((type, [nodes(type, encryptRootBlockDevice=True)]) for type in SELF_MANAGED),
            (
                COMPONENT,
                [
                    without_nodes(),
                    res(COMPONENT, "c", nodeGroupOptions={"encryptRootBlockDevice": True}),
                    res(COMPONENT, "c", nodeGroupOptions={"nodeRootVolumeEncrypted": True}),
                    *held(COMPONENT),
                ],
            ),
        )
    ),
    *(
        case(
            "node-metadata-v2",
            type,
            ok=[with_template(type), *more],
            bad=[nodes(type)],
            unknown=[with_template(type, "lt-0123"), nodes(type, launchTemplate=UNKNOWN), *doubtful],
        )
        for type, more, doubtful in rows(
            ("eks/nodeGroup", [], []),
            (
                MANAGED[1],
                [nodes(MANAGED[1], enableIMDSv2=True), made_of(nodes(MANAGED[1]), "eks/nodeGroup")],
                [nodes(MANAGED[1], enableIMDSv2=UNKNOWN)],
            ),
        )
    ),
    case(
        "cluster-administrators",
        "eks/accessEntry",
        ok=[res("eks/accessEntry", "admin", principalArn=ROLE_ARN.format("admin"))],
        bad=[res("eks/accessEntry", "admin", principalArn="arn:aws:iam::123456789012:root")],
        unknown=[res("eks/accessEntry", "admin", principalArn=UNKNOWN)],
    ),
    case(
        "cluster-administrators",
        "eks/accessPolicyAssociation",
        ok=[association(VIEW), association(ADMIN, "namespace")],
        bad=[association(ADMIN)],
        unknown=[association(UNKNOWN), association(ADMIN, UNKNOWN)],
    ),
    case(
        "cluster-administrators",
        COMPONENT,
        ok=[res(COMPONENT, "cluster"), entries(VIEW), entries(ADMIN, "namespace"), *held(COMPONENT)],
        bad=[entries(ADMIN), entries(VIEW, principal="arn:aws:iam::123456789012:root")],
        unknown=[
            entries(UNKNOWN),
            entries(VIEW, principal=UNKNOWN),
            res(COMPONENT, "cluster", accessEntries=UNKNOWN),
        ],
    ),
    *(
        case(
            "node-group-template",
            type,
            ok=[
                nodes(type, diskSize=20, instanceTypes=["m7g.large"]),
                with_template(type, instanceTypes=["m7g.large"]),
                with_template(type, template(instanceType="m7g.large")),
                *more,
            ],
            bad=[
                with_template(type, diskSize=20),
                with_template(type, remoteAccess={"ec2SshKey": "laptop"}),
                with_template(type, template(instanceType="m7g.large"), instanceTypes=["m7g.large"]),
                with_template(type, template(iamInstanceProfile={"name": "nodes"})),
            ],
            unknown=[with_template(type, "lt-0123"), nodes(type, launchTemplate=UNKNOWN)],
        )
        for type, more in rows(("eks/nodeGroup", []), (MANAGED[1], [made_of(nodes(MANAGED[1]), "eks/nodeGroup")]))
    ),
    *(
        case(
            "node-group-architecture",
            type,
            ok=[
                nodes(type),
                nodes(type, instanceTypes=["m7i.large", "g4dn.xlarge", "m7i-flex.large"]),
                nodes(type, instanceTypes=["m7g.large", "a1.large"], amiType="AL2023_ARM_64_STANDARD"),
                nodes(type, instanceTypes=["c7i.large"], amiType="BOTTLEROCKET_x86_64"),
                nodes(type, instanceTypes=["c7gn.large"], amiType="CUSTOM"),
                nodes(type, instanceTypes=["c7gn.large"], launchTemplate={"id": "lt-0123", "version": "1"}),
            ],
            bad=[
                nodes(type, instanceTypes=["m7g.large", "m7i.large"]),
                nodes(type, instanceTypes=["m7g.large"], amiType="AL2023_x86_64_STANDARD"),
                nodes(type, instanceTypes=["m7i.large"], amiType="BOTTLEROCKET_ARM_64"),
                nodes(type, instanceTypes=["t4g.medium"]),
            ],
            unknown=[
                nodes(type, instanceTypes=UNKNOWN),
                nodes(type, instanceTypes=["m7g.large"], amiType=UNKNOWN),
                nodes(type, instanceTypes=["large"]),
            ],
        )
        for type in MANAGED
    ),
    case(
        "node-group-image",
        "eks/nodeGroup",
        ok=[
            nodes("eks/nodeGroup"),
            nodes("eks/nodeGroup", amiType="AL2023_x86_64_STANDARD", version="1.33"),
            nodes("eks/nodeGroup", amiType="AL2_x86_64", version="1.32"),
            nodes("eks/nodeGroup", amiType="AL2_ARM_64", clusterName=name(cluster(NATIVE, version="1.32"))),
        ],
        bad=[
            nodes("eks/nodeGroup", amiType="AL2_x86_64", version="1.33"),
            nodes("eks/nodeGroup", amiType="AL2_x86_64_GPU", clusterName=name(cluster(NATIVE, version="1.34"))),
        ],
        unknown=[
            nodes("eks/nodeGroup", amiType=UNKNOWN),
            nodes("eks/nodeGroup", amiType="AL2_x86_64", version=UNKNOWN),
            nodes("eks/nodeGroup", amiType="AL2_x86_64", clusterName=name(cluster(NATIVE))),
            nodes("eks/nodeGroup", amiType="AL2_x86_64", clusterName="by-hand"),
        ],
    ),
    case(
        "access-entry-kind",
        "eks/accessEntry",
        ok=[
            res("eks/accessEntry", "entry", kubernetesGroups=["viewers"], userName="viewer"),
            res("eks/accessEntry", "entry", type="EC2_LINUX"),
        ],
        bad=[
            res("eks/accessEntry", "entry", kubernetesGroups=[UNKNOWN, "system:masters"]),
            res("eks/accessEntry", "entry", type="EC2_LINUX", kubernetesGroups=["viewers"]),
            res("eks/accessEntry", "entry", type="FARGATE_LINUX", userName="viewer"),
        ],
        unknown=[
            res("eks/accessEntry", "entry", kubernetesGroups=UNKNOWN),
            res("eks/accessEntry", "entry", type=UNKNOWN),
        ],
    ),
    *(
        case(
            "pod-identity-trust",
            type,
            ok=[
                associated(type, arn(TRUSTED)),
                [associated(type, ROLE_ARN.format("pod")), NAMED, DISTRUSTED],
                [associated(type, ROLE_ARN.format("path/pod")), NAMED],
                *more,
            ],
            bad=[
                associated(type, arn(DISTRUSTED)),
                associated(type, arn(role("sts:AssumeRole", "sts:TagSession", service="ec2.amazonaws.com"))),
                [associated(type, ROLE_ARN.format("careless")), NAMED, DISTRUSTED],
            ],
            unknown=[
                associated(type, UNKNOWN),
                [associated(type, ROLE_ARN.format("elsewhere")), NAMED],
                associated(type, arn(res("iam/role", "pod", assumeRolePolicy=UNKNOWN))),
            ],
        )
        for type, more in rows(("eks/podIdentityAssociation", []), ("eks/addon", [res("eks/addon", "plain")]))
    ),
]
