"""A small program as Terraform JSON, to the letter; and what can't be exported, said aloud."""

import json
import re
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_random as random
import pytest

from terraform import provider
from terraform.export import ComputedOnOutput, export_program

GOLDEN = Path(__file__).with_name("golden.json")
CONFIG = {"aws:region": "eu-west-1", "aws:defaultTags": {"tags": {"Project": "golden"}}}


def export(program, names, config=CONFIG):
    return export_program(program, names, config=config, version=provider.VERSION)


def arguments(exported, address):
    """A resource's body, without the comment that says where it comes from."""
    kind, name = address.split(".")
    return uncommented(exported.files["main.tf.json"]["resource"][kind][name])


def uncommented(value):
    if isinstance(value, dict):
        return {k: uncommented(v) for k, v in value.items() if k != "//"}
    return [uncommented(v) for v in value] if isinstance(value, list) else value


def golden():
    """Something of everything that an export can hold."""
    account = aws.get_caller_identity_output().account_id
    zone = aws.route53.get_zone_output(name="example.com")
    key = aws.kms.Key(
        "data",
        policy=pulumi.Output.json_dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": pulumi.Output.format("arn:aws:iam::{}:root", account)},
                        "Action": "kms:*",
                        "Resource": "*",
                        "Condition": {"StringLike": {"aws:username": "${aws:username}-%{x}"}},
                    }
                ],
            }
        ),
        opts=pulumi.ResourceOptions(protect=True),
    )
    vpc = aws.ec2.Vpc("main.net", cidr_block="10.0.0.0/16", tags={"Name": "${literal}"})
    aws.ec2.DefaultSecurityGroup("locked", vpc_id=vpc.id, ingress=[], egress=[])
    adopted = aws.s3.Bucket("logs", bucket="golden-logs", opts=pulumi.ResourceOptions(import_="golden-logs"))
    aws.s3.BucketLifecycleConfiguration(
        "logs",
        bucket=adopted.id,
        rules=[
            {"id": "a", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 30}},
            {"id": "b", "status": "Enabled", "transitions": [{"days": 30, "storage_class": "STANDARD_IA"}]},
        ],
        opts=pulumi.ResourceOptions(depends_on=[key, adopted], ignore_changes=["rules[0].expiration", "bucket"]),
    )
    certificate = aws.acm.Certificate("cdn", domain_name="example.com", validation_method="DNS", region="us-east-1")
    proof = certificate.domain_validation_options[0]
    aws.route53.Record(
        "proof",
        zone_id=zone.zone_id,
        name=proof.resource_record_name,
        type=proof.resource_record_type,
        records=[proof.resource_record_value],
        ttl=60,
    )
    elsewhere = aws.Provider("west", region="us-west-2", default_tags={"tags": {"Where": "west"}})
    aws.sns.Topic("alarms", kms_master_key_id=key.arn, opts=pulumi.ResourceOptions(provider=elsewhere))
    password = random.RandomPassword("password", length=20)
    aws.ssm.Parameter("password", type="SecureString", value=password.result)
    pulumi.export("key", key.arn)
    pulumi.export("name_servers", zone.name_servers)
    pulumi.export("password", password.result)


def test_golden(names):
    """`python -m tests.terraform.test_export` writes the file anew."""
    assert uncommented(export(golden, names).files) == json.loads(GOLDEN.read_text())


def test_golden_lists_what_it_lacks(names):
    assert [tuple(m) for m in export(golden, names).missing] == [
        ("random:index/randomPassword:RandomPassword", "password", "no counterpart here: supplied as variables")
    ]


def test_a_comment_says_where_a_resource_comes_from(names):
    key = export(golden, names).files["main.tf.json"]["resource"]["aws_kms_key"]["data"]
    assert re.fullmatch(r"tests/terraform/test_export\.py:\d+, aws:kms/key:Key::data", key["//"])


def test_policies_come_out_as_json(names):
    policy = arguments(export(golden, names), "aws_kms_key.data")["policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"}
    assert statement["Condition"] == {"StringLike": {"aws:username": "$${aws:username}-%%{x}"}}


def test_what_is_no_text_stands_in_json_without_quotes(names):
    def program():
        zone = aws.route53.Zone("z", name="example.com")
        template = aws.ec2.LaunchTemplate("t")
        before = pulumi.Output.format("{}/x", zone.zone_id)  # whose quotes are not the next one's
        document = {
            "before": before,
            "version": template.latest_version,
            "servers": zone.name_servers,
            "zone": zone.zone_id,
        }
        aws.ssm.Parameter("p", type="String", value=pulumi.Output.json_dumps(document))

    value = arguments(export(program, names), "aws_ssm_parameter.p")["value"]
    assert value == (
        '{"before": "${aws_route53_zone.z.zone_id}/x", "version": ${jsonencode(aws_launch_template.t.latest_version)}, '
        '"servers": ${jsonencode(aws_route53_zone.z.name_servers)}, "zone": "${aws_route53_zone.z.zone_id}"}'
    )


def test_a_dollar_before_a_reference_stays_a_dollar(names):
    def program():
        bucket = aws.s3.Bucket("b")
        aws.ssm.Parameter("p", type="String", value=pulumi.Output.concat("costs $", bucket.arn))

    value = arguments(export(program, names), "aws_ssm_parameter.p")["value"]
    assert value == 'costs ${"$"}${aws_s3_bucket.b.arn}'


def test_one_name_under_two_parents(names):
    def program():
        parent = pulumi.ComponentResource("test:index:Parent", "parent")
        aws.sqs.Queue("same", opts=pulumi.ResourceOptions(parent=parent))
        aws.sqs.Queue("same")

    assert sorted(export(program, names).addresses.values()) == ["aws_sqs_queue.same", "aws_sqs_queue.same_2"]


def test_a_name_that_pulumi_generates_is_referred_to_where_terraform_demands_one(names):
    def program():
        group = aws.elasticache.ParameterGroup("p", family="redis7")
        aws.elasticache.ReplicationGroup("r", description="r", parameter_group_name=group.name)

    exported = export(program, names)
    assert arguments(exported, "aws_elasticache_replication_group.r")["parameter_group_name"] == (
        "${aws_elasticache_parameter_group.p.name}"
    )


def test_an_argument_that_the_provider_lacks_is_listed(names):
    def program():
        aws.sns.Topic("t", name="t", maximum_message_size=1024)

    exported = export(program, names)
    assert [tuple(m) for m in exported.missing] == [
        (
            "aws_sns_topic.maximumMessageSize",
            "aws:sns/topic:Topic t",
            "an argument that this version of the provider lacks",
        )
    ]
    assert arguments(exported, "aws_sns_topic.t") == {"name": "t"}


def test_an_option_without_a_counterpart_is_listed(names):
    def program():
        opts = pulumi.ResourceOptions(retain_on_delete=True, replace_on_changes=["name"])
        aws.sns.Topic("t", name="t", opts=opts)

    assert [m.what for m in export(program, names).missing] == ["replaceOnChanges", "retainOnDelete"]


def test_what_may_not_go_first_stays_until_the_other_stands(names):
    first = {"before": True, "after": False, "either": None}

    def program():
        for name, goes_first in first.items():
            aws.sns.Topic(name, name=name, opts=pulumi.ResourceOptions(delete_before_replace=goes_first))

    exported = export(program, names)
    assert exported.missing == []
    found = {
        name: arguments(exported, f"aws_sns_topic.{name}").get("lifecycle") for name in ("before", "after", "either")
    }
    assert found == {"before": None, "after": {"create_before_destroy": True}, "either": None}


def test_what_the_program_only_reads_is_listed(names):
    def program():
        aws.sns.Topic("t", name="t", kms_master_key_id=aws.kms.Key.get("shared", "some-id").arn)

    assert [m.what for m in export(program, names).missing] == ["aws_kms_key.shared"]


def test_a_type_without_a_counterpart_is_supplied(names):
    def program():
        pet = random.RandomPet("pet")
        number = random.RandomInteger("number", min=1, max=9)
        aws.sns.Topic("t", name=pet.id, signature_version=number.result)

    exported = export(program, names)
    assert exported.registered == 3
    assert list(exported.addresses.values()) == ["aws_sns_topic.t"]
    assert arguments(exported, "aws_sns_topic.t") == {
        "name": "${var.pet_id}",
        "signature_version": "${var.number_result}",
    }
    variables = exported.files["variables.tf.json"]["variable"]
    assert {name: v["type"] for name, v in variables.items()} == {"pet_id": "string", "number_result": "number"}


@pytest.mark.parametrize(
    "compute",
    [
        lambda arn: arn.split(":")[0],
        lambda arn: arn[:10],
        lambda arn: arn[0],
        lambda arn: arn.rpartition("/")[2],
        lambda arn: __import__("base64").b64encode(f"bucket={arn}".encode()).decode(),
    ],
    ids=["split", "slice", "index", "partition", "base64"],
)
def test_computing_on_an_output_is_refused(names, compute):
    def program():
        aws.ssm.Parameter("p", type="String", value=aws.s3.Bucket("b").arn.apply(compute))

    with pytest.raises(
        ComputedOnOutput, match=r"^aws:ssm/parameter:Parameter p, value \(tests/.*\): a piece of a value"
    ):
        export(program, names)


def test_an_element_of_a_computed_list_is_refused(names):
    def program():
        zone = aws.route53.Zone("z", name="example.com")
        aws.ssm.Parameter("p", type="String", value=zone.name_servers[0])

    with pytest.raises(ComputedOnOutput):
        export(program, names)


if __name__ == "__main__":
    from terraform.names import Names

    GOLDEN.write_text(json.dumps(uncommented(export(golden, Names(provider.schema())).files), indent=2) + "\n")
