"""Makes metrics of bin counts and counts live values, for continuous and discrete variables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeAlias

from prometheus_client import Metric

from boxkite.classic.client_metrics import counter_metric, histogram_metric
from boxkite.classic.collectors import Collector
from boxkite.classic.live_variable import LiveVariable

__all__ = ["BinToCount", "ContinuousVariable", "DiscreteVariable", "FrequencyMetric", "TBin"]

TBin: TypeAlias = str | float | int
"""The upper edge of a bin, or its value."""

BinToCount: TypeAlias = Mapping[Any, float]
"""Number of values in each bin, by its upper edge or its value, of any type."""


class FrequencyMetric:
    """The live counts of one variable in one process, in the bins of its baseline metric.

    `boxkite.Monitor` counts the variables of all workers. This class counts by itself, for code
    that collects its own metrics.

    Args:
        metric: the variable's baseline metric, as `dump_frequency` makes it.

    Attributes:
        metric: the live counts, as a collector of prometheus-client.

    Raises:
        BaselineError: if the metric's samples do not make up a variable.
    """

    metric: Collector

    def __init__(self, metric: Metric) -> None:
        self._live = LiveVariable(metric)
        self.metric = self._live

    @classmethod
    @abstractmethod
    def dump_frequency(
        cls, metric_name: str, documentation: str, bin_to_count: BinToCount
    ) -> Metric:
        """Return counts of bins as a metric."""
        raise NotImplementedError

    @classmethod
    def load_frequency(cls, metric: Metric) -> Self:
        """Return live counts, beginning at 0, in the bins of a baseline metric."""
        return cls(metric)

    def observe(
        self,
        value: Any,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Count one value.

        Args:
            value: the value. None, NaN and values that do not fit count too.
            labels: must be empty, because the metric has no labels besides the bin.

        Raises:
            ValueError: if there are labels.
        """
        if labels:
            raise ValueError(f"the metric has no labels besides the bin, but got {dict(labels)}")
        self._live.observe(value)


class DiscreteVariable(FrequencyMetric):
    """A variable whose values have one bin each."""

    BIN_LABEL: ClassVar[str] = "bin"

    @classmethod
    def dump_frequency(
        cls, metric_name: str, documentation: str, bin_to_count: BinToCount
    ) -> Metric:
        """Return counts of values as a counter, as `counter_metric` does."""
        return counter_metric(metric_name, documentation, bin_to_count)


class ContinuousVariable(FrequencyMetric):
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
