"""Where predictions are logged to."""

from boxkite.monitoring.exporter.fluentd_exporter import FluentdExporter

__all__ = ["FluentdExporter"]
