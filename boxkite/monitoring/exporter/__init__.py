"""Exporters, which log predictions."""

from boxkite.classic.exporters import FluentdExporter

__all__ = ["FluentdExporter"]
