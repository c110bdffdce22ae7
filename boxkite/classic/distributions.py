"""Counts training data as 0.0.5 did, and makes metrics of the counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from prometheus_client import Metric

from boxkite.classic.collectors import Collector
from boxkite.classic.column_histogram import column_histogram, named_values
from boxkite.classic.frequency import (
    BinToCount,
    ContinuousVariable,
    DiscreteVariable,
    FrequencyMetric,
)

__all__ = [
    "FeatureDistribution",
    "FeatureHistogramCollector",
    "InferenceDistribution",
    "InferenceHistogramCollector",
]


_SUPPORTED: Mapping[str, type[FrequencyMetric]] = {
    "histogram": ContinuousVariable,
    "counter": DiscreteVariable,
}


class FeatureDistribution:
    """Makes the metric of a feature from the counts of its bins.

    Attributes:
        SUPPORTED: class of a variable's live counts, by the type of its baseline metric.
    """

    BASELINE_NAME_PATTERN: ClassVar[str] = "feature_{0}_value_baseline"
    BASELINE_DOC_PATTERN: ClassVar[str] = "Baseline values for feature: {0}"
    SUPPORTED: ClassVar[Mapping[str, type[FrequencyMetric]]] = _SUPPORTED

    @classmethod
    def extract_index(cls, metric: Metric) -> int:
        """Return the position of the feature that a metric belongs to."""
        return int(metric.name.split("_")[1])

    @classmethod
    def is_supported(cls, metric: Metric) -> bool:
        """Return whether a metric is the distribution of a feature."""
        return metric.name.startswith("feature_") and metric.type in cls.SUPPORTED

    @classmethod
    def as_discrete(cls, index: int, name: str, bin_to_count: BinToCount) -> Metric:
        """Return the metric of a feature whose values have one bin each.

        Args:
            index: position of the feature in the row that the model takes, from 0.
            name: name of the feature, any text.
            bin_to_count: number of training rows with each value.
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
            index: position of the feature in the row that the model takes, from 0.
            name: name of the feature, any text.
            bin_to_count: number of training rows in each bin, by upper edge. The last is "+Inf".
            sum_value: sum of the values. By default each value counts as the edge of its bin.
        """
        return ContinuousVariable.dump_frequency(
            cls.BASELINE_NAME_PATTERN.format(index),
            cls.BASELINE_DOC_PATTERN.format(name),
            bin_to_count,
            sum_value,
        )


class FeatureHistogramCollector(Collector):
    """Counts every row of the features in training data.

    Args:
        data: (name, values) pairs, a frame or a mapping of columns.
        max_samples: has no effect. 0.0.5 counted a random sample of this size.
        discrete: positions of the features whose values get one bin each. All other features are
            continuous. By default `is_discrete` decides for each feature.
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
        """Count the columns and yield one metric for each.

        Raises:
            BaselineError: if a column cannot be counted. The message names the column.
        """
        for index, (name, values) in enumerate(named_values(self.data)):
            discrete = None if self.discrete is None else index in self.discrete
            counted = column_histogram(name, values, discrete)
            if counted.sum is None:
                yield FeatureDistribution.as_discrete(index, name, counted.bins)
            else:
                yield FeatureDistribution.as_continuous(index, name, counted.bins, counted.sum)


class InferenceDistribution:
    """Makes the metric of the model's output from the counts of its bins.

    Attributes:
        SUPPORTED: class of a variable's live counts, by the type of its baseline metric.
    """

    BASELINE_NAME_PATTERN: ClassVar[str] = "inference_value_baseline"
    BASELINE_DOC_PATTERN: ClassVar[str] = "Baseline inference values for test set"
    SUPPORTED: ClassVar[Mapping[str, type[FrequencyMetric]]] = _SUPPORTED

    @classmethod
    def is_supported(cls, metric: Metric) -> bool:
        """Return whether a metric is the distribution of an output."""
        return metric.name.startswith("inference_") and metric.type in cls.SUPPORTED

    @classmethod
    def as_discrete(
        cls,
        bin_to_count: BinToCount,
        labels: Mapping[str, str] | None = None,  # noqa: ARG003 - 0.0.5 ignores it too
    ) -> Metric:
        """Return the metric of an output whose values have one bin each.

        Args:
            bin_to_count: number of training rows with each value.
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
        labels: Mapping[str, str] | None = None,  # noqa: ARG003 - 0.0.5 ignores it too
    ) -> Metric:
        """Return the metric of an output that is counted in bins.

        Args:
            bin_to_count: number of training rows in each bin, by upper edge. The last is "+Inf".
            sum_value: sum of the values. By default each value counts as the edge of its bin.
            labels: have no effect.
        """
        return ContinuousVariable.dump_frequency(
            cls.BASELINE_NAME_PATTERN, cls.BASELINE_DOC_PATTERN, bin_to_count, sum_value
        )


class InferenceHistogramCollector(Collector):
    """Counts the model's output for the training data.

    Args:
        data: one output per row, numbers or labels.
        is_discrete: whether each value gets its own bin. By default the values decide.
    """

    def __init__(self, data: Iterable[Any], is_discrete: bool | None = None) -> None:
        self.data = data
        self.is_discrete = is_discrete

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering the collector does not count the data."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count the output and yield its metric.

        Raises:
            BaselineError: if the output cannot be counted.
        """
        counted = column_histogram("inference", self.data, self.is_discrete)
        if counted.sum is None:
            yield InferenceDistribution.as_discrete(counted.bins)
        else:
            yield InferenceDistribution.as_continuous(counted.bins, counted.sum)
