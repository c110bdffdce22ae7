"""Convert features and outputs of any form to rows of the baseline's variables."""

from __future__ import annotations

from typing import Any

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.rows.batch import Batch, TooManyRowsError, batch_of, rows_of
from boxkite.rows.fields import opened
from boxkite.rows.row import (
    Positions,
    Row,
    ShapeError,
    check_names,
    class_row,
    is_flat,
    output_row,
    plain_row,
)
from boxkite.rows.unknown_fields import UnknownFields

__all__ = ["Intake"]


class Intake:
    """Read features and outputs of any form, and report values that do not fit.

    Args:
        baseline: the baseline, whose variables the values belong to.
        reporter: reports values that do not fit.
        max_rows: greatest number of rows in one batch.
        unknown: leaves out fields that the baseline does not have. None keeps them.
    """

    def __init__(
        self,
        baseline: Baseline,
        reporter: ErrorReporter,
        max_rows: int,
        unknown: UnknownFields | None = None,
    ) -> None:
        names = [each.name for each in baseline.features]
        self._unknown = unknown
        self._reporter = reporter
        self._max_rows = max_rows
        self._feature_names = dict.fromkeys(names)
        self._positions = Positions(names)
        self._width = len(names)
        self._output_names = [each.name for each in baseline.outputs]
        self._known_outputs = dict.fromkeys(self._output_names)
        self._classes = baseline.classes

    def features(self, features: Any, view: str) -> Row | None:
        """Return a row of the baseline's features, or report what is wrong and return None."""
        if is_flat(features) and len(features) == self._width:
            return features
        try:
            row: Row = {} if features is None else plain_row(features, self._feature_names)
            check_names(row, self._feature_names)
            row = self._positions.of(row)
            # Most rows have exactly the baseline's names, and are by position now.
            if self._unknown is not None and type(row) is dict:
                row = self._positions.of(self._unknown.left_out(row, self._feature_names))
            return row
        except Exception as error:  # noqa: BLE001 - features are any object of the user's
            self._reporter.report("features", error, view)
            return None

    def output(self, output: Any, view: str) -> Row | None:
        """Return a row of the baseline's outputs, or report what is wrong and return None."""
        try:
            if output is None:
                return {}
            names = self._output_names
            if not names:
                return [opened(output)]
            row = class_row(output, self._classes) if self._classes else output_row(output, names)
            if self._unknown is not None and type(row) is dict:
                row = self._unknown.left_out(row, self._known_outputs)
            return row
        except Exception as error:  # noqa: BLE001 - an output is any object of the user's
            self._reporter.report("output", error, view)
            return None

    def batch(self, features: Any, outputs: Any, view: str) -> Batch | None:
        """Return several rows with their outputs. Return None if it is one row, or unreadable.

        If there are too many rows, that is reported, and the batch is empty.
        """
        try:
            batch = batch_of(
                features, outputs, self._feature_names, self._output_names, self._max_rows
            )
        except TooManyRowsError as problem:
            self._reporter.report("features", problem, view)
            return Batch([], [])
        except ShapeError as problem:
            self._reporter.report("features", problem, view)
            return None
        except Exception:  # noqa: BLE001 - it is then taken as one row, which reports the error
            return None
        if batch is not None and batch.problem is not None:
            self._reporter.report("output", batch.problem, view)
        return batch

    def row_count(self, features: Any) -> int:
        """Return the number of predictions that features stand for: one per row.

        Too many rows are no prediction.
        """
        try:
            rows = rows_of(features, self._feature_names, self._max_rows)
        except TooManyRowsError:
            return 0
        except Exception:  # noqa: BLE001 - features are any object of the user's
            return 1
        return 1 if rows is None else len(rows)
