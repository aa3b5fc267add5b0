"""A QuickSight dashboard on what the analytics jobs publish in a data lake, by Athena."""

import pulumi
from platform_components.datalake import DataLake
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security
from platform_components.storage import LogBucket
from platform_components.visualization import Visualization, VisualizationArgs

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"], nat="none"), logs_key=security.logs)
visualization = Visualization(
    "visualization",
    VisualizationArgs(readers=[pulumi.Config().require("readers_arn")]),
    subnets=network.isolated,
    key=security.data,
    lake=DataLake("lake", key=security.data, logs_key=security.logs, logs=LogBucket("logs")),
)

pulumi.export("dashboard_url", visualization.dashboard_url)
