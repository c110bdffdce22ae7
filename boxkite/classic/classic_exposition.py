"""The classic exposition of live counts: the series names of boxkite 0.0.5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable, Variable
from boxkite.baseline.labelled_series import histogram_series
from boxkite.baseline.tally import Tally
from boxkite.baseline.text_writer import Family, format_series
from boxkite.classic.classic_series import FEATURE_HELP, MISSING_BIN, describe, metric_name

__all__ = ["ClassicExposition"]


class ClassicExposition:
    """Live counts of a baseline's variables under the names that 0.0.5 gave them.

    None, NaN and +inf count in the +Inf bucket or in the bin "nan". Categories that training never
    saw count in the bin `__unseen__`, which exists from the start. 0.0.5 made a series for each.

    Args:
        baseline: the baseline of the counted variables.

    Raises:
        BaselineError: if the baseline has more than one output.
    """

    def __init__(self, baseline: Baseline) -> None:
        self.static = baseline.families("classic")
        self._info = _info(self.static)
        self._series = [_live_series(variable) for variable in baseline.variables]
        self._variables = baseline.variables

    def families(
        self,
        tallies: Sequence[Tally],
        predictions: int,  # noqa: ARG002 - 0.0.5 has no series for it
        errors: Mapping[str, int],  # noqa: ARG002
        log: Mapping[str, int],  # noqa: ARG002
    ) -> list[Family]:
        """Return the live series with their values. The output comes first, as in 0.0.5.

        boxkite 0.0.5 has no segments, so their tallies are left out.
        """
        live = [
            Family(
                metric_name(variable, baseline=False),
                "histogram" if isinstance(variable, NumericVariable) else "counter",
                describe(variable, baseline=False),
                series,
                _live_values(variable, tally),
            )
            for variable, series, tally in zip(self._variables, self._series, tallies, strict=False)
        ]
        # The variables are ordered by role, features first.
        features = len([each for each in self._variables if each.role == "feature"])
        return [*live[features:], *live[:features], self._info]


def _live_series(variable: Variable) -> list[str]:
    name = metric_name(variable, baseline=False)
    if isinstance(variable, NumericVariable):
        return histogram_series(name, {}, variable.upper_bounds)
    return [format_series(f"{name}_total", bin=each) for each in _bins(variable)]


def _bins(variable: CategoryVariable) -> list[str]:
    """Return the bins of a live counter: the baseline's, and "nan" if values were missing there."""
    bins = list(variable.categories)
    if variable.missing and MISSING_BIN not in bins:
        bins.insert(len(bins) - 1, MISSING_BIN)
    return bins


def _live_values(variable: Variable, tally: Tally) -> list[float]:
    if isinstance(variable, NumericVariable):
        counts = np.cumsum(tally.cells)
        counts[-1] += tally.missing + tally.invalid
        cumulative = counts.tolist()
        return [*cumulative, tally.sum, cumulative[-1]]
    assert isinstance(variable, CategoryVariable)
    bins = dict.fromkeys(_bins(variable), 0)
    bins.update(zip(variable.categories, tally.cells.tolist(), strict=True))
    # Count every value in some bin, or the classic counter would lose predictions.
    unseen = variable.categories[-1]
    bins[MISSING_BIN if MISSING_BIN in bins else unseen] += tally.missing
    bins[unseen] += tally.invalid
    return list(bins.values())


def _info(trained: Sequence[Family]) -> Family:
    """Return 0.0.5's `baseline_metrics_info`, which maps metrics to the names of features."""
    series = [
        format_series(
            "baseline_metrics_info",
            feature_name=family.documentation.removeprefix(f"Baseline {FEATURE_HELP}"),
            metric_name=family.name,
            metric_type=family.type,
        )
        for family in trained
    ]
    documentation = "Metadata about the baseline training metrics"
    return Family("baseline_metrics", "info", documentation, series, [1.0] * len(series))
