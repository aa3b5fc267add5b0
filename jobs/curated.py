"""The curated zone: folders that are written once, and one document that says which of them count.

A run writes to folders of its own, so readers never see one that is half written; what it doesn't change stays where
an earlier run has put it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from .config import Config
from .star import PARTITION
from .storage import Storage

PARTITIONED = "orders"
"""The table with a folder for each day; any other is in one folder, as the partition ""."""


class Curated:
    """Versions of the curated tables: the published one, the staged one that waits to be, and a candidate for that."""

    def __init__(self, spark: SparkSession, config: Config) -> None:
        self._spark = spark
        self._storage = Storage(spark)
        self._curated = config.curated
        self._state = config.state

    def version(self, name: str) -> dict[str, Any]:
        """The `published`, `staged` or `candidate` one: its run, each table's last batch applied, schema and places."""
        return self._storage.read_json(f"{self._state}/{name}.json") or {"run": "", "applied": {}, "tables": {}}

    def record(self, name: str, version: dict[str, Any]) -> None:
        """Make a version the `published`, `staged` or `candidate` one."""
        self._storage.write_json(f"{self._state}/{name}.json", version)

    def read(self, version: dict[str, Any], table: str, partitions: Collection[str] | None = None) -> DataFrame:
        """A table as a version has it, or those of its partitions."""
        found = version["tables"][table]
        places = [place for name, place in found["places"].items() if partitions is None or name in partitions]
        schema = t.StructType.fromJson(found["schema"])
        if not places:
            return self._spark.createDataFrame([], schema)
        if table != PARTITIONED:
            return self._spark.read.schema(schema).parquet(*places)
        stored = t.StructType([field for field in schema if field.name != PARTITION])
        return self._spark.read.schema(stored).parquet(*places).withColumn(PARTITION, f.to_date("ordered_at"))

    def write(self, rows: DataFrame, table: str, run: str) -> dict[str, Any]:
        """Write rows to a folder of the run's own, in few files: their schema, and the partitions that came to be."""
        place = f"{self._curated}/{table}/run={run}"
        by = f"({PARTITION})" if table == PARTITIONED else ""
        rows = self._spark.sql(f"SELECT /*+ REBALANCE{by} */ * FROM {{rows}}", rows=rows)  # noqa: S608
        if table == PARTITIONED:
            rows.write.partitionBy(PARTITION).parquet(place)
            folders = [name for name in self._storage.names(place) if name.startswith(f"{PARTITION}=")]
            places = {folder.partition("=")[2]: f"{place}/{folder}" for folder in folders}
        else:
            rows.write.parquet(place)
            places = {"": place}
        return {"schema": json.loads(rows.schema.json()), "places": places}

    def clean(self, *versions: dict[str, Any]) -> None:
        """Delete the folders that none of these versions has anything in."""
        kept = {place for v in versions for found in v["tables"].values() for place in found["places"].values()}
        tables = {table for v in versions for table in v["tables"]}
        for table in tables:
            for run in self._storage.names(f"{self._curated}/{table}"):
                folder = f"{self._curated}/{table}/{run}"
                inside = [f"{folder}/{name}" for name in self._storage.names(folder)] if table == PARTITIONED else []
                if folder not in kept and not kept & set(inside):
                    self._storage.delete(folder)
                else:
                    for partition in inside:
                        if f"/{PARTITION}=" in partition and partition not in kept:
                            self._storage.delete(partition)
