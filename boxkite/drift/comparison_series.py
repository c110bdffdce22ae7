"""The series that a job writes about a comparison, for the textfile collector or a Pushgateway.

A finished job has no counters to scrape, so it writes its verdict as gauges. The samples have no
timestamps, because both programs refuse them. The times are gauges themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias, get_args

from boxkite.baseline.text_writer import Family, format_series
from boxkite.drift.variable_drift import VariableDrift
from boxkite.drift.verdict import Severity, Verdict

__all__ = ["PREFIX", "ComparedRows", "JobRun", "comparison_families"]

PREFIX = "boxkite_compare"

Labels: TypeAlias = Mapping[str, str]
Samples: TypeAlias = list[tuple[Labels, float]]

_RATES = ("missing", "invalid", "unseen", "outside")
_SEVERITIES: dict[Severity, int] = {"": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True)
class JobRun:
    """When a job compared which rows.

    Attributes:
        ran_at: time of the comparison, in seconds since 1970.
        interval: seconds until the next run. An alert fires if it is late.
        period_end: end of the period that the rows come from, in seconds since 1970; None if
            unknown.
    """

    ran_at: float
    interval: float
    period_end: float | None = None

    @classmethod
    def now(
        cls, every: timedelta, period_end: datetime | None = None, ran_at: datetime | None = None
    ) -> JobRun:
        """Return a run that happens now, or at `ran_at`."""
        return cls(
            (ran_at or datetime.now(UTC)).timestamp(),
            every.total_seconds(),
            None if period_end is None else period_end.timestamp(),
        )


class ComparedRows(NamedTuple):
    """The comparison of all rows, or of those of one segment.

    Attributes:
        labels: labels of the series.
        rows: number of rows compared.
        variables: result of each variable, and the severity of each of its changes.
    """

    labels: Labels
    rows: int
    variables: Sequence[tuple[VariableDrift, Mapping[str, Severity]]]


def comparison_families(
    labels: Labels, verdict: Verdict, parts: Sequence[ComparedRows], run: JobRun
) -> list[Family]:
    """Return the series of a comparison.

    Args:
        labels: labels of the model and the version.
        verdict: verdict on all variables, in all rows and in each segment.
        parts: the comparison of all rows, then that of each segment.
        run: when the job ran.
    """
    found = [
        ({**part.labels, "variable_role": each.role, "variable": each.name}, each, severities)
        for part in parts
        for each, severities in part.variables
    ]
    pairs = [(its, each) for its, each, _ in found]
    end = [] if run.period_end is None else [(labels, run.period_end)]
    families = [
        _gauge("timestamp_seconds", "When the comparison ran.", [(labels, run.ran_at)]),
        _gauge("interval_seconds", "Time between two runs.", [(labels, run.interval)]),
        _gauge("period_end_seconds", "End of the period of the rows.", end),
        _gauge("rows", "Rows compared.", [(part.labels, part.rows) for part in parts]),
        _gauge("model_verdict", "1 for the verdict on the model.", _states(labels, verdict)),
        _gauge(
            "verdict",
            "1 for the verdict on a variable.",
            [sample for its, each in pairs for sample in _states(its, each.verdict)],
        ),
        _gauge(
            "severity",
            "0 for no change, 1 for warning, 2 for critical.",
            [sample for its, _, severities in found for sample in _severities(its, severities)],
        ),
        _gauge(
            "variable_rows", "Rows with a valid value.", [(its, each.rows) for its, each in pairs]
        ),
        _gauge(
            "statistic",
            "Distances from training, and rates minus the rates at training.",
            [sample for its, each in pairs for sample in _statistics(its, each)],
        ),
        _gauge(
            "critical",
            "Threshold that chance rarely exceeds.",
            [sample for its, each in pairs for sample in _criticals(its, each)],
        ),
        _gauge(
            "moved",
            "Fraction of rows that moved into or out of the cell that changed most.",
            [
                ({**its, "moved_cell": each.moved_cell}, each.moved_rows)
                for its, each in pairs
                if each.moved_cell
            ],
        ),
    ]
    return [each for each in families if each.series]


def _states(labels: Labels, verdict: Verdict) -> Samples:
    """Return a sample for each possible verdict, so that a query sees when it changes."""
    return [({**labels, "verdict": each}, int(each == verdict)) for each in get_args(Verdict)]


def _severities(labels: Labels, severities: Mapping[str, Severity]) -> Samples:
    """Return a sample for each kind of change, so that one that ends is seen to end."""
    return [
        ({**labels, "change": each}, _SEVERITIES[severities.get(each, "")])
        for each in ("drift", *_RATES)
    ]


def _statistics(labels: Labels, drift: VariableDrift) -> Samples:
    values = {"psi": drift.psi, "kl": drift.kl, "js": drift.js, "ks": drift.ks}
    values |= {rate: getattr(drift, f"{rate}_difference") for rate in _RATES}
    return _known(labels, values)


def _criticals(labels: Labels, drift: VariableDrift) -> Samples:
    return _known(labels, {"psi": drift.critical, "ks": drift.ks_critical})


def _known(labels: Labels, values: Mapping[str, float]) -> Samples:
    return [
        ({**labels, "statistic": name}, value)
        for name, value in values.items()
        if not math.isnan(value)
    ]


def _gauge(name: str, documentation: str, samples: Samples) -> Family:
    full = f"{PREFIX}_{name}"
    series = [format_series(full, **labels) for labels, _ in samples]
    return Family(full, "gauge", documentation, series, [value for _, value in samples])
