"""When a difference counts as drift: above what chance gives, and large enough to matter.

With no drift PSI is distributed as (1/n + 1/m) chi-square with B - 1 degrees of freedom, for n
baseline rows and m live rows in B cells (Yurdakul 2018), but for what few rows in a cell change. So
the critical value is a quantile, at the variable's share of the false alarms allowed, scaled by the
rows. It says how unlikely a PSI is; the effect floor says from where on it matters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from boxkite.baseline.variable import CategoryVariable, Variable
from boxkite.drift.null_distribution import critical_value
from boxkite.errors import ConfigError

__all__ = ["Policy", "Verdict"]

Verdict: TypeAlias = Literal["insufficient", "ok", "drift"]

_HOURS_A_MONTH = 720

# Alarms that start in a window's length, by the chance that PSI is above its critical value. An
# alert fires once PSI has been above for `for`, a tenth of the window; then there are 2.4 at most,
# however fast the window's rows change (docs/statistics.md).
_ALARMS_A_WINDOW = 2.5

_MOST_MISSED = 0.05


@dataclass(frozen=True)
class Policy:
    """How often a model may cry wolf, and from where on a difference matters.

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
        """Return the probability that one variable without drift is above its critical value.

        The month's allowance is divided evenly over the windows' lengths, over the alarms that
        windows of a length may start in 30 days by that probability, and over the variables
        (Bonferroni, which asks nothing of how variables depend on each other).
        """
        alarms = _HOURS_A_MONTH / self.windows[window] * _ALARMS_A_WINDOW
        share = self.false_alarms_per_month / len(self.windows) / alarms / variables
        return min(share, 0.5)

    def critical(self, window: str, variables: int, variable: Variable) -> float:
        """Return what `boxkite_drift_critical` exports: to be scaled by (1/n + 1/m).

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
            self.share(window, variables),
            least_rows=self.min_rows_a_cell * cells / self.design_effect,
            floor=self.min_effect,
            unseen=missed,
        )
        return found * self.design_effect

    def judge(self, psi: float, threshold: float, rows: int, cells: int) -> Verdict:
        """Return the verdict on one variable.

        Args:
            psi: its statistic.
            threshold: its critical value, scaled by (1/n + 1/m); NaN if there is none.
            rows: live rows in its cells.
            cells: how many cells it has.
        """
        if math.isnan(threshold) or cells < 2 or rows < self.min_rows_a_cell * cells:
            return "insufficient"
        return "drift" if psi > threshold and psi > self.min_effect else "ok"


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
