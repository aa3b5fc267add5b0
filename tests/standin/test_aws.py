"""What the stand-in says that AWS computes."""

import json
import re
from typing import Any

import pulumi_aws
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import _types

from standin import aws, existing
from standin.wire import UNKNOWN

WHERE: dict[str, Any] = {"project": "platform", "stack": "test", "region": "eu-west-1"}


def computed(type_token, name="web", /, **inputs):
    return aws.computed(type_token, name, inputs, **WHERE)


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


@pytest.mark.parametrize("type_token", sorted(aws.OUTPUTS))
def test_every_output_is_a_property_of_the_installed_class(type_token):
    cls = aws.sdk_class(type_token)
    assert cls is not None
    assert set(aws.OUTPUTS[type_token]) - {"id"} <= set(_types.resource_types(cls))


@pytest.mark.parametrize("type_token", sorted({*aws.NAME_PROPERTIES, *aws.NAME_LENGTHS, *aws.LOWER_CASE}))
def test_every_name_is_an_input_of_the_installed_class(type_token):
    assert aws._takes(type_token, snake(aws.name_property(type_token)))


ASKED = {
    "aws:ec2/getRouteTable:getRouteTable": {"subnetId": existing.subnet_id("private", "eu-west-1a")},
    "aws:ec2/getSubnet:getSubnet": {"id": existing.subnet_id("private", "eu-west-1a")},
    "aws:ec2/getVpc:getVpc": {"id": existing.VPC_ID},
    "aws:ec2/getVpcEndpoint:getVpcEndpoint": {
        "vpcId": existing.VPC_ID,
        "serviceName": "com.amazonaws.eu-west-1.sqs",
    },
    "aws:s3/getBucket:getBucket": {"bucket": "some"},
}


@pytest.mark.parametrize("token", sorted(aws.INVOKES))
def test_every_answer_is_what_the_installed_function_returns(token):
    module, function = token.removeprefix("aws:").split("/")[0], token.rpartition(":")[2]
    home = pulumi_aws if module == "index" else getattr(pulumi_aws, module)
    assert callable(getattr(home, snake(function)))
    returned = _types.output_type_types(getattr(home, f"G{function[1:]}Result"))
    assert set(aws.invoke(token, ASKED.get(token, {"name": "some"}), region="eu-west-1")) - {"id"} <= set(returned)


@pytest.mark.parametrize(
    ("type_token", "pattern"),
    [
        ("aws:ec2/vpc:Vpc", r"vpc-[0-9a-f]{17}"),
        ("aws:ec2/subnet:Subnet", r"subnet-[0-9a-f]{17}"),
        ("aws:ec2/securityGroup:SecurityGroup", r"sg-[0-9a-f]{17}"),
        ("aws:ec2/eip:Eip", r"eipalloc-[0-9a-f]{17}"),
        ("aws:ec2/launchTemplate:LaunchTemplate", r"lt-[0-9a-f]{17}"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", r"sgr-[0-9a-f]{17}"),
        ("aws:kms/key:Key", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"),
        ("aws:route53/zone:Zone", r"Z[A-Z0-9]{19}"),
        ("aws:cloudfront/distribution:Distribution", r"E[A-Z0-9]{13}"),
        ("aws:rds/instance:Instance", r"db-[A-Z0-9]{26}"),
        ("aws:autoscaling/group:Group", r"web-[0-9a-f]{7}"),
        ("aws:sns/topic:Topic", r"arn:aws:sns:eu-west-1:123456789012:web-[0-9a-f]{7}"),
    ],
)
def test_ids(type_token, pattern):
    assert re.fullmatch(pattern, computed(type_token)["id"])


def test_the_same_resource_is_computed_the_same_and_another_is_not():
    subnet = "aws:ec2/subnet:Subnet"
    assert computed(subnet, "a") == computed(subnet, "a")
    assert computed(subnet, "a")["id"] != computed(subnet, "b")["id"]
    assert aws.computed(subnet, "a", {}, **{**WHERE, "stack": "other"})["id"] != computed(subnet, "a")["id"]


def test_subnet():
    made = computed("aws:ec2/subnet:Subnet", cidrBlock="10.0.0.0/24", tags={"Name": "web"})
    assert made == {
        "id": made["id"],
        "arn": f"arn:aws:ec2:eu-west-1:123456789012:subnet/{made['id']}",
        "region": "eu-west-1",
        "ownerId": "123456789012",
        "tagsAll": {"Name": "web"},
    }


def test_a_resources_region_wins_over_the_stacks():
    assert computed("aws:kms/key:Key", region="us-east-1")["arn"].startswith("arn:aws:kms:us-east-1:123456789012:key/")
    assert computed("aws:kms/key:Key")["arn"].startswith("arn:aws:kms:eu-west-1:123456789012:key/")


def test_a_global_service_has_no_region():
    role = computed("aws:iam/role:Role", path="/app/")
    assert "region" not in role
    assert role["arn"] == f"arn:aws:iam::123456789012:role/app/{role['name']}"


def test_partitions_have_their_own_arns_and_domains():
    bucket = aws.computed("aws:s3/bucket:Bucket", "b", {"bucket": "b"}, **{**WHERE, "region": "cn-north-1"})
    assert bucket["arn"] == "arn:aws-cn:s3:::b"
    assert bucket["bucketRegionalDomainName"] == "b.s3.cn-north-1.amazonaws.com.cn"


def test_inputs_are_never_computed_anew():
    made = computed("aws:rds/instance:Instance", identifier="orders", port=3307, engine="mysql", region="eu-west-2")
    assert not {"identifier", "port", "engine", "region"} & set(made)
    assert re.fullmatch(r"orders\.c[a-z0-9]{11}\.eu-west-2\.rds\.amazonaws\.com:3307", made["endpoint"])
    assert made["endpoint"] == f"{made['address']}:3307"


@pytest.mark.parametrize(("engine", "port"), [("mysql", 3306), ("postgres", 5432), ("sqlserver-se", 1433)])
def test_a_database_listens_on_its_engines_port(engine, port):
    assert computed("aws:rds/instance:Instance", engine=engine)["port"] == port


def test_default_tags_are_below_a_resources_own():
    given = {"tags": {"Name": "web"}}
    made = aws.computed("aws:ec2/vpc:Vpc", "web", given, **WHERE, default_tags={"Name": "default", "Team": "a"})
    assert made["tagsAll"] == {"Name": "web", "Team": "a"}


def test_load_balancers():
    alb = computed("aws:lb/loadBalancer:LoadBalancer", name="web")
    assert re.fullmatch(r"app/web/[0-9a-f]{16}", alb["arnSuffix"])
    assert alb["arn"] == f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/{alb['arnSuffix']}"
    assert re.fullmatch(r"web-[1-9]{10}\.eu-west-1\.elb\.amazonaws\.com", alb["dnsName"])
    assert alb["zoneId"] == "Z32O12XQLNTSW2"
    inside = computed("aws:lb/loadBalancer:LoadBalancer", name="web", internal=True)
    assert inside["dnsName"].startswith("internal-web-")
    nlb = computed("aws:lb/loadBalancer:LoadBalancer", name="web", loadBalancerType="network")
    assert re.fullmatch(r"web-[0-9a-f]{16}\.elb\.eu-west-1\.amazonaws\.com", nlb["dnsName"])
    assert nlb["zoneId"] == "Z2IFOLAFXWLO4F"


def test_a_listener_and_its_rules_carry_the_load_balancers_path():
    alb = computed("aws:lb/loadBalancer:LoadBalancer", name="web")["arn"]
    listener = computed("aws:lb/listener:Listener", loadBalancerArn=alb)["arn"]
    rule = computed("aws:lb/listenerRule:ListenerRule", listenerArn=listener)["arn"]
    assert re.fullmatch(alb.replace(":loadbalancer/", ":listener/") + r"/[0-9a-f]{16}", listener)
    assert re.fullmatch(listener.replace(":listener/", ":listener-rule/") + r"/[0-9a-f]{16}", rule)


def test_cloudfront_is_where_aliases_look_for_it():
    made = computed("aws:cloudfront/distribution:Distribution")
    assert made["hostedZoneId"] == "Z2FDTNDATAQYW2"
    assert re.fullmatch(r"d[a-z0-9]{13}\.cloudfront\.net", made["domainName"])


def test_a_wildcard_is_validated_by_its_domains_record():
    made = computed(
        "aws:acm/certificate:Certificate",
        domainName="example.com",
        subjectAlternativeNames=["*.example.com", "example.com", "www.example.com"],
        validationMethod="DNS",
    )
    options = {option["domainName"]: option["resourceRecordName"] for option in made["domainValidationOptions"]}
    assert len(made["domainValidationOptions"]) == 3
    assert options["example.com"] == options["*.example.com"]
    assert options["example.com"] != options["www.example.com"]
    assert re.fullmatch(r"_[0-9a-f]{32}\.example\.com\.", options["example.com"])


def test_a_certificate_that_is_validated_by_mail_has_no_records():
    made = computed("aws:acm/certificate:Certificate", domainName="example.com", validationMethod="EMAIL")
    assert made["domainValidationOptions"] == []


def test_a_nat_gateway_has_the_address_of_its_elastic_ip():
    address = computed("aws:ec2/eip:Eip")
    assert computed("aws:ec2/natGateway:NatGateway", allocationId=address["id"])["publicIp"] == address["publicIp"]


def test_web_acls():
    web_acl = "aws:wafv2/webAcl:WebAcl"
    assert ":regional/webacl/edge/" in computed(web_acl, scope="REGIONAL", name="edge")["arn"]
    far = computed(web_acl, scope="CLOUDFRONT", name="edge", region="us-east-1")["arn"]
    assert far.startswith("arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/")


def test_only_an_interface_endpoint_has_interfaces():
    endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"
    gateway = computed(endpoint, serviceName="com.amazonaws.eu-west-1.s3")
    assert (gateway["networkInterfaceIds"], gateway["dnsEntries"]) == ([], [])
    assert re.fullmatch(r"pl-[0-9a-f]{8}", gateway["prefixListId"])
    given = {"serviceName": "com.amazonaws.eu-west-1.ssm", "vpcEndpointType": "Interface", "subnetIds": ["a", "b"]}
    assert len(set(computed(endpoint, **given)["networkInterfaceIds"])) == 2


def test_a_type_the_table_does_not_know_has_an_id_an_arn_and_a_name():
    made = computed("aws:codedeploy/application:Application", "images")
    assert re.fullmatch(r"images-[0-9a-f]{7}", made["name"])
    assert made["id"] == made["name"]
    assert made["arn"] == f"arn:aws:codedeploy:eu-west-1:123456789012:application/{made['name']}"


def test_redis_has_other_endpoints_in_cluster_mode():
    def endpoints(**inputs):
        made = computed("aws:elasticache/replicationGroup:ReplicationGroup", replicationGroupId="redis", **inputs)
        kinds = ("primaryEndpointAddress", "readerEndpointAddress", "configurationEndpointAddress")
        return [re.sub(r"\.[a-z0-9]{6}\.", ".x.", made[kind] or "") for kind in kinds]

    assert endpoints(numCacheClusters=2) == [
        "master.redis.x.euw1.cache.amazonaws.com",
        "replica.redis.x.euw1.cache.amazonaws.com",
        "",
    ]
    assert endpoints(numNodeGroups=2) == ["", "", "clustercfg.redis.x.euw1.cache.amazonaws.com"]


def test_a_repository_has_a_url():
    made = computed("aws:ecr/repository:Repository", name="platform/web")
    assert made["repositoryUrl"] == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/platform/web"


def test_a_bucket_setting_is_known_by_its_bucket():
    assert computed("aws:s3/bucketVersioning:BucketVersioning", bucket="logs")["id"] == "logs"


@pytest.mark.parametrize(
    ("type_token", "name", "pattern"),
    [
        ("aws:s3/bucket:Bucket", "Logs", r"logs-[0-9a-f]{7}"),
        ("aws:lb/loadBalancer:LoadBalancer", "a" * 60, r"a{24}-[0-9a-f]{7}"),
        ("aws:rds/parameterGroup:ParameterGroup", "MySQL", r"mysql-[0-9a-f]{7}"),
        ("aws:kms/alias:Alias", "data", r"alias/data-[0-9a-f]{7}"),
        ("aws:iam/role:Role", "Web", r"Web-[0-9a-f]{7}"),
    ],
)
def test_generated_names(type_token, name, pattern):
    (made,) = aws.autoname(type_token, name, {}, project="platform", stack="test").values()
    assert re.fullmatch(pattern, made)


def test_no_name_is_generated_where_one_is_given_or_none_is_had():
    where = {"project": "platform", "stack": "test"}
    assert aws.autoname("aws:iam/role:Role", "web", {"name": "mine"}, **where) == {}
    assert aws.autoname("aws:iam/role:Role", "web", {"namePrefix": "web-"}, **where) == {}
    assert aws.autoname("aws:ec2/vpc:Vpc", "web", {}, **where) == {}
    assert computed("aws:iam/role:Role", namePrefix="web-")["name"].startswith("web-")


@given(
    length=st.integers(4, 128),
    upper=st.booleans(),
    numeric=st.booleans(),
    special=st.sampled_from([None, "", "!-", "#"]),
    name=st.text("abc", min_size=1, max_size=5),
)
def test_a_password_has_the_length_and_the_characters_asked_for(length, upper, numeric, special, name):
    inputs = {
        "length": length,
        "upper": upper,
        "numeric": numeric,
        "special": special != "",
        "overrideSpecial": special,
    }
    result = computed("random:index/randomPassword:RandomPassword", name, **inputs)["result"]
    assert len(result) == length
    assert any(c.islower() for c in result)
    assert any(c.isupper() for c in result) == upper
    assert any(c.isdigit() for c in result) == numeric
    others = {c for c in result if not c.isalnum()}
    assert bool(others) == (special != "")
    assert others <= set(special or "!@#$%&*()-_=+[]{}<>:?")


def test_a_password_is_another_one_with_other_keepers():
    password = "random:index/randomPassword:RandomPassword"
    made = {
        computed(password, length=32, keepers=keepers)["result"]
        for keepers in (None, {"n": "1"}, {"n": "2"}, {"n": "1"})
    }
    assert len(made) == 3


def test_random_values():
    made = computed("random:index/randomId:RandomId", byteLength=4)
    assert re.fullmatch(r"[0-9a-f]{8}", made["hex"])
    assert int(made["hex"], 16) == int(made["dec"])
    shuffled = computed("random:index/randomShuffle:RandomShuffle", inputs=["a", "b", "c"], resultCount=2)["results"]
    assert len(set(shuffled)) == 2
    assert 3 <= computed("random:index/randomInteger:RandomInteger", min=3, max=5)["result"] <= 5


def test_look_ups():
    def invoke(token, **args):
        return aws.invoke(f"aws:{token}", args, region="eu-west-1")

    assert invoke("index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    assert invoke("index/getRegion:getRegion")["region"] == "eu-west-1"
    assert invoke("index/getRegion:getRegion", region="us-east-1")["region"] == "us-east-1"
    assert invoke("index/getPartition:getPartition")["dnsSuffix"] == "amazonaws.com"
    zones = invoke("index/getAvailabilityZones:getAvailabilityZones")
    assert zones["names"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert zones["zoneIds"] == ["euw1-az1", "euw1-az2", "euw1-az3"]
    zone = invoke("route53/getZone:getZone", name="example.com.")
    assert (zone["name"], zone["zoneId"]) == ("example.com", zone["id"])
    assert len(zone["nameServers"]) == 4
    lists = invoke(
        "ec2/getManagedPrefixList:getManagedPrefixList", name="com.amazonaws.global.cloudfront.origin-facing"
    )
    assert re.fullmatch(r"pl-[0-9a-f]{8}", lists["id"])
    image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert re.fullmatch(r"ami-[0-9a-f]{17}", invoke("ssm/getParameter:getParameter", name=image)["value"])


def test_a_policy_document():
    statement = {
        "sid": "Read",
        "actions": ["s3:GetObject"],
        "resources": ["*"],
        "principals": [{"type": "AWS", "identifiers": ["b", "a"]}],
        "conditions": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]}],
    }
    made = aws.invoke("aws:iam/getPolicyDocument:getPolicyDocument", {"statements": [statement]}, region="eu-west-1")
    assert json.loads(made["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Sid": "Read",
                "Action": ["s3:GetObject"],
                "Resource": ["*"],
                "Principal": {"AWS": ["a", "b"]},
                "Condition": {"Bool": {"aws:SecureTransport": ["true"]}},
            }
        ],
    }


def test_an_unknown_look_up_fails_by_name():
    message = "the AWS stand-in has no answer for aws:ec2/getInstance:getInstance: add it to INVOKES in standin/aws.py"
    with pytest.raises(aws.UnknownFunction, match=re.escape(message)):
        aws.invoke("aws:ec2/getInstance:getInstance", {}, region="eu-west-1")


def test_a_look_up_of_what_exists_tells_what_is_elsewhere():
    asked = {"id": existing.subnet_id("private", "eu-west-1a"), "vpcId": existing.VPC_ID}
    found = aws.invoke("aws:ec2/getSubnet:getSubnet", asked, region="eu-west-1")
    assert (found["availabilityZone"], found["cidrBlock"]) == ("eu-west-1a", "10.64.8.0/24")
    for elsewhere in ({"availabilityZone": "eu-west-1b"}, {"vpcId": "vpc-00000000"}):
        with pytest.raises(existing.Missing, match="no matching EC2 Subnet found"):
            aws.invoke("aws:ec2/getSubnet:getSubnet", asked | elsewhere, region="eu-west-1")
    with pytest.raises(existing.Missing, match="finds nothing but by id"):
        aws.invoke("aws:ec2/getVpc:getVpc", {"default": True}, region="eu-west-1")


def test_where_the_routes_of_an_unknown_vpc_lead_is_unknown():
    def routes(subnet):
        return aws.invoke("aws:ec2/getRouteTable:getRouteTable", {"subnetId": subnet}, region="eu-west-1")["routes"]

    assert routes("subnet-0123456789abcdef0") is UNKNOWN
    assert routes("subnet-0aaaaaaaaaaaaaaaa") == [{"cidrBlock": "0.0.0.0/0", "gatewayId": existing.INTERNET_GATEWAY_ID}]
    assert routes("subnet-0ccccccccccccccca") == []
