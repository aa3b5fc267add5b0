"""The example domain in MySQL: customers, products and their orders, as many as a test needs."""

from .parts import Server

TABLES = """
CREATE TABLE customers (
  id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100) NOT NULL, email VARCHAR(200), country CHAR(2) NOT NULL,
  updated_at DATETIME(6) NOT NULL, KEY (updated_at)
);
CREATE TABLE products (
  id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100) NOT NULL, category VARCHAR(40) NOT NULL,
  price DECIMAL(12, 2) NOT NULL, photo BLOB
);
CREATE TABLE orders (
  id BIGINT PRIMARY KEY AUTO_INCREMENT, customer_id BIGINT NOT NULL, product_id BIGINT NOT NULL, quantity INT NOT NULL,
  amount DECIMAL(12, 2) NOT NULL, status VARCHAR(20) NOT NULL, note TEXT,
  ordered_at DATETIME(6) NOT NULL, updated_at DATETIME(6) NOT NULL, KEY (updated_at)
);
"""
DAILY = """
SELECT DATE(ordered_at), COUNT(*), SUM(amount) FROM orders WHERE status <> 'cancelled' GROUP BY 1 ORDER BY 1
"""
NOW = "UTC_TIMESTAMP(6)"


def create(server: Server, orders: int, days: int = 5) -> None:
    """An empty database `shop`, filled with so many orders over so many days."""
    server.run("DROP DATABASE IF EXISTS shop", "CREATE DATABASE shop", database="")
    server.run(*(s for s in TABLES.split(";") if s.strip()))
    few = max(20, orders // 100)
    server.run(
        f"INSERT INTO customers SELECT seq, CONCAT('Zoë ', seq), IF(seq % 7, CONCAT(seq, '@example.org'), NULL),"
        f" ELT(1 + seq % 3, 'DE', 'FR', 'IT'), {NOW} FROM seq_1_to_{few}",
        f"INSERT INTO products SELECT seq, CONCAT('产品 ', seq), ELT(1 + seq % 4, 'a', 'b', 'c', 'd'), seq % 97 + 0.99,"
        f" UNHEX('00FF10') FROM seq_1_to_{few}",
    )
    add(server, orders, days)


def add(server: Server, orders: int, days: int = 5) -> None:
    """More orders, over the same days."""
    (last,) = server.run("SELECT COALESCE(MAX(id), 0), (SELECT COUNT(*) FROM customers) FROM orders")
    first, few = int(last[0]) + 1, int(last[1])
    server.run(
        f"INSERT INTO orders SELECT seq, 1 + seq * 7919 % {few}, 1 + seq * 104729 % {few}, 1 + seq % 9,"
        " (seq * 15485863 % 100000) / 100, ELT(1 + seq % 5, 'paid', 'paid', 'sent', 'new', 'cancelled'),"
        " IF(seq % 3, CONCAT('line\\n\"', seq, '\"'), IF(seq % 2, '', NULL)),"
        f" '2026-03-25 00:00:00' + INTERVAL (seq * 32452843 % ({days} * 86400)) SECOND,"
        f" {NOW} - INTERVAL ({first + orders - 1} - seq) MICROSECOND"
        f" FROM seq_{first}_to_{first + orders - 1}"
    )
