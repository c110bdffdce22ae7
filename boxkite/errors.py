"""The errors boxkite raises, all under `BoxkiteError`, and the warnings it gives."""

__all__ = [
    "BaselineError",
    "BaselineWarning",
    "BoxkiteError",
    "ConfigError",
    "LogReadError",
    "LogReadWarning",
    "NoPredictionError",
]


class BoxkiteError(Exception):
    """Base of every error that boxkite raises on purpose."""


class BaselineError(BoxkiteError, ValueError):
    """A baseline cannot be made, read or merged. The message names the column, file or line."""


class ConfigError(BoxkiteError, ValueError):
    """A setting is unknown or has a value that cannot be used. The message names the setting."""


class NoPredictionError(BoxkiteError, LookupError):
    """`current_prediction` was used outside a request that is being monitored."""


class LogReadError(BoxkiteError, ValueError):
    """A log cannot be read as asked. The message names the file and line, or the value."""


class LogReadWarning(UserWarning):
    """A part of a log is damaged and was left out. The message names the file and line."""


class BaselineWarning(UserWarning):
    """A column is in the baseline, but probably not in the form that its owner wants."""
