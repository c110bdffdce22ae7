"""boxkite: makes the drift of a model an ordinary Prometheus alert."""

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.context import current_prediction
from boxkite.drift import Comparison, Policy, VariableDrift, compare
from boxkite.errors import (
    BaselineError,
    BaselineWarning,
    BoxkiteError,
    ConfigError,
    NoPredictionError,
)
from boxkite.monitor import Monitor

__all__ = [
    "Baseline",
    "BaselineError",
    "BaselineWarning",
    "BoxkiteError",
    "Comparison",
    "ConfigError",
    "Monitor",
    "NoPredictionError",
    "Policy",
    "VariableDrift",
    "compare",
    "current_prediction",
    "signals",
]
