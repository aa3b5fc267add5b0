import base64
import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pytest
from pydantic import ValidationError

from components.backend import ENDPOINTS, Backend, BackendArgs
from components.cache import Cache
from components.data import DataServices
from components.database import Database, DatabaseArgs
from components.messaging import Messaging, MessagingArgs
from components.network import NetworkArgs, Subnets
from components.storage import SecureBucket
from tests.components.tiers import CERTIFICATE, ZONES, alb, logs, network, security
from tests.registered import ROOT, alarms, counts, of, one, run, statements, waits_for

APPLICATION = ROOT / "applications" / "backend"
ENVIRONMENT = "elasticbeanstalk/environment:Environment"
VERSION = "elasticbeanstalk/applicationVersion:ApplicationVersion"
GROUP = "ec2/securityGroup:SecurityGroup"
INGRESS = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "vpc/securityGroupEgressRule:SecurityGroupEgressRule"
NETWORK = {"load_balancer": "network", "health_check": {"interval_seconds": 30}}
KINDS: dict[str, dict[str, Any]] = {
    "shared": {},
    "application": {"load_balancer": "application"},
    "network": NETWORK,
    "classic": {"load_balancer": "classic"},
}
OWN = "aws:elasticbeanstalk"


def backend(*, everything=False, unknown=False, source=APPLICATION, shared=True, **changes):
    args = BackendArgs.model_validate(changes)

    def program():
        keys, net, log_bucket = security(), network(), logs()
        data = DataServices()
        if everything:
            inside: dict[str, Any] = {"subnets": net.isolated, "key": keys.data, "logs_key": keys.logs}
            queues = {"jobs": {"senders": ["web"], "receivers": ["backend"]}}
            data = DataServices(
                cache=Cache("cache", **inside),
                database=Database("database", DatabaseArgs.model_validate({"replicas": {"reader": {}}}), **inside),
                storage=SecureBucket("storage", key=keys.data, logs=log_bucket),
                messaging=Messaging("messaging", MessagingArgs.model_validate({"queues": queues}), key=keys.data),
            )
        Backend(
            "backend",
            args,
            source=source,
            subnets=net.private,
            logs_key=keys.logs,
            logs=log_bucket,
            artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
            certificate_arn=CERTIFICATE,
            alb=alb("internet", net, log_bucket) if shared else None,
            data=data,
        )

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def kinds():
    return {kind: backend(**changes) for kind, changes in KINDS.items()}


@pytest.fixture(scope="module")
def recording(kinds):
    return kinds["shared"]


@pytest.fixture(scope="module")
def everything():
    return backend(everything=True)


def environment(recording):
    (found,) = of(recording, ENVIRONMENT).values()
    return found


def settings(recording):
    """Values by namespace and option."""
    found: dict[str, dict[str, str]] = {}
    for setting in environment(recording).inputs["settings"]:
        assert setting["name"] not in found.setdefault(setting["namespace"], {}), "set twice"
        found[setting["namespace"]][setting["name"]] = setting["value"]
    return found


def option(recording, namespace, name):
    return settings(recording).get(namespace, {}).get(name)


def output(recording, token, name, key="id"):
    return one(recording, token, name).outputs[key]


def expected(recording, kind):
    """Every setting of a kind of load balancer, to the letter."""
    subnets = ",".join(output(recording, "ec2/subnet:Subnet", f"network-private-{zone}") for zone in ZONES)
    service_role = output(recording, "iam/role:Role", "backend-service", "arn")
    common = {
        "aws:autoscaling:asg": {"MinSize": "2", "MaxSize": "4"},
        "aws:autoscaling:launchconfiguration": {
            "DisableDefaultEC2SecurityGroup": "true",
            "DisableIMDSv1": "true",
            "IamInstanceProfile": output(recording, "iam/instanceProfile:InstanceProfile", "backend", "name"),
            "LaunchTemplateTagPropagationEnabled": "true",
            "MonitoringInterval": "1 minute",
            "RootVolumeSize": "20",
            "RootVolumeType": "gp3",
            "SecurityGroups": output(recording, GROUP, "backend"),
        },
        "aws:autoscaling:trigger": {
            "LowerThreshold": "30",
            "MeasureName": "CPUUtilization",
            "Statistic": "Average",
            "Unit": "Percent",
            "UpperThreshold": "70",
        },
        "aws:autoscaling:updatepolicy:rollingupdate": {"RollingUpdateEnabled": "true", "RollingUpdateType": "Health"},
        "aws:ec2:instances": {
            "EnableSpot": "false",
            "InstanceTypes": "t4g.small",
            "SupportedArchitectures": "arm64",
        },
        "aws:ec2:vpc": {
            "AssociatePublicIpAddress": "false",
            "ELBSubnets": subnets,
            "Subnets": subnets,
            "VPCId": output(recording, "ec2/vpc:Vpc", "network"),
        },
        f"{OWN}:cloudwatch:logs": {"DeleteOnTerminate": "false", "RetentionInDays": "365", "StreamLogs": "true"},
        f"{OWN}:cloudwatch:logs:health": {
            "DeleteOnTerminate": "false",
            "HealthStreamingEnabled": "true",
            "RetentionInDays": "365",
        },
        f"{OWN}:command": {
            "BatchSize": "50",
            "BatchSizeType": "Percentage",
            "DeploymentPolicy": "RollingWithAdditionalBatch",
            "IgnoreHealthCheck": "false",
        },
        f"{OWN}:environment": {
            "EnvironmentType": "LoadBalanced",
            "LoadBalancerType": "application" if kind == "shared" else kind,
            "ServiceRole": service_role,
        },
        f"{OWN}:healthreporting:system": {"EnhancedHealthAuthEnabled": "true", "SystemType": "enhanced"},
        f"{OWN}:managedactions": {
            "ManagedActionsEnabled": "true",
            "PreferredStartTime": "Sun:03:30",
            "ServiceRoleForManagedUpdates": service_role,
        },
        f"{OWN}:managedactions:platformupdate": {"InstanceRefreshEnabled": "false", "UpdateLevel": "minor"},
    }
    process = {
        "DeregistrationDelay": "30",
        "HealthCheckInterval": "15",
        "HealthCheckPath": "/health",
        "HealthCheckTimeout": "5",
        "HealthyThresholdCount": "2",
        "MatcherHTTPCode": "200",
        "Port": "443",
        "Protocol": "HTTPS",
        "UnhealthyThresholdCount": "3",
    }
    if kind == "shared":
        common[f"{OWN}:environment"]["LoadBalancerIsShared"] = "true"
        return common | {
            f"{OWN}:environment:process:default": process,
            "aws:elbv2:loadbalancer": {
                "SecurityGroups": output(recording, GROUP, "alb"),
                "SharedLoadBalancer": output(recording, "lb/loadBalancer:LoadBalancer", "alb", "arn"),
            },
            "aws:elbv2:listener:443": {"Rules": "api"},
            "aws:elbv2:listenerrule:api": {
                "PathPatterns": "/api/*",
                "Priority": "1",
                "Process": "default",
            },
        }
    common["aws:ec2:vpc"]["ELBScheme"] = "internal"
    if kind == "classic":
        group = output(recording, GROUP, "backend-load-balancer")
        return common | {
            f"{OWN}:application": {"Application Healthcheck URL": "HTTPS:443/health"},
            "aws:elb:healthcheck": {
                "HealthyThreshold": "2",
                "Interval": "15",
                "Timeout": "5",
                "UnhealthyThreshold": "3",
            },
            "aws:elb:listener": {"ListenerEnabled": "false"},
            "aws:elb:listener:443": {
                "InstancePort": "443",
                "InstanceProtocol": "HTTPS",
                "ListenerEnabled": "true",
                "ListenerProtocol": "HTTPS",
                "SSLCertificateId": CERTIFICATE,
            },
            "aws:elb:loadbalancer": {"CrossZone": "true", "ManagedSecurityGroup": group, "SecurityGroups": group},
            "aws:elb:policies": {"ConnectionDrainingEnabled": "true", "ConnectionDrainingTimeout": "30"},
            "aws:elb:policies:tls": {
                "LoadBalancerPorts": "443",
                "SSLReferencePolicy": "ELBSecurityPolicy-TLS-1-2-2017-01",
            },
        }
    balancer = {}
    if kind == "application":
        group = output(recording, GROUP, "backend-load-balancer")
        balancer["aws:elbv2:loadbalancer"] = {
            "AccessLogsS3Bucket": "platform-test-logs-123456789012-eu-west-1",
            "AccessLogsS3Enabled": "true",
            "AccessLogsS3Prefix": "elb",
            "ManagedSecurityGroup": group,
            "SecurityGroups": group,
        }
    else:  # to which neither that namespace nor these options apply
        for option in ("HealthCheckPath", "HealthCheckTimeout", "MatcherHTTPCode", "UnhealthyThresholdCount"):
            del process[option]
        process |= {"HealthCheckInterval": "30", "Protocol": "TCP"}
    return (
        common
        | balancer
        | {
            f"{OWN}:environment:process:default": process,
            "aws:elbv2:listener:default": {"ListenerEnabled": "false"},
            "aws:elbv2:listener:443": {"DefaultProcess": "default", "ListenerEnabled": "true"}
            | (
                {"Protocol": "TCP"}
                if kind == "network"
                else {
                    "Protocol": "HTTPS",
                    "SSLCertificateArns": CERTIFICATE,
                    "SSLPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
                }
            ),
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_settings_of_each_kind_of_load_balancer(kinds, kind):
    assert settings(kinds[kind]) == expected(kinds[kind], kind)


@pytest.mark.parametrize("kind", KINDS)
def test_settings_are_sorted_and_are_strings(kinds, kind):
    found = environment(kinds[kind]).inputs["settings"]
    order = [(setting["namespace"], setting["name"]) for setting in found]
    assert order == sorted(order)
    assert {type(setting["value"]) for setting in found} == {str}
    assert all(setting.keys() == {"namespace", "name", "value"} for setting in found)


def chain(recording, token):
    """(group, the other side, port) of each rule that has to do with the backend."""
    groups = {r.urn: name for name, r in of(recording, GROUP).items()}
    found = set()
    for rule in of(recording, token).values():
        (here,) = rule.property_dependencies["securityGroupId"]
        other = rule.property_dependencies.get("referencedSecurityGroupId")
        there = groups[other[0]] if other else rule.inputs["cidrIpv4"]
        if "backend" in groups[here] + there:
            assert (rule.inputs["ipProtocol"], rule.inputs["toPort"]) == ("tcp", rule.inputs["fromPort"])
            found.add((groups[here], there, rule.inputs["fromPort"]))
    return found


@pytest.mark.parametrize(
    ("kind", "ingress", "egress"),
    [
        ("shared", {("backend", "alb", 443)}, {("alb", "backend", 443)}),
        (
            "application",
            {("backend-load-balancer", "10.0.0.0/16", 443), ("backend", "backend-load-balancer", 443)},
            {("backend-load-balancer", "backend", 443)},
        ),
        ("network", {("backend", "10.0.0.0/16", 443)}, set()),
        (
            "classic",
            {("backend-load-balancer", "10.0.0.0/16", 443), ("backend", "backend-load-balancer", 443)},
            {("backend-load-balancer", "backend", 443)},
        ),
    ],
)
def test_nothing_else_is_open(kinds, kind, ingress, egress):
    assert chain(kinds[kind], INGRESS) == ingress
    assert chain(kinds[kind], EGRESS) == egress | {("backend", "0.0.0.0/0", 443)}


def test_it_reaches_redis_and_mysql(everything):
    assert chain(everything, EGRESS) >= {("backend", "cache", 6379), ("backend", "database", 3306)}
    assert chain(everything, INGRESS) >= {("cache", "backend", 6379), ("database", "backend", 3306)}


def test_what_the_environment_waits_for(everything):
    found = environment(everything)
    needed = [
        one(everything, "lb/listener:Listener", "alb-https"),
        one(everything, EGRESS, "backend-https"),
        *(one(everything, token, "backend-from-alb") for token in (EGRESS, INGRESS)),
        *(one(everything, token, "backend-to-database") for token in (EGRESS, INGRESS)),
        *(one(everything, token, "backend-to-cache") for token in (EGRESS, INGRESS)),
        *(r for name, r in of(everything, "iam/rolePolicy:RolePolicy").items() if name.startswith("backend")),
        *(
            r
            for name, r in of(everything, "iam/rolePolicyAttachment:RolePolicyAttachment").items()
            if name.startswith("backend")
        ),
        *(r for name, r in of(everything, "cloudwatch/logGroup:LogGroup").items() if name.startswith("backend")),
        *(
            one(everything, "ec2/routeTableAssociation:RouteTableAssociation", f"network-private-{zone}")
            for zone in ZONES
        ),
        one(everything, "s3/bucketObjectv2:BucketObjectv2", "backend-bundle"),
        one(everything, VERSION, "backend"),
    ]
    assert len(needed) == 6 + 2 + 2 + 4 + 6 + 2 + 2
    assert [r.name for r in needed if not waits_for(everything, found, r)] == []


def test_a_load_balancer_of_its_own_waits_for_the_bucket_of_its_logs(kinds):
    own = kinds["application"]
    assert waits_for(own, environment(own), one(own, "s3/bucketPolicy:BucketPolicy", "logs"))
    assert not waits_for(own, environment(own), one(own, "lb/listener:Listener", "alb-https"))


@pytest.mark.parametrize("unknown", [False, True])
def test_instance_role(unknown):
    recording = backend(everything=True, unknown=unknown)
    role = one(recording, "iam/role:Role", "backend")
    assert statements(role.inputs["assumeRolePolicy"]) == [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
    attachments = of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {name for name in attachments if name.startswith("backend-A")} == {
        "backend-AWSElasticBeanstalkWebTier",
        "backend-AmazonSSMManagedInstanceCore",
    }
    granted = statements(one(recording, "iam/rolePolicy:RolePolicy", "backend").inputs["policy"])
    found = {
        (action, json.dumps(statement["Resource"]).rpartition(":")[2].strip('"'))
        for statement in granted
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if not action.startswith("kms:")
    }
    storage = "platform-test-storage-123456789012-eu-west-1"
    assert found == {
        ("s3:GetObject", "platform-test-artifacts-123456789012-eu-west-1/backend/*"),
        ("secretsmanager:GetSecretValue", "platform-test-cache-*"),
        ("secretsmanager:GetSecretValue", "platform-test-database-*"),
        ("s3:ListBucket", storage),
        *((f"s3:{action}", f"{storage}/*") for action in ("GetObject", "PutObject", "DeleteObject")),
        ("s3:AbortMultipartUpload", f"{storage}/*"),
        *(
            (f"sqs:{action}", "platform-test-messaging-jobs")
            for action in (
                "ReceiveMessage",
                "DeleteMessage",
                "ChangeMessageVisibility",
                "GetQueueAttributes",
                "GetQueueUrl",
            )
        ),
    }
    through = {
        statement["Condition"]["StringEquals"]["kms:ViaService"].split(".")[0]
        for statement in granted
        if "kms:Decrypt" in statement["Action"]
    }
    assert through == {"s3", "secretsmanager", "sqs"}


@pytest.mark.parametrize("unknown", [False, True])
def test_service_role(unknown):
    recording = backend(unknown=unknown)
    assert statements(one(recording, "iam/role:Role", "backend-service").inputs["assumeRolePolicy"]) == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "elasticbeanstalk.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}},
        }
    ]
    attachments = of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {r.inputs["policyArn"] for name, r in attachments.items() if name.startswith("backend-service")} == {
        "arn:aws:iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth",
        "arn:aws:iam::aws:policy/AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
    }
    streams, bundle, decrypt = statements(
        one(recording, "iam/rolePolicy:RolePolicy", "backend-service").inputs["policy"]
    )
    name = environment(recording).inputs["name"]
    group = f"log-group:/aws/elasticbeanstalk/{name}/environment-health.log:log-stream:*"
    assert streams["Resource"] == f"arn:aws:logs:eu-west-1:123456789012:{group}"
    assert bundle["Resource"] == "arn:aws:s3:::platform-test-artifacts-123456789012-eu-west-1/backend/*"
    assert decrypt["Action"] == "kms:Decrypt"


def test_application_and_version(recording):
    application = one(recording, "elasticbeanstalk/application:Application", "backend")
    role = one(recording, "iam/role:Role", "backend-service")
    assert application.inputs["name"] == "platform-test-backend"
    assert application.inputs["appversionLifecycle"] == {
        "serviceRole": role.outputs["arn"],
        "maxCount": 20,
        "deleteSourceFromS3": False,
    }
    for name, attachment in of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment").items():
        assert waits_for(recording, application, attachment) == name.startswith("backend-service")
    version = one(recording, VERSION, "backend")
    bundle = one(recording, "s3/bucketObjectv2:BucketObjectv2", "backend-bundle")
    assert version.inputs["bucket"] == bundle.inputs["bucket"] == "platform-test-artifacts-123456789012-eu-west-1"
    assert version.inputs["key"] == bundle.inputs["key"] == f"backend/{version.inputs['name']}.zip"
    found = environment(recording)
    assert found.inputs["version"] == version.inputs["name"]
    assert found.property_dependencies["version"] == [version.urn]
    assert found.property_dependencies["application"] == [application.urn]


def bundled(recording):
    """The application version's label, and what is in its bundle, with permissions."""
    bundle = one(recording, "s3/bucketObjectv2:BucketObjectv2", "backend-bundle")
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(bundle.inputs["contentBase64"])))
    assert archive.testzip() is None
    files = {i.filename: (archive.read(i), oct(i.external_attr >> 16)) for i in archive.infolist()}
    return environment(recording).inputs["version"], files, bundle.inputs["contentBase64"]


def test_bundle_holds_the_application(recording):
    _, files, _ = bundled(recording)
    hook = ".platform/hooks/prebuild/10_certificate.sh"
    assert {name: content for name, (content, _) in files.items()} == {
        name: (APPLICATION / name).read_bytes()
        for name in (hook, ".platform/nginx/conf.d/https.conf", "Procfile", "application.py")
    }
    assert {name for name, (_, mode) in files.items() if mode == "0o100755"} == {hook}


@pytest.fixture
def copy(tmp_path):
    """Another checkout of the application, made at another time."""
    shutil.copytree(APPLICATION, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "elsewhere").rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return tmp_path / "elsewhere"


def test_the_same_code_is_the_same_version_to_the_byte(recording, copy):
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "application.cpython-311.pyc").write_bytes(b"compiled")
    assert bundled(backend(source=copy)) == bundled(recording)


def test_its_health_is_watched(kinds):
    for kind, recording in kinds.items():
        made = one(recording, "cloudwatch/metricAlarm:MetricAlarm", "backend-health")
        assert made.property_dependencies["dimensions"] == [environment(recording).urn], kind
        assert made.inputs["namespace"] == "AWS/ElasticBeanstalk"
        assert alarms(recording)["backend-health"] == (
            "Maximum EnvironmentHealth >= 20, 5 x 60 s, breaching",
            {"EnvironmentName": environment(recording).inputs["name"]},
        )


@pytest.mark.parametrize(("health", "value"), [("Warning", 15), ("Severe", 25), (None, None)])
def test_health_that_is_a_fault(health, value):
    found = alarms(backend(alarms={"health": health})).get("backend-health")
    assert (found and found[0]) == (value and f"Maximum EnvironmentHealth >= {value}, 5 x 60 s, breaching")


@pytest.mark.parametrize("change", ["edit", "add", "rename", "remove", "move a byte"])
def test_any_change_of_the_code_is_a_new_version(recording, copy, change):
    code = copy / "application.py"
    match change:
        case "edit":
            code.write_text(code.read_text() + "#")
        case "add":
            (copy / "empty").touch()
        case "rename":
            (copy / "Procfile").rename(copy / "procfile")
        case "remove":
            (copy / "Procfile").unlink()
        case "move a byte":
            (copy / "Procfile").write_bytes((copy / "Procfile").read_bytes()[:-1])
            code.write_bytes(b"\n" + code.read_bytes())
    label, _, _ = bundled(backend(source=copy))
    assert label != bundled(recording)[0]


def test_log_groups_stand_first_with_our_key(recording):
    groups = {n: r for n, r in of(recording, "cloudwatch/logGroup:LogGroup").items() if n.startswith("backend")}
    prefix = f"/aws/elasticbeanstalk/{environment(recording).inputs['name']}"
    assert sorted(r.inputs["name"].removeprefix(prefix) for r in groups.values()) == [
        "/environment-health.log",
        "/var/log/eb-engine.log",
        "/var/log/eb-hooks.log",
        "/var/log/nginx/access.log",
        "/var/log/nginx/error.log",
        "/var/log/web.stdout.log",
    ]
    key = one(recording, "kms/key:Key", "security-logs").urn
    for group in groups.values():
        assert group.property_dependencies["kmsKeyId"] == [key]
        assert group.inputs["retentionInDays"] == 365


@pytest.mark.parametrize("unknown", [False, True])
def test_endpoints_are_variables_and_secrets_are_references(unknown):
    recording = backend(everything=True, unknown=unknown, variables={"MODE": "live"})
    plain = settings(recording)[f"{OWN}:application:environment"]
    references = settings(recording)[f"{OWN}:application:environmentsecrets"]
    assert plain.keys() == {
        "BUCKET",
        "CACHE_HOST",
        "CACHE_PORT",
        "CACHE_READER_HOST",
        "DATABASE_HOST",
        "DATABASE_PORT",
        "DATABASE_REPLICA_HOST_READER",
        "MODE",
        "QUEUE_URL_JOBS",
    }
    assert (plain["MODE"], plain["CACHE_PORT"], plain["DATABASE_PORT"]) == ("live", "6379", "3306")
    assert references.keys() == {"CACHE_SECRET", "DATABASE_SECRET"}
    if not unknown:
        assert references == {
            f"{name.upper()}_SECRET": output(recording, "secretsmanager/secret:Secret", name, "arn")
            for name in ("cache", "database")
        }


def test_requests_reach_it_by_a_rule_of_the_shared_load_balancer_alone(kinds):
    rule = one(kinds["shared"], "lb/listenerRule:ListenerRule", "alb-backend")
    found = environment(kinds["shared"])
    assert rule.inputs["priority"] == 10000
    assert rule.inputs["conditions"] == [{"pathPattern": {"values": ["/api/*"]}}]
    (action,) = rule.inputs["actions"]
    assert action["type"] == "forward"
    assert ":targetgroup/awseb-AWSEB-" in action["targetGroupArn"]
    assert waits_for(kinds["shared"], rule, found)  # whose target group it is
    for kind in ("application", "network", "classic"):
        assert "alb-backend" not in of(kinds[kind], "lb/listenerRule:ListenerRule")


def test_no_secret_is_in_the_inputs(everything):
    passwords = [r.outputs["result"] for r in of(everything, "index/randomPassword:RandomPassword").values()]
    assert len(passwords) == 2
    for registration in everything.registrations:
        if "backend" in registration.name:
            text = json.dumps(registration.inputs)
            assert not any(password in text for password in passwords), registration.urn
            assert registration.secrets == frozenset(), registration.urn


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "shared-py313"),
        ({"instance_protocol": "HTTP"}, "shared-http-py313"),
        ({"python_version": "3.14"}, "shared-py314"),
        ({"load_balancer": "application"}, "application-py313"),
        ({"load_balancer": "classic", "python_version": "3.12"}, "classic-py312"),
        (NETWORK, "network-py313"),
    ],
)
def test_what_beanstalk_cannot_change_is_in_the_name(changes, name):
    recording = backend(**changes)
    found = environment(recording)
    # Of the resource too: it is another one, and takes over nothing from one whose solution stack is ignored.
    assert found.name == f"backend-{name}"
    assert found.inputs["name"] == f"platform-test-backend-{name}"
    assert len(found.inputs["name"]) <= 40
    assert found.options["ignoreChanges"] == ["solutionStackName"]
    version = f"{changes.get('python_version', '3.13')}"
    assert found.inputs["solutionStackName"].endswith(f" running Python {version}")
    assert found.inputs["solutionStackName"].startswith("64bit Amazon Linux 2023 v")


def test_platform_is_asked_for_by_its_whole_name(monkeypatch):
    asked: list[dict[str, Any]] = []
    real = aws.elasticbeanstalk.get_solution_stack_output

    def spy(**given):
        asked.append({key: value for key, value in given.items() if key != "opts"})
        return real(**given)

    monkeypatch.setattr(aws.elasticbeanstalk, "get_solution_stack_output", spy)
    backend(python_version="3.12")
    assert asked == [{"most_recent": True, "name_regex": r"^64bit Amazon Linux 2023 v[0-9.]+ running Python 3\.12$"}]


@pytest.fixture(scope="module")
def changed():
    """Everything at once that has a default."""
    return backend(
        instance_types=["m7i.large", "m7i.xlarge"],
        spot_percent=60,
        min_size=3,
        max_size=9,
        cpu_upper_percent=80,
        cpu_lower_percent=20,
        volume_size_gib=64,
        image_id="ami-0123456789abcdef0",
        instance_protocol="HTTP",
        health_check={
            "path": "/up",
            "interval_seconds": 20,
            "timeout_seconds": 9,
            "healthy_threshold": 4,
            "unhealthy_threshold": 6,
        },
        deployment_policy="Immutable",
        deployment_batch_percent=25,
        update_start="Tue:23:59",
        update_level="patch",
        replace_instances_weekly=True,
        log_retention_days=30,
        kept_versions=3,
        variables={"MODE": "live"},
    )


LAUNCH = "aws:autoscaling:launchconfiguration"
PROCESS = f"{OWN}:environment:process:default"


@pytest.mark.parametrize(
    ("namespace", "name", "value"),
    [
        ("aws:ec2:instances", "InstanceTypes", "m7i.large,m7i.xlarge"),
        ("aws:ec2:instances", "SupportedArchitectures", "x86_64"),
        ("aws:ec2:instances", "EnableSpot", "true"),
        ("aws:ec2:instances", "SpotAllocationStrategy", "price-capacity-optimized"),
        ("aws:ec2:instances", "SpotFleetOnDemandAboveBasePercentage", "40"),
        ("aws:ec2:instances", "SpotFleetOnDemandBase", "0"),
        ("aws:autoscaling:asg", "MinSize", "3"),
        ("aws:autoscaling:asg", "MaxSize", "9"),
        ("aws:autoscaling:trigger", "UpperThreshold", "80"),
        ("aws:autoscaling:trigger", "LowerThreshold", "20"),
        ("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateType", "Immutable"),
        (LAUNCH, "RootVolumeSize", "64"),
        (LAUNCH, "ImageId", "ami-0123456789abcdef0"),
        (PROCESS, "Port", "80"),
        (PROCESS, "Protocol", "HTTP"),
        (PROCESS, "HealthCheckPath", "/up"),
        (PROCESS, "HealthCheckInterval", "20"),
        (PROCESS, "HealthCheckTimeout", "9"),
        (PROCESS, "HealthyThresholdCount", "4"),
        (PROCESS, "UnhealthyThresholdCount", "6"),
        (f"{OWN}:command", "DeploymentPolicy", "Immutable"),
        (f"{OWN}:command", "BatchSize", "25"),
        (f"{OWN}:managedactions", "PreferredStartTime", "Tue:23:59"),
        (f"{OWN}:managedactions:platformupdate", "UpdateLevel", "patch"),
        (f"{OWN}:managedactions:platformupdate", "InstanceRefreshEnabled", "true"),
        (f"{OWN}:cloudwatch:logs", "RetentionInDays", "30"),
        (f"{OWN}:cloudwatch:logs:health", "RetentionInDays", "30"),
        (f"{OWN}:application:environment", "MODE", "live"),
    ],
)
def test_options(recording, changed, namespace, name, value):
    assert option(recording, namespace, name) != value
    assert option(changed, namespace, name) == value


def test_options_elsewhere(changed):
    application = one(changed, "elasticbeanstalk/application:Application", "backend")
    assert application.inputs["appversionLifecycle"]["maxCount"] == 3
    groups = of(changed, "cloudwatch/logGroup:LogGroup")
    assert {r.inputs["retentionInDays"] for name, r in groups.items() if name.startswith("backend")} == {30}
    assert chain(changed, INGRESS) == {("backend", "alb", 80)}
    assert chain(changed, EGRESS) == {("alb", "backend", 80), ("backend", "0.0.0.0/0", 443)}


def test_options_of_a_load_balancer_of_its_own():
    classic = backend(load_balancer="classic", instance_protocol="HTTP")
    assert option(classic, f"{OWN}:application", "Application Healthcheck URL") == "HTTP:80/health"
    assert option(classic, "aws:elb:listener:443", "InstanceProtocol") == "HTTP"
    policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    application = backend(load_balancer="application", tls_policy=policy)
    assert option(application, "aws:elbv2:listener:443", "SSLPolicy") == policy


def test_what_it_is_made_of(recording, kinds):
    made = {k: v for k, v in counts(recording).items() if k in {"Application", "ApplicationVersion", "Environment"}}
    assert made == {"Application": 1, "ApplicationVersion": 1, "Environment": 1}
    assert "tags" not in environment(recording).inputs, "Beanstalk sets the Name tag itself"
    # No load balancer of ours is made for it, whatever its kind: the one there is here is the shared one.
    assert {kind: len(of(kinds[kind], "lb/loadBalancer:LoadBalancer")) for kind in KINDS} == dict.fromkeys(KINDS, 1)


def test_endpoints_are_such_as_the_network_takes():
    assert NetworkArgs(zones=ZONES, interface_endpoints=sorted(ENDPOINTS))
    assert {"cloudformation", "elasticbeanstalk", "elasticbeanstalk-health", "logs", "secretsmanager"} <= ENDPOINTS


@pytest.mark.parametrize("kind", ["application", "classic"])
def test_it_needs_no_shared_load_balancer_for_one_of_its_own(kind):
    recording = backend(shared=False, load_balancer=kind)
    assert of(recording, "lb/loadBalancer:LoadBalancer") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shared": False}, "load_balancer is 'shared', and there is none to share"),
        ({"everything": True, "variables": {"DATABASE_HOST": "x"}}, "DATABASE_HOST: the platform itself sets them"),
        ({"source": Path("nowhere")}, "source nowhere is no folder"),
    ],
)
def test_what_cannot_be_built(changes, message):
    with pytest.raises(ValueError, match=message):
        backend(**changes)


def test_one_zone_is_not_enough():
    def program():
        keys, log_bucket = security(), logs()
        Backend(
            "backend",
            BackendArgs(load_balancer="classic"),
            source=APPLICATION,
            subnets=Subnets("vpc-1", "10.0.0.0/16", {"eu-west-1a": "subnet-1"}),
            logs_key=keys.logs,
            logs=log_bucket,
            artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
            certificate_arn=CERTIFICATE,
            alb=None,
        )

    with pytest.raises(ValueError, match="a load balancer needs two"):
        run(program)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: [(folder / name).unlink() for name in ("Procfile", "application.py")], "neither a Procfile"),
        (lambda folder: (folder / "link").symlink_to("/etc/hosts"), "link in .* is a link"),
        (lambda folder: (folder / "large").write_bytes(bytes(17 * 2**20)), "holds 17 MiB"),
        (lambda folder: shutil.rmtree(folder / ".platform" / "nginx"), "nothing in .* listens on 443 with TLS"),
    ],
)
def test_a_bundle_that_could_not_run(copy, spoil, message):
    spoil(copy)
    with pytest.raises(ValueError, match=message):
        backend(source=copy)


def test_without_tls_to_the_instances_the_application_needs_no_nginx_of_its_own(copy):
    shutil.rmtree(copy / ".platform")
    assert bundled(backend(source=copy, instance_protocol="HTTP"))[1].keys() == {"Procfile", "application.py"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"load_balancer": "gateway"}, ("load_balancer",)),
        ({"alarms": {"health": "Ok"}}, ("alarms", "health")),
        ({"alarms": {"health": 20}}, ("alarms", "health")),
        ({"python_version": "3.9"}, ("python_version",)),
        ({"python_version": 3.13}, ("python_version",)),
        ({"instance_types": []}, ("instance_types",)),
        ({"instance_types": ["large"]}, ("instance_types", 0)),
        ({"instance_types": ["t4g.small", "m7g.large"]}, ("instance_types",)),
        ({"instance_types": ["t4g.small", "t3.small"], "spot_percent": 50}, ("instance_types",)),
        ({"spot_percent": 101}, ("spot_percent",)),
        ({"max_size": 1}, ("max_size",)),
        ({"cpu_lower_percent": 70}, ("cpu_lower_percent",)),
        ({"volume_size_gib": 9}, ("volume_size_gib",)),
        ({"image_id": "resolve:ssm:/image"}, ("image_id",)),
        ({"instance_protocol": "TCP"}, ("instance_protocol",)),
        ({**NETWORK, "instance_protocol": "HTTP"}, ("instance_protocol",)),
        ({"load_balancer": "network"}, ("health_check", "interval_seconds")),
        ({"health_check": {"interval_seconds": 90, "timeout_seconds": 61}}, ("health_check", "timeout_seconds")),
        ({"deployment_policy": "AllAtOnce"}, ("deployment_policy",)),
        ({"deployment_policy": "Rolling", "min_size": 1}, ("deployment_policy",)),
        ({"deployment_policy": "Rolling", "deployment_batch_percent": 100}, ("deployment_batch_percent",)),
        ({"update_start": "sun:03:30"}, ("update_start",)),
        ({"update_start": "Sun:24:00"}, ("update_start",)),
        ({"log_retention_days": 1096}, ("log_retention_days",)),
        ({"variables": {"A-B": "x"}}, ("variables", "A-B", "[key]")),
        ({"variables": {"LONG": "x " * 2048}}, ("variables",)),
        ({"tls_policy": "ELBSecurityPolicy-2016-08"}, ("tls_policy",)),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        BackendArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "canary"),
        ("passwd", "canary"),
        ("STRIPE_API_KEY", "canary"),
        ("APIKEY", "canary"),
        ("SESSION_SECRET", "canary"),
        ("ACCESS_TOKEN", "canary"),
        ("DB_PWD", "canary"),
        ("WHO", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("WHO", "-----BEGIN RSA PRIVATE KEY-----canary"),
        ("WHERE", "mysql://app:canary@db.example.com/app"),
        ("WHERE", "redis://:canary@cache.example.com"),
        ("WHO", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2ln"),
        ("WHO", "ghp_canarycanarycanary"),
        ("WHO", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"),
    ],
)
def test_what_looks_like_a_secret_is_refused_and_not_repeated(name, value):
    with pytest.raises(ValidationError) as wrong:
        BackendArgs.model_validate({"variables": {name: value}})
    assert [error["loc"] for error in wrong.value.errors()] == [("variables", name)]
    assert "looks like a secret" in str(wrong.value)
    assert value not in str(wrong.value)


def test_a_secret_of_the_wrong_type_is_not_repeated_either():
    with pytest.raises(ValidationError) as wrong:
        BackendArgs.model_validate({"variables": {"PIN": 424242424242}})
    assert "424242424242" not in str(wrong.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "info"),
        ("COMMIT", "9f2c1e0b7d6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e"),
        ("API_URL", "https://api.example.com/v1?key=name"),
        ("KEYBOARD", "qwertz"),
        ("PASSENGERS", "12"),
        ("TRACE_ID", "123e4567-e89b-12d3-a456-426614174000"),
        ("AUTHOR", "platform"),
        ("TOKEN_TTL_SECONDS", "3600"),
        ("PAYMENT_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:payment-AbCdEf"),
    ],
)
def test_what_is_no_secret_is_taken(name, value):
    assert BackendArgs(variables={name: value}).variables == {name: value}
