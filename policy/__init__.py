"""Policy pack that refuses an insecure AWS stack.

`graph` is what is judged, `rules` are the checks, `evaluate` makes them, `pack` gives them to CrossGuard.
"""
