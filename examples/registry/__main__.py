"""A repository of container images that one role may pull from, and nobody else."""

import pulumi
from platform_components.registry import Registry, RegistryArgs, RepositoryArgs
from platform_components.security import Security

security = Security("security")
registry = Registry(
    "registry",
    RegistryArgs(repositories={"orders": RepositoryArgs(keep_images=20)}),
    key=security.data,
    pullers=[pulumi.Config().require("puller_arn")],
)

pulumi.export("repository_urls", registry.urls)
