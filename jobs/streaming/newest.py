#!/usr/bin/env python3
"""Orders, the versions of each side by side -> day, 1 and amount of the last version, unless it was cancelled."""

import sys
from itertools import groupby


def main() -> None:
    """Hold one order at a time."""
    for _, versions in groupby((line.rstrip("\n").split("\t") for line in sys.stdin), key=lambda fields: fields[0]):
        _, _, day, amount = max(versions, key=lambda fields: int(fields[1]))
        if amount:
            print(day, 1, amount, sep="\t")


if __name__ == "__main__":
    main()
