"""The batches of a table: what was read, from where on, and whether all of it is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t

from . import formats
from .config import Config
from .storage import Storage


class Batches:
    """What one table's extracts remember, in the state folder; their rows are in the raw zone."""

    def __init__(self, storage: Storage, config: Config, table: str) -> None:
        self._storage = storage
        self._raw = f"{config.raw}/{table}"
        self._state = f"{config.state}/{table}"

    def begin(self, next_low: Callable[[str], str], *, watermark: str, full: bool) -> dict[str, Any]:
        """The batch to read now: the one that a run died over, else a new one from where the last one ended.

        It is the whole table where the last one went by another watermark, whose values say nothing of this one's.
        """
        pending = self._storage.read_json(f"{self._state}/pending.json")
        numbers = self._numbers()
        last: dict[str, Any] = self._committed(numbers[-1]) if numbers else {"number": 0, "next_low": ""}
        same = pending.get("number") == last["number"] + 1 and pending.get("watermark") == watermark
        if same and (pending["full"] or not full):
            return pending
        low = last["next_low"] if last.get("watermark") == watermark and not full else ""
        pending = {
            "number": last["number"] + 1,
            "watermark": watermark,
            "low": low,
            "next_low": next_low(low),
            "full": not low,
        }
        self._storage.write_json(f"{self._state}/pending.json", pending)
        return pending

    def uri(self, batch: dict[str, Any]) -> str:
        """Where a batch's rows are."""
        return f"{self._raw}/batch={batch['number']:08}"

    def read(self, spark: SparkSession, batch: dict[str, Any]) -> DataFrame:
        """A batch's rows."""
        return formats.read(spark, self.uri(batch), batch["format"], t.StructType.fromJson(batch["schema"]))

    def commit(self, batch: dict[str, Any]) -> None:
        """Make a batch be there."""
        self._storage.write_json(f"{self._state}/batch-{batch['number']:08}.json", batch)

    def between(self, after: int, last: float = float("inf")) -> list[dict[str, Any]]:
        """The committed batches after one and up to another; what came before a whole read doesn't count any more."""
        batches = [self._committed(n) for n in self._numbers() if after < n <= last]
        whole = [b["number"] for b in batches if b["full"]]
        return [b for b in batches if b["number"] >= max(whole, default=0)]

    def _numbers(self) -> list[int]:
        return [int(n[6:-5]) for n in self._storage.names(self._state) if n.startswith("batch-")]

    def _committed(self, number: int) -> dict[str, Any]:
        return self._storage.read_json(f"{self._state}/batch-{number:08}.json")
