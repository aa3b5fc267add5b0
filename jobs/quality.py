"""What must be true of a candidate before it is staged: a job of its own, for it finds the same each time."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from . import QualityError, log
from .batches import Batches
from .config import Config
from .curated import PARTITIONED, Curated
from .star import PARTITION, REFERENCES, SOURCES
from .storage import Storage


def check(spark: SparkSession, config: Config) -> None:
    """Stage the candidate, unless something is wrong with it."""
    curated = Curated(spark, config)
    published, candidate = curated.version("published"), curated.version("candidate")
    if candidate["run"] in ("", curated.version("staged")["run"]):
        log("no new candidate: nothing to do")
        return
    findings: list[str] = []
    for table in SOURCES:
        source = Batches(Storage(spark), config, table)
        batches = source.between(published["applied"].get(table, 0), candidate["applied"][table])
        rows = [source.read(spark, batch) for batch in batches]
        for batch, read in zip(batches, rows):
            findings += _check_batch(read, table, batch)
        written = curated.read(candidate, table, _written(published, candidate, table))
        written = written.persist(StorageLevel.MEMORY_AND_DISK)  # so that each of its files is read once
        if batches:
            findings += _check_table(functools.reduce(DataFrame.union, map(_ids, rows)), written, table)
        if table == PARTITIONED:
            findings += _check_orders(curated, published, candidate, written)
        written.unpersist()
    if findings:
        raise QualityError("the data fails its checks, nothing is published:\n" + "\n".join(f"  {x}" for x in findings))
    curated.record("staged", candidate)
    log(f"staged {candidate['run']}")


def _written(before: dict[str, Any], after: dict[str, Any], table: str) -> set[str]:
    """The partitions of a table that aren't where they were."""
    old = before["tables"].get(table, {"places": {}})["places"]
    return {name for name, place in after["tables"][table]["places"].items() if old.get(name) != place}


def _ids(rows: DataFrame) -> DataFrame:
    return rows.select(f.col("id").cast("bigint"))


def _nulls(columns: list[str]) -> list[Any]:
    return [f.count(f.when(f.col(f"`{column}`").isNull(), 1)) for column in columns]


def _check_batch(rows: DataFrame, table: str, batch: dict[str, Any]) -> Iterator[str]:
    """A batch has the rows, and the NULLs in each column, that the extract counted as it read them."""
    columns = list(batch["nulls"])
    count, *nulls = rows.agg(f.count(f.lit(1)), *_nulls(columns)).collect()[0]
    where = f"{table}, batch {batch['number']}"
    if count != batch["rows"]:
        yield f"{where}: {count} rows, but {batch['rows']} were read"
    for column, found in zip(columns, nulls):
        if found != batch["nulls"][column]:
            yield f"{where}: {column} is NULL in {found} rows, but was in {batch['nulls'][column]}"


def _check_table(new: DataFrame, written: DataFrame, table: str) -> Iterator[str]:
    """Each new row is there, each row once, and no value is missing."""
    both = _ids(new).withColumn("there", f.lit(0)).unionAll(_ids(written).withColumn("there", f.lit(1)))
    times = both.groupBy("id").agg(f.sum("there").alias("times"))
    sums = [f.sum(f.greatest(f.col("times") - 1, f.lit(0))), f.count_if(f.col("times") == 0)]
    more, lost = times.agg(*sums).collect()[0]
    if more:
        yield f"{table}: {more} rows more than there are ids"
    if lost:
        yield f"{table}: {lost} new rows are not there"
    for column, found in zip(SOURCES[table], written.agg(*_nulls(list(SOURCES[table]))).collect()[0]):
        if found:
            yield f"{table}: {column} is NULL in {found} rows"


def _check_orders(
    curated: Curated, published: dict[str, Any], candidate: dict[str, Any], written: DataFrame
) -> Iterator[str]:
    """What orders refer to is there, and the daily figures are what the orders add up to."""
    rest = candidate["tables"][PARTITIONED]["places"].keys() - _written(published, candidate, PARTITIONED)
    for column, other in REFERENCES.items():
        known = curated.read(candidate, other).select(f.col("id").alias(column))
        unknown = written.join(known, column, "leftanti").count()
        if other in published["tables"]:
            # The other days' orders had all that they name; has any of it gone?
            gone = curated.read(published, other).select(f.col("id").alias(column)).join(known, column, "leftanti")
            if gone.take(1):
                unknown += curated.read(candidate, PARTITIONED, rest).join(gone, column, "leftsemi").count()
        if unknown:
            yield f"orders: {unknown} rows name {column} that {other} doesn't have"
    sums = [f.count(f.lit(1)), f.sum("amount")]
    expected = _by_day(written.where("status <> 'cancelled'").groupBy(PARTITION).agg(*sums))
    if "daily_revenue" in published["tables"]:
        before = _by_day(curated.read(published, "daily_revenue"))
        expected.update({day: figures for day, figures in before.items() if day in rest})
    found = _by_day(curated.read(candidate, "daily_revenue"))
    different = sorted(d for d in found.keys() | expected.keys() if found.get(d) != expected.get(d))
    if different:
        day = different[0]
        yield (
            f"daily_revenue: {len(different)} days aren't what orders add up to:"
            f" {day} has {found.get(day)} orders and revenue, but orders have {expected.get(day)}"
        )


def _by_day(figures: DataFrame) -> dict[str, tuple[int, Decimal]]:
    return {str(day): (orders, revenue) for day, orders, revenue in figures.collect()}
