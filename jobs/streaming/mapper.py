#!/usr/bin/env python3
"""Orders as JSON lines -> order, batch, day, and the amount unless it was cancelled, with tabs between."""

import json
import os
import re
import sys


def main() -> None:
    """Of a raw batch, whose number is in the folder's name."""
    (batch,) = re.findall(r"batch=(\d+)", os.environ["mapreduce_map_input_file"])  # noqa: SIM112 - Hadoop's
    for line in sys.stdin:
        order = json.loads(line, parse_float=str)
        amount = "" if order["status"] == "cancelled" else order["amount"]
        print(order["id"], batch, order["ordered_at"][:10], amount, sep="\t")


if __name__ == "__main__":
    main()
