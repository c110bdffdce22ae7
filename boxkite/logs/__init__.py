"""The prediction log: where records go, how they get there, and how they are read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boxkite.errors import LogReadError, LogReadWarning
    from boxkite.logs.reading import read

__all__ = ["LogReadError", "LogReadWarning", "read"]

_HOMES = {
    "LogReadError": "boxkite.errors",
    "LogReadWarning": "boxkite.errors",
    "read": "boxkite.logs.reading",
}


def __getattr__(name: str) -> Any:
    """Return what is offered from its module, so that a service does not load what reads."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
