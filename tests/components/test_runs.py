"""The state machine by itself; tests/components/test_analytics.py has it with its roles and its cluster."""

import copy
import dataclasses
import json

import pytest
from statelint.linter import Linter

from components.runs import Run
from tests.components.states import CLUSTER, Emr, execute

PLACES = {"Subnets": ["subnet-1"], "Cluster": "j-STAYS"}
CERTIFICATES = "analytics/certificates.zip"
JOBS = ("extract", "transform", "check", "mapreduce", "publish", "presto")
RUN = Run(
    title="test",
    commands={job: ["spark-submit", "main.py", job] for job in JOBS},
    bucket="artifacts",
    places_key="analytics/places.json",
    topic_arn="arn:aws:sns:eu-west-1:123456789012:alarms",
    cluster={"Name": "test", "Instances": {"Ec2SubnetIds.$": "$.aws.places.Subnets"}},
    step_timeout_minutes=120,
    step_retries=2,
    certificates_key=CERTIFICATES,
)
PLAIN = dataclasses.replace(RUN, certificates_key=None)
STAYING = dataclasses.replace(PLAIN, cluster=None)


def go(run, ends=None, *, objects=(CERTIFICATES,)):
    emr = Emr(dict(ends or {}))
    return emr, execute(run.definition(), emr, places=PLACES, topic_name="alarms", objects=objects)


def failure(done):
    (message,) = done.messages
    return json.loads(message.partition(" failed: ")[2])["failure"]


def test_a_run_does_the_jobs_in_their_order():
    emr, done = go(RUN)
    assert done.status == "SUCCEEDED"
    assert [step["Step"]["Name"] for step in emr.steps] == list(JOBS)


@pytest.mark.parametrize(("job", "retried"), [(job, job in ("extract", "transform", "publish")) for job in JOBS])
def test_a_comparison_that_fails_is_not_begun_again(job, retried):
    emr, done = go(RUN, {job: ["FAILED"] * 3})
    assert [step["Step"]["Name"] for step in emr.steps].count(job) == (3 if retried else 1)
    assert len(done.waits) == (2 if retried else 0)
    assert done.path[-3:] == ["EndFailedCluster", "TellFailure", "Failed"]
    assert (done.status, emr.terminated) == ("FAILED", [CLUSTER])


def test_nothing_is_published_that_failed_its_check():
    emr, _ = go(RUN, {"check": ["FAILED"]})
    assert [step["Step"]["Name"] for step in emr.steps] == ["extract", "transform", "check"]


def test_without_certificates_nothing_is_started():
    emr, done = go(RUN, objects=["analytics/certificates.pem"])
    assert (emr.started, emr.steps, done.waits) == ([], [], [])
    assert done.path[-5:] == ["FindCertificates", "AreCertificatesThere", "NoCertificates", "TellFailure", "Failed"]
    assert failure(done) == {
        "Error": "NoCertificates",
        "Cause": "There is no s3://artifacts/analytics/certificates.zip for the nodes to encrypt with what they send "
        "each other: upload it as docs/analytics.md says, or set encrypt_in_transit to false. Nothing was started.",
    }


def test_a_cluster_without_encryption_needs_no_certificates():
    assert "FindCertificates" not in go(PLAIN, objects=())[1].path
    assert go(STAYING, objects=())[1].status == "SUCCEEDED"


# -- The language -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [RUN, PLAIN, STAYING], ids=["certificates", "plain", "staying"])
def test_it_is_in_the_states_language(run):
    assert Linter.validate(run.definition()) == []


@pytest.mark.parametrize(
    ("state", "changes", "complaint"),
    [
        ("Extract", {"Next": "Transfrom"}, "Transfrom"),
        ("Extract", {"Next": None}, "Next"),
        ("Extract", {"Type": "Tsak"}, "Tsak"),
        ("Extract", {"Timeout": 60}, "Timeout"),
        ("Extract", {"TimeoutSeconds": "60"}, "TimeoutSeconds"),
        ("Extract", {"ResultPath": "failure"}, "ResultPath"),
        ("Extract", {"Retry": [{"MaxAttempts": 1}]}, "ErrorEquals"),
        ("Check", {"Catch": [{"ErrorEquals": ["States.ALL"]}]}, "Next"),
        ("AreCertificatesThere", {"Choices": []}, "Choices"),
        ("Failed", {"Next": "Succeeded"}, "Next"),
    ],
)
def test_a_mistake_in_the_language_is_found(state, changes, complaint):
    states = copy.deepcopy(RUN.definition())
    states["States"][state] |= changes
    problems = Linter.validate(states)
    assert any(complaint in problem for problem in problems), problems
