"""Amazon Managed Grafana."""

from __future__ import annotations

from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import ACCOUNT, Made, arn, case, res
from tests.policy.cases.exposure import private, public, unclear

KEY = res("kms/key", "data")
TYPE = "grafana/workspace"


def workspace(**props: Any) -> Made:
    return res(TYPE, "workspace", **props)


def connected(*subnets: object) -> Made:
    return workspace(vpcConfiguration={"subnetIds": list(subnets), "securityGroupIds": ["sg-0123"]})


CASES = [
    case(
        "grafana-encrypted",
        TYPE,
        ok=[workspace(kmsKeyId=arn(KEY)), workspace(kmsKeyId=f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/data")],
        bad=[workspace(), workspace(kmsKeyId=""), workspace(kmsKeyId="alias/aws/grafana")],
        unknown=[workspace(kmsKeyId=UNKNOWN)],
    ),
    case(
        "grafana-in-private-subnets",
        TYPE,
        ok=[workspace(), *([connected(world[0]), *world] for world in private())],
        bad=[[connected(world[0]), *world] for world in public()],
        unknown=[
            connected(UNKNOWN),
            connected("subnet-0123"),
            workspace(vpcConfiguration=UNKNOWN),
            workspace(vpcConfiguration={"subnetIds": UNKNOWN}),
            *([connected(world[0]), *world] for world in unclear()),
        ],
    ),
    case(
        "grafana-network-access",
        TYPE,
        ok=[
            workspace(networkAccessControl={"prefixListIds": ["pl-0123"], "vpceIds": []}),
            workspace(networkAccessControl={"prefixListIds": UNKNOWN, "vpceIds": []}),
        ],
        bad=[workspace(), workspace(networkAccessControl={})],
        unknown=[workspace(networkAccessControl=UNKNOWN)],
    ),
]
