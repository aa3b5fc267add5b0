"""Every stack, and every variant of its settings, as the real AWS provider and Checkov see it."""

import copy

import pytest

from terraform import conformance, provider, simulated
from tests.registered import ROOT, STACKS, run_stack
from tests.terraform.conftest import demand
from tests.test_program import MATRIX


@pytest.fixture(scope="module")
def exports(terraform):
    return {stack: conformance.export(ROOT, stack) for stack in STACKS}


@pytest.fixture(scope="module")
def variants(terraform):
    return {name: conformance.export(ROOT, "dev", sections) for name, sections in MATRIX.items()}


@pytest.fixture(scope="module")
def address():
    with simulated.server() as address:
        yield address


@pytest.fixture(scope="module")
def roots(exports, address, tmp_path_factory):
    """Each stack's root, planned."""
    planned = {}
    for stack, export in exports.items():
        simulated.seed(export, address)
        root = conformance.root(export, tmp_path_factory.mktemp(stack))
        planned[stack] = root, conformance.plan(root, address)
        conformance.planned(root)
    return planned


def test_all_is_exported_but_what_the_list_says(exports, variants):
    everything = [*exports.values(), *variants.values()]
    assert [line for export in everything for line in conformance.unlisted(export)] == []
    unused = set(conformance.listed("not-exported")) - {m.what for export in everything for m in export.missing}
    assert unused == set(), "take these from terraform/lists/not-exported.yaml"


GENERATED = {
    ("RandomPassword", "alb-origin-secret"),
    ("RandomPassword", "cache"),
    ("RandomId", "cache-final-snapshot"),
    ("RandomPassword", "database"),
    ("RandomId", "database-final-snapshot"),
    ("DataSource", "grafana-cloudwatch"),
    ("DataSource", "grafana-athena"),
    ("Dashboard", "grafana"),
}
WITHOUT_COUNTERPART = {
    ("kubernetes", "kubernetes-eks-k8s"),
    ("aws_eks_cluster.deletionProtection", "aws:eks/cluster:Cluster kubernetes-eksCluster"),
    ("retainOnDelete", "aws:ebs/encryptionByDefault:EncryptionByDefault security"),
    ("retainOnDelete", "aws:s3/bucketObjectv2:BucketObjectv2 analytics-config"),
    ("retainOnDelete", "aws:s3/bucketObjectv2:BucketObjectv2 analytics-jobs.zip"),
    ("retainOnDelete", "aws:s3/bucketObjectv2:BucketObjectv2 analytics-main.py"),
    ("grafana", "grafana"),
    (
        "aws_quicksight_data_source.parameters.athena.roleArn",
        "aws:quicksight/dataSource:DataSource visualization-athena",
    ),
    ("aws_grafana_workspace.kmsKeyId", "aws:grafana/workspace:Workspace grafana"),
    (
        "replacementTrigger",
        "aws:grafana/workspaceServiceAccountToken:WorkspaceServiceAccountToken grafana",
    ),
}


def test_the_stacks_lack_generated_values_and_little_else(exports):
    lacking = {stack: {(m.what.split(":")[-1], m.where) for m in e.missing} for stack, e in exports.items()}
    assert lacking == dict.fromkeys(STACKS, GENERATED | WITHOUT_COUNTERPART)
    for export in exports.values():
        assert len(export.addresses) == export.registered - len(GENERATED)
        assert len(set(export.addresses.values())) == len(export.addresses)


def arguments(inputs, path=""):
    """The path of every argument, nested ones included."""
    if isinstance(inputs, dict):
        return {found for key, value in inputs.items() for found in arguments(value, f"{path}.{key}")}
    if isinstance(inputs, list):
        return {found for value in inputs for found in arguments(value, f"{path}[]")} or {path}
    return {path}


@pytest.mark.parametrize("stack", STACKS)
def test_no_argument_gets_lost_between_references(exports, stack):
    """The program registers with references what it registers where the cloud answers."""
    found = [
        {f"{r.type} {r.name}{path}" for r in recording.registrations if r.custom for path in arguments(r.inputs)}
        for recording in (run_stack(stack), exports[stack].recording)
    ]
    assert found[0] == found[1]


def test_what_lies_in_another_region_has_a_provider_of_its_own(exports):
    assert exports["dev"].aliases == []
    assert exports["prod"].aliases == ["us-east-1"]
    resources = exports["prod"].files["main.tf.json"]["resource"]
    assert resources["aws_acm_certificate"]["edge-cdn"]["provider"] == "aws.us-east-1"
    assert "provider" not in resources["aws_acm_certificate"]["dns"]


def test_generated_values_are_sensitive_variables(exports):
    variables = exports["prod"].files["variables.tf.json"]["variable"]
    assert {name: v.get("sensitive", False) for name, v in variables.items()} == {
        "alb-origin-secret_result": True,
        "cache_result": True,
        "cache-final-snapshot_hex": False,
        "database_result": True,
        "database-final-snapshot_hex": False,
    }


def test_what_prod_keeps_may_not_be_destroyed(exports):
    resources = exports["prod"].files["main.tf.json"]["resource"]
    kept = {
        f"{kind}.{name}"
        for kind, bodies in resources.items()
        for name, body in bodies.items()
        if body.get("lifecycle", {}).get("prevent_destroy")
    }
    protected = {r.urn for r in exports["prod"].recording.registrations if r.protect}
    assert kept == {a for urn, a in exports["prod"].addresses.items() if urn in protected}
    assert {
        "aws_db_instance.database-primary",
        "aws_ecr_repository.registry-services",
        "aws_eks_cluster.kubernetes-eksCluster",
        "aws_elasticache_replication_group.cache",
        "aws_kms_key.security-data",
        "aws_s3_bucket.storage",
        "aws_sqs_queue.messaging-orders",
    } <= kept


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_plans_every_resource(exports, roots, stack):
    root, counts = roots[stack]
    conformance.validate(root)
    assert counts["add"] == len(exports[stack].addresses)
    assert (counts["change"], counts["remove"], counts["import"]) == (0, 0, 0)


@pytest.fixture(scope="module")
def differing(exports, variants):
    """Of each variant what isn't in dev letter for letter: the rest is judged there."""
    return {name: conformance.reduced(export, exports["dev"]) for name, export in variants.items()}


def test_the_variants_bring_what_the_stacks_have_not(differing):
    def given(variant, kind):
        return differing[variant].files["main.tf.json"]["resource"][kind]

    assert {name for name, export in differing.items() if not export.addresses} == {
        "no Grafana",
        "no registry",
        "foundation only",
    }
    (sharded,) = given("Redis in shards", "aws_elasticache_replication_group").values()
    assert (sharded["num_node_groups"], sharded["replicas_per_node_group"]) == (3, 1)
    balancers = {}
    for kind in ("Application", "Network", "Classic"):
        (environment,) = given(f"backend's own {kind} Load Balancer", "aws_elastic_beanstalk_environment").values()
        balancers[kind] = {s["value"] for s in environment["setting"] if s["name"] == "LoadBalancerType"}
    assert balancers == {kind: {kind.lower()} for kind in balancers}
    groups = given("node groups of each kind", "aws_eks_node_group").values()
    assert {(group["capacity_type"], group["ami_type"]) for group in groups} == {
        (capacity, image)
        for capacity in ("ON_DEMAND", "SPOT")
        for image in ("AL2023_ARM_64_STANDARD", "AL2023_x86_64_STANDARD")
    }


def test_the_provider_plans_every_variant(differing, address, tmp_path):
    planned = {
        "".join(c if c.isalnum() else "-" for c in name): export
        for name, export in differing.items()
        if export.addresses
    }
    for export in planned.values():
        simulated.seed(export, address)
    root = conformance.matrix(planned, tmp_path)  # a plan validates first
    assert conformance.plan(root, address)["add"] == sum(len(e.addresses) for e in planned.values())


def test_checkov_finds_nothing_but_what_is_skipped_with_a_reason(checkov, roots):
    found = []
    for stack, (root, _) in roots.items():
        passed, findings = conformance.scan(stack, root)
        assert passed > 200
        found += findings
    failed, unused = conformance.skipped(found, STACKS)
    assert failed == []
    assert unused == [], "take these from terraform/lists/checkov.yaml"


def test_a_skip_holds_for_its_stacks_alone():
    finding = conformance.Finding("prod", "CKV_AWS_150", "aws_lb.alb", "deletion protection")
    assert conformance.skipped([finding], ["prod"])[0] == [finding]
    assert conformance.skipped([finding._replace(stack="dev")], ["dev"])[0] == []


def test_every_exception_has_its_reason():
    reasons = [
        *conformance.listed("not-exported").values(),
        *conformance.listed("not-simulated")["left_out"].values(),
        *conformance.listed("not-simulated")["apply"].values(),
        *conformance.listed("not-simulated")["plan"].values(),
        *(skip["reason"] for skip in conformance.listed("checkov")),
    ]
    assert all(isinstance(reason, str) and len(reason) > 10 for reason in reasons)


# -- what the provider catches ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "argument", "value", "objection"),
    [
        ("aws_lb_listener", "protocol", "HTPS", "expected protocol to be one of"),
        ("aws_lb_listener", "protokol", "HTTPS", "Extraneous JSON object property"),
        ("aws_lb_listener", "load_balancer_arn", "${aws_lb.none.arn}", "Reference to undeclared resource"),
    ],
)
def test_a_planted_mistake_is_found(exports, tmp_path, kind, argument, value, objection):
    planted = copy.deepcopy(exports["dev"])
    next(iter(planted.files["main.tf.json"]["resource"][kind].values()))[argument] = value
    root = conformance.root(planted, tmp_path)
    with pytest.raises(provider.Failed, match=objection):
        conformance.validate(root)


# -- where something is missing ---------------------------------------------------------------------------------------


def test_a_missing_terraform_is_said_in_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert provider.missing() == (
        "no terraform on PATH: install it (https://developer.hashicorp.com/terraform/install)"
    )


def test_a_mirror_without_the_provider_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TERRAFORM_MIRROR", str(tmp_path))
    provider.mirror.cache_clear()
    with pytest.raises(provider.NoTerraform, match="holds no registry"):
        provider.mirror()
    provider.mirror.cache_clear()


def test_what_is_missing_skips_and_fails_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no terraform"):
        demand("no terraform")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no terraform"):
        demand("no terraform")
