"""The benchmark measures what it says: the same resources, and true copies of them. Nothing here is timed."""

import json
import subprocess
import sys
from pathlib import Path

from bench.__main__ import copies, record
from policy.evaluate import evaluate
from policy.graph import Graph
from preview.run import load_project, policy_resources
from standin.mocks import run_program

REPOSITORY = Path(__file__).parents[2]

COUNTING = """
import json, sys, pulumi
from pathlib import Path
from bench import bare

made = []
class Counting(bare.Mocks):
    def new_resource(self, args):
        made.append([args.typ, args.name, sorted(args.inputs)])
        return super().new_resource(args)

pulumi.runtime.set_mocks(Counting())
pulumi.runtime.test(lambda: bare.register(json.loads(Path(sys.argv[1]).read_text())))()
print(json.dumps(made))
"""


def test_the_bare_process_registers_the_same_resources(tmp_path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    registrations = record("dev")
    file = tmp_path / "resources.json"
    file.write_text(json.dumps(registrations))
    done = subprocess.run([sys.executable, "-c", COUNTING, file], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    expected = [[r["type"], r["name"], sorted(r["inputs"]) if r["custom"] else []] for r in registrations]
    assert sorted(json.loads(done.stdout)) == sorted(expected)


def test_copies_of_a_stack_stand_apart():
    project = load_project(REPOSITORY, "dev")
    once = policy_resources(run_program(project.directory, "dev", project.config, project=project.name))
    thrice = list(copies(once, 3))
    assert len({r.urn for r in thrice}) == len(thrice) == 3 * len(once)
    last = {r.urn for r in thrice[-len(once) :]}
    for resource in thrice[-len(once) :]:
        assert {d for ds in resource.property_dependencies.values() for d in ds} <= last
    one, three = evaluate(Graph(once, region="us-east-1")), evaluate(Graph(thrice, region="us-east-1"))
    assert one.checks > 100
    assert (three.checks, three.failed) == (3 * one.checks, 3 * one.failed)
