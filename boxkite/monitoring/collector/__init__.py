"""Sources of a baseline's metrics."""

from boxkite.classic.collectors import (
    BaselineMetricCollector,
    ComputedMetricCollector,
    InfoMetricCollector,
)
from boxkite.classic.distributions import FeatureHistogramCollector, InferenceHistogramCollector

__all__ = [
    "BaselineMetricCollector",
    "ComputedMetricCollector",
    "FeatureHistogramCollector",
    "InferenceHistogramCollector",
    "InfoMetricCollector",
]
