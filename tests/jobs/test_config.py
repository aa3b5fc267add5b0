"""What is wrong is told before Spark starts; what is uploaded is always the same; AWS gets its own signature."""

import ast
import datetime
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from jobs import aws
from jobs.__main__ import JOBS, main
from jobs.config import parse
from jobs.package import package
from tests.registered import ROOT

GOOD = {
    "region": "eu-west-1",
    "source": {"secret": "shop", "certificate": "s3://lake/authority.pem"},
    "raw": "s3://lake/raw",
    "curated": "s3://lake/curated",
    "state": "s3://lake/state",
    "tables": {"orders": {"key": "id", "watermark": "updated_at"}},
}


def orders(**settings):
    return {"tables": {"orders": {"key": "id", **settings}}}


def test_what_is_not_said_has_a_default():
    config = parse(json.dumps(GOOD))
    table = config.tables["orders"]
    assert (table.partitions, table.format, config.lag_seconds) == (8, "parquet", 900)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tables": {}}, "tables: there is none"),
        ({"tables": {"orders": {}}}, "tables.orders.key: missing"),
        ({"tables": {"or;ders": {"key": "id"}}}, "tables.or;ders: is no table's name"),
        ({"tables": {"orders": {"key": "id`"}}}, "tables.orders.key: 'id`' is no column's name"),
        (
            orders(format="parqet"),
            "tables.orders.format: 'parqet' is not one of csv, json, parquet, avro; did you mean parquet?",
        ),
        (
            orders(partitions="8"),
            "tables.orders.partitions: '8' is not a whole number",
        ),
        (
            orders(partitions=True),
            "tables.orders.partitions: True is not a whole number",
        ),
        (orders(partitions=0), "tables.orders.partitions: 0 is not from 1 to 1000"),
        (
            orders(watermrk="x"),
            "tables.orders.watermrk: unknown; did you mean watermark?",
        ),
        ({"tables": ["orders"]}, "tables: ['orders'] is not an object"),
        ({"raw": "lake/raw"}, "raw: 'lake/raw' is no location such as s3://bucket/folder"),
        ({"raw": "s3://lake/raw/"}, "raw: 's3://lake/raw/' is no location such as s3://bucket/folder"),
        ({"export": "lake"}, "export: 'lake' is no location such as s3://bucket/folder"),
        ({"export_format": "parquet"}, "export_format: 'parquet' is not one of csv, json"),
        ({"lag_seconds": -1}, "lag_seconds: -1 is not from 0 to 604800"),
        ({"fetch_rows": 0}, "fetch_rows: 0 is not from 1 to 1000000"),
        ({"source": {"secret": 1, "certificate": ""}}, "source.secret: 1 is not text"),
        ({"source": {"secret": "x"}}, "source.certificate: missing"),
    ],
)
def test_a_mistake_is_told_with_its_path(changes, complaint, tmp_path, capsys):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    assert main(["extract", "--config", str(path)]) == 2
    assert f"\n  {complaint}\n" in capsys.readouterr().err


def test_every_mistake_is_told_at_once(tmp_path, capsys):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**GOOD, "raw": 1, "curated": "x", "lagseconds": 3}))
    assert main(["publish", "--config", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3  # the value "x" can't be judged before the types are right


@pytest.mark.parametrize(("text", "complaint"), [("{", "is not JSON"), ("[]", "[] is not an object")])
def test_what_is_no_configuration(text, complaint, tmp_path, capsys):
    (tmp_path / "config.json").write_text(text)
    assert main(["extract", "--config", str(tmp_path / "config.json")]) == 2
    assert complaint in capsys.readouterr().err
    assert main(["extract", "--config", str(tmp_path / "none.json")]) == 2
    assert "can't read the configuration" in capsys.readouterr().err


@pytest.mark.parametrize("job", JOBS)
def test_each_job_has_its_help(job, capsys):
    with pytest.raises(SystemExit) as ended:
        main([job, "--help"])
    assert ended.value.code == 0
    assert JOBS[job] in " ".join(capsys.readouterr().out.split())


def test_an_unknown_job_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["load", "--config", "x"])
    assert ended.value.code == 2


# -- package -----------------------------------------------------------------------------------------------------------


def test_the_package_is_the_code_and_nothing_else():
    made = package()
    assert made == package()
    assert set(made.files) == {"main.py", "jobs.zip"}
    with zipfile.ZipFile(io.BytesIO(made.files["jobs.zip"])) as archive:
        there = {name: archive.read(name) for name in archive.namelist()}
    assert "jobs/daily_revenue.sql" in there
    assert "jobs/streaming/mapper.py" in there
    assert all(there[name] == (ROOT / name).read_bytes() for name in there)


def test_a_change_of_code_changes_the_digest(tmp_path, monkeypatch):
    import shutil

    shutil.copytree(ROOT / "jobs", tmp_path / "jobs", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("jobs.package._HERE", tmp_path / "jobs")
    assert package() == package()
    before = package().digest
    (tmp_path / "jobs" / "daily_revenue.sql").write_text("SELECT 1")
    assert package().digest != before


def test_the_package_needs_the_standard_library_alone():
    """The Pulumi program imports it, and has no PySpark."""
    blocked = "import sys; sys.modules.update(dict.fromkeys(['pyspark', 'py4j', 'boto3'])); import jobs.package"
    subprocess.run([sys.executable, "-c", blocked], cwd=ROOT, check=True)


def test_the_zip_runs_by_itself(tmp_path):
    for name, content in package().files.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "main.py", "extract", "--help"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": "jobs.zip"}, capture_output=True, text=True, check=True
    )
    assert "--full" in done.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").rglob("*.py")), ids=lambda p: p.name)
def test_python_39_can_read_it(path: Path):
    ast.parse(path.read_text(), feature_version=(3, 9))


# -- AWS ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "session"])
def test_a_request_is_signed_as_botocore_signs_it(token):
    now = datetime.datetime.now(datetime.UTC)
    address, body = "https://secretsmanager.eu-west-1.amazonaws.com", b'{"SecretId": "shop"}'
    ours = aws.signed(
        address,
        "secretsmanager.GetSecretValue",
        body,
        "secretsmanager",
        "eu-west-1",
        aws.Credentials("AK", "SK", token),
        now,
    )
    headers = {name: ours[name] for name in ("content-type", "x-amz-target")}
    request = AWSRequest("POST", address, headers=headers, data=body)
    signer = SigV4Auth(Credentials("AK", "SK", token or None), "secretsmanager", "eu-west-1")
    request.headers["X-Amz-Date"] = request.context["timestamp"] = f"{now:%Y%m%dT%H%M%SZ}"
    if token:
        request.headers["X-Amz-Security-Token"] = token
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={signature}")
