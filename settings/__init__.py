"""The program's settings: one typed model of a stack's configuration, read and checked before the first resource."""

from .load import SettingsError, load, parse
from .model import Settings

__all__ = ["Settings", "SettingsError", "load", "parse"]
