"""A third stack in one file, begun from another's."""

import shutil

import pytest
import yaml

from preview.run import judge
from settings import __main__ as command
from settings import new, parse
from standin.mocks import run_program
from tests.registered import ROOT, STACKS
from tests.settings.test_schema import validator


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A place with the stack files."""
    for stack in STACKS:
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    return tmp_path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["settings", *arguments])
    return command.main()


@pytest.mark.parametrize("like", STACKS)
def test_a_third_stack_is_valid_and_says_what_to_change(root, monkeypatch, capsys, like):
    assert run(monkeypatch, "new", "staging", "--like", like) == 0
    assert "Pulumi.staging.yaml is made" in capsys.readouterr().out
    text = (root / "Pulumi.staging.yaml").read_text()
    lines = text.splitlines()
    assert lines[0] == "# yaml-language-server: $schema=settings/schema.json"
    assert lines[1] == f"# Made from Pulumi.{like}.yaml: see to each `Change`, then run `make preview STACK=staging`."
    advised = {lines[n + 1].split(":")[1] for n, line in enumerate(lines) if line.startswith("  # Change: ")}
    delivery = {"delivery"} if like == "prod" else set()
    assert advised == {"region", "defaultTags", "tiers", "network", "dns"} | delivery
    made, source = (yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text()) for stack in ("staging", like))
    assert made["config"]["aws:defaultTags"]["tags"].pop("Environment") == "staging"
    source["config"]["aws:defaultTags"]["tags"].pop("Environment")
    assert made == source
    validator().validate(made)
    parse(made["config"], "platform")


def test_it_previews_clean(root):
    made = new.write(root, "staging", "dev")
    config = yaml.safe_load(made.read_text())["config"]
    recording = run_program(ROOT, "staging", config, unknown=True)
    assert judge(recording, "us-east-1").violations == []
    assert len(recording.registrations) > 300


@pytest.mark.parametrize(
    ("name", "like", "said"),
    [
        ("Staging", "dev", "can't be a stack's name"),
        ("s" * 21, "dev", "20 characters at most"),
        ("../prod", "dev", "can't be a stack's name"),
        ("prod", "dev", "Pulumi.prod.yaml is there already"),
        ("staging", "test", "Pulumi.test.yaml is not there"),
    ],
)
def test_what_can_not_be_is_refused(root, monkeypatch, capsys, name, like, said):
    before = sorted(root.iterdir())
    assert run(monkeypatch, "new", name, "--like", like) == 2
    assert said in capsys.readouterr().err
    assert sorted(root.iterdir()) == before
