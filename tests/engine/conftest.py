"""The engine tests need a Pulumi CLI, or Go to build one."""

import os

import pytest

from sandbox import cli


@pytest.fixture(scope="session", autouse=True)
def pulumi_cli():
    missing = cli.missing()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)
    return cli.place()
