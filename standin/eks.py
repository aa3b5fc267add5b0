"""What the remote component eks:index:Cluster of pulumi-eks 4.4 registers: the cluster and what comes with it.

The one definition of it, written as the component itself would be: with the SDK. The provider answers an engine's
Construct with it, and the mocks run it as the engine would. What it doesn't know, it refuses; `core`, the output with
everything in it once more, it leaves out.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.stack import wait_for_rpcs

CLUSTER = "eks:index:Cluster"
THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"  # of the authority that all of EKS's issuers have
KNOWN = frozenset(
    {
        "accessEntries",
        "authenticationMode",
        "bootstrapSelfManagedAddons",
        "clusterSecurityGroup",
        "clusterSecurityGroupTags",
        "clusterTags",
        "corednsAddonOptions",
        "createInstanceRole",
        "createOidcProvider",
        "deletionProtection",
        "enableConfigMapMutable",
        "enabledClusterLogTypes",
        "encryptionConfigKeyArn",
        "endpointPrivateAccess",
        "endpointPublicAccess",
        "kubeProxyAddonOptions",
        "kubernetesServiceIpAddressRange",
        "name",
        "nodeSecurityGroupTags",
        "privateSubnetIds",
        "publicAccessCidrs",
        "publicSubnetIds",
        "serviceRole",
        "skipDefaultNodeGroup",
        "skipDefaultSecurityGroups",
        "subnetIds",
        "tags",
        "upgradePolicy",
        "useDefaultVpcCni",
        "version",
        "vpcId",
    }
)


class UnknownComponent(Exception):
    """A remote component, or an argument of one, whose children nobody here knows."""


class Eks(Provider):
    """The package's remote components."""

    def __init__(self) -> None:
        super().__init__(version=None)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        check(resource_type, name, inputs)
        cluster = Cluster(name, inputs, options)
        return ConstructResult(cluster.urn, cluster.state)


def check(resource_type: str, name: str, inputs: Mapping[str, Any]) -> None:
    """Refuse what the children of aren't known.

    Raises:
        UnknownComponent: naming the component and the argument.
    """
    if resource_type != CLUSTER:
        raise UnknownComponent(f"{resource_type} {name}: the stand-in doesn't know its children (standin/eks.py)")
    unknown = sorted(key for key, value in inputs.items() if value is not None and key not in KNOWN)
    if unknown:
        raise UnknownComponent(f"{CLUSTER} {name}: the stand-in doesn't know what {', '.join(unknown)} leads to")
    for key, wanted in {"authenticationMode": "API", "skipDefaultNodeGroup": True, "useDefaultVpcCni": True}.items():
        if inputs.get(key) != wanted:
            raise UnknownComponent(f"{CLUSTER} {name}: the stand-in knows {key}={wanted} only")
    if not inputs.get("vpcId"):
        raise UnknownComponent(f"{CLUSTER} {name}: the stand-in has no default VPC: give it a vpcId")
    if inputs.get("skipDefaultSecurityGroups") and not inputs.get("clusterSecurityGroup"):
        raise UnknownComponent(f"{CLUSTER} {name}: the stand-in wants a clusterSecurityGroup or the default ones")


class Cluster(pulumi.ComponentResource):
    """The component, as the program gets to see it."""

    state: dict[str, Any]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(CLUSTER, name, inputs, opts)
        self._name = name
        self._inputs = inputs
        self._child = pulumi.ResourceOptions(parent=self)
        groups = self._cluster_security_group()
        cluster = self._cluster(groups)
        self._addons(cluster)
        kubeconfig = self._kubeconfig(cluster)
        pulumi.ProviderResource(
            "kubernetes", f"{name}-eks-k8s", {"kubeconfig": pulumi.Output.json_dumps(kubeconfig)}, self._child
        )
        self._access_entries(cluster)
        oidc = None
        issuer = cluster.identities[0].oidcs[0].issuer
        if inputs.get("createOidcProvider"):
            oidc = aws.iam.OpenIdConnectProvider(
                f"{name}-oidcProvider",
                client_id_lists=["sts.amazonaws.com"],
                url=issuer,
                thumbprint_lists=[THUMBPRINT],
                opts=self._child,
            )
        nodes, rule = self._node_security_group(groups, cluster)
        self.state = {
            "autoModeNodeRoleName": "",
            "clusterIngressRuleId": rule.security_group_rule_id if rule else "",
            "clusterSecurityGroup": groups,
            "clusterSecurityGroupId": groups.id,
            "defaultNodeGroupAsgName": "",
            "eksCluster": cluster,
            "eksClusterIngressRule": rule,
            "fargateProfileId": "",
            "fargateProfileStatus": "",
            "instanceRoles": [],
            "kubeconfig": kubeconfig,
            "kubeconfigJson": pulumi.Output.json_dumps(kubeconfig),
            "nodeSecurityGroup": nodes,
            "nodeSecurityGroupId": (nodes or groups).id,
            "oidcProviderArn": oidc.arn if oidc else "",
            "oidcProviderUrl": issuer,
        }
        self.register_outputs(self.state)

    def _tags(self, name: str, more: str) -> dict[str, Any]:
        return {"Name": name, **(self._inputs.get(more) or {}), **(self._inputs.get("tags") or {})}

    def _service_role_arn(self) -> pulumi.Input[str]:
        if self._inputs.get("serviceRole"):
            return pulumi.Output.from_input(self._inputs["serviceRole"]).arn
        name = f"{self._name}-eksRole"
        component = pulumi.ComponentResource("eks:index:ServiceRole", name, None, self._child)
        child = pulumi.ResourceOptions(parent=component)
        role = aws.iam.Role(
            f"{name}-role",
            description="Allows EKS to manage clusters on your behalf.",
            assume_role_policy=pulumi.Output.json_dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Action": ["sts:AssumeRole", "sts:TagSession"],
                            "Effect": "Allow",
                            "Principal": {"Service": "eks.amazonaws.com"},
                        }
                    ],
                }
            ),
            tags=self._inputs.get("tags"),
            opts=child,
        )
        policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
        digest = hashlib.sha1(policy.encode(), usedforsecurity=False).hexdigest()[:8]
        aws.iam.RolePolicyAttachment(f"{name}-{digest}", role=role.name, policy_arn=policy, opts=child)
        return role.arn

    def _cluster_security_group(self) -> Any:
        if self._inputs.get("clusterSecurityGroup"):
            return self._inputs["clusterSecurityGroup"]
        name = f"{self._name}-eksClusterSecurityGroup"
        group = aws.ec2.SecurityGroup(
            name,
            vpc_id=self._inputs["vpcId"],
            revoke_rules_on_delete=True,
            tags=self._tags(name, "clusterSecurityGroupTags"),
            opts=self._child,
        )
        self._rule("eksClusterInternetEgressRule", group, "egress", "-1", 0, 0, cidr_blocks=["0.0.0.0/0"])
        return group

    def _node_security_group(self, cluster_group: Any, cluster: aws.eks.Cluster) -> tuple[Any, Any]:
        if self._inputs.get("skipDefaultSecurityGroups"):
            return None, None
        name = f"{self._name}-nodeSecurityGroup"
        owned = cluster.name.apply(lambda cluster_name: {f"kubernetes.io/cluster/{cluster_name}": "owned"})
        tags = pulumi.Output.all(owned, self._tags(name, "nodeSecurityGroupTags")).apply(lambda all: all[0] | all[1])
        nodes = aws.ec2.SecurityGroup(
            name, vpc_id=self._inputs["vpcId"], revoke_rules_on_delete=True, tags=tags, opts=self._child
        )
        self._rule("eksNodeIngressRule", nodes, "ingress", "-1", 0, 0, self_=True)
        self._rule("eksNodeClusterIngressRule", nodes, "ingress", "tcp", 1025, 65535, source=cluster_group)
        self._rule("eksExtApiServerClusterIngressRule", nodes, "ingress", "tcp", 443, 443, source=cluster_group)
        self._rule("eksNodeInternetEgressRule", nodes, "egress", "-1", 0, 0, cidr_blocks=["0.0.0.0/0"])
        return nodes, self._rule("eksClusterIngressRule", cluster_group, "ingress", "tcp", 443, 443, source=nodes)

    def _rule(
        self,
        name: str,
        group: Any,
        kind: str,
        protocol: str,
        first: int,
        last: int,
        *,
        self_: bool | None = None,
        cidr_blocks: list[str] | None = None,
        source: Any = None,
    ) -> aws.ec2.SecurityGroupRule:
        return aws.ec2.SecurityGroupRule(
            f"{self._name}-{name}",
            type=kind,
            protocol=protocol,
            from_port=first,
            to_port=last,
            self=self_,
            cidr_blocks=cidr_blocks,
            source_security_group_id=source.id if source else None,
            security_group_id=group.id,
            opts=self._child,
        )

    def _cluster(self, group: Any) -> aws.eks.Cluster:
        given, name = self._inputs, f"{self._name}-eksCluster"
        key = given.get("encryptionConfigKeyArn")
        services = given.get("kubernetesServiceIpAddressRange")
        subnets = given.get("subnetIds")
        if subnets is None:
            both = given.get("publicSubnetIds") or [], given.get("privateSubnetIds") or []
            subnets = pulumi.Output.all(*both).apply(lambda ids: [*ids[0], *ids[1]])
        return aws.eks.Cluster(
            name,
            name=given.get("name"),
            role_arn=self._service_role_arn(),
            version=given.get("version"),
            vpc_config=aws.eks.ClusterVpcConfigArgs(
                subnet_ids=subnets,
                security_group_ids=[group.id],
                endpoint_private_access=given.get("endpointPrivateAccess"),
                endpoint_public_access=given.get("endpointPublicAccess"),
                public_access_cidrs=given.get("publicAccessCidrs"),
            ),
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            encryption_config={"provider": {"key_arn": key}, "resources": ["secrets"]} if key else None,
            enabled_cluster_log_types=given.get("enabledClusterLogTypes"),
            kubernetes_network_config={"service_ipv4_cidr": services, "ip_family": "ipv4"} if services else None,
            bootstrap_self_managed_addons=given.get("bootstrapSelfManagedAddons", True),
            upgrade_policy=given.get("upgradePolicy"),
            deletion_protection=given.get("deletionProtection"),
            tags=self._tags(name, "clusterTags"),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"],
            ),
        )

    def _addons(self, cluster: aws.eks.Cluster) -> None:
        # CoreDNS needs a node group or Fargate profile of the component's own, unless it is asked for.
        for addon, argument, default in (
            ("kube-proxy", "kubeProxyAddonOptions", True),
            ("coredns", "corednsAddonOptions", False),
        ):
            options = self._inputs.get(argument) or {}
            if not options.get("enabled", default):
                continue
            if options.get("configurationValues") or not options.get("version"):
                raise UnknownComponent(f"{CLUSTER} {self._name}: the stand-in knows {argument} with a version only")
            aws.eks.Addon(
                f"{self._name}-{addon}",
                cluster_name=cluster.name,
                addon_name=addon,
                addon_version=options["version"],
                preserve=True,
                resolve_conflicts_on_create=options.get("resolveConflictsOnCreate", "OVERWRITE"),
                resolve_conflicts_on_update=options.get("resolveConflictsOnUpdate", "OVERWRITE"),
                tags=self._inputs.get("tags"),
                opts=self._child,
            )

    def _access_entries(self, cluster: aws.eks.Cluster) -> None:
        for entry_name, entry in (self._inputs.get("accessEntries") or {}).items():
            name = f"{self._name}-{entry_name}"
            made = aws.eks.AccessEntry(
                name,
                cluster_name=cluster.name,
                principal_arn=entry["principalArn"],
                kubernetes_groups=entry.get("kubernetesGroups"),
                type=entry.get("type"),
                user_name=entry.get("username"),
                tags=entry.get("tags"),
                opts=self._child,
            )
            for policy_name, policy in (entry.get("accessPolicies") or {}).items():
                aws.eks.AccessPolicyAssociation(
                    f"{name}-{policy_name}",
                    cluster_name=cluster.name,
                    principal_arn=entry["principalArn"],
                    policy_arn=policy["policyArn"],
                    access_scope=policy["accessScope"],
                    opts=pulumi.ResourceOptions(parent=made, depends_on=[made]),
                )

    def _kubeconfig(self, cluster: aws.eks.Cluster) -> dict[str, Any]:
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        command = ["--region", region, "eks", "get-token", "--cluster-name", cluster.name, "--output", "json"]
        api = "client.authentication.k8s.io/v1beta1"
        return {
            "apiVersion": "v1",
            "clusters": [
                {
                    "cluster": {
                        "server": cluster.endpoint,
                        "certificate-authority-data": cluster.certificate_authority.data,
                    },
                    "name": "kubernetes",
                }
            ],
            "contexts": [{"context": {"cluster": "kubernetes", "user": "aws"}, "name": "aws"}],
            "current-context": "aws",
            "kind": "Config",
            "users": [{"name": "aws", "user": {"exec": {"apiVersion": api, "command": "aws", "args": command}}}],
        }


def construct(
    request: provider_pb2.ConstructRequest, engine: str, enter: Callable[[], None] | None = None
) -> provider_pb2.ConstructResponse:
    """Answer an engine's request: register the component and its children.

    `engine` is the address that takes its messages. `enter` connects to something else than the engine's monitor.
    """
    servicer = ProviderServicer(Eks(), [], engine_address=engine)

    async def answer() -> provider_pb2.ConstructResponse:
        # What fails is raised below; its dependents' failures are the same one again.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        if enter is None:
            return await servicer._construct(request, None)
        enter()
        inputs = await servicer._construct_inputs(request.inputs, request.inputDependencies)
        result = servicer.provider.construct(request.name, request.type, inputs, servicer._construct_options(request))
        response = await servicer._construct_response(result)
        await wait_for_rpcs(await_all_outstanding_tasks=False)
        return response

    # A context and an event loop of its own, as in a process of its own: the program's are busy waiting.
    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(context.run, lambda: asyncio.run(answer())).result()
