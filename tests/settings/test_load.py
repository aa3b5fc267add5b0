import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from settings import Settings, SettingsError, parse
from tests.registered import ROOT, STACKS, stack_config

GOOD: dict[str, Any] = {
    "aws:region": "eu-west-1",
    "platform:network": {"zones": ["eu-west-1a", "eu-west-1b"]},
    "platform:dns": {"zone": "example.com", "domain": "app.example.com"},
}


def problems(changes):
    with pytest.raises(SettingsError) as wrong:
        parse(GOOD | changes, "platform")
    return wrong.value.problems


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_files_are_right(stack):
    settings = parse(stack_config(stack), "platform")
    assert settings.tags == {"Project": "platform", "Environment": stack}


def test_prod_lies_outside_us_east_1_in_three_zones_and_protects_what_it_keeps():
    prod = parse(stack_config("prod"), "platform")
    assert (prod.region, len(prod.network.zones), prod.network.nat) == ("eu-west-1", 3, "per_zone")
    assert prod.database.multi_az
    assert len(prod.database.replicas) == 2
    tiers = (prod.security, prod.logs, prod.storage, prod.database, prod.load_balancing.application)
    assert all(tier.deletion_protection for tier in tiers)


def test_objects_may_come_as_json_as_pulumi_hands_them_over():
    as_json = {key: value if isinstance(value, str) else json.dumps(value) for key, value in GOOD.items()}
    assert parse(as_json, "platform") == parse(GOOD, "platform")


def test_other_namespaces_are_left_alone():
    assert parse(GOOD | {"pulumi:tags": {"a": "b"}, "aws:profile": "x"}, "platform") == parse(GOOD, "platform")


def test_defaults_are_the_secure_ones():
    settings = parse(GOOD, "platform")
    assert settings.web.placement == "private"
    assert settings.edge.cdn
    assert settings.database.multi_az
    assert settings.load_balancer_clients == "cloudfront"


@pytest.mark.parametrize(
    ("tiers", "edge", "clients"),
    [({}, {}, "cloudfront"), ({}, {"cdn": False}, "internet"), ({"edge": False, "backend": False}, {}, "vpc")],
)
def test_who_connects_to_the_load_balancer_follows_from_the_edge(tiers, edge, clients):
    config = GOOD | {"platform:tiers": tiers, "platform:edge": edge}
    if clients == "vpc":
        config["platform:load_balancing"] = {"certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/a-b"}
    assert parse(config, "platform").load_balancer_clients == clients


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"platform:databse": {}}, "databse", "unknown setting 'databse'; did you mean `database`?"),
        (
            {"platform:database": {"replica": {}}},
            "database.replica",
            "unknown setting 'replica'; did you mean `replicas`?",
        ),
        (
            {"platform:database": {"replicas": {"reader": {"instance_clas": "db.r7g.large"}}}},
            "database.replicas.reader.instance_clas",
            "unknown setting 'instance_clas'; did you mean `instance_class`?",
        ),
        (
            {"platform:load_balancing": {"network": {"cros_zone": True}}},
            "load_balancing.network.cros_zone",
            "unknown setting 'cros_zone'; did you mean `cross_zone`?",
        ),
        ({"platform:zzz": {}}, "zzz", "unknown setting 'zzz'"),
        ({"platform:web": {"min_size": "2"}}, "web.min_size", "input should be a valid integer, not '2'"),
        ({"platform:web": {"min_size": True}}, "web.min_size", "input should be a valid integer, not True"),
        ({"platform:web": {"min_size": 1.5}}, "web.min_size", "input should be a valid integer, not 1.5"),
        ({"platform:web": {"min_size": None}}, "web.min_size", "input should be a valid integer, not None"),
        ({"platform:web": {"min_size": 501}}, "web.min_size", "input should be less than or equal to 500, not 501"),
        ({"platform:edge": {"cdn": "yes"}}, "edge.cdn", "input should be a valid boolean, not 'yes'"),
        ({"platform:web": "large"}, "web", "input should be a valid dictionary or instance of WebArgs, not 'large'"),
        ({"platform:web": []}, "web", "input should be a valid dictionary or instance of WebArgs, not []"),
        (
            {"platform:web": {"placement": "publik"}},
            "web.placement",
            "'publik' is not one of 'public' or 'private'; did you mean `public`?",
        ),
        (
            {"platform:database": {"backup_retention_days": 0, "replicas": {"reader": {}}}},
            "database.replicas",
            "a database with replicas needs backup_retention_days of 1 or more (RDS)",
        ),
        (
            {"platform:database": {"replicas": {"reader": {"zone": "eu-west-1c"}}}},
            "database.replicas.reader.zone",
            "eu-west-1c is not among network.zones",
        ),
        ({"aws:region": "us-west-2"}, "network.zones", "not in aws:region, us-west-2: eu-west-1a, eu-west-1b"),
        ({"aws:region": "Ireland"}, "region", "'Ireland' is not of the form"),
        ({"aws:defaultTags": {"tags": {f"k{n}": "v" for n in range(41)}}}, "tags", "at most 40"),
        ({"aws:defaultTags": {"tags": {"Owner": 7}}}, "tags.Owner", "input should be a valid string, not 7"),
        ({"platform:region": "eu-west-1"}, "region", "set it as aws:region, where the AWS provider reads it too"),
        ({"platform:tiers": {"load_balancing": False}}, "tiers.load_balancing", "tiers.edge needs it"),
        ({"platform:tiers": {"edge": False, "load_balancing": False}}, "tiers.load_balancing", "tiers.web needs it"),
        (
            {"platform:tiers": {"edge": False}},
            "load_balancing.certificate_arn",
            "name a certificate of yours",
        ),
        (
            {"platform:messaging": {"queues": {"orders": {"senders": ["wep"]}}}},
            "messaging.queues.orders.senders",
            "'wep' is no tier that uses queues: those are web, backend, kubernetes",
        ),
        (
            {
                "platform:tiers": {"edge": False, "web": False, "load_balancing": False},
            },
            "tiers.load_balancing",
            "tiers.backend shares its Application Load Balancer: give the backend a `load_balancer` of its own",
        ),
        ({"platform:dns": None}, "dns", "tiers.edge needs it: give `zone` and `domain`, or turn tiers.edge off"),
        ({"platform:dns": {"zone": "example.com"}}, "dns.domain", "is required"),
        (
            {"platform:load_balancing": {"certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/a"}},
            "load_balancing.certificate_arn",
            "leave this out",
        ),
        (
            {
                "platform:tiers": {"edge": False},
                "platform:load_balancing": {
                    "certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/a",
                },
            },
            "load_balancing.certificate_arn",
            "lies in another region than the load balancers, eu-west-1",
        ),
        (
            {
                "platform:tiers": {"analytics": False},
                "platform:network": {
                    "zones": ["eu-west-1a", "eu-west-1b"],
                    "nat": "none",
                    "interface_endpoints": ["ssm"],
                },
            },
            "network.interface_endpoints",
            "reaches AWS by endpoints only: add logs, monitoring, secretsmanager, ssmmessages",
        ),
        (
            {
                "platform:tiers": {"backend": False, "kubernetes": False, "web": False},
                "platform:network": {
                    "zones": ["eu-west-1a", "eu-west-1b"],
                    "nat": "none",
                    "interface_endpoints": ["elasticmapreduce", "glue", "kms", "secretsmanager", "sqs"],
                },
            },
            "analytics.packages",
            "with nat `none` no cluster reaches Maven Central: name `jars` on S3 instead",
        ),
        ({"platform:tiers": {"database": False}}, "tiers.database", "tiers.analytics reads it"),
        ({"platform:network": {"zones": ["eu-west-1a"]}}, "network.zones", "at least 2"),
        ({"platform:storage": {"force_destroy": True}}, "storage.force_destroy", "contradicts deletion_protection"),
    ],
)
def test_one_mistake(changes, path, reason):
    found = problems(changes)
    assert path in found
    assert reason in found[path]
    assert list(found) == [path], "one mistake, one problem"


def test_all_mistakes_at_once():
    found = problems(
        {
            "platform:network": {"zones": ["eu-west-1a", "us-east-1b"], "nta": "none", "nat": "singel"},
            "platform:database": {"backup_retention_days": 0, "replicas": {"reader": {}}, "multi_az": "yes"},
            "platform:edge": {"waf": {"rate_limit": 1, "rate": 2}},
            "platform:wbe": {},
            "platform:web": {"min_size": 9, "max_size": 8, "grace": 1},
        }
    )
    assert sorted(found) == [
        "database.multi_az",
        "database.replicas",
        "edge.waf.rate",
        "edge.waf.rate_limit",
        "network.nat",
        "network.nta",
        "network.zones",
        "wbe",
        "web.grace",
        "web.max_size",
    ]


def test_what_is_missing_is_named_without_a_network():
    with pytest.raises(SettingsError) as wrong:
        parse({}, "platform")
    assert wrong.value.problems == {"region": "is required", "network": "is required"}


def test_message_reads_as_a_table():
    with pytest.raises(SettingsError) as wrong:
        parse(GOOD | {"platform:web": {"min_size": 0}, "platform:edge": {"cdn": 1}}, "platform")
    assert str(wrong.value).splitlines() == [
        "2 settings are wrong; nothing was created:",
        "  edge.cdn      input should be a valid boolean, not 1",
        "  web.min_size  input should be greater than or equal to 1, not 0",
    ]


def test_a_secret_is_refused_and_never_shown():
    canary = "canary-7f3a"
    with pytest.raises(SettingsError) as wrong:
        parse(GOOD | {"platform:database": {"password": canary, "username": canary}}, "platform", {"platform:database"})
    assert "database" in wrong.value.problems
    assert canary not in str(wrong.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
sections = st.sampled_from(sorted(set(Settings.model_fields) - {"region", "tags"}))


@given(section=sections, value=anything)
def test_any_value_of_a_section_is_taken_or_refused_by_name(section, value):
    config = GOOD | {f"platform:{section}": value}
    before = copy.deepcopy(config)
    found = None
    try:
        parse(config, "platform")
    except SettingsError as wrong:
        found = wrong.problems
    assert found is None or (found and all(path and reason for path, reason in found.items()))
    assert repr(config) == repr(before), "the caller's configuration was changed"


@st.composite
def wrong_field(draw):
    section = draw(sections)
    model = Settings.model_fields[section].annotation
    kinds = [
        kind
        for kind in (model, *getattr(model, "__args__", ()))
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]
    return section, draw(st.sampled_from(sorted(kinds[0].model_fields)))


@given(where=wrong_field(), value=st.builds(object))
def test_a_value_of_no_type_at_all_is_refused_at_its_path(where, value):
    section, name = where
    before = GOOD.get(f"platform:{section}", {})
    found = problems({f"platform:{section}": before | {name: value}})
    assert [path for path in found if path.split(".")[:2] == [section, name]]


@given(where=wrong_field(), typo=st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8))
def test_an_unknown_key_is_refused_at_its_path(where, typo):
    section, name = where
    before = GOOD.get(f"platform:{section}", {})
    key = f"{name}_{typo}"
    found = problems({f"platform:{section}": before | {key: 1}})
    assert f"unknown setting {key!r}" in found[f"{section}.{key}"]


@pytest.mark.parametrize(
    ("arguments", "status"), [(["check", "dev"], 0), (["check", "none"], 2), (["schema", "--check"], 0)]
)
def test_command(arguments, status):
    done = subprocess.run(
        [sys.executable, "-m", "settings", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
