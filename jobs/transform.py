"""Raw zone -> curated zone: the star, of whose orders only the days that a batch touches are written anew."""

from __future__ import annotations

import datetime
import functools
import uuid
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as f
from pyspark.sql import types as t

from . import JobError, formats, log, quality
from .batches import Batches
from .config import Config
from .curated import PARTITIONED, Curated
from .star import DAILY_REVENUE, PARTITION, SOURCES
from .storage import Storage


def transform(spark: SparkSession, config: Config) -> None:
    """Stage the next version of the star: the published one with the batches since, if it passes every check."""
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
    version: dict[str, Any] = {"run": run, "applied": dict(published["applied"]), "tables": dict(published["tables"])}
    changed: dict[str, set[str]] = {}
    for table in (name for name in SOURCES if batches[name]):
        rows, whole = _newest(spark, sources[table], table, batches[table]), batches[table][0]["full"]
        if not whole:
            rows = rows.persist(StorageLevel.MEMORY_AND_DISK)
        version["tables"][table], changed[table] = _merged(curated, published, table, rows, run, whole=whole)
        version["applied"][table] = batches[table][-1]["number"]
        quality.check_table(rows, curated.read(version, table, changed[table]), table)
        rows.unpersist()
    if PARTITIONED in changed:
        version["tables"]["daily_revenue"] = _daily_revenue(curated, published, version, changed[PARTITIONED], run)
    quality.check_star(curated, version)
    curated.record("staged", version)
    log(f"staged {run}: " + ", ".join(f"{len(days)} partitions of {table}" for table, days in changed.items()))


def _newest(spark: SparkSession, source: Batches, table: str, batches: list[dict[str, Any]]) -> DataFrame:
    """What the batches say of each row: the last one that has it was read last."""
    parts = []
    for batch in batches:
        rows = formats.read(spark, source.uri(batch), batch["format"], t.StructType.fromJson(batch["schema"]))
        lacking = [column for column in SOURCES[table] if column not in rows.columns]
        if lacking:
            raise JobError(f"{table} has no column {', '.join(lacking)} in batch {batch['number']}")
        quality.check_batch(rows, table, batch)
        columns = [f.col(column).cast(kind).alias(column) for column, kind in SOURCES[table].items()]
        parts.append(rows.select(*columns, f.lit(batch["number"]).alias("_batch")))
    rows = functools.reduce(DataFrame.unionByName, parts)
    if len(batches) > 1:
        last = Window.partitionBy("id").orderBy(f.desc("_batch"))
        rows = rows.withColumn("_place", f.row_number().over(last)).where("_place = 1").drop("_place")
    rows = rows.drop("_batch")
    return rows.withColumn(PARTITION, f.to_date("ordered_at")) if table == PARTITIONED else rows


def _merged(
    curated: Curated, published: dict[str, Any], table: str, rows: DataFrame, run: str, *, whole: bool
) -> tuple[dict[str, Any], set[str]]:
    """A table with new rows in place of the old ones, and the partitions that were written or emptied for it."""
    if whole:
        written = curated.write(rows, table, run)
        before = published["tables"].get(table, {"places": {}})
        return written, {*written["places"], *before["places"]}
    replaced = curated.read(published, table).join(rows.select("id"), "id", "leftsemi")
    changed = _partitions(rows, table) | _partitions(replaced, table)
    places = published["tables"][table]["places"]
    if not changed:
        return published["tables"][table], changed
    kept = curated.read(published, table, changed).join(rows.select("id"), "id", "leftanti")
    written = curated.write(kept.unionByName(rows), table, run)
    untouched = {name: place for name, place in places.items() if name not in changed}
    return {**written, "places": {**untouched, **written["places"]}}, changed


def _partitions(rows: DataFrame, table: str) -> set[str]:
    if table != PARTITIONED:
        return {""} if rows.take(1) else set()
    return {str(row[0]) for row in rows.select(PARTITION).distinct().collect()}


def _daily_revenue(
    curated: Curated, published: dict[str, Any], version: dict[str, Any], changed: set[str], run: str
) -> dict[str, Any]:
    """The daily figures, those of the changed days computed anew."""
    orders = curated.read(version, PARTITIONED, changed)
    orders.createOrReplaceTempView("orders")
    figures = orders.sparkSession.sql(DAILY_REVENUE)
    if "daily_revenue" in published["tables"]:
        old = curated.read(published, "daily_revenue")
        figures = old.where(~f.col(PARTITION).cast("string").isin(list(changed))).unionByName(figures)
    return curated.write(figures.orderBy(PARTITION), "daily_revenue", run)
