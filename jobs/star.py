"""The curated star of the example domain: orders, what they refer to, and what they add up to."""

from __future__ import annotations

import pkgutil

SOURCES = {
    "orders": {
        "id": "BIGINT",
        "customer_id": "BIGINT",
        "product_id": "BIGINT",
        "quantity": "INT",
        "amount": "DECIMAL(12,2)",
        "status": "STRING",
        "ordered_at": "TIMESTAMP_NTZ",
    },
    "customers": {"id": "BIGINT", "name": "STRING", "country": "STRING"},
    "products": {"id": "BIGINT", "name": "STRING", "category": "STRING", "price": "DECIMAL(12,2)"},
}
"""The columns that the star takes from each table, all of which must have a value."""

REFERENCES = {"customer_id": "customers", "product_id": "products"}
"""The columns of orders that name a row of another table."""

PARTITION = "order_date"
"""What orders are partitioned by: the day, in UTC, of `ordered_at`."""

DAILY_REVENUE = (pkgutil.get_data(__package__, "daily_revenue.sql") or b"").decode()
"""The same query for every engine."""
