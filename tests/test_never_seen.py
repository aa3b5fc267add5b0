"""What the provider never sees: mistakes that validate, plan and apply against a simulator, and that AWS refuses.

Each is planted where a user would make it, and refused there: by the settings, by a component or by a rule of the
policy pack. Its twin, the same without the mistake, is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks_provider
import pulumi_random as random
import pytest
from pydantic import ValidationError

from components.database import Database, DatabaseArgs
from components.edge import WafArgs
from components.loadbalancing import ApplicationLoadBalancer, HealthCheckArgs, NetworkLoadBalancer
from components.network import NetworkArgs
from components.storage import SecureBucket
from policy.evaluate import Finding
from preview.run import judge
from settings import SettingsError, parse
from tests.components.tiers import CERTIFICATE, logs, network, security
from tests.registered import run, stack_config

REGION = "eu-west-1"

# -- Settings: section, the keys with the mistake and without, and the path that the message names ---------------------

SETTINGS: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "one zone, in which no load balancer or database can be": (
        "network",
        {"zones": ["us-east-1a"]},
        {"zones": ["us-east-1a", "us-east-1b"]},
        "network.zones",
    ),
    "zones of another region": (
        "network",
        {"zones": ["us-west-2a", "us-west-2b"]},
        {"zones": ["us-east-1c", "us-east-1d"]},
        "network.zones",
    ),
    "an instance class that RDS doesn't offer": (
        "database",
        {"instance_class": "db.c5.large"},
        {"instance_class": "db.m7g.large"},
        "database.instance_class",
    ),
    "a MySQL version that doesn't fit the parameter group": (
        "database",
        {"engine_version": "8.0"},
        {"engine_version": "8.4.3"},
        "database.engine_version",
    ),
    "replicas without backups": (
        "database",
        {"replicas": {"reader": {}}, "backup_retention_days": 0},
        {"replicas": {"reader": {}}, "backup_retention_days": 1},
        "database.replicas",
    ),
    "storage autoscaling without room": (
        "database",
        {"allocated_storage_gib": 40, "max_allocated_storage_gib": 43},
        {"allocated_storage_gib": 40, "max_allocated_storage_gib": 44},
        "database.max_allocated_storage_gib",
    ),
    "an Auto Scaling group that is larger than itself": (
        "web",
        {"min_size": 3, "max_size": 2},
        {"min_size": 2, "max_size": 2},
        "web.max_size",
    ),
    "Redis in two zones with one node": (
        "cache",
        {"multi_az": True, "nodes": 1},
        {"multi_az": True, "nodes": 2},
        "cache.nodes",
    ),
    "Redis's snapshots during its maintenance": (
        "cache",
        {"snapshot_window": "02:00-03:00", "maintenance_window": "sun:02:30-sun:03:30"},
        {"snapshot_window": "02:00-03:00", "maintenance_window": "sun:03:00-sun:04:00"},
        "cache.snapshot_window",
    ),
    "a FIFO queue's deduplication in another": (
        "messaging",
        {"queues": {"orders": {"content_based_deduplication": True}}},
        {"queues": {"orders": {"content_based_deduplication": True, "fifo": True}}},
        "messaging.queues.orders.content_based_deduplication",
    ),
    "nodes of two processors": (
        "kubernetes",
        {"node_groups": {"general": {"instance_types": ["m7g.large", "m7i.large"]}}},
        {"node_groups": {"general": {"instance_types": ["m7g.large", "m6g.large"]}}},
        "kubernetes.node_groups.general.instance_types",
    ),
    "a backend that is larger than itself": (
        "backend",
        {"min_size": 3, "max_size": 2},
        {"min_size": 2, "max_size": 2},
        "backend.max_size",
    ),
    "a managed rule group that AWS doesn't have": (
        "edge",
        {"waf": {"managed_rule_groups": {"AWSManagedRulesOWASPRuleSet": "block"}}},
        {"waf": {"managed_rule_groups": {"AWSManagedRulesCommonRuleSet": "block"}}},
        "edge.waf.managed_rule_groups",
    ),
    "a rate limit below WAF's least": (
        "edge",
        {"waf": {"rate_limit": 9}},
        {"waf": {"rate_limit": 10}},
        "edge.waf.rate_limit",
    ),
}


def parsed(section: str, changes: dict[str, Any]) -> object:
    config = stack_config("dev")
    config[f"platform:{section}"] = {**config.get(f"platform:{section}", {}), **changes}
    return parse(config, "platform")


@pytest.mark.parametrize("mistake", SETTINGS)
def test_settings_refuse_it(mistake):
    section, wrong, _, path = SETTINGS[mistake]
    with pytest.raises(SettingsError) as refused:
        parsed(section, wrong)
    assert [problem for problem in refused.value.problems if problem.startswith(path)], refused.value.problems
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("mistake", SETTINGS)
def test_settings_accept_its_twin(mistake):
    section, _, right, _ = SETTINGS[mistake]
    assert parsed(section, right)


def test_more_tags_than_aws_takes_are_refused():
    config = stack_config("dev")
    config["aws:defaultTags"] = {"tags": {f"key{number}": "value" for number in range(41)}}
    with pytest.raises(SettingsError) as refused:
        parse(config, "platform")
    assert list(refused.value.problems) == ["tags"]
    del config["aws:defaultTags"]["tags"]["key0"]
    assert parse(config, "platform")


# -- Components: what makes it with the mistake and without, and what the message says ---------------------------------


def load_balancer(name: str) -> Callable[[], object]:
    return lambda: NetworkLoadBalancer(name, subnets=network().private, certificate_arn=CERTIFICATE, logs=logs())


def application_load_balancer(name: str) -> Callable[[], object]:
    return lambda: ApplicationLoadBalancer(
        name, subnets=network().private, clients="vpc", certificate_arn=CERTIFICATE, logs=logs()
    )


def bucket(name: str) -> Callable[[], object]:
    return lambda: SecureBucket(name, key=security().data, logs=logs())


def database(name: str) -> Callable[[], object]:
    def made() -> object:
        keys = security()
        return Database(name, subnets=network().isolated, key=keys.data, logs_key=keys.logs)

    return made


COMPONENTS: dict[str, tuple[Callable[[], object], Callable[[], object], str]] = {
    "a load balancer's name too long": (load_balancer("n" * 33), load_balancer("nlb"), "has 33 characters"),
    "a load balancer's name with an underscore": (
        application_load_balancer("my_alb"),
        application_load_balancer("my-alb"),
        "lower-case letters, digits and single hyphens",
    ),
    "a bucket's name in upper case": (bucket("Storage"), bucket("storage"), "lower-case letters"),
    "a database's name too long": (database("d" * 64), database("database"), "has 64 characters"),
    "a network of one zone": (
        lambda: NetworkArgs.model_validate({"zones": ["eu-west-1a"]}),
        lambda: NetworkArgs.model_validate({"zones": ["eu-west-1a", "eu-west-1b"]}),
        "at least 2 items",
    ),
    "a health check slower than its interval": (
        lambda: HealthCheckArgs(interval_seconds=10, timeout_seconds=10),
        lambda: HealthCheckArgs(interval_seconds=10, timeout_seconds=9),
        "must be below interval_seconds",
    ),
    "a rate limit above WAF's most": (
        lambda: WafArgs(rate_limit=2_000_000_001),
        lambda: WafArgs(rate_limit=2_000_000_000),
        "less than or equal to 2000000000",
    ),
    "more replicas than RDS for MySQL takes": (
        lambda: DatabaseArgs.model_validate({"replicas": {f"r{number}": {} for number in range(16)}}),
        lambda: DatabaseArgs.model_validate({"replicas": {f"r{number}": {} for number in range(15)}}),
        "at most 15 items",
    ),
}


@pytest.mark.parametrize("mistake", COMPONENTS)
def test_a_component_refuses_it(mistake):
    wrong, _, message = COMPONENTS[mistake]
    with pytest.raises((ValueError, ValidationError), match=message):
        run(wrong)


@pytest.mark.parametrize("mistake", COMPONENTS)
def test_a_component_accepts_its_twin(mistake):
    _, right, _ = COMPONENTS[mistake]
    run(right)


# -- The policy pack: rule, program, and the value with the mistake and without ----------------------------------------


def vpc() -> aws.ec2.Vpc:
    return aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")


def subnets(zones: str) -> list[pulumi.Output[str]]:
    """One in each of these zones, named by their letters."""
    home = vpc()
    return [
        aws.ec2.Subnet(
            f"subnet-{place}", vpc_id=home.id, cidr_block=f"10.0.{place}.0/24", availability_zone=f"{REGION}{zone}"
        ).id
        for place, zone in enumerate(zones)
    ]


def alb(zones: str) -> None:
    group = aws.ec2.SecurityGroup("group", vpc_id="vpc-1")
    aws.lb.LoadBalancer("alb", subnets=subnets(zones), security_groups=[group.id])


def alb_groups(groups: list[str] | None) -> None:
    aws.lb.LoadBalancer("alb", subnets=subnets("ab"), security_groups=groups)


def eks(zones: str) -> None:
    aws.eks.Cluster("cluster", role_arn="role", vpc_config={"subnet_ids": subnets(zones)})


def eks_version(version: str) -> None:
    aws.eks.Cluster("cluster", role_arn="role", vpc_config={"subnet_ids": subnets("ab")}, version=version)


def subnet_group(zones: str) -> None:
    aws.rds.SubnetGroup("group", subnet_ids=subnets(zones))


def mysql(**args: Any) -> aws.rds.Instance:
    return aws.rds.Instance(
        "db", **{"engine": "mysql", "engine_version": "8.4.3", "instance_class": "db.m7g.large"} | args
    )


def instance_class(name: str) -> None:
    mysql(instance_class=name)


def engine_version(version: str) -> None:
    mysql(engine_version=version)


def family(name: str) -> None:
    mysql(parameter_group_name=aws.rds.ParameterGroup("parameters", family=name).name)


def password(text: str) -> None:
    mysql(password=pulumi.Output.secret(text))


def generated(args: dict[str, Any]) -> None:
    mysql(password=random.RandomPassword("password", **{"length": 32} | args).result)


def replica(retention: int) -> None:
    source = mysql(backup_retention_period=retention)
    aws.rds.Instance("replica", instance_class="db.m7g.large", replicate_source_db=source.identifier)


def storage(most: int) -> None:
    mysql(allocated_storage=100, max_allocated_storage=most)


ALLOW: Any = {"allow": {}}
VISIBLE: Any = {"cloudwatch_metrics_enabled": True, "metric_name": "m", "sampled_requests_enabled": True}


def web_acl(*rules: Any) -> None:
    seen: Any = [{"visibility_config": VISIBLE, **found} for found in rules]
    aws.wafv2.WebAcl("acl", scope="REGIONAL", default_action=ALLOW, visibility_config=VISIBLE, rules=seen)


def rate_limit(limit: int) -> None:
    statement = {"rate_based_statement": {"limit": limit}}
    web_acl({"name": "rate", "priority": 1, "action": {"block": {}}, "statement": statement})


def rule_group(name: str) -> None:
    statement = {"managed_rule_group_statement": {"vendor_name": "AWS", "name": name}}
    web_acl({"name": "managed", "priority": 1, "override_action": {"none": {}}, "statement": statement})


def priorities(second: int) -> None:
    web_acl(
        *(
            {
                "name": f"rule-{priority}-{place}",
                "priority": priority,
                "action": {"block": {}},
                "statement": {"rate_based_statement": {"limit": 100}},
            }
            for place, priority in enumerate((1, second))
        )
    )


def distribution(*, origin: str = "alb", **args: Any) -> None:
    aws.cloudfront.Distribution(
        "cdn",
        enabled=True,
        origins=[{"origin_id": "alb", "domain_name": "alb.example.com"}],
        default_cache_behavior={
            "target_origin_id": origin,
            "viewer_protocol_policy": "https-only",
            "allowed_methods": ["GET", "HEAD"],
            "cached_methods": ["GET", "HEAD"],
        },
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        **{"viewer_certificate": {"cloudfront_default_certificate": True}} | args,
    )


def origin(name: str) -> None:
    distribution(origin=name)


def aliases(names: list[str]) -> None:
    distribution(aliases=names)


def certificate_region(region: str) -> None:
    certificate = aws.acm.Certificate("certificate", domain_name="www.example.com", region=region)
    distribution(
        aliases=["www.example.com"],
        viewer_certificate={"acm_certificate_arn": certificate.arn, "ssl_support_method": "sni-only"},
    )


def state_machine(start: str) -> None:
    definition = json.dumps({"StartAt": start, "States": {"Begin": {"Type": "Succeed"}}})
    aws.sfn.StateMachine("machine", role_arn="role", definition=definition)


def schedule(expression: str) -> None:
    aws.scheduler.Schedule(
        "schedule",
        schedule_expression=expression,
        flexible_time_window={"mode": "OFF"},
        target={"arn": "queue", "role_arn": "role"},
    )


def event_rule(expression: str) -> None:
    aws.cloudwatch.EventRule("rule", schedule_expression=expression)


def vault(name: str) -> None:
    aws.backup.Vault("vault", name="nightly")
    aws.backup.Plan("plan", rules=[{"rule_name": "nightly", "target_vault_name": name}])


def log_group(name: str) -> None:
    aws.cloudwatch.LogGroup("logs", name="/vpc/flow")
    arn = f"arn:aws:logs:{REGION}:123456789012:log-group:{name}"
    aws.ec2.FlowLog("flow", vpc_id=vpc().id, traffic_type="ALL", iam_role_arn="role", log_destination=arn)


def bucket_named(name: str) -> None:
    aws.s3.Bucket("bucket", bucket=name)


def role_named(name: str) -> None:
    aws.iam.Role("role", name=name, assume_role_policy="{}")


def alb_named(name: str) -> None:
    aws.lb.LoadBalancer("alb", name=name, subnets=subnets("ab"), security_groups=["sg-1"])


def tagged(count: int) -> None:
    aws.sqs.Queue("queue", tags={f"key{number}": "value" for number in range(count)})


def tag(key: str) -> None:
    aws.sqs.Queue("queue", tags={key: "value"})


def desired(size: int) -> None:
    aws.autoscaling.Group("group", min_size=1, max_size=2, desired_capacity=size, launch_configuration="lc-1")


def ports(last: int) -> None:
    group = aws.ec2.SecurityGroup("group", vpc_id="vpc-1")
    aws.vpc.SecurityGroupIngressRule(
        "rule", security_group_id=group.id, ip_protocol="tcp", from_port=443, to_port=last, cidr_ipv4="10.0.0.0/8"
    )


def protocol(name: str) -> None:
    group = aws.ec2.SecurityGroup("group", vpc_id="vpc-1")
    aws.vpc.SecurityGroupIngressRule(
        "rule", security_group_id=group.id, ip_protocol=name, from_port=443, to_port=443, cidr_ipv4="10.0.0.0/8"
    )


def redis(**args: Any) -> None:
    defaults: dict[str, Any] = {
        "description": "cache",
        "engine": "redis",
        "engine_version": "7.1",
        "transit_encryption_enabled": True,
    }
    aws.elasticache.ReplicationGroup("cache", **defaults | args)


def redis_nodes(nodes: int) -> None:
    redis(num_cache_clusters=nodes, automatic_failover_enabled=True)


def redis_zones(replicas: int) -> None:
    redis(num_node_groups=2, replicas_per_node_group=replicas, automatic_failover_enabled=True, multi_az_enabled=True)


def redis_tls(enabled: bool) -> None:
    redis(auth_token=pulumi.Output.secret("hunter2-hunter2-"), transit_encryption_enabled=enabled)


def redis_token(text: str) -> None:
    redis(auth_token=pulumi.Output.secret(text))


def redis_generated(args: dict[str, Any]) -> None:
    redis(auth_token=random.RandomPassword("token", **{"length": 32} | args).result)


def redis_version(version: str) -> None:
    redis(engine_version=version)


def redis_family(name: str) -> None:
    redis(parameter_group_name=aws.elasticache.ParameterGroup("parameters", family=name).name)


def redis_shards(enabled: str) -> None:
    setting: Any = {"name": "cluster-enabled", "value": enabled}
    parameters = aws.elasticache.ParameterGroup("parameters", family="redis7", parameters=[setting])
    redis(parameter_group_name=parameters.name, num_node_groups=2, automatic_failover_enabled=True)


def redis_window(weekly: str) -> None:
    redis(snapshot_window="02:00-03:00", maintenance_window=weekly)


def redis_named(name: str) -> None:
    redis(replication_group_id=name)


def mysql_window(weekly: str) -> None:
    mysql(backup_window="23:30-00:30", maintenance_window=weekly)


def dead_letters(args: dict[str, Any]) -> None:
    """A standard queue whose dead letters go to the other one."""
    dead = aws.sqs.Queue("dead", **args)
    text = pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 5})
    aws.sqs.Queue("queue", name="queue", redrive_policy=text, message_retention_seconds=86_400)


def redrive_count(count: int) -> None:
    dead = aws.sqs.Queue("dead", name="dead")
    queue = aws.sqs.Queue("queue", name="queue")
    arn = f"arn:aws:sqs:{REGION}:123456789012:dead"
    aws.sqs.RedrivePolicy(
        "redrive",
        queue_url=queue.url,
        redrive_policy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count}),
        opts=pulumi.ResourceOptions(depends_on=[dead]),
    )


def redrive_allowed(permission: str) -> None:
    dead = aws.sqs.Queue("dead", name="dead", redrive_allow_policy=json.dumps({"redrivePermission": permission}))
    text = pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 5})
    aws.sqs.Queue("queue", name="queue", redrive_policy=text)


def message_size(most: int) -> None:
    aws.sqs.Queue("queue", name="queue", max_message_size=most)


def repository_named(name: str) -> None:
    aws.ecr.Repository("repository", name=name)


def lifecycle(*rules: Any) -> None:
    repository = aws.ecr.Repository("repository", name="web")
    aws.ecr.LifecyclePolicy("lifecycle", repository=repository.name, policy=json.dumps({"rules": list(rules)}))


def expire(priority: int, status: str, **selection: Any) -> dict[str, Any]:
    chosen = {"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": 5, **selection}
    return {"rulePriority": priority, "selection": chosen, "action": {"type": "expire"}}


def last_priority(priority: int) -> None:
    lifecycle(expire(2, "untagged"), expire(priority, "any"))


def tagged_images(selection: dict[str, Any]) -> None:
    lifecycle(expire(1, "tagged", **selection))


def node_group(**args: Any) -> None:
    sizes: Any = {"min_size": 1, "desired_size": 1, "max_size": 2}
    aws.eks.NodeGroup(
        "nodes", cluster_name="cluster", node_role_arn="role", subnet_ids=subnets("ab"), scaling_config=sizes, **args
    )


def instance_types(kinds: list[str]) -> None:
    node_group(instance_types=kinds)


def ami_type(name: str) -> None:
    node_group(instance_types=["m7g.large"], ami_type=name)


def old_image(version: str) -> None:
    node_group(ami_type="AL2_x86_64", version=version)


def templated(args: dict[str, Any]) -> None:
    template = aws.ec2.LaunchTemplate("nodes")
    node_group(launch_template={"id": template.id, "version": "1"}, **args)


def templated_instance(args: dict[str, Any]) -> None:
    template = aws.ec2.LaunchTemplate("nodes", instance_type="m7i.large")
    node_group(launch_template={"id": template.id, "version": "1"}, **args)


def access_group(name: str) -> None:
    aws.eks.AccessEntry("entry", cluster_name="cluster", principal_arn="role", kubernetes_groups=[name])


def pod_role(service: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    role = aws.iam.Role("pod", assume_role_policy=json.dumps({"Statement": [statement]}))
    aws.eks.PodIdentityAssociation(
        "pod", cluster_name="cluster", namespace="app", service_account="app", role_arn=role.arn
    )


def eks_component(zones: str) -> None:
    eks_provider.Cluster(
        "cluster",
        vpc_id="vpc-1",
        subnet_ids=subnets(zones),
        authentication_mode=eks_provider.AuthenticationMode.API,
        skip_default_node_group=True,
        use_default_vpc_cni=True,
        kube_proxy_addon_options={"enabled": False},
    )


BEANSTALK = "aws:elasticbeanstalk:environment"


def beanstalk(*settings: tuple[str, str, str], name: str = "backend") -> None:
    found: Any = [{"namespace": space, "name": option, "value": value} for space, option, value in settings]
    aws.elasticbeanstalk.Environment("backend", name=name, application="app", settings=found)


def beanstalk_named(name: str) -> None:
    beanstalk(name=name)


def twice(second: str) -> None:
    beanstalk((BEANSTALK, "ServiceRole", "one"), (BEANSTALK, second, "two"))


def shared_kind(kind: str) -> None:
    balancer = ("aws:elbv2:loadbalancer", "SharedLoadBalancer", "arn:aws:elasticloadbalancing:eu-west-1:1:alb")
    beanstalk((BEANSTALK, "LoadBalancerType", kind), (BEANSTALK, "LoadBalancerIsShared", "true"), balancer)


def listener_rule(named: str) -> None:
    beanstalk(
        (BEANSTALK, "LoadBalancerType", "application"),
        ("aws:elbv2:listener:443", "Rules", named),
        ("aws:elbv2:listenerrule:api", "PathPatterns", "/api/*"),
    )


def managed_updates(health: str) -> None:
    managed = "aws:elasticbeanstalk:managedactions"
    beanstalk(
        (managed, "ManagedActionsEnabled", "true"),
        (managed, "PreferredStartTime", "Sun:03:00"),
        (f"{managed}:platformupdate", "UpdateLevel", "minor"),
        (BEANSTALK, "ServiceRole", "role"),
        ("aws:elasticbeanstalk:healthreporting:system", "SystemType", health),
    )


def application_version(name: str) -> None:
    application = aws.elasticbeanstalk.Application("application", name="app")
    aws.elasticbeanstalk.ApplicationVersion(
        "version", name="one", application=application.name, bucket="bundles", key="one.zip"
    )
    aws.elasticbeanstalk.Environment("environment", name="backend", application=application.name, version=name)


def deployment(policy: str) -> None:
    beanstalk(("aws:elasticbeanstalk:command", "DeploymentPolicy", policy))


def beanstalk_sizes(least: str) -> None:
    beanstalk(("aws:autoscaling:asg", "MinSize", least), ("aws:autoscaling:asg", "MaxSize", "2"))


def addresses(*blocks: str) -> None:
    home = vpc()
    for place, block in enumerate(blocks):
        aws.ec2.Subnet(f"subnet-{place}", vpc_id=home.id, cidr_block=block)


def second_block(block: str) -> None:
    addresses("10.0.0.0/24", block)


def emr_cluster(**args: Any) -> None:
    aws.emr.Cluster(
        "cluster", **{"release_label": "emr-7.13.0", "service_role": "emr", "applications": ["Spark"]} | args
    )


def emr_release(label: str) -> None:
    emr_cluster(release_label=label)


def emr_applications(names: list[str]) -> None:
    emr_cluster(applications=names)


def emr_groups(service: dict[str, str]) -> None:
    """In a private subnet."""
    groups = {"emr_managed_master_security_group": "sg-1", "emr_managed_slave_security_group": "sg-2", **service}
    emr_cluster(ec2_attributes={"instance_profile": "nodes", "subnet_id": subnets("a")[0], **groups})


def emr_fleets(**core: Any) -> None:
    types: Any = [{"instance_type": "m7g.xlarge"}]
    emr_cluster(
        master_instance_fleet={"target_on_demand_capacity": 1, "instance_type_configs": types},
        core_instance_fleet={"target_on_demand_capacity": 1, "instance_type_configs": types, **core},
    )


def emr_core(units: int) -> None:
    emr_fleets(target_on_demand_capacity=units)


def emr_types(names: list[str]) -> None:
    emr_fleets(instance_type_configs=[{"instance_type": name} for name in names])


def emr_primaries(count: int) -> None:
    emr_cluster(master_instance_group={"instance_type": "m7g.xlarge", "instance_count": count})


def emr_scaling(changes: dict[str, Any]) -> None:
    types: Any = [{"instance_type": "m7g.xlarge"}]
    fleet: Any = {"target_on_demand_capacity": 1, "instance_type_configs": types}
    cluster = aws.emr.Cluster("cluster", release_label="emr-7.13.0", service_role="emr", master_instance_fleet=fleet)
    limits: Any = {"unit_type": "InstanceFleetUnits", "minimum_capacity_units": 4, "maximum_capacity_units": 8}
    aws.emr.ManagedScalingPolicy("scaling", cluster_id=cluster.id, compute_limits=[limits | changes])


def transient(**asked: Any) -> None:
    """A cluster that a state machine makes."""
    parameters = {"ReleaseLabel": "emr-7.13.0", "ServiceRole": "emr", "JobFlowRole": "nodes", **asked}
    states = {
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::elasticmapreduce:createCluster.sync",
            "Parameters": parameters,
            "End": True,
        }
    }
    definition = json.dumps({"StartAt": "Start", "States": states})
    aws.sfn.StateMachine("machine", role_arn="role", definition=definition)


def transient_release(label: str) -> None:
    transient(ReleaseLabel=label)


def transient_applications(names: list[str]) -> None:
    transient(Applications=[{"Name": name} for name in names])


def transient_primaries(units: int) -> None:
    fleet = {
        "InstanceFleetType": "MASTER",
        "TargetOnDemandCapacity": units,
        "InstanceTypeConfigs": [{"InstanceType": "m7g.xlarge"}],
    }
    transient(Instances={"InstanceFleets": [fleet]})


def transient_idle(seconds: int) -> None:
    transient(AutoTerminationPolicy={"IdleTimeout": seconds})


def wait(state: dict[str, Any]) -> None:
    states = {"Wait": {"Type": "Wait", "Seconds": 1, **state}, "Done": {"Type": "Succeed"}}
    aws.sfn.StateMachine("machine", role_arn="role", definition=json.dumps({"StartAt": "Wait", "States": states}))


def machine_trust(service: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    role = aws.iam.Role("role", assume_role_policy=json.dumps({"Statement": [statement]}))
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    aws.sfn.StateMachine("machine", role_arn=role.arn, definition=definition)


def time_zone(name: str) -> None:
    nightly(schedule_expression_timezone=name)


def flexible(window: dict[str, Any]) -> None:
    nightly(flexible_time_window={"mode": "FLEXIBLE", **window})


def nightly(**args: Any) -> None:
    defaults: Any = {
        "schedule_expression": "cron(0 3 * * ? *)",
        "flexible_time_window": {"mode": "OFF"},
        "target": {"arn": "queue", "role_arn": "role"},
    }
    aws.scheduler.Schedule("schedule", **defaults | args)


def fifo_topic(name: str) -> None:
    aws.sns.Topic("topic", name=name, fifo_topic=True)


def subscribed(endpoint: str) -> None:
    aws.sns.TopicSubscription("one", topic="arn:aws:sns:eu-west-1:123456789012:a", protocol="https", endpoint=endpoint)


def fifo_subscribed(args: dict[str, Any]) -> None:
    topic = aws.sns.Topic("topic", **args)
    aws.sns.TopicSubscription("one", topic=topic.arn, protocol="email", endpoint="team@example.com")


def scan_limit(most: int) -> None:
    aws.athena.Workgroup("lake", configuration={"bytes_scanned_cutoff_per_query": most})


def catalog_named(name: str) -> None:
    aws.glue.CatalogDatabase("lake", name=name)


def crawls(expression: str) -> None:
    aws.glue.Crawler("raw", database_name="lake", role="crawler", schedule=expression)


def data_source(parameters: Any, id: str = "lake") -> None:
    aws.quicksight.DataSource("lake", data_source_id=id, type="ATHENA", parameters=parameters)


def data_source_named(id: str) -> None:
    data_source({"athena": {"work_group": "lake"}}, id)


def data_set(mode: str) -> None:
    tables: Any = [{"physical_table_map_id": "files", "s3_source": {"data_source_arn": "source"}}]
    aws.quicksight.DataSet("files", data_set_id="files", import_mode=mode, physical_table_maps=tables)


def edition(name: str) -> None:
    aws.quicksight.AccountSubscription(
        "account", account_name="a", authentication_method="IAM_ONLY", edition=name, notification_email="a@example.com"
    )
    aws.quicksight.VpcConnection(
        "vpc", vpc_connection_id="vpc", role_arn="role", security_group_ids=["sg-1"], subnet_ids=subnets("ab")
    )


PROGRAMS: dict[str, tuple[str, Callable[[Any], None], Any, Any]] = {
    "an application load balancer with one subnet": ("enough-subnets", alb, "a", "ab"),
    "a load balancer with two subnets in a zone": ("subnets-in-zones", alb, "aa", "ab"),
    "an application load balancer without security group": ("load-balancer-security-group", alb_groups, None, ["sg-1"]),
    "a cluster with one subnet": ("enough-subnets", eks, "a", "ab"),
    "a cluster in one zone": ("subnets-in-zones", eks, "aa", "aab"),
    "a Kubernetes version with a patch release": ("cluster-version", eks_version, "1.33.1", "1.33"),
    "a Kubernetes version long gone": ("cluster-version", eks_version, "1.19", "1.33"),
    "a database's subnet group with one subnet": ("enough-subnets", subnet_group, "a", "ab"),
    "an instance class of EC2": ("database-class", instance_class, "m7g.large", "db.m7g.large"),
    "an instance class in a size it doesn't have": ("database-class", instance_class, "db.m7g.micro", "db.t4g.micro"),
    "a version that MySQL never had on RDS": ("database-engine-version", engine_version, "8.2.0", "8.4.3"),
    "a parameter group of another release": ("database-parameter-group", family, "mysql8.0", "mysql8.4"),
    "a parameter group of another engine": ("database-parameter-group", family, "postgres17", "mysql8.4"),
    "a password too short": ("database-password", password, "hunter2", "hunter2-hunter2"),
    "a password with an @": ("database-password", password, "hunter2@hunter2", "hunter2-hunter2"),
    "a generated password that may have an @": ("database-password", generated, {}, {"override_special": "!#-_"}),
    "a generated password that may have one, and by luck has none": (
        "database-password",
        generated,
        {"length": 8},
        {"length": 8, "special": False},
    ),
    "a generated password too long": (
        "database-password",
        generated,
        {"length": 42, "special": False},
        {"length": 41, "special": False},
    ),
    "a replica of what keeps no backups": ("replica-source-backed-up", replica, 0, 1),
    "storage that can't grow": ("database-storage-growth", storage, 105, 110),
    "two rules of one priority": ("web-acl-priorities", priorities, 1, 2),
    "a misspelt managed rule group": (
        "web-acl-managed-groups",
        rule_group,
        "AWSManagedRulesSQLInjectionRuleSet",
        "AWSManagedRulesSQLiRuleSet",
    ),
    "a rate limit of nine": ("web-acl-rate-limits", rate_limit, 9, 10),
    "a behaviour without origin": ("distribution-origins", origin, "alb-1", "alb"),
    "aliases without certificate": ("distribution-certificate", aliases, ["www.example.com"], []),
    "a certificate in the stack's region": (
        "distribution-certificate-region",
        certificate_region,
        "eu-west-1",
        "us-east-1",
    ),
    "a state machine that starts nowhere": ("state-machine-states", state_machine, "Start", "Begin"),
    "cron as in Unix": ("schedule-expression", schedule, "cron(0 9 * * *)", "cron(0 9 * * ? *)"),
    "both days in cron": ("schedule-expression", event_rule, "cron(0 9 1 * MON *)", "cron(0 9 ? * MON *)"),
    "one hours": ("schedule-expression", event_rule, "rate(1 hours)", "rate(1 hour)"),
    "a backup vault that isn't there": ("backup-vault-there", vault, "nightli", "nightly"),
    "a log group that isn't there": ("flow-log-group-there", log_group, "/vpc/flows", "/vpc/flow"),
    "a bucket in upper case": ("bucket-name", bucket_named, "MyBucket", "my-bucket"),
    "a role's name too long": ("name-taken", role_named, "r" * 65, "r" * 64),
    "a load balancer's name too long": ("name-taken", alb_named, "a" * 33, "a" * 32),
    "fifty-one tags": ("tags-taken", tagged, 51, 50),
    "a tag of AWS's own": ("tags-taken", tag, "aws:owner", "owner"),
    "a desired size above the most": ("group-sizes", desired, 3, 2),
    "ports the wrong way round": ("port-range", ports, 80, 444),
    "ports of every protocol": ("port-range", protocol, "-1", "tcp"),
    "a subnet outside its VPC": ("subnet-addresses", second_block, "10.1.0.0/24", "10.0.1.0/24"),
    "two subnets with the same addresses": ("subnet-addresses", second_block, "10.0.0.128/25", "10.0.1.0/25"),
    "failover with one node": ("cache-nodes", redis_nodes, 1, 2),
    "shards in two zones without replicas": ("cache-nodes", redis_zones, 0, 1),
    "a token without TLS": ("cache-authentication-needs-tls", redis_tls, False, True),
    "a token with an @": ("cache-auth-token", redis_token, "hunter2@hunter2-", "hunter2-hunter2-"),
    "a token too short": ("cache-auth-token", redis_token, "hunter2", "hunter2-hunter2-"),
    "a generated token that may have an @": ("cache-auth-token", redis_generated, {}, {"special": False}),
    "a version of Redis with a patch release": ("cache-engine-version", redis_version, "7.1.0", "7.1"),
    "a parameter group of Redis before": ("cache-parameter-group", redis_family, "redis6.x", "redis7"),
    "a parameter group of Valkey": ("cache-parameter-group", redis_family, "valkey8", "redis7"),
    "shards with a parameter group for none": ("cache-parameter-group", redis_shards, "no", "yes"),
    "snapshots during maintenance": ("windows-apart", redis_window, "sun:02:30-sun:03:30", "sun:03:00-sun:04:00"),
    "maintenance of half an hour": ("windows-apart", redis_window, "sun:04:00-sun:04:30", "sun:04:00-sun:05:00"),
    "backups over midnight during maintenance": (
        "windows-apart",
        mysql_window,
        "mon:00:00-mon:01:00",
        "mon:00:30-mon:01:30",
    ),
    "a replication group's name too long": ("name-taken", redis_named, "c" * 41, "c" * 40),
    "a FIFO queue for a standard queue's dead letters": (
        "dead-letter-queue",
        dead_letters,
        {"name": "dead.fifo", "fifo_queue": True},
        {"name": "dead"},
    ),
    "dead letters that are gone before they are dead": (
        "dead-letter-queue",
        dead_letters,
        {"name": "dead", "message_retention_seconds": 3_600},
        {"name": "dead", "message_retention_seconds": 86_400},
    ),
    "dead letters after no attempt": ("dead-letter-queue", redrive_count, 0, 1),
    "a dead-letter queue that takes none": ("dead-letter-queue", redrive_allowed, "denyAll", "allowAll"),
    "a message larger than SQS takes": ("queue-limits", message_size, 1_048_577, 1_048_576),
    "a registry in upper case": ("name-taken", repository_named, "Web", "web"),
    "any image before others": ("lifecycle-policy-rules", last_priority, 1, 3),
    "tagged images of no tag": ("lifecycle-policy-rules", tagged_images, {}, {"tagPrefixList": ["v"]}),
    "instances of two processors": (
        "node-group-architecture",
        instance_types,
        ["m7i.large", "m7g.large"],
        ["m7i.large", "m6i.large"],
    ),
    "an image of another processor": (
        "node-group-architecture",
        ami_type,
        "AL2023_x86_64_STANDARD",
        "AL2023_ARM_64_STANDARD",
    ),
    "Amazon Linux 2 for a version without it": ("node-group-image", old_image, "1.33", "1.32"),
    "a disk beside a launch template": ("node-group-template", templated, {"disk_size": 20}, {}),
    "instance types beside a launch template's": (
        "node-group-template",
        templated_instance,
        {"instance_types": ["m7i.large"]},
        {},
    ),
    "an access entry for system:masters": ("access-entry-kind", access_group, "system:masters", "masters"),
    "a pod's role for instances": ("pod-identity-trust", pod_role, "ec2.amazonaws.com", "pods.eks.amazonaws.com"),
    "a component's cluster in one zone": ("subnets-in-zones", eks_component, "aa", "ab"),
    "an environment's name too short": ("name-taken", beanstalk_named, "api", "apis"),
    "an environment's name too long": ("name-taken", beanstalk_named, "b" * 41, "b" * 40),
    "an option set twice": ("environment-options-once", twice, "ServiceRole", "LoadBalancerType"),
    "a network load balancer shared": ("environment-balancer", shared_kind, "network", "application"),
    "a rule that isn't there": ("environment-balancer", listener_rule, "apis", "api"),
    "managed updates with basic health": ("environment-rollout", managed_updates, "basic", "enhanced"),
    "a version that isn't there": ("application-there", application_version, "two", "one"),
    "a deployment that Beanstalk doesn't know": ("environment-rollout", deployment, "BlueGreen", "Immutable"),
    "an environment larger than itself": ("environment-rollout", beanstalk_sizes, "3", "2"),
    "a release of EMR without emr-": ("emr-release", emr_release, "7.13.0", "emr-7.13.0"),
    "Presto and Trino on one cluster": ("emr-applications", emr_applications, ["Presto", "Trino"], ["Spark", "Trino"]),
    "a private cluster without service access": (
        "emr-security-groups",
        emr_groups,
        {},
        {"service_access_security_group": "sg-3"},
    ),
    "a core fleet of nothing": ("emr-fleets", emr_core, 0, 1),
    "an instance type twice in a fleet": (
        "emr-fleets",
        emr_types,
        ["m7g.xlarge", "m7g.xlarge"],
        ["m7g.xlarge", "m6g.xlarge"],
    ),
    "two primary nodes": ("emr-instance-groups", emr_primaries, 2, 3),
    "a cluster that scales to less than its least": (
        "emr-scaling",
        emr_scaling,
        {"maximum_capacity_units": 3},
        {"maximum_capacity_units": 4},
    ),
    "scaling that counts what isn't there": ("emr-scaling-unit", emr_scaling, {"unit_type": "Instances"}, {}),
    "a transient cluster of no release": ("emr-release", transient_release, "emr-7", "emr-7.13.0"),
    "Presto and Trino on a transient cluster": (
        "emr-applications",
        transient_applications,
        ["Presto", "Trino"],
        ["Hadoop", "Presto"],
    ),
    "a transient cluster of two primary nodes": ("emr-fleets", transient_primaries, 2, 1),
    "a transient cluster that idles for less than a minute": ("emr-scaling", transient_idle, 59, 60),
    "a state that goes nowhere": ("state-machine-paths", wait, {}, {"Next": "Done"}),
    "a state that nothing goes to": ("state-machine-paths", wait, {"End": True}, {"Next": "Done"}),
    "a state machine's role for instances": (
        "service-role-trust",
        machine_trust,
        "ec2.amazonaws.com",
        "states.amazonaws.com",
    ),
    "a time zone that isn't one": ("schedule-time-zone", time_zone, "Europe/Berlim", "Europe/Berlin"),
    "a flexible schedule without a window": ("schedule-limits", flexible, {}, {"maximum_window_in_minutes": 15}),
    "a FIFO topic's name": ("topic-kind", fifo_topic, "alarms", "alarms.fifo"),
    "a subscriber without https": ("subscription-endpoint", subscribed, "example.com/a", "https://example.com/a"),
    "mail from a FIFO topic": (
        "subscription-endpoint",
        fifo_subscribed,
        {"name": "alarms.fifo", "fifo_topic": True},
        {"name": "alarms"},
    ),
    "a scan limit below Athena's least": ("workgroup-limits", scan_limit, 9_999_999, 10_000_000),
    "a catalog database in upper case": ("name-taken", catalog_named, "Lake", "lake"),
    "a crawler by rate": ("schedule-expression", crawls, "rate(1 day)", "cron(0 3 * * ? *)"),
    "a data source of another type": (
        "data-source-parameters",
        data_source,
        {"rds": {"database": "shop", "instance_id": "db"}},
        {"athena": {"work_group": "lake"}},
    ),
    "a data source's id with a dot": ("name-taken", data_source_named, "lake.daily", "lake-daily"),
    "files that aren't imported": ("data-set-import", data_set, "DIRECT_QUERY", "SPICE"),
    "a VPC connection without Enterprise": ("quicksight-subscription", edition, "STANDARD", "ENTERPRISE"),
}


def findings(program: Callable[[Any], None], value: Any, *, unknown: bool) -> list[Finding]:
    return judge(run(lambda: program(value), unknown=unknown, region=REGION), REGION).findings


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
@pytest.mark.parametrize("mistake", PROGRAMS)
def test_a_rule_refuses_it(mistake, unknown):
    rule, program, wrong, _ = PROGRAMS[mistake]
    found = [finding for finding in findings(program, wrong, unknown=unknown) if finding.rule == rule]
    assert {(finding.verdict, finding.level) for finding in found} == {("fail", "mandatory")}


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
@pytest.mark.parametrize("mistake", PROGRAMS)
def test_the_rules_accept_its_twin(mistake, unknown):
    rule, program, _, right = PROGRAMS[mistake]
    found = findings(program, right, unknown=unknown)
    assert [finding.message for finding in found if finding.rule == rule or finding.family == "validity"] == []


def test_every_overlap_is_named():
    found = findings(lambda blocks: addresses(*blocks), ("10.0.0.0/17", "10.0.1.0/24", "10.0.100.0/24"), unknown=True)
    overlaps = [finding.message.split(": ")[1].split(".")[0] for finding in found if finding.rule == "subnet-addresses"]
    assert overlaps == [
        "ec2/subnet subnet-0 and ec2/subnet subnet-1 overlap",
        "ec2/subnet subnet-0 and ec2/subnet subnet-2 overlap",
    ]


def test_a_refused_password_is_not_said():
    found = findings(password, "hunter2@hunter2", unknown=False)
    assert "hunter2" not in str(found)


def test_there_are_as_many_as_the_provider_was_found_not_to_see():
    assert len(SETTINGS) + len(COMPONENTS) + len(PROGRAMS) >= 21
