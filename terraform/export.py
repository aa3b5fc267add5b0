"""What a program registers, as Terraform JSON.

The program runs under the stand-in's monitor, but what AWS would compute is a reference (`aws_vpc.network.id`), so
that Pulumi itself composes names, policies and dependencies of them. On its way through the program a reference looks
like `<~:/,-aws_vpc.network.id~>`: text of the program's own that Terraform would take for a template (`${...}` in
user data or in a policy) is told from it, and escaped, when the export is written; and a program that takes a computed
value apart, which Terraform can't follow, leaves a piece of it behind and is caught.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from pulumi import _types

from standin import aws
from standin.mocks import Recording, Registration, program_directory, record, run_program

from .names import Block, Names, forms, label, property_name

OPEN, CLOSE = "<~:/,-", "~>"  # with what values are usually split by
REFERENCE = re.compile(rf"{OPEN}([^~]+){CLOSE}")
ALL = re.compile(rf"{OPEN}([^~]+)\[\*\]{CLOSE}")
"""The one element that stands for all of a list."""
SUPPLIED = "no counterpart here: supplied as variables"
PROVIDER_TYPE = "pulumi:providers:"
# Options of Pulumi's that a Terraform resource has nothing for. (Aliases and secret outputs concern Pulumi's state.)
OPTIONS = ("deletedWith", "replaceOnChanges", "replacementTrigger", "retainOnDelete")


class ComputedOnOutput(Exception):
    """The program took a value that AWS computes apart, and what is left of it is no reference any more."""


class Missing(NamedTuple):
    """What the export lacks."""

    what: str
    """A type (`random:index/randomId:RandomId`), an argument (`aws_vpc.newArgument`), an option (`retainOnDelete`)."""
    where: str
    """The resource, as its type and name in Pulumi."""
    why: str


def reference(expression: str) -> str:
    """An expression on its way through the program."""
    return f"{OPEN}{expression}{CLOSE}"


class References:
    """A cloud whose every answer is a reference to a Terraform resource, data source or variable."""

    def __init__(self, names: Names, region: str) -> None:
        self.names = names
        self.region = region
        self.data: dict[str, dict[str, dict[str, Any]]] = {}
        self.aliases: set[str] = set()
        """Regions other than the provider's own that something lies in."""
        self.variables: dict[str, dict[str, Any]] = {}
        """What could be supplied from outside; the export declares those that are used."""
        self.missing: list[Missing] = []
        self.types: dict[str, Any] = {}
        """The schema's types of the expressions that aren't strings."""
        self._labels: set[tuple[str, str]] = set()

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
        """References to a resource's attributes; its id tells the resource's own address."""
        if type_token.startswith(PROVIDER_TYPE):
            return {"id": "provider"}
        terraform_type = self.names.resource_type(type_token)
        if terraform_type is None:
            return self._supplied(type_token, name)
        address = f"{terraform_type}.{self._label(terraform_type, name)}"
        block = self.names.resources[terraform_type]
        given = {**inputs, **aws.autoname(type_token, name, inputs, project=project, stack=stack)}
        return {**self._outputs(type_token, terraform_type, block, address, given), "id": reference(f"{address}.id")}

    def invoke(self, token: str, args: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        """References to a data source's attributes."""
        path, _, function = token.rpartition(":")
        result = f"{path}:{function[0].upper()}{function[1:]}Result"
        terraform_type = self.names.data_type(token)
        given = [v for k, v in args.items() if k != "region" and isinstance(v, str) and OPEN not in v]
        called = label(given[0]) if given else "current"
        if terraform_type is None:
            return self._supplied(result, called)
        block = self.names.data[terraform_type]
        body = arguments(
            block, {k: v for k, v in args.items() if k != "region"}, terraform_type, f"{token} {called}", self.missing
        )
        if region != self.region:
            self.aliases.add(region)
            body["provider"] = f"aws.{region}"
            called = f"{called}_{region}"
        labels = self.data.setdefault(terraform_type, {})
        known = next((name for name, other in labels.items() if other == body), None)
        if known is None:
            known = self._label(f"data.{terraform_type}", called)
            labels[known] = body
        address = f"data.{terraform_type}.{known}"
        return {**self._outputs(result, terraform_type, block, address, {}), "id": reference(f"{address}.id")}

    def read(
        self, type_token: str, name: str, id: str, *, project: str, stack: str, region: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """References, which `missing` then lists: what is only read is no resource of the export."""
        return {}, self.computed(type_token, name, {}, project=project, stack=stack, region=region)

    def _label(self, terraform_type: str, name: str) -> str:
        made, number = label(name), 1
        while (terraform_type, made) in self._labels:  # one name under two parents
            number += 1
            made = f"{label(name)}_{number}"
        self._labels.add((terraform_type, made))
        return made

    def _supplied(self, token: str, name: str) -> dict[str, Any]:
        """Variables in place of what nothing here can compute."""
        made = self._label("var", name)
        outputs = {}
        for output, python_type in {"id": str, **_properties(token)}.items():
            variable = f"{made}_{output}"
            self.variables[variable] = {
                "type": {int: "number", float: "number", bool: "bool", str: "string"}.get(python_type, "any"),
                "description": f"{output} of {token} {name}",
            }
            outputs[output] = reference(f"var.{variable}")
        return outputs

    def _outputs(
        self, token: str, terraform_type: str, block: Block, address: str, inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """References to all that the provider computes and to the plain values that the program gave."""
        outputs = {}
        for output, python_type in _properties(token).items():
            name = property_name(block, output, terraform_type)
            attribute = block.get("attributes", {}).get(name)
            if attribute is None or _is_enum(python_type):  # the SDK takes no reference for an enum
                continue
            given = output in inputs
            if (
                given and (attribute.get("sensitive") or attribute["type"] not in ("string", "number", "bool"))
            ) or not (given or attribute.get("computed")):
                continue
            if attribute["type"] != "string" and (token.endswith("Result") and not isinstance(attribute["type"], list)):
                continue  # a function's result refuses a reference for a number
            if isinstance(attribute["type"], list) and attribute["type"][0] == "map":
                continue
            outputs[output] = self._refer(f"{address}.{name}", attribute["type"], python_type)
        return outputs

    def _refer(self, expression: str, schema_type: Any, python_type: Any) -> Any:
        """A reference with as much structure as the program has to see through: one element of a list of objects."""
        if isinstance(schema_type, list) and schema_type[0] in ("list", "set"):
            first = f"{expression}[0]" if schema_type[0] == "list" else f"tolist({expression})[0]"
            element = next(iter(typing.get_args(python_type)), None)
            if isinstance(schema_type[1], list) and schema_type[1][0] == "object":
                known = {name.replace("_", ""): name for name in schema_type[1][1]}
                fields = {
                    prop: self._refer(f"{first}.{name}", schema_type[1][1][name], field_type)
                    for prop, field_type in _types.resource_types(element or python_type).items()
                    if (name := next((known[form] for form in forms(prop) if form in known), None))
                }
                return [fields] if element else fields
            if typing.get_origin(python_type) is None:  # the bridge made one value of a list that holds one at most
                return self._refer(first, schema_type[1], python_type)
            # The SDK wants lists to be lists: this one element stands for all there will be.
            return [reference(f"{expression}[*]")]
        if schema_type != "string":
            self.types[expression] = schema_type
        return reference(expression)


def _properties(token: str) -> dict[str, type]:
    """The properties of a type, or of a function's result, and their Python types."""
    cls = aws.sdk_class(token)
    if cls is None:
        raise LookupError(f"the installed SDK has no class for {token}")
    return dict(_types.resource_types(cls))


def _is_enum(python_type: Any) -> bool:
    parts = (python_type, *typing.get_args(python_type))
    return any(isinstance(part, type) and issubclass(part, Enum) for part in parts)


# -- arguments ---------------------------------------------------------------------------------------------------------


def arguments(block: Block, values: Mapping[str, Any], path: str, where: str, missing: list[Missing]) -> dict[str, Any]:
    """Properties as a block's arguments and nested blocks; what the block doesn't have goes to `missing`."""
    made: dict[str, Any] = {}
    for prop, value in sorted(values.items()):
        name = property_name(block, prop, path)
        attribute = block.get("attributes", {}).get(name)
        nested = block.get("block_types", {}).get(name)
        if name is None or (attribute and not (attribute.get("optional") or attribute.get("required"))):
            missing.append(Missing(f"{path}.{prop}", where, "an argument that this version of the provider lacks"))
        elif nested:
            items = value if isinstance(value, list) else [value]
            made[name] = [arguments(nested["block"], item, f"{path}.{name}", where, missing) for item in items]
        else:
            made[name] = _fit(block["attributes"][name]["type"], value)
    return made


def _fit(schema_type: Any, value: Any) -> Any:
    """A value in an attribute's type: one value where a list is wanted, an object with its every key."""
    if isinstance(value, str) and REFERENCE.fullmatch(value):
        return value
    match schema_type:
        case ["list" | "set", element]:
            return [_fit(element, item) for item in (value if isinstance(value, list) else [value])]
        case ["map", element]:
            return {key: _fit(element, item) for key, item in value.items()}
        case ["object", fields]:
            given = {key.lower(): item for key, item in value.items()}
            plain = {name: name.replace("_", "") for name in fields}
            return {name: _fit(fields[name], given[key]) if (key := plain[name]) in given else None for name in fields}
        case "string" if isinstance(value, dict):  # a file or a text, as Pulumi's assets are
            return value.get("path", value.get("text"))
    return value


# -- the export --------------------------------------------------------------------------------------------------------


@dataclass
class Export:
    """A program as Terraform JSON: the content of each file, and what is not in them."""

    recording: Recording
    region: str
    addresses: dict[str, str]
    """URN -> address of every resource that is exported."""
    files: dict[str, dict[str, Any]]
    missing: list[Missing]
    aliases: list[str] = field(default_factory=list)
    """Providers beside the default one: regions, and those that the program made itself."""

    @property
    def registered(self) -> int:
        """How many resources the program registered; components and providers are none."""
        return sum(_exported(r) for r in self.recording.registrations)

    def write(self, directory: Path) -> None:
        """Write the files, and remove what an earlier export has left."""
        directory.mkdir(parents=True, exist_ok=True)
        for left in directory.glob("*.tf.json"):
            left.unlink()
        for name, content in self.files.items():
            if content:
                (directory / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        listed = [m._asdict() for m in self.missing]
        (directory / "not-exported.json").write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def export_stack(
    directory: Path, stack: str, config: Mapping[str, Any], names: Names, *, project: str, version: str
) -> Export:
    """What `directory/__main__.py` registers with a stack's configuration."""
    cloud = References(names, str(config.get("aws:region") or "us-east-1"))
    recording = run_program(directory, stack, config, project=project, cloud=cloud, reveal=True)
    with program_directory(directory):
        return _export(recording, cloud, config, version)


def export_program(program: Callable[[], Any], names: Names, *, config: Mapping[str, Any], version: str) -> Export:
    """What a function registers as a Pulumi program: for tests."""
    cloud = References(names, str(config["aws:region"]))
    recording = record(program, region=cloud.region, config=config, cloud=cloud, reveal=True)
    return _export(recording, cloud, config, version)


def _exported(r: Registration) -> bool:
    """Whether the program makes it: components and providers are none, and what is only read belongs to others."""
    return r.custom and not r.read and not r.type.startswith(PROVIDER_TYPE)


def _export(recording: Recording, cloud: References, config: Mapping[str, Any], version: str) -> Export:
    missing = cloud.missing
    used: set[str] = set()
    addresses = {}
    for r in recording.registrations:
        if r.type.startswith(PROVIDER_TYPE) and r.type != f"{PROVIDER_TYPE}aws":
            missing.append(Missing(r.type, r.name, "the provider of another package"))
        if _exported(r):
            expression = REFERENCE.fullmatch(str(r.outputs["id"]))
            if expression and not expression[1].startswith("var."):
                addresses[r.urn] = expression[1].removesuffix(".id")
            else:
                missing.append(Missing(r.type, r.name, SUPPLIED))
                for name in r.options.get("additionalSecretOutputs", ()):
                    variable = str(r.outputs[name]).removeprefix(f"{OPEN}var.").removesuffix(CLOSE)
                    cloud.variables[variable]["sensitive"] = True

    providers = _providers(recording, cloud, config)
    resources: dict[str, dict[str, Any]] = {}
    imports = []
    for r in recording.registrations:
        if r.urn in addresses:
            kind, name = addresses[r.urn].split(".")
            resources.setdefault(kind, {})[name] = _resource(r, kind, cloud, recording, addresses, used)
            if "import" in r.options:
                imports.append({"to": addresses[r.urn], "id": r.options["import"]})
    outputs = {
        name: {"value": render(value, cloud, used), **({"sensitive": True} if name in recording.secret_outputs else {})}
        for name, value in sorted(recording.outputs.items())
    }
    data = {kind: render(cloud.data[kind], cloud, used) for kind in sorted(cloud.data)}
    main = {"data": data, "resource": dict(sorted(resources.items())), "import": imports}
    known = {*addresses.values(), *(f"data.{kind}.{name}" for kind, named in data.items() for name in named)}
    for path in sorted(used):
        address = ".".join(path.split(".")[: 3 if path.startswith("data.") else 2])
        if not path.startswith("var.") and address not in known:
            missing.append(
                Missing(address, "", "read by the program, not made by it: a data source would be its place")
            )
    variables = {name: v for name, v in cloud.variables.items() if f"var.{name}" in used}
    files: dict[str, dict[str, Any]] = {
        "versions.tf.json": {
            "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": version}}}
        },
        "providers.tf.json": {"provider": {"aws": render(providers, cloud, used)}},
        "main.tf.json": {key: value for key, value in main.items() if value},
        "variables.tf.json": {"variable": variables} if variables else {},
        "outputs.tf.json": {"output": outputs} if outputs else {},
    }
    return Export(recording, cloud.region, addresses, files, missing, [p["alias"] for p in providers if "alias" in p])


def _resource(
    r: Registration,
    kind: str,
    cloud: References,
    recording: Recording,
    addresses: Mapping[str, str],
    used: set[str],
) -> dict[str, Any]:
    block, where = cloud.names.resources[kind], f"{r.type} {r.name}"
    named = aws.autoname(r.type, r.name, r.inputs, project=recording.project, stack=recording.stack)
    given = {k: v for k, v in {**r.inputs, **named}.items() if k != "region"}
    mine: set[str] = set()
    comment = ", ".join(filter(None, (r.source, r.urn.split("::", 2)[2])))
    body: dict[str, Any] = {"//": comment}
    provider = _provider_of(r, cloud)
    if provider:
        body["provider"] = provider
    for name, value in arguments(block, given, kind, where, cloud.missing).items():
        try:
            body[name] = render(value, cloud, mine)
        except ComputedOnOutput as error:
            raise ComputedOnOutput(f"{where}, {name} ({r.source}): {error}") from None
    used |= mine
    touched = {".".join(expression.split(".")[:2]) for expression in mine}
    waits = {addresses[urn] for urn in _dependencies(r, recording) if urn in addresses} - touched
    if waits:
        body["depends_on"] = sorted(waits)
    lifecycle: dict[str, Any] = {"prevent_destroy": True} if r.protect else {}
    ignored = r.options.get("ignoreChanges")
    if ignored:
        lifecycle["ignore_changes"] = "all" if "*" in ignored else [_path(block, kind, path) for path in ignored]
    if r.options.get("deleteBeforeReplace") is False:  # true is what Terraform does anyway
        lifecycle["create_before_destroy"] = True
    if lifecycle:
        body["lifecycle"] = lifecycle
    timeouts = r.options.get("customTimeouts")
    if timeouts and "timeouts" in block.get("block_types", {}):
        body["timeouts"] = timeouts
    for option in OPTIONS:
        if option in r.options:
            cloud.missing.append(Missing(option, where, "an option that Terraform has no counterpart of"))
    return body


def _dependencies(r: Registration, recording: Recording) -> Iterator[str]:
    """What a resource waits for, and what the remote components do that it is a part of."""
    remote = {other.urn: other for other in recording.registrations if other.remote}
    yield from r.dependencies
    while r.parent in remote:
        r = remote[r.parent]
        yield from r.dependencies


def _path(block: Block, kind: str, path: str) -> str:
    """`rules[0].name` as Terraform has it."""
    first, *rest = path.split(".")
    prop, bracket, index = first.partition("[")
    name = property_name(block, prop, kind) or prop
    nested = block.get("block_types", {}).get(name, {})
    if rest and nested and not bracket:  # the bridge made one value of a list that holds one at most
        bracket, index = "[", "0]"
    return ".".join([name + bracket + index, *([_path(nested.get("block", {}), name, ".".join(rest))] if rest else [])])


def _provider_of(r: Registration, cloud: References) -> str | None:
    region = r.inputs.get("region")
    if region and region != cloud.region:
        cloud.aliases.add(region)
        return f"aws.{region}"
    if r.provider:
        name = r.provider.rpartition("::")[0].rpartition("::")[2]
        return None if name.startswith("default") else f"aws.{label(name)}"
    return None


def _providers(recording: Recording, cloud: References, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The default provider, one for each further region, and those that the program made itself."""
    block, where = cloud.names.provider, "pulumi:providers:aws"
    settings = {key.removeprefix("aws:"): value for key, value in config.items() if key.startswith("aws:")}
    default = arguments(block, settings, "aws", f"{where} default", cloud.missing)
    made = [{**default, "region": cloud.region}]
    for r in recording.registrations:
        if _exported(r):
            _provider_of(r, cloud)
        if r.type == where:
            inputs = {k: _nested(v) for k, v in r.inputs.items() if k != "version"}
            own = arguments(block, inputs, "aws", f"{where} {r.name}", cloud.missing)
            made.append({"alias": label(r.name), **own})
    made[1:1] = [{**default, "alias": region, "region": region} for region in sorted(cloud.aliases)]
    return made


def _nested(value: Any) -> Any:
    """A provider's nested settings travel as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value


# -- templates ---------------------------------------------------------------------------------------------------------


def render(value: Any, cloud: References, used: set[str]) -> Any:
    """A value with its references as `${...}` and everything else in it escaped; `used` takes the expressions."""
    if isinstance(value, dict):
        return {key: render(item, cloud, used) for key, item in value.items()}
    if isinstance(value, list):
        whole = [found[1] for item in value if isinstance(item, str) and (found := ALL.fullmatch(item))]
        if whole:
            if len(value) > 1:
                raise ComputedOnOutput("a list that AWS computes is joined with other values")
            used.add(whole[0])
            return f"${{{whole[0]}}}"
        return [render(item, cloud, used) for item in value]
    return "".join(_pieces(value, cloud, used)) if isinstance(value, str) else value


def _pieces(text: str, cloud: References, used: set[str]) -> Iterator[str]:
    if text.startswith(("{", "[")):  # in JSON, what isn't text stands without quotes
        text = re.sub(
            rf'"{REFERENCE.pattern}"',
            lambda found: reference(f"jsonencode({found[1]})") if found[1] in cloud.types else found[0],
            text,
        )
        text = re.sub(rf'\["{ALL.pattern}"\]', reference(r"jsonencode(\1)"), text)
    if text in ("<", ">") or ALL.search(text) or b"<~" in _decoded(text):
        raise ComputedOnOutput("a piece of a value that AWS computes, or its encoding, is used")
    for number, piece in enumerate(REFERENCE.split(text)):
        if number % 2:
            expression = re.sub(r"^jsonencode\((.*)\)$", r"\1", piece)
            used.add(re.sub(r"^tolist\(", "", expression))
            yield f"${{{piece}}}"
        elif "<~" in piece or CLOSE in piece:
            raise ComputedOnOutput("a piece of a value that AWS computes is used")
        else:
            escaped = piece.replace("${", "$${").replace("%{", "%%{")
            yield re.sub(r"[$%]$", r'${"\g<0>"}', escaped) if REFERENCE.search(text) else escaped


def _decoded(text: str) -> bytes:
    """What a text holds in base64, or nothing."""
    if not re.fullmatch(r"[A-Za-z0-9+/\n]{16,}={0,2}\n?", text):
        return b""
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
