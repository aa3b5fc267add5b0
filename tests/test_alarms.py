"""Every alarm of the program: on a metric that AWS reports, of something that is there, and told once."""

import re
from collections import Counter
from typing import Any

import pytest

from standin.mocks import Recording, Registration
from tests.registered import measured, of, run_stack, stack_config

ALARM = "cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "cloudwatch/compositeAlarm:CompositeAlarm"

# Metrics and the dimensions that they are reported by, from the page of AWS's documentation that is named above each.
DOCUMENTED: dict[str, dict[str, str]] = {
    # Elastic Load Balancing, "CloudWatch metrics for your Application Load Balancer"
    "AWS/ApplicationELB": {
        "HTTPCode_ELB_5XX_Count": "LoadBalancer",
        "HTTPCode_Target_5XX_Count": "LoadBalancer",
        "RequestCount": "LoadBalancer",
        "TargetResponseTime": "LoadBalancer",
        "UnHealthyHostCount": "LoadBalancer TargetGroup",
    },
    # Elastic Load Balancing, "CloudWatch metrics for your Network Load Balancer"
    "AWS/NetworkELB": {
        "PortAllocationErrorCount": "LoadBalancer",
        "UnHealthyHostCount": "LoadBalancer TargetGroup",
    },
    # Elastic Load Balancing, "CloudWatch metrics for your Classic Load Balancer"
    "AWS/ELB": {"HTTPCode_ELB_5XX": "LoadBalancerName", "UnHealthyHostCount": "LoadBalancerName"},
    # Amazon EC2 Auto Scaling, "Amazon CloudWatch metrics for Amazon EC2 Auto Scaling"
    "AWS/AutoScaling": {"GroupInServiceInstances": "AutoScalingGroupName"},
    # Amazon EC2, "CloudWatch metrics that are available for your instances"
    "AWS/EC2": {"CPUUtilization": "AutoScalingGroupName"},
    # AWS Elastic Beanstalk, "Publishing Amazon CloudWatch custom metrics for an environment"
    "AWS/ElasticBeanstalk": {"EnvironmentHealth": "EnvironmentName"},
    # Amazon CloudWatch, "Amazon EKS and Kubernetes Container Insights with enhanced observability metrics"
    "ContainerInsights": {
        "cluster_failed_node_count": "ClusterName",
        "pod_container_status_waiting_reason_crash_loop_back_off": "ClusterName",
        "pod_status_failed": "ClusterName",
    },
    # Amazon RDS, "Amazon CloudWatch metrics for Amazon RDS"
    "AWS/RDS": {
        "CPUUtilization": "DBInstanceIdentifier",
        "DatabaseConnections": "DBInstanceIdentifier",
        "FreeStorageSpace": "DBInstanceIdentifier",
        "FreeableMemory": "DBInstanceIdentifier",
        "ReplicaLag": "DBInstanceIdentifier",
    },
    # Amazon ElastiCache, "Metrics for Valkey and Redis OSS"
    "AWS/ElastiCache": {
        "AuthenticationFailures": "CacheClusterId",
        "DatabaseMemoryUsagePercentage": "CacheClusterId",
        "EngineCPUUtilization": "CacheClusterId",
        "Evictions": "CacheClusterId",
        "ReplicationLag": "CacheClusterId",
    },
    # Amazon SQS, "Available CloudWatch metrics for Amazon SQS"
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage": "QueueName",
        "ApproximateNumberOfMessagesVisible": "QueueName",
    },
    # AWS WAF, "AWS WAF metrics and dimensions": Region for all but CloudFront's web ACLs
    "AWS/WAFV2": {"BlockedRequests": "Rule WebACL"},
    # AWS Certificate Manager, "Supported CloudWatch metrics"
    "AWS/CertificateManager": {"DaysToExpiry": "CertificateArn"},
    # Amazon CloudFront, "Types of metrics for CloudFront", "CloudWatch API reference": in us-east-1
    "AWS/CloudFront": {"5xxErrorRate": "DistributionId Region"},
    # Amazon Route 53, "Monitoring health checks using CloudWatch": in us-east-1
    "AWS/Route53": {"HealthCheckStatus": "HealthCheckId"},
    # AWS Step Functions, "Monitoring Step Functions metrics using Amazon CloudWatch"
    "AWS/States": {"ExecutionsAborted": "StateMachineArn", "ExecutionsTimedOut": "StateMachineArn"},
    # Amazon EventBridge Scheduler, "Monitoring Amazon EventBridge Scheduler with Amazon CloudWatch"
    "AWS/Scheduler": {"InvocationDroppedCount": "ScheduleGroup"},
    # Amazon EventBridge, "Monitoring Amazon EventBridge"
    "AWS/Events": {"FailedInvocations": "RuleName"},
    # AWS CodeBuild, "CodeBuild CloudWatch metrics"
    "AWS/CodeBuild": {"FailedBuilds": "ProjectName"},
    # Amazon QuickSight, "Monitoring data in Amazon QuickSight"
    "AWS/QuickSight": {"IngestionErrorCount": "DatasetId"},
}
# Whose output a dimension's value has to be.
OUTPUTS = {
    "AutoScalingGroupName": ("autoscaling/group:Group", "name"),
    "CertificateArn": ("acm/certificate:Certificate", "arn"),
    "ClusterName": ("eks/cluster:Cluster", "name"),
    "DBInstanceIdentifier": ("rds/instance:Instance", "identifier"),
    "DatasetId": ("quicksight/dataSet:DataSet", "dataSetId"),
    "DistributionId": ("cloudfront/distribution:Distribution", "id"),
    "EnvironmentName": ("elasticbeanstalk/environment:Environment", "name"),
    "HealthCheckId": ("route53/healthCheck:HealthCheck", "id"),
    "LoadBalancer": ("lb/loadBalancer:LoadBalancer", "arnSuffix"),
    "LoadBalancerName": ("elb/loadBalancer:LoadBalancer", "name"),
    "ProjectName": ("codebuild/project:Project", "name"),
    "QueueName": ("sqs/queue:Queue", "name"),
    "RuleName": ("cloudwatch/eventRule:EventRule", "name"),
    "ScheduleGroup": ("scheduler/scheduleGroup:ScheduleGroup", "name"),
    "StateMachineArn": ("sfn/stateMachine:StateMachine", "arn"),
    "TargetGroup": ("lb/targetGroup:TargetGroup", "arnSuffix"),
    "WebACL": ("wafv2/webAcl:WebAcl", "name"),
}
IN_US_EAST_1 = {"AWS/CloudFront", "AWS/Route53"}
PROGRAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "shards, a Classic load balancer, no CDN": (
        "prod",
        {
            "cache": {"nodes": None, "cluster_mode": {"shards": 2, "replicas_per_shard": 1}},
            "load_balancing": {"classic": {}},
            "edge": {"cdn": False},
        },
    ),
}


@pytest.fixture(scope="module", params=PROGRAMS)
def recording(request):
    stack, sections = PROGRAMS[request.param]
    return run_stack(stack, **sections)


def region(recording: Recording) -> str:
    """Where the stack is."""
    return str(stack_config(recording.stack)["aws:region"])


def nodes(recording: Recording) -> dict[str, Registration]:
    """Redis nodes, as ElastiCache names them."""
    found: dict[str, Registration] = {}
    for group in of(recording, "elasticache/replicationGroup:ReplicationGroup").values():
        shards, replicas = group.inputs.get("numNodeGroups"), group.inputs.get("replicasPerNodeGroup", 0)
        names = (
            [f"{shard:04}-{node:03}" for shard in range(1, shards + 1) for node in range(1, replicas + 2)]
            if shards
            else [f"{node:03}" for node in range(1, group.inputs["numCacheClusters"] + 1)]
        )
        found |= {f"{group.outputs['replicationGroupId']}-{name}": group for name in names}
    return found


def named(recording: Recording, dimension: str) -> dict[str, Registration]:
    """What there is, by the values that a dimension may have."""
    if dimension == "CacheClusterId":
        return nodes(recording)
    token, output = OUTPUTS[dimension]
    return {resource.outputs[output]: resource for resource in of(recording, token).values()}


def filtered(recording: Recording) -> set[tuple[str, str]]:
    """Namespaces and names of the metrics that are made from logs."""
    return {
        (made.inputs["metricTransformation"]["namespace"], made.inputs["metricTransformation"]["name"])
        for made in of(recording, "cloudwatch/logMetricFilter:LogMetricFilter").values()
    }


def test_every_metric_is_one_that_aws_reports_by_these_dimensions(recording):
    from_logs = filtered(recording)
    for name, alarm in of(recording, ALARM).items():
        seen = measured(alarm)
        for metric in seen["metrics"]:
            if (seen["namespace"], metric) in from_logs:
                assert not seen.get("dimensions"), name
                continue
            assert metric in DOCUMENTED[seen["namespace"]], name
            expected = set(DOCUMENTED[seen["namespace"]][metric].split())
            if seen["namespace"] == "AWS/WAFV2" and "region" not in alarm.inputs:
                expected |= {"Region"}
            assert set(seen["dimensions"]) == expected, name


def test_every_dimension_is_of_something_that_is_there(recording):
    for name, alarm in of(recording, ALARM).items():
        seen = measured(alarm)
        for dimension, value in (seen.get("dimensions") or {}).items():
            match seen["namespace"], dimension:
                case "AWS/WAFV2", "Rule":
                    assert value == "ALL", name
                case "AWS/WAFV2", "Region":
                    assert value == region(recording), name
                case "AWS/CloudFront", "Region":
                    assert value == "Global", name
                case _:
                    assert value in named(recording, dimension), f"{name}: no {dimension} {value}"


def test_every_alarm_is_in_the_region_of_its_metric(recording):
    for name, alarm in of(recording, ALARM).items():
        seen = measured(alarm)
        where = alarm.inputs.get("region", region(recording))
        if seen["namespace"] in IN_US_EAST_1:
            assert where == "us-east-1", name
            continue
        for dimension, value in (seen.get("dimensions") or {}).items():
            if dimension in OUTPUTS:
                assert where == named(recording, dimension)[value].inputs.get("region", region(recording)), name


def test_no_two_alarms_have_a_name(recording):
    names = [alarm.inputs["name"] for alarm in of(recording, ALARM).values()]
    names += [page.inputs["alarmName"] for page in of(recording, COMPOSITE).values()]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert max(map(len, names)) <= 255


def test_every_alarm_is_told_once_and_no_page_has_too_many(recording):
    """By the page of its tier, or by itself where each is a matter of its own."""
    pages = of(recording, COMPOSITE).values()
    parts = [re.findall(r'ALARM\("([^"]+)"\)', page.inputs["alarmRule"]) for page in pages]
    assert all(0 < len(of_page) <= 100 for of_page in parts)
    paged = Counter(part for of_page in parts for part in of_page)
    told = {
        name: paged[alarm.inputs["name"]] + len(alarm.inputs.get("alarmActions") or [])
        for name, alarm in of(recording, ALARM).items()
    }
    assert {name: times for name, times in told.items() if times != 1} == {}


def test_every_tier_has_alarms(recording):
    tiers = {r.urn: r.name for r in recording.registrations if not r.custom}
    watched = {tiers[alarm.parent] for alarm in of(recording, ALARM).values()}
    expected = {"alb", "nlb", "web", "edge", "backend", "kubernetes", "cache", "database", "messaging"}
    assert watched >= expected
