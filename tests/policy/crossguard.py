"""The policy pack in process, sent what the engine sends: for tests and for the benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi_policy.policy
from google.protobuf import struct_pb2
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel, Policy
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from policy.graph import UNKNOWN, Resource
from policy.pack import NAME, policies


class Pack:
    """A pack, ours by default: it answers requests with diagnostics."""

    def __init__(self, own: list[Policy] | None = None, **config: Mapping[str, Any]) -> None:
        self.servicer: Any = pulumi_policy.policy._PolicyAnalyzerServicer(
            NAME, "0.0.1", policies() if own is None else own, EnforcementLevel.MANDATORY
        )
        if config:
            request = proto.ConfigureAnalyzerRequest()
            for name, properties in config.items():
                request.policyConfig[name].enforcementLevel = proto.MANDATORY if name != "advice" else proto.ADVISORY
                request.policyConfig[name].properties.update(properties)
            self.servicer.Configure(request, None)

    def resource(self, resource: Resource) -> list[Any]:
        """What the engine asks before it makes a resource: by its inputs, without what AWS gives out."""
        given_out = ("id",) if resource.short == "sns/topicPolicy" else ("id", "arn")  # whose ARN is its topic's
        inputs = {key: value for key, value in resource.props.items() if key not in given_out}
        request = proto.AnalyzeRequest(
            type=resource.type, urn=resource.urn, name=resource.name, properties=wire(inputs)
        )
        return list(self.servicer.Analyze(request, None).diagnostics)

    def stack(self, found: Iterable[Resource]) -> list[Any]:
        """What the engine asks once every resource has been registered: by their outputs."""
        request = proto.AnalyzeStackRequest()
        found = list(found)
        providers = {resource.urn: resource for resource in found if resource.type.startswith("pulumi:providers:")}
        for resource in found:
            if resource.urn in providers:  # the engine sends it with what it provides
                continue
            asked = request.resources.add(
                type=resource.type, urn=resource.urn, name=resource.name, properties=wire(resource.props)
            )
            asked.parent = resource.parent or ""
            for key, urns in resource.property_dependencies.items():
                asked.propertyDependencies[key].urns.extend(urns)
            provider = providers.get((resource.provider or "").rpartition("::")[0])
            if provider:
                asked.provider.type, asked.provider.urn, asked.provider.name = (
                    provider.type,
                    provider.urn,
                    provider.name,
                )
                asked.provider.properties.CopyFrom(wire(provider.props))
        return list(self.servicer.AnalyzeStack(request, None).diagnostics)

    def run(self, found: Iterable[Resource]) -> list[Any]:
        found = list(found)
        return [diagnostic for resource in found for diagnostic in self.resource(resource)] + self.stack(found)


def wire(props: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update({key: _wire(value) for key, value in props.items()})
    return struct


def _wire(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_STRING_VALUE
    if isinstance(value, dict):
        return {key: _wire(item) for key, item in value.items()}
    return [_wire(item) for item in value] if isinstance(value, list) else value
