"""Folds records into counts, many at once: a variable's column a time, not a value a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, CategoryVariable, Variable
from boxkite.baseline.tally import Tally, tally_labels, tally_numbers
from boxkite.baseline.values import to_category, to_number
from boxkite.cooperation import cooperatively
from boxkite.live.counts import Counts
from boxkite.live.record import Record, decode, is_logged

__all__ = ["fold", "fold_encoded"]

Floats: TypeAlias = NDArray[np.float64]

# Stands for each value of a row that does not fit: no number, and no label.
_INVALID: dict[str, Any] = {}


def fold(baseline: Baseline, records: Sequence[Record], counts: Counts) -> None:
    """Add the records to the counts: each leaves one mark on each variable.

    A row that does not fit, as one of a wrong length, counts as invalid for each of its
    variables; a name that is absent counts as missing.
    """
    if not records:
        return
    features = _columns([record.features for record in records], baseline.features)
    outputs = _columns([record.output for record in records], baseline.outputs)
    place = {(each.role, each.name): i for i, each in enumerate(baseline.variables)}
    for variable, column in cooperatively(chain(features, outputs)):
        counts.add_tally(place[variable.role, variable.name], _tally(variable, column))
    counts.predictions += len(records)


def fold_encoded(baseline: Baseline, contents: Sequence[bytes], counts: Counts) -> None:
    """Add encoded records to the counts; one that cannot be read counts as invalid throughout."""
    part = Counts.zero(baseline)
    try:
        records = [decode(content) for content in cooperatively(contents)]
        fold(baseline, records, part)
        part.add_log(accepted=sum(record.logged for record in records))
    except Exception:  # noqa: BLE001 - records hold any values; one must not block the others
        if len(contents) > 1:
            for content in contents:
                fold_encoded(baseline, [content], counts)
            return
        part = Counts.zero(baseline)
        fold(baseline, [Record("", 0, None, None)], part)
        part.add_log(accepted=is_logged(contents[0]))
    counts.add(part)


def _columns(
    rows: Sequence[Any], variables: Sequence[Variable]
) -> Iterator[tuple[Variable, list[Any]]]:
    """Turn rows, by position or by name, into one column a variable."""
    names = [variable.name for variable in variables]
    width = len(names)
    aligned = [_aligned(row, names, width) for row in rows]
    for variable, column in zip(variables, zip(*aligned, strict=True), strict=True):
        yield variable, list(column)


def _aligned(row: Any, names: Sequence[str], width: int) -> Sequence[Any]:
    if isinstance(row, list) and len(row) == width:
        return row
    if isinstance(row, dict):
        return [row.get(name) for name in names]
    return [_INVALID] * width


def _tally(variable: Variable, column: list[Any]) -> Tally:
    if isinstance(variable, CategoryVariable):
        return _tally_categories(variable, column)
    numbers = _fast_numbers(column)
    if numbers is not None:
        return tally_numbers(variable, numbers)
    valid: list[float] = []
    for value in column:
        try:
            valid.append(to_number(value))
        except ValueError:
            continue
    floats = np.array(valid, dtype=np.float64)
    return tally_numbers(variable, floats, invalid=len(column) - len(valid))


def _fast_numbers(column: list[Any]) -> Floats | None:
    """Return a column of plain numbers and None as floats; None if it holds anything else."""
    if not set(map(type, column)) <= _PLAIN:
        return None
    return np.array(column, dtype=np.float64)


_PLAIN = {float, int, bool, type(None)}


def _tally_categories(variable: CategoryVariable, column: list[Any]) -> Tally:
    labels: Counter[str] = Counter()
    missing = invalid = 0
    if set(map(type, column)) <= {str}:
        labels.update(column)
    else:
        for value in column:
            try:
                label = to_category(value)
            except ValueError:
                invalid += 1
                continue
            if label is None:
                missing += 1
            else:
                labels[label] += 1
    return tally_labels(variable, labels, missing, invalid)
