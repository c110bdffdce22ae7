"""The labelled exposition of a baseline: `boxkite_baseline_…`, one family for all variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np

from boxkite.baseline.text_format import Family, format_float, format_series
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable

__all__ = ["PREFIX", "bucket_bounds", "families", "histogram_series"]

PREFIX = "boxkite_baseline"

Labels: TypeAlias = dict[str, str]


def families(variables: Sequence[Variable], rows: int, *, model: str, version: str) -> list[Family]:
    """Return the series of a baseline, the same in `histogram.prom` and in a scrape."""
    head = {"model": model, "version": version}
    numeric = [each for each in variables if isinstance(each, NumericVariable)]
    categorical = [each for each in variables if isinstance(each, CategoryVariable)]

    def labels(variable: Variable, **more: str) -> Labels:
        return {**head, "role": variable.role, "variable": variable.name, **more}

    def gauge(
        name: str, documentation: str, pairs: Iterable[tuple[Labels, float]], kind: str = "gauge"
    ) -> Family:
        full_name = f"{PREFIX}_{name}"
        found = list(pairs)
        names = [format_series(full_name, **each) for each, _ in found]
        return Family(full_name, kind, documentation, names, [value for _, value in found])

    return [
        gauge("rows", "Training rows.", [(head, rows)]),
        gauge(
            "variable_info",
            "Kind of a variable and its place in a positional list.",
            [(labels(each, kind=each.kind, position=str(each.position)), 1) for each in variables],
        ),
        gauge(
            "missing",
            "Training rows without a value.",
            [(labels(each), each.missing) for each in variables],
        ),
        gauge(
            "min",
            "Least finite value at training.",
            [(labels(each), each.minimum) for each in numeric],
        ),
        gauge(
            "max",
            "Greatest finite value at training.",
            [(labels(each), each.maximum) for each in numeric],
        ),
        gauge(
            "bin",
            "Training rows in one bin (gt, le].",
            [
                (labels(each, gt=format_float(gt), le=format_float(le)), count)
                for each in numeric
                for (gt, le), count in zip(each.bounds, each.counts.tolist(), strict=True)
            ],
            # A gauge by nature; but promtool takes a label `le` only of histograms and untyped.
            kind="unknown",
        ),
        _value_histogram(numeric, labels),
        gauge(
            "category",
            "Training rows of one category.",
            [
                (labels(each, category=category), count)
                for each in categorical
                for category, count in zip(each.categories, each.counts.tolist(), strict=True)
            ],
        ),
    ]


def bucket_bounds(variable: NumericVariable) -> list[str]:
    """Return the `le` of each bucket."""
    return [format_float(le) for _, le in variable.bounds]


def histogram_series(name: str, labels: Labels, bounds: Iterable[str]) -> list[str]:
    """Return the names of a histogram's samples: a bucket a bound, then `_sum` and `_count`."""
    buckets = [format_series(f"{name}_bucket", **labels, le=le) for le in bounds]
    return [
        *buckets,
        format_series(f"{name}_sum", **labels),
        format_series(f"{name}_count", **labels),
    ]


def _value_histogram(numeric: Sequence[NumericVariable], labels: Callable[..., Labels]) -> Family:
    name = f"{PREFIX}_value"
    names: list[str] = []
    values: list[float] = []
    for variable in numeric:
        names += histogram_series(name, labels(variable), bucket_bounds(variable))
        cumulative = np.cumsum(variable.counts).tolist()
        values += [*cumulative, variable.sum, cumulative[-1]]
    return Family(name, "histogram", "Values at training.", names, values)
