"""The critical values of a baseline's variables as series, computed while scrapes come."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from boxkite.baseline import Baseline, Variable
from boxkite.baseline.text_writer import Family
from boxkite.drift import Policy

__all__ = ["CriticalValues"]

_SECONDS_A_SCRAPE = 0.5
_NAME = "boxkite_drift_critical"


class CriticalValues:
    """What a variable of categories asks for some milliseconds; a thousand would hold a start up.

    So each scrape computes for half a second at most, and the series of the others come with a
    later one. Without them the rules have no verdict yet.

    Args:
        baseline: whose variables are judged.
        policy: that judges.
        series: names the series of a variable and a window.
    """

    def __init__(
        self, baseline: Baseline, policy: Policy, series: Callable[[str, Variable, str], str]
    ) -> None:
        self._policy = policy
        self._number = len(baseline.variables)
        self._series = series
        self._waiting = deque((each, w) for each in baseline.variables for w in policy.windows)
        self._known: list[tuple[str, float]] = []

    def family(self) -> Family:
        """Return the series that are known by now."""
        deadline = time.monotonic() + _SECONDS_A_SCRAPE
        while self._waiting and time.monotonic() < deadline:
            try:
                variable, window = self._waiting.popleft()
            except IndexError:  # another scrape took the last one
                break
            critical = self._policy.critical(window, self._number, variable)
            if not math.isnan(critical):
                self._known.append((self._series(_NAME, variable, window), critical))
        known = list(self._known)
        documentation = "What PSI must exceed, before it is scaled by the rows, to be no chance."
        return Family(_NAME, "gauge", documentation, [s for s, _ in known], [q for _, q in known])
