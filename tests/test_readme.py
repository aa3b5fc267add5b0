"""What the README says holds."""

import re
import subprocess

from tests.registered import ROOT, of, run

README = (ROOT / "README.md").read_text()


def test_the_example_runs(library):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    recording = run(lambda: exec(compile(example, "README.md", "exec"), {}))  # noqa: S102
    assert sorted(recording.outputs["private_subnets"]) == ["eu-west-1a", "eu-west-1b"]
    assert len(of(recording, "ec2/natGateway:NatGateway")) == 1


def test_what_it_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_targets_it_names_exist():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"make ([a-z-]+)", README)) - {"help"}
    assert {"preview", "test", "sandbox"} <= targets
    assert [target for target in sorted(targets) if not re.search(rf"^  {target} ", listed, re.MULTILINE)] == []
