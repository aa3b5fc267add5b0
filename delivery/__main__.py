"""`python -m delivery`: judge a pull request, say so on it, deploy a stack."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path

from .approvals import approved
from .report import CODECOMMIT_BYTES, GITHUB_BYTES, Steps, green, render
from .stack import Project, Unusable
from .verdict import Preview, load, save

EXIT_CODES = """\
exit codes:
  0  fine
  1  judged red, or refused; of `deploy`, also what pulumi ends with
  2  it could not be judged, reported or deployed, or the command line is wrong
"""
_IDS = {
    "--pull-request": "PULL_REQUEST_ID",
    "--revision": "REVISION_ID",
    "--repository": "REPOSITORY",
    "--source": "SOURCE_COMMIT",
    "--destination": "DESTINATION_COMMIT",
    "--approver": "APPROVER",
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m delivery",
        description="What the builds run. The state is in the bucket STATE_BUCKET, in AWS_REGION, where it is set; "
        "else wherever `pulumi login` went.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=help, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        added.description = f"{help[0].upper()}{help[1:]}."
        return added

    def project(to: argparse.ArgumentParser) -> None:
        to.add_argument("--directory", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
        to.add_argument(
            "--policy-pack", type=Path, required=True, metavar="DIR", help="what judges it; a folder with a policy pack"
        )

        to.add_argument(
            "--approvals",
            type=Path,
            metavar="FILE",
            help="what may be taken away although it holds data: see delivery/approvals.py "
            "(default: delivery/approvals.yml of the project)",
        )
        to.add_argument(
            "--unguarded", action="append", default=[], metavar="STACK", help="a stack that may lose what it holds"
        )

    def output(to: argparse.ArgumentParser, help: str) -> None:
        to.add_argument("--output", type=Path, required=True, metavar="DIR", help=help)

    check = command("check", "preview stacks under the policy pack, and judge them")
    check.add_argument(
        "--stack", action="append", required=True, dest="stacks", metavar="STACK", help="may be repeated"
    )
    project(check)
    output(check, "where verdict.json and report.md go")

    report = command("report", "say on the pull request what `check` found")
    place = report.add_mutually_exclusive_group(required=True)
    place.add_argument("--codecommit", action="store_true", help="as a comment, and as an approval or its withdrawal")
    place.add_argument("--github", action="store_true", help="in the job's summary, GITHUB_STEP_SUMMARY")
    output(report, "what `check` wrote; nothing there is red")
    report.add_argument(
        "--tests",
        type=Path,
        metavar="FILE",
        help="holds `passed`, or the step at which the tests ended (default: none)",
    )
    for option, variable in _IDS.items():
        report.add_argument(option, default=os.environ.get(variable), metavar="ID", help=f"default: {variable}")
    report.add_argument(
        "--log", metavar="URL", default=os.environ.get("CODEBUILD_BUILD_URL"), help="default: CODEBUILD_BUILD_URL"
    )

    deploy = command("deploy", "update a stack, unless that takes away what holds data")
    deploy.add_argument("stack", metavar="STACK", help="a stack of the project, such as dev")
    project(deploy)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; the result is the exit code."""
    options = parser().parse_args(arguments)
    try:
        return {"check": _check, "report": _report, "deploy": _deploy}[options.command](options)
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2


def _check(options: argparse.Namespace) -> int:
    options.output.mkdir(parents=True, exist_ok=True)
    project, allowed = _project(options), _allowed(options)
    previews = []
    for stack in options.stacks:
        print(f"Previewing {stack}.", flush=True)
        preview = _guarded(project.preview(stack), allowed, options)
        for problem in preview.problems:
            print(f"{stack}: {problem}", file=sys.stderr, flush=True)
        previews.append(preview)
    save(previews, options.output / "verdict.json")
    (options.output / "report.md").write_text(render(previews, limit=GITHUB_BYTES, fold=True))
    return 0 if green(previews, None) else 1


def _project(options: argparse.Namespace) -> Project:
    return Project(options.directory.resolve(), options.policy_pack.resolve())


def _allowed(options: argparse.Namespace) -> set[str]:
    file = options.approvals or options.directory / "delivery" / "approvals.yml"
    return approved(file, datetime.datetime.now(datetime.UTC).date())


def _guarded(preview: Preview, allowed: set[str], options: argparse.Namespace) -> Preview:
    return preview if preview.stack in options.unguarded else preview.guarded(allowed)


def _report(options: argparse.Namespace) -> int:
    verdict = options.output / "verdict.json"
    previews = load(verdict) if verdict.exists() else []
    tests = _tests(options.tests) if options.tests else None
    passed = green(previews, tests)
    if options.github:
        with open(_named("GITHUB_STEP_SUMMARY", os.environ.get("GITHUB_STEP_SUMMARY")), "a") as summary:
            summary.write(render(previews, tests, limit=GITHUB_BYTES, fold=True))
    else:
        from .codecommit import PullRequest  # boto3, which a deployment does without

        ids = [_named(_IDS[option], getattr(options, option[2:].replace("-", "_"))) for option in _IDS]
        # A build has a log of its own, so its address would make a comment of its own: only where there is a reason.
        log = None if passed else options.log
        text = render(previews, tests, limit=CODECOMMIT_BYTES, fold=False, log=log)
        print(text, flush=True)
        PullRequest(*ids).report(text, approve=passed)
    return 0 if passed else 1


def _tests(file: Path) -> Steps:
    at = file.read_text().strip() if file.exists() else "what comes before them"
    return Steps(at == "passed", at)


def _named(variable: str, value: str | None) -> str:
    if not value:
        raise Unusable(f"{variable} is not set")
    return value


def _deploy(options: argparse.Namespace) -> int:
    project, allowed = _project(options), _allowed(options)
    project.select(options.stack)
    preview = _guarded(project.preview(options.stack), allowed, options)
    if not preview.green:
        print(render([preview], limit=GITHUB_BYTES, fold=False), file=sys.stderr)
        return 1
    return project.update(options.stack)


if __name__ == "__main__":
    sys.exit(main())
