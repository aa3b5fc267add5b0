"""What can't be done: a clear message, the exit code, and nothing that a reader sees."""

import pytest

from . import shop
from .parts import BUCKET, PASSWORD, free_port


@pytest.fixture(scope="module", autouse=True)
def filled(server):
    shop.create(server, 300)


def only(config, table="orders", **changes):
    """The configuration, a table of it changed."""
    return {**config, "tables": {**config["tables"], table: {**config["tables"].get(table, {}), **changes}}}


@pytest.mark.parametrize(
    ("name", "table", "changes", "complaint"),
    [
        ("unknown-table", "ordres", {"key": "id"}, "tables.ordres: shop at 127.0.0.1:{port} has no such table"),
        ("missing-key", "orders", {"key": "nr"}, "tables.orders.key: orders has no column 'nr', only id, customer_id"),
        (
            "missing-watermark",
            "orders",
            {"watermark": "changed"},
            "tables.orders.watermark: orders has no column 'changed'",
        ),
        (
            "wrong-type",
            "orders",
            {"watermark": "status"},
            "tables.orders.watermark: status is varchar; it must be a DATETIME",
        ),
        (
            "misspelt",
            "orders",
            {"format": "pqrquet"},
            "tables.orders.format: 'pqrquet' is not one of csv, json, parquet, avro",
        ),
    ],
)
def test_a_wrong_table(lake, server, run, capfd, name, table, changes, complaint):
    config = only(lake.config(name), table, **changes)
    assert run(config, "extract") == (2 if name == "misspelt" else 1)
    assert complaint.format(port=server.port) in capfd.readouterr().err
    assert lake.keys(f"{name}/") == [f"{name}/config.json"]


def test_an_unreachable_database(lake, server, run, capfd):
    port = free_port()
    secret = (
        f'{{"host": "127.0.0.1", "port": {port}, "username": "reader", "password": "{PASSWORD}", "dbname": "shop"}}'
    )
    lake.ask("secretsmanager").create_secret(Name="unreachable", SecretString=secret)
    config = lake.config("unreachable")
    config["source"]["secret"] = "unreachable"
    assert run(config, "extract") == 1
    text = capfd.readouterr().err
    assert f"can't ask shop at 127.0.0.1:{port}: ConnectException: Connection refused" in text
    assert PASSWORD not in text
    assert lake.keys("unreachable/") == ["unreachable/config.json"]


def test_a_wrong_password(lake, server, run, capfd):
    secret = f'{{"host": "127.0.0.1", "port": {server.port}, "username": "reader", "password": "no", "dbname": "shop"}}'
    lake.ask("secretsmanager").create_secret(Name="password", SecretString=secret)
    config = lake.config("password")
    config["source"]["secret"] = "password"
    assert run(config, "extract") == 1
    assert "Access denied for user 'reader'" in capfd.readouterr().err


def test_a_replica_in_place_of_the_secrets_host(lake, server, run, capfd):
    config = lake.config("replica")
    config["source"]["host"] = "replica.invalid"
    assert run(config, "extract") == 1
    assert f"can't ask shop at replica.invalid:{server.port}: " in capfd.readouterr().err


def test_a_server_whose_certificate_another_authority_signed(lake, run, capfd, tmp_path):
    from .parts import certificates

    lake.ask("s3").put_object(Bucket=BUCKET, Key="other.pem", Body=certificates(tmp_path))
    config = lake.config("authority")
    config["source"]["certificate"] = f"s3://{BUCKET}/other.pem"
    assert run(config, "extract") == 1
    assert "Self signed certificates" in capfd.readouterr().err


def test_a_server_of_another_name(lake, server, run, capfd):
    config = lake.config("name")
    config["source"]["host"] = "localhost"  # its certificate is for 127.0.0.1
    assert run(config, "extract") == 1
    assert "localhost" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"secret": "none"}, "secretsmanager GetSecretValue: ResourceNotFoundException: Secrets Manager can't find"),
        ({"secret": "text"}, "the secret text is not JSON with host, port, username, password and dbname"),
        ({"certificate": "s3://lake/none.pem"}, "there is no s3://lake/none.pem"),
    ],
)
def test_a_source_that_is_not_there(lake, run, capfd, changes, complaint):
    if changes.get("secret") == "text":
        lake.ask("secretsmanager").create_secret(Name="text", SecretString='{"host": "x"}')
    config = lake.config("source")
    config["source"].update(changes)
    assert run(config, "extract") == 1
    assert complaint in capfd.readouterr().err


def test_an_unwritable_bucket(lake, run, capfd):
    config = lake.config("bucket", state="s3://nobody-has-it/state")
    assert run({**config, "raw": "s3://nobody-has-it/raw"}, "extract") == 1
    err = capfd.readouterr().err
    assert "extract: can't " in err
    assert "s3://nobody-has-it" in err
    assert lake.keys("bucket/raw") == []


def test_an_unwritable_raw_zone(lake, run, capfd):
    config = {**lake.config("zone"), "raw": "s3://nobody-has-it/raw"}
    assert run(config, "extract") == 1
    assert "extract: can't copy orders to s3://nobody-has-it/raw/orders/batch=00000001: " in capfd.readouterr().err
    assert lake.keys("zone/state/") == ["zone/state/orders/pending.json"]


def test_no_configuration(spark, lake, run, monkeypatch, capfd):
    from jobs.__main__ import main

    assert main(["extract", "--config", f"s3://{BUCKET}/none.json"]) == 2
    assert f"extract: there is no s3://{BUCKET}/none.json" in capfd.readouterr().err


def test_a_date_that_is_none(lake, server, run, capfd):
    server.run(
        "SET sql_mode = ''",
        "CREATE TABLE odd (id INT PRIMARY KEY, day DATE)",
        "INSERT INTO odd VALUES (1, '0000-00-00')",
    )
    config = {**lake.config("odd"), "tables": {"odd": {"key": "id"}}}
    assert run(config, "extract") == 1
    assert "odd.day is no date: 0000-00-00" in capfd.readouterr().err
    assert lake.keys("odd/state/") == ["odd/state/odd/pending.json"]


def test_a_transform_before_everything_is_extracted(lake, run, capfd):
    config = lake.config("early")
    assert run(config, "transform", "check", "publish") == 0
    assert "no new batch: nothing to do" in capfd.readouterr().err
    del config["tables"]["products"]
    assert run(config, "extract", "transform") == 1
    assert "no batch of products has been extracted" in capfd.readouterr().err
    assert "early/state/staged.json" not in lake.keys("early/")


# -- quality -----------------------------------------------------------------------------------------------------------


def published_nothing(lake, config):
    keys = lake.keys(config["state"].split("/", 3)[3])
    return not [key for key in keys if "staged" in key or "published" in key]


def test_a_file_that_is_lost(lake, run, capfd):
    config = lake.config("lost")
    assert run(config, "extract") == 0
    part = next(key for key in lake.keys("lost/raw/orders/") if "part-" in key)
    lake.ask("s3").delete_object(Bucket=BUCKET, Key=part)
    assert run(config, "transform", "check", "publish") == 3
    assert "orders, batch 1: " in capfd.readouterr().err
    assert published_nothing(lake, config)


def test_a_value_that_is_lost(lake, run, capfd):
    config = lake.config("nulls", format="json")
    assert run(config, "extract") == 0
    key = next(key for key in lake.keys("nulls/raw/customers/") if "part-" in key)
    body = lake.body(key).replace(b'"country":"DE"', b'"country":null', 1)
    lake.ask("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    assert run(config, "transform", "check", "publish") == 3
    assert "customers, batch 1: country is NULL in 1 rows, but was in 0" in capfd.readouterr().err
    assert published_nothing(lake, config)


def test_an_order_of_nobody(lake, server, run, capfd):
    config = lake.config("orphan")
    assert run(config) == 0
    before = lake.document(config, "state/published.json")
    server.run(f"INSERT INTO orders VALUES (9000, 777, 1, 1, 1, 'new', NULL, '2026-03-25', {shop.NOW})")
    assert run(config) == 3
    assert "orders: 1 rows name customer_id that customers doesn't have" in capfd.readouterr().err
    assert lake.document(config, "state/published.json") == before
    assert lake.document(config, "state/staged.json") == before
    assert lake.document(config, "state/candidate.json") != before
    server.run("DELETE FROM orders WHERE id = 9000")


def test_a_product_that_is_gone(lake, server, run, capfd):
    """Of orders that aren't read again, in days that aren't written again."""
    config = lake.config("product")
    assert run(config) == 0
    (count,) = server.run("SELECT COUNT(*) FROM orders WHERE product_id = 7 AND id <> 300")
    server.run("DELETE FROM products WHERE id = 7")
    assert run(config) == 3
    assert f"orders: {count[0]} rows name product_id that products doesn't have" in capfd.readouterr().err
    server.run("INSERT INTO products VALUES (7, 'back', 'a', 1, NULL)")
    assert run(config) == 0


def test_a_candidate_that_isnt_what_was_extracted(lake, run, capfd):
    config = lake.config("candidate")
    assert run(config, "extract", "transform") == 0
    key, other, *_ = (key for key in lake.keys("candidate/curated/orders/") if "part-" in key)
    body = lake.body(key)
    lake.ask("s3").put_object(Bucket=BUCKET, Key=key, Body=lake.body(other))
    assert run(config, "check") == 3
    err = capfd.readouterr().err
    assert "rows more than there are ids" in err
    assert "new rows are not there" in err
    assert "daily_revenue: 2 days aren't what orders add up to: 2026-03-" in err
    assert published_nothing(lake, config)
    lake.ask("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    assert run(config, "check") == 0
    assert lake.document(config, "state/staged.json") == lake.document(config, "state/candidate.json")
    assert run(config, "check") == 0
    assert "no new candidate: nothing to do" in capfd.readouterr().err


def test_an_amount_that_is_missing(lake, server, run, capfd):
    server.run("ALTER TABLE orders MODIFY amount DECIMAL(12, 2) NULL", "UPDATE orders SET amount = NULL WHERE id = 3")
    config = lake.config("amount")
    assert run(config) == 3
    assert "orders: amount is NULL in 1 rows" in capfd.readouterr().err
    assert published_nothing(lake, config)
    server.run("UPDATE orders SET amount = 1 WHERE id = 3")


def test_a_column_that_is_gone(lake, server, run, capfd):
    server.run("ALTER TABLE products DROP category")
    config = lake.config("gone")
    assert run(config) == 1
    assert "products has no column category in batch 1" in capfd.readouterr().err
    assert published_nothing(lake, config)
