"""Property values as they travel between the SDK, the engine and a provider, and as plain Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc


class Unknown(Enum):
    """A value that is known only once its resource exists."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN
SECRET: Final = "[secret]"  # noqa: S105 - what stands in a secret's place

_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig
_RESOURCE = rpc._special_resource_sig
_OUTPUT = rpc._special_output_value_sig
# The engine has a sentinel for each kind of unknown value; the SDK sends the first one only.
_UNKNOWNS = {
    rpc.UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
    "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
    "e48ece36-62e2-4504-bad9-02848725956a",  # archive
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
}


def decode(properties: struct_pb2.Struct, *, hide_secrets: bool = False) -> tuple[dict[str, Any], frozenset[str]]:
    """The plain values of a message and the keys that carry a secret; `hide_secrets` puts "[secret]" in their place."""
    return plain(json_format.MessageToDict(properties), hide_secrets=hide_secrets)


def plain(values: Mapping[str, Any], *, hide_secrets: bool = False) -> tuple[dict[str, Any], frozenset[str]]:
    """As `decode`, for values that have come as JSON."""
    secrets: set[str] = set()
    decoded: dict[str, Any] = {}
    for key, value in values.items():
        found: list[bool] = []
        decoded[key] = _plain(value, found, hide_secrets)
        if found:
            secrets.add(key)
    return decoded, frozenset(secrets)


def _plain(value: Any, secrets: list[bool], hide: bool) -> Any:
    if isinstance(value, str):
        return UNKNOWN if value in _UNKNOWNS else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [_plain(item, secrets, hide) for item in value]
    if not isinstance(value, dict):
        return value
    signature = value.get(_SIGNATURE)
    if signature is None:
        return {key: _plain(item, secrets, hide) for key, item in value.items()}
    if signature == _SECRET or (signature == _OUTPUT and value.get("secret")):
        secrets.append(True)
        return SECRET if hide else _plain(value.get("value", rpc.UNKNOWN), secrets, hide)
    if signature == _OUTPUT:
        return _plain(value.get("value", rpc.UNKNOWN), secrets, hide)
    if signature == _RESOURCE:
        return _plain(value.get("id") or value["urn"], secrets, hide)
    return {key: _plain(item, secrets, hide) for key, item in value.items() if key != _SIGNATURE}  # asset, archive


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The message for plain values."""
    message = struct_pb2.Struct()
    message.update(_raw(values))
    return message


def mark_secret(properties: struct_pb2.Struct, keys: frozenset[str]) -> None:
    """Make the values under `keys` secret, in place."""
    for key in keys.intersection(properties.fields):
        value = json_format.MessageToDict(properties.fields[key])
        if not (isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET):
            properties.update({key: {_SIGNATURE: _SECRET, "value": value}})


def _raw(value: Any) -> Any:
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _raw(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_raw(item) for item in value]
    return value


def config(values: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """A stack's config as Pulumi holds it (objects as JSON), and the keys that are secret.

    A `secure:` value can't be decrypted here: the program gets "[secret]" for it, as a secret.
    """
    secret: list[str] = []

    def reveal(key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            if set(value) == {"secure"}:
                secret.append(key)
                return SECRET
            return {name: reveal(key, item) for name, item in value.items()}
        return [reveal(key, item) for item in value] if isinstance(value, (list, tuple)) else value

    revealed = {key: reveal(key, value) for key, value in values.items() if value is not None}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in revealed.items()}, secret
