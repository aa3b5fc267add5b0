"""Spark, with what the jobs need it to be set to wherever they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

SETTINGS: dict[str, bool | float | int | str | None] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.avro.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.avro.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
"""One calendar and one time zone, whatever the cluster's."""


@contextmanager
def session(job: str) -> Iterator[SparkSession]:
    """A session that ends with the job."""
    spark = SparkSession.builder.appName(f"analytics {job}").config(map=SETTINGS).getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()
