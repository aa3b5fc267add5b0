"""Elastic Beanstalk, in every family: what an environment's options make of it.

What a source bundle's `.ebextensions` change isn't seen from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ..beanstalk import ENVIRONMENT, INSTANCES, NETWORK, Options, balancer, listeners, options, subnets
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, items, peek, some
from ..network import ways_in
from ..plaintext import is_reference, is_secret, named_secret
from ..rule import rule
from .encryption_in_transit import CLASSIC_TLS_12, TLS_12

TYPE = "elasticbeanstalk/environment"


@rule(
    "environment-in-private-subnets", TYPE,
    family="exposure", severity="high",
    title="Beanstalk environments are in private subnets",
    controls="cdk-nag EB1, cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Set VPCId and Subnets of aws:ec2:vpc to a VPC and private subnets of it, and ELBSubnets as well where "
    "ELBScheme is internal",
)  # fmt: skip
def environment_in_private_subnets(environment: Resource, graph: Graph) -> Iterator[str]:
    found = options(environment, graph)
    if found.peek(NETWORK, "VPCId") in (None, "") or found.peek(NETWORK, "Subnets") in (None, ""):
        yield "it names no subnet, so it is in the default VPC, whose subnets are public"
        return
    outside = balancer(environment, found) not in ("none", "shared") and _faces_internet(found)

    def judge(name: str) -> Iterator[str]:
        def public(subnet: Resource) -> Iterator[str]:
            yield from (f"it is in a public subnet: {way}" for way in ways_in(graph, subnet))

        # As long as neither list is known, public subnets among private ones may be the load balancer's.
        if outside and found.peek(NETWORK, name) is UNKNOWN:
            kinds = {any(True for _ in public(subnet)) for subnet in subnets(found, name, graph)}
            if len(kinds) > 1:
                raise Unknown("which of the subnets in its settings are its instances'")
        yield from each(subnets(found, name, graph), public)

    yield from each(("Subnets",) if outside else ("Subnets", "ELBSubnets"), judge)


def _faces_internet(found: Options) -> bool:
    return found.get(NETWORK, "ELBScheme") != "internal"


@rule(
    "environment-not-public", TYPE,
    family="exposure", severity="high",
    title="Instances of Beanstalk environments have no public address",
    controls="FSBP EC2.9, CKV_AWS_88",
    remediation="Set AssociatePublicIpAddress of aws:ec2:vpc to false and EnvironmentType to LoadBalanced",
)  # fmt: skip
def environment_not_public(environment: Resource, graph: Graph) -> Iterator[str]:
    found = options(environment, graph)
    if found.get(ENVIRONMENT, "EnvironmentType") == "SingleInstance" and get(environment, "tier") != "Worker":
        yield "its only instance has an elastic IP address"
    elif found.on(NETWORK, "AssociatePublicIpAddress"):
        yield "its instances have public addresses"


@rule(
    "environment-without-ssh", TYPE,
    family="exposure", severity="medium",
    title="Nobody logs in to Beanstalk instances by SSH",
    controls="",
    remediation="Leave out EC2KeyName of aws:autoscaling:launchconfiguration, and log in by Session Manager",
)  # fmt: skip
def environment_without_ssh(environment: Resource, graph: Graph) -> Iterator[str]:
    """With a key, Elastic Beanstalk opens port 22 to the internet unless it is told otherwise."""
    if options(environment, graph).peek(INSTANCES, "EC2KeyName") not in (None, ""):
        yield "its instances have an SSH key"


@rule(
    "environment-metadata-v2", TYPE,
    family="iam", severity="high",
    title="Beanstalk instances answer metadata requests by token only",
    controls="FSBP EC2.8, CKV_AWS_79, cdk-nag NIST.800.53.R5-EC2IMDSv2Enabled",
    remediation="Set DisableIMDSv1 of aws:autoscaling:launchconfiguration to true",
)  # fmt: skip
def environment_metadata_v2(environment: Resource, graph: Graph) -> Iterator[str]:
    if not options(environment, graph).on(INSTANCES, "DisableIMDSv1"):
        yield "its instances answer metadata requests without a token (IMDSv1)"


@rule(
    "environment-listeners-encrypted", TYPE,
    family="encryption-in-transit", severity="high",
    title="Load balancers of Beanstalk environments listen on HTTPS only",
    controls="FSBP ELB.1, FSBP ELB.3, CKV_AWS_2, cdk-nag ELB5",
    remediation="Set ListenerEnabled of aws:elbv2:listener:default (aws:elb:listener of a classic load balancer) to "
    "false, and give aws:elbv2:listener:443 Protocol HTTPS and a certificate",
)  # fmt: skip
def environment_listeners_encrypted(environment: Resource, graph: Graph) -> Iterator[str]:
    """A shared load balancer has listeners of its own. A network load balancer hands on what the instances encrypt."""
    found = options(environment, graph)
    kind = balancer(environment, found)
    if kind in ("none", "shared"):
        return

    def judge(listener: tuple[str, str]) -> Iterator[str]:
        port, namespace = listener
        protocol = found.get(namespace, "ListenerProtocol" if kind == "classic" else "Protocol").upper()
        if port == "80" and protocol not in ("HTTPS", "SSL"):
            yield "its load balancer listens on port 80"
        elif kind != "network" and protocol not in ("HTTPS", "SSL"):
            yield "its load balancer has a listener that isn't encrypted"

    yield from each(listeners(found, kind), judge)


@rule(
    "environment-tls-policy", TYPE,
    family="encryption-in-transit", severity="medium",
    title="Load balancers of Beanstalk environments demand TLS 1.2",
    controls="FSBP ELB.8, FSBP ELB.17, CKV_AWS_103",
    remediation="Set SSLPolicy of aws:elbv2:listener:443 to ELBSecurityPolicy-TLS13-1-2-2021-06 or newer; for a "
    "classic load balancer, SSLReferencePolicy of aws:elb:policies:tls to ELBSecurityPolicy-TLS-1-2-2017-01 and its "
    "LoadBalancerPorts to 443",
)  # fmt: skip
def environment_tls_policy(environment: Resource, graph: Graph) -> Iterator[str]:
    found = options(environment, graph)
    kind = balancer(environment, found)
    if kind not in ("classic", "application"):
        return

    def demands(port: str) -> bool:
        def holds(policy: str) -> bool:
            ports = [part.strip() for part in found.get(policy, "LoadBalancerPorts").split(",")]
            strong = found.get(policy, "SSLReferencePolicy").startswith(CLASSIC_TLS_12)
            return strong and (port in ports or ":all" in ports)

        return some(found.namespaces("aws:elb:policies"), holds)

    def judge(listener: tuple[str, str]) -> Iterator[str]:
        port, namespace = listener
        if kind == "classic":
            if found.get(namespace, "ListenerProtocol").upper() in ("HTTPS", "SSL") and not demands(port):
                yield "a listener of its load balancer has no policy that demands TLS 1.2"
        elif found.get(namespace, "Protocol").upper() == "HTTPS" and not found.get(namespace, "SSLPolicy").startswith(
            TLS_12
        ):
            yield "a listener of its load balancer admits TLS older than 1.2"

    yield from each(listeners(found, kind), judge)


@rule(
    "environment-waf", TYPE,
    family="waf", severity="high",
    title="Internet-facing load balancers of Beanstalk environments have a web ACL",
    controls="FSBP ELB.16, CKV2_AWS_28, cdk-nag NIST.800.53.R5-ALBWAFEnabled",
    remediation="Share a load balancer that has one, set ELBScheme of aws:ec2:vpc to internal, or attach a web ACL to "
    "the first of the environment's loadBalancers, of type application",
)  # fmt: skip
def environment_waf(environment: Resource, graph: Graph) -> Iterator[str]:
    found = options(environment, graph)
    kind = balancer(environment, found)
    if kind in ("none", "shared") or not _faces_internet(found):
        return
    if kind != "application":
        yield f"it faces the internet, and a {kind} load balancer can't carry a web ACL"
    elif not any(graph.referrers(environment, "wafv2/webAclAssociation", "resourceArn")):
        yield "its load balancer faces the internet and has no web ACL"


@rule(
    "environment-health-reported", TYPE,
    family="audit", severity="low",
    title="Beanstalk environments report their health in full",
    controls="FSBP ElasticBeanstalk.1, CKV_AWS_312",
    remediation="Set SystemType of aws:elasticbeanstalk:healthreporting:system to enhanced",
)  # fmt: skip
def environment_health_reported(environment: Resource, graph: Graph) -> Iterator[str]:
    if options(environment, graph).get("aws:elasticbeanstalk:healthreporting:system", "SystemType") != "enhanced":
        yield "it has basic health reports alone"


@rule(
    "environment-updated", TYPE,
    family="durability", severity="medium",
    title="Beanstalk environments are updated by AWS",
    controls="FSBP ElasticBeanstalk.2, CKV_AWS_340, cdk-nag EB3",
    remediation="Set ManagedActionsEnabled of aws:elasticbeanstalk:managedactions to true, with a PreferredStartTime",
)  # fmt: skip
def environment_updated(environment: Resource, graph: Graph) -> Iterator[str]:
    if not options(environment, graph).on("aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled"):
        yield "its platform stays as old as it is"


@rule(
    "environment-logs-streamed", TYPE,
    family="audit", severity="medium",
    title="Beanstalk environments stream their logs",
    controls="FSBP ElasticBeanstalk.3, cdk-nag EB4",
    remediation="Set StreamLogs of aws:elasticbeanstalk:cloudwatch:logs to true",
)  # fmt: skip
def environment_logs_streamed(environment: Resource, graph: Graph) -> Iterator[str]:
    if not options(environment, graph).on("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs"):
        yield "its logs go with its instances"


@rule(
    "environment-volumes-encrypted", TYPE,
    family="encryption-at-rest", severity="medium", level="advisory",
    title="Volumes of Beanstalk instances are encrypted",
    controls="FSBP EC2.7, CKV_AWS_106",
    remediation="Add an ebs.EncryptionByDefault, which is for the whole account and region",
)  # fmt: skip
def environment_volumes_encrypted(environment: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: Elastic Beanstalk has no option for it, and the account may do so already. A machine image of one's own
    may be encrypted."""
    found = options(environment, graph)
    if some(graph.of_type("ebs/encryptionByDefault"), lambda default: get(default, "enabled") is not False):
        return
    if found.peek(INSTANCES, "ImageId") not in (None, ""):
        raise Unknown("whether its machine image is encrypted")
    yield "nothing in the program encrypts the volumes of its instances"


_GENERATORS = ("random:index/randomPassword:RandomPassword", "tls:index/privateKey:PrivateKey")
_STORES = ("secretsmanager/secret", "secretsmanager/secretVersion", "ssm/parameter")
_VARIABLES = "aws:elasticbeanstalk:application:environment"
_SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"


@rule(
    "environment-no-secrets", TYPE, "elasticbeanstalk/configurationTemplate",
    family="iam", severity="critical",
    title="Beanstalk settings hold no secret in plain text",
    controls="CKV_AWS_46",
    remediation="Keep the secret in Secrets Manager and name its ARN in aws:elasticbeanstalk:application:"
    "environmentsecrets; anybody who may describe the environment reads its variables",
)  # fmt: skip
def environment_no_secrets(holder: Resource, graph: Graph) -> Iterator[str]:
    """By the variable's name, or by a value that can be nothing else. Messages name the setting by its place."""
    with suppress(Unknown):
        if graph.refers(holder, "settings", *_GENERATORS, value=UNKNOWN):
            yield "a generated password or key is in its settings"

    def judge(numbered: tuple[int, Any]) -> Iterator[str]:
        place, setting = numbered
        namespace, name, value = (peek(setting, key) for key in ("namespace", "name", "value"))
        if isinstance(value, str) and is_secret(value):
            yield f"settings[{place}] holds what looks like a secret"
            return
        if namespace is UNKNOWN or name is UNKNOWN:
            raise Unknown("settings")
        if namespace == _SECRETS:
            if value is UNKNOWN:
                graph.refers(holder, "settings", *_STORES, value=UNKNOWN)
            elif not is_reference(str(value)):
                yield f"settings[{place}] should be the ARN of a secret"
        elif namespace == _VARIABLES and named_secret(str(name)):
            if value is UNKNOWN:
                raise Unknown("the value of a variable whose name is a secret's")
            if value not in (None, "") and not is_reference(str(value)):
                yield f"settings[{place}] is a variable whose name is a secret's"

    yield from each(enumerate(items(holder, "settings")), judge)
