import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.database import Database, DatabaseArgs, InstanceClass, _most_connections
from components.network import Subnets
from tests.components.tiers import ZONES, network, security
from tests.registered import alarms, counts, of, one, run, waits_for

INSTANCE = "rds/instance:Instance"
ALARM = "cloudwatch/metricAlarm:MetricAlarm"


def database(**changes):
    def program():
        keys = security()
        args = DatabaseArgs.model_validate(changes)
        Database("database", args, subnets=network().isolated, key=keys.data, logs_key=keys.logs)

    return run(program)


@pytest.fixture(scope="module")
def recording():
    return database(replicas={"reader": {}, "analytics": {"instance_class": "db.r7g.large", "zone": "eu-west-1b"}})


def test_primary(recording):
    primary = one(recording, INSTANCE, "database-primary")
    expected = {
        "identifier": "platform-test-database",
        "engine": "mysql",
        "engineVersion": "8.4",
        "multiAz": True,
        "storageEncrypted": True,
        "storageType": "gp3",
        "publiclyAccessible": False,
        "backupRetentionPeriod": 7,
        "copyTagsToSnapshot": True,
        "deletionProtection": True,
        "skipFinalSnapshot": False,
        "performanceInsightsEnabled": True,
        "monitoringInterval": 60,
        "enabledCloudwatchLogsExports": ["error", "slowquery"],
        "iamDatabaseAuthenticationEnabled": True,
    }
    assert {key: primary.inputs.get(key) for key in expected} == expected
    assert primary.protect
    key = one(recording, "kms/key:Key", "security-data").urn
    assert primary.property_dependencies["kmsKeyId"] == [key]
    assert primary.property_dependencies["performanceInsightsKmsKeyId"] == [key]


def test_it_lies_in_isolated_subnets(recording):
    group = one(recording, "rds/subnetGroup:SubnetGroup", "database")
    isolated = [one(recording, "ec2/subnet:Subnet", f"network-isolated-{zone}").urn for zone in ZONES]
    assert sorted(group.property_dependencies["subnetIds"]) == isolated
    assert one(recording, INSTANCE, "database-primary").property_dependencies["dbSubnetGroupName"] == [group.urn]


def test_replicas(recording):
    primary = one(recording, INSTANCE, "database-primary")
    reader, analytics = (one(recording, INSTANCE, f"database-{name}") for name in ("reader", "analytics"))
    for replica in (reader, analytics):
        assert replica.property_dependencies["replicateSourceDb"] == [primary.urn]
        assert replica.inputs["storageEncrypted"] is True
        assert "password" not in replica.inputs
        assert "kmsKeyId" not in replica.inputs
        assert not replica.protect
    assert (reader.inputs["instanceClass"], reader.inputs["identifier"]) == (
        "db.t4g.medium",
        "platform-test-database-reader",
    )
    assert (analytics.inputs["instanceClass"], analytics.inputs["availabilityZone"]) == ("db.r7g.large", "eu-west-1b")


def test_a_replica_is_upgraded_before_the_primary():
    upgraded = database(engine_version="8.4.7", replicas={"reader": {"engine_version": "8.4.8"}})
    assert one(upgraded, INSTANCE, "database-reader").inputs["engineVersion"] == "8.4.8"
    assert one(upgraded, INSTANCE, "database-primary").inputs["engineVersion"] == "8.4.7"


@pytest.mark.parametrize(
    ("primary", "replica", "brought"),
    [("8.4", None, (True, True)), ("8.4.7", None, (False, False)), ("8.4", "8.4.8", (True, False))],
)
def test_rds_brings_minor_versions_where_none_is_named(primary, replica, brought):
    made = database(engine_version=primary, replicas={"reader": {"engine_version": replica}})
    found = (one(made, INSTANCE, f"database-{name}").inputs for name in ("primary", "reader"))
    assert tuple(inputs["autoMinorVersionUpgrade"] for inputs in found) == brought


def test_a_replica_more_or_less_changes_no_other(recording):
    fewer = database(replicas={"analytics": {"instance_class": "db.r7g.large", "zone": "eu-west-1b"}})
    assert {r.name: r.inputs for r in of(fewer, INSTANCE).values()}.items() <= {
        r.name: r.inputs for r in of(recording, INSTANCE).values()
    }.items()


def test_tls_is_demanded(recording):
    group = one(recording, "rds/parameterGroup:ParameterGroup", "database")
    assert group.inputs["family"] == "mysql8.4"
    parameters = {p["name"]: p["value"] for p in group.inputs["parameters"]}
    assert (parameters["require_secure_transport"], parameters["tls_version"]) == ("1", "TLSv1.2,TLSv1.3")
    for instance in of(recording, INSTANCE).values():
        assert instance.property_dependencies["parameterGroupName"] == [group.urn]


def test_log_groups_stand_before_the_instances_write_to_them(recording):
    groups = of(recording, "cloudwatch/logGroup:LogGroup")
    assert {group.inputs["name"] for group in groups.values() if "rds" in group.inputs["name"]} == {
        f"/aws/rds/instance/platform-test-database{instance}/{log}"
        for instance in ("", "-analytics", "-reader")
        for log in ("error", "slowquery")
    }
    primary = one(recording, INSTANCE, "database-primary")
    assert waits_for(recording, primary, groups["database-primary-error"])
    assert waits_for(
        recording,
        primary,
        one(
            recording,
            "iam/rolePolicyAttachment:RolePolicyAttachment",
            "database-monitoring-AmazonRDSEnhancedMonitoringRole",
        ),
    )


def test_password_is_generated_and_kept_as_a_secret(recording):
    password = one(recording, "index/randomPassword:RandomPassword", "database").outputs["result"]
    assert len(password) == 32
    assert not set(password) & set("/@\" '")
    version = one(recording, "secretsmanager/secretVersion:SecretVersion", "database")
    assert json.loads(version.inputs["secretString"]) == {
        "engine": "mysql",
        "host": one(recording, INSTANCE, "database-primary").outputs["address"],
        "port": 3306,
        "username": "dbadmin",
        "password": password,
        "dbname": "app",
    }
    assert "secretString" in version.secrets
    assert "password" in one(recording, INSTANCE, "database-primary").secrets
    secret = one(recording, "secretsmanager/secret:Secret", "database")
    assert secret.property_dependencies["kmsKeyId"] == [one(recording, "kms/key:Key", "security-data").urn]
    assert secret.inputs["recoveryWindowInDays"] == 30


def test_nothing_may_connect_by_itself(recording):
    assert of(recording, "vpc/securityGroupIngressRule:SecurityGroupIngressRule") == {}
    group = one(recording, "ec2/securityGroup:SecurityGroup", "database").inputs
    assert (group.get("ingress"), group.get("egress")) == (None, None)


GIB = 2**30


def test_alarms_of_each_instance(recording):
    def expected(instance, connections):
        # Of 20 GiB; of 4 GiB and 16 GiB of memory, 80 percent of a connection for each 12,582,880 bytes.
        return {
            f"database-{instance}-cpu": "Average CPUUtilization >= 90, 3 x 300 s, breaching",
            f"database-{instance}-storage": f"Average FreeStorageSpace < {GIB}, 5 x 60 s, missing",
            f"database-{instance}-connections": f"Average DatabaseConnections >= {connections}, 5 x 60 s, missing",
            f"database-{instance}-memory": f"Average FreeableMemory < {128 * 2**20}, 5 x 60 s, missing",
        }

    def following(replica):
        return {
            f"database-{replica}-lag": "Average ReplicaLag >= 60, 5 x 60 s, missing",
            f"database-{replica}-replication": "Maximum ReplicaLag < 0, 5 x 60 s, missing",
        }

    found = alarms(recording)
    assert {name: when for name, (when, _) in found.items()} == {
        **expected("primary", 272),
        **expected("reader", 272),
        **following("reader"),
        **expected("analytics", 1092),
        **following("analytics"),
    }
    for name, alarm in of(recording, ALARM).items():
        instance = one(recording, INSTANCE, f"database-{name.split('-')[1]}")
        assert alarm.inputs["dimensions"] == {"DBInstanceIdentifier": instance.outputs["identifier"]}
        assert alarm.property_dependencies["dimensions"] == [instance.urn]
        assert alarm.inputs["namespace"] == "AWS/RDS"


def test_thresholds():
    changed = alarms(
        database(
            allocated_storage_gib=100,
            max_allocated_storage_gib=200,
            replicas={"reader": {}},
            alarms={
                "cpu_percent": 50,
                "free_storage_percent": 10,
                "connections_percent": 100,
                "freeable_memory_mib": 1024,
                "replica_lag_seconds": 5,
            },
        )
    )
    assert [when.split(",")[0] for name, (when, _) in changed.items() if "reader" in name] == [
        "Average CPUUtilization >= 50",
        f"Average FreeStorageSpace < {10 * GIB}",
        "Average DatabaseConnections >= 341",
        f"Average FreeableMemory < {GIB}",
        "Average ReplicaLag >= 5",
        "Maximum ReplicaLag < 0",
    ]


@pytest.mark.parametrize(
    ("field", "gone"),
    [
        ("cpu_percent", {"cpu"}),
        ("free_storage_percent", {"storage"}),
        ("connections_percent", {"connections"}),
        ("freeable_memory_mib", {"memory"}),
        ("replica_lag_seconds", {"lag", "replication"}),
    ],
)
def test_no_threshold_is_no_alarm(recording, field, gone):
    fewer = database(replicas={"reader": {}}, alarms={field: None})
    everything = {name for name in alarms(recording) if "analytics" not in name}
    assert everything - alarms(fewer).keys() == {name for name in everything if name.rpartition("-")[2] in gone}


@pytest.mark.parametrize(
    ("instance_class", "connections"),
    [
        ("db.t4g.small", 170),
        ("db.m7g.xlarge", 1365),
        ("db.r6gd.2xlarge", 5461),
        ("db.x2g.large", 2730),
        ("db.x2iedn.32xlarge", 16_000),
    ],
)
def test_connections_follow_from_the_class(instance_class, connections):
    some = database(instance_class=instance_class, performance_insights=False, alarms={"connections_percent": 100})
    assert alarms(some)["database-primary-connections"][0].startswith(f"Average DatabaseConnections >= {connections},")


def test_every_class_has_a_known_memory():
    (pattern,) = (each.pattern for each in get_args(InstanceClass)[1:])
    families = re.search(r"db\\\.\((.*)\)\\\.", pattern)
    assert families
    for family in re.sub(r"(\w+?)(\w)\?", r"\1|\1\2", families[1]).split("|"):
        assert _most_connections(f"db.{family}.large") >= 682, family


def test_the_alarms_of_a_restored_database_are_its_own():
    restored = database(restore={"name": "again", "snapshot_identifier": "platform-test-database-final-1"})
    assert alarms(restored)["database-again-primary-cpu"][1] == {"DBInstanceIdentifier": "platform-test-database-again"}


def test_everything_off_leaves_no_orphans():
    small = database(monitoring_interval_seconds=0, performance_insights=False, deletion_protection=False)
    assert counts(small).get("RolePolicyAttachment") is None
    primary = one(small, INSTANCE, "database-primary")
    assert not primary.protect
    for key in ("monitoringRoleArn", "performanceInsightsKmsKeyId"):
        assert key not in primary.inputs


def test_a_restored_database_is_another_one(recording):
    restored = database(restore={"name": "again", "snapshot_identifier": "platform-test-database-final-1"})
    primary = one(restored, INSTANCE, "database-again-primary")
    assert primary.inputs["identifier"] == "platform-test-database-again"
    assert primary.inputs["snapshotIdentifier"] == "platform-test-database-final-1"
    # RDS takes these over from what it restores, and refuses to be told.
    assert primary.inputs.keys().isdisjoint({"dbName", "username", "allocatedStorage"})
    latest = database(restore={"name": "again", "source_identifier": "platform-test-database"})
    assert one(latest, INSTANCE, "database-again-primary").inputs["restoreToPointInTime"] == {
        "sourceDbInstanceIdentifier": "platform-test-database",
        "useLatestRestorableTime": True,
    }
    timed = database(
        restore={"name": "again", "source_identifier": "platform-test-database", "time": "2026-11-22T06:00:00Z"}
    )
    assert one(timed, INSTANCE, "database-again-primary").inputs["restoreToPointInTime"] == {
        "sourceDbInstanceIdentifier": "platform-test-database",
        "restoreTime": "2026-11-22T06:00:00Z",
    }


@pytest.mark.parametrize("gib", [20, 50, 100, 200])
def test_storage_may_grow_by_exactly_a_tenth(gib):
    assert DatabaseArgs(allocated_storage_gib=gib, max_allocated_storage_gib=gib * 11 // 10)


def test_one_zone_is_not_enough():
    def program():
        keys = security()
        subnets = Subnets("vpc-1", "10.0.0.0/16", {"eu-west-1a": "subnet-1"})
        Database("database", subnets=subnets, key=keys.data, logs_key=keys.logs)

    with pytest.raises(ValueError, match="RDS needs two"):
        run(program)


def test_a_replica_needs_a_subnet_in_its_zone():
    with pytest.raises(ValueError, match="'reader' is in eu-west-1c, where it has no subnet"):
        database(replicas={"reader": {"zone": "eu-west-1c"}})


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"instance_class": "db.m9z.large"}, ("instance_class",)),
        ({"instance_class": "m7g.large"}, ("instance_class",)),
        ({"instance_class": "db.m7g.huge"}, ("instance_class",)),
        ({"alarms": {"cpu_percent": 101}}, ("alarms", "cpu_percent")),
        ({"alarms": {"cpu_percent": "90"}}, ("alarms", "cpu_percent")),
        ({"alarms": {"free_storage_percent": 0}}, ("alarms", "free_storage_percent")),
        ({"alarms": {"connections_percent": 0}}, ("alarms", "connections_percent")),
        ({"alarms": {"freeable_memory_mib": 15}}, ("alarms", "freeable_memory_mib")),
        ({"alarms": {"replica_lag_seconds": 0}}, ("alarms", "replica_lag_seconds")),
        ({"alarms": {"disk_percent": 5}}, ("alarms", "disk_percent")),
        ({"engine_version": "8.0"}, ("engine_version",)),
        ({"engine_version": 8.4}, ("engine_version",)),
        ({"replicas": {"reader": {"engine_version": "8.0"}}}, ("replicas", "reader", "engine_version")),
        ({"backup_retention_days": 36}, ("backup_retention_days",)),
        ({"backup_retention_days": 0, "replicas": {"reader": {}}}, ("replicas",)),
        ({"replicas": {"Reader": {}}}, ("replicas", "Reader", "[key]")),
        ({"replicas": {f"r{n}": {} for n in range(16)}}, ("replicas",)),
        ({"replicas": {"reader": {"instance_class": "db.t3.micro"}}}, ("replicas", "reader", "instance_class")),
        ({"instance_class": "db.t4g.micro"}, ("performance_insights",)),
        ({"allocated_storage_gib": 19}, ("allocated_storage_gib",)),
        ({"allocated_storage_gib": 100, "max_allocated_storage_gib": 109}, ("max_allocated_storage_gib",)),
        ({"username": "rdsadmin"}, ("username",)),
        ({"username": "a" * 17}, ("username",)),
        ({"database_name": "1app"}, ("database_name",)),
        ({"monitoring_interval_seconds": 2}, ("monitoring_interval_seconds",)),
        ({"secret_recovery_days": 6}, ("secret_recovery_days",)),
        ({"backup_window": "24:00-25:00"}, ("backup_window",)),
        ({"backup_window": "02:00-02:29"}, ("backup_window",)),
        ({"backup_window": "03:00-04:00"}, ("backup_window",)),
        ({"backup_window": "23:45-00:30", "maintenance_window": "mon:00:00-mon:01:00"}, ("backup_window",)),
        ({"maintenance_window": "sun:03:30-sun:03:59"}, ("maintenance_window",)),
        ({"maintenance_window": "sunday:03:30-04:30"}, ("maintenance_window",)),
        ({"restore": {"name": "again"}}, ("restore",)),
        ({"restore": {"name": "x", "snapshot_identifier": "a", "source_identifier": "b"}}, ("restore",)),
        ({"restore": {"name": "x", "snapshot_identifier": "a", "time": "2026-11-22T06:00:00Z"}}, ("restore", "time")),
        ({"restore": {"name": "x", "source_identifier": "a", "time": "yesterday"}}, ("restore", "time")),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        DatabaseArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@given(
    backup=st.integers(0, 24 * 60 - 1),
    backup_minutes=st.integers(30, 240),
    maintenance=st.integers(0, 7 * 24 * 60 - 1),
    maintenance_minutes=st.integers(30, 600),
)
def test_windows_are_refused_exactly_when_a_minute_lies_in_both(
    backup, backup_minutes, maintenance, maintenance_minutes
):
    week = 7 * 24 * 60

    def clock(minute):
        return f"{minute // 60 % 24:02}:{minute % 60:02}"

    def day_clock(minute):
        return f"{DAYS[minute // (24 * 60) % 7]}:{clock(minute)}"

    windows = {
        "backup_window": f"{clock(backup)}-{clock(backup + backup_minutes)}",
        "maintenance_window": f"{day_clock(maintenance)}-{day_clock(maintenance + maintenance_minutes)}",
    }
    in_backup = {(day * 24 * 60 + backup + n) % week for day in range(7) for n in range(backup_minutes)}
    in_maintenance = {(maintenance + n) % week for n in range(maintenance_minutes)}
    try:
        DatabaseArgs.model_validate(windows)
        refused = False
    except ValidationError:
        refused = True
    assert refused == bool(in_backup & in_maintenance)
