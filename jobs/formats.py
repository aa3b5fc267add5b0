"""Tables as files: CSV, JSON, Parquet and Avro, in each of which every value comes back as it was."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

_TIMES = {
    "dateFormat": "yyyy-MM-dd",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}
_NULL = r"\N"
_OPTIONS = {
    "csv": {
        "header": "true",
        "nullValue": _NULL,
        "emptyValue": "",
        "quoteAll": "true",
        "escape": '"',
        "multiLine": "true",
        "ignoreLeadingWhiteSpace": "false",
        "ignoreTrailingWhiteSpace": "false",
        "mode": "FAILFAST",
        **_TIMES,
    },
    "json": {"ignoreNullFields": "false", "mode": "FAILFAST", **_TIMES},
    "parquet": {},
    "avro": {},
}
_AVRO: dict[str, Any] = {
    "boolean": "boolean",
    "tinyint": "int",
    "smallint": "int",
    "int": "int",
    "bigint": "long",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "bytes",
    "date": {"type": "int", "logicalType": "date"},
    "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
    "timestamp_ntz": {"type": "long", "logicalType": "local-timestamp-micros"},
}


def write(df: DataFrame, uri: str, kind: str) -> None:
    """The rows, in place of whatever stands below `uri`."""
    options = dict(_OPTIONS[kind])
    if kind == "csv":
        df = df.select([_for_csv(field) for field in df.schema])
    if kind == "avro":
        options["avroSchema"] = avro_schema(df.schema)
    df.write.mode("overwrite").format(kind).options(**options).save(uri)


def read(spark: SparkSession, uri: str, kind: str, schema: t.StructType) -> DataFrame:
    """What `write` has put there."""
    raw = t.StructType(
        [
            t.StructField(c.name, t.StringType() if kind == "csv" and c.dataType == t.BinaryType() else c.dataType)
            for c in schema
        ]
    )
    df = spark.read.format(kind).schema(raw).options(**_OPTIONS[kind]).load(uri)
    return df.select([_from_csv(field) for field in schema]) if kind == "csv" else df


def avro_schema(schema: t.StructType) -> str:
    """Spark's own has decimals as `fixed`, which neither Presto nor Trino reads."""
    columns = []
    for field in schema:
        kind = _AVRO.get(field.dataType.simpleString())
        if isinstance(field.dataType, t.DecimalType):
            kind = {
                "type": "bytes",
                "logicalType": "decimal",
                "precision": field.dataType.precision,
                "scale": field.dataType.scale,
            }
        columns.append({"name": field.name, "type": ["null", kind], "default": None})
    return json.dumps({"type": "record", "name": "row", "fields": columns})


def _for_csv(field: t.StructField) -> Column:
    """Bytes as base64, and a text that looks like the sign for NULL with a backslash before it."""
    column = f.col(f"`{field.name}`")
    if isinstance(field.dataType, t.BinaryType):
        column = f.base64(column)
    elif isinstance(field.dataType, t.StringType):
        column = f.when(column.rlike(r"^\\+N$"), f.concat(f.lit("\\"), column)).otherwise(column)
    return column.alias(field.name)


def _from_csv(field: t.StructField) -> Column:
    column = f.col(f"`{field.name}`")
    if isinstance(field.dataType, t.BinaryType):
        column = f.unbase64(column)
    elif isinstance(field.dataType, t.StringType):
        column = f.when(column.rlike(r"^\\\\+N$"), column.substr(f.lit(2), f.length(column))).otherwise(column)
    return column.alias(field.name)
