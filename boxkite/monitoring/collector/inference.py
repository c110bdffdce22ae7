"""The output's distribution at training."""

from boxkite.classic.collectors import Collector
from boxkite.classic.column_histogram import fast_histogram
from boxkite.classic.distributions import InferenceDistribution, InferenceHistogramCollector
from boxkite.classic.frequency import ContinuousVariable, DiscreteVariable, FrequencyMetric

__all__ = [
    "Collector",
    "ContinuousVariable",
    "DiscreteVariable",
    "FrequencyMetric",
    "InferenceDistribution",
    "InferenceHistogramCollector",
    "fast_histogram",
]
