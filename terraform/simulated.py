"""A simulated AWS for Terraform: a moto server that answers one request at a time, as moto isn't thread-safe."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .export import Export

SETTINGS = {
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",  # roles attach AWS's own policies
    "MOTO_ACM_VALIDATION_WAIT": "1",  # seconds until a certificate is issued
}
PROVIDER = {
    "access_key": "simulated",
    "secret_key": "simulated",
    "skip_credentials_validation": True,
    "skip_metadata_api_check": True,
    "skip_region_validation": True,
    "s3_use_path_style": True,
    "max_retries": 2,
}
"""The provider's settings for it, beside the address that AWS_ENDPOINT_URL names."""


@contextmanager
def server() -> Iterator[str]:
    """A server with nothing in it, on a free port; the result is its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "terraform.simulated", str(port)],
        env={**os.environ, **SETTINGS, "MOTO_PORT": str(port)},
        stderr=subprocess.DEVNULL,  # a trace of each request that moto can't answer
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError("the simulated AWS did not start")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def client(service: str, address: str, region: str) -> Any:
    """A boto3 client of the simulated AWS."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=address,
        region_name=region,
        aws_access_key_id=PROVIDER["access_key"],
        aws_secret_access_key=PROVIDER["secret_key"],
    )


def seed(export: Export, address: str) -> None:
    """Put there what the program looks up and so expects to find: hosted zones, keys, buckets, a VPC's subnets."""
    data = export.files["main.tf.json"].get("data", {})
    route53 = client("route53", address, "us-east-1")
    there = {zone["Name"].rstrip(".") for zone in route53.list_hosted_zones()["HostedZones"]}
    for name in {zone["name"] for zone in data.get("aws_route53_zone", {}).values()} - there:
        route53.create_hosted_zone(Name=name, CallerReference=name)
    kms, s3 = client("kms", address, export.region), client("s3", address, export.region)
    aliases = {alias["AliasName"] for alias in kms.list_aliases()["Aliases"]}
    for name in {alias["name"] for alias in data.get("aws_kms_alias", {}).values()} - aliases:
        kms.create_alias(AliasName=name, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    for bucket in data.get("aws_s3_bucket", {}).values():
        s3.create_bucket(Bucket=bucket["bucket"])
    _seed_networks(data, client("ec2", address, export.region))


def _seed_networks(data: dict[str, Any], ec2: Any) -> None:
    """VPCs and their subnets. It gives out ids of its own: the look-ups then name those."""
    for network in data.get("aws_vpc", {}).values():
        network["id"] = ec2.create_vpc(CidrBlock="10.64.0.0/16")["Vpc"]["VpcId"]
        tables = data.get("aws_route_table", {}).values()
        for number, subnet in enumerate(data.get("aws_subnet", {}).values()):
            made = ec2.create_subnet(
                VpcId=network["id"],
                CidrBlock=f"10.64.{number}.0/24",
                AvailabilityZone=subnet["availability_zone"],
            )["Subnet"]["SubnetId"]
            table = ec2.create_route_table(VpcId=network["id"])["RouteTable"]["RouteTableId"]
            ec2.associate_route_table(RouteTableId=table, SubnetId=made)
            for body in (body for body in tables if body["subnet_id"] == subnet["id"]):
                body["subnet_id"] = made
            subnet["id"] = made


def validate_state_machine_definition(request: Any) -> tuple[int, dict[str, str], str]:
    """What the provider asks Step Functions as it plans, and moto has no answer to: moto's own parser has one."""
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    try:
        AmazonStateLanguageParser.parse(json.loads(request.body)["definition"])
        wrong = []
    except Exception as error:  # whatever stops the parser
        wrong = [{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": str(error)}]
    return 200, {}, json.dumps({"result": "FAIL" if wrong else "OK", "diagnostics": wrong})


def main() -> None:
    """Serve until the end."""
    import logging

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.stepfunctions.responses import StepFunctionResponse
    from werkzeug.serving import run_simple

    responses: Any = StepFunctionResponse
    responses.validate_state_machine_definition = validate_state_machine_definition
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)


if __name__ == "__main__":
    main()
