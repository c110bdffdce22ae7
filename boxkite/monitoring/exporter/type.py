"""The base class of exporters."""

from boxkite.classic.exporters import LogExporter

__all__ = ["LogExporter"]
