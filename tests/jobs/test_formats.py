"""Every value comes back from every format as it was in MySQL."""

import datetime
import json
from decimal import Decimal

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import types as t

from jobs import formats
from jobs.config import FORMATS

KINDS = {
    "BIGINT": (-(2**63), 0, 2**63 - 1),
    "BIGINT UNSIGNED": (0, 2**64 - 1),
    "INT UNSIGNED": (2**32 - 1,),
    "SMALLINT": (-(2**15),),
    "TINYINT(1)": (-128, 0, 1, 2, 127),
    "BOOLEAN": (True, False),
    "DECIMAL(38, 10)": (Decimal("-9999999999999999999999999999.9999999999"), Decimal("0.0000000001"), Decimal(0)),
    "DECIMAL(12, 2)": (Decimal("0.10"), Decimal("-0.01"), Decimal("9999999999.99")),
    "DOUBLE": (1e308, -5e-324, 0.1),
    "FLOAT": (0.5, -1.25, 16777215.0, 13.404954),
    "DATE": (datetime.date(1000, 1, 1), datetime.date(1582, 10, 10), datetime.date(9999, 12, 31)),
    "DATETIME(6)": (
        datetime.datetime(1000, 1, 1, 0, 0, 0, 1),
        datetime.datetime(2026, 3, 8, 2, 30),  # skipped where the tests' JVM is
        datetime.datetime(2026, 3, 29, 2, 30),  # skipped in Europe
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
    ),
    "TIMESTAMP(6)": (datetime.datetime(2026, 11, 1, 1, 30, 0, 123456), datetime.datetime(1970, 1, 1, 0, 0, 1)),
    "YEAR": (1901, 2155),
    "BIT(8)": (0, 255),
    "CHAR(4)": ("", "ab"),
    "VARCHAR(200)": (
        *("", " ", " a ", "\t", "\n", "\r\n", "\r", '"', '""', ",", "'", "#", "😀é"),
        *("\\", "\\N", "\\\\N", "NULL", "null"),
    ),
    "TEXT": ("x" * 60_000, 'a,"b"\nc', "\x00", "\u2028", "\ufeff"),
    "JSON": ('{"a": [1, null, "é"]}',),
    "ENUM('x', 'y')": ("x",),
    "SET('x', 'y')": ("x,y", ""),
    "VARBINARY(100)": (b"", b"\x00\xff", b"\\N", bytes(range(100))),
    "BLOB": (b"\x00" * 1000,),
}
"""MySQL's types, and values that are easily lost."""


@pytest.fixture(scope="module")
def rows(server):
    """The table `kinds`: a row for each value and for NULL, in a column of its type; the result is its rows."""
    server.run("DROP DATABASE IF EXISTS shop", "CREATE DATABASE shop", database="")
    columns = {f"c{number}": kind for number, kind in enumerate(KINDS)}
    made = ", ".join(f"{name} {kind} NULL" for name, kind in columns.items())
    server.run(f"CREATE TABLE kinds (id INT PRIMARY KEY AUTO_INCREMENT, {made}) CHARACTER SET utf8mb4")
    with pymysql.connect(unix_socket=str(server.socket), user="root", database="shop") as connection:
        cursor = connection.cursor()
        cursor.execute("SET time_zone = '+00:00'")
        for name, kind in columns.items():
            for value in KINDS[kind]:
                cursor.execute(f"INSERT INTO kinds ({name}) VALUES (%s)", [value])
        cursor.execute("INSERT INTO kinds () VALUES ()")
        connection.commit()
        # By the text of a FLOAT, all but six digits would be lost here too.
        read = ", ".join(f"{name} + 0e0" if kind == "FLOAT" else name for name, kind in columns.items())
        cursor.execute(f"SELECT id, {read} FROM kinds ORDER BY id")
        bit = 1 + list(KINDS).index("BIT(8)")
        return [(*row[:bit], row[bit] and row[bit][0], *row[bit + 1 :]) for row in cursor]


def same(value):
    """A value to compare by."""
    return bytes(value) if isinstance(value, bytearray) else value


@pytest.mark.parametrize("kind", FORMATS)
def test_every_type_of_mysql(spark, lake, run, rows, kind):
    config = {**lake.config(f"kinds-{kind}"), "tables": {"kinds": {"key": "id", "format": kind, "partitions": 2}}}
    assert run(config, "extract") == 0
    batch = lake.document(config, "state/kinds/batch-00000001.json")
    schema = t.StructType.fromJson(batch["schema"])
    assert schema["c6"].dataType == t.DecimalType(38, 10)
    assert {schema[name].dataType for name in ("c11", "c12")} == {t.TimestampNTZType()}
    assert {schema[name].dataType for name in ("c21", "c22")} == {t.BinaryType()}
    read = formats.read(spark, f"{config['raw']}/kinds/batch=00000001", kind, schema).orderBy("id").collect()
    assert batch["rows"] == len(rows)
    for expected, row in zip(rows, read, strict=True):
        assert tuple(same(value) for value in row) == expected


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(codec="utf-8")) | st.text("\\N\",\n\r' ", max_size=4),
            st.none() | st.binary(max_size=20),
            st.none() | st.decimals(Decimal(-(10**17)), Decimal(10**17), places=2),
            st.none() | st.datetimes(datetime.datetime(1, 1, 1)),
            st.none() | st.dates(),
            st.none() | st.integers(-(2**63), 2**63 - 1),
        ),
        min_size=60,
        max_size=120,
    )
)
def test_every_value(spark, tmp_path, values):
    kinds = (t.StringType(), t.BinaryType(), t.DecimalType(20, 2), t.TimestampNTZType(), t.DateType(), t.LongType())
    schema = t.StructType([t.StructField(f"c{i}", kind) for i, kind in enumerate((*kinds, t.IntegerType()))])
    rows = [(*value, number) for number, value in enumerate(values)]
    df = spark.createDataFrame(rows, schema).coalesce(1).cache()
    for kind in FORMATS:
        formats.write(df, f"{tmp_path.as_uri()}/{kind}", kind)
        back = formats.read(spark, f"{tmp_path.as_uri()}/{kind}", kind, schema).orderBy("c6").collect()
        assert [tuple(map(same, row)) for row in back] == [tuple(map(same, row)) for row in rows]


def test_avros_decimals_are_bytes():
    """Neither Presto nor Trino reads the `fixed` that Spark would write."""
    (field,) = json.loads(formats.avro_schema(t.StructType().add("a", t.DecimalType(12, 2))))["fields"]
    assert field["type"] == ["null", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}]
