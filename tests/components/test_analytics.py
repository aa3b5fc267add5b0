import base64
import copy
import dataclasses
import json
import re

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from statelint.linter import Linter

from components.analytics import Analytics, AnalyticsArgs, TableArgs
from components.database import Database, DatabaseArgs
from components.datalake import DataLake
from components.network import Subnets
from components.observability import AlarmTopic
from components.storage import SecureBucket
from jobs import config as jobs_config
from jobs.package import package
from tests.components.states import CLUSTER, Emr, execute
from tests.components.tiers import ZONES, logs, network, security
from tests.registered import by_sid, of, one, run, statements, waits_for

ARTIFACTS = "platform-test-artifacts-123456789012-eu-west-1"
KEY = "arn:aws:kms:eu-west-1:123456789012:alias/platform-test-security-data"
TOPIC = "platform-test-alarms"
TAG = "for-use-with-amazon-emr-managed-policies"
PLACES = {"Subnets": ["subnet-1"], "Primary": "sg-1", "Core": "sg-2", "Service": "sg-3", "Cluster": None}
ALL_ENGINES = {
    "applications": ["Hadoop", "Spark", "Hive", "Presto"],
    "tables": {"orders": {"key": "id", "format": "json"}},
    "mapreduce": True,
    "presto": True,
}
HTTPS_CLIENT = {"presto_client": "presto-cli --server https://primary:8446 --truststore-path trust.jks"}


def analytics(*, unknown=False, replicas=(), shipped=None, zones=None, name="analytics", **changes):
    def program():
        keys, net, log_bucket = security(), network(nat="single"), logs()
        args = DatabaseArgs.model_validate({"replicas": {replica: {} for replica in replicas}})
        made = Analytics(
            name,
            AnalyticsArgs.model_validate(changes),
            subnets=net.private if zones is None else Subnets(net.vpc_id, net.cidr, zones),
            key=keys.data,
            logs_key=keys.logs,
            lake=DataLake("lake", key=keys.data, logs_key=keys.logs, logs=log_bucket),
            artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
            database=Database("database", args, subnets=net.isolated, key=keys.data, logs_key=keys.logs),
            package=shipped or package(),
            topic=AlarmTopic("alarms", key=keys.logs),
        )
        pulumi.export("state_machine_arn", made.state_machine_arn)
        pulumi.export("certificates_uri", made.certificates_uri)

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def recording():
    return analytics()


@pytest.fixture(scope="module")
def staying():
    return analytics(long_running=True)


def definition(recording):
    return json.loads(one(recording, "sfn/stateMachine:StateMachine", "analytics").inputs["definition"])


def role_statements(recording, name):
    return statements(one(recording, "iam/rolePolicy:RolePolicy", f"analytics-{name}").inputs["policy"])


def uploaded(recording, file):
    return one(recording, "s3/bucketObjectv2:BucketObjectv2", f"analytics-{file}")


# -- What clusters are made of ----------------------------------------------------------------------------------------


def security_configuration(recording):
    made = one(recording, "emr/securityConfiguration:SecurityConfiguration", "analytics")
    return json.loads(made.inputs["configuration"])


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
def test_everything_is_encrypted(unknown):
    assert security_configuration(analytics(unknown=unknown)) == {
        "EncryptionConfiguration": {
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": KEY},
                "LocalDiskEncryptionConfiguration": {
                    "EncryptionKeyProviderType": "AwsKms",
                    "AwsKmsKey": KEY,
                    "EnableEbsEncryption": True,
                },
            },
            "EnableInTransitEncryption": True,
            "InTransitEncryptionConfiguration": {
                "TLSCertificateConfiguration": {
                    "CertificateProviderType": "PEM",
                    "S3Object": f"s3://{ARTIFACTS}/analytics/certificates.zip",
                }
            },
        },
        "InstanceMetadataServiceConfiguration": {
            "MinimumInstanceMetadataServiceVersion": 2,
            "HttpPutResponseHopLimit": 1,
        },
    }


def test_tls_between_the_nodes_is_off_in_writing_only():
    configuration = security_configuration(analytics(encrypt_in_transit=False))["EncryptionConfiguration"]
    assert configuration["EnableInTransitEncryption"] is False
    assert "InTransitEncryptionConfiguration" not in configuration


def rules(recording, direction):
    kind = f"vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule"
    names = {group.urn: name for name, group in of(recording, "ec2/securityGroup:SecurityGroup").items()}
    for rule in of(recording, kind).values():
        own = names[rule.property_dependencies["securityGroupId"][0]]
        other = rule.property_dependencies.get("referencedSecurityGroupId")
        if own.startswith("analytics") or (other and names[other[0]].startswith("analytics")):
            peer = names[other[0]] if other else rule.inputs["cidrIpv4"]
            yield own, peer, rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]


def test_the_security_groups_have_the_rules_that_emr_would_add_and_no_more(recording):
    primary, core, service = (f"analytics-{group}" for group in ("primary", "core", "service"))
    everything = {("tcp", 0, 65_535), ("udp", 0, 65_535), ("icmp", -1, -1)}
    between = {(a, b, *ports) for a in (primary, core) for b in (primary, core) for ports in everything}
    calls = {(service, node, "tcp", 8443, 8443) for node in (primary, core)} | {
        (primary, service, "tcp", 9443, 9443),
        *((node, "database", "tcp", 3306, 3306) for node in (primary, core)),
    }
    outside = {(node, "0.0.0.0/0", "tcp", 443, 443) for node in (primary, core)}
    assert sorted(rules(recording, "Egress")) == sorted(between | calls | outside)
    assert sorted(rules(recording, "Ingress")) == sorted(
        (server, client, *ports) for client, server, *ports in between | calls
    )


def test_emr_may_manage_the_security_groups_and_they_can_be_deleted(recording):
    groups = [g for name, g in of(recording, "ec2/securityGroup:SecurityGroup").items() if name.startswith("analytics")]
    assert len(groups) == 3
    for group in groups:
        assert group.inputs["revokeRulesOnDelete"] is True
        assert group.inputs["tags"][TAG] == "true"


def test_a_cluster(recording):
    request = copy.deepcopy(definition(recording)["States"]["StartCluster"]["Parameters"])
    instances = request.pop("Instances")
    assert request == {
        "Name": "platform-test-analytics",
        "ReleaseLabel": "emr-7.13.0",
        "Applications": [{"Name": name} for name in ("Hadoop", "Spark")],
        "Configurations": [
            {"Classification": "spark-hive-site", "Properties": {"hive.metastore.client.factory.class": GLUE}}
        ],
        "ServiceRole": "platform-test-analytics-service",
        "JobFlowRole": "platform-test-analytics-instances",
        "SecurityConfiguration": "platform-test-analytics",
        "LogUri": "s3://platform-test-lake-results-123456789012-eu-west-1/emr/",
        "LogEncryptionKmsKeyId": KEY,
        "EbsRootVolumeSize": 30,
        "StepConcurrencyLevel": 1,
        "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
        "ManagedScalingPolicy": {
            "ComputeLimits": {
                "UnitType": "InstanceFleetUnits",
                "MinimumCapacityUnits": 8,
                "MaximumCapacityUnits": 64,
                "MaximumOnDemandCapacityUnits": 16,
                "MaximumCoreCapacityUnits": 16,
            }
        },
        "AutoTerminationPolicy": {"IdleTimeout": 3600},
        "VisibleToAllUsers": True,
        "Tags": [{"Key": "Name", "Value": "platform-test-analytics"}, {"Key": TAG, "Value": "true"}],
    }
    fleets = {fleet["Name"]: fleet for fleet in instances.pop("InstanceFleets")}
    assert instances == {
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": False,
        "Ec2SubnetIds.$": "$.aws.places.Subnets",
        "EmrManagedMasterSecurityGroup.$": "$.aws.places.Primary",
        "EmrManagedSlaveSecurityGroup.$": "$.aws.places.Core",
        "ServiceAccessSecurityGroup.$": "$.aws.places.Service",
    }
    assert {name: fleet["InstanceFleetType"] for name, fleet in fleets.items()} == {
        "primary": "MASTER",
        "core": "CORE",
        "task": "TASK",
    }
    assert fleets["primary"]["TargetOnDemandCapacity"] == 1
    assert fleets["core"]["TargetOnDemandCapacity"] == 8
    assert fleets["task"]["TargetSpotCapacity"] == 4
    assert fleets["task"]["LaunchSpecifications"] == {
        "OnDemandSpecification": {"AllocationStrategy": "lowest-price"},
        "SpotSpecification": {
            "AllocationStrategy": "price-capacity-optimized",
            "TimeoutAction": "SWITCH_TO_ON_DEMAND",
            "TimeoutDurationMinutes": 10,
        },
    }
    assert fleets["core"]["InstanceTypeConfigs"][0] == {
        "InstanceType": "m7g.xlarge",
        "WeightedCapacity": 4,
        "EbsConfiguration": {
            "EbsBlockDeviceConfigs": [
                {"VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": 64}, "VolumesPerInstance": 1}
            ]
        },
    }


GLUE = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"


def test_the_places_are_what_only_aws_knows(recording):
    places = uploaded(recording, "places")
    groups = of(recording, "ec2/securityGroup:SecurityGroup")
    subnets = of(recording, "ec2/subnet:Subnet")
    assert json.loads(places.inputs["content"]) == {
        "Subnets": [subnets[f"network-private-{zone}"].outputs["id"] for zone in ZONES],
        **{group.capitalize(): groups[f"analytics-{group}"].outputs["id"] for group in ("primary", "core", "service")},
        "Cluster": None,
    }


@pytest.mark.parametrize("changes", [{}, {"long_running": True}])
def test_the_state_machine_and_all_policies_are_known_in_a_first_preview(changes):
    known, preview = analytics(**changes), analytics(unknown=True, **changes)
    assert definition(preview) == definition(known)
    policies = of(known, "iam/rolePolicy:RolePolicy")
    for name, policy in of(preview, "iam/rolePolicy:RolePolicy").items():
        assert policy.inputs["policy"] == policies[name].inputs["policy"]


# -- Roles ------------------------------------------------------------------------------------------------------------


def trust(recording, name):
    (statement,) = statements(one(recording, "iam/role:Role", f"analytics-{name}").inputs["assumeRolePolicy"])
    return statement["Principal"]["Service"], statement.get("Condition")


def test_each_role_is_for_one_service_and_this_account(recording):
    own = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    arn = "arn:aws:{}:eu-west-1:123456789012:*"
    groups = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group"
    assert {role: trust(recording, role) for role in ("service", "instances", "run", "schedule")} == {
        "service": (
            "elasticmapreduce.amazonaws.com",
            own | {"ArnLike": {"aws:SourceArn": arn.format("elasticmapreduce")}},
        ),
        "instances": ("ec2.amazonaws.com", None),
        "run": ("states.amazonaws.com", own | {"ArnLike": {"aws:SourceArn": arn.format("states")}}),
        "schedule": (
            "scheduler.amazonaws.com",
            own | {"ArnLike": {"aws:SourceArn": f"{groups}/platform-test-analytics-schedule"}},
        ),
    }


def test_the_service_role(recording):
    attached = {
        name: made.inputs["policyArn"]
        for name, made in of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment").items()
        if name.startswith("analytics")
    }
    assert attached == {
        "analytics-service-AmazonEMRServicePolicy_v2": "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
    }
    pass_role, use, grant, spot = role_statements(recording, "service")
    assert pass_role == {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "arn:aws:iam::123456789012:role/platform-test-analytics-instances",
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    }
    alias = {"kms:ResourceAliases": "alias/platform-test-security-data"}
    assert use["Condition"] == {"ForAnyValue:StringEquals": alias}
    assert grant["Action"] == ["kms:CreateGrant"]
    assert grant["Condition"] == {
        "ForAnyValue:StringEquals": alias,
        "Bool": {"kms:GrantIsForAWSResource": "true"},
    }
    assert spot["Condition"] == {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}}


def test_the_nodes_reach_the_lake_the_secret_and_their_own_artifacts(recording):
    found = role_statements(recording, "instances")
    resources = [r for s in found for r in (s["Resource"] if isinstance(s["Resource"], list) else [s["Resource"]])]
    lake = "arn:aws:s3:::platform-test-lake-{}-123456789012-eu-west-1"
    glue = "arn:aws:glue:eu-west-1:123456789012:"
    assert set(resources) == {
        *(lake.format(zone) + end for zone in ("raw", "curated") for end in ("", "/*")),
        lake.format("results"),
        lake.format("results") + "/emr/*",
        f"arn:aws:s3:::{ARTIFACTS}/analytics/*",
        "arn:aws:s3:::eu-west-1.elasticmapreduce/*",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:platform-test-database-*",
        "arn:aws:kms:eu-west-1:123456789012:key/*",
        *(glue + path for path in ("catalog", "database/platform_test_lake", "table/platform_test_lake/*")),
        *(glue + path for path in ("database/default", "userDefinedFunction/default/*")),
    }
    on_artifacts = [s["Action"] for s in found if s["Resource"] == f"arn:aws:s3:::{ARTIFACTS}/analytics/*"]
    assert on_artifacts == ["s3:GetObject"]
    for statement in found:
        if "kms:" in str(statement["Action"]):
            assert statement["Condition"]["ForAnyValue:StringEquals"] == {
                "kms:ResourceAliases": "alias/platform-test-security-data"
            }


def test_the_state_machines_role(recording):
    found = by_sid(json.dumps({"Statement": [s for s in role_statements(recording, "run") if "Sid" in s]}))
    clusters = "arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/*"
    own = {"StringEquals": {"aws:ResourceTag/Name": "platform-test-analytics"}}
    tagged = {"StringEquals": {f"aws:RequestTag/{TAG}": "true"}}
    assert {sid: (s["Action"], s["Resource"], s.get("Condition")) for sid, s in found.items() if sid in EMR_SIDS} == {
        "StartCluster": ("elasticmapreduce:RunJobFlow", "*", tagged),
        "TagCluster": ("elasticmapreduce:AddTags", clusters, tagged),
        "EndCluster": ("elasticmapreduce:TerminateJobFlows", clusters, own),
        "SetClusterPolicies": (
            ["elasticmapreduce:PutAutoTerminationPolicy", "elasticmapreduce:PutManagedScalingPolicy"],
            clusters,
            None,
        ),
        "Steps": (
            [f"elasticmapreduce:{action}" for action in STEP_ACTIONS],
            clusters,
            own,
        ),
        "PassServiceRole": (
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/platform-test-analytics-service",
            {"StringEquals": {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}},
        ),
        "PassInstanceRole": (
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/platform-test-analytics-instances",
            {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        "Events": (
            ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
            [
                f"arn:aws:events:eu-west-1:123456789012:rule/StepFunctionsGetEventForEMR{rule}Rule"
                for rule in ("AddJobFlowSteps", "TerminateJobFlows")
            ],
            None,
        ),
        "OtherRuns": ("states:ListExecutions", recording.outputs["state_machine_arn"], None),
        "CleanUpAfterClusters": (
            "iam:CreateServiceLinkedRole",
            "arn:aws:iam::123456789012:role/aws-service-role/elasticmapreduce.amazonaws.com/AWSServiceRoleForEMRCleanup",
            {"StringEquals": {"iam:AWSServiceName": "elasticmapreduce.amazonaws.com"}},
        ),
    }
    assert [sid for sid, s in found.items() if s["Resource"] == "*"] == ["StartCluster", "Logs", "Traces"]
    assert [s["Resource"] for s in role_statements(recording, "run") if s["Action"] == "s3:GetObject"] == [
        f"arn:aws:s3:::{ARTIFACTS}/analytics/places.json*"
    ]
    assert [s["Resource"] for s in role_statements(recording, "run") if s["Action"] == "sns:Publish"] == [
        f"arn:aws:sns:eu-west-1:123456789012:{TOPIC}"
    ]


STEP_ACTIONS = ("AddJobFlowSteps", "CancelSteps", "DescribeCluster", "DescribeStep")
EMR_SIDS = {
    "StartCluster",
    "TagCluster",
    "EndCluster",
    "SetClusterPolicies",
    "Steps",
    "PassServiceRole",
    "PassInstanceRole",
    "Events",
    "OtherRuns",
    "CleanUpAfterClusters",
}


def test_a_cluster_that_stays_is_neither_started_nor_ended_by_a_run(staying):
    found = {s["Sid"] for s in role_statements(staying, "run") if "Sid" in s}
    assert found == {"Steps", "Events", "OtherRuns", "Logs", "Traces"}
    assert "iam:PassRole" not in str(role_statements(staying, "run"))


# -- What the jobs read -----------------------------------------------------------------------------------------------


def test_the_jobs_are_uploaded_under_their_content(recording):
    files, digest = package()
    for file, content in files.items():
        made = uploaded(recording, file)
        assert made.inputs["key"] == f"analytics/{digest[:16]}/{file}"
        assert base64.b64decode(made.inputs["contentBase64"]) == content
        assert made.options["retainOnDelete"] is True
    changed = analytics(shipped=({"main.py": b"new", "jobs.zip": b"new"}, "f" * 64))
    assert uploaded(changed, "main.py").inputs["key"] == f"analytics/{'f' * 16}/main.py"
    command = definition(changed)["States"]["Extract"]["Parameters"]["Step"]["HadoopJarStep"]["Args"]
    assert f"s3://{ARTIFACTS}/analytics/{'f' * 16}/main.py" in command


def configuration(recording):
    return jobs_config.parse(uploaded(recording, "config").inputs["content"])


def test_the_jobs_understand_their_configuration(recording):
    found = configuration(recording)
    bucket = "s3://platform-test-lake-{}-123456789012-eu-west-1/{}"
    assert dataclasses.asdict(found) == {
        "region": "eu-west-1",
        "source": {
            "secret": one(recording, "secretsmanager/secret:Secret", "database").outputs["arn"],
            "certificate": f"s3://{ARTIFACTS}/analytics/rds-authorities.pem",
            "host": "",
        },
        "raw": bucket.format("raw", "tables"),
        "curated": bucket.format("curated", "tables"),
        "state": bucket.format("curated", "state"),
        "export": bucket.format("curated", "export"),
        "export_format": "csv",
        "catalog": "platform_test_lake",
        "lag_seconds": 900,
        "fetch_rows": 10_000,
        "tables": {
            name: {"key": "id", "watermark": "updated_at", "partitions": 8, "format": "parquet"}
            for name in ("customers", "products", "orders")
        },
    }
    assert list(found.tables) == ["customers", "products", "orders"]


def test_every_setting_of_the_jobs_has_its_argument_here():
    assert {f.name: f.default for f in dataclasses.fields(jobs_config.Table) if f.name != "key"} == {
        name: field.default or "" for name, field in TableArgs.model_fields.items() if name != "key"
    }
    mine = {"lag_seconds", "fetch_rows", "export_format"}
    assert {f.name: f.default for f in dataclasses.fields(jobs_config.Config) if f.name in mine} == {
        name: AnalyticsArgs.model_fields[name].default for name in mine
    }


@pytest.mark.parametrize(
    ("replicas", "named", "read"),
    [((), None, None), (("reader", "analytics"), None, "analytics"), (("reader", "analytics"), "reader", "reader")],
)
def test_the_jobs_read_from_a_replica_where_there_is_one(replicas, named, read):
    made = analytics(replicas=replicas, **({"replica": named} if named else {}))
    expected = one(made, "rds/instance:Instance", f"database-{read}").outputs["address"] if read else ""
    assert configuration(made).source.host == expected


def test_the_roots_of_rds_in_the_region_alone_are_uploaded(recording):
    pem = base64.b64decode(uploaded(recording, "rds-authorities").inputs["contentBase64"]).decode()
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----\n(.*?)-----END CERTIFICATE-----\n", pem, re.S)
    subjects = [re.findall(rb"Amazon RDS ([a-z0-9-]+) Root CA ([A-Z0-9]+) G1", base64.b64decode(b)) for b in blocks]
    assert sorted(found[0] for found in subjects) == [
        (b"eu-west-1", algorithm) for algorithm in (b"ECC384", b"RSA2048", b"RSA4096")
    ]


def test_no_secret_is_in_what_is_uploaded(recording):
    password = one(recording, "index/randomPassword:RandomPassword", "database").outputs["result"]
    for made in of(recording, "s3/bucketObjectv2:BucketObjectv2").values():
        assert password not in str(made.inputs.get("content"))


# -- Order ------------------------------------------------------------------------------------------------------------


def test_nothing_runs_before_all_that_it_needs_is_there(recording, staying):
    machine = one(recording, "sfn/stateMachine:StateMachine", "analytics")
    cluster = one(staying, "emr/cluster:Cluster", "analytics")
    for made, dependent in ((recording, machine), (staying, cluster)):
        for kind, name in (
            ("emr/securityConfiguration:SecurityConfiguration", "analytics"),
            ("iam/rolePolicyAttachment:RolePolicyAttachment", "analytics-service-AmazonEMRServicePolicy_v2"),
            ("iam/rolePolicy:RolePolicy", "analytics-service"),
            ("iam/rolePolicy:RolePolicy", "analytics-instances"),
            ("iam/instanceProfile:InstanceProfile", "analytics"),
            ("s3/bucketObjectv2:BucketObjectv2", "analytics-config"),
            ("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "analytics-primary-to-service"),
            ("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "analytics-core-to-database"),
            ("ec2/route:Route", "network-private-eu-west-1b-internet"),
        ):
            assert waits_for(made, dependent, one(made, kind, name)), name
    assert waits_for(recording, machine, uploaded(recording, "places"))
    assert waits_for(recording, machine, one(recording, "iam/rolePolicy:RolePolicy", "analytics-run"))
    schedule = one(recording, "scheduler/schedule:Schedule", "analytics-schedule")
    assert waits_for(recording, schedule, machine)
    assert waits_for(recording, schedule, one(recording, "iam/rolePolicy:RolePolicy", "analytics-schedule"))


# -- A cluster that stays ---------------------------------------------------------------------------------------------


def test_a_cluster_that_stays(staying):
    cluster = one(staying, "emr/cluster:Cluster", "analytics").inputs
    expected = {
        "releaseLabel": "emr-7.13.0",
        "serviceRole": "platform-test-analytics-service",
        "securityConfiguration": "platform-test-analytics",
        "logEncryptionKmsKeyId": KEY,
        "keepJobFlowAliveWhenNoSteps": True,
        "terminationProtection": False,
        "autoTerminationPolicy": None,
    }
    assert {key: cluster.get(key) for key in expected} == expected
    assert cluster["tags"][TAG] == "true"
    assert cluster["ec2Attributes"]["instanceProfile"] == "platform-test-analytics-instances"
    assert len(cluster["ec2Attributes"]["subnetIds"]) == len(ZONES)
    task = one(staying, "emr/instanceFleet:InstanceFleet", "analytics-task").inputs
    assert (task["targetSpotCapacity"], len(task["instanceTypeConfigs"])) == (4, 4)
    (limits,) = one(staying, "emr/managedScalingPolicy:ManagedScalingPolicy", "analytics").inputs["computeLimits"]
    assert (limits["minimumCapacityUnits"], limits["maximumCapacityUnits"]) == (8, 64)


def test_each_application_finds_its_tables_in_glue():
    request = definition(analytics(**ALL_ENGINES, **HTTPS_CLIENT))["States"]["StartCluster"]["Parameters"]
    found = {made["Classification"]: made["Properties"] for made in request["Configurations"]}
    client = {"hive.metastore.client.factory.class": GLUE}
    assert found == {
        "spark-hive-site": client,
        "hive-site": client,
        "presto-connector-hive": {"hive.metastore": "glue"},
    }


def test_what_managed_scaling_changes_is_left_to_it(staying):
    cluster = one(staying, "emr/cluster:Cluster", "analytics")
    core = ("targetOnDemandCapacity", "targetSpotCapacity")
    assert cluster.options["ignoreChanges"] == [f"coreInstanceFleet.{capacity}" for capacity in core]
    assert one(staying, "emr/instanceFleet:InstanceFleet", "analytics-task").options["ignoreChanges"] == list(core)


def test_what_is_logged_is_encrypted_in_a_context_of_its_own(recording):
    contexts = [s["Condition"].get("StringEquals", {}) for s in role_statements(recording, "run") if "Condition" in s]
    assert {"kms:EncryptionContext:SourceArn": "arn:aws:logs:eu-west-1:123456789012:*"} in contexts


def test_without_a_task_fleet_there_is_none():
    fleets = definition(analytics(task=None))["States"]["StartCluster"]["Parameters"]["Instances"]["InstanceFleets"]
    assert [fleet["Name"] for fleet in fleets] == ["primary", "core"]
    assert of(analytics(task=None, long_running=True), "emr/instanceFleet:InstanceFleet") == {}


# -- Runs -------------------------------------------------------------------------------------------------------------

FOUND = ["FindOtherRuns", "IsAnotherRunning", "FindPlaces"]
BEFORE = [*FOUND, "FindCertificates", "AreCertificatesThere"]
STARTED = [*BEFORE, "StartCluster", "ExtractHowMuch"]
CERTIFICATES = "analytics/certificates.zip"


def go(recording, ends=None, *, places=PLACES, change=None, objects=(CERTIFICATES,), **options):
    emr = Emr(dict(ends or {}))
    states = copy.deepcopy(definition(recording))
    for state, changes in (change or {}).items():
        states["States"][state] |= changes
    return emr, execute(states, emr, places=places, topic_name=TOPIC, objects=list(objects), **options)


def failure(run):
    """What the only message says that went wrong."""
    (message,) = run.messages
    return json.loads(message.partition(" failed: ")[2])


def test_a_run(recording):
    emr, run = go(recording)
    assert (run.status, run.messages, run.waits) == ("SUCCEEDED", [], [])
    assert run.path == [*STARTED, "Extract", "Transform", "Check", "Publish", "EndCluster", "Succeeded"]
    assert [(step["ClusterId"], step["Step"]["Name"]) for step in emr.steps] == [
        (CLUSTER, job) for job in ("extract", "transform", "check", "publish")
    ]
    (started,) = emr.started
    assert started["Instances"]["Ec2SubnetIds"] == PLACES["Subnets"]
    assert started["Instances"]["ServiceAccessSecurityGroup"] == PLACES["Service"]
    assert emr.terminated == [CLUSTER]


def test_jars_on_s3_can_be_read(recording):
    jars = [
        "s3://libraries/a/mariadb-java-client-3.5.6.jar",
        "s3://libraries/spark-avro_2.12-3.5.6.jar",
        "/usr/lib/local.jar",
    ]
    made = analytics(packages=[], jars=jars)
    args = go(made)[0].steps[0]["Step"]["HadoopJarStep"]["Args"]
    assert args[args.index("--jars") + 1] == ",".join(jars)

    def read(recording):
        policy = one(recording, "iam/rolePolicy:RolePolicy", "analytics-instances").inputs["policy"]
        return [s["Resource"] for s in statements(policy) if s["Action"] == "s3:GetObject"]

    (found,) = (resources for resources in read(made) if resources not in read(recording))
    assert found == [f"arn:aws:s3:::{jar[5:]}" for jar in jars[:2]]


def test_retries_wait_less_than_an_idle_cluster_does():
    made = analytics(step_retries=10, idle_minutes=10)
    (retry,) = definition(made)["States"]["Extract"]["Retry"]
    assert retry["MaxDelaySeconds"] == 300
    _, run = go(made, {"transform": ["FAILED"] * 10})
    assert run.status == "SUCCEEDED"
    assert max(run.waits) <= 300


def test_a_step(recording):
    _, digest = package()
    step = go(recording)[0].steps[0]["Step"]
    folder = f"s3://{ARTIFACTS}/analytics"
    assert step["ActionOnFailure"] == "CONTINUE"
    assert step["HadoopJarStep"] == {
        "Jar": "command-runner.jar",
        "Args": [
            *("spark-submit", "--deploy-mode", "client"),
            *("--packages", "org.mariadb.jdbc:mariadb-java-client:3.5.6,org.apache.spark:spark-avro_2.12:3.5.6"),
            *("--py-files", f"{folder}/{digest[:16]}/jobs.zip", f"{folder}/{digest[:16]}/main.py"),
            *("extract", "--config", f"{folder}/{digest[:16]}/config.json"),
        ],
    }


def test_all_engines():
    made = analytics(**ALL_ENGINES, **HTTPS_CLIENT)
    emr, run = go(made)
    assert run.status == "SUCCEEDED"
    jobs = ["extract", "transform", "check", "mapreduce", "publish", "presto"]
    assert [step["Step"]["Name"] for step in emr.steps] == jobs
    assert emr.steps[-1]["Step"]["HadoopJarStep"]["Args"][-2:] == ["--client", HTTPS_CLIENT["presto_client"]]


def test_trino_has_its_own_client():
    made = analytics(**ALL_ENGINES | {"applications": ["Hadoop", "Spark", "Trino"]}, encrypt_in_transit=False)
    step = definition(made)["States"]["Presto"]["Parameters"]["Step"]
    assert step["HadoopJarStep"]["Args"][-2:] == ["--client", "trino-cli --server localhost:8889 --catalog hive"]


def test_a_run_that_reads_everything(recording):
    emr, run = go(recording, input={"full": True})
    assert (run.status, run.path[len(STARTED)]) == ("SUCCEEDED", "ExtractEverything")
    assert emr.steps[0]["Step"]["HadoopJarStep"]["Args"][-1] == "--full"
    assert "Extract" in go(recording, input={"full": False})[1].path


def test_a_step_that_fails_is_begun_again(recording):
    emr, run = go(recording, {"transform": ["FAILED", "ThrottlingException"]})
    assert run.status == "SUCCEEDED"
    assert [step["Step"]["Name"] for step in emr.steps] == ["extract", *["transform"] * 3, "check", "publish"]
    assert len(run.waits) == 2
    assert all(0 <= wait <= limit for wait, limit in zip(run.waits, (60, 120), strict=True))


@pytest.mark.parametrize("job", ["extract", "transform", "publish"])
def test_a_step_that_keeps_failing_ends_the_cluster_and_is_told(recording, job):
    emr, run = go(recording, {job: ["FAILED"] * 3})
    assert (run.status, run.error) == ("FAILED", "RunFailed")
    assert run.path[-3:] == ["EndFailedCluster", "TellFailure", "Failed"]
    assert emr.steps[-1]["Step"]["Name"] == job
    assert emr.terminated == [CLUSTER]
    assert failure(run)["failure"]["Error"] == "States.TaskFailed"


def test_a_cluster_that_doesnt_come_up_cancels_its_step_and_is_ended(recording):
    emr, run = go(recording, {"extract": ["CANCELLED", "InvalidRequestException", "InvalidRequestException"]})
    assert run.path == [*STARTED, "Extract", "EndFailedCluster", "TellFailure", "Failed"]
    assert emr.terminated == [CLUSTER]
    assert len(run.messages) == 1


def test_a_comparison_that_fails_is_not_begun_again(recording):
    emr, run = go(recording, {"check": ["FAILED"]})
    assert run.path[-4:] == ["Check", "EndFailedCluster", "TellFailure", "Failed"]
    assert ([step["Step"]["Name"] for step in emr.steps].count("check"), run.waits) == (1, [])


def test_without_certificates_no_cluster_is_started(recording):
    emr, run = go(recording, objects=[])
    assert run.path == [*BEFORE, "NoCertificates", "TellFailure", "Failed"]
    assert emr.started == []
    assert f"s3://{ARTIFACTS}/{CERTIFICATES}" in failure(run)["failure"]["Cause"]


@pytest.mark.parametrize("without", [{"encrypt_in_transit": False}, {"long_running": True}])
def test_who_needs_no_certificates_looks_for_none(without):
    made = analytics(**without)
    assert "FindCertificates" not in definition(made)["States"]
    assert "s3:ListBucket" not in [statement["Action"] for statement in role_statements(made, "run")]


@pytest.mark.parametrize("changes", [{}, {"long_running": True}, ALL_ENGINES | HTTPS_CLIENT])
def test_every_machine_is_in_the_states_language(changes):
    assert Linter.validate(definition(analytics(**changes))) == []


def test_a_cluster_that_is_refused_is_told(recording):
    emr, run = go(recording, {"start": ["ThrottlingException"] * 5})
    assert run.path == [*BEFORE, "StartCluster", "TellFailure", "Failed"]
    assert (emr.steps, emr.terminated, len(run.waits)) == ([], [], 4)
    assert failure(run)["failure"]["Error"] == "Emr.EmrException"


def test_a_step_out_of_time_ends_the_cluster_and_is_not_begun_again(recording):
    emr, run = go(recording, {"transform": ["HANGS"]}, change={"Transform": {"TimeoutSeconds": 1}})
    assert run.path[-4:] == ["Transform", "EndFailedCluster", "TellFailure", "Failed"]
    assert (run.waits, emr.terminated) == ([], [CLUSTER])
    assert failure(run)["failure"]["Error"] == "States.Timeout"


@pytest.mark.parametrize("state", ["Extract", "ExtractEverything", "Transform", "Check", "Publish", "EndCluster"])
def test_every_state_that_waits_for_emr_has_a_time(recording, state):
    first = 45 * 60 if "Extract" in state else 0
    limit = definition(recording)["States"][state]["TimeoutSeconds"]
    assert limit == (30 * 60 if state == "EndCluster" else 120 * 60 + first)


def test_the_whole_run_has_a_time_that_no_path_comes_to(recording):
    whole = definition(recording)
    attempts = 3  # of each of the steps
    steps = [whole["States"][step]["TimeoutSeconds"] for step in ("Extract", "Transform", "Check", "Publish")]
    waits = 5 * 30 * 60 + sum(30 * 2**n for n in range(4)) + len(steps) * (60 + 120)
    assert whole["TimeoutSeconds"] > sum(steps) * attempts + waits


def test_a_cluster_that_cant_be_ended_is_told_even_after_a_good_run(recording):
    _, run = go(recording, {"terminate": ["InternalServerException"] * 5})
    assert run.path[-4:] == ["Publish", "EndCluster", "TellFailure", "Failed"]
    told = failure(run)
    assert told["aws"]["places"] == {"Cluster": CLUSTER}
    assert told["failure"]["Error"] == "ElasticMapReduce.InternalServerException"


def test_of_two_failures_both_are_told(recording):
    _, run = go(recording, {"transform": ["FAILED"] * 3, "terminate": ["InternalServerException"] * 5})
    told = failure(run)
    assert told["failure"]["Error"] == "States.TaskFailed"
    assert told["cluster_left"]["Error"] == "ElasticMapReduce.InternalServerException"


@pytest.mark.parametrize("others", [1, 2])
def test_a_run_beside_another_starts_nothing(recording, others):
    emr, run = go(recording, others=others)
    assert run.path == ["FindOtherRuns", "IsAnotherRunning", "AnotherIsRunning", "TellFailure", "Failed"]
    assert emr.started == []
    assert failure(run)["failure"]["Error"] == "AnotherIsRunning"


def test_a_run_on_a_cluster_that_stays(staying):
    places = PLACES | {"Cluster": "j-STAYS"}
    emr, run = go(staying, places=places)
    assert run.path == [*FOUND, "ExtractHowMuch", "Extract", "Transform", "Check", "Publish", "Succeeded"]
    assert {step["ClusterId"] for step in emr.steps} == {"j-STAYS"}
    emr, run = go(staying, {"extract": ["FAILED"] * 3}, places=places)
    assert run.path == [*FOUND, "ExtractHowMuch", "Extract", "TellFailure", "Failed"]
    assert (emr.started, emr.terminated) == ([], [])
    cluster = one(staying, "emr/cluster:Cluster", "analytics")
    assert json.loads(uploaded(staying, "places").inputs["content"])["Cluster"] == cluster.outputs["id"]


def test_errors_are_logged_with_what_failed_and_runs_are_traced(recording):
    machine = one(recording, "sfn/stateMachine:StateMachine", "analytics")
    group = one(recording, "cloudwatch/logGroup:LogGroup", "analytics")
    assert machine.inputs["loggingConfiguration"] == {
        "level": "ERROR",
        "includeExecutionData": True,
        "logDestination": f"{group.outputs['arn']}:*",
    }
    assert machine.inputs["tracingConfiguration"] == {"enabled": True}
    assert machine.inputs["encryptionConfiguration"]["type"] == "CUSTOMER_MANAGED_KMS_KEY"
    assert (
        one(recording, "kms/key:Key", "security-logs").urn in machine.property_dependencies["encryptionConfiguration"]
    )
    assert group.inputs["name"] == "/aws/vendedlogs/states/platform-test-analytics"
    assert group.inputs["retentionInDays"] == 365
    assert group.property_dependencies["kmsKeyId"] == [one(recording, "kms/key:Key", "security-logs").urn]


# -- Schedule ---------------------------------------------------------------------------------------------------------


def test_the_schedule():
    made = analytics(schedule={"expression": "cron(30 2 ? * MON-FRI *)", "time_zone": "Europe/Berlin"})
    schedule = one(made, "scheduler/schedule:Schedule", "analytics-schedule")
    expected = {
        "name": "platform-test-analytics-schedule",
        "groupName": "platform-test-analytics-schedule",
        "scheduleExpression": "cron(30 2 ? * MON-FRI *)",
        "scheduleExpressionTimezone": "Europe/Berlin",
        "state": "ENABLED",
        "flexibleTimeWindow": {"mode": "OFF"},
    }
    assert {key: schedule.inputs.get(key) for key in expected} == expected
    target = schedule.inputs["target"]
    assert target["arn"] == one(made, "sfn/stateMachine:StateMachine", "analytics").outputs["arn"]
    assert target["retryPolicy"] == {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 185}
    assert made.outputs["state_machine_arn"] == target["arn"]
    start, machine, letters, letters_key, key = role_statements(made, "schedule")
    queue = one(made, "sqs/queue:Queue", "analytics-schedule-unstarted")
    assert target["deadLetterConfig"] == {"arn": queue.outputs["arn"]}
    assert (letters["Action"], letters["Resource"]) == ("sqs:SendMessage", queue.outputs["arn"])
    assert letters_key["Condition"]["StringEquals"] == {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}
    assert queue.property_dependencies["kmsMasterKeyId"] == [one(made, "kms/key:Key", "security-logs").urn]
    assert queue.inputs["messageRetentionSeconds"] == 14 * 24 * 60 * 60
    (tls,) = statements(one(made, "sqs/queuePolicy:QueuePolicy", "analytics-schedule-unstarted").inputs["policy"])
    assert (tls["Effect"], tls["Resource"]) == ("Deny", queue.outputs["arn"])
    assert machine["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/platform-test-security-logs"},
        "StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": target["arn"]},
    }
    assert machine in role_statements(made, "run")
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", target["arn"])
    assert key["Condition"]["StringEquals"] == {"kms:ViaService": "scheduler.eu-west-1.amazonaws.com"}


def test_what_no_run_tells_by_itself_raises_an_alarm(recording):
    found = of(recording, "cloudwatch/metricAlarm:MetricAlarm")
    runs = {"StateMachineArn": one(recording, "sfn/stateMachine:StateMachine", "analytics").outputs["arn"]}
    letters = {"QueueName": "platform-test-analytics-schedule-unstarted"}
    expected = {
        "analytics-aborted": ("AWS/States", "ExecutionsAborted", runs),
        "analytics-timed-out": ("AWS/States", "ExecutionsTimedOut", runs),
        "analytics-schedule-unstarted": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", letters),
    }
    mine = {name: made.inputs for name, made in found.items() if name.startswith("analytics-")}
    assert {name: (i["namespace"], i["metricName"], i["dimensions"]) for name, i in mine.items()} == expected
    for name, inputs in mine.items():
        measured = ("Maximum", 300) if "schedule" in name else ("Sum", 3600)
        assert (inputs["threshold"], inputs["statistic"], inputs["period"]) == (1, *measured)
        assert inputs["treatMissingData"] == "notBreaching"


def test_failed_runs_raise_one_too_where_that_is_wanted():
    found = of(analytics(alarms={"failed_limit": 2, "ended_early_limit": None}), "cloudwatch/metricAlarm:MetricAlarm")
    assert {name for name in found if name.startswith("analytics-")} == {
        "analytics-failed",
        "analytics-schedule-unstarted",
    }
    assert found["analytics-failed"].inputs["threshold"] == 2


def test_the_schedule_is_switched_off_by_one_setting():
    made = analytics(schedule={"enabled": False})
    assert one(made, "scheduler/schedule:Schedule", "analytics-schedule").inputs["state"] == "DISABLED"


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 * * ? *)",
        "cron(0/15 8-18 ? * 2#1 2026-2030)",
        "cron(0 0 LW JAN,JUL ? *)",
        "cron(5 4 L-2 * ? *)",
        "rate(6 hours)",
    ],
)
def test_schedules(expression):
    assert AnalyticsArgs.model_validate({"schedule": {"expression": expression}}).schedule.expression == expression


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 * * *)",
        "cron(0 3 * * * *)",
        "cron(0 3 1 * MON *)",
        "cron(60 3 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 3 32 * ? *)",
        "cron(0 3 ? * 8 *)",
        "cron(0 3 ? * TUES *)",
        "cron(0/0 3 * * ? *)",
        "cron(0  3 * * ? *)",
        "cron(? 3 * * ? *)",
        "0 3 * * ? *",
        "rate(0 hours)",
        "at(2026-11-22T03:00:00)",
    ],
)
def test_no_schedules(expression):
    with pytest.raises(ValidationError) as wrong:
        AnalyticsArgs.model_validate({"schedule": {"expression": expression}})
    assert [error["loc"] for error in wrong.value.errors()] == [("schedule", "expression")]


@given(hour=st.integers(-5, 40), minute=st.integers(-5, 90))
def test_a_time_of_day_is_a_schedule_exactly_when_there_is_one(hour, minute):
    expression = f"cron({minute} {hour} * * ? *)"
    try:
        AnalyticsArgs.model_validate({"schedule": {"expression": expression}})
        refused = False
    except ValidationError:
        refused = True
    assert refused != (0 <= hour <= 23 and 0 <= minute <= 59)


# -- Bad arguments ----------------------------------------------------------------------------------------------------

LESS_AVRO = {"packages": ["org.mariadb.jdbc:mariadb-java-client:3.5.6"]}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"release_label": "emr-spark-8.0.0"}, ("release_label",)),
        ({"release_label": "emr-6.15.0"}, ("release_label",)),
        ({"applications": ["Hadoop", "Spark", "Presto", "Trino"]}, ("applications",)),
        ({"applications": ["Hadoop"]}, ("applications",)),
        ({"applications": ["Spark", "Hadoop", "Spark"]}, ("applications",)),
        ({"applications": ["Hadoop", "Spark", "Flink"]}, ("applications", 2)),
        ({"primary_instance_types": ["m7g.large"]}, ("primary_instance_types", 0)),
        ({"core": {"instance_types": {}}}, ("core", "instance_types")),
        ({"core": {"instance_types": {"t3.medium": 1}}}, ("core", "instance_types", "t3.medium", "[key]")),
        ({"core": {"units": 0}}, ("core", "units")),
        ({"task": {"units": 0}}, ("task", "units")),
        ({"task": {"spot_timeout_minutes": 4}}, ("task", "spot_timeout_minutes")),
        ({"task": {"units": 100}}, ("scaling",)),
        ({"scaling": {"min_units": 13}}, ("scaling",)),
        ({"scaling": {"min_units": 8, "max_units": 7, "max_core_units": 7, "max_on_demand_units": 7}}, None),
        ({"scaling": {"max_core_units": 7}}, ("scaling", "max_core_units")),
        ({"scaling": {"max_on_demand_units": 7}}, ("scaling", "max_on_demand_units")),
        ({"scaling": {"max_core_units": 65}}, ("scaling", "max_core_units")),
        ({"root_volume_size_gib": 101}, ("root_volume_size_gib",)),
        ({"idle_minutes": 9}, ("idle_minutes",)),
        ({"step_concurrency": 257}, ("step_concurrency",)),
        ({"tables": {}}, ("tables",)),
        ({"tables": {"orders; DROP TABLE orders": {"key": "id"}}}, None),
        ({"tables": {"orders": {"key": "id", "format": "parket"}}}, ("tables", "orders", "format")),
        ({"tables": {"orders": {"key": "id", "watermark": "updated at"}}}, ("tables", "orders", "watermark")),
        ({"tables": {"orders": {"key": "id", "format": "avro"}}, **LESS_AVRO}, ("tables", "orders", "format")),
        ({"packages": []}, ("packages",)),
        ({"packages": ["mariadb-java-client"]}, ("packages", 0)),
        ({"jars": ["http://example.com/driver.jar"]}, ("jars", 0)),
        ({"mapreduce": True}, ("tables", "orders", "format")),
        ({"presto": True, "applications": ["Hadoop", "Spark", "Presto"]}, ("presto_client",)),
        ({"presto": True, "applications": ["Hadoop", "Spark"], **HTTPS_CLIENT}, ("presto",)),
        ({"export_format": "parquet"}, ("export_format",)),
        ({"lag_seconds": -1}, ("lag_seconds",)),
        ({"schedule": {"time_zone": "Berlin"}}, ("schedule", "time_zone")),
        ({"schedule": {"retry_hours": 25}}, ("schedule", "retry_hours")),
        ({"step_retries": -1}, ("step_retries",)),
        ({"step_timeout_minutes": 0}, ("step_timeout_minutes",)),
        ({"termination_protection": True}, ("termination_protection",)),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        AnalyticsArgs.model_validate(changes)
    if path:
        assert [error["loc"] for error in wrong.value.errors()] == [path]


def test_a_replica_that_isnt_there():
    with pytest.raises(ValueError, match="no replica 'reader'; there are: analytics"):
        analytics(replicas=["analytics"], replica="reader")


def test_a_region_whose_roots_arent_shipped():
    with pytest.raises(ValueError, match="no roots of RDS in xx-north-9"):
        analytics(zones={"xx-north-9a": "subnet-1"})


def test_the_longest_name_is_one_that_aws_takes():
    made = analytics(name="a" * 30)
    assert all(len(role.inputs["name"]) <= 64 for role in of(made, "iam/role:Role").values() if "name" in role.inputs)
    assert all(len(m.inputs["name"]) <= 64 for m in of(made, "scheduler/schedule:Schedule").values())
    assert all(len(m.inputs["name"]) <= 80 for m in of(made, "sfn/stateMachine:StateMachine").values())
