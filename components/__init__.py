"""The component library: one module a tier, each with its arguments, its component and its helpers.

Nothing here reads stack configuration: a component takes its arguments and, from other components, what it is wired to.
"""

__version__ = "0.2.0"
"""The library's, and that of its provider, its policy pack and its changelog."""
