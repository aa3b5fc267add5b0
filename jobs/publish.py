"""Curated zone -> its readers: QuickSight's file, Glue's tables and partitions, the manifest last of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import types as t

from . import aws, log
from .config import Config
from .curated import PARTITIONED, Curated
from .star import PARTITION
from .storage import Storage

_PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}


def publish(spark: SparkSession, config: Config) -> None:
    """Make the staged version the published one; to do it again changes nothing."""
    curated = Curated(spark, config)
    staged, published = curated.version("staged"), curated.version("published")
    if not staged["run"]:
        log("nothing has been staged: nothing to do")
        return
    manifest = _export(spark, config, curated, staged) if config.export else {}
    if config.catalog:
        for table, found in staged["tables"].items():
            _catalog(config, table, found)
    curated.record("published", staged)
    if config.export:
        Storage(spark).write_json(f"{config.export}/manifest.json", manifest)
    log(f"published {staged['run']}")
    curated.clean(staged, published)
    if config.export:
        _clean(Storage(spark), config.export, {f"run={version['run']}" for version in (staged, published)})


def _clean(storage: Storage, export: str, kept: set[str]) -> None:
    """Delete the files of the versions before."""
    for name in storage.names(export):
        if name.startswith("run=") and name not in kept:
            storage.delete(f"{export}/{name}")


def _export(spark: SparkSession, config: Config, curated: Curated, version: dict[str, Any]) -> dict[str, Any]:
    """Write the daily revenue as one file: the manifest that leads QuickSight to it."""
    folder = f"{config.export}/run={version['run']}"
    rows = curated.read(version, "daily_revenue").orderBy(PARTITION).coalesce(1)
    rows.write.mode("overwrite").format(config.export_format).option("header", "true").save(folder)
    files = [name for name in Storage(spark).names(folder) if name.startswith("part-")]
    settings = {"format": config.export_format.upper()}
    if config.export_format == "csv":
        settings.update(delimiter=",", textqualifier='"', containsHeader="true")
    return {"fileLocations": [{"URIs": [f"{folder}/{name}" for name in files]}], "globalUploadSettings": settings}


def _catalog(config: Config, table: str, found: dict[str, Any]) -> None:
    """Have Glue's table and partitions be what a version has, whatever an earlier run has left there."""
    names = {"DatabaseName": config.catalog}
    columns = [
        {"Name": c.name, "Type": c.dataType.simpleString().replace("timestamp_ntz", "timestamp")}
        for c in t.StructType.fromJson(found["schema"])
        if (table, c.name) != (PARTITIONED, PARTITION)
    ]

    def stored(place: str) -> dict[str, Any]:
        return {**_PARQUET, "Columns": columns, "Location": place}

    definition = {
        "Name": table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [{"Name": PARTITION, "Type": "date"}] if table == PARTITIONED else [],
        "StorageDescriptor": stored(found["places"].get("", f"{config.curated}/{table}")),
    }
    try:
        aws.call("glue", "UpdateTable", config.region, **names, TableInput=definition)
    except aws.AwsError as error:
        if error.code != "EntityNotFoundException":
            raise
        aws.call("glue", "CreateTable", config.region, **names, TableInput=definition)
    if table != PARTITIONED:
        return
    names["TableName"] = table
    there = {p["Values"][0]: p["StorageDescriptor"] for p in _partitions(config, names)}
    wanted = {day: stored(place) for day, place in found["places"].items()}
    made = [{"Values": [day], "StorageDescriptor": wanted[day]} for day in wanted.keys() - there.keys()]
    moved = [
        {"PartitionValueList": [day], "PartitionInput": {"Values": [day], "StorageDescriptor": wanted[day]}}
        for day in wanted.keys() & there.keys()
        if there[day].get("Location") != wanted[day]["Location"] or there[day].get("Columns") != columns
    ]
    gone = [{"Values": [day]} for day in there.keys() - wanted.keys()]
    for operation, parameter, entries, at_once in (
        ("BatchCreatePartition", "PartitionInputList", made, 100),
        ("BatchUpdatePartition", "Entries", moved, 100),
        ("BatchDeletePartition", "PartitionsToDelete", gone, 25),
    ):
        for first in range(0, len(entries), at_once):
            some = {parameter: entries[first : first + at_once]}
            answer = aws.call("glue", operation, config.region, **names, **some)
            if answer.get("Errors"):
                raise aws.AwsError("PartitionError", f"glue {operation} of {table}: {answer['Errors'][0]}")


def _partitions(config: Config, names: dict[str, str]) -> Iterator[dict[str, Any]]:
    """All partitions that Glue has of a table."""
    more: dict[str, str] = {}
    while True:
        answer = aws.call("glue", "GetPartitions", config.region, **names, **more)
        yield from answer["Partitions"]
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}
