"""What can go wrong in reading a log: raised, or reported."""

from boxkite.errors import BoxkiteError

__all__ = ["LogReadError", "LogReadWarning"]


class LogReadError(BoxkiteError, ValueError):
    """What is asked of a log cannot be had. The message names the file and line, or the value."""


class LogReadWarning(UserWarning):
    """A part of a log is damaged, and left out. The message names the file and line."""
