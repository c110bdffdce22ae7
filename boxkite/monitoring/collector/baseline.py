"""The baseline in a file."""

from boxkite.classic.collectors import BaselineMetricCollector

__all__ = ["BaselineMetricCollector"]
