"""Keep the values of named fields out of the journal, and thus out of the log."""

# A value can be any object of the user. After `isinstance`, pyright does not know its type
# parameters. Type guards would tell pyright, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from boxkite.baseline import Baseline, SegmentColumn, Variable
from boxkite.live.field_search import REDACTED, SCALARS, FieldSearch, UnsearchableError
from boxkite.live.fold import mark_of
from boxkite.live.mark import Mark
from boxkite.live.record import plain
from boxkite.live.segment_places import place_mark
from boxkite.rows.row import Row, plain_row
from boxkite.system.type_guards import is_dict

__all__ = ["REDACTED", "Redaction", "shown"]

_logger = logging.getLogger("boxkite")


class Redaction:
    """Replace the values of named fields, in the request, before boxkite writes the record.

    The value of a variable of the baseline still counts, because a `Mark` with the value's cell
    replaces it. The text `[redacted]` replaces any other value. `FieldSearch` decides which values
    belong to a name.

    Args:
        names: names of features, outputs and keys at any depth. Case does not matter.
        baseline: gives the positions of named features and outputs in a row by position.
    """

    def __init__(self, names: Sequence[str], baseline: Baseline) -> None:
        self._features = baseline.features
        self._outputs = baseline.outputs
        self._has_baseline = bool(baseline.variables)
        self._search = FieldSearch(names, [each.name for each in baseline.features])
        self._named = {each.name: self._search.finds(each.name) for each in baseline.variables}
        positions = {each.name: place for place, each in enumerate(baseline.features)}
        self._segments = [
            (each, positions.get(each.name))
            for each in baseline.segments
            if self._search.finds(each.name)
        ]
        self._has_refused = False

    def row(self, features: Row | None) -> Row | None:
        """Return a row of features without the named values.

        If a row by position does not fit the baseline, or there is no baseline, all values are
        replaced, because their names are unknown.
        """
        if isinstance(features, list):
            return self._by_position(features, self._features)
        return self._by_name(features, self._features)

    def output(self, output: Row | None, given: Any = None) -> Row | None:
        """Return a row of outputs without the named values.

        Args:
            output: the row as it would be written.
            given: the output as the service returned it. The row may have lost its names.
        """
        if not isinstance(output, list):
            return self._by_name(output, self._outputs)
        if self._names_lost(given):
            return _replaced(output, self._outputs)
        if self._has_baseline and not self._outputs:
            return [self._nameless(each) for each in output]
        return self._by_position(output, self._outputs)

    def segments(
        self, segments: dict[str, Any] | None, features: Row | None
    ) -> dict[str, Any] | None:
        """Return the values of segment columns, with a mark in place of each named one.

        A redacted feature that is a segment column gets a mark here too, because the mark in the
        row holds the cell of the feature, which does not tell the segment.

        Args:
            segments: the values that the service passed, by name.
            features: the row of features, before its values are replaced.
        """
        if not self._segments:
            return segments
        found = dict(segments or {})
        for column, place in self._segments:
            own = found[column.name] if column.name in found else _feature(features, column, place)
            found[column.name] = place_mark(column, plain([own])[0])
        return found

    def body(self, body: Any) -> Any:
        """Return a request body without the named values. Text and bytes are read as JSON.

        The whole body is replaced if it cannot be searched, or if it contains a name but nothing
        tells which values belong to it. This is logged the first time.
        """
        try:
            return self._search.of_body(body)
        except Exception as error:  # noqa: BLE001 - a body is any object of the user's
            self._report_refused(error)
            return REDACTED

    def _report_refused(self, error: Exception) -> None:
        if not self._has_refused:
            self._has_refused = True
            # Any other error's message could contain a part of the body.
            reason = str(error) if isinstance(error, UnsearchableError) else type(error).__name__
            _logger.warning(
                "boxkite log: a request body was left out because it cannot be redacted: %s. This "
                "is said once.",
                reason,
            )

    def _by_name(self, row: Row | None, variables: Sequence[Variable]) -> Row | None:
        if not isinstance(row, dict):
            return None
        known = {each.name: each for each in variables}
        others = self._others({name: row[name] for name in row if name not in known})
        return {
            name: others[name] if name in others else self._value(each, known[name])
            for name, each in row.items()
        }

    def _others(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that the baseline does not have, without the named values."""
        try:
            kept: object = self._search.of_value(fields) if fields else fields
        except Exception:  # noqa: BLE001 - a value is any object of the user's
            kept = REDACTED
        return kept if is_dict(kept) else dict.fromkeys(fields, REDACTED)

    def _by_position(self, row: list[Any], variables: Sequence[Variable]) -> list[Any]:
        if len(row) != len(variables):
            return _replaced(row, variables)
        return [self._value(value, each) for each, value in zip(variables, row, strict=True)]

    def _value(self, value: Any, variable: Variable) -> Any:
        """Return a variable's value, or its mark if the whole value must be redacted."""
        if self._named[variable.name]:
            return mark_of(variable, value)
        kept = self._nameless(value)
        # Training counted such an object by its text. The search turned it into a mapping, which
        # would count as invalid, so a mark replaces it.
        unfolded = isinstance(kept, dict) and not isinstance(value, Mapping)
        return mark_of(variable, value) if kept is REDACTED or unfolded else kept

    def _nameless(self, value: Any) -> Any:
        """Return a value whose own name is not redacted, without the named values inside it."""
        if type(value) in SCALARS:
            return value
        try:
            return self._search.of_value(value)
        except Exception:  # noqa: BLE001 - a value is any object of the user's
            return REDACTED

    def _names_lost(self, given: Any) -> bool:
        """Return whether an output has names and one of them must be redacted."""
        if given is None or isinstance(given, str | bytes | int | float | list):
            return False
        try:
            named = given._asdict() if hasattr(given, "_asdict") else plain_row(given)
        except Exception:  # noqa: BLE001 - an output is any object of the user's
            return False
        return isinstance(named, dict) and any(map(self._search.finds, named))


def _feature(features: Row | None, column: SegmentColumn, place: int | None) -> Any:
    if isinstance(features, dict):
        return features.get(column.name)
    return features[place] if features and place is not None and place < len(features) else None


def _replaced(row: list[Any], variables: Sequence[Variable]) -> list[Any]:
    """Return a row without any of its values. They still count if the row fits the variables."""
    if len(row) != len(variables):
        return [REDACTED] * len(row)
    return [mark_of(each, value) for each, value in zip(variables, row, strict=True)]


def shown(row: Any) -> Any:
    """Return a row as the log shows it, with `[redacted]` instead of each mark."""
    if isinstance(row, list) and Mark in map(type, row):
        return [REDACTED if type(each) is Mark else each for each in row]
    if isinstance(row, dict) and Mark in map(type, row.values()):
        return {name: REDACTED if type(each) is Mark else each for name, each in row.items()}
    return row
