import json
import re

import pulumi
import pytest
from pydantic import ValidationError

from components.cache import Cache, CacheArgs
from components.network import Subnets
from tests.components.tiers import ZONES, network, security
from tests.registered import alarms, counts, of, one, run, statements, waits_for

GROUP = "elasticache/replicationGroup:ReplicationGroup"
PARAMETERS = "elasticache/parameterGroup:ParameterGroup"
PASSWORD = "index/randomPassword:RandomPassword"


def cache(*, unknown=False, **changes):
    def program():
        keys = security()
        args = CacheArgs.model_validate(changes)
        made = Cache("cache", args, subnets=network().isolated, key=keys.data, logs_key=keys.logs)
        pulumi.export("reader", made.reader_endpoint)
        pulumi.export("statements", pulumi.Output.json_dumps(made.read_secret_statements()))

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def recording():
    return cache()


@pytest.fixture(scope="module")
def sharded():
    return cache(cluster_mode={"shards": 3, "replicas_per_shard": 2})


def inputs(recording, name="cache"):
    return one(recording, GROUP, name).inputs


def test_a_primary_and_a_replica_in_two_zones(recording):
    group = one(recording, GROUP, "cache")
    expected = {
        "replicationGroupId": "platform-test-cache",
        "engine": "redis",
        "engineVersion": "7.1",
        "nodeType": "cache.t4g.small",
        "numCacheClusters": 2,
        "numNodeGroups": None,
        "replicasPerNodeGroup": None,
        "dataTieringEnabled": None,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "port": 6379,
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "authTokenUpdateStrategy": "ROTATE",
        "atRestEncryptionEnabled": True,
        "snapshotRetentionLimit": 7,
        "snapshotWindow": "02:00-03:00",
        "maintenanceWindow": "sun:03:30-sun:04:30",
        "autoMinorVersionUpgrade": True,
    }
    assert {key: group.inputs.get(key) for key in expected} == expected
    assert group.protect
    assert group.property_dependencies["kmsKeyId"] == [one(recording, "kms/key:Key", "security-data").urn]


def test_it_adds_exactly_this(recording):
    def program():
        security()
        network()

    without = counts(run(program))
    added = {kind: number - without.get(kind, 0) for kind, number in counts(recording).items()}
    assert {kind: number for kind, number in added.items() if number} == {
        "LogGroup": 2,
        "LogResourcePolicy": 1,
        "MetricAlarm": 10,
        "ParameterGroup": 1,
        "RandomId": 1,
        "RandomPassword": 1,
        "ReplicationGroup": 1,
        "Secret": 1,
        "SecretVersion": 1,
        "SecurityGroup": 1,
        "SubnetGroup": 1,
    }


def test_one_node_has_nothing_to_fail_over_to():
    alone = inputs(cache(nodes=1, multi_az=False))
    assert (alone["numCacheClusters"], alone["automaticFailoverEnabled"], alone["multiAzEnabled"]) == (1, False, False)


def test_a_replica_takes_over_without_multi_az_too():
    two = inputs(cache(multi_az=False))
    assert (two["numCacheClusters"], two["automaticFailoverEnabled"], two["multiAzEnabled"]) == (2, True, False)


def test_shards(sharded):
    group = inputs(sharded, "cache-cluster")
    expected = {
        "replicationGroupId": "platform-test-cache-cluster",
        "numCacheClusters": None,
        "numNodeGroups": 3,
        "replicasPerNodeGroup": 2,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
    }
    assert {key: group.get(key) for key in expected} == expected


def test_shards_fail_over_without_replicas_too():
    bare = inputs(cache(cluster_mode={"replicas_per_shard": 0}, multi_az=False), "cache-cluster")
    assert (bare["numNodeGroups"], bare["replicasPerNodeGroup"]) == (2, 0)
    assert (bare["automaticFailoverEnabled"], bare["multiAzEnabled"]) == (True, False)


def test_the_other_mode_is_another_cache(recording, sharded):
    """ElastiCache can't turn one into the other: nothing that names it may be shared."""
    for kind in (GROUP, PARAMETERS, "index/randomId:RandomId", "cloudwatch/logResourcePolicy:LogResourcePolicy"):
        assert of(recording, kind).keys().isdisjoint(of(sharded, kind))
    kept = ("elasticache/subnetGroup:SubnetGroup", "ec2/securityGroup:SecurityGroup", "secretsmanager/secret:Secret")
    for kind in kept:
        assert of(recording, kind).keys() == of(sharded, kind).keys()


def test_endpoints(recording, sharded):
    def component(recorded):
        return next(r for r in recorded.registrations if r.type == "platform:index:Cache").outputs

    one_primary = one(recording, GROUP, "cache").outputs
    assert component(recording)["endpoint"] == one_primary["primaryEndpointAddress"]
    assert component(recording)["reader_endpoint"] == one_primary["readerEndpointAddress"]
    assert one_primary["primaryEndpointAddress"].startswith("master.platform-test-cache.")
    shards = one(sharded, GROUP, "cache-cluster").outputs
    assert component(sharded)["endpoint"] == shards["configurationEndpointAddress"]
    assert shards["configurationEndpointAddress"].startswith("clustercfg.platform-test-cache-cluster.")
    assert component(sharded).get("reader_endpoint") is None
    assert component(sharded)["port"] == 6379


def test_parameters_are_named_by_their_family(recording, sharded):
    group = one(recording, PARAMETERS, "cache-redis7")
    assert group.inputs["family"] == "redis7"
    assert group.inputs["parameters"] == [{"name": "maxmemory-policy", "value": "volatile-lru"}]
    assert one(recording, GROUP, "cache").property_dependencies["parameterGroupName"] == [group.urn]
    assert one(sharded, PARAMETERS, "cache-cluster-redis7").inputs["parameters"] == [
        {"name": "cluster-enabled", "value": "yes"},
        {"name": "maxmemory-policy", "value": "volatile-lru"},
    ]
    full = one(cache(maxmemory_policy="noeviction"), PARAMETERS, "cache-redis7").inputs["parameters"]
    assert full == [{"name": "maxmemory-policy", "value": "noeviction"}]


def test_nodes_with_an_ssd_tier_their_data():
    assert inputs(cache(node_type="cache.r6gd.xlarge"))["dataTieringEnabled"] is True


def test_it_lies_in_isolated_subnets(recording):
    group = one(recording, "elasticache/subnetGroup:SubnetGroup", "cache")
    isolated = [one(recording, "ec2/subnet:Subnet", f"network-isolated-{zone}").urn for zone in ZONES]
    assert sorted(group.property_dependencies["subnetIds"]) == isolated
    assert one(recording, GROUP, "cache").property_dependencies["subnetGroupName"] == [group.urn]


def test_nothing_may_connect_by_itself(recording):
    assert of(recording, "vpc/securityGroupIngressRule:SecurityGroupIngressRule") == {}
    assert of(recording, "vpc/securityGroupEgressRule:SecurityGroupEgressRule") == {}
    group = one(recording, "ec2/securityGroup:SecurityGroup", "cache")
    assert (group.inputs.get("ingress"), group.inputs.get("egress")) == (None, None)
    assert one(recording, GROUP, "cache").property_dependencies["securityGroupIds"] == [group.urn]


def test_logs_go_to_groups_that_stand_before_it(recording):
    group = one(recording, GROUP, "cache")
    assert group.inputs["logDeliveryConfigurations"] == [
        {
            "destination": f"/aws/elasticache/platform-test-cache/{log}",
            "destinationType": "cloudwatch-logs",
            "logFormat": "json",
            "logType": log,
        }
        for log in ("engine-log", "slow-log")
    ]
    key = one(recording, "kms/key:Key", "security-logs").urn
    for log in ("engine-log", "slow-log"):
        log_group = one(recording, "cloudwatch/logGroup:LogGroup", f"cache-{log}")
        assert log_group.inputs["name"] == f"/aws/elasticache/platform-test-cache/{log}"
        assert log_group.inputs["retentionInDays"] == 365
        assert log_group.property_dependencies["kmsKeyId"] == [key]
        assert waits_for(recording, group, log_group)


def test_logs_may_be_delivered_there_and_nowhere_else(recording):
    policy = one(recording, "cloudwatch/logResourcePolicy:LogResourcePolicy", "cache")
    assert statements(policy.inputs["policyDocument"]) == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/elasticache/platform-test-cache/*",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {"aws:SourceArn": "arn:aws:logs:eu-west-1:123456789012:*"},
            },
        }
    ]
    assert waits_for(recording, one(recording, GROUP, "cache"), policy)


def test_logs_may_be_delivered_is_known_in_a_first_preview():
    policy = one(cache(unknown=True), "cloudwatch/logResourcePolicy:LogResourcePolicy", "cache").inputs
    assert "log-group:/aws/elasticache/platform-test-cache/*" in policy["policyDocument"]


def test_the_token_is_generated_and_kept_as_a_secret(recording):
    token = one(recording, PASSWORD, "cache")
    # ElastiCache: 16 to 128 printable characters, of the special ones a few only.
    assert len(token.outputs["result"]) == 64
    assert token.outputs["result"].isalnum()
    group = one(recording, GROUP, "cache")
    assert group.inputs["authToken"] == token.outputs["result"]
    assert "authToken" in group.secrets
    version = one(recording, "secretsmanager/secretVersion:SecretVersion", "cache")
    assert json.loads(version.inputs["secretString"]) == {
        "host": group.outputs["primaryEndpointAddress"],
        "port": 6379,
        "auth_token": token.outputs["result"],
        "tls": True,
    }
    assert "secretString" in version.secrets
    secret = one(recording, "secretsmanager/secret:Secret", "cache")
    assert secret.property_dependencies["kmsKeyId"] == [one(recording, "kms/key:Key", "security-data").urn]
    assert (secret.inputs["recoveryWindowInDays"], secret.protect) == (30, True)


def test_a_new_generation_is_a_new_token_in_the_same_cache(recording):
    rotated = cache(auth_token_generation=2)
    before, after = (one(r, PASSWORD, "cache") for r in (recording, rotated))
    assert (before.inputs["keepers"], after.inputs["keepers"]) == ({"generation": "1"}, {"generation": "2"})
    assert before.outputs["result"] != after.outputs["result"]
    changed = {key for key, value in inputs(rotated).items() if value != inputs(recording)[key]}
    assert changed == {"authToken"}
    # A protected token could not be replaced.
    assert not after.protect


def test_the_secret_holds_a_token_only_when_redis_takes_it(recording):
    version = one(recording, "secretsmanager/secretVersion:SecretVersion", "cache")
    assert waits_for(recording, version, one(recording, GROUP, "cache"))


def test_the_old_token_is_shut_out():
    assert inputs(cache(auth_token_generation=2, auth_token_update_strategy="SET"))["authTokenUpdateStrategy"] == "SET"


def test_reading_the_secret_is_granted_by_name(recording):
    secret, key = json.loads(recording.outputs["statements"])
    assert secret == {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:platform-test-cache-*",
    }
    assert key["Action"] == "kms:Decrypt"


def test_a_final_snapshot_has_a_name_of_its_own(recording):
    suffix = one(recording, "index/randomId:RandomId", "cache-final-snapshot").outputs["hex"]
    assert inputs(recording)["finalSnapshotIdentifier"] == f"platform-test-cache-final-{suffix}"


def test_without_protection():
    loose = cache(deletion_protection=False, secret_recovery_days=0, snapshot_retention_days=0, log_retention_days=7)
    assert not one(loose, GROUP, "cache").protect
    assert inputs(loose)["snapshotRetentionLimit"] == 0
    secret = one(loose, "secretsmanager/secret:Secret", "cache")
    assert (secret.protect, secret.inputs["recoveryWindowInDays"]) == (False, 0)
    assert one(loose, "cloudwatch/logGroup:LogGroup", "cache-slow-log").inputs["retentionInDays"] == 7


NODE = {
    "cpu": "Average EngineCPUUtilization >= 90, 5 x 60 s, breaching",
    "memory": "Average DatabaseMemoryUsagePercentage >= 90, 5 x 60 s, missing",
    "evictions": "Sum Evictions >= 100, 5 x 60 s, missing",
    "lag": "Average ReplicationLag >= 30, 5 x 60 s, notBreaching",
    "logins": "Sum AuthenticationFailures >= 10, 1 x 300 s, notBreaching",
}


def test_alarms_of_each_node(recording, sharded):
    """Cache clusters are named by ElastiCache: the group's id, the shard in cluster mode, and the node."""
    nodes = ["001", "002"]
    assert alarms(recording) == {
        f"cache-{node}-{key}": (when, {"CacheClusterId": f"platform-test-cache-{node}"})
        for node in nodes
        for key, when in NODE.items()
    }
    shards = [f"{shard:04}-{node:03}" for shard in (1, 2, 3) for node in (1, 2, 3)]
    assert alarms(sharded) == {
        f"cache-cluster-{node}-{key}": (when, {"CacheClusterId": f"platform-test-cache-cluster-{node}"})
        for node in shards
        for key, when in NODE.items()
    }
    for alarm in of(recording, "cloudwatch/metricAlarm:MetricAlarm").values():
        assert alarm.property_dependencies["dimensions"] == [one(recording, GROUP, "cache").urn]
        assert alarm.inputs["namespace"] == "AWS/ElastiCache"


def test_a_node_more_or_less_changes_no_other_alarm(recording):
    assert alarms(recording).items() <= alarms(cache(nodes=3)).items()


@pytest.mark.parametrize(
    "alone", [{"nodes": 1}, {"cluster_mode": {"shards": 1, "replicas_per_shard": 0}}], ids=["primary", "shard"]
)
def test_without_a_replica_none_can_be_late(alone):
    assert {name.rpartition("-")[2] for name in alarms(cache(multi_az=False, **alone))} == NODE.keys() - {"lag"}


@pytest.mark.parametrize(
    ("field", "gone"),
    [
        ("cpu_percent", "cpu"),
        ("memory_percent", "memory"),
        ("evictions_limit", "evictions"),
        ("replication_lag_seconds", "lag"),
        ("failed_logins_limit", "logins"),
    ],
)
def test_thresholds_and_none(field, gone):
    changed = alarms(cache(alarms={field: 7}))
    assert changed[f"cache-001-{gone}"][0] == re.sub(r">= \d+", ">= 7", NODE[gone])
    assert {name.rpartition("-")[2] for name in alarms(cache(alarms={field: None}))} == NODE.keys() - {gone}


@pytest.mark.parametrize("changes", [{}, {"cluster_mode": {}}])
def test_the_longest_name_is_one_that_elasticache_takes(changes):
    def program():
        keys = security()
        subnets = network().isolated
        Cache("c" * 30, CacheArgs.model_validate(changes), subnets=subnets, key=keys.data, logs_key=keys.logs)

    (group,) = of(run(program), GROUP).values()
    assert len(group.inputs["replicationGroupId"]) <= 40


def one_zone(**changes):
    def program():
        keys = security()
        subnets = Subnets("vpc-1", "10.0.0.0/16", {"eu-west-1a": "subnet-1"})
        Cache("cache", CacheArgs.model_validate(changes), subnets=subnets, key=keys.data, logs_key=keys.logs)

    return run(program)


def test_one_zone_is_not_enough_for_multi_az():
    with pytest.raises(ValueError, match=r"has subnets in 1 zone\(s\), but multi_az needs two"):
        one_zone()


def test_one_zone_is_enough_without():
    assert one(one_zone(multi_az=False), GROUP, "cache")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"node_type": "cache.t1.micro"}, ("node_type",)),
        ({"node_type": "cache.t3.large"}, ("node_type",)),
        ({"node_type": "t4g.small"}, ("node_type",)),
        ({"node_type": "cache.r6gd.large"}, ("node_type",)),
        ({"node_type": "cache.r6gd.xlarge", "maxmemory_policy": "volatile-ttl"}, ("maxmemory_policy",)),
        ({"nodes": 0}, ("nodes",)),
        ({"nodes": 7}, ("nodes",)),
        ({"nodes": 1}, ("nodes",)),
        ({"nodes": "2"}, ("nodes",)),
        ({"nodes": 2, "cluster_mode": {}}, ("nodes",)),
        ({"cluster_mode": {"shards": 0}}, ("cluster_mode", "shards")),
        ({"cluster_mode": {"shards": 501}}, ("cluster_mode", "shards")),
        ({"cluster_mode": {"shards": 251, "replicas_per_shard": 1}}, ("cluster_mode", "shards")),
        ({"cluster_mode": {"replicas_per_shard": 6}}, ("cluster_mode", "replicas_per_shard")),
        ({"cluster_mode": {"replicas_per_shard": 0}}, ("cluster_mode", "replicas_per_shard")),
        ({"maxmemory_policy": "lru"}, ("maxmemory_policy",)),
        ({"snapshot_retention_days": 36}, ("snapshot_retention_days",)),
        ({"snapshot_window": "02:00-02:59"}, ("snapshot_window",)),
        ({"snapshot_window": "2:00-3:00"}, ("snapshot_window",)),
        ({"snapshot_window": "03:00-04:00"}, ("snapshot_window",)),
        ({"maintenance_window": "sun:03:30-sun:04:29"}, ("maintenance_window",)),
        ({"maintenance_window": "sunday:03:30-04:30"}, ("maintenance_window",)),
        ({"auth_token_generation": 0}, ("auth_token_generation",)),
        ({"auth_token_update_strategy": "DELETE"}, ("auth_token_update_strategy",)),
        ({"log_retention_days": 8}, ("log_retention_days",)),
        ({"secret_recovery_days": 6}, ("secret_recovery_days",)),
        ({"auth_token": "x" * 16}, ("auth_token",)),
        ({"alarms": {"cpu_percent": 0}}, ("alarms", "cpu_percent")),
        ({"alarms": {"memory_percent": 101}}, ("alarms", "memory_percent")),
        ({"alarms": {"evictions_limit": 0}}, ("alarms", "evictions_limit")),
        ({"alarms": {"replication_lag_seconds": 0.5}}, ("alarms", "replication_lag_seconds")),
        ({"alarms": {"failed_logins_limit": -1}}, ("alarms", "failed_logins_limit")),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        CacheArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": 6},
        {"cluster_mode": {"shards": 500, "replicas_per_shard": 0}, "multi_az": False},
        {"cluster_mode": {"shards": 250, "replicas_per_shard": 1}},
        {"snapshot_window": "02:30-03:30"},
    ],
)
def test_the_last_that_is_taken(changes):
    assert CacheArgs.model_validate(changes)
