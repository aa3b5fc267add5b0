"""MySQL, read by Spark over TLS with what Secrets Manager knows; the password stays out of Spark's settings."""

from __future__ import annotations

import json
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as f

from . import JobError, aws
from .config import Config
from .storage import Storage, reason

_MOMENTS = {"datetime": "timestamp_ntz", "timestamp": "timestamp_ntz", "date": "date"}
_AS_TEXT = (*_MOMENTS, "char", "time", "json", "enum", "set", "inet4", "inet6", "uuid")
_AS_NUMBER = ("year", "bit")


class Database:
    """The source of a configuration."""

    def __init__(self, spark: SparkSession, config: Config) -> None:
        source = config.source
        answer = aws.call("secretsmanager", "GetSecretValue", config.region, SecretId=source.secret)
        try:
            secret = json.loads(answer["SecretString"])
            host, port = source.host or secret["host"], int(secret["port"])
            self.name = str(secret["dbname"])
            credentials = {"user": str(secret["username"]), "password": str(secret["password"])}
        except (ValueError, KeyError, TypeError):
            wanted = "host, port, username, password and dbname"
            raise JobError(f"the secret {source.secret} is not JSON with {wanted}") from None
        certificate = Storage(spark).read(source.certificate)
        if certificate is None:
            raise JobError(f"there is no {source.certificate}, the authorities that sign the server's certificate")
        self.address = f"{host}:{port}"
        self._spark = spark
        self._options = {
            **credentials,
            "url": f"jdbc:mysql://{self.address}/{self.name}?permitMysqlScheme",
            "driver": "org.mariadb.jdbc.Driver",
            "sslMode": "verify-full",
            "serverSslCert": certificate,
            "connectTimeout": "20000",
            "fetchsize": str(config.fetch_rows),
            "tinyInt1isBit": "false",
            "sessionVariables": "time_zone='+00:00'",
        }

    def rows(self, query: str) -> list[Row]:
        """What a query answers, for a few rows."""
        try:
            return self._spark.read.format("jdbc").options(**self._options).option("query", query).load().collect()
        except Py4JJavaError as error:
            raise JobError(f"can't ask {self.name} at {self.address}: {reason(error)}") from None

    def columns(self, table: str) -> dict[str, str]:
        """A table's columns and their types; none where there is no such table."""
        query = (
            "SELECT column_name AS name, data_type AS type FROM information_schema.columns"  # noqa: S608
            f" WHERE table_schema = DATABASE() AND table_name = '{table}' ORDER BY ordinal_position"
        )
        return {row["name"]: row["type"] for row in self.rows(query)}

    def read(self, table: str, columns: dict[str, str], condition: str, split: dict[str, Any]) -> DataFrame:
        """The rows of a table that meet a condition, none of them read before they are asked for."""
        selected = ", ".join(_selected(name, kind) for name, kind in columns.items())
        query = f"(SELECT {selected} FROM `{table}` WHERE {condition}) AS rows_of_{table}"  # noqa: S608 - names checked
        options = {**self._options, "dbtable": query, **split}
        rows = self._spark.read.format("jdbc").options(**options).load()
        return rows.select([_parsed(table, name, kind) for name, kind in columns.items()])


def _parsed(table: str, name: str, kind: str) -> Column:
    """A column, dates and times made from their text; one that is none, such as 0000-00-00, ends the job."""
    column = f.col("`" + name.replace("`", "``") + "`")
    if kind in ("tinyint", "smallint"):
        return column.cast("int").alias(name)  # Avro has nothing smaller
    if kind == "float":
        return column.cast("float").alias(name)
    if kind not in _MOMENTS:
        return column
    wrong = f.raise_error(f.concat(f.lit(f"{table}.{name} is no {kind}: "), column))
    return f.coalesce(column.cast(_MOMENTS[kind]), f.when(column.isNotNull(), wrong)).alias(name)


def _selected(name: str, kind: str) -> str:
    """A column as a type that each format can hold; dates and times as text, which no time zone shifts.

    A server writes a FLOAT with six digits, and a DOUBLE with all.
    """
    column = "`" + name.replace("`", "``") + "`"
    if kind in _AS_TEXT:
        return f"CAST({column} AS CHAR) AS {column}"
    if kind == "float":
        return f"{column} + 0e0 AS {column}"
    return f"CAST({column} AS UNSIGNED) AS {column}" if kind in _AS_NUMBER else column
