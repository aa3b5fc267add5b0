"""Delivery as Terraform: the real provider plans the repository, the builds and the pipeline."""

import pytest

from components.delivery import Delivery, DeliveryArgs
from components.observability import AlarmTopic
from components.storage import SecureBucket
from terraform import conformance, provider, simulated
from terraform.export import export_program
from tests.components.tiers import logs, network, security
from tests.registered import ROOT

ARGS = {
    "reviewers": ["user/mary", "role/Reviewers"],
    "environments": {
        "dev": {"region": "us-east-1", "needs_approval": False},
        "prod": {"region": "eu-west-1", "policies": ["arn:aws:iam::123456789012:policy/deploys-prod"]},
    },
    "permissions_boundary_arn": "arn:aws:iam::123456789012:policy/builds",
}


def program():
    keys, log_bucket = security(), logs()
    Delivery(
        "delivery",
        DeliveryArgs.model_validate(ARGS),
        subnets=network(nat="single").private,
        key=keys.data,
        logs_key=keys.logs,
        artifacts=SecureBucket("artifacts", key=keys.data, logs=log_bucket),
        build_specs=ROOT / "delivery",
        topic=AlarmTopic("alarms", key=keys.logs),
    )


@pytest.fixture(scope="module")
def exported(names):
    return export_program(program, names, config={"aws:region": "eu-west-1"}, version=provider.VERSION)


def test_nothing_of_it_lacks_a_counterpart(exported):
    assert conformance.unlisted(exported) == []
    assert len(exported.addresses) == exported.registered


def test_the_build_specs_stay_as_they_are_written(exported):
    """Their `$STACK` and `${...}` are the shell's, not Terraform's."""
    projects = exported.files["main.tf.json"]["resource"]["aws_codebuild_project"]
    for name, file in {"delivery-check": "check.yml", "delivery-dev": "deploy.yml"}.items():
        text = (ROOT / "delivery" / file).read_text().replace("${", "$${").replace("%{", "%%{")
        assert projects[name]["source"][0]["buildspec"] == text


def test_the_real_provider_plans_it(exported, tmp_path):
    with simulated.server() as address:
        root = conformance.root(exported, tmp_path)
        assert conformance.plan(root, address)["add"] == len(exported.addresses)
