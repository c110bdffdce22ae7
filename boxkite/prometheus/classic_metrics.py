"""Baselines in 0.0.5's form as prometheus-client's `Metric`, which its collectors yield."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from boxkite.baseline import Baseline
from boxkite.baseline.classic import FEATURE_HELP
from boxkite.baseline.classic_histogram import OVERFLOW_BIN, bin_label
from boxkite.baseline.text_reader import Sample
from boxkite.baseline.text_writer import Family, format_float, render
from boxkite.baseline.values import to_number
from boxkite.errors import BaselineError

__all__ = [
    "baseline_of",
    "counter_metric",
    "feature_name",
    "histogram_metric",
    "is_baseline",
    "metrics_of",
]


def counter_metric(
    name: str, documentation: str, bin_to_count: Mapping[Any, float]
) -> CounterMetricFamily:
    """Return counts of values as a counter with the label `bin`.

    Bins that are the same number, as `1` and `numpy.float32(1)`, are added up.
    """
    counts: dict[str, float] = defaultdict(int)
    for value, count in bin_to_count.items():
        counts[bin_label(value)] += count
    metric = CounterMetricFamily(name, documentation, labels=["bin"])
    for label, count in counts.items():
        metric.add_metric([label], count)
    return metric


def histogram_metric(
    name: str,
    documentation: str,
    bin_to_count: Mapping[Any, float],
    sum_value: float | None = None,
) -> HistogramMetricFamily:
    """Return counts of bins as a histogram.

    Args:
        name: of the metric.
        documentation: its HELP text.
        bin_to_count: how many values each bin holds, not cumulative, by its upper edge; None,
            NaN and "+Inf" stand for the last bin.
        sum_value: of the values; by default each is taken to lie on its bin's edge.

    Raises:
        ValueError: if an edge is not a number.
    """
    counts: dict[float, float] = defaultdict(int)
    for edge, count in bin_to_count.items():
        number = to_number(edge) + 0.0
        counts[math.inf if math.isnan(number) else number] += count
    if sum_value is None:
        sum_value = sum(edge * count for edge, count in counts.items() if edge < math.inf)
    above = counts.pop(math.inf, 0)
    buckets: list[tuple[str, float]] = []
    total: float = 0
    for edge in sorted(counts or {0.0: 0}):  # Prometheus wants two buckets
        total += counts[edge]
        buckets.append((format_float(edge), total))
    total += above
    buckets.append((OVERFLOW_BIN, total))
    metric = HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=float(sum_value))
    if len(metric.samples) == len(buckets):  # it has no sum beside a negative edge
        metric.add_sample(f"{name}_count", {}, total)
        metric.add_sample(f"{name}_sum", {}, float(sum_value))
    return metric


def metrics_of(families: Iterable[Family]) -> list[Metric]:
    """Return families of ours as metrics of prometheus-client."""
    return list(text_string_to_metric_families(render(families)))


def is_baseline(metric: Metric) -> bool:
    """Tell whether a metric is the training distribution of a feature or of the output."""
    return (
        metric.name.startswith(("feature_", "inference_"))
        and metric.name.endswith("_value_baseline")
        and metric.type in ("counter", "histogram")
    )


def baseline_of(metrics: Iterable[Metric]) -> Baseline:
    """Return the baseline that metrics in 0.0.5's form describe.

    Raises:
        BaselineError: if they do not make up a whole baseline.
    """
    found = list(metrics)
    samples = [
        Sample(each.name, each.labels, float(each.value), line)
        for line, each in enumerate((each for metric in found for each in metric.samples), 1)
    ]
    documentation = {each.name: each.documentation for each in found}
    try:
        return Baseline.from_samples(samples, documentation)
    except BaselineError as error:
        raise BaselineError(f"baseline metrics, a line being a sample: {error}") from None


def feature_name(metric: Metric) -> str:
    """Return the name of the feature that a metric's HELP text gives, or the whole text."""
    text = metric.documentation
    for head in ("Baseline ", "Real time "):
        if text.startswith(head + FEATURE_HELP):
            return text.removeprefix(head + FEATURE_HELP)
    return text.partition(":")[2].strip() or text.strip()
