"""Sources of baseline metrics."""

from boxkite.monitoring.collector.baseline import BaselineMetricCollector
from boxkite.monitoring.collector.computed import ComputedMetricCollector
from boxkite.monitoring.collector.feature import FeatureHistogramCollector
from boxkite.monitoring.collector.inference import InferenceHistogramCollector
from boxkite.monitoring.collector.info import InfoMetricCollector

__all__ = [
    "BaselineMetricCollector",
    "ComputedMetricCollector",
    "FeatureHistogramCollector",
    "InferenceHistogramCollector",
    "InfoMetricCollector",
]
