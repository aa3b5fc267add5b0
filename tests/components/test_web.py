import base64
import subprocess
from typing import Any

import pytest
from pydantic import ValidationError

from components.data import DataServices
from components.database import Database
from components.loadbalancing import ApplicationLoadBalancer, ClassicLoadBalancer, NetworkLoadBalancer
from components.web import Web, WebArgs, amazon_linux
from tests.components.tiers import CERTIFICATE, ZONES, alb, logs, network, security
from tests.registered import alarms, of, one, run, statements, waits_for

INGRESS = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def web(everything=False, unknown=False, **changes):
    args = WebArgs.model_validate(changes)

    def program():
        keys, net, log_bucket = security(), network(), logs()
        inside: dict[str, Any] = {"subnets": net.private, "certificate_arn": CERTIFICATE, "logs": log_bucket}
        nlb = NetworkLoadBalancer("nlb", **inside) if everything else None
        classic = ClassicLoadBalancer("clb", **inside) if everything else None
        database = Database("database", subnets=net.isolated, key=keys.data, logs_key=keys.logs) if everything else None
        subnets = net.public if args.placement == "public" else net.private
        balancer = alb("internet", net, log_bucket)
        data = DataServices(database=database)
        Web("web", args, subnets=subnets, key=keys.data, alb=balancer, nlb=nlb, classic=classic, data=data)

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def recording():
    return web()


@pytest.fixture(scope="module")
def everything():
    return web(everything=True)


def test_launch_template(recording):
    template = one(recording, "ec2/launchTemplate:LaunchTemplate", "web")
    assert template.inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
        "instanceMetadataTags": "enabled",
    }
    (disk,) = template.inputs["blockDeviceMappings"]
    assert (disk["ebs"]["encrypted"], disk["ebs"]["volumeType"]) == ("true", "gp3")
    assert template.property_dependencies["blockDeviceMappings"] == [one(recording, "kms/key:Key", "security-data").urn]
    assert {spec["resourceType"]: spec["tags"] for spec in template.inputs["tagSpecifications"]} == {
        kind: {"Name": "platform-test-web"} for kind in ("instance", "network-interface", "volume")
    }


@pytest.mark.parametrize("placement", ["public", "private"])
def test_placement(placement):
    recording = web(placement=placement)
    group = one(recording, "autoscaling/group:Group", "web")
    assert sorted(group.property_dependencies["vpcZoneIdentifiers"]) == [
        one(recording, "ec2/subnet:Subnet", f"network-{placement}-{zone}").urn for zone in ZONES
    ]
    (interface,) = one(recording, "ec2/launchTemplate:LaunchTemplate", "web").inputs["networkInterfaces"]
    assert interface["associatePublicIpAddress"] == ("true" if placement == "public" else "false")


def test_group(recording):
    group = one(recording, "autoscaling/group:Group", "web")
    assert (group.inputs["minSize"], group.inputs["maxSize"], group.inputs["healthCheckType"]) == (2, 4, "ELB")
    assert "desiredCapacity" not in group.inputs, "scaling decides, not every `up`"
    assert group.inputs["tags"] == [{"key": "Name", "value": "platform-test-web", "propagateAtLaunch": True}]
    template = one(recording, "ec2/launchTemplate:LaunchTemplate", "web")
    assert group.inputs["launchTemplate"]["version"] == str(template.outputs["latestVersion"])
    # Instances are checked through the target group, and refused by scaling policies before it has a listener.
    assert waits_for(recording, group, one(recording, "lb/listener:Listener", "alb-https"))
    for zone in ZONES:
        association = one(recording, "ec2/routeTableAssociation:RouteTableAssociation", f"network-private-{zone}")
        assert waits_for(recording, group, association)
    for rules in (of(recording, INGRESS), of(recording, EGRESS)):
        for name in rules.keys() & {"web-https", "web-from-alb"}:
            assert waits_for(recording, group, rules[name])
    for attachment in of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment").values():
        assert waits_for(recording, group, attachment)


def test_scaling(recording):
    policies = of(recording, "autoscaling/policy:Policy")
    targets = {name: r.inputs["targetTrackingConfiguration"] for name, r in policies.items()}
    assert targets["web-cpu"]["targetValue"] == 60
    suffixes = (
        one(recording, "lb/loadBalancer:LoadBalancer", "alb").outputs["arnSuffix"],
        one(recording, "lb/targetGroup:TargetGroup", "alb-default").outputs["arnSuffix"],
    )
    assert targets["web-requests"]["predefinedMetricSpecification"] == {
        "predefinedMetricType": "ALBRequestCountPerTarget",
        "resourceLabel": "/".join(suffixes),
    }


IN_SERVICE = "Minimum GroupInServiceInstances < {}, 10 x 60 s, breaching"
CPU = "Average CPUUtilization >= {}, 10 x 60 s, notBreaching"
HOSTS = "Maximum UnHealthyHostCount >= {}, 5 x 60 s, notBreaching"


def own(recording):
    return {name: alarm for name, alarm in alarms(recording).items() if name.startswith("web-")}


def test_alarms(everything):
    group = one(everything, "autoscaling/group:Group", "web")
    alb_, nlb = (one(everything, "lb/loadBalancer:LoadBalancer", name) for name in ("alb", "nlb"))
    targets, nlb_targets = (one(everything, "lb/targetGroup:TargetGroup", n) for n in ("alb-default", "nlb-web"))
    classic = one(everything, "elb/loadBalancer:LoadBalancer", "clb")

    def behind(balancer, target_group):
        return {"LoadBalancer": balancer.outputs["arnSuffix"], "TargetGroup": target_group.outputs["arnSuffix"]}

    assert own(everything) == {
        "web-in-service": (IN_SERVICE.format("2"), {"AutoScalingGroupName": group.outputs["name"]}),
        "web-cpu": (CPU.format(90), {"AutoScalingGroupName": group.outputs["name"]}),
        "web-alb-hosts": (HOSTS.format(1), behind(alb_, targets)),
        "web-nlb-hosts": (HOSTS.format(1), behind(nlb, nlb_targets)),
        "web-classic-hosts": (HOSTS.format(1), {"LoadBalancerName": classic.outputs["name"]}),
    }
    made = of(everything, "cloudwatch/metricAlarm:MetricAlarm")
    assert {name: made[name].inputs["namespace"] for name in own(everything)} == {
        "web-in-service": "AWS/AutoScaling",
        "web-cpu": "AWS/EC2",
        "web-alb-hosts": "AWS/ApplicationELB",
        "web-nlb-hosts": "AWS/NetworkELB",
        "web-classic-hosts": "AWS/ELB",
    }
    assert {name: sorted(made[name].property_dependencies["dimensions"]) for name in own(everything)} == {
        "web-in-service": [group.urn],
        "web-cpu": [group.urn],
        "web-alb-hosts": sorted([alb_.urn, targets.urn]),
        "web-nlb-hosts": sorted([nlb.urn, nlb_targets.urn]),
        "web-classic-hosts": [classic.urn],
    }


def test_the_group_reports_how_many_instances_are_in_service(recording):
    """Auto Scaling reports only what `enabled_metrics` names."""
    group = one(recording, "autoscaling/group:Group", "web")
    assert "GroupInServiceInstances" in group.inputs["enabledMetrics"]


def test_thresholds_and_none():
    limits = {"in_service_percent": 50, "cpu_percent": 70, "unhealthy_hosts_limit": 2}
    changed = {name: when for name, (when, _) in own(web(min_size=3, alarms=limits)).items()}
    assert changed == {
        "web-in-service": IN_SERVICE.format("1.5"),
        "web-cpu": CPU.format(70),
        "web-alb-hosts": HOSTS.format(2),
    }
    assert own(web(alarms=dict.fromkeys(limits))) == {}


def test_security_group_chain(everything):
    groups = {r.urn: name for name, r in of(everything, "ec2/securityGroup:SecurityGroup").items()}

    def chain(rules):
        found = set()
        for rule in rules.values():
            (here,) = rule.property_dependencies["securityGroupId"]
            other = rule.property_dependencies.get("referencedSecurityGroupId")
            there = groups[other[0]] if other else rule.inputs["cidrIpv4"]
            found.add((groups[here], there, rule.inputs["fromPort"]))
        return found

    assert chain(of(everything, INGRESS)) == {
        ("alb", "0.0.0.0/0", 443),
        ("alb", "0.0.0.0/0", 80),
        ("nlb", "10.0.0.0/16", 443),
        ("clb", "10.0.0.0/16", 443),
        ("web", "alb", 443),
        ("web", "nlb", 443),
        ("web", "clb", 443),
        ("database", "web", 3306),
    }
    assert chain(of(everything, EGRESS)) == {
        ("alb", "web", 443),
        ("nlb", "web", 443),
        ("clb", "web", 443),
        ("web", "database", 3306),
        ("web", "0.0.0.0/0", 443),
    }


def test_every_load_balancer_gets_the_instances(everything):
    group = one(everything, "autoscaling/group:Group", "web")
    targets = [one(everything, "lb/targetGroup:TargetGroup", name).urn for name in ("alb-default", "nlb-web")]
    assert sorted(group.property_dependencies["targetGroupArns"]) == sorted(targets)
    classic = one(everything, "elb/loadBalancer:LoadBalancer", "clb")
    assert group.property_dependencies["loadBalancers"] == [classic.urn]


@pytest.mark.parametrize("unknown", [False, True])
def test_role_reads_the_databases_secret_and_no_other(unknown):
    recording = web(everything=True, unknown=unknown)
    assert statements(one(recording, "iam/rolePolicy:RolePolicy", "web").inputs["policy"]) == [
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:platform-test-database-*",
        },
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "arn:aws:kms:eu-west-1:123456789012:key/*",
            "Condition": {
                "StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/platform-test-security-data"},
            },
        },
    ]
    secret = one(recording, "secretsmanager/secret:Secret", "database")
    assert secret.inputs["namePrefix"] == "platform-test-database-"


def test_a_load_balancer_that_sends_it_nothing_is_refused():
    def program():
        net, log_bucket = network(), logs()
        balancer = ApplicationLoadBalancer(
            "alb", subnets=net.private, clients="vpc", certificate_arn=CERTIFICATE, logs=log_bucket
        )
        Web("web", subnets=net.private, key=security().data, alb=balancer)

    with pytest.raises(ValueError, match="give it `default_check`"):
        run(program)


def test_user_data_is_a_shell_script_that_answers_the_health_check():
    template = one(web(health_check={"path": "/up"}), "ec2/launchTemplate:LaunchTemplate", "web")
    script = base64.b64decode(template.inputs["userData"])
    assert b"location = /up {" in script
    subprocess.run(["bash", "-n"], input=script, check=True)
    own = one(web(user_data="#!/bin/sh\n"), "ec2/launchTemplate:LaunchTemplate", "web")
    assert base64.b64decode(own.inputs["userData"]) == b"#!/bin/sh\n"


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [
        ("t4g.small", "arm64"),
        ("m7g.large", "arm64"),
        ("c6gn.xlarge", "arm64"),
        ("x2gd.large", "arm64"),
        ("im4gn.large", "arm64"),
        ("a1.large", "arm64"),
        ("t3.small", "x86_64"),
        ("m7i.large", "x86_64"),
        ("g5.xlarge", "x86_64"),
        ("m7i-flex.large", "x86_64"),
        ("p4d.24xlarge", "x86_64"),
    ],
)
def test_image_fits_the_instance_type(instance_type, architecture):
    assert amazon_linux(instance_type).endswith(f"-default-{architecture}")


def test_rollback_is_asked_for_only_where_ec2_can(recording):
    def rolls_back(found):
        return one(found, "autoscaling/group:Group", "web").inputs["instanceRefresh"]["preferences"]["autoRollback"]

    assert rolls_back(recording) is False
    assert rolls_back(web(image_id="ami-0123456789abcdef0")) is True


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"max_size": 1}, ("max_size",)),
        ({"min_size": 0}, ("min_size",)),
        ({"alarms": {"in_service_percent": 0}}, ("alarms", "in_service_percent")),
        ({"alarms": {"cpu_percent": 101}}, ("alarms", "cpu_percent")),
        ({"alarms": {"unhealthy_hosts_limit": 0}}, ("alarms", "unhealthy_hosts_limit")),
        ({"instance_type": "big"}, ("instance_type",)),
        ({"image_id": "img-1"}, ("image_id",)),
        ({"placement": "isolated"}, ("placement",)),
        ({"volume_size_gib": 7}, ("volume_size_gib",)),
        ({"user_data": "x" * 16385}, ("user_data",)),
        ({"cpu_target_percent": 95}, ("cpu_target_percent",)),
        ({"health_check": {"timeout_seconds": 60}}, ("health_check", "timeout_seconds")),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        WebArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]
