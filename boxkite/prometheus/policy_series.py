"""The policy of a service as series, which the rules judge by."""

from __future__ import annotations

import math
import time
from collections import deque

from boxkite.baseline import Baseline
from boxkite.baseline.text_writer import Family, format_series
from boxkite.drift import Policy
from boxkite.prometheus.series_labels import variable_labels, version_labels

__all__ = ["PolicySeries"]

_SECONDS_A_SCRAPE = 0.5
_CRITICAL = "boxkite_drift_critical"


class PolicySeries:
    """Critical values, floors and shares of the false alarms that a policy gives a baseline.

    A critical value of categories takes some milliseconds, and a thousand of them would hold up
    the start. So each scrape computes for half a second at most, and the remaining series come
    with a later scrape. Until then the rules have no verdict on these variables.

    Args:
        baseline: Its variables are judged.
        policy: The policy of the service.
    """

    def __init__(self, baseline: Baseline, policy: Policy) -> None:
        self._baseline = baseline
        self._policy = policy
        self._waiting = deque((each, w) for each in baseline.variables for w in policy.windows)
        self._known: list[tuple[str, float]] = []
        self._constant = [self._shares(), self._floors(), *self._design_effect()]

    def families(self) -> list[Family]:
        """Return the series that are known by now."""
        return [self._critical(), *self._constant]

    def _critical(self) -> Family:
        self._compute()
        known = list(self._known)
        documentation = "Quantile that the rules compare PSI with, after scaling it by the rows."
        return _gauge(_CRITICAL, documentation, known)

    def _compute(self) -> None:
        number = len(self._baseline.variables)
        deadline = time.monotonic() + _SECONDS_A_SCRAPE
        while self._waiting and time.monotonic() < deadline:
            try:
                variable, window = self._waiting.popleft()
            except IndexError:  # another scrape took the last one
                break
            critical = self._policy.critical(window, number, variable)
            if not math.isnan(critical):
                labels = variable_labels(self._baseline, variable)
                self._known.append((format_series(_CRITICAL, **labels, window=window), critical))

    def _shares(self) -> Family:
        name = "boxkite_drift_share"
        labels = version_labels(self._baseline)
        values = [
            (format_series(name, **labels, window=window), self._policy.share_of_all(window))
            for window in self._policy.windows
        ]
        documentation = "Probability of a false alarm that all variables share, in one window."
        return _gauge(name, documentation, values)

    def _floors(self) -> Family:
        name = "boxkite_drift_min_effect"
        values = [
            (format_series(name, **variable_labels(self._baseline, each)), self._policy.min_effect)
            for each in self._baseline.variables
        ]
        return _gauge(name, "Least PSI that is drift.", values)

    def _design_effect(self) -> list[Family]:
        """Return a family if rows depend on each other; without it the rules assume 1."""
        if self._policy.design_effect == 1.0:
            return []
        name = "boxkite_drift_design_effect"
        series = format_series(name, **version_labels(self._baseline))
        return [
            _gauge(
                name, "Observed rows per independent row.", [(series, self._policy.design_effect)]
            )
        ]


def _gauge(name: str, documentation: str, values: list[tuple[str, float]]) -> Family:
    series, numbers = [each for each, _ in values], [number for _, number in values]
    return Family(name, "gauge", documentation, series, numbers)
