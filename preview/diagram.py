"""Draws an architecture as SVG: Graphviz places the cards and arrows, this module draws them.

Text is measured with Helvetica's widths, not with the machine's fonts, so the same program gives the same bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from preview.architecture import CATEGORIES, GLOBAL, INTERNET, KINDS, Architecture, Box, Edge, Node
from preview.layout import NO_PYGRAPHVIZ

COLOURS = {
    "network": "#8C4FFF",
    "compute": "#ED7100",
    "containers": "#D45B07",
    "database": "#C925D1",
    "storage": "#5E8C0E",
    "security": "#DD344C",
    "integration": "#E7157B",
    "analytics": "#6B3FD4",
    "management": "#B0084D",
    "developer": "#3B48CC",
    "other": "#5A6B86",
}

# Boxes: fill, border, dash pattern.
BOXES = {
    "global": ("#FBFAFF", "#8C4FFF", "2 3"),
    "region": ("#FCFDFD", "#00848A", "6 4"),
    "vpc": ("#FFFFFF", "#8C4FFF", ""),
    "public": ("#F1F7E4", "#7AA116", ""),
    "private": ("#E8F5F6", "#00A4A6", ""),
    "isolated": ("#EFF1F6", "#7D8998", ""),
    "subnet": ("#FFFFFF", "#B6BEC9", ""),
    "cluster": ("#FFF8F2", "#D45B07", "2 3"),
}

# Arrows: colour, width, dash pattern.
ARROWS = {
    "traffic": ("#16191F", 1.8, ""),
    "replication": ("#C925D1", 1.8, "7 3"),
    "data": ("#693BC5", 1.6, ""),
    "guard": ("#DD344C", 1.5, "3 3"),
    "egress": ("#00848A", 1.2, "6 3"),
    "logs": ("#8A94A3", 1.0, "1.5 3"),
    "uses": ("#AAB3C0", 1.0, ""),
}

# Line drawings on a 24 x 24 grid.
ICONS = {
    "balancer": "M3 12a2 2 0 1 0 4 0a2 2 0 1 0-4 0M7 12h12M11 12l7-6M11 12l7 6M15 6h3v3M17 10l2 2-2 2M18 15v3h-3",
    "bell": "M6 17h12l-1.5-2.5V11a4.5 4.5 0 0 0-9 0v3.5zM10.5 19.5h3M12 4v2",
    "box": "M5 8l7-4 7 4v8l-7 4-7-4zM5 8l7 4 7-4M12 12v8",
    "bucket": "M5 7l2 12h10l2-12M5 7a7 2.5 0 0 0 14 0a7 2.5 0 0 0-14 0z",
    "certificate": "M5 5h14v10H5zM8 8.5h8M8 11.5h4M15 15v5l2-1.5 2 1.5v-5",
    "chart": "M4 20h16M7 20v-7M12 20V6M17 20v-10",
    "cloud": "M7 18a4 4 0 0 1-.5-8 5.5 5.5 0 0 1 10.600-1.5A4.800 4.800 0 0 1 17 18z",
    "code": "M9 8l-4 4 4 4M15 8l4 4-4 4M13 6l-2 12",
    "container": "M4 7h16v10H4zM8 10v4M12 10v4M16 10v4",
    "database": "M5 6a7 2.5 0 0 0 14 0a7 2.5 0 0 0-14 0v12a7 2.5 0 0 0 14 0V6M5 12a7 2.5 0 0 0 14 0",
    "dns": "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.5 9.5h7M8.5 12.5h7",
    "gateway": "M5 20V10a7 7 0 0 1 14 0v10M3.5 20h17M8.5 14h7M13 11.5l2.5 2.5-2.5 2.5",
    "globe": "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M4 12h16M12 4c-5 5-5 11 0 16M12 4c5 5 5 11 0 16",
    "key": "M8 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 12h8v3M16.5 12v2.5",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2",
    "log": "M6 4h9l3 3v13H6zM9 10h6M9 13h6M9 16h4",
    "queue": "M4 8h4v8H4zM10 8h4v8h-4zM16 8h4v8h-4z",
    "server": "M5 6h14v12H5zM8 10h8M8 14h5",
    "servers": "M4 8h11v11H4zM7.5 8V4.5H19V16h-4",
    "shield": "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5",
}

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
ICON, PAD, LINE = 34, 8, 14
MIN_WIDTH, MAX_WIDTH, MAX_LABEL = 130, 220, 210
LABEL, NAME, CAPTION = 12.5, 11.0, 10.0

# Helvetica's advance widths in thousandths, from the space to the tilde.
WIDTHS = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
]  # fmt: skip


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is, in pixels."""
    units = sum(WIDTHS[ord(c) - 32] if 32 <= ord(c) < 127 else 600 for c in text)
    return units * size * (1.07 if bold else 1.0) / 1000


def wrapped(items: Iterable[str], size: float, limit: float, separator: str = " · ") -> list[str]:
    """The items joined into lines of at most `limit` pixels; one that is wider itself is broken at its spaces."""
    lines: list[str] = []
    for item in items:
        between = separator
        for part in [item] if width(item, size) <= limit else item.split():
            if lines and width(lines[-1] + between + part, size) <= limit:
                lines[-1] += between + part
            else:
                lines.append(part)
            between = " "
    return [shortened(line, size, limit) for line in lines]


def shortened(text: str, size: float, limit: float, bold: bool = False) -> str:
    """The text, cut with an ellipsis if it is wider than `limit` pixels (the tooltip has it whole)."""
    if width(text, size, bold) <= limit:
        return text
    while text and width(text + "…", size, bold) > limit:
        text = text[:-1]
    return text.rstrip(" ,·-") + "…"


class Card:
    """A node's lines of text and its size."""

    def __init__(self, node: Node) -> None:
        badge = 22 if node.keys else 0
        self.node = node
        self.label = shortened(node.label, LABEL, MAX_LABEL - badge, bold=True)
        title = width(self.label, LABEL, bold=True) + badge
        room = max(title, MAX_WIDTH - ICON - 3 * PAD)
        names = node.names
        if node.count > 1 and (len(wrapped(names, NAME, room, ", ")) > 3 or max(width(n, NAME) for n in names) > room):
            names = sorted({n.split("-")[0] for n in names})  # whose they are
        self.names = wrapped(names, NAME, room, ", ")
        if len(self.names) > 3:
            self.names = [*self.names[:2], f"and {len(names) - len(', '.join(self.names[:2]).split(', '))} more"]
        self.lines = wrapped(node.caption, CAPTION, room)
        widest = max(title, *(width(t, NAME) for t in self.names), *(width(t, CAPTION) for t in self.lines))
        self.width = round(max(MIN_WIDTH, widest + ICON + 3 * PAD))
        self.height = round(max(ICON, LINE * (1 + len(self.names) + len(self.lines)) + 2) + 2 * PAD)


# -- placing -----------------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """A DOT string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def space(w: float, h: float) -> str:
    """A DOT label that only takes up room, so that no font of the machine has a say."""
    return f'<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{w:.0f}" HEIGHT="{h:.0f}"><TR><TD></TD></TR></TABLE>>'


def chain(boxes: dict[str, Box], box: str | None) -> list[str]:
    """A box and those around it, from the inside out."""
    return [box, *chain(boxes, boxes[box].parent)] if box else []


def members(architecture: Architecture) -> dict[str, list[str]]:
    """The ids of the nodes that lie in each box, without those of the boxes in it."""
    return {b.id: [n.id for n in architecture.nodes if n.box == b.id] for b in architecture.boxes}


def columns(architecture: Architecture) -> dict[str, int]:
    """The column of each node and of each subnet's box, counted from the left, where the internet is.

    Traffic and replication go to the right, what guards a node stands left of it and right of where traffic comes
    from, and what has no traffic is spread over the columns of the box that it lies in.
    """
    boxes = {b.id: b for b in architecture.boxes}
    inside = members(architecture)
    guards = [e for e in architecture.edges if e.kind == "guard"]
    home = {n.id: n.box for n in architecture.nodes}
    region = {n.id: n.box and chain(boxes, n.box)[-1] for n in architecture.nodes}
    guarded = {e.target for e in guards if region[e.source] == region[e.target]}
    flows = [
        (source, target, 2 if target in guarded and region[source] != region[target] else 1)
        for e in architecture.edges
        if e.kind in ("traffic", "replication")
        for source in inside.get(e.source, [e.source])
        for target in inside.get(e.target, [e.target])
    ]
    column = {end: 0 for source, target, _ in flows for end in (source, target)}

    def push() -> None:
        """The longest path, which ends even if traffic goes in a circle."""
        for _ in range(len(column)):
            for source, target, steps in flows:
                column[target] = min(max(column[target], column[source] + steps), 2 * len(column))

    push()
    # No region begins before what is global ends: the boxes stand side by side.
    outside = max((c for i, c in column.items() if region[i] == GLOBAL), default=-1)
    column |= {i: max(c, outside + 1) for i, c in column.items() if region[i] not in (None, GLOBAL)}
    push()
    entered = {target for _, target, _ in flows}
    starts = [i for i in column if i not in entered and i != INTERNET]
    for source in starts:  # what no traffic comes to stands just before what it sends traffic to
        column[source] = max(0, min(column[t] - steps for s, t, steps in flows if s == source))
    # But not in a column of the tier that is left of its own: those boxes stand side by side as well.
    tiers: dict[str, list[str]] = {}
    for node in architecture.nodes:
        if node.id in column and node.id not in starts:
            for box in chain(boxes, node.box):
                if boxes[box].kind in ("public", "private", "isolated"):
                    tiers.setdefault(box, []).append(node.id)
    spread = {tier: {column[i] for i in ids} for tier, ids in tiers.items()}
    for source in starts:
        tier = next((b for b in chain(boxes, home[source]) if b in tiers), None)
        left = [max(c) for c in spread.values() if tier and max(c) < min(spread[tier])]
        if tier and left and column[source] <= max(left):
            column[source] = max(left) + 1
            column |= {i: max(column[i], max(left) + 2) for i in tiers[tier]}
    push()
    for edge in guards:
        if edge.target in column:
            column.setdefault(edge.source, max(0, column[edge.target] - 1))

    spans: dict[str, list[int]] = {}
    for node in architecture.nodes:
        if node.id in column:
            for box in chain(boxes, node.box):
                spans.setdefault(box, []).append(column[node.id])
    last = max(column.values(), default=0)

    def start(box: str | None) -> int:
        """The first column of a box; one without traffic begins with the box around it, or one to its right."""
        for around in chain(boxes, box):
            if around in spans:
                return min(spans[around]) + (around != box and boxes[around].kind == "vpc")
        return 1

    placed, beside = dict(column), [n for n in architecture.nodes if n.id not in column]
    for node in beside:
        if not node.box or boxes[node.box].kind != "region":
            placed[node.id] = start(node.box)
    crowd: dict[tuple[str | None, int], int] = {}
    for node in beside:
        if node.id not in placed:  # near what it is joined to, but not all in one column
            first, last_own = start(node.box), max(spans.get(node.box or "", [2 if len(spans) > 1 else last]))
            ends = {end for e in architecture.edges for end in (e.source, e.target) if node.id in (e.source, e.target)}
            near = [placed[i] for i in ends if i in placed] or [first]
            wanted = sum(near) / len(near)
            costs = {c: abs(c - wanted) + crowd.get((node.box, c), 0) for c in range(first, max(first, last_own) + 1)}
            placed[node.id] = min(costs, key=lambda c: (costs[c], c))
            crowd[node.box, placed[node.id]] = crowd.get((node.box, placed[node.id]), 0) + 1
    filled = {n.box for n in architecture.nodes}
    for empty in (b.id for b in architecture.boxes if b.kind == "subnet" and b.id not in filled):
        placed[anchor(empty)] = start(empty)
    return placed


def dot(architecture: Architecture, cards: dict[str, Card]) -> str:
    """The architecture as DOT, with sizes instead of text."""
    column = columns(architecture)
    boxes = {b.id: b for b in architecture.boxes}
    inside: dict[str | None, list[Box]] = {}
    for box in architecture.boxes:
        inside.setdefault(box.parent, []).append(box)
    within = members(architecture)
    lines = [
        "digraph {",
        "graph [rankdir=LR, compound=true, newrank=true, nodesep=0.22, ranksep=1.0, splines=spline, remincross=true];",
        'node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.7];',
    ]

    def card(node: Node) -> str:
        size = cards[node.id]
        return f"{quoted(node.id)} [width={size.width / 72:.4f}, height={size.height / 72:.4f}];"

    def draw(box: Box) -> None:
        lines.append(f"subgraph {quoted('cluster ' + box.id)} {{")
        w = max(width(box.label, 12, bold=True), width(box.caption, 10)) + 12
        margin = 8 if box.kind == "subnet" else 14
        lines.append(f"label={space(w, 30 if box.caption else 18)}; labeljust=l; margin={margin};")
        nodes = [n for n in architecture.nodes if n.box == box.id]
        for node in nodes:
            lines.append(card(node))
        for child in reversed(inside.get(box.id, ())):  # Graphviz starts at the bottom
            draw(child)
        if anchor(box.id) in column:
            lines.append(f"{quoted(anchor(box.id))} [width=1.2, height=0.02];")
        lines.append("}")

    for box in inside.get(None, ()):
        draw(box)
    for node in architecture.nodes:
        if node.box is None:
            lines.append(card(node))
    for number, edge in enumerate(architecture.edges):
        attributes = [f"id={number}"]
        ends = [edge.source, edge.target]
        for end, name in enumerate(("ltail", "lhead")):
            if (around := ends[end]) in boxes:
                attributes.append(f"{name}={quoted('cluster ' + around)}")
                ends[end] = within[around][len(within[around]) // 2] if within[around] else anchor(around)
        if edge.kind in ("logs", "uses", "data", "egress", "guard"):
            attributes.append("constraint=false")
        elif edge.kind == "traffic":
            attributes.append("weight=8")
        lines.append(f"{' -> '.join(map(quoted, ends))} [{', '.join(attributes)}];")
    for number in sorted(set(column.values())):
        ids = "; ".join(quoted(i) for i in column if column[i] == number)
        lines.append(f"{{rank=same; col{number} [style=invis, width=0.01, height=0.01]; {ids}}}")
        if number:
            lines.append(f"col{number - 1} -> col{number} [style=invis, weight=0];")
    lines.append("}")
    return "\n".join(lines)


def anchor(box: str) -> str:
    """The id of the invisible node that keeps an empty box open."""
    return f"in {box}"


class NoDiagram(Exception):
    """The diagram can't be drawn; the message says why, and what helps."""


class Layout:
    """The process that places the cards: started early, so that it loads Graphviz while the program registers."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "preview.layout"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.cards: dict[str, Card] = {}

    def send(self, architecture: Architecture) -> None:
        """Hands over what to place."""
        self.cards = {n.id: Card(n) for n in architecture.nodes}
        if pipe := self.process.stdin:
            with suppress(BrokenPipeError):  # it ended already, and its exit code says why
                pipe.write(dot(architecture, self.cards))
                pipe.close()
            self.process.stdin = None  # or communicate() would flush it

    def svg(self, architecture: Architecture, title: str) -> str:
        """The diagram of what was handed over, as an SVG document."""
        placed, errors = self.process.communicate()
        if self.process.returncode == NO_PYGRAPHVIZ:
            raise NoDiagram("pygraphviz can't be imported. `pip install pygraphviz` brings it, and Graphviz")
        if self.process.returncode:
            raise NoDiagram(f"Graphviz failed: {(errors.strip().splitlines() or ['no message'])[-1]}")
        return svg(architecture, self.cards, json.loads(placed), title)

    def close(self) -> None:
        """Ends the process if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


# -- drawing -----------------------------------------------------------------------------------------------------------


def say(x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False, anchor: str = "start") -> str:
    """A line of text; its length is fixed, so that a wider font than Helvetica is squeezed, never cut."""
    weight = ' font-weight="bold"' if bold else ""
    placed = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}"{weight}{placed}'
        f' textLength="{width(text, size, bold):.1f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def icon(name: str, x: float, y: float, size: float, colour: str) -> str:
    """A coloured badge with a white line drawing."""
    scale = size * 0.76 / 24
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:g}" height="{size:g}" rx="{size / 6:.1f}" fill="{colour}"/>'
        f'<path d="{ICONS[name]}" transform="translate({x + size * 0.12:.1f} {y + size * 0.12:.1f}) scale({scale:.3f})"'
        ' fill="none" stroke="#fff" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/>'
    )


def card_svg(card: Card, x: float, y: float) -> list[str]:
    node, colour = card.node, COLOURS[card.node.category]
    out = [f'<g class="node" id={quoteattr(node.id)}><title>{escape(node.tooltip)}</title>']
    for shift in (4, 2) if node.count > 1 else ():  # a pile of cards
        out.append(
            f'<rect x="{x + shift:.1f}" y="{y - shift:.1f}" width="{card.width}" height="{card.height}" rx="7"'
            f' fill="#fff" stroke="{colour}" stroke-opacity=".45"/>'
        )
    out.append(
        f'<rect class="card" x="{x:.1f}" y="{y:.1f}" width="{card.width}" height="{card.height}" rx="7" fill="#fff"'
        f' stroke="{colour}" stroke-width="1.3"/>'
    )
    out.append(icon(node.icon, x + PAD, y + PAD, ICON, colour))
    left, line = x + ICON + 2 * PAD, y + PAD + 11
    out.append(say(left, line, card.label, LABEL, "#16191F", bold=True))
    if node.keys:
        out.append(icon("key", x + card.width - PAD - 12, y + PAD - 1, 14, COLOURS["security"]))
    for texts, size, tint in ((card.names, NAME, "#3B4553"), (card.lines, CAPTION, "#5A6573")):
        for text in texts:
            line += LINE
            out.append(say(left, line, text, size, tint))
    out.append("</g>")
    return out


def arrow(edge: Edge, path: str, tooltip: str) -> str:
    colour, thick, dash = ARROWS[edge.kind]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path class="edge {edge.kind}" d="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"{dashes}'
        f' marker-end="url(#{edge.kind})"><title>{escape(tooltip)}</title></path>'
    )


Point = tuple[float, float]
Frame = tuple[float, float, float, float]
"""Left, top, right and bottom."""


def sampled(points: list[Point], steps: int = 16) -> list[Point]:
    """Points on a chain of Bezier curves."""
    found = [points[0]]
    for i in range(0, len(points) - 3, 3):
        a, b, c, d = (complex(*p) for p in points[i : i + 4])
        for step in range(1, steps + 1):
            t, rest = step / steps, 1 - step / steps
            on = a * rest**3 + 3 * b * t * rest**2 + 3 * c * t**2 * rest + d * t**3
            found.append((on.real, on.imag))
    return found


def label_room(label: str, x: float, y: float) -> Frame:
    """What a label takes up around its middle."""
    half = width(label, CAPTION) / 2 + 6
    return x - half, y - 9, x + half, y + 9


def labelled(curves: dict[Edge, list[Point]], cards: Iterable[Frame]) -> list[tuple[str, float, float]]:
    """Where each arrow's label stands: on its curve, near its middle, away from cards, labels and other arrows."""
    taken, found = list(cards), []
    for edge in sorted(e for e in curves if e.label):
        others = [p for e, points in curves.items() if e != edge and e.kind == edge.kind for p in points]
        best: tuple[float, Point] | None = None
        for number, point in enumerate(curves[edge][::2]):
            left, top, right, bottom = label_room(edge.label, *point)
            hit = sum(x1 < right and left < x2 and y1 < bottom and top < y2 for x1, y1, x2, y2 in taken)
            crossed = sum(left < x < right and top < y < bottom for x, y in others)
            cost = 100 * hit + 2 * crossed + 8 * abs(2 * number / len(curves[edge]) - 0.5)
            best = min(best or (cost, point), (cost, point))
        if best:
            taken.append(label_room(edge.label, *best[1]))
            found.append((edge.label, *best[1]))
    return found


def svg(architecture: Architecture, cards: dict[str, Card], placed: dict[str, Any], title: str) -> str:
    """The SVG document of an architecture that Graphviz has placed."""
    left, top = 24.0, 64.0
    _, _, w, h = (float(v) for v in placed["bb"].split(","))
    names = {n.id: f"{n.label} {', '.join(n.names)}" for n in architecture.nodes}
    names |= {b.id: f"{b.label} {b.caption}".strip() for b in architecture.boxes}
    by_name = {o["name"]: o for o in placed.get("objects", ())}

    def at(pair: str) -> Point:
        x, y = pair.split(",")
        return left + float(x), top + h - float(y)

    def frame(pair: str, card: Card) -> Frame:
        x, y = at(pair)
        return x - card.width / 2, y - card.height / 2, x + card.width / 2, y + card.height / 2

    body: list[str] = []
    for box in architecture.boxes:
        x1, y2 = at(",".join((corner := by_name[f"cluster {box.id}"]["bb"].split(","))[:2]))
        x2, y1 = at(",".join(corner[2:]))
        fill, border, dash = BOXES[box.kind]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        tint = "#3B4553" if box.kind == "subnet" else border
        body += [
            f'<g class="box {box.kind}"><title>{escape(names[box.id])}</title>',
            f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" rx="6" fill="{fill}"'
            f' stroke="{border}" stroke-width="1.2"{dashes}/>',
            say(x1 + 10, y1 + 17, box.label, 11 if box.kind == "subnet" else 12, tint, bold=True),
            *([say(x1 + 10, y1 + 30, box.caption, 10, "#5A6573")] if box.caption else []),
            "</g>",
        ]
    curves: dict[Edge, list[Point]] = {}
    taken = [frame(by_name[n.id]["pos"], cards[n.id]) for n in architecture.nodes]
    edges = [(spot, architecture.edges[int(spot["id"])]) for spot in placed.get("edges", ()) if "id" in spot]
    for spot, edge in sorted(edges, key=lambda p: (-list(KINDS).index(p[1].kind), int(p[0]["id"]))):
        points = spot["pos"].split()
        end = points.pop(0)[2:]
        start, *curve = [at(p) for p in points]
        steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in curve)
        tip = at(end)
        path = f"M{start[0]:.1f},{start[1]:.1f}C{steps}L{tip[0]:.1f},{tip[1]:.1f}"
        places = [("on port" if p[0].isdigit() else "to", p) for p in edge.label.split(" · ") if p]
        does = " ".join([KINDS[edge.kind], *(f"{w} {p}" for w, p in places)])
        body.append(arrow(edge, path, f"{names[edge.source]} → {names[edge.target]}: {does}"))
        curves[edge] = sampled([start, *curve])
    labels = []
    for label, x, y in labelled(curves, taken):
        room = width(label, CAPTION) + 8
        labels += [
            f'<rect class="label" x="{x - room / 2:.1f}" y="{y - 7:.1f}" width="{room:.1f}" height="14" rx="3"'
            ' fill="#fff" fill-opacity=".9"/>',
            say(x, y + 3.5, label, CAPTION, "#3B4553", anchor="middle"),
        ]
    for node in architecture.nodes:
        x, y = at(by_name[node.id]["pos"])
        body += card_svg(cards[node.id], x - cards[node.id].width / 2, y - cards[node.id].height / 2)
    body += labels
    foot, legend_width = legend(architecture, left, top + h + 26)
    total_w, total_h = max(w, legend_width) + 2 * left, top + h + 26 + 44
    counted = f"{architecture.resources} resources"
    subtitle = f"{counted} in {len(architecture.nodes)} symbols; details are folded into what they configure"
    described = f"{counted}. " + " ".join(
        f"{names[e.source]} → {names[e.target]} ({KINDS[e.kind]})." for e in architecture.edges if e.kind == "traffic"
    )
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" width="{total_w:.0f}"'
            f' height="{total_h:.0f}" viewBox="0 0 {total_w:.0f} {total_h:.0f}" font-family="{FONT}">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(described)}</desc>',
            "<style>.node:hover .card{stroke-width:2.6}.edge:hover{stroke-width:3.5}</style>",
            "<defs>",
            *(
                f'<marker id="{kind}" viewBox="0 0 8 8" refX="6.5" refY="4" markerUnits="userSpaceOnUse" orient="auto"'
                f' markerWidth="9" markerHeight="9"><path d="M0 .5L8 4L0 7.5z" fill="{colour}"/></marker>'
                for kind, (colour, _, _) in ARROWS.items()
            ),
            "</defs>",
            f'<rect width="{total_w:.0f}" height="{total_h:.0f}" fill="#fff"/>',
            say(left, 30, title, 18, "#16191F", bold=True),
            say(left, 48, subtitle, 11, "#5A6573"),
            *body,
            *foot,
            "</svg>",
            "",
        ]
    )


def legend(architecture: Architecture, left: float, y: float) -> tuple[list[str], float]:
    """What colours and arrows mean, in two rows, of those in use; and how wide that is."""
    out = ['<g class="legend">']
    x = left
    for kind in KINDS:
        if any(e.kind == kind for e in architecture.edges):
            edge = Edge("", "", kind)
            out.append(arrow(edge, f"M{x:.1f},{y:.1f}L{x + 34:.1f},{y:.1f}", KINDS[kind]))
            out.append(say(x + 40, y + 4, KINDS[kind], 11, "#3B4553"))
            x += 40 + width(KINDS[kind], 11) + 24
    if any(n.keys for n in architecture.nodes):
        out.append(icon("key", x, y - 7, 14, COLOURS["security"]))
        out.append(say(x + 20, y + 4, "encrypted with a KMS key", 11, "#3B4553"))
        x += 20 + width("encrypted with a KMS key", 11) + 24
    widest, x, y = x, left, y + 24
    for category, name in CATEGORIES.items():
        if any(n.category == category and n.id != INTERNET for n in architecture.nodes):
            out.append(f'<rect x="{x:.1f}" y="{y - 7:.1f}" width="14" height="14" rx="3" fill="{COLOURS[category]}"/>')
            out.append(say(x + 20, y + 4, name, 11, "#3B4553"))
            x += 20 + width(name, 11) + 24
    return [*out, "</g>"], max(widest, x) - left
