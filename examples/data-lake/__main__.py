"""Buckets for raw rows, curated tables and Athena's results, with a catalog and a workgroup."""

import pulumi
from platform_components.datalake import DataLake, DataLakeArgs, RawZoneArgs
from platform_components.security import Security
from platform_components.storage import LogBucket

security = Security("security")
args = DataLakeArgs(raw=RawZoneArgs(expiration_days=365), scan_limit_mib=100_000)
lake = DataLake("lake", args, key=security.data, logs_key=security.logs, logs=LogBucket("logs"))

pulumi.export("curated_bucket", lake.curated.name)
