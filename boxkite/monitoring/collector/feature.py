"""The distributions of features at training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar

from prometheus_client import Metric

from boxkite.baseline.classic_histogram import column_histogram, named_values
from boxkite.monitoring.collector.type import Collector
from boxkite.monitoring.frequency import BinToCount, ContinuousVariable, DiscreteVariable

__all__ = ["FeatureDistribution", "FeatureHistogramCollector"]


class FeatureDistribution:
    """Makes the metric of a feature from counts of its bins."""

    BASELINE_NAME_PATTERN: ClassVar[str] = "feature_{0}_value_baseline"
    BASELINE_DOC_PATTERN: ClassVar[str] = "Baseline values for feature: {0}"

    @classmethod
    def as_discrete(cls, index: int, name: str, bin_to_count: BinToCount) -> Metric:
        """Return the metric of a feature whose values have a bin each.

        Args:
            index: the feature's place in the row that the model takes, from 0.
            name: of the feature, any text.
            bin_to_count: training rows of each value.
        """
        return DiscreteVariable.dump_frequency(
            cls.BASELINE_NAME_PATTERN.format(index),
            cls.BASELINE_DOC_PATTERN.format(name),
            bin_to_count,
        )

    @classmethod
    def as_continuous(
        cls,
        index: int,
        name: str,
        bin_to_count: BinToCount,
        sum_value: float | None = None,
    ) -> Metric:
        """Return the metric of a feature that is counted in bins.

        Args:
            index: the feature's place in the row that the model takes, from 0.
            name: of the feature, any text.
            bin_to_count: training rows in each bin, by its upper edge; "+Inf" is the last.
            sum_value: of the values; by default each is taken to lie on its bin's edge.
        """
        return ContinuousVariable.dump_frequency(
            cls.BASELINE_NAME_PATTERN.format(index),
            cls.BASELINE_DOC_PATTERN.format(name),
            bin_to_count,
            sum_value,
        )


class FeatureHistogramCollector(Collector):
    """Counts columns of training data into bins, every row of them.

    Args:
        data: (name, values) pairs, a frame or a mapping of columns.
        max_samples: has no effect; 0.0.5 counted a random sample of that size.
        discrete: positions of the features whose values have a bin each, all others being
            continuous; by default `is_discrete` decides for each.
    """

    def __init__(
        self,
        data: Iterable[tuple[str, Any]],
        max_samples: int = 100_000,
        discrete: Collection[int] | None = None,
    ) -> None:
        self.data = data
        self.max_samples = max_samples
        self.discrete = discrete

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering the collector does not count the data."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count the columns, one metric each.

        Raises:
            BaselineError: naming the column that cannot be counted.
        """
        for index, (name, values) in enumerate(named_values(self.data)):
            discrete = None if self.discrete is None else index in self.discrete
            counted = column_histogram(name, values, discrete)
            if counted.sum is None:
                yield FeatureDistribution.as_discrete(index, name, counted.bins)
            else:
                yield FeatureDistribution.as_continuous(index, name, counted.bins, counted.sum)
