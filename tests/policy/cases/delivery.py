"""CodeCommit, CodeBuild and CodePipeline; who may do what under their roles is with the others in `iam`."""

from __future__ import annotations

from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, output, res
from tests.policy.cases.exposure import private, public, unclear

KEY = res("kms/key", "data")
KEY_ARN = "arn:aws:kms:eu-west-1:1:key/1"
PROJECT = "codebuild/project"
CODE = res("codecommit/repository", "code")


def project(**props: Any) -> Made:
    return res(PROJECT, "build", **props)


def reviewed(repository: object) -> list[Made]:
    return [CODE, res("codecommit/approvalRuleTemplateAssociation", "review", repositoryName=repository)]


def variables(*found: object) -> Made:
    return project(environment={"environmentVariables": list(found)})


def plain(name: object, value: object, **props: object) -> dict[str, object]:
    return {"name": name, "value": value, **props}


def placed(world: list[Made]) -> list[Made]:
    vpc = {"vpcId": "vpc-1", "subnets": [world[0]], "securityGroupIds": ["sg-1"]}
    return [project(vpcConfig=vpc), *world[1:]]


def pipeline(**props: Any) -> Made:
    return res("codepipeline/pipeline", "pipeline", **props)


def stored(*keys: object) -> Made:
    """A pipeline with an artifact store for each key."""
    return pipeline(
        artifactStores=[
            {
                "location": "artifacts",
                "type": "S3",
                **({"encryptionKey": {"id": key, "type": "KMS"}} if key is not None else {}),
            }
            for key in keys
        ]
    )


CASES = [
    case(
        "source-repository-encrypted",
        "codecommit/repository",
        ok=[
            res("codecommit/repository", "code", kmsKeyId=arn(KEY)),
            res("codecommit/repository", "x", kmsKeyId=KEY_ARN),
        ],
        bad=[res("codecommit/repository", "code"), res("codecommit/repository", "x", kmsKeyId="alias/aws/codecommit")],
        unknown=[res("codecommit/repository", "code", kmsKeyId=UNKNOWN)],
    ),
    case(
        "source-repository-reviewed",
        "codecommit/repository",
        ok=[reviewed(CODE)],
        bad=[CODE, reviewed(res("codecommit/repository", "other"))],
        unknown=[reviewed(UNKNOWN)],
    ),
    case(
        "build-key",
        PROJECT,
        ok=[project(encryptionKey=arn(KEY)), project(encryptionKey=KEY_ARN)],
        bad=[project(), project(encryptionKey="alias/aws/s3")],
        unknown=[project(encryptionKey=UNKNOWN)],
    ),
    case(
        "build-artifacts-encrypted",
        PROJECT,
        ok=[
            project(),
            project(artifacts={"type": "NO_ARTIFACTS"}),
            project(artifacts={"type": "S3", "encryptionDisabled": False}, secondaryArtifacts=[{"type": "S3"}]),
            project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "logs"}}),
        ],
        bad=[
            project(artifacts={"type": "S3", "encryptionDisabled": True}),
            project(artifacts={"type": "S3"}, secondaryArtifacts=[{"type": "S3", "encryptionDisabled": True}]),
            project(logsConfig={"s3Logs": {"status": "ENABLED", "location": "logs", "encryptionDisabled": True}}),
            # What isn't known of one doesn't hide another.
            project(artifacts={"encryptionDisabled": UNKNOWN}, secondaryArtifacts=[{"encryptionDisabled": "true"}]),
        ],
        unknown=[project(artifacts=UNKNOWN), project(artifacts={"encryptionDisabled": UNKNOWN})],
    ),
    case(
        "pipeline-key",
        "codepipeline/pipeline",
        ok=[stored(arn(KEY)), stored(KEY_ARN), stored(arn(KEY), KEY_ARN)],
        bad=[stored(None), stored("alias/aws/s3"), stored(KEY_ARN, None), stored(UNKNOWN, None)],
        unknown=[pipeline(artifactStores=UNKNOWN), stored(UNKNOWN)],
    ),
    case(
        "build-in-private-subnets",
        PROJECT,
        ok=[placed(world) for world in private()],
        bad=[project(), *(placed(world) for world in public())],
        unknown=[
            *(placed(world) for world in unclear()),
            project(vpcConfig={"vpcId": "vpc-1", "subnets": UNKNOWN}),
            project(vpcConfig={"vpcId": "vpc-1", "subnets": ["subnet-0123"]}),
        ],
    ),
    case(
        "build-not-privileged",
        PROJECT,
        ok=[project(), project(environment={"privilegedMode": False})],
        bad=[project(environment={"privilegedMode": True}), project(environment={"privilegedMode": "true"})],
        unknown=[project(environment=UNKNOWN), project(environment={"privilegedMode": UNKNOWN})],
    ),
    case(
        "build-variables-not-secret",
        PROJECT,
        ok=[
            project(),
            variables(),
            variables(plain("STACKS", "dev prod"), plain("SECRETS_KEY", "alias/state"), plain("TOKENS_URL", UNKNOWN)),
            variables(
                plain("PASSWORD", "database", type="SECRETS_MANAGER"), plain("TOKEN", "/t", type="PARAMETER_STORE")
            ),
        ],
        bad=[
            variables(plain("AWS_ACCESS_KEY_ID", "x")),
            variables(plain("aws_secret_access_key", "x", type="PLAINTEXT")),
            variables(plain("DB_PASSWORD", UNKNOWN)),
            variables(plain("PULUMI_ACCESS_TOKEN", "x")),
            *(variables(plain(name, "x")) for name in ("SECRET_KEY", "PGPASSWORD", "DB_PASS")),
            variables(plain("DATABASE", "mysql://shop:letmein@db.example.com/shop")),
            variables(plain("SERVICE_API_KEY", "x")),
            variables(plain("IDENTITY", "AKIA" + "A" * 16)),
            variables(plain("SIGNING", "-----BEGIN RSA PRIVATE KEY-----")),
            variables(plain(UNKNOWN, "x"), plain("DB_PASSWORD", "x")),
        ],
        unknown=[
            project(environment=UNKNOWN),
            variables(plain(UNKNOWN, "x")),
            variables(plain("STACKS", "x", type=UNKNOWN)),
        ],
    ),
    case(
        "build-source-without-credentials",
        PROJECT,
        ok=[
            project(source={"type": "CODEPIPELINE"}),
            project(source={"type": "GITHUB", "location": "https://github.com/owner/name.git"}),
            project(source={"type": "CODECOMMIT", "location": UNKNOWN}),
            project(
                source={"type": "CODECOMMIT", "location": output(res("codecommit/repository", "code"), "id")},
                secondarySources=[{"type": "S3", "location": "bucket/key"}],
            ),
        ],
        bad=[
            project(source={"type": "GITHUB", "location": "https://user:token@github.com/owner/name.git"}),
            project(source={"type": "BITBUCKET", "location": "https://token@bitbucket.org/owner/name.git"}),
            project(
                source={"type": "GITHUB", "location": UNKNOWN},
                secondarySources=[{"type": "GITHUB", "location": "https://token@github.com/owner/name.git"}],
            ),
        ],
        unknown=[
            project(source=UNKNOWN),
            project(source={"type": "GITHUB", "location": UNKNOWN}),
            project(source={"type": UNKNOWN, "location": UNKNOWN}),
        ],
    ),
]
