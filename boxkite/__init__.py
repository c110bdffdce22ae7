"""boxkite: makes the drift of a model an ordinary Prometheus alert."""

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, VariableDrift, compare
from boxkite.errors import (
    BaselineError,
    BaselineWarning,
    BoxkiteError,
    ConfigError,
    NoPredictionError,
)
from boxkite.monitor import Monitor
from boxkite.settings import Settings
from boxkite.web.answers import Content
from boxkite.web.context import Prediction, current_prediction
from boxkite.web.drift_page import DriftPage, PageAnswer
from boxkite.web.extension import Extension
from boxkite.web.metrics_page import MetricsPage
from boxkite.web.models import Models
from boxkite.web.protection import FORBIDDEN, UNAUTHORIZED, ProtectedPage, Refusal, taken
from boxkite.web.sources import PREDICTION_COUNT_HEADER, PREDICTION_ID_HEADER, Capture, Source

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
