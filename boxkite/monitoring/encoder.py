"""Metrics of collectors as text."""

from boxkite.classic.metric_encoder import MetricEncoder

__all__ = ["MetricEncoder"]
