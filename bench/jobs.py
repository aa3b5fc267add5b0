"""How fast the analytics jobs are, against the ways to do without them, on the same rows in the same run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.jobs import parts, shop

HEAP = "1g"  # the driver's and, in local mode, that of all that runs: far below what the rows take
SMALL, REPETITIONS = 100_000, 3
"""Rows up to which a size is measured several times, of which the median counts."""
TIMED = """
import json, sys, time
from pyspark.sql import SparkSession
from jobs.__main__ import main
from jobs.session import SETTINGS
SparkSession.builder.config(map=SETTINGS).getOrCreate().range(1).count()  # so that no job pays for the start
class Kept:
    def __enter__(self): return SparkSession.active()
    def __exit__(self, *_): pass
import jobs.session
jobs.session.session = lambda job: Kept()
seconds = {}
for job in sys.argv[2:]:
    start = time.perf_counter()
    assert main([job, "--config", sys.argv[1]]) == 0
    seconds[job] = time.perf_counter() - start
print(json.dumps(seconds))
"""


def measure(sizes: list[int]) -> Iterator[dict[str, Any]]:
    """A row a size, as soon as it is known: rows a second, and how they compare in the same run."""
    lacking = parts.install()
    if lacking:
        raise SystemExit(lacking)
    with tempfile.TemporaryDirectory() as folder, parts.mariadb(Path(folder)) as server, parts.lake(server) as lake:
        settings = {"spark.driver.memory": HEAP, "spark.driver.extraJavaOptions": "-XX:+UseParallelGC"}
        environment = parts.environment(lake.address, Path(folder) / "spark", **settings)
        for size in sizes:
            shop.create(server, size, days=82)
            runs = []
            for number in range(REPETITIONS if size <= SMALL else 1):

                def timed(name: str, partitions: int, *jobs: str) -> dict[str, float]:
                    config = lake.config(f"{name}-{size}-{number}", catalog="", export="")  # noqa: B023
                    config["tables"]["orders"]["partitions"] = partitions
                    command = [sys.executable, "-c", TIMED, lake.put(config), *jobs]
                    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                    if done.returncode:
                        raise SystemExit(done.stderr[-4000:])
                    return dict(json.loads(done.stdout.splitlines()[-1]))

                seconds = timed("parted", 4, "extract", "transform", "check")
                seconds["all"] = sum(seconds.values())
                seconds["one read"] = timed("single", 1, "extract")["extract"]
                seconds["DuckDB"] = duckdb(server, Path(folder) / "orders.parquet")
                runs.append(seconds)
            yield {
                "rows": size,
                "runs": len(runs),
                **{f"{name} rows/s": round(statistics.median(size / run[name] for run in runs)) for name in runs[0]},
                **{
                    f"{name} / {other}": round(statistics.median(run[other] / run[name] for run in runs), 2)
                    for name, other in (("extract", "one read"), ("extract", "DuckDB"), ("all", "DuckDB"))
                },
            }


def duckdb(server: parts.Server, to: Path) -> float:
    """Seconds that DuckDB's MySQL reader takes for the same tables as Parquet on the local disk."""
    import duckdb
    import duckdb_extension_mysql_scanner  # type: ignore[import-untyped]

    connection = duckdb.connect()
    (extension,) = Path(duckdb_extension_mysql_scanner.__file__).parent.rglob("*.duckdb_extension")
    connection.load_extension(str(extension))
    connection.execute(f"ATTACH 'socket={server.socket} user=root database=shop' AS shop (TYPE mysql, READ_ONLY)")
    start = time.perf_counter()
    for table in ("orders", "customers", "products"):
        connection.execute(f"COPY (SELECT * FROM shop.{table}) TO '{to}.{table}' (FORMAT parquet)")  # noqa: S608
    return time.perf_counter() - start
