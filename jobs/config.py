"""What the jobs are to do: one JSON document, every mistake in it told at once, with its path."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from . import UsageError

FORMATS = ("csv", "json", "parquet", "avro")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,64}")
_URI = re.compile(r"[a-z0-9]+://\S*[^/\s]")


@dataclass(frozen=True)
class Source:
    """The database."""

    secret: str
    """Secrets Manager's name or ARN of JSON with `host`, `port`, `username`, `password` and `dbname`."""
    certificate: str
    """URI of the PEM bundle of the authorities that sign the server's certificate: for RDS, the region's own."""
    host: str = ""
    """A read replica's endpoint, in place of the secret's host."""


@dataclass(frozen=True)
class Table:
    """How one table is read."""

    key: str
    """Primary key's column; an integer one is what the read is split by."""
    watermark: str = ""
    """DATETIME (in UTC) or TIMESTAMP column that every insert and update sets; none reads the whole table each time."""
    partitions: int = 8
    """Parts that are read at once, each on a connection of its own (1 to 1000)."""
    format: str = "parquet"
    """Of the files in the raw zone: csv, json, parquet or avro."""

    def refusals(self) -> Iterator[tuple[str, str]]:
        for name in ("key", "watermark"):
            if getattr(self, name) and not _IDENTIFIER.fullmatch(getattr(self, name)):
                yield name, f"{getattr(self, name)!r} is no column's name"
        if not 1 <= self.partitions <= 1000:
            yield "partitions", f"{self.partitions} is not from 1 to 1000"
        yield from _choice("format", self.format, FORMATS)


@dataclass(frozen=True)
class Config:
    """Everything that the jobs need to know."""

    region: str
    """Of Secrets Manager and Glue."""
    source: Source
    raw: str
    """Folder for the rows as read; a batch may expire once it has been published."""
    curated: str
    """Folder for the tables that Athena, Presto and QuickSight read."""
    state: str
    """Folder for what the jobs must remember from run to run: never let it expire."""
    tables: dict[str, Table]
    """By name."""
    catalog: str = ""
    """Glue database that publishes the curated tables; none publishes to no catalog."""
    export: str = ""
    """Folder for the one file of daily revenue that QuickSight reads and its `manifest.json`; none writes neither."""
    export_format: str = "csv"
    """csv or json: what a QuickSight manifest takes."""
    lag_seconds: int = 900
    """What the next read goes back before the newest row of this one (0 to 604800): longer than any transaction that
    writes, for a row becomes visible that much later than its watermark says."""
    fetch_rows: int = 10_000
    """Rows that each connection holds in memory (1 to 1000000)."""

    def refusals(self) -> Iterator[tuple[str, str]]:
        for name in ("raw", "curated", "state", *(["export"] if self.export else [])):
            if not _URI.fullmatch(getattr(self, name)):
                yield name, f"{getattr(self, name)!r} is no location such as s3://bucket/folder"
        yield from _choice("export_format", self.export_format, ("csv", "json"))
        if not self.tables:
            yield "tables", "there is none"
        for name in self.tables:
            if not _IDENTIFIER.fullmatch(name):
                yield f"tables.{name}", "is no table's name"
        if not 0 <= self.lag_seconds <= 604_800:
            yield "lag_seconds", f"{self.lag_seconds} is not from 0 to 604800"
        if not 1 <= self.fetch_rows <= 1_000_000:
            yield "fetch_rows", f"{self.fetch_rows} is not from 1 to 1000000"


def parse(text: str) -> Config:
    """The configuration that a JSON text is, or a UsageError that lists all that is wrong with it."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the configuration is not JSON: {error}") from None
    mistakes: list[str] = []
    config = _build(Config, data, "", mistakes)
    if mistakes:
        raise UsageError("the configuration can't be used:\n" + "\n".join(f"  {m}" for m in mistakes))
    assert isinstance(config, Config)  # noqa: S101 - without a mistake it was built
    return config


def _build(kind: Any, value: Any, path: str, mistakes: list[str]) -> Any:
    """`value` as a `kind`: a dataclass, a dict of them, text or a whole number."""
    plain = get_origin(kind) or (dict if is_dataclass(kind) else kind)
    if type(value) is not plain:
        what = {str: "text", int: "a whole number", dict: "an object"}[plain]
        mistakes.append(f"{path or 'the configuration'}: {value!r} is not {what}")
    elif get_origin(kind):
        return {k: _build(get_args(kind)[1], v, f"{path}.{k}", mistakes) for k, v in value.items()}
    elif is_dataclass(kind):
        return _build_dataclass(kind, value, path, mistakes)
    return value


def _build_dataclass(kind: Any, value: dict[str, Any], path: str, mistakes: list[str]) -> Any:
    before = len(mistakes)
    prefix = f"{path}." if path else ""
    known = {f.name: f for f in fields(kind)}
    hints = get_type_hints(kind)
    for name in value.keys() - known.keys():
        mistakes.append(f"{prefix}{name}: unknown{_suggestion(name, known)}")
    for name, one in known.items():
        if name not in value and one.default is MISSING:
            mistakes.append(f"{prefix}{name}: missing")
    arguments = {n: _build(hints[n], v, f"{prefix}{n}", mistakes) for n, v in value.items() if n in known}
    if len(mistakes) > before:
        return None
    made = kind(**arguments)
    if hasattr(made, "refusals"):
        mistakes.extend(f"{prefix}{name}: {why}" for name, why in made.refusals())
    return made


def _choice(name: str, value: str, choices: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if value not in choices:
        yield name, f"{value!r} is not one of {', '.join(choices)}{_suggestion(value, choices)}"


def _suggestion(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""
