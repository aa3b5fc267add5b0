"""The README's table is the rules' own."""

from __future__ import annotations

from pathlib import Path

import policy
from policy.table import table


def test_the_table_is_up_to_date() -> None:
    """Else: put the output of `python -m policy.table` there."""
    assert (Path(policy.__file__).parent / "README.md").read_text().endswith(f"## The rules\n\n{table()}\n")
