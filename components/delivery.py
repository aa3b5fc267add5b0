"""Delivery tier: the repository, the check of every pull request, and the pipeline that deploys what was merged."""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import (
    NAME,
    PACKAGE,
    Args,
    Refusal,
    RetentionDays,
    check_name,
    create_role,
    location,
    log_group_name,
    physical_name,
    policy_document,
    service_trust,
    tags,
)
from .deployment import manage_statements
from .network import Subnets, https_out, security_group
from .observability import Alarm, AlarmTopic, Watched, watch
from .security import EncryptionKey
from .storage import BucketName, SecureBucket

_ROLE_LIMIT = 64
_RULE_LIMIT = 3000  # characters (CodeCommit's API reference, CreateApprovalRuleTemplate)
_SOURCE = "source"
_TAKEN = {"approver", "check", "checks", "developers", "merged", "pipeline", "pull-request", "review", "unread"}
_SESSION = "check"  # delivery/codecommit.py says why

Branch = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*$", max_length=100)]
EnvironmentName = Annotated[str, StringConstraints(pattern=NAME, max_length=20)]
RepositoryName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*$", max_length=100)]
Reviewer = Annotated[str, StringConstraints(pattern=r"^(user|role)/[A-Za-z][\w+=,.@-]*\*?$", max_length=70)]
"""An IAM user, `user/<name>`, or whoever works under a role, `role/<name>` without its path; a `*` may end the name."""
PolicyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[\w-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$")]
Image = Annotated[str, StringConstraints(pattern=r"^aws/codebuild/[a-z0-9_-]+:[\w.-]+$")]
"""An image of CodeBuild's own, such as `aws/codebuild/amazonlinux-aarch64-standard:3.0`."""


class BuildArgs(Args):
    """A machine that runs a build. It is never privileged: no Docker daemon runs in it."""

    image: Image = "aws/codebuild/standard:7.0"
    """CodeBuild's image; one with `aarch64` in its name runs on Graviton. The check needs a `standard` one, where apt
    brings what the jobs' tests run on."""
    compute_type: Literal[
        "BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE"
    ] = "BUILD_GENERAL1_MEDIUM"
    """Size: 2, 4, 8 or 36 processors (48 on Graviton)."""
    timeout_minutes: int = Field(default=60, ge=5, le=2160)
    """Minutes before a build is stopped (CodeBuild: 5 to 2,160)."""
    queued_minutes: int = Field(default=60, ge=5, le=480)
    """Minutes that a build waits for a machine before it fails (CodeBuild: 5 to 480)."""


class CheckArgs(BuildArgs):
    """The check of a pull request."""

    concurrent_limit: int | None = Field(default=None, ge=1, le=100)
    """Checks that run at once, of all pull requests: CodeBuild refuses one more, which then has to be started by hand.
    None lets them wait for `queued_minutes` where the account's own limit is reached."""


class DeploymentArgs(BuildArgs):
    """A deployment. One that is stopped in the middle leaves a lock on the stack: give it time."""

    timeout_minutes: int = Field(default=240, ge=5, le=2160)
    """Minutes before a deployment is stopped (CodeBuild: 5 to 2,160)."""


class EnvironmentArgs(Args):
    """A stack that the pipeline deploys."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    """Its `aws:region`: its role may change nothing in others, but what CloudFront needs in us-east-1."""
    needs_approval: bool = True
    """Somebody has to approve in the pipeline before it is deployed."""
    preview_pull_requests: bool = True
    """The check previews it. For that the check can decrypt the stack's state, with the secrets in it."""
    used_buckets: list[BucketName] = Field(default_factory=list, max_length=20)
    """Buckets of others that it uses (`use`): the check may see that they are there and what is in them, and its
    deployment put objects into them."""
    policies: list[PolicyArn] = Field(default_factory=list, max_length=9)
    """Managed policies of its role, in place of what the component lets it do with AWS's services."""


class DeliveryAlarms(Args):
    """When delivery pages; none as a threshold makes no alarm."""

    failed_deployments_threshold: int | None = Field(default=1, ge=1)
    """Deployments of one environment that fail within five minutes."""
    unstarted_threshold: int | None = Field(default=1, ge=1)
    """Events within five minutes that could start no check or no pipeline, after all retries."""


class DeliveryArgs(Args):
    """The repository, the check of pull requests and the pipeline; once for all environments."""

    repository_name: RepositoryName | None = None
    """CodeCommit's name for the repository; the project's by default."""
    branch: Branch = "main"
    """The branch that pull requests lead to and that is deployed."""
    reviewers: list[Reviewer] = Field(min_length=1, max_length=50)
    """People whose approval a pull request needs: `user/<name>` or `role/<name>`. Nobody can approve their own, as far
    as CodeCommit can tell people apart: those under a role by their sessions' names, which the role's trust has to pin
    (`sts:RoleSessionName`), or else who takes two names can."""
    approval_count: int = Field(default=1, ge=1, le=10)
    """Reviewers that have to approve, besides the check."""
    environments: dict[EnvironmentName, EnvironmentArgs] = Field(min_length=1, max_length=10)
    """Stacks that the pipeline deploys, by name."""
    deployment_order: list[EnvironmentName] = Field(default_factory=list)
    """The order in which it does, each named once; none is by name, as a stack file's settings reach a program."""
    check: CheckArgs = Field(default_factory=CheckArgs)
    """The machine that checks pull requests."""
    deployment: DeploymentArgs = Field(default_factory=DeploymentArgs)
    """The machine that deploys."""
    execution_mode: Literal["SUPERSEDED", "QUEUED"] = "SUPERSEDED"
    """Of several merges that wait for the same stage, `SUPERSEDED` deploys the newest; `QUEUED` each, one by one."""
    approval_timeout_minutes: int = Field(default=10_080, ge=5, le=86_400)
    """Minutes before an approval that nobody gave counts as refused (CodePipeline: 5 to 86,400)."""
    permissions_boundary_arn: PolicyArn | None = None
    """Managed policy that none of the builds' roles can go beyond themselves; none by default. It does not bind the
    roles that a deployment makes or changes: a service control policy does."""
    log_retention_days: RetentionDays = 365
    """Days that the builds' logs are kept."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the repository."""
    alarms: DeliveryAlarms = Field(default_factory=DeliveryAlarms)
    """Thresholds."""

    def refusals(self) -> Iterator[Refusal]:
        yield from self.repeated("reviewers")
        for environment in sorted(_TAKEN & self.environments.keys()):
            yield Refusal(
                ("environments", environment), "the component calls something of its own so: rename the stack"
            )
        if len(self.reviewers) < self.approval_count and all(
            each.startswith("user/") and not each.endswith("*") for each in self.reviewers
        ):
            yield Refusal(("approval_count",), f"there are {len(self.reviewers)} users who could approve")
        if self.deployment_order and sorted(self.deployment_order) != sorted(self.environments):
            yield Refusal(("deployment_order",), "has to name each of environments once")
        if not any(environment.preview_pull_requests for environment in self.environments.values()):
            yield Refusal(("environments",), "set preview_pull_requests for one: else no pull request is checked")
        account = "arn:aws-us-gov:{}::123456789012:{}"
        pool = [account.format(*_approver(each)) for each in self.reviewers]
        length = len(json.dumps(_approval_rule(self.branch, self.approval_count, pool)))
        if length > _RULE_LIMIT:
            why = f"make an approval rule of up to {length} characters, of which CodeCommit takes {_RULE_LIMIT}"
            yield Refusal(("reviewers",), f"{why}: name fewer, or a role that they all have")


class Delivery(pulumi.ComponentResource):
    """A repository whose branch changes by checked and reviewed pull requests alone, and a pipeline behind it.

    A pull request needs the approval of the check (`delivery/check.yml`) and of `reviewers`. People get the policy
    `developers_policy_arn`, which lets them work with the repository and merge by fast-forward, but not push to the
    branch; whoever works without it, as an administrator does, is not bound.

    What a role can do is no narrower than what runs under it:

    - **The check** runs code of the pull request. Whoever may open one can therefore read what a preview reads: the
      state of the environments with `preview_pull_requests`, the secrets in it decrypted. They can also have the check
      approve. The check guards against mistakes, the review against people. It can write to AWS nothing but its log,
      comments and approvals of this repository, and network interfaces of its own.
    - **A deployment** makes roles and hands them to services, so its role can become whatever a role in the account can
      be, unless a service control policy says where that ends. Short of that it is held
      to its region (and us-east-1, for CloudFront), to the services that the program uses, to buckets and secrets with
      the stack's names, and to its own stack's state; it can make no users and no keys of users. An account of its own
      is the only wall around an environment that AWS has: names are none.

    Both read the state that `delivery/bootstrap.yaml` has made a place for, in this region and account.
    """

    repository_name: str
    clone_url: pulumi.Output[str]
    pipeline_name: str
    developers_policy_arn: pulumi.Output[str]
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: DeliveryArgs,
        *,
        subnets: Subnets,
        key: EncryptionKey,
        logs_key: EncryptionKey,
        artifacts: SecureBucket,
        build_specs: Path,
        topic: AlarmTopic | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: where the builds run: private ones with NAT, since they fetch packages from the internet.
        key: encrypts the repository and what the pipeline hands from stage to stage.
        logs_key: encrypts the builds' logs; CloudWatch Logs must be among its users.
        artifacts: keeps what the pipeline hands on, below the pipeline's name.
        build_specs: folder with `check.yml` and `deploy.yml`. Their text becomes part of the projects: a pull request
            can't change how it is judged.
        topic: is told of approvals that are waited for, and of a branch that the pipeline could not read.

        Raises:
            ValueError: if the check's own role would count as a reviewer.
        """
        check_name(name, 20)
        super().__init__(f"{PACKAGE}:Delivery", name, None, opts)
        self._name = name
        self._args = args
        self._key = key
        self._logs_key = logs_key
        self._subnets = subnets
        self._topic = topic
        self._here = location(self)
        self._child = pulumi.ResourceOptions(parent=self)
        self._check_role_name, self._approver_role_name = (_role_name(name, each) for each in ("check", "approver"))
        for role, reviewer in product((self._check_role_name, self._approver_role_name), args.reviewers):
            if fnmatchcase(f"role/{role}", reviewer):
                raise ValueError(f"delivery {name!r}: reviewer {reviewer!r} is the check's role too: name it closer")
        self.repository_name = args.repository_name or pulumi.get_project()
        self.pipeline_name = physical_name(name, 100)
        project = pulumi.get_project()
        self._state_bucket = pulumi.Output.format("{}-state-{}-{}", project, self._here.account, self._here.region)
        self._state_key = f"alias/{project}-state"
        self._group = security_group(f"{name}-builds", subnets.vpc_id, "CodeBuild's builds", self)
        self._ways_out = [
            https_out(f"{name}-builds", self._group.id, self),
            # Ubuntu's packages, which apt fetches by HTTP and knows by their signatures.
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-builds-packages",
                security_group_id=self._group.id,
                description="HTTP to the mirrors of Ubuntu's packages",
                cidr_ipv4="0.0.0.0/0",
                ip_protocol="tcp",
                from_port=80,
                to_port=80,
                opts=self._child,
            ),
        ]
        repository = self._create_repository()
        self.clone_url = repository.clone_url_http
        self._create_approval_rules(repository)
        self.developers_policy_arn = self._create_developers_policy()
        check = self._create_check(repository, (build_specs / "check.yml").read_text(encoding="utf-8"))
        deploy = (build_specs / "deploy.yml").read_text(encoding="utf-8")
        deployments = {
            environment: self._create_deployment(environment, deploy, artifacts)
            for environment in args.deployment_order or sorted(args.environments)
        }
        pipeline = self._create_pipeline(repository, artifacts, deployments)
        rules = [self._start_checks(repository, check), self._start_pipeline(repository, pipeline)]
        if topic:
            self._tell_of_unread_branch(pipeline, topic)
        self.alarms = watch(name, self._alarms(deployments, rules), parent=self)
        self.register_outputs(
            {
                "repository_name": self.repository_name,
                "clone_url": self.clone_url,
                "pipeline_name": self.pipeline_name,
                "developers_policy_arn": self.developers_policy_arn,
            }
        )

    # -- The repository, and who may change its branch --------------------------------------------------------------

    def _create_repository(self) -> aws.codecommit.Repository:
        return aws.codecommit.Repository(
            self._name,
            repository_name=self.repository_name,
            description=f"What {pulumi.get_project()} is made from",
            # It becomes the default once it has been pushed for the first time.
            default_branch=self._args.branch,
            kms_key_id=self._key.arn,
            tags=tags(self._name),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.deletion_protection),
        )

    def _create_approval_rules(self, repository: aws.codecommit.Repository) -> None:
        """The check has a rule of its own: as one of the pool of reviewers it would stand for one of them."""
        pools = {
            "checks": (1, [("sts", f"assumed-role/{self._approver_role_name}/{_SESSION}")]),
            "review": (self._args.approval_count, [_approver(each) for each in self._args.reviewers]),
        }
        for rule, (approvals, pool) in pools.items():
            own = f"{self._name}-{rule}"
            arns = [self._here.global_arn(*each) for each in pool]
            template = aws.codecommit.ApprovalRuleTemplate(
                own,
                name=physical_name(own, 100),
                description=f"Pull requests to {self._args.branch}: {rule}",
                content=pulumi.Output.json_dumps(_approval_rule(self._args.branch, approvals, arns)),
                opts=self._child,
            )
            aws.codecommit.ApprovalRuleTemplateAssociation(
                own,
                approval_rule_template_name=template.name,
                repository_name=repository.repository_name,
                opts=self._child,
            )

    def _create_developers_policy(self) -> pulumi.Output[str]:
        """For the people's roles, which are made elsewhere.

        What takes a reference is denied for the branch, and what doesn't, such as overriding the rules, altogether
        (CodeCommit user guide, "Limit pushes and merges to branches"). Merging a pull request is left to the rules.
        """
        name = f"{self._name}-developers"
        policy = aws.iam.Policy(
            name,
            name=physical_name(name, 128),
            description=f"Work with {self.repository_name}, by pull requests to {self._args.branch}",
            policy=policy_document(
                {
                    "Sid": "Work",
                    "Effect": "Allow",
                    "Action": [f"codecommit:{action}" for action in _DEVELOP],
                    "Resource": self._repository_arn,
                },
                {"Sid": "Key"} | self._repository_key(),
                {
                    "Sid": "DenyChangesOfTheBranch",
                    "Effect": "Deny",
                    "Action": [f"codecommit:{action}" for action in _CHANGE_BRANCH],
                    "Resource": self._repository_arn,
                    "Condition": {
                        "StringEqualsIfExists": {"codecommit:References": [f"refs/heads/{self._args.branch}"]},
                        # A push says what it changes only once it has begun: without this, none could begin.
                        "Null": {"codecommit:References": "false"},
                    },
                },
                {
                    "Sid": "DenyChangesOfTheRules",
                    "Effect": "Deny",
                    "Action": [f"codecommit:{action}" for action in _CHANGE_RULES],
                    "Resource": self._repository_arn,
                },
                {
                    "Sid": "DenyChangesOfTheTemplates",
                    "Effect": "Deny",
                    # Templates are no resources to IAM.
                    "Action": ["codecommit:DeleteApprovalRuleTemplate", "codecommit:UpdateApprovalRuleTemplate*"],
                    "Resource": "*",
                },
            ),
            tags=tags(name),
            opts=self._child,
        )
        return policy.arn

    @property
    def _repository_arn(self) -> pulumi.Output[str]:
        return self._here.arn("codecommit", self.repository_name)

    def _repository_key(self) -> dict[str, Any]:
        """CodeCommit uses a customer key on behalf of whoever calls (user guide, "AWS KMS and encryption")."""
        return self._key.encrypt_statement("codecommit") | {
            "Action": [
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncrypt*",
            ]
        }

    # -- Builds -----------------------------------------------------------------------------------------------------

    def _create_project(
        self,
        name: str,
        args: BuildArgs,
        *,
        role_name: str,
        statements: Sequence[Mapping[str, Any]],
        managed: Sequence[Mapping[str, Any]] = (),
        policies: Sequence[str] = (),
        variables: Mapping[str, pulumi.Input[str]],
        source: aws.codebuild.ProjectSourceArgsDict,
        artifacts: Literal["NO_ARTIFACTS", "CODEPIPELINE"],
        concurrent_limit: int | None = None,
    ) -> aws.codebuild.Project:
        """A build in the private subnets, under a role of its own, with an encrypted log.

        `managed` is what stands in a policy apart: a role's own policies have 10,240 characters in all (IAM quotas).
        """
        physical = physical_name(name, 150)
        group_name = log_group_name(name)
        log_group = aws.cloudwatch.LogGroup(
            name,
            name=group_name,
            kms_key_id=self._logs_key.arn,
            retention_in_days=self._args.log_retention_days,
            tags=tags(name),
            opts=self._child,
        )
        project_arn = self._here.arn("codebuild", f"project/{physical}")
        role, permissions = create_role(
            name,
            role_name=role_name,
            trust=self._trust("codebuild", project_arn),
            statements=[self._log_statement(group_name), *self._network_statements(), *statements],
            permissions_boundary=self._args.permissions_boundary_arn,
            parent=self,
        )
        permissions += [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy.rsplit('/', 1)[-1]}", role=role.name, policy_arn=policy, opts=self._child
            )
            for policy in policies
        ]
        if managed:
            apart = aws.iam.Policy(
                name,
                name=role_name,
                description=f"{pulumi.get_project()}: {name}",
                policy=policy_document(*managed),
                tags=tags(name),
                opts=self._child,
            )
            permissions.append(
                aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=apart.arn, opts=self._child)
            )
        return aws.codebuild.Project(
            name,
            name=physical,
            description=f"{pulumi.get_project()}: {name}",
            service_role=role.arn,
            encryption_key=self._key.arn,
            source=source,
            artifacts={"type": artifacts},
            environment={
                "type": "ARM_CONTAINER" if "aarch64" in args.image else "LINUX_CONTAINER",
                "image": args.image,
                "image_pull_credentials_type": "CODEBUILD",
                "compute_type": args.compute_type,
                "privileged_mode": False,
                "environment_variables": [
                    {"name": variable, "value": value, "type": "PLAINTEXT"} for variable, value in variables.items()
                ],
            },
            vpc_config={
                "vpc_id": self._subnets.vpc_id,
                "subnets": [self._subnets.ids[zone] for zone in sorted(self._subnets.ids)],
                "security_group_ids": [self._group.id],
            },
            logs_config={
                "cloudwatch_logs": {"status": "ENABLED", "group_name": log_group.name},
                "s3_logs": {"status": "DISABLED"},
            },
            build_timeout=args.timeout_minutes,
            queued_timeout=args.queued_minutes,
            concurrent_build_limit=concurrent_limit,
            tags=tags(name),
            # CodeBuild looks at the role's rights to the network as it makes the project.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*permissions, *self._ways_out, *self._subnets.routes]),
        )

    def _trust(self, service: str, source_arn: pulumi.Output[str]) -> pulumi.Output[str]:
        """For a role that a service assumes for one resource alone."""
        conditions: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": self._here.account}}
        # CodePipeline's own console demands the account alone: that it names itself is nowhere promised.
        operator = "ArnEqualsIfExists" if service == "codepipeline" else "ArnEquals"
        return service_trust(f"{service}.amazonaws.com", **conditions, **{operator: {"aws:SourceArn": source_arn}})

    def _log_statement(self, group_name: str) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": self._here.arn("logs", f"log-group:{group_name}:*"),
        }

    def _network_statements(self) -> list[dict[str, Any]]:
        """What CodeBuild does to run a build in a VPC (user guide, "Identity-based policies": network interface).

        The subnets' ids, by which AWS's example limits this, are unknown in a preview. The group's name is known, and
        a group lies in one VPC: an interface without it can't be made. Only CodeBuild itself can be let use one.
        """
        interfaces, subnets = (self._here.arn("ec2", f"{kind}/*") for kind in ("network-interface", "subnet"))
        return [
            {"Effect": "Allow", "Action": [f"ec2:{action}" for action in _FIND_NETWORK], "Resource": "*"},
            {"Effect": "Allow", "Action": "ec2:CreateNetworkInterface", "Resource": [interfaces, subnets]},
            {
                "Effect": "Allow",
                "Action": "ec2:CreateNetworkInterface",
                "Resource": self._here.arn("ec2", "security-group/*"),
                "Condition": {"StringEquals": {"aws:ResourceTag/Name": tags(f"{self._name}-builds")["Name"]}},
            },
            {"Effect": "Allow", "Action": "ec2:DeleteNetworkInterface", "Resource": interfaces},
            {
                "Effect": "Allow",
                "Action": "ec2:CreateNetworkInterfacePermission",
                "Resource": interfaces,
                "Condition": {"StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"}},
            },
        ]

    def _state_variables(self) -> dict[str, pulumi.Input[str]]:
        return {"STATE_BUCKET": self._state_bucket, "SECRETS_KEY": self._state_key}

    def _state_statements(self, stacks: Sequence[str], *, write: bool) -> list[dict[str, Any]]:
        """The state of stacks as the CLI keeps it: `.pulumi/stacks/<project>/<stack>.json`, and what lies beside it.

        A preview takes no lock and writes nothing.
        """
        bucket = self._here.bucket_arn(self._state_bucket)
        project = pulumi.get_project()
        keys = [f"stacks/{project}/{stack}.json*" for stack in stacks]
        if write:
            folders = ("history", "backups", "locks/organization")
            keys += [f"{folder}/{project}/{stack}/*" for stack in stacks for folder in folders]

        def objects(actions: list[str], wanted: list[str]) -> dict[str, Any]:
            arns = [pulumi.Output.format("{}/.pulumi/{}", bucket, each) for each in wanted]
            return {"Effect": "Allow", "Action": actions, "Resource": arns}

        return [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
            objects(["s3:GetObject"], ["meta.yaml", *keys]),
            *([objects(["s3:PutObject", "s3:DeleteObject"], keys)] if write else []),
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", *(["kms:Encrypt", "kms:GenerateDataKey"] if write else [])],
                "Resource": self._here.arn("kms", "key/*"),
                # By S3 for the objects, and by the CLI itself for the secrets in them.
                "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": self._state_key}},
            },
        ]

    # -- The check ----------------------------------------------------------------------------------------------------

    def _create_check(self, repository: aws.codecommit.Repository, build_spec: str) -> aws.codebuild.Project:
        args = self._args
        stacks = [stack for stack, environment in args.environments.items() if environment.preview_pull_requests]
        self._create_approver()
        approver = self._here.global_arn("iam", f"role/{self._approver_role_name}")
        return self._create_project(
            f"{self._name}-check",
            args.check,
            role_name=self._check_role_name,
            statements=[
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": approver},
                {
                    "Effect": "Allow",
                    "Action": [f"codecommit:{action}" for action in _JUDGE],
                    "Resource": self._repository_arn,
                },
                self._repository_key(),
                *self._state_statements(stacks, write=False),
                # What the program looks up as it runs, public or of the whole account.
                {"Effect": "Allow", "Action": list(_LOOK_UP), "Resource": "*"},
                *(
                    {
                        "Effect": "Allow",
                        "Action": list(looks),
                        "Resource": pulumi.Output.format("arn:{}:{}", self._here.partition, resource),
                    }
                    for resource, looks in _LOOK_INTO.items()
                ),
                *self._used_buckets(stacks, "s3:ListBucket"),
            ],
            variables={
                "STACKS": " ".join(stacks),
                "REPOSITORY": self.repository_name,
                "APPROVER": approver,
                **self._state_variables(),
            },
            # The whole history: what judges is checked out from the commit that the pull request leads to.
            source={
                "type": "CODECOMMIT",
                "location": repository.clone_url_http,
                "git_clone_depth": 0,
                "buildspec": build_spec,
            },
            artifacts="NO_ARTIFACTS",
            concurrent_limit=args.check.concurrent_limit,
        )

    def _create_approver(self) -> None:
        """The role by which every check approves, under one session's name: a check takes back what another gave."""
        trusted = {
            "Effect": "Allow",
            # The check's role is made later: here it is told by its name.
            "Principal": {"AWS": self._here.global_arn("iam", "root")},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {
                    "aws:PrincipalArn": self._here.global_arn("iam", f"role/{self._check_role_name}"),
                    "sts:RoleSessionName": _SESSION,
                }
            },
        }
        create_role(
            f"{self._name}-approver",
            role_name=self._approver_role_name,
            trust=policy_document(trusted),
            statements=[
                {
                    "Effect": "Allow",
                    "Action": "codecommit:UpdatePullRequestApprovalState",
                    "Resource": self._repository_arn,
                },
                self._repository_key(),
            ],
            permissions_boundary=self._args.permissions_boundary_arn,
            parent=self,
        )

    def _start_checks(
        self, repository: aws.codecommit.Repository, check: aws.codebuild.Project
    ) -> aws.cloudwatch.EventRule:
        """A new pull request, or a new commit on one, starts a check of exactly that commit."""
        paths = {
            "PULL_REQUEST_ID": "$.detail.pullRequestId",
            "SOURCE_COMMIT": "$.detail.sourceCommit",
            "DESTINATION_COMMIT": "$.detail.destinationCommit",
            "REVISION_ID": "$.detail.revisionId",
        }
        # EventBridge puts a string's quotes where the template has none.
        overrides = ",".join(f'{{"name":"{each}","value":<{each}>,"type":"PLAINTEXT"}}' for each in paths)
        return self._on_event(
            "pull-request",
            f"A pull request to {self._args.branch} is there, or has a new commit",
            {
                "source": ["aws.codecommit"],
                "detail-type": ["CodeCommit Pull Request State Change"],
                "resources": [repository.arn],
                "detail": {
                    "event": ["pullRequestCreated", "pullRequestSourceBranchUpdated"],
                    "destinationReference": [f"refs/heads/{self._args.branch}"],
                },
            },
            target=check.arn,
            action="codebuild:StartBuild",
            known_arn=self._here.arn("codebuild", f"project/{physical_name(f'{self._name}-check', 150)}"),
            input_transformer={
                "input_paths": paths,
                "input_template": f'{{"sourceVersion":<SOURCE_COMMIT>,"environmentVariablesOverride":[{overrides}]}}',
            },
        )

    def _on_event(
        self,
        key: str,
        description: str,
        pattern: Mapping[str, Any],
        *,
        target: pulumi.Output[str],
        action: str,
        known_arn: pulumi.Output[str],
        input_transformer: aws.cloudwatch.EventTargetInputTransformerArgsDict | None = None,
    ) -> aws.cloudwatch.EventRule:
        """A rule that does `action` to `target`, which the role's policy knows as `known_arn`."""
        name = f"{self._name}-{key}"
        physical = physical_name(name, 64)
        rule = aws.cloudwatch.EventRule(
            name,
            name=physical,
            description=description,
            event_pattern=pulumi.Output.json_dumps(pattern),
            tags=tags(name),
            opts=self._child,
        )
        role, permissions = create_role(
            name,
            trust=self._trust("events", self._here.arn("events", f"rule/{physical}")),
            statements=[{"Effect": "Allow", "Action": action, "Resource": known_arn}],
            parent=self,
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            arn=target,
            role_arn=role.arn,
            input_transformer=input_transformer,
            # A start is refused while as many builds run as may: an hour is more than most take.
            retry_policy={"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 185},
            opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
        )
        return rule

    def _used_buckets(self, stacks: Sequence[str], *actions: str) -> list[dict[str, Any]]:
        """Leave to do something in the buckets of others that stacks use."""
        names = sorted({name for stack in stacks for name in self._args.environments[stack].used_buckets})
        arns = [self._here.bucket_arn(f"{name}{path}") for name in names for path in ("", "/*")]
        return [{"Effect": "Allow", "Action": list(actions), "Resource": arns}] if arns else []

    # -- The pipeline -----------------------------------------------------------------------------------------------

    def _create_deployment(self, environment: str, build_spec: str, artifacts: SecureBucket) -> aws.codebuild.Project:
        args = self._args.environments[environment]
        manage = [] if args.policies else manage_statements(environment, args.region, self._here)
        return self._create_project(
            f"{self._name}-{environment}",
            self._args.deployment,
            role_name=_role_name(self._name, environment),
            statements=manage,
            managed=[
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:GetObjectVersion"],
                    "Resource": self._artifact_arn(artifacts),
                },
                self._key.decrypt_statement("s3"),
                *self._state_statements([environment], write=True),
                *self._used_buckets([environment], "s3:ListBucket", *(f"s3:{action}" for action in _KEEP_OBJECTS)),
            ],
            policies=args.policies,
            variables={"STACK": environment} | self._state_variables(),
            source={"type": "CODEPIPELINE", "buildspec": build_spec},
            artifacts="CODEPIPELINE",
        )

    def _artifact_arn(self, artifacts: SecureBucket) -> pulumi.Output[str]:
        """CodePipeline's own folder in the bucket: the first 20 characters of the pipeline's name."""
        return pulumi.Output.format("{}/{}*", self._here.bucket_arn(artifacts.name), self.pipeline_name[:20])

    def _create_pipeline(
        self,
        repository: aws.codecommit.Repository,
        artifacts: SecureBucket,
        deployments: Mapping[str, aws.codebuild.Project],
    ) -> aws.codepipeline.Pipeline:
        name = self._name
        bucket_arn = self._here.bucket_arn(artifacts.name)
        projects = [
            self._here.arn("codebuild", f"project/{physical_name(f'{name}-{environment}', 150)}")
            for environment in deployments
        ]
        role, permissions = create_role(
            f"{name}-pipeline",
            trust=self._trust("codepipeline", self._here.arn("codepipeline", self.pipeline_name)),
            statements=[
                {
                    "Effect": "Allow",
                    "Action": [f"codecommit:{action}" for action in _READ_BRANCH],
                    "Resource": self._repository_arn,
                },
                self._repository_key(),
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"],
                    "Resource": bucket_arn,
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                    "Resource": self._artifact_arn(artifacts),
                },
                self._key.encrypt_statement("s3"),
                {
                    "Effect": "Allow",
                    "Action": ["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
                    "Resource": projects,
                },
                *(self._topic.publish_statements() if self._topic else []),
            ],
            parent=self,
        )
        stages: list[aws.codepipeline.PipelineStageArgsDict] = [
            {"name": _SOURCE, "actions": [self._read_action(repository)]}
        ]
        for environment, project in deployments.items():
            stages.append({"name": environment, "actions": self._deploy_actions(environment, project)})
        return aws.codepipeline.Pipeline(
            name,
            name=self.pipeline_name,
            pipeline_type="V2",
            execution_mode=self._args.execution_mode,
            role_arn=role.arn,
            artifact_stores=[
                {
                    "location": artifacts.name,
                    "type": "S3",
                    "encryption_key": {"id": self._key.arn, "type": "KMS"},
                }
            ],
            stages=stages,
            tags=tags(name),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*permissions, *([self._topic.policy] if self._topic else [])]
            ),
        )

    def _read_action(self, repository: aws.codecommit.Repository) -> aws.codepipeline.PipelineStageActionArgsDict:
        return {
            "name": _SOURCE,
            "category": "Source",
            "owner": "AWS",
            "provider": "CodeCommit",
            "version": "1",
            "output_artifacts": [_SOURCE],
            "configuration": {
                "RepositoryName": repository.repository_name,
                "BranchName": self._args.branch,
                "PollForSourceChanges": "false",
                "OutputArtifactFormat": "CODE_ZIP",
            },
        }

    def _deploy_actions(
        self, environment: str, project: aws.codebuild.Project
    ) -> list[aws.codepipeline.PipelineStageActionArgsDict]:
        """In one stage, so that what is approved is what is deployed, whatever comes behind it."""
        approve: aws.codepipeline.PipelineStageActionArgsDict = {
            "name": "approve",
            "category": "Approval",
            "owner": "AWS",
            "provider": "Manual",
            "version": "1",
            "run_order": 1,
            "configuration": {"CustomData": f"Deploy this commit to {environment}?"}
            | ({"NotificationArn": self._topic.arn} if self._topic else {}),
            "timeout_in_minutes": self._args.approval_timeout_minutes,
        }
        deploy: aws.codepipeline.PipelineStageActionArgsDict = {
            "name": "deploy",
            "category": "Build",
            "owner": "AWS",
            "provider": "CodeBuild",
            "version": "1",
            "run_order": 2,
            "input_artifacts": [_SOURCE],
            "configuration": {"ProjectName": project.name},
        }
        return [approve, deploy] if self._args.environments[environment].needs_approval else [deploy]

    def _start_pipeline(
        self, repository: aws.codecommit.Repository, pipeline: aws.codepipeline.Pipeline
    ) -> aws.cloudwatch.EventRule:
        return self._on_event(
            "merged",
            f"{self._args.branch} has a new commit",
            {
                "source": ["aws.codecommit"],
                "detail-type": ["CodeCommit Repository State Change"],
                "resources": [repository.arn],
                "detail": {
                    "event": ["referenceCreated", "referenceUpdated"],
                    "referenceType": ["branch"],
                    "referenceName": [self._args.branch],
                },
            },
            target=pipeline.arn,
            action="codepipeline:StartPipelineExecution",
            known_arn=self._here.arn("codepipeline", self.pipeline_name),
        )

    def _tell_of_unread_branch(self, pipeline: aws.codepipeline.Pipeline, topic: AlarmTopic) -> None:
        """A deployment that failed has an alarm; a branch that could not be read has no metric."""
        name = f"{self._name}-unread"
        rule = aws.cloudwatch.EventRule(
            name,
            name=physical_name(name, 64),
            description="The pipeline could not read the repository",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.codepipeline"],
                    "detail-type": ["CodePipeline Action Execution State Change"],
                    "resources": [pipeline.arn],
                    "detail": {"state": ["FAILED"], "type": {"category": ["Source"]}},
                }
            ),
            tags=tags(name),
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            arn=topic.arn,
            input_transformer={
                "input_paths": {"pipeline": "$.detail.pipeline", "execution": "$.detail.execution-id"},
                "input_template": '"Pipeline <pipeline> could not read its repository: execution <execution>"',
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[topic.policy]),
        )

    def _alarms(
        self, deployments: Mapping[str, aws.codebuild.Project], rules: Sequence[aws.cloudwatch.EventRule]
    ) -> dict[str, Alarm]:
        """The check has none: a pull request that it refuses is no fault."""
        thresholds = self._args.alarms
        happened: dict[str, Any] = {
            "missing": "notBreaching",
            "statistic": "Sum",
            "period_seconds": 300,
            "periods": 1,
        }
        failed = {
            f"{environment}-failed": Alarm(
                description=f"A deployment of {environment} failed: see its log in CodeBuild",
                namespace="AWS/CodeBuild",
                metric="FailedBuilds",
                dimensions={"ProjectName": project.name},
                threshold=thresholds.failed_deployments_threshold,
                **happened,
            )
            for environment, project in deployments.items()
        }
        unstarted = {
            key: Alarm(
                description=f"EventBridge could not start {what}: start it by hand, and see why in CloudTrail",
                namespace="AWS/Events",
                metric="FailedInvocations",
                dimensions={"RuleName": rule.name},
                threshold=thresholds.unstarted_threshold,
                **happened,
            )
            for (key, what), rule in zip(
                {"check-unstarted": "the check of a pull request", "pipeline-unstarted": "the pipeline"}.items(),
                rules,
                strict=True,
            )
        }
        return failed | unstarted


def deployment_role_arn(name: str, environment: str) -> pulumi.Output[str]:
    """The role that `Delivery(name)` deploys an environment under, for a registry that it may push to.

    It need not exist yet: a registry comes before what pushes to it.
    """
    account = aws.get_caller_identity_output().account_id
    partition = aws.get_partition_output().partition
    return pulumi.Output.format("arn:{}:iam::{}:role/{}", partition, account, _role_name(name, environment))


def _approver(reviewer: str) -> tuple[str, str]:
    """The service and the resource in the ARN of who approves; under a role, whatever the session's name."""
    kind, name = reviewer.split("/", 1)
    return ("iam", f"user/{name}") if kind == "user" else ("sts", f"assumed-role/{name}/*")


def _approval_rule(branch: str, approvals: int, pool: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    return {
        "Version": "2018-11-08",
        "DestinationReferences": [f"refs/heads/{branch}"],
        "Statements": [{"Type": "Approvers", "NumberOfApprovalsNeeded": approvals, "ApprovalPoolMembers": pool}],
    }


def _role_name(name: str, build: str) -> str:
    return physical_name(f"{name}-{build}", _ROLE_LIMIT)


# -- What the roles may do ------------------------------------------------------------------------------------------

_DEVELOP = (
    "BatchGet*", "Create*", "Describe*", "Evaluate*", "Get*", "GitPull", "GitPush", "List*",
    "MergePullRequestByFastForward", "Post*", "PutCommentReaction", "PutFile", "DeleteBranch", "DeleteFile",
    "UpdateComment", "UpdatePullRequest*",
)  # fmt: skip
"""Of the merges only the one that makes nothing new: the others take the caller's own text for what conflicts."""
_CHANGE_BRANCH = (
    "CreateCommit", "DeleteBranch", "DeleteFile", "GitPush", "MergeBranchesByFastForward", "MergeBranchesBySquash",
    "MergeBranchesByThreeWay", "PutFile",
)  # fmt: skip
"""What takes a reference (Service Authorization Reference, `codecommit:References`), but for pull requests' merges."""
_CHANGE_RULES = (
    "DeletePullRequestApprovalRule", "OverridePullRequestApprovalRules", "UpdatePullRequestApprovalRuleContent",
    "DisassociateApprovalRuleTemplateFromRepository", "BatchDisassociateApprovalRuleTemplateFromRepositories",
    "DeleteRepository", "UpdateDefaultBranch", "UpdateRepositoryEncryptionKey", "UpdateRepositoryName",
)  # fmt: skip
_JUDGE = ("GitPull", "PostCommentForPullRequest")
_READ_BRANCH = (
    "CancelUploadArchive", "GetBranch", "GetCommit", "GetRepository", "GetUploadArchiveStatus", "UploadArchive",
)  # fmt: skip
_FIND_NETWORK = (
    "DescribeDhcpOptions", "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs",
)  # fmt: skip
_KEEP_OBJECTS = ("DeleteObject", "GetObject", "GetObjectTagging", "PutObject", "PutObjectTagging")
_LOOK_UP = (
    "ec2:DescribeManagedPrefixLists", "ec2:DescribePrefixLists", "ec2:DescribeRouteTables", "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetGroups",
    "kms:ListAliases", "route53:ListHostedZones", "route53:ListHostedZonesByName",
    "states:ValidateStateMachineDefinition",
)  # fmt: skip
_LOOK_INTO = {
    "ec2:*:*:vpc/*": ("ec2:DescribeVpcAttribute",),
    "ec2:*:aws:prefix-list/*": ("ec2:GetManagedPrefixListEntries",),
    "elasticbeanstalk:*::solutionstack/*": ("elasticbeanstalk:ListAvailableSolutionStacks",),
    "kms:*:*:key/*": ("kms:DescribeKey",),
    "route53:::hostedzone/*": ("route53:GetHostedZone", "route53:ListTagsForResource"),
}
