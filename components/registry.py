"""Registry tier: ECR repositories for container images, and who may pull and push them."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import NAME, PACKAGE, Args, Refusal, check_name, location, physical_name, policy_document, tags
from .security import EncryptionKey

_PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
_PUSH = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]

RepositoryName = Annotated[str, StringConstraints(pattern=NAME, max_length=40)]
Principal = Annotated[str, StringConstraints(pattern=r"^arn:aws[\w-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+$")]


class RepositoryArgs(Args):
    """A repository, and how long it keeps its images."""

    untagged_days: int = Field(default=7, ge=1, le=3650)
    """Days after its push that an image without a tag is deleted."""
    keep_images: int = Field(default=100, ge=1, le=10_000)
    """Newest images that are kept; ECR deletes the others, be they in use or not."""


class RegistryArgs(Args):
    """ECR repositories."""

    repositories: dict[RepositoryName, RepositoryArgs] = Field(default_factory=dict)
    """Repositories by name; ECR's own name for one is `<project>-<stack>-<registry>/<name>`."""
    pullers: list[Principal] = Field(default_factory=list, max_length=50)
    """ARNs of roles and users of this account that may pull, with their paths, beside what the component is given."""
    pushers: list[Principal] = Field(default_factory=list, max_length=50)
    """ARNs of those that may push, and pull too, such as the role of the builds of your images."""
    force_delete: bool = False
    """On `pulumi destroy`, delete all images with the repositories; otherwise one with images stops the destroy."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the repositories."""

    def refusals(self) -> Iterator[Refusal]:
        if self.deletion_protection and self.force_delete:
            yield Refusal(("force_delete",), "contradicts deletion_protection: set one of the two to false")


class Registry(pulumi.ComponentResource):
    """Encrypted repositories whose tags never move, whose images are scanned, and that few may pull from or push to.

    Within an account an identity policy alone would do, such as AWS's own for EKS nodes, which pulls from everywhere.
    So each repository denies pulls to all but `pullers` and `pushers`, and pushes to all but `pushers`; to look after
    it and to change this very policy is denied to nobody. What a role needs besides are the statements here.
    """

    urls: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: RegistryArgs | None = None,
        *,
        key: EncryptionKey,
        pullers: Sequence[pulumi.Input[str]] = (),
        pushers: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        key: encrypts the images; who pulls needs no permission on it.
        pullers: ARNs of the roles that may pull, with their paths; they need not exist yet.
        pushers: ARNs of the roles that may push, and pull too.
        """
        check_name(name, 30)
        super().__init__(f"{PACKAGE}:Registry", name, None, opts)
        self._name = name
        self._args = args = args or RegistryArgs()
        self._here = location(self)
        child = pulumi.ResourceOptions(parent=self)
        access = self._access_policy([*args.pullers, *pullers], [*args.pushers, *pushers])
        self.urls = {}
        for repository_name, repository_args in args.repositories.items():
            own = f"{name}-{repository_name}"
            repository = aws.ecr.Repository(
                own,
                name=self._physical_name(repository_name),
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration={"scan_on_push": True},
                encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
                force_delete=args.force_delete,
                tags=tags(own),
                opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
            )
            aws.ecr.RepositoryPolicy(own, repository=repository.name, policy=access, opts=child)
            aws.ecr.LifecyclePolicy(
                own, repository=repository.name, policy=_lifecycle_policy(repository_args), opts=child
            )
            self.urls[repository_name] = repository.repository_url
        self.register_outputs({"urls": self.urls})

    def pull_statements(self) -> list[dict[str, Any]]:
        """For the policy of a role among `pullers`: pull from every repository."""
        return self._statements([*_PULL, "ecr:BatchCheckLayerAvailability"])

    def push_statements(self) -> list[dict[str, Any]]:
        """For the policy of a role among `pushers`: push to every repository, and pull."""
        return self._statements([*_PULL, *_PUSH, "ecr:BatchCheckLayerAvailability"])

    def _statements(self, actions: list[str]) -> list[dict[str, Any]]:
        arns = [self._here.arn("ecr", f"repository/{self._physical_name(name)}") for name in self._args.repositories]
        if not arns:
            return []
        return [
            # To log in has no resource-level permission, and by itself gives access to nothing.
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": sorted(actions), "Resource": arns},
        ]

    def _physical_name(self, repository_name: str) -> str:
        return f"{physical_name(self._name, 200)}/{repository_name}"

    def _access_policy(
        self, pullers: Sequence[pulumi.Input[str]], pushers: Sequence[pulumi.Input[str]]
    ) -> pulumi.Output[str]:
        """A session's aws:PrincipalArn is its role's ARN. In a condition, the role need not exist yet.

        Only AWS's services can assume the service-linked roles, such as Inspector's, which looks into the images.
        """
        services = self._here.global_arn("iam", "role/aws-service-role/*")

        def deny(sid: str, actions: list[str], but: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
            return {
                "Sid": sid,
                "Effect": "Deny",
                "Principal": "*",
                "Action": actions,
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": [*but, services]}},
            }

        return policy_document(
            deny("DenyPull", _PULL, [*pullers, *pushers]),
            deny("DenyPush", _PUSH, pushers),
        )


def _lifecycle_policy(args: RepositoryArgs) -> str:
    """ECR wants a priority of its own for each rule, and the rule on all images as the last."""

    def rule(priority: int, description: str, **selection: str | int) -> dict[str, Any]:
        return {
            "rulePriority": priority,
            "description": description,
            "selection": selection,
            "action": {"type": "expire"},
        }

    untagged = rule(
        1,
        f"Untagged for {args.untagged_days} days",
        tagStatus="untagged",
        countType="sinceImagePushed",
        countUnit="days",
        countNumber=args.untagged_days,
    )
    oldest = rule(
        2,
        f"All but the newest {args.keep_images}",
        tagStatus="any",
        countType="imageCountMoreThan",
        countNumber=args.keep_images,
    )
    return json.dumps({"rules": [untagged, oldest]})
