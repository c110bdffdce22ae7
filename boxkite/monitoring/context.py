"""One prediction, as an exporter gets it."""

from boxkite.classic.prediction_context import PredictionContext

__all__ = ["PredictionContext"]
