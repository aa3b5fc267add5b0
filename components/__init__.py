"""The component library: one module a tier, each with its arguments, its component and its helpers.

Nothing here reads stack configuration: a component takes its arguments and, from other components, what it is wired to.
"""
