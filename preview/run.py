"""A preview from a stack's configuration to its report: read the config, run the program, judge it, draw it."""

from __future__ import annotations

import difflib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import Counter

    from policy.config import Config
    from policy.evaluate import Report
    from policy.graph import Resource
    from policy.waivers import Waivers
    from preview.diagram import Layout
    from standin.mocks import Recording, Registration

VERSION = 1
"""Of the JSON; it counts up when a key changes its meaning or goes."""

CLEAN, VIOLATED, MISTAKE, BUG = range(4)


@dataclass
class Options:
    """The command line."""

    stack: str
    unknown: bool = False
    resources: bool = False
    json: bool = False
    no_diagram: bool = False
    out: Path | None = None
    directory: Path = field(default_factory=Path)
    sarif: Path | None = None
    results: Path | None = None
    markdown: Path | None = None
    baseline: Path | None = None
    waivers: Path | None = None
    policy_config: Path | None = None
    traceback: bool = False


@dataclass
class Project:
    """A Pulumi project and one stack's configuration of it."""

    root: Path
    name: str
    stack: str
    directory: Path
    """Where the program is."""
    config: dict[str, Any]
    encrypted: list[str]
    """Paths of the values that are encrypted, which nothing can read offline."""

    @property
    def region(self) -> str:
        return str(self.config.get("aws:region") or "us-east-1")


@dataclass
class Policies:
    """What is said about the policies from outside the program."""

    config: Config
    waivers: Waivers
    baseline: Counter[str] | None


@dataclass
class Preview:
    """What there is to report."""

    project: Project
    recording: Recording
    report: Report
    unknown: bool
    notes: list[str] = field(default_factory=list)
    files: dict[str, str | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return VIOLATED if self.report.violations else CLEAN


class Mistake(Exception):
    """What the user can mend: the message says how, and no traceback is shown."""


class ProgramFailed(Exception):
    """A bug in the program, with where it is."""


def run(options: Options) -> int:
    """Makes a preview, prints it and writes its files; the result is the exit code."""
    try:
        preview = make(options)
    except Mistake as mistake:
        return fail(options, MISTAKE, str(mistake))
    except ProgramFailed as failed:
        if options.traceback:
            traceback.print_exception(failed.__cause__)
        return fail(options, BUG, str(failed))
    except Exception:
        traceback.print_exc()
        return fail(options, BUG, "the preview itself failed, which is a bug in it")
    if options.json:
        json.dump(as_json(preview), sys.stdout, indent=2)
        print()
    else:
        from preview.report import show

        show(preview, resources=options.resources)
    return preview.exit_code


def fail(options: Options, code: int, message: str) -> int:
    """Says why there is no preview."""
    if options.json:
        print(json.dumps({"version": VERSION, "stack": options.stack, "error": {"code": code, "message": message}}))
    print(message, file=sys.stderr)
    return code


# -- configuration -----------------------------------------------------------------------------------------------------


def load_project(directory: Path, stack: str) -> Project:
    """The project that a directory lies in, with a stack's configuration over the project's own."""
    here = directory.resolve()
    root = next((d for d in (here, *here.parents) if (d / "Pulumi.yaml").is_file()), None)
    if root is None:
        raise Mistake(f"no Pulumi.yaml in {here} or above it: go to the project, or name it with --directory")
    project = read_yaml(root / "Pulumi.yaml")
    name = project.get("name")
    if not isinstance(name, str):
        raise Mistake("Pulumi.yaml has no name")
    file = root / f"Pulumi.{stack}.yaml"
    if not file.is_file():
        known = sorted(p.name.removeprefix("Pulumi.").removesuffix(".yaml") for p in root.glob("Pulumi.*.yaml"))
        near = difflib.get_close_matches(stack, known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        there = f"There are: {', '.join(known)}." if known else "There is none yet."
        raise Mistake(f"no stack {stack!r} (no {file.name}).{hint} {there}" if stack else f"name a stack. {there}")
    config = project_config(section(project, "Pulumi.yaml"), name)
    for key, value in section(read_yaml(file), file.name).items():
        config[qualified(key, name)] = plain(value)
    encrypted = sorted(path for key, value in config.items() for path in secure_paths(key, value))
    return Project(root, name, stack, root / str(project.get("main") or "."), config, encrypted)


def read_yaml(file: Path) -> dict[str, Any]:
    """A YAML file's top-level mapping."""
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise Mistake(f"{file.name}{where} is not YAML: {getattr(error, 'problem', None) or error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{file.name} can't be read: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise Mistake(f"{file.name} is not a mapping of keys to values")
    return content or {}


def section(content: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The `config` of a project's or a stack's file."""
    config = content.get("config")
    if config is not None and not isinstance(config, dict):
        raise Mistake(f"{file}: config is not a mapping of keys to values")
    return config or {}


def project_config(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The values and defaults that Pulumi.yaml gives to every stack."""
    values = {}
    for key, entry in config.items():
        if isinstance(entry, dict):  # a declaration, with a type and perhaps a value
            entry = entry.get("value", entry.get("default"))
        if entry is not None:
            values[qualified(key, name)] = plain(entry)
    return values


def qualified(key: Any, name: str) -> str:
    """A key with the project's name before it, unless it has a namespace."""
    return str(key) if ":" in str(key) else f"{name}:{key}"


def plain(value: Any) -> Any:
    """A YAML value as Pulumi has it: it knows no dates, only text that looks like one."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def secure_paths(path: str, value: Any) -> Iterator[str]:
    """Where in a value something is encrypted."""
    if isinstance(value, dict) and set(value) == {"secure"}:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from secure_paths(f"{path}.{key}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from secure_paths(f"{path}[{number}]", item)


# -- the program and its judgement -------------------------------------------------------------------------------------


def make(options: Options) -> Preview:
    """Runs the stack's program, judges what it registers and writes the files."""
    project = load_project(options.directory, options.stack)
    layout = None
    if not options.no_diagram:
        from preview.diagram import Layout

        layout = Layout()  # loads Graphviz beside the program's run
    try:
        return record_and_judge(options, project, layout)
    finally:
        if layout:
            layout.close()


def record_and_judge(options: Options, project: Project, layout: Layout | None) -> Preview:
    seconds: dict[str, float] = {}
    with timed(seconds, "imports"):
        from standin.mocks import run_program
    with timed(seconds, "policy"):
        policies = read_policies(options, project)
    with timed(seconds, "program"), progress(quiet=options.json) as on_register, program_errors(project):
        recording = run_program(
            project.directory,
            project.stack,
            project.config,
            project=project.name,
            unknown=options.unknown,
            on_register=on_register,
        )
    if layout:
        with timed(seconds, "diagram"):
            from preview.architecture import build

            architecture = build(recording.registrations, project.region)
            layout.send(architecture)
    with timed(seconds, "policy"):
        report = judge(recording, project.region, policies)
    preview = Preview(project, recording, report, options.unknown, seconds=seconds)
    if project.encrypted:
        count = len(project.encrypted)
        what = "1 setting is" if count == 1 else f"{count} settings are"
        preview.notes.append(
            f"{what} encrypted and can't be read offline, so the program ran with a placeholder for "
            f"{', '.join(project.encrypted)}"
        )
    out = options.out or project.root / "build" / "preview"
    if layout:
        from preview.diagram import NoDiagram

        title = f"{project.name} · {project.stack} · {project.region}"
        with timed(seconds, "diagram"):
            try:
                preview.files["diagram"] = write(out / f"{project.stack}.svg", layout.svg(architecture, title))
            except NoDiagram as reason:
                preview.files["diagram"] = None
                preview.notes.append(f"THE DIAGRAM WAS LEFT OUT: {reason}")
    write_results(options, preview)
    file = out / f"{project.stack}.json"
    preview.files["json"] = os.path.relpath(file)
    write(file, json.dumps(as_json(preview), indent=2) + "\n")
    return preview


def write(file: Path, text: str) -> str:
    """Writes a file; the result is its path from here."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{file} can't be written: {error.strerror}") from error
    return os.path.relpath(file)


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Adds the time that something takes to what is known by its name."""
    start = time.perf_counter()
    yield
    seconds[name] = round(seconds.get(name, 0) + time.perf_counter() - start, 4)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Any]:
    """Counts registrations on one line of a terminal; what the program prints goes to stderr."""
    count = 0

    def on_register(_: Registration) -> None:
        nonlocal count
        count += 1
        print(f"\rregistering: {count} resources", end="", file=sys.stderr, flush=True)

    shown = sys.stderr.isatty() and not quiet
    with redirect_stdout(sys.stderr):
        try:
            yield on_register if shown else None
        finally:
            if shown:
                print("\r\033[K", end="", file=sys.stderr, flush=True)


@contextmanager
def program_errors(project: Project) -> Iterator[None]:
    """Tells a user's mistake, which the message explains, from a bug in the program."""
    import pulumi

    from standin.aws import UnknownFunction
    from standin.mocks import DuplicateResource

    try:
        yield
    except (ValueError, pulumi.RunError, DuplicateResource) as error:
        # A settings error lists paths in the stack's file; others are about the arguments in a line of the program.
        place = None if type(error).__name__ == "SettingsError" else location(error, project.directory, "__main__.py")
        raise Mistake(f"{place}: {described(error)}" if place else described(error)) from error
    except UnknownFunction as error:
        raise ProgramFailed(f"the offline preview can't run this program: {error}") from error
    except (Exception, SystemExit) as error:
        place = location(error, project.directory) or "the program"
        said = described(error) if str(error) else "no message"
        raise ProgramFailed(f"{place}: {type(error).__name__}: {said}\n(--traceback shows it in full)") from error


def described(error: BaseException) -> str:
    """An exception's message; pydantic's without the values it was given, which may be secret."""
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return str(error)
    title = getattr(error, "title", type(error).__name__)
    lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in errors(include_url=False, include_input=False)]
    return "\n".join([f"{title} has {len(lines)} problem{'s' * (len(lines) > 1)}:", *lines])


def location(error: BaseException, directory: Path, file: str | None = None) -> str | None:
    """The deepest line of the program, or of one file of it, that an exception went through."""
    if isinstance(error, SyntaxError) and error.filename:
        frames = [(error.filename, error.lineno or 0)]
    else:
        frames = [(f.filename, f.lineno or 0) for f in traceback.extract_tb(error.__traceback__)]
    found = None
    for name, line in frames:
        path = Path(name)
        if path.is_relative_to(directory.resolve()) and "site-packages" not in path.parts:
            inside = path.relative_to(directory.resolve())
            if inside.parts[0] not in ("preview", "standin") and file in (None, str(inside)):
                found = f"{inside}:{line}"
    return found


def read_policies(options: Options, project: Project) -> Policies:
    """The policies' configuration, waivers and baseline, before the program runs."""
    from policy.config import PACK, WAIVERS, BadConfig, Config, read
    from policy.results import BadBaseline, read_baseline
    from policy.waivers import Waivers
    from policy.waivers import read as read_waivers

    try:
        config = read(options.policy_config) if options.policy_config else Config()
        baseline = read_baseline(options.baseline) if options.baseline else None
    except (BadConfig, BadBaseline) as error:
        raise Mistake(str(error)) from error
    waivers = Waivers()
    for file in [options.waivers] if options.waivers else [PACK / name for name in config.waivers]:
        needed = file != PACK / WAIVERS
        waivers += read_waivers(file, shown=os.path.relpath(file, project.directory), needed=needed)
    return Policies(config, waivers, baseline)


def judge(recording: Recording, region: str, policies: Policies | None = None) -> Report:
    """What the policy pack says about everything that was registered: as it is configured itself, and nothing waived,
    where `policies` says nothing else."""
    from policy.config import Config
    from policy.evaluate import evaluate
    from policy.graph import Graph
    from policy.results import compare
    from policy.waivers import Waivers, Waiving, stack_of

    policies = policies or Policies(Config(), Waivers(), None)
    resources = policy_resources(recording)
    waiving = Waiving(policies.waivers, stack_of(resource.urn for resource in resources))
    report = waiving.waive(evaluate(Graph(resources, region=region), choices=policies.config.choices))
    report.findings += waiving.amiss(report.findings, resources, unmatched=policies.config.unmatched)
    return report if policies.baseline is None else compare(report, policies.baseline)


def write_results(options: Options, preview: Preview) -> None:
    """Writes the files that were asked for."""
    from policy import results

    report, project = preview.report, preview.project
    if options.results:
        text = json.dumps(results.as_json(report), indent=2) + "\n"
        preview.files["results"] = write(options.results, text)
    if options.sarif:
        top = next((d for d in (project.root, *project.root.parents) if (d / ".git").exists()), project.root)
        base = os.path.relpath(project.directory, top)
        fallback = os.path.relpath(project.root / "Pulumi.yaml", project.directory)
        log = results.sarif(report, base=base, fallback=fallback, compared=options.baseline is not None)
        preview.files["sarif"] = write(options.sarif, json.dumps(log, indent=2) + "\n")
    if options.markdown:
        title = f"{project.name} {project.stack}"
        preview.files["markdown"] = write(options.markdown, results.markdown(report, title))


def policy_resources(recording: Recording) -> list[Resource]:
    """What was registered, as the policy pack reads it, with its word for what isn't known."""
    from policy.graph import UNKNOWN as NOT_KNOWN
    from policy.graph import Resource
    from standin.mocks import UNKNOWN

    def converted(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: converted(v) for k, v in value.items()}
        if isinstance(value, list):
            return [converted(v) for v in value]
        return NOT_KNOWN if value is UNKNOWN else value

    return [
        Resource(
            urn=r.urn,
            type=r.type,
            name=r.name,
            props=converted(r.outputs if r.custom else r.inputs),
            parent=r.parent,
            property_dependencies=r.property_dependencies,
            dependencies=r.dependencies,
            provider=r.provider,
            source=r.source,
        )
        for r in sorted(recording.registrations, key=lambda r: r.urn)
    ]


# -- JSON --------------------------------------------------------------------------------------------------------------


def as_json(preview: Preview) -> dict[str, Any]:
    """Everything there is to know about a preview, secrets hidden."""
    from policy import results

    project = preview.project
    registrations = preview.recording.registrations
    judged = results.as_json(preview.report)
    return {
        "version": VERSION,
        "project": project.name,
        "stack": project.stack,
        "region": project.region,
        "unknown": preview.unknown,
        "summary": {
            "resources": sum(r.custom and not r.read for r in registrations),
            "components": sum(not r.custom for r in registrations),
            **judged["summary"],
            "exit_code": preview.exit_code,
        },
        "findings": judged["findings"],
        "outputs": shown(preview.recording.outputs),
        "notes": preview.notes,
        "files": preview.files,
        "seconds": preview.seconds,
        # Pulumi runs a program's tasks in no fixed order: what is written doesn't depend on it.
        "registrations": [registration(r) for r in sorted(registrations, key=lambda r: r.urn)],
    }


def registration(r: Registration) -> dict[str, Any]:
    """A registration as JSON. `computed` is what AWS would add to the inputs; a component computes nothing."""
    from standin.mocks import SECRET

    secret_texts = {t for k, v in r.inputs.items() if k in r.secrets for t in texts(v) if len(t) > 3}

    def hidden(properties: Mapping[str, Any]) -> dict[str, Any]:
        return {k: SECRET if k in r.secrets else shown(v) for k, v in sorted(properties.items())}

    computed = {
        # What AWS makes from a secret input, such as an ARN from a name, tells it.
        k: SECRET if any(secret in text for text in texts(v) for secret in secret_texts) else v
        for k, v in r.outputs.items()
        if r.custom and k not in r.inputs
    }
    return {
        "urn": r.urn,
        "type": r.type,
        "name": r.name,
        "custom": r.custom,
        "parent": r.parent,
        "source": r.source,
        "protect": r.protect,
        "provider": r.provider,
        "inputs": hidden(r.inputs),
        "computed": hidden(computed),
        "secrets": sorted(r.secrets),
        "dependencies": r.dependencies,
        "propertyDependencies": {k: v for k, v in sorted(r.property_dependencies.items()) if v},
        "options": shown(r.options),
    }


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


def shown(value: Any) -> Any:
    """A value as JSON, with a word for what isn't known."""
    from standin.mocks import UNKNOWN

    if isinstance(value, dict):
        return {k: shown(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shown(v) for v in value]
    return "[unknown]" if value is UNKNOWN else value
