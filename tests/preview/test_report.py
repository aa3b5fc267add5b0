"""What the report shows, on a terminal and off it, and that no secret is in it."""

import io
import re

import pytest
from rich.console import Console

from preview.report import show
from preview.run import Options, make

PROGRAM = """
    import pulumi
    import pulumi_aws as aws

    class Keys(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("shop:index:Keys", name, None, opts)
            for role in ("a", "b"):
                aws.kms.Key(f"{name}-{role}", enable_key_rotation=True, opts=pulumi.ResourceOptions(parent=self))

    outer = Keys("outer")
    Keys("inner", pulumi.ResourceOptions(parent=outer))
    aws.kms.Key(LONG, description="x" * 300)
    pulumi.export("list", ["a", {"b": 1}])
""".replace("LONG", repr("a-key-with-a-name-that-is-longer-than-a-terminal-is-wide-" + "0123456789" * 6))


def test_components_with_counts(project, preview):
    out = preview(project(PROGRAM)).out
    assert out.startswith("shop dev in eu-west-1: 5 resources in 2 components (offline preview)\n")
    assert (
        "\nComponents\n"
        "Keys outer  4 resources\n"
        "  kms.Key(2)\n"
        "  Keys inner  2 resources\n"
        "    kms.Key(2)\n"
        "(in no component)  1 resource\n"
        "  kms.Key\n"
    ) in out


def test_every_resource_on_demand(project, preview):
    out = preview(project(PROGRAM), resources=True).out
    assert (
        "\nKeys outer  4 resources\n"
        "  aws:kms/key:Key outer-a  __main__.py:8\n"
        "  aws:kms/key:Key outer-b  __main__.py:8\n"
        "  Keys inner  2 resources\n"
        "    aws:kms/key:Key inner-a  __main__.py:8\n"
    ) in out


def test_off_a_terminal_lines_are_plain_and_whole(project, preview, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    out = preview(project(PROGRAM)).out
    assert re.search(r"[^\x20-\x7e\n]", out) is None
    assert f"aws:kms/key:Key a-key-with-a-name-that-is-longer-than-a-terminal-is-wide-{'0123456789' * 6}  " in out
    assert '\n  list = ["a", {"b": 1}]\n' in out


@pytest.mark.parametrize("colour", [True, False])
def test_on_a_terminal_lines_are_wrapped_but_never_cut(project, monkeypatch, colour):
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    preview = make(Options("dev", directory=project(PROGRAM), no_diagram=True))
    show(preview, console=Console(file=stream, force_terminal=True, width=50, highlight=False, color_system="standard"))
    raw = stream.getvalue()
    assert ("\x1b[31m" in raw or "\x1b[1;31m" in raw) is colour
    lines = re.sub(r"\x1b\[[0-9;]*m", "", raw).splitlines()
    assert max(map(len, lines)) <= 50
    joined = "".join(line.strip() for line in lines)
    assert "a-key-with-a-name-that-is-longer-than-a-terminal-is-wide-" + "0123456789" * 6 in joined
    assert "__main__.py:12" in joined
    assert "└── Keys inner  2 resources" in lines


def test_no_secret_is_shown_anywhere(project, preview):
    directory = project(
        """
        import pulumi
        import pulumi_aws as aws
        import pulumi_random as random

        token = pulumi.Config().require_secret("token")
        made = random.RandomPassword("made", length=32)
        aws.rds.Instance(
            "main", instance_class="db.t4g.small", engine="mysql", username="admin", password=token, kms_key_id=token
        )
        aws.s3.Bucket("bucket", bucket=token, tags={"made": made.result})
        secret = aws.secretsmanager.Secret("secret")
        aws.secretsmanager.SecretVersion("secret", secret_id=secret.id, secret_string=made.result)

        class Tier(pulumi.ComponentResource):
            def __init__(self):
                super().__init__("shop:index:Tier", "tier", {"token": token})
                self.register_outputs({"password": token, "made": made.result})

        Tier()
        pulumi.export("token", token)
        pulumi.export("inside", {"made": made.result, "open": "shown"})
        made.result.apply(lambda value: open("made.txt", "w").write(value))
        """,
        Pulumi_dev_yaml="config:\n  shop:token: canary-in-config-4711\n",
    )
    result = preview(directory, no_diagram=False, resources=True)
    assert result.code == 1  # the database breaks rules, so that there are messages
    made = (directory / "made.txt").read_text()
    assert len(made) > 8
    files = {p.name: p.read_text() for p in (directory / "build/preview").iterdir()}
    assert sorted(files) == ["dev.json", "dev.svg"]
    for text in (result.out, result.err, *files.values(), preview(directory, json=True).out):
        assert "canary-in-config-4711" not in text
        assert made not in text
    assert "\n  token = [secret]\n" in result.out
    assert "RDS" in files["dev.svg"]
