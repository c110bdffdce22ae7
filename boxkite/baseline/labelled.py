"""The labelled exposition of a baseline: `boxkite_baseline_…`, one family for all variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from boxkite.baseline.text_writer import Family, format_float, format_series, format_series_by
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable

__all__ = ["PREFIX", "bucket_bounds", "families", "histogram_series"]

PREFIX = "boxkite_baseline"

Labels: TypeAlias = dict[str, str]
_Bounds: TypeAlias = Sequence[Sequence[str]]
_LabelsOf: TypeAlias = Callable[[Variable], Labels]


def families(variables: Sequence[Variable], rows: int, *, model: str, version: str) -> list[Family]:
    """Return the series of a baseline, the same in `histogram.prom` and in a scrape."""
    head = {"model": model, "version": version}
    numeric = [each for each in variables if isinstance(each, NumericVariable)]

    bounds = [bucket_bounds(each) for each in numeric]

    def labels(variable: Variable) -> Labels:
        return {**head, "role": variable.role, "variable": variable.name}

    def gauge(name: str, documentation: str, pairs: Iterable[tuple[Labels, float]]) -> Family:
        full_name = f"{PREFIX}_{name}"
        found = list(pairs)
        names = [format_series(full_name, **each) for each, _ in found]
        return Family(full_name, "gauge", documentation, names, [value for _, value in found])

    return [
        gauge("rows", "Training rows.", [(head, rows)]),
        gauge(
            "variable_info",
            "Kind of a variable and its place in a positional list.",
            [
                ({**labels(each), "kind": each.kind, "position": str(each.position)}, 1)
                for each in variables
            ],
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
        _bins(numeric, bounds, labels),
        _value_histogram(numeric, bounds, labels),
        _categories(variables, labels),
    ]


def bucket_bounds(variable: NumericVariable) -> list[str]:
    """Return the `le` of each bucket."""
    return [format_float(le) for _, le in variable.bounds]


def histogram_series(name: str, labels: Labels, bounds: Iterable[str]) -> list[str]:
    """Return the names of a histogram's samples: a bucket a bound, then `_sum` and `_count`."""
    return [
        *format_series_by(f"{name}_bucket", labels, "le", bounds),
        format_series(f"{name}_sum", **labels),
        format_series(f"{name}_count", **labels),
    ]


def _bins(numeric: Sequence[NumericVariable], bounds: _Bounds, labels: _LabelsOf) -> Family:
    name = f"{PREFIX}_bin"
    names: list[str] = []
    for variable, upper in zip(numeric, bounds, strict=True):
        start = format_series(name, **labels(variable)).removesuffix("}")
        names += [f'{start},gt="{gt}",le="{le}"}}' for gt, le in pairwise(["-Inf", *upper])]
    # A gauge by nature; but promtool takes a label `le` only of histograms and untyped.
    return Family(name, "unknown", "Training rows in one bin (gt, le].", names, _cells(numeric))


def _categories(variables: Sequence[Variable], labels: _LabelsOf) -> Family:
    name = f"{PREFIX}_category"
    categorical = [each for each in variables if isinstance(each, CategoryVariable)]
    names: list[str] = []
    for variable in categorical:
        names += format_series_by(name, labels(variable), "category", variable.categories)
    return Family(name, "gauge", "Training rows of one category.", names, _cells(categorical))


def _cells(variables: Iterable[Variable]) -> list[float]:
    return [count for variable in variables for count in variable.counts.tolist()]


def _value_histogram(
    numeric: Sequence[NumericVariable], bounds: _Bounds, labels: _LabelsOf
) -> Family:
    name = f"{PREFIX}_value"
    names: list[str] = []
    values: list[float] = []
    for variable, upper in zip(numeric, bounds, strict=True):
        names += histogram_series(name, labels(variable), upper)
        cumulative = np.cumsum(variable.counts).tolist()
        values += [*cumulative, variable.sum, cumulative[-1]]
    return Family(name, "histogram", "Values at training.", names, values)
