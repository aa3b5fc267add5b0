"""The driver dies, at any point: what is published stays as it was, and the next run makes it as SQL has it."""

import signal
import subprocess
import sys

import pytest

from tests.registered import ROOT

from . import shop

DYING = """
import os, re, signal, sys, threading, time
from jobs import aws, curated, formats, storage
from jobs.__main__ import main

def die(*_):
    os.killpg(0, signal.SIGKILL)  # the JVM too

def after(owner, name, matches):
    original = getattr(owner, name)
    def replaced(*arguments, **options):
        answer = original(*arguments, **options)
        return die() if any(re.search(matches, str(a)) for a in arguments) else answer
    setattr(owner, name, replaced)

def during(owner, name, folder):
    original = getattr(owner, name)
    def replaced(*arguments):
        def watch():
            from pyspark.sql import SparkSession
            files = storage.Storage(SparkSession._instantiatedSession)
            while not files.names(folder(*arguments)):
                time.sleep(0.02)
            die()
        threading.Thread(target=watch, daemon=True).start()
        return original(*arguments)
    setattr(owner, name, replaced)

{point}
for job in ("extract", "transform", "check", "publish"):
    assert main([job, "--config", sys.argv[1]]) == 0
"""
POINTS = {
    "its rows are being written": 'during(formats, "write", lambda rows, uri, kind: uri)',
    "it is committed, the others are not": 'after(storage.Storage, "write_json", "orders/batch-")',
    "curated rows are being written": (
        'during(curated.Curated, "write", lambda self, rows, table, run: f"{self._curated}/{table}/run={run}")'
    ),
    "the catalog is being changed": 'after(aws, "call", "BatchUpdatePartition|BatchCreatePartition")',
    "all but the manifest is published": 'after(storage.Storage, "write_json", "published.json")',
}


@pytest.fixture(scope="module")
def config(server, lake):
    shop.create(server, 1000)
    return lake.config("killed", format="json")


def test_a_run_that_dies_anywhere_is_made_good_by_the_next(server, lake, run, published, environment, config):
    assert run(config) == 0
    uri = lake.put(config)
    for point, code in POINTS.items():
        before = published(config, "SELECT * FROM daily_revenue ORDER BY 1")
        shop.add(server, 100)
        server.run(f"UPDATE orders SET amount = amount + 1, updated_at = {shop.NOW} WHERE id % 50 = 0")
        died = subprocess.run(
            [sys.executable, "-c", DYING.replace("{point}", code), uri],
            cwd=ROOT,
            env=environment,
            start_new_session=True,
            capture_output=True,
            text=True,
        )
        assert died.returncode == -signal.SIGKILL, f"{point}: {died.stderr[-2000:]}"
        if point != "all but the manifest is published":
            assert published(config, "SELECT * FROM daily_revenue ORDER BY 1") == before, point
    assert run(config) == 0
    assert published(config, "SELECT * FROM daily_revenue ORDER BY 1") == server.run(shop.DAILY)
    orders = "SELECT id, amount, status, ordered_at FROM orders ORDER BY id"
    assert published(config, orders) == server.run(orders)
    numbers = [int(key[-13:-5]) for key in lake.keys("killed/state/orders/batch-")]
    assert numbers == list(range(1, len(numbers) + 1))
    catalog = lake.ask("glue").get_partitions(DatabaseName=config["catalog"], TableName="orders")["Partitions"]
    places = lake.document(config, "state/published.json")["tables"]["orders"]["places"]
    assert {p["Values"][0]: p["StorageDescriptor"]["Location"] for p in catalog} == places
    (file,) = lake.document(config, "export/manifest.json")["fileLocations"][0]["URIs"]
    assert lake.document(config, "state/published.json")["run"] in file


def test_a_dead_batch_is_repeated_from_where_it_began(server, lake, run, environment):
    """With the same number to the same folder, so that none is left over and no row is left out."""
    shop.create(server, 200)
    config = lake.config("repeated")
    died = subprocess.run(
        [sys.executable, "-c", DYING.replace("{point}", POINTS["its rows are being written"]), lake.put(config)],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        capture_output=True,
    )
    assert died.returncode == -signal.SIGKILL
    pending = lake.document(config, "state/orders/pending.json")
    assert lake.keys("repeated/state/orders/batch-") == []
    shop.add(server, 50)
    assert run(config, "extract") == 0
    batch = lake.document(config, "state/orders/batch-00000001.json")
    assert {key: batch[key] for key in pending} == pending
    assert batch["rows"] == 250
