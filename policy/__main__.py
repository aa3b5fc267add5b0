"""Start of the pack's process: `pulumi preview --policy-pack policy`."""

import importlib.util
import sys
from pathlib import Path

# The folder is the package `policy` wherever it lies and whatever it is called, as when it is installed as a pack.
here = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("policy", here / "__init__.py", submodule_search_locations=[str(here)])
if spec and spec.loader:
    sys.modules["policy"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)

from pulumi_policy import EnforcementLevel, PolicyPack  # noqa: E402

from policy.pack import NAME, policies  # noqa: E402

PolicyPack(name=NAME, policies=policies(), enforcement_level=EnforcementLevel.MANDATORY)
