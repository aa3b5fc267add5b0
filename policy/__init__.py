"""Policy pack that refuses an insecure AWS stack.

`graph` is what is judged, `rules` are the checks, `evaluate` makes them, `pack` gives them to CrossGuard, `results`
writes what came of it.
"""

VERSION = "0.2.0"
"""As in PulumiPolicy.yaml, which is what Pulumi reads."""
