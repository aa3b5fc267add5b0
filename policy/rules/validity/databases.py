"""RDS: classes, versions, parameter groups and passwords that it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...databases import speaker
from ...graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, peek
from ...rule import rule
from .values import FAMILY, number, punctuation, text

_CLASS = re.compile(r"db\.([a-z]\w*)\.(micro|small|medium|large|xlarge|\d+xlarge|metal(?:-\d+xl)?)(?:\.tpc\d\.mem\dx)?")
# What the RDS user guide's "DB instance class types" lists, those of former generations included.
_CLASSES = {
    "m1", "m2", "m3", "m4", "m5", "m5d", "m6g", "m6gd", "m6i", "m6id", "m6idn", "m6in", "m7g", "m7i", "m8a",
    "m8g", "m8gd", "m8i", "r3", "r4", "r5", "r5b", "r5d", "r6g", "r6gd", "r6i", "r6id", "r6idn", "r6in", "r7g",
    "r7i", "r8a", "r8g", "r8gd", "r8i", "t1", "t2", "t3", "t4g", "x1", "x1e", "x2g", "x2idn", "x2iedn",
    "x2iezn", "z1d",
}  # fmt: skip
_SIZES = {"micro", "small", "medium", "large", "xlarge", "metal", "metal-24xl", "metal-48xl", "metal-96xl"} | {
    f"{number}xlarge" for number in (2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 48, 96)
}
_LICENSED_ONLY = {"x1", "x1e", "x2iezn", "z1d"}  # for Oracle and SQL Server alone


@rule(
    "database-class", "rds/instance", "rds/clusterInstance",
    family=FAMILY, severity="medium", alone=True,
    title="RDS offers the instance class, for the engine",
    controls="",
    remediation="Set instanceClass to one that the RDS user guide lists for the engine, such as db.m7g.large",
)  # fmt: skip
def database_class(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, "Supported DB engines for DB instance classes"; Aurora user guide, the same."""
    name = text(database, "instanceClass")
    if name is None:
        return
    engine = text(database, "engine") or ""
    if name == "db.serverless":
        if engine and not engine.startswith("aurora"):
            yield "its instanceClass is Aurora's alone"
        return
    found = _CLASS.fullmatch(name)
    if not found:
        yield "its instanceClass is none of RDS"
        return
    kind, size = found.groups()
    if kind not in _CLASSES or size not in _SIZES:
        raise Unknown("whether RDS offers its instanceClass")
    burstable = kind.startswith("t")
    if (
        (size in ("micro", "small", "medium") and not burstable and kind not in ("m1", "m3"))
        or (burstable and (size.startswith("metal") or size[0].isdigit()) and size != "2xlarge")
        or (kind == "t1" and size != "micro")
    ):
        yield "its instanceClass doesn't come in that size"
    elif engine.startswith("aurora") and (kind.startswith("m") or size == "micro" or kind in _LICENSED_ONLY):
        yield "its instanceClass isn't offered for Aurora"
    elif engine in ("mysql", "mariadb", "postgres") and kind in _LICENSED_ONLY:
        yield "its instanceClass isn't offered for its engine"


# The release lines that RDS offers, extended support included; in order, and with their gaps. A version is a line, or a
# line and more.
_LINES = {
    "mysql": ("5.7", "8.0", "8.4"),
    "mariadb": ("10.4", "10.5", "10.6", "10.11", "11.4", "11.8"),
    "postgres": ("11", "12", "13", "14", "15", "16", "17", "18"),
    "aurora-postgresql": ("11", "12", "13", "14", "15", "16", "17"),
}
_VERSION = {
    "mysql": re.compile(r"(\d+\.\d+)(\.\d+(-\S+)?)?"),
    "mariadb": re.compile(r"(\d+\.\d+)(\.\d+(-\S+)?)?"),
    "postgres": re.compile(r"(\d+)(\.\d+(-\S+)?)?"),
    "aurora-postgresql": re.compile(r"(\d+)(\.\d+(-\S+)?)?"),
    "aurora-mysql": re.compile(r"(\d+\.\d+)(\.\S+)?"),
}


def _order(line: str) -> tuple[int, ...]:
    return tuple(int(part) for part in line.split("."))


def _line(engine: str, version: str) -> str | None:
    """The release line of a version, `8.4` of `8.4.3`; None where it isn't a version of that engine at all."""
    found = _VERSION[engine].fullmatch(version)
    return found[1] if found else None


@rule(
    "database-engine-version", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="RDS offers the engine's version",
    controls="",
    remediation="Set engineVersion to a release line that RDS offers, such as 8.4 for mysql or 17 for postgres",
)  # fmt: skip
def database_engine_version(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, release calendars of MySQL, MariaDB and PostgreSQL; other engines aren't judged."""
    engine, version = text(database, "engine"), text(database, "engineVersion")
    if engine not in _LINES or version is None:
        return
    line = _line(engine, version)
    if line is None:
        yield "its engineVersion isn't written as its engine's versions are"
    elif line not in _LINES[engine]:
        if _order(line) > _order(_LINES[engine][-1]):
            raise Unknown("whether RDS offers a version so new")
        yield "its engineVersion is of a release that RDS doesn't offer"


_PARAMETERS = {
    "rds/instance": ("parameterGroupName", "rds/parameterGroup"),
    "rds/cluster": ("dbClusterParameterGroupName", "rds/clusterParameterGroup"),
}


@rule(
    "database-parameter-group", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium",
    title="A database's parameter group is of its engine and version",
    controls="",
    remediation="Set the parameter group's family to that of the engine and version, such as mysql8.4 or postgres17",
)  # fmt: skip
def database_parameter_group(database: Resource, graph: Graph) -> Iterator[str]:
    """Without a version of its own the database gets AWS's default one, which changes: that can't be verified."""
    key, type = _PARAMETERS[database.short]
    if not given(database, key):
        return
    value = peek(database, key)
    if isinstance(value, str) and value.startswith("default."):
        families: Iterator[Any] = iter([value.removeprefix("default.")])
    else:
        families = (text(group, "family") for group in graph.targets(database, key, type))

    def judge(family: Any) -> Iterator[str]:
        engine = text(speaker(database, graph, "engine"), "engine")
        if engine is None or family is None:
            raise Unknown("engine" if engine is None else "the family of its parameter group")
        rest = family.removeprefix(engine)
        if rest == family or (engine not in _VERSION and not re.match(r"-\d", rest)):
            yield "its parameter group is of another engine's family"
            return
        if engine not in _VERSION:  # Oracle, SQL Server and Db2 don't write versions as they write families
            return
        version = text(speaker(database, graph, "engineVersion"), "engineVersion")
        if version is None:
            raise Unknown("engineVersion, which AWS chooses,")
        line = _line(engine, version)
        if line is None:
            raise Unknown("the release that engineVersion is of")
        if rest != line:
            yield "its parameter group is of another release's family than its engineVersion"

    yield from each(families, judge)


_GENERATOR = "random:index/randomPassword:RandomPassword"
_PASSWORDS = {"rds/instance": "password", "rds/cluster": "masterPassword"}
_REFUSED = set('/@" ')
_LONGEST = {"mysql": 41, "mariadb": 41, "aurora-mysql": 41, "oracle": 30}


@rule(
    "database-password", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium",
    title="RDS takes the master password",
    controls="",
    remediation="Let it have 8 to 41 characters (MySQL, MariaDB; 30 for Oracle, 128 for others), and none of / @ "
    "double quote or space",
)  # fmt: skip
def database_password(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS API reference, CreateDBInstance, MasterUserPassword. One that `random.RandomPassword` makes is judged by what
    that may make: its default punctuation has an @."""
    key = _PASSWORDS[database.short]
    if not given(database, key):
        return
    password = peek(database, key)
    engine = text(database, "engine") or ""
    longest = _LONGEST.get("oracle" if engine.startswith("oracle") else engine, 128)

    def generated(generator: Resource) -> Iterator[str]:
        length = number(generator, "length") or 0
        if not 8 <= length <= longest:
            yield "its generated password is too short or too long"
        if _REFUSED & punctuation(generator):
            yield "its generated password may have a character that RDS refuses"

    try:
        yield from each(graph.targets(database, key, _GENERATOR, value=UNKNOWN), generated)
    except Unknown:
        if not isinstance(password, str):
            raise
    if isinstance(password, str):
        if not 8 <= len(password) <= longest:
            yield "its password is too short or too long"
        if _REFUSED & set(password) or not password.isascii() or not password.isprintable():
            yield "its password has a character that RDS refuses"


@rule(
    "replica-source-backed-up", "rds/instance",
    family=FAMILY, severity="medium",
    title="What has replicas keeps backups",
    controls="",
    remediation="Set backupRetentionPeriod of the source to 1 or more",
)  # fmt: skip
def replica_source_backed_up(replica: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, "Working with DB instance read replicas". A replica that has replicas needs backups as well."""

    def judge(source: Resource) -> Iterator[str]:
        if get(source, "backupRetentionPeriod") in (None, 0):
            yield f"its source, {source.label}, keeps no backups"

    if given(replica, "replicateSourceDb"):
        yield from each(graph.targets(replica, "replicateSourceDb", "rds/instance"), judge)


@rule(
    "database-storage-growth", "rds/instance",
    family=FAMILY, severity="medium", alone=True,
    title="Storage autoscaling has room to grow",
    controls="",
    remediation="Set maxAllocatedStorage to at least 10 % more than allocatedStorage; 26 % spares the warnings",
)  # fmt: skip
def database_storage_growth(database: Resource, graph: Graph) -> Iterator[str]:
    """RDS user guide, "Managing capacity automatically with storage autoscaling". 0 turns it off; a restored database
    doesn't say what is allocated."""
    most = number(database, "maxAllocatedStorage")
    if most and given(database, "allocatedStorage"):
        allocated = number(database, "allocatedStorage") or 0
        if most * 10 < allocated * 11:
            yield "its maxAllocatedStorage is less than 10 % above what is allocated"
