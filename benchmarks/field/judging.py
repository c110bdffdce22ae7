"""Verdicts on windows of one variable, with and without natural variation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from boxkite.drift.verdict import judge
from boxkite.variation import learn_variation
from boxkite.variation.learning import Variation

__all__ = ["POLICY", "Judge", "count", "judges_of"]

Counts: TypeAlias = NDArray[np.int64]

POLICY = Policy(windows={"1h": 1.0, "1d": 24.0})
WEEKS = Policy(windows={"1d": 24.0, "7d": 168.0})


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
    policy: Policy = field(init=False)
    allowance: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self.policy = WEEKS if self.window == "7d" else POLICY
        learnt = {self.window: self.variation} if self.variation else {}
        self.variable = replace(self.variable, variation=learnt)
        self.allowance = self.policy.allowance(self.window, self.variables, self.variable)

    def verdict(self, live: Counts) -> str:
        """Return insufficient, ok or drift."""
        if not live.any():
            return "insufficient"
        ordered = isinstance(self.variable, NumericVariable)
        found = measure(live, self.variable.counts, self.variation, ordered=ordered)
        return judge(self.variable, found, self.allowance, self.policy).verdict

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
