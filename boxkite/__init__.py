"""boxkite: makes the drift of a model an ordinary Prometheus alert."""

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.config import Layer, Settings
from boxkite.config import resolve as resolve_settings
from boxkite.context import Prediction, current_prediction, prediction_scope
from boxkite.drift import Comparison, Policy, VariableDrift, compare
from boxkite.errors import (
    BaselineError,
    BaselineWarning,
    BoxkiteError,
    ConfigError,
    NoPredictionError,
)
from boxkite.monitor import Monitor
from boxkite.sources import PREDICTION_ID_HEADER, Capture, Source, captured

__all__ = [
    "PREDICTION_ID_HEADER",
    "Baseline",
    "BaselineError",
    "BaselineWarning",
    "BoxkiteError",
    "Capture",
    "Comparison",
    "ConfigError",
    "Layer",
    "Monitor",
    "NoPredictionError",
    "Policy",
    "Prediction",
    "Settings",
    "Source",
    "VariableDrift",
    "captured",
    "compare",
    "current_prediction",
    "prediction_scope",
    "resolve_settings",
    "signals",
]
