"""The features' distributions at training."""

from boxkite.classic.collectors import Collector
from boxkite.classic.column_histogram import fast_histogram
from boxkite.classic.distributions import FeatureDistribution, FeatureHistogramCollector
from boxkite.classic.frequency import ContinuousVariable, DiscreteVariable, FrequencyMetric

__all__ = [
    "Collector",
    "ContinuousVariable",
    "DiscreteVariable",
    "FeatureDistribution",
    "FeatureHistogramCollector",
    "FrequencyMetric",
    "fast_histogram",
]
