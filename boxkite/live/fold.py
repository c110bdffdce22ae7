"""Fold many records into counts at once: one variable's column at a time, not value by value."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, CategoryVariable, Variable
from boxkite.baseline.tally import Tally, tally_labels, tally_numbers
from boxkite.baseline.values import to_category, to_number
from boxkite.live.counts import Counts
from boxkite.live.outcomes.outcome_record import is_outcome
from boxkite.live.packed import packed_records
from boxkite.live.record import Mark, Record, decode, is_logged, plain
from boxkite.system.cooperation import cooperatively

__all__ = ["fold", "fold_encoded", "mark_of"]

Floats: TypeAlias = NDArray[np.float64]

# Stands for each value of a row that does not fit. It is neither a number nor a label.
_INVALID: dict[str, Any] = {}


def fold(
    baseline: Baseline,
    records: Sequence[Record],
    counts: Counts,
    examples: dict[int, str] | None = None,
) -> None:
    """Add records to counts. Each record adds exactly one to each variable.

    If a row does not fit, for example because of its length, each of its variables counts as
    invalid. A name that is absent counts as missing.

    Args:
        baseline: the baseline of the counts.
        records: the records.
        counts: the counts to add to.
        examples: gets the type of an invalid value, by the variable's index.
    """
    if records:
        features = _columns([record.features for record in records], baseline.features)
        _fold_columns(baseline, features, [record.output for record in records], counts, examples)


def _fold_columns(
    baseline: Baseline,
    features: Iterable[tuple[Variable, list[Any] | Floats]],
    outputs: Sequence[Any],
    counts: Counts,
    examples: dict[int, str] | None,
) -> None:
    columns = chain(features, _columns(outputs, baseline.outputs))
    place = {(each.role, each.name): i for i, each in enumerate(baseline.variables)}
    for variable, column in cooperatively(columns):
        tally, index = _tally(variable, column), place[variable.role, variable.name]
        counts.add_tally(index, tally)
        if tally.invalid and examples is not None:
            example = _invalid_example(variable, column)
            examples.update({} if example is None else {index: example})
    counts.predictions += len(outputs)


def fold_encoded(
    baseline: Baseline,
    contents: Sequence[bytes],
    counts: Counts,
    examples: dict[int, str] | None = None,
) -> None:
    """Add encoded records to counts, see `fold`. Labels are left out.

    All variables of an unreadable record count as invalid.
    """
    if not contents:
        return
    part = Counts.zero(baseline)
    try:
        packed = packed_records(contents, len(baseline.features))
        if packed.outputs:
            matrix = baseline.feature_matrix
            part.add_matrix(matrix, matrix.tally(packed.features))
            rest = ((baseline.features[i], packed.features[:, i]) for i in matrix.others)
            _fold_columns(baseline, rest, packed.outputs, part, examples)
        records = [
            decode(content) for content in cooperatively(packed.others) if not is_outcome(content)
        ]
        fold(baseline, records, part, examples)
        part.add_log(accepted=packed.logged + sum(record.logged for record in records))
    except Exception:  # noqa: BLE001 - records hold any values; one must not block the others
        # Nothing was added to `counts` yet. Fold the records one by one to find the bad one.
        if len(contents) > 1:
            for content in contents:
                fold_encoded(baseline, [content], counts, examples)
            return
        if is_outcome(contents[0]):
            return
        part = Counts.zero(baseline)
        fold(baseline, [Record("", 0, None, None)], part)
        part.add_log(accepted=is_logged(contents[0]))
    counts.add(part)


def mark_of(variable: Variable, value: Any) -> Mark:
    """Return a mark that counts in the same cell as a value, to replace the value.

    The value itself is lost, so it does not add to the variable's sum.
    """
    try:
        tally = _tally_values(variable, plain([value]))
    except Exception:  # noqa: BLE001 - a value is any object of the user's
        return Mark(Mark.INVALID)
    if tally.rows:
        return Mark(int(tally.cells.argmax()), bool(tally.outside))
    return Mark(Mark.MISSING if tally.missing else Mark.INVALID)


def _columns(
    rows: Sequence[Any], variables: Sequence[Variable]
) -> Iterator[tuple[Variable, list[Any]]]:
    """Turn rows, by position or by name, into one column per variable."""
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


def _tally(variable: Variable, column: list[Any] | Floats) -> Tally:
    if not isinstance(column, np.ndarray):
        return _tally_values(variable, column)
    if isinstance(variable, CategoryVariable):
        return _tally_values(variable, column.tolist())
    return tally_numbers(variable, column)


def _tally_values(variable: Variable, column: list[Any]) -> Tally:
    kinds = set(map(type, column))
    if Mark in kinds:
        return _tally_marked(variable, column)
    if isinstance(variable, CategoryVariable):
        return _tally_categories(variable, column, kinds)
    if kinds <= _PLAIN:
        return tally_numbers(variable, np.array(column, dtype=np.float64))
    valid: list[float] = []
    for value in column:
        try:
            valid.append(to_number(value))
        except ValueError:
            continue
    floats = np.array(valid, dtype=np.float64)
    return tally_numbers(variable, floats, invalid=len(column) - len(valid))


_PLAIN = {float, int, bool, type(None)}


def _invalid_example(variable: Variable, column: Iterable[Any]) -> str | None:
    """Return the type of the first invalid value, but not of a row that does not fit."""
    convert: Any = to_category if isinstance(variable, CategoryVariable) else to_number
    for value in column:
        if type(value) is Mark:
            if value.cell == Mark.INVALID:
                return "a redacted value"
        elif value is not _INVALID:
            try:
                convert(value)
            except ValueError:
                return _type_of(value)
    return None


def _type_of(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, dict) and list(value) == ["unsupported"]:
        kind = str(value["unsupported"])  # the request has written the name of an object's type
    return _TYPES.get(kind, kind)


_TYPES = {"str": "text", "list": "a list", "dict": "an object", "bool": "a boolean"}


def _tally_marked(variable: Variable, column: list[Any]) -> Tally:
    """Count values, and the marks that replace redacted values. Only values add to the sum."""
    rest = _tally_values(variable, [each for each in column if type(each) is not Mark])
    cells = rest.cells.copy()
    missing, invalid = rest.missing, rest.invalid
    outside = rest.outside
    marks = Counter(each for each in column if type(each) is Mark)
    for mark, rows in marks.items():
        if 0 <= mark.cell < len(cells):
            cells[mark.cell] += rows
            outside += rows * mark.outside
        elif mark.cell == Mark.MISSING:
            missing += rows
        else:
            invalid += rows
    return Tally(cells, missing, invalid, outside, rest.sum)


def _tally_categories(
    variable: CategoryVariable, column: list[Any], kinds: set[type[Any]]
) -> Tally:
    labels: Counter[str] = Counter()
    missing = invalid = 0
    if kinds <= {str}:
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
