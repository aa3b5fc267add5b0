"""The command line: what is wrong is a message and exit code 2, before anything is asked of the engine."""

import datetime

import pytest

from delivery.__main__ import main
from delivery.approvals import approved
from delivery.stack import Unusable, environment
from tests.registered import ROOT

TODAY = datetime.date(2026, 11, 22)


@pytest.mark.parametrize("command", [[], ["check"], ["report"], ["deploy"]])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "exit codes:" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["explode"],
        ["check", "--policy-pack", "policy", "--output", "."],
        ["report", "--output", "."],
        ["report", "--codecommit", "--github", "--output", "."],
        ["deploy", "--policy-pack", "policy"],
    ],
)
def test_a_wrong_command(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m delivery" in capsys.readouterr().err


def test_folders_without_a_project_or_a_pack(tmp_path, capsys):
    for directory, pack, lacking in ((tmp_path, ROOT / "policy", "Pulumi.yaml"), (ROOT, tmp_path, "PulumiPolicy.yaml")):
        arguments = ["--directory", str(directory), "--policy-pack", str(pack)]
        assert main(["deploy", "dev", *arguments]) == 2
        assert capsys.readouterr().err == f"there is no {lacking} in {tmp_path}\n"


def test_no_cli(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    arguments = ["--directory", str(ROOT), "--policy-pack", str(ROOT / "policy"), "--output", str(tmp_path)]
    assert main(["check", "--stack", "dev", *arguments]) == 2
    assert capsys.readouterr().err == "there is no pulumi on PATH: delivery/install.sh puts it there\n"
    assert not (tmp_path / "verdict.json").exists()


def test_the_state_is_where_the_build_says(monkeypatch):
    monkeypatch.setenv("STATE_BUCKET", "platform-state-123456789012-eu-west-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert environment()["PULUMI_BACKEND_URL"] == "s3://platform-state-123456789012-eu-west-1?region=eu-west-1"
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(Unusable, match="AWS_REGION is not set"):
        environment()
    monkeypatch.delenv("STATE_BUCKET")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///elsewhere")
    assert environment()["PULUMI_BACKEND_URL"] == "file:///elsewhere"


def approvals(tmp_path, text: str) -> set[str]:
    (tmp_path / "approvals.yml").write_text(text)
    return approved(tmp_path / "approvals.yml", TODAY)


def test_approvals_hold_to_the_end_of_their_day(tmp_path):
    entry = "- {{urn: {}, reason: drained, until: {}}}\n"
    text = entry.format("a", "2026-11-22") + entry.format("b", "2026-11-21") + entry.format("c", "2027-01-01")
    assert approvals(tmp_path, text) == {"a", "c"}
    assert approvals(tmp_path, "# none today\n") == set()
    assert approved(tmp_path / "nosuch.yml", TODAY) == set()


@pytest.mark.parametrize(
    "text",
    [
        "urn: a",
        "- a",
        "- {urn: a, until: 2026-12-01}",
        "- {urn: a, reason: ' ', until: 2026-12-01}",
        "- {urn: a, reason: drained, until: soon}",
        "- {urn: a, reason: drained, until: 2026-12-01 10:00:00}",
        "- {urn: a, reason: drained, until: 2026-12-01, by: me}",
        "- {urn: a, reason: drained, until: 2026-12-01}\n- [",
    ],
)
def test_an_approval_that_is_not_whole_approves_of_nothing(tmp_path, text):
    with pytest.raises(Unusable, match=r"approvals\.yml"):
        approvals(tmp_path, text)
