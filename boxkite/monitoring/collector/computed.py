"""Metrics that were computed elsewhere."""

from boxkite.classic.collectors import ComputedMetricCollector

__all__ = ["ComputedMetricCollector"]
