"""Settings of a monitor: the table of all settings, and the sources of their values."""

from boxkite.settings.layers import (
    Layer,
    from_environment,
    misplaced_settings,
    refuse_unknown,
    resolve,
)
from boxkite.settings.table import Settings

__all__ = [
    "Layer",
    "Settings",
    "from_environment",
    "misplaced_settings",
    "refuse_unknown",
    "resolve",
]
