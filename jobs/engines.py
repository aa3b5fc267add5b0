"""The daily revenue by other engines, which must come to the same as Spark's, to the cent."""

from __future__ import annotations

import csv
import pkgutil
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from . import JobError, QualityError, log
from .batches import Batches
from .config import Config
from .curated import PARTITIONED, Curated
from .star import DAILY_REVENUE
from .storage import Storage

_SCRIPTS = ("mapper.py", "newest.py", "total.py")


def mapreduce(spark: SparkSession, config: Config, *, streaming_jar: str) -> None:
    """Work out the staged figures by Hadoop streaming, from the batches in the raw zone."""
    curated, storage = Curated(spark, config), Storage(spark)
    staged = curated.version("staged")
    source = Batches(storage, config, PARTITIONED)
    batches = source.between(0, staged["applied"].get(PARTITIONED, 0))
    if not batches:
        raise JobError("nothing has been staged")
    if any(batch["format"] != "json" for batch in batches):
        raise JobError(f"tables.{PARTITIONED}.format: MapReduce takes json alone, which has a row a line")
    work = f"{config.state}/mapreduce"
    storage.delete(work)
    with tempfile.TemporaryDirectory() as folder:
        for script in _SCRIPTS:
            (Path(folder) / script).write_bytes(pkgutil.get_data("jobs", f"streaming/{script}") or b"")

        def stream(inputs: Iterable[str], output: str, **programs: str) -> None:
            files = ",".join(f"{folder}/{script}" for script in _SCRIPTS)
            command = ["hadoop", "jar", streaming_jar, "-files", files, "-output", output]
            command += [word for uri in inputs for word in ("-input", uri)]
            _run([*command, *(word for name, program in programs.items() for word in (f"-{name}", program))])

        stream(map(source.uri, batches), f"{work}/newest", mapper="python3 mapper.py", reducer="python3 newest.py")
        stream(
            [f"{work}/newest"], f"{work}/total", mapper="cat", combiner="python3 total.py", reducer="python3 total.py"
        )
    names = [name for name in storage.names(f"{work}/total") if name.startswith("part-")]
    lines = "".join(storage.read(f"{work}/total/{name}") or "" for name in names).splitlines()
    _compare(curated, staged, "MapReduce", csv.reader(lines, delimiter="\t"))


def presto(spark: SparkSession, config: Config, *, client: str) -> None:
    """Work out the published figures by Presto or Trino, from the tables that Glue has."""
    curated = Curated(spark, config)
    answer = _run(
        [*shlex.split(client), "--schema", config.catalog, "--output-format", "CSV", "--execute", DAILY_REVENUE]
    )
    _compare(curated, curated.version("published"), "Presto", csv.reader(answer.splitlines()))


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise JobError(f"can't run {command[0]}: {error.strerror}") from None
    if done.returncode:
        raise JobError(f"{command[0]} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def _compare(curated: Curated, version: dict[str, Any], engine: str, rows: Iterable[list[str]]) -> None:
    """Hold an engine's figures against a version's."""
    found = {day: (int(orders), Decimal(revenue)) for day, orders, revenue in rows}
    daily = curated.read(version, "daily_revenue").collect()
    expected = {str(row[0]): (row[1], row[2]) for row in daily}
    different = sorted(d for d in found.keys() | expected.keys() if found.get(d) != expected.get(d))
    if different:
        day = different[0]
        raise QualityError(
            f"{engine} and Spark differ in {len(different)} days:"
            f" on {day} {found.get(day)} against {expected.get(day)} orders and revenue"
        )
    log(f"{engine} agrees on {len(found)} days, {sum(r for _, r in found.values())} in all")
