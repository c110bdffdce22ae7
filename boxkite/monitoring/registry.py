"""The live distributions of a service, as a collector."""

from boxkite.classic.live_registry import LiveMetricRegistry, is_single_value

__all__ = ["LiveMetricRegistry", "is_single_value"]
