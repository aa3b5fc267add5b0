"""EMR, Step Functions, Athena, Glue and QuickSight: what holds for the data that they read, keep and show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..documents import bound, listed, statements
from ..emr import CLUSTERS, CREATE, END, Cluster, clusters, configuration
from ..graph import UNKNOWN, Graph, Resource, each, get, given, items, peek, yes
from ..machines import arguments, caught, definition, does, inner, states, ways
from ..network import ways_in
from ..rule import rule
from .encryption_at_rest import KEYS, customer_key

_CONFIGURED = ("emr/securityConfiguration", *CLUSTERS)


def _configured(
    resource: Resource, graph: Graph, judge: Callable[[str, Mapping[str, Any]], Iterator[str]]
) -> Iterator[str]:
    """Judge a security configuration, or those of the clusters that a resource makes, by its name and what it says."""

    def of(cluster: Cluster) -> Iterator[str]:
        if not cluster.given("securityConfiguration"):
            yield f"{cluster.called} has no security configuration"
            return
        found = cluster.targets(graph, "securityConfiguration", "emr/securityConfiguration")
        yield from each(found, lambda security: judge(security.label, configuration(security)))

    if resource.short == "emr/securityConfiguration":
        yield from judge("it", configuration(resource))
    else:
        yield from each(clusters(resource), of)


_AT_REST = "EncryptionConfiguration.AtRestEncryptionConfiguration"


@rule(
    "emr-encrypted", *_CONFIGURED,
    family="encryption-at-rest", severity="high",
    title="EMR encrypts what it keeps on S3 and on its nodes' disks, by KMS",
    controls="FSBP EMR.3, CKV_AWS_171, CKV_AWS_349, CKV_AWS_350, CKV2_AWS_55, cdk-nag EMR4",
    remediation="Use a security configuration with EnableAtRestEncryption, an S3EncryptionConfiguration of SSE-KMS or "
    "CSE-KMS and a LocalDiskEncryptionConfiguration of AwsKms with EnableEbsEncryption",
)  # fmt: skip
def emr_encrypted(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR management guide, "Create a security configuration"."""

    def judge(security: str, said: Mapping[str, Any]) -> Iterator[str]:
        if not yes(said, "EncryptionConfiguration.EnableAtRestEncryption"):
            yield f"{security} encrypts nothing that is kept"
            return
        if get(said, f"{_AT_REST}.S3EncryptionConfiguration.EncryptionMode") not in ("SSE-KMS", "CSE-KMS"):
            yield f"{security} doesn't encrypt by KMS what is written to S3"
        disks = f"{_AT_REST}.LocalDiskEncryptionConfiguration"
        if get(said, f"{disks}.EncryptionKeyProviderType") != "AwsKms":
            yield f"{security} doesn't encrypt disks by KMS"
        elif not yes(said, f"{disks}.EnableEbsEncryption"):
            yield f"{security} leaves the root volumes as they are"

    yield from _configured(resource, graph, judge)


@rule(
    "emr-encrypted-in-transit", *_CONFIGURED,
    family="encryption-in-transit", severity="high",
    title="EMR's nodes speak TLS to each other",
    controls="FSBP EMR.4, CKV_AWS_351, cdk-nag EMR5",
    remediation="Use a security configuration with EnableInTransitEncryption and a TLSCertificateConfiguration",
)  # fmt: skip
def emr_encrypted_in_transit(resource: Resource, graph: Graph) -> Iterator[str]:
    certificates = "EncryptionConfiguration.InTransitEncryptionConfiguration.TLSCertificateConfiguration"

    def judge(security: str, said: Mapping[str, Any]) -> Iterator[str]:
        if not yes(said, "EncryptionConfiguration.EnableInTransitEncryption"):
            yield f"{security} leaves what nodes say to each other in the clear"
        elif not given(said, f"{certificates}.S3Object"):
            yield f"{security} says nothing of certificates"

    yield from _configured(resource, graph, judge)


@rule(
    "emr-metadata-v2", *_CONFIGURED,
    family="iam", severity="high",
    title="EMR's nodes answer metadata requests by token only",
    controls="FSBP EC2.8, CKV_AWS_79",
    remediation="Use a security configuration with an InstanceMetadataServiceConfiguration of "
    "MinimumInstanceMetadataServiceVersion 2",
)  # fmt: skip
def emr_metadata_v2(resource: Resource, graph: Graph) -> Iterator[str]:
    def judge(security: str, said: Mapping[str, Any]) -> Iterator[str]:
        if get(said, "InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion") not in (2, "2"):
            yield f"{security} lets nodes answer metadata requests without a token (IMDSv1)"

    yield from _configured(resource, graph, judge)


@rule(
    "emr-log-key", *CLUSTERS,
    family="encryption-at-rest", severity="low", level="advisory",
    title="EMR's logs are encrypted by a customer key",
    controls="",
    remediation="Set logEncryptionKmsKeyId to a KMS key that the nodes' role may use",
)  # fmt: skip
def emr_log_key(resource: Resource, graph: Graph) -> Iterator[str]:
    def judge(cluster: Cluster) -> Iterator[str]:
        key = cluster.peek("logEncryptionKmsKeyId")
        if not cluster.given("logUri"):
            return
        if key in (None, ""):
            yield f"{cluster.called} leaves its logs to the bucket's key"
        elif key is UNKNOWN:
            any(cluster.targets(graph, "logEncryptionKmsKeyId", *KEYS))

    yield from each(clusters(resource), judge)


@rule(
    "emr-logged", *CLUSTERS,
    family="audit", severity="medium",
    title="EMR keeps its clusters' logs",
    controls="cdk-nag EMR2",
    remediation="Set logUri to a folder of a bucket; what stays on the nodes is gone with them",
)  # fmt: skip
def emr_logged(resource: Resource, graph: Graph) -> Iterator[str]:
    def judge(cluster: Cluster) -> Iterator[str]:
        if not cluster.given("logUri"):
            yield f"the logs of {cluster.called} are gone when its nodes are"
        elif cluster.peek("logUri") is UNKNOWN:
            any(cluster.targets(graph, "logUri", "s3/bucket"))

    yield from each(clusters(resource), judge)


@rule(
    "emr-in-private-subnets", *CLUSTERS,
    family="exposure", severity="high",
    title="EMR clusters are in private subnets",
    controls="FSBP EMR.1, CKV2_AWS_7, cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Name subnets whose route tables have no route to an internet gateway",
)  # fmt: skip
def emr_in_private_subnets(resource: Resource, graph: Graph) -> Iterator[str]:
    """A state machine may read its clusters' subnets from an object of the program: those that stand there count."""

    def judge(cluster: Cluster) -> Iterator[str]:
        if not any(cluster.given(f"ec2Attributes.{key}") for key in ("subnetId", "subnetIds")):
            yield f"{cluster.called} names no subnet, so it is in the default VPC, whose subnets are public"
        yield from each(cluster.subnets(graph), lambda subnet: public(cluster, subnet))

    def public(cluster: Cluster, subnet: Resource) -> Iterator[str]:
        for way in ways_in(graph, subnet):
            yield f"{cluster.called} is in a public subnet: {way}"

    yield from each(clusters(resource), judge)


@rule(
    "emr-public-access-blocked", "emr/blockPublicAccessConfiguration",
    family="exposure", severity="critical", alone=True,
    title="EMR starts no cluster that the internet may reach",
    controls="FSBP EMR.2, CKV_AWS_390",
    remediation="Set blockPublicSecurityGroupRules to true, and permit no port but 22",
)  # fmt: skip
def emr_public_access_blocked(resource: Resource, graph: Graph) -> Iterator[str]:
    if not yes(resource, "blockPublicSecurityGroupRules"):
        yield "it lets clusters be open to the internet"

    def judge(ports: Any) -> Iterator[str]:
        if (get(ports, "minRange"), get(ports, "maxRange")) not in ((22, 22), (22, None)):
            yield "it permits ports other than 22 to be open to the internet"

    yield from each(items(resource, "permittedPublicSecurityGroupRuleRanges"), judge)


_AWS_ROLES = ("EMR_DefaultRole", "EMR_EC2_DefaultRole")
_ROLES = {"serviceRole": "iam/role", "ec2Attributes.instanceProfile": "iam/instanceProfile"}


@rule(
    "emr-roles", *CLUSTERS,
    family="iam", severity="medium",
    title="EMR works under roles of one's own",
    controls="",
    remediation="Set the service role to one with AmazonEMRServicePolicy_v2, and the instance profile to one with what "
    "the jobs need; AWS's default roles may read and write every bucket",
)  # fmt: skip
def emr_roles(resource: Resource, graph: Graph) -> Iterator[str]:
    def judge(cluster: Cluster) -> Iterator[str]:
        yield from each(_ROLES, lambda key: own(cluster, key))

    def own(cluster: Cluster, key: str) -> Iterator[str]:
        if not cluster.given(key):
            yield f"{cluster.called} names no {key.rpartition('.')[2]}"
        elif cluster.peek(key) is UNKNOWN:
            any(cluster.targets(graph, key, _ROLES[key]))
        elif str(cluster.peek(key)).rpartition("/")[2] in _AWS_ROLES:
            yield f"{cluster.called} has AWS's own {key.rpartition('.')[2]}, which may do more than any job needs"

    yield from each(clusters(resource), judge)


@rule(
    "emr-visible", *CLUSTERS,
    family="durability", severity="low", alone=True, level="advisory",
    title="Those who look after EMR clusters see them",
    controls="",
    remediation="Leave visibleToAllUsers at true: IAM says who may do what with a cluster",
)  # fmt: skip
def emr_visible(resource: Resource, graph: Graph) -> Iterator[str]:
    """EMR API reference, RunJobFlow: without it, none but the principal that made a cluster may see or end it."""

    def judge(cluster: Cluster) -> Iterator[str]:
        if cluster.get("visibleToAllUsers") in (False, "false"):
            yield f"{cluster.called} is seen and ended by none but what made it"

    yield from each(clusters(resource), judge)


# -- Step Functions ----------------------------------------------------------------------------------------------------


@rule(
    "state-machine-logged", "sfn/stateMachine",
    family="audit", severity="medium", alone=True,
    title="State machines log what fails, at least",
    controls="FSBP StepFunctions.1, CKV_AWS_285, cdk-nag SF1",
    remediation="Set loggingConfiguration with a log group and the level ERROR or ALL",
)  # fmt: skip
def state_machine_logged(machine: Resource, graph: Graph) -> Iterator[str]:
    if get(machine, "loggingConfiguration.level") not in ("ALL", "ERROR", "FATAL"):
        yield "it logs nothing"
    elif not given(machine, "loggingConfiguration.logDestination"):
        yield "it has no log group"


@rule(
    "state-machine-traced", "sfn/stateMachine",
    family="audit", severity="low", alone=True, level="advisory",
    title="State machines are traced",
    controls="CKV_AWS_284, cdk-nag SF2",
    remediation="Set tracingConfiguration.enabled to true, and let the role write to X-Ray",
)  # fmt: skip
def state_machine_traced(machine: Resource, graph: Graph) -> Iterator[str]:
    if not yes(machine, "tracingConfiguration.enabled"):
        yield "X-Ray doesn't see its executions"


@rule(
    "state-machine-key", "sfn/stateMachine",
    family="encryption-at-rest", severity="low", level="advisory",
    title="Definitions and executions of state machines are encrypted by a customer key",
    controls="",
    remediation="Set encryptionConfiguration to CUSTOMER_MANAGED_KMS_KEY with a kmsKeyId that the role may use",
)  # fmt: skip
def state_machine_key(machine: Resource, graph: Graph) -> Iterator[str]:
    if get(machine, "encryptionConfiguration.type") != "CUSTOMER_MANAGED_KMS_KEY":
        yield "AWS's own key encrypts it"
    else:
        yield from customer_key(graph, machine, "encryptionConfiguration.kmsKeyId")


@rule(
    "state-machine-ends-clusters", "sfn/stateMachine",
    family="durability", severity="medium", alone=True, level="advisory",
    title="A state machine ends the EMR clusters that it starts, whatever happens",
    controls="",
    remediation="Have every state between the start and terminateCluster catch States.ALL and go on to "
    "terminateCluster, and give the cluster an AutoTerminationPolicy for executions that are stopped",
)  # fmt: skip
def state_machine_ends_clusters(machine: Resource, graph: Graph) -> Iterator[str]:
    """Of what nothing can do any more, a terminateCluster that fails for good, no account is taken."""
    if leaves_cluster(definition(machine)):
        yield "a path through it leaves a cluster running"

    def judge(cluster: Cluster) -> Iterator[str]:
        stays = cluster.peek("keepJobFlowAliveWhenNoSteps") not in (False, None)
        if stays and not cluster.given("autoTerminationPolicy"):
            yield "a cluster of it runs on when an execution is stopped"

    yield from each(clusters(machine), judge)


def leaves_cluster(level: Mapping[str, Any]) -> bool:
    """Whether a path from the start of a cluster to the end of a level passes no end of clusters."""
    there = states(level)

    def starts(state: Mapping[str, Any]) -> bool:
        stays = peek(arguments(state), "Instances.KeepJobFlowAliveWhenNoSteps") not in (False, None)
        return (does(state, *CREATE) and stays) or any(leaves_cluster(own) for own in inner(state))

    def ends(state: Mapping[str, Any]) -> bool:
        return does(state, *END) or any(ends(own) for level in inner(state) for own in states(level).values())

    def last(state: Mapping[str, Any]) -> bool:
        if state.get("End") is True or state.get("Type") in ("Succeed", "Fail"):
            return True
        if state.get("Type") == "Choice":
            return "Default" not in state
        fails = state.get("Type") in ("Task", "Parallel", "Map")
        return fails and not any("States.ALL" in errors for errors, _ in caught(state))

    for state in there.values():
        if not starts(state):
            continue
        # A task that fails to start a cluster has none to end, but a state may start one inside and fail after that.
        within = bool(inner(state))
        if last(state) if within else state.get("End") is True:
            return True
        left = list(ways(state)) if within else [state.get("Next")]
        seen: set[Any] = set()
        while left:
            name = left.pop()
            if not isinstance(name, str) or name in seen or name not in there:
                continue
            seen.add(name)
            if ends(there[name]):
                continue
            if last(there[name]):
                return True
            left += ways(there[name])
    return False


# Services that say for whom they take a role: the guides' pages on the confused deputy.
_DEPUTIES = {"elasticmapreduce.amazonaws.com", "glue.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com"}


@rule(
    "service-trust-bound", "iam/role",
    family="iam", severity="medium", alone=True,
    title="A role admits EMR, Glue, Scheduler and Step Functions for its own account alone",
    controls="",
    remediation="Add a condition on aws:SourceAccount or aws:SourceArn to the role's trust policy",
)  # fmt: skip
def service_trust_bound(role: Resource, graph: Graph) -> Iterator[str]:
    def judge(statement: Mapping[str, Any]) -> Iterator[str]:
        principal = statement.get("Principal")
        services = listed(principal.get("Service")) if isinstance(principal, Mapping) else []
        deputies = [service for service in services if isinstance(service, str) and service in _DEPUTIES]
        if statement.get("Effect") == "Allow" and deputies and not bound(statement):
            yield f"it admits {', '.join(sorted(deputies))} on behalf of any account"

    yield from each(statements(role, "assumeRolePolicy"), judge)


# -- Athena and Glue ---------------------------------------------------------------------------------------------------


@rule(
    "workgroup-encrypted", "athena/workgroup",
    family="encryption-at-rest", severity="high",
    title="Athena's answers are encrypted by a customer key",
    controls="FSBP Athena.1, CKV_AWS_159, cdk-nag ATH1",
    remediation="Set resultConfiguration.encryptionConfiguration to SSE_KMS or CSE_KMS with a kmsKeyArn",
)  # fmt: skip
def workgroup_encrypted(workgroup: Resource, graph: Graph) -> Iterator[str]:
    """Answers that Athena keeps by itself are encrypted in any case."""
    if yes(workgroup, "configuration.managedQueryResultsConfiguration.enabled"):
        return
    within = "configuration.resultConfiguration.encryptionConfiguration"
    if get(workgroup, f"{within}.encryptionOption") not in ("SSE_KMS", "CSE_KMS"):
        yield "its answers are not encrypted by KMS"
    else:
        yield from customer_key(graph, workgroup, f"{within}.kmsKeyArn")


@rule(
    "workgroup-enforced", "athena/workgroup",
    family="encryption-at-rest", severity="high", alone=True,
    title="No query overrides its workgroup's settings",
    controls="CKV_AWS_82",
    remediation="Leave enforceWorkgroupConfiguration at true",
)  # fmt: skip
def workgroup_enforced(workgroup: Resource, graph: Graph) -> Iterator[str]:
    if get(workgroup, "configuration.enforceWorkgroupConfiguration") in (False, "false"):
        yield "a query may leave its answers anywhere, unencrypted"


@rule(
    "workgroup-measured", "athena/workgroup",
    family="audit", severity="medium", alone=True,
    title="Athena measures what a workgroup's queries do",
    controls="FSBP Athena.4",
    remediation="Leave publishCloudwatchMetricsEnabled at true",
)  # fmt: skip
def workgroup_measured(workgroup: Resource, graph: Graph) -> Iterator[str]:
    if get(workgroup, "configuration.publishCloudwatchMetricsEnabled") in (False, "false"):
        yield "CloudWatch learns nothing of its queries"


@rule(
    "workgroup-cut-off", "athena/workgroup",
    family="durability", severity="low", alone=True, level="advisory",
    title="Athena stops a query that reads too much",
    controls="",
    remediation="Set bytesScannedCutoffPerQuery",
)  # fmt: skip
def workgroup_cut_off(workgroup: Resource, graph: Graph) -> Iterator[str]:
    if not given(workgroup, "configuration.bytesScannedCutoffPerQuery"):
        yield "one query may read, and cost, without end"


@rule(
    "athena-database-encrypted", "athena/database",
    family="encryption-at-rest", severity="medium", alone=True,
    title="What Athena's databases are made by is encrypted",
    controls="CKV_AWS_77",
    remediation="Set encryptionConfiguration to SSE_KMS or CSE_KMS with a kmsKey",
)  # fmt: skip
def athena_database_encrypted(database: Resource, graph: Graph) -> Iterator[str]:
    if get(database, "encryptionConfiguration.encryptionOption") not in ("SSE_KMS", "CSE_KMS"):
        yield "what its queries write is not encrypted by KMS"


# What Glue's security configurations encrypt, how, and by which key.
_GLUE = (
    ("logs", "cloudwatchEncryption", "cloudwatchEncryptionMode", ("SSE-KMS",)),
    ("bookmarks", "jobBookmarksEncryption", "jobBookmarksEncryptionMode", ("CSE-KMS",)),
    ("objects", "s3Encryption", "s3EncryptionMode", ("SSE-KMS",)),
)


@rule(
    "glue-encrypted", "glue/securityConfiguration",
    family="encryption-at-rest", severity="high", alone=True,
    title="Glue encrypts logs, bookmarks and objects by KMS",
    controls="CKV_AWS_99, cdk-nag GL1, cdk-nag GL3",
    remediation="Set cloudwatchEncryptionMode and s3EncryptionMode to SSE-KMS and jobBookmarksEncryptionMode to "
    "CSE-KMS, with a kmsKeyArn each",
)  # fmt: skip
def glue_encrypted(security: Resource, graph: Graph) -> Iterator[str]:
    def judge(part: tuple[str, str, str, tuple[str, ...]]) -> Iterator[str]:
        what, block, mode, modes = part
        within = f"encryptionConfiguration.{block}"
        if get(security, f"{within}.{mode}") not in modes:
            yield f"its {what} are not encrypted by KMS"
        elif not given(security, f"{within}.kmsKeyArn"):
            yield f"its {what} have no key"

    yield from each(_GLUE, judge)


@rule(
    "glue-secured", "glue/crawler", "glue/job",
    family="encryption-at-rest", severity="medium",
    title="Glue's crawlers and jobs have a security configuration",
    controls="CKV_AWS_195, cdk-nag GL1",
    remediation="Set securityConfiguration to the name of one that encrypts logs, bookmarks and objects",
)  # fmt: skip
def glue_secured(resource: Resource, graph: Graph) -> Iterator[str]:
    if not given(resource, "securityConfiguration"):
        yield "it has no security configuration, so its logs are not encrypted by a customer key"
    elif peek(resource, "securityConfiguration") is UNKNOWN:
        graph.refers(resource, "securityConfiguration", "glue/securityConfiguration")


@rule(
    "catalog-encrypted", "glue/dataCatalogEncryptionSettings",
    family="encryption-at-rest", severity="medium", alone=True, level="advisory",
    title="Glue's catalog and the passwords in it are encrypted by KMS",
    controls="CKV_AWS_94",
    remediation="Set catalogEncryptionMode to SSE-KMS, and returnConnectionPasswordEncrypted to true with a key",
)  # fmt: skip
def catalog_encrypted(settings: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: the settings are the account's, not this program's alone."""
    within = "dataCatalogEncryptionSettings"
    if not str(get(settings, f"{within}.encryptionAtRest.catalogEncryptionMode")).startswith("SSE-KMS"):
        yield "the catalog is not encrypted by KMS"
    if not yes(settings, f"{within}.connectionPasswordEncryption.returnConnectionPasswordEncrypted"):
        yield "passwords of connections are handed out in the clear"


# -- QuickSight --------------------------------------------------------------------------------------------------------

# Sources that are servers, which may be in a VPC.
SERVERS = (
    "AURORA", "AURORA_POSTGRESQL", "EXASOL", "MARIADB", "MYSQL", "ORACLE", "POSTGRESQL", "PRESTO", "REDSHIFT", "SPARK",
    "SQLSERVER", "STARBURST", "TERADATA", "TRINO",
)  # fmt: skip


@rule(
    "data-source-encrypted", "quicksight/dataSource",
    family="encryption-in-transit", severity="high", alone=True,
    title="QuickSight speaks TLS to its sources",
    controls="cdk-nag QS1",
    remediation="Leave sslProperties.disableSsl at false",
)  # fmt: skip
def data_source_encrypted(source: Resource, graph: Graph) -> Iterator[str]:
    if yes(source, "sslProperties.disableSsl"):
        yield "QuickSight speaks to it without TLS"


@rule(
    "data-source-in-vpc", "quicksight/dataSource",
    family="exposure", severity="medium", alone=True,
    title="QuickSight reaches databases through a VPC connection",
    controls="",
    remediation="Set vpcConnectionProperties.vpcConnectionArn to a VpcConnection of the program; without one, "
    "QuickSight comes from the internet",
)  # fmt: skip
def data_source_in_vpc(source: Resource, graph: Graph) -> Iterator[str]:
    if get(source, "type") in SERVERS and not given(source, "vpcConnectionProperties.vpcConnectionArn"):
        yield "QuickSight reaches it over the internet"


@rule(
    "data-source-secret", "quicksight/dataSource",
    family="iam", severity="medium", alone=True,
    title="QuickSight takes passwords from Secrets Manager",
    controls="",
    remediation="Set credentials.secretArn in place of a credentialPair",
)  # fmt: skip
def data_source_secret(source: Resource, graph: Graph) -> Iterator[str]:
    if given(source, "credentials.credentialPair"):
        yield "a password is written into it"


@rule(
    "quicksight-in-private-subnets", "quicksight/vpcConnection",
    family="exposure", severity="high",
    title="QuickSight's VPC connections are in private subnets",
    controls="cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Name subnets whose route tables have no route to an internet gateway",
)  # fmt: skip
def quicksight_in_private_subnets(connection: Resource, graph: Graph) -> Iterator[str]:
    def judge(subnet: Resource) -> Iterator[str]:
        for way in ways_in(graph, subnet):
            yield f"it is in a public subnet: {way}"

    if peek(connection, "subnetIds") is UNKNOWN or given(connection, "subnetIds"):
        yield from each(graph.targets(connection, "subnetIds", "ec2/subnet"), judge)
