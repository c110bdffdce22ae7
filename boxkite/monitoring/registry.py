"""The live distributions of a service, as a collector."""

from boxkite.classic.live_registry import LiveMetricRegistry

__all__ = ["LiveMetricRegistry"]
