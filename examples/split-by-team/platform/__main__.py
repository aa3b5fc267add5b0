"""Another team's stack: Redis in the network team's VPC and under its key, both told by that stack's outputs."""

import pulumi
from platform_components.cache import Cache, CacheArgs
from platform_components.network import Network, NetworkArgs, UsedVpc
from platform_components.security import Security, SecurityArgs

ZONES = ["eu-west-1a", "eu-west-1b"]
theirs = pulumi.StackReference("network", pulumi.Config().require("network_stack"))


def subnets(tier: str) -> dict[str, str | pulumi.Output[str]]:
    """The subnets of a tier, by zone."""
    ids = theirs.require_output(f"{tier}_subnet_ids")
    return {zone: ids[zone] for zone in ZONES}


security = Security("security", SecurityArgs(use={"data": theirs.require_output("data_key_alias")}))
vpc = UsedVpc(
    vpc_id=theirs.require_output("vpc_id"),
    public=subnets("public"),
    private=subnets("private"),
    isolated=subnets("isolated"),
)
network = Network("network", NetworkArgs(zones=ZONES, nat="single", use=vpc), logs_key=security.logs)
cache = Cache("cache", CacheArgs(), subnets=network.isolated, key=security.data, logs_key=security.logs)

pulumi.export("redis_endpoint", cache.endpoint)
