"""Analytics jobs: what is in MySQL, as files on S3 that Athena, Presto and QuickSight read.

Written for Python 3.9 and Spark 3.5, as EMR 7.13 has them, on nothing but the standard library and PySpark.
"""

import sys


class JobError(Exception):
    """A job can't do what it was asked to: for its operator to read, with no traceback."""

    exit_code = 1


class UsageError(JobError):
    """The job's configuration can't be meant."""

    exit_code = 2


class QualityError(JobError):
    """The data isn't what it has to be, so nothing of it is published."""

    exit_code = 3


def log(message: str) -> None:
    """A line in the step's log."""
    print(message, file=sys.stderr, flush=True)
