"""Small objects on S3 through Hadoop's file system, so with the same credentials and encryption as Spark's data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from . import JobError


class Storage:
    """What stands below a URI of the form s3://bucket/folder."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._hadoop: Any = spark._jsc.hadoopConfiguration()

    def read(self, uri: str) -> str | None:
        """An object's text, or None where there is none."""
        try:
            stream = self._system(uri).open(self._path(uri))
            try:
                return bytes(stream.readAllBytes()).decode()
            finally:
                stream.close()
        except Py4JJavaError as error:
            if error.java_exception.getClass().getSimpleName() == "FileNotFoundException":
                return None
            raise JobError(f"can't read {uri}: {reason(error)}") from None

    def read_json(self, uri: str) -> dict[str, Any]:
        """An object's JSON, or an empty one where there is none."""
        return dict(json.loads(self.read(uri) or "{}"))

    def write_json(self, uri: str, value: Mapping[str, Any]) -> None:
        """Put an object there, whole or not at all."""
        try:
            stream = self._system(uri).create(self._path(uri), True)
            stream.write(bytearray(json.dumps(value, indent=1).encode()))
            stream.close()
        except Py4JJavaError as error:
            raise JobError(f"can't write {uri}: {reason(error)}") from None

    def names(self, uri: str) -> list[str]:
        """Of all that stands directly in a folder, in order; none where there is no such folder."""
        try:
            return sorted(s.getPath().getName() for s in self._system(uri).listStatus(self._path(uri)))
        except Py4JJavaError as error:
            if error.java_exception.getClass().getSimpleName() == "FileNotFoundException":
                return []
            raise JobError(f"can't list {uri}: {reason(error)}") from None

    def delete(self, uri: str) -> None:
        """An object, or a folder with all that is in it."""
        self._system(uri).delete(self._path(uri), True)

    def _path(self, uri: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(uri)

    def _system(self, uri: str) -> Any:
        return self._path(uri).getFileSystem(self._hadoop)


def reason(error: Exception) -> str:
    """Why the JVM failed, in a line: the innermost cause."""
    cause = error.java_exception if isinstance(error, Py4JJavaError) else None
    if cause is None:
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    while cause.getCause() is not None:
        cause = cause.getCause()
    lines = str(cause.getMessage() or "").strip().splitlines()
    return f"{cause.getClass().getSimpleName()}: {lines[0] if lines else ''}"
