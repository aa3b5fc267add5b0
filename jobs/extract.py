"""MySQL -> raw zone: the rows since the last time, as a batch that is there whole or not at all.

A batch is first written down as pending, then its rows are written, then it is written down as committed, which is
when it comes to be. A run that died is repeated with the same number, from the same watermark, to the same folder.
"""

from __future__ import annotations

import json
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as f

from . import JobError, formats, log
from .batches import Batches
from .config import Config, Table
from .database import Database
from .star import REFERENCES
from .storage import Storage, reason

_MOST = 2**63 - 1  # of a bound, to Spark
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")


def extract(spark: SparkSession, config: Config, *, full: bool = False) -> None:
    """Read each table of the configuration; `full` reads them whole, which shows what was deleted."""
    database = Database(spark, config)
    columns = {name: _checked(database, name, table) for name, table in config.tables.items()}
    # What others refer to comes last, so that whatever they name by then is there.
    for name, table in sorted(config.tables.items(), key=lambda table: table[0] in REFERENCES.values()):
        _extract_table(spark, config, database, name, table, columns[name], full)


def _checked(database: Database, name: str, table: Table) -> dict[str, str]:
    """A table's columns, or why it can't be read as the configuration says."""
    columns = database.columns(name)
    if not columns:
        raise JobError(f"tables.{name}: {database.name} at {database.address} has no such table, or hides it")
    for use, column in (("key", table.key), ("watermark", table.watermark)):
        if column and column not in columns:
            raise JobError(f"tables.{name}.{use}: {name} has no column {column!r}, only {', '.join(columns)}")
    if table.watermark and columns[table.watermark] not in ("datetime", "timestamp"):
        kind = columns[table.watermark]
        raise JobError(f"tables.{name}.watermark: {table.watermark} is {kind}; it must be a DATETIME or TIMESTAMP")
    return columns


def _extract_table(
    spark: SparkSession,
    config: Config,
    database: Database,
    name: str,
    table: Table,
    columns: dict[str, str],
    full: bool,
) -> None:
    batches = Batches(Storage(spark), config, name)
    pending = batches.begin(
        lambda low: _next_low(database, name, table, low, config.lag_seconds), watermark=table.watermark, full=full
    )
    condition = f"`{table.watermark}` >= '{pending['low']}'" if pending["low"] else "TRUE"
    rows = database.read(name, columns, condition, _split(database, name, table, columns, condition))
    counted = Observation()
    numbers = [f.count(f.lit(1)).alias("rows")]
    numbers += [f.count(f.when(f.col(f"`{c}`").isNull(), 1)).alias(f"nulls_{i}") for i, c in enumerate(rows.columns)]
    try:
        formats.write(rows.observe(counted, *numbers), batches.uri(pending), table.format)
    except Py4JJavaError as error:
        raise JobError(f"can't copy {name} to {batches.uri(pending)}: {reason(error)}") from None
    counts = counted.get
    batches.commit(
        {
            **pending,
            "format": table.format,
            "schema": json.loads(rows.schema.json()),
            "rows": counts["rows"],
            "nulls": {c: counts[f"nulls_{i}"] for i, c in enumerate(rows.columns)},
        }
    )
    log(f"{name}: batch {pending['number']} of {counts['rows']} rows since {pending['low'] or 'ever'}")


def _next_low(database: Database, name: str, table: Table, low: str, lag_seconds: int) -> str:
    """Where the next read begins: the lag before the newest row that this database has, which a replica that fell
    behind can't have skipped; and never later than its clock, whatever date a row claims."""
    if not table.watermark:
        return ""
    newest = f"LEAST(MAX(`{table.watermark}`), UTC_TIMESTAMP(6)) - INTERVAL {lag_seconds} SECOND"
    found = database.rows(f"SELECT DATE_FORMAT({newest}, '%Y-%m-%d %H:%i:%s.%f') AS low FROM `{name}`")  # noqa: S608
    return found[0]["low"] or low


def _split(database: Database, name: str, table: Table, columns: dict[str, str], condition: str) -> dict[str, Any]:
    """The options that part a read by an integer key."""
    if columns[table.key] not in _INTEGERS or table.partitions == 1:
        return {}
    query = f"SELECT MIN(`{table.key}`) AS low, MAX(`{table.key}`) AS high FROM `{name}` WHERE {condition}"  # noqa: S608
    bounds = database.rows(query)[0]
    if bounds["low"] is None or bounds["high"] >= _MOST:
        return {}
    return {
        "partitionColumn": f"`{table.key}`",
        "lowerBound": str(bounds["low"]),
        "upperBound": str(bounds["high"] + 1),
        "numPartitions": str(table.partitions),
    }
