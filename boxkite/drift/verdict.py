"""When a difference counts as drift: above what chance gives, and large enough to matter.

With no drift PSI is distributed as (1/n + 1/m) chi-square with B - 1 degrees of freedom, for n
baseline rows and m live rows in B cells (Yurdakul 2018), but for what few rows in a cell change. So
the critical value is a quantile, at the variable's share of the false alarms allowed, scaled by the
rows. It says how unlikely a PSI is; the effect floor says from where on it matters.

PSI does not know that bins have an order: it is slow to see that a whole distribution moves a
little, which K-S sees best. So numbers drift by either, each at half of the share (union bound).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable
from boxkite.drift import kolmogorov
from boxkite.drift.null_distribution import critical_value
from boxkite.errors import ConfigError

__all__ = ["MOST_SHARE", "Policy", "Verdict"]

Verdict: TypeAlias = Literal["insufficient", "ok", "drift"]

MOST_SHARE = 0.5
"""The greatest share of a variable, however many false alarms are allowed."""

_HOURS_A_MONTH = 720

# Alarms that start in a window's length, by the chance that a statistic is above its critical
# value. An alert fires once one has been above for `for`, a tenth of the window; then there are 2.4
# at most, however fast the window's rows change (docs/statistics.md).
_ALARMS_A_WINDOW = 2.5

_MOST_MISSED = 0.05


@dataclass(frozen=True)
class Policy:
    """How often a model may cry wolf, and from where on a difference matters.

    The verdict is drift where PSI, or K-S of numbers, is above its critical value, so that chance
    is no explanation, and PSI is above the least effect.

    Attributes:
        false_alarms_per_month: expected of one model without drift in 30 days: how often an alert
            of drift starts to fire, over all its variables and windows, evaluated at any rate.
        min_effect: the least PSI that is called drift, in nats.
        min_rows_a_cell: rows, live and trained, in the mean of a variable's cells, below which
            nothing is said.
        windows: the windows' lengths in hours, by name.
        design_effect: how many rows tell as much as one that is independent of the others; see
            `estimate_design_effect`.

    Raises:
        ConfigError: if the design effect is less than 1.
    """

    false_alarms_per_month: float = 1.0
    min_effect: float = 0.05
    min_rows_a_cell: float = 5.0
    windows: Mapping[str, float] = field(default_factory=lambda: {"1h": 1.0, "1d": 24.0})
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.design_effect < math.inf:
            raise ConfigError(f"a design effect is 1 or more, not {self.design_effect}")

    def share(self, window: str, variables: int) -> float:
        """Return the probability that one variable without drift is above a critical value.

        That of all variables is divided evenly (Bonferroni, which asks nothing of how variables
        depend on each other). A variable of numbers has two critical values: each gets half of it.
        """
        return min(self.share_of_all(window) / variables, MOST_SHARE)

    def share_of_all(self, window: str) -> float:
        """Return the sum of the shares of all variables, which may be above 1.

        The month's allowance is divided evenly over the windows' lengths, and over the alarms that
        windows of a length may start in 30 days by that probability.
        """
        alarms = _HOURS_A_MONTH / self.windows[window] * _ALARMS_A_WINDOW
        return self.false_alarms_per_month / len(self.windows) / alarms

    def critical(self, window: str, variables: int, variable: Variable) -> float:
        """Return what `boxkite_drift_critical` exports: to be scaled by (1/n + 1/m).

        PSI of categories has the whole share, that of numbers leaves half of it to K-S.

        NaN, so that the verdict is `insufficient`, for a variable of one cell, of too few training
        rows, or of which training may have missed more than a twentieth: what it did not see is
        then of unknown size.
        """
        cells = len(variable.counts)
        rows = int(variable.counts.sum())
        missed = _missed(variable)
        if cells < 2 or rows < self.min_rows_a_cell * cells or missed > _MOST_MISSED * rows:
            return math.nan
        found = critical_value(
            tuple(variable.counts.tolist()),
            self.share(window, variables) / (2 if isinstance(variable, NumericVariable) else 1),
            least_rows=self.min_rows_a_cell * cells / self.design_effect,
            floor=self.min_effect,
            unseen=missed,
        )
        return found * self.design_effect

    def ks_critical(self, window: str, variables: int) -> float:
        """Return what the K-S distance of any numbers must exceed, but for sqrt(1/n + 1/m).

        At half of the variable's share. It holds for bins as for values: the distance over some
        edges is no greater than that over all values.
        """
        half = self.share(window, variables) / 2
        return kolmogorov.quantile(half) * math.sqrt(self.design_effect)

    def judge(
        self,
        psi: float,
        threshold: float,
        rows: int,
        cells: int,
        ks: float = math.nan,
        ks_threshold: float = math.nan,
    ) -> Verdict:
        """Return the verdict on one variable.

        PSI alone decides whether a difference matters, also one that K-S found.

        Args:
            psi: its population stability index.
            threshold: the critical value of PSI, scaled by (1/n + 1/m); NaN if there is none.
            rows: live rows in its cells.
            cells: how many cells it has.
            ks: its Kolmogorov-Smirnov distance; NaN for categories.
            ks_threshold: the critical value of K-S, scaled by sqrt(1/n + 1/m); NaN for categories.
        """
        if math.isnan(threshold) or cells < 2 or rows < self.min_rows_a_cell * cells:
            return "insufficient"
        unlikely = psi > threshold or ks > ks_threshold
        return "drift" if unlikely and psi > self.min_effect else "ok"


def _missed(variable: Variable) -> int:
    """Return a bound of how many rows' worth of categories training missed, after Good (1953).

    It missed as many as it saw once. Of the categories that are kept their number is known, and two
    standard errors are added. Of a tail only the rows and the labels are, and in newer files how
    many labels stand once; docs/statistics.md says what is taken.
    """
    if not isinstance(variable, CategoryVariable):
        return 0
    kept = len(variable.counts) - 1 - variable.has_tail
    once = float((variable.counts[:kept] == 1).sum())
    if not variable.tail:
        return math.ceil(once + 2 * math.sqrt(once))
    labels, rows = len(variable.tail), int(variable.counts[kept])
    guessed = once + labels * math.sqrt(labels / rows)
    bounds = [guessed + 2 * math.sqrt(guessed)]
    if variable.tail_once is not None:
        # A label that is missed brings as many rows as one of its kind, so they vary by as much.
        variance = (variable.tail_once + 1) * (1 + rows / labels)
        bounds.append(once + variable.tail_once + math.sqrt(4 * once + 9 * variance))
    return math.ceil(min(bounds))
