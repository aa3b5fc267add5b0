"""`python -m sandbox`: a real `pulumi up` of a stack against the AWS stand-in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pulumi import automation

from . import cli
from .engine import Engine, SettingsError

PROJECT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """0: done. 1: the engine or a policy refused. 2: the command or the stack's settings are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Run the program under a real Pulumi engine, with a stand-in for AWS: no account, nothing real.",
        epilog="The state lies in .sandbox/STACK between commands. Exit code 1: the engine or a policy refused; "
        "2: the command or the stack's settings are wrong.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("engine", help="print the path of the Pulumi CLI in use, building one if there is none")
    for command, help_ in (
        ("preview", "what an update would do, policies included"),
        ("up", "create or update the stack"),
        ("destroy", "delete the stack's resources, protected ones too"),
    ):
        parse = commands.add_parser(command, help=help_)
        parse.add_argument("stack", metavar="STACK", help="a stack of the project, such as dev")
    options = parser.parse_args(arguments)
    try:
        if options.command == "engine":
            print(cli.place())
            return 0
        return _run(options.command, options.stack)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except cli.NoCLI as error:
        print(error, file=sys.stderr)
        return 1
    except automation.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(command: str, stack: str) -> int:
    color = "always" if sys.stdout.isatty() else "never"
    directory = PROJECT / ".sandbox" / stack
    engine = Engine(
        directory, PROJECT, stack, policies=PROJECT / "policy", stream=_show, color=color, checkpoints=False
    )
    with engine:
        result = getattr(engine, command)()
    return 0 if result.ok else 1


def _show(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
