"""The baseline in a file."""

from boxkite.classic.collectors import BaselineMetricCollector, Collector

__all__ = ["BaselineMetricCollector", "Collector"]
