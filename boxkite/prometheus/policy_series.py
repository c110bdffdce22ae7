"""The series that export a service's policy to the rules."""

from __future__ import annotations

import math
import time
from collections import deque

from boxkite.baseline import Baseline, Variable
from boxkite.baseline.text_writer import Family, format_series
from boxkite.drift import Policy
from boxkite.drift.allowance import Allowance
from boxkite.drift.variable_policy import DEFAULT_FLOORS
from boxkite.prometheus.policy_hash import policy_hash
from boxkite.prometheus.quality_policy_series import quality_policy_families
from boxkite.prometheus.series_labels import part_labels, variable_labels, version_labels

__all__ = ["PolicySeries"]

_SECONDS_A_SCRAPE = 0.5
_DEFAULT = Policy()
_CRITICAL = "boxkite_drift_critical"
_VARIATION = "boxkite_drift_variation"
_HASH = "boxkite_policy_hash"


class PolicySeries:
    """Export the critical values, natural variation, floors and shares of a policy for a baseline.

    All rows and each segment have a part of the policy, so all series exist for each of them.

    Computing the critical value of a categorical variable takes some milliseconds, so a thousand
    such variables would delay the start. So each scrape computes for half a second at most, and
    later scrapes compute the rest. Until then, the rules have no verdict on the remaining
    variables.

    Args:
        baseline: The baseline whose variables are judged.
        policy: The policy of the service.

    Attributes:
        constant: The families that need no computing.
    """

    def __init__(self, baseline: Baseline, policy: Policy) -> None:
        self._baseline = baseline
        self._policy = policy
        labels = baseline.segment_labels
        self._parts = {segment: policy.part(segment, len(labels)) for segment in ("", *labels)}
        variables = baseline.counted_variables
        self._waiting = deque((each, window) for each in variables for window in policy.windows)
        self._criticals: list[tuple[str, float]] = []
        self._variation: list[tuple[str, float]] = []
        self.constant: list[Family] = [
            self._shares(),
            *self._floors(),
            *self._of_version(
                "boxkite_drift_design_effect",
                f"Observed rows per independent row, if not {_DEFAULT.design_effect:g}.",
                policy.design_effect,
                _DEFAULT.design_effect,
            ),
            *self._of_version(
                "boxkite_drift_min_rows_a_cell",
                f"Fewest rows per cell for a verdict, if not {_DEFAULT.min_rows_a_cell:g}.",
                policy.min_rows_a_cell,
                _DEFAULT.min_rows_a_cell,
            ),
            *quality_policy_families(baseline, policy.quality),
            _gauge(
                _HASH,
                "Hash of the whole policy. It is equal in all replicas that have the same policy.",
                [(format_series(_HASH, **version_labels(baseline)), policy_hash(policy))],
            ),
        ]

    def families(self) -> list[Family]:
        """Return the series that have been computed so far."""
        self._compute()
        critical = "Quantile that the rules compare PSI with, after scaling it by the rows."
        variation = (
            "Natural variation of windows: along a direction, of the rest, of K-S, or of a cell."
        )
        return [
            _gauge(_CRITICAL, critical, list(self._criticals)),
            *_unless_empty(_gauge(_VARIATION, variation, list(self._variation))),
            *self.constant,
        ]

    def _compute(self) -> None:
        deadline = time.monotonic() + _SECONDS_A_SCRAPE
        while self._waiting and time.monotonic() < deadline:
            try:
                variable, window = self._waiting.popleft()
            except IndexError:  # another scrape took the last one
                break
            part = self._parts[variable.segment]
            allowance = part.allowance(window, len(self._baseline.variables), variable)
            labels = {**variable_labels(self._baseline, variable), "window": window}
            if not math.isnan(allowance.rest):
                self._criticals.append((format_series(_CRITICAL, **labels), allowance.rest))
            self._variation += [
                (format_series(_VARIATION, **labels, direction=direction), amount)
                for direction, amount in _amounts(allowance)
            ]

    def _shares(self) -> Family:
        name = "boxkite_drift_share"
        values = [
            (
                format_series(name, **part_labels(self._baseline, segment), window=window),
                part.share_of_all(window),
            )
            for segment, part in self._parts.items()
            for window in part.windows
        ]
        documentation = "Probability of a false alarm that all variables share, in one window."
        return _gauge(name, documentation, values)

    def _floors(self) -> list[Family]:
        """Return the floors of PSI, and the other floors where they are not the default."""
        found = [(each, self._policy.floors(each)) for each in self._baseline.counted_variables]

        def family(name: str, documentation: str, values: list[tuple[Variable, float]]) -> Family:
            labelled = [(variable_labels(self._baseline, each), floor) for each, floor in values]
            pairs = [(format_series(name, **labels), floor) for labels, floor in labelled]
            return _gauge(name, documentation, pairs)

        moved = [(each, its.moved) for each, its in found if its.moved != DEFAULT_FLOORS.moved]
        rates = [(each, its.rate) for each, its in found if its.rate != DEFAULT_FLOORS.rate]
        rows = f"Least fraction of rows in a cell that matters, if not {DEFAULT_FLOORS.moved:g}."
        rate = f"Least difference of a rate that matters, if not {DEFAULT_FLOORS.rate:g}."
        return [
            family(
                "boxkite_drift_min_effect",
                "Least PSI that matters; +Inf if the variable raises no alert.",
                [(each, its.effect) for each, its in found],
            ),
            *_unless_empty(family("boxkite_drift_min_moved", rows, moved)),
            *_unless_empty(family("boxkite_drift_min_rate", rate, rates)),
        ]

    def _of_version(
        self, name: str, documentation: str, value: float, default: float
    ) -> list[Family]:
        """Return a family for the whole model and its segments, unless the value is the default."""
        if value == default:
            return []
        labels = [part_labels(self._baseline, segment) for segment in self._parts]
        return [
            _gauge(name, documentation, [(format_series(name, **each), value) for each in labels])
        ]


def _amounts(allowance: Allowance) -> list[tuple[str, float]]:
    """Return the natural variation by the value of the label `direction`."""
    along = [(str(i), amount) for i, amount in enumerate(allowance.natural_scores, 1)]
    others = {
        "rest": allowance.natural_rest,
        "distance": allowance.natural_distance,
        "excess": allowance.natural_excess,
    }
    return along + [(name, amount) for name, amount in others.items() if amount]


def _unless_empty(family: Family) -> list[Family]:
    return [family] if family.series else []


def _gauge(name: str, documentation: str, values: list[tuple[str, float]]) -> Family:
    series, numbers = [each for each, _ in values], [number for _, number in values]
    return Family(name, "gauge", documentation, series, numbers)
