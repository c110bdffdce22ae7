"""Makes metrics of bin counts, for continuous and for discrete variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from prometheus_client import Metric

from boxkite.classic.client_metrics import counter_metric, histogram_metric

__all__ = ["BinToCount", "ContinuousVariable", "DiscreteVariable", "TBin"]

TBin: TypeAlias = str | float | int
"""The upper edge of a bin, or its value."""

BinToCount: TypeAlias = Mapping[Any, float]
"""Number of values in each bin, by its upper edge or its value, of any type."""


class DiscreteVariable:
    """A variable whose values have one bin each."""

    BIN_LABEL: ClassVar[str] = "bin"

    @classmethod
    def dump_frequency(
        cls, metric_name: str, documentation: str, bin_to_count: BinToCount
    ) -> Metric:
        """Return counts of values as a counter, as `counter_metric` does."""
        return counter_metric(metric_name, documentation, bin_to_count)


class ContinuousVariable:
    """A variable that is counted in bins, each up to and including its upper edge."""

    BIN_LABEL: ClassVar[str] = "le"

    @classmethod
    def dump_frequency(
        cls,
        metric_name: str,
        documentation: str,
        bin_to_count: BinToCount,
        sum_value: float | None = None,
    ) -> Metric:
        """Return counts of bins as a histogram, as `histogram_metric` does."""
        return histogram_metric(metric_name, documentation, bin_to_count, sum_value)
