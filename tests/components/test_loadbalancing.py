from typing import Any

import pytest
from pydantic import ValidationError

from components.loadbalancing import (
    ApplicationLoadBalancer,
    ApplicationLoadBalancerArgs,
    ClassicLoadBalancer,
    ClassicLoadBalancerArgs,
    HealthCheckArgs,
    NetworkLoadBalancer,
    NetworkLoadBalancerArgs,
)
from components.network import Subnets
from tests.components.tiers import CERTIFICATE, ZONES, alb, logs, network
from tests.registered import alarms, of, one, run, waits_for

INGRESS = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def application(clients):
    """An Application Load Balancer with one target group."""

    def program():
        balancer = alb(clients, network(), logs())
        balancer.forward("web", paths=["/*"], priority=10, port=443, parent=balancer)

    return run(program)


def bare(name="alb"):
    """One that sends nothing to anybody."""
    subnets = network().private
    ApplicationLoadBalancer(name, subnets=subnets, clients="vpc", certificate_arn=CERTIFICATE, logs=logs())


@pytest.mark.parametrize(
    ("clients", "internal", "tier", "listeners", "ingress"),
    [
        ("cloudfront", False, "public", ["alb-https"], {"alb-443": "prefixListId"}),
        ("internet", False, "public", ["alb-http", "alb-https"], {"alb-443": "cidrIpv4", "alb-80": "cidrIpv4"}),
        ("vpc", True, "private", ["alb-https"], {"alb-443": "cidrIpv4"}),
    ],
)
def test_application_by_clients(clients, internal, tier, listeners, ingress):
    recording = application(clients)
    balancer = one(recording, "lb/loadBalancer:LoadBalancer", "alb")
    assert balancer.inputs["internal"] is internal
    assert sorted(balancer.property_dependencies["subnets"]) == [
        one(recording, "ec2/subnet:Subnet", f"network-{tier}-{zone}").urn for zone in ZONES
    ]
    assert sorted(of(recording, "lb/listener:Listener")) == listeners
    rules = {name: rule.inputs for name, rule in of(recording, INGRESS).items()}
    assert {name: source for name, source in ingress.items() if source in rules[name]} == ingress
    assert len(rules) == len(ingress)


def test_application_defaults():
    recording = application("internet")
    inputs = one(recording, "lb/loadBalancer:LoadBalancer", "alb").inputs
    assert inputs["dropInvalidHeaderFields"] is True
    assert inputs["enableDeletionProtection"] is True
    for kind in ("accessLogs", "connectionLogs"):
        assert inputs[kind] == {"bucket": "platform-test-logs-123456789012-eu-west-1", "prefix": "elb", "enabled": True}
    https = one(recording, "lb/listener:Listener", "alb-https").inputs
    assert (https["port"], https["protocol"], https["sslPolicy"], https["certificateArn"]) == (
        443,
        "HTTPS",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        CERTIFICATE,
    )
    default = one(recording, "lb/targetGroup:TargetGroup", "alb-default")
    assert https["defaultActions"] == [{"type": "forward", "targetGroupArn": default.outputs["arn"]}]
    assert (default.inputs["port"], default.inputs["protocol"]) == (443, "HTTPS")
    http = one(recording, "lb/listener:Listener", "alb-http").inputs
    assert http["defaultActions"] == [
        {"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}}
    ]


def test_it_leaves_elastic_beanstalks_count_alone():
    balancer = one(application("internet"), "lb/loadBalancer:LoadBalancer", "alb")
    assert balancer.options["ignoreChanges"] == ['tags["elasticbeanstalk:shared-elb-environment-count"]']


def test_logs_can_be_delivered_before_the_load_balancer_is_made():
    recording = application("internet")
    balancer = one(recording, "lb/loadBalancer:LoadBalancer", "alb")
    assert waits_for(recording, balancer, one(recording, "s3/bucketPolicy:BucketPolicy", "logs"))


def test_the_load_balancer_waits_for_the_way_to_the_internet():
    recording = application("internet")
    balancer = one(recording, "lb/loadBalancer:LoadBalancer", "alb")
    for zone in ZONES:
        assert waits_for(recording, balancer, one(recording, "ec2/route:Route", f"network-public-{zone}-internet"))


def test_behind_cloudfront_every_rule_demands_the_secret_header():
    recording = application("cloudfront")
    rule = one(recording, "lb/listenerRule:ListenerRule", "alb-web")
    secret = one(recording, "index/randomPassword:RandomPassword", "alb-origin-secret")
    headers = [c["httpHeader"] for c in rule.inputs["conditions"] if "httpHeader" in c]
    assert headers == [{"httpHeaderName": "x-origin-verify", "values": [secret.outputs["result"]]}]
    assert "conditions" in rule.secrets
    assert len(secret.outputs["result"]) == 40


def test_without_cloudfront_only_the_path_counts():
    rule = one(application("internet"), "lb/listenerRule:ListenerRule", "alb-web")
    assert rule.inputs["conditions"] == [{"pathPattern": {"values": ["/*"]}}]
    assert rule.inputs["priority"] == 10


def test_target_group():
    inputs = one(application("internet"), "lb/targetGroup:TargetGroup", "alb-web").inputs
    assert (inputs["port"], inputs["protocol"], inputs["targetType"]) == (443, "HTTPS", "instance")
    assert inputs["healthCheck"] == {
        "protocol": "HTTPS",
        "path": "/health",
        "interval": 15,
        "timeout": 5,
        "healthyThreshold": 2,
        "unhealthyThreshold": 3,
        "matcher": "200",
    }


@pytest.mark.parametrize(("protocol", "certificate"), [("TLS", CERTIFICATE), ("TCP", None)])
def test_network(protocol, certificate):
    def program():
        balancer = NetworkLoadBalancer("nlb", subnets=network().private, certificate_arn=CERTIFICATE, logs=logs())
        balancer.forward("web", listener_port=8443, port=443, protocol=protocol, parent=balancer)

    recording = run(program)
    inputs = one(recording, "lb/loadBalancer:LoadBalancer", "nlb").inputs
    assert (inputs["loadBalancerType"], inputs["internal"], len(inputs["securityGroups"])) == ("network", True, 1)
    assert inputs["enableDeletionProtection"] is True
    listener = one(recording, "lb/listener:Listener", "nlb-web").inputs
    assert (listener["protocol"], listener["port"], listener.get("certificateArn")) == (protocol, 8443, certificate)
    rule = one(recording, INGRESS, "nlb-web").inputs
    assert (rule["cidrIpv4"], rule["fromPort"], rule["toPort"]) == ("10.0.0.0/16", 8443, 8443)
    assert one(recording, "lb/targetGroup:TargetGroup", "nlb-web").inputs["protocol"] == protocol


def test_classic():
    recording = run(
        lambda: ClassicLoadBalancer("clb", subnets=network().private, certificate_arn=CERTIFICATE, logs=logs())
    )
    balancer = one(recording, "elb/loadBalancer:LoadBalancer", "clb")
    assert balancer.inputs["internal"] is True
    assert balancer.inputs["listeners"] == [
        {
            "lbPort": 443,
            "lbProtocol": "https",
            "sslCertificateId": CERTIFICATE,
            "instancePort": 443,
            "instanceProtocol": "https",
        }
    ]
    assert balancer.inputs["healthCheck"]["target"] == "HTTPS:443/health"
    assert balancer.inputs["accessLogs"]["enabled"] is True
    assert waits_for(recording, balancer, one(recording, "s3/bucketPolicy:BucketPolicy", "logs"))
    policy = one(recording, "elb/loadBalancerPolicy:LoadBalancerPolicy", "clb-tls").inputs["policyAttributes"]
    assert policy == [{"name": "Reference-Security-Policy", "value": "ELBSecurityPolicy-TLS-1-2-2017-01"}]
    listener = one(recording, "elb/listenerPolicy:ListenerPolicy", "clb-443")
    assert (listener.inputs["loadBalancerPort"], listener.inputs["policyNames"]) == (443, ["tls-1-2"])
    # The provider makes the listener anew for another certificate, and without the policy.
    (listening,) = balancer.inputs["listeners"]
    assert listener.inputs["triggers"] == {"certificate": listening["sslCertificateId"]}


ALARM = "cloudwatch/metricAlarm:MetricAlarm"


def balancers(**limits):
    """One of each kind, with these thresholds."""

    def program():
        more: dict[str, Any] = {"subnets": network().private, "certificate_arn": CERTIFICATE, "logs": logs()}

        def args(kind, name):
            return kind.model_validate({"alarms": limits.get(name, {})})

        ApplicationLoadBalancer("alb", args(ApplicationLoadBalancerArgs, "alb"), clients="vpc", **more)
        NetworkLoadBalancer("nlb", args(NetworkLoadBalancerArgs, "nlb"), **more)
        ClassicLoadBalancer("clb", args(ClassicLoadBalancerArgs, "clb"), **more)

    return run(program)


def test_alarms():
    recording = balancers()
    alb_, nlb = (one(recording, "lb/loadBalancer:LoadBalancer", name) for name in ("alb", "nlb"))
    classic = one(recording, "elb/loadBalancer:LoadBalancer", "clb")
    of_alb, of_nlb = ({"LoadBalancer": balancer.outputs["arnSuffix"]} for balancer in (alb_, nlb))
    errors = "Sum HTTPCode_Target_5XX_Count % of RequestCount >= 5, 5 x 60 s, notBreaching"
    assert alarms(recording) == {
        "alb-target-errors": (errors, of_alb),
        "alb-own-errors": ("Sum HTTPCode_ELB_5XX_Count >= 10, 5 x 60 s, notBreaching", of_alb),
        "alb-latency": ("p99 TargetResponseTime >= 2, 5 x 60 s, notBreaching", of_alb),
        "alb-certificate": ("Minimum DaysToExpiry <= 30, 1 x 86400 s, ignore", {"CertificateArn": CERTIFICATE}),
        "nlb-ports": ("Sum PortAllocationErrorCount >= 1, 5 x 60 s, notBreaching", of_nlb),
        "clb-own-errors": (
            "Sum HTTPCode_ELB_5XX >= 10, 5 x 60 s, notBreaching",
            {"LoadBalancerName": classic.outputs["name"]},
        ),
    }
    made = of(recording, ALARM)
    assert made["alb-target-errors"].property_dependencies["metricQueries"] == [alb_.urn]
    for name, balancer in {
        "alb-own-errors": alb_,
        "alb-latency": alb_,
        "nlb-ports": nlb,
        "clb-own-errors": classic,
    }.items():
        assert made[name].property_dependencies["dimensions"] == [balancer.urn]


def test_thresholds_and_none():
    limits: dict[str, dict[str, Any]] = {
        "alb": {
            "target_errors_percent": 1,
            "own_errors_limit": 2,
            "latency_p99_seconds": 0.5,
            "certificate_days": 14,
        },
        "nlb": {"port_errors_limit": 3},
        "clb": {"own_errors_limit": 4},
    }
    changed = {name: when.split(",")[0] for name, (when, _) in alarms(balancers(**limits)).items()}
    assert changed == {
        "alb-target-errors": "Sum HTTPCode_Target_5XX_Count % of RequestCount >= 1",
        "alb-own-errors": "Sum HTTPCode_ELB_5XX_Count >= 2",
        "alb-latency": "p99 TargetResponseTime >= 0.5",
        "alb-certificate": "Minimum DaysToExpiry <= 14",
        "nlb-ports": "Sum PortAllocationErrorCount >= 3",
        "clb-own-errors": "Sum HTTPCode_ELB_5XX >= 4",
    }
    assert alarms(balancers(**{name: dict.fromkeys(each) for name, each in limits.items()})) == {}


@pytest.mark.parametrize("kind", [ApplicationLoadBalancer, NetworkLoadBalancer, ClassicLoadBalancer])
def test_one_zone_is_not_enough(kind):
    def program():
        more = {"clients": "vpc"} if kind is ApplicationLoadBalancer else {}
        subnets = Subnets("vpc-1", "10.0.0.0/16", {"eu-west-1a": "subnet-1"})
        kind("lb", subnets=subnets, certificate_arn=CERTIFICATE, logs=logs(), **more)

    with pytest.raises(ValueError, match=r"'lb': has subnets in 1 zone\(s\), but ELB needs two"):
        run(program)


def test_a_classic_load_balancer_waits_a_minute_at_most_for_a_check():
    check = HealthCheckArgs(timeout_seconds=61, interval_seconds=120)
    with pytest.raises(ValueError, match="timeout_seconds is 61; a Classic one takes 60"):
        run(
            lambda: ClassicLoadBalancer(
                "clb", subnets=network().private, certificate_arn=CERTIFICATE, logs=logs(), health_check=check
            )
        )


def test_names_leave_room_for_the_suffix():
    assert one(run(lambda: bare("a" * 24)), "lb/loadBalancer:LoadBalancer", "a" * 24)
    with pytest.raises(ValueError, match="has 25 characters: at most 24"):
        run(lambda: bare("a" * 25))
    with pytest.raises(ValueError, match=r"'a{17}-default' has 25 characters: at most 24"):
        run(lambda: alb("vpc", network(), logs(), "a" * 17))


def test_without_a_default_it_answers_404():
    (action,) = one(run(bare), "lb/listener:Listener", "alb-https").inputs["defaultActions"]
    assert (action["type"], action["fixedResponse"]["statusCode"]) == ("fixed-response", "404")


@pytest.mark.parametrize(
    ("args", "changes", "path"),
    [
        (HealthCheckArgs, {"timeout_seconds": 15}, "timeout_seconds"),
        (HealthCheckArgs, {"interval_seconds": 4, "timeout_seconds": 2}, "interval_seconds"),
        (HealthCheckArgs, {"path": "health"}, "path"),
        (HealthCheckArgs, {"healthy_threshold": 1}, "healthy_threshold"),
        (ApplicationLoadBalancerArgs, {"tls_policy": "ELBSecurityPolicy-2016-08"}, "tls_policy"),
        (ApplicationLoadBalancerArgs, {"tls_policy": "ELBSecurityPolicy-TLS13-1-3-2021-06"}, "tls_policy"),
        (ApplicationLoadBalancerArgs, {"idle_timeout_seconds": 4001}, "idle_timeout_seconds"),
        (ApplicationLoadBalancerArgs, {"idle_timeout_seconds": "60"}, "idle_timeout_seconds"),
    ],
)
def test_bad_arguments(args, changes, path):
    with pytest.raises(ValidationError) as wrong:
        args.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [(path,)]


@pytest.mark.parametrize(
    ("args", "field", "value"),
    [
        (ApplicationLoadBalancerArgs, "target_errors_percent", 0),
        (ApplicationLoadBalancerArgs, "own_errors_limit", 0),
        (ApplicationLoadBalancerArgs, "latency_p99_seconds", 0),
        (ApplicationLoadBalancerArgs, "certificate_days", 391),
        (ApplicationLoadBalancerArgs, "port_errors_limit", 1),
        (NetworkLoadBalancerArgs, "port_errors_limit", 0),
        (ClassicLoadBalancerArgs, "own_errors_limit", "10"),
    ],
)
def test_bad_thresholds(args, field, value):
    with pytest.raises(ValidationError) as wrong:
        args.model_validate({"alarms": {field: value}})
    assert [error["loc"] for error in wrong.value.errors()] == [("alarms", field)]
