import json
import re
from fnmatch import fnmatchcase
from functools import cache

import pulumi
import pytest
from pydantic import ValidationError

from components.delivery import Delivery, DeliveryArgs, deployment_role_arn
from components.observability import AlarmTopic
from components.storage import SecureBucket
from delivery.codecommit import SESSION
from tests.components.tiers import logs, network, security
from tests.registered import ROOT, STACKS, by_sid, counts, of, one, run, run_stack, statements, waits_for

PROJECT = "codebuild/project:Project"
ACCOUNT = "123456789012"
CODE = f"arn:aws:codecommit:eu-west-1:{ACCOUNT}:platform"
STATE = f"arn:aws:s3:::platform-state-{ACCOUNT}-eu-west-1"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:platform-test-alarms"
CHECK_ROLE = "platform-test-delivery-check"
ENVIRONMENTS = {
    "dev": {"region": "us-east-1", "needs_approval": False},
    "prod": {"region": "eu-west-1", "preview_pull_requests": False},
}
NEEDED = {"reviewers": ["user/mary", "role/Reviewers*"], "environments": ENVIRONMENTS}
STRINGS = {
    "PULL_REQUEST_ID": "7",
    "SOURCE_COMMIT": "a" * 40,
    "DESTINATION_COMMIT": "b" * 40,
    "REVISION_ID": "c" * 64,
}


def delivery(*, unknown=False, name="delivery", topic=True, project="platform", **changes):
    def program():
        keys, log_bucket = security(), logs()
        made = Delivery(
            name,
            DeliveryArgs.model_validate(NEEDED | changes),
            subnets=network(nat="single").private,
            key=keys.data,
            logs_key=keys.logs,
            artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
            build_specs=ROOT / "delivery",
            topic=AlarmTopic("alarms", key=keys.logs) if topic else None,
        )
        pulumi.export("developers", made.developers_policy_arn)
        pulumi.export("clone_url", made.clone_url)
        pulumi.export("alarms", sorted(made.alarms))
        pulumi.export("pusher", deployment_role_arn(name, "prod"))

    return run(program, unknown=unknown, project=project)


@pytest.fixture(scope="module", params=[False, True], ids=["known", "first preview"])
def either(request):
    return delivery(unknown=request.param)


@pytest.fixture(scope="module")
def recording():
    return delivery()


def role_statements(recording, name):
    """What a role may do by its own policy and by the one that is attached to it."""
    managed = of(recording, "iam/policy:Policy").get(name)
    policies = [one(recording, "iam/rolePolicy:RolePolicy", name), *([managed] if managed else [])]
    return [statement for policy in policies for statement in statements(policy.inputs["policy"])]


def actions(found):
    return {action for statement in found for action in as_list(statement["Action"])}


def as_list(value):
    return value if isinstance(value, list) else [value]


def allows(found, action, resource, **context):
    """Whether statements allow an action on a resource, by names; conditions hold where `context` has their value."""

    def applies(statement):
        return (
            any(fnmatchcase(action.lower(), pattern.lower()) for pattern in as_list(statement["Action"]))
            and any(fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"]))
            and all(
                context.get(key) in as_list(values)
                for keys in statement.get("Condition", {}).values()
                for key, values in keys.items()
            )
        )

    return any(statement["Effect"] == "Allow" and applies(statement) for statement in found)


def test_it_adds_exactly_this(recording):
    found = counts(recording)
    assert {kind: found[kind] for kind in counts_of_delivery} == counts_of_delivery
    assert sorted(of(recording, PROJECT)) == ["delivery-check", "delivery-dev", "delivery-prod"]


counts_of_delivery = {
    "ApprovalRuleTemplate": 2,
    "ApprovalRuleTemplateAssociation": 2,
    "EventRule": 3,
    "EventTarget": 3,
    "MetricAlarm": 4,
    "Pipeline": 1,
    "Project": 3,
}


# -- The repository ---------------------------------------------------------------------------------------------------


def test_the_repository_is_encrypted_and_kept(recording):
    repository = one(recording, "codecommit/repository:Repository", "delivery")
    assert (repository.inputs["repositoryName"], repository.inputs["defaultBranch"]) == ("platform", "main")
    assert repository.inputs["kmsKeyId"] == one(recording, "kms/key:Key", "security-data").outputs["arn"]
    assert repository.protect
    assert recording.outputs["clone_url"] == repository.outputs["cloneUrlHttp"]
    kept_no_more = delivery(deletion_protection=False)
    assert not one(kept_no_more, "codecommit/repository:Repository", "delivery").protect


def rule(recording, name):
    template = one(recording, "codecommit/approvalRuleTemplate:ApprovalRuleTemplate", name)
    association = one(recording, "codecommit/approvalRuleTemplateAssociation:ApprovalRuleTemplateAssociation", name)
    assert association.inputs == {
        "approvalRuleTemplateName": template.inputs["name"],
        "repositoryName": "platform",
    }
    assert waits_for(recording, association, template)
    content = json.loads(template.inputs["content"])
    assert len(template.inputs["content"]) <= 3000  # CreateApprovalRuleTemplate API reference
    assert (content["Version"], content["DestinationReferences"]) == ("2018-11-08", ["refs/heads/main"])
    (statement,) = content["Statements"]
    assert statement["Type"] == "Approvers"
    return statement["NumberOfApprovalsNeeded"], statement["ApprovalPoolMembers"]


def test_a_pull_request_needs_the_check_and_a_reviewer(either):
    approver = f"arn:aws:sts::{ACCOUNT}:assumed-role/platform-test-delivery-approver/{SESSION}"
    assert rule(either, "delivery-checks") == (1, [approver])
    assert rule(either, "delivery-review") == (
        1,
        [f"arn:aws:iam::{ACCOUNT}:user/mary", f"arn:aws:sts::{ACCOUNT}:assumed-role/Reviewers*/*"],
    )
    assert one(either, "iam/role:Role", "delivery-check").inputs["name"] == CHECK_ROLE


def test_the_check_alone_approves_by_the_approver(either):
    role = one(either, "iam/role:Role", "delivery-approver")
    arn = f"arn:aws:iam::{ACCOUNT}:role/platform-test-delivery-approver"
    assert role.inputs["name"] == "platform-test-delivery-approver"
    (trust,) = statements(role.inputs["assumeRolePolicy"])
    check = f"arn:aws:iam::{ACCOUNT}:role/{CHECK_ROLE}"
    assert trust["Condition"] == {"StringEquals": {"aws:PrincipalArn": check, "sts:RoleSessionName": SESSION}}
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    found = role_statements(either, "delivery-approver")
    assert {action for action in actions(found) if not action.startswith("kms:")} == {
        "codecommit:UpdatePullRequestApprovalState"
    }
    assert allows(found, "codecommit:UpdatePullRequestApprovalState", CODE)
    assert allows(role_statements(either, "delivery-check"), "sts:AssumeRole", arn)
    assert variables(either, "check")["APPROVER"] == arn


@pytest.mark.parametrize("name", ["check", "approver", "pipeline", "merged"])
def test_an_environment_that_is_called_as_a_part_is_refused(name):
    with pytest.raises(ValidationError, match="the component calls something of its own so"):
        DeliveryArgs.model_validate(NEEDED | {"environments": {name: {"region": "eu-west-1"}}})


def test_the_number_of_reviewers_and_the_branch_are_settings():
    changed = delivery(approval_count=2, branch="trunk/1", repository_name="code")
    content = json.loads(
        one(changed, "codecommit/approvalRuleTemplate:ApprovalRuleTemplate", "delivery-review").inputs["content"]
    )
    assert content["DestinationReferences"] == ["refs/heads/trunk/1"]
    assert content["Statements"][0]["NumberOfApprovalsNeeded"] == 2
    developers = by_sid(one(changed, "iam/policy:Policy", "delivery-developers").inputs["policy"])
    denied = developers["DenyChangesOfTheBranch"]["Condition"]["StringEqualsIfExists"]
    assert denied == {"codecommit:References": ["refs/heads/trunk/1"]}
    assert developers["Work"]["Resource"].endswith(":code")


@pytest.mark.parametrize(
    "reviewer", ["role/platform-test-delivery-check", "role/platform-test-delivery-a*", "role/platform*"]
)
def test_the_check_is_no_reviewer(reviewer):
    with pytest.raises(ValueError, match="is the check's role too"):
        delivery(reviewers=[reviewer])


def test_developers_push_to_other_branches_and_open_pull_requests(either):
    policy = one(either, "iam/policy:Policy", "delivery-developers")
    assert len(policy.inputs["policy"]) <= 6144  # IAM and STS quotas: a managed policy
    found = by_sid(policy.inputs["policy"])
    work = [found["Work"]]
    for action in (
        "GitPush",
        "GitPull",
        "CreatePullRequest",
        "MergePullRequestByFastForward",
        "UpdatePullRequestTitle",
    ):
        assert allows(work, f"codecommit:{action}", CODE)
    for action in ("MergePullRequestBySquash", "MergePullRequestByThreeWay"):  # which take the caller's own text
        assert not allows(work, f"codecommit:{action}", CODE)
    for action in ("DeleteRepository", "PutRepositoryTriggers", "AssociateApprovalRuleTemplateWithRepository"):
        assert not allows(work, f"codecommit:{action}", CODE)
    branch = found["DenyChangesOfTheBranch"]
    assert branch["Condition"] == {
        "StringEqualsIfExists": {"codecommit:References": ["refs/heads/main"]},
        "Null": {"codecommit:References": "false"},
    }
    assert {"codecommit:GitPush", "codecommit:PutFile", "codecommit:CreateCommit"} <= set(branch["Action"])
    assert not any("MergePullRequest" in action for action in branch["Action"])  # which the approval rules are for
    assert "codecommit:OverridePullRequestApprovalRules" in found["DenyChangesOfTheRules"]["Action"]
    assert found["DenyChangesOfTheTemplates"]["Resource"] == "*"
    assert {statement["Effect"] for sid, statement in found.items() if sid.startswith("Deny")} == {"Deny"}
    assert found["Key"]["Condition"]["StringEquals"] == {"kms:ViaService": "codecommit.eu-west-1.amazonaws.com"}


# -- Builds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", ["check", "dev", "prod"])
def test_a_build_is_private_encrypted_and_logged(recording, build):
    project = one(recording, PROJECT, f"delivery-{build}")
    keys = {name: key.outputs["arn"] for name, key in of(recording, "kms/key:Key").items()}
    assert project.inputs["encryptionKey"] == keys["security-data"]
    assert project.inputs["environment"]["privilegedMode"] is False
    assert project.inputs["environment"]["type"] == "LINUX_CONTAINER"
    subnets = {s.outputs["id"] for name, s in of(recording, "ec2/subnet:Subnet").items() if "private" in name}
    assert set(project.inputs["vpcConfig"]["subnets"]) == subnets
    group = one(recording, "ec2/securityGroup:SecurityGroup", "delivery-builds")
    assert project.inputs["vpcConfig"]["securityGroupIds"] == [group.outputs["id"]]
    log_group = one(recording, "cloudwatch/logGroup:LogGroup", f"delivery-{build}")
    assert project.inputs["logsConfig"]["cloudwatchLogs"] == {
        "groupName": f"/platform/test/delivery-{build}",
        "status": "ENABLED",
    }
    assert log_group.inputs["kmsKeyId"] == keys["security-logs"]
    assert log_group.inputs["retentionInDays"] == 365


def test_a_build_gets_out_by_https_and_to_ubuntus_mirrors_and_nothing_gets_in(recording):
    group = one(recording, "ec2/securityGroup:SecurityGroup", "delivery-builds").urn
    for direction, expected in (("Ingress", []), ("Egress", [("0.0.0.0/0", "tcp", port, port) for port in (80, 443)])):
        kind = f"vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule"
        found = [r for r in of(recording, kind).values() if r.property_dependencies["securityGroupId"] == [group]]
        ports = [tuple(r.inputs[key] for key in ("cidrIpv4", "ipProtocol", "fromPort", "toPort")) for r in found]
        assert sorted(ports) == expected


def test_what_it_runs_is_not_the_pull_requests(recording):
    for build, file in {"check": "check.yml", "dev": "deploy.yml", "prod": "deploy.yml"}.items():
        source = one(recording, PROJECT, f"delivery-{build}").inputs["source"]
        assert source["buildspec"] == (ROOT / "delivery" / file).read_text()
    check = one(recording, PROJECT, "delivery-check").inputs
    assert check["source"]["type"] == "CODECOMMIT"
    assert check["source"]["gitCloneDepth"] == 0  # the destination's commit has to be in it
    assert check["artifacts"] == {"type": "NO_ARTIFACTS"}
    assert one(recording, PROJECT, "delivery-prod").inputs["artifacts"] == {"type": "CODEPIPELINE"}


def variables(recording, build):
    found = one(recording, PROJECT, f"delivery-{build}").inputs["environment"]["environmentVariables"]
    assert {variable["type"] for variable in found} == {"PLAINTEXT"}
    return {variable["name"]: variable["value"] for variable in found}


def test_builds_are_told_where_they_are(either):
    state = {"STATE_BUCKET": f"platform-state-{ACCOUNT}-eu-west-1", "SECRETS_KEY": "alias/platform-state"}
    told = {"STACKS": "dev", "REPOSITORY": "platform", **state}
    assert variables(either, "check").items() >= told.items()
    assert variables(either, "dev") == {"STACK": "dev", **state}
    assert variables(either, "prod") == {"STACK": "prod", **state}


def test_the_machines_are_settings():
    arm = {"image": "aws/codebuild/amazonlinux-aarch64-standard:3.0", "compute_type": "BUILD_GENERAL1_LARGE"}
    changed = delivery(
        check=arm | {"timeout_minutes": 30, "queued_minutes": 15, "concurrent_limit": 2},
        permissions_boundary_arn=f"arn:aws:iam::{ACCOUNT}:policy/builds",
        log_retention_days=30,
    )
    check, deployment = (one(changed, PROJECT, f"delivery-{build}").inputs for build in ("check", "dev"))
    assert (check["environment"]["type"], check["environment"]["computeType"]) == ("ARM_CONTAINER", arm["compute_type"])
    assert (check["buildTimeout"], check["queuedTimeout"], check["concurrentBuildLimit"]) == (30, 15, 2)
    assert (deployment["buildTimeout"], deployment["queuedTimeout"]) == (240, 60)
    assert "concurrentBuildLimit" not in deployment
    for build in ("check", "dev", "prod"):
        boundary = one(changed, "iam/role:Role", f"delivery-{build}").inputs["permissionsBoundary"]
        assert boundary == f"arn:aws:iam::{ACCOUNT}:policy/builds"
        assert one(changed, "cloudwatch/logGroup:LogGroup", f"delivery-{build}").inputs["retentionInDays"] == 30


@pytest.mark.parametrize(
    ("role", "service", "source"),
    [
        ("check", "codebuild", "project/platform-test-delivery-check"),
        ("prod", "codebuild", "project/platform-test-delivery-prod"),
        ("pipeline", "codepipeline", "platform-test-delivery"),
        ("pull-request", "events", "rule/platform-test-delivery-pull-request"),
        ("merged", "events", "rule/platform-test-delivery-merged"),
    ],
)
def test_a_service_takes_a_role_for_one_thing_alone(either, role, service, source):
    trust = one(either, "iam/role:Role", f"delivery-{role}").inputs["assumeRolePolicy"]
    (statement,) = statements(trust)
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals" + "IfExists" * (service == "codepipeline"): {
            "aws:SourceArn": f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{source}"
        },
    }


def test_the_network_interfaces_are_codebuilds(either):
    found = role_statements(either, "delivery-check")
    tags = one(either, "ec2/securityGroup:SecurityGroup", "delivery-builds").inputs["tags"]
    group = {"aws:ResourceTag/Name": tags["Name"]}
    ec2 = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:"
    create = "ec2:CreateNetworkInterface"
    assert allows(found, create, f"{ec2}network-interface/*")
    assert allows(found, create, f"{ec2}subnet/subnet-1")
    assert allows(found, create, f"{ec2}security-group/sg-1", **group)
    assert not allows(found, create, f"{ec2}security-group/sg-1", **{"aws:ResourceTag/Name": "other"})
    permit = "ec2:CreateNetworkInterfacePermission"
    assert allows(
        found, permit, f"{ec2}network-interface/eni-1", **{"ec2:AuthorizedService": "codebuild.amazonaws.com"}
    )
    assert not allows(found, permit, f"{ec2}network-interface/eni-1")


# -- The check --------------------------------------------------------------------------------------------------------


def test_the_check_reads_writes_its_verdict_and_no_more(either):
    found = role_statements(either, "delivery-check")
    reading = re.compile(r"\w[\w-]*:(Describe|Get|List|Validate|GitPull)\w*")
    assert {action for action in actions(found) if not reading.fullmatch(action)} == {
        "codecommit:PostCommentForPullRequest",
        "sts:AssumeRole",
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        # By way of CodeCommit for the repository, else for the state
        *(f"kms:{action}" for action in ("Decrypt", "Encrypt", "ReEncrypt*")),
        *(f"kms:{action}" for action in ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext")),
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    written = [s for s in found if {"codecommit:PostCommentForPullRequest", "logs:PutLogEvents"} & set(s["Action"])]
    assert [s["Resource"] for s in written] == [
        f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/platform/test/delivery-check:*",
        CODE,
    ]
    everywhere = [s for s in found if s["Resource"] == "*"]
    assert all(re.match(r"\w+:(Describe|Get|List|Validate)", action) for action in actions(everywhere))


def test_the_check_has_the_rights_to_what_it_calls():
    called = (ROOT / "delivery" / "codecommit.py").read_text()
    found = {name.replace("_", "") for name in re.findall(r'"((?:post|update|get)_[a-z_]+)"', called)}
    assert found
    made = delivery()
    of_both = actions(role_statements(made, "delivery-check") + role_statements(made, "delivery-approver"))
    assert found <= {action.removeprefix("codecommit:").lower() for action in of_both}


LOOKED_UP = {
    "ec2.get_route_table_output": ["ec2:DescribeRouteTables"],
    "ec2.get_subnet_output": ["ec2:DescribeSubnets"],
    "ec2.get_vpc_endpoint_output": ["ec2:DescribePrefixLists", "ec2:DescribeVpcEndpoints"],
    "ec2.get_vpc_output": ["ec2:DescribeRouteTables", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcs"],
    "ec2.get_managed_prefix_list_output": ["ec2:DescribeManagedPrefixLists", "ec2:GetManagedPrefixListEntries"],
    "elasticbeanstalk.get_solution_stack_output": ["elasticbeanstalk:ListAvailableSolutionStacks"],
    "get_caller_identity_output": [],  # which needs no right
    "get_partition_output": [],
    "get_region_output": [],
    "kms.get_alias_output": ["kms:DescribeKey", "kms:ListAliases"],
    "s3.get_bucket_output": [],  # of buckets by name: `used_buckets`
    "lb.get_target_group_output": [
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups",
    ],
    "route53.get_zone_output": ["route53:GetHostedZone", "route53:ListHostedZones", "route53:ListTagsForResource"],
}


def test_the_check_may_look_up_what_the_program_does(recording):
    sources = "".join(file.read_text() for file in (ROOT / "components").glob("*.py"))
    assert set(re.findall(r"aws\.((?:\w+\.)?get_\w+)", sources)) == set(LOOKED_UP)
    granted = actions(role_statements(recording, "delivery-check"))
    assert {action for needed in LOOKED_UP.values() for action in needed} <= granted


def test_the_builds_see_the_buckets_of_others_that_a_stack_uses():
    environments = {"dev": {"region": "eu-west-1", "used_buckets": ["others"]}, "prod": {"region": "eu-west-1"}}
    made = delivery(environments=environments)
    check, dev, prod = (role_statements(made, f"delivery-{name}") for name in ("check", "dev", "prod"))
    assert [allows(found, "s3:ListBucket", "arn:aws:s3:::others") for found in (check, dev, prod)] == [
        True,
        True,
        False,
    ]
    assert [allows(found, "s3:PutObject", "arn:aws:s3:::others/a") for found in (check, dev, prod)] == [
        False,
        True,
        False,
    ]


def test_the_check_sees_the_state_of_what_it_previews_alone(either):
    found = role_statements(either, "delivery-check")
    stacks = f"{STATE}/.pulumi/stacks/platform"
    assert allows(found, "s3:ListBucket", STATE)
    for key in (f"{STATE}/.pulumi/meta.yaml", f"{stacks}/dev.json", f"{stacks}/dev.json.gz"):
        assert allows(found, "s3:GetObject", key)
    for key in (f"{stacks}/prod.json", f"{stacks}/dev2.json", f"{STATE}/.pulumi/history/platform/dev/1.json"):
        assert not allows(found, "s3:GetObject", key)
    (state,) = (s for s in found if "kms:ResourceAliases" in str(s) and "kms:ViaService" not in str(s))
    assert state["Action"] == ["kms:Decrypt"]
    assert state["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/platform-state"}}
    assert not any(allows(found, f"s3:{action}", f"{stacks}/dev.json") for action in ("PutObject", "DeleteObject"))


def event(recording, name):
    made = one(recording, "cloudwatch/eventRule:EventRule", f"delivery-{name}")
    target = one(recording, "cloudwatch/eventTarget:EventTarget", f"delivery-{name}")
    assert target.inputs["rule"] == made.inputs["name"]
    return json.loads(made.inputs["eventPattern"]), target


def test_a_pull_request_starts_a_check_of_its_commit(recording):
    pattern, target = event(recording, "pull-request")
    assert pattern == {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Pull Request State Change"],
        "resources": [CODE],
        "detail": {
            "event": ["pullRequestCreated", "pullRequestSourceBranchUpdated"],
            "destinationReference": ["refs/heads/main"],
        },
    }
    check = one(recording, PROJECT, "delivery-check")
    assert target.inputs["arn"] == check.outputs["arn"]
    assert target.inputs["retryPolicy"] == {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 185}
    transformer = target.inputs["inputTransformer"]
    assert transformer["inputPaths"] == {
        "PULL_REQUEST_ID": "$.detail.pullRequestId",
        "SOURCE_COMMIT": "$.detail.sourceCommit",
        "DESTINATION_COMMIT": "$.detail.destinationCommit",
        "REVISION_ID": "$.detail.revisionId",
    }
    # EventBridge puts in the event's strings with their quotes.
    said = json.loads(re.sub(r"<(\w+)>", lambda found: json.dumps(STRINGS[found[1]]), transformer["inputTemplate"]))
    overrides = said.pop("environmentVariablesOverride")
    assert said == {"sourceVersion": STRINGS["SOURCE_COMMIT"]}
    assert overrides == [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in STRINGS.items()]
    policy = one(recording, "iam/rolePolicy:RolePolicy", "delivery-pull-request")
    (statement,) = statements(policy.inputs["policy"])
    assert (statement["Action"], statement["Resource"]) == ("codebuild:StartBuild", check.outputs["arn"])
    assert waits_for(recording, target, policy)


# -- The pipeline -----------------------------------------------------------------------------------------------------


def stages(recording):
    made = one(recording, "codepipeline/pipeline:Pipeline", "delivery").inputs["stages"]
    return {stage["name"]: {action["name"]: action for action in stage["actions"]} for stage in made}


def test_a_merge_deploys_the_environments_in_their_order(recording):
    pipeline = one(recording, "codepipeline/pipeline:Pipeline", "delivery")
    assert (pipeline.inputs["pipelineType"], pipeline.inputs["executionMode"]) == ("V2", "SUPERSEDED")
    found = stages(recording)
    assert {name: sorted(actions, key=lambda a: actions[a].get("runOrder", 1)) for name, actions in found.items()} == {
        "source": ["source"],
        "dev": ["deploy"],
        "prod": ["approve", "deploy"],
    }
    assert found["source"]["source"]["configuration"] == {
        "RepositoryName": "platform",
        "BranchName": "main",
        "PollForSourceChanges": "false",
        "OutputArtifactFormat": "CODE_ZIP",
    }
    assert found["prod"]["approve"]["configuration"]["NotificationArn"] == TOPIC
    assert found["prod"]["approve"]["timeoutInMinutes"] == 10_080
    for environment in ("dev", "prod"):
        deploy = found[environment]["deploy"]
        assert deploy["configuration"] == {"ProjectName": f"platform-test-delivery-{environment}"}
        assert deploy["inputArtifacts"] == found["source"]["source"]["outputArtifacts"]


def test_the_order_is_a_setting():
    """A stack file's settings come sorted, so that what stands first there says nothing."""
    assert list(stages(delivery(environments=dict(reversed(ENVIRONMENTS.items()))))) == ["source", "dev", "prod"]
    assert list(stages(delivery(deployment_order=["prod", "dev"]))) == ["source", "prod", "dev"]


def test_a_new_commit_on_the_branch_starts_it(recording):
    pattern, target = event(recording, "merged")
    assert pattern["detail-type"] == ["CodeCommit Repository State Change"]
    assert pattern["resources"] == [CODE]
    assert pattern["detail"] == {
        "event": ["referenceCreated", "referenceUpdated"],
        "referenceType": ["branch"],
        "referenceName": ["main"],
    }
    pipeline = one(recording, "codepipeline/pipeline:Pipeline", "delivery")
    assert target.inputs["arn"] == pipeline.outputs["arn"]
    (statement,) = role_statements(recording, "delivery-merged")
    assert statement["Action"] == "codepipeline:StartPipelineExecution"
    assert statement["Resource"] == pipeline.outputs["arn"]


def test_what_it_hands_on_is_encrypted_and_its_own(either):
    (store,) = one(either, "codepipeline/pipeline:Pipeline", "delivery").inputs["artifactStores"]
    assert (store["type"], store["encryptionKey"]["type"]) == ("S3", "KMS")
    bucket = f"arn:aws:s3:::platform-test-artifacts-{ACCOUNT}-eu-west-1"
    for role in ("pipeline", "dev", "prod"):
        found = role_statements(either, f"delivery-{role}")
        # CodePipeline's folder has the first 20 characters of the pipeline's name.
        assert allows(found, "s3:GetObject", f"{bucket}/platform-test-delive/source/abc.zip")
        if role != "prod":  # whose own bucket it is not, but for its name
            assert not allows(found, "s3:GetObject", f"{bucket}/analytics/certificates.zip")
    assert not allows(role_statements(either, "delivery-dev"), "s3:PutObject", f"{bucket}/platform-test-delive/a")


def test_the_pipeline_waits_for_its_rights(recording):
    pipeline = one(recording, "codepipeline/pipeline:Pipeline", "delivery")
    for build in ("dev", "prod"):
        project = one(recording, PROJECT, f"delivery-{build}")
        assert waits_for(recording, pipeline, project)
        assert waits_for(recording, project, one(recording, "iam/rolePolicy:RolePolicy", f"delivery-{build}"))
        assert waits_for(recording, project, one(recording, "ec2/route:Route", "network-private-eu-west-1a-internet"))
    assert waits_for(recording, pipeline, one(recording, "iam/rolePolicy:RolePolicy", "delivery-pipeline"))
    assert waits_for(recording, pipeline, one(recording, "sns/topicPolicy:TopicPolicy", "alarms"))


def test_a_branch_that_could_not_be_read_is_told(recording):
    pattern, target = event(recording, "unread")
    assert pattern["detail"] == {"state": ["FAILED"], "type": {"category": ["Source"]}}
    assert target.inputs["arn"] == TOPIC
    assert "roleArn" not in target.inputs
    assert waits_for(recording, target, one(recording, "sns/topicPolicy:TopicPolicy", "alarms"))
    quiet = delivery(topic=False)
    assert "delivery-unread" not in of(quiet, "cloudwatch/eventRule:EventRule")
    assert "NotificationArn" not in stages(quiet)["prod"]["approve"]["configuration"]


# -- Deployments ------------------------------------------------------------------------------------------------------


def test_a_deployment_writes_the_state_of_its_own_stack(either):
    found = role_statements(either, "delivery-dev")
    for path in ("stacks/platform/{}.json", "history/platform/{}/1.json", "locks/organization/platform/{}/1.json"):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert allows(found, action, f"{STATE}/.pulumi/{path.format('dev')}")
            assert not allows(found, action, f"{STATE}/.pulumi/{path.format('prod')}")


MODULES = {
    "cfg": "config",
    "ebs": "ec2",
    "elb": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "lb": "elasticloadbalancing",
    "sfn": "states",
    "vpc": "ec2",
}


@cache
def stack(name):
    return run_stack(name)


@pytest.mark.parametrize("environment", STACKS)
def test_a_deployment_may_change_all_that_the_program_makes(environment):
    """The service of each type is among those of the role; a bucket and a secret go by their names."""
    region = {"dev": "us-east-1", "prod": "eu-west-1"}[environment]
    found = role_statements(delivery(), f"delivery-{environment}")
    context = {"aws:RequestedRegion": region}
    for made in stack(environment).registrations:
        module = made.type.split(":")[1].split("/")[0] if made.type.startswith("aws:") else "iam"
        if module == "iam":
            continue
        service = MODULES.get(module, module)
        if module == "cloudwatch":
            service = "logs" if "/log" in made.type else "events" if "/event" in made.type else module
        secret = f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{made.inputs.get('namePrefix')}x"
        arns = {
            "cloudformation": f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{made.inputs.get('name')}/1",
            "cloudfront": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1",
            "route53": "arn:aws:route53:::hostedzone/Z1",
            "s3": f"arn:aws:s3:::{made.inputs.get('bucket')}",
            "secretsmanager": made.inputs.get("secretId", secret),
        }
        arn = arns.get(service, f"arn:aws:{service}:{region}:{ACCOUNT}:thing/x")
        assert allows(found, f"{service}:Create", arn, **context), made.type


@pytest.mark.parametrize("environment", STACKS)
def test_a_deployment_hands_the_programs_roles_to_their_services(environment):
    found = role_statements(delivery(), f"delivery-{environment}")
    for role in of(stack(environment), "iam/role:Role").values():
        for statement in statements(role.inputs["assumeRolePolicy"]):
            for service in as_list(statement["Principal"].get("Service", [])):
                passed = {"iam:PassedToService": service}
                assert allows(found, "iam:PassRole", role.outputs["arn"], **passed), (role.name, service)


def test_a_deployment_is_held_to_its_region_and_its_names():
    found = role_statements(delivery(), "delivery-dev")
    queue = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:platform-prod-orders"
    assert not allows(found, "sqs:DeleteQueue", queue, **{"aws:RequestedRegion": "eu-west-1"})
    here = {"aws:RequestedRegion": "us-east-1"}
    assert allows(found, "sqs:DeleteQueue", queue.replace("eu-west-1", "us-east-1"), **here)
    assert not allows(found, "s3:GetObject", "arn:aws:s3:::platform-prod-storage/x", **here)
    secret = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:platform-prod-database-1"
    assert not allows(found, "secretsmanager:GetSecretValue", secret, **here)
    for action in ("iam:CreateUser", "iam:CreateAccessKey", "iam:PutUserPolicy", "organizations:LeaveOrganization"):
        assert not allows(found, action, f"arn:aws:iam::{ACCOUNT}:user/x", **here)
    administrator = {"iam:PassedToService": "lambda.amazonaws.com"}
    assert not allows(found, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/x", **administrator)


def test_policies_of_ones_own_take_the_place_of_what_it_may_do():
    own = f"arn:aws:iam::{ACCOUNT}:policy/deploys-dev"
    changed = delivery(environments={"dev": {"region": "us-east-1", "policies": [own]}})
    attached = one(changed, "iam/rolePolicyAttachment:RolePolicyAttachment", "delivery-dev-deploys-dev")
    assert attached.inputs["policyArn"] == own
    assert waits_for(changed, one(changed, PROJECT, "delivery-dev"), attached)
    found = role_statements(changed, "delivery-dev")
    assert not any(action.startswith(("iam:", "cloudfront:")) for action in actions(found))
    assert allows(found, "s3:PutObject", f"{STATE}/.pulumi/stacks/platform/dev.json")


def test_a_registry_knows_the_role_that_pushes(either):
    role = one(either, "iam/role:Role", "delivery-prod")
    assert either.outputs["pusher"] == f"arn:aws:iam::{ACCOUNT}:role/{role.inputs['name']}"


# -- Alarms -----------------------------------------------------------------------------------------------------------


def test_what_pages(recording):
    assert recording.outputs["alarms"] == ["check-unstarted", "dev-failed", "pipeline-unstarted", "prod-failed"]
    found = {
        name: (a.inputs["namespace"], a.inputs["metricName"], a.inputs["dimensions"], a.inputs["treatMissingData"])
        for name, a in of(recording, "cloudwatch/metricAlarm:MetricAlarm").items()
    }
    rules = {"check": "pull-request", "pipeline": "merged"}
    assert found == {
        **{
            f"delivery-{environment}-failed": (
                "AWS/CodeBuild",
                "FailedBuilds",
                {"ProjectName": f"platform-test-delivery-{environment}"},
                "notBreaching",
            )
            for environment in ENVIRONMENTS
        },
        **{
            f"delivery-{what}-unstarted": (
                "AWS/Events",
                "FailedInvocations",
                {"RuleName": f"platform-test-delivery-{rule_name}"},
                "notBreaching",
            )
            for what, rule_name in rules.items()
        },
    }
    none = delivery(alarms={"failed_deployments_threshold": None, "unstarted_threshold": 3})
    assert {a.inputs["threshold"] for a in of(none, "cloudwatch/metricAlarm:MetricAlarm").values()} == {3}
    assert none.outputs["alarms"] == ["check-unstarted", "pipeline-unstarted"]


# -- Limits -----------------------------------------------------------------------------------------------------------


def test_the_longest_names_are_ones_that_aws_takes():
    longest = "e" * 20
    buckets = [f"{number:02}".ljust(63, "b") for number in range(20)]
    environments = {longest: {"region": "ap-southeast-1", "used_buckets": buckets}}
    made = delivery(name="d" * 20, environments=environments, project="p" * 29)  # bootstrap.yaml's limit
    for kind, limit in {
        "iam/role:Role": 64,
        "cloudwatch/eventRule:EventRule": 64,
        "codepipeline/pipeline:Pipeline": 100,
        "codecommit/approvalRuleTemplate:ApprovalRuleTemplate": 100,
        PROJECT: 150,
    }.items():
        assert all(len(found.inputs["name"]) <= limit for found in of(made, kind).values() if "name" in found.inputs)
    # IAM and STS quotas: the inline policies of a role, and a managed one, white space apart.
    for kind, limit in {"iam/rolePolicy:RolePolicy": 10_240, "iam/policy:Policy": 6144}.items():
        sizes = {name: len(policy.inputs["policy"].replace(" ", "")) for name, policy in of(made, kind).items()}
        assert max(sizes.values()) <= limit, sizes


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"reviewers": []}, ("reviewers",)),
        ({"reviewers": ["mary"]}, ("reviewers", 0)),
        ({"reviewers": ["role/*"]}, ("reviewers", 0)),
        ({"reviewers": ["user/mary", "user/mary"]}, ("reviewers",)),
        ({"reviewers": ["user/mary"], "approval_count": 2}, ("approval_count",)),
        ({"reviewers": [f"user/{number}-{'m' * 60}" for number in "abcdefghijklmnopqrstuvwxyzABCD"]}, ("reviewers",)),
        ({"approval_count": 0}, ("approval_count",)),
        ({"environments": {}}, ("environments",)),
        ({"deployment_order": ["dev"]}, ("deployment_order",)),
        ({"deployment_order": ["dev", "prod", "dev"]}, ("deployment_order",)),
        ({"environments": {"Dev": {"region": "eu-west-1"}}}, ("environments", "Dev", "[key]")),
        ({"environments": {"dev": {}}}, ("environments", "dev", "region")),
        ({"environments": {"dev": {"region": "eu-west-1", "preview_pull_requests": False}}}, ("environments",)),
        ({"environments": {"dev": {"region": "eu-west-1", "policies": ["x"]}}}, ("environments", "dev", "policies", 0)),
        ({"check": {"image": "docker.io/library/python:3.11"}}, ("check", "image")),
        ({"check": {"timeout_minutes": 4}}, ("check", "timeout_minutes")),
        ({"check": {"concurrent_limit": 0}}, ("check", "concurrent_limit")),
        ({"deployment": {"queued_minutes": 481}}, ("deployment", "queued_minutes")),
        ({"execution_mode": "PARALLEL"}, ("execution_mode",)),
        ({"approval_timeout_minutes": 86_401}, ("approval_timeout_minutes",)),
        ({"branch": "a b"}, ("branch",)),
        ({"alarms": {"unstarted_threshold": 0}}, ("alarms", "unstarted_threshold")),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        DeliveryArgs.model_validate(NEEDED | changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]
