"""The rules, a file a family. A rule is one function here and its fixtures in the tests."""

from . import audit, durability, encryption_at_rest, encryption_in_transit, exposure, iam, validity, waf

__all__ = ["audit", "durability", "encryption_at_rest", "encryption_in_transit", "exposure", "iam", "validity", "waf"]
