"""`python -m settings`: check a stack's settings, begin a new stack's, or write the schema that editors complete by."""

import argparse
import json
import sys
from pathlib import Path

import yaml

from . import SettingsError, new, parse
from .schema import stack_file_schema

SCHEMA = Path(__file__).with_name("schema.json")
ROOT = SCHEMA.parent.parent


def main() -> int:
    """Exit status: 0 fine, 1 the schema is out of step, 2 the settings are wrong, or a file can't be read or made."""
    parser = argparse.ArgumentParser(prog="python -m settings", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check Pulumi.STACK.yaml")
    check.add_argument("stack")
    begin = commands.add_parser("new", help="write Pulumi.STACK.yaml, like another stack's, with what to change in it")
    begin.add_argument("stack")
    begin.add_argument("--like", required=True, metavar="OTHER", help="the stack whose file is copied")
    schema = commands.add_parser("schema", help="write settings/schema.json")
    schema.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is out of step")
    arguments = parser.parse_args()
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"]
    if arguments.command == "schema":
        return _schema(project, arguments.check)
    if arguments.command == "new":
        try:
            made = new.write(ROOT, arguments.stack, arguments.like)
        except new.Refused as refused:
            print(refused, file=sys.stderr)
            return 2
        print(f"{made.name} is made: see to each `Change` in it, then run `make preview STACK={arguments.stack}`")
        return 0
    file = ROOT / f"Pulumi.{arguments.stack}.yaml"
    try:
        parse(yaml.safe_load(file.read_text())["config"], project)
    except SettingsError as wrong:
        print(f"{file.name}: {wrong}", file=sys.stderr)
        return 2
    except (OSError, yaml.YAMLError, KeyError, TypeError) as unreadable:
        print(f"{file.name} can't be read as a stack file: {unreadable}", file=sys.stderr)
        return 2
    print(f"{file.name}: the settings are right")
    return 0


def _schema(project: str, check: bool) -> int:
    text = json.dumps(stack_file_schema(project), indent=2) + "\n"
    if not check:
        SCHEMA.write_text(text)
    elif SCHEMA.read_text() != text:
        print("settings/schema.json is out of step with the settings: run `make schema`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
