"""The control matrix is the rules' and their fixtures' own."""

from __future__ import annotations

import re

from policy.rule import RULES
from tests.policy.matrix import FILE, STANDARDS, matrix, standard

IDS = {
    "FSBP": r"[A-Z][A-Za-z0-9]*\.\d+",
    "CIS": r"\d+(\.\d+)+",
    "cdk-nag": r"([A-Z][A-Za-z]*\d+[A-Z]?|NIST\.800\.53\.R5-[A-Za-z0-9]+)",
    "Checkov": r"CKV2?_AWS_\d+",
}


def test_the_matrix_is_up_to_date() -> None:
    """Else: `python -m tests.policy.matrix`."""
    assert FILE.read_text(encoding="utf-8") == matrix()


def test_every_control_is_an_id_of_its_standard() -> None:
    found = {standard(control) for rule in RULES.values() for control in rule.controls}
    assert {name for name, _ in found} == set(STANDARDS)
    assert [(name, id) for name, id in sorted(found) if not re.fullmatch(IDS[name], id)] == []


def test_every_rule_says_what_to_do() -> None:
    for rule in RULES.values():
        assert rule.title[0].isupper(), rule.id
        assert len(rule.remediation) > 10, rule.id
        assert not rule.remediation.endswith("."), rule.id
