"""EMR, Step Functions, Athena, Glue, QuickSight, SNS and schedules; who policies admit is with the others in `iam`."""

from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import ACCOUNT, Made, Text, World, arn, case, name, output, res
from tests.policy.cases.exposure import private, public, subnet, unclear

KEY = res("kms/key", "data")
KEY_ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/data"
CLUSTER, MACHINE, SECURITY = "emr/cluster", "sfn/stateMachine", "emr/securityConfiguration"

# -- Clusters, made by a resource or by a state machine ----------------------------------------------------------------


def cluster(**props: Any) -> Made:
    return res(CLUSTER, "cluster", **props)


CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
START = "arn:aws:states:::elasticmapreduce:createCluster.sync"
END = "arn:aws:states:::elasticmapreduce:terminateCluster"
RUN_JOB_FLOW = "arn:aws:states:::aws-sdk:emr:runJobFlow"
RUN = {"Type": "Task", "Resource": "arn:aws:states:::elasticmapreduce:addStep.sync"}


def machine(*, start: str = START, form: str = "Parameters", before: Any = None, **asked: Any) -> Made:
    """A state machine that starts a cluster, has it work and ends it."""
    states: dict[str, Any] = {
        "Start": {"Type": "Task", "Resource": start, form: asked, "Next": "Run"},
        "Run": {**RUN, "Catch": CATCH, "Next": "End"},
        "End": {"Type": "Task", "Resource": END, "End": True},
    }
    if before:
        states["Before"] = {"Type": "Task", "Next": "Start", **before}
    return defined({"StartAt": "Before" if before else "Start", "States": states})


def defined(definition: object, **props: Any) -> Made:
    text = definition if definition is UNKNOWN or isinstance(definition, str) else json.dumps(definition)
    return res(MACHINE, "machine", definition=text, **props)


IDLE = defined({"StartAt": "One", "States": {"One": {"Type": "Succeed"}}})
"""A state machine that makes no cluster."""
UNCLEAR: list[World] = [defined(UNKNOWN), defined("not JSON"), defined("[]"), defined({"States": {"One": 1}})]


def encryption(**changes: Any) -> dict[str, Any]:
    """What a security configuration says when all is well, changed at dotted paths; None takes a part away."""
    said: dict[str, Any] = {
        "EncryptionConfiguration": {
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": KEY_ARN},
                "LocalDiskEncryptionConfiguration": {
                    "EncryptionKeyProviderType": "AwsKms",
                    "AwsKmsKey": KEY_ARN,
                    "EnableEbsEncryption": True,
                },
            },
            "EnableInTransitEncryption": True,
            "InTransitEncryptionConfiguration": {
                "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": "s3://b/certificates.zip"}
            },
        },
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": 2},
    }
    for path, value in changes.items():
        *way, last = path.split("__")
        holder = said
        for key in way:
            holder = holder[key]
        holder[last] = value
    return said


def security(said: object) -> Made:
    text = said if said is UNKNOWN or isinstance(said, str) else json.dumps(said)
    return res(SECURITY, "secure", name="secure", configuration=text)


SOUND = encryption()
EC = "EncryptionConfiguration"
AT_REST = f"{EC}__AtRestEncryptionConfiguration"
DISKS = f"{AT_REST}__LocalDiskEncryptionConfiguration"
WEAK = {
    "emr-encrypted": [
        {},
        encryption(**{f"{EC}__EnableAtRestEncryption": False}),
        encryption(**{f"{AT_REST}__S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"}}),
        encryption(**{AT_REST: {"LocalDiskEncryptionConfiguration": {}}}),
        encryption(**{f"{DISKS}__EncryptionKeyProviderType": "Custom"}),
        encryption(**{f"{DISKS}__EnableEbsEncryption": False}),
    ],
    "emr-encrypted-in-transit": [
        {},
        encryption(**{f"{EC}__EnableInTransitEncryption": False}),
        encryption(**{f"{EC}__InTransitEncryptionConfiguration": {}}),
    ],
    "emr-metadata-v2": [
        {},
        encryption(InstanceMetadataServiceConfiguration={"MinimumInstanceMetadataServiceVersion": 1}),
    ],
}


def configured() -> list[Any]:
    found: list[Any] = []
    for rule, weak in WEAK.items():
        found += [
            case(
                rule,
                SECURITY,
                ok=[security(SOUND)],
                bad=[security(said) for said in weak],
                unknown=[security(UNKNOWN), security("not JSON"), security("[]"), security({EC: "x", "Instance": 1})]
                if rule != "emr-metadata-v2"
                else [security(UNKNOWN), security("1"), security({"InstanceMetadataServiceConfiguration": "x"})],
            ),
            case(
                rule,
                CLUSTER,
                ok=[cluster(securityConfiguration=name(security(SOUND)))],
                bad=[cluster(), *(cluster(securityConfiguration=name(security(said))) for said in weak)],
                unknown=[
                    cluster(securityConfiguration=UNKNOWN),
                    cluster(securityConfiguration="by-hand"),
                    cluster(securityConfiguration=name(security(UNKNOWN))),
                ],
            ),
            case(
                rule,
                MACHINE,
                ok=[
                    IDLE,
                    [machine(SecurityConfiguration="secure"), security(SOUND)],
                    [machine(SecurityConfiguration="secure", form="Arguments"), security(SOUND)],
                    [machine(start=RUN_JOB_FLOW, SecurityConfiguration="secure"), security(SOUND)],
                ],
                bad=[machine(), *([machine(SecurityConfiguration="secure"), security(said)] for said in weak)],
                unknown=[
                    *UNCLEAR,
                    machine(SecurityConfiguration="by-hand"),
                    [machine(**{"SecurityConfiguration.$": "$.security"}), security(SOUND)],
                    [machine(SecurityConfiguration="{% $security %}", form="Arguments"), security(SOUND)],
                ],
            ),
        ]
    return found


def both(
    rule: str,
    *,
    ok: list[tuple[dict[str, Any], dict[str, Any]]],
    bad: list[tuple[dict[str, Any], dict[str, Any]]],
    unknown: list[tuple[dict[str, Any], dict[str, Any]]],
) -> list[Any]:
    """Cases of both forms of a cluster: the provider's properties, and a task's parameters."""
    return [
        case(
            rule,
            CLUSTER,
            ok=[cluster(**props) for props, _ in ok],
            bad=[cluster(**props) for props, _ in bad],
            unknown=[cluster(**props) for props, _ in unknown],
        ),
        case(
            rule,
            MACHINE,
            ok=[IDLE, *(machine(**asked) for _, asked in ok)],
            bad=[machine(**asked) for _, asked in bad],
            unknown=[*UNCLEAR, *(machine(**asked) for _, asked in unknown)],
        ),
    ]


def in_subnets(*found: object) -> Made:
    return cluster(ec2Attributes={"subnetIds": list(found)})


def reading(content: object, *, key: str = "places.json", bucket: object = None) -> list[Made]:
    """A state machine that reads its clusters' subnets from an object."""
    store = res("s3/bucket", "artifacts", bucket="artifacts")
    read = {
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Parameters": {"Bucket": "artifacts", "Key": "places.json"},
    }
    made = machine(before=read, Instances={"Ec2SubnetIds.$": "$.places.Subnets"})
    token = "aws:s3/bucketObjectv2:BucketObjectv2"
    return [
        made,
        Made(token, "places", {"bucket": store if bucket is None else bucket, "key": key, "content": content}),
    ]


OWN = {"serviceRole": "emr", "ec2Attributes": {"instanceProfile": "nodes"}}
OWN_ASKED = {"ServiceRole": "emr", "JobFlowRole": "nodes"}
GROUP = res("ec2/securityGroup", "group")
NODES = {"emrManagedMasterSecurityGroup": "sg-1", "emrManagedSlaveSecurityGroup": "sg-2"}
ASKED_NODES = {"EmrManagedMasterSecurityGroup": "sg-1", "EmrManagedSlaveSecurityGroup": "sg-2"}


def fleet(
    units: object = 1, *types: object, spot: object = None, timeout: object = None, **config: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "targetOnDemandCapacity": units,
        "instanceTypeConfigs": [{"instanceType": type, **config} for type in (types or ("m7g.xlarge",))],
    }
    if spot is not None:
        found["targetSpotCapacity"] = spot
    if timeout is not None:
        found["launchSpecifications"] = {
            "spotSpecifications": [
                {
                    "allocationStrategy": "price-capacity-optimized",
                    "timeoutAction": "SWITCH_TO_ON_DEMAND",
                    "timeoutDurationMinutes": timeout,
                }
            ]
        }
    return found


def asked_fleet(role: str, of: dict[str, Any]) -> dict[str, Any]:
    """The same in the terms of EMR's API."""

    def spelled(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                "SpotSpecification" if key == "spotSpecifications" else key[0].upper() + key[1:]: spelled(
                    item[0] if key == "spotSpecifications" else item
                )
                for key, item in value.items()
            }
        return [spelled(item) for item in value] if isinstance(value, list) else value

    return {"InstanceFleetType": role, **spelled(of)}


def fleets(primary: dict[str, Any], core: dict[str, Any] | None = None) -> tuple[Made, Made]:
    props = {"masterInstanceFleet": primary} | ({"coreInstanceFleet": core} if core else {})
    known = [asked_fleet("MASTER", primary)] + ([asked_fleet("CORE", core)] if core else [])
    return cluster(**props), machine(Instances={"InstanceFleets": known})


FLEETS = {
    "ok": [
        fleets(fleet()),
        fleets(fleet(0, spot=1), fleet(4, "m7g.xlarge", "m6g.xlarge", weightedCapacity=4, timeout=5)),
    ],
    "bad": [
        fleets(fleet(2)),
        fleets(fleet(), fleet(0)),
        fleets(fleet(), fleet(-1, spot=2)),
        fleets(fleet(1, weightedCapacity=4)),
        fleets(fleet(), fleet(8, weightedCapacity=0)),
        fleets(fleet(), fleet(8, weightedCapacity=1000)),
        fleets(fleet(), fleet(8, "m7g.xlarge", "m7g.xlarge")),
        fleets(fleet(), fleet(8, *(f"m{number}.xlarge" for number in range(6)))),
        fleets(fleet(), fleet(8, *(f"m{number}.xlarge" for number in range(31)), timeout=10)),
        fleets(fleet(), fleet(8, timeout=4)),
        fleets(fleet(), fleet(8, timeout=1441)),
    ],
}

LIMITS = {"unitType": "InstanceFleetUnits", "minimumCapacityUnits": 2, "maximumCapacityUnits": 8}


def scaling(**changes: Any) -> Made:
    return res("emr/managedScalingPolicy", "scaling", clusterId="j-1", computeLimits=[{**LIMITS, **changes}])


def asked_scaling(**changes: Any) -> Made:
    spelled = {
        key[0].upper() + key[1:].replace("Ondemand", "OnDemand"): value for key, value in {**LIMITS, **changes}.items()
    }
    return machine(ManagedScalingPolicy={"ComputeLimits": spelled})


BAD_LIMITS: list[dict[str, Any]] = [
    {"minimumCapacityUnits": 9},
    {"minimumCapacityUnits": 0},
    {"maximumOndemandCapacityUnits": 9},
    {"maximumCoreCapacityUnits": 9},
]


def counting(unit: object, of: object) -> Made:
    return res("emr/managedScalingPolicy", "scaling", clusterId=of, computeLimits=[{**LIMITS, "unitType": unit}])


# -- State machines ----------------------------------------------------------------------------------------------------

STAYS = {"Instances": {"KeepJobFlowAliveWhenNoSteps": True}, "AutoTerminationPolicy": {"IdleTimeout": 3600}}
STARTS = {"Type": "Task", "Resource": START, "Parameters": STAYS}
TOLD = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish"}
ENDS = {"Type": "Task", "Resource": END, "End": True}


def starting(*, starts: dict[str, Any] = STARTS, **states: Any) -> Made:
    there = {"Start": {"Next": "Run", **starts}, "End": ENDS, "Fail": {"Type": "Fail"}, **states}
    return defined({"StartAt": "Start", "States": there})


def waits(**state: Any) -> dict[str, Any]:
    return {"Type": "Wait", "Seconds": 1, **state}


SUCCEEDS = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
STARTING = {"StartAt": "A", "States": {"A": {**STARTS, "End": True}}}
ENDING = {"StartAt": "A", "States": {"A": ENDS}}

# -- Roles -------------------------------------------------------------------------------------------------------------


def trust(service: str | list[str], action: str = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(document: object) -> Made:
    return res("iam/role", "runner", assumeRolePolicy=document)


def under(type: str, path: str, value: object) -> Made:
    holder, _, key = path.rpartition(".")
    return res(type, "it", **({holder: {key: value}} if holder else {key: value}))


ROLES = {
    CLUSTER: ("serviceRole", "elasticmapreduce.amazonaws.com"),
    "glue/crawler": ("role", "glue.amazonaws.com"),
    "glue/job": ("roleArn", "glue.amazonaws.com"),
    "quicksight/vpcConnection": ("roleArn", "quicksight.amazonaws.com"),
    "scheduler/schedule": ("target.roleArn", "scheduler.amazonaws.com"),
    MACHINE: ("roleArn", "states.amazonaws.com"),
}

# -- The rest ----------------------------------------------------------------------------------------------------------


def topic(**props: Any) -> Made:
    return res("sns/topic", "alarms", **props)


def with_policy(document: object, of: object = None) -> list[Made]:
    made = topic()
    return [made, res("sns/topicPolicy", "policy", arn=arn(made) if of is None else of, policy=document)]


def policy(**changes: Any) -> str:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def subscription(protocol: object, endpoint: object = "", to: object = None) -> Made:
    of = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alarms" if to is None else to
    return res("sns/topicSubscription", "one", protocol=protocol, endpoint=endpoint, topic=of)


QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"
FIFO = topic(name="alarms.fifo", fifoTopic=True)


def schedule(**props: Any) -> Made:
    return res("scheduler/schedule", "nightly", **props)


def workgroup(**configuration: Any) -> Made:
    return res("athena/workgroup", "lake", configuration=configuration)


def answers(option: object, key: object = None) -> Made:
    encryption = {"encryptionOption": option} | ({} if key is None else {"kmsKeyArn": key})
    return workgroup(resultConfiguration={"encryptionConfiguration": encryption})


def glue(**changes: Any) -> Made:
    said = {
        "cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS", "kmsKeyArn": arn(KEY)},
        "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS", "kmsKeyArn": arn(KEY)},
        "s3Encryption": {"s3EncryptionMode": "SSE-KMS", "kmsKeyArn": arn(KEY)},
        **changes,
    }
    return res("glue/securityConfiguration", "glue", encryptionConfiguration=said)


def catalog(mode: object = "SSE-KMS", passwords: object = True) -> Made:
    said = {
        "encryptionAtRest": {"catalogEncryptionMode": mode},
        "connectionPasswordEncryption": {"returnConnectionPasswordEncrypted": passwords},
    }
    return res("glue/dataCatalogEncryptionSettings", "catalog", dataCatalogEncryptionSettings=said)


def source(type: object = "MYSQL", **props: Any) -> Made:
    return res("quicksight/dataSource", "source", type=type, **props)


def connection(*subnets: object) -> Made:
    return res("quicksight/vpcConnection", "connection", subnetIds=list(subnets))


def data_set(mode: object, **props: Any) -> Made:
    return res("quicksight/dataSet", "set", importMode=mode, **props)


def account(**props: Any) -> Made:
    return res("quicksight/accountSubscription", "account", **props)


FILES = {"physicalTableMaps": [{"physicalTableMapId": "files", "s3Source": {"dataSourceArn": "arn"}}]}
REFRESHED = {"refreshConfiguration": {"incrementalRefresh": {"lookbackWindow": {"columnName": "day"}}}}


def retried(**props: Any) -> Made:
    return schedule(flexibleTimeWindow={"mode": "OFF"}, target={"retryPolicy": props})


def logging(**props: Any) -> Made:
    return res(MACHINE, "machine", loggingConfiguration=props)


def encrypted(key: object, type: object = "CUSTOMER_MANAGED_KMS_KEY") -> Made:
    return res(MACHINE, "machine", encryptionConfiguration={"type": type, "kmsKeyId": key})


def blocked(on: object, *permitted: Any) -> Made:
    ranges = [one if one is UNKNOWN else {"minRange": one[0], "maxRange": one[1]} for one in permitted]
    return res(
        "emr/blockPublicAccessConfiguration",
        "block",
        blockPublicSecurityGroupRules=on,
        permittedPublicSecurityGroupRuleRanges=ranges,
    )


def grouped(primary: object, core: object) -> Made:
    return cluster(masterInstanceGroup={"instanceCount": primary}, coreInstanceGroup={"instanceCount": core})


CASES = [
    *configured(),
    case(
        "emr-log-key",
        CLUSTER,
        ok=[
            cluster(),
            cluster(logUri="s3://logs/", logEncryptionKmsKeyId=arn(KEY)),
            cluster(logUri=UNKNOWN, logEncryptionKmsKeyId=KEY_ARN),
        ],
        bad=[cluster(logUri="s3://logs/emr/"), cluster(logUri=UNKNOWN)],
        unknown=[cluster(logUri="s3://logs/", logEncryptionKmsKeyId=UNKNOWN)],
    ),
    case(
        "emr-log-key",
        MACHINE,
        ok=[IDLE, machine(), machine(LogUri="s3://logs/", LogEncryptionKmsKeyId=KEY_ARN)],
        bad=[machine(LogUri="s3://logs/")],
        unknown=[*UNCLEAR, machine(**{"LogUri": "s3://logs/", "LogEncryptionKmsKeyId.$": "$.key"})],
    ),
    case(
        "emr-logged",
        CLUSTER,
        ok=[cluster(logUri="s3://logs/emr/"), cluster(logUri=output(res("s3/bucket", "logs"), "id"))],
        bad=[cluster(), cluster(logUri="")],
        unknown=[cluster(logUri=UNKNOWN)],
    ),
    case(
        "emr-logged",
        MACHINE,
        ok=[IDLE, machine(LogUri="s3://logs/emr/")],
        bad=[machine()],
        unknown=[*UNCLEAR, machine(**{"LogUri.$": "$.logs"}), machine(form="Arguments", LogUri="{% $logs %}")],
    ),
    case(
        "emr-in-private-subnets",
        CLUSTER,
        ok=[
            *([in_subnets(world[0]), *world] for world in private()),
            [cluster(ec2Attributes={"subnetId": subnet()[0]}), *subnet()],
        ],
        bad=[
            cluster(),
            cluster(ec2Attributes={}),
            *([in_subnets(world[0]), *world] for world in public()),
            *([cluster(ec2Attributes={"subnetId": world[0]}), *world] for world in public()),
            [in_subnets(public()[0][0], UNKNOWN), *public()[0]],
        ],
        unknown=[
            cluster(ec2Attributes=UNKNOWN),
            cluster(ec2Attributes={"subnetId": "subnet-0123"}),
            in_subnets(UNKNOWN),
            *([in_subnets(world[0]), *world] for world in unclear()),
        ],
    ),
    case(
        "emr-in-private-subnets",
        MACHINE,
        ok=[
            IDLE,
            *([*reading(Text({"Subnets": [world[0]], "Primary": GROUP})), *world] for world in private()),
        ],
        bad=[
            machine(),
            machine(Instances={"Ec2SubnetIds": []}),
            *([*reading(Text({"Subnets": [world[0]]})), *world] for world in public()),
        ],
        unknown=[
            *UNCLEAR,
            machine(Instances={"Ec2SubnetId": "subnet-0123"}),
            machine(**{"Instances.$": "$.instances"}),
            machine(Instances={"Ec2SubnetIds.$": "$.subnets"}),
            reading(UNKNOWN),
            reading("not JSON"),
            reading("{}"),
            reading('["subnet-0123"]'),
            reading('["subnet-0123"]', key="other.json"),
            reading('["subnet-0123"]', bucket="other"),
            [*reading(Text([subnet()[0]]), bucket=res("s3/bucket", "other", bucket="other")), *subnet()],
        ],
    ),
    case(
        "emr-public-access-blocked",
        "emr/blockPublicAccessConfiguration",
        ok=[blocked(True), blocked(True, (22, 22)), blocked(True, (22, None))],
        bad=[blocked(False), blocked(False, (22, 22)), blocked(True, (443, 443)), blocked(True, (22, 23))],
        unknown=[blocked(UNKNOWN), blocked(True, (UNKNOWN, 22)), blocked(True, (22, 22), UNKNOWN)],
    ),
    case(
        "emr-roles",
        CLUSTER,
        ok=[
            cluster(**OWN),
            cluster(
                serviceRole=arn(role(UNKNOWN)),
                ec2Attributes={"instanceProfile": arn(res("iam/instanceProfile", "nodes"))},
            ),
        ],
        bad=[
            cluster(),
            cluster(**{**OWN, "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/EMR_DefaultRole"}),
            cluster(**{**OWN, "ec2Attributes": {"instanceProfile": "EMR_EC2_DefaultRole"}}),
            cluster(serviceRole=UNKNOWN, ec2Attributes={}),
        ],
        unknown=[cluster(**{**OWN, "serviceRole": UNKNOWN}), cluster(**{**OWN, "ec2Attributes": UNKNOWN})],
    ),
    case(
        "emr-roles",
        MACHINE,
        ok=[IDLE, machine(**OWN_ASKED)],
        bad=[machine(), machine(ServiceRole="emr"), machine(**{**OWN_ASKED, "JobFlowRole": "EMR_EC2_DefaultRole"})],
        unknown=[*UNCLEAR, machine(**{"ServiceRole.$": "$.role", "JobFlowRole": "nodes"})],
    ),
    *both(
        "emr-visible",
        ok=[({}, {}), ({"visibleToAllUsers": True}, {"VisibleToAllUsers": True})],
        bad=[({"visibleToAllUsers": False}, {"VisibleToAllUsers": False})],
        unknown=[({"visibleToAllUsers": UNKNOWN}, {"VisibleToAllUsers.$": "$.visible"})],
    ),
    *both(
        "emr-release",
        ok=[({"releaseLabel": f"emr-{label}"}, {"ReleaseLabel": f"emr-{label}"}) for label in ("7.13.0", "6.15.0")],
        bad=[
            ({}, {}),
            *(
                ({"releaseLabel": label}, {"ReleaseLabel": label})
                for label in ("7.13.0", "emr-7.13", "emr-3.1.0", "emr-7")
            ),
        ],
        unknown=[
            ({"releaseLabel": UNKNOWN}, {"ReleaseLabel.$": "$.release"}),
            *(({"releaseLabel": label}, {"ReleaseLabel": label}) for label in ("emr-8.0.0", "emr-spark-8.0.0")),
        ],
    ),
    *both(
        "emr-applications",
        ok=[
            ({}, {}),
            ({"applications": ["Hadoop", "Presto"]}, {"Applications": [{"Name": "Hadoop"}, {"Name": "Trino"}]}),
        ],
        bad=[
            ({"applications": ["Presto", "Trino"]}, {"Applications": [{"Name": "presto"}, {"Name": "Trino"}]}),
            ({"applications": ["Spark", "Spark"]}, {"Applications": [{"Name": "Spark"}, {"Name": "Spark"}]}),
            (
                {"applications": ["Presto", UNKNOWN, "Trino"]},
                {"Applications": [{"Name": "Presto"}, {"Name.$": "$.x"}, {"Name": "Trino"}]},
            ),
        ],
        unknown=[
            ({"applications": UNKNOWN}, {"Applications.$": "$.applications"}),
            ({"applications": ["Presto", UNKNOWN]}, {"Applications": [{"Name": "Presto"}, {"Name.$": "$.x"}]}),
        ],
    ),
    case(
        "emr-security-groups",
        CLUSTER,
        ok=[
            cluster(),
            cluster(ec2Attributes={**NODES, "serviceAccessSecurityGroup": GROUP}),
            [cluster(ec2Attributes={**NODES, "subnetId": public()[0][0]}), *public()[0]],
        ],
        bad=[
            cluster(ec2Attributes={"emrManagedMasterSecurityGroup": "sg-1"}),
            cluster(ec2Attributes={"serviceAccessSecurityGroup": GROUP}),
            [cluster(ec2Attributes={**NODES, "subnetId": private()[0][0]}), *private()[0]],
        ],
        unknown=[cluster(ec2Attributes=UNKNOWN), cluster(ec2Attributes={**NODES, "subnetId": "subnet-0123"})],
    ),
    case(
        "emr-security-groups",
        MACHINE,
        ok=[
            IDLE,
            machine(),
            machine(Instances={**ASKED_NODES, "ServiceAccessSecurityGroup.$": "$.service"}),
        ],
        bad=[
            machine(Instances={"EmrManagedSlaveSecurityGroup.$": "$.core"}),
            machine(Instances={"ServiceAccessSecurityGroup": "sg-3"}),
        ],
        unknown=[*UNCLEAR, machine(Instances={**ASKED_NODES, "Ec2SubnetIds.$": "$.subnets"})],
    ),
    case(
        "emr-fleets",
        CLUSTER,
        ok=[cluster(), cluster(masterInstanceGroup={"instanceType": "m7g.xlarge"}), *(one for one, _ in FLEETS["ok"])],
        bad=[
            *(one for one, _ in FLEETS["bad"]),
            cluster(masterInstanceFleet=fleet(), coreInstanceGroup={"instanceType": "m7g.xlarge"}),
        ],
        unknown=[cluster(masterInstanceFleet=UNKNOWN), cluster(masterInstanceFleet=fleet(UNKNOWN))],
    ),
    case(
        "emr-fleets",
        MACHINE,
        ok=[IDLE, machine(), *(one for _, one in FLEETS["ok"])],
        bad=[
            *(one for _, one in FLEETS["bad"]),
            machine(Instances={"InstanceFleets": [asked_fleet("MASTER", fleet())], "InstanceGroups.$": "$.groups"}),
        ],
        unknown=[
            *UNCLEAR,
            machine(Instances={"InstanceFleets.$": "$.fleets"}),
            machine(Instances={"InstanceFleets": [{"InstanceFleetType": "CORE", "TargetSpotCapacity.$": "$.units"}]}),
            machine(Instances={"InstanceFleets": [{"InstanceFleetType.$": "$.type"}]}),
        ],
    ),
    case(
        "emr-fleets",
        "emr/instanceFleet",
        ok=[res("emr/instanceFleet", "task"), res("emr/instanceFleet", "task", **fleet(0, spot=8, timeout=10))],
        bad=[
            res("emr/instanceFleet", "task", **fleet(8, "a.xlarge", "a.xlarge")),
            res("emr/instanceFleet", "task", **fleet(8, weightedCapacity=0)),
        ],
        unknown=[res("emr/instanceFleet", "task", **fleet(0, spot=UNKNOWN))],
    ),
    case(
        "emr-instance-groups",
        CLUSTER,
        ok=[cluster(), *(grouped(primary, 2) for primary in (1, 3))],
        bad=[grouped(2, 2), grouped(1, 0)],
        unknown=[grouped(UNKNOWN, 2), cluster(coreInstanceGroup=UNKNOWN)],
    ),
    case(
        "emr-instance-groups",
        "emr/instanceGroup",
        ok=[res("emr/instanceGroup", "task"), res("emr/instanceGroup", "task", instanceCount=0)],
        bad=[res("emr/instanceGroup", "task", instanceCount=-1)],
        unknown=[res("emr/instanceGroup", "task", instanceCount=UNKNOWN)],
    ),
    case(
        "emr-scaling",
        CLUSTER,
        ok=[cluster(), cluster(autoTerminationPolicy={"idleTimeout": 60}, stepConcurrencyLevel=256)],
        bad=[
            cluster(autoTerminationPolicy={"idleTimeout": 59}),
            cluster(autoTerminationPolicy={"idleTimeout": 604_801}),
            cluster(stepConcurrencyLevel=0),
            cluster(stepConcurrencyLevel=257),
        ],
        unknown=[cluster(autoTerminationPolicy={"idleTimeout": UNKNOWN}), cluster(stepConcurrencyLevel=UNKNOWN)],
    ),
    case(
        "emr-scaling",
        MACHINE,
        ok=[IDLE, machine(), asked_scaling(), asked_scaling(maximumOndemandCapacityUnits=8)],
        bad=[machine(StepConcurrencyLevel=0), *(asked_scaling(**limits) for limits in BAD_LIMITS)],
        unknown=[
            *UNCLEAR,
            machine(**{"StepConcurrencyLevel.$": "$.steps"}),
            machine(**{"ManagedScalingPolicy.$": "$.s"}),
        ],
    ),
    case(
        "emr-scaling",
        "emr/managedScalingPolicy",
        ok=[scaling(), scaling(maximumOndemandCapacityUnits=0, maximumCoreCapacityUnits=8)],
        bad=[scaling(**limits) for limits in BAD_LIMITS],
        unknown=[scaling(maximumCapacityUnits=UNKNOWN)],
    ),
    case(
        "emr-scaling-unit",
        "emr/managedScalingPolicy",
        ok=[
            res("emr/managedScalingPolicy", "scaling", computeLimits=[LIMITS]),
            counting("InstanceFleetUnits", cluster(masterInstanceFleet=fleet())),
            counting("VCPU", grouped(1, 2)),
        ],
        bad=[
            counting("Instances", cluster(masterInstanceFleet=fleet())),
            counting("InstanceFleetUnits", grouped(1, 2)),
        ],
        unknown=[counting("VCPU", "j-1"), counting(UNKNOWN, grouped(1, 2))],
    ),
    case(
        "state-machine-logged",
        MACHINE,
        ok=[
            logging(level="ERROR", logDestination=UNKNOWN),
            logging(level="ALL", logDestination="arn:aws:logs:eu-west-1:123456789012:log-group:states:*"),
        ],
        bad=[res(MACHINE, "machine"), logging(level="OFF", logDestination="arn"), logging(level="ALL"), logging()],
        unknown=[logging(level=UNKNOWN), res(MACHINE, "machine", loggingConfiguration=UNKNOWN)],
    ),
    case(
        "state-machine-traced",
        MACHINE,
        ok=[res(MACHINE, "machine", tracingConfiguration={"enabled": True})],
        bad=[res(MACHINE, "machine"), res(MACHINE, "machine", tracingConfiguration={"enabled": False})],
        unknown=[res(MACHINE, "machine", tracingConfiguration={"enabled": UNKNOWN})],
    ),
    case(
        "state-machine-key",
        MACHINE,
        ok=[encrypted(arn(KEY)), encrypted(KEY_ARN)],
        bad=[res(MACHINE, "machine"), encrypted(None, type="AWS_OWNED_KEY"), encrypted(None)],
        unknown=[encrypted(UNKNOWN), encrypted(arn(KEY), type=UNKNOWN)],
    ),
    case(
        "state-machine-ends-clusters",
        MACHINE,
        ok=[
            IDLE,
            starting(Run={**RUN, "Catch": CATCH, "Next": "End"}),
            starting(starts={**STARTS, "Next": "End"}),
            starting(Run=waits(Next="End")),
            starting(
                starts={**STARTS, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Fail"}]}, Run=waits(Next="End")
            ),
            starting(Run={"Type": "Choice", "Choices": [{"Next": "End"}], "Default": "End"}),
            starting(Run={"Type": "Choice", "Choices": [{"Next": "Run"}], "Default": "End"}),
            starting(starts={"Type": "Task", "Resource": START, "Parameters": {}}, Run=waits(End=True)),
            starting(Run={"Type": "Parallel", "Branches": [ENDING], "Catch": CATCH, "End": True}),
            starting(starts={"Type": "Parallel", "Branches": [STARTING], "Catch": CATCH}, Run=waits(Next="End")),
        ],
        bad=[
            starting(Run=waits(End=True)),
            starting(Run={**RUN, "Next": "End"}),
            starting(Run={**RUN, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "End"}], "Next": "End"}),
            starting(Run={**RUN, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Fail"}], "Next": "End"}),
            starting(Run={"Type": "Choice", "Choices": [{"Next": "End"}]}),
            starting(Run={"Type": "Choice", "Choices": [{"Next": "Fail"}], "Default": "End"}),
            starting(Run=waits(Next="Tell"), Tell={**TOLD, "Next": "End"}),
            starting(starts={**STARTS, "End": True}),
            starting(Run={"Type": "Parallel", "Branches": [SUCCEEDS], "Catch": CATCH, "End": True}),
            starting(starts={"Type": "Parallel", "Branches": [STARTING]}, Run=waits(End=True)),
            starting(
                starts={"Type": "Map", "ItemProcessor": STARTING, "Catch": [{"ErrorEquals": ["x"], "Next": "Fail"}]},
                Run=waits(Next="End"),
            ),
            starting(starts={"Type": "Parallel", "Branches": [STARTING]}, Run=waits(Next="End")),
            starting(starts={**STARTS, "Parameters": {"Instances": STAYS["Instances"]}}, Run=waits(Next="End")),
            starting(starts={**STARTS, "Parameters": {"Instances.$": "$.instances"}}, Run=waits(End=True)),
        ],
        unknown=[*UNCLEAR, starting(Run={**RUN, "Catch": "x", "Next": "End"})],
    ),
    case(
        "state-machine-paths",
        MACHINE,
        ok=[IDLE, machine(), starting(Run={**RUN, "Catch": [{"Next": "Fail"}], "Next": "End"})],
        bad=[
            starting(Run=waits()),
            starting(Run=waits(Next="End", End=True)),
            starting(Run={"Type": "Wiat", "Next": "End"}),
            starting(Run={"Next": "End"}),
            starting(Run={"Type": "Choice", "Choices": [], "Default": "Fail"}, End={"Type": "Pass", "Next": "Run"}),
            starting(Run={"Type": "Choice", "Choices": [{"Next": "Fail"}], "Next": "End"}),
            starting(
                Run={**RUN, "Catch": CATCH, "Next": "Fail"},
                End={**ENDS, "Catch": "x"},
                Fail={"Type": "Fail", "End": True},
            ),
            starting(Run=waits(Next="End")),
            defined({"StartAt": "One", "States": {"One": waits(Next="Two"), "Two": waits(Next="One")}}),
            defined(
                {
                    "StartAt": "One",
                    "States": {"One": {"Type": "Map", "Iterator": {"States": {"A": waits()}}, "End": True}},
                }
            ),
        ],
        unknown=[*UNCLEAR, starting(Run={**RUN, "Catch": "x", "Next": "Fail"})],
    ),
    case(
        "service-trust-bound",
        "iam/role",
        ok=[
            role(trust("states.amazonaws.com", Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})),
            role(trust("glue.amazonaws.com", Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:glue:*:{ACCOUNT}:*"}})),
            role(trust("ec2.amazonaws.com")),
            role(trust("states.amazonaws.com", Effect="Deny")),
        ],
        bad=[
            *(role(trust(service)) for _, service in ROLES.values() if not service.startswith("quicksight")),
            role(trust(["lambda.amazonaws.com", "states.amazonaws.com"])),
            role(trust("states.amazonaws.com", Condition={"StringEquals": {"aws:SourceAccount": "*"}})),
            role(trust("states.amazonaws.com", Condition={"StringEquals": {"sts:ExternalId": "x"}})),
        ],
        unknown=[role(UNKNOWN), role("not JSON"), role(trust("states.amazonaws.com", Condition="x"))],
    ),
    *(
        case(
            "service-role-trust",
            type,
            ok=[
                res(type, "it"),
                under(type, path, arn(role(trust(service)))),
                under(type, path, f"arn:aws:iam::{ACCOUNT}:role/by-hand"),
                under(type, path, arn(role(trust(["ec2.amazonaws.com", service])))),
            ],
            bad=[
                under(type, path, arn(role(trust("ec2.amazonaws.com")))),
                under(type, path, arn(role(trust(service, "sts:TagSession")))),
                under(type, path, arn(role(trust(service, Effect="Deny")))),
                [
                    under(type, path, f"arn:aws:iam::{ACCOUNT}:role/service/runner"),
                    res("iam/role", "runner", name="runner", assumeRolePolicy=trust("ec2.amazonaws.com")),
                ],
            ],
            unknown=[under(type, path, UNKNOWN), under(type, path, arn(role(UNKNOWN)))],
        )
        for type, (path, service) in ROLES.items()
    ),
    case(
        "workgroup-encrypted",
        "athena/workgroup",
        ok=[
            answers("SSE_KMS", arn(KEY)),
            answers("CSE_KMS", KEY_ARN),
            workgroup(managedQueryResultsConfiguration={"enabled": True}),
        ],
        bad=[
            workgroup(),
            answers("SSE_S3"),
            answers("SSE_KMS"),
            answers("SSE_KMS", f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/aws/s3"),
        ],
        unknown=[answers("SSE_KMS", UNKNOWN), answers(UNKNOWN), res("athena/workgroup", "lake", configuration=UNKNOWN)],
    ),
    *(
        case(
            rule,
            "athena/workgroup",
            ok=[res("athena/workgroup", "lake"), workgroup(**{key: True})],
            bad=[workgroup(**{key: False})],
            unknown=[workgroup(**{key: UNKNOWN}), res("athena/workgroup", "lake", configuration=UNKNOWN)],
        )
        for rule, key in (
            ("workgroup-enforced", "enforceWorkgroupConfiguration"),
            ("workgroup-measured", "publishCloudwatchMetricsEnabled"),
        )
    ),
    case(
        "workgroup-cut-off",
        "athena/workgroup",
        ok=[workgroup(bytesScannedCutoffPerQuery=10_000_000), workgroup(bytesScannedCutoffPerQuery=UNKNOWN)],
        bad=[workgroup(), res("athena/workgroup", "lake")],
        unknown=[res("athena/workgroup", "lake", configuration=UNKNOWN)],
    ),
    case(
        "workgroup-limits",
        "athena/workgroup",
        ok=[res("athena/workgroup", "lake"), workgroup(bytesScannedCutoffPerQuery=10_000_000)],
        bad=[workgroup(bytesScannedCutoffPerQuery=9_999_999), workgroup(bytesScannedCutoffPerQuery=0)],
        unknown=[workgroup(bytesScannedCutoffPerQuery=UNKNOWN)],
    ),
    case(
        "athena-database-encrypted",
        "athena/database",
        ok=[res("athena/database", "lake", encryptionConfiguration={"encryptionOption": "SSE_KMS", "kmsKey": KEY_ARN})],
        bad=[
            res("athena/database", "lake"),
            res("athena/database", "lake", encryptionConfiguration={"encryptionOption": "SSE_S3"}),
        ],
        unknown=[res("athena/database", "lake", encryptionConfiguration={"encryptionOption": UNKNOWN})],
    ),
    case(
        "glue-encrypted",
        "glue/securityConfiguration",
        ok=[glue()],
        bad=[
            res("glue/securityConfiguration", "glue"),
            glue(cloudwatchEncryption={"cloudwatchEncryptionMode": "DISABLED"}),
            glue(jobBookmarksEncryption={"jobBookmarksEncryptionMode": "DISABLED"}),
            glue(s3Encryption={"s3EncryptionMode": "SSE-S3"}),
            glue(s3Encryption={"s3EncryptionMode": "SSE-KMS"}),
            glue(cloudwatchEncryption=UNKNOWN, s3Encryption={}),
        ],
        unknown=[glue(s3Encryption={"s3EncryptionMode": UNKNOWN}), glue(cloudwatchEncryption=UNKNOWN)],
    ),
    *(
        case(
            "glue-secured",
            type,
            ok=[
                res(type, "it", securityConfiguration="by-hand"),
                res(type, "it", securityConfiguration=name(glue())),
            ],
            bad=[res(type, "it"), res(type, "it", securityConfiguration="")],
            unknown=[res(type, "it", securityConfiguration=UNKNOWN)],
        )
        for type in ("glue/crawler", "glue/job")
    ),
    case(
        "catalog-encrypted",
        "glue/dataCatalogEncryptionSettings",
        ok=[catalog(), catalog("SSE-KMS-WITH-SERVICE-ROLE")],
        bad=[
            catalog("DISABLED"),
            catalog(passwords=False),
            res("glue/dataCatalogEncryptionSettings", "catalog", dataCatalogEncryptionSettings={}),
        ],
        unknown=[catalog(UNKNOWN), catalog(passwords=UNKNOWN)],
    ),
    case(
        "data-source-encrypted",
        "quicksight/dataSource",
        ok=[source(), source(sslProperties={"disableSsl": False})],
        bad=[source(sslProperties={"disableSsl": True})],
        unknown=[source(sslProperties={"disableSsl": UNKNOWN}), source(sslProperties=UNKNOWN)],
    ),
    case(
        "data-source-in-vpc",
        "quicksight/dataSource",
        ok=[
            source("ATHENA"),
            source("S3"),
            source(vpcConnectionProperties={"vpcConnectionArn": arn(connection())}),
            source(vpcConnectionProperties={"vpcConnectionArn": UNKNOWN}),
        ],
        bad=[source(), source("TRINO"), source(vpcConnectionProperties={})],
        unknown=[source(UNKNOWN), source(vpcConnectionProperties=UNKNOWN)],
    ),
    case(
        "data-source-secret",
        "quicksight/dataSource",
        ok=[source(), source(credentials={"secretArn": UNKNOWN})],
        bad=[source(credentials={"credentialPair": {"username": "bi", "password": "hunter2"}})],
        unknown=[source(credentials=UNKNOWN)],
    ),
    case(
        "data-source-parameters",
        "quicksight/dataSource",
        ok=[
            source("ATHENA", parameters={"athena": {"workGroup": "lake"}}),
            source(parameters={"rds": {"database": "shop", "instanceId": "db"}}),
            source("BIGQUERY"),
        ],
        bad=[
            source("ATHENA", parameters={"s3": UNKNOWN}),
            source("ATHENA"),
            source(parameters={"mysql": {"database": "shop"}, "rds": {"database": "shop"}}),
        ],
        unknown=[source("ATHENA", parameters=UNKNOWN), source(UNKNOWN)],
    ),
    case(
        "data-set-import",
        "quicksight/dataSet",
        ok=[data_set("SPICE", **FILES), data_set("DIRECT_QUERY"), data_set("SPICE", refreshProperties=REFRESHED)],
        bad=[
            data_set("spice"),
            data_set("DIRECT_QUERY", **FILES),
            data_set("DIRECT_QUERY", refreshProperties=REFRESHED),
        ],
        unknown=[data_set(UNKNOWN), data_set("DIRECT_QUERY", physicalTableMaps=UNKNOWN)],
    ),
    case(
        "quicksight-subscription",
        "quicksight/accountSubscription",
        ok=[
            account(edition="STANDARD", authenticationMethod="IAM_AND_QUICKSIGHT"),
            [account(edition="ENTERPRISE", authenticationMethod="IAM_ONLY"), connection()],
            account(edition="ENTERPRISE", authenticationMethod="IAM_IDENTITY_CENTER", adminGroups=["admins"]),
            account(
                edition="ENTERPRISE",
                authenticationMethod="ACTIVE_DIRECTORY",
                adminGroups=["admins"],
                activeDirectoryName="corp.example.com",
            ),
        ],
        bad=[
            [account(edition="STANDARD", authenticationMethod="IAM_ONLY"), connection()],
            account(edition="ENTERPRISE", authenticationMethod="IAM_IDENTITY_CENTER"),
            account(edition="STANDARD", authenticationMethod="IAM_IDENTITY_CENTER", adminGroups=["admins"]),
            account(edition="ENTERPRISE", authenticationMethod="ACTIVE_DIRECTORY", adminGroups=["admins"]),
        ],
        unknown=[account(edition=UNKNOWN), account(edition="STANDARD", authenticationMethod=UNKNOWN)],
    ),
    case(
        "quicksight-in-private-subnets",
        "quicksight/vpcConnection",
        ok=[[connection(world[0]), *world] for world in private()],
        bad=[[connection(world[0]), *world] for world in public()],
        unknown=[
            connection(UNKNOWN),
            res("quicksight/vpcConnection", "connection", subnetIds=UNKNOWN),
            connection("subnet-0123"),
        ],
    ),
    case(
        "topic-encrypted",
        "sns/topic",
        ok=[topic(kmsMasterKeyId=arn(KEY)), topic(kmsMasterKeyId=KEY_ARN)],
        bad=[topic(), topic(kmsMasterKeyId=""), topic(kmsMasterKeyId="alias/aws/sns")],
        unknown=[topic(kmsMasterKeyId=UNKNOWN)],
    ),
    case(
        "topic-tls-only",
        "sns/topic",
        ok=[
            with_policy(policy()),
            with_policy(policy(Action=["SNS:Publish"], Principal={"AWS": "*"})),
            topic(policy=policy()),
        ],
        bad=[
            topic(),
            with_policy(policy(Action="sns:Subscribe")),
            with_policy(policy(Effect="Allow")),
            with_policy(policy(Condition={"Bool": {"aws:SecureTransport": "true"}})),
            with_policy(policy(Principal={"Service": "events.amazonaws.com"})),
            with_policy(policy(), f"arn:aws:sns:eu-west-1:{ACCOUNT}:other"),
        ],
        unknown=[with_policy(UNKNOWN), with_policy(policy(), UNKNOWN), topic(policy="not JSON")],
    ),
    case(
        "topic-kind",
        "sns/topic",
        ok=[
            topic(name="alarms"),
            topic(name="alarms.fifo", fifoTopic=True, contentBasedDeduplication=True, fifoThroughputScope="Topic"),
        ],
        bad=[
            topic(name="alarms", fifoTopic=True),
            topic(name="alarms.fifo"),
            topic(contentBasedDeduplication=True),
            topic(fifoThroughputScope="Topic"),
        ],
        unknown=[topic(name=UNKNOWN), topic(fifoTopic=UNKNOWN)],
    ),
    case(
        "subscription-encrypted",
        "sns/topicSubscription",
        ok=[subscription("https", "https://example.com/"), subscription("email", "a@example.com")],
        bad=[subscription("http", "http://example.com/")],
        unknown=[subscription(UNKNOWN)],
    ),
    case(
        "subscription-endpoint",
        "sns/topicSubscription",
        ok=[
            subscription("email", "a@example.com"),
            subscription("https", "https://example.com/hook"),
            subscription("sqs", QUEUE),
            subscription("sqs", arn(res("sqs/queue", "orders"))),
            subscription("sqs", QUEUE, arn(FIFO)),
            subscription("email", "a@example.com", arn(topic(name="alarms"))),
            subscription("sms", "+4912345678"),
        ],
        bad=[
            subscription("mail", "a@example.com"),
            subscription("email", "https://example.com/"),
            subscription("https", "http://example.com/"),
            subscription("https"),
            subscription("lambda", QUEUE),
            subscription("email", "a@example.com", f"arn:aws:sns:eu-west-1:{ACCOUNT}:alarms.fifo"),
        ],
        unknown=[
            subscription(UNKNOWN, "a@example.com"),
            subscription("email", "a@example.com", UNKNOWN),
        ],
    ),
    case(
        "schedule-key",
        "scheduler/schedule",
        ok=[schedule(kmsKeyArn=arn(KEY)), schedule(kmsKeyArn=KEY_ARN)],
        bad=[schedule(), schedule(kmsKeyArn="")],
        unknown=[schedule(kmsKeyArn=UNKNOWN)],
    ),
    case(
        "schedule-time-zone",
        "scheduler/schedule",
        ok=[
            schedule(),
            schedule(scheduleExpressionTimezone="UTC"),
            schedule(scheduleExpressionTimezone="Europe/Berlin"),
        ],
        bad=[schedule(scheduleExpressionTimezone="Europe/Berlim"), schedule(scheduleExpressionTimezone="CEST")],
        unknown=[schedule(scheduleExpressionTimezone=UNKNOWN)],
    ),
    case(
        "schedule-limits",
        "scheduler/schedule",
        ok=[
            schedule(flexibleTimeWindow={"mode": "OFF"}),
            schedule(flexibleTimeWindow={"mode": "FLEXIBLE", "maximumWindowInMinutes": 1440}),
            retried(maximumEventAgeInSeconds=60, maximumRetryAttempts=185),
        ],
        bad=[
            schedule(flexibleTimeWindow={"mode": "FLEXIBLE"}),
            schedule(flexibleTimeWindow={"mode": "OFF", "maximumWindowInMinutes": 5}),
            schedule(flexibleTimeWindow={"mode": "FLEXIBLE", "maximumWindowInMinutes": 1441}),
            retried(maximumEventAgeInSeconds=59),
            retried(maximumRetryAttempts=186),
            retried(maximumEventAgeInSeconds=UNKNOWN, maximumRetryAttempts=186),
        ],
        unknown=[schedule(flexibleTimeWindow=UNKNOWN), retried(maximumRetryAttempts=UNKNOWN)],
    ),
    case(
        "schedule-expression",
        "glue/crawler",
        ok=[res("glue/crawler", "raw"), res("glue/crawler", "raw", schedule="cron(30 4 * * ? *)")],
        bad=[
            res("glue/crawler", "raw", schedule=wrong)
            for wrong in ("cron(30 4 * * *)", "rate(1 hour)", "at(2030-12-31T23:59:59)", "30 4 * * ? *")
        ],
        unknown=[res("glue/crawler", "raw", schedule=UNKNOWN)],
    ),
    *(
        case(
            "name-taken",
            type,
            ok=[res(type, "r", name="a" * 255), res(type, "r", name="sales_2024")],
            bad=[res(type, "r", name=wrong) for wrong in ("a" * 256, "Sales", *more)],
            unknown=[res(type, "r", name=UNKNOWN)],
        )
        for type, more in (
            ("athena/database", ["sales-2024"]),
            ("glue/catalogDatabase", []),
            ("glue/catalogTable", []),
        )
    ),
]
