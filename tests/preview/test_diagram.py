"""What the diagram shows, and that it is a well-formed, deterministic SVG without a hard-coded program in it."""

import json
import random
from pathlib import Path
from xml.etree import ElementTree

import pulumi
import pulumi_aws as aws
import pytest

from preview.architecture import KINDS, Architecture, Edge, Node, build
from preview.diagram import CAPTION, Card, Layout, columns, labelled, shortened, width, wrapped
from preview.run import load_project
from standin.mocks import Registration, record, run_program

REPOSITORY = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def shop() -> None:
    """A shop with every kind of node and arrow."""
    vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
    key = aws.kms.Key("data")
    gateway = aws.ec2.InternetGateway("net", vpc_id=vpc.id)
    subnets = {}
    for tier, letter in (("front", "a"), ("front", "b"), ("app", "a"), ("store", "a"), ("store", "b")):
        name = f"{tier}-{letter}"
        subnet = subnets[name] = aws.ec2.Subnet(
            name, vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone=f"us-east-1{letter}"
        )
        table = aws.ec2.RouteTable(name, vpc_id=vpc.id)
        aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id)
        if tier == "front":
            aws.ec2.Route(name, route_table_id=table.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
        if tier == "app":
            nat = aws.ec2.NatGateway("nat", subnet_id=subnets["front-a"].id)
            aws.ec2.Route(name, route_table_id=table.id, destination_cidr_block="0.0.0.0/0", nat_gateway_id=nat.id)
    groups = {n: aws.ec2.SecurityGroup(n, vpc_id=vpc.id) for n in ("balancer", "app", "store")}
    for client, server, port in (("balancer", "app", 8080), ("app", "store", 3306)):
        aws.vpc.SecurityGroupIngressRule(
            f"{client}-{server}",
            security_group_id=groups[server].id,
            referenced_security_group_id=groups[client].id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
        )
    logs = aws.s3.Bucket("logs")
    balancer = aws.lb.LoadBalancer(
        "balancer",
        load_balancer_type="application",
        subnets=[subnets["front-a"].id, subnets["front-b"].id],
        security_groups=[groups["balancer"].id],
        access_logs={"bucket": logs.bucket, "enabled": True},
    )
    targets = aws.lb.TargetGroup("app", vpc_id=vpc.id, port=8080, protocol="HTTP")
    listener = aws.lb.Listener(
        "https",
        load_balancer_arn=balancer.arn,
        port=443,
        protocol="HTTPS",
        default_actions=[{"type": "fixed-response", "fixed_response": {"content_type": "text/plain"}}],
    )
    aws.lb.ListenerRule(
        "app",
        listener_arn=listener.arn,
        actions=[{"type": "forward", "target_group_arn": targets.arn}],
        conditions=[{"path_pattern": {"values": ["/*"]}}],
    )
    acl = aws.wafv2.WebAcl(
        "acl",
        scope="REGIONAL",
        default_action={"allow": {}},
        visibility_config={"cloudwatch_metrics_enabled": True, "metric_name": "acl", "sampled_requests_enabled": True},
    )
    aws.wafv2.WebAclAssociation("acl", web_acl_arn=acl.arn, resource_arn=balancer.arn)
    template = aws.ec2.LaunchTemplate("app", instance_type="m7g.large", vpc_security_group_ids=[groups["app"].id])
    aws.autoscaling.Group(
        "app",
        min_size=2,
        max_size=4,
        vpc_zone_identifiers=[subnets["app-a"].id],
        target_group_arns=[targets.arn],
        launch_template={"id": template.id},
    )
    subnet_group = aws.rds.SubnetGroup("store", subnet_ids=[subnets["store-a"].id, subnets["store-b"].id])
    primary = aws.rds.Instance(
        "primary",
        engine="mysql",
        instance_class="db.r7g.large",
        multi_az=True,
        kms_key_id=key.arn,
        storage_encrypted=True,
        db_subnet_group_name=subnet_group.name,
        vpc_security_group_ids=[groups["store"].id],
    )
    aws.rds.Instance(
        "replica",
        instance_class="db.r7g.large",
        replicate_source_db=primary.identifier,
        vpc_security_group_ids=[groups["store"].id],
    )
    zone = aws.route53.Zone("zone", name="example.com")
    distribution = aws.cloudfront.Distribution(
        "cdn",
        enabled=True,
        origins=[{"origin_id": "balancer", "domain_name": "origin.example.com"}],
        default_cache_behavior={
            "target_origin_id": "balancer",
            "viewer_protocol_policy": "https-only",
            "allowed_methods": ["GET", "HEAD"],
            "cached_methods": ["GET", "HEAD"],
        },
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        viewer_certificate={"cloudfront_default_certificate": True},
    )
    for name, target in (("example.com", distribution.domain_name), ("origin.example.com", balancer.dns_name)):
        aws.route53.Record(
            name,
            zone_id=zone.zone_id,
            name=name,
            type="A",
            aliases=[{"name": target, "zone_id": "Z1", "evaluate_target_health": False}],
        )
    aws.sqs.Queue("orders", kms_master_key_id=key.arn)


@pytest.fixture(scope="module")
def registrations() -> list[Registration]:
    return record(shop).registrations


@pytest.fixture(scope="module")
def architecture(registrations) -> Architecture:
    return build(registrations, "us-east-1")


def drawn(architecture: Architecture, title: str = "shop") -> str:
    layout = Layout()
    layout.send(architecture)
    return layout.svg(architecture, title)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  it is our own


def named(architecture: Architecture) -> dict[str, str]:
    """Ids to what the diagram calls them."""
    names = {n.id: f"{n.label} {', '.join(n.names)}" for n in architecture.nodes}
    return names | {b.id: f"[{b.label}]" for b in architecture.boxes}


def frames(root: ElementTree.Element, class_: str) -> list[list[float]]:
    """Left, top, width and height of the rectangles of a class."""
    found = [r for r in root.iter(f"{SVG}rect") if r.get("class") == class_]
    return [[float(r.get(k, "")) for k in ("x", "y", "width", "height")] for r in found]


def overlaps(given: list[list[float]]) -> list[tuple[list[float], list[float]]]:
    """Those that cover each other, of frames given by left, top, width and height."""
    return [
        (a, b)
        for number, a in enumerate(given)
        for b in given[number + 1 :]
        if a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
    ]


def arrows(architecture: Architecture, *kinds: str) -> set[tuple[str, str, str, str]]:
    names = named(architecture)
    return {
        (names[e.source], names[e.target], e.kind, e.label) for e in architecture.edges if e.kind in (kinds or KINDS)
    }


def test_nodes(architecture):
    assert {(n.label, *n.names): n.caption for n in architecture.nodes} == {
        ("Internet", "users"): [],
        ("Route 53", "zone"): ["example.com"],
        ("CloudFront", "cdn"): [],
        ("Application Load Balancer", "balancer"): ["internet-facing", "HTTPS 443"],
        ("WAF web ACL", "acl"): ["REGIONAL"],
        ("Auto Scaling group", "app"): ["2 to 4 m7g.large"],
        ("RDS MySQL", "primary"): ["db.r7g.large", "Multi-AZ", "encrypted"],
        ("RDS MySQL", "replica"): ["db.r7g.large", "read replica"],
        ("NAT gateway", "nat"): [],
        ("Internet gateway", "net"): [],
        ("S3 bucket", "logs"): [],
        ("SQS queue", "orders"): [],
        ("KMS key", "data"): [],
    }


def test_arrows(architecture):
    names = named(architecture)
    assert {(names[e.source], names[e.target], e.kind, e.label) for e in architecture.edges} == {
        ("Internet users", "Route 53 zone", "traffic", ""),
        ("Route 53 zone", "CloudFront cdn", "traffic", ""),
        ("CloudFront cdn", "Application Load Balancer balancer", "traffic", ""),
        ("Application Load Balancer balancer", "Auto Scaling group app", "traffic", "/* · 8080"),
        ("Auto Scaling group app", "RDS MySQL primary", "traffic", "3306"),
        ("RDS MySQL primary", "RDS MySQL replica", "replication", ""),
        ("WAF web ACL acl", "Application Load Balancer balancer", "guard", ""),
        ("Application Load Balancer balancer", "S3 bucket logs", "logs", ""),
        ("[us-east-1a]", "NAT gateway nat", "egress", ""),
        ("NAT gateway nat", "Internet gateway net", "egress", ""),
    }


def test_boxes(architecture):
    labels = {b.id: b.label for b in architecture.boxes}
    inside = {n.label: n.box and labels[n.box] for n in architecture.nodes}
    assert inside == {
        "Internet": None,
        "Route 53": "Edge",
        "CloudFront": "Edge",
        "Application Load Balancer": "Public subnets",
        "NAT gateway": "us-east-1a",
        "Auto Scaling group": "Private subnets",
        "RDS MySQL": "Isolated subnets",
        "Internet gateway": "VPC net",
        "WAF web ACL": "Region us-east-1",
        "S3 bucket": "Region us-east-1",
        "SQS queue": "Region us-east-1",
        "KMS key": "Region us-east-1",
    }
    assert {b.label: b.parent and labels[b.parent] for b in architecture.boxes if b.kind != "subnet"} == {
        "Region us-east-1": None,
        "Edge": None,
        "VPC net": "Region us-east-1",
        "Public subnets": "VPC net",
        "Private subnets": "VPC net",
        "Isolated subnets": "VPC net",
    }


def test_what_a_key_encrypts_bears_a_badge(architecture):
    assert {n.label: n.keys for n in architecture.nodes if n.keys} == {"RDS MySQL": ["data"], "SQS queue": ["data"]}


def test_traffic_goes_to_the_right(architecture):
    column, names = columns(architecture), named(architecture)
    flow = {names[i]: c for i, c in column.items() if i in names and names[i][0] != "["}
    assert {n: flow[n] for n in sorted(flow, key=lambda n: flow[n]) if "logs" not in n} == {
        "Internet users": 0,
        "Route 53 zone": 1,
        "CloudFront cdn": 2,
        "WAF web ACL acl": 3,
        "KMS key data": 3,
        "SQS queue orders": 3,
        "Application Load Balancer balancer": 4,
        "Internet gateway net": 4,
        "NAT gateway nat": 4,
        "Auto Scaling group app": 5,
        "RDS MySQL primary": 6,
        "RDS MySQL replica": 7,
    }


def test_svg_is_well_formed_and_accessible(architecture):
    root = parsed(drawn(architecture, "shop & <sons>"))
    assert (root.tag, root.get("role"), root.get("aria-labelledby")) == (f"{SVG}svg", "img", "title desc")
    assert root.findtext(f"{SVG}title") == "shop & <sons>"
    assert "Auto Scaling group app → RDS MySQL primary (traffic)." in root.findtext(f"{SVG}desc", "")
    nodes = {g.get("id", ""): g for g in root.iter(f"{SVG}g") if g.get("class") == "node"}
    assert nodes.keys() == {n.id for n in architecture.nodes}
    primary = next(g for i, g in nodes.items() if i.endswith("::primary"))
    assert primary.findtext(f"{SVG}title") == "aws:rds/instance:Instance primary; encrypted with data"
    assert [t.text for t in primary.iter(f"{SVG}text")] == [
        "RDS MySQL",
        "primary",
        "db.r7g.large · Multi-AZ · encrypted",
    ]
    arrows = [p for p in root.iter(f"{SVG}path") if (p.get("class") or "").startswith("edge")]
    legend = {t.text for g in root.iter(f"{SVG}g") if g.get("class") == "legend" for t in g.iter(f"{SVG}text")}
    kinds = {e.kind for e in architecture.edges}
    assert len(arrows) == len(architecture.edges) + len(kinds)
    assert {"traffic", "replication", "guarded by WAF", "logs", "Database", "Storage"} < legend
    assert not {"uses", "Analytics"} & legend
    tips = {p.findtext(f"{SVG}title") for p in arrows}
    assert "Auto Scaling group app → RDS MySQL primary: traffic on port 3306" in tips


def test_cards_dont_overlap_and_lie_in_the_picture(architecture):
    root = parsed(drawn(architecture))
    cards = frames(root, "card")
    assert len(cards) == len(architecture.nodes)
    for x, y, w, h in cards:
        assert x >= 0
        assert x + w <= float(root.get("width", ""))
        assert y + h <= float(root.get("height", ""))
    assert not overlaps(cards)


def test_the_order_of_registration_does_not_matter(registrations, architecture):
    shuffled = list(registrations)
    random.Random(7).shuffle(shuffled)  # noqa: S311
    assert drawn(build(shuffled, "us-east-1")) == drawn(architecture)


def test_a_type_that_no_table_knows_becomes_a_node():
    def program() -> None:
        bucket = aws.s3.Bucket("bucket")
        aws.glue.CatalogDatabase("tables", location_uri=bucket.id)
        aws.dynamodb.Table("carts", attributes=[], hash_key="id", billing_mode="PAY_PER_REQUEST")
        aws.s3.BucketVersioning("bucket", bucket=bucket.id, versioning_configuration={"status": "Enabled"})

    architecture = build(record(program).registrations, "us-east-1")
    names = named(architecture)
    assert sorted(names.values()) == [
        "DynamoDB table carts",
        "Glue catalog tables",
        "S3 bucket bucket",
        "[Region us-east-1]",
    ]
    assert [(names[e.source], names[e.target], e.kind) for e in architecture.edges] == [
        ("Glue catalog tables", "S3 bucket bucket", "data")
    ]
    bucket = next(n for n in architecture.nodes if n.label == "S3 bucket")
    assert bucket.caption == ["versioned"]
    assert bucket.tooltip == "aws:s3/bucket:Bucket bucket, with 1 that configures it"


def test_a_cluster_that_stays_is_a_node_of_its_own():
    def program() -> None:
        security = aws.emr.SecurityConfiguration("emr", configuration="{}")
        aws.emr.Cluster(
            "emr",
            release_label="emr-7.13.0",
            applications=["Spark"],
            service_role="role",
            security_configuration=security.name,
        )

    architecture = build(record(program).registrations, "us-east-1")
    assert sorted(named(architecture).values()) == ["EMR cluster emr", "[Region us-east-1]"]


def test_many_alike_become_one():
    def program() -> None:
        for number in range(5):
            aws.sqs.Queue(f"queue-{number}")
            aws.kms.Key(f"key-{number}")
        aws.sns.Topic("one")
        aws.sns.Topic("two")

    architecture = build(record(program).registrations, "us-east-1")
    assert sorted(named(architecture).values()) == [
        "5 KMS keys key-0, key-1, key-2, key-3, key-4",
        "5 SQS queues queue-0, queue-1, queue-2, queue-3, queue-4",
        "SNS topic one",
        "SNS topic two",
        "[Region us-east-1]",
    ]


def test_what_lies_in_another_region_is_drawn_there():
    def program() -> None:
        vpc = aws.ec2.Vpc("away", cidr_block="10.0.0.0/16", region="eu-west-1")
        aws.ec2.InternetGateway("away", vpc_id=vpc.id, region="eu-west-1")
        provider = aws.Provider("north", region="eu-north-1")
        aws.sqs.Queue("north", opts=pulumi.ResourceOptions(provider=provider))
        aws.sqs.Queue("home")

    architecture = build(record(program).registrations, "us-east-1")
    labels = {b.id: b.label for b in architecture.boxes}
    assert {f"{n.label} {n.names[0]}": labels[n.box or ""] for n in architecture.nodes} == {
        "Internet gateway away": "VPC away",
        "SQS queue north": "Region eu-north-1",
        "SQS queue home": "Region us-east-1",
    }
    assert {b.label: b.parent for b in architecture.boxes}["VPC away"] == "eu-west-1"


def test_names_are_escaped():
    def program() -> None:
        aws.sqs.Queue('<&">')

    svg = drawn(build(record(program).registrations, "us-east-1"))
    assert [t.text for t in parsed(svg).iter(f"{SVG}title")][-1] == 'aws:sqs/queue:Queue <&">'


def test_nothing_unknown_or_secret_reaches_a_caption():
    def program() -> None:
        aws.rds.Instance(
            "main",
            engine="mysql",
            instance_class=pulumi.Output.secret("db.canary"),
            username="admin",
            password=pulumi.Output.secret("canary"),
        )
        key = aws.kms.Key("key")
        aws.elasticache.ReplicationGroup("cache", description="x", engine="redis", node_type=key.arn)

    architecture = build(record(program, unknown=True).registrations, "us-east-1")
    assert {n.label: n.caption for n in architecture.nodes} == {"RDS MySQL": [], "ElastiCache Redis": [], "KMS key": []}
    assert "canary" not in drawn(architecture)


def test_an_empty_program_is_drawn():
    parsed(drawn(build([], "us-east-1")))


def test_a_queue_and_its_dead_letters_are_one():
    def program() -> None:
        dead = aws.sqs.Queue("dead")
        orders = aws.sqs.Queue("orders", redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn}))
        aws.sqs.RedriveAllowPolicy("orders", queue_url=dead.url, redrive_allow_policy=orders.arn)
        aws.sns.Topic("failures", policy=dead.arn)
        aws.dynamodb.Table("log", attributes=[], hash_key=orders.url, billing_mode="PAY_PER_REQUEST")

    for unknown in (False, True):
        architecture = build(record(program, unknown=unknown).registrations, "us-east-1")
        queue = next(n for n in architecture.nodes if n.label == "SQS queue")
        assert (queue.names, queue.caption) == (["orders"], ["dead letters set aside"])
        assert arrows(architecture) == {
            ("DynamoDB table log", "SQS queue orders", "uses", ""),
            ("SNS topic failures", "SQS queue orders", "uses", ""),
        }


def test_several_queues_are_one_card_with_what_they_have_in_common():
    def program() -> None:
        for name, fifo in (("orders", True), ("mails", None)):
            dead = aws.sqs.Queue(f"{name}-dead")
            policy = pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn})
            aws.sqs.Queue(name, fifo_queue=fifo, redrive_policy=policy)

    (queues,) = build(record(program).registrations, "us-east-1").nodes
    assert (queues.label, queues.names, queues.caption) == (
        "2 SQS queues",
        ["mails", "orders"],
        ["dead letters set aside"],
    )


def test_an_environment_behind_a_load_balancer_that_it_shares():
    def program() -> None:
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        subnet = aws.ec2.Subnet("app-a", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone="us-east-1a")
        groups = {n: aws.ec2.SecurityGroup(n, vpc_id=vpc.id) for n in ("balancer", "app", "other")}
        for client, server in (("balancer", "app"), ("balancer", "other")):
            aws.vpc.SecurityGroupIngressRule(
                f"{client}-{server}",
                security_group_id=groups[server].id,
                referenced_security_group_id=groups[client].id,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
            )
        balancer = aws.lb.LoadBalancer(
            "balancer", load_balancer_type="application", internal=True, security_groups=[groups["balancer"].id]
        )
        aws.elasticache.ReplicationGroup("other", description="x", security_group_ids=[groups["other"].id])
        bucket, queue = aws.s3.Bucket("bundles"), aws.sqs.Queue("orders")
        bundle = aws.s3.BucketObjectv2("bundle", bucket=bucket.id, key="bundle.zip")
        application = aws.elasticbeanstalk.Application("shop")
        version = aws.elasticbeanstalk.ApplicationVersion(
            "shop", application=application.name, bucket=bucket.id, key=bundle.key
        )
        settings: dict[str, pulumi.Input[str]] = {
            "MinSize": "2",
            "MaxSize": "4",
            "InstanceTypes": "m7g.large",
            "DisableIMDSv1": "true",
            "Subnets": subnet.id,
            "SecurityGroups": groups["app"].id,
            "SharedLoadBalancer": balancer.arn,
            "LoadBalancerGroups": groups["balancer"].id,
            "PathPatterns": "/api/*",
            "QUEUE": queue.url,
        }
        aws.elasticbeanstalk.Environment(
            "shop",
            application=application.name,
            version=version.name,
            settings=[{"namespace": "any", "name": n, "value": v} for n, v in settings.items()],
        )

    for unknown in (False, True):
        architecture = build(record(program, unknown=unknown).registrations, "us-east-1")
        environment = next(n for n in architecture.nodes if n.label == "Elastic Beanstalk")
        assert environment.caption == ["2 to 4 m7g.large", "IMDSv2"]
        assert {b.id: b.label for b in architecture.boxes}[environment.box or ""] == "Isolated subnets"
        # The load balancer's group, which it names too, isn't its own: it doesn't reach what that group reaches.
        assert arrows(architecture) == {
            ("Application Load Balancer balancer", "Elastic Beanstalk shop", "traffic", "/api/* · 443"),
            ("Application Load Balancer balancer", "ElastiCache other", "traffic", "443"),
            ("Elastic Beanstalk shop", "S3 bucket bundles", "uses", ""),
            ("Elastic Beanstalk shop", "SQS queue orders", "uses", ""),
        }


def cluster(*names: str) -> Architecture:
    """A cluster with node groups behind a load balancer and before a database; the first uses another port, too."""

    def program() -> None:
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        subnet = aws.ec2.Subnet("app-a", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone="us-east-1a")
        groups = {
            n: aws.ec2.SecurityGroup(n, vpc_id=vpc.id) for n in ("balancer", "control", "nodes", "store", "extra")
        }
        for client, server, port in (
            ("nodes", "control", 443),
            ("control", "nodes", 10250),
            ("nodes", "nodes", 53),
            ("nodes", "store", 3306),
            ("extra", "store", 33060),
        ):
            aws.vpc.SecurityGroupIngressRule(
                f"{client}-{server}",
                security_group_id=groups[server].id,
                referenced_security_group_id=groups[client].id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
            )
        aws.rds.Instance("store", instance_class="x", engine="mysql", vpc_security_group_ids=[groups["store"].id])
        balancer = aws.lb.LoadBalancer(
            "balancer", load_balancer_type="application", internal=True, security_groups=[groups["balancer"].id]
        )
        targets = aws.lb.TargetGroup("nodes", vpc_id=vpc.id, port=30443, protocol="HTTPS")
        aws.lb.Listener(
            "https",
            load_balancer_arn=balancer.arn,
            default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
        )
        eks = aws.eks.Cluster(
            "eks",
            role_arn=aws.iam.Role("eks", assume_role_policy="{}").arn,
            version="1.35",
            vpc_config={"subnet_ids": [subnet.id], "security_group_ids": [groups["control"].id]},
        )
        aws.eks.Addon("dns", cluster_name=eks.name, addon_name="coredns")
        pods = aws.iam.Role("pods", assume_role_policy="{}")
        aws.s3.Bucket("files", bucket="files")
        aws.iam.RolePolicy(
            "pods",
            role=pods.name,
            policy=json.dumps(
                {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::files/*"}]}
            ),
        )
        aws.eks.PodIdentityAssociation(
            "pods", cluster_name=eks.name, namespace="x", service_account="x", role_arn=pods.arn
        )
        for name in names:
            own = [groups["nodes"].id, *([groups["extra"].id] if name == names[0] else [])]
            template = aws.ec2.LaunchTemplate(name, network_interfaces=[{"security_groups": own}])
            group = aws.eks.NodeGroup(
                name,
                cluster_name=eks.name,
                node_role_arn=pods.arn,
                subnet_ids=[subnet.id],
                ami_type="BOTTLEROCKET_ARM_64",
                capacity_type="SPOT",
                instance_types=["m7g.large", "m6g.large"],
                launch_template={"id": template.id, "version": "1"},
                scaling_config={"min_size": 0, "max_size": 9, "desired_size": 0},
            )
            aws.autoscaling.Attachment(
                name,
                autoscaling_group_name=group.resources[0].autoscaling_groups[0].name,
                lb_target_group_arn=targets.arn,
            )

    return build(record(program, unknown=True).registrations, "us-east-1")


def test_a_cluster_and_its_node_groups_lie_in_a_box():
    architecture = cluster("one", "two")
    boxes = {b.id: b for b in architecture.boxes}
    inside = {(n.label, *n.names): boxes[n.box or ""].label for n in architecture.nodes}
    assert [n for n, box in inside.items() if box == "EKS cluster"] == [
        ("EKS control plane", "eks"),
        ("EKS node group", "one"),
        ("EKS node group", "two"),
    ]
    (box,) = (b for b in boxes.values() if b.label == "EKS cluster")
    assert (box.caption, boxes[box.parent or ""].label) == ("eks", "Isolated subnets")
    captions = {n.names[0]: n.caption for n in architecture.nodes if n.label.startswith("EKS")}
    assert captions["eks"] == ["Kubernetes 1.35", "private endpoint", "1 add-ons"]
    assert captions["one"] == ["0 to 9 m7g.large, m6g.large", "spot", "arm64"]


def test_what_all_node_groups_do_is_one_arrow_of_their_cluster():
    balancer, database = "Application Load Balancer balancer", "RDS MySQL store"
    # That nodes and control plane reach each other goes without saying; the box uses what anything in it does.
    assert arrows(cluster("one", "two")) == {
        (balancer, "[EKS cluster]", "traffic", ""),
        ("EKS node group one", database, "traffic", "3306, 33060"),
        ("EKS node group two", database, "traffic", "3306"),
        ("[EKS cluster]", "S3 bucket files", "uses", ""),
    }
    assert arrows(cluster("one")) == {
        (balancer, "EKS node group one", "traffic", ""),
        ("EKS node group one", database, "traffic", "3306, 33060"),
        ("[EKS cluster]", "S3 bucket files", "uses", ""),
    }


def test_arrows_to_a_box_end_at_its_border():
    architecture = cluster("one", "two")
    root = parsed(drawn(architecture))
    (path,) = (
        p.get("d", "")
        for p in root.iter(f"{SVG}path")
        if (p.findtext(f"{SVG}title") or "").startswith("Application Load Balancer balancer → EKS cluster eks")
    )
    tip = float(path.rpartition("L")[2].split(",")[0])
    (left,) = (
        float(next(g.iter(f"{SVG}rect")).get("x", ""))
        for g in root.iter(f"{SVG}g")
        if g.findtext(f"{SVG}title") == "EKS cluster eks"
    )
    assert tip == pytest.approx(left, abs=2)
    column, names = columns(architecture), named(architecture)
    assert len({c for i, c in column.items() if names.get(i, "").startswith("EKS")}) == 1


def document(**statement: object) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", **statement}]})


SECRET_ARN = "arn:aws:secretsmanager:us-east-1:1:secret:"


@pytest.mark.parametrize(
    ("policy", "used"),
    [
        (document(Resource="arn:aws:sqs:us-east-1:1:shop-orders"), {"SQS queue orders"}),
        (document(Resource="arn:aws:sqs:us-east-1:1:shop-order"), set()),
        (document(Resource="arn:aws:sqs:eu-west-1:1:shop-orders"), set()),
        (
            document(Resource=[f"{SECRET_ARN}token-*", "arn:aws:s3:::files/*"]),
            {"S3 bucket files", "Secrets Manager token"},
        ),
        (document(Resource=f"{SECRET_ARN}token"), set()),
        (document(Resource=["*", "arn:aws:s3:::*", "arn:aws:sqs:us-east-1:1:*", f"{SECRET_ARN}*"]), set()),
        (document(NotResource="arn:aws:sqs:us-east-1:1:shop-orders"), set()),
        (document(Effect="Deny", Resource="arn:aws:sqs:us-east-1:1:shop-orders"), set()),
        ("{", set()),
        ("secret", set()),
    ],
)
def test_the_policies_of_a_role_say_what_it_is_used_for(policy, used):
    def program() -> None:
        aws.sqs.Queue("orders", name="shop-orders")
        aws.secretsmanager.Secret("token", name_prefix="token-")
        aws.s3.Bucket("files", bucket="files")
        role = aws.iam.Role("app", assume_role_policy="{}")
        hidden = pulumi.Output.secret(document(Resource="arn:aws:s3:::files"))
        aws.iam.RolePolicy("app", role=role.name, policy=hidden if policy == "secret" else policy)
        profile = aws.iam.InstanceProfile("app", role=role.name)
        template = aws.ec2.LaunchTemplate("app", iam_instance_profile={"arn": profile.arn})
        aws.autoscaling.Group("app", min_size=1, max_size=1, launch_template={"id": template.id})

    for unknown in (False, True):
        architecture = build(record(program, unknown=unknown).registrations, "us-east-1")
        assert arrows(architecture) == {("Auto Scaling group app", name, "uses", "") for name in used}


APP = "arn:aws:iam::1:role/app"


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        (document(Principal={"AWS": APP}), True),
        (document(Principal={"AWS": [f"{APP}-too"]}), False),
        (document(Effect="Deny", Principal="*", Condition={"ArnNotLike": {"aws:PrincipalArn": [APP]}}), True),
        (document(Effect="Deny", Principal="*", Condition={"ArnLike": {"aws:PrincipalArn": [APP]}}), False),
        (document(Effect="Deny", Principal={"AWS": APP}), False),
    ],
)
def test_the_policy_of_a_resource_says_whose_roles_use_it(policy, named):
    def program() -> None:
        role = aws.iam.Role("app", name="app", assume_role_policy="{}")
        profile = aws.iam.InstanceProfile("app", role=role.name)
        template = aws.ec2.LaunchTemplate("app", iam_instance_profile={"arn": profile.arn})
        aws.autoscaling.Group("app", min_size=1, max_size=1, launch_template={"id": template.id})
        images = aws.ecr.Repository("images")
        aws.ecr.RepositoryPolicy("images", repository=images.name, policy=policy)

    found = arrows(build(record(program).registrations, "us-east-1"))
    assert found == ({("Auto Scaling group app", "ECR repository images", "uses", "")} if named else set())


def test_a_path_is_shown_beside_a_secret_header_and_not_if_it_is_secret():
    def program() -> None:
        balancer = aws.lb.LoadBalancer("balancer", load_balancer_type="application", internal=True)
        listener = aws.lb.Listener("https", load_balancer_arn=balancer.arn, default_actions=[])
        for name, path in (("open", "/open/*"), ("closed", pulumi.Output.secret("/canary/*"))):
            targets = aws.lb.TargetGroup(name)
            aws.lb.ListenerRule(
                name,
                listener_arn=listener.arn,
                actions=[{"type": "forward", "target_group_arn": targets.arn}],
                conditions=[
                    {"path_pattern": {"values": [path]}},
                    {"http_header": {"http_header_name": "x", "values": [pulumi.Output.secret("canary")]}},
                ],
            )
            aws.autoscaling.Group(name, min_size=1, max_size=1, target_group_arns=[targets.arn])

    architecture = build(record(program).registrations, "us-east-1")
    assert arrows(architecture) == {
        ("Application Load Balancer balancer", "Auto Scaling group open", "traffic", "/open/*"),
        ("Application Load Balancer balancer", "Auto Scaling group closed", "traffic", ""),
    }
    svg = drawn(architecture)
    assert "Auto Scaling group open: traffic to /open/*<" in svg
    assert "canary" not in svg


def test_who_reaches_the_primary_has_no_arrow_to_its_replica():
    def program() -> None:
        groups = [aws.ec2.SecurityGroup(n) for n in ("app", "store")]
        aws.vpc.SecurityGroupIngressRule(
            "store",
            security_group_id=groups[1].id,
            referenced_security_group_id=groups[0].id,
            ip_protocol="tcp",
            from_port=3306,
        )
        primary = aws.rds.Instance("primary", instance_class="x", vpc_security_group_ids=[groups[1].id])
        replica = aws.rds.Instance(
            "replica", instance_class="x", replicate_source_db=primary.identifier, vpc_security_group_ids=[groups[1].id]
        )
        template = aws.ec2.LaunchTemplate("app", user_data=replica.address, vpc_security_group_ids=[groups[0].id])
        aws.autoscaling.Group("app", min_size=1, max_size=1, launch_template={"id": template.id})

    assert arrows(build(record(program).registrations, "us-east-1")) == {
        ("Auto Scaling group app", "RDS primary", "traffic", "3306"),
        ("RDS primary", "RDS replica", "replication", ""),
    }


def test_tiers_stand_side_by_side():
    """What sends traffic to a tier from within it stands right of the tier before, and the others right of that."""

    def program() -> None:
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        gateway = aws.ec2.InternetGateway("net", vpc_id=vpc.id)
        subnets = {}
        for tier in ("front", "app"):
            subnet = subnets[tier] = aws.ec2.Subnet(f"{tier}-a", vpc_id=vpc.id, availability_zone="us-east-1a")
            table = aws.ec2.RouteTable(tier, vpc_id=vpc.id)
            aws.ec2.RouteTableAssociation(tier, subnet_id=subnet.id, route_table_id=table.id)
            if tier == "front":
                aws.ec2.Route(tier, route_table_id=table.id, gateway_id=gateway.id)
        targets = {n: aws.lb.TargetGroup(n) for n in ("outer", "inner", "api")}
        for name, tier, served in (("outer", "front", ("outer", "api")), ("inner", "app", ("inner",))):
            balancer = aws.lb.LoadBalancer(
                name, load_balancer_type="application", internal=tier == "app", subnets=[subnets[tier].id]
            )
            for target in served:
                aws.lb.Listener(
                    target,
                    load_balancer_arn=balancer.arn,
                    default_actions=[{"type": "forward", "target_group_arn": targets[target].arn}],
                )
        for name, groups in (("web", ("outer", "inner")), ("api", ("api",))):
            arns = [targets[g].arn for g in groups]
            aws.autoscaling.Group(
                name, min_size=1, max_size=1, vpc_zone_identifiers=[subnets["app"].id], target_group_arns=arns
            )

    architecture = build(record(program).registrations, "us-east-1")
    names = named(architecture)
    assert {names[i]: c for i, c in columns(architecture).items() if "Gateway" not in i and i in names} == {
        "Internet users": 0,
        "Application Load Balancer outer": 1,
        "Application Load Balancer inner": 2,
        "Auto Scaling group web": 3,
        "Auto Scaling group api": 3,
    }


def test_long_texts_of_cards_are_broken_or_told_by_their_owners():
    lines = wrapped(["0 to 20 m6i.large, m6a.large", "spot"], CAPTION, 100)
    assert lines == ["0 to 20 m6i.large,", "m6a.large · spot"]
    assert all(width(line, CAPTION) <= 100 for line in lines)
    names = [f"{owner}-with-a-name-too-long-for-a-card-{n}" for owner in ("cache", "database") for n in range(3)]
    pile = Node("id", "type", "6 log groups", names, "management", "log", count=6)
    assert Card(pile).names == ["cache, database"]
    assert Card(Node("id", "type", "Secrets", names[:2], "management", "log", count=2)).names == ["cache"]
    assert Card(Node("id", "type", "One", ["cache-one"], "management", "log")).names == ["cache-one"]
    assert Card(Node("id", "type", "2 Secrets Manager secrets", ["x"], "security", "lock", keys=["k"])).label == (
        "2 Secrets Manager secrets"
    )


def test_a_label_stands_on_its_arrow_beside_cards_labels_and_other_arrows():
    line = [(10.0 * step, 50.0) for step in range(41)]
    first, second, other = (
        Edge(source, "b", "traffic", label) for source, label in (("a", "443"), ("c", "443"), ("d", ""))
    )
    assert labelled({first: line}, []) == [("443", 200, 50)]
    assert labelled({first: line}, [(190, 40, 260, 60)]) == [("443", 160, 50)]
    assert labelled({first: line, second: line}, []) == [("443", 200, 50), ("443", 240, 50)]
    crossing = [(200.0, 10.0 * step) for step in range(11)]
    assert labelled({first: line, other: crossing}, []) == [("443", 220, 50)]
    assert labelled({other: line}, []) == []


STORES = ("logs", "storage")
PLATFORM = {
    "dev": {
        ("Elastic Beanstalk", "backend-shared-py313"): ("Private subnets", ["1 to 2 t4g.small", "IMDSv2"]),
        ("EKS control plane", "kubernetes"): ("EKS cluster", ["Kubernetes 1.35", "private endpoint", "6 add-ons"]),
        ("EKS node group", "kubernetes-general"): (
            "EKS cluster",
            ["1 to 4 t4g.large, t4g.xlarge, m6g.large", "spot", "arm64", "IMDSv2"],
        ),
        ("ElastiCache Redis", "cache"): ("Isolated subnets", ["1 x cache.t4g.small", "encrypted"]),
        ("ECR repository", "registry-services"): ("Region us-east-1", []),
        ("SQS queue", "messaging-orders"): ("Region us-east-1", ["dead letters set aside"]),
        **{
            ("S3 bucket", name): ("Region us-east-1", ["versioned"])
            for name in ("artifacts", "lake-raw", "lake-curated", "lake-results")
        },
    },
    "prod": {
        ("Elastic Beanstalk", "backend-shared-py313"): ("Private subnets", ["3 to 9 m7g.large", "IMDSv2"]),
        ("EKS control plane", "kubernetes"): ("EKS cluster", ["Kubernetes 1.35", "private endpoint", "6 add-ons"]),
        ("EKS node group", "kubernetes-batch"): (
            "EKS cluster",
            ["0 to 20 m6i.large, m6a.large, m7i.large", "spot", "x86_64", "IMDSv2"],
        ),
        ("EKS node group", "kubernetes-general"): (
            "EKS cluster",
            ["3 to 12 m7g.large", "on demand", "arm64", "IMDSv2"],
        ),
        ("ElastiCache Redis", "cache"): ("Isolated subnets", ["3 x cache.r7g.large", "Multi-AZ", "encrypted"]),
        ("ECR repository", "registry-services"): ("Region eu-west-1", []),
        ("SQS queue", "messaging-orders"): ("Region eu-west-1", ["dead letters set aside"]),
        **{
            ("S3 bucket", name): ("Region eu-west-1", ["versioned"])
            for name in ("artifacts", "lake-raw", "lake-curated", "lake-results")
        },
    },
}


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("unknown", [False, True])
def test_the_platform(stack, unknown):
    """The way of a request can be followed through the real program's diagram, known values or not."""
    project = load_project(REPOSITORY, stack)
    recording = run_program(project.directory, stack, project.config, project=project.name, unknown=unknown)
    architecture = build(recording.registrations, project.region)
    boxes = {b.id: b.label for b in architecture.boxes}
    nodes = {(n.label, *n.names): (boxes.get(n.box or ""), n.caption) for n in architecture.nodes}
    assert {n: nodes[n] for n in nodes if n[0] in {label for label, *_ in PLATFORM[stack]} and n[1] not in STORES} == (
        PLATFORM[stack]
    )
    domain = {"dev": "dev.example.com", "prod": "www.example.com"}[stack]
    beanstalk = next(f"{label} {name}" for label, name in PLATFORM[stack] if label == "Elastic Beanstalk")
    web, nodes_of_eks = "Auto Scaling group web", {"dev": "EKS node group kubernetes-general", "prod": "[EKS cluster]"}
    clients = (web, beanstalk, nodes_of_eks[stack])
    balancer = "Application Load Balancer alb"
    emr, state_machine = "EMR, a cluster each run analytics", "Step Functions state machine analytics"
    repository, pipeline = "CodeCommit repository delivery", "CodePipeline delivery"
    builds = {
        (repository, "CodeBuild delivery-check", "traffic", ""),
        (repository, pipeline, "traffic", ""),
        *((pipeline, f"CodeBuild delivery-{environment}", "traffic", "") for environment in ("dev", "prod")),
    }
    assert arrows(architecture, "traffic", "guard") - (builds if stack == "prod" else set()) == {
        ("Internet users", f"Route 53 {domain}", "traffic", ""),
        (f"Route 53 {domain}", "CloudFront edge-cdn", "traffic", ""),
        ("WAF web ACL edge-cdn", "CloudFront edge-cdn", "guard", ""),
        ("CloudFront edge-cdn", balancer, "traffic", ""),
        ("WAF web ACL edge-alb", balancer, "guard", ""),
        (balancer, web, "traffic", "443"),
        (balancer, beanstalk, "traffic", "/api/* · 443"),
        (balancer, nodes_of_eks[stack], "traffic", "/services/* · 30443"),
        ("Network Load Balancer nlb", web, "traffic", "443"),
        *((client, "ElastiCache Redis cache", "traffic", "6379") for client in clients),
        *((client, "RDS MySQL database-primary", "traffic", "3306") for client in (*clients, emr)),
    }
    used = {a[:2] for a in arrows(architecture, "uses")}
    users = (web, beanstalk, "[EKS cluster]")
    assert {a for a in used if a[0] in users} == {
        *((user, "SQS queue messaging-orders") for user in users),
        *((user, "S3 bucket storage") for user in users),
        *((user, "2 Secrets Manager secrets cache, database") for user in users),
        (beanstalk, "S3 bucket artifacts"),
        ("[EKS cluster]", "ECR repository registry-services"),
    }
    assert (state_machine, emr) in used
    source, replica = "QuickSight data source visualization-athena", "RDS MySQL database-analytics"
    assert {a[:2] for a in arrows(architecture, "data")} == {
        *((emr, f"S3 bucket {bucket}") for bucket in ("artifacts", "lake-raw", "lake-curated", "lake-results")),
        (emr, "Glue catalog lake"),
        *({(emr, replica)} if stack == "prod" else ()),
        ("Glue catalog lake", "S3 bucket lake-curated"),
        ("Athena workgroup lake", "S3 bucket lake-results"),
        *((source, f"S3 bucket {bucket}") for bucket in ("lake-curated", "lake-results")),
        *((source, what) for what in ("Athena workgroup lake", "Glue catalog lake")),
        *((f"QuickSight data set visualization-{name}", source) for name in ("daily-revenue", "orders")),
    }
    replicas = sum(e.kind == "replication" for e in architecture.edges)
    assert replicas == {"dev": 0, "prod": 2}[stack]
    assert 10 < len(architecture.nodes) < 60
    root = parsed(drawn(architecture))
    assert not [t.text for t in root.iter(f"{SVG}text") if "…" in (t.text or "")]
    cards, labels = frames(root, "card"), frames(root, "label")
    assert (len(cards), len(labels)) == (len(architecture.nodes), sum(bool(e.label) for e in architecture.edges))
    assert not overlaps([*cards, *labels])


def test_without_pygraphviz_that_is_said_loudly(project, preview, tmp_path, monkeypatch):
    (tmp_path / "path").mkdir()
    (tmp_path / "path/pygraphviz.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    directory = project()
    result = preview(directory, no_diagram=False)
    assert result.code == 0
    assert (
        "\n! THE DIAGRAM WAS LEFT OUT: pygraphviz can't be imported. `pip install pygraphviz` brings it, and Graphviz\n"
    ) in result.out
    assert "\n  diagram: left out, see above\n" in result.out
    assert not (directory / "build/preview/dev.svg").exists()


def test_a_failure_of_graphviz_is_no_failure_of_the_preview(project, preview, tmp_path, monkeypatch):
    (tmp_path / "path").mkdir()
    (tmp_path / "path/pygraphviz.py").write_text("def AGraph(string): raise ValueError('no layout')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    result = preview(project(), no_diagram=False)
    assert result.code == 0
    assert "\n! THE DIAGRAM WAS LEFT OUT: Graphviz failed: ValueError: no layout\n" in result.out


def test_text_is_measured_alike_on_every_machine():
    assert width("Helvetica", 10) == pytest.approx(41.12)
    assert width("x" * 20, 10, bold=True) > width("x" * 20, 10)
    cut = shortened("a name that is too long", 10, 60)
    assert cut == "a name that…"
    assert width(cut, 10) <= 60
