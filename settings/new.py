"""A further stack's file, made from one that is there: a copy that says what to change."""

import re
from pathlib import Path

from components.common import NAME

LONGEST = 20
"""Characters of a stack's name, as `delivery.environments` takes them too."""
ADVICE = {
    "region": "the region; the zones below and whatever names the region go with it.",
    "defaultTags": "every resource carries these; cost reports tell stacks apart by them.",
    "tiers": "what the stack has. In one account, one trail (`audit`) is enough, and one `delivery` for all stacks.",
    "network": "a range of its own, if the networks are ever to be connected.",
    "dns": "a domain of its own: two stacks of one domain fight over its records.",
    "delivery": "this belongs to the one stack that has tiers.delivery; add the new stack to its `environments`.",
}
"""What the author of a new stack has to think of, by section."""


class Refused(Exception):
    """There can be no such stack file; the message says why."""


def text(source: str, old: str, new: str) -> str:
    """The text of a stack's file for another stack, with advice above the sections that it concerns."""
    schema, *lines = source.splitlines()
    made = [schema, f"# Made from Pulumi.{old}.yaml: see to each `Change`, then run `make preview STACK={new}`."]
    for line in lines:
        section = re.match(r"  [\w-]+:(\w+):", line)
        if section and section[1] in ADVICE:
            made.append(f"  # Change: {ADVICE[section[1]]}")
        made.append(f"      Environment: {new}" if line == f"      Environment: {old}" else line)
    return "\n".join(made) + "\n"


def write(root: Path, new: str, old: str) -> Path:
    """Make `Pulumi.<new>.yaml` from `Pulumi.<old>.yaml`.

    Raises:
        Refused: if `new` can't be a stack's name or has a file, or `old` has none.
    """
    if not re.fullmatch(NAME, new) or len(new) > LONGEST:
        raise Refused(
            f"{new!r} can't be a stack's name: use lower-case letters, digits and single hyphens, a letter first, "
            f"{LONGEST} characters at most"
        )
    made, source = root / f"Pulumi.{new}.yaml", root / f"Pulumi.{old}.yaml"
    if made.exists():
        raise Refused(f"{made.name} is there already")
    if not source.exists():
        raise Refused(f"{source.name} is not there")
    made.write_text(text(source.read_text(), old, new))
    return made
