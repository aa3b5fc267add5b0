"""The small process that places a diagram's nodes: DOT on stdin, Graphviz's JSON with positions on stdout.

A process of its own, so that loading Graphviz runs beside the program's registration, and so that what its C
libraries print about fonts stays out of the preview.
"""

import sys

NO_PYGRAPHVIZ = 4
"""The exit code that says that pygraphviz can't be imported."""


def main() -> int:
    """Places one graph; the result is the exit code."""
    try:
        from pygraphviz import AGraph  # type: ignore[import-untyped]
    except ImportError as error:
        print(error, file=sys.stderr)
        return NO_PYGRAPHVIZ
    sys.stdout.buffer.write(AGraph(string=sys.stdin.buffer.read().decode()).draw(format="json0", prog="dot"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
