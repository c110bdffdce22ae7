"""Drift monitoring for model services, as ordinary Prometheus alerts."""

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, VariableDrift, VariablePolicy, compare
from boxkite.errors import (
    BaselineError,
    BaselineWarning,
    BoxkiteError,
    ConfigError,
    NoPredictionError,
)
from boxkite.monitor import Monitor
from boxkite.settings import Settings
from boxkite.web.context import Prediction, current_prediction

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
    "Prediction",
    "Settings",
    "VariableDrift",
    "VariablePolicy",
    "compare",
    "current_prediction",
    "signals",
]
