"""boxkite: makes the drift of a model an ordinary Prometheus alert."""

from boxkite import signals
from boxkite.answers import Content
from boxkite.baseline import Baseline
from boxkite.config import Settings
from boxkite.context import Prediction, current_prediction
from boxkite.drift import Comparison, Policy, VariableDrift, compare
from boxkite.drift_page import DriftPage, PageAnswer
from boxkite.errors import (
    BaselineError,
    BaselineWarning,
    BoxkiteError,
    ConfigError,
    NoPredictionError,
)
from boxkite.extension import Extension
from boxkite.metrics_page import MetricsPage
from boxkite.models import Models
from boxkite.monitor import Monitor
from boxkite.protection import FORBIDDEN, UNAUTHORIZED, ProtectedPage, Refusal, taken
from boxkite.sources import PREDICTION_COUNT_HEADER, PREDICTION_ID_HEADER, Capture, Source

__all__ = [
    "FORBIDDEN",
    "PREDICTION_COUNT_HEADER",
    "PREDICTION_ID_HEADER",
    "UNAUTHORIZED",
    "Baseline",
    "BaselineError",
    "BaselineWarning",
    "BoxkiteError",
    "Capture",
    "Comparison",
    "ConfigError",
    "Content",
    "DriftPage",
    "Extension",
    "MetricsPage",
    "Models",
    "Monitor",
    "NoPredictionError",
    "PageAnswer",
    "Policy",
    "Prediction",
    "ProtectedPage",
    "Refusal",
    "Settings",
    "Source",
    "VariableDrift",
    "compare",
    "current_prediction",
    "signals",
    "taken",
]
