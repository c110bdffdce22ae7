"""Read the values of segment columns that a service passes with its predictions."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.rows.fields import SINGLE, opened
from boxkite.rows.row import ShapeError

__all__ = ["SegmentValues"]


class SegmentValues:
    """Read the values of a baseline's segment columns, and report what is wrong with them.

    If the baseline has no segments, the values are ignored, because a service may be deployed
    before its new baseline.

    Args:
        baseline: the baseline.
        reporter: reports values that do not fit.
    """

    def __init__(self, baseline: Baseline, reporter: ErrorReporter) -> None:
        self._names = [each.name for each in baseline.segments]
        self._passed = [each.name for each in baseline.segments if not each.is_feature]
        self._reporter = reporter

    def of(self, segments: Any, rows: int, view: str) -> Sequence[dict[str, Any] | None]:
        """Return the values of each row by name; None for a row without any.

        Args:
            segments: values by name, each for all rows or a list with one for each row; or a list
                with values by name for each row; or the values of the only column that is no
                feature.
            rows: number of rows.
            view: source of the predictions for error messages.
        """
        if segments is None or not self._names:
            return [None] * rows
        try:
            return self._rows(segments, rows)
        except Exception as error:  # noqa: BLE001 - segments are any object of the user's
            self._reporter.report("features", error, view)
            return [None] * rows

    def _rows(self, segments: Any, rows: int) -> Sequence[dict[str, Any] | None]:
        each = _listed(segments)
        if each and len(each) == rows and all(map(_is_named, each)):
            return [self._named(opened(one)) for one in each]
        if _is_named(segments):
            named = self._named(opened(segments))
        elif len(self._passed) == 1:
            named = {self._passed[0]: segments}
        else:
            raise ShapeError(
                "segments= needs values by name, because the baseline has the segment columns "
                f"{', '.join(map(repr, self._names))}"
            )
        columns = {name: _column(name, value, rows) for name, value in named.items()}
        return [{name: column[row] for name, column in columns.items()} for row in range(rows)]

    def _named(self, segments: Mapping[Any, Any]) -> dict[str, Any]:
        """Return values by name.

        Raises:
            LookupError: if the baseline does not have one of the names.
        """
        named = {str(name): value for name, value in segments.items()}
        for name in named:
            if name not in self._names:
                (nearest,) = difflib.get_close_matches(name, self._names, n=1, cutoff=0.0)
                raise LookupError(
                    f"segments= names {name[:100]!r}, which is no segment column of the baseline; "
                    f"did you mean {nearest!r}?"
                )
        return named


def _is_named(value: Any) -> bool:
    return type(value) not in SINGLE and isinstance(opened(value), Mapping)


def _listed(value: Any) -> Sequence[Any] | None:
    """Return the values of a list, 1-D array or series; None for a single value."""
    if type(value) in SINGLE:
        return None
    if isinstance(value, list | tuple):
        return value
    if len(getattr(value, "shape", ())) == 1:
        return list(np.asarray(value).tolist())
    return None


def _column(name: str, value: Any, rows: int) -> Sequence[Any]:
    """Return one value for each row.

    Raises:
        ShapeError: if a list has another number of values.
    """
    listed = _listed(value)
    if listed is None:
        return [value] * rows
    if len(listed) != rows:
        raise ShapeError(
            f"segments= has {len(listed)} values of {name!r}, but there are {rows} rows"
        )
    return listed
