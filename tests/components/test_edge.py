import pytest
from pydantic import ValidationError

from components.edge import Dns, DnsArgs, Edge, EdgeArgs, WafArgs, WebAcl
from tests.components.tiers import alb, dns, logs, network, security
from tests.registered import alarms, by_sid, of, one, run, waits_for

WEB_ACL = "wafv2/webAcl:WebAcl"
RECORD = "route53/record:Record"


def edge(cdn=True, **changes):
    def program():
        log_bucket = logs()
        balancer = alb("cloudfront" if cdn else "internet", network(), log_bucket)
        args = EdgeArgs.model_validate({"cdn": cdn} | changes)
        Edge("edge", args, dns=dns(), alb=balancer, logs=log_bucket, logs_key=security().logs)

    return run(program)


@pytest.fixture(scope="module")
def cdn():
    return edge()


@pytest.fixture(scope="module")
def no_cdn():
    return edge(cdn=False)


def test_one_validation_record_serves_both_certificates(cdn):
    certificates = of(cdn, "acm/certificate:Certificate")
    assert {name: r.inputs.get("region") for name, r in certificates.items()} == {"dns": None, "edge-cdn": "us-east-1"}
    for certificate in certificates.values():
        assert certificate.inputs["domainName"] == "app.example.com"
        assert certificate.inputs["subjectAlternativeNames"] == ["*.app.example.com"]
        assert certificate.inputs["validationMethod"] == "DNS"
    record = one(cdn, RECORD, "dns-validation-app.example.com")
    validations = of(cdn, "acm/certificateValidation:CertificateValidation")
    assert {name: r.inputs.get("region") for name, r in validations.items()} == {"dns": None, "edge-cdn": "us-east-1"}
    for validation in validations.values():
        assert validation.property_dependencies["validationRecordFqdns"] == [record.urn]


def test_certificates_are_used_only_once_issued(cdn):
    validations = of(cdn, "acm/certificateValidation:CertificateValidation")
    distribution = one(cdn, "cloudfront/distribution:Distribution", "edge-cdn")
    assert distribution.property_dependencies["viewerCertificate"] == [validations["edge-cdn"].urn]


def test_distribution(cdn):
    inputs = one(cdn, "cloudfront/distribution:Distribution", "edge-cdn").inputs
    assert inputs["aliases"] == ["app.example.com"]
    assert inputs["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
    assert inputs["viewerCertificate"]["sslSupportMethod"] == "sni-only"
    (origin,) = inputs["origins"]
    assert origin["domainName"] == "origin.app.example.com"
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert origin["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]
    behaviours = [inputs["defaultCacheBehavior"], *inputs["orderedCacheBehaviors"]]
    assert {b["targetOriginId"] for b in behaviours} == {origin["originId"]}
    assert {b["viewerProtocolPolicy"] for b in behaviours} == {"redirect-to-https"}


def test_distribution_sends_the_header_that_the_load_balancer_demands(cdn):
    distribution = one(cdn, "cloudfront/distribution:Distribution", "edge-cdn")
    secret = one(cdn, "index/randomPassword:RandomPassword", "alb-origin-secret").outputs["result"]
    assert distribution.inputs["origins"][0]["customHeaders"] == [{"name": "x-origin-verify", "value": secret}]
    assert "origins" in distribution.secrets


def test_web_acls_lie_where_they_must_and_are_attached(cdn):
    acls = of(cdn, WEB_ACL)
    assert {name: (r.inputs["scope"], r.inputs.get("region")) for name, r in acls.items()} == {
        "edge-alb": ("REGIONAL", None),
        "edge-cdn": ("CLOUDFRONT", "us-east-1"),
    }
    distribution = one(cdn, "cloudfront/distribution:Distribution", "edge-cdn")
    assert distribution.property_dependencies["webAclId"] == [acls["edge-cdn"].urn]
    association = one(cdn, "wafv2/webAclAssociation:WebAclAssociation", "edge-alb")
    balancer = one(cdn, "lb/loadBalancer:LoadBalancer", "alb")
    assert association.property_dependencies == {"webAclArn": [acls["edge-alb"].urn], "resourceArn": [balancer.urn]}


def test_addresses_are_counted_where_they_are_the_clients_own(cdn, no_cdn):
    def limited(recording):
        return {
            name: any("rateBasedStatement" in rule["statement"] for rule in acl.inputs["rules"])
            for name, acl in of(recording, WEB_ACL).items()
        }

    assert limited(cdn) == {"edge-alb": False, "edge-cdn": True}
    assert limited(no_cdn) == {"edge-alb": True}


def test_web_acl_blocks_what_did_not_come_through_the_distribution(cdn, no_cdn):
    acl = one(cdn, WEB_ACL, "edge-alb")
    rule = next(rule for rule in acl.inputs["rules"] if rule["name"] == "origin-verify")
    assert (rule["priority"], rule["action"]) == (0, {"block": {}})
    match = rule["statement"]["notStatement"]["statement"]["byteMatchStatement"]
    assert (
        match["searchString"] == one(cdn, "index/randomPassword:RandomPassword", "alb-origin-secret").outputs["result"]
    )
    assert match["fieldToMatch"] == {"singleHeader": {"name": "x-origin-verify"}}
    assert match["positionalConstraint"] == "EXACTLY"
    assert "rules" in acl.secrets
    for other in (one(cdn, WEB_ACL, "edge-cdn"), one(no_cdn, WEB_ACL, "edge-alb")):
        assert "origin-verify" not in {rule["name"] for rule in other.inputs["rules"]}


BLOCKED = "Sum BlockedRequests >= {}, 1 x 300 s, notBreaching"
ERRORS = "Average 5xxErrorRate >= {}, 5 x 60 s, notBreaching"
CERTIFICATE_ENDS = "Minimum DaysToExpiry <= {}, 1 x 86400 s, ignore"
DOWN = "Minimum HealthCheckStatus < 1, {} x 60 s, breaching"


def own(recording):
    return {name: alarm for name, alarm in alarms(recording).items() if name.startswith("edge-")}


def test_alarms(cdn, no_cdn):
    distribution = one(cdn, "cloudfront/distribution:Distribution", "edge-cdn")
    certificate = one(cdn, "acm/certificateValidation:CertificateValidation", "edge-cdn")
    check = one(cdn, "route53/healthCheck:HealthCheck", "edge")
    acls = of(cdn, WEB_ACL)
    regional = {"WebACL": "platform-test-edge-alb", "Rule": "ALL", "Region": "eu-west-1"}
    assert own(cdn) == {
        "edge-alb-blocked": (BLOCKED.format(1000), regional),
        # CloudFront's web ACLs are the only ones without a region.
        "edge-cdn-blocked": (BLOCKED.format(1000), {"WebACL": "platform-test-edge-cdn", "Rule": "ALL"}),
        "edge-cdn-errors": (
            ERRORS.format(5),
            {"DistributionId": distribution.outputs["id"], "Region": "Global"},
        ),
        "edge-cdn-certificate": (
            CERTIFICATE_ENDS.format(30),
            {"CertificateArn": certificate.outputs["certificateArn"]},
        ),
        "edge-health-check": (DOWN.format(3), {"HealthCheckId": check.outputs["id"]}),
    }
    made = of(cdn, "cloudwatch/metricAlarm:MetricAlarm")
    where = {
        name: (made[name].inputs.get("region"), made[name].inputs["namespace"], dependencies)
        for name in own(cdn)
        for dependencies in made[name].property_dependencies["dimensions"]
    }
    assert where == {
        "edge-alb-blocked": (None, "AWS/WAFV2", acls["edge-alb"].urn),
        "edge-cdn-blocked": ("us-east-1", "AWS/WAFV2", acls["edge-cdn"].urn),
        "edge-cdn-errors": ("us-east-1", "AWS/CloudFront", distribution.urn),
        "edge-cdn-certificate": ("us-east-1", "AWS/CertificateManager", certificate.urn),
        "edge-health-check": ("us-east-1", "AWS/Route53", check.urn),
    }
    assert own(no_cdn).keys() == {"edge-alb-blocked", "edge-health-check"}


def test_a_web_acls_metrics_bear_its_name(cdn):
    """Stacks of one account would mix their metrics in us-east-1."""
    for name, acl in of(cdn, WEB_ACL).items():
        assert acl.inputs["name"] == acl.inputs["visibilityConfig"]["metricName"] == f"platform-test-{name}"


def test_thresholds_and_none():
    limits = {"errors_percent": 1, "certificate_days": 14, "down_minutes": 10}
    changed = own(edge(alarms=limits, waf={"alarms": {"blocked_requests_limit": 50}}))
    assert {name: when for name, (when, _) in changed.items()} == {
        "edge-alb-blocked": BLOCKED.format(50),
        "edge-cdn-blocked": BLOCKED.format(50),
        "edge-cdn-errors": ERRORS.format(1),
        "edge-cdn-certificate": CERTIFICATE_ENDS.format(14),
        "edge-health-check": DOWN.format(10),
    }
    assert own(edge(alarms=dict.fromkeys(limits), waf={"alarms": {"blocked_requests_limit": None}})) == {}
    assert "edge-health-check" not in own(edge(health_check=False))


def test_waf_logs(cdn):
    groups = of(cdn, "cloudwatch/logGroup:LogGroup")
    for name, region in {"edge-alb": "eu-west-1", "edge-cdn": "us-east-1"}.items():
        group = groups[name]
        assert group.inputs["name"] == f"aws-waf-logs-platform-test-{name}"
        assert group.outputs["region"] == region
        key = one(cdn, "kms/key:Key", {"edge-alb": "security-logs", "edge-cdn": "edge-cdn-logs"}[name])
        assert group.property_dependencies["kmsKeyId"] == [key.urn]
        configuration = one(cdn, "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", name)
        assert configuration.inputs["redactedFields"] == [
            {"singleHeader": {"name": header}} for header in ("authorization", "cookie", "x-origin-verify")
        ]
        policy = one(cdn, "cloudwatch/logResourcePolicy:LogResourcePolicy", name)
        assert waits_for(cdn, configuration, policy)
        assert (
            f"arn:aws:logs:{region}:123456789012:log-group:{group.inputs['name']}:*" in policy.inputs["policyDocument"]
        )
    key = one(cdn, "kms/key:Key", "edge-cdn-logs")
    assert key.inputs["region"] == "us-east-1"
    assert set(by_sid(key.inputs["policy"])) == {"AccountIam", "CloudWatchLogs"}


def test_access_logs_are_delivered_to_the_log_bucket(cdn):
    source = one(cdn, "cloudwatch/logDeliverySource:LogDeliverySource", "edge-cdn")
    destination = one(cdn, "cloudwatch/logDeliveryDestination:LogDeliveryDestination", "edge-cdn")
    delivery = one(cdn, "cloudwatch/logDelivery:LogDelivery", "edge-cdn")
    assert {r.inputs["region"] for r in (source, destination, delivery)} == {"us-east-1"}
    distribution = one(cdn, "cloudfront/distribution:Distribution", "edge-cdn")
    assert source.property_dependencies["resourceArn"] == [distribution.urn]
    assert destination.inputs["deliveryDestinationConfiguration"] == {
        "destinationResourceArn": "arn:aws:s3:::platform-test-logs-123456789012-eu-west-1"
    }
    assert waits_for(cdn, delivery, one(cdn, "s3/bucketPolicy:BucketPolicy", "logs"))


def test_records_lead_to_the_distribution(cdn):
    aliases = {name: r for name, r in of(cdn, RECORD).items() if "aliases" in r.inputs}
    assert sorted(aliases) == [
        "dns-app.example.com-A",
        "dns-app.example.com-AAAA",
        "dns-origin.app.example.com-A",
    ]
    alias = aliases["dns-app.example.com-AAAA"].inputs["aliases"][0]
    assert (alias["zoneId"], alias["evaluateTargetHealth"]) == ("Z2FDTNDATAQYW2", False)
    origin = aliases["dns-origin.app.example.com-A"].inputs["aliases"][0]
    assert origin["name"] == one(cdn, "lb/loadBalancer:LoadBalancer", "alb").outputs["dnsName"]


def test_without_a_cdn_the_record_leads_to_the_load_balancer(no_cdn):
    balancer = one(no_cdn, "lb/loadBalancer:LoadBalancer", "alb").outputs
    aliases = {name: r.inputs["aliases"] for name, r in of(no_cdn, RECORD).items() if "aliases" in r.inputs}
    assert aliases == {
        "dns-app.example.com-A": [
            {"name": balancer["dnsName"], "zoneId": balancer["zoneId"], "evaluateTargetHealth": True}
        ]
    }
    assert of(no_cdn, "cloudfront/distribution:Distribution") == {}
    assert list(of(no_cdn, WEB_ACL)) == ["edge-alb"]


def test_more_host_names_and_no_health_check():
    recording = edge(host_names=["www"], health_check=False)
    assert one(recording, "cloudfront/distribution:Distribution", "edge-cdn").inputs["aliases"] == [
        "app.example.com",
        "www.app.example.com",
    ]
    assert one(recording, RECORD, "dns-www.app.example.com-AAAA")
    assert of(edge(), "route53/healthCheck:HealthCheck").keys() == {"edge"}
    assert of(recording, "route53/healthCheck:HealthCheck") == {}


def test_health_check(cdn):
    inputs = one(cdn, "route53/healthCheck:HealthCheck", "edge").inputs
    assert (inputs["type"], inputs["fqdn"], inputs["resourcePath"]) == ("HTTPS", "app.example.com", "/health")


def test_zone_is_looked_up_or_created():
    assert of(run(dns), "route53/zone:Zone") == {}
    created = run(lambda: Dns("dns", DnsArgs(zone="example.com", domain="example.com", create_zone=True)))
    assert one(created, "route53/zone:Zone", "dns").inputs["name"] == "example.com"


def test_rules_have_fixed_priorities_of_their_own():
    every = dict.fromkeys(
        WafArgs.model_json_schema()["properties"]["managed_rule_groups"]["propertyNames"]["enum"], "count"
    )

    def rules(args):
        recording = run(lambda: WebAcl("acl", args, scope="CLOUDFRONT", logs_key=security().logs))
        return {rule["name"]: rule for rule in one(recording, WEB_ACL, "acl").inputs["rules"]}

    few, all_of_them = rules(WafArgs()), rules(WafArgs.model_validate({"managed_rule_groups": every}))
    priorities = {name: rule["priority"] for name, rule in all_of_them.items()}
    assert len(set(priorities.values())) == len(priorities) == 12
    assert {name: rule["priority"] for name, rule in few.items()}.items() <= priorities.items()
    assert few["AWSManagedRulesCommonRuleSet"]["overrideAction"] == {"none": {}}
    assert all_of_them["AWSManagedRulesCommonRuleSet"]["overrideAction"] == {"count": {}}
    assert few["rate-limit"]["action"] == {"block": {}}


def test_single_rules_may_only_count():
    args = WafArgs(counted_rules={"AWSManagedRulesCommonRuleSet": ["SizeRestrictions_BODY"]})
    recording = run(lambda: WebAcl("acl", args, scope="CLOUDFRONT", logs_key=security().logs))
    overrides = {
        rule["name"]: rule["statement"]["managedRuleGroupStatement"].get("ruleActionOverrides", [])
        for rule in one(recording, WEB_ACL, "acl").inputs["rules"]
        if rule["name"] != "rate-limit"
    }
    assert overrides.pop("AWSManagedRulesCommonRuleSet") == [
        {"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}
    ]
    assert list(overrides.values()) == [[]] * 3


@pytest.mark.parametrize(("scope", "resource_arn"), [("CLOUDFRONT", "arn:x"), ("REGIONAL", None)])
def test_a_web_acl_for_the_wrong_scope_is_refused(scope, resource_arn):
    with pytest.raises(ValueError, match="resource_arn goes with scope REGIONAL"):
        run(lambda: WebAcl("acl", scope=scope, resource_arn=resource_arn, logs_key=security().logs))


@pytest.mark.parametrize(("cdn", "clients"), [(True, "internet"), (False, "cloudfront")])
def test_edge_and_load_balancer_must_agree_on_the_cdn(cdn, clients):
    def program():
        log_bucket = logs()
        balancer = alb(clients, network(), log_bucket)
        Edge("edge", EdgeArgs(cdn=cdn), dns=dns(), alb=balancer, logs=log_bucket, logs_key=security().logs)

    with pytest.raises(ValueError, match=f"cdn is {cdn}, so the load balancer's clients must be"):
        run(program)


@pytest.mark.parametrize(
    ("args", "changes", "path"),
    [
        (DnsArgs, {"zone": "example.com", "domain": "example.org"}, "domain"),
        (DnsArgs, {"zone": "example.com", "domain": "notexample.com"}, "domain"),
        (DnsArgs, {"zone": "example", "domain": "app.example.com"}, "zone"),
        (DnsArgs, {"zone": "example.com", "domain": "UPPER.example.com"}, "domain"),
        (DnsArgs, {"zone": "example.com", "domain": f"{'a' * 60}.example.com"}, "domain"),
        (EdgeArgs, {"host_names": ["origin"]}, "host_names"),
        (EdgeArgs, {"host_names": ["www", "www"]}, "host_names"),
        (EdgeArgs, {"static_paths": ["static/*"]}, "static_paths"),
        (EdgeArgs, {"tls_version": "TLSv1"}, "tls_version"),
        (EdgeArgs, {"tls_version": "TLSv1.3_2025"}, "health_check"),
        (EdgeArgs, {"waf": {"counted_rules": {"AWSManagedRulesPHPRuleSet": ["x"]}}}, "waf"),
        (EdgeArgs, {"price_class": "PriceClass_1"}, "price_class"),
        (EdgeArgs, {"waf": {"rate_limit": 9}}, "waf"),
        (EdgeArgs, {"waf": {"alarms": {"blocked_requests_limit": 0}}}, "waf"),
        (EdgeArgs, {"alarms": {"errors_percent": 0}}, "alarms"),
        (EdgeArgs, {"alarms": {"certificate_days": 0}}, "alarms"),
        (EdgeArgs, {"alarms": {"down_minutes": 0}}, "alarms"),
        (EdgeArgs, {"waf": {"managed_rule_groups": {}}}, "waf"),
        (EdgeArgs, {"waf": {"managed_rule_groups": {"AWSManagedRulesCommonRuleSet": "allow"}}}, "waf"),
    ],
)
def test_bad_arguments(args, changes, path):
    with pytest.raises(ValidationError) as wrong:
        args.model_validate(changes)
    assert {error["loc"][0] for error in wrong.value.errors()} == {path}
