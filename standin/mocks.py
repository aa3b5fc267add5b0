"""Run a Pulumi program without an engine, and keep everything that it registers."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import os
import re
import runpy
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from google.protobuf import empty_pb2, json_format
from pulumi import ResourceOptions, ResourceTransform, ResourceTransformArgs
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import settings as pulumi_settings
from pulumi.runtime import stack as pulumi_stack
from pulumi.runtime.proto import callback_pb2, provider_pb2, resource_pb2

from . import aws, wire
from .wire import SECRET, UNKNOWN

__all__ = ["SECRET", "UNKNOWN", "Cloud", "Recording", "Registration", "program_directory", "record", "run_program"]

STACK_TYPE = "pulumi:pulumi:Stack"
LOOKED_UP = "platform:index:LookedUp"


@dataclass(frozen=True)
class Registration:
    """One resource, as the program registered it."""

    urn: str
    type: str
    name: str
    custom: bool
    parent: str | None
    """The parent's URN; None for a resource that hangs from the stack itself."""
    inputs: dict[str, Any]
    """As on the wire: camelCase, plain JSON; UNKNOWN for what isn't known, secrets in plain text."""
    outputs: dict[str, Any]
    """The inputs and what AWS would compute; for a component, what it registered."""
    secrets: frozenset[str]
    """The top-level properties that carry a secret."""
    shown: dict[str, Any]
    """The inputs without secrets: those declared so are left out, and SECRET stands for one within a list or object."""
    property_dependencies: dict[str, list[str]]
    dependencies: list[str]
    provider: str | None
    protect: bool
    source: str | None
    """Where the program made it: "components/database.py:120", relative to the project."""
    options: dict[str, Any]
    remote: bool = False
    """Whether a provider registered it and its children: none of them is there before what it depends on is."""
    read: bool = False
    """Whether it belongs to others, and a component (`LookedUp`) stands for it: it has that one's URN."""


@dataclass
class Recording:
    """What one run of a program registered, in order, and the stack's outputs, secrets hidden."""

    project: str
    stack: str
    registrations: list[Registration] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: frozenset[str] = frozenset()
    """Those of the stack's outputs that carry a secret."""


class Cloud(Protocol):
    """What computes outputs and answers look-ups: the stand-in for AWS, or another in its place."""

    def computed(
        self,
        type_token: str,
        name: str,
        inputs: Mapping[str, Any],
        *,
        project: str,
        stack: str,
        region: str,
        default_tags: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The outputs of a resource beside its inputs, "id" included."""

    def read(
        self, type_token: str, name: str, id: str, *, project: str, stack: str, region: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The inputs and the properties of what exists under an id."""

    def invoke(self, token: str, args: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        """The answer to a look-up."""


class DuplicateResource(Exception):
    """Two resources of one type, name and parent: the engine would refuse the second."""


class UnsupportedTransform(Exception):
    """A transform that nothing here runs: the program is told, and isn't recorded without its effect."""


class _Transforms:
    """Keeps the program's transforms, in the place of the server that an engine would call back.

    They run on what a remote component registers, for which there is no other way to change it.
    """

    def __init__(self) -> None:
        self.by_token: dict[str, ResourceTransform] = {}

    def register_transform(self, transform: ResourceTransform) -> callback_pb2.Callback:
        token = str(len(self.by_token))
        self.by_token[token] = transform
        return callback_pb2.Callback(token=token)

    def register_stack_transform(self, transform: ResourceTransform) -> None:
        raise UnsupportedTransform("the recorder does not support transforms of a stack")

    def run(self, callbacks: Iterable[callback_pb2.Callback], request: Any) -> None:
        """Change a request as the transforms say: its properties, for plain values, and which changes are ignored."""
        for callback in callbacks:
            properties = json_format.MessageToDict(request.object)
            untouched = vars(ResourceOptions()).copy()
            args = ResourceTransformArgs(request.custom, request.type, request.name, properties, ResourceOptions())
            result: Any = self.by_token[callback.token](args)
            if result is None:
                continue
            request.ignoreChanges.extend(result.opts.ignore_changes or [])
            if vars(result.opts) | {"ignore_changes": None} != untouched:
                raise UnsupportedTransform(f"the recorder does not support transforms of options ({request.name})")
            request.object.Clear()
            request.object.update(result.props)


class _Monitor(pulumi_mocks.MockMonitor):
    """Answers the program's requests as an engine with the stand-in's providers would."""

    def __init__(self, recording: Recording, region: str, root: Path, *, unknown: bool, cloud: Cloud) -> None:
        self.recording = recording
        self.region = region
        self.cloud = cloud
        self.root = f"{root}{os.sep}"
        self.unknown = unknown
        self.default_tags: Mapping[str, str] = {}
        self.on_register: Callable[[Registration], None] | None = None
        self.reveal = False
        self.by_urn: dict[str, Registration] = {}
        self.read: dict[Any, str] = {}
        """The URNs of what is only read, by its id."""
        self.transforms = _Transforms()
        self._remote: Any = None
        """The request for the remote component that is being constructed."""

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        if parent and parent.split("::")[2] != STACK_TYPE:
            type_ = f"{parent.split('::')[2]}${type_}"
        return f"urn:pulumi:{self.recording.stack}::{self.recording.project}::{type_}::{name}"

    def GetDeploymentInfo(self, request: Any) -> Any:
        info = super().GetDeploymentInfo(request)  # type: ignore[no-untyped-call]
        features = set(info.supportedFeatures) - {resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS}
        # Only remote components get those: what is unknown in a list then leaves the rest of it known.
        features.add(resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES)
        return resource_pb2.DeploymentInfo(supportedFeatures=sorted(features))

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if request.remote:
            return self._construct(request)
        if request.transforms:
            raise UnsupportedTransform(f"the recorder does not support transforms but on remote components ({urn})")
        if self._remote:
            self.transforms.run(self._remote.transforms, request)
        if urn in self.by_urn:
            raise DuplicateResource(f"two resources are called {urn}: give one of them another name")
        inputs, secrets = wire.decode(request.object)
        extra = frozenset(request.additionalSecretOutputs)
        hidden = wire.decode(request.object, hide_secrets=True)[0] if secrets else inputs
        response = resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        outputs: dict[str, Any] = {}
        if request.custom:
            made = self._made(request.type, request.name, request.provider, inputs)
            response.id = made.pop("id", "")
            outputs = {**inputs, **made}
            if self.unknown:
                made_secret = dict.fromkeys(extra.difference(inputs), UNKNOWN)
                response.object.MergeFrom(wire.encode(made_secret))
            response.object.MergeFrom(wire.encode(made))
            wire.mark_secret(response.object, extra)
            if response.id:
                outputs["id"] = response.id
        parent = self.by_urn.get(request.parent)
        registration = Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=parent.urn if parent else None,
            inputs=inputs,
            outputs=outputs,
            secrets=secrets | extra.intersection(outputs),
            shown={k: v for k, v in hidden.items() if k not in extra},
            property_dependencies=self._dependencies(request, inputs),
            dependencies=sorted(request.dependencies),
            provider=request.provider or None,
            protect=request.protect,
            source=self._source(self._remote or request),
            options=_options(request),
            remote=bool(self._remote) and (request.type, request.name) == (self._remote.type, self._remote.name),
        )
        if request.type == LOOKED_UP:
            # What a look-up doesn't say isn't known.
            properties = {k: UNKNOWN if v is None else _camel(v) for k, v in inputs["properties"].items()}
            registration = replace(
                registration,
                type=inputs["type"],
                custom=True,
                read=True,
                inputs=properties,
                outputs=properties,
                shown=properties,
                property_dependencies=self._dependencies(None, properties),
            )
            self.read.update({properties["id"]: urn} if isinstance(properties.get("id"), str) else {})
        self.by_urn[urn] = registration
        self.recording.registrations.append(registration)
        if self.on_register:
            self.on_register(registration)
        return response

    def _construct(self, request: Any) -> Any:
        """Have a remote component register itself and its children, as an engine asks the component's provider to."""
        from . import eks  # needs time to load that few programs have use for

        construct = provider_pb2.ConstructRequest(
            type=request.type,
            name=request.name,
            parent=request.parent,
            inputs=request.object,
            inputDependencies={
                key: provider_pb2.ConstructRequest.PropertyDependencies(urns=deps.urns)
                for key, deps in request.propertyDependencies.items()
            },
            providers=request.providers,
            dependencies=request.dependencies,
            protect=request.protect,
        )
        before, self._remote = self._remote, request
        try:
            made = eks.construct(construct, "", enter=lambda: _enter(self, dry_run=self.unknown))
        finally:
            self._remote = before
        return resource_pb2.RegisterResourceResponse(
            urn=made.urn,
            object=made.state,
            propertyDependencies={
                key: resource_pb2.RegisterResourceResponse.PropertyDependencies(urns=deps.urns)
                for key, deps in made.stateDependencies.items()
            },
        )

    def _made(self, type_token: str, name: str, provider: str, inputs: dict[str, Any]) -> dict[str, Any]:
        project, stack = self.recording.project, self.recording.stack
        if self.unknown and not type_token.startswith("pulumi:providers:"):
            # As in a first preview: nothing but the name that Check gives.
            return dict(aws.autoname(type_token, name, inputs, project=project, stack=stack))
        region, tags = self._provider(provider)
        return self.cloud.computed(
            type_token, name, inputs, project=project, stack=stack, region=region, default_tags=tags
        )

    def _dependencies(self, request: Any, inputs: Mapping[str, Any]) -> dict[str, list[str]]:
        """What each property comes from; what is only read is named by its id alone."""
        told = getattr(request, "propertyDependencies", {})
        found = {key: set(deps.urns) for key, deps in told.items()}
        for key, value in inputs.items() if self.read else ():
            named = {self.read[item] for item in _texts(value) if item in self.read}
            if named:
                found[key] = found.get(key, set()) | named
        return {key: sorted(urns) for key, urns in sorted(found.items())}

    def _provider(self, reference: str) -> tuple[str, Mapping[str, str]]:
        """The region and default tags of an explicit provider, or the stack's."""
        explicit = self.by_urn.get(reference.rpartition("::")[0])
        if explicit is None:
            return self.region, self.default_tags
        tags = explicit.inputs.get("defaultTags") or {}
        if isinstance(tags, str):  # a provider's nested settings travel as JSON
            tags = json.loads(tags)
        return explicit.inputs.get("region") or self.region, tags.get("tags") or {}

    def _source(self, request: Any) -> str | None:
        for position in (request.sourcePosition, *(frame.pc for frame in request.stackTrace.frames)):
            path = unquote(urlsplit(position.uri).path)
            if path.startswith(self.root) and "site-packages" not in path:
                return f"{path.removeprefix(self.root)}:{position.line}"
        return None

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn in self.by_urn and self.by_urn[request.urn].read:
            pass  # it has said what it stands for
        elif request.urn in self.by_urn:
            self.by_urn[request.urn].outputs.update(wire.decode(request.outputs)[0])
        else:
            outputs, self.recording.secret_outputs = wire.decode(request.outputs, hide_secrets=not self.reveal)
            self.recording.outputs.update(outputs)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:
        given, _ = wire.decode(request.properties)
        region, _ = self._provider(request.provider)
        project, stack = self.recording.project, self.recording.stack
        _, found = self.cloud.read(request.type, request.name, request.id, project=project, stack=stack, region=region)
        urn = self.make_urn(request.parent, request.type, request.name)
        properties = wire.encode({**found, **given, "id": request.id})
        return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=properties)

    def Invoke(self, request: Any) -> Any:
        args, _ = wire.decode(request.args)
        response = resource_pb2.ResourceInvokeResponse()
        if request.tok == "pulumi:pulumi:getResource":  # how a reference to a resource is followed
            found = self.by_urn[args["urn"]]
            state = {"urn": found.urn, "id": found.outputs.get("id", ""), "state": found.outputs}
            getattr(response, "return").CopyFrom(wire.encode(state))
            return response
        answer = self.cloud.invoke(request.tok, args, region=self._provider(request.provider)[0])
        getattr(response, "return").CopyFrom(wire.encode(answer))
        return response

    def Call(self, request: Any) -> Any:
        raise aws.UnknownFunction(f"the stand-in has no answer for the method {request.tok}")


def _camel(value: Any) -> Any:
    """What a look-up has found, by the names that resources give their properties."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_(.)", lambda part: part[1].upper(), key): _camel(item) for key, item in value.items()}


def _texts(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _options(request: Any) -> dict[str, Any]:
    """The resource options that were set."""
    options: dict[str, Any] = {
        "ignoreChanges": list(request.ignoreChanges),
        "replaceOnChanges": list(request.replaceOnChanges),
        "retainOnDelete": request.retainOnDelete,
        "deletedWith": request.deletedWith,
        "replacementTrigger": request.HasField("replacement_trigger"),
        "import": request.importId,
        "additionalSecretOutputs": list(request.additionalSecretOutputs),
        "aliases": [
            alias.urn or {field.name: value for field, value in alias.spec.ListFields() if value}
            for alias in request.aliases
        ],
        "customTimeouts": {
            action: getattr(request.customTimeouts, action)
            for action in ("create", "update", "delete")
            if getattr(request.customTimeouts, action)
        },
        "providers": dict(request.providers),
    }
    set_options = {option: value for option, value in options.items() if value}
    if request.deleteBeforeReplaceDefined:
        set_options["deleteBeforeReplace"] = request.deleteBeforeReplace
    return set_options


class _Inline(ThreadPoolExecutor):
    """Runs each call at once, in the caller's thread: registrations come in one order, and no thread is paid for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _enter(monitor: _Monitor, *, dry_run: bool) -> None:
    """Connect this context to the monitor, and have the running event loop make its calls at once."""
    features = set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures)
    settings = pulumi_mocks.MockSettings(  # type: ignore[no-untyped-call]
        monitor=monitor,
        monitor_features=features,
        engine=None,
        project=monitor.recording.project,
        stack=monitor.recording.stack,
        organization="organization",
        root_directory=monitor.root,
        dry_run=dry_run,
        callbacks=monitor.transforms,
        outputs=set(),
        lock=threading.Lock(),
        package_refs={},
        base_providers_by_ref={},
    )
    pulumi_settings.configure(settings)
    pulumi_settings.ROOT.set(None)
    asyncio.get_event_loop().set_default_executor(_Inline(max_workers=1))


def _execute(monitor: _Monitor, program: Callable[[], Any], config: Mapping[str, Any], *, dry_run: bool) -> None:
    """Run a program to its end, every registration and `apply` included. To be called in a context of its own."""
    loop = asyncio.new_event_loop()
    # What fails is raised once, below; its dependents' failures are the same one again.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    _enter(monitor, dry_run=dry_run)
    pulumi_config.set_all_config(*wire.config(config))
    collecting = gc.isenabled()
    gc.disable()  # a program makes many small objects, and walking the SDK's modules over and over is half its time
    try:
        loop.run_until_complete(pulumi_stack.run_in_stack(program))
    except Exception as error:
        if error.__cause__ is error:  # the SDK raises a failed registration "from" itself
            error.__cause__ = None
        raise
    finally:
        if collecting:
            gc.enable()
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()
        asyncio.set_event_loop(None)


@contextmanager
def program_directory(directory: Path) -> Iterator[None]:
    """The working directory and import path that a program has under the engine."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path[:] = path
        os.chdir(before)


def run_program(
    directory: Path,
    stack: str,
    config: Mapping[str, Any],
    *,
    project: str = "platform",
    unknown: bool = False,
    on_register: Callable[[Registration], None] | None = None,
    cloud: Cloud = aws,
    reveal: bool = False,
) -> Recording:
    """Run `directory/__main__.py` in this process and record it.

    `config` is the stack's, with qualified keys; `aws:region` (us-east-1 if unset) is the provider's. With `unknown`,
    nothing that AWS computes is known, as in a first preview. `cloud` takes the place of the stand-in for AWS; `reveal`
    leaves the stack's secret outputs in plain text. What the program raises is raised as it is.
    """
    directory = directory.resolve()

    def program() -> None:
        runpy.run_path(str(directory / "__main__.py"), run_name="__main__")

    with program_directory(directory):
        return _record(program, directory, stack, config, project, unknown, on_register, cloud, reveal)


def record(
    program: Callable[[], Any],
    *,
    stack: str = "test",
    project: str = "platform",
    region: str = "us-east-1",
    config: Mapping[str, Any] | None = None,
    unknown: bool = False,
    root: Path | None = None,
    cloud: Cloud = aws,
    reveal: bool = False,
) -> Recording:
    """Run a function as a Pulumi program and record it: for tests. `root` is what sources are relative to."""
    config = {"aws:region": region, **(config or {})}
    return _record(program, (root or Path.cwd()).resolve(), stack, config, project, unknown, None, cloud, reveal)


def _record(
    program: Callable[[], Any],
    root: Path,
    stack: str,
    config: Mapping[str, Any],
    project: str,
    unknown: bool,
    on_register: Callable[[Registration], None] | None,
    cloud: Cloud,
    reveal: bool,
) -> Recording:
    recording = Recording(project, stack)
    monitor = _Monitor(recording, str(config.get("aws:region") or "us-east-1"), root, unknown=unknown, cloud=cloud)
    monitor.reveal = reveal
    monitor.default_tags = (config.get("aws:defaultTags") or {}).get("tags") or {}
    monitor.on_register = on_register
    contextvars.copy_context().run(_execute, monitor, program, config, dry_run=unknown)
    return recording
