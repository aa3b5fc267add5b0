"""The recorder: what it keeps of a program, and how it fails."""

import asyncio
import json
import os
import sys

import pulumi
import pulumi_aws as aws
import pulumi_random as random
import pytest

from standin.aws import UnknownFunction
from standin.mocks import UNKNOWN, DuplicateResource, Registration, record, run_program


def by_name(recording, name):
    (found,) = [r for r in recording.registrations if r.name == name]
    return found


class Tier(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("platform:index:Tier", name, None, opts)
        self.vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(parent=self))
        inner = Part(f"{name}-part", self)
        self.register_outputs({"vpc_id": self.vpc.id, "part": inner.topic.arn})


class Part(pulumi.ComponentResource):
    def __init__(self, name, parent):
        super().__init__("platform:index:Part", name, None, pulumi.ResourceOptions(parent=parent))
        self.topic = aws.sns.Topic(f"{name}-topic", opts=pulumi.ResourceOptions(parent=self))


def database():
    password = random.RandomPassword("password", length=20)
    instance = aws.rds.Instance(
        "database",
        instance_class="db.t4g.medium",
        engine="mysql",
        username="admin",
        password=password.result,
        skip_final_snapshot=True,
    )
    pulumi.export("endpoint", instance.endpoint)
    pulumi.export("password", password.result)
    pulumi.export("url", pulumi.Output.format("mysql://admin:{}@{}", password.result, instance.address))
    pulumi.export("nested", [{"password": password.result, "port": instance.port}])


def test_urns_and_parents_are_the_engines():
    recording = record(lambda: Tier("web"))
    prefix = "urn:pulumi:test::platform::platform:index:Tier"
    assert {(r.urn, r.parent) for r in recording.registrations} == {
        (f"{prefix}::web", None),
        (f"{prefix}$aws:ec2/vpc:Vpc::web-vpc", f"{prefix}::web"),
        (f"{prefix}$platform:index:Part::web-part", f"{prefix}::web"),
        (
            f"{prefix}$platform:index:Part$aws:sns/topic:Topic::web-part-topic",
            f"{prefix}$platform:index:Part::web-part",
        ),
    }


def test_a_components_outputs_are_what_it_registered():
    recording = record(lambda: Tier("web"))
    tier = by_name(recording, "web")
    assert (tier.custom, tier.inputs) == (False, {})
    assert tier.outputs == {
        "vpc_id": by_name(recording, "web-vpc").outputs["id"],
        "part": by_name(recording, "web-part-topic").outputs["arn"],
    }


def test_a_registration_has_inputs_outputs_and_dependencies():
    def program():
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
        topic = aws.sns.Topic("topic")
        aws.ec2.Subnet(
            "subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=pulumi.ResourceOptions(depends_on=[topic])
        )

    recording = record(program, region="eu-west-1")
    vpc, topic, subnet = (by_name(recording, name) for name in ("vpc", "topic", "subnet"))
    assert subnet.inputs == {"vpcId": vpc.outputs["id"], "cidrBlock": "10.0.0.0/24"}
    assert subnet.outputs.items() >= {**subnet.inputs, "region": "eu-west-1"}.items()
    assert subnet.outputs["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:subnet/{subnet.outputs['id']}"
    assert subnet.property_dependencies["vpcId"] == [vpc.urn]
    assert subnet.dependencies == sorted([vpc.urn, topic.urn])


def test_registrations_come_in_the_same_order_every_time():
    def program():
        Tier("a")
        database()
        Tier("b")

    orders = [[r.urn for r in record(program).registrations] for _ in range(3)]
    assert orders[0] == orders[1] == orders[2]


def test_numbers_are_integers_where_they_are_whole():
    def program():
        aws.sqs.Queue("queue", delay_seconds=5)

    assert json.dumps(by_name(record(program), "queue").inputs) == '{"delaySeconds": 5}'


def test_options_are_kept():
    def program():
        options = pulumi.ResourceOptions(
            protect=True,
            delete_before_replace=True,
            ignore_changes=["display_name"],
            replace_on_changes=["fifo_topic"],
            retain_on_delete=True,
            aliases=[pulumi.Alias(name="before")],
            custom_timeouts=pulumi.CustomTimeouts(create="5m"),
        )
        aws.sns.Topic("topic", opts=options)
        aws.sns.Topic("plain")

    recording = record(program)
    topic = by_name(recording, "topic")
    assert topic.protect
    assert topic.options == {
        "deleteBeforeReplace": True,
        "ignoreChanges": ["displayName"],
        "replaceOnChanges": ["fifoTopic"],
        "retainOnDelete": True,
        "aliases": [{"name": "before"}],
        "customTimeouts": {"create": "5m"},
    }
    assert (by_name(recording, "plain").protect, by_name(recording, "plain").options) == (False, {})


def test_the_source_is_the_line_that_made_the_resource(tmp_path):
    (tmp_path / "__main__.py").write_text(
        "import pulumi_aws as aws\nimport part\n\naws.sns.Topic('here')\npart.make()\naws.Provider('far')\n"
    )
    (tmp_path / "part.py").write_text("import pulumi_aws as aws\n\n\ndef make():\n    aws.sns.Topic('there')\n")
    recording = run_program(tmp_path, "test", {})
    assert {r.name: r.source for r in recording.registrations} == {
        "here": "__main__.py:4",
        "there": "part.py:5",
        "far": "__main__.py:6",
    }


def test_what_may_be_shown_of_a_resource():
    def program():
        token = random.RandomPassword("token", length=20).result
        aws.lb.ListenerRule(
            "rule",
            listener_arn=token,
            priority=7,
            tags={"Name": "rule"},
            actions=[],
            conditions=[
                {"path_pattern": {"values": ["/api/*"]}},
                {"http_header": {"http_header_name": "x-token", "values": [token]}},
            ],
            opts=pulumi.ResourceOptions(additional_secret_outputs=["tags"]),
        )

    rule = by_name(record(program), "rule")
    assert rule.secrets == {"conditions", "listenerArn", "tags"}
    assert rule.shown == {
        "listenerArn": "[secret]",
        "priority": 7,
        "actions": [],
        "conditions": [
            {"pathPattern": {"values": ["/api/*"]}},
            {"httpHeader": {"httpHeaderName": "x-token", "values": ["[secret]"]}},
        ],
    }


def test_secrets_are_tracked_and_hidden():
    recording = record(database)
    password, instance = by_name(recording, "password"), by_name(recording, "database")
    assert password.secrets == {"result", "bcryptHash"}
    assert instance.secrets == {"password"}
    assert instance.inputs["password"] == password.outputs["result"]
    assert recording.outputs == {
        "endpoint": instance.outputs["endpoint"],
        "password": "[secret]",
        "url": "[secret]",
        "nested": [{"password": "[secret]", "port": 3306}],
    }


def test_config_is_what_a_program_reads():
    seen = {}

    def program():
        config = pulumi.Config()
        seen["object"] = config.require_object("network")
        seen["count"] = config.require_int("count")
        seen["on"] = config.require_bool("on")
        pulumi.export("token", config.require_secret("token"))
        pulumi.export("deep", config.require_secret_object("deep"))
        pulumi.export("plain", config.require("plain"))

    config = {
        "platform:network": {"zones": ["a"]},
        "platform:count": 3,
        "platform:on": True,
        "platform:plain": "x",
        "platform:token": {"secure": "v1:abc"},
        "platform:deep": {"user": "me", "password": {"secure": "v1:def"}},
    }
    recording = record(program, config=config)
    assert seen == {"object": {"zones": ["a"]}, "count": 3, "on": True}
    assert recording.outputs == {"token": "[secret]", "deep": "[secret]", "plain": "x"}


def test_a_first_preview_knows_inputs_and_names_only():
    def program():
        database()
        bucket = aws.s3.Bucket("bucket", tags={"a": "b"})
        aws.s3.BucketVersioning("versioning", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
        pulumi.export("bucket", bucket.bucket)
        pulumi.export("tags", bucket.tags)
        pulumi.export("arn", bucket.arn)

    recording = record(program, unknown=True)
    bucket, versioning, instance = (by_name(recording, name) for name in ("bucket", "versioning", "database"))
    assert bucket.outputs == {"bucket": bucket.outputs["bucket"], "tags": {"a": "b"}}
    assert versioning.inputs == {"bucket": UNKNOWN, "versioningConfiguration": {"status": "Enabled"}}
    assert versioning.property_dependencies == {"bucket": [bucket.urn], "versioningConfiguration": []}
    assert instance.inputs["password"] is UNKNOWN
    assert instance.secrets == {"password"}
    assert recording.outputs == {
        "endpoint": UNKNOWN,
        "password": "[secret]",
        "url": "[secret]",
        "nested": [{"password": "[secret]", "port": UNKNOWN}],
        "bucket": bucket.outputs["bucket"],
        "tags": {"a": "b"},
        "arn": UNKNOWN,
    }


def test_a_preview_is_a_dry_run_and_an_update_is_not():
    seen = []
    record(lambda: seen.append(pulumi.runtime.is_dry_run()), unknown=True)
    record(lambda: seen.append(pulumi.runtime.is_dry_run()))
    assert seen == [True, False]


def test_a_provider_gives_its_region_and_tags():
    def program():
        tags = aws.ProviderDefaultTagsArgs(tags={"Team": "edge"})
        east = aws.Provider("east", region="us-east-1", default_tags=tags)
        aws.sns.Topic("far", opts=pulumi.ResourceOptions(provider=east))
        aws.sns.Topic("near")
        pulumi.export("zones", aws.get_availability_zones(opts=pulumi.InvokeOptions(provider=east)).names)

    recording = record(program, region="eu-west-1", config={"aws:defaultTags": {"tags": {"Team": "all"}}})
    far, near, east = (by_name(recording, name) for name in ("far", "near", "east"))
    assert (far.outputs["region"], far.outputs["tagsAll"]) == ("us-east-1", {"Team": "edge"})
    assert (near.outputs["region"], near.outputs["tagsAll"]) == ("eu-west-1", {"Team": "all"})
    assert far.provider == f"{east.urn}::{east.outputs['id']}"
    assert near.provider is None
    assert east.type == "pulumi:providers:aws"


def test_a_resource_that_exists_is_read_and_not_registered():
    def program():
        pulumi.export("arn", aws.s3.Bucket.get("there", "my-bucket", bucket="my-bucket").arn)

    recording = record(program)
    assert recording.registrations == []
    assert recording.outputs == {"arn": "arn:aws:s3:::my-bucket"}


def test_each_registration_is_told_as_it_comes(tmp_path):
    (tmp_path / "__main__.py").write_text("import pulumi_aws as aws\naws.sns.Topic('a')\naws.sns.Topic('b')\n")
    told: list[Registration] = []
    recording = run_program(tmp_path, "test", {}, on_register=told.append)
    assert told == recording.registrations
    assert [r.name for r in told] == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "program"),
    [
        (ValueError, "raise ValueError('mine')"),
        (SystemExit, "raise SystemExit('mine')"),
        (ValueError, "topic.arn.apply(lambda arn: int('mine'))"),
        (ZeroDivisionError, "aws.sns.Topic('b', display_name=topic.arn.apply(lambda arn: 1 / 0))"),
    ],
)
def test_a_programs_error_comes_through_as_it_is(tmp_path, error, program):
    (tmp_path / "__main__.py").write_text(f"import pulumi_aws as aws\ntopic = aws.sns.Topic('a')\n{program}\n")
    with pytest.raises(error) as raised:
        run_program(tmp_path, "test", {})
    assert type(raised.value) is error
    assert raised.value.__cause__ is None


def test_nothing_is_left_behind(tmp_path):
    (tmp_path / "__main__.py").write_text("import pulumi_aws as aws\naws.sns.Topic('a')\nraise ValueError('mine')\n")
    before = (os.getcwd(), list(sys.path), pulumi.runtime.get_root_resource())
    with pytest.raises(ValueError, match="mine"):
        run_program(tmp_path, "other", {"platform:a": "b"})
    assert (os.getcwd(), list(sys.path), pulumi.runtime.get_root_resource()) == before
    assert pulumi.Config("platform").get("a") is None
    assert [r.name for r in record(lambda: aws.sns.Topic("fresh") and None).registrations] == ["fresh"]


def test_two_resources_of_one_urn_are_refused():
    def program():
        aws.sns.Topic("same")
        aws.sns.Topic("same")

    with pytest.raises(DuplicateResource, match=r"two resources are called urn:pulumi:test::.*::same"):
        record(program)


def test_an_unknown_look_up_is_named():
    with pytest.raises(UnknownFunction, match=r"no answer for aws:ec2/getInstance:getInstance"):
        record(lambda: aws.ec2.get_instance(instance_id="i-1"))


def test_a_transform_is_not_ignored():
    with pytest.raises(Exception, match="does not support transforms"):
        record(lambda: pulumi.runtime.register_resource_transform(lambda args: None))


def test_an_asynchronous_program_is_waited_for():
    def program():
        async def later():
            await asyncio.sleep(0.01)
            return aws.sns.Topic("late").arn

        pulumi.export("arn", pulumi.Output.from_input(later()))

    recording = record(program)
    assert recording.outputs["arn"] == by_name(recording, "late").outputs["arn"]
