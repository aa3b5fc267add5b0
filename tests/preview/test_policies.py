"""Waivers, configuration, baseline and the files of results, from the command line to the exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from preview.__main__ import parser
from preview.run import Options

PROGRAM = """
    import pulumi_aws as aws

    aws.kms.Key("good", enable_key_rotation=True)
    aws.kms.Key("bad")
    aws.lb.TargetGroup("plain", port=80, protocol="HTTP", vpc_id="vpc-1")
"""
WAIVERS = """
waivers:
  - rule: key-rotated
    type: kms/key
    name: bad
    reason: signs nothing
    owner: team-keys
    expires: 9999-12-31
"""


def files(directory: Path, **contents: Any) -> dict[str, Path]:
    """Writes files for options; a dictionary is written as JSON."""
    for name, content in contents.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (directory / f"{name}.txt").write_text(text, encoding="utf-8")
    return {name: directory / f"{name}.txt" for name in contents}


def test_a_waived_violation_is_shown_and_fails_nothing(project, preview):
    directory = project(PROGRAM)
    assert preview(directory).code == 1
    result = preview(directory, **files(directory, waivers=WAIVERS))
    assert result.code == 0
    assert "\n  FAIL key-rotated  waived, severity " in result.out
    assert "\n      waived until 9999-12-31 by team-keys (signs nothing)\n" in result.out
    assert "Clean: no mandatory policy is violated, 1 waived finding, " in result.out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("9999-12-31", "2020-01-31"), "it has expired on 2020-01-31, for key-rotated on kms/key bad"),
        (("name: bad", "name: gone"), "it waives nothing: no finding is of key-rotated on kms/key gone"),
        (("owner: team-keys", "stacks: [dev]"), "owner is missing"),
    ],
)
def test_a_waiver_that_is_amiss_fails_the_run(project, preview, change, message):
    directory = project(PROGRAM)
    result = preview(directory, **files(directory, waivers=WAIVERS.replace(*change)))
    assert result.code == 1
    assert "\n  FAIL waivers  mandatory, severity high, validity\n" in result.out
    assert "\n    waiver waivers.txt:3  waivers.txt:3\n" in result.out
    assert f"\n      {message}. Mend the waiver, or take it away  [" in result.out


def test_a_waiver_is_for_the_stacks_that_it_names(project, preview):
    directory = project(PROGRAM, Pulumi_prod_yaml="config:\n  aws:region: eu-west-1\n")
    options = files(directory, waivers=f"{WAIVERS}    stacks: [dev]\n")
    assert preview(directory, "dev", **options).code == 0
    result = preview(directory, "prod", **options)
    assert result.code == 1
    assert "FAIL waivers" not in result.out


def test_a_configuration_says_how_rules_count(project, preview):
    directory = project(PROGRAM)
    looser = files(directory, policy_config={"resources": {"controls": {"CKV_AWS_7": "advisory"}}})
    assert preview(directory, **looser).code == 0
    families = {"encryption-at-rest": "disabled", "encryption-in-transit": "mandatory"}
    result = preview(directory, **files(directory, policy_config={"resources": {"families": families}}))
    assert "key-rotated" not in result.out
    assert "\n  FAIL target-group-encrypted  mandatory, " in result.out
    pinned = {"resources": {"waivers": "none.yaml"}, "stack": {"waivers": "none.yaml"}}
    result = preview(directory, **files(directory, policy_config=pinned))
    assert "it can't be read: FileNotFoundError. Mend the waiver" in result.out


def test_a_wrong_file_is_a_message_before_the_program_runs(project, preview):
    directory = project("raise RuntimeError('it ran')")
    for options, message in (
        (
            files(directory, policy_config={"resource": {}}),
            "policy_config.txt has 1 mistake:\n  resource: there is no su",
        ),
        (files(directory, baseline={}), "baseline.txt is no baseline: it takes the JSON of an earlier run\n"),
        ({"baseline": directory / "none.json"}, "none.json can't be read: No such file or directory\n"),
    ):
        result = preview(directory, **options)
        assert (result.code, result.out) == (2, "")
        assert message in result.err


def test_a_baseline_fails_on_what_is_new_alone(project, preview):
    directory = project(PROGRAM)
    assert preview(directory, results=directory / "baseline.json").code == 1
    for baseline in ("baseline.json", "build/preview/dev.json"):
        result = preview(directory, baseline=directory / baseline)
        assert result.code == 0
        assert "\n  FAIL key-rotated  in the baseline, severity " in result.out
        assert "Clean: no mandatory policy is violated, 1 old violation, " in result.out
    (directory / "__main__.py").write_text(
        (directory / "__main__.py").read_text() + "\n\naws.kms.Key('worse')\n", encoding="utf-8"
    )
    result = preview(directory, baseline=directory / "baseline.json", results=directory / "new.json")
    assert result.code == 1
    found = json.loads((directory / "new.json").read_text())["findings"]
    assert [finding["name"] for finding in found if finding["violates"]] == ["worse"]
    assert [finding["name"] for finding in found if finding["old"] and finding["level"] == "mandatory"] == ["bad"]


def test_results_are_written_with_the_programs_file_and_line(project, preview, tmp_path):
    directory = project(PROGRAM)
    names = {"sarif": "a/x.sarif", "results": "a/x.json", "markdown": "a/x.md"}
    result = preview(directory, **{key: directory / name for key, name in names.items()})
    assert result.code == 1
    for key, name in names.items():
        assert f"\n  {key}: " in result.out
        assert (directory / name).exists()
    log = json.loads((directory / "a/x.sarif").read_text())
    schema = json.loads((Path(__file__).parents[1] / "policy/sarif/sarif-2.1.0.json").read_text())
    assert list(Draft7Validator(schema).iter_errors(log)) == []
    (bad,) = [found for found in log["runs"][0]["results"] if found["ruleId"] == "key-rotated"]
    physical = bad["locations"][0]["physicalLocation"]
    assert (physical["artifactLocation"]["uri"], physical["region"]["startLine"]) == ("__main__.py", 4)
    assert (directory / "a/x.md").read_text().startswith("## Policies: shop dev\n\n**1 violation**. ")
    # In a repository a path is that from its top, as its host knows it.
    inside = tmp_path / "repository/infra"
    inside.mkdir(parents=True)
    for file in directory.glob("*.*"):
        if file.is_file():
            (inside / file.name).write_text(file.read_text())
    (tmp_path / "repository/.git").mkdir()
    preview(inside, sarif=tmp_path / "y.sarif")
    assert '"uri": "infra/__main__.py"' in (tmp_path / "y.sarif").read_text()


def test_no_secret_is_in_any_result(project, preview):
    directory = project(
        """
        import pulumi
        import pulumi_aws as aws

        token = pulumi.Config().require_secret("token")
        aws.rds.Instance(
            "main", instance_class="db.t4g.small", engine="mysql", username=token, password=token, kms_key_id=token,
            identifier=token, publicly_accessible=True,
        )
        aws.s3.Bucket("bucket", bucket=token, tags={"a": token})
        aws.elasticbeanstalk.Environment("app", application=token, settings=[
            {"namespace": "aws:elasticbeanstalk:application:environment", "name": "PASSWORD", "value": token},
        ])
        aws.ec2.SecurityGroup("open", ingress=[
            {"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"], "description": token},
        ])
        """,
        Pulumi_dev_yaml="config:\n  shop:token: canary-in-config-4711\n",
    )
    names = {"sarif": "x.sarif", "results": "x.json", "markdown": "x.md"}
    for unknown in (False, True):
        result = preview(directory, unknown=unknown, **{key: directory / name for key, name in names.items()})
        assert result.code == 1
        written = [(directory / name).read_text() for name in (*names.values(), "build/preview/dev.json")]
        assert all("ingress-not-from-world" in text for text in (result.out, *written))
        for text in (result.out, result.err, *written):
            assert "canary" not in text


def test_every_option_of_the_command_line_is_taken():
    names = ["sarif", "results", "markdown", "baseline", "waivers", "policy-config"]
    line = [word for name in names for word in (f"--{name}", f"{name}.file")]
    options = Options(**vars(parser().parse_args(["dev", *line])))
    for name in names:
        assert getattr(options, name.replace("-", "_")) == Path(f"{name}.file")
