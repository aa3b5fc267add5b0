"""ECR, in every family; who its policies admit is with the others in `iam`."""

from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, name, res

KEY = res("kms/key", "data")


def repository(**props: object) -> Made:
    return res("ecr/repository", "web", **props)


def encrypted(kind: object, **props: object) -> Made:
    return repository(encryptionConfigurations=[{"encryptionType": kind, **props}])


def scanning(frequency: object, chosen: object) -> Made:
    rule = {"scanFrequency": frequency, "repositoryFilters": [{"filter": chosen, "filterType": "WILDCARD"}]}
    return res("ecr/registryScanningConfiguration", "registry", scanType="ENHANCED", rules=[rule])


def lifecycle(*rules: object) -> Made:
    return res("ecr/lifecyclePolicy", "lifecycle", policy=json.dumps({"rules": list(rules)}))


def expiring(priority: object = 1, status: object = "untagged", **selection: Any) -> dict[str, object]:
    chosen = {"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": 5, **selection}
    return {"rulePriority": priority, "selection": chosen, "action": {"type": "expire"}}


REPOSITORY = repository()

CASES = [
    case(
        "repository-encrypted",
        "ecr/repository",
        ok=[encrypted("KMS", kmsKey=arn(KEY)), encrypted("KMS_DSSE", kmsKey="arn:aws:kms:eu-west-1:1:key/1")],
        bad=[REPOSITORY, encrypted("AES256"), encrypted("KMS"), encrypted("KMS", kmsKey="alias/aws/ecr")],
        unknown=[
            encrypted(UNKNOWN),
            encrypted("KMS", kmsKey=UNKNOWN),
            repository(encryptionConfigurations=UNKNOWN),
        ],
    ),
    case(
        "repository-scanned",
        "ecr/repository",
        ok=[
            repository(imageScanningConfiguration={"scanOnPush": True}),
            [REPOSITORY, scanning("CONTINUOUS_SCAN", "*")],
            [REPOSITORY, scanning("SCAN_ON_PUSH", "*")],
        ],
        bad=[
            REPOSITORY,
            repository(imageScanningConfiguration={"scanOnPush": False}),
            [REPOSITORY, scanning("MANUAL", "*")],
            [REPOSITORY, scanning("SCAN_ON_PUSH", "prod-*")],
        ],
        unknown=[
            repository(imageScanningConfiguration=UNKNOWN),
            [REPOSITORY, scanning("SCAN_ON_PUSH", UNKNOWN)],
        ],
    ),
    case(
        "repository-immutable",
        "ecr/repository",
        ok=[
            repository(imageTagMutability="IMMUTABLE"),
            repository(
                imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                imageTagMutabilityExclusionFilters=[{"filter": "dev-*", "filterType": "WILDCARD"}],
            ),
        ],
        bad=[
            REPOSITORY,
            repository(imageTagMutability="MUTABLE"),
            repository(
                imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                imageTagMutabilityExclusionFilters=[{"filter": "*", "filterType": "WILDCARD"}],
            ),
        ],
        unknown=[
            repository(imageTagMutability=UNKNOWN),
            repository(imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=UNKNOWN),
        ],
    ),
    case(
        "repository-lifecycle",
        "ecr/repository",
        ok=[[REPOSITORY, res("ecr/lifecyclePolicy", "lifecycle", repository=name(REPOSITORY))]],
        bad=[REPOSITORY, [REPOSITORY, res("ecr/lifecyclePolicy", "lifecycle", repository="another")]],
        unknown=[[REPOSITORY, res("ecr/lifecyclePolicy", "lifecycle", repository=UNKNOWN)]],
    ),
    case(
        "lifecycle-policy-rules",
        "ecr/lifecyclePolicy",
        ok=[
            lifecycle(expiring()),
            lifecycle(
                expiring(1, "tagged", tagPrefixList=["v"]),
                expiring(2, countType="sinceImagePushed", countUnit="days"),
                expiring(3, "any"),
            ),
            lifecycle(expiring(1, "tagged", tagPatternList=["v*"])),
            res("ecr/lifecyclePolicy", "lifecycle", policy={"rules": [expiring()]}),
        ],
        bad=[
            res("ecr/lifecyclePolicy", "lifecycle", policy="expire"),
            lifecycle(),
            lifecycle(expiring(1), expiring(1)),
            lifecycle(expiring(None)),
            lifecycle(expiring(0)),
            lifecycle(expiring(1, "tagged")),
            lifecycle(expiring(1, tagPrefixList=["v"])),
            lifecycle(expiring(1, "all")),
            lifecycle(expiring(1, countType="sinceImagePushed")),
            lifecycle(expiring(1, countUnit="days")),
            lifecycle(expiring(1, countNumber=0)),
            lifecycle(expiring(1, "any"), expiring(2)),
            res("ecr/lifecyclePolicy", "lifecycle", policy={"rules": [UNKNOWN, expiring(0)]}),
        ],
        unknown=[
            res("ecr/lifecyclePolicy", "lifecycle", policy=UNKNOWN),
            res("ecr/lifecyclePolicy", "lifecycle", policy={"rules": [UNKNOWN]}),
            res("ecr/lifecyclePolicy", "lifecycle", policy={"rules": UNKNOWN}),
            lifecycle(expiring(1, countType="sinceImageDreamt")),
        ],
    ),
]
