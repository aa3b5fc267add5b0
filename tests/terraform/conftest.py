"""These tests need Terraform and the AWS provider."""

import os

import pytest

from terraform import conformance, provider
from terraform.names import Names


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/terraform/" in item.nodeid:
            item.add_marker("terraform")


def demand(missing: str | None) -> None:
    """Skip what can't run here, in one line; in CI that is a failure."""
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session", autouse=True)
def terraform():
    demand(provider.missing())


@pytest.fixture(scope="session")
def checkov(terraform):
    demand(None if conformance.checkov() else "no Checkov: make checkov installs it into an environment of its own")


@pytest.fixture(scope="session")
def names(terraform):
    return Names(provider.schema())
