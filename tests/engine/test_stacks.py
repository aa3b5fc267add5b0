"""The real program and the real policy pack, under the real engine."""

import pytest

from sandbox.engine import Engine, Result
from standin.mocks import UNKNOWN
from tests.registered import ROOT, STACKS, run_stack

pytestmark = pytest.mark.engine


def refusals(result: Result) -> list[str]:
    return [violation.message for violation in result.violations if violation.level == "mandatory"]


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_is_previewed_made_left_alone_and_taken_away(stack, tmp_path):
    recording = run_stack(stack)
    count = len(recording.registrations) + 1  # the stack itself is one more
    with Engine(tmp_path, ROOT, stack, policies=ROOT / "policy", checkpoints=False) as engine:
        preview = engine.preview()
        assert (preview.errors, refusals(preview)) == ([], [])
        assert preview.changes == {"create": count}
        assert preview.outputs["vpc_id"] is UNKNOWN
        assert engine.resources() == []

        update = engine.up()
        assert (update.errors, refusals(update)) == ([], [])
        assert update.changes == {"create": count}
        assert update.outputs == recording.outputs

        again = engine.up()
        assert (again.errors, refusals(again)) == ([], [])
        assert again.changes == {"same": count}

        # What the engine holds is what the recorder says, resource by resource.
        held = {resource["urn"]: resource for resource in engine.resources() if "provider" in resource}
        recorded = {r.urn: r for r in recording.registrations if r.custom and "pulumi:providers:" not in r.type}
        assert {urn: r["id"] for urn, r in held.items()} == {urn: r.outputs["id"] for urn, r in recorded.items()}

        end = engine.destroy(protected=stack == "prod")  # nothing in dev has to be forced
        assert end.errors == []
        assert end.changes == {"delete": count}
        assert engine.resources() == []
        assert {type_token for type_token, _ in engine.world.things} == {
            "aws:ebs/encryptionByDefault:EncryptionByDefault"  # the account's
        }
