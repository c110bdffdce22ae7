"""The base class of exporters."""

from boxkite.classic.exporters import LogExporter
from boxkite.classic.prediction_context import PredictionContext

__all__ = ["LogExporter", "PredictionContext"]
