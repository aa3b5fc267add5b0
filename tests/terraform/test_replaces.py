"""What the stand-in replaces is what the real provider replaces."""

import pytest

from standin import replacement
from terraform import plugin, provider
from terraform.names import Names
from terraform.plugin import UNKNOWN, Refused, complete, pack, unpack
from terraform.replacement import table
from tests.terraform.replaces import of_the_stacks, written

SAMPLE = 5
"""Every how many types are asked again; `make replaces` asks all."""


@pytest.fixture(scope="module")
def asked():
    with plugin.serve() as serving:
        yield serving


def test_the_provider_still_says_so(asked):
    kinds = sorted({replacement.kind(r.type, r.inputs) for r in of_the_stacks()} & replacement.load().keys())
    sample = {*kinds[::SAMPLE], *(of for of in kinds if " " in of)}
    registrations = [r for r in of_the_stacks() if replacement.kind(r.type, r.inputs) in sample]
    found = table(registrations, Names(provider.schema()), asked)
    assert len(found) > 20
    assert found == {of: paths for of, paths in replacement.load().items() if of in sample}


def test_the_file_is_as_the_command_writes_it():
    assert replacement.FILE.read_text() == written(replacement.load())


def test_the_provider_is_asked_for_one_change(asked, names):
    block = names.resources["aws_vpc"]
    before = {**complete(block, {"cidr_block": "10.0.0.0/16", "instance_tenancy": "default"}), "id": "vpc-1"}
    assert asked.plan("aws_vpc", before, before, before)[1] == 0
    for name, value, replaces in (
        ("cidr_block", "10.1.0.0/16", True),
        ("cidr_block", UNKNOWN, True),
        ("enable_dns_hostnames", True, False),
    ):
        after = {**before, name: value}
        planned, paths = asked.plan("aws_vpc", before, after, after)
        assert (paths > 0, planned[name]) == (replaces, None if value is UNKNOWN else value)


def test_what_the_provider_refuses_is_a_message(asked, names):
    block = names.resources["aws_cloudwatch_metric_alarm"]
    before = complete(block, {"alarm_name": "a", "statistic": "Average", "metric_name": "m", "id": "a"})
    after = {**before, "statistic": None}
    with pytest.raises(Refused, match="One of `statistic` or `extended_statistic` must be set"):
        asked.plan("aws_cloudwatch_metric_alarm", before, after, after)


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, 127, -5, 70000, -(2**40), 1.5, "", "ü" * 300, [], [1, ["a"]] * 20, {"a": {"b": [None]}}],
)
def test_a_value_survives_its_packing(value):
    assert unpack(pack(value)) == value


@pytest.mark.parametrize(
    ("packed", "value"),
    [
        (b"\x81\xa1a\x93\x01\xff\xc0", {"a": [1, -1, None]}),
        (b"\xdc\x00\x02\xcc\xc8\xd0\x80", [200, -128]),
        (b"\x92\xd4\x00\x00\xa1b", [None, "b"]),
        (b"\x92\xc7\x03\x00abc\xd9\x01x", [None, "x"]),
    ],
)
def test_short_forms_are_read_too(packed, value):
    assert unpack(packed) == value
