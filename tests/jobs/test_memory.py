"""An extract holds a bounded part of what it reads, however much that is."""

import subprocess
import sys

from tests.registered import ROOT

from . import parts, shop

ROWS = 120_000
HEAP = 256  # MiB, for all of Spark; the rows alone are 344
LITTLE = {
    "spark.driver.memory": f"{HEAP}m",
    "spark.testing.reservedMemory": str(32 << 20),  # Spark wants no less than half as much again
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError",
}


def test_a_partition_may_be_larger_than_the_heap(server, lake, tmp_path):
    shop.create(server, 1)
    server.run(
        "CREATE TABLE large (id BIGINT PRIMARY KEY, text TEXT NOT NULL)",
        f"INSERT INTO large SELECT seq, REPEAT(MD5(seq), 94) FROM seq_1_to_{ROWS}",
    )
    environment = parts.environment(lake.address, tmp_path, **LITTLE)

    def extract(name, fetch_rows):
        config = lake.config(name, fetch_rows=fetch_rows, tables={"large": {"key": "id", "partitions": 1}})
        command = [sys.executable, "-m", "jobs", "extract", "--config", lake.put(config)]
        return config, subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    ((bytes_,),) = server.run("SELECT SUM(LENGTH(text)) FROM large")
    assert bytes_ > 1.3 * HEAP * 2**20
    config, done = extract("memory", 1000)
    assert done.returncode == 0, done.stderr[-2000:]
    assert lake.document(config, "state/large/batch-00000001.json")["rows"] == ROWS

    # and this is what the number of rows on the way is for
    config, done = extract("memory-whole", ROWS)
    assert done.returncode != 0
    assert "OutOfMemoryError" in done.stdout + done.stderr
    assert lake.keys("memory-whole/state/large/batch-") == []
    server.run("DROP TABLE large")
