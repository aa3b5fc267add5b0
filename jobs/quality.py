"""What must be true of the data before any of it is published."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from . import QualityError
from .curated import PARTITIONED, Curated
from .star import REFERENCES, SOURCES


def _fail(findings: list[str]) -> None:
    if findings:
        raise QualityError("the data fails its checks, nothing is published:\n" + "\n".join(f"  {x}" for x in findings))


def _nulls(columns: list[str]) -> list[Any]:
    return [f.count(f.when(f.col(f"`{column}`").isNull(), 1)) for column in columns]


def check_batch(rows: DataFrame, table: str, batch: dict[str, Any]) -> None:
    """A batch has the rows, and the NULLs in each column, that the extract counted as it read them."""
    columns = list(batch["nulls"])
    count, *nulls = rows.agg(f.count(f.lit(1)), *_nulls(columns)).collect()[0]
    where = f"{table}, batch {batch['number']}"
    findings = [f"{where}: {count} rows, but {batch['rows']} were read"] if count != batch["rows"] else []
    for column, found in zip(columns, nulls):
        if found != batch["nulls"][column]:
            findings.append(f"{where}: {column} is NULL in {found} rows, but was in {batch['nulls'][column]}")
    _fail(findings)


def check_table(new: DataFrame, written: DataFrame, table: str) -> None:
    """Each new row is there, each row once, and no value is missing."""
    columns = list(SOURCES[table])
    count, ids, *nulls = written.agg(f.count(f.lit(1)), f.count_distinct("id"), *_nulls(columns)).collect()[0]
    findings = [f"{table}: {count - ids} rows more than there are ids"] if count != ids else []
    findings += [f"{table}: {column} is NULL in {found} rows" for column, found in zip(columns, nulls) if found]
    lost = new.join(written, "id", "leftanti").count()
    if lost:
        findings.append(f"{table}: {lost} new rows are not there")
    _fail(findings)


def check_star(curated: Curated, version: dict[str, Any]) -> None:
    """What orders refer to is there, and the daily figures add up to the orders."""
    orders = curated.read(version, PARTITIONED)
    findings = []
    for column, table in REFERENCES.items():
        known = curated.read(version, table).select(f.col("id").alias(column))
        unknown = orders.join(known, column, "leftanti").count()
        if unknown:
            findings.append(f"orders: {unknown} rows name {column} that {table} doesn't have")
    sums = [f.count(f.lit(1)), f.sum("amount")]
    expected = tuple(orders.where("status <> 'cancelled'").agg(*sums).collect()[0])
    figures = tuple(curated.read(version, "daily_revenue").agg(f.sum("orders"), f.sum("revenue")).collect()[0])
    if (expected[0], expected[1] or 0) != (figures[0] or 0, figures[1] or 0):
        findings.append(f"daily_revenue: {figures} orders and revenue in all, but orders have {expected}")
    _fail(findings)
