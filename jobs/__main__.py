"""`python -m jobs JOB --config URI`, or spark-submit of main.py with the same arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import JobError, UsageError, log
from .config import Config, parse

JOBS = {
    "extract": "copy what is new in MySQL to the raw zone",
    "transform": "work the new batches into a candidate for the curated star",
    "check": "hold the candidate to its sources and to itself, and stage it",
    "mapreduce": "work out the staged daily revenue by Hadoop streaming, and compare",
    "publish": "show the staged star to Athena, Presto and QuickSight",
    "presto": "work out the published daily revenue by Presto or Trino, and compare",
}
EXIT = "exit codes: 0 done, 1 can't be done, 2 the arguments or the configuration are wrong, 3 the data fails a check"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="jobs", description="Analytics jobs: MySQL -> S3 -> star.", epilog=EXIT)
    commands = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    for name, what in JOBS.items():
        command = commands.add_parser(name, help=what, description=what, epilog=EXIT)
        command.add_argument("--config", required=True, metavar="URI", help="JSON: a path, or s3://bucket/key")
        if name == "extract":
            command.add_argument("--full", action="store_true", help="read the tables whole, as if for the first time")
        if name == "mapreduce":
            jar = "/usr/lib/hadoop/hadoop-streaming.jar"
            command.add_argument("--streaming-jar", default=jar, metavar="PATH", help="default: %(default)s")
        if name == "presto":
            client = "presto-cli --server localhost:8889 --catalog hive"
            command.add_argument("--client", default=client, metavar="COMMAND", help="default: %(default)s")
    parsed = parser.parse_args(arguments)
    try:
        run(parsed)
    except JobError as error:
        log(f"{parsed.job}: {error}")
        return error.exit_code
    return 0


def run(parsed: argparse.Namespace) -> None:
    """Start Spark once the configuration is known to be right, where it can be read without."""
    remote = "://" in parsed.config
    config = None if remote else _local(parsed.config)

    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    from . import engines
    from .extract import extract
    from .publish import publish
    from .quality import check
    from .session import session
    from .storage import Storage, reason
    from .transform import transform

    jobs: dict[str, Any] = {
        "extract": extract,
        "transform": transform,
        "check": check,
        "mapreduce": engines.mapreduce,
        "publish": publish,
        "presto": engines.presto,
    }
    options = {name: value for name, value in vars(parsed).items() if name not in ("job", "config")}
    with session(parsed.job) as spark:
        if config is None:
            text = Storage(spark).read(parsed.config)
            if text is None:
                raise UsageError(f"there is no {parsed.config}")
            config = parse(text)
        try:
            jobs[parsed.job](spark, config, **options)
        except (Py4JJavaError, PySparkException) as error:
            raise JobError(f"Spark failed: {reason(error)}") from error


def _local(path: str) -> Config:
    try:
        return parse(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"can't read the configuration {path}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
