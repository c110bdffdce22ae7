"""When a difference counts as drift: above what chance gives, and large enough to matter.

With no drift PSI is distributed as (1/n + 1/m) chi-square with B - 1 degrees of freedom, for n
baseline rows and m live rows in B cells (Yurdakul 2018). So the critical value is a quantile of
chi-square, at the variable's share of the false alarms allowed, scaled by the rows. It says how
unlikely a PSI is; the effect floor says from where on it matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from boxkite.drift.chi_square import quantile

__all__ = ["Policy", "Verdict"]

Verdict: TypeAlias = Literal["insufficient", "ok", "drift"]

_HOURS_A_MONTH = 720


@dataclass(frozen=True)
class Policy:
    """How often a model may cry wolf, and from where on a difference matters.

    Attributes:
        false_alarms_per_month: expected of one model without drift, over all its variables and
            windows.
        min_effect: the least PSI that is called drift, in nats.
        min_rows_a_cell: live rows, in the mean of a variable's cells, below which nothing is said.
        windows: the windows' lengths in hours, by name.
    """

    false_alarms_per_month: float = 1.0
    min_effect: float = 0.05
    min_rows_a_cell: float = 5.0
    windows: Mapping[str, float] = field(default_factory=lambda: {"1h": 1.0, "1d": 24.0})

    def share(self, window: str, variables: int) -> float:
        """Return the probability of a false alarm that one variable has in one window.

        The month's allowance is divided evenly over the windows' lengths, over the disjoint
        windows of that length in 30 days, and over the variables (Bonferroni).
        """
        evaluations = _HOURS_A_MONTH / self.windows[window]
        share = self.false_alarms_per_month / len(self.windows) / evaluations / variables
        return min(share, 0.5)

    def critical(self, window: str, variables: int, cells: int) -> float:
        """Return the chi-square quantile that `boxkite_drift_critical` exports; 0 for one cell."""
        if cells < 2:
            return 0.0
        return quantile(self.share(window, variables), cells - 1)

    def judge(self, psi: float, threshold: float, rows: int, cells: int) -> Verdict:
        """Return the verdict on one variable.

        Args:
            psi: its statistic.
            threshold: its critical value, scaled by (1/n + 1/m).
            rows: live rows in its cells.
            cells: how many cells it has.
        """
        if cells < 2 or rows < self.min_rows_a_cell * cells:
            return "insufficient"
        return "drift" if psi > threshold and psi > self.min_effect else "ok"
