"""The AWS provider as a process of its own, asked over Terraform's plugin protocol (5) what it plans.

Terraform itself is only needed to find the provider. Asked directly, the provider plans any change of any state: what
no valid configuration leads to, and without a request to AWS.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from . import provider, simulated

# What a plugin wants to see before it serves (Terraform's plugin.Handshake), and the protocol's messages as far as
# they are used here. A path of what replaces is left as it comes: how many there are is all that is asked.
HANDSHAKE = {
    "TF_PLUGIN_MAGIC_COOKIE": "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
    "PLUGIN_PROTOCOL_VERSIONS": "5",
}
MESSAGES = {
    "Value": "1 msgpack bytes",
    "Diagnostic": "1 severity int32, 2 summary string, 3 detail string",
    "Configure": "1 terraform_version string, 2 config Value",
    "Configured": "1 diagnostics Diagnostic*",
    "Plan": "1 type_name string, 2 prior_state Value, 3 proposed_new_state Value, 4 config Value",
    "Planned": "1 planned_state Value, 2 requires_replace bytes*, 4 diagnostics Diagnostic*",
}
ERROR = 1
NOWHERE = "http://127.0.0.1:9"


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()
"""A value that isn't known before the change is made."""


class Refused(Exception):
    """The provider doesn't plan that: the message is what it says."""


class Plugin:
    """A provider that serves."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._types = _messages()
        self._configure = self._method(channel, "Configure", "Configured")
        self._plan = self._method(channel, "PlanResourceChange", "Planned")
        block = provider.schema()["provider"]["block"]
        settings = {**simulated.PROVIDER, "skip_metadata_api_check": "true", "skip_requesting_account_id": True}
        settings |= {"region": "us-east-1", "max_retries": 1}
        self._ask(self._configure, "Configure", terraform_version="1.11.4", config=complete(block, settings))

    def plan(
        self, kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], config: Mapping[str, Any]
    ) -> tuple[dict[str, Any], int]:
        """What a resource would be, unknown values as None, and how many paths demand a replacement.

        Raises:
            Refused: if the provider has an objection.
        """
        states = {"prior_state": before, "proposed_new_state": after, "config": config}
        planned = self._ask(self._plan, "Plan", type_name=kind, **states)
        return unpack(planned.planned_state.msgpack), len(planned.requires_replace)

    def _method(self, channel: grpc.Channel, name: str, answer: str) -> Any:
        return channel.unary_unary(
            f"/tfplugin5.Provider/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self._types[answer].FromString,
        )

    def _ask(self, method: Any, message: str, **fields: Any) -> Any:
        packed = {key: v if isinstance(v, str) else {"msgpack": pack(v)} for key, v in fields.items()}
        try:
            answer = method(self._types[message](**packed))
        except grpc.RpcError as error:
            raise Refused(f"the provider broke down: {error}") from None
        errors = [f"{d.summary}: {d.detail}" for d in answer.diagnostics if d.severity == ERROR]
        if errors:
            raise Refused("\n".join(errors))
        return answer


@contextmanager
def serve() -> Iterator[Plugin]:
    """The provider, started and configured for no account and no network."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        wanted = {"aws": {"source": "hashicorp/aws", "version": provider.VERSION}}
        (root / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": wanted}}))
        provider.init(root)
        (binary,) = root.glob(f".terraform/providers/{provider.SOURCE}/{provider.VERSION}/*/terraform-provider-aws*")
        environment = {**os.environ, **HANDSHAKE, "AWS_ENDPOINT_URL": NOWHERE}
        process = subprocess.Popen(
            [binary], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            said = process.stdout.readline() if process.stdout else ""  # 1|5|unix|/tmp/plugin123|grpc|
            if said.count("|") < 4:
                raise provider.Failed(f"the AWS provider doesn't serve; it says {said!r}")
            address = said.split("|")[3]
            sizes = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
            with grpc.insecure_channel(f"unix:{address}", options=sizes) as channel:
                yield Plugin(channel)
        finally:
            process.terminate()
            process.wait()


def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="plugin.proto", package="plugin", syntax="proto3")
    scalars = {"string": 9, "bytes": 12, "int32": 5}  # as descriptor.proto numbers them; 11 is a message
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind in (text.split() for text in fields.split(", ")):
            plain = kind.rstrip("*")
            message.field.add(
                name=field,
                number=int(number),
                label=3 if kind != plain else 1,  # repeated, optional
                type=scalars.get(plain, 11),
                type_name=None if plain in scalars else f".plugin.{plain}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"plugin.{name}")) for name in MESSAGES}


def complete(block: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with all else that a block may hold: null, or no block."""
    made: dict[str, Any] = {name: _fit(a["type"], values.get(name)) for name, a in block.get("attributes", {}).items()}
    for name, nested in block.get("block_types", {}).items():
        given = values.get(name)
        if nested["nesting_mode"] == "single":
            made[name] = None if given is None else complete(nested["block"], given)
        else:
            made[name] = [complete(nested["block"], item) for item in given or ()]
    return made


def _fit(schema_type: Any, value: Any) -> Any:
    """A value as the schema spells it: Terraform's own conversions between texts, numbers and truth."""
    match schema_type, value:
        case _, None | _Unknown():
            return value
        case "string", bool():
            return str(value).lower()
        case "string", int() | float():
            return f"{value:g}"
        case "number", str():
            return float(value)
        case "bool", str():
            return value == "true"
        case ["list" | "set", element], _:
            return [_fit(element, item) for item in value]
        case ["map", element], _:
            return {key: _fit(element, item) for key, item in value.items()}
        case ["object", fields], _:
            return {name: _fit(field, value.get(name)) for name, field in fields.items()}
    return value


# -- MessagePack, as far as values need it -----------------------------------------------------------------------------


def pack(value: Any) -> bytes:
    """A value in MessagePack, each in its longest form: short ones only save space."""
    match value:
        case None:
            return b"\xc0"
        case _Unknown():
            return b"\xd4\x00\x00"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return struct.pack(">Bq", 0xD3, value)
        case float():
            return struct.pack(">Bd", 0xCB, value)
        case str():
            return struct.pack(">BI", 0xDB, len(value.encode())) + value.encode()
        case list():
            return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(pack, value))
        case dict():
            return struct.pack(">BI", 0xDF, len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(f"{type(value)} isn't a value")


def unpack(data: bytes) -> Any:
    """What MessagePack holds; what isn't known yet (an extension) is None."""
    return _unpack(data, 0)[0]


_NUMBERS = dict(zip(range(0xCA, 0xD4), ("f", "d", "B", "H", "I", "Q", "b", "h", "i", "q"), strict=True))


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    head, at = data[at], at + 1
    if head < 0x80 or head >= 0xE0:
        return (head if head < 0x80 else head - 0x100), at
    if head in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[head], at
    if head in _NUMBERS:
        size = struct.calcsize(">" + _NUMBERS[head])
        return struct.unpack_from(">" + _NUMBERS[head], data, at)[0], at + size
    if 0xD4 <= head <= 0xD8:  # an extension of 1, 2, 4 ... bytes, after its type
        return None, at + 1 + (1 << head - 0xD4)
    if head < 0x90:
        return _many(data, at, head & 0x0F, pairs=True)
    if head < 0xA0:
        return _many(data, at, head & 0x0F)
    if head < 0xC0:
        return data[at : at + (head & 0x1F)].decode(), at + (head & 0x1F)
    width = {0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}[head]
    length, at = int.from_bytes(data[at : at + width], "big"), at + width
    if head >= 0xDC:
        return _many(data, at, length, pairs=head >= 0xDE)
    if head >= 0xD9:
        return data[at : at + length].decode(), at + length
    return None, at + 1 + length


def _many(data: bytes, at: int, count: int, *, pairs: bool = False) -> tuple[Any, int]:
    items = []
    for _ in range(count * 2 if pairs else count):
        item, at = _unpack(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2], strict=True)) if pairs else items), at
