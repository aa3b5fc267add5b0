"""The report on the terminal: components, verdicts, outputs and files.

Where stdout isn't a terminal, the same lines come without colour or guides, and none is wrapped or cut.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from policy.evaluate import Finding
    from preview.run import Preview
    from standin.mocks import Registration

VERDICTS = {"fail": ("FAIL", "bold red"), "unverifiable": ("UNVERIFIABLE", "bold yellow")}


class Printer:
    """Lines at a depth: hanging and wrapped on a terminal, whole elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, *parts: str | tuple[str, str], depth: int = 0) -> None:
        text = Text.assemble(*parts, overflow="fold")
        if self.console.is_terminal:
            self.console.print(Padding(text, (0, 0, 0, 2 * depth), expand=False))
        else:
            self.console.print("  " * depth + text.plain, soft_wrap=True)

    def heading(self, title: str) -> None:
        self.line()
        self.line((title, "bold underline"))

    def tree(self, tree: Tree, depth: int = 0) -> None:
        if self.console.is_terminal:
            self.console.print(tree)
            return
        for text in tree.label.renderables if isinstance(tree.label, Group) else [tree.label]:
            inside = isinstance(text, Padding)
            self.line(str(text.renderable if isinstance(text, Padding) else text), depth=depth + inside)
        for child in tree.children:
            self.tree(child, depth + 1)


def show(preview: Preview, *, resources: bool = False, console: Console | None = None) -> None:
    """Prints the report."""
    printer = Printer(console or Console(highlight=False, markup=False, emoji=False))
    project, registrations = preview.project, preview.recording.registrations
    made, components = sum(r.custom and not r.read for r in registrations), sum(not r.custom for r in registrations)
    printer.line(
        (f"{project.name} {project.stack}", "bold"),
        f" in {project.region}: {counted(made)} in {counted(components, 'component')}",
        " (offline, as in a first preview)" if preview.unknown else " (offline preview)",
    )
    for note in preview.notes:
        printer.line(("! ", "bold yellow"), (note, "yellow"))
    printer.heading("Components")
    for branch in component_trees(registrations, everything=resources):
        printer.tree(branch)
    printer.heading("Policy")
    show_policy(preview, printer)
    printer.heading("Outputs")
    for name, value in sorted(preview.recording.outputs.items()):
        printer.line((name, "bold"), f" = {value if isinstance(value, str) else as_text(value)}", depth=1)
    printer.heading("Files")
    for kind, file in preview.files.items():
        printer.line(f"{kind}: ", (file or "left out, see above", "" if file else "yellow"), depth=1)
    printer.line()
    report = preview.report
    violations = len(report.violations)
    others = [
        counted(len(found), what)
        for found, what in (
            (report.old, "old violation"),
            (report.waived, "waived finding"),
            (report.advice, "advisory finding"),
        )
        if found
    ]
    beside = "".join(f", {other}" for other in others)
    if violations:
        found = counted(violations, "mandatory violation")
        printer.line((found, "bold red"), f"{beside}: this stack would be refused")
    else:
        printer.line(("Clean", "bold green"), f": no mandatory policy is violated{beside}")


def as_text(value: object) -> str:
    """An output that isn't a plain text, as JSON."""
    import json

    from preview.run import shown

    return json.dumps(shown(value))


# -- components --------------------------------------------------------------------------------------------------------


def component_trees(registrations: Iterable[Registration], *, everything: bool) -> Iterator[Tree]:
    """A tree for each top-level component, and one for what is in none."""
    children: dict[str | None, list[Registration]] = defaultdict(list)
    for registration in registrations:
        children[registration.parent].append(registration)
    for top in children[None]:
        if not top.custom:
            yield component_tree(top, children, everything)
    loose = [r for r in children[None] if r.custom]
    if loose:
        head = Text(f"(in no component)  {counted(len(loose))}")
        tree = Tree(head if everything else with_counts(head, loose), guide_style="dim")
        if everything:
            add_resources(tree, loose, children)
        yield tree


def component_tree(component: Registration, children: dict[str | None, list[Registration]], everything: bool) -> Tree:
    def below(urn: str) -> int:
        return sum(c.custom + below(c.urn) for c in children[urn])

    kind = component.type.rsplit(":", 1)[-1]
    head = Text.assemble((kind, "cyan"), " ", (component.name, "bold"), f"  {counted(below(component.urn))}")
    own = [c for c in children[component.urn] if c.custom]
    if own and not everything:
        tree = Tree(with_counts(head, own), guide_style="dim")
    else:
        tree = Tree(head, guide_style="dim")
        add_resources(tree, own, children)
    for child in children[component.urn]:
        if not child.custom:
            tree.children.append(component_tree(child, children, everything))
    return tree


def add_resources(
    tree: Tree, resources: Iterable[Registration], children: dict[str | None, list[Registration]]
) -> None:
    """A line for each resource, with those that hang from it below."""
    for resource in sorted(resources, key=lambda r: (r.type, r.name)):
        branch = tree.add(
            Text.assemble(
                (resource.type, "cyan"),
                " ",
                resource.name,
                (f"  {resource.source}" if resource.source else "", "dim"),
                "  protected" if resource.protect else "",
            )
        )
        add_resources(branch, children[resource.urn], children)


def with_counts(head: Text, resources: Iterable[Registration]) -> Group:
    """A line, and below it how many resources there are of each type: `ec2.Eip, ec2.Subnet(9)`."""
    counts = Counter(python_name(r.type) for r in resources)
    kinds = ", ".join(f"{kind}({n})" if n > 1 else kind for kind, n in sorted(counts.items()))
    return Group(head, Padding(Text(kinds, style="dim"), (0, 0, 0, 2)))


def python_name(type_: str) -> str:
    """`rds.Instance` of `aws:rds/instance:Instance`; another provider's `random.RandomPassword`."""
    package, module, kind = [*type_.split(":"), "", ""][:3]
    return f"{module.split('/')[0] if package == 'aws' else package}.{kind}"


def counted(number: int, what: str = "resource") -> str:
    return f"{number} {what}{'s' * (number != 1)}"


# -- verdicts ----------------------------------------------------------------------------------------------------------


def show_policy(preview: Preview, printer: Printer) -> None:
    report = preview.report
    by_rule: dict[tuple[int, str, str, str], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_rule[*standing(finding), finding.verdict, finding.rule].append(finding)
    for (_, stands, verdict, rule), findings in sorted(by_rule.items()):
        word, style = VERDICTS[verdict]
        first = findings[0]
        printer.line(
            (word, style),
            " ",
            (rule, "bold"),
            f"  {stands}, severity {first.severity}, {first.family}",
            depth=1,
        )
        for finding in sorted(findings, key=lambda f: (f.type, f.name, f.message)):
            source = f"  {finding.source}" if finding.source else ""
            printer.line((finding.type, "cyan"), " ", (finding.name, "bold"), (source, "blue"), depth=2)
            printer.line(message(finding), (f"  [{finding.id}]", "dim"), depth=3)
            if finding.waiver:
                printer.line((str(finding.waiver), "yellow"), depth=3)
    printer.line(
        f"{report.checks} checks: {report.passed} passed, {report.failed} failed, {report.unverifiable} unverifiable",
        depth=1,
    )


def standing(finding: Finding) -> tuple[int, str]:
    """How a finding counts: its place in the report, and the word for it."""
    if finding.waiver:
        return 2, "waived"
    if finding.level != "mandatory":
        return 3, finding.level
    return (1, "in the baseline") if finding.old else (0, "mandatory")


def message(finding: Finding) -> str:
    """A finding's message without the rule and the resource, which stand above it."""
    return finding.message.partition(f" {finding.name}: ")[2] or finding.message
