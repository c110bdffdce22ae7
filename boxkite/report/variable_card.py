"""The card of one variable, with everything that a page or a report shows about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Variable
from boxkite.drawing.shapes import Bar, bars
from boxkite.drift import VariableDrift
from boxkite.drift.variable_drift import DriftTest

__all__ = ["VERDICT_WORDS", "Card"]

Integers: TypeAlias = NDArray[np.int64]

_MAIN = ("PSI", "K-S")
VERDICT_WORDS = {"insufficient": "not enough data"}
"""Verdicts that people read in other words than programs."""


@dataclass(frozen=True)
class Card:
    """One variable, with everything that its card shows.

    Attributes:
        drift: Statistics and verdict.
        variable: Variable with its training counts.
        live: Live counts of the same cells.
        trend: `VariableDrift.multiple` of each hour that is kept. Hours with too few rows are NaN.
    """

    drift: VariableDrift
    variable: Variable
    live: Integers
    trend: list[float]

    @property
    def bars(self) -> list[Bar]:
        """Bars of both distributions. If there are many categories, only the most common ones."""
        return bars(self.variable, self.live)

    @property
    def cells(self) -> list[Bar]:
        """All cells in the order of the bars, including those without a bar."""
        return bars(self.variable, self.live, most_categories=len(self.variable.counts))

    @property
    def hidden(self) -> int:
        """Number of categories without a bar."""
        return len(self.variable.counts) - len(self.bars)

    @property
    def trained_missing(self) -> float:
        """Fraction of missing rows at training."""
        return self.variable.missing / max(self.variable.rows, 1)

    @property
    def is_cut(self) -> bool:
        """Whether the axis is cut in some bins."""
        return any(each.is_cut for each in self.bars)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What to say about the variable, the most important first."""
        found = self.drift.findings or ("no larger difference than chance explains",)
        return tuple(f"{each[0].upper()}{each[1:]}" for each in found)

    @property
    def tone(self) -> str:
        """What the card is coloured by: `critical`, `warning`, `ok` or `insufficient`."""
        return self.drift.severity or self.drift.verdict

    @property
    def verdict(self) -> str:
        """The verdict in words, with the severity: "drift, critical" or "not enough data"."""
        status = VERDICT_WORDS.get(self.drift.status, self.drift.status)
        return f"{status}, {self.drift.severity}" if self.drift.severity else status

    @property
    def progress(self) -> float:
        """Fraction of the rows that a verdict needs; NaN if more rows would not help."""
        drift = self.drift
        if drift.verdict != "insufficient" or drift.rows >= drift.rows_needed:
            return math.nan
        return drift.rows / drift.rows_needed

    @property
    def tests(self) -> dict[str, DriftTest]:
        """The statistics to show, with their thresholds.

        With too few rows, a statistic says nothing. The excess of one cell, and the scores, are
        shown only if they are above their thresholds.
        """
        tests = self.drift.tests
        if self.progress == self.progress:
            return {}
        if self.drift.verdict == "insufficient":
            tests = {name: DriftTest(each.value) for name, each in tests.items()}
        return {
            name: each
            for name, each in tests.items()
            if name in self.drift.above or (name in _MAIN and not math.isnan(each.value))
        }

    @property
    def anchor(self) -> str:
        """Role and name, such as `feature:age`, which links use."""
        return f"{self.drift.role}:{self.drift.name}"
