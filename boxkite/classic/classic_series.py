"""The classic exposition of a baseline: the series of boxkite 0.0.5, named by position.

The classic series have no place for the version, the number of rows and missing values: None, NaN
and +inf all count in the +Inf bucket. A file that we write has the labelled series and the JSON
line too, so reading it back loses nothing. boxkite 0.0.5 ignores both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from boxkite.baseline import labelled_series
from boxkite.baseline.category_variable import UNSEEN
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.text_writer import Family, format_series
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError

__all__ = [
    "FEATURE_HELP",
    "MISSING_BIN",
    "describe",
    "families",
    "metric_name",
]

MISSING_BIN = "nan"
"""The bin of a counter that holds missing values."""

FEATURE_HELP = "values for feature: "
_OUTPUT_HELP = "inference values for test set"


def metric_name(variable: Variable, *, baseline: bool) -> str:
    """Return the classic name of a variable: `feature_3_value`, `inference_value_baseline`."""
    head = f"feature_{variable.position}" if variable.role == "feature" else "inference"
    return f"{head}_value_baseline" if baseline else f"{head}_value"


def describe(variable: Variable, *, baseline: bool) -> str:
    """Return the HELP text that 0.0.5 gives the variable."""
    head = "Baseline" if baseline else "Real time"
    if variable.role == "feature":
        return f"{head} {FEATURE_HELP}{variable.name}"
    return f"{head} {_OUTPUT_HELP}"


def families(variables: Sequence[Variable]) -> list[Family]:
    """Return the classic series of a baseline's variables.

    Raises:
        BaselineError: if there is more than one output, because 0.0.5 has a name for one only.
    """
    outputs = [each.name for each in variables if each.role != "feature"]
    if len(outputs) > 1:
        raise BaselineError(
            f"the classic exposition has room for one output, but this baseline has {len(outputs)} "
            f"({', '.join(outputs)}). Use the labelled exposition"
        )
    return [_family(variable) for variable in variables]


def _family(variable: Variable) -> Family:
    name = metric_name(variable, baseline=True)
    help_text = describe(variable, baseline=True)
    if isinstance(variable, NumericVariable):
        counts = np.cumsum(variable.counts)
        counts[-1] += variable.missing
        cumulative = counts.tolist()
        names = labelled_series.histogram_series(name, {}, variable.upper_bounds)
        values = [*cumulative, variable.sum, cumulative[-1]]
        return Family(name, "histogram", help_text, names, values)
    bins = dict(zip(variable.categories, variable.counts.tolist(), strict=True))
    del bins[UNSEEN]
    if variable.missing:
        bins[MISSING_BIN] = bins.get(MISSING_BIN, 0) + variable.missing
    names = [format_series(f"{name}_total", bin=each) for each in bins]
    return Family(name, "counter", help_text, names, list(bins.values()))
