"""The library for programs in other languages: its schema, and the provider that makes the components for them.

Both are worked out from the components' own signatures and arguments, so that no list of fields is written twice.
"""

import asyncio
import inspect
import json
import sys
import types
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import grpc.aio
import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails
from pulumi.output import Unknown
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime import rpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc
from pydantic import ValidationError

from . import __version__
from .audit import Audit
from .cache import Cache
from .common import PACKAGE, Args
from .data import DataServices
from .database import Database
from .datalake import DataLake
from .edge import Dns, Edge, WebAcl
from .grafana import Grafana
from .kubernetes import Kubernetes
from .loadbalancing import ApplicationLoadBalancer, ClassicLoadBalancer, NetworkLoadBalancer
from .messaging import Messaging
from .network import Network, Subnets, Tier
from .observability import AlarmTopic
from .registry import Registry
from .security import EncryptionKey, Security
from .storage import LogBucket, SecureBucket
from .visualization import Visualization
from .web import Web

NAME = PACKAGE.partition(":")[0]
"""What the package is called in other languages."""

COMPONENTS: Mapping[str, type[pulumi.ComponentResource]] = {
    f"{PACKAGE}:{component.__name__}": component
    for component in (
        AlarmTopic,
        ApplicationLoadBalancer,
        Audit,
        Cache,
        ClassicLoadBalancer,
        Database,
        DataLake,
        Dns,
        Edge,
        EncryptionKey,
        Grafana,
        Kubernetes,
        LogBucket,
        Messaging,
        Network,
        NetworkLoadBalancer,
        Registry,
        SecureBucket,
        Security,
        Visualization,
        Web,
        WebAcl,
    )
}
"""By type. The others can't do without what no other process can hand over, such as a folder (docs/reuse.md)."""
_DATA = f"{PACKAGE}:DataServices"
_SUBNETS = f"{PACKAGE}:Subnets"
_PLACE: Mapping[str, Any] = {
    "network": {"$ref": f"#/resources/{PACKAGE}:Network", "description": "The network whose subnets it is placed in."},
    "subnets": {"type": "string", "plain": True, "description": "Which of them: public, private or isolated."},
}
"""What stands for subnets: a component needs their zones, which a preview knows of a network alone."""
_SIMPLE: Mapping[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


# -- the schema --------------------------------------------------------------------------------------------------------


def schema() -> dict[str, Any]:
    """The package, in Pulumi's words (https://www.pulumi.com/docs/iac/extending-pulumi/schema/)."""
    subnets = {"vpcId": {"type": "string"}, "vpcCidr": {"type": "string"}, "ids": _type(dict[str, str])}
    found: dict[str, Any] = {
        _SUBNETS: {
            "description": "A network's subnets of one kind: the VPC, its address range, and ids by availability zone.",
            "type": "object",
            "properties": subnets,
            "required": sorted(subnets),
        },
        _DATA: {
            "description": inspect.cleandoc(DataServices.__doc__ or ""),
            "type": "object",
            "properties": {field: _type(of) for field, of in inspect.get_annotations(DataServices).items()},
        },
    }
    resources = {token: _resource(component, found) for token, component in COMPONENTS.items()}
    return {
        "name": NAME,
        "displayName": "Platform",
        "version": __version__,
        "description": "Components for a secure web and analytics platform on AWS",
        "language": {"nodejs": {"respectSchemaVersion": True}, "python": {"respectSchemaVersion": True}},
        "types": dict(sorted(found.items())),
        "resources": dict(sorted(resources.items())),
    }


def _resource(component: type[pulumi.ComponentResource], found: dict[str, Any]) -> dict[str, Any]:
    settings = _settings(component)
    fields = _model(settings, found) if settings else {}
    inputs: dict[str, Any] = dict(fields.get("properties", {}))
    required = set(fields.get("required", ()))
    for name, parameter in _parameters(component).items():
        needed = parameter.default is parameter.empty
        if Subnets in _alternatives(parameter.annotation):
            inputs |= _PLACE
            required |= set(_PLACE) if needed else set()
            continue
        spec = _type(parameter.annotation)
        if spec is None and needed:
            raise ValueError(f"{component.__name__} needs {name}, which can't come from another process")
        if spec is None:
            continue
        (model, *_) = _alternatives(parameter.annotation)
        if inspect.isclass(model) and issubclass(model, Args):
            found[f"{PACKAGE}:{model.__name__}"] = _model(model, found)
        inputs[_camel(name)] = spec
        required = required - {_camel(name)} | ({_camel(name)} if needed else set())
    outputs = {
        _camel(name): (spec, type(None) in get_args(annotation))
        for name, annotation in inspect.get_annotations(component).items()
        if not name.startswith("_") and (spec := _type(annotation))
    }
    return {
        "description": inspect.cleandoc(component.__doc__ or ""),
        "isComponent": True,
        "inputProperties": inputs,
        "requiredInputs": sorted(required),
        "properties": {name: spec for name, (spec, _) in outputs.items()},
        "required": sorted(name for name, (_, optional) in outputs.items() if not optional),
    }


def _model(model: type[Args], found: dict[str, Any]) -> dict[str, Any]:
    """A model as an object type; those that it holds are put beside the others."""
    described = model.model_json_schema()
    for name, definition in described.pop("$defs", {}).items():
        made = _object(definition)
        if found.setdefault(f"{PACKAGE}:{name}", made) != made:
            raise ValueError(f"two models are called {name}: Pulumi has one name for both")
    return _object(described)


def _object(described: Mapping[str, Any]) -> dict[str, Any]:
    """A model's JSON schema as an object type."""
    properties = {
        _camel(name): _property(field) for name, field in described["properties"].items() if field.get("type") != "null"
    }
    return {
        "description": described.get("description", ""),
        "type": "object",
        "properties": properties,
        "required": sorted(map(_camel, described.get("required", ()))),
    }


def _property(field: Mapping[str, Any]) -> dict[str, Any]:
    """A field's JSON schema as a property. What it is held to, the model says when it is given something else."""
    said = " ".join([field.get("description", "").replace("\n", " "), *_constraints(field)]).strip()
    return {**_plain_type(field), **({"description": said} if said else {})}


def _plain_type(field: Mapping[str, Any]) -> dict[str, Any]:
    """A settings' type: plain, since settings have to be known before anything is created."""
    field = _not_null(field)
    if "$ref" in field:
        return {"$ref": f"#/types/{PACKAGE}:{field['$ref'].rpartition('/')[2]}", "plain": True}
    if field.get("type") == "array":
        return {"type": "array", "items": _plain_type(field["items"]), "plain": True}
    if field.get("type") == "object":
        entries = _entries(field)
        each = _plain_type(entries) if entries else {"$ref": "pulumi.json#/Any"}
        return {"type": "object", "additionalProperties": each, "plain": True}
    if "const" in field or "enum" in field:
        (kind,) = {type(value) for value in field.get("enum", [field.get("const")])}
        return {"type": _SIMPLE[kind], "plain": True}
    return {"type": field["type"], "plain": True}


def _constraints(field: Mapping[str, Any]) -> Iterator[str]:
    """A field's values and default, for who reads the schema."""
    inner = _not_null(field)
    if "enum" in inner:
        yield f"One of {', '.join(map(str, inner['enum']))}."
    if "minimum" in inner and "maximum" in inner:
        yield f"From {inner['minimum']} to {inner['maximum']}."
    if field.get("default") not in (None, [], {}) and not isinstance(field["default"], (dict, list)):
        yield f"Default: {json.dumps(field['default'])}."


def _entries(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a mapping's values are; pydantic says it by the pattern of the names, where they have one."""
    named = list(field.get("patternProperties", {}).values())
    found = named[0] if named else field.get("additionalProperties")
    return found if isinstance(found, Mapping) else {}


def _not_null(field: Mapping[str, Any]) -> Mapping[str, Any]:
    (one, *others) = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    if others:
        raise ValueError(f"Pulumi has no type for {field}")
    return dict(one)


def _settings(component: type[pulumi.ComponentResource]) -> type[Args] | None:
    """The model of a component's settings."""
    annotation = inspect.signature(component.__init__).parameters.get("args")
    found = [one for one in _alternatives(annotation.annotation) if annotation] if annotation else []
    return found[0] if found else None


def _parameters(component: type[pulumi.ComponentResource]) -> dict[str, inspect.Parameter]:
    """What a component is wired to: its parameters beside name, settings and options."""
    parameters = inspect.signature(component.__init__).parameters
    module = sys.modules[component.__module__]
    return {
        name: parameter.replace(annotation=getattr(module, parameter.annotation))
        if isinstance(parameter.annotation, str)
        else parameter
        for name, parameter in parameters.items()
        if name not in ("self", "name", "args", "opts")
    }


def _alternatives(annotation: Any) -> list[Any]:
    """What a value may be, but for None and for what wraps it."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return [annotation]
    wrapped = (type(None), Awaitable, pulumi.Output)
    return [
        one for one in get_args(annotation) if one not in wrapped and get_origin(one) is None and inspect.isclass(one)
    ] or [one for one in get_args(annotation) if one is not type(None)]


def _type(annotation: Any) -> dict[str, Any] | None:
    """The Pulumi type of what has this annotation; None for what doesn't cross."""
    (annotation, *_) = _alternatives(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is pulumi.Output:
        return _type(arguments[0])
    if origin is Literal:
        return {"type": _SIMPLE[type(arguments[0])], "plain": True}
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        values = _type(arguments[1])
        return values and {"type": "object", "additionalProperties": values}
    if inspect.isclass(origin) and issubclass(origin, Iterable) and origin is not tuple:
        items = _type(arguments[0])
        return items and {"type": "array", "items": items}
    if annotation in _SIMPLE:
        return {"type": _SIMPLE[annotation]}
    if annotation in COMPONENTS.values():
        return {"$ref": f"#/resources/{PACKAGE}:{annotation.__name__}"}
    if annotation is DataServices:
        return {"$ref": f"#/types/{_DATA}"}
    if annotation is Subnets:
        return {"$ref": f"#/types/{_SUBNETS}"}
    if inspect.isclass(annotation) and issubclass(annotation, Args):
        return {"$ref": f"#/types/{PACKAGE}:{annotation.__name__}", "plain": True}
    return None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


# -- the provider ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """A value that a program has handed over, with what it comes from."""

    value: Any
    """Unknown where its resource is still to be made."""
    resources: frozenset[pulumi.Resource] = frozenset()
    secret: bool = False

    def input(self) -> Any:
        """For a resource's property."""
        if not self.resources and not self.secret and not _unknown(self.value):
            return self.value

        async def done(value: Any) -> Any:
            return value

        known = not _unknown(self.value)
        return pulumi.Output(set(self.resources), done(self.value if known else None), done(known), done(self.secret))

    def setting(self, path: str) -> Any:
        """For what has to be known now."""
        if _unknown(self.value):
            raise Refused(
                [(path, "has to be known in a preview: it can't come from a resource that is still to be made")]
            )
        if self.secret:
            raise Refused([(path, "is a secret, and settings are not kept as such")])
        return self.value


class Refused(InputPropertiesError):
    """What a program has given can't be: which property, and why."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        details = [InputPropertyErrorDetails(property_path=path, reason=reason) for path, reason in problems]
        super().__init__("; ".join(f"{each['property_path']}: {each['reason']}" for each in details), details)


class Made(ConstructResult):
    """A component, and what of it the program gets to see."""

    def __init__(self, component: pulumi.ComponentResource, state: Mapping[str, Any]) -> None:
        super().__init__(component.urn, state)
        self.component = component


class Platform(Provider):
    """Makes the library's components for any program.

    One process makes all of an update, so a component that is handed on to another one is found here again, by its URN.
    """

    made: dict[str, pulumi.ComponentResource]

    def __init__(self) -> None:
        self._schema = schema()
        super().__init__(__version__, json.dumps(self._schema))
        self.made = {}

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        component = COMPONENTS.get(resource_type)
        if component is None:
            raise ValueError(f"{NAME} {__version__} has no {resource_type}; it has {', '.join(COMPONENTS)}")
        given = dict(inputs)
        missing = [key for key in self._schema["resources"][resource_type]["requiredInputs"] if key not in given]
        if missing:
            raise Refused([(key, "is missing") for key in missing])
        wired: dict[str, Any] = {}
        for parameter, declared in _parameters(component).items():
            if Subnets in _alternatives(declared.annotation) and given.keys() & _PLACE.keys():
                wired[parameter] = self._subnets(given.pop("network", None), given.pop("subnets", None))
            elif _camel(parameter) in given:
                wired[parameter] = self._wired(declared.annotation, given.pop(_camel(parameter)), _camel(parameter))
        settings = _settings(component)
        args = {"args": _validated(settings, given)} if settings else {}
        make: Any = component
        try:
            resource = make(name, **args, **wired, opts=options)
        except ValueError as error:
            raise Refused([(name, str(error))]) from error
        outputs = {
            attribute: _sent(getattr(resource, attribute, None))
            for attribute, annotation in inspect.get_annotations(component).items()
            if not attribute.startswith("_") and _type(annotation)
        }
        return Made(resource, {_camel(k): v for k, v in outputs.items() if v is not None})

    def _wired(self, annotation: Any, value: Any, path: str) -> Any:
        """What was given for a parameter, as the component takes it."""
        (annotation, *_) = _alternatives(annotation)
        if annotation in COMPONENTS.values():
            return self._handed(annotation, value, path)
        if annotation is DataServices:
            components = inspect.get_annotations(DataServices)
            unknown = sorted(value.keys() - components.keys())
            if unknown:
                raise Refused([(f"{path}.{key}", f"is none of {', '.join(components)}") for key in unknown])
            return DataServices(**{key: self._wired(components[key], value[key], f"{path}.{key}") for key in value})
        if inspect.isclass(annotation) and issubclass(annotation, Args):
            return _validated(annotation, value, path)
        if isinstance(value, list):
            (of, *_) = get_args(annotation)
            return [self._wired(of, each, f"{path}[{place}]") for place, each in enumerate(value)]
        if not isinstance(value, Given):
            raise Refused([(path, "has to be a single value")])
        return value.input()

    def _subnets(self, network: Any, kind: Any) -> Subnets:
        made: Any = self._handed(Network, network, "network")
        kinds = get_args(Tier)
        if not isinstance(kind, Given) or kind.setting("subnets") not in kinds:
            raise Refused([("subnets", f"say which of the network's: {', '.join(kinds)}")])
        subnets: Subnets = getattr(made, kind.value)
        return subnets

    def _handed(self, component: type[pulumi.ComponentResource], value: Any, path: str) -> pulumi.ComponentResource:
        """The component that was given."""
        made = self.made.get(value.value) if isinstance(value, Given) and isinstance(value.value, str) else None
        if not isinstance(made, component):
            raise Refused([(path, f"has to be a component of this program, a {PACKAGE}:{component.__name__}")])
        return made


def _validated(model: type[Args], given: Mapping[str, Any], path: str = "") -> Args:
    """Settings, by their model."""
    described = model.model_json_schema()
    try:
        return model.model_validate(_setting(described, given, described.get("$defs", {}), path))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise Refused(
            (".".join([*filter(None, [path]), *(_camel(str(part)) for part in problem["loc"])]), problem["msg"])
            for problem in problems
        ) from None


def _setting(described: Mapping[str, Any], value: Any, definitions: Mapping[str, Any], path: str) -> Any:
    """A value as a model takes it: its fields by the model's own names, and whole numbers as such."""
    described = next((one for one in described.get("anyOf", [described]) if one.get("type") != "null"), described)
    if "$ref" in described:
        described = definitions[described["$ref"].rpartition("/")[2]]
    if isinstance(value, Given):
        known = value.setting(path)
        whole = isinstance(known, float) and known.is_integer() and described.get("type") != "number"
        return int(known) if whole else known
    if isinstance(value, list):
        items = described.get("items") or {}
        return [_setting(items, each, definitions, f"{path}[{place}]") for place, each in enumerate(value)]
    properties = {_camel(field): (field, of) for field, of in described.get("properties", {}).items()}
    found = {}
    for key, each in value.items():
        field, of = properties.get(key, (key, _entries(described)))
        found[field] = _setting(of, each, definitions, f"{path}.{key}".strip("."))
    return found


def _sent(value: Any) -> Any:
    """A component's attribute, as it crosses."""
    if isinstance(value, Subnets):
        return {"vpcId": value.vpc_id, "vpcCidr": value.vpc_cidr, "ids": dict(value.ids)}
    return dict(value) if isinstance(value, Mapping) else value


async def opened(value: Any) -> Any:
    """What was handed over, every leaf of it `Given`: one that is unknown leaves its neighbours known."""
    if isinstance(value, pulumi.Output):
        inner = await value.future(with_unknowns=True)
        return _leaves(inner, frozenset(await value.resources()), secret=bool(await value.is_secret()))
    if isinstance(value, Mapping):
        return {key: await opened(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [await opened(each) for each in value]
    return Given(value)


def _leaves(value: Any, resources: frozenset[pulumi.Resource], *, secret: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _leaves(each, resources, secret=secret) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_leaves(each, resources, secret=secret) for each in value]
    return Given(value, resources, secret)


def _unknown(value: Any) -> bool:
    return isinstance(value, Unknown)


class References:
    """Leaves references to components as the URNs that `Platform` knows them by."""

    def version(self) -> None:
        """Any."""

    def construct(self, name: str, type_token: str, urn: str) -> Any:
        """What a reference becomes."""
        return urn


class Servicer(ProviderServicer):
    """The SDK's, that hands a component what is known of its inputs, and remembers it."""

    provider: Platform

    @staticmethod
    async def _construct_inputs(inputs: Any, input_dependencies: Any) -> dict[str, Any]:
        found = await ProviderServicer._construct_inputs(inputs, input_dependencies)
        return {key: await opened(value) for key, value in found.items() if value is not None}

    async def _construct_response(self, result: ConstructResult) -> Any:
        response = await super()._construct_response(result)
        if isinstance(result, Made):
            self.provider.made[response.urn] = result.component
        return response


def serve(engine: str) -> None:
    """Serve the engine at this address until it goes."""

    package, module = PACKAGE.split(":")
    rpc.register_resource_module(package, module, References())  # type: ignore[arg-type]

    async def serving() -> None:
        server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(Platform(), [], engine), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(port, flush=True)  # noqa: T201 - what the engine reads
        await server.wait_for_termination()

    asyncio.run(serving())
