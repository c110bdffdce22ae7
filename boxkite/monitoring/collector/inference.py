"""The distribution of the model's output at training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from prometheus_client import Metric

from boxkite.baseline.classic_histogram import column_histogram
from boxkite.monitoring.collector.type import Collector
from boxkite.monitoring.frequency import BinToCount, ContinuousVariable, DiscreteVariable

__all__ = ["InferenceDistribution", "InferenceHistogramCollector"]


class InferenceDistribution:
    """Makes the metric of the output from counts of its bins."""

    BASELINE_NAME_PATTERN: ClassVar[str] = "inference_value_baseline"
    BASELINE_DOC_PATTERN: ClassVar[str] = "Baseline inference values for test set"

    @classmethod
    def as_discrete(
        cls,
        bin_to_count: BinToCount,
        labels: Mapping[str, str] | None = None,  # noqa: ARG003 - without effect in 0.0.5 too
    ) -> Metric:
        """Return the metric of an output whose values have a bin each.

        Args:
            bin_to_count: training rows of each value.
            labels: have no effect.
        """
        return DiscreteVariable.dump_frequency(
            cls.BASELINE_NAME_PATTERN, cls.BASELINE_DOC_PATTERN, bin_to_count
        )

    @classmethod
    def as_continuous(
        cls,
        bin_to_count: BinToCount,
        sum_value: float | None = None,
        labels: Mapping[str, str] | None = None,  # noqa: ARG003 - without effect in 0.0.5 too
    ) -> Metric:
        """Return the metric of an output that is counted in bins.

        Args:
            bin_to_count: training rows in each bin, by its upper edge; "+Inf" is the last.
            sum_value: of the values; by default each is taken to lie on its bin's edge.
            labels: have no effect.
        """
        return ContinuousVariable.dump_frequency(
            cls.BASELINE_NAME_PATTERN, cls.BASELINE_DOC_PATTERN, bin_to_count, sum_value
        )


class InferenceHistogramCollector(Collector):
    """Counts the model's output for the training data into bins.

    Args:
        data: one output a row, numbers or labels.
        is_discrete: whether each value has a bin of its own; by default the values decide.
    """

    def __init__(self, data: Iterable[Any], is_discrete: bool | None = None) -> None:
        self.data = data
        self.is_discrete = is_discrete

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering the collector does not count the data."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count the output, as one metric.

        Raises:
            BaselineError: if it cannot be counted.
        """
        counted = column_histogram("inference", self.data, self.is_discrete)
        if counted.sum is None:
            yield InferenceDistribution.as_discrete(counted.bins)
        else:
            yield InferenceDistribution.as_continuous(counted.bins, counted.sum)
