"""EMR: what a cluster is, for one that a run starts and for one that stays."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import Args, Refusal
from .network import Subnets

EMR_TAG = "for-use-with-amazon-emr-managed-policies"
"""What AmazonEMRServicePolicy_v2 demands on clusters, on their security groups and on their subnets."""
_GLUE_METASTORE = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"

EmrInstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.(metal|\d*xlarge)$")]
"""An EC2 instance type; EMR takes those of the present generations from `xlarge` up."""
Units = Annotated[int, Field(ge=1, le=999)]
"""What an instance counts for in its fleet: its vCPUs, say (EMR: 1 to 999)."""
Application = Literal["Hadoop", "Spark", "Hive", "Presto", "Trino"]


class FleetArgs(Args):
    """Instances of several types, of which EMR takes what there is and what costs least."""

    instance_types: dict[EmrInstanceType, Units] = Field(
        default={"m7g.xlarge": 4, "m6g.xlarge": 4, "r7g.xlarge": 4, "r6g.xlarge": 4}, min_length=1, max_length=30
    )
    """Instance types, and the units that one of each counts for (EMR: at most 30 types with an allocation strategy)."""
    units: int = Field(default=8, ge=1, le=4000)
    """Units at the start, which managed scaling goes on from."""
    volume_size_gib: int = Field(default=64, ge=15, le=16_384)
    """Volume of each instance for HDFS and shuffles, in GiB (gp3), beside the root volume."""


class TaskFleetArgs(FleetArgs):
    """Spot instances, which hold no data of HDFS and so may be taken away at any time."""

    units: int = Field(default=4, ge=1, le=4000)
    """Units at the start, which managed scaling goes on from."""
    spot_timeout_minutes: int = Field(default=10, ge=5, le=1440)
    """Minutes in which Spot instances have to be found before on-demand ones are taken (EMR: 5 to 1,440)."""


class ScalingArgs(Args):
    """EMR managed scaling, in units of the core and the task fleet together."""

    min_units: int = Field(default=8, ge=1, le=4000)
    """Units at the least."""
    max_units: int = Field(default=64, ge=1, le=4000)
    """Units at the most."""
    max_on_demand_units: int = Field(default=16, ge=0, le=4000)
    """Units of on-demand instances at the most; what is above them is Spot."""
    max_core_units: int = Field(default=16, ge=1, le=4000)
    """Units of core instances at the most; what is above them are task instances."""

    def refusals(self) -> Iterator[Refusal]:
        if self.max_units < self.min_units:
            yield Refusal(("max_units",), f"is below min_units ({self.min_units})")
        for field in ("max_on_demand_units", "max_core_units"):
            if getattr(self, field) > self.max_units:
                yield Refusal((field,), f"is above max_units ({self.max_units})")


class ClusterArgs(Args):
    """An EMR cluster: its release, what is installed on it, and its instances."""

    release_label: Annotated[str, StringConstraints(pattern=r"^emr-7\.\d{1,2}\.\d+$")] = "emr-7.13.0"
    """EMR release. The jobs are written for Spark 3.5, as all of 7 have it; emr-spark-8 has neither Hadoop nor
    Presto."""
    applications: list[Application] = Field(default=["Hadoop", "Spark"], min_length=1)
    """What is installed on the clusters: Hadoop and Spark in any case, Presto or Trino but not both. EMR neither scales
    nor ends a cluster by what Presto and Trino do."""
    primary_instance_types: list[EmrInstanceType] = Field(
        default=["m7g.xlarge", "m6g.xlarge"], min_length=1, max_length=30
    )
    """Instance types for the primary node, which is one on-demand instance, all equally welcome."""
    core: FleetArgs = Field(default_factory=FleetArgs)
    """Instances that hold HDFS, on demand."""
    task: TaskFleetArgs | None = Field(default_factory=TaskFleetArgs)
    """Instances that only compute: Spot, and on demand where there is no Spot in time; none has no such fleet."""
    scaling: ScalingArgs = Field(default_factory=ScalingArgs)
    """How far managed scaling goes."""
    root_volume_size_gib: int = Field(default=30, ge=15, le=100)
    """Root volume of each instance, in GiB (gp3; EMR: 15 to 100)."""
    idle_minutes: int = Field(default=60, ge=10, le=10_080)
    """Minutes without work after which a cluster ends by itself, should a run have been stopped by hand (EMR: 1 minute
    to 7 days; at least 10 here, since nothing works while a failed job waits to be begun again; YARN's work alone
    counts, not Presto's or Trino's). Needs NAT. A cluster that is to stay doesn't."""
    step_concurrency: int = Field(default=1, ge=1, le=256)
    """Steps that a cluster works on at once (EMR: 1 to 256): a run's follow each other in any case."""
    encrypt_in_transit: bool = True
    """TLS between the nodes, for which EMR has to find certificates at `certificates_uri` before the first run."""

    def refusals(self) -> Iterator[Refusal]:
        installed = set(self.applications)
        for needed in ("Hadoop", "Spark"):
            if needed not in installed:
                yield Refusal(("applications",), f"lacks {needed}, which the jobs run on")
        if {"Presto", "Trino"} <= installed:
            yield Refusal(("applications",), "Presto and Trino listen on the same port: EMR installs one of them")
        yield from self.repeated("applications", "primary_instance_types")
        total = self.core.units + (self.task.units if self.task else 0)
        if not self.scaling.min_units <= total <= self.scaling.max_units:
            yield Refusal(
                ("scaling",),
                f"core and task begin with {total} units, outside of {self.scaling.min_units} to "
                f"{self.scaling.max_units}: managed scaling would change that at once",
            )
        if self.core.units > self.scaling.max_core_units:
            yield Refusal(("scaling", "max_core_units"), f"is below core.units ({self.core.units})")
        if self.core.units > self.scaling.max_on_demand_units:
            yield Refusal(("scaling", "max_on_demand_units"), f"is below core.units ({self.core.units}), on demand")


@dataclass(frozen=True)
class Cluster:
    """The same cluster in EMR's two languages: RunJobFlow's parameters, and a resource."""

    args: ClusterArgs
    tags: Mapping[str, str]
    """With its `Name`, and `EMR_TAG`."""
    service_role_name: str
    instance_profile_name: str
    security_configuration_name: str
    log_uri: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    """Of what its logs are encrypted with."""

    def _applications_configuration(self) -> list[dict[str, Any]]:
        """Glue as the catalog of everything that asks for one."""
        hive = {"hive.metastore.client.factory.class": _GLUE_METASTORE}
        found = {
            "Spark": ("spark-hive-site", hive),
            "Hive": ("hive-site", hive),
            "Presto": ("presto-connector-hive", {"hive.metastore": "glue"}),
            "Trino": ("trino-connector-hive", {"hive.metastore": "glue"}),
        }
        return [
            {"Classification": found[application][0], "Properties": found[application][1]}
            for application in self.args.applications
            if application in found
        ]

    def request(self, subnets: Subnets) -> dict[str, Any]:
        """RunJobFlow's parameters (EMR API reference), with the paths of what only AWS knows."""
        args, scaling = self.args, self.args.scaling
        subnet_ids = [subnets.ids[zone] for zone in sorted(subnets.ids)]
        return {
            "Name": self.tags["Name"],
            "ReleaseLabel": args.release_label,
            "Applications": [{"Name": application} for application in args.applications],
            "Configurations": self._applications_configuration(),
            "ServiceRole": self.service_role_name,
            "JobFlowRole": self.instance_profile_name,
            "SecurityConfiguration": self.security_configuration_name,
            "LogUri": self.log_uri,
            "LogEncryptionKmsKeyId": self.key_arn,
            "EbsRootVolumeSize": args.root_volume_size_gib,
            "StepConcurrencyLevel": args.step_concurrency,
            "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
            "ManagedScalingPolicy": {
                "ComputeLimits": {
                    "UnitType": "InstanceFleetUnits",
                    "MinimumCapacityUnits": scaling.min_units,
                    "MaximumCapacityUnits": scaling.max_units,
                    "MaximumOnDemandCapacityUnits": scaling.max_on_demand_units,
                    "MaximumCoreCapacityUnits": scaling.max_core_units,
                }
            },
            "AutoTerminationPolicy": {"IdleTimeout": args.idle_minutes * 60},
            "VisibleToAllUsers": True,
            "Tags": [{"Key": tag, "Value": value} for tag, value in sorted(self.tags.items())],
            "Instances": {
                "KeepJobFlowAliveWhenNoSteps": True,
                "TerminationProtected": False,
                **({"Ec2SubnetIds": subnet_ids} if subnets.existing else {"Ec2SubnetIds.$": "$.aws.places.Subnets"}),
                "EmrManagedMasterSecurityGroup.$": "$.aws.places.Primary",
                "EmrManagedSlaveSecurityGroup.$": "$.aws.places.Core",
                "ServiceAccessSecurityGroup.$": "$.aws.places.Service",
                "InstanceFleets": self._fleets(),
            },
        }

    def _fleets(self) -> list[dict[str, Any]]:
        args = self.args
        on_demand = {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}}

        def types(fleet: FleetArgs) -> list[dict[str, Any]]:
            volume = {"VolumeType": "gp3", "SizeInGB": fleet.volume_size_gib}
            disks = {"EbsBlockDeviceConfigs": [{"VolumeSpecification": volume, "VolumesPerInstance": 1}]}
            return [
                {"InstanceType": instance_type, "WeightedCapacity": units, "EbsConfiguration": disks}
                for instance_type, units in fleet.instance_types.items()
            ]

        fleets: list[dict[str, Any]] = [
            {
                "Name": "primary",
                "InstanceFleetType": "MASTER",
                "TargetOnDemandCapacity": 1,
                "InstanceTypeConfigs": [{"InstanceType": one} for one in args.primary_instance_types],
                "LaunchSpecifications": on_demand,
            },
            {
                "Name": "core",
                "InstanceFleetType": "CORE",
                "TargetOnDemandCapacity": args.core.units,
                "InstanceTypeConfigs": types(args.core),
                "LaunchSpecifications": on_demand,
            },
        ]
        if args.task:
            spot = {
                "AllocationStrategy": "price-capacity-optimized",
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                "TimeoutDurationMinutes": args.task.spot_timeout_minutes,
            }
            fleets.append(
                {
                    "Name": "task",
                    "InstanceFleetType": "TASK",
                    "TargetSpotCapacity": args.task.units,
                    "InstanceTypeConfigs": types(args.task),
                    "LaunchSpecifications": on_demand | {"SpotSpecification": spot},
                }
            )
        return fleets

    def create(
        self,
        name: str,
        *,
        subnets: Subnets,
        primary_group: pulumi.Input[str],
        core_group: pulumi.Input[str],
        service_group: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
        parent: pulumi.Resource,
    ) -> aws.emr.Cluster:
        """One that stays.

        Args:
            after: what it needs before it starts: rules, permissions, routes.
        """
        args, child = self.args, pulumi.ResourceOptions(parent=parent)
        on_demand: list[Any] = [{"allocation_strategy": "lowest-price"}]
        cluster = aws.emr.Cluster(
            name,
            name=self.tags["Name"],
            release_label=args.release_label,
            applications=list(args.applications),
            configurations_json=json.dumps(self._applications_configuration()),
            service_role=self.service_role_name,
            security_configuration=self.security_configuration_name,
            log_uri=self.log_uri,
            log_encryption_kms_key_id=self.key_arn,
            ebs_root_volume_size=args.root_volume_size_gib,
            step_concurrency_level=args.step_concurrency,
            scale_down_behavior="TERMINATE_AT_TASK_COMPLETION",
            keep_job_flow_alive_when_no_steps=True,
            termination_protection=False,
            ec2_attributes={
                "instance_profile": self.instance_profile_name,
                "subnet_ids": [subnets.ids[zone] for zone in sorted(subnets.ids)],
                "emr_managed_master_security_group": primary_group,
                "emr_managed_slave_security_group": core_group,
                "service_access_security_group": service_group,
            },
            master_instance_fleet={
                "name": "primary",
                "target_on_demand_capacity": 1,
                "instance_type_configs": [{"instance_type": one} for one in args.primary_instance_types],
                "launch_specifications": {"on_demand_specifications": on_demand},
            },
            core_instance_fleet={
                "name": "core",
                "target_on_demand_capacity": args.core.units,
                "instance_type_configs": _type_configs(args.core),
                "launch_specifications": {"on_demand_specifications": on_demand},
            },
            tags=dict(self.tags),
            opts=pulumi.ResourceOptions(
                parent=parent,
                depends_on=after,
                # Managed scaling's to change: a refresh would see a change here that makes a new cluster.
                ignore_changes=["coreInstanceFleet.targetOnDemandCapacity", "coreInstanceFleet.targetSpotCapacity"],
            ),
        )
        if args.task:
            aws.emr.InstanceFleet(
                f"{name}-task",
                cluster_id=cluster.id,
                name="task",
                target_spot_capacity=args.task.units,
                instance_type_configs=_type_configs(args.task),
                launch_specifications={
                    "on_demand_specifications": on_demand,
                    "spot_specifications": [
                        {
                            "allocation_strategy": "price-capacity-optimized",
                            "timeout_action": "SWITCH_TO_ON_DEMAND",
                            "timeout_duration_minutes": args.task.spot_timeout_minutes,
                        }
                    ],
                },
                opts=pulumi.ResourceOptions(
                    parent=parent, ignore_changes=["targetOnDemandCapacity", "targetSpotCapacity"]
                ),
            )
        aws.emr.ManagedScalingPolicy(
            name,
            cluster_id=cluster.id,
            compute_limits=[
                {
                    "unit_type": "InstanceFleetUnits",
                    "minimum_capacity_units": args.scaling.min_units,
                    "maximum_capacity_units": args.scaling.max_units,
                    "maximum_ondemand_capacity_units": args.scaling.max_on_demand_units,
                    "maximum_core_capacity_units": args.scaling.max_core_units,
                }
            ],
            opts=child,
        )
        return cluster


def _type_configs(fleet: FleetArgs) -> list[Any]:
    disk = {"size": fleet.volume_size_gib, "type": "gp3", "volumes_per_instance": 1}
    return [
        {"instance_type": instance_type, "weighted_capacity": units, "ebs_configs": [disk]}
        for instance_type, units in fleet.instance_types.items()
    ]
