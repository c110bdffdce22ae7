"""The live distributions of a service, as a collector."""

from boxkite.classic.distributions import FeatureDistribution, InferenceDistribution
from boxkite.classic.frequency import FrequencyMetric
from boxkite.classic.live_registry import LiveMetricRegistry, is_single_value
from boxkite.classic.prediction_context import PredictionContext

__all__ = [
    "FeatureDistribution",
    "FrequencyMetric",
    "InferenceDistribution",
    "LiveMetricRegistry",
    "PredictionContext",
    "is_single_value",
]
