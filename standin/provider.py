"""The stand-in as a Pulumi provider: a gRPC server that a real engine attaches to.

`serve()` yields what PULUMI_DEBUG_PROVIDERS takes. Nothing is kept here but each provider's settings: what exists is
in the engine's state and in a `World`, and what AWS would say of it is in `standin.aws`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from importlib import metadata
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from . import aws, existing, replacement, wire
from .wire import UNKNOWN
from .world import Failure, World, type_of

PACKAGES = ("aws", "grafana", "kubernetes", "random")


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """Answers for every package of custom resources that it is attached as."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.stop: Callable[[], object] = lambda: None
        """Ends the server, as a killed provider would."""
        # The engine opens a connection for each provider instance (the default one, an explicit one of another
        # region), and its requests don't name the instance: the connection does.
        self._settings: dict[str, dict[str, Any]] = {}

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi_aws"))

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return self.Diff(request, context)

    def Configure(self, request: Any, context: Any) -> Any:
        settings, _ = wire.decode(request.args)
        tags = settings.get("defaultTags") or {}
        settings["defaultTags"] = json.loads(tags) if isinstance(tags, str) else tags  # nested settings travel as JSON
        self._settings[context.peer()] = settings
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        inputs, _ = wire.decode(request.news)
        olds, _ = wire.decode(request.olds)
        project, stack, type_token, name = _urn(request.urn)
        response = provider_pb2.CheckResponse(inputs=request.news)
        proposed = request.autonaming.proposed_name if request.HasField("autonaming") else ""
        named = aws.autoname(type_token, name, inputs, project=project, stack=stack, proposed=proposed)
        for key, made in named.items():
            if olds.get(key):
                made = olds[key]
            elif request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.Mode.DISABLE:
                reason = f"{type_token} {name!r} has no {key}, and autonaming is disabled"
                response.failures.append(provider_pb2.CheckFailure(property=key, reason=reason))
                continue
            response.inputs.update({key: made})
        return response

    def Diff(self, request: Any, context: Any) -> Any:
        before, _ = wire.decode(request.old_inputs)
        after, _ = wire.decode(request.news)
        changed = sorted(
            key
            for key in before.keys() | after.keys()
            if before.get(key) != after.get(key) and key not in request.ignoreChanges
        )
        project, stack, type_token, name = _urn(request.urn)
        replaces = replacement.demanded(type_token, before, after) & set(changed)
        own = aws.autoname(type_token, name, {}, project=project, stack=stack)
        response = provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=sorted(replaces),
            deleteBeforeReplace=bool(replaces) and replacement.deletes_first(type_token, after, own),
            hasDetailedDiff=True,
        )
        for key in changed:
            kind = "ADD" if key not in before else "DELETE" if key not in after else "UPDATE"
            kind += "_REPLACE" if key in replaces else ""
            response.detailedDiff[key].kind = provider_pb2.PropertyDiff.Kind.Value(kind)
            response.detailedDiff[key].inputDiff = True
        return response

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:  # what AWS computes isn't known: the inputs only
            return provider_pb2.CreateResponse(properties=request.properties)
        generation = self._world.births[request.urn]
        made = self._computed(request.urn, request.properties, context, generation)
        # The properties hold the id once more, as a bridged provider's do: it is where policies find it.
        properties = _with(request.properties, made)
        self._carry_out(
            "create",
            request.urn,
            lambda: self._world.create(request.urn, made["id"], request.properties, properties),
            context,
            provider_pb2.ErrorResourceInitFailed(id=made["id"], properties=properties, inputs=request.properties),
        )
        return provider_pb2.CreateResponse(id=made["id"], properties=properties)

    def Update(self, request: Any, context: Any) -> Any:
        type_token = _urn(request.urn)[2]
        olds, _ = wire.decode(request.olds)
        before, _ = wire.decode(request.old_inputs)
        if request.preview:
            made = {key: value for key, value in olds.items() if key not in before}
        else:
            generation = self._world.generation(request.urn, request.id)
            made = self._computed(request.urn, request.news, context, generation)
        made["id"] = request.id
        version = aws.VERSIONED.get(type_token)
        if version:  # a new version, whose number is known only then
            made[version] = UNKNOWN if request.preview else int(olds.get(version, 0)) + 1
        properties = _with(request.news, made)
        if not request.preview:
            self._carry_out(
                "update",
                request.urn,
                lambda: self._world.update(request.urn, request.id, request.news, properties),
                context,
                provider_pb2.ErrorResourceInitFailed(id=request.id, properties=properties, inputs=request.news),
            )
        return provider_pb2.UpdateResponse(properties=properties)

    def Delete(self, request: Any, context: Any) -> Any:
        properties, _ = wire.decode(request.properties)
        self._carry_out("delete", request.urn, lambda: self._world.delete(request.urn, request.id, properties), context)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:
        properties = request.properties
        key = type_of(request.urn), request.id
        if key in self._world.gone:
            return provider_pb2.ReadResponse()  # which the engine takes for: it doesn't exist
        thing = self._world.things.get(key)
        if thing:
            given, now = wire.encode(thing.given()), wire.encode(thing.properties)
            return provider_pb2.ReadResponse(id=request.id, properties=now, inputs=given)
        if properties.fields:
            return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=request.inputs)
        # A look-up by id: `Resource.get`, an import
        project, stack, type_token, name = _urn(request.urn)
        region, _ = self._place(context)
        try:
            given, found = aws.read(type_token, name, request.id, project=project, stack=stack, region=region)
        except existing.Missing:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=wire.encode(found), inputs=wire.encode(given))

    def Invoke(self, request: Any, context: Any) -> Any:
        args, _ = wire.decode(request.args)
        region, _ = self._place(context)
        try:
            made = existing.made(self._world.things, request.tok, args)
            answer = made or aws.invoke(request.tok, args, region=region)
            if UNKNOWN in answer.values():
                raise existing.Missing(f"the stand-in doesn't know what {request.tok} has to say of {args}")
        except (aws.UnknownFunction, existing.Missing) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(wire.encode(answer))
        return response

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _place(self, context: Any) -> tuple[str, dict[str, str]]:
        settings = self._settings.get(context.peer(), {})
        return settings.get("region") or "us-east-1", settings.get("defaultTags", {}).get("tags") or {}

    def _carry_out(
        self,
        operation: str,
        urn: str,
        act: Callable[[], None],
        context: Any,
        partly: provider_pb2.ErrorResourceInitFailed | None = None,
    ) -> None:
        """Do it, unless the world has it fail; `partly` tells the engine what there is after all."""
        try:
            try:
                self._world.before(operation, urn)
            except Failure as failure:
                if failure.after:
                    act()
                raise
            act()
        except Failure as failure:
            if failure.gone:
                self.stop()
            if failure.after and partly:
                partly.reasons.append(str(failure))
                status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failure))
                status.details.add().Pack(partly)
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(grpc.StatusCode.UNKNOWN, str(failure))

    def _computed(self, urn: str, properties: struct_pb2.Struct, context: Any, generation: int) -> dict[str, Any]:
        project, stack, type_token, name = _urn(urn)
        inputs, _ = wire.decode(properties)
        region, tags = self._place(context)
        stack += f"#{generation}" if generation else ""  # what AWS makes up then is another
        return aws.computed(type_token, name, inputs, project=project, stack=stack, region=region, default_tags=tags)


class Components(StandIn):
    """Answers for pulumi-eks, whose cluster is a component that its provider registers the children of."""

    def Handshake(self, request: Any, context: Any) -> Any:
        self._engine = request.engine_address
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi_eks"))

    def Construct(self, request: Any, context: Any) -> Any:
        from . import eks  # needs time to load that few programs have use for

        try:
            return eks.construct(request, self._engine)
        except eks.UnknownComponent as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _urn(urn: str) -> tuple[str, str, str, str]:
    """Project, stack, type and name."""
    stack, project, types, name = urn.removeprefix("urn:pulumi:").split("::", 3)
    return project, stack, types.split("$")[-1], name


def _with(properties: struct_pb2.Struct, made: dict[str, Any]) -> struct_pb2.Struct:
    """Inputs as they came, secrets and all, and what was computed."""
    merged = struct_pb2.Struct()
    merged.CopyFrom(properties)
    merged.MergeFrom(wire.encode({key: value for key, value in made.items() if key not in properties.fields}))
    return merged


@contextmanager
def serve(world: World | None = None) -> Iterator[str]:
    """Running servers; yields the value of PULUMI_DEBUG_PROVIDERS that attaches them to an engine."""
    world = world or World()
    with ExitStack() as running:
        resources = running.enter_context(_server(StandIn(world)))
        components = running.enter_context(_server(Components(world)))
        yield ",".join([*(f"{package}:{resources}" for package in PACKAGES), f"eks:{components}"])


@contextmanager
def _server(servicer: StandIn) -> Iterator[int]:
    """A running server's port."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    servicer.stop = lambda: server.stop(grace=None)
    try:
        yield port
    finally:
        server.stop(grace=None)
