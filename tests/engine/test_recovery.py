"""An engine or a provider that is killed midway: what is left, and that docs/recovery.md puts it right."""

import re
import shlex
import shutil

import pytest

from sandbox.engine import Engine
from standin.mocks import run_program
from standin.world import World
from tests.engine.killing import Kills, adopt, language_host, lost
from tests.engine.test_failures import settled, tagged_anew
from tests.registered import ROOT

pytestmark = pytest.mark.engine

PROGRAM = """
from components.security import Security
from components.storage import LogBucket

Security("security")
LogBucket("logs")
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


@pytest.mark.parametrize("what", ["engine", "provider"])
def test_killed_while_it_makes_changes_or_deletes_each_resource_in_turn(what, project, tmp_path):
    undisturbed = run_program(project, "test", {"aws:region": "eu-west-1"}).registrations
    custom = {r.urn for r in undisturbed if r.custom}
    tagged = {r.urn for r in undisturbed if r.custom and r.inputs.get("tags")}
    kept = {r.urn for r in undisturbed if r.options.get("retainOnDelete")}
    world = World()

    def opened(wrap=None):
        return Engine(tmp_path / "state", project, "test", world=world, wrap=wrap)

    kills = world.before = Kills(what, "create")
    rounds = 0
    while True:
        with opened() as engine:
            hit = kills.run(engine)
        if not hit:
            break
        rounds += 1
        with opened() as engine:
            if what == "engine":  # it leaves its lock, and a note of what was under way
                assert engine.pending() == dict.fromkeys(hit, "creating")
                engine.pulumi("cancel", "--yes")
                engine.pulumi("refresh", "--yes", "--clear-pending-creates")
            assert engine.pending() == {}
            assert lost(engine).keys() == kills.carried_out & set(hit)
            adopt(engine, lost(engine))
    assert (set(kills.hit), rounds) == (custom, 3)
    with opened() as engine:
        assert settled(engine) == {r.urn for r in undisturbed}
        assert engine.up().changed == {}

    kills = world.before = Kills(what, "update")
    while True:
        with opened(tagged_anew) as engine:
            hit = kills.run(engine)
            if not hit:
                break
            if what == "engine":
                assert engine.pending() == dict.fromkeys(hit, "updating")
                engine.pulumi("cancel", "--yes")
                engine.pulumi("refresh", "--yes")
            assert engine.pending() == {}
    assert set(kills.hit) == tagged
    with opened(tagged_anew) as engine:
        assert settled(engine) == {r.urn for r in undisturbed}
        assert {t.properties["tags"].get("Round") for t in world.things.values() if t.urn in tagged} == {"2"}
        assert engine.up().changed == {}

    kills = world.before = Kills(what, "delete")
    while True:
        with opened() as engine:
            hit = kills.run(engine)
            if not hit:
                break
            if what == "engine":
                assert engine.pending() == dict.fromkeys(hit, "deleting")
                engine.pulumi("cancel", "--yes")
    assert set(kills.hit) == custom - kept
    with opened() as engine:
        assert (engine.resources(), engine.pending()) == ([], {})
    assert {thing.urn for thing in world.things.values()} == kept


@pytest.mark.filterwarnings("ignore:Error in event stream", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_command_that_the_document_names(project, tmp_path):
    document = (ROOT / "docs" / "recovery.md").read_text()
    named = set(re.findall(r"(?:`|^    )(pulumi [^`\n]+)", document, re.MULTILINE))
    warned_of = {command for command in named if f"Not `{command}`" in document}
    ran = {"pulumi up", "pulumi preview", "pulumi destroy"}  # by the engine, below

    def run(command, **given):
        assert command in named
        ran.add(command)
        for name, value in given.items():
            command = command.replace(f"<{name}>", value)
        engine.pulumi(*shlex.split(command)[1:], "--yes")

    with Engine(tmp_path / "state", project, "test") as engine:
        # Killed while it makes a key, which AWS finishes
        kills = engine.world.before = Kills("engine", "create", only="Key::security-data")
        (urn,) = kills.run(engine)
        assert "the stack is currently locked by 1 lock(s)" in engine.up().errors[0]
        assert "pulumi cancel" in engine.up().errors[0]
        run("pulumi cancel")
        assert engine.pending() == {urn: "creating"}
        run("pulumi refresh --clear-pending-creates")
        assert engine.pending() == {}

        ((_, (type_token, id)),) = lost(engine).items()
        assert engine.preview().operations[urn] == "create"
        language_host(engine)
        component = next(r["urn"] for r in engine.resources() if r["urn"].endswith("EncryptionKey::security-data"))
        run(
            "pulumi import <type> <name> <id> --parent component=<URN of its component> --protect=false "
            "--generate-code=false",
            **{"type": type_token, "name": "security-data", "id": id, "URN of its component": shlex.quote(component)},
        )
        assert engine.up().errors == []
        made = settled(engine)
        assert engine.world.births[urn] == 1

        # The state is cut off
        (file,) = (tmp_path / "state" / "state" / ".pulumi" / "stacks" / "platform").glob("test.json")
        file.write_text(file.read_text()[:1000])
        assert "failed to load checkpoint" in engine.up().errors[0]
        shutil.copy(f"{file}.bak", file)
        run("pulumi refresh")
        assert engine.up().errors == []
        assert settled(engine) == made
        assert engine.up().changed == {}
        assert engine.destroy(protected=False).ok is False  # its keys are protected
        assert engine.destroy().errors == []
    assert ran == named - warned_of
