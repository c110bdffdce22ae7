"""The metric that names each feature."""

from boxkite.classic.collectors import Collector, InfoMetricCollector

__all__ = ["Collector", "InfoMetricCollector"]
