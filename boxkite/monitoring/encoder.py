"""Metrics of collectors as text."""

from boxkite.classic.live_registry import LiveMetricRegistry
from boxkite.classic.metric_encoder import MetricEncoder

__all__ = ["LiveMetricRegistry", "MetricEncoder"]
