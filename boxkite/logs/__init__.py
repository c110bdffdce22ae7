"""The prediction log: its format, the sinks that records go to, and how to read them back.

Start with `sink` for a sink of your own, `log_line` for the format of a line, `partition` for the
names of files, `shipper` for the way from the journal to a sink, and `reader` for reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boxkite.errors import LogReadError, LogReadWarning
    from boxkite.logs.log_record import LogRecord
    from boxkite.logs.reader.arrow_batches import read
    from boxkite.logs.sink import Batch, RejectedError, Sink, TidySink

__all__ = [
    "Batch",
    "LogReadError",
    "LogReadWarning",
    "LogRecord",
    "RejectedError",
    "Sink",
    "TidySink",
    "read",
]

_MODULES = {
    "Batch": "boxkite.logs.sink",
    "LogReadError": "boxkite.errors",
    "LogReadWarning": "boxkite.errors",
    "LogRecord": "boxkite.logs.log_record",
    "RejectedError": "boxkite.logs.sink",
    "Sink": "boxkite.logs.sink",
    "TidySink": "boxkite.logs.sink",
    "read": "boxkite.logs.reader.arrow_batches",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that a service does not load the reader."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)
