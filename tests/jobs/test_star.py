"""From MySQL to what QuickSight, Athena and Presto read, again and again, always as SQL has it."""

import duckdb
import pytest

from . import shop
from .parts import BUCKET


def daily(lake, config, tmp_path):
    """The published daily figures, as DuckDB reads the files that count."""
    state = lake.ask("s3").get_object(Bucket=BUCKET, Key=config["state"].split("/", 3)[3] + "/published.json")
    import json

    version = json.load(state["Body"])
    files = []
    for place in version["tables"]["orders"]["places"].values():
        folder = place.split("/", 3)[3]
        lake.download(folder + "/", tmp_path)
        files += [str(p) for p in (tmp_path / folder).glob("*.parquet")]
    return duckdb.execute(
        "SELECT cast(ordered_at AS date), count(*), sum(amount) FROM read_parquet(?)"
        " WHERE status <> 'cancelled' GROUP BY 1 ORDER BY 1",
        [files],
    ).fetchall()


@pytest.mark.parametrize("kind", ["parquet", "csv", "json", "avro"])
def test_the_star_is_what_sql_has(server, lake, run, tmp_path, kind):
    shop.create(server, 2000)
    config = lake.config(f"first-{kind}")
    for table in config["tables"].values():
        table["format"] = kind
    lake.ask("glue").create_database(DatabaseInput={"Name": config["catalog"]})
    run(config)
    assert daily(lake, config, tmp_path) == server.run(shop.DAILY)
