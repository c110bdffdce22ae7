"""Metrics that were computed elsewhere."""

from boxkite.classic.collectors import Collector, ComputedMetricCollector

__all__ = ["Collector", "ComputedMetricCollector"]
