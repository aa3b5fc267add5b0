"""Operations that fail, under the real engine: run again, each stack becomes what it would have been."""

import itertools
from typing import Any

import pulumi
import pytest

from sandbox.engine import Engine
from standin.mocks import run_program
from standin.world import ELSEWHERE, Failure, World

pytestmark = pytest.mark.engine

PROGRAM = """
from components.messaging import Messaging, MessagingArgs
from components.registry import Registry, RegistryArgs
from components.security import Security
from components.storage import LogBucket, SecureBucket

keys = Security("security")
SecureBucket("storage", key=keys.data, logs=LogBucket("logs"))
args = {"queues": {"orders": {"senders": ["web"], "receivers": ["backend"]}, "mails": {}}}
Messaging("messaging", MessagingArgs.model_validate(args), key=keys.data)
Registry("registry", RegistryArgs.model_validate({"repositories": {"web": {}}}), key=keys.data)
"""
ERRORS = (
    ("ThrottlingException: Rate exceeded", False),
    ("LimitExceededException: the quota of the account is reached", False),
    ("timeout while waiting for state to become 'available' (last state: 'creating', timeout: 40m0s)", True),
)


class FailsOnce:
    """Has the first try of an operation fail for each resource, or for `chosen` ones, with each error in turn."""

    def __init__(self, chosen=None):
        self.chosen = chosen
        self.errors = itertools.cycle(ERRORS)
        self.failed: dict[str, dict[str, str]] = {"create": {}, "update": {}, "delete": {}}

    def __call__(self, operation, urn):
        failed = self.failed[operation]
        if urn in failed or (self.chosen is not None and urn not in self.chosen):
            return
        message, after = next(self.errors)
        failed[urn] = message
        raise Failure(message, after=after)


def settled(engine):
    """The URNs in the state, which holds each once, nothing unfinished, and just what exists."""
    resources = engine.resources()
    urns = [resource["urn"] for resource in resources]
    assert len(urns) == len(set(urns))
    assert [r["urn"] for r in resources if r.get("delete") or r.get("initErrors") or r.get("pendingReplacement")] == []
    assert engine.pending() == {}
    made = [r for r in resources if r.get("id") and not r["type"].startswith(("pulumi:providers:", *ELSEWHERE))]
    assert {(r["type"], r["id"]): r["urn"] for r in made} == {key: t.urn for key, t in engine.world.things.items()}
    return {urn for urn in urns if "::pulumi:" not in urn}


def repeat(operation, tries=10):
    """Runs an operation until nothing fails; what was told on the way."""
    told: list[str] = []
    for _ in range(tries):
        result = operation(continue_on_error=True)
        if result.ok:
            return told
        assert result.errors
        told += result.errors
    raise AssertionError(f"it still fails after {tries} tries: {told[-1]}")


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def tagged_anew(program):
    """Round the program: a change of every resource that can be tagged."""

    def tag(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        tags: Any = args.props.get("tags")
        if not tags:
            return None
        return pulumi.ResourceTransformResult({**args.props, "tags": {**tags, "Round": "2"}}, args.opts)

    pulumi.runtime.register_resource_transform(tag)
    program()


def test_every_resource_in_turn_fails_to_be_made_changed_and_deleted(project, tmp_path):
    undisturbed = run_program(project, "test", {"aws:region": "eu-west-1"}).registrations
    custom = {r.urn for r in undisturbed if r.custom}
    tagged = {r.urn for r in undisturbed if r.custom and r.inputs.get("tags")}
    kept = {r.urn for r in undisturbed if r.options.get("retainOnDelete")}  # the account's own, EBS encryption
    assert (len(custom), len(tagged), len(kept)) == (37, 13, 1)

    world = World(before=(fails := FailsOnce()))
    with Engine(tmp_path / "state", project, "test", world=world) as engine:
        told = repeat(engine.up)
        assert settled(engine) == {r.urn for r in undisturbed}
        assert fails.failed["create"].keys() == custom
        assert {message for message, _ in ERRORS} == {m for m, _ in ERRORS if any(m in error for error in told)}
        # Of a create that took too long there is something, and what is done about it is an update.
        late = {urn for urn, message in fails.failed["create"].items() if message == ERRORS[2][0]}
        assert fails.failed["update"].keys() == late
        assert engine.up().changed == {}

    fails.failed["update"].clear()
    with Engine(tmp_path / "state", project, "test", world=world, wrap=tagged_anew) as engine:
        repeat(engine.up)
        assert settled(engine) == {r.urn for r in undisturbed}
        assert fails.failed["update"].keys() == tagged
        assert {t.properties["tags"].get("Round") for t in world.things.values() if t.urn in tagged} == {"2"}
        assert engine.up().changed == {}

        repeat(engine.destroy)
        assert fails.failed["delete"].keys() == custom - kept
        assert engine.resources() == []
        assert {thing.urn for thing in world.things.values()} == kept
