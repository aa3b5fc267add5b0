"""The component library: one module a tier, each with its arguments, its component and its helpers.

Nothing here reads stack configuration: a component takes its arguments and, from other components, what it is wired to.
"""

__version__ = "0.2.0"
"""The version of the library, of its provider for other languages and of the policy pack; see CHANGELOG.md."""
