"""Configuration, exit codes and what is said about mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from preview.run import Mistake, load_project

REPOSITORY = Path(__file__).parents[2]


def test_a_clean_program_exits_0(project, preview):
    result = preview(project())
    assert result.code == 0
    assert result.out.endswith("\nClean: no mandatory policy is violated\n")
    assert result.err == ""


def test_a_violation_exits_1_and_says_where(project, preview):
    directory = project("""
        import pulumi_aws as aws

        aws.kms.Key("good", enable_key_rotation=True)
        aws.kms.Key("bad")
    """)
    result = preview(directory)
    assert result.code == 1
    assert "\n  FAIL key-rotated  mandatory, severity " in result.out
    assert "\n    aws:kms/key:Key bad  __main__.py:4\n" in result.out
    assert "aws:kms/key:Key good" not in result.out
    assert result.out.endswith("\n1 mandatory violation: this stack would be refused\n")
    (finding,) = written(directory)["findings"]
    assert (finding["rule"], finding["name"], finding["source"]) == ("key-rotated", "bad", "__main__.py:4")
    assert "CKV_AWS_7" in finding["controls"]
    assert "CKV_AWS_7" in result.out


def test_what_is_unknown_fails_a_mandatory_rule_in_a_first_preview(project, preview):
    directory = project("""
        import pulumi
        import pulumi_aws as aws

        first = aws.kms.Key("first", enable_key_rotation=True)
        aws.kms.Key("second", enable_key_rotation=first.multi_region)
    """)
    result = preview(directory, unknown=True)
    assert result.code == 1
    assert "(offline, as in a first preview)" in result.out
    assert "\n  UNVERIFIABLE key-rotated  mandatory, " in result.out
    assert "\n    aws:kms/key:Key second  __main__.py:5\n" in result.out


@pytest.mark.parametrize(
    ("program", "code", "message"),
    [
        (
            "class SettingsError(ValueError): ...\nraise SettingsError('2 settings are wrong:\\n  a.b  no\\n  c  no')",
            2,
            "2 settings are wrong:\n  a.b  no\n  c  no\n",
        ),
        ("x = 1\nraise ValueError('zones: needs two')", 2, "__main__.py:2: zones: needs two\n"),
        ("import pulumi\npulumi.Config().require('size')", 2, "__main__.py:2: Missing required configuration variable"),
        ("import pulumi\nraise pulumi.RunError('not here')", 2, "__main__.py:2: not here\n"),
        (
            "import pulumi_aws as aws\naws.kms.Key('a')\naws.kms.Key('a')",
            2,
            "two resources are called urn:pulumi:dev::shop::aws:kms/key:Key::a",
        ),
        ("def f():\n    return 1 / 0\nf()", 3, "__main__.py:2: ZeroDivisionError: division by zero\n"),
        ("import pulumi\npulumi.Output.from_input(1).apply(lambda x: x / 0)", 3, "__main__.py:2: ZeroDivisionError: "),
        ("import sys\nsys.exit(0)", 3, "__main__.py:2: SystemExit: 0\n"),
        ("x = (\n", 3, "__main__.py:1: SyntaxError: "),
        ("import nowhere_to_be_found", 3, "__main__.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    ],
)
def test_a_mistake_is_a_message_and_never_a_traceback(project, preview, program, code, message):
    result = preview(project(program))
    assert result.code == code
    assert message in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


def test_the_traceback_is_shown_on_demand(project, preview):
    result = preview(project("1 / 0"), traceback=True)
    assert result.code == 3
    assert "Traceback (most recent call last):" in result.err
    assert result.err.rstrip().endswith("(--traceback shows it in full)")


def test_pydantic_says_what_is_wrong_but_not_with_which_value(project, preview):
    result = preview(
        project("""
            from pydantic import BaseModel
            class Args(BaseModel):
                size: int
                port: int
            Args(size="hunter2", port="hunter2")
        """)
    )
    assert result.code == 2
    assert result.err.startswith("__main__.py:5: Args has 2 problems:\n  size: Input should be a valid integer")
    assert "hunter2" not in result.err


def test_a_failure_of_the_preview_itself_is_no_policy_verdict(project, preview, monkeypatch):
    monkeypatch.setattr("preview.run.judge", lambda *_: 1 / 0)
    result = preview(project())
    assert result.code == 3
    assert "the preview itself failed" in result.err


def test_an_unknown_stack_suggests_the_nearest(project, preview):
    result = preview(project(Pulumi_production_yaml="config: {}\n"), "prodution")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "no stack 'prodution' (no Pulumi.prodution.yaml). Did you mean 'production'? There are: dev, production.\n"
    )
    assert preview(project(), "").err == "name a stack. There are: dev, production.\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("config:\n  aws:region: [\n", "Pulumi.dev.yaml:3 is not YAML: "),
        ("- a\n", "Pulumi.dev.yaml is not a mapping of keys to values\n"),
        ("config: 3\n", "Pulumi.dev.yaml: config is not a mapping of keys to values\n"),
    ],
)
def test_an_unreadable_stack_file_exits_2(project, preview, content, message):
    result = preview(project(Pulumi_dev_yaml=content))
    assert result.code == 2
    assert result.err.startswith(message)


def test_the_project_is_found_from_a_folder_in_it(project, tmp_path):
    directory = project()
    inside = directory / "a" / "b"
    inside.mkdir(parents=True)
    assert load_project(inside, "dev").root == directory.resolve()
    with pytest.raises(Mistake, match=r"^no Pulumi\.yaml in / or above it"):
        load_project(Path("/"), "dev")


def test_config_of_the_project_and_the_stack(project):
    directory = project(
        Pulumi_yaml="""
            name: shop
            runtime: python
            config:
              aws:region: us-west-2
              plain: a
              size: {type: integer, default: 3}
              fixed: {value: {nested: true}}
              described: {type: string, description: has no default}
        """,
        Pulumi_dev_yaml="""
            config:
              aws:region: eu-north-1
              plain: b
              shop:day: 2026-01-31
        """,
    )
    loaded = load_project(directory, "dev")
    assert loaded.config == {
        "aws:region": "eu-north-1",
        "shop:plain": "b",
        "shop:size": 3,
        "shop:fixed": {"nested": True},
        "shop:day": "2026-01-31",
    }
    assert (loaded.region, loaded.encrypted) == ("eu-north-1", [])


def test_an_encrypted_value_is_replaced_and_that_is_said(project, preview):
    directory = project(
        """
        import json
        import pulumi
        config = pulumi.Config()
        pulumi.export("token", config.require_secret("token"))
        pulumi.export("nested", json.loads(config.require("database"))["users"][0]["password"])
        """,
        Pulumi_dev_yaml="""
            config:
              shop:token: {secure: v1:abcdef}
              shop:database:
                users:
                  - password: {secure: v1:ghijkl}
        """,
    )
    result = preview(directory)
    assert result.code == 0
    assert (
        "\n! 2 settings are encrypted and can't be read offline, so the program ran with a placeholder for "
        "shop:database.users[0].password, shop:token\n"
    ) in result.out
    assert "v1:" not in result.out
    assert written(directory)["outputs"] == {"token": "[secret]", "nested": "[secret]"}


def test_what_the_program_prints_stays_out_of_the_json(project, preview):
    directory = project('print("hello")')
    result = preview(directory, json=True)
    assert json.loads(result.out) == written(directory)
    assert result.err == "hello\n"


def test_json_has_everything(project, preview):
    directory = project("""
        import pulumi
        import pulumi_aws as aws

        class Keys(pulumi.ComponentResource):
            def __init__(self):
                super().__init__("shop:index:Keys", "keys")
                self.key = aws.kms.Key(
                    "bad", opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True)
                )

        keys = Keys()
        aws.kms.Alias("alias", name="alias/a", target_key_id=keys.key.key_id)
        pulumi.export("name", "value")
    """)
    result = preview(directory, json=True)
    content = json.loads(result.out)
    assert content["version"] == 1
    assert [content[k] for k in ("project", "stack", "region", "unknown")] == ["shop", "dev", "eu-west-1", False]
    summary = content["summary"]
    assert summary.pop("checks") == summary.pop("passed") + 1
    assert summary == {
        "resources": 2, "components": 1, "failed": 1, "unverifiable": 0, "violations": 1, "waived": 0, "old": 0,
        "advice": 0, "exit_code": 1,
    }  # fmt: skip
    assert content["outputs"] == {"name": "value"}
    registrations = {r["name"]: r for r in content["registrations"]}
    assert list(registrations) == ["alias", "bad", "keys"]
    bad, alias = registrations["bad"], registrations["alias"]
    assert bad["parent"] == registrations["keys"]["urn"]
    assert (bad["custom"], bad["protect"], bad["options"]) == (True, True, {"retainOnDelete": True})
    assert bad["source"] == "__main__.py:7"
    assert bad["computed"]["arn"].startswith("arn:aws:kms:eu-west-1:")
    assert alias["propertyDependencies"] == {"targetKeyId": [bad["urn"]]}
    assert alias["inputs"]["targetKeyId"] == bad["computed"]["keyId"]


def test_an_error_is_json_too(project, preview):
    result = preview(project(), "prod", json=True)
    assert json.loads(result.out) == {
        "version": 1,
        "stack": "prod",
        "error": {"code": 2, "message": "no stack 'prod' (no Pulumi.prod.yaml). There are: dev."},
    }


def test_files_go_where_they_are_asked_to(project, preview, tmp_path):
    out = tmp_path / "elsewhere"
    assert preview(project(), out=out, no_diagram=False).code == 0
    assert sorted(p.name for p in out.iterdir()) == ["dev.json", "dev.svg"]
    (tmp_path / "file").write_text("")
    result = preview(project(), out=tmp_path / "file" / "below")
    assert result.code == 2
    assert "can't be written" in result.err


def test_the_command_line():
    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "preview", *arguments], capture_output=True, text=True, cwd=REPOSITORY, check=False
        )

    helped = call("--help")
    assert helped.returncode == 0
    assert "exit codes:\n  0  clean" in helped.stdout
    assert call("dev", "--nonsense").returncode == 2
    unknown = call("devv")
    assert unknown.returncode == 2
    assert "Did you mean 'dev'?" in unknown.stderr


def written(directory):
    return json.loads((directory / "build/preview/dev.json").read_text())
