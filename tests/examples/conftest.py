"""What the tests of the examples need of the machine."""

import os

import pytest

from sandbox import cli
from tests.examples import language


@pytest.fixture(scope="session")
def pulumi_cli():
    needs(cli.missing())
    return cli.place()


@pytest.fixture(scope="session")
def language_host():
    needs(language.missing())
    return language.place()


def needs(missing):
    """Skip what lacks a part of the machine, and say which; fail where the whole machine was promised."""
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)
