"""From MySQL to what QuickSight, Athena and Presto read, again and again, always as SQL has it."""

import csv
import io
import json
from pathlib import Path

import pytest

from . import shop
from .parts import PASSWORD

DAILY = "SELECT * FROM daily_revenue ORDER BY 1"
ORDERS = "SELECT id, customer_id, product_id, quantity, amount, status, ordered_at FROM orders ORDER BY id"
CUSTOMERS = "SELECT id, name, country FROM customers ORDER BY id"


def agrees(server, published, config):
    assert published(config, DAILY) == server.run(shop.DAILY)
    assert published(config, ORDERS) == server.run(ORDERS)
    assert published(config, CUSTOMERS) == server.run(CUSTOMERS)


@pytest.mark.parametrize("kind", ["parquet", "csv", "json", "avro"])
def test_the_star_is_what_sql_has(server, lake, run, published, kind):
    shop.create(server, 2000)
    config = lake.config(f"first-{kind}", format=kind)
    assert run(config) == 0
    agrees(server, published, config)


def test_what_orders_name_is_read_after_them(server, lake, run, capfd):
    """In whatever order the settings come: a customer may sign up and order between the two reads."""
    shop.create(server, 50)
    config = lake.config("order-of-reading")
    for names in (["customers", "orders", "products"], ["products", "customers", "orders"]):
        assert run({**config, "tables": {name: config["tables"][name] for name in names}}, "extract") == 0
        read = [line.partition(":")[0] for line in capfd.readouterr().err.splitlines() if ": batch " in line]
        assert read[0] == "orders"
        assert set(read) == set(names)


def test_another_watermark_or_none_reads_everything(server, lake, run):
    shop.create(server, 50)
    config = lake.config("watermarks")
    read: list[tuple[bool, bool]] = []
    for watermark in ("updated_at", "updated_at", "", "updated_at", "ordered_at"):
        orders = {**config["tables"]["orders"], "watermark": watermark}
        assert run({**config, "tables": {"orders": orders}}, "extract") == 0
        batch = lake.document(config, f"state/orders/batch-{len(read) + 1:08}.json")
        read.append((batch["full"], batch["rows"] == 50))
    assert read == [(True, True), (False, False), (True, True), (True, True), (True, True)]


def test_a_key_beyond_what_spark_can_part(server, lake, run):
    shop.create(server, 1)
    server.run("CREATE TABLE far (id BIGINT UNSIGNED PRIMARY KEY)", f"INSERT INTO far VALUES (1), ({2**63 + 5})")
    config = {**lake.config("far"), "tables": {"far": {"key": "id", "partitions": 3}}}
    assert run(config, "extract") == 0
    assert lake.document(config, "state/far/batch-00000001.json")["rows"] == 2


def places(lake, config):
    """Where the published days are."""
    return lake.document(config, "state/published.json")["tables"]["orders"]["places"]


class TestChanges:
    """One lake through its life, each test after the one before."""

    @pytest.fixture(scope="class")
    def config(self, server, lake):
        shop.create(server, 2000)
        return lake.config("changes")

    def test_the_first_time_all_is_read(self, server, lake, run, published, config):
        assert run(config) == 0
        agrees(server, published, config)
        batch = lake.document(config, "state/orders/batch-00000001.json")
        assert (batch["full"], batch["low"], batch["rows"]) == (True, "", 2000)

    def test_without_a_change_no_day_is_written_but_the_newest_rows(self, lake, run, config):
        before = places(lake, config)
        assert run(config) == 0
        batch = lake.document(config, "state/orders/batch-00000002.json")
        assert (batch["full"], batch["rows"]) == (False, 1)  # without a lag, the newest row alone
        assert len({day for day, place in places(lake, config).items() if before[day] != place}) == 1

    def test_only_the_days_that_changed_are_written(self, server, lake, run, published, config):
        before = places(lake, config)
        server.run(
            f"UPDATE orders SET amount = amount + 1, updated_at = {shop.NOW} WHERE DATE(ordered_at) = '2026-03-27'",
            "INSERT INTO orders VALUES (100000, 1, 1, 1, 12.34, 'new', NULL, '2026-04-20 23:59:59.999999',"
            f" {shop.NOW} + INTERVAL 1 MICROSECOND)",
            f"INSERT INTO customers VALUES (5000, '', NULL, 'FR', {shop.NOW})",
        )
        assert run(config) == 0
        agrees(server, published, config)
        after = places(lake, config)
        newest = {str(day) for (day,) in server.run("SELECT DATE(ordered_at) FROM orders WHERE id = 2000")}
        assert {day for day in after if after[day] != before.get(day)} == {"2026-03-27", "2026-04-20"} | newest

    def test_an_order_may_move_to_another_day(self, server, lake, run, published, config):
        server.run(f"UPDATE orders SET ordered_at = '2026-05-01', updated_at = {shop.NOW} WHERE id IN (100000, 7)")
        assert run(config) == 0
        agrees(server, published, config)
        assert "2026-04-20" not in places(lake, config)

    def test_a_late_commit_within_the_lag_is_read(self, server, run, published, config):
        server.run(
            f"INSERT INTO orders VALUES (100001, 1, 1, 1, 5, 'new', '', '2026-05-02', {shop.NOW} - INTERVAL 50 SECOND)"
        )
        assert run({**config, "lag_seconds": 60}) == 0  # the lag of this run is the next one's
        assert run({**config, "lag_seconds": 60}) == 0
        agrees(server, published, config)

    def test_a_whole_read_shows_what_was_deleted(self, server, run, published, config):
        server.run("DELETE FROM orders WHERE id % 3 = 0", "DELETE FROM orders WHERE ordered_at < '2026-03-26'")
        assert run(config) == 0
        assert published(config, DAILY) != server.run(shop.DAILY)
        assert run(config, "extract", options=["--full"]) == 0
        assert run(config, "transform", "check", "publish") == 0
        agrees(server, published, config)

    def test_glue_has_what_was_published(self, lake, config):
        glue = lake.ask("glue")
        names = {"DatabaseName": config["catalog"]}
        found = {t["Name"]: t for t in glue.get_tables(**names)["TableList"]}
        assert set(found) == {"orders", "customers", "products", "daily_revenue"}
        columns = {c["Name"]: c["Type"] for c in found["orders"]["StorageDescriptor"]["Columns"]}
        assert columns["amount"] == "decimal(12,2)"
        assert columns["ordered_at"] == "timestamp"
        assert [(c["Name"], c["Type"]) for c in found["orders"]["PartitionKeys"]] == [("order_date", "date")]
        partitions = glue.get_partitions(**names, TableName="orders")["Partitions"]
        assert {p["Values"][0]: p["StorageDescriptor"]["Location"] for p in partitions} == places(lake, config)
        version = lake.document(config, "state/published.json")
        for table in ("customers", "daily_revenue"):
            location = found[table]["StorageDescriptor"]["Location"]
            assert location == version["tables"][table]["places"][""]

    def test_quicksight_is_led_to_one_file(self, server, lake, config):
        manifest = lake.document(config, "export/manifest.json")
        assert manifest["globalUploadSettings"]["format"] == "CSV"
        ((uri,),) = (location["URIs"] for location in manifest["fileLocations"])
        text = lake.body(uri.split("/", 3)[3]).decode()
        head, *rows = csv.reader(io.StringIO(text))
        assert head == ["order_date", "orders", "revenue"]
        assert rows == [[str(value) for value in row] for row in server.run(shop.DAILY)]

    def test_what_no_version_needs_is_deleted(self, lake, config):
        keys = lake.keys(config["curated"].split("/", 3)[3] + "/")
        runs = {key.split("/run=")[1].split("/")[0] for key in keys if "/customers/" in key}
        days = {key.rpartition("/")[0] for key in keys if "/order_date=" in key}
        assert len(runs) == 2  # the published version's, and of the one before
        now = {place.split("/", 3)[3] for place in places(lake, config).values()}
        assert now <= days
        assert len(days - now) == 7  # of the one before, all of which the whole read wrote anew

    def test_quicksights_files_of_no_version_are_deleted(self, lake, config):
        versions = {
            key.split("/run=")[1].split("/")[0] for key in lake.keys(config["export"].split("/", 3)[3] + "/run=")
        }
        assert len(versions) == 2
        assert lake.document(config, "state/published.json")["run"] in versions

    def test_json_for_quicksight(self, server, lake, run, config):
        assert run({**config, "export_format": "json"}, "publish") == 0
        manifest = lake.document(config, "export/manifest.json")
        assert manifest["globalUploadSettings"] == {"format": "JSON"}
        ((uri,),) = (location["URIs"] for location in manifest["fileLocations"])
        lines = lake.body(uri.split("/", 3)[3]).splitlines()
        assert [json.loads(line)["order_date"] for line in lines] == [str(row[0]) for row in server.run(shop.DAILY)]


def test_no_secret_is_in_a_log_or_in_sparks_settings(lake, run, spark, environment, server, capfd):
    shop.create(server, 50)
    config = lake.config("secret")
    assert run(config) == 0
    settings = str(spark.sparkContext.getConf().getAll())
    assert "spark.master" in settings
    assert PASSWORD not in settings
    folder = environment["SPARK_CONF_DIR"].replace("/conf", "/events")
    events = "".join(path.read_text() for path in Path(folder).iterdir())
    assert "rows_of_orders" in events  # the read is in it
    assert PASSWORD not in events
    assert PASSWORD not in "".join(capfd.readouterr())
    assert not [k for k in lake.keys("secret/") if PASSWORD.encode() in lake.body(k)]
