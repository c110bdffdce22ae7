"""Keeps the values of named fields out of the journal, and thereby out of the log."""

# Values here are any objects of the user's. After `isinstance`, pyright calls their type parameters
# unknown. Type guards would tell it, at the price of a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boxkite.baseline import Baseline, Variable
from boxkite.live.field_search import REDACTED, SCALARS, FieldSearch
from boxkite.live.fold import mark_of
from boxkite.live.record import Mark
from boxkite.live.row import Row, plain_row

__all__ = ["REDACTED", "Redaction", "shown"]


class Redaction:
    """Replaces the values of fields by name, in the request, before the record is written.

    A value of one of the baseline's variables is still counted: in its place stands a `Mark` with
    the cell that it falls into. Everything else becomes the text `[redacted]`. What counts as
    being under a name is told by `FieldSearch`.

    Args:
        names: of features, outputs and keys at any depth, in any case.
        baseline: tells the places of named features and outputs in a positional row.
    """

    def __init__(self, names: Sequence[str], baseline: Baseline) -> None:
        self._features = baseline.features
        self._outputs = baseline.outputs
        self._has_baseline = bool(baseline.variables)
        self._search = FieldSearch(names, [each.name for each in baseline.features])
        self._named = {each.name: self._search.finds(each.name) for each in baseline.variables}

    def row(self, features: Row | None) -> Row | None:
        """Return a row of features without the named values.

        A positional row that does not fit the baseline's features, as where there is no
        baseline, loses all of its values: nothing tells which of them are named.
        """
        if isinstance(features, list):
            return self._by_position(features, self._features)
        return self._by_name(features, self._features)

    def output(self, output: Row | None, given: Any = None) -> Row | None:
        """Return a row of outputs without the named values.

        Args:
            output: as it is to be journalled.
            given: what the row was made of, as its names may be lost in the row.
        """
        if not isinstance(output, list):
            return self._by_name(output, self._outputs)
        if self._names_lost(given):
            return _replaced(output, self._outputs)
        if self._has_baseline and not self._outputs:
            return [self._value("", each, None) for each in output]  # it has no name
        return self._by_position(output, self._outputs)

    def body(self, body: Any) -> Any:
        """Return a request body without the named values; text and bytes are read as JSON.

        Text that is no JSON cannot be searched, and is replaced as a whole.
        """
        try:
            return self._search.of_body(body)
        except Exception:  # noqa: BLE001 - a body is any object of the user's
            return REDACTED

    def _by_name(self, row: Row | None, variables: Sequence[Variable]) -> Row | None:
        if not isinstance(row, dict):
            return None
        known = {each.name: each for each in variables}
        return {name: self._value(name, each, known.get(name)) for name, each in row.items()}

    def _by_position(self, row: list[Any], variables: Sequence[Variable]) -> list[Any]:
        if len(row) != len(variables):
            return _replaced(row, variables)
        return [
            self._value(each.name, value, each) for each, value in zip(variables, row, strict=True)
        ]

    def _value(self, name: str, value: Any, variable: Variable | None) -> Any:
        """Return a value of a row, or what stands in its place where it has to go as a whole."""
        named = self._named.get(name)
        if named is None:
            named = self._search.finds(name)
        if not named and type(value) in SCALARS:
            return value
        try:
            kept = REDACTED if named else self._search.of_value(value)
        except Exception:  # noqa: BLE001 - a value is any object of the user's
            kept = REDACTED
        # What has become a mapping only now would be counted as text, by which training knows it.
        unfolded = isinstance(kept, dict) and not isinstance(value, Mapping)
        if variable is None or not (kept is REDACTED or unfolded):
            return kept
        return mark_of(variable, value)

    def _names_lost(self, given: Any) -> bool:
        """Tell whether an output came by name, with one of ours among the names."""
        if given is None or isinstance(given, str | bytes | int | float | list):
            return False
        try:
            named = given._asdict() if hasattr(given, "_asdict") else plain_row(given)
        except Exception:  # noqa: BLE001 - an output is any object of the user's
            return False
        return isinstance(named, dict) and any(map(self._search.finds, named))


def _replaced(row: list[Any], variables: Sequence[Variable]) -> list[Any]:
    """Return a row without any of its values, counted where they fit the variables."""
    if len(row) != len(variables):
        return [REDACTED] * len(row)
    return [mark_of(each, value) for each, value in zip(variables, row, strict=True)]


def shown(row: Any) -> Any:
    """Return a row as the log shows it: `[redacted]` in the place of each mark."""
    if isinstance(row, list) and Mark in map(type, row):
        return [REDACTED if type(each) is Mark else each for each in row]
    if isinstance(row, dict) and Mark in map(type, row.values()):
        return {name: REDACTED if type(each) is Mark else each for name, each in row.items()}
    return row
