"""The labelled exposition of a baseline: the series `boxkite_baseline_…`.

Each family holds the series of all variables, which differ in their labels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TypeAlias

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.text_writer import Family, format_labels, format_series_by
from boxkite.baseline.variable import Variable

__all__ = ["PREFIX", "families", "histogram_series", "variation_families"]

PREFIX = "boxkite_baseline"

Labels: TypeAlias = dict[str, str]


def families(
    variables: Sequence[Variable], rows: Mapping[str, int], *, model: str, version: str
) -> list[Family]:
    """Return the series of a baseline, as `histogram.prom` and `/metrics` show them.

    Args:
        variables: the variables of all rows, then the variables of each segment.
        rows: number of training rows by segment; the segment of all rows is "".
        model: value of the label `model_name`.
        version: value of the label `model_version`.
    """
    head = {"model_name": model, "model_version": version}
    labels = [{**head, **each.labels} for each in variables]
    texts = [format_labels(each) for each in labels]
    pairs = list(zip(variables, texts, strict=True))
    numeric = [(each, text) for each, text in pairs if isinstance(each, NumericVariable)]
    return [
        _gauge(
            "rows",
            "Training rows.",
            [
                (format_labels({**head, "segment": segment} if segment else head), number)
                for segment, number in rows.items()
            ],
        ),
        _gauge(
            "variable_info",
            "Kind of a variable and its place in a positional list.",
            [
                (f'{text},variable_kind="{each.kind}",position="{each.position}"', 1)
                for each, text in pairs
            ],
        ),
        _gauge(
            "missing",
            "Training rows without a value.",
            [(text, each.missing) for each, text in pairs],
        ),
        _gauge(
            "min",
            "Least finite value at training.",
            [(text, each.minimum) for each, text in numeric],
        ),
        _gauge(
            "max",
            "Greatest finite value at training.",
            [(text, each.maximum) for each, text in numeric],
        ),
        _bins(numeric),
        _value_histogram(variables, labels),
        _categories(variables, labels),
        _gauge(
            "tail_once",
            "Categories counted as __other__ that one training row has.",
            [
                (text, each.tail_once)
                for each, text in pairs
                if isinstance(each, CategoryVariable) and each.tail_once is not None
            ],
        ),
    ]


def variation_families(
    variables: Sequence[Variable], windows: Collection[str] | None, *, model: str, version: str
) -> list[Family]:
    """Return the series of natural variation; none if nothing was learnt.

    Args:
        variables: the variables of the baseline.
        windows: windows to include; all that were learnt if None.
        model: value of the label `model_name`.
        version: value of the label `model_version`.
    """
    head = {"model_name": model, "model_version": version}
    rows: list[tuple[str, float]] = []
    weights: list[tuple[str, float]] = []
    for each in variables:
        for window, variation in each.variation.items():
            if windows is not None and window not in windows:
                continue
            labels = {**head, **each.labels, "window": window}
            rows.append((format_labels(labels), variation.rows))
            for number, direction in enumerate(variation.directions.tolist(), 1):
                text = format_labels({**labels, "direction": str(number)})
                cells = zip(_cell_labels(each), direction, strict=True)
                weights += [(f"{text},{cell}", weight) for cell, weight in cells]
    return [
        each
        for each in (
            _gauge("window_rows", "Median rows in the windows of training.", rows),
            # Like `boxkite_baseline_bin`, these are gauges that promtool wants to be untyped.
            replace(
                _gauge(
                    "direction", "Weight of a cell in a direction of natural variation.", weights
                ),
                type="unknown",
            ),
        )
        if each.series
    ]


def _cell_labels(variable: Variable) -> list[str]:
    """Return the labels of each cell, which `boxkite_baseline_bin` or `_category` also has."""
    if isinstance(variable, CategoryVariable):
        return [format_labels({"category": each}) for each in variable.categories]
    return [f'gt="{gt}",le="{le}"' for gt, le in pairwise(["-Inf", *variable.upper_bounds])]


def histogram_series(name: str, labels: Labels, bounds: Iterable[str]) -> list[str]:
    """Return the series of a histogram: one bucket per bound, then `_sum` and `_count`."""
    text = format_labels(labels)
    start, all_labels = (f"{text},", f"{{{text}}}") if text else ("", "")
    buckets = [f'{name}_bucket{{{start}le="{le}"}}' for le in bounds]
    return [*buckets, f"{name}_sum{all_labels}", f"{name}_count{all_labels}"]


def _gauge(name: str, documentation: str, pairs: Sequence[tuple[str, float]]) -> Family:
    full_name = f"{PREFIX}_{name}"
    names = [f"{full_name}{{{labels}}}" for labels, _ in pairs]
    return Family(full_name, "gauge", documentation, names, [value for _, value in pairs])


def _bins(numeric: Sequence[tuple[NumericVariable, str]]) -> Family:
    name = f"{PREFIX}_bin"
    names = [
        f"{name}{{{labels},{cell}}}"
        for variable, labels in numeric
        for cell in _cell_labels(variable)
    ]
    values = [count for variable, _ in numeric for count in variable.counts.tolist()]
    # These are gauges. But promtool accepts a label `le` only in histograms and untyped metrics.
    return Family(name, "unknown", "Training rows in one bin (gt, le].", names, values)


def _value_histogram(variables: Sequence[Variable], labels: Sequence[Labels]) -> Family:
    name = f"{PREFIX}_value"
    names: list[str] = []
    values: list[float] = []
    for variable, its_labels in zip(variables, labels, strict=True):
        # Ordered categories are a histogram of their ranks too, so that the rules have one K-S.
        if variable.is_ordered:
            names += histogram_series(name, its_labels, variable.upper_bounds)
            cumulative: list[int] = list(accumulate(variable.counts.tolist()))
            values += [*cumulative, _sum_at_training(variable), cumulative[-1]]
    return Family(name, "histogram", "Values at training.", names, values)


def _sum_at_training(variable: Variable) -> float:
    if isinstance(variable, CategoryVariable):
        return variable.sum_of_ranks(variable.counts)
    return variable.sum


def _categories(variables: Sequence[Variable], labels: Sequence[Labels]) -> Family:
    name = f"{PREFIX}_category"
    names: list[str] = []
    values: list[float] = []
    for variable, its_labels in zip(variables, labels, strict=True):
        if isinstance(variable, CategoryVariable):
            names += format_series_by(name, its_labels, "category", variable.categories)
            values += variable.counts.tolist()
    return Family(name, "gauge", "Training rows of one category.", names, values)
