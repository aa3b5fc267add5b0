"""MapReduce, Presto's SQL and Spark come to what MySQL has, to the cent."""

import os
import stat
from pathlib import Path

import pytest

from jobs.star import DAILY_REVENUE

from . import parts, shop


@pytest.fixture
def hadoop(tmp_path, environment, lake, monkeypatch):
    """Hadoop's own `hadoop jar`, on its local runner, against the simulated S3."""
    import pyspark

    settings = {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": lake.address,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
        "mapreduce.framework.name": "local",
        "hadoop.tmp.dir": str(tmp_path / "scratch"),
    }
    properties = "".join(f"<property><name>{k}</name><value>{v}</value></property>" for k, v in settings.items())
    (tmp_path / "core-site.xml").write_text(f"<configuration>{properties}</configuration>")
    java = f"{environment['JAVA_HOME']}/bin/java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    spark = Path(pyspark.__file__).parent / "jars"
    path = f"{tmp_path}:{environment['SPARK_CONF_DIR']}:{spark}/*:{parts.cached()}/*"
    program = tmp_path / "hadoop"
    program.write_text(f"#!/bin/sh\nshift\nexec {java} -cp '{path}' org.apache.hadoop.util.RunJar \"$@\"\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (jar,) = parts.cached().glob("hadoop-streaming-*.jar")
    return ["--streaming-jar", str(jar)]


def test_mapreduce_agrees_to_the_cent(server, lake, run, published, hadoop, capfd):
    shop.create(server, 2000)
    config = lake.config("mapreduce", format="json")
    config["tables"]["orders"]["partitions"] = 1
    assert run(config, "extract", "transform", "check") == 0
    server.run(
        f"UPDATE orders SET amount = amount + 0.01, updated_at = {shop.NOW} WHERE id % 10 = 0",
        f"UPDATE orders SET status = 'cancelled', updated_at = {shop.NOW} WHERE id % 100 = 1",
        f"UPDATE orders SET ordered_at = '2026-05-01', updated_at = {shop.NOW} WHERE id % 100 = 2",
    )
    assert run(config, "extract", "transform", "check") == 0
    assert run(config, "mapreduce", options=hadoop) == 0
    days = server.run(shop.DAILY)
    assert f"MapReduce agrees on {len(days)} days, {sum(row[2] for row in days)} in all" in capfd.readouterr().err
    assert run(config, "publish") == 0
    assert published(config, "SELECT * FROM daily_revenue ORDER BY 1") == days
    assert published(config, DAILY_REVENUE) == days  # DuckDB's answer to the shipped SQL

    # and it sees a difference of a cent
    key = next(key for key in lake.keys("mapreduce/raw/orders/batch=00000002/") if "part-" in key)
    first, rest = lake.body(key).split(b'"amount":', 1)
    amount, rest = rest.split(b",", 1)
    changed = f"{float(amount) + 0.01:.2f}".encode()
    lake.ask("s3").put_object(Bucket=parts.BUCKET, Key=key, Body=first + b'"amount":' + changed + b"," + rest)
    assert run(config, "mapreduce", options=hadoop) == 3
    assert "MapReduce and Spark differ in 1 days: on 2026-0" in capfd.readouterr().err


def test_mapreduce_takes_json_alone(server, lake, run, hadoop, capfd):
    shop.create(server, 50)
    config = lake.config("no-json")
    assert run(config, "mapreduce", options=hadoop) == 1
    assert "nothing has been staged" in capfd.readouterr().err
    assert run(config, "extract", "transform", "check") == 0
    assert run(config, "mapreduce", options=hadoop) == 1
    assert "tables.orders.format: MapReduce takes json alone" in capfd.readouterr().err


@pytest.mark.parametrize(("changed", "code"), [(False, 0), (True, 3)])
def test_prestos_answer_is_compared(server, lake, run, published, tmp_path, capfd, changed, code):
    """By a client that answers what DuckDB does; `make engines` asks the real ones."""
    shop.create(server, 200)
    config = lake.config(f"presto-{changed}")
    assert run(config) == 0
    rows = published(config, DAILY_REVENUE)
    text = "".join(f'"{day}","{orders}","{revenue + changed}"\n' for day, orders, revenue in rows)
    (tmp_path / "answer").write_text(text)
    client = tmp_path / "presto"
    client.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat {tmp_path}/answer\n')
    client.chmod(0o755)
    assert run(config, "presto", options=["--client", f"{client} --catalog hive"]) == code
    asked = f"--catalog hive --schema {config['catalog']} --output-format CSV"
    assert (tmp_path / "arguments").read_text().startswith(asked)
    assert ("Presto agrees" in capfd.readouterr().err) is not changed


def test_a_client_that_is_not_there(server, lake, run, capfd):
    config = lake.config("absent")
    assert run(config, "presto", options=["--client", "no-such-client"]) == 1
    assert "presto: can't run no-such-client: No such file or directory" in capfd.readouterr().err
    assert run(config, "presto", options=["--client", "sh -c 'echo wrong >&2; exit 7'"]) == 1
    assert "sh failed with 7:\nwrong" in capfd.readouterr().err
