"""CodeCommit, CodeBuild and CodePipeline: what builds and deploys the stack can do more than anything in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..graph import UNKNOWN, Graph, Resource, each, get, given, items, peek, yes
from ..network import ways_in
from ..plaintext import is_reference, is_secret, named_secret
from ..rule import rule
from .encryption_at_rest import KEYS, customer_key

PROJECT = "codebuild/project"


@rule(
    "source-repository-encrypted", "codecommit/repository",
    family="encryption-at-rest", severity="medium",
    title="CodeCommit's repositories are encrypted by a customer key",
    controls="",
    remediation="Set kmsKeyId to a KMS key of this program; who uses the repository has to be allowed to use the key",
)  # fmt: skip
def source_repository_encrypted(repository: Resource, graph: Graph) -> Iterator[str]:
    yield from customer_key(graph, repository, "kmsKeyId")


@rule(
    "source-repository-reviewed", "codecommit/repository",
    family="iam", severity="medium",
    title="Pull requests of CodeCommit's repositories need approval",
    controls="CKV2_AWS_37",
    remediation="Add an ApprovalRuleTemplate and an ApprovalRuleTemplateAssociation with the repository's name",
)  # fmt: skip
def source_repository_reviewed(repository: Resource, graph: Graph) -> Iterator[str]:
    if not any(graph.referrers(repository, "codecommit/approvalRuleTemplateAssociation", "repositoryName")):
        yield "nobody has to approve of its pull requests"


@rule(
    "build-key", PROJECT,
    family="encryption-at-rest", severity="medium",
    title="What builds leave is encrypted by a customer key",
    controls="CKV_AWS_147, cdk-nag CB4",
    remediation="Set encryptionKey to a KMS key of this program",
)  # fmt: skip
def build_key(project: Resource, graph: Graph) -> Iterator[str]:
    yield from customer_key(graph, project, "encryptionKey")


@rule(
    "build-artifacts-encrypted", PROJECT,
    family="encryption-at-rest", severity="high", alone=True,
    title="No build leaves its artifacts or its logs on S3 unencrypted",
    controls="FSBP CodeBuild.3, CKV_AWS_78, CKV_AWS_311",
    remediation="Leave encryptionDisabled out of artifacts, secondaryArtifacts and logsConfig.s3Logs, or set it to "
    "false",
)  # fmt: skip
def build_artifacts_encrypted(project: Resource, graph: Graph) -> Iterator[str]:
    def judge(found: tuple[str, Any]) -> Iterator[str]:
        what, store = found
        if yes(store, "encryptionDisabled"):
            yield f"it leaves {what} unencrypted"

    def stores() -> Iterator[tuple[str, Any]]:
        for what, path in (
            ("an artifact", "artifacts"),
            ("an artifact", "secondaryArtifacts"),
            ("its log", "logsConfig.s3Logs"),
        ):
            for store in items(project, path):
                yield what, store

    yield from each(stores(), judge)


@rule(
    "pipeline-key", "codepipeline/pipeline",
    family="encryption-at-rest", severity="medium",
    title="What a pipeline hands from stage to stage is encrypted by a customer key",
    controls="CKV_AWS_219",
    remediation="Give every artifact store an encryptionKey with a KMS key of this program",
)  # fmt: skip
def pipeline_key(pipeline: Resource, graph: Graph) -> Iterator[str]:
    def judge(store: Any) -> Iterator[str]:
        key = peek(store, "encryptionKey.id")
        if key in (None, ""):
            yield "an artifact store of it has no key, so AWS's own is used"
        elif key is UNKNOWN:
            graph.refers(pipeline, "artifactStores", *KEYS, value=UNKNOWN)
        elif "alias/aws/" in str(key):
            yield "an artifact store of it has a key that AWS manages"

    yield from each(items(pipeline, "artifactStores"), judge)


@rule(
    "build-in-private-subnets", PROJECT,
    family="exposure", severity="high",
    title="Builds run in private subnets",
    controls="cdk-nag NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",
    remediation="Give it a vpcConfig with subnets whose route tables have no route to an internet gateway",
)  # fmt: skip
def build_in_private_subnets(project: Resource, graph: Graph) -> Iterator[str]:
    """In a public subnet a build has no way out: CodeBuild gives it no public address."""

    def judge(subnet: Resource) -> Iterator[str]:
        for way in ways_in(graph, subnet):
            yield f"it is in a public subnet: {way}"

    if not given(project, "vpcConfig"):
        yield "it runs outside of every VPC, where no security group and no flow log sees it"
        return
    yield from each(
        graph.targets(project, "vpcConfig", "ec2/subnet", value=[peek(project, "vpcConfig.subnets")]), judge
    )


@rule(
    "build-not-privileged", PROJECT,
    family="iam", severity="high", alone=True,
    title="Builds are not privileged",
    controls="FSBP CodeBuild.5, CKV_AWS_316, cdk-nag CB3",
    remediation="Set privilegedMode to false; what builds images without Docker's daemon needs no privileges",
)  # fmt: skip
def build_not_privileged(project: Resource, graph: Graph) -> Iterator[str]:
    if yes(project, "environment.privilegedMode"):
        yield "its builds are root on their machine"


@rule(
    "build-variables-not-secret", PROJECT,
    family="iam", severity="critical", alone=True,
    title="No secret stands in a build's variables",
    controls="FSBP CodeBuild.2, cdk-nag NIST.800.53.R5-CodeBuildProjectEnvVarAwsCred",
    remediation="Keep it in Secrets Manager or in Parameter Store and set the variable's type to SECRETS_MANAGER or "
    "PARAMETER_STORE",
)  # fmt: skip
def build_variables_not_secret(project: Resource, graph: Graph) -> Iterator[str]:
    """By the name of the variable, and by values that are keys and tokens for sure."""

    def judge(variable: Any) -> Iterator[str]:
        if get(variable, "type") not in (None, "", "PLAINTEXT"):
            return
        value = peek(variable, "value")
        if named_secret(str(get(variable, "name"))) and not (value is not UNKNOWN and is_reference(str(value))):
            yield "a plain variable of it is a secret by its name"
        if isinstance(value, str) and is_secret(value):
            yield "the value of a plain variable of it is a key or a token"

    yield from each(items(project, "environment.environmentVariables"), judge)


@rule(
    "build-source-without-credentials", PROJECT,
    family="iam", severity="critical", alone=True,
    title="The address of a build's source holds no credentials",
    controls="FSBP CodeBuild.1, cdk-nag NIST.800.53.R5-CodeBuildProjectSourceRepoUrl",
    remediation="Leave user and password out of the URL: connect CodeBuild to the provider, or use a role",
)  # fmt: skip
def build_source_without_credentials(project: Resource, graph: Graph) -> Iterator[str]:
    def judge(source: Any) -> Iterator[str]:
        location = peek(source, "location")
        if location is UNKNOWN and get(source, "type") in ("CODECOMMIT", "S3"):
            return  # which are reached by the role
        if re.match(r"https?://[^/@]+@", str(get(source, "location") or "")):
            yield "the URL of its source has credentials in it"

    yield from each((path for path in ("source", "secondarySources")), lambda path: each(items(project, path), judge))
