"""The policy of a service: how many false alarms to allow, and which differences matter.

Chance: without drift, PSI is distributed as (1/n + 1/m) times chi-square with B - 1 degrees of
freedom, for n training rows and m live rows in B cells (Yurdakul 2018). Cells with few rows need
the correction of `boxkite.drift.null_distribution`. The critical value is a quantile of that
distribution at the variable's share of the allowed false alarms.

Size: `boxkite.drift.variable_policy` decides which differences are large enough to matter.

PSI ignores the order of bins, so it is slow to notice a small shift of a whole distribution. K-S
finds such shifts best. A number therefore drifts if either statistic exceeds its threshold, each at
half of the variable's share (union bound).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.time_windows import seconds_of
from boxkite.baseline.unseen_rows import MOST_UNSEEN
from boxkite.baseline.variable import Variable
from boxkite.drift import kolmogorov
from boxkite.drift.allowance import Allowance
from boxkite.drift.null_distribution import critical_value
from boxkite.drift.shares import Shares
from boxkite.drift.variable_policy import (
    DEFAULT_FLOORS,
    FLOOR_RANGES,
    NO_ALERT,
    Floors,
    VariablePolicy,
)
from boxkite.errors import ConfigError
from boxkite.number_range import ABOVE_0, NOT_NEGATIVE, check_windows
from boxkite.quality import QualityPolicy
from boxkite.quality.quality_policy import parts_of_false_alarms
from boxkite.variation import MIN_ROWS_A_CELL, Variation

__all__ = ["MOST_SHARE", "Policy"]

MOST_SHARE = 0.5
"""Greatest share of one variable, however many false alarms are allowed."""

_HOURS_A_MONTH = 720

# Alarms that start per window length, divided by the chance that one evaluation is above the
# critical value. Consecutive evaluations overlap, so the ratio exceeds 1. It stays below 2.5 at any
# traffic, because an alert waits (`for`) until a statistic has been above its critical value for a
# tenth of the window. docs/explained/statistics.md derives the number.
_ALARMS_A_WINDOW = 2.5


_AS_THE_POLICY = VariablePolicy()

_INDEPENDENT_ROWS = replace(NOT_NEGATIVE, description="at least 1 and finite", least=1.0)


@dataclass(frozen=True)
class Policy:
    """How many false alarms to allow, and how large a difference must be to matter.

    The verdict is `drift` if chance and natural variation do not explain the difference, and if PSI
    exceeds `min_effect` or at least `min_moved` of all rows moved into or out of one cell.

    Attributes:
        false_alarms_per_month: Expected number of drift alerts that start in 30 days for one
            model without drift, over all its variables and windows.
        min_effect: Smallest PSI that matters, in nats.
        min_moved: Smallest fraction of rows that matters if it moves into or out of one cell.
        min_rate: Smallest difference of a rate (missing, invalid, unseen, outside) that matters.
        min_rows_a_cell: Fewest rows per cell, on average and on both sides, for a verdict. K-S
            judges any number of rows.
        windows: Length of each window in hours, by name.
        design_effect: Observed rows per independent row, at least 1. Raise it if requests come in
            bursts; `estimate_design_effect` estimates it.
        variables: Floors of single variables, by name. None raises no alert for the variable.
        quality: When the quality of the model counts as worse than at training. It has false alarms
            and windows of its own.

    Raises:
        ConfigError: If a value is out of range. The message names it.
    """

    false_alarms_per_month: float = 1.0
    min_effect: float = DEFAULT_FLOORS.effect
    min_moved: float = DEFAULT_FLOORS.moved
    min_rate: float = DEFAULT_FLOORS.rate
    min_rows_a_cell: float = MIN_ROWS_A_CELL
    windows: Mapping[str, float] = field(default_factory=lambda: {"1h": 1.0, "1d": 24.0})
    design_effect: float = 1.0
    variables: Mapping[str, VariablePolicy | None] = field(
        default_factory=dict[str, VariablePolicy | None]
    )
    quality: QualityPolicy = field(default_factory=QualityPolicy)

    def __post_init__(self) -> None:
        ABOVE_0.check("`false_alarms_per_month`", self.false_alarms_per_month)
        for name, allowed in FLOOR_RANGES.items():
            allowed.check(f"`{name}`", getattr(self, name))
        ABOVE_0.check("`min_rows_a_cell`", self.min_rows_a_cell)
        check_windows(self.windows)
        if not self.windows:
            raise ConfigError("`windows` must name at least one window, such as {'1h': 1.0}")
        _INDEPENDENT_ROWS.check("`design_effect`", self.design_effect)
        for name, each in self.variables.items():
            if not isinstance(each, VariablePolicy | None):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigError(
                    f"`variables` gives {name!r} the policy {each!r}. Pass a VariablePolicy, such "
                    f"as VariablePolicy(min_effect=0.2), or None for no alert"
                )

    def check_names(self, variables: Iterable[Variable]) -> None:
        """Check that the baseline has every variable that the policy names.

        Args:
            variables: Variables of the baseline.

        Raises:
            ConfigError: If the baseline lacks one. The message suggests the nearest name.
        """
        names = list(dict.fromkeys(each.name for each in variables))
        for name in self.variables:
            if name not in names:
                nearest = difflib.get_close_matches(name, names, n=1, cutoff=0)
                hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
                raise ConfigError(
                    f"the policy names the variable {name!r}, which the baseline does not have."
                    f"{hint}"
                )

    def part(self, segment: str, segments: int) -> Policy:
        """Return the policy for all rows of a model, or for those of one of its segments.

        Args:
            segment: Label of the segment; empty for all rows.
            segments: Number of the model's segments.
        """
        if not segments:
            return self  # keeps the critical values that are already computed
        parts = parts_of_false_alarms(segments, whole=not segment)
        return replace(self, false_alarms_per_month=self.false_alarms_per_month / parts)

    def floors(self, variable: Variable) -> Floors:
        """Return the smallest differences of a variable that matter."""
        own = self.variables.get(variable.name, _AS_THE_POLICY)
        if own is None:
            return NO_ALERT
        return Floors(
            self.min_effect if own.min_effect is None else own.min_effect,
            self.min_moved if own.min_moved is None else own.min_moved,
            self.min_rate if own.min_rate is None else own.min_rate,
        )

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
        """Return the critical value of PSI / (k/n + k/m), as `boxkite_drift_critical` exports it.

        k is the design effect. Numbers and ordered categories give half of their share to PSI and
        half to K-S. Unordered categories give all of it to PSI. If natural variation is known,
        `Shares` divides PSI's part.

        Args:
            window: Name of a window.
            variables: Number of the model's variables.
            variable: Variable at training.
            variation: Natural variation to allow for; None if there is none.

        Returns:
            The critical value; NaN if PSI cannot judge the variable (`too_few_at_training`).
        """
        if self.too_few_at_training(variable):
            return math.nan
        shares = Shares.of(
            self.share(window, variables),
            ordered=variable.is_ordered,
            directions=len(variation.along) if variation else None,
        )
        return critical_value(
            tuple((variable.counts / self.design_effect).tolist()),
            shares.rest,
            least_rows=self.min_rows_a_cell * len(variable.counts) / self.design_effect,
            floor=self.floors(variable).least_psi,
            unseen=_unseen(variable) / self.design_effect,
        )

    def too_few_at_training(self, variable: Variable) -> str:
        """Return why the training rows do not suffice for PSI; empty if they do."""
        cells, rows = len(variable.counts), int(variable.counts.sum())
        if not rows:
            return "no value at training"
        if cells < 2:
            return "one value at training"
        needed = math.ceil(self.min_rows_a_cell * cells)
        if rows < needed:
            return f"{rows:,} training rows, {needed:,} needed"
        if _unseen(variable) > MOST_UNSEEN * rows:
            return "too many rare categories"
        return ""

    def ks_critical(self, window: str, variables: int) -> float:
        """Return the critical value of K-S / sqrt(k/n + k/m), at half of a variable's share.

        It is the same for all numbers and ordered categories, and holds for any number of rows. It
        is derived for unbinned values. It also holds for bins, because the distance at the edges
        never exceeds the distance over all values.

        Args:
            window: Name of a window.
            variables: Number of the model's variables.
        """
        return kolmogorov.quantile(self.share(window, variables) / 2)

    def including(self, window: str) -> Policy:
        """Return this policy if it has the window, and otherwise one for that window alone.

        Args:
            window: Name of a window of the policy, or a length such as "7d".

        Raises:
            BaselineError: If `window` is neither.
        """
        if window in self.windows:
            return self
        return replace(self, windows={window: seconds_of(window) / 3600})

    def window_within(self, hours: float) -> str:
        """Return the longest window of at most `hours`, or the shortest if all are longer."""
        names = sorted(self.windows, key=lambda name: self.windows[name])
        fitting = [name for name in names if self.windows[name] <= hours]
        return fitting[-1] if fitting else names[0]

    def alerts_on_drift(self, window: str, variable: Variable) -> bool:
        """Return whether drift in a window is worth an alert.

        In a short window, mornings look like drift. So drift in it counts only if the baseline
        knows how windows of that length vary. Drift in the longest window always counts. This does
        not apply to rates.

        Args:
            window: Name of a window of the policy.
            variable: Variable at training.
        """
        longest = max(self.windows.values())
        return (
            self.windows[window] == longest or self.natural_variation(window, variable) is not None
        )

    def natural_variation(self, window: str, variable: Variable) -> Variation | None:
        """Return the natural variation between windows of this length; None if it is not known."""
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
        return Allowance.of(
            self.share(window, variables),
            self.critical(window, variables, variable, variation),
            self.ks_critical(window, variables) if variable.is_ordered else math.nan,
            variation,
        )


def _unseen(variable: Variable) -> int:
    return variable.unseen_bound if isinstance(variable, CategoryVariable) else 0
