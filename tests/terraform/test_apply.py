"""Terraform applies the export to a simulated AWS, which is then asked what stands there; nothing is left after it.

In CI a part of dev; with TERRAFORM_APPLY=whole (`make conformance-apply`) both stacks, with all that moto can hold.
"""

import json
import os
import re
from fnmatch import fnmatch
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from terraform import conformance, simulated
from tests.registered import ROOT, STACKS

PART: dict[str, dict[str, Any]] = {
    "tiers": {"web": False, "database": False, "analytics": False, "visualization": False},
    "edge": {"cdn": False},
    "load_balancing": {"classic": {}},
}
WHOLE = os.environ.get("TERRAFORM_APPLY") == "whole"
SCOPES = {"dev": None, "prod": None} if WHOLE else {"dev": PART}
TIERS = {"dev": "public", "prod": "private"}  # where the web tier stands


@pytest.fixture(scope="module", params=SCOPES)
def applied(request, terraform, tmp_path_factory):
    stack, sections = request.param, SCOPES[request.param]
    export = conformance.holdable(conformance.export(ROOT, stack, sections))
    root = conformance.root(export, tmp_path_factory.mktemp(stack), unprotected=True)
    region = export.region
    with simulated.server() as address:
        simulated.seed(export, address)
        done = conformance.apply(root, address)

        def ask(service, region=region):
            return simulated.client(service, address, region)

        yield SimpleNamespace(stack=stack, export=export, root=root, address=address, done=done, ask=ask)


def test_all_is_made_and_stays_as_it_is_but_what_the_list_says(applied):
    conformance.plan(applied.root, applied.address)
    again = conformance.changes(conformance.planned(applied.root))
    assert conformance.unexpected(applied.export, applied.done, again, whole=WHOLE) == []
    unmade = set(applied.export.addresses.values()) - applied.done.standing
    assert unmade == set(applied.done.failed)  # nothing else waits for them


# -- what is left out --------------------------------------------------------------------------------------------------


def one_id_for_two_databases(ask):
    rds = ask("rds")
    for name in ("one", "two"):
        rds.create_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t4g.medium", Engine="mysql")
    assert len({i["DbiResourceId"] for i in rds.describe_db_instances()["DBInstances"]}) == 1


def no_addons(ask):
    with pytest.raises(ClientError, match="404"):
        ask("eks").list_addons(clusterName="any")


def no_lifecycle_of_versions(ask):
    beanstalk = ask("elasticbeanstalk")
    beanstalk.create_application(ApplicationName="a")
    with pytest.raises((ClientError, ResponseParserError)):
        beanstalk.update_application_resource_lifecycle(
            ApplicationName="a",
            ResourceLifecycleConfig={"ServiceRole": "arn:aws:iam::123456789012:role/r"},
        )


def no_nodes_of_a_replication_group(ask):
    redis = ask("elasticache")
    redis.create_replication_group(ReplicationGroupId="r", ReplicationGroupDescription="r", NumCacheClusters=1)
    (group,) = redis.describe_replication_groups(ReplicationGroupId="r")["ReplicationGroups"]
    assert redis.describe_cache_clusters()["CacheClusters"] == [] != group["MemberClusters"]


def no_end_of_a_subnet_group(ask):
    redis, (subnet, *_) = ask("elasticache"), ask("ec2").describe_subnets()["Subnets"]
    redis.create_cache_subnet_group(
        CacheSubnetGroupName="s", CacheSubnetGroupDescription="s", SubnetIds=[subnet["SubnetId"]]
    )
    with pytest.raises((ClientError, ResponseParserError)):
        redis.delete_cache_subnet_group(CacheSubnetGroupName="s")


def no_objects_without_tls(ask):
    s3 = ask("s3")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"}
    s3.put_bucket_policy(Bucket="bucket", Policy=json.dumps({"Statement": [deny | {"Condition": plain}]}))
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket="bucket", Key="k", Body=b"")


def no_redrive_allow_policy(ask):
    sqs = ask("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    with pytest.raises(ClientError, match="InvalidAttributeName"):
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedriveAllowPolicy"])


def no_grafana(ask):
    with pytest.raises((ClientError, ResponseParserError)):
        ask("grafana").list_workspaces()


def no_composite_alarm(ask):
    with pytest.raises((ClientError, ResponseParserError)):
        ask("cloudwatch").put_composite_alarm(AlarmName="a", AlarmRule='ALARM("b")')


STILL = {
    "aws_cloudwatch_composite_alarm": no_composite_alarm,
    "aws_db_instance.database-analytics": one_id_for_two_databases,
    "aws_db_instance.database-reader": one_id_for_two_databases,
    "aws_eks_addon": no_addons,
    "aws_elastic_beanstalk_application": no_lifecycle_of_versions,
    "aws_elasticache_replication_group": no_nodes_of_a_replication_group,
    "aws_elasticache_subnet_group": no_end_of_a_subnet_group,
    "aws_grafana_workspace": no_grafana,
    "aws_s3_object": no_objects_without_tls,
    "aws_sqs_queue_redrive_allow_policy": no_redrive_allow_policy,
}


@pytest.fixture(scope="module")
def empty(terraform):
    """Asks a simulated AWS that nothing was applied to."""
    with simulated.server() as address:
        yield lambda service: simulated.client(service, address, "eu-west-1")


@pytest.mark.parametrize("still", set(STILL.values()), ids=lambda still: still.__name__)
def test_moto_still_needs_what_is_left_out_for_it(empty, still):
    """Once it doesn't, the resource needn't be left out."""
    still(empty)


def test_what_is_left_out_is_in_a_stack_and_has_its_reason_in_moto_or_in_another(terraform):
    there: dict[str, str] = {}
    for stack in STACKS:
        for kind, bodies in conformance.export(ROOT, stack).files["main.tf.json"]["resource"].items():
            there |= {f"{kind}.{name}": json.dumps(body) for name, body in bodies.items()}
    left_out = conformance.listed("not-simulated")["left_out"]
    assert set(STILL) <= set(left_out)
    for entry in left_out:
        bodies = [body for address, body in there.items() if entry in (address, address.split(".")[0])]
        others = [other for other in left_out if other != entry]
        assert bodies
        assert entry in STILL or all(re.search(rf"\b({'|'.join(others)})\.", body) for body in bodies), entry


# -- what stands there -------------------------------------------------------------------------------------------------


def subnets(applied):
    """Subnet id -> its tier, by its name."""
    described = applied.ask("ec2").describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["platform-*"]}])["Subnets"]
    names = {s["SubnetId"]: next(t["Value"] for t in s["Tags"] if t["Key"] == "Name") for s in described}
    return {subnet: name.split("-")[3] for subnet, name in names.items()}


def test_only_public_subnets_have_a_route_to_the_internet_gateway(applied):
    tables = applied.ask("ec2").describe_route_tables()["RouteTables"]
    ways: dict[str, set[str]] = {}
    for table in tables:
        for association in table["Associations"]:
            if association.get("SubnetId") in subnets(applied):
                tier = subnets(applied)[association["SubnetId"]]
                ways.setdefault(tier, set()).update(
                    "internet" if route.get("GatewayId", "").startswith("igw-") else "nat"
                    for route in table["Routes"]
                    if route.get("DestinationCidrBlock") == "0.0.0.0/0"
                )
    assert ways == {"public": {"internet"}, "private": {"nat"}, "isolated": set()}


def test_where_the_load_balancers_stand(applied):
    balancers = applied.ask("elbv2").describe_load_balancers()["LoadBalancers"]
    standing = {
        b["Type"]: (
            b.get("Scheme", "internet-facing"),
            {subnets(applied)[zone["SubnetId"]] for zone in b["AvailabilityZones"]},
        )
        for b in balancers
    }
    internal = applied.export.files["main.tf.json"]["resource"]["aws_lb"]["alb"]["internal"]
    application = ("internal", {"private"}) if internal else ("internet-facing", {"public"})
    assert standing == {"application": application, "network": ("internal", {"private"})}


def test_the_world_reaches_https_alone_and_what_redirects_to_it(applied):
    open_ports = {
        rule["FromPort"]
        for group in applied.ask("ec2").describe_security_groups()["SecurityGroups"]
        for rule in group["IpPermissions"]
        if any(range_["CidrIp"] == "0.0.0.0/0" for range_ in rule["IpRanges"])
    }
    behind_cloudfront = "aws_cloudfront_distribution" in applied.export.files["main.tf.json"]["resource"]
    assert open_ports == (set() if behind_cloudfront else {80, 443})
    elb = applied.ask("elbv2")
    listeners = [
        listener
        for balancer in elb.describe_load_balancers()["LoadBalancers"]
        for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    ]
    plain = [listener for listener in listeners if listener["Protocol"] not in ("HTTPS", "TLS")]
    assert [listener["DefaultActions"][0]["Type"] for listener in plain] == ["redirect"] * (not behind_cloudfront)
    assert len(listeners) > len(plain)


def test_the_default_security_group_admits_nothing(applied):
    ec2 = applied.ask("ec2")
    (vpc,) = {s["VpcId"] for s in ec2.describe_subnets(SubnetIds=list(subnets(applied)))["Subnets"]}
    (default,) = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])


def keys(applied, region):
    """ARN -> alias of each key."""
    kms = applied.ask("kms", region)
    aliases = {a["TargetKeyId"]: a["AliasName"] for a in kms.list_aliases()["Aliases"] if "TargetKeyId" in a}
    return {k["KeyArn"]: aliases.get(k["KeyId"]) for k in kms.list_keys()["Keys"]}


def test_what_is_encrypted_by_which_key(applied):
    stack = applied.stack
    aliases = keys(applied, applied.export.region)
    groups = applied.ask("logs").describe_log_groups()["logGroups"]
    assert groups
    here = {aliases[g["kmsKeyId"]] for g in groups if g["kmsKeyId"] in aliases}
    # CloudFront's own logs lie in us-east-1, which is dev's region too, under a key of that region.
    assert here - {f"alias/platform-{stack}-edge-cdn-logs"} == {f"alias/platform-{stack}-security-logs"}
    s3 = applied.ask("s3")
    found = {}
    for bucket in s3.list_buckets()["Buckets"]:
        (rule,) = s3.get_bucket_encryption(Bucket=bucket["Name"])["ServerSideEncryptionConfiguration"]["Rules"]
        default = rule["ApplyServerSideEncryptionByDefault"]
        found[bucket["Name"].split("-")[2]] = aliases.get(default.get("KMSMasterKeyID"), default["SSEAlgorithm"])
        assert s3.get_bucket_versioning(Bucket=bucket["Name"])["Status"] == "Enabled"
        assert set(s3.get_public_access_block(Bucket=bucket["Name"])["PublicAccessBlockConfiguration"].values()) == {
            True
        }
    data = f"alias/platform-{stack}-security-data"
    assert found == {"logs": "AES256", "storage": data, "artifacts": data}
    secrets = applied.ask("secretsmanager").list_secrets()["SecretList"]
    assert {aliases[secret["KmsKeyId"]] for secret in secrets} == {data}


def test_policies_have_become_what_aws_reads(applied):
    """Account, partition and region are in them, and nothing of a template is left."""
    kms = applied.ask("kms")
    for arn, alias in keys(applied, applied.export.region).items():
        if alias and "platform" in alias:
            policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
            assert '"arn:aws:iam::123456789012:root"' in policy
            assert "${" not in policy


def test_tiers_stand_in_their_subnets(applied):
    resources = applied.export.files["main.tf.json"]["resource"]
    if "aws_db_instance" in resources:
        groups = applied.ask("rds").describe_db_subnet_groups()["DBSubnetGroups"]
        assert {subnets(applied)[s["SubnetIdentifier"]] for g in groups for s in g["Subnets"]} == {"isolated"}
        for instance in applied.ask("rds").describe_db_instances()["DBInstances"]:
            assert (instance["StorageEncrypted"], instance["PubliclyAccessible"]) == (True, False)
    if "aws_autoscaling_group" in resources:
        (group,) = applied.ask("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        tiers = {subnets(applied)[subnet] for subnet in group["VPCZoneIdentifier"].split(",")}
        assert tiers == {TIERS[applied.stack]}


def test_redis_and_mysql_admit_the_tiers_alone(applied):
    resources = applied.export.files["main.tf.json"]["resource"]
    groups = applied.ask("ec2").describe_security_groups()["SecurityGroups"]
    names = {
        group["GroupId"]: tag["Value"].removeprefix(f"platform-{applied.stack}-")
        for group in groups
        for tag in group.get("Tags", ())
        if tag["Key"] == "Name"
    }
    clients = {"backend", "kubernetes-nodes", "web"} & set(resources["aws_security_group"])
    servers = {"cache": 6379, "database": 3306} if "aws_db_instance" in resources else {"cache": 6379}
    found = {}
    for group in groups:
        server = names.get(group["GroupId"])
        if server in servers:
            assert [rule["IpRanges"] + rule["PrefixListIds"] for rule in group["IpPermissions"]] == [[]]
            found[server] = {
                (names[pair["GroupId"]], rule["FromPort"], rule["ToPort"])
                for rule in group["IpPermissions"]
                for pair in rule["UserIdGroupPairs"]
            }
    assert found == {server: {(client, port, port) for client in clients} for server, port in servers.items()}


def test_queues_are_encrypted_set_dead_letters_aside_and_refuse_plain_connections(applied):
    sqs, day = applied.ask("sqs"), 24 * 60 * 60
    found = {
        url.rpartition("/")[2]: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for url in sqs.list_queues()["QueueUrls"]
    }
    name = f"platform-{applied.stack}-messaging-orders"
    dead_letters = f"{name}-dead-letters"
    assert {queue: int(a["MessageRetentionPeriod"]) for queue, a in found.items()} == {
        name: 4 * day,
        dead_letters: 14 * day,
    }
    assert json.loads(found[name]["RedrivePolicy"]) == {
        "deadLetterTargetArn": found[dead_letters]["QueueArn"],
        "maxReceiveCount": 5,
    }
    aliases = keys(applied, applied.export.region)
    for attributes in found.values():
        assert aliases[attributes["KmsMasterKeyId"]] == f"alias/platform-{applied.stack}-security-data"
        (deny,) = json.loads(attributes["Policy"])["Statement"]
        assert (deny["Effect"], deny["Principal"], deny["Resource"]) == ("Deny", "*", attributes["QueueArn"])
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_images_are_pulled_by_the_nodes_alone_and_pushed_by_nobody_yet(applied):
    ecr = applied.ask("ecr")
    (repository,) = ecr.describe_repositories()["repositories"]
    name = repository["repositoryName"]
    assert name == f"platform-{applied.stack}-registry/services"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    encryption = repository["encryptionConfiguration"]
    alias = keys(applied, applied.export.region)[encryption["kmsKey"]]
    assert (encryption["encryptionType"], alias) == ("KMS", f"alias/platform-{applied.stack}-security-data")
    policy = json.loads(ecr.get_repository_policy(repositoryName=name)["policyText"])
    node = applied.ask("iam").get_role(RoleName=f"platform-{applied.stack}-kubernetes-node")["Role"]["Arn"]
    services = "arn:aws:iam::123456789012:role/aws-service-role/*"
    assert {s["Sid"]: s["Condition"]["ArnNotLike"]["aws:PrincipalArn"] for s in policy["Statement"]} == {
        "DenyPull": [node, services],
        "DenyPush": [services],
    }
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]
    assert [(rule["rulePriority"], rule["selection"]["tagStatus"]) for rule in rules] == [(1, "untagged"), (2, "any")]


def test_the_cluster_is_private_and_its_role_and_identities_are_its_own(applied):
    eks, iam = applied.ask("eks"), applied.ask("iam")
    (name,) = eks.list_clusters()["clusters"]
    cluster = eks.describe_cluster(name=name)["cluster"]
    vpc = cluster["resourcesVpcConfig"]
    assert (vpc["endpointPrivateAccess"], vpc["endpointPublicAccess"]) == (True, False)
    assert {subnets(applied)[subnet] for subnet in vpc["subnetIds"]} == {"private"}
    (encryption,) = cluster["encryptionConfig"]
    alias = keys(applied, applied.export.region)[encryption["provider"]["keyArn"]]
    assert (encryption["resources"], alias) == (["secrets"], f"alias/platform-{applied.stack}-security-data")
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    issuer = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])["Url"]
    assert cluster["identity"]["oidc"]["issuer"].removeprefix("https://") == issuer.removeprefix("https://")
    role = iam.get_role(RoleName=cluster["roleArn"].rpartition("/")[2])["Role"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": cluster["arn"]}
    groups = eks.list_nodegroups(clusterName=name)["nodegroups"]
    assert len(groups) == len(applied.export.files["main.tf.json"]["resource"]["aws_eks_node_group"])
    for group in groups:
        described = eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
        assert {subnets(applied)[subnet] for subnet in described["subnets"]} == {"private"}
        assert described["nodeRole"].endswith(f":role/platform-{applied.stack}-kubernetes-node")


def test_what_roles_may_use_stands_there(applied):
    """Names in policies are composed before anything exists: here they meet what came of them."""
    iam = applied.ask("iam")
    standing = [
        *(f"arn:aws:s3:::{bucket['Name']}" for bucket in applied.ask("s3").list_buckets()["Buckets"]),
        *(secret["ARN"] for secret in applied.ask("secretsmanager").list_secrets()["SecretList"]),
        *(topic["TopicArn"] for topic in applied.ask("sns").list_topics()["Topics"]),
        *(group["arn"].removesuffix(":*") for group in applied.ask("logs").describe_log_groups()["logGroups"]),
        *(
            applied.ask("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            for url in applied.ask("sqs").list_queues()["QueueUrls"]
        ),
    ]
    used = set()
    for role in iam.list_roles()["Roles"]:
        for policy in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                named = statement["Resource"]
                used |= {(role["RoleName"], arn) for arn in ([named] if isinstance(named, str) else named)}
    for role, arn in used:
        if arn != "*" and ":kms:" not in arn:
            within = [f"{there}{separator}" for there in standing for separator in "/:"]
            assert any(fnmatch(there, arn) for there in standing) or arn.startswith(tuple(within)), (role, arn)
    roles = applied.export.files["main.tf.json"]["resource"]["aws_iam_role"]
    clients = {"backend", "kubernetes-account-services", "web"} & set(roles)
    for service in ("sqs", "secretsmanager"):
        assert {role.rpartition("-")[0] for role, arn in used if f":{service}:" in arn} == clients


def test_zz_destroy_leaves_nothing(applied):
    """The last of this module."""
    assert conformance.destroy(applied.root, applied.address) == []
    assert applied.ask("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert applied.ask("s3").list_buckets()["Buckets"] == []
    assert subnets(applied) == {}
    assert applied.ask("logs").describe_log_groups()["logGroups"] == []
    assert applied.ask("eks").list_clusters()["clusters"] == []
    assert applied.ask("ecr").describe_repositories()["repositories"] == []
    assert "QueueUrls" not in applied.ask("sqs").list_queues()
