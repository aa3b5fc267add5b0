"""These tests need Java, MariaDB and Spark's jars."""

import json
import os

import pytest

from jobs.config import parse
from jobs.session import SETTINGS

from . import parts


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
    """Run a job, or several, in the shared session."""
    from jobs.extract import extract
    from jobs.publish import publish
    from jobs.transform import transform

    for name, value in parts.variables(lake.address).items():
        monkeypatch.setenv(name, value)
    known = {"extract": extract, "transform": transform, "publish": publish}

    def run(config, *names, **options):
        for name in names or known:
            known[name](spark, parse(json.dumps(config)), **(options if name == "extract" else {}))

    return run
