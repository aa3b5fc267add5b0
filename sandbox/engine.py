"""Run a project's real `__main__.py` under a real Pulumi engine, with the AWS stand-in as its provider."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import pulumi
import yaml
from pulumi import automation
from pulumi.runtime import _grpc_settings
from semver import VersionInfo

from standin import provider, wire
from standin.mocks import STACK_TYPE, program_directory
from standin.world import World

from . import cli

PASSPHRASE = "sandbox"  # noqa: S105 - what it locks is what the stand-in made up

Program = Callable[[], Any]

_RUNNING: list[asyncio.Task[Any] | None] = []
"""Each program that this process has run. One that is broken off would, when it is collected, take down the server of
the callbacks of whichever runs then: it is kept until it has ended of itself."""

# A program whose engine was killed goes on trying to reach it. Connections are shared by address in a process, so the
# next engine that is given this port would count as gone too.
_grpc_settings._GRPC_CHANNEL_OPTIONS.append(("grpc.use_local_subchannel_pool", 1))


class SettingsError(Exception):
    """The project or stack can't be run as it is written: for its author to read, with no traceback."""


@dataclass(frozen=True)
class Violation:
    """One policy's finding."""

    policy: str
    urn: str
    level: str
    message: str


@dataclass
class Result:
    """What one operation did."""

    ok: bool = True
    changes: dict[str, int] = field(default_factory=dict)
    """How many resources, by operation: {"create": 12, "same": 3}."""
    operations: dict[str, str] = field(default_factory=dict)
    """The operation on each resource, by URN."""
    violations: list[Violation] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    """The stack's, secrets hidden; UNKNOWN for what a preview doesn't know."""

    @property
    def changed(self) -> dict[str, int]:
        """The changes that aren't "same"."""
        return {operation: count for operation, count in self.changes.items() if operation != "same"}


class _Command(automation.PulumiCommand):
    """A CLI wherever it lies (the SDK's own looks on PATH or below a `bin`)."""

    def __init__(self, path: Path) -> None:
        self.command = str(path)
        self.version = VersionInfo(*(cli.version(path) or ()))


class Engine:
    """One stack of the project in `program_dir`, its state kept in `directory`.

    A context manager: the stand-in serves while it is open. `policies` is the policy pack's folder, `policy_config` the
    file that configures it, `wrap` runs round the program (for a test to break it), `stream` gets the engine's output
    line by line. `world` is what exists and goes wrong; hand one to several engines for it to last. Without
    `checkpoints` the state is written at an operation's end only, which takes a third of the time for a large stack.
    """

    def __init__(
        self,
        directory: Path,
        program_dir: Path,
        stack: str,
        *,
        policies: Path | None = None,
        policy_config: Path | None = None,
        wrap: Callable[[Program], Any] | None = None,
        stream: Callable[[str], None] | None = None,
        color: str = "never",
        world: World | None = None,
        checkpoints: bool = True,
    ) -> None:
        self.directory = directory.resolve()
        self.program_dir = program_dir.resolve()
        self.stack_name = stack
        self.policies = policies
        self.policy_config = policy_config
        self.wrap = wrap
        self.stream = stream
        self.color = color
        self.world = world or World()
        self.checkpoints = checkpoints

    def __enter__(self) -> Engine:
        project, config = self._settings()
        values, secret = wire.config(config)
        self._project(project, {key: value for key, value in config.items() if key not in secret})
        with ExitStack() as opening:
            self.environment = self._environment(opening.enter_context(provider.serve(self.world)))
            self.command = _Command(cli.place())
            options = automation.LocalWorkspaceOptions(
                work_dir=str(self.directory / "project"), env_vars=self.environment, pulumi_command=self.command
            )
            name = project["name"]
            self.stack = automation.create_or_select_stack(self.stack_name, name, program=self._program, opts=options)
            if secret:
                self.stack.set_all_config({key: automation.ConfigValue(values[key], secret=True) for key in secret})
            self._open = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._open.close()

    def preview(self) -> Result:
        """What an update would do."""
        return self._operate(self.stack.preview, **self._policy_packs())

    def up(self, *, continue_on_error: bool = False) -> Result:
        """Make it so."""
        return self._operate(
            self.stack.up, show_secrets=False, continue_on_error=continue_on_error, **self._policy_packs()
        )

    def refresh(self) -> Result:
        """Read everything back from the stand-in."""
        return self._operate(self.stack.refresh, show_secrets=False)

    def destroy(self, *, protected: bool = True, continue_on_error: bool = False) -> Result:
        """Take everything away: what is protected too, since nothing here is real, or as `pulumi destroy` does."""
        if protected:
            self.pulumi("state", "unprotect", "--all", "--yes")
        self.world.protects = not protected
        return self._operate(self.stack.destroy, show_secrets=False, continue_on_error=continue_on_error)

    def pulumi(self, *arguments: str) -> str:
        """What a command of the CLI says, which doesn't run the program.

        Raises:
            pulumi.automation.CommandError: if it fails.
        """
        command = [*arguments, "--stack", self.stack_name]
        done = self.command.run(command, str(self.directory / "project"), self.environment)
        return done.stdout + done.stderr

    def kill(self) -> None:
        """End the running engine as a power cut would; it is found by the lock that it holds on the state."""
        (lock,) = (self.directory / "state" / ".pulumi" / "locks").rglob("*.json")
        os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)

    def resources(self) -> list[dict[str, Any]]:
        """What the engine's state holds."""
        return list((self.stack.export_stack().deployment or {}).get("resources", []))

    def pending(self) -> dict[str, str]:
        """What was under way when the engine was killed, such as "creating", by URN."""
        operations = (self.stack.export_stack().deployment or {}).get("pending_operations") or []
        return {operation["resource"]["urn"]: operation["type"] for operation in operations}

    def _policy_packs(self) -> dict[str, Any]:
        packs = {"policy_packs": [str(self.policies)]} if self.policies else {}
        configs = {"policy_pack_configs": [str(self.policy_config)]} if self.policy_config else {}
        return {**packs, **configs}

    def _operate(self, operation: Callable[..., Any], **options: Any) -> Result:
        result = Result()
        self._mistake: SettingsError | None = None

        def on_event(event: automation.EngineEvent) -> None:
            if event.policy_event:
                policy = event.policy_event
                level = str(policy.enforcement_level)
                message = _plain(policy.message)
                result.violations.append(Violation(policy.policy_name, policy.resource_urn or "", level, message))
            elif event.diagnostic_event and str(event.diagnostic_event.severity) == "error":
                result.errors.append(_plain(event.diagnostic_event.message))
            elif event.resource_pre_event:
                step = event.resource_pre_event.metadata
                result.operations[step.urn] = step.op.value
            elif event.res_outputs_event and event.res_outputs_event.metadata.type == STACK_TYPE:
                new = event.res_outputs_event.metadata.new
                result.outputs = wire.plain(new.outputs or {}, hide_secrets=True)[0] if new else {}
            elif event.summary_event:
                result.changes = {str(op): count for op, count in event.summary_event.resource_changes.items()}

        try:
            with program_directory(self.program_dir):
                operation(on_event=on_event, on_output=self.stream, color=self.color, **options)
        except automation.CommandError as error:
            result.ok = False
            if not result.errors and not result.violations:
                result.errors.append(str(error))
        if self._mistake:
            raise self._mistake
        return result

    def _program(self) -> None:
        _RUNNING[:] = [asyncio.current_task(), *(task for task in _RUNNING if task and not task.done())]

        def run() -> None:
            runpy.run_path(str(self.program_dir / "__main__.py"), run_name="__main__")

        try:
            self.wrap(run) if self.wrap else run()
        except (SystemExit, Exception) as error:
            if not self._is_mistake(error):
                raise
            self._mistake = SettingsError(str(error))
            raise pulumi.RunError(str(error)) from None

    def _is_mistake(self, error: BaseException) -> bool:
        """Whether an error is the project's own word to its user, rather than a fault in the program."""
        home = Path(getattr(sys.modules.get(type(error).__module__), "__file__", None) or os.devnull).resolve()
        own = home.is_relative_to(self.program_dir) and "site-packages" not in home.parts
        return own or isinstance(error, SystemExit)

    def _settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The project file, and the stack's config."""
        project = _read(self.program_dir / "Pulumi.yaml")
        file = self.program_dir / f"Pulumi.{self.stack_name}.yaml"
        if not file.exists():
            stacks = sorted(path.name.split(".")[1] for path in self.program_dir.glob("Pulumi.*.yaml"))
            raise SettingsError(f"there is no stack {self.stack_name!r}: {file.name} is missing (there are {stacks})")
        return project, _read(file).get("config") or {}

    def _project(self, project: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """A project folder beside the state: the engine writes to its stack file, so not to the real one."""
        folder = self.directory / "project"
        for made in (folder, self.directory / "home", self.directory / "state", self.directory / "bin"):
            made.mkdir(parents=True, exist_ok=True)
        kept = {key: value for key, value in project.items() if key in ("name", "description", "config", "options")}
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({**kept, "runtime": "python"}))
        file = folder / f"Pulumi.{self.stack_name}.yaml"
        before = _read(file) if file.exists() else {}
        file.write_text(yaml.safe_dump({**before, "config": dict(config)}))
        # The engine starts a Python policy pack through a language host, or through this when it is on PATH.
        analyzer = self.directory / "bin" / "pulumi-analyzer-policy-python"
        analyzer.write_text(f'#!/bin/sh\nexec "{sys.executable}" -u -m pulumi.policy "$@"\n')
        analyzer.chmod(analyzer.stat().st_mode | stat.S_IXUSR)

    def _environment(self, attach: str) -> dict[str, str]:
        # An empty value counts as none: no account, token or setting of the caller's reaches the engine.
        scrubbed = {name: "" for name in os.environ if name.startswith(("AWS_", "PULUMI_"))}
        return {
            **scrubbed,
            **({} if self.checkpoints else {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}),
            "AWS_EC2_METADATA_DISABLED": "true",
            "PATH": f"{self.directory / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "PULUMI_BACKEND_URL": f"file://{self.directory / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_DEBUG_PROVIDERS": attach,
            # Else the engine fetches the real provider's plugin (700 MB) for each that the state names.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(self.directory / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load(path.read_text()) or {})
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path.name} can't be read: {error}") from None


def _plain(message: str) -> str:
    """A message without the engine's colour marks (`<{%reset%}>`)."""
    while "<{%" in message:
        before, _, rest = message.partition("<{%")
        message = before + rest.partition("%}>")[2]
    return message.strip()
