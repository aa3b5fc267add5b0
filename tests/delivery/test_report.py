"""The comment's text, its size, and the calls and errors of reporting."""

import re

import pytest

from delivery import verdict
from delivery.__main__ import main
from delivery.report import CODECOMMIT_BYTES, Steps, render
from delivery.verdict import Change, Finding, Preview
from tests.delivery.codecommit import ACCOUNT, APPROVER, CodeCommit, serving

URN = "urn:pulumi:prod::platform::"


def preview(**overrides) -> Preview:
    values = {"problems": [], "changes": [], "findings": [], "checks": 9, "unverifiable": 0, **overrides}
    return Preview(stack="prod", **values)


def finding(level: str, number: int) -> Finding:
    message = f"sqs/queue q{number}: it is not encrypted. Set kmsMasterKeyId to a KMS key of this program."
    return Finding(level, f"rule-{number}", f"{URN}aws:sqs/queue:Queue::q{number}", message)


def created(number: int) -> Change:
    return Change("create", f"{URN}aws:ec2/subnet:Subnet::subnet-{number}")


def test_nothing_to_say():
    assert render([preview()], Steps(True, "passed"), limit=1000, fold=False) == (
        "### ✅ The check passed\n"
        "\n"
        "Tests: passed.\n"
        "\n"
        "| stack | verdict | create | update | replace | delete | same | policies broken | advice | checks "
        "| unverifiable |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| prod | passed | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 9 | 0 |\n"
    )


def test_changes_are_folded_where_that_is_shown():
    folded = render([preview(changes=[created(1)])], limit=2000, fold=True)
    assert folded.endswith(
        "\n<details><summary>Changes to prod: 1</summary>\n\n- **create** ec2/subnet subnet-1\n\n</details>\n"
    )


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize(("broken", "advice", "changes"), [(3, 3, 900), (40, 200, 900), (500, 1, 1), (0, 0, 900)])
def test_what_does_not_fit_is_left_out_from_the_end_and_counted(fold, broken, advice, changes):
    findings = [finding("mandatory", n) for n in range(broken)] + [finding("advisory", n) for n in range(advice)]
    big = preview(findings=findings, changes=[created(n) for n in range(changes)])
    text = render([big, big], Steps(True, ""), limit=CODECOMMIT_BYTES, fold=fold)
    assert len(text.encode()) <= CODECOMMIT_BYTES
    sections = re.split(r"\n(?:#### |<details><summary>)", text)[1:]
    wanted = {"Policies broken": 2 * broken, "Advice, which fails nothing": 2 * advice, "Changes to prod": changes}
    shown, full = {}, True
    for section in sections:
        title = next(title for title in wanted if section.startswith(title))
        lines, left = section.count("\n- "), re.search(r"\*(\d+) more left out here", section)
        assert lines + (int(left[1]) if left else 0) == wanted[title], title
        assert full or lines == 0 or title.startswith("Changes"), "something is shown of what matters less"
        full = full and not left
        shown[title] = lines
    assert set(shown) == {title for title, count in wanted.items() if count}
    assert text.count("<details>") == text.count("</details>") == (2 if fold else 0)


def test_names_have_no_meaning_in_markdown():
    urn = f"{URN}aws:sqs/queue:Queue::[click](http://evil)\n# <img> `x` | **y**"
    text = render([preview(changes=[Change("create", urn)])], limit=5000, fold=False)
    line = next(line for line in text.splitlines() if "sqs/queue" in line)
    assert line == r"- **create** sqs/queue \[click\](http://evil) # \<img\> \`x\` \| \*\*y\*\*"


@pytest.fixture
def request_(aws):
    with serving(CodeCommit("42", "revision-1", "platform", "a" * 40, "b" * 40, aws)) as request:
        yield request


@pytest.fixture
def report(tmp_path, monkeypatch, request_):
    """Report a preview (none: the check never ran) and how far the tests came."""
    variables = {
        "AWS_ACCESS_KEY_ID": "build",
        "AWS_SECRET_ACCESS_KEY": "build",
        "APPROVER": f"arn:aws:iam::{ACCOUNT}:role/{APPROVER}",
        "AWS_ENDPOINT_URL": request_.aws,
        "AWS_ENDPOINT_URL_CODECOMMIT": request_.address,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "CODEBUILD_BUILD_URL": "https://logs.example.com/1",
        "PULL_REQUEST_ID": request_.id,
        "REVISION_ID": request_.revision,
        "REPOSITORY": request_.repository,
        "SOURCE_COMMIT": request_.source,
        "DESTINATION_COMMIT": request_.destination,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def run(judged: Preview | None, tests: str | None = "passed", *arguments: str) -> int:
        if judged:
            verdict.save([judged], tmp_path / "verdict.json")
        if tests:
            (tmp_path / "tests").write_text(f"{tests}\n")
        place = () if "--github" in arguments else ("--codecommit",)
        return main(["report", *place, "--output", str(tmp_path), "--tests", str(tmp_path / "tests"), *arguments])

    return run


def test_green_is_approved(report, request_):
    assert report(preview()) == 0
    assert request_.approval == "APPROVE"
    assert "logs.example.com" not in request_.comments[0]


@pytest.mark.parametrize(
    ("judged", "tests", "line"),
    [
        (None, None, "Tests: **not passed**, stopped at `what comes before them`."),
        (None, "passed", "The previews were **not judged**: the check didn't come to its end."),
        (preview(), "make test", "Tests: **not passed**, stopped at `make test`."),
        (preview(findings=[finding("mandatory", 1)]), "passed", "#### Policies broken"),
        (preview(problems=["not judged: so"]), "passed", "- prod: not judged: so"),
    ],
)
def test_red_is_not(report, request_, judged, tests, line):
    assert report(judged, tests) == 1
    assert request_.approval == "REVOKE"
    assert line in request_.comments[0].splitlines()
    assert "[The build's log](https://logs.example.com/1)" in request_.comments[0].splitlines()


@pytest.mark.parametrize("attribute", ["id", "revision", "open", "repository", "source"])
def test_what_codecommit_refuses_is_a_message(report, request_, capsys, attribute):
    codes = {
        "id": "PullRequestDoesNotExistException: there is no such pull request",
        "revision": "RevisionNotCurrentException: it has been pushed to since",
        "open": "PullRequestAlreadyClosedException: it is closed already",
        "repository": "RepositoryDoesNotExistException: other",
        "source": "CommitDoesNotExistException: commits",
    }
    setattr(request_, attribute, False if attribute == "open" else "other")
    if attribute == "repository":
        codes["repository"] = "RepositoryDoesNotExistException: platform"
    assert report(preview()) == 2
    message = capsys.readouterr().err
    assert message.startswith("pull request 42: ")
    assert f" was refused with {codes[attribute]}" in message
    assert request_.approval != "APPROVE" or attribute not in ("repository", "source")


def test_a_red_build_takes_back_what_an_earlier_one_gave(report, request_, monkeypatch):
    assert report(preview()) == 0
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another-build")
    assert report(preview(), "make test") == 1
    assert request_.approval == "REVOKE"


@pytest.mark.parametrize("variable", ["REVISION_ID", "PULL_REQUEST_ID", "SOURCE_COMMIT", "APPROVER"])
def test_an_event_that_is_not_whole_is_a_message(report, capsys, monkeypatch, variable):
    monkeypatch.delenv(variable)
    assert report(preview()) == 2
    assert capsys.readouterr().err == f"{variable} is not set\n"


def test_on_github_it_is_the_jobs_summary(report, tmp_path, monkeypatch, request_):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    assert report(preview(changes=[created(1)]), "passed", "--github") == 0
    assert report(preview(problems=["boom"]), "passed", "--github") == 1
    summary = (tmp_path / "summary").read_text()
    assert summary.index("### ✅ The check passed") < summary.index("<details>") < summary.index("- prod: boom")
    assert request_.calls == []
