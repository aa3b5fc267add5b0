"""The prod stack under the real engine: failures are made good, no slip loses data, and all of it can go on purpose."""

import functools
import itertools
import random
import re
from collections import Counter

import pytest
import yaml
from pulumi import automation

from delivery.verdict import STATEFUL
from sandbox.engine import Engine
from standin.world import FORCES, PROTECTIONS, World
from tests.engine.test_failures import FailsOnce, repeat, settled
from tests.registered import ROOT, run_stack

pytestmark = pytest.mark.engine

PROGRAM = f"import runpy\nrunpy.run_path({str(ROOT / '__main__.py')!r}, run_name='__main__')\n"
SAMPLE, DEPTH, SEED = 24, 3, 9
UNPROTECTED = {
    "cloudwatch/logGroup": "the tiers' own logs; the trail's group is protected",
    "glue/catalogDatabase": "definitions, which the program holds",
    "rds/instance": "replicas, which hold nothing that the primary does not",
    "sqs/queue": "copies of events",
}
"""Of these types, what is not protected, and why not."""


def sample(recording):
    """Resources from the middle of the graph, of which none waits for another: all of them fail in one go."""
    waits = {
        r.urn: {*r.dependencies, *itertools.chain(*r.property_dependencies.values())} for r in recording.registrations
    }

    @functools.cache
    def depth(urn):
        return 1 + max((depth(dependency) for dependency in waits.get(urn, ())), default=0)

    middle = sorted(r.urn for r in recording.registrations if r.custom and depth(r.urn) == DEPTH)
    return set(random.Random(SEED).sample(middle, SAMPLE))  # noqa: S311


def short(type_token):
    return type_token.removeprefix("aws:").split(":")[0]


@pytest.fixture
def project(tmp_path):
    """The real program, with a stack file to be changed."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (folder / "Pulumi.prod.yaml").write_text((ROOT / "Pulumi.prod.yaml").read_text())
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def lifted(settings, by):
    """Settings with what lifts protection in others taken over."""
    for key, value in by.items():
        if isinstance(value, dict):
            inner = lifted(dict(settings.get(key) or {}), value)
            if inner:
                settings[key] = inner
        elif key == "deletion_protection" or "force_de" in key:
            settings[key] = value
    return settings


def test_prod_survives_failures_and_slips_and_goes_on_purpose(project, tmp_path):
    recording = run_stack("prod")
    fails = FailsOnce(sample(recording))
    world = World(before=fails)

    def opened():
        return Engine(tmp_path / "state", project, "prod", world=world, checkpoints=False)

    with opened() as engine:
        # Failures on the way up
        assert repeat(engine.up) != []
        assert len(fails.failed["create"]) == SAMPLE
        assert settled(engine) == {r.urn for r in recording.registrations}

        # Pulumi's side: the preview refuses, so that nothing is deleted at all.
        before = dict(world.things)
        with pytest.raises(automation.CommandError, match=r"cannot be deleted\s+because it is protected"):
            engine.pulumi("destroy", "--yes")
        assert world.things == before

        # AWS's side: somebody has lifted Pulumi's.
        engine.pulumi("state", "unprotect", "--all", "--yes")
        fails.chosen.clear()
        refused = engine.destroy(protected=False)
        assert not refused.ok
        assert "deletion protection" in "\n".join(refused.errors)
        guarded = {key for key, thing in before.items() if thing.properties.get(PROTECTIONS.get(key[0], ("", ""))[0])}
        assert sorted(short(type_token) for type_token, _ in guarded) == [
            "eks/cluster",
            "lb/loadBalancer",
            "lb/loadBalancer",
            "rds/instance",
        ]
        assert guarded <= world.things.keys()

    # On purpose, step by step as docs/operations.md says
    stack_file = project / "Pulumi.prod.yaml"
    settings = yaml.safe_load(stack_file.read_text())
    dev = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    lifted(settings["config"], dev["config"])
    settings["config"]["platform:delivery"]["deletion_protection"] = False
    stack_file.write_text(yaml.safe_dump(settings))
    with opened() as engine:
        assert engine.up().errors == []
        assert settled(engine) == {r.urn for r in recording.registrations}
        world.filled = {t.urn for (type_token, _), t in world.things.items() if type_token in FORCES}
        fails.chosen |= sample(recording)
        assert repeat(lambda **options: engine.destroy(protected=False, **options)) != []
        assert len(fails.failed["delete"]) == SAMPLE
        assert engine.resources() == []
    assert [short(type_token) for type_token, _ in world.things] == ["ebs/encryptionByDefault"]
    assert Counter(re.sub("-final-[0-9a-f]{8}$", "", left) for left in world.left.values()) == {
        "the key, 30 days": 4,
        "the secret, 30 days": 2,
        "the snapshot platform-prod-cache": 1,
        "the snapshot platform-prod-database": 1,
    }


def test_what_holds_data_is_protected_on_both_sides():
    resources = [r for r in run_stack("prod").registrations if r.custom and short(r.type) in STATEFUL]
    assert {short(r.type) for r in resources if not r.protect} == UNPROTECTED.keys()
    assert {r.name for r in resources if r.type.endswith(":LogGroup") and r.protect} == {"audit"}
    (primary,) = (r for r in resources if r.type == "aws:rds/instance:Instance" and r.protect)
    assert primary.inputs["deletionProtection"]
    assert not primary.inputs["skipFinalSnapshot"]
    everything = run_stack("prod").registrations
    for type_token, protection in (
        ("aws:eks/cluster:Cluster", "deletionProtection"),
        ("aws:lb/loadBalancer:LoadBalancer", "enableDeletionProtection"),
    ):
        assert PROTECTIONS[type_token][0] == protection
        assert {r.inputs.get(protection) for r in everything if r.type == type_token} == {True}
    for type_token, (force, _) in FORCES.items():
        assert {bool(r.inputs.get(force)) for r in everything if r.type == type_token} == {False}
    windows = {
        (short(r.type), r.inputs.get("deletionWindowInDays", r.inputs.get("recoveryWindowInDays")))
        for r in resources
        if short(r.type) in ("kms/key", "secretsmanager/secret")
    }
    assert windows == {("kms/key", 30), ("secretsmanager/secret", 30)}
    (cache,) = (r for r in resources if r.type.endswith(":ReplicationGroup"))
    assert cache.inputs["finalSnapshotIdentifier"].startswith("platform-prod-cache")
