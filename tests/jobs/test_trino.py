"""A real Trino reads from Glue and S3 what the jobs published; `make engines` runs this."""

from . import shop, trino


def test_trino_agrees_to_the_cent(server, lake, run, tmp_path, capfd):
    shop.create(server, 2000)
    config = lake.config("trino")
    assert run(config) == 0
    server.run(f"UPDATE orders SET amount = amount + 0.01, updated_at = {shop.NOW} WHERE id % 10 = 0")
    assert run(config) == 0
    days = server.run(shop.DAILY)
    with trino.server(lake, tmp_path / "trino") as client:
        assert run(config, "presto", options=["--client", client]) == 0
    assert f"Presto agrees on {len(days)} days, {sum(row[2] for row in days)} in all" in capfd.readouterr().err
