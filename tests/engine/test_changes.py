"""What a change of settings does to a stack that stands: exactly this, and nothing that holds data is lost.

The changes are in changes.yaml. Each is previewed on a stack that was made once for all of them.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.verdict import STATEFUL, label
from sandbox.engine import Engine, Result
from terraform.conformance import changed
from tests.registered import ROOT, stack_config

pytestmark = pytest.mark.engine

TABLE = yaml.safe_load(Path(__file__).with_name("changes.yaml").read_text())
SIGNS = {"create": "+", "update": "~", "delete": "-"}


class Standing:
    """Stacks that stand, each made when it is first asked for."""

    def __init__(self, directory: Path, opened: ExitStack) -> None:
        self._directory = directory
        self._opened = opened
        self._engines: dict[str, Engine] = {}

    def preview(self, base: str, sections: dict[str, Any]) -> Result:
        """What these changes of its settings would do to a stack."""
        stack = TABLE["stacks"][base]["stack"]
        settings = TABLE["stacks"][base]["settings"]
        if base not in self._engines:
            engine = self._opened.enter_context(Engine(self._directory / base, ROOT, stack))
            self._engines[base] = engine
            _configure(engine, with_changes(stack_config(stack), settings))
            made = engine.up()
            assert (made.errors, made.ok) == ([], True)
        _configure(self._engines[base], with_changes(with_changes(stack_config(stack), settings), sections))
        return self._engines[base].preview()


def with_changes(config: dict[str, Any], sections: dict[str, Any]) -> dict[str, Any]:
    """A stack's configuration with changes in its sections; None takes a key out."""
    for section, wanted in sections.items():
        key = section if ":" in section else f"platform:{section}"
        config[key] = changed(config.get(key, {}), wanted)
    return config


def _configure(engine: Engine, config: dict[str, Any]) -> None:
    file = engine.directory / "project" / f"Pulumi.{engine.stack_name}.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "config": config}))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with ExitStack() as opened:
        yield Standing(tmp_path_factory.mktemp("standing"), opened)


def operations(result: Result) -> list[str]:
    """What a preview would do, as `+ sqs/queue orders`; a replacement is ±."""
    found = {urn: SIGNS.get(step, "±") for urn, step in result.operations.items() if step != "same"}
    return sorted(
        f"{sign} {label(urn)}"
        for urn, sign in found.items()
        if "pulumi:pulumi:Stack" not in urn and "pulumi:providers:" not in urn
    )


def test_a_stack_that_stands_is_left_alone(standing):
    assert operations(standing.preview("dev", {})) == []


@pytest.mark.parametrize("name", TABLE["changes"])
def test_change(standing, name):
    change = TABLE["changes"][name]
    preview = standing.preview(change["of"], change["settings"])
    assert preview.errors == []
    done, expected = operations(preview), change["does"]
    unexpected = [line for line in done if not any(fnmatchcase(line, pattern) for pattern in expected)]
    missing = [pattern for pattern in expected if not any(fnmatchcase(line, pattern) for line in done)]
    assert (unexpected, missing) == ([], [])
    lost = {line for line in done if line[0] in "-±" and line.split()[1] in STATEFUL}
    assert lost == set(change.get("loses", ()))
