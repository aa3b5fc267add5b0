"""ElastiCache, in every family; where its data stores are is with the others in `exposure`."""

from __future__ import annotations

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, name, res

GROUP = "elasticache/replicationGroup"
SECONDARY = {"globalReplicationGroupId": "global"}


def cache(**props: object) -> Made:
    return res(GROUP, "cache", **props)


def node(**props: object) -> Made:
    return res("elasticache/cluster", "node", **props)


def logs(*types: object) -> list[dict[str, object]]:
    return [{"logType": type} for type in types]


def user_group(*users: object) -> Made:
    return res("elasticache/userGroup", "users", engine="redis", userIds=list(users))


def parameters(family: object, *settings: object, **props: object) -> list[Made]:
    group = res("elasticache/parameterGroup", "parameters", family=family, parameters=list(settings))
    return [cache(parameterGroupName=name(group), **props), group]


CLUSTERED = {"name": "cluster-enabled", "value": "yes"}
KEY = res("kms/key", "data")
MEMBER = node(replicationGroupId="cache")
MEMCACHED = node(engine="memcached")
LONG = "a" * 16

CASES = [
    case(
        "cache-encrypted",
        GROUP,
        ok=[
            cache(atRestEncryptionEnabled=True),
            cache(engine="valkey"),
            cache(**SECONDARY, atRestEncryptionEnabled=True),
        ],
        bad=[cache(), cache(atRestEncryptionEnabled=False), cache(engine="valkey", atRestEncryptionEnabled=False)],
        unknown=[cache(atRestEncryptionEnabled=UNKNOWN), cache(**SECONDARY), cache(engine=UNKNOWN)],
    ),
    case(
        "cache-encrypted",
        "elasticache/cluster",
        ok=[MEMBER, MEMCACHED],
        bad=[node(engine="redis"), node(engine="valkey")],
        unknown=[node(engine=UNKNOWN)],
    ),
    case(
        "cache-key",
        GROUP,
        ok=[cache(kmsKeyId=arn(KEY)), cache(kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/1")],
        bad=[cache(), cache(kmsKeyId="alias/aws/elasticache")],
        unknown=[cache(kmsKeyId=UNKNOWN), cache(**SECONDARY)],
    ),
    case(
        "cache-tls-only",
        GROUP,
        ok=[
            cache(transitEncryptionEnabled=True),
            cache(transitEncryptionEnabled=True, transitEncryptionMode="required"),
        ],
        bad=[
            cache(),
            cache(transitEncryptionEnabled=False),
            cache(transitEncryptionEnabled=True, transitEncryptionMode="preferred"),
        ],
        unknown=[
            cache(transitEncryptionEnabled=UNKNOWN),
            cache(transitEncryptionEnabled=True, transitEncryptionMode=UNKNOWN),
            cache(**SECONDARY),
        ],
    ),
    case(
        "cache-tls-only",
        "elasticache/cluster",
        ok=[MEMBER, node(engine="memcached", transitEncryptionEnabled=True)],
        bad=[MEMCACHED, node(engine="redis", transitEncryptionEnabled=True)],
        unknown=[node(engine=UNKNOWN), node(engine="memcached", transitEncryptionEnabled=UNKNOWN)],
    ),
    case(
        "cache-authenticated",
        GROUP,
        ok=[
            cache(authToken=UNKNOWN),
            cache(authTokenWo="token"),
            cache(userGroupIds=[user_group("application", UNKNOWN)]),
        ],
        bad=[cache(), cache(userGroupIds=[]), cache(userGroupIds=[user_group("application", "default")])],
        unknown=[
            cache(userGroupIds=UNKNOWN),
            cache(userGroupIds=["by-hand"]),
            cache(userGroupIds=[res("elasticache/userGroup", "users", userIds=UNKNOWN)]),
            cache(**SECONDARY),
        ],
    ),
    case(
        "cache-user-password",
        "elasticache/user",
        ok=[
            res("elasticache/user", "one", accessString="on ~app:* +@read", authenticationMode={"type": "iam"}),
            res("elasticache/user", "one", accessString="on ~* +@all", passwords=[UNKNOWN]),
            res("elasticache/user", "default", accessString="off -@all", noPasswordRequired=True),
        ],
        bad=[
            res("elasticache/user", "one", accessString="on ~* +@all", noPasswordRequired=True),
            res("elasticache/user", "one", accessString="on", authenticationMode={"type": "no-password-required"}),
        ],
        unknown=[
            res("elasticache/user", "one", accessString="on", noPasswordRequired=UNKNOWN),
            res("elasticache/user", "one", accessString=UNKNOWN, noPasswordRequired=True),
            res("elasticache/user", "one", accessString="on", authenticationMode=UNKNOWN),
        ],
    ),
    case(
        "cache-logged",
        GROUP,
        ok=[cache(logDeliveryConfigurations=logs("slow-log", "engine-log"))],
        bad=[
            cache(),
            cache(logDeliveryConfigurations=logs("slow-log")),
            cache(logDeliveryConfigurations=logs("engine-log")),
        ],
        unknown=[
            cache(logDeliveryConfigurations=UNKNOWN),
            cache(logDeliveryConfigurations=logs("slow-log", UNKNOWN)),
            cache(**SECONDARY),
        ],
    ),
    case(
        "cache-failover",
        GROUP,
        ok=[cache(automaticFailoverEnabled=True, multiAzEnabled=True)],
        bad=[cache(), cache(automaticFailoverEnabled=True), cache(multiAzEnabled=True)],
        unknown=[cache(automaticFailoverEnabled=UNKNOWN), cache(automaticFailoverEnabled=True, multiAzEnabled=UNKNOWN)],
    ),
    case(
        "cache-snapshots",
        GROUP,
        ok=[cache(snapshotRetentionLimit=1)],
        bad=[cache(), cache(snapshotRetentionLimit=0)],
        unknown=[cache(snapshotRetentionLimit=UNKNOWN), cache(**SECONDARY)],
    ),
    case(
        "cache-snapshots",
        "elasticache/cluster",
        ok=[MEMBER, MEMCACHED, node(engine="redis", snapshotRetentionLimit=1)],
        bad=[node(engine="redis"), node(engine="valkey", snapshotRetentionLimit=0)],
        unknown=[node(engine=UNKNOWN), node(engine="redis", snapshotRetentionLimit=UNKNOWN)],
    ),
    case(
        "cache-authentication-needs-tls",
        GROUP,
        ok=[cache(), cache(transitEncryptionEnabled=True, authToken=UNKNOWN)],
        bad=[
            cache(authToken=UNKNOWN),
            cache(authToken="secret", transitEncryptionEnabled=False),
            cache(userGroupIds=["users"]),
            cache(userGroupIds=["users"], authToken="secret", transitEncryptionEnabled=True),
        ],
        unknown=[cache(authToken="secret", transitEncryptionEnabled=UNKNOWN)],
    ),
    case(
        "cache-auth-token",
        GROUP,
        ok=[
            cache(),
            cache(authToken=LONG),
            cache(authToken=f"{LONG}!&#$^<>-"),
        ],
        bad=[
            cache(authToken="short"),
            cache(authToken="a" * 129),
            *(cache(authToken=f"{LONG}{character}") for character in "@/ é_"),
        ],
        unknown=[cache(authToken=UNKNOWN)],
    ),
    case(
        "cache-nodes",
        GROUP,
        ok=[
            cache(),
            cache(automaticFailoverEnabled=True, numCacheClusters=2, multiAzEnabled=True),
            cache(automaticFailoverEnabled=True, numNodeGroups=2, replicasPerNodeGroup=1, multiAzEnabled=True),
            cache(automaticFailoverEnabled=True, numNodeGroups=3, replicasPerNodeGroup=0),
            cache(numCacheClusters=2, preferredCacheClusterAzs=["eu-west-1a", "eu-west-1b"]),
            cache(**SECONDARY, automaticFailoverEnabled=True),
        ],
        bad=[
            cache(automaticFailoverEnabled=True),
            cache(automaticFailoverEnabled=True, numCacheClusters=1),
            cache(multiAzEnabled=True, numCacheClusters=2),
            cache(automaticFailoverEnabled=True, numNodeGroups=2, replicasPerNodeGroup=0, multiAzEnabled=True),
            cache(numNodeGroups=2),
            cache(numNodeGroups=1, numCacheClusters=2),
            cache(numCacheClusters=7),
            cache(automaticFailoverEnabled=True, numNodeGroups=1, replicasPerNodeGroup=6),
            cache(numCacheClusters=2, preferredCacheClusterAzs=["eu-west-1a"]),
        ],
        unknown=[
            cache(automaticFailoverEnabled=True, numCacheClusters=UNKNOWN),
            cache(numNodeGroups=UNKNOWN),
            cache(automaticFailoverEnabled=UNKNOWN),
        ],
    ),
    case(
        "cache-engine-version",
        GROUP,
        ok=[
            cache(),
            *(cache(engine="redis", engineVersion=version) for version in ("7.1", "7.0", "6.2", "6.x", "5.0.6")),
            cache(engine="valkey", engineVersion="8.1"),
            cache(engineVersion="7.1"),
        ],
        bad=[
            *(cache(engine="redis", engineVersion=version) for version in ("7", "7.1.2", "5.0", "3.2.10", "latest")),
            cache(engine="valkey", engineVersion="7.0"),
            cache(engine="memcached", engineVersion="1.6.22"),
        ],
        unknown=[
            cache(engineVersion=UNKNOWN),
            cache(engine="redis", engineVersion="7.4"),
            cache(engine="valkey", engineVersion="10.0"),
            cache(engine=UNKNOWN, engineVersion="7.1"),
        ],
    ),
    case(
        "cache-parameter-group",
        GROUP,
        ok=[
            cache(),
            cache(engineVersion="7.1", parameterGroupName="default.redis7"),
            cache(engineVersion="7.1", parameterGroupName="default.redis7.cluster.on", numNodeGroups=2),
            parameters("redis7", engineVersion="7.1"),
            parameters("redis6.x", engine="redis", engineVersion="6.2"),
            parameters("valkey8", engine="valkey", engineVersion="8.1"),
            parameters("redis7", CLUSTERED, engineVersion="7.1", numNodeGroups=2),
        ],
        bad=[
            cache(engineVersion="7.1", parameterGroupName="default.redis6.x"),
            cache(engineVersion="7.1", parameterGroupName="default.redis7", numNodeGroups=2),
            parameters("redis6.x", engineVersion="7.1"),
            parameters("redis7", engine="valkey", engineVersion="8.1"),
            parameters("valkey7", engine="valkey", engineVersion="8.1"),
            parameters("memcached1.6", engineVersion="7.1"),
            parameters("redis7", engineVersion="7.1", numNodeGroups=2),
            parameters("redis7", {**CLUSTERED, "value": "no"}, engineVersion="7.1", numNodeGroups=2),
        ],
        unknown=[
            cache(parameterGroupName=UNKNOWN),
            cache(parameterGroupName="by-hand"),
            parameters("redis7"),
            parameters("redis7", engineVersion=UNKNOWN),
            parameters("redis7", engineVersion="7.4"),
            parameters(UNKNOWN, engineVersion="7.1"),
            parameters("redis7", UNKNOWN, engineVersion="7.1", numNodeGroups=2),
            parameters("redis7", {**CLUSTERED, "value": UNKNOWN}, engineVersion="7.1", numNodeGroups=2),
        ],
    ),
    *(
        case(
            "windows-apart",
            type,
            ok=[
                res(type, "x"),
                res(type, "x", **{daily: "02:00-03:00", weekly: "sun:03:00-sun:04:00"}),
                res(type, "x", **{daily: "23:30-00:30", weekly: "Mon:00:30-Mon:01:30"}),
            ],
            bad=[
                res(type, "x", **{daily: "02:00-03:00", weekly: "sun:02:30-sun:03:30"}),
                res(type, "x", **{daily: "02:00-03:00", weekly: "sun:01:00-sun:04:00"}),
                res(type, "x", **{daily: "23:30-00:30", weekly: "mon:00:00-mon:01:00"}),
                res(type, "x", **{daily: "00:00-01:00", weekly: "sun:23:30-mon:00:30"}),
                res(type, "x", **{daily: "2am-3am"}),
                res(type, "x", **{daily: "24:00-25:00"}),
                res(type, "x", **{weekly: "02:00-03:00"}),
                res(type, "x", **{weekly: "sunday:02:00-sunday:03:00"}),
                res(type, "x", **{daily: "02:00-02:29"}),
                res(type, "x", **{weekly: "sun:02:00-sun:02:29"}),
                *(res(type, "x", **{daily: shorter}) for shorter in short),
            ],
            unknown=[
                res(type, "x", **{daily: UNKNOWN, weekly: "sun:02:00-sun:03:00"}),
                res(type, "x", **{daily: "02:00-03:00", weekly: UNKNOWN}),
            ],
        )
        for type, daily, weekly, short in (
            ("rds/instance", "backupWindow", "maintenanceWindow", []),
            ("rds/cluster", "preferredBackupWindow", "preferredMaintenanceWindow", []),
            (GROUP, "snapshotWindow", "maintenanceWindow", ["02:00-02:59"]),
            ("elasticache/cluster", "snapshotWindow", "maintenanceWindow", ["02:00-02:59"]),
        )
    ),
]
