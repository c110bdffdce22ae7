"""Join the predictions of a log with a table of labels.

Memory holds the labels and one chunk of the log, so it does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

from boxkite.baseline import Baseline, SegmentColumn
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.cli.labels import Labels
from boxkite.cli.log_counting import logged_output, unredacted
from boxkite.cli.outcome_join import Joined, LabelledRows, PairCounter
from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.reader.log_reader import LogReader
from boxkite.system.type_guards import is_dict, is_list

__all__ = ["join_log", "no_predictions"]

_ROWS = 10_000
_PLAIN = frozenset({str, int, float, bool})


def join_log(
    baseline: Baseline,
    log: LogReader,
    labels: Labels,
    cells: OutcomeCells,
    columns: Sequence[SegmentColumn],
) -> Joined:
    """Join a log with labels.

    Only predictions with the baseline's model and version are paired, because another model has
    another quality.

    Args:
        baseline: Baseline of the model.
        log: Predictions.
        labels: Outcomes by entity id.
        cells: Cells to count.
        columns: Columns of the baseline whose segments are counted too.

    Raises:
        OSError: If the log cannot be read.
    """
    rows = _LoggedRows(baseline, labels, columns)
    counter = PairCounter(cells, [label for each in columns for label in each.labels])
    others = foreign = 0
    for chunk in log.chunks(_ROWS):
        ours = [each for each in chunk if _made_with(baseline, each)]
        counter.add(rows.of(ours))
        if len(ours) < len(chunk):
            theirs = [each for each in chunk if not _made_with(baseline, each)]
            others += len(theirs)
            foreign += sum(each.entity_id in labels.outcomes for each in theirs)
    return counter.joined(others=others, foreign=foreign, labels=len(labels.outcomes))


def no_predictions(baseline: Baseline, url: object, joined: Joined) -> str:
    """Return the message that a log has no predictions of the baseline's model and version."""
    message = f"{url} has no predictions of model {baseline.model!r}, version {baseline.version!r}"
    if joined.others:
        return f"{message}, but {joined.others:,} of other models or versions. Pass their baseline"
    return f"{message}. Check --endpoint, --since and --until"


def _made_with(baseline: Baseline, logged: LoggedPrediction) -> bool:
    return (logged.model, logged.version) == (baseline.model, baseline.version)


class _LoggedRows:
    """Reads predictions of a log as columns."""

    def __init__(
        self, baseline: Baseline, labels: Labels, columns: Sequence[SegmentColumn]
    ) -> None:
        self._features = [each.name for each in baseline.features]
        self._outputs = [each.name for each in baseline.outputs]
        self._labels = labels.outcomes
        self._columns = [(each, each.labels) for each in columns]

    def of(self, logged: Sequence[LoggedPrediction]) -> LabelledRows:
        """Return predictions of one model and version."""
        rows = [self._values(each) for each in logged]
        outputs = [list(each) for each in zip(*rows, strict=True)] or [[] for _ in self._outputs]
        segments: dict[str, list[int]] = {}
        days: dict[date, list[int]] = {}
        for i, each in enumerate(logged):
            days.setdefault(each.created_at.astimezone(UTC).date(), []).append(i)
            for column, names in self._columns:
                segments.setdefault(names[self._place_of(column, each)], []).append(i)
        labels = [self._labels.get(each.entity_id) for each in logged]
        return LabelledRows(outputs, labels, segments, days)

    def _values(self, logged: LoggedPrediction) -> list[Any]:
        """Return the value of each output; None for one that is no plain value."""
        row = logged_output(logged, self._outputs)
        if isinstance(row, dict):
            row = [row.get(name) for name in self._outputs]
        values: list[Any] = [None] * len(self._outputs) if row is None else row
        return [each if type(each) in _PLAIN else None for each in values]

    def _place_of(self, column: SegmentColumn, logged: LoggedPrediction) -> int:
        """Return the place of a prediction's segment in its column."""
        values = unredacted(logged.segments)
        value = values.get(column.name) if is_dict(values) else None
        if value is None and column.is_feature:
            features = unredacted(logged.features)
            if is_dict(features):
                value = features.get(column.name)
            elif is_list(features):
                value = dict(zip(self._features, features, strict=False)).get(column.name)
        try:
            return column.place_of(value)
        except ValueError:
            return len(column.values) - 1  # counts as missing, as in the service
