"""Verdicts: a difference is drift if chance does not explain it and it is large enough to matter.

Chance: without drift, PSI is distributed as (1/n + 1/m) times chi-square with B - 1 degrees of
freedom, for n training rows and m live rows in B cells (Yurdakul 2018). Cells with few rows need
the correction of `boxkite.drift.null_distribution`. The critical value is a quantile of that
distribution at the variable's share of the allowed false alarms.

Size: the effect floor is the smallest PSI that matters, however certain it is.

PSI ignores the order of bins, so it is slow to notice a small shift of a whole distribution. K-S
finds such shifts best. Numbers therefore drift by either statistic, each at half of the variable's
share (union bound).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from boxkite.baseline.time_windows import seconds_of
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable
from boxkite.drift import kolmogorov
from boxkite.drift.allowance import Allowance, Shares
from boxkite.drift.null_distribution import critical_value
from boxkite.errors import ConfigError
from boxkite.variation import Variation

__all__ = ["MOST_SHARE", "Policy", "Verdict"]

Verdict: TypeAlias = Literal["insufficient", "ok", "drift"]

MOST_SHARE = 0.5
"""Greatest share of one variable, however many false alarms are allowed."""

_HOURS_A_MONTH = 720

# Alarms that start per window length, divided by the chance that one evaluation is above the
# critical value. Consecutive evaluations overlap, so the ratio exceeds 1. It stays below 2.4 at any
# traffic, because an alert waits (`for`) until a tenth of the window has passed above the critical
# value. docs/statistics.md derives the number.
_ALARMS_A_WINDOW = 2.5

# Greatest fraction of categories that training may have missed for a variable to be judged.
_MOST_MISSED = 0.05


@dataclass(frozen=True)
class Policy:
    """How many false alarms to allow, and how large a difference must be to matter.

    The verdict is `drift` if PSI, or K-S for numbers, exceeds its critical value and PSI exceeds
    `min_effect`.

    Attributes:
        false_alarms_per_month: Expected number of drift alerts that start in 30 days for one
            model without drift, over all its variables and windows.
        min_effect: Smallest PSI that counts as drift, in nats.
        min_rows_a_cell: Fewest rows per cell, on average and on both sides, for a verdict.
        windows: Length of each window in hours, by name.
        design_effect: Observed rows per independent row, at least 1. Raise it if requests come in
            bursts; `estimate_design_effect` estimates it.

    Raises:
        ConfigError: If `design_effect` is less than 1.
    """

    false_alarms_per_month: float = 1.0
    min_effect: float = 0.05
    min_rows_a_cell: float = 5.0
    windows: Mapping[str, float] = field(default_factory=lambda: {"1h": 1.0, "1d": 24.0})
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.design_effect < math.inf:
            raise ConfigError(f"`design_effect` must be at least 1, not {self.design_effect}")

    def share(self, window: str, variables: int) -> float:
        """Return the chance that one variable without drift exceeds a critical value.

        The share of the model is divided evenly among its variables. Bonferroni's bound assumes
        nothing about how variables depend on each other.

        Args:
            window: Name of a window.
            variables: Number of the model's variables.
        """
        return min(self.share_of_all(window) / variables, MOST_SHARE)

    def share_of_all(self, window: str) -> float:
        """Return the sum of all variables' shares, which can exceed 1.

        The allowed false alarms are divided evenly among the windows, and then by the number of
        alarms that could start in a month.

        Args:
            window: Name of a window.
        """
        alarms = _HOURS_A_MONTH / self.windows[window] * _ALARMS_A_WINDOW
        return self.false_alarms_per_month / len(self.windows) / alarms

    def critical(
        self, window: str, variables: int, variable: Variable, variation: Variation | None = None
    ) -> float:
        """Return the critical value of PSI / (1/n + 1/m), as `boxkite_drift_critical` exports it.

        PSI of categories uses the whole share; PSI of numbers leaves half of it to K-S. If there
        are directions of natural variation, half of what is left goes to the scores along them.

        Args:
            window: Name of a window.
            variables: Number of the model's variables.
            variable: Variable at training.
            variation: Natural variation to allow for; None for none.

        Returns:
            The critical value; NaN, so that the verdict is `insufficient`, if the variable has one
            cell or too few training rows, or if training may have missed more than a twentieth of
            its categories.
        """
        cells = len(variable.counts)
        rows = int(variable.counts.sum())
        missed = _missed(variable)
        if cells < 2 or rows < self.min_rows_a_cell * cells or missed > _MOST_MISSED * rows:
            return math.nan
        shares = Shares.of(
            self.share(window, variables),
            ordered=isinstance(variable, NumericVariable),
            directions=len(variation.along) if variation else 0,
        )
        found = critical_value(
            tuple(variable.counts.tolist()),
            shares.rest,
            least_rows=self.min_rows_a_cell * cells / self.design_effect,
            floor=self.min_effect,
            unseen=missed,
        )
        return found * self.design_effect

    def ks_critical(self, window: str, variables: int) -> float:
        """Return the critical value of K-S / sqrt(1/n + 1/m), at half of a variable's share.

        It is the same for all numeric variables. It is derived for unbinned values and holds for
        bins too, because the distance at the edges never exceeds the distance over all values.

        Args:
            window: Name of a window.
            variables: Number of the model's variables.
        """
        half = self.share(window, variables) / 2
        return kolmogorov.quantile(half) * math.sqrt(self.design_effect)

    def including(self, window: str) -> Policy:
        """Return this policy if it has the window, and otherwise one for that window alone.

        Args:
            window: Name of a window of the policy, or a length such as "7d".

        Raises:
            BaselineError: If it is neither.
        """
        if window in self.windows:
            return self
        return replace(self, windows={window: seconds_of(window) / 3600})

    def natural_variation(self, window: str, variable: Variable) -> Variation | None:
        """Return the natural variation between windows of this length, None if it is not known."""
        seconds = self.windows[window] * 3600
        lengths = {seconds_of(name): each for name, each in variable.variation.items()}
        return lengths.get(seconds)

    def allowance(
        self, window: str, variables: int, variable: Variable, *, natural: bool = True
    ) -> Allowance:
        """Return how far a window of live rows may be from training.

        Args:
            window: Name of a window.
            variables: Number of the model's variables.
            variable: Variable at training.
            natural: Whether to allow for the natural variation between windows of this length.
        """
        variation = self.natural_variation(window, variable) if natural else None
        critical = self.critical(window, variables, variable, variation)
        ordered = isinstance(variable, NumericVariable)
        # Where PSI has no critical value, the bins are too thin for K-S as well.
        ks_critical = (
            self.ks_critical(window, variables)
            if ordered and not math.isnan(critical)
            else math.nan
        )
        return Allowance.of(
            self.share(window, variables), critical, ks_critical, variation, self.design_effect
        )

    def judge(
        self,
        psi: float,
        threshold: float,
        rows: int,
        cells: int,
        ks: float = math.nan,
        ks_threshold: float = math.nan,
        *,
        unusual: bool = False,
    ) -> Verdict:
        """Return the verdict on one variable.

        Any statistic can show that a difference is more than chance, but PSI alone decides whether
        it matters.

        Args:
            psi: Population stability index.
            threshold: Critical value of PSI, scaled by (1/n + 1/m); NaN if there is none.
            rows: Live rows with a value.
            cells: Number of cells.
            ks: Kolmogorov-Smirnov distance; NaN for categories.
            ks_threshold: Critical value of K-S, scaled by sqrt(1/n + 1/m); NaN for categories.
            unusual: Whether a score along a direction of natural variation exceeds its critical
                value.
        """
        if math.isnan(threshold) or cells < 2 or rows < self.min_rows_a_cell * cells:
            return "insufficient"
        # Comparisons with NaN are false, so categories are judged by PSI alone.
        unlikely = unusual or psi > threshold or ks > ks_threshold
        return "drift" if unlikely and psi > self.min_effect else "ok"


def _missed(variable: Variable) -> int:
    """Return an upper bound for the rows whose categories training never saw, after Good (1953).

    Such rows are about as many as the categories that training saw once. Their number is known for
    the kept categories, and two standard errors are added. For a tail, only its rows and number of
    labels are known, and in newer files also how many labels occur once. docs/statistics.md
    explains both estimates.
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
        # A missed label brings as many rows as a similar label of the tail. The rows therefore vary
        # by that factor more than independent ones.
        variance = (variable.tail_once + 1) * (1 + rows / labels)
        bounds.append(once + variable.tail_once + math.sqrt(4 * once + 9 * variance))
    return math.ceil(min(bounds))
