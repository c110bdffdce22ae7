"""Converts between baselines and the `Metric` objects of prometheus-client.

The collectors of 0.0.5 yield such objects, and users' own collectors do too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from boxkite.baseline import Baseline
from boxkite.baseline.text_writer import Family, format_float, render
from boxkite.baseline.values import to_number
from boxkite.classic.classic_reader import read_variables
from boxkite.classic.classic_series import FEATURE_HELP
from boxkite.classic.column_histogram import OVERFLOW_BIN, bin_label
from boxkite.classic.text_reader import Sample
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

    Bins that spell the same number, such as `1` and `numpy.float32(1)`, are added up.
    """
    counts: dict[str, float] = defaultdict(int)
    # Two spellings of a number would be two samples with the same labels, which is not allowed.
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
        name: name of the metric.
        documentation: HELP text of the metric.
        bin_to_count: number of values in each bin, not cumulative, by upper edge. None, NaN and
            "+Inf" mean the last bin.
        sum_value: sum of the values. By default each value counts as the edge of its bin.

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
    # A histogram needs a bucket besides +Inf, so one without edges gets an empty bucket at 0.
    for edge in sorted(counts or {0.0: 0}):
        total += counts[edge]
        buckets.append((format_float(edge), total))
    total += above
    buckets.append((OVERFLOW_BIN, total))
    metric = HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=float(sum_value))
    # prometheus-client omits `_sum` and `_count` if an edge is negative, but the text format
    # allows them.
    if len(metric.samples) == len(buckets):
        metric.add_sample(f"{name}_count", {}, total)
        metric.add_sample(f"{name}_sum", {}, float(sum_value))
    return metric


def metrics_of(families: Iterable[Family]) -> list[Metric]:
    """Return families as metrics of prometheus-client."""
    return list(text_string_to_metric_families(render(families)))


def is_baseline(metric: Metric) -> bool:
    """Return whether a metric is the training distribution of a feature or of the output."""
    return (
        metric.name.startswith(("feature_", "inference_"))
        and metric.name.endswith("_value_baseline")
        and metric.type in ("counter", "histogram")
    )


def baseline_of(metrics: Iterable[Metric]) -> Baseline:
    """Return the baseline that classic metrics describe.

    Raises:
        BaselineError: if they do not make up a whole baseline. The message counts samples as lines.
    """
    found = list(metrics)
    samples = [
        Sample(each.name, each.labels, float(each.value), line)
        for line, each in enumerate((each for metric in found for each in metric.samples), 1)
    ]
    documentation = {each.name: each.documentation for each in found}
    try:
        variables = read_variables(samples, documentation)
    except BaselineError as error:
        raise BaselineError(f"baseline metrics (each sample is a line): {error}") from None
    return Baseline.from_variables(variables, max(each.rows for each in variables))


def feature_name(metric: Metric) -> str:
    """Return the feature's name in the HELP text of a metric, or the whole text if it has none."""
    text = metric.documentation
    for head in ("Baseline ", "Real time "):
        if text.startswith(head + FEATURE_HELP):
            return text.removeprefix(head + FEATURE_HELP)
    return text.partition(":")[2].strip() or text.strip()
