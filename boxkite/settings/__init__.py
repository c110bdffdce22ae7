"""Settings of a monitor: the table of all of them, and the places that their values come from."""

from boxkite.settings.layers import Layer, from_environment, refuse_unknown, resolve
from boxkite.settings.table import Settings

__all__ = ["Layer", "Settings", "from_environment", "refuse_unknown", "resolve"]
