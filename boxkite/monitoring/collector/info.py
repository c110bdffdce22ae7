"""The metric that names each feature."""

from boxkite.classic.collectors import InfoMetricCollector

__all__ = ["InfoMetricCollector"]
