import json
import re

import jsonschema
import pytest
import yaml

from settings.schema import stack_file_schema
from tests.registered import ROOT, STACKS, stack_config

UNITS = {"days", "hours", "minutes", "seconds", "bytes", "mib", "gib", "percent", "port", "units"}
COUNTS = {"count", "generation", "images", "limit", "nodes", "shard", "shards", "size", "target", "threshold"}
COUNTS |= {"concurrency", "partitions", "retries", "rows", "unavailable", "versions"}
WRITTEN = ROOT / "settings" / "schema.json"


def validator():
    return jsonschema.Draft202012Validator(json.loads(WRITTEN.read_text()))


def test_the_written_schema_is_in_step():
    assert json.loads(WRITTEN.read_text()) == stack_file_schema("platform"), "run `make schema`"


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(WRITTEN.read_text()))


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_files_fit_and_name_it(stack):
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=settings/schema.json\n")
    validator().validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "changes",
    [
        {"platform:netwrok": {}},
        {"platform:network": {"zones": ["eu-west-1a"]}},
        {"platform:web": {"mx_size": 3}},
        {"platform:web": {"max_size": "3"}},
        {"platform:database": {"backup_retention_days": 36}},
    ],
)
def test_it_finds_what_is_wrong(changes):
    assert not validator().is_valid({"config": stack_config("dev") | changes})


def every_field(schema):
    for name, definition in schema["$defs"].items():
        for field, description in definition.get("properties", {}).items():
            yield f"{name}.{field}", description
    for name, section in schema["properties"]["config"]["properties"].items():
        if name != "aws:defaultTags":
            yield name, section


def test_every_setting_says_what_it_means():
    silent = [name for name, field in every_field(stack_file_schema("platform")) if not field.get("description")]
    assert silent == []


def test_every_amount_names_its_unit_or_counts_and_has_a_range():
    schema = stack_file_schema("platform")
    for name, field in every_field(schema):
        kinds = [field, *field.get("anyOf", [])]
        if any(kind.get("type") == "integer" for kind in kinds):
            assert any({"minimum", "enum"} & kind.keys() for kind in kinds), f"{name} has no range"
            ending = re.split("[._]", name)[-1]
            assert ending in UNITS | COUNTS, f"{name} has no unit in its name"
