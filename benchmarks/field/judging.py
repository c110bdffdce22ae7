"""Verdicts on windows of one variable, with and without natural variation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boxkite import Baseline
from boxkite.baseline.capture import capture_column
from boxkite.baseline.tally import tally_column
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable
from boxkite.drift import Policy
from boxkite.drift.allowance import Allowance, measure
from boxkite.variation import learn_variation
from boxkite.variation.deviation import smoothed_fractions
from boxkite.variation.learning import Variation

__all__ = ["MOVED", "POLICY", "Judge", "count", "judges_of"]

Counts: TypeAlias = NDArray[np.int64]

POLICY = Policy(windows={"1h": 1.0, "1d": 24.0})
WEEKS = Policy(windows={"1d": 24.0, "7d": 168.0})
MOVED = 0.02
"""Share of rows that moved into or out of one cell from which on a deviation matters."""


@dataclass
class Judge:
    """Judges windows of one variable.

    Attributes:
        variable: The variable at training.
        variables: Number of variables of the model.
        window: Length of the window, by its name in the policy.
        variation: Natural variation; None to judge rows as independent.
    """

    variable: Variable
    variables: int
    window: str
    variation: Variation | None = None
    allowance: Allowance = field(init=False)

    def __post_init__(self) -> None:
        policy = WEEKS if self.window == "7d" else POLICY
        ordered = isinstance(self.variable, NumericVariable)
        critical = policy.critical(self.window, self.variables, self.variable)
        if self.variation and self.variation.along:  # The rest has half of the share of PSI.
            half = Policy(false_alarms_per_month=0.5, windows=policy.windows)
            critical = half.critical(self.window, self.variables, self.variable)
        self.allowance = Allowance.of(
            policy.share(self.window, self.variables),
            critical,
            policy.ks_critical(self.window, self.variables) if ordered else math.nan,
            self.variation,
        )

    def verdict(self, live: Counts) -> str:
        """Return insufficient, ok or drift."""
        training = self.variable.counts
        if live.sum() < 5 * len(live) or math.isnan(self.allowance.rest):
            return "insufficient"
        ordered = isinstance(self.variable, NumericVariable)
        found = measure(live, training, self.variation, ordered=ordered)
        moved = np.abs(smoothed_fractions(live) - smoothed_fractions(training)).max()
        matters = found.psi > POLICY.min_effect or moved > MOVED
        return "drift" if matters and self.allowance.exceeded(found) else "ok"

    def share(self, windows: Sequence[Counts]) -> float:
        """Return the share of windows with verdict drift; NaN if none can be judged."""
        verdicts = [self.verdict(each) for each in windows]
        judged = [each for each in verdicts if each != "insufficient"]
        return judged.count("drift") / len(judged) if judged else math.nan


def count(variable: Variable, windows: Sequence[pd.DataFrame]) -> list[Counts]:
    """Count the rows of each window into the variable's cells."""
    categorical = isinstance(variable, CategoryVariable)
    return [
        tally_column(
            variable, capture_column(variable.name, part[variable.name], categorical=categorical)
        ).cells
        for part in windows
    ]


def judges_of(
    training: Sequence[pd.DataFrame], window: str, **fit: Any
) -> list[tuple[Judge, Judge]]:
    """Fit training windows, and return a judge without and one with variation per variable."""
    baseline = Baseline.fit(pd.concat(training), **fit)
    number = len(baseline.variables)
    found = []
    for variable in baseline.variables:
        ordered = isinstance(variable, NumericVariable)
        variation = learn_variation(np.array(count(variable, training)), ordered=ordered)
        pair = (Judge(variable, number, window), Judge(variable, number, window, variation))
        found.append(pair)
    return found
