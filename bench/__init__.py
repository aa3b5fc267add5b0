"""Measures the offline preview against the least that registering the same resources costs."""
