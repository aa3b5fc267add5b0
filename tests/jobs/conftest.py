"""These tests need Java, MariaDB and Spark's jars."""

import contextlib
import os

import pytest

from jobs.__main__ import main
from jobs.session import SETTINGS

from . import parts

collect_ignore = [] if "ENGINES" in os.environ else ["test_trino.py"]  # too large for each push


@pytest.fixture(scope="session")
def real():
    lacking = parts.missing()
    if lacking and os.environ.get("CI") == "true":
        pytest.fail(lacking, pytrace=False)
    if lacking:
        pytest.skip(lacking)


@pytest.fixture(scope="session")
def server(real, tmp_path_factory):
    with parts.mariadb(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture(scope="session")
def lake(server):
    with parts.lake(server) as made:
        yield made


@pytest.fixture(scope="session")
def environment(lake, tmp_path_factory):
    return parts.environment(lake.address, tmp_path_factory.mktemp("spark"))


@pytest.fixture(scope="session")
def spark(environment):
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:  # other tests of this process must not see it
        for name, value in environment.items():
            patch.setenv(name, value)
        made = SparkSession.builder.config(map=SETTINGS).getOrCreate()
    yield made
    made.stop()


@pytest.fixture
def run(spark, lake, monkeypatch):
    """Run the program for some jobs, up to the first that fails, in the one session there is: the last exit code."""
    for name, value in parts.variables(lake.address).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("jobs.session.session", lambda job: contextlib.nullcontext(spark))

    def run(config, *names, options=()):
        uri = lake.put(config)
        codes = (
            main([name, "--config", uri, *options]) for name in names or ("extract", "transform", "check", "publish")
        )
        return next((code for code in codes if code), 0)

    return run


@pytest.fixture
def published(lake, tmp_path):
    """The rows of a published table, as DuckDB reads the files that count."""
    import duckdb

    def published(config, query):
        """Ask DuckDB of `orders`, `customers`, `products` and `daily_revenue`."""
        version = lake.document(config, "state/published.json")
        connection = duckdb.connect()
        for table, found in version["tables"].items():
            files = []
            for place in found["places"].values():
                folder = place.split("/", 3)[3]
                if not (tmp_path / folder).exists():
                    lake.download(folder + "/", tmp_path)
                files += [str(path) for path in (tmp_path / folder).glob("*.parquet")]
            rows = connection.read_parquet(files, hive_partitioning=False)
            day = ", cast(ordered_at AS date) AS order_date" if table == "orders" else ""
            rows.project(f"*{day}").create_view(table)
        return connection.sql(query).fetchall()

    return published
