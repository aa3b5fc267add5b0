#!/usr/bin/env python3
"""Days, side by side -> day, orders and revenue: the combiner and the reducer of the second step."""

import sys
from decimal import Decimal
from itertools import groupby


def main() -> None:
    """Hold one day's sums at a time."""
    for day, rows in groupby((line.rstrip("\n").split("\t") for line in sys.stdin), key=lambda fields: fields[0]):
        orders, revenue = 0, Decimal(0)
        for _, count, amount in rows:
            orders += int(count)
            revenue += Decimal(amount)
        print(day, orders, revenue, sep="\t")


if __name__ == "__main__":
    main()
