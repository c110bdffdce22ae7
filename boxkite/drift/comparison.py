"""The result of a comparison with a baseline, variable by variable."""

from __future__ import annotations

import itertools
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from boxkite.baseline.tally import Tally
from boxkite.baseline.text_writer import render
from boxkite.baseline.variable import Variable
from boxkite.drift.comparison_series import ComparedRows, JobRun, comparison_families
from boxkite.drift.notebook_tables import SegmentSummary, drift_table, segments_table
from boxkite.drift.variable_drift import VariableDrift
from boxkite.drift.verdict import Severity, Verdict
from boxkite.errors import ConfigError
from boxkite.system.atomic_file import replace_file
from boxkite.system.type_guards import is_tuple

__all__ = ["MANY_DRIFTED", "Comparison"]

_MOST_SHOWN = 100

MANY_DRIFTED = 0.1
"""Drift in this fraction of a model's variables is critical, however small each difference is."""


@dataclass(frozen=True)
class Comparison:
    """Result of `compare` and `Monitor.drift`: one entry per variable, in the model's order.

    Attributes:
        model: Model of the baseline.
        version: Version of the baseline.
        predictions: Number of rows compared, with or without values.
        variables: Statistics and verdict of each variable.
        counts: Each variable at training with its live counts, for pictures.
        segments: Comparison of the rows of each segment, by its label such as "carrier=UA".
    """

    model: str
    version: str
    predictions: int
    variables: tuple[VariableDrift, ...]
    counts: tuple[tuple[Variable, Tally], ...] = field(default=(), repr=False, compare=False)
    segments: Mapping[str, Comparison] = field(default_factory=dict[str, "Comparison"], repr=False)

    @property
    def verdict(self) -> Verdict:
        """`drift` if any variable drifted or has a changed rate, in all rows or in a segment.

        Otherwise `ok` if any is ok, and `insufficient` if there is not enough data for any verdict.
        """
        variables = [*self.variables, *itertools.chain.from_iterable(self.segments.values())]
        if any(each.has_changed for each in variables):
            return "drift"
        return "ok" if any(each.verdict == "ok" for each in variables) else "insufficient"

    @property
    def worst_segments(self) -> tuple[tuple[str, Comparison], ...]:
        """The label and the comparison of each segment: the largest change first."""
        return tuple(sorted(self.segments.items(), key=lambda each: each[1].order))

    def of_segment(self, label: str) -> Comparison:
        """Return the comparison of one segment, or this one if the label is empty.

        Raises:
            ConfigError: if there is no such segment.
        """
        if not label:
            return self
        if label not in self.segments:
            known = ", ".join(map(repr, self.segments)) or "no segments"
            raise ConfigError(
                f"there is no segment {label[:_MOST_SHOWN]!r}; the baseline has {known}"
            )
        return self.segments[label]

    @property
    def order(self) -> tuple[bool, float, float, int]:
        """Key that sorts segments: by the change of their worst variable, then by rows."""
        orders = (each.order for each in self.variables)
        unchanged, size, unlikely = min(orders, default=(True, 0.0, 0.0))
        return unchanged, size, unlikely, -self.predictions

    @property
    def summary(self) -> str:
        """Number of variables by verdict: "3 drift, 2 changed rates, 4 ok, 1 not enough data"."""
        found = Counter(each.status for each in self.variables)
        rates = found["changed rate"]
        parts = {
            "drift": found["drift"],
            "changed rate" if rates == 1 else "changed rates": rates,
            "ok": found["ok"],
            "not enough data": found["insufficient"],
        }
        texts = [f"{number} {name}" for name, number in parts.items() if number]
        changed = sum(each.verdict == "drift" for each in self.segments.values())
        if changed:
            texts.append(f"changes in {changed} of {len(self.segments)} segments")
        return ", ".join(texts)

    @property
    def drifted(self) -> tuple[VariableDrift, ...]:
        """Variables that drifted, the largest difference first."""
        return tuple(each for each in self.by_size if each.verdict == "drift")

    @property
    def by_size(self) -> tuple[VariableDrift, ...]:
        """All variables: changed ones first, then by size, then by how unlikely chance is."""
        return tuple(sorted(self.variables, key=lambda each: each.order))

    @property
    def worst(self) -> VariableDrift | None:
        """The variable with the largest change; None if no variable changed."""
        return next((each for each in self.by_size if each.has_changed), None)

    @property
    def has_rows(self) -> bool:
        """Whether there are rows, live or at training.

        A baseline also has segments for rarer and for missing values, which may never occur.
        """
        return bool(self.predictions) or any(variable.rows for variable, _ in self.counts)

    @property
    def severity(self) -> Severity:
        """`critical` if any change is, or if at least two and a tenth of the variables drift.

        Otherwise `warning`; empty without a change. A change in a segment is at most a `warning` if
        the same variable changed in all rows.
        """
        severities = {each.severity for each in self.variables}
        if self._many_drifted:
            return "critical"
        for segment in self.segments.values():
            for each in segment:
                severities.update(self._severities_in(segment, each).values())
        return (
            "critical" if "critical" in severities else "warning" if "warning" in severities else ""
        )

    @property
    def _many_drifted(self) -> bool:
        drifted = len(self.drifted)
        return drifted > 1 and drifted >= MANY_DRIFTED * len(self.variables)

    def _severities(self, variable: VariableDrift) -> dict[str, Severity]:
        """Return the severity of each change of a variable, as the rules for services have it."""
        found = variable.severities
        if self._many_drifted and "drift" in found:
            found["drift"] = "critical"
        return found

    def _severities_in(
        self, segment: Comparison, variable: VariableDrift
    ) -> Mapping[str, Severity]:
        """Return the severity of each change of a variable in a segment."""
        found = segment._severities(variable)
        changed = {(each.role, each.name) for each in self.variables if each.has_changed}
        if (variable.role, variable.name) in changed:
            return dict.fromkeys(found, "warning")
        return found

    def __iter__(self) -> Iterator[VariableDrift]:
        return iter(self.variables)

    def as_dict(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold, with None in place of NaN and infinity."""
        return {
            "model": self.model,
            "version": self.version,
            "predictions": self.predictions,
            "variables": [
                {key: _finite(value) for key, value in _fields(each).items()}
                for each in self.variables
            ],
            "summary": self.summary,
            "severity": self.severity,
            "verdict": self.verdict,
        } | (
            {"segments": {name: each.as_dict() for name, each in self.worst_segments}}
            if self.segments
            else {}
        )

    def metrics_text(
        self,
        *,
        every: timedelta = timedelta(days=1),
        period_end: datetime | None = None,
        ran_at: datetime | None = None,
    ) -> str:
        """Return the series that a job writes, in the Prometheus text format.

        Args:
            every: time between two runs of the job. An alert fires if a run is late.
            period_end: end of the period that the rows come from, if known.
            ran_at: time of the comparison, by default now.
        """
        run = JobRun.now(every, period_end, ran_at)
        labels = {"model_name": self.model, "model_version": self.version}
        whole = [(each, self._severities(each)) for each in self.variables]
        parts = [ComparedRows(labels, self.predictions, whole)]
        for name, segment in self.segments.items():
            variables = [(each, self._severities_in(segment, each)) for each in segment]
            parts.append(ComparedRows({**labels, "segment": name}, segment.predictions, variables))
        return render(comparison_families(labels, self.verdict, parts, run))

    def write_metrics(
        self,
        path: str | os.PathLike[str],
        *,
        every: timedelta = timedelta(days=1),
        period_end: datetime | None = None,
    ) -> None:
        """Write the verdict as metrics, for the textfile collector or a Pushgateway.

        The rules of `boxkite rules` alert on them. Readers see the old file or the whole new one.

        Args:
            path: path of the file, which must end in `.prom` for the textfile collector.
            every: time between two runs of the job. An alert fires if a run is late.
            period_end: end of the period that the rows come from, if known.

        Raises:
            OSError: if the folder is missing or not writable. An old file stays as it was.
        """
        replace_file(path, self.metrics_text(every=every, period_end=period_end).encode())

    def _repr_html_(self) -> str:
        """Return tables for notebooks: the variables and the segments, the largest change first."""
        summary = self.summary or "no variables"
        severity = f"{self.severity}: " if self.severity else ""
        title = f"{severity}{summary}. Model {self.model}, {self.predictions:,} rows"
        pairs = itertools.zip_longest(self.variables, self.counts)
        segments = [
            SegmentSummary(label, each.verdict, each.severity, each.worst, each.predictions)
            for label, each in self.worst_segments
            if each.has_rows
        ]
        return drift_table(title, pairs) + segments_table(segments)


def _fields(drift: VariableDrift) -> dict[str, Any]:
    derived = ("status", "size", "severity", "above", "rate_changes", "below_floor")
    return asdict(drift) | {name: getattr(drift, name) for name in derived}


def _finite(value: Any) -> Any:
    if is_tuple(value):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
