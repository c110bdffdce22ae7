"""The settings of a monitor: the table of all of them, and the layers their values come from."""

from boxkite.settings.layers import Layer, from_environment, resolve
from boxkite.settings.table import Settings

__all__ = ["Layer", "Settings", "from_environment", "resolve"]
