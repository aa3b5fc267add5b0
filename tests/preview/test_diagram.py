"""What the diagram shows, and that it is a well-formed, deterministic SVG without a hard-coded program in it."""

import random
from pathlib import Path
from xml.etree import ElementTree

import pulumi
import pulumi_aws as aws
import pytest

from preview.architecture import Architecture, build
from preview.diagram import Layout, columns, shortened, width
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
        ("Application Load Balancer balancer", "Auto Scaling group app", "traffic", "8080"),
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
    cards = [
        [float(r.get(k, "")) for k in ("x", "y", "width", "height")]
        for r in root.iter(f"{SVG}rect")
        if r.get("class") == "card"
    ]
    assert len(cards) == len(architecture.nodes)
    for number, (x, y, w, h) in enumerate(cards):
        assert x >= 0
        assert x + w <= float(root.get("width", ""))
        assert y + h <= float(root.get("height", ""))
        for left, top, across, down in cards[number + 1 :]:
            assert x + w <= left or left + across <= x or y + h <= top or top + down <= y


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
        "Glue catalog database tables",
        "S3 bucket bucket",
        "[Region us-east-1]",
    ]
    assert [(names[e.source], names[e.target], e.kind) for e in architecture.edges] == [
        ("Glue catalog database tables", "S3 bucket bucket", "uses")
    ]
    bucket = next(n for n in architecture.nodes if n.label == "S3 bucket")
    assert bucket.caption == ["versioned"]
    assert bucket.tooltip == "aws:s3/bucket:Bucket bucket, with 1 that configures it"


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
    assert {n.label: n.caption for n in architecture.nodes} == {"RDS MySQL": [], "ElastiCache": [], "KMS key": []}
    assert "canary" not in drawn(architecture)


def test_an_empty_program_is_drawn():
    parsed(drawn(build([], "us-east-1")))


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("unknown", [False, True])
def test_the_platform(stack, unknown):
    """The way of a request can be followed through the real program's diagram, known values or not."""
    project = load_project(REPOSITORY, stack)
    recording = run_program(project.directory, stack, project.config, project=project.name, unknown=unknown)
    architecture = build(recording.registrations, project.region)
    labels = {n.id: n.label for n in architecture.nodes}
    flow = {(labels[e.source], labels[e.target]) for e in architecture.edges if e.kind in ("traffic", "guard")}
    assert {
        ("Internet", "Route 53"),
        ("Route 53", "CloudFront"),
        ("WAF web ACL", "CloudFront"),
        ("CloudFront", "Application Load Balancer"),
        ("WAF web ACL", "Application Load Balancer"),
        ("Application Load Balancer", "Auto Scaling group"),
        ("Auto Scaling group", "RDS MySQL"),
    } <= flow
    # The distribution's name for its origin, and the internal load balancer's, are no way in.
    assert {target for source, target in flow if source == "Route 53"} == {"CloudFront"}
    replicas = sum(e.kind == "replication" for e in architecture.edges)
    assert replicas == {"dev": 0, "prod": 2}[stack]
    assert 10 < len(architecture.nodes) < 40
    assert not [t.text for t in parsed(drawn(architecture)).iter(f"{SVG}text") if "…" in (t.text or "")]


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
