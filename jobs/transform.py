"""Raw zone -> curated zone: the star, of whose orders only the days that a batch touches are written anew."""

from __future__ import annotations

import datetime
import functools
import uuid
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as f

from . import JobError, log
from .batches import Batches
from .config import Config
from .curated import PARTITIONED, Curated
from .star import DAILY_REVENUE, PARTITION, SOURCES
from .storage import Storage


def transform(spark: SparkSession, config: Config) -> None:
    """Make the candidate for the next version of the star: the published one with the batches since."""
    curated = Curated(spark, config)
    published = curated.version("published")
    sources = {table: Batches(Storage(spark), config, table) for table in SOURCES}
    batches = {table: source.between(published["applied"].get(table, 0)) for table, source in sources.items()}
    if not any(batches.values()):
        log("no new batch: nothing to do")
        return
    missing = [table for table in SOURCES if not batches[table] and table not in published["applied"]]
    if missing:
        raise JobError(f"no batch of {', '.join(missing)} has been extracted")
    run = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    candidate: dict[str, Any] = {"run": run, "applied": dict(published["applied"]), "tables": dict(published["tables"])}
    for table in (name for name in SOURCES if batches[name]):
        candidate["applied"][table] = batches[table][-1]["number"]
        rows = _newest(spark, sources[table], table, batches[table])
        if batches[table][0]["full"]:
            candidate["tables"][table] = curated.write(rows, table, run)
            if table == PARTITIONED:
                candidate["tables"]["daily_revenue"] = _daily_revenue(curated, rows, run)
            continue
        rows = rows.persist(StorageLevel.MEMORY_AND_DISK)
        changed = _changed(curated, published, table, rows)
        if changed:
            old = curated.read(published, table, changed).join(rows.select("id"), "id", "leftanti")
            merged = old.unionByName(rows)
            candidate["tables"][table] = _with(published, table, changed, curated.write(merged, table, run))
            if table == PARTITIONED:
                before = curated.read(published, "daily_revenue")
                kept = before.where(~f.col(PARTITION).cast("string").isin(list(changed)))
                candidate["tables"]["daily_revenue"] = _daily_revenue(curated, merged, run, kept)
        rows.unpersist()
    curated.record("candidate", candidate)
    log(f"made {run}, to be checked")


def _newest(spark: SparkSession, source: Batches, table: str, batches: list[dict[str, Any]]) -> DataFrame:
    """What the batches say of each row: the last one that has it was read last."""
    parts = []
    for batch in batches:
        rows = source.read(spark, batch)
        lacking = [column for column in SOURCES[table] if column not in rows.columns]
        if lacking:
            raise JobError(f"{table} has no column {', '.join(lacking)} in batch {batch['number']}")
        columns = [f.col(column).cast(kind).alias(column) for column, kind in SOURCES[table].items()]
        parts.append(rows.select(*columns, f.lit(batch["number"]).alias("_batch")))
    rows = functools.reduce(DataFrame.unionByName, parts)
    if len(batches) > 1:
        last = Window.partitionBy("id").orderBy(f.desc("_batch"))
        rows = rows.withColumn("_place", f.row_number().over(last)).where("_place = 1").drop("_place")
    rows = rows.drop("_batch")
    return rows.withColumn(PARTITION, f.to_date("ordered_at")) if table == PARTITIONED else rows


def _changed(curated: Curated, published: dict[str, Any], table: str, rows: DataFrame) -> set[str]:
    """The partitions that gain a row, or lose its former version."""
    if table != PARTITIONED:
        return {""} if rows.take(1) else set()
    former = curated.read(published, table).join(rows.select("id"), "id", "leftsemi")
    days = rows.select(PARTITION).unionByName(former.select(PARTITION)).distinct().collect()
    return {str(row[0]) for row in days}


def _with(published: dict[str, Any], table: str, changed: set[str], written: dict[str, Any]) -> dict[str, Any]:
    """A published table with the partitions that were written in place of those that changed."""
    there = published["tables"][table]["places"]
    return {**written, "places": {**{n: p for n, p in there.items() if n not in changed}, **written["places"]}}


def _daily_revenue(curated: Curated, orders: DataFrame, run: str, kept: DataFrame | None = None) -> dict[str, Any]:
    """The daily figures of orders, and those of other days that stay."""
    orders.createOrReplaceTempView("orders")
    figures = orders.sparkSession.sql(DAILY_REVENUE)
    return curated.write(kept.unionByName(figures) if kept else figures, "daily_revenue", run)
