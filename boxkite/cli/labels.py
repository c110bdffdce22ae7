"""A table of labels: the true outcome of each prediction, by the prediction's id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from boxkite.baseline.row_labels import row_values
from boxkite.baseline.values import is_missing, to_category
from boxkite.cli.group import print_message
from boxkite.errors import BaselineError

__all__ = ["Labels", "entity_of", "id_column"]

_IDS = ("prediction_id", "entity_id")
_PREDICTION_ID = re.compile(r".*/[0-9]{4}-[0-9]{2}-[0-9]{2}T[^/]*/([^/]+)", re.DOTALL)


def id_column(columns: Sequence[str], given: str | None, table: object = "the table") -> str:
    """Return the column of ids: the given one, or else `prediction_id` or `entity_id`.

    Args:
        columns: Names of the table's columns.
        given: Name that the user gave; None for the default.
        table: Name of the table, for messages.

    Raises:
        BaselineError: If there is no such column.
    """
    names = _IDS if given is None else (given,)
    found = next((each for each in names if each in columns), None)
    if found is None:
        raise BaselineError(
            f"{table} has no column {' or '.join(map(repr, names))}; it has "
            f"{', '.join(map(repr, columns))}. Name the column of ids with --id"
        )
    return found


def entity_of(identifier: Any) -> str:
    """Return the entity id of an id, which is the last part of a prediction id.

    Any other id stands for itself. Numbers of all types are equal to their texts, because a Parquet
    file may hold 17 where a CSV file has 17.0 or "17".
    """
    try:
        text = to_category(identifier) or ""
    except ValueError:
        text = str(identifier)
    found = _PREDICTION_ID.fullmatch(text)
    return text if found is None else found[1]


@dataclass(frozen=True)
class Labels:
    """Outcomes by the entity id of their prediction, each once.

    Attributes:
        outcomes: Outcome of each labelled prediction, by entity id.
        rows: Number of rows in the table.
        repeated: Rows that repeat the outcome of an earlier row.
        corrected: Rows that an outcome of a later row replaces.
        incomplete: Rows without an id or without an outcome.
    """

    outcomes: dict[str, Any]
    rows: int
    repeated: int
    corrected: int
    incomplete: int

    @classmethod
    def of(cls, ids: Any, outcomes: Any, times: Any = None) -> Labels:
        """Collect the rows of a table.

        If a prediction has several outcomes, the latest one counts. Without times, or if they are
        equal, it is the one that comes last in the table.

        Args:
            ids: Prediction id or entity id of each row. A prediction id ends with the entity id.
            outcomes: Outcome of each row.
            times: When each row was made; None if the table does not say.
        """
        rows = list(zip(row_values(ids), row_values(outcomes), strict=True))
        if times is not None:
            moments = row_values(times)
            known = [row for row in range(len(rows)) if not is_missing(moments[row])]
            if len(known) < len(rows):
                print_message(f"{len(rows) - len(known):,} labels have no time and come first")
            unknown = [row for row in range(len(rows)) if is_missing(moments[row])]
            order = [*unknown, *sorted(known, key=moments.__getitem__)]
            rows = [rows[row] for row in order]
        found: dict[str, Any] = {}
        repeated = corrected = incomplete = 0
        for identifier, outcome in rows:
            if is_missing(identifier) or is_missing(outcome):
                incomplete += 1
                continue
            entity = entity_of(identifier)
            if entity in found:
                repeated += found[entity] == outcome
                corrected += found[entity] != outcome
            found[entity] = outcome
        return cls(found, len(rows), repeated, corrected, incomplete)
