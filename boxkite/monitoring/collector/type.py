"""The base class of collectors."""

from boxkite.classic.collectors import Collector

__all__ = ["Collector"]
