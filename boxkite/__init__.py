"""boxkite: makes the drift of a model an ordinary Prometheus alert."""

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.config import Settings
from boxkite.context import Prediction, current_prediction
from boxkite.drift import Comparison, Policy, VariableDrift, compare
from boxkite.errors import (
    BaselineError,
    BaselineWarning,
    BoxkiteError,
    ConfigError,
    NoPredictionError,
)
from boxkite.extension import Extension, is_authorized
from boxkite.monitor import Monitor
from boxkite.sources import PREDICTION_ID_HEADER, Capture, Source

__all__ = [
    "PREDICTION_ID_HEADER",
    "Baseline",
    "BaselineError",
    "BaselineWarning",
    "BoxkiteError",
    "Capture",
    "Comparison",
    "ConfigError",
    "Extension",
    "Monitor",
    "NoPredictionError",
    "Policy",
    "Prediction",
    "Settings",
    "Source",
    "VariableDrift",
    "compare",
    "current_prediction",
    "is_authorized",
    "signals",
]
