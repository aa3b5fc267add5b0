"""The program as a whole: both stacks, and other settings than theirs."""

import re
from typing import Any

import pytest

from components import analytics, backend, kubernetes
from settings.model import TiersSettings
from tests.registered import STACKS, by_sid, of, one, run_stack, stack_config, used_vpc

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
QUICKSIGHT = "arn:aws:quicksight:us-east-1:123456789012"
DRIVER = "mariadb-java-client-3.5.6.jar"

MATRIX: dict[str, dict[str, Any]] = {
    "cdn off": {"edge": {"cdn": False}},
    "no NAT, web public": {
        "network": {
            "nat": "none",
            "interface_endpoints": sorted(backend.ENDPOINTS | kubernetes.ENDPOINTS | analytics.ENDPOINTS),
        },
        "web": {"placement": "public"},
        "analytics": {"packages": [], "jars": ["s3://platform-dev-artifacts-123456789012-us-east-1/jars/" + DRIVER]},
    },
    "NAT per zone, web private": {"network": {"nat": "per_zone"}, "web": {"placement": "private"}},
    "VPC, keys and buckets of others": {
        "network": {"cidr": None, "use": used_vpc("us-east-1a", "us-east-1b")},
        "security": {"use": {"data": "alias/landing-zone-data", "logs": "alias/landing-zone-logs"}},
        "logs": {"use": "landing-zone-logs", **dict.fromkeys(stack_config("dev")["platform:logs"])},
        "storage": {"use": "landing-zone-data", **dict.fromkeys(stack_config("dev")["platform:storage"])},
    },
    "three zones": {"network": {"zones": ["us-east-1a", "us-east-1b", "us-east-1c"]}},
    "Classic load balancer": {"load_balancing": {"classic": {}}},
    "application load balancer only": {"load_balancing": {"network": None}},
    "three replicas": {"database": {"replicas": {"a": {}, "b": {}, "c": {}}}},
    "zone created": {"dns": {"create_zone": True}},
    "no edge": {
        "tiers": {"edge": False},
        "load_balancing": {"certificate_arn": CERTIFICATE},
    },
    "no web": {"tiers": {"web": False}},
    "no cache": {"tiers": {"cache": False}},
    "no database": {"tiers": {"database": False, "analytics": False, "visualization": False}},
    "no storage": {"tiers": {"storage": False}},
    "no messaging": {"tiers": {"messaging": False}},
    "no registry": {"tiers": {"registry": False}},
    "no analytics": {"tiers": {"analytics": False, "visualization": False}},
    "no audit": {"tiers": {"audit": False}},
    "no visualization": {"tiers": {"visualization": False}},
    "no Grafana": {"tiers": {"grafana": False}},
    "QuickSight with all of its sources": {
        "visualization": {
            "manifest": True,
            "mysql": {},
            "readers": [f"{QUICKSIGHT}:group/default/readers"],
            "authors": [f"{QUICKSIGHT}:group/default/authors"],
            "restricted_columns": {"revenue": [f"{QUICKSIGHT}:group/default/authors"]},
            "subscription": {"account_name": "platform-dev", "notification_email": "bi@example.com"},
        }
    },
    "Grafana by SAML, in the VPC": {
        "grafana": {
            "authentication": ["SAML"],
            "saml": {
                "metadata_url": "https://login.example.com/metadata.xml",
                "admin_role_values": ["admins"],
                "editor_role_values": ["editors"],
            },
            "vpc_connection": True,
        }
    },
    "delivery": {
        "tiers": {"delivery": True},
        "delivery": {
            "reviewers": ["user/ann", "role/reviewers"],
            "approval_count": 2,
            "environments": {"dev": {"region": "us-east-1", "needs_approval": False}},
            "deletion_protection": False,
        },
    },
    "no dashboard, thresholds of one's own": {
        "observability": {"dashboard": False, "wait_seconds": 0},
        "alarms": {"subscribers": {"team": "team@example.com"}},
        "audit": {"insights": ["ApiErrorRateInsight"]},
    },
    "analytics from a replica, with a crawler": {
        "database": {"replicas": {"reader": {}}},
        "lake": {"raw": {"expiration_days": 30}, "crawler": {}},
    },
    "analytics on a cluster that stays": {
        "tiers": {"backend": False},
        "analytics": {"long_running": True, "task": None},
    },
    "no kubernetes": {"tiers": {"kubernetes": False}},
    "public Kubernetes API, extended support": {
        "kubernetes": {"public_access_cidrs": ["20.30.40.0/24"], "support_type": "EXTENDED"}
    },
    "node groups of each kind": {
        "kubernetes": {
            "node_groups": {
                "general": {},
                "x86": {"instance_types": ["m7i.large"], "min_size": 0, "labels": {"arch": "x86"}},
                "spot": {
                    "capacity": "SPOT",
                    "instance_types": ["m6i.large", "m6a.large"],
                    "taints": {"spot": {"effect": "PREFER_NO_SCHEDULE"}},
                },
                "spot-arm": {"capacity": "SPOT", "instance_types": ["m6g.large", "m7g.large"], "max_unavailable": 2},
            },
            "access_entries": {
                "admins": {
                    "principal_arn": "arn:aws:iam::123456789012:role/admins",
                    "policy": "AmazonEKSClusterAdminPolicy",
                },
                "readers": {
                    "principal_arn": "arn:aws:iam::123456789012:role/readers",
                    "namespaces": ["services"],
                },
            },
        }
    },
    "no backend": {"tiers": {"backend": False}},
    "backend's own Application Load Balancer": {"backend": {"load_balancer": "application"}},
    "backend's own Network Load Balancer": {
        "backend": {
            "load_balancer": "network",
            "health_check": {"interval_seconds": 10},
        }
    },
    "backend's own Classic Load Balancer": {"backend": {"load_balancer": "classic"}},
    "backend on Spot, deployed immutably": {
        "backend": {
            "instance_types": ["t4g.small", "t4g.medium"],
            "spot_percent": 50,
            "deployment_policy": "Immutable",
        }
    },
    "backend alone, without the load balancing tier": {
        "tiers": {"edge": False, "load_balancing": False, "web": False},
        "backend": {"load_balancer": "application"},
        "load_balancing": {"certificate_arn": CERTIFICATE},
    },
    "Redis in shards": {"cache": {"nodes": None, "multi_az": True, "cluster_mode": {"shards": 3}}},
    "Redis with replicas": {"cache": {"nodes": 3, "multi_az": True}},
    "FIFO queue": {"messaging": {"queues": {"payments": {"fifo": True, "senders": ["web"]}}}},
    "foundation only": {"tiers": dict.fromkeys(TiersSettings.model_fields, False)},
}


@pytest.fixture(scope="module", params=STACKS)
def recording(request):
    return run_stack(request.param)


@pytest.fixture(scope="module", params=MATRIX)
def variant(request):
    return run_stack("dev", **MATRIX[request.param])


def assert_well_formed(recording):
    orphans = [r.urn for r in recording.registrations if r.custom and r.parent is None and "providers" not in r.type]
    assert orphans == []
    by_urn = {r.urn: r for r in recording.registrations}
    for registration in recording.registrations:
        if registration.custom:
            root = by_urn[registration.parent]
            while root.parent:
                root = by_urn[root.parent]
            # Every child carries the name of what it belongs to, and none a place in a list.
            assert re.match(rf"{root.name}\b|dns-|alb-|nlb-", registration.name), registration.urn
            port_apart = registration.name.removesuffix("-80")
            assert not re.search(r"(^|-)\d{1,2}$", port_apart), registration.urn


def test_no_orphans_and_no_index_for_a_name(recording):
    assert_well_formed(recording)


def test_every_variant_is_well_formed(variant):
    assert_well_formed(variant)


PROD_ALONE = {
    "delivery": "platform:index:Delivery",
    "alarms-global": "platform:index:AlarmTopic",  # dev is in us-east-1 itself
    "alarms-global-key": "platform:index:EncryptionKey",
}


def test_components(recording):
    components = {r.name: r.type for r in recording.registrations if not r.custom and r.parent is None}
    assert components == {
        "security": "platform:index:Security",
        "logs": "platform:index:LogBucket",
        "network": "platform:index:Network",
        "dns": "platform:index:Dns",
        "alb": "platform:index:ApplicationLoadBalancer",
        "nlb": "platform:index:NetworkLoadBalancer",
        "edge": "platform:index:Edge",
        "cache": "platform:index:Cache",
        "database": "platform:index:Database",
        "storage": "platform:index:SecureBucket",
        "messaging": "platform:index:Messaging",
        "web": "platform:index:Web",
        "artifacts": "platform:index:SecureBucket",
        "backend": "platform:index:Backend",
        "kubernetes": "platform:index:Kubernetes",
        "registry": "platform:index:Registry",
        "alarms": "platform:index:AlarmTopic",
        "lake": "platform:index:DataLake",
        "analytics": "platform:index:Analytics",
        "visualization": "platform:index:Visualization",
        "audit": "platform:index:Audit",
        "observability": "platform:index:Observability",
        "grafana": "platform:index:Grafana",
    } | (PROD_ALONE if recording.stack == "prod" else {})


def test_every_component_registers_its_outputs(recording):
    silent = [r.name for r in recording.registrations if not r.custom and not r.outputs]
    assert silent == []


def test_a_first_preview_registers_the_same_resources(recording):
    unknown = run_stack(recording.stack, unknown=True)
    assert {(r.type, r.name) for r in unknown.registrations} == {(r.type, r.name) for r in recording.registrations}


def test_outputs():
    outputs = run_stack("prod").outputs
    assert outputs["url"] == "https://www.example.com"
    assert sorted(outputs) == [
        "analytics_certificates_uri",
        "analytics_state_machine_arn",
        "backend_endpoint",
        "bucket",
        "cache_endpoint",
        "cache_secret_arn",
        "clone_url",
        "cluster_endpoint",
        "cluster_name",
        "dashboard",
        "database_endpoint",
        "database_replica_endpoints",
        "database_secret_arn",
        "grafana_url",
        "load_balancer",
        "log_bucket",
        "name_servers",
        "queue_urls",
        "quicksight_dashboard_url",
        "repository_urls",
        "url",
        "vpc_id",
    ]
    assert sorted(outputs["database_replica_endpoints"]) == ["analytics", "reader"]


@pytest.mark.parametrize(("stack", "web"), [("dev", "public"), ("prod", "private")])
def test_where_the_tiers_stand(stack, web):
    recording = run_stack(stack)
    subnets = {r.urn: name for name, r in of(recording, "ec2/subnet:Subnet").items()}

    def tiers(type_token, name, key):
        urns = one(recording, type_token, name).property_dependencies[key]
        return {subnets[urn].split("-")[1] for urn in urns}

    assert tiers("autoscaling/group:Group", "web", "vpcZoneIdentifiers") == {web}
    assert tiers("rds/subnetGroup:SubnetGroup", "database", "subnetIds") == {"isolated"}
    assert tiers("lb/loadBalancer:LoadBalancer", "alb", "subnets") == {"public"}
    assert tiers("lb/loadBalancer:LoadBalancer", "nlb", "subnets") == {"private"}


def test_prod_protects_what_it_keeps():
    kept = {r.name for r in run_stack("prod").registrations if r.protect and r.custom}
    assert kept == {
        "security-data",
        "security-logs",
        "alarms-global-key",
        "audit",
        "delivery",
        "edge-cdn-logs",
        "grafana",
        "logs",
        "storage",
        "artifacts",
        "lake-raw",
        "lake-curated",
        "lake-results",
        "cache",  # and its secret
        "messaging-orders",
        "messaging-orders-dead-letters",
        "registry-services",
        "kubernetes-eksCluster",
        "kubernetes-eks-k8s",
        "kubernetes-oidcProvider",
        "database",  # its password and its secret
        "database-primary",
    }
    assert {r.name for r in run_stack("dev").registrations if r.protect} == set()


def test_without_an_edge_the_load_balancer_is_internal():
    recording = run_stack("dev", **MATRIX["no edge"])
    assert one(recording, "lb/loadBalancer:LoadBalancer", "alb").inputs["internal"] is True
    assert one(recording, "lb/listener:Listener", "alb-https").inputs["certificateArn"] == CERTIFICATE
    assert [r.name for r in recording.registrations if "route53" in r.type or "cloudfront" in r.type] == []


def test_without_a_database_nobody_may_read_its_secret_or_connect():
    recording = run_stack("dev", **MATRIX["no database"])
    for policy in of(recording, "iam/rolePolicy:RolePolicy").values():
        assert "secret:platform-dev-database" not in policy.inputs["policy"]
    assert "database_endpoint" not in recording.outputs
    assert not [r.name for r in recording.registrations if r.inputs.get("fromPort") == 3306]


def test_network_load_balancer_has_a_name_that_its_certificate_covers():
    recording = run_stack("dev")
    record = one(recording, "route53/record:Record", "dns-internal.dev.example.com-A")
    nlb = one(recording, "lb/loadBalancer:LoadBalancer", "nlb")
    assert record.inputs["aliases"][0]["name"] == nlb.outputs["dnsName"]


@pytest.mark.parametrize(
    ("stack", "pushers"), [("dev", []), ("prod", ["arn:aws:iam::123456789012:role/platform-prod-delivery-prod"])]
)
def test_nodes_alone_pull_images_and_the_deployment_alone_pushes(stack, pushers):
    recording = run_stack(stack, unknown=True)
    if pushers:
        assert one(recording, "iam/role:Role", "delivery-prod").inputs["name"] == "platform-prod-delivery-prod"
    role = f"arn:aws:iam::123456789012:role/{one(recording, 'iam/role:Role', 'kubernetes-node').inputs['name']}"
    services = "arn:aws:iam::123456789012:role/aws-service-role/*"
    denied = by_sid(one(recording, "ecr/repositoryPolicy:RepositoryPolicy", "registry-services").inputs["policy"])
    assert {sid: statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"] for sid, statement in denied.items()} == {
        "DenyPull": [role, *pushers, services],
        "DenyPush": [*pushers, services],
    }


def test_every_policy_document_is_known_before_anything_exists():
    recording = run_stack("prod", unknown=True)
    for registration in recording.registrations:
        for key in ("policy", "policyDocument", "assumeRolePolicy"):
            if key in registration.inputs and registration.custom:
                document = registration.inputs[key]
                assert isinstance(document, str), f"{registration.urn} {key}"
                assert '"Statement"' in document or registration.type == "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    keys = of(recording, "kms/key:Key")
    assert all("AccountIam" in by_sid(key.inputs["policy"]) for key in keys.values())


def test_names_stay_within_their_limits_and_apart_for_long_stack_names():
    from standin.mocks import run_program
    from tests.registered import ROOT, stack_config

    names = []
    for stack in ("a" * 99 + "b", "a" * 100):
        recording = run_program(ROOT, stack, stack_config("prod"))
        names.append({(r.type, r.name): r.inputs for r in recording.registrations})
    for kind, limit, key in (
        ("aws:s3/bucket:Bucket", 63, "bucket"),
        ("aws:rds/instance:Instance", 63, "identifier"),
        ("aws:kms/alias:Alias", 256, "name"),
        ("aws:cloudwatch/logGroup:LogGroup", 512, "name"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", 40, "replicationGroupId"),
        ("aws:sqs/queue:Queue", 80, "name"),
        ("aws:ecr/repository:Repository", 256, "name"),
        ("aws:cloudwatch/logDeliverySource:LogDeliverySource", 60, "name"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", 255, "name"),
        ("aws:wafv2/webAcl:WebAcl", 128, "name"),
        ("aws:secretsmanager/secret:Secret", 512 - 26, "namePrefix"),
    ):
        for identity, inputs in names[0].items():
            if identity[0] == kind:
                assert len(inputs[key]) <= limit, identity
                assert inputs[key] != names[1][identity][key], identity
