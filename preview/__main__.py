"""`python -m preview STACK`: run the program offline, judge it by the policy pack and draw it."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

EXIT_CODES = """\
exit codes:
  0  clean: no mandatory policy is violated, but for what is waived or stands in the baseline
  1  a mandatory policy is violated or can't be verified, or a waiver is amiss
  2  the settings, the command line or a file that it names are wrong
  3  the program itself failed
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m preview",
        description="Shows what a stack would be: its resources, the policy pack's verdicts, its outputs, a diagram. "
        "Needs no cloud account, no Pulumi CLI and no credentials.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "stack",
        metavar="STACK",
        nargs="?",
        default="",
        help="a stack that has a Pulumi.<stack>.yaml, such as dev or prod",
    )
    parser.add_argument("--unknown", action="store_true", help="as in a first preview: nothing AWS computes is known")
    parser.add_argument("--resources", action="store_true", help="list every resource, not only how many there are")
    parser.add_argument("--json", action="store_true", help="print the JSON on stdout instead of the report")
    parser.add_argument("--no-diagram", action="store_true", help="don't draw the architecture")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where <stack>.svg and <stack>.json go (default: build/preview)"
    )
    parser.add_argument(
        "--directory", type=Path, metavar="DIR", default=Path(), help="the project, or a folder in it (default: here)"
    )
    policies = parser.add_argument_group("policies")
    for option, what in (
        ("sarif", "write the findings as SARIF 2.1.0, with the program's file and line"),
        ("results", "write checks and findings as JSON, which is also a baseline for later runs"),
        ("markdown", "write the findings as a comment for a pull request"),
        ("baseline", "fail on what is new alone: the JSON of an earlier run, by --results or as --json prints it"),
        ("waivers", "take the waivers from here (default: the file that the configuration names, policy/waivers.yaml)"),
        ("policy-config", "how the rules count, as in `pulumi preview --policy-pack-config`"),
    ):
        policies.add_argument(f"--{option}", type=Path, metavar="FILE", help=what)
    parser.add_argument("--traceback", action="store_true", help="if the program fails, show where in full")
    return parser


def main() -> int:
    """Runs the command line; the result is the exit code."""
    arguments = parser().parse_args()
    from preview.run import Options, run  # after --help and mistakes on the command line

    return run(Options(**vars(arguments)))


if __name__ == "__main__":
    # The provider's classes are a million objects that live to the end: looking for garbage among them, and taking
    # them down one by one, would be a quarter of the time.
    gc.disable()
    try:
        code = main()
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # who read it has seen enough
        code = 141
    os._exit(code)
