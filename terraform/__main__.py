"""`python -m terraform`: the program as Terraform JSON, and what the real AWS provider says to it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
EPILOG = """\
exit codes:
  0  done; for `plan` and `apply`: the provider accepts everything
  1  the provider or a scanner objects, or a list of known exceptions no longer holds
  2  the settings or the command line are wrong, or Terraform or the provider is missing
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m terraform",
        description="Write a stack as Terraform JSON, and have the real AWS provider judge it. No cloud, no account.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command, help_ in (
        ("export", "write what the program registers as Terraform JSON"),
        ("plan", "export, validate and plan, and scan the plan with Checkov where it is installed"),
        ("apply", "export and apply to a simulated AWS, plan again without a change, destroy"),
    ):
        parse = commands.add_parser(command, help=help_, description=help_[0].upper() + help_[1:] + ".")
        parse.add_argument("stack", metavar="STACK", help="a stack of the project, such as dev")
        parse.add_argument(
            "--out",
            type=Path,
            metavar="DIR",
            help=f"where the files go (default: build/{'terraform' if command == 'export' else command}/STACK)",
        )
        parse.add_argument(
            "--directory", type=Path, metavar="DIR", default=PROJECT, help="the project (default: this one)"
        )
    options = parser.parse_args(arguments)
    from preview.run import Mistake
    from settings import SettingsError

    from . import conformance, provider
    from .export import ComputedOnOutput

    run = {
        "export": conformance.write_stack,
        "plan": conformance.plan_stack,
        "apply": conformance.apply_stack,
    }[options.command]
    folder = "terraform" if options.command == "export" else options.command
    out = options.out or PROJECT / "build" / folder / options.stack
    try:
        return run(options.directory, options.stack, out, print)
    except (provider.NoTerraform, Mistake, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    except (provider.Failed, conformance.Objection, ComputedOnOutput) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
