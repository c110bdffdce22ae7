"""The product's verdict on one variable, as the rules reach it: drift or a changed rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from boxkite import Baseline
from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import Variable
from boxkite.drift import Policy
from boxkite.drift.allowance import Allowance, measure
from boxkite.drift.rates import measure_rates, rate_critical
from boxkite.drift.verdict import judge
from boxkite.variation import Variation

__all__ = ["PENDING", "Judge", "first_alarm", "total", "without_time"]

PENDING = {"1h": 1, "1d": 3}
"""Evaluations, an hour apart, that must be above in a row: an alert waits a tenth of its window."""


def without_time(baseline: Baseline) -> Baseline:
    """Return the baseline as `fit` returns it without `time=`."""
    variables = tuple(replace(each, variation={}) for each in baseline.variables)
    return replace(baseline, variables=variables)


def total(tallies: Sequence[Tally]) -> Tally:
    """Return the counts of several windows together."""
    return Tally(
        np.sum([each.cells for each in tallies], axis=0),
        missing=sum(each.missing for each in tallies),
        invalid=sum(each.invalid for each in tallies),
        outside=sum(each.outside for each in tallies),
    )


@dataclass
class Judge:
    """Judges windows of one variable. Whatever does not depend on the window is computed once.

    Attributes:
        variable: Variable at training.
        variables: Number of the model's variables.
        window: Window of the policy.
        policy: False alarms to allow, and what matters.
    """

    variable: Variable
    variables: int
    window: str
    policy: Policy = field(default_factory=Policy)
    _variation: Variation | None = field(init=False)
    _allowance: Allowance = field(init=False)
    _rate_critical: float = field(init=False)

    def __post_init__(self) -> None:
        self._variation = self.policy.natural_variation(self.window, self.variable)
        self._allowance = self.policy.allowance(self.window, self.variables, self.variable)
        self._rate_critical = rate_critical(self.policy, self.variables)

    def drifted(self, live: Tally) -> bool:
        """Return whether the verdict is drift."""
        if not live.rows:
            return False
        found = measure(
            live.cells,
            self.variable.counts,
            self._variation,
            ordered=self.variable.is_ordered,
            design_effect=self.policy.design_effect,
        )
        return judge(self.variable, found, self._allowance, self.policy).verdict == "drift"

    def rate_changed(self, live: Tally) -> bool:
        """Return whether the rate of missing, invalid, unseen or outside rows changed."""
        floor = self.policy.floors(self.variable).rate
        rates = measure_rates(self.variable, live)
        return any(each.changed(self._rate_critical, floor) for each in rates)

    def alerts(self, live: Tally) -> bool:
        """Return whether the rules raise an alert.

        Without natural variation, only the longest window raises alerts on drift.
        """
        if self.rate_changed(live):
            return True
        return self.policy.alerts_on_drift(self.window, self.variable) and self.drifted(live)


def first_alarm(above: Sequence[bool], pending: int) -> float:
    """Return after how many evaluations an alert fires; infinity if it never does."""
    row = 0
    for number, each in enumerate(above, 1):
        row = row + 1 if each else 0
        if row == pending:
            return number
    return np.inf
