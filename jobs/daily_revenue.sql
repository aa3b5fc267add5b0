-- What was ordered and not cancelled, by day. Spark, Presto, Trino, Athena, MySQL and DuckDB all take it.
SELECT order_date, count(*) AS orders, cast(sum(amount) AS decimal(18, 2)) AS revenue
FROM orders
WHERE status <> 'cancelled'
GROUP BY order_date
ORDER BY order_date
